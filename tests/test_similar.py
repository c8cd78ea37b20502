"""Papers like a paper, a file, a mistyped word: what is found, and that it stays as it was without an encoder."""

from pathlib import Path
from typing import Any

import pytest

from kb.errors import KbError
from kb.index import meaning as encoding
from kb.index.query import parse_query
from kb.search.find import search
from kb.search.similar import similar
from kb.search.spelling import corrections

TOPICS = {
    "codecs": (
        "residual quantizers compress speech",
        "codebooks of residual quantizers",
        "quantizers in a speech codec",
    ),
    "trees": ("search over a reasoning tree", "reasoning steps and their reward", "a tree of reasoning with reward"),
    "violins": ("violins in the orchestra", "strings of violins and bows", "an orchestra of strings"),
}


@pytest.fixture
def topics(empty_kb: Any) -> Any:
    for month, (topic, bodies) in enumerate(TOPICS.items(), 1):
        entries = [f"**《{topic} {number}》** X，k\n\n{body}\n" for number, body in enumerate(bodies, 1)]
        empty_kb.write(f"2024-0{month}.md", "\n".join(entries))
    empty_kb.refresh()
    return empty_kb


def like(kb: Any, name: str, encoder: Any = None) -> list[str]:
    reader = kb.reader()
    paper = reader.papers.named(name)[0]
    texts = [f"{paper.title}\n{passage.text}" for passage in reader.passages.of(paper.key)]
    return [hit.paper.title for hit in similar(kb.config, reader, texts, 2, encoder, without=paper.key).hits]


@pytest.mark.parametrize("topic", TOPICS)
def test_the_papers_most_like_one_are_those_of_its_topic(topics: Any, topic: str, encoder: Any) -> None:
    encoding.encode_missing(topics.config, encoder)
    for given in (None, encoder):
        assert set(like(topics, f"{topic} 1", given)) == {f"{topic} 2", f"{topic} 3"}


def test_meaning_takes_part_where_passages_are_encoded_and_says_so_where_not(topics: Any, encoder: Any) -> None:
    reader = topics.reader()
    answer = similar(topics.config, reader, ["violins"], 0, encoder)
    assert answer.retrievers == ("words",)
    assert answer.notice
    assert answer.notice.startswith("comparing by words only: no passage has an embedding")
    encoding.encode_missing(topics.config, encoder)
    answer = similar(topics.config, topics.reader(), ["violins"], 0, encoder)
    assert answer.retrievers == ("words", "meaning")
    assert {reason.retriever for hit in answer.hits for reason in hit.reasons} == {"words", "meaning"}


def test_a_paper_is_not_like_itself_but_like_its_copy_in_a_file(topics: Any, tmp_path: Path) -> None:
    draft = tmp_path / "draft.md"
    draft.write_text("# A draft\n\nreasoning steps and their reward\n", encoding="utf-8")
    found = topics.json("search", "--similar-to", str(draft))["hits"]
    assert found[0]["paper"]["title"] == "trees 2"
    assert "trees 2" not in like(topics, "trees 2")


def test_fields_narrow_what_is_compared_and_words_do_not_go_with_it(topics: Any, tmp_path: Path) -> None:
    draft = tmp_path / "draft.txt"
    draft.write_text("violins, strings and a codec with quantizers", encoding="utf-8")
    found = topics.json("search", "--similar-to", str(draft), "month:2024-01")["hits"]
    assert {hit["paper"]["month"] for hit in found} == {"2024-01"}
    with pytest.raises(KbError, match="only fields such as month:2024"):
        similar(topics.config, topics.reader(), ["violins"], 0, None, narrowed="violins")


@pytest.mark.parametrize(("data", "reason"), [(b"", "holds no text"), (None, "cannot be read"), (b"\xff\xfe\x00", "")])
def test_a_file_that_cannot_be_compared_is_one_line(
    topics: Any, tmp_path: Path, data: bytes | None, reason: str
) -> None:
    path = tmp_path / "draft.txt"
    if data is not None:
        path.write_bytes(data)
    result = topics.run("search", "--similar-to", str(path))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {path}")
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_paper_called_exactly_so_comes_before_papers_that_say_it_more_often(empty_kb: Any) -> None:
    empty_kb.write(
        "a.md", "**《Moshi》** X，k\n\nshort\n\n**《Moshi, Moshi: All of Moshi》** X，moshi\n\nMoshi Moshi Moshi\n"
    )
    empty_kb.refresh()
    for text in ("moshi", "ＭＯＳＨＩ", '"Moshi"', "moshi -codec"):
        hit = search(empty_kb.config, empty_kb.reader(), text, 1, None).hits[0]
        assert (hit.paper.title, hit.reasons[0].retriever) == ("Moshi", "name"), text
    assert (
        search(empty_kb.config, empty_kb.reader(), "moshi title:all", 1, None).hits[0].paper.title.startswith("Moshi,")
    )


@pytest.mark.parametrize(
    "text", ["2410.00037", "arXiv:2410.00037v2", "https://arxiv.org/abs/2410.00037", "2024-10/tinycodec"]
)
def test_an_id_finds_its_paper_first(kb: Any, text: str) -> None:
    kb.refresh()
    hit = search(kb.config, kb.reader(), text, 1, None).hits[0]
    assert (hit.paper.id, hit.reasons[0].retriever) == ("2024-10/tinycodec", "name")


def test_a_mistyped_word_is_looked_for_when_asked_to_and_offered_when_not(kb: Any) -> None:
    kb.refresh()
    assert search(kb.config, kb.reader(), "TinyCodek", 5, None).hits == ()
    answer = search(kb.config, kb.reader(), "TinyCodek", 5, None, is_fuzzy=True)
    assert answer.hits[0].paper.title.startswith("TinyCodec")
    assert [(one.word, "tinycodec" in one.names) for one in answer.meanings] == [("tinycodek", True)]
    result = kb.run("search", "TinyCodek")
    assert "no paper holds tinycodek; --fuzzy looks for tinycodec" in result.stderr
    assert "TinyCodec" in kb.run("search", "TinyCodek", "--fuzzy").stdout


def test_words_that_stand_in_a_paper_are_left_as_they_are(kb: Any) -> None:
    kb.refresh()
    assert corrections(kb.reader(), parse_query("codec models trained 声调 xyzzy 12")) == ()
