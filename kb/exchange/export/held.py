"""What a library holds of a paper, for an export in the library's own format or in another.

In its own format a reference comes out as it went in. In another it goes by way of CSL JSON, whose variables are the
most: kb.exchange.export.bibtex_terms and ris_terms say what is called what.
"""

from typing import Any

from kb.exchange.export import bibtex_terms, ris_terms
from kb.records import Paper, Reference


def files(paper: Paper) -> list[str]:
    """Return the paths of the files that libraries keep with a paper."""
    return [link.url for link in paper.links if link.kind == "file"]


def csl_item(reference: Reference) -> dict[str, Any]:
    """Return a reference as an item of CSL JSON; that of a library of CSL JSON is its own."""
    if reference.format == "bibtex":
        return bibtex_terms.to_csl(reference)
    return ris_terms.to_csl(reference) if reference.format == "ris" else reference.fields
