"""`kb bench`: a user's own queries, judged."""

from pathlib import Path
from typing import Any

import pytest

from kb.index.sqlite.papers import PaperRow
from kb.search.judge import Judgment, judge


def paper(key: int) -> PaperRow:
    return PaperRow(key, f"p{key}", "f.md", 1, "t", None, "paper", None, "", "", "", None)


def test_recall_and_reciprocal_rank_of_a_worked_example() -> None:
    judgments = [
        Judgment("both, at 2 and 3", (paper(1), paper(2))),
        Judgment("one of two, at 1", (paper(3), paper(4))),
        Judgment("none", (paper(5),)),
        Judgment("too late", (paper(6),)),
        Judgment("for nothing, and silent", ()),
        Judgment("for nothing, and not silent", ()),
    ]
    hit, nearest = True, False
    ranked = {
        "both, at 2 and 3": {9: hit, 1: hit, 2: nearest},
        "one of two, at 1": {3: hit, 9: hit, 8: hit},
        "none": {},
        "too late": {7: hit, 8: hit, 9: hit, 6: hit},
        "for nothing, and silent": {7: nearest},
        "for nothing, and not silent": {7: hit},
    }
    verdict = judge(judgments, ranked.__getitem__, 3)

    assert verdict.hit_at_1 == pytest.approx(1 / 4)
    assert verdict.silent == pytest.approx(1 / 2)
    assert verdict.recall == pytest.approx((1 + 0.5 + 0 + 0) / 4)
    assert verdict.mrr == pytest.approx((1 / 2 + 1 + 0 + 0) / 4)
    assert [(one.found, one.rank, one.hits) for one in verdict.outcomes] == [
        (2, 2, 2),
        (1, 1, 3),
        (0, None, 0),
        (0, None, 3),
        (0, None, 0),
        (0, None, 1),
    ]


def write(folder: Path, text: str) -> str:
    path = folder / "queries.tsv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_queries_are_asked_as_a_search_would(kb: Any, tmp_path: Path) -> None:
    queries = write(tmp_path, "# mine\n声学延迟\ttinycodec\n\n提示词\tprompt-search\toldcodec\nRVQ\toldcodec\n")
    verdict = kb.json("bench", queries)
    assert [(one["query"], one["found"], one["wanted"]) for one in verdict["outcomes"]] == [
        ("声学延迟", 1, 1),
        ("提示词", 1, 2),
        ("RVQ", 1, 1),
    ]
    assert verdict["recall"] == pytest.approx(2.5 / 3)
    lines = kb.run("bench", queries).stdout.splitlines()
    assert lines[0].startswith("1\t1/1\t")
    assert lines[0].endswith("\t声学延迟")
    assert "  recall@10 0.833  MRR@10 " in lines[-1]
    assert "silent" not in lines[-1]
    assert "  silent 1.000  " in kb.run("bench", write(tmp_path, "nowhere_at_all\t-\nRVQ\toldcodec\n")).stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("声学延迟\n", "queries.tsv:1: should be a query, a tab and the papers"),
        ("声学延迟\t\n", "queries.tsv:1: should be a query, a tab and the papers"),
        (
            "\nRVQ\tcodec\n",
            "queries.tsv:2: 'codec' should name one paper, names 2: 2024-10/tinycodec, 2024-08/oldcodec; "
            "say more of the name",
        ),
        ("RVQ\tnowhere\n", "queries.tsv:1: no paper named 'nowhere'; look for it with: kb search nowhere"),
        ("# nothing\n", "queries.tsv: holds no query"),
    ],
)
def test_a_line_that_cannot_be_judged_is_named(kb: Any, tmp_path: Path, text: str, message: str) -> None:
    result = kb.run("bench", write(tmp_path, text))
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
