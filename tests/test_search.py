from typing import Any

import numpy
import pytest

from kb.index import meaning as encoding
from kb.index.query import parse_query
from kb.search.alike_titles import related
from kb.search.find import search
from kb.search.fusion import DEPTH, MEANING_WEIGHT


def found(kb: Any, text: str) -> set[str]:
    reader = kb.reader()
    return {reader.papers.rows([key])[0].id.split("/")[1] for key, _ in reader.match(parse_query(text)).scores}


@pytest.fixture
def indexed(kb: Any) -> Any:
    kb.refresh()
    return kb


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("声调", {"do-units-keep-tone"}),
        ("调", {"do-units-keep-tone"}),
        ("量化", {"tinycodec"}),
        ("models", {"do-units-keep-tone"}),
        ("model", {"do-units-keep-tone"}),
        ('"model"', set()),
        ('"models"', {"do-units-keep-tone"}),
        ('"models trained"', {"do-units-keep-tone"}),
        ('"trained models"', set()),
        ("tone", {"do-units-keep-tone"}),
        ("ＲＶＱ", {"tinycodec", "oldcodec"}),
        ("12.5Hz", {"oldcodec"}),
        ("codec -RVQ", set()),
        ("codec -残差", {"oldcodec"}),
        ('speech -"speech codec"', set()),
        ('"RVQ" -month:2024-10', {"oldcodec"}),
        ("org:Meta", {"oldcodec"}),
        ("org:CMU", {"prompt-search"}),
        ('tag:"speech codec"', {"tinycodec", "oldcodec"}),
        ("section:LLM", {"prompt-search"}),
        ("month:2024-08", {"oldcodec"}),
        ("month:2024-08..2024-09", {"oldcodec"}),
        ("month:2024 tag:搜索", {"prompt-search"}),
        ("has:code", {"tinycodec"}),
        ("has:figure", {"tinycodec"}),
        ("kind:paper", {"prompt-search", "tinycodec", "do-units-keep-tone", "oldcodec"}),
        ("kind:lecture", set()),
        ("title:tone", {"do-units-keep-tone"}),
        ("不在这里的词组", set()),
        ("Speech", {"tinycodec", "oldcodec"}),
        ("…", set()),
    ],
)
def test_a_query_finds_these_and_no_others(indexed: Any, text: str, ids: set[str]) -> None:
    assert found(indexed, text) == ids


def test_a_section_is_no_text_of_the_paper(indexed: Any) -> None:
    assert "do-units-keep-tone" not in found(indexed, "speech")
    assert "do-units-keep-tone" in found(indexed, "section:speech")


def test_what_a_paper_is_called_counts_more_than_what_it_mentions(empty_kb: Any) -> None:
    empty_kb.write("a.md", "**《About Delay》** X，k\n\nshort\n\n**《Other》** X，k\n\ndelay delay delay delay delay\n")
    empty_kb.refresh()
    reader = empty_kb.reader()
    best, _ = reader.match(parse_query("delay")).scores[0]
    assert reader.papers.rows([best])[0].title == "About Delay"


def test_a_hit_points_to_the_line_of_the_match_and_marks_it(indexed: Any) -> None:
    hit = search(indexed.config, indexed.reader(), "错开", 1, None).hits[0]
    line = (indexed.notes / hit.paper.file).read_text("utf-8").splitlines()[hit.line - 1]

    assert "错开" in line
    assert [hit.text[start:end] for start, end in hit.marks] == ["错开"]
    assert [(reason.retriever, reason.rank) for reason in hit.reasons] == [("words", 1)]


def test_without_plain_words_meaning_abstains(indexed: Any, encoder: Any) -> None:
    encoding.encode_missing(indexed.config, encoder)
    for text in ('"RVQ"', "org:Meta", '"RVQ" codec'):
        assert search(indexed.config, indexed.reader(), text, 5, encoder).retrievers == ("words",)
    assert search(indexed.config, indexed.reader(), "codec", 5, encoder).retrievers == ("words", "meaning")


def test_where_nothing_is_indexed_no_embedding_is_missing(empty_kb: Any, encoder: Any) -> None:
    empty_kb.refresh()
    assert search(empty_kb.config, empty_kb.reader(), "codec", 5, encoder).notice is None
    empty_kb.write("2024-10.md", "# A codec\n\ntext\n")
    empty_kb.refresh()
    assert "run: kb index" in str(search(empty_kb.config, empty_kb.reader(), "codec", 5, encoder).notice)


def test_hits_stand_in_the_order_of_the_weighted_sum_of_standard_scores(indexed: Any, encoder: Any) -> None:
    encoding.encode_missing(indexed.config, encoder)
    text = "models trained on tones keep more"
    hits = search(indexed.config, indexed.reader(), text, 0, encoder, min_score=0.0).hits
    given = [{reason.retriever: reason.score for reason in hit.reasons} for hit in hits]

    expected = numpy.zeros(len(hits))
    for name, weight in (("words", 1 - MEANING_WEIGHT), ("meaning", MEANING_WEIGHT)):
        known = [scores[name] for scores in given if name in scores]
        floor = 0 if name == "words" else min(known)
        field = numpy.array(known + [floor] * (DEPTH - len(known)))
        column = numpy.array([scores.get(name, floor) for scores in given])
        expected += weight * ((column - field.mean()) / field.std() - (floor - field.mean()) / field.std())
    assert list(expected) == sorted(expected, reverse=True)
    assert len(set(expected)) == len(expected) > 1
    assert hits[0].paper.title == "Do Units Keep Tone?"


def test_meaning_keeps_to_the_filters(indexed: Any, encoder: Any) -> None:
    encoding.encode_missing(indexed.config, encoder)
    answer = search(indexed.config, indexed.reader(), "speech codec RVQ month:2024-08", 0, encoder)
    assert {hit.paper.month for hit in answer.hits} == {"2024-08"}
    answer = search(indexed.config, indexed.reader(), "speech codec -RVQ", 0, encoder)
    assert {"tinycodec", "oldcodec"}.isdisjoint({hit.paper.id.split("/")[1] for hit in answer.hits})


def test_meaning_finds_a_month_that_is_far_from_what_is_asked(
    indexed: Any, encoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.search.nearest_papers.NEAREST_PASSAGES", 1)  # which is one of October
    encoding.encode_missing(indexed.config, encoder)
    hits = search(indexed.config, indexed.reader(), "units keep tones codec month:2024-08", 0, encoder).hits
    assert [(hit.paper.month, "meaning" in {one.retriever for one in hit.reasons}) for hit in hits] == [
        ("2024-08", True)
    ]


def test_only_new_text_is_encoded(indexed: Any, encoder: Any) -> None:
    assert encoding.encode_missing(indexed.config, encoder) == 5
    assert encoding.encode_missing(indexed.config, encoder) == 0
    text = (indexed.notes / "2024-08.md").read_text("utf-8")
    (indexed.notes / "2024-08.md").rename(indexed.notes / "renamed-2024-08.md")
    indexed.refresh()
    assert encoding.encode_missing(indexed.config, encoder) == 0
    assert not list(indexed.reader().passages.to_encode(encoder.fingerprint))
    indexed.write("renamed-2024-08.md", text.replace("更早", "最早"))
    indexed.refresh()
    assert encoding.encode_missing(indexed.config, encoder) == 1


def test_a_changed_note_leaves_no_vector_behind(indexed: Any, encoder: Any) -> None:
    encoding.encode_missing(indexed.config, encoder)
    (indexed.notes / "2024-10.md").unlink()
    indexed.refresh()
    answer = search(indexed.config, indexed.reader(), "speech codec", 0, encoder)
    assert [hit.paper.id for hit in answer.hits] == ["2024-08/oldcodec"]


def test_an_interrupted_encoding_goes_on_where_it_stopped(
    indexed: Any, encoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "TEXTS_AT_ONCE", 1)
    done = []

    def interrupt(what: str, count: int, total: int) -> None:
        done.append(count)
        if count == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encoding.encode_missing(indexed.config, encoder, interrupt)
    assert encoding.encode_missing(indexed.config, encoder) == 2


def test_related_papers_are_called_alike_and_can_be_earlier(indexed: Any) -> None:
    reader = indexed.reader()
    tiny, old = reader.papers.named("tinycodec")[0], reader.papers.named("oldcodec")[0]

    both = related(reader, [tiny, old], 3)
    assert [paper.id for paper, _ in both[tiny.key]] == ["2024-08/oldcodec"]
    assert [paper.id for paper, _ in both[old.key]] == ["2024-10/tinycodec"]
    assert [paper.id for paper, _ in related(reader, [tiny], 3, before="2024-10")[tiny.key]] == ["2024-08/oldcodec"]
    assert related(reader, [old], 3, before="2024-10")[old.key] == []


def test_a_paper_is_named_by_any_unique_part(indexed: Any) -> None:
    reader = indexed.reader()
    for name in ("tiny", "TinyCodec", "2024-10/tinycodec", "2410.00037", "A Small Speech"):
        assert [row.id for row in reader.papers.named(name)] == ["2024-10/tinycodec"], name
    assert len(reader.papers.named("codec")) == 2
    assert reader.papers.named("100%") == []


@pytest.fixture
def crowded(indexed: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A knowledge base in which two papers are very many."""
    monkeypatch.setattr("kb.search.find.MOST_RANKED", 1)
    monkeypatch.setattr("kb.index.sqlite.full_text.FEWEST_LEFT", 1)
    return indexed


@pytest.mark.parametrize(
    ("text", "ids", "is_narrowed"),
    [
        ("声学延迟 RVQ", ["tinycodec"], True),  # holds all
        ("绝无 tinycodec RVQ", ["tinycodec"], True),  # none holds all, one is called by a word
        ("声调", ["do-units-keep-tone"], False),  # one paper only
        ('"RVQ"', ["oldcodec", "tinycodec"], False),  # quoted: all of them
        ("RVQ month:2024", ["oldcodec", "tinycodec"], False),
        ("RVQ", ["oldcodec", "tinycodec"], False),  # nothing says more
    ],
)
def test_of_very_many_papers_those_that_say_more_are_ranked(
    crowded: Any, text: str, ids: list[str], is_narrowed: bool
) -> None:
    answer = search(crowded.config, crowded.reader(), text, 10, None)
    assert sorted(hit.paper.id.split("/")[1] for hit in answer.hits) == ids
    assert bool(answer.notice) == is_narrowed


def test_without_a_limit_none_of_very_many_papers_is_left_out(crowded: Any) -> None:
    answer = search(crowded.config, crowded.reader(), "声学延迟 RVQ", 0, None)
    assert {hit.paper.id.split("/")[1] for hit in answer.hits} == {"oldcodec", "tinycodec"}
    assert answer.notice is None
