import re

import pytest

from kb.errors import NoteError
from kb.notes.parsing import links, names, parse_note, titles
from kb.notes.parsing.entry import PASSAGE_CHARACTERS
from kb.notes.parsing.outline import outline


def test_links_have_the_kind_of_their_host() -> None:
    text = (
        "[code](https://github.com/a/b) https://arxiv.org/pdf/2405.15863 Demo链接:https://x.github.io/y/ "
        "![](https://a.org/p.png) <img src='fig/1.jpg'> https://hf.co/m https://modelscope.cn/models/n "
        "[talk](https://youtu.be/z) https://doi.org/10.1000/182 https://example.org"
    )
    assert [(link.kind, link.url) for link in links.links(text)] == [
        ("github", "https://github.com/a/b"),
        ("arxiv", "https://arxiv.org/pdf/2405.15863"),
        ("demo", "https://x.github.io/y/"),
        ("figure", "https://a.org/p.png"),
        ("figure", "fig/1.jpg"),
        ("huggingface", "https://hf.co/m"),
        ("modelscope", "https://modelscope.cn/models/n"),
        ("video", "https://youtu.be/z"),
        ("doi", "https://doi.org/10.1000/182"),
        ("web", "https://example.org"),
    ]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("见 https://a.org/x。然后", "https://a.org/x"),
        ("(https://a.org/x)", "https://a.org/x"),
        ("https://en.wikipedia.org/wiki/Foo_(bar)", "https://en.wikipedia.org/wiki/Foo_(bar)"),
        ("http://localhost:3001(推荐", "http://localhost:3001"),
        ("https://a.org/tree/main’，", "https://a.org/tree/main"),
        ("**https://a.org/x**.", "https://a.org/x"),
    ],
)
def test_an_address_in_running_text_ends_before_the_punctuation(text: str, url: str) -> None:
    assert [link.url for link in links.links(text)] == [url]


def test_identifiers_are_read_from_addresses_and_from_text() -> None:
    assert links.arxiv_id("https://arxiv.org/html/2410.15017v1/figures/a.png") == "2410.15017"
    assert links.arxiv_id("见 arXiv:2301.10000v2") == "2301.10000"
    assert links.arxiv_id("https://arxiv.org/abs/cs.CL/0301012") == "cs.CL/0301012"
    assert links.doi("doi: 10.1109/5.771073。") == "10.1109/5.771073"
    assert links.arxiv_id("2024.10000 is a number") is None


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("DM-Codec: Distilling Representations", "DM-Codec"),
        ("MooER (摩尔): 开源大模型", "MooER"),
        ("MaskGCT-国产语音大模型", "MaskGCT"),
        ("A Survey: Everything So Far", None),
        ("Get Models Ready to Speak at Last: A Late Approach", None),
        ("Do Units Keep Tone?", None),
    ],
)
def test_a_short_name_is_a_name_and_no_sentence(title: str, name: str | None) -> None:
    assert names.short_name(title) == name


def test_the_title_names_the_month_before_the_date_and_the_file() -> None:
    front = "---\ntitle: 速览 2024年10月\ndate: 2024-11-01\n---\ntext\n"
    assert parse_note(front.encode(), "2020-01.md").month == "2024-10"
    assert parse_note(b"---\ndate: 2024-11-01\n---\ntext\n", "2020-01.md").month == "2024-11"
    assert parse_note(b"text\n", "2020-01.md").month == "2020-01"


def test_ids_in_front_matter_stay_text() -> None:
    note = parse_note(b"---\ntitle: T\narxiv: 2301.10000\n---\nbody\n", "a.md")
    assert note.papers[0].arxiv_id == "2301.10000"


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("# 标题\n残差量化".encode("gbk"), r"^n\.md:1: not UTF-8 .*iconv"),
        (b"a\nb\0c\n", r"^n\.md:2: holds a NUL byte"),
    ],
    ids=["gbk", "nul"],
)
def test_what_cannot_be_read_is_named_by_file_and_line(data: bytes, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        parse_note(data, "n.md")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"---\ntitle: [a\n---\nx\n", r"^\d: broken front matter"),
        (b'---\na: 1\nb: "2\nc: 3\nd: 4\n---\nx\n', r"^3: broken front matter: found unexpected end of stream"),
        (b"---\ntitle: x\n", r"^1: the front matter that begins here is never closed"),
        (b"---\na: &a [x, x]\nb: [*a, *a]\n---\nx\n", r"^2: YAML anchors are not read"),
        (b"---\na: " + b"[" * 5000 + b"\n---\nx\n", r"^\d+: broken front matter"),
        (b"---\na: 1\nb: \x1b[1m\n---\nx\n", r"^3: broken front matter: it holds U\+001B"),
    ],
    ids=["broken", "open quote", "unclosed", "alias bomb", "deep", "unseen"],
)
def test_broken_front_matter_is_told_and_the_rest_is_read(data: bytes, complaint: str) -> None:
    note = parse_note(data + b"\n# Toys that Speak\n\ntext\n", "n.md")
    assert note.fault
    assert re.match(complaint, f"{note.fault.line}: {note.fault.what}")
    assert "Toys that Speak" in str(note.papers)


def test_of_broken_front_matter_each_line_is_read_by_itself() -> None:
    front = (
        "---\ntitle: Toys: That Speak\narxiv: '2301.10000'\nauthors:\n  - Ann One\n  - Bo Two\nyear: {{year}}\n---\n"
    )
    (paper,) = parse_note(f"{front}\ntext\n".encode(), "n.md").papers
    assert (paper.title, paper.arxiv_id, paper.authors) == ("Toys: That Speak", "2301.10000", ("Ann One", "Bo Two"))


def test_text_between_two_rules_is_text() -> None:
    above, below = "**《Toys Above: One》** Meta，codec\n\n- a wolverine: small", "**《Toys Below: Two》** Meta，codec"
    note = parse_note(f"---\n\n{above}\n\n---\n\n{below}\n".encode(), "n.md")
    assert [paper.title for paper in note.papers] == ["Toys Above: One", "Toys Below: Two"]
    assert note.fault is None
    assert "wolverine" in note.papers[0].body


def test_what_broken_front_matter_does_not_say_is_text() -> None:
    front = '---\ntitle: Toys: That Speak\na sentence about a wolverine\ntags: [codec, "speech]\n---\n'
    note = parse_note(f"{front}\n# Toys that Speak\n\ntext\n".encode(), "n.md")
    assert "wolverine" in "".join(paper.body for paper in note.papers)
    assert note.tags == ("codec", "speech")


def test_a_byte_order_mark_and_windows_line_ends_are_no_text() -> None:
    note = parse_note("\ufeff# T\r\n\r\nbody\r\n".encode(), "a.md")
    assert (note.papers[0].title, note.papers[0].body) == ("T", "body")


def test_passages_cover_the_body_with_their_lines() -> None:
    paragraphs = [f"第{n}段。" + "字" * 200 for n in range(12)]
    text = "# T\n\n" + "\n\n".join(paragraphs) + "\n\n## 小节\n\n" + "一句话。" * 600 + "\n"
    paper = parse_note(text.encode(), "a.md").papers[0]
    lines = text.split("\n")

    for passage in paper.passages:
        assert lines[passage.line - 1].startswith(passage.text.split("\n")[0][:10]) or "一句话" in passage.text
        assert len(passage.text) <= 2 * PASSAGE_CHARACTERS
    whole = "".join("".join(passage.text.split()) for passage in paper.passages)
    assert whole == "".join(paper.body.split())
    assert paper.passages[-1].heading == "小节"


@pytest.mark.parametrize("stop", [". ", "! ", " . ", "。", "？"])
def test_a_long_line_is_cut_where_a_sentence_ends(stop: str) -> None:
    sentences = [f"Sentence {n} of a paper that goes on as one line for long{stop}" for n in range(60)]
    passages = parse_note(f"# T\n\n{''.join(sentences)}end.\n".encode(), "a.md").papers[0].passages
    assert len(passages) > 2
    assert all(passage.text.strip().endswith(stop.strip()) for passage in passages[:-1])


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_no_passage_is_cut_inside_fenced_code(fence: str) -> None:
    program = "\n\n".join(f"step_{n} = codec.encode(audio, levels={n})" for n in range(60))
    text = f"# T\n\n第一段。\n\n{fence}python\n{program}\n{fence}\n\n最后一段。\n"
    holding = [one for one in parse_note(text.encode(), "a.md").papers[0].passages if "step_" in one.text]

    assert len(holding) == 1
    assert program in holding[0].text


def test_every_line_with_text_is_in_one_paper_or_reported() -> None:
    text = "---\ntitle: 2024年10月\n---\n开头\n\n## A\n\n**《T》** X\n\nbody\n\n### in\n\nmore\n\n## 尾\n\n没有论文\n"
    note = parse_note(text.encode(), "a.md")
    claimed = {n for paper in note.papers for n in range(paper.line, paper.end_line + 1)}
    reported = {n for span in note.unclaimed for n in range(span.line, span.end_line + 1)}

    assert not claimed & reported
    wanted = {n for n, line in enumerate(text.split("\n"), 1) if line.strip() and n > 3}
    assert wanted <= claimed | reported


def test_a_fence_that_is_never_closed_ends_before_the_next_entry() -> None:
    lines = ["**《One》** X", "", "```python", "# a comment", "x = 1", "", "**《Two》** Y", "", "话", "", "## 下一节"]
    assert [block.text for block in outline(lines).blocks] == ["**《One》** X", "**《Two》** Y", "话", "下一节"]
    assert [(block.line, block.level) for block in outline(lines).headings] == [(10, 2)]
    closed = [*lines[:5], "```", *lines[6:]]
    assert [block.line for block in outline(closed).blocks] == [block.line for block in outline(lines).blocks]
    assert [fence.line for fence in outline(lines).fences] == [2]


def test_a_fence_that_is_never_closed_before_no_entry_goes_to_the_end() -> None:
    assert [block.text for block in outline(["# A", "", "```", "b", "", "c"]).blocks] == ["A"]


@pytest.mark.parametrize(
    ("text", "title", "date"),
    [
        ("[2024/10] **Some Title**, A. Author [[pdf](https://a.org)]", "Some Title", "2024/10"),
        ("**2024-10** Some Title of This", "Some Title of This", "2024-10"),
        ("**2024-10: Some Title of This**", "Some Title of This", "2024-10"),
    ],
)
def test_the_date_before_a_title_leaves_its_emphasis_alone(text: str, title: str, date: str) -> None:
    found = titles.find_title(text)
    assert found
    assert (found.title, found.date) == (title, date)


def test_an_address_in_a_link_may_hold_parentheses() -> None:
    text = "([乙](https://doi.org/10.1016/S0010-8650(00)80003-2)) 和 [甲](https://a.org/x_(y))。"
    assert [link.url for link in links.links(text)] == [
        "https://doi.org/10.1016/S0010-8650(00)80003-2",
        "https://a.org/x_(y)",
    ]
