"""A BibTeX library, as BibTeX itself reads it and as biblatex, Zotero and JabRef write it."""

import re

from kb.notes.parsing import bibtex_names, bibtex_parents, dates, latex, library, names
from kb.notes.parsing.bibtex_entries import MONTHS, BibEntry, Field, read_entries
from kb.notes.parsing.entry import Entry
from kb.patterns import pattern
from kb.records import OTHERS, Reference

_VENUES = ("journal", "journaltitle", "booktitle", "eventtitle", "howpublished", "school", "institution")
_TEXTS = ("abstract", "annote", "annotation", "note")
_DETAILS = ("volume", "number", "pages", "series", "edition", "editor", "publisher")  # kept as a line of text
_VERBATIM = ("url", "doi", "eprint")
_ADDED = (
    "date-added",
    "dateadded",
    "timestamp",
    "creationdate",
    "added-at",
)  # by BibDesk, JabRef, BibSonomy and others
_DESCRIBED_FILE = pattern(r"(?:\\.|[^:\\])*:(?P<path>(?:[A-Za-z]\\?:)?(?:\\.|[^:\\])+):[\w/.+-]*")


def entries(text: str, file: str) -> list[Entry]:
    """Return the entries of a BibTeX file.

    Raises: NoteError with the line of what cannot be read.
    """
    found = read_entries(text, file)
    return [
        _entry(one, inherited)
        for one, inherited in zip(found, bibtex_parents.inherited(found), strict=True)
        if one.type != bibtex_parents.CONTAINER
    ]


def people(value: str) -> tuple[str, ...]:
    """Return the people of a field, first names first: "Li, Wei and {Open AI}" -> ("Wei Li", "Open AI")."""
    found = [name for person in bibtex_names.people(value) if (name := person.shown())]
    named = [name for name in found if name != OTHERS]
    return tuple(dict.fromkeys([*named, OTHERS] if named and OTHERS in found else named))


def _entry(own: BibEntry, inherited: dict[str, Field]) -> Entry:
    one = own._replace(fields=own.fields | inherited) if inherited else own
    venue, urls = _text(one, *_VENUES), _texts(one, "url")
    if venue.startswith(("http://", "https://")):  # howpublished = {\url{…}}
        venue, urls = "", [*urls, *_texts(one, "howpublished")]
    details = [f"{name} {value}" for name in _DETAILS if (value := _text(one, name))]
    short = _text(one, "shorttitle")
    return Entry(
        title=_text(one, "title") or one.key,
        line=one.line,
        end=one.end,
        body=library.body([*_texts(one, *_TEXTS), (one.line, ", ".join(details))], urls),
        kind="project" if "software" in (one.type, _text(one, "type")) else "paper",
        short_name=short if names.is_name(short) else None,
        organizations=tuple(name for part in _text(one, "affiliation").split(";") if (name := part.strip())),
        keywords=library.split_keywords(_text(one, "keywords", "keyword")),
        arxiv_id=_arxiv_id(one, venue),
        doi=library.doi(_text(one, "doi")),
        citation_key=one.key or None,
        authors=people(one.fields["author"].value) if "author" in one.fields else (),
        venue=venue or None,
        published=_published(one),
        month=next((month for name in _ADDED if (month := dates.month_in(_text(own, name)))), None),
        reference=_reference(own, inherited),
        attachments=_attachments(own.fields["file"].value) if "file" in own.fields else (),
    )


def _reference(own: BibEntry, inherited: dict[str, Field]) -> Reference:
    return Reference(
        format="bibtex",
        type=own.type,
        key=own.key,
        fields={name: field.value for name, field in own.fields.items()},
        inherited={name: field.value for name, field in inherited.items()},
        months=tuple(name for name, field in (own.fields | inherited).items() if field.is_month),
    )


def _attachments(value: str) -> tuple[str, ...]:
    """Return the paths of a field `file`, as BibDesk and Better BibTeX, JabRef and Zotero write it.

    Example: "a/b.pdf;c.pdf" -> both; "Full Text:files/1/a.pdf:application/pdf;:b.pdf:PDF" -> "files/1/a.pdf", "b.pdf".
    """
    found = []
    for part in re.split(r"(?<!\\);", value.replace("\n", " ")):
        described = _DESCRIBED_FILE.fullmatch(part.strip())
        path = re.sub(r"\\([:;_%&#$\\])", r"\1", described["path"] if described else part).strip()
        found += [path] if path else []
    return tuple(found)


def _shown(one: BibEntry, name: str) -> str:
    value = one.fields[name].value if name in one.fields else ""
    return re.sub(r"\\([_%&#~])", r"\1", value) if name in _VERBATIM else latex.decode(value)


def _text(one: BibEntry, *wanted: str) -> str:
    """Return the first of the fields that says something, as it shows, on one line."""
    return next((text for name in wanted if (text := " ".join(_shown(one, name).split()))), "")


def _texts(one: BibEntry, *wanted: str) -> list[tuple[int, str]]:
    """Return the fields that are there, as they show, each with the line it begins in."""
    return [(one.fields[name].line, _shown(one, name)) for name in wanted if name in one.fields]


def _arxiv_id(one: BibEntry, venue: str) -> str | None:
    """Return the arXiv id of an eprint, or of a journal or note such as "arXiv preprint arXiv:2410.00037"."""
    if (_text(one, "archiveprefix", "eprinttype") or "arxiv").lower() == "arxiv" and (
        given := library.arxiv_id(_text(one, "eprint", "arxivid"))
    ):
        return given
    return library.named_arxiv_id(f"{venue} {_text(one, 'note')[:100]}")


def _published(one: BibEntry) -> str | None:
    """Return the date, as exactly as it is given: of biblatex's date, else of year, month and day."""
    if date := re.match(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?", _text(one, "date")):
        return library.date([part for part in date.groups() if part])
    year = re.search(r"(?:19|20)[0-9]{2}", _text(one, "year"))
    month = _text(one, "month").lower()
    number = next((str(number) for number, name in enumerate(MONTHS, 1) if month.startswith(name)), month)
    return library.date([year[0], number, _text(one, "day")]) if year else None
