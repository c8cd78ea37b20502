"""What a library holds of a paper, for an export in the library's own format or in another.

In its own format a reference comes out as it went in. In another it goes by way of CSL JSON, whose variables are the
most: kb.exchange.bibtex_terms and ris_terms say what is called what.
"""

from typing import Any

from kb.exchange import bibtex_terms, ris_terms
from kb.records import Reference


def marks(item: dict[str, Any]) -> tuple[str, list[str], list[str]]:
    """Return what kb itself puts into `custom` of an item: the month, the organizations, the paths of files."""
    custom = item.get("custom")
    given: dict[str, Any] = custom if isinstance(custom, dict) else {}
    lists = [given[name] if isinstance(given.get(name), list) else [] for name in ("organizations", "files")]
    return str(given.get("month") or ""), [str(one) for one in lists[0]], [str(one) for one in lists[1]]


def csl_item(reference: Reference) -> dict[str, Any]:
    """Return a reference as an item of CSL JSON; that of a library of CSL JSON is its own."""
    if reference.format == "bibtex":
        return bibtex_terms.to_csl(reference)
    return ris_terms.to_csl(reference) if reference.format == "ris" else reference.fields
