"""What a type and a tag of RIS is called in CSL JSON, and the other way.

What CSL has no name for stands in `custom.ris` as it is written, with the type where CSL cannot tell it; what RIS has
no tag for, of CSL or of BibTeX, is a note "name: value".
"""

import json
import re
from typing import Any

from kb.exchange.export import dates, persons
from kb.notes.ids import ARXIV_NUMBER
from kb.notes.parsing.latex import decode
from kb.notes.parsing.ris import READ
from kb.records import Reference

Item = dict[str, Any]

TYPES = {  # of RIS -> of CSL; others are documents
    "JOUR": "article-journal", "EJOUR": "article-journal", "INPR": "article-journal", "ABST": "article-journal",
    "MGZN": "article-magazine", "NEWS": "article-newspaper", "BOOK": "book", "EBOOK": "book", "EDBOOK": "book",
    "SER": "book", "SERIAL": "book", "CHAP": "chapter", "ECHAP": "chapter", "CPAPER": "paper-conference",
    "CONF": "paper-conference", "THES": "thesis", "RPRT": "report", "GOVDOC": "report", "UNPB": "manuscript",
    "MANSCPT": "manuscript", "ELEC": "webpage", "BLOG": "post-weblog", "ICOMM": "personal_communication",
    "PCOMM": "personal_communication", "PAT": "patent", "DATA": "dataset", "AGGR": "dataset", "DBASE": "dataset",
    "COMP": "software", "VIDEO": "motion_picture", "MPCT": "motion_picture", "ADVS": "motion_picture", "SOUND": "song",
    "MUSIC": "musical_score", "MAP": "map", "ART": "graphic", "FIGURE": "figure", "CHART": "figure", "SLIDE": "speech",
    "CASE": "legal_case", "BILL": "bill", "STAT": "legislation", "LEGAL": "regulation", "HEAR": "hearing",
    "DICT": "entry-dictionary", "ENCYC": "entry-encyclopedia", "PAMP": "pamphlet", "STAND": "standard",
    "JFULL": "periodical", "CLSWK": "classic", "ANCIENT": "classic", "GEN": "document",
}  # fmt: skip
_OF_CSL = {csl: ris for ris, csl in reversed(TYPES.items())} | {"article": "UNPB", "post": "BLOG", "entry": "ENCYC"}
_NAMES = {"AU": "author", "A1": "author", "ED": "editor", "A2": "editor", "A3": "collection-editor", "A4": "translator"}
_TEXTS = {  # of RIS -> of CSL; of several for one, the first that is there
    "TI": "title", "T1": "title", "CT": "title", "BT": "container-title", "T2": "container-title",
    "JF": "container-title", "JO": "container-title", "JA": "container-title-short", "J2": "container-title-short",
    "T3": "collection-title", "ST": "title-short", "VL": "volume", "PB": "publisher", "CY": "publisher-place",
    "PP": "publisher-place", "ET": "edition", "DO": "DOI", "AB": "abstract", "N2": "abstract", "LA": "language",
    "DB": "source", "CN": "call-number", "M3": "genre", "NV": "number-of-volumes", "SE": "section",
    "OP": "original-title", "RI": "reviewed-title", "RN": "annote", "DP": "archive",
}  # fmt: skip
_WHOLE_BOOKS = ("BOOK", "EBOOK", "EDBOOK", "SER", "SERIAL")
_SERIAL_TYPES = ("article-journal", "article-magazine", "article-newspaper", "periodical")
_OF_RECORD = ("ID", "AD", "L1")  # what the record of the paper says as well
_KNOWN_OF_BIBTEX = ("affiliation", "file", "timestamp", "crossref", "xdata")
_OWN = ("U1", "U2", "U3", "U4", "U5")
_GIVEN_APART = {
    *("id", "type", "custom", "issued", "accessed", "page", "issue", "number", "ISSN", "ISBN", "keyword", "note"),
    *("URL", "archive_location"),
}


def to_csl(reference: Reference) -> Item:
    """Return a reference of RIS as an item of CSL JSON, without its id."""
    kind = TYPES.get(reference.type, "document")
    item: Item = {"type": kind}
    rest: dict[str, list[str]] = {}
    is_book = reference.type in _WHOLE_BOOKS
    for tag, values in reference.fields.items():
        if tag in _OF_RECORD or (tag in _OWN and values[0].startswith(READ)):
            continue
        csl = "title" if is_book and tag == "BT" else _TEXTS.get(tag, "")
        if tag in _NAMES:
            item.setdefault(_NAMES[tag], []).extend(persons.from_ris(value) for value in values if value)
        elif csl and values[0] and csl not in item:
            item[csl] = values[0]
            rest |= {tag: values[1:]} if len(values) > 1 else {}
        elif not _take(tag, values, item):
            rest[tag] = values
    _take_date(reference.fields, item, rest)
    ours: dict[str, Any] = {"fields": rest} if rest else {}
    if _OF_CSL.get(kind) != reference.type:
        ours["type"] = reference.type
    return {**item, "custom": {"ris": ours}} if ours else item


def from_csl(item: Item) -> tuple[str, list[tuple[str, str]]]:
    """Return the type of RIS and the tags with their values, in order, that an item of CSL JSON is."""
    kind = str(item.get("type", ""))
    custom = item.get("custom")
    ours = custom.get("ris") if isinstance(custom, dict) else None
    kept: dict[str, Any] = ours if isinstance(ours, dict) else {}
    ris = _OF_CSL.get(kind, "GEN")
    ris = str(kept["type"]) if TYPES.get(str(kept.get("type"))) == kind else ris
    tags = {csl: tag for tag, csl in reversed([*_TEXTS.items(), *_NAMES.items()])} | {"container-title": "T2"}
    found: list[tuple[str, str]] = []
    for csl, value in item.items():
        if csl in _NAMES.values() and isinstance(value, list):
            found += [(tags[csl], persons.to_ris(name)) for name in value if isinstance(name, dict)]
        elif csl in _GIVEN_APART:
            found += _given(csl, value, kind)
        elif csl in tags:
            found.append((tags[csl], _plain(value)))
        else:
            found.append(("N1", f"{csl}: {_plain(value)}"))
    fields = kept.get("fields")
    for tag, values in fields.items() if isinstance(fields, dict) else ():
        if re.fullmatch("[A-Z][A-Z0-9]", tag) and tag not in ("TY", "ER") and isinstance(values, list):
            found += [(tag, str(value)) for value in values]
    of_bibtex = custom.get("bibtex") if isinstance(custom, dict) else None
    fields = of_bibtex.get("fields") if isinstance(of_bibtex, dict) else None
    for name, value in fields.items() if isinstance(fields, dict) else ():
        if name not in _KNOWN_OF_BIBTEX:
            found.append(("N1", f"{name}: {decode(str(value))}"))
    return ris, [(tag, value) for tag, value in found if value]


def _take(tag: str, values: list[str], item: Item) -> bool:
    """Put the values of a tag into item where they are more than a text; False if it has no place for them."""
    kind, value = item["type"], values[0]
    if tag == "KW":
        item["keyword"] = ", ".join(" ".join(one.split()) for one in values)
    elif tag == "N1":
        item["note"] = "\n\n".join(values)
    elif tag == "UR" and len(values) == 1:
        item["URL"] = value
    elif tag == "SP":
        item["page"] = f"{value}-{item['page']}" if "page" in item else value
    elif tag == "EP":
        item["page"] = f"{item['page']}-{value}" if "page" in item else value
    elif tag == "IS" and len(values) == 1:
        item["issue" if kind in _SERIAL_TYPES else "number"] = value
    elif tag == "SN" and len(values) == 1:
        item["ISSN" if kind in _SERIAL_TYPES else "ISBN"] = value
    elif tag == "AN" and value.lower().startswith("arxiv:"):
        item |= {"archive": "arXiv", "archive_location": value[6:].strip()}
    elif tag == "Y2" and (date := dates.from_iso(_dashed(value))):
        item["accessed"] = date
    else:
        return tag in ("PY", "DA", "Y1")
    return True


def _take_date(fields: dict[str, list[str]], item: Item, rest: dict[str, list[str]]) -> None:
    """Put the date that says most into item; a further text that stands with the date is kept besides."""
    given = {tag: fields[tag][0] for tag in ("DA", "PY", "Y1") if fields.get(tag)}
    found = [date for value in given.values() if (date := dates.from_iso(_dashed(value)))]
    if found:
        item["issued"] = max(found, key=lambda date: len(dates.first(date)))
    said = dates.to_iso(item.get("issued"))
    rest |= {tag: [value] for tag, value in given.items() if not said.startswith(_dashed(value))}


def _dashed(value: str) -> str:
    """Return a date of RIS as ISO 8601 has it: "2024/10/02/" -> "2024-10-02"."""
    numbers = [part for part in value.split("/")[:3] if part]
    return "-".join(f"{number:0>2}" for number in numbers)


def _given(csl: str, value: Any, kind: str) -> list[tuple[str, str]]:
    """Return the tags of a variable that has more than one, or a form of its own, in RIS."""
    if csl in ("id", "type", "custom"):
        return []
    if csl == "issued" or csl == "accessed":
        numbers = dates.first(value)
        full = "/".join([*(f"{part:02d}" for part in numbers), "", "", ""][:4]) if numbers else dates.to_iso(value)
        if csl == "accessed":
            return [("Y2", full)]
        return [("PY", str(numbers[0]) if numbers else full), *([("DA", full)] if len(numbers) > 1 else [])]
    text = _plain(value)
    if csl == "page":
        start, _, end = text.partition("-")
        return [("SP", start.strip()), ("EP", end.strip())]
    if csl == "keyword":
        return [("KW", word.strip()) for word in text.split(",")]
    if csl == "archive_location":
        return [("AN", f"arXiv:{text}" if re.match(ARXIV_NUMBER, text) else text)]
    if csl in ("issue", "number"):
        is_own = (csl == "issue") == (kind in _SERIAL_TYPES)
        return [("IS", text)] if is_own else [("N1", f"{csl}: {text}")]
    return [({"ISSN": "SN", "ISBN": "SN", "note": "N1", "URL": "UR"}[csl], text)]


def _plain(value: Any) -> str:
    """Return a value of CSL JSON as a text without markup."""
    if isinstance(value, dict) and (date := dates.to_iso(value)):
        return date
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return "; ".join(persons.to_ris(one) for one in value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return re.sub(r"</?(?:i|b|sub|sup|sc|span)(?:\s[^<>]*)?>", "", text)
