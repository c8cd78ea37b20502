"""The places where a stranger's text comes in: what is fed to each, and what must hold of it."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

from kb.config.kb_toml import Config
from kb.index.sqlite.reader import Reader
from tests.fuzz import checks, inputs
from tests.fuzz.databases import LIBRARY
from tests.fuzz.inputs import Repeated
from tests.fuzz.ownership import WORLDS, world
from tests.fuzz.zotero import zotero
from tests.parsing.pages import FILES, PAGES


class Target(NamedTuple):
    """Inputs, a function that fails if one of them does harm, and texts to see that time grows as they do."""

    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], None]
    repeated: st.SearchStrategy[Repeated] | None = None
    input_of: Callable[[str], Any] = str  # a text, as check takes it


def _claim(text: str) -> str:
    return f"# A\n\n```claim\n{text}\n```\n"


def _item(value: Any) -> str:
    return json.dumps([{"type": "article", **value} if isinstance(value, dict) else value])


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # a file of notes holds no half characters


QUERIES = inputs.mixed(inputs.FTS, inputs.QUERIES_TYPED)
CLAIMS = inputs.mixed(inputs.YAML, inputs.corpus("claims")).map(_whole)
TABLES = inputs.mixed(inputs.TOML, inputs.corpus("kb.toml"))
BIBTEX = inputs.mixed(inputs.BIB, inputs.corpus("bibtex"))
LIBRARIES = st.builds(_item, inputs.ITEM) | inputs.mixed(inputs.JSON, inputs.corpus("csl"))
NOTES = PAGES | inputs.mixed(inputs.PAGE, inputs.NOTES).map(_whole)

bibtex = checks.library("z.bib")
csl = checks.library("z.json")


def targets(config: Config, reader: Reader) -> dict[str, Target]:
    """Return all targets by name; config and reader are of a small index."""
    return {
        "parser": Target(
            st.tuples(NOTES, FILES), checks.page, inputs.repeated(inputs.PAGE), lambda text: (_whole(text), "n.md")
        ),
        "query": Target(QUERIES, checks.query_of(config, reader), inputs.repeated(inputs.FTS)),
        "claims": Target(
            CLAIMS | CLAIMS.map(_claim), checks.claim_block, inputs.repeated(inputs.YAML).map(_fenced), _whole
        ),
        "kb.toml": Target(TABLES, checks.settings_file, inputs.repeated(inputs.TOML)),
        "bibtex": Target(BIBTEX, bibtex, inputs.repeated(inputs.BIB)),
        "csl": Target(LIBRARIES, csl, inputs.repeated(inputs.JSON)),
        "zotero": Target(LIBRARY, zotero),
        "ownership": Target(WORLDS, world),
    }


def _fenced(text: Repeated) -> Repeated:
    return Repeated(f"```claim\n{text.head}", text.unit, f"{text.tail}\n```\n")
