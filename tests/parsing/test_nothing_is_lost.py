"""Whatever a page holds, every line with a word lies in a record, where it is searched, or in the front matter."""

import re
from typing import Any

import pytest
from hypothesis import example, given, settings

from kb.errors import NoteError
from kb.notes.parsing import parse_note
from kb.records import Note, Paper
from tests.parsing.pages import CLAIM, FILES, PAGES

MIXED = """\
# 标题

| Title | Paper |
| --- | --- |
| Toy | [pdf](https://arxiv.org/abs/2410.00037) |

- item

```
open"""
_LINK = re.compile(r"\[([^\[\]\n]*)\]\((?:[^()\s]|\([^()\s]*\))*\)")
_ADDRESS = re.compile(r"https?://[!-~]+")  # ends where Chinese begins
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def lost(page: str, file: str) -> list[str]:
    """Return what is in page and nowhere in what was made of it, line by line.

    In lines that titles stand in, comments are no text, [a](https://b)c is the word ac, and https://b声 are two.
    """
    note = parse_note(page.encode(), file)
    lines = re.split(r"\r\n|\n|\r", page.removeprefix("\ufeff"))
    bare = re.split(r"\r\n|\n|\r", _without_comments(page))
    titles = {paper.line for paper in note.papers}
    front = _front_lines(lines, note.fault is not None)
    remainder = {number for span in note.unclaimed for number in range(span.line, span.end_line + 1)}
    owners = {number: paper for paper in note.papers for number in range(paper.line, paper.end_line + 1)}
    words = {paper.id: _words(_known(paper)) for paper in note.papers}
    claimed = _claim_lines(note, bare)
    sections = [_words(heading) for paper in note.papers for heading in paper.section_path]  # searched with the paper
    return [
        f"{number}: {line}"
        for number, line in enumerate(lines, 1)
        if number not in front
        and line.strip()
        and not (number in remainder and (not _words(line) or any(_words(bare[number - 1]) <= one for one in sections)))
        and not (number in claimed and _words(bare[number - 1]) <= claimed[number])
        and not (number in owners and _words(line) <= words[owners[number].id])
        and not (
            number in titles
            and _words(_ADDRESS.sub(r" \g<0> ", _LINK.sub(r"\1", bare[number - 1]))) <= words[owners[number].id]
        )
    ]


def _without_comments(page: str) -> str:
    if page.count("<!--") > 100:  # the pattern looks for the end of each
        return page
    return _COMMENT.sub(lambda found: re.sub(r"[^\r\n]+", "", found[0]), page)


def _claim_lines(note: Note, lines: list[str]) -> dict[int, set[str]]:
    """Return the words that a claim's record holds for every line of its block, and those of its comments and tags."""
    found = {}
    for claim in note.claims:
        mark = lines[claim.line - 1].lstrip(" \t>-*+0123456789.)")[:3]
        closing = re.compile(rf"[ \t>]*{re.escape(mark)}{re.escape(mark[0])}*[ \t]*")
        ends = (n for n in range(claim.line + 1, len(lines) + 1) if closing.fullmatch(lines[n - 1]))
        end = next(ends, claim.line)
        if not claim.problem:
            unread = re.findall(r"(?:^|\s)#.*|![^\s,\[\]{}]+", "\n".join(lines[claim.line - 1 : end]), re.MULTILINE)
            words = _words(f"{said(claim.model_dump())} {CLAIM} {' '.join(unread)}")
            found |= dict.fromkeys(range(claim.line, end + 1), words)
    return found


def _known(paper: Paper) -> str:
    """Return all that a record says."""
    dates = [date.replace("-", "") for date in (paper.date, paper.published) if date]
    return " ".join([said(paper.model_dump()), *dates])


def said(value: Any) -> str:
    """Return all texts in the fields of a record."""
    if isinstance(value, dict):
        return " ".join(f"{name} {said(one)}" for name, one in value.items())
    return " ".join(map(said, value)) if isinstance(value, (list, tuple)) else str(value)


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text))


def _front_lines(lines: list[str], is_faulty: bool) -> set[int]:
    """Return the lines that front matter takes up, counted from 1; of a faulty one those of keys and items alone."""
    ends = {"---": ("---", "..."), "+++": ("+++",)}.get(lines[0].rstrip(), ())
    end = next((n for n in range(1, len(lines)) if lines[n].rstrip() in ends), None)
    if not is_faulty:
        return set(range(1, end + 2)) if end is not None else set()
    last = end if end is not None else next((n for n, line in enumerate(lines) if not line.strip()), len(lines))
    read = {n + 1 for n in range(1, last) if re.match(r"\w[\w .-]*[:=]|\s*- ", lines[n])}
    return {1, last + 1, *read} if end is not None else {1, *read}


@settings(max_examples=300)
@given(PAGES, FILES)
@example(MIXED, "n.md")
@example("# 0\n论文:0000AA", "n.md")
@example("## [\u00a0](https://arxiv.org/abs/2410.00037v2)", "n.md")
@example("### codec codec，codec，codec\n### 202410 `codec` ★ speech ☆", "n.md")
@example("0\x1f3\n---", "n.md")
@example("**《codec》** codec，codec### 202410 `codec` codec ☆", "n.md")
@example("## [codec](https://arxiv.org/abs/2410.00037v2)\n**《codec》** codec，codec", "n.md")
def test_every_line_with_a_word_lies_in_a_record(page: str, file: str) -> None:
    try:
        missing = lost(page, file)
    except NoteError:  # front matter that is broken: said with file and line, and nothing is read
        return
    assert missing == []


@settings(max_examples=100)
@given(PAGES, FILES)
def test_lines_of_records_are_disjoint_and_line_ends_do_not_matter(page: str, file: str) -> None:
    page = page.replace("\r\n", "\n")
    try:
        note = parse_note(page.encode(), file)
    except NoteError:
        return
    taken: set[int] = set()
    for paper in note.papers:
        lines = set(range(paper.line, paper.end_line + 1))
        assert not taken & lines
        taken |= lines
    for other in (page.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + page.encode()):
        assert parse_note(other, file) == note


def titles(note: Note) -> list[str]:
    return [paper.title for paper in note.papers]


def test_strange_bytes_are_kept_out_of_titles_and_in_the_text() -> None:
    note = parse_note("# Toy\u200b\u00a0Codecs\x07 阅读笔记\n\nA\u00a0b\x07c\n".encode(), "n.md")
    assert titles(note) == ["Toy Codecs"]
    assert note.papers[0].body == "A\u00a0b\x07c"


@pytest.mark.parametrize(
    "page",
    [
        "| Title | Paper |\n|--|--|\n" + "| Toy | [pdf](https://arxiv.org/abs/2410.00037) |\n" * 5000,
        "\n".join("  " * depth + "- x" for depth in range(400)),
        ">" * 3000 + " x\n",
        "# T\n```\n" + "code\n" * 20000,
        "# T\n" + "word [link](https://arxiv.org/abs/2410.00001) **bold** " * 5000,
        "- " + "[" * 20000,
        "- " + "[a" * 20000,
        "- " + "*a" * 20000 + "\n- " + "**a " * 10000,
        "## " + "([" * 20000 + "\n- [a](" + "(" * 20000,
        "> **a" + " " * 20000 + "**：x\n" + "a:" * 20000,
        "x " + "https://a.b/(" * 10000,
        "<!--" * 20000,
        "# a\n" * 10000,
        "x" + " " * 200_000 + "y",
    ],
    ids=range(14),
)
def test_hostile_pages_end_in_time_and_lose_nothing(page: str) -> None:
    assert lost(page, "n.md") == []
