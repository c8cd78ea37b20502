"""The same paper in several notes is one paper: what joins records, what does not, and what is shown of it."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.index import words as indexing
from kb.notes import identity
from kb.notes.identity import is_generic, title_tells
from kb.notes.parsing import parse_note
from kb.notes.same_paper import works
from kb.terms import name_key

TITLE = "DM-Codec: Distilling Multimodal Representations"
OTHER = "Mimi and Its Many Quantizer Levels"


def entry(title: str, body: str = "声学延迟。", keywords: str = "Amazon，Codec") -> str:
    return f"**《{title}》** {keywords}\n\n{body}\n\n"


def partition(kb: Any) -> list[list[str]]:
    """Return the ids of the records of each paper that has several."""
    with sqlite3.connect(kb.config.database) as db:
        found: dict[int, list[str]] = {}
        for work, record in db.execute(
            "SELECT w.work, p.id FROM works w JOIN papers p ON p.key = w.paper ORDER BY p.id"
        ):
            found.setdefault(work, []).append(record)
    return sorted(found.values())


def joined(kb: Any, **notes: str) -> list[list[str]]:
    for name, text in notes.items():
        kb.write(f"{name}.md", text)
    kb.refresh()
    return partition(kb)


def configure(kb: Any, *lines: str) -> None:
    (kb.root / "kb.toml").write_text("\n".join(['encoder = "none"', *lines]) + "\n", encoding="utf-8")


@pytest.fixture
def twice(empty_kb: Any) -> Any:
    """One paper in three months, and another."""
    empty_kb.write("2024-10.md", entry(TITLE, "残差量化苹果。\n\n代码 [code](https://github.com/a/b)"))
    empty_kb.write("2024-08.md", "\n" + entry(TITLE, "残差量化香蕉。\n\n论文：https://arxiv.org/abs/2410.15017"))
    empty_kb.write("2024-06.md", entry("DM-Codec", "残差量化樱桃。\n\narXiv: 2410.15017"))
    empty_kb.write("2024-07.md", entry(OTHER, "残差量化柠檬。"))
    return empty_kb


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("论文：https://arxiv.org/abs/2410.15017v2", "[PDF](https://arxiv.org/pdf/2410.15017)"),
        ("arXiv:2410.15017", "[Some Name](https://arxiv.org/abs/2410.15017)"),
        ("arXiv:2410.15017", "DOI: 10.48550/arXiv.2410.15017"),
        ("arXiv:2410.15017", "![](https://arxiv.org/html/2410.15017v1/figure.png)"),
        ("DOI: 10.1109/ICASSP.2024.1", "https://doi.org/10.1109/icassp.2024.1"),
        ("https://openreview.net/forum?id=aBc-1", "论文链接：https://openreview.net/pdf?id=aBc-1"),
        ("https://aclanthology.org/2023.acl-long.1", "[ACL](https://aclanthology.org/2023.acl-long.1.pdf)"),
    ],
)
def test_one_id_is_one_paper_under_any_title(empty_kb: Any, one: str, other: str) -> None:
    assert joined(empty_kb, a=entry("Some Name", one), b=entry("Some Name", other)) == [["a/some-name", "b/some-name"]]
    empty_kb.write("b.md", entry("Some Name", "arXiv:2411.00001\n\nDOI: 10.1/else\n"))
    assert joined(empty_kb) == []


def test_an_id_in_the_front_matter_joins(empty_kb: Any) -> None:
    front = "---\ntitle: Codec\nauthors: [A]\narxiv: https://arxiv.org/abs/2410.15017v1\n---\n\n正文。\n"
    assert joined(empty_kb, a=front, b=entry("DM-Codec", "arXiv:2410.15017")) == [["a/codec", "b/dm-codec"]]


@pytest.mark.parametrize(
    "citation",
    [
        "与 [DM-Codec](https://arxiv.org/abs/2410.15017) 相比更好。",
        "沿用 arXiv:2410.15017 的做法。",
        "见（[论文](https://arxiv.org/abs/2410.15017)）的第二节。",
        "正文。\n\n参考：\n\n- https://arxiv.org/abs/2410.15017",
        "![](https://arxiv.org/html/2410.15017v1/a.png) 和 arXiv:2411.00002 的图。",
    ],
)
def test_a_paper_that_is_cited_is_not_the_paper(empty_kb: Any, citation: str) -> None:
    assert joined(empty_kb, a=entry("Mimi", citation), b=entry("DM-Codec", "arXiv:2410.15017")) == []


@pytest.mark.parametrize(
    ("item", "is_own"),
    [
        ("1. **Foo: Bar of Tokens** (X, 2024) https://arxiv.org/abs/2410.15017", True),
        ("1. **Foo: Bar of Tokens**, A. One, B. van Two et al. ICASSP 2024. arXiv:2410.15017", True),
        ("1. **Foo: Bar of Tokens** [2024] 论文 https://arxiv.org/abs/2410.15017，很快。", True),
        ("1. **Foo: Bar of Tokens** is faster than https://arxiv.org/abs/2410.15017", False),
        ("1. **Foo: Bar of Tokens** 比 arXiv:2410.15017 更快", False),
    ],
)
def test_an_id_right_after_the_title_of_an_item_is_its_own(empty_kb: Any, item: str, is_own: bool) -> None:
    items = f"# 2024-10\n\n{item}\n2. **Two: Toys of Tokens** (X, 2024) https://arxiv.org/abs/2410.00002\n"
    found = joined(empty_kb, a=items, b=entry("DM-Codec", "arXiv:2410.15017"))
    assert found == ([["a/foo", "b/dm-codec"]] if is_own else [])


def test_an_id_under_a_label_among_others_is_its_own(empty_kb: Any) -> None:
    line = "**作者**：张三 | **arXiv**：2410.15017 | **会议**：ACL 2024"
    assert joined(empty_kb, a=entry("Codec", line), b=entry("DM-Codec", "arXiv:2410.15017")) == [
        ["a/codec", "b/dm-codec"]
    ]
    row = "| 方法 | 论文 |\n| --- | --- |\n| DM-Codec | [论文](https://arxiv.org/abs/2410.15017) |"
    assert joined(empty_kb, a=entry("Codec", row)) == []


def test_an_id_that_is_written_out_counts_as_a_link(empty_kb: Any) -> None:
    empty_kb.write("a.md", entry("Codec", "arXiv: 2410.15017") + entry("Other", "正文"))
    empty_kb.refresh()
    assert [paper["title"] for paper in empty_kb.json("list", "has:arxiv")] == ["Codec"]


def test_titles_join_whatever_their_width_case_and_punctuation(empty_kb: Any) -> None:
    other = "ＤＭ-CODEC： Distilling multimodal ‘representations’"
    assert joined(empty_kb, a=entry(TITLE), b=entry(other)) == [["a/dm-codec", "b/ｄｍ-codec"]]


def test_joins_go_on_from_one_to_the_next(empty_kb: Any) -> None:
    first, last = entry("Codec A", "arXiv:2410.15017"), entry(TITLE)
    assert joined(empty_kb, a=first, c=last) == []
    assert joined(empty_kb, b=entry(TITLE, "arXiv:2410.15017")) == [["a/codec-a", "b/dm-codec", "c/dm-codec"]]
    (empty_kb.notes / "b.md").unlink()
    assert joined(empty_kb) == []


@pytest.mark.parametrize(
    ("title", "tells"),
    [
        ("Introduction", False),
        ("Notes", False),
        ("Week 12", False),
        ("Summary of the Week", False),
        ("Paper Reading Notes 2024", False),
        ("RAG+", False),
        ("2024年10月论文阅读笔记总结整理", False),
        ("语音生成", False),
        ("Going Deeper with Convolutions", True),
        ("Attention Is All You Need", True),
        ("智谱新一代端到端语音大模型", True),
    ],
)
def test_a_short_or_general_title_does_not_tell(empty_kb: Any, title: str, tells: bool) -> None:
    assert title_tells(title) is tells
    assert len(joined(empty_kb, a=entry(title, keywords="X，k"), b=entry(title, keywords="Y，k"))) == tells


def test_a_title_that_says_nothing_is_not_even_doubtful() -> None:
    assert [title for title in ("Week 12", "论文速记", "RAG+", "语音生成") if is_generic(title)] == [
        "Week 12",
        "论文速记",
    ]


def test_notes_and_lectures_never_join(empty_kb: Any) -> None:
    note = "# My own thoughts about the codecs\n\n随便写写。\n"
    lecture = "# 语音语言模型的发展\n\n## 1. 起源\n\n语音模型的训练。\n\n## 2. 现状\n\n语音的表征与推理。\n"
    assert joined(empty_kb, a=note, b=note, c=lecture, d=lecture) == []
    assert empty_kb.json("stats")["kind"] == {"note": 2, "lecture": 2}
    assert empty_kb.json("duplicates")["pairs"] == []


def test_different_ids_keep_one_title_apart(empty_kb: Any) -> None:
    one, other = entry(TITLE, "arXiv:2410.15017"), entry(TITLE, "arXiv:2411.00001")
    assert joined(empty_kb, a=one, b=other) == []
    assert joined(empty_kb, c=entry(TITLE)) == [], "a third without an id may be either"
    (empty_kb.notes / "b.md").unlink()
    assert joined(empty_kb) == [["a/dm-codec", "c/dm-codec"]]


def test_one_title_twice_in_a_file_stays_apart_only_by_ids(empty_kb: Any) -> None:
    assert joined(empty_kb, a=entry(TITLE) * 2) == [["a/dm-codec", "a/dm-codec-2"]]
    assert joined(empty_kb, a=entry(TITLE, "arXiv:2410.15017") + entry(TITLE, "arXiv:2411.00001")) == []


def test_unions_of_a_worked_example() -> None:
    identities = [
        ("arxiv", "1", "a"),
        ("arxiv", "1", "b"),
        ("doi", "x", "b"),
        ("doi", "x", "c"),
        ("title", "t", "c"),
        ("title", "t", "d"),
        ("title", "u", "e"),
        ("title", "u", "f"),
        ("arxiv", "2", "e"),
        ("arxiv", "3", "f"),
        ("title", "v", "g"),
    ]
    assert works(identities) == [("a", "b", "c", "d")]
    assert works(identities, same=[["e", "f"], ["g", "d"]]) == [("a", "b", "c", "d", "g"), ("e", "f")]
    assert works(identities, different=[["a", "b"]]) == [("b", "c", "d")]
    assert works(identities, same=[["e", "f"]], different=[["d", "c"], ["e", "f"]]) == [("a", "b", "c")]


def test_kb_toml_joins_and_parts_at_the_next_command(twice: Any) -> None:
    assert joined(twice) == [["2024-06/dm-codec", "2024-08/dm-codec", "2024-10/dm-codec"]]
    configure(twice, 'different = [["2024-10/dm-codec", "2024-08/dm-codec"]]')
    assert twice.run("list").exit_code == 0
    assert partition(twice) == [["2024-06/dm-codec", "2024-08/dm-codec"]]
    configure(twice, 'same = [["2024-07/mimi-and-its-many-quantizer-levels", "2024-06/dm-codec", "2020/none"]]')
    twice.run("list")
    everything = [
        "2024-06/dm-codec",
        "2024-07/mimi-and-its-many-quantizer-levels",
        "2024-08/dm-codec",
        "2024-10/dm-codec",
    ]
    assert partition(twice) == [everything]
    configure(twice)
    twice.run("index")
    assert partition(twice) == [["2024-06/dm-codec", "2024-08/dm-codec", "2024-10/dm-codec"]]


def test_a_record_that_kb_toml_names_joins_when_it_comes_and_parts_when_it_goes(empty_kb: Any) -> None:
    configure(empty_kb, 'same = [["a/one", "b/two"], ["b/two", "c/three"]]')
    assert joined(empty_kb, a=entry("One"), c=entry("Three")) == []
    assert joined(empty_kb, b=entry("Two")) == [["a/one", "b/two", "c/three"]]
    (empty_kb.notes / "b.md").unlink()
    assert joined(empty_kb) == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('same = "a"', 'same should be lists of ids such as [["a/x", "b/x"]], got \'a\''),
        ('same = ["a", "b"]', 'same should hold lists of ids such as ["a/x", "b/x"], got \'a\''),
        ("different = [[1, 2]]", 'different should hold lists of ids such as ["a/x", "b/x"], got [1, 2]'),
        ('different = [["a"]]', "each list of different should name two records or more, got ['a']"),
        (
            'same = [["b", "a"]]\ndifferent = [["a", "b", "c"]]',
            "same and different both name a and b; keep one of them",
        ),
    ],
)
def test_a_mistake_in_kb_toml_is_one_line(kb: Any, line: str, complaint: str) -> None:
    configure(kb, line)
    result = kb.run("list")
    assert (result.exit_code, result.stderr) == (1, f"error: {kb.root / 'kb.toml'}: {complaint}\n")


def test_a_search_shows_a_paper_once_with_its_other_notes(twice: Any) -> None:
    found = twice.json("search", "残差量化")
    assert found["total"] == 2
    assert len(found["hits"]) == 2
    hit = next(hit for hit in found["hits"] if hit["also"])
    assert hit["paper"]["id"] == "2024-06/dm-codec"
    assert hit["also"] == [
        {"id": "2024-10/dm-codec", "month": "2024-10", "file": "2024-10.md", "line": 1},
        {"id": "2024-08/dm-codec", "month": "2024-08", "file": "2024-08.md", "line": 2},
    ]
    assert twice.run("search", "残差量化", "--limit", "1").stderr == "1 of 2; --limit 0 shows all\n"
    shown = twice.run("search", "dm-codec").stdout.splitlines()
    assert any(line.startswith("   also in ") for line in shown)
    places = next(line for line in shown if "also in" in line)
    assert places.count("notes/2024-") == 2


def test_the_best_note_of_a_paper_is_the_one_shown(twice: Any) -> None:
    assert twice.json("search", "香蕉")["hits"][0]["paper"]["id"] == "2024-08/dm-codec"


def test_what_a_query_leaves_out_is_not_shown_beneath_either(twice: Any) -> None:
    hits = twice.json("search", "残差量化", "-香蕉")["hits"]
    assert [[place["id"] for place in hit["also"]] for hit in hits] == [["2024-10/dm-codec"], []]


def test_exact_queries_and_fields_list_records(twice: Any) -> None:
    exact = twice.json("search", '"残差量化"')
    assert (exact["total"], [hit["also"] for hit in exact["hits"]]) == (4, [[], [], [], []])
    assert twice.json("search", "month:2024")["total"] == 4
    assert len(twice.json("list")) == 4


def test_related_papers_are_not_other_notes_of_the_same(twice: Any) -> None:
    assert "dm-codec" not in json.dumps(twice.json("related", "2024-08/dm-codec"))
    assert [one["id"] for one in twice.json("related", "mimi")].count("2024-10/dm-codec") <= 1


def test_a_judged_paper_is_found_by_any_of_its_notes(twice: Any, tmp_path: Path) -> None:
    queries = tmp_path / "queries.tsv"
    queries.write_text("香蕉\tdm-codec\n苹果\t2024-06/dm-codec\n", encoding="utf-8")
    assert twice.json("bench", str(queries))["mrr"] == 1


def test_show_merges_the_facts_and_gives_each_note_its_place(twice: Any) -> None:
    text = twice.run("show", "dm-codec").stdout
    assert text.count("2410.15017\n") >= 1
    assert [line.split()[1] for line in text.splitlines() if line.strip().startswith(("arXiv  ", "month"))] == [
        "2024-10",
        "2410.15017",
    ]
    places = [line for line in text.splitlines() if line.endswith("/dm-codec") and "notes/" in line]
    assert [place.split()[-1] for place in places] == ["2024-10/dm-codec", "2024-08/dm-codec", "2024-06/dm-codec"]
    assert text.index("残差量化苹果") < text.index("残差量化香蕉") < text.index("残差量化樱桃")


def test_show_in_json_is_the_record_and_the_other_notes(twice: Any) -> None:
    record = twice.json("show", "2024-08/dm-codec")
    assert (record["id"], record["arxiv_id"]) == ("2024-08/dm-codec", "2410.15017")
    assert [note["id"] for note in record["notes"]] == ["2024-10/dm-codec", "2024-06/dm-codec"]
    assert twice.json("show", "mimi")["notes"] == []


def test_a_name_of_two_papers_is_still_ambiguous(twice: Any) -> None:
    assert "names 4 papers" in twice.run("show", "2024").stderr


@pytest.fixture
def doubtful(empty_kb: Any) -> Any:
    empty_kb.write("a.md", entry(TITLE, "arXiv:2410.15017"))
    empty_kb.write("b.md", entry(TITLE, "arXiv:2411.00001"))
    empty_kb.write(
        "c.md", entry("Neural Speech Tokenizers for Voice Assistants") + entry("Qwen2 Technical Report in Short")
    )
    empty_kb.write(
        "d.md", entry("Neural Speech Tokenisers for Voice Assistants") + entry("Qwen3 Technical Report in Short")
    )
    empty_kb.write("e.md", "---\ntitle: 'Moshi: a model'\nauthors: [Ann Bo, Carl, et al.]\n---\n\n正文。\n")
    empty_kb.write("f.md", "---\ntitle: 'Moshi: full duplex speech text'\nauthors: [ann bo, et al.]\n---\n\n正文。\n")
    empty_kb.write("g.md", entry("RAG+", keywords="X，k") + entry("Week 12", keywords="X，k"))
    empty_kb.write("h.md", entry("RAG+", keywords="Y，k") + entry("Week 12", keywords="Y，k"))
    return empty_kb


def test_doubtful_pairs_come_with_their_reasons_and_lines_for_kb_toml(doubtful: Any) -> None:
    pairs = doubtful.json("duplicates")["pairs"]
    assert [(pair["reason"], [record["id"] for record in pair["records"]]) for pair in pairs] == [
        ("same title, different ids: arxiv 2410.15017 and 2411.00001", ["a/dm-codec", "b/dm-codec"]),
        ("same title, too short to join by", ["g/rag+", "h/rag+"]),
        ("same short name and authors: Ann Bo", ["e/moshi", "f/moshi"]),
        (
            "nearly the same title",
            ["c/neural-speech-tokenizers-for-voice-assistants", "d/neural-speech-tokenisers-for-voice-assistants"],
        ),
    ]
    assert pairs[0]["join"] == 'same = [["a/dm-codec", "b/dm-codec"]]'
    assert pairs[0]["part"] == 'different = [["a/dm-codec", "b/dm-codec"]]'


def test_a_line_for_kb_toml_settles_its_pair_and_keeps_those_before(doubtful: Any) -> None:
    for left in (4, 3, 2, 1, 0):
        pairs = doubtful.json("duplicates")["pairs"]
        assert len(pairs) == left
        if pairs:
            configure(doubtful, pairs[0]["join"])
    assert partition(doubtful)[0] == ["a/dm-codec", "b/dm-codec"]
    assert len(partition(doubtful)) == 4
    configure(doubtful, 'different = [["a/dm-codec", "b/dm-codec"]]')
    assert len(doubtful.json("duplicates")["pairs"]) == 3


def test_of_three_with_one_title_every_pair_comes_up_in_turn(empty_kb: Any) -> None:
    for name in "abc":
        empty_kb.write(f"{name}.md", entry("RAG+"))
    assert len(empty_kb.json("duplicates")["pairs"]) == 2
    configure(empty_kb, 'different = [["a/rag+", "b/rag+"], ["a/rag+", "c/rag+"]]')
    assert [pair["join"] for pair in empty_kb.json("duplicates")["pairs"]] == ['same = [["b/rag+", "c/rag+"]]']


def test_duplicates_are_printed_for_people(doubtful: Any) -> None:
    configure(doubtful, 'same = [["a/dm-codec", "2020/gone"]]')
    lines = doubtful.run("duplicates").stdout.splitlines()
    assert lines[0] == "same title, different ids: arxiv 2410.15017 and 2411.00001"
    assert lines[1].startswith(f"   a/dm-codec · {TITLE} · ")
    assert lines[3] == '   to join: same = [["a/dm-codec", "2020/gone"], ["a/dm-codec", "b/dm-codec"]]'
    assert lines[-1] == "kb.toml names a record that is not there: 2020/gone"
    assert doubtful.json("duplicates")["unknown"] == ["2020/gone"]
    assert doubtful.json("list")


def test_nothing_doubtful_is_an_answer(kb: Any) -> None:
    result = kb.run("duplicates")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no doubtful pairs\n")


_TITLES = (TITLE, OTHER, "DM-Codec", "Week 12")
_BODIES = ("正文。", "arXiv:2410.15017", "arXiv:2411.00001", "DOI: 10.1/x", "arXiv:2410.15017\n\nDOI: 10.1/x")
_ENTRIES = st.lists(st.tuples(st.sampled_from(_TITLES), st.sampled_from(_BODIES)), max_size=2)
_EDITS = st.lists(st.dictionaries(st.sampled_from("abcd"), _ENTRIES, min_size=1, max_size=3), min_size=1, max_size=4)
_LISTS = st.lists(
    st.lists(
        st.sampled_from(["a/dm-codec", "b/dm-codec", "c/week-12", "d/dm-codec-2"]), min_size=2, max_size=3, unique=True
    ),
    max_size=2,
)


@settings(max_examples=40)
@given(edits=_EDITS, same=_LISTS, different=_LISTS)
def test_what_is_joined_step_by_step_is_joined_in_one(
    new_kb: Callable[[], Any], edits: list[dict[str, Any]], same: list[list[str]], different: list[list[str]]
) -> None:
    kb = new_kb()
    pairs = [{one, other} for listed in different for one in listed for other in listed if one != other]
    if not any(pair <= set(listed) for listed in same for pair in pairs):
        configure(kb, f"same = {json.dumps(same)}", f"different = {json.dumps(different)}")
    for edit in edits:
        for name, entries in edit.items():
            if entries:
                kb.write(f"{name}.md", "".join(entry(title, body) for title, body in entries))
            else:
                (kb.notes / f"{name}.md").unlink(missing_ok=True)
        kb.refresh()
    step_by_step = partition(kb)
    kb.config.database.unlink()
    indexing.rebuild(kb.config)
    assert partition(kb) == step_by_step


def test_a_month_in_two_grammars_is_each_paper_once(seeds: Path, empty_kb: Any) -> None:
    for path in (next(seeds.glob("000*.txt")), seeds.parent / "corpora" / "monthly-blog" / "2024-10.headings.md"):
        if not path.is_file():
            pytest.skip("the other grammar is not here")
        (empty_kb.notes / path.name).write_bytes(path.read_bytes())
    found = joined(empty_kb)
    assert len(found) == 13
    assert {len(records) for records in found} == {2}
    assert all(one.split("/")[1] == other.split("/")[1] for one, other in found)
    assert len(empty_kb.json("list")) == 26


def test_what_a_paper_is_called_is_read_once_however_many_links_a_line_has(monkeypatch: pytest.MonkeyPatch) -> None:
    links = "## [\xa0 模型 ﬁ ★ 笔记 codec 训练 ﬁ](https://arxiv.org/abs/2410.00037v2)codec 模型codec" * 200
    line = f"**《Toy Codec》** codec，{links}**《Toy Vocoder》** Meta"
    (paper,) = parse_note(f"{line}\n".encode(), "n.md").papers
    read: list[str] = []
    monkeypatch.setattr(identity, "name_key", lambda name: read.append(name) or name_key(name))
    identity.identities(paper)

    assert sum(map(len, read)) < 5 * len(line)
