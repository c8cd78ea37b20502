"""What is fed to the places where a stranger's text comes in: pieces of each language, noise, and a corpus changed."""

from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from kb.index.query import FIELDS
from tests.cases import cases
from tests.conftest import AUGUST, OCTOBER
from tests.exchange.conftest import HARD, ONE_PAPER
from tests.parsing.pages import BLOCKS, LINES

CORPUS = Path(__file__).parent / "corpus"  # by target, an input a file; what was found once stands here as well
NOISE = st.text(max_size=20)  # half characters (Cs) and NUL among them


class Repeated(NamedTuple):
    """A text that is made twice as long without becoming another one."""

    head: str
    unit: str
    tail: str

    def text(self, size: int) -> str:
        """Return the text with as many units as size characters take."""
        return self.head + self.unit * (size // len(self.unit)) + self.tail


def corpus(target: str) -> list[str]:
    """Return the texts of a target's corpus."""
    return [path.read_bytes().decode() for path in sorted((CORPUS / target).iterdir())]


def pieces(*texts: str) -> st.SearchStrategy[str]:
    """Return pieces of a language, and noise."""
    return st.sampled_from(texts) | NOISE


def mixed(piece: st.SearchStrategy[str], seeds: list[str]) -> st.SearchStrategy[str]:
    """Return texts of pieces, texts that repeat a piece to 2 kB, and seeds that are changed at a few places."""
    parts = st.lists(piece, max_size=40)
    return (
        st.builds(lambda found, gap: gap.join(found), parts, st.sampled_from(["", " ", "\n"]))
        | st.builds(lambda part, times: (part * times)[:2000], piece, st.integers(2, 1000))
        | changed(seeds, piece)
    )


@st.composite
def changed(draw: Any, seeds: list[str], piece: st.SearchStrategy[str]) -> str:
    """Return a seed with stretches of it taken out, doubled, or replaced by pieces or by stretches of other seeds."""
    text: str = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        other = draw(st.sampled_from(seeds))
        cut = draw(st.integers(0, len(other)))
        middle = draw(piece | st.sampled_from(["", text[start:end] * 2, other[cut : cut + 80]]))
        text = text[:start] + middle + text[end:]
    return text


def repeated(piece: st.SearchStrategy[str]) -> st.SearchStrategy[Repeated]:
    """Return texts that repeat one to three pieces between two others."""
    unit = st.lists(piece, min_size=1, max_size=3).map("".join).filter(bool)
    return st.builds(Repeated, piece, unit, piece)


FTS = pieces(
    *('"', "“", "”", "*", "^", "NEAR(", "NEAR(a b, 2)", "AND", "OR", "NOT", "(", ")", "{title}:", "title:"),
    *("-", "+", ":", "codec", "a", "-a", '"a" ', "声学延迟", "声", "RVQ2", "12.5", "?", "'; DROP TABLE papers; --"),
    *("%", "\\", "\0", "\udcff", "2024-10", "..", "paper", "code", "any", "starred", "Meta ", '"Speech Codec"'),
    *("tag:a ", "-org:b ", "-codec ", '-"RVQ" ', *(f"{name}:" for name in FIELDS)),
)
YAML = pieces(
    *("id: a-1\n", "says: x\n", "run: arithmetic.total\n", "with: {a: [1, 2]}\n", "expect: {t: 3}\n", "&a ", "*a"),
    *("!!", "<<: ", "!!python/object/apply:os.system [id]", "!!python/name:os.system ", "? ", "- ", "[", "]", "{", "}"),
    *("|\n", '"', "'", "\t", "\\ud800", "\\0", "```", "```\n", "~~~", "```claim\n", "\n", "  ", "> ", "- "),
)
TOML = pieces(
    *("notes = ", "templates = ", "index = ", "encoder = ", "same = ", "different = ", "[[sources]]\n", "folder = "),
    *("file = ", "exclude = ", "name = ", "include = ", '"x"', '"../.."', '"/etc"', '""', '"\\u0000"', '"~nobody"'),
    *("[", "]", '[["a", "b"]]', "1", "{}", "\n", "\r\n", "#", "'''", '"""\n', '"a/b"', '"z.bib"', "sources = "),
)
BIB = pieces(
    *("@article{k,", "@misc{", "@string{a = ", "@comment{", "@preamble{", "title = ", "author = ", "year = ", "url = "),
    *(
        "month = jan",
        "month = ",
        "date = ",
        "annote = ",
        "keywords = ",
        "howpublished = ",
        "timestamp = ",
        "13",
        "2024",
    ),
    *(" # ", "{", "}", '"', ",", "=", "\n", "Li, Wei and {Open AI}", " and ", "\\'e", "\\url{", "$x$", "\\", "--"),
    *("10.1000/x", "2410.00037", "²", "day = ", "~", "%", "\\textbackslash{}", "<!--", "```", "https://a.b/c_d "),
)
JSON = pieces(
    *("[", "]", "{", "}", '"type": ', '"article"', '"title": ', '"a"', ",", "1", '{"items": ', "9" * 5000, "[" * 3000),
    *("\\ud800", "\\u0000", "\\n", "\\r", '"issued": {"date-parts": [[2024, ', '"note": ', '"author": [{"family": '),
)
_KEYS = (
    *("type", "title", "title-short", "author", "issued", "date-parts", "raw", "given", "family", "custom", "month"),
    *("items", "note", "abstract", "keyword", "organizations", "URL", "DOI", "container-title", "volume", "literal"),
)
_LEAVES = st.sampled_from(["2024", "²", "10.1/x", "https://a.b/c", "a\r\nb", "\ud800", "\0", "Jr.", "<i>x</i>", "13"])
ITEM = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.integers(0, 3000) | st.floats() | NOISE | _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_KEYS) | NOISE, inner, max_size=6),
    max_leaves=20,
)
PAGE = LINES | BLOCKS | st.sampled_from(["２０２４年１０月", "20２４-10", "2024-13-45", "\n", "\r\n", "  "]) | NOISE

NOTES = [OCTOBER, AUGUST, HARD, ONE_PAPER, *(case.values[0].text for case in cases("notes/*.md")), *corpus("claims")]
QUERIES_TYPED = (CORPUS / "query.txt").read_text(encoding="utf-8").splitlines()
