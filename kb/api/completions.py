"""What may stand in the place of a word that is being typed: an answer or none, and never an error."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kb.api.base import open_base
from kb.claims.algorithms import parameters
from kb.claims.catalog import CATALOG
from kb.config.kb_toml import NO_ENCODER
from kb.errors import KbError
from kb.search import completion
from kb.sqlite_files import Error


def completions(what: str, typed: str, start: Path | str, given: Mapping[str, Any]) -> list[str]:
    """Return what begins with typed; nothing where there is no knowledge base that can be read.

    what is "algorithms", "settings", "templates", "encoders", "query", "names", "months", "years" or "claims"; given
    holds what else was typed: the "name" of an algorithm, the words of a "query". The index is taken as it is: nobody
    waits for changed notes between two keys.
    """
    try:
        if what == "algorithms":
            return completion.beginning(typed, CATALOG)
        if what == "settings":
            return completion.beginning(typed, (f"{one.name}={one.default}" for one in parameters(given["name"])))
        with open_base(start) as base:
            if what == "templates":
                return completion.templates(base.config, typed)
            if what == "encoders":
                return completion.beginning(typed, (*(encoder.model for encoder in base.encoders()), NO_ENCODER))
            if what == "query":
                words: Sequence[str] = given.get("query") or ()
                return completion.query(base.reader(), typed, words)
            return {
                "names": completion.names,
                "months": completion.months,
                "years": completion.years,
                "claims": completion.claims,
            }[what](base.reader(), typed)
    except (KbError, OSError, Error):
        return []
