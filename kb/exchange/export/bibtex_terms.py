"""What a type and a field of BibTeX or biblatex is called in CSL JSON, and the other way.

Both ways keep everything: what CSL has no name for stands in `custom.bibtex` as it is written, with the type where CSL
cannot tell it; what BibTeX has no name for is a field that styles pass over and that bears the name of CSL, or ris- and
the tag of RIS.
"""

import json
import re
from typing import Any

from kb.exchange.export import dates, persons
from kb.exchange.export.bibtex_tables import (
    CONTAINERS,
    DATES,
    GENRES,
    IN_SERIES,
    NAMES,
    NUMBERED,
    OF_CSL,
    OWN,
    PUBLISHERS,
    SUBTYPES,
    TEXTS,
    TITLES,
    TYPES,
    VERBATIM,
)
from kb.exchange.export.markup import from_latex, to_latex
from kb.notes.parsing.bibtex_entries import MONTHS
from kb.notes.parsing.latex import decode, encode, is_balanced
from kb.records import Reference

Item = dict[str, Any]


def to_csl(reference: Reference) -> Item:
    """Return a reference of BibTeX as an item of CSL JSON, without its id."""
    fields: dict[str, str] = {**reference.inherited, **reference.fields}
    subtype = decode(fields.get("entrysubtype", ""))
    kind = subtype if subtype in SUBTYPES else TYPES.get(reference.type, "document")
    item: Item = {"type": kind}
    rest: dict[str, str] = {}
    taken = _take_date(fields, item) | ({"entrysubtype"} if kind == subtype else set())
    for name, value in fields.items():
        if name not in taken and not _take(name, value, item):
            rest[name] = value
    if kind == "thesis" and reference.type in GENRES:
        item.setdefault("genre", GENRES[reference.type])
    ours: dict[str, Any] = {"fields": rest} if rest else {}
    if _type_of(item) != (reference.type, ""):
        ours["type"] = reference.type
    return {**item, "custom": {"bibtex": ours}} if ours else item


def from_csl(item: Item) -> tuple[str, dict[str, str]]:
    """Return the type of BibTeX and the fields that an item of CSL JSON is, values as LaTeX."""
    kind = str(item.get("type", ""))
    custom = item.get("custom")
    ours = custom.get("bibtex") if isinstance(custom, dict) else None
    kept: dict[str, Any] = ours if isinstance(ours, dict) else {}
    bibtex, subtype = _type_of(item)
    if isinstance(own := kept.get("type"), str) and re.fullmatch(r"[a-z]+", own) and TYPES.get(own, "document") == kind:
        bibtex, subtype = own, ""
    fields: dict[str, str] = {}
    for name in ("title", "shorttitle"):
        if TITLES[name] in item:
            fields[name] = to_latex(_text(item[TITLES[name]]))
    for name, csl in NAMES.items():
        if isinstance(item.get(csl), list):
            fields[name] = persons.to_bibtex([one for one in item[csl] if isinstance(one, dict)])
    if "container-title" in item:
        default = "howpublished" if bibtex == "misc" else "booktitle"
        fields[CONTAINERS.get(kind, default)] = to_latex(_text(item["container-title"]))
    if "publisher" in item:
        fields[PUBLISHERS.get(kind, "publisher")] = encode(_text(item["publisher"]))
    _give_numbers(item, fields)
    _give_date(item, fields)
    names = {csl: name for name, csl in reversed([*TEXTS.items(), *VERBATIM.items(), *DATES.items()])}
    done = {*TITLES.values(), *NAMES.values(), "publisher", *OWN}
    for csl, value in item.items():
        if csl in done or (csl == "genre" and value == GENRES.get(bibtex)):
            continue
        name = names.get(csl, _field_name(csl))
        fields.setdefault(name if name not in fields else _field_name(csl), _written(name, value))
    for name, value in _fields_of(custom, "bibtex"):
        fields.setdefault(_field_name(name), value if is_balanced(str(value)) else encode(str(value)))
    for tag, value in _fields_of(custom, "ris"):
        said = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
        fields.setdefault(_field_name(f"ris-{tag}"), encode(said))
    if subtype:
        fields["entrysubtype"] = subtype
    return bibtex, {name: value for name, value in fields.items() if value}


def _fields_of(custom: Any, form: str) -> list[tuple[str, Any]]:
    """Return what `custom` of an item keeps of a format that CSL has no names for."""
    kept = custom.get(form) if isinstance(custom, dict) else None
    fields = kept.get("fields") if isinstance(kept, dict) else None
    return list(fields.items()) if isinstance(fields, dict) else []


def _field_name(name: str) -> str:
    """Return a name as one that a field of BibTeX may have: "DOI" -> "doi", "a = {b" -> "x-a-b"."""
    plain = re.sub(r"[^a-z0-9_.:+/-]+", "-", name.lower()).strip("-")
    return plain if plain[:1].isalpha() and plain == name.lower() else f"x-{plain}"


def _type_of(item: Item) -> tuple[str, str]:
    """Return the type of BibTeX for an item, and the type of CSL where that of BibTeX does not tell it."""
    kind = item["type"] if isinstance(item.get("type"), str) else ""
    if kind == "thesis":
        genre = str(item.get("genre", "")).lower()
        of_genre = "mastersthesis" if "master" in genre else "phdthesis" if "phd" in genre else "thesis"
        return of_genre, ""
    bibtex = OF_CSL.get(kind, "misc")
    return bibtex, "" if TYPES[bibtex] == kind else kind


def _take(name: str, value: str, item: Item) -> bool:
    """Put a field into item under its name of CSL; False if CSL has none for it or the place is taken."""
    found: Any
    if name in TITLES:
        csl, found = TITLES[name], from_latex(value)
    elif name in NAMES:
        csl, found = NAMES[name], persons.from_bibtex(value)
    elif name in DATES:
        csl, found = DATES[name], dates.from_iso(decode(value))
    elif name in VERBATIM:
        csl, found = VERBATIM[name], re.sub(r"\\([_%&#~])", r"\1", value)
    elif name == "pages":
        csl, found = "page", re.sub("--+", "-", decode(value))
    elif name in ("number", "issue"):
        csl, found = _number_name(item["type"], name), decode(value)
    else:
        csl, found = TEXTS.get(name, ""), decode(value)
    found = " ".join(found.split()) if isinstance(found, str) and csl not in ("abstract", "note", "annote") else found
    if not csl or csl in item or not found:
        return False
    item[csl] = found
    return True


def _number_name(kind: str, name: str) -> str:
    if name == "issue":
        return "issue"
    return "number" if kind in NUMBERED else "collection-number" if kind in IN_SERIES else "issue"


def _give_numbers(item: Item, fields: dict[str, str]) -> None:
    kind = str(item.get("type", ""))
    if "page" in item:
        fields["pages"] = encode(re.sub(r"(?<=\w)[-–](?=\w)", "--", _text(item["page"])))
    for csl in ("issue", "number", "collection-number"):
        if csl in item:
            name = "number" if _number_name(kind, "number") == csl else csl
            fields[name] = encode(_text(item[csl]))


def _take_date(fields: dict[str, str], item: Item) -> set[str]:
    """Put the date into item and return the fields that it was made of: biblatex's date, or year, month and day."""
    if "date" in fields and (date := dates.from_iso(decode(fields["date"]))):
        item["issued"] = date
        return {"date"}
    year = decode(fields.get("year", "")).strip()
    if not re.fullmatch(r"[0-9]{4}", year):
        if year:
            item["issued"] = {"literal": year}
        return {"year"} if year else set()
    numbers, taken = [int(year)], {"year"}
    month = decode(fields.get("month", "")).strip().lower().rstrip(".")
    number = next((place for place, name in enumerate(MONTHS, 1) if month.startswith(name)), 0)
    number = int(month) if re.fullmatch(r"0?[1-9]|1[0-2]", month) else number
    if number and (re.fullmatch("[a-z]+|[0-9]+", month)):
        numbers, taken = [*numbers, number], {*taken, "month"}
        day = decode(fields.get("day", "")).strip()
        if re.fullmatch(r"0?[1-9]|[12][0-9]|3[01]", day):
            numbers, taken = [*numbers, int(day)], {*taken, "day"}
    item["issued"] = {"date-parts": [numbers]}
    return taken


def _give_date(item: Item, fields: dict[str, str]) -> None:
    issued = item.get("issued")
    spans = issued.get("date-parts") if isinstance(issued, dict) else None
    numbers = dates.first(issued)
    if isinstance(spans, list) and len(spans) > 1:
        fields["date"] = dates.to_iso(issued)
    elif numbers:
        fields |= {"year": str(numbers[0])}
        if len(numbers) > 1 and 1 <= numbers[1] <= 12:
            fields |= {"month": MONTHS[numbers[1] - 1]}
        fields |= {"day": str(numbers[2])} if len(numbers) > 2 else {}
    elif text := dates.to_iso(issued):
        fields["year"] = encode(text)


def _written(name: str, value: Any) -> str:
    """Return a value of CSL JSON as LaTeX: names and dates in their own ways, what is neither as text or JSON."""
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return persons.to_bibtex(value)
    if name in DATES or (isinstance(value, dict) and dates.to_iso(value)):
        return encode(dates.to_iso(value))
    text = _text(value)
    return text if name in VERBATIM and not re.search(r"[{}\\]", text) else encode(text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
