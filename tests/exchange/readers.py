"""What programs that nobody here wrote read in an export: type, key, names and fields of every entry."""

import json
import warnings
from typing import Any


def read_bibtex(text: str) -> dict[str, Any]:
    """Return what pybtex reads, by key; what it would warn of is an exception."""
    import pybtex.database
    import pybtex.errors

    pybtex.errors.set_strict_mode(True)
    found = {}
    for key, entry in pybtex.database.parse_string(text, "bibtex").entries.items():
        persons = {role: [str(one) for one in people] for role, people in entry.persons.items()}
        fields = {name.lower(): value for name, value in entry.fields.items()}
        found[key] = {"type": entry.type, "persons": persons, "fields": fields}
    return found


def read_csl(text: str) -> dict[str, Any]:
    """Return what citeproc-py reads, by key, and beside it the items as they are written."""
    from citeproc.source.json import CiteProcJSON

    items = json.loads(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not know all variables of CSL 1.0.2
        source = CiteProcJSON(items)
    return {
        str(item["id"]): {"read": repr(sorted(source[str(item["id"]).lower()].items())), "item": item} for item in items
    }


def read_ris(text: str) -> dict[str, Any]:
    """Return what rispy reads, by key."""
    import rispy

    return {entry["id"]: entry for entry in rispy.loads(text.replace("\r\n", "\n"))}


READERS = {"bib": read_bibtex, "json": read_csl, "ris": read_ris}
