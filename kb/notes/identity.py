"""What a paper is known by: the ids it has itself, and its title where that tells it from others.

A note cites other papers too, and its record holds the first id found in it. An id is the paper's own where the front
matter gives it, or where the note says that the paper stands there: on a line of nothing but links, under a label such
as "Paper" or "论文", on the title itself, or right after it with no words between but names and what is in brackets. A
wrong join is worse than a missed one, so all else is a citation.
"""

import re
from typing import TYPE_CHECKING

from kb.notes.ids import ARXIV_DOI, ARXIV_ID, DOI
from kb.notes.same_paper import TITLE
from kb.patterns import pattern
from kb.terms import fold, has_unspaced, name_key, terms

if TYPE_CHECKING:
    from kb.records import Paper

Identity = tuple[str, str]  # kind and value: ("arxiv", "2410.15017")

OPENING_LINES = 12  # with text, in which a note gives the addresses of its paper
FEWEST_WORDS = 3
FEWEST_HAN = 8
KINDS_OF_NO_PAPER = ("note", "lecture")

_ARXIV = pattern(rf"(?<![\w.])({ARXIV_ID})")
_DOI = pattern(DOI)
_SAYS_WHAT = pattern(
    r"[\W\d_]*(?:(?:paper|pdf|abs|html|arxiv|doi|openreview|acl|anthology|code|github|repo|demo|project|page|homepage|link"
    r"|url|blog|model|data|dataset|video|slide|tweet|huggingface|hf|alphaxiv|eprint|id|number|official|implementation"
    r"|论文|文章|原文|全文|地址|代码|链接|主页|演示|项目|页面|网址|编号|号|开源|模型|数据|视频)s?[\W\d_]*)+"
)
_PART = pattern(r"\s[|·•]\s|｜|\s{2,}")  # "**Authors:** A. One | **arXiv:** 2410.15017"
_BRACKETS = pattern(r"[(（\[][^()（）\[\]]*[)）\]]")
_WORD = pattern("[^\\W\\d_]{2,}|[\u3400-\u9fff]")
_BETWEEN_NAMES = frozenset(("and", "et", "al", "in", "at", "de", "van", "von", "der"))
_OTHERS_FOLLOW = pattern(
    r"\W*(?:参考|引用|相关|延伸|前作|后续|对比|references?\b|related\b|see also|further reading|baselines?\b)"
)
_LINK = pattern(r"(?P<bang>!?)\[(?P<label>[^\[\]\n]*)\]+\(<?(?P<url>[^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)*)>?[^)\n]*\)")
_ADDRESS = pattern(r"https?://[^\s<>，。；、|）)]+")
_GENERIC = (
    "a an and of the in on for to my with introduction intro overview summary summaries note notes reading"
    " readings list week weekly month monthly day daily paper papers part chapter section lecture related work"
    " works background conclusion conclusions discussion abstract method methods experiment experiments result"
    " results references reference group report log review reviews recap digest new year january february march"
    " april may june july august september october november december"
)
_GENERIC_WORDS = frozenset(_GENERIC.split())
_GENERIC_HAN = pattern(
    "论文|文章|阅读|笔记|读书|速记|速览|精读|总结|汇总|整理|合集|记录|介绍|简介|引言|摘要|相关|工作|背景|结论|每日|每周|每月"
    "|本周|本月|周报|月报|日报|第[一二三四五六七八九十]+[章节周讲期]|[年月日周的与和]"
)


def identities(paper: "Paper") -> list[Identity]:
    """Return what paper is known by; a note or a lecture is known by nothing.

    Example: a monthly entry with "论文：https://arxiv.org/abs/2410.15017v2" ->
    [("arxiv", "2410.15017"), ("title", "dm codec distilling multimodal …")].
    """
    if paper.kind in KINDS_OF_NO_PAPER:
        return []
    given = {
        "arxiv": paper.arxiv_id,
        "doi": paper.doi,
        "openreview": paper.openreview_id,
        "acl": paper.acl_id,
    }
    found = {_identity(kind, value) for kind, value in given.items() if value and _is_own(value, paper)}
    if title_tells(paper.title):
        found.add((TITLE, name_key(paper.title)))
    return sorted(found)


def title_tells(title: str) -> bool:
    """Whether a title is enough to know a paper by.

    It has three words or eight Han characters, and says more than "Summary of Week 12" or "论文阅读笔记".
    """
    words = _words(title)
    if len(words) >= FEWEST_WORDS and len(set(words) - _GENERIC_WORDS) >= FEWEST_WORDS - 1:
        return True
    return _telling_han(title) >= FEWEST_HAN


def is_generic(title: str) -> bool:
    """Whether a title says nothing at all: "Summary of Week 12", "2024年10月论文速记"."""
    return _GENERIC_WORDS.issuperset(_words(title)) and not _telling_han(title)


def _words(title: str) -> list[str]:
    return [term for term in terms(title) if not term.isdecimal() and not has_unspaced(term)]


def _telling_han(title: str) -> int:
    return sum(map(has_unspaced, _GENERIC_HAN.sub("", fold(title))))


def _identity(kind: str, value: str) -> Identity:
    """Return an id in the one form that all its spellings have."""
    folded = value.strip().lower()
    if kind == "openreview":  # the only ids in which capitals count
        return kind, value.strip()
    if kind == "doi":
        found = _DOI.search(folded)
        doi = found[0] if found else folded
        return _identity("arxiv", doi.removeprefix(ARXIV_DOI)) if doi.startswith(ARXIV_DOI) else (kind, doi)
    if kind == "arxiv" and (number := _ARXIV.search(folded)):
        return kind, number[1]
    return kind, folded


def _is_own(value: str, paper: "Paper") -> bool:
    if value not in paper.body:  # then the front matter gives it
        return True
    lines = [line for line in paper.body.splitlines() if line.strip()]
    others = next((number for number, line in enumerate(lines) if _OTHERS_FOLLOW.match(fold(line))), OPENING_LINES)
    names = {name_key(name) for name in (paper.title, paper.short_name, value) if name}
    is_entry_line = bool(paper.passages) and paper.passages[0].line == paper.line
    if any(
        value in line and _gives(line, value, paper, names, is_entry_line and number == 0)
        for number, line in enumerate(lines[: min(others, OPENING_LINES)])
    ):
        return True
    is_pictured = any(value in line and ("![" in line or "<img" in line) for line in lines)
    return is_pictured and set(_ARXIV.findall(paper.body)) == {value}


def _gives(line: str, value: str, paper: "Paper", names: set[str], is_entry_line: bool) -> bool:
    """Whether line says that value is the paper's: nothing but addresses and labels, or a link that says so.

    names are the keys of what the paper is called. On the line that names the entry, a link "[pdf](…)" is enough.
    """
    if any(
        value in part and part != line and _gives(part, value, paper, names, False)
        for part in _parts(line, is_entry_line)
    ):
        return True
    labels = [link["label"] for link in _LINK.finditer(line) if value in link["url"] and not link["bang"]]
    if any(name_key(label) in names for label in labels):
        return True
    rest = _ADDRESS.sub(" ", _LINK.sub(lambda link: f" {link['label']} ", line)).replace(value, " ")
    if not re.search(r"\w", rest) or _SAYS_WHAT.fullmatch(fold(rest)):
        return True
    return is_entry_line and (
        any(_SAYS_WHAT.fullmatch(fold(label)) for label in labels) or _follows(line, value, paper)
    )


def _parts(line: str, is_entry_line: bool) -> list[str]:
    """Return the parts of a line that has several labels; a row of a table that names no entry cites others."""
    return [] if line.lstrip().startswith("|") and not is_entry_line else _PART.split(line)


def _follows(line: str, value: str, paper: "Paper") -> bool:
    """Whether value comes right after the title: "**Toy: A Codec** (X, 2025) https://arxiv.org/abs/2505.13001"."""
    before, title = line.partition(value)[0], paper.written_title or paper.title
    _, found, between = before.rpartition(title)
    words = _WORD.findall(_ADDRESS.sub(" ", _BRACKETS.sub(" ", between)))
    return bool(found) and all(
        word[0].isupper() or word in _BETWEEN_NAMES or _SAYS_WHAT.fullmatch(word.lower()) for word in words
    )
