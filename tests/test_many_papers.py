"""What only shows where there are many papers: limits of rankings, frequent words, keys that many papers would have."""

from typing import Any

import pytest

from kb.exchange.export.works import works
from kb.index import meaning, refresh
from kb.index.query import parse_query
from kb.index.refresh import bring_in
from kb.index.sqlite.passages import PassageRow
from kb.notes.folders import find_changes
from kb.search import nearest_papers
from kb.search.alike_titles import related
from kb.search.fusion import fuse
from kb.search.highlight import best_passage
from kb.search.relevance import CUT, LEAST, hits_end, in_order
from kb.terms import terms
from tests.conftest import HashEncoder, Kb


def test_a_paper_far_in_meaning_is_found_by_words_alone() -> None:
    likely = {1: LEAST + 0.01, 2: LEAST - 0.01}
    fused = fuse({}, {1: 0.4, 2: 0.1})

    assert in_order([], fused, {}, likely) == [1]
    assert in_order([], fused, {2: 3.0}, likely) == [1, 2]
    assert in_order([2], fused, {}, likely) == [2, 1]


def test_hits_end_with_the_last_one_that_is_likely() -> None:
    likely = {1: CUT - 0.1, 2: CUT, 3: CUT - 0.1, 4: 0.0}

    assert hits_end([1, 2, 3, 4], likely, CUT) == 2
    assert hits_end([1, 3, 4], likely, CUT) == 0
    assert hits_end([1, 2, 3, 4], likely, 0.0) == 4


def test_meaning_says_nothing_against_a_paper_that_it_has_not_read() -> None:
    words = {1: 9.0, 2: 8.0, 3: 7.0, 4: 6.0}
    meaning = {2: 0.3, 3: 0.5, 4: 0.4, **dict.fromkeys(range(5, 40), 0.1)}

    without = list(fuse(words, meaning))
    read = list(fuse(words, meaning, {1}))
    assert without[0] == 3
    assert read.index(1) < without.index(1)
    assert list(fuse(words, {5: 0.3}, {1, 2, 3, 4}))[:4] == [1, 2, 3, 4]


def test_the_passage_shown_is_the_one_with_most_of_the_query(many_papers: Kb) -> None:
    reader, query = many_papers.reader(), parse_query("声学延迟 码本")
    for row in reader.listed(query)[:50]:
        passages = reader.passages.of(row.key)
        best = best_passage(query, passages)
        assert best
        for passage in passages:
            assert _words_in(best, "声学延迟", "码本") >= _words_in(passage, "声学延迟", "码本")


def test_of_passages_with_as_many_words_the_one_side_by_side_is_shown() -> None:
    apart = PassageRow(1, 1, "", "flow and then matching")
    beside = PassageRow(2, 5, "", "with flow matching")
    for passages in ([apart, beside], [beside, apart]):
        assert best_passage(parse_query("flow matching"), passages) == beside


def test_a_search_encodes_few_passages_itself_and_says_when_more_are_left(
    kb: Kb, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kb.root / "kb.toml").write_text('encoder = "minilm"\n', encoding="utf-8")
    monkeypatch.setattr(refresh, "open_encoder", lambda *_: encoder)
    monkeypatch.setattr(refresh, "ENCODED_ON_THE_WAY", 2)

    notices = bring_in(kb.config, find_changes(kb.config, {}), lambda *_: None)
    assert any("many passages have no embedding yet" in one for one in notices)
    assert not kb.reader().view.has_vectors(encoder.fingerprint)

    monkeypatch.setattr(refresh, "ENCODED_ON_THE_WAY", 100)
    assert bring_in(kb.config, find_changes(kb.config, {}), lambda *_: None) == ()
    assert kb.reader().view.has_vectors(encoder.fingerprint)


def test_meaning_names_no_more_papers_than_a_ranking_is_deep(
    kb: Kb, encoder: HashEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb.refresh()
    meaning.encode_missing(kb.config, encoder)
    vector = encoder.encode_query("codec")
    every = nearest_papers.nearest_papers(kb.config, kb.reader(), encoder, vector, None)
    monkeypatch.setattr(nearest_papers, "DEPTH", 2)
    few = nearest_papers.nearest_papers(kb.config, kb.reader(), encoder, vector, None)

    assert len(every.cosines) > 2
    assert list(few.cosines) == list(every.cosines)[:2]


def test_of_papers_that_would_have_one_key_the_one_noted_first_has_it(empty_kb: Any) -> None:
    noted = (("2024-08", "One"), ("2023-01", "Two"), ("2025-03", "Three"), ("2025-06", "Two"))  # which is read again
    for month, name in noted:
        first = next(one for one, other in noted if other == name)
        empty_kb.write(
            f"{month}.md",
            f"**《Zephyr: {name}》** X，k\n\n- Authors: Ann One\n- Venue: ACL 2022\n"
            f"- arXiv: {first[2:4]}{first[5:]}.10001\n",
        )
    empty_kb.refresh()
    keys = {work.paper.title: work.key for work in works(empty_kb.reader(), parse_query(""))}

    assert [keys[f"Zephyr: {name}"] for name in ("Two", "One", "Three")] == [
        "one2022zephyr",
        "one2022zephyrb",
        "one2022zephyrc",
    ]


def test_a_word_that_very_many_papers_are_called_by_makes_none_alike(many_papers: Kb) -> None:
    reader = many_papers.reader()
    rows = reader.listed(parse_query(""))
    names = {row.key: set(terms(f"{row.title} {row.keywords}")) for row in rows}
    frequent = {
        term for term in set.union(*names.values()) if sum(term in one for one in names.values()) > len(rows) / 10
    }

    assert frequent & {"codec", "flow", "streaming"}
    for paper, others in zip(rows[:40], related(reader, rows[:40], 10).values(), strict=True):
        for other, _ in others:
            assert (names[paper.key] & names[other.key]) - frequent


def _words_in(passage: PassageRow, *words: str) -> int:
    return sum(word in passage.text for word in words)
