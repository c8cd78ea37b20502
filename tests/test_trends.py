"""Topics over months, and the pictures and bars they are shown as."""

from typing import Any

import pytest

from kb.errors import KbError
from kb.markup import pictures as showing
from kb.reports.periods import period
from kb.reports.trends import trends
from kb.terminal.text import sparks

TITLE = "An Unusual Title About Lexical Tones"
NOTES = {"2023-12": ["声调", "Codec"], "2024-01": ["声调"], "2024-03": ["声调", "声调、RVQ"]}


@pytest.fixture
def months_kb(empty_kb: Any) -> Any:
    for month, entries in NOTES.items():
        papers = [f"**《{TITLE} {month} {n}》** CMU，{topics}\n\n话。\n" for n, topics in enumerate(entries)]
        empty_kb.write(f"{month}.md", f"---\ntitle: {month}\n---\n" + "\n".join(papers))
    empty_kb.refresh()
    return empty_kb


def test_each_month_has_its_count_also_where_it_is_none(months_kb: Any) -> None:
    found = trends(months_kb.reader(), period(since="2023", until="2024"), 2)

    assert found.months == ("2023-12", "2024-01", "2024-02", "2024-03")
    assert found.topics == (("声调", 4, (1, 1, 0, 2)), ("Codec", 1, (1, 0, 0, 0)))


def test_a_paper_noted_twice_in_a_month_counts_once(months_kb: Any) -> None:
    months_kb.write(
        "2024-01b.md",
        f"---\ntitle: 2024-01\n---\n**《{TITLE} 2024-01 0》** CMU，声调\n\n又。\n",
    )
    months_kb.refresh()

    assert trends(months_kb.reader(), period("2024-01"), 1).topics == (("声调", 1, (1,)),)


def test_months_without_topics_are_an_error(months_kb: Any) -> None:
    with pytest.raises(KbError, match="no paper of 2024-02 has keywords"):
        trends(months_kb.reader(), period("2024-02"), 5)


def test_a_knowledge_base_without_topics_is_told_without_made_up_months(empty_kb: Any) -> None:
    empty_kb.refresh()
    with pytest.raises(KbError, match=r"^no paper of any month has keywords; to see what there is: kb stats$"):
        trends(empty_kb.reader(), period(), 5)


def test_the_command_prints_a_row_a_topic_and_draws(months_kb: Any, tmp_path: Any) -> None:
    pytest.importorskip("matplotlib")
    result = months_kb.run("trends", "--limit", "1", "--since", "2024", "--plot", str(tmp_path / "trends.png"))

    assert result.stdout == "声调\t3\t1\t0\t2\n"
    assert (tmp_path / "trends.png").read_bytes().startswith(b"\x89PNG")
    assert months_kb.json("trends")["topics"][0] == {"name": "声调", "papers": 4, "counts": [1, 1, 0, 2]}


def test_bars_are_as_high_as_values() -> None:
    assert sparks([0, 1, 2, 4]) == "·▂▄█"
    assert sparks([0.001, 1]) == "▁█"
    assert sparks([0, 0]) == "··"
    assert sparks([]) == ""


def test_a_picture_says_where_no_font_has_its_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    plot = {"kind": "line", "x": ["2024-01"], "series": {"声调": [1]}, "x_label": "", "y_label": "papers"}
    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", list)
    showing._chinese_font.cache_clear()
    try:
        assert showing.lacks_font(plot)
        assert showing.picture(plot).startswith(b"\x89PNG")
        assert not showing.lacks_font({**plot, "series": {"tone": [1]}})
    finally:
        showing._chinese_font.cache_clear()
