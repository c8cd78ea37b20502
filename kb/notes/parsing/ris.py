"""A library as RIS, which EndNote, publishers and catalogues write: a line is a tag of two signs and its value.

An entry goes from a line TY to a line ER. A line without a tag goes on with the value above it.
"""

import re
from typing import NamedTuple

from kb.errors import NoteError
from kb.notes.parsing import dates, library, names
from kb.notes.parsing.entry import Entry
from kb.patterns import pattern
from kb.records import Reference

START, END = "TY", "ER"
READ = "read:"  # what a user's own tag begins with that says in which month the paper was read: "read: 2024-10"
_LINE = pattern(r"\s{0,3}(?P<tag>[A-Z][A-Z0-9]) {1,2}-(?: (?P<value>.*)|\s*)")
_AUTHORS = ("AU", "A1")
_TITLES = ("TI", "T1", "CT")
_VENUES = ("T2", "JF", "JO", "BT", "JA", "J2")
_TEXTS = ("AB", "N2", "N1", "RN")
_OWN = ("U1", "U2", "U3", "U4", "U5")
_DETAILS = {  # kept as a line of text
    "volume": "VL",
    "number": "IS",
    "pages": "SP",
    "series": "T3",
    "edition": "ET",
    "publisher": "PB",
}
_SOFTWARE = "COMP"
_BOOKS = ("BOOK", "EBOOK", "EDBOOK")  # BT is the title of these, and of others the book they stand in


class _Record(NamedTuple):
    """An entry as it is written; lines count from 0."""

    values: dict[str, list[str]]  # by tag, in order, TY and ER left out
    type: str
    lines: dict[str, int]  # the line each tag stands in first
    line: int
    end: int  # the line after its last

    def first(self, *tags: str) -> str:
        """Return the first of the tags that says something, on one line."""
        return next((text for tag in tags for one in self.values.get(tag, ()) if (text := " ".join(one.split()))), "")


def entries(text: str, file: str) -> list[Entry]:
    """Return the entries of a RIS file; what stands between them is passed over, and ER may be missing.

    Raises: NoteError if text holds anything but no entry.
    """
    found = _records(text.split("\n"))
    if not found and text.strip():
        raise NoteError(
            "should hold entries that begin with a line `TY  - JOUR`", "export the library as RIS anew", file, 1
        )
    return [_entry(one) for one in found]


def full_name(written: str) -> str:
    """Return a name first name first: "van der Berg, Anna, Jr." -> "Anna van der Berg Jr."."""
    last, *rest = (part.strip() for part in written.split(","))
    return library.full_name("".join(rest[:1]), " ".join([last, *rest[1:]]))


def _records(lines: list[str]) -> list[_Record]:
    found: list[_Record] = []
    current: _Record | None = None
    tag = ""
    for number, line in enumerate(lines):
        match = _LINE.fullmatch(line)
        named = match["tag"] if match else ""
        value = ((match["value"] or "") if match else line).strip()
        if named == START:
            current = _Record({}, value, {}, number, number + 1)
            found.append(current)
            tag = ""
        elif current is None:
            continue
        elif named == END:
            found[-1] = current._replace(end=number + 1)
            current = None
        elif named:
            tag = named
            current.values.setdefault(tag, []).append(value)
            current.lines.setdefault(tag, number)
            found[-1] = current = current._replace(end=number + 1)
        elif tag and value:
            current.values[tag][-1] += f"\n{value}"
            found[-1] = current = current._replace(end=number + 1)
    return found


def _entry(one: _Record) -> Entry:
    is_book = one.type in _BOOKS
    title = one.first(*_TITLES, *(("BT",) if is_book else ()))
    texts = [(one.lines[tag], value) for tag in _TEXTS for value in one.values.get(tag, ())]
    details = [f"{name} {value}" for name, tag in _DETAILS.items() if (value := _detail(one, tag))]
    urls = [(one.lines["UR"], url.strip()) for value in one.values.get("UR", ()) for url in value.split(";")]
    short = one.first("ST")
    authors = (full_name(name) for tag in _AUTHORS for name in one.values.get(tag, ()))
    files = [path.strip() for value in one.values.get("L1", ()) for path in value.split(";")]
    return Entry(
        title=title or one.first("BT", "ID"),
        line=one.line,
        end=one.end,
        body=library.body([*texts, (one.line, ", ".join(details))], urls),
        kind="project" if one.type == _SOFTWARE else "paper",
        short_name=short if names.is_name(short) else None,
        organizations=tuple(name for value in one.values.get("AD", ()) if (name := " ".join(value.split()))),
        keywords=tuple(dict.fromkeys(word for value in one.values.get("KW", ()) for word in _keywords(value))),
        arxiv_id=_arxiv_id(one),
        doi=library.doi(one.first("DO")),
        authors=tuple(dict.fromkeys(name for name in authors if name and name != "others")),
        venue=one.first(*(tag for tag in _VENUES if not (is_book and tag == "BT"))) or None,
        published=_published(one),
        month=_month(one),
        reference=Reference(format="ris", type=one.type, key=one.first("ID"), fields=one.values),
        attachments=tuple(path for path in files if path),
    )


def _detail(one: _Record, tag: str) -> str:
    value, end = one.first(tag), one.first("EP")
    return f"{value}-{end}" if tag == "SP" and value and end and "-" not in value else value


def _keywords(value: str) -> list[str]:
    """Return the keywords of a value: one by the rules, but many programs write a line each in one, or a list."""
    return [word for part in re.split(r"[\n;]", value) if (word := " ".join(part.split()))]


def _arxiv_id(one: _Record) -> str | None:
    """Return the arXiv id of an accession number, a journal or a note such as "arXiv:2410.00037"."""
    return library.named_arxiv_id(
        f"{one.first('AN')} {one.first(*_VENUES)} {one.first('M1', 'C1')} {one.first('N1')[:100]}"
    )


def _published(one: _Record) -> str | None:
    """Return the date of DA, PY or Y1, as exactly as the one that says most of it: "2024/10/02/" -> "2024-10-02"."""
    written = (re.split("[/-]", one.first(tag)[:10]) for tag in ("DA", "PY", "Y1"))
    found = [date for parts in written if (date := library.date([part for part in parts if part]))]
    years = found[-1:] if one.first("PY", "Y1") else found[:1]
    return max((date for date in found if date[:4] == years[0][:4]), key=len) if years else None


def _month(one: _Record) -> str | None:
    said = (value for tag in _OWN for value in one.values.get(tag, ()) if value.startswith(READ))
    return next((month for value in said if (month := dates.month_in(value))), None)
