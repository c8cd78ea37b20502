"""What is fed to the places where a stranger's text comes in, and what must hold of each."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import strategies as st

from kb.config import CONFIG_NAME, load_config
from kb.errors import KbError, NoteError
from kb.parsing import parse_note
from kb.query import FIELDS, parse_query
from kb.search import search
from kb.store.reader import Reader
from tests.parsing.pages import FILES, PAGES
from tests.parsing.test_nothing_is_lost import lost


class Target(NamedTuple):
    """Inputs, and a function that fails if one of them does harm; a KbError is an answer."""

    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], None]


NOISE = st.text(max_size=20)  # half characters (Cs) and NUL among them


def _pieces(*pieces: str, most: int = 40, between: tuple[str, ...] = ("", " ")) -> st.SearchStrategy[str]:
    """Return texts of pieces and noise, some repeated to 10 kB."""
    piece = st.sampled_from(pieces) | NOISE
    mixed = st.builds(lambda parts, gap: gap.join(parts), st.lists(piece, max_size=most), st.sampled_from(between))
    return mixed | st.builds(lambda part, times: (part * times)[:10_000], piece, st.integers(2, 5000))


FTS = (
    '"',
    "“",
    "”",
    "*",
    "^",
    "NEAR(",
    "NEAR(a b, 2)",
    "AND",
    "OR",
    "NOT",
    "(",
    ")",
    "{title}:",
    "title:",
    "-",
    "+",
    ":",
)
WORDS = (
    "codec",
    "a",
    "-a",
    '"a" ',
    "声学延迟",
    "声",
    "RVQ2",
    "12.5",
    "?",
    "'; DROP TABLE papers; --",
    "%",
    "\\",
    "\0",
    "\udcff",
)
VALUES = ("2024-10", "2024", "..", "paper", "code", "any", "starred", "Meta ", '"Speech Codec"', "tag:a ", "-org:b ")
QUERIES = _pieces(*FTS, *WORDS, *VALUES, *(f"{name}:" for name in FIELDS))

YAML = (
    "id: a-1\n",
    "says: x\n",
    "run: arithmetic.total\n",
    "with: {a: [1, 2]}\n",
    "expect: {t: 3}\n",
    "&a ",
    "*a",
    "!!",
    "<<: ",
)
TAGS = (
    "!!python/object/apply:os.system [id]",
    "!!python/name:os.system ",
    "? ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "|\n",
    '"',
    "'",
    "\t",
)
CLAIMS = _pieces(*YAML, *TAGS, "```", "```\n", "~~~", "\n", "  ").map(lambda text: f"# A\n\n```claim\n{text}\n```\n")

KEYS = (
    "notes = ",
    "templates = ",
    "index = ",
    "encoder = ",
    "same = ",
    "different = ",
    "[[sources]]\n",
    "folder = ",
    "file = ",
)
TOML = (
    '"x"',
    '"../.."',
    '"/etc"',
    '""',
    '"\\u0000"',
    '"~nobody"',
    "[",
    "]",
    '[["a", "b"]]',
    "1",
    "{}",
    "\n",
    "#",
    "'''",
    "include = ",
)
TABLES = _pieces(*KEYS, *TOML, "exclude = ", "name = ", '"a/b"', '"z.bib"')

BIBTEX = _pieces(
    *(
        "@article{k,",
        "@string{a = ",
        "@comment{",
        "@preamble{",
        "title = ",
        "author = ",
        "year = ",
        "url = ",
        "month = jan",
        " # ",
    ),
    *(
        "{",
        "}",
        '"',
        ",",
        "=",
        "\n",
        "Li, Wei and {Open AI}",
        "\\'e",
        "\\url{",
        "$x$",
        "\\",
        "10.1000/x",
        "2410.00037",
        "²",
        "day = ",
    ),
)
CSL = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | NOISE
    | st.sampled_from(["2024", "²", "10.1/x"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "title",
                    "author",
                    "issued",
                    "date-parts",
                    "raw",
                    "given",
                    "family",
                    "custom",
                    "month",
                    "items",
                ]
            )
            | NOISE,
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def _csl(value: Any) -> str:
    import json

    return json.dumps([{"type": "article", **value} if isinstance(value, dict) else value])


LIBRARIES = st.builds(_csl, CSL) | _pieces(
    "[", "]", "{", "}", '"type": ', '"a"', ",", "1", '{"items": ', "9" * 5000, "[" * 3000
)


def parser(given: tuple[str, str]) -> None:
    """A page of notes loses no text."""
    page, file = given
    assert lost(page, file) == []


def claim_block(text: str) -> None:
    """Every leaf of a claim is text, whatever YAML calls it."""
    for claim in parse_note(text.encode("utf-8", "surrogatepass"), "n.md").claims:
        assert all(isinstance(value, (str, tuple)) for value in (*claim.parameters.values(), *claim.expect.values()))


def settings_file(text: str) -> None:
    """Whatever kb.toml says, the tool writes below its folder, and templates come from there."""
    with TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / CONFIG_NAME).write_bytes(text.encode("utf-8", "surrogatepass"))
        config = load_config(root)
    assert config.index.is_relative_to(root)
    assert config.templates.is_relative_to(root)
    assert config.marks.parent == root


def bibtex(text: str) -> None:
    """A BibTeX library is read or refused with a line."""
    parse_note(text.encode("utf-8", "surrogatepass"), "z.bib")


def csl(text: str) -> None:
    """A library in CSL JSON is read or refused with a line."""
    parse_note(text.encode("utf-8", "surrogatepass"), "z.json")


def query_of(config: Any, reader: Reader) -> Callable[[str], None]:
    """Return the check of queries on an index: whatever is typed is answered, and SQLite sees terms alone."""

    def query(text: str) -> None:
        reader.papers.named(text)
        reader.claims.called(text)
        parsed = parse_query(text)
        for one in (*parsed.words, *parsed.required, *parsed.excluded, *parsed.excluded_words):
            assert not any(set(term) & set('"\0 \n\t') for term in one.terms), one
        search(config, reader, text, 5, None, is_fuzzy=len(text) < 200)
        reader.listed(parsed)

    return query


def targets(config: Any, reader: Reader) -> dict[str, Target]:
    """Return all targets by name; config and reader are of a small index."""
    return {
        "parser": Target(st.tuples(PAGES, FILES), parser),
        "query": Target(QUERIES, query_of(config, reader)),
        "claims": Target(CLAIMS, claim_block),
        "kb.toml": Target(TABLES, settings_file),
        "bibtex": Target(BIBTEX, bibtex),
        "csl": Target(LIBRARIES, csl),
    }


REFUSALS = (KbError, NoteError)
