"""Facts that notes give under a label: `> **机构**：CMU`, `- Authors: A, B`, `[venue:: ICASSP 2023]`, `### Year:`."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from kb.markup.fences import lines_of_code
from kb.notes.parsing.fields import field_of, label_key
from kb.patterns import pattern

# Chapters are called so too: alone and without a colon these say nothing of what stands below.
_CHAPTERS = "paper article 论文 原文 model method name 模型 名称 方法名 code 代码 demo 演示 项目 project"
_NAMES_OF_CHAPTERS = frozenset(_CHAPTERS.split())
LONGEST_LINE = 10_000  # characters in which labels are looked for
LONGEST_ALONE = 150  # of a line that is a label and nothing else
LONGEST_TABLE = 40  # rows of a table that says things about one paper
SECTION_LINES = 12  # with text, below a label that stands alone

_LETTER = r"A-Za-z\u3041-\u30ff\u4e00-\u9fff"
_NAME = rf"(?P<label>[{_LETTER}](?:[{_LETTER} /／&_-]|[(（][^()（）]{{1,12}}[)）]){{0,24}}?)"
_MARK = r"(?P<mark>\*{1,3}|_{1,2}|`|(?=\w))"
_SEPARATOR = r"\s{0,4}(?:::|[:：])"
_AFTER_LABEL = rf"{_MARK}\s?{_NAME}\s{{0,4}}(?:(?P=mark){_SEPARATOR}|{_SEPARATOR}\s{{0,2}}(?P=mark))\s{{0,4}}"
_START = r"[\s>]{0,12}(?:[-*+•]\s{1,4}|\d{1,3}[.)、]\s{0,4})?(?:\[[ xX]\]\s{1,4})?(?:[^\w\s*_`#|\[(（【<]{1,4}\s{0,4})?"
_BOXED = _NAME.replace("label", "boxed")
_LINE = pattern(
    rf"{_START}(?:{_AFTER_LABEL}|(?:【{_BOXED}】[:：]?|\[{_BOXED.replace('boxed', 'linked')}\][:：])\s{{0,4}})"
)
_NEXT = pattern(
    rf"(?:\s[|｜·•/]\s{{0,4}}|[；;]\s{{0,4}}|\s{{2,8}}|\u3000|\t|[,，]\s{{0,4}}(?=\*\*|__)|\s(?=\*\*|__)){_AFTER_LABEL}(?=\S)"
)
_INLINE = pattern(
    r"[\[(](?P<label>[A-Za-z\u4e00-\u9fff][\w -]{0,24})::\s{0,4}"
    r"(?P<value>(?:\[\[[^\[\]]{1,200}\]\]|\[[^\[\]]{1,200}\]|\([^()]{1,200}\)|[^\[\]()]){1,500})[\])]"
)
_ALONE = pattern(
    rf"[\s>]{{0,12}}(?:(?P<level>#{{1,6}})\s+(?:[\d.]{{1,6}}\s+)?|[-*+•]\s{{1,4}})?{_MARK}{_NAME}"
    r"\s{0,4}(?:[:：]{0,2}(?P=mark)|(?P=mark)[:：]{0,2})\s*#{0,6}\s*$"
)
_SIGNS = frozenset("#*_`:：】|")  # a line without any has no label
_SEPARATORS = frozenset(":：】")
_ITEM = pattern(r"[\s>]*(?:[-*+•]|\d{1,3}[.)、])\s+")
_QUOTE = pattern(r"[\s>]*")
_RULE = pattern(r"\s*(?:[-*_]\s*){3,}$")
_DELIMITERS = pattern(r"[\s|:-]+$")
_BOLD_TAG = pattern(r"</?(?:b|strong)>", re.IGNORECASE)
_BREAK = pattern(r"<br\s{0,4}/?>", re.IGNORECASE)


class Label(NamedTuple):
    """One thing said under a label."""

    field: str
    key: str  # the label in normal form: "arXiv ID" -> "arxivid"
    value: Any  # Markdown, as it is written; of front matter a text, a list or a mapping


def labels(lines: Sequence[str]) -> Iterator[Label]:
    """Return what lines say under labels, in their order; a label may stand before its value, or alone above it.

    Example: "**Authors:** A. One | **Venue:** ICASSP 2023" -> authors "A. One", venue "ICASSP 2023";
    "### Year:" and "2019" below it -> date "2019"; "| 作者 | 张三 |" -> authors "张三".
    """
    code = lines_of_code(lines)
    for number, line in enumerate(lines):
        if _SIGNS.isdisjoint(line) or number in code:
            continue
        text = line[:LONGEST_LINE]
        bare = text.lstrip(" >")
        if not bare or _SIGNS.isdisjoint(text):
            continue
        if bare.startswith("|"):
            if not (number and lines[number - 1].lstrip(" >").startswith("|")):
                yield from _of_table(lines[number : number + LONGEST_TABLE])
        elif len(text) <= LONGEST_ALONE and (alone := _ALONE.match(text)) and (field := field_of(alone["label"])):
            key, is_marked = label_key(alone["label"]), bool(alone["level"] or alone["mark"])
            if ":" in text or "：" in text or (is_marked and key not in _NAMES_OF_CHAPTERS):
                for value in _below(lines, number, is_marked):
                    yield Label(field, key, value)
        elif not _SEPARATORS.isdisjoint(text):
            for part in _BREAK.split(text) if "<" in text else (text,):
                yield from _of_line(_BOLD_TAG.sub("**", part))


def labelled(lines: Iterable[str]) -> dict[str, str]:
    """Return the values of labels by field, the first of each as it is written.

    Example: "> **论文**：*Some Title*" -> {"title": "*Some Title*"}.
    """
    found: dict[str, str] = {}
    for label in labels(list(lines)):
        found.setdefault(label.field, label.value)
    return found


def leading_label(text: str) -> Label | None:
    """Return the label that a text begins with: "**论文**：[Toys](a.pdf)" -> title "[Toys](a.pdf)"."""
    return None if _SEPARATORS.isdisjoint(text) else next(iter(_of_line(text[:LONGEST_LINE])), None)


@lru_cache(maxsize=2048)
def _of_line(text: str) -> tuple[Label, ...]:
    return tuple(_in_line(text))


def _in_line(text: str) -> Iterator[Label]:
    if "::" in text:
        for inline in _INLINE.finditer(text):
            if field := field_of(inline["label"]):
                yield Label(field, label_key(inline["label"]), inline["value"].strip())
    first = _LINE.match(text)
    name = (first["label"] or first["boxed"] or first["linked"]) if first else ""
    if not first or not field_of(name):
        return
    marks = [(name, first.start(), first.end())]
    marks += [
        (one["label"], one.start(), one.end()) for one in _NEXT.finditer(text, first.end()) if field_of(one["label"])
    ]
    ends = [start for _, start, _ in marks[1:]] + [len(text)]
    for (label, _, start), end in zip(marks, ends, strict=True):
        if (field := field_of(label)) and (value := text[start:end].strip(" \t\u3000|｜·•；;")):
            yield Label(field, label_key(label), value)


def _of_table(lines: Sequence[str]) -> Iterator[Label]:
    """Return what a table says that has labels in its first column, or in its header and one row below it."""
    texts = [line.strip(" \t>") for line in itertools.takewhile(lambda line: line.lstrip(" >").startswith("|"), lines)]
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", text.strip("|"))]
        for text in texts
        if not _DELIMITERS.match(text)
    ]
    pairs: Iterable[Sequence[str]] = [row for row in rows if len(row) == 2]
    if len(rows) == 2 and len(rows[0]) > 1 and all(map(field_of, rows[0])):
        pairs = list(zip(*rows, strict=False))
    for label, value in pairs:
        if (field := field_of(label)) and value and not field_of(value):
            yield Label(field, label_key(label), value)


def _is_alone(line: str) -> bool:
    found = _ALONE.match(line)
    return bool(found and field_of(found["label"]))


def _below(lines: Sequence[str], number: int, may_be_apart: bool) -> Iterator[str]:
    """Return what stands below a label that stands alone: the items of a list, else the lines of a paragraph."""
    indent = len(_QUOTE.match(lines[number])[0])  # type: ignore[index]
    is_item = bool(_ITEM.match(lines[number]))
    pieces: list[str] = []
    for line in lines[number + 1 : number + 1 + 2 * SECTION_LINES]:
        text = line[:LONGEST_LINE].strip(" \t>")
        if not text:
            if pieces or not may_be_apart:
                break
            continue
        if text.startswith(("#", "```", "~~~", "|")) or _RULE.match(text) or _is_alone(line):
            break
        item = _ITEM.match(line)
        if (is_item and (not item or len(_QUOTE.match(line)[0]) <= indent)) or any(_of_line(line)):  # type: ignore[index]
            break
        text = line[item.end() :].strip() if item else text
        if pieces and not item and pieces[-1].endswith((",", "，", "、", ";", "；", "and", "&")):
            pieces[-1] += f" {text}"
        else:
            pieces.append(text)
    yield from pieces
