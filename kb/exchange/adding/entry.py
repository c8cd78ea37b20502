"""Metadata -> the lines of an entry, in the ways that notes are written. Pure.

Each function gives the ways that fit, the best first; placing.py tries out whether one is read back as what was meant.
"""

import re
from typing import NamedTuple

from kb.exchange.adding.metadata import Metadata
from kb.notes.parsing.dates import date_in
from kb.notes.parsing.fields import field_of
from kb.records import OTHERS

Lines = list[str]

_HAN = re.compile(r"[\u3400-\u9fff]")
_MARKER = re.compile(r"(?P<indent>\s*)(?P<marker>[-*+]|(?P<number>\d{1,9})(?P<dot>[.)]))(?P<space>\s+)(?P<text>.*)")
_DATE = re.compile(
    r"(?P<open>[\[(`【]?)(?P<date>(?:19|20)\d\d(?P<mark>[-/.])\d{1,2}(?:(?P=mark)\d{1,2})?)(?P<close>[\])`】]?\s+)"
)
_CODED = re.compile(r"(?P<date>(?:19|20)\d\d(?P<mark>[-./]?)\d\d)\s*`")
_NUMBERED = re.compile(r"(?P<number>\d{1,3})(?P<dot>[.)、．]\s*)(?=\D)")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~])")


class Words(NamedTuple):
    """The labels of addresses, in the language of the notes."""

    paper: str
    doi: str


def words_for(text: str) -> Words:
    """Return the labels for a file that holds text: Chinese ones where it holds Chinese."""
    return Words("论文：", "DOI：") if _HAN.search(text) else Words("Paper: ", "DOI: ")


def address_lines(paper: Metadata, words: Words) -> Lines:
    """Return a line for each address: "- 论文：https://arxiv.org/abs/2410.00037"."""
    labels = (words.paper, words.doi)
    return [f"- {label}{address}" for label, address in zip(labels, paper.addresses, strict=False)]


def guillemets(paper: Metadata, words: Words) -> Lines:
    """Return `**《Title》** organizations` and the addresses; what is not known is left for the user to write."""
    head = f"**《{paper.title}》** {'、'.join(paper.organizations)}".rstrip()
    addresses = address_lines(paper, words)
    return [head, "", *addresses] if addresses else [head]


def headings(paper: Metadata, last: str, words: Words) -> list[Lines]:
    """Return the ways to write a heading like last, the line of the month's last entry."""
    level = re.match(r"#+", last.lstrip())
    marks = level[0] if level else "##"
    text = re.sub(r"^[#\s☆★⭐]+", "", last)
    number = _NUMBERED.match(text)
    start = f"{marks} {int(number['number']) + 1}{number['dot']}" if number else f"{marks} "
    addresses = address_lines(paper, words)
    title = _escaped(paper.title)
    ways = [[f"{start}{title}", "", *addresses]]
    if paper.addresses:
        linked = [f"{start}[{title}]({paper.addresses[0]})"]
        more = ["", *addresses[1:]] if len(addresses) > 1 else []
        ways.insert(0 if "](" in last else 1, linked + more)
    if coded := _CODED.match(text):
        month = (paper.published or "")[:7].replace("-", coded["mark"])
        if len(month) > 4 and "`" not in paper.title:
            head = f"{marks} {month} `{paper.title}` {'、'.join(paper.organizations)}".rstrip()
            ways.insert(0, [head, "", *addresses])
    return ways


def items(paper: Metadata, last: str) -> list[Lines]:
    """Return the ways to write an item of the list that last, the first line of an item, stands in."""
    found = _MARKER.match(last)
    if not found:
        return []
    marker = f"{int(found['number']) + 1}{found['dot']}" if found["number"] else found["marker"]
    start = f"{found['indent']}{marker}{found['space']}"
    text = found["text"]
    if dated := _DATE.match(text):
        text = text[dated.end() :]
        date = (paper.published or "")[: len(dated["date"])].replace("-", dated["mark"])
        start += f"{dated['open']}{date}{dated['close']}" if len(date) > 4 else ""
    title = _escaped(paper.title)
    links = _links(paper, " [{}]")
    people = f", {_people(paper)}." if paper.authors else "."
    bold = [f"{start}**{title}**{people}{links}"]
    bare = [f"{start}**{title}**{links}"]
    linked = [f"{start}[{title}]({paper.addresses[0]}){links.partition(')]')[2]}"] if paper.addresses else bare
    if text.startswith("["):
        return [linked, bold, bare]
    return [[f"{start}《{paper.title}》{links}"], bold, bare, linked] if text.startswith("《") else [bold, bare, linked]


def rows(paper: Metadata, columns: list[str], last: tuple[str, ...], title_column: int) -> list[Lines]:
    """Return the ways to write a row of a table: columns are its names, last the cells of its last row."""
    given = {
        "authors": _people(paper),
        "organizations": "、".join(paper.organizations),
        "venue": paper.venue or "",
        "date": paper.published or "",
    }
    links = _links(paper, " {}").strip()
    cells, is_linked = [], False
    for number, column in enumerate(columns):
        field, before = field_of(column), last[number] if number < len(last) else ""
        if number == title_column:
            counted = _NUMBERED.match(before)
            start = f"{int(counted['number']) + 1}{counted['dot']}" if counted else ""
            mark = "**" if "**" in before else ""
            cells.append(f"{start}{mark}{_escaped(paper.title)}{mark}")
        elif field == "date":
            cells.append(given["date"][: len(date_in(before) or "") or None])
        elif field in given:
            cells.append(_escaped(given[field]))
        elif not is_linked and links and (field in ("links", "arxiv", "doi") or "](" in before):
            cells.append(links)
            is_linked = True
        else:
            cells.append("")
    if not is_linked and paper.addresses:
        cells[title_column] = f"[{cells[title_column]}]({paper.addresses[0]})"
    bare = [cell if number == title_column or "](" in cell else "" for number, cell in enumerate(cells)]
    return [[f"| {' | '.join(row)} |"] for row in (cells, bare)]


def _people(paper: Metadata) -> str:
    named = ", ".join(name for name in paper.authors if name != OTHERS)
    return f"{named} et al" if OTHERS in paper.authors else named


def _links(paper: Metadata, link: str) -> str:
    """Return the addresses as links, each put into link; one with parentheses stands bare, lest it end at the first."""
    found = []
    for label, address in zip(("paper", "doi"), paper.addresses, strict=False):
        is_plain = not re.search(r"[()]", address)
        found.append(link.format(f"[{label}]({address})") if is_plain else f" {label}: {address}")
    return "".join(found)


def _escaped(text: str) -> str:
    """Return text such that Markdown shows it as it is."""
    return _SPECIAL.sub(r"\\\1", text)
