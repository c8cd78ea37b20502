"""A file of BibTeX -> Metadata of each of its entries."""

import re
from pathlib import Path
from typing import Any

from kb.adding.identify import Target, identify
from kb.adding.metadata import INSTALL, Metadata, plain
from kb.errors import KbError

MOST_BYTES = 5_000_000
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def read_bibtex(path: Path) -> list[Metadata]:
    """Return the papers of a file, in its order.

    Raises: KbError naming file and line if it cannot be read, is not UTF-8, has an entry that cannot be understood,
    or holds none.
    """
    try:
        from pybtex.database import parse_string
        from pybtex.exceptions import PybtexError
    except ModuleNotFoundError as error:
        raise KbError(f"reading {path} needs {error.name}; run: {INSTALL}") from None
    try:
        data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
        text = data.decode("utf-8-sig") if data is not None else None
    except OSError as error:
        raise KbError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KbError(f"{path}: not UTF-8; save it as UTF-8") from None
    if text is None:
        raise KbError(f"{path}: larger than {MOST_BYTES // 1_000_000} MB; name a smaller file")
    try:
        entries = parse_string(text, "bibtex").entries
    except PybtexError as error:
        raise KbError(f"{path}: not BibTeX: {' '.join(str(error).split()):.160}; mend the entry") from None
    if not entries:
        raise KbError(f"{path}: holds no entry; one begins like @article{{name,")
    return [_metadata(key, entry, path) for key, entry in entries.items()]


def _metadata(key: str, entry: Any, path: Path) -> Metadata:
    fields = {name.lower(): str(value) for name, value in entry.fields.items()}
    title = plain(fields.get("title", ""))
    if not title:
        raise KbError(f"{path}: {key} has no title; give it one")
    ids = {target.kind: target.value for target in _targets(fields)}
    venue = fields.get("booktitle") or fields.get("journal") or fields.get("journaltitle") or ""
    return Metadata(
        title=title,
        authors=tuple(name for person in entry.persons.get("author", ()) if (name := _name(person))),
        published=_date(fields),
        venue=plain(venue) or None,
        arxiv_id=ids.get("arxiv"),
        doi=ids.get("doi"),
        url=fields["url"].strip() if re.fullmatch(r"\s*https?://\S+\s*", fields.get("url", "")) else None,
    )


def _targets(fields: dict[str, str]) -> list[Target]:
    """Return the ids that an entry gives, those of its address first."""
    prefix = fields.get("archiveprefix", fields.get("eprinttype", "arxiv")).strip().lower()
    given = [fields.get("url", ""), fields.get("doi", ""), fields.get("eprint", "") if prefix == "arxiv" else ""]
    found = []
    for text in given:
        try:
            target = identify(text.replace("\\_", "_"))
        except KbError:  # an address of something else
            continue
        found += [target] if target.kind != "bib" else []
    return found


def _name(person: Any) -> str:
    """Return a name as it is spoken: "One, Ann" -> "Ann One"; "others" are no name."""
    parts = (person.first_names, person.middle_names, person.prelast_names, person.last_names, person.lineage_names)
    name = plain(" ".join(part for names in parts for part in names))
    return "" if name.lower() == "others" else name


def _date(fields: dict[str, str]) -> str | None:
    """Return the date of an entry: of `date`, else of `year` and `month`."""
    if found := re.match(r"\s*(\d{4}(?:-\d\d){0,2})", fields.get("date", "")):
        return found[1]
    year = re.search(r"\d{4}", fields.get("year", ""))
    month = fields.get("month", "").strip().lower()
    number = int(month) if month.isdecimal() else next((n for n, m in enumerate(_MONTHS, 1) if month.startswith(m)), 0)
    return f"{year[0]}-{number:02d}" if year and 1 <= number <= 12 else year[0] if year else None
