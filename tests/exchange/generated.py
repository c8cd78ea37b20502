"""Libraries made by hypothesis: entries of every standard type with any of the fields that a format has."""

import json
from typing import Any, NamedTuple

from hypothesis import strategies as st


def _words(text: str) -> list[str]:
    return text.split()


BIBTEX_TYPES = _words("""
    article book booklet conference inbook incollection inproceedings manual mastersthesis misc phdthesis
    proceedings techreport unpublished mvbook bookinbook suppbook collection mvcollection suppcollection dataset
    online electronic www patent periodical suppperiodical mvproceedings reference mvreference inreference report
    software thesis artwork audio image jurisdiction legislation legal letter movie music performance review
    standard video commentary
""")
BIBTEX_TEXTS = _words("""
    booktitle chapter edition howpublished institution journal organization publisher school series type address
    note annote journaltitle subtitle titleaddon booksubtitle maintitle eventtitle issuetitle location venue version
    abstract pubstate eid language origlanguage library shortjournal part volumes pagetotal keywords addendum
""")
BIBTEX_NAMES = _words("""
    author editor translator bookauthor annotator commentator introduction foreword holder
""")
BIBTEX_CODES = {
    "volume": st.integers(1, 999).map(str),
    "number": st.from_regex(r"[0-9]{1,3}(-[0-9])?", fullmatch=True),
    "pages": st.sampled_from(["1--4", "i--xii", "10, 12--14", "e1024", "5"]),
    "year": st.integers(1900, 2029).map(str),
    "month": st.sampled_from(["jan", "{February}", "oct", "{10}", '"1~" # mar']),
    "date": st.sampled_from(["2024", "2024-10", "2024-10-02/2024-10-05"]),
    "urldate": st.sampled_from(["2024-10-02", "2023-01"]),
    "isbn": st.just("978-3-16-148410-0"),
    "issn": st.just("2049-3630"),
    "doi": st.from_regex(r"10\.[0-9]{4}/[a-z0-9._()-]{3,12}", fullmatch=True),
    "url": st.just("https://example.org/a_b%20c?d=1&e#f"),
    "eprint": st.from_regex(r"2[0-4](0[1-9]|1[0-2])\.[0-9]{5}", fullmatch=True),
    "eprinttype": st.just("arxiv"),
    "eprintclass": st.just("cs.SD"),
    "file": st.sampled_from(["a/b.pdf", ":files/1/a b.pdf:PDF", "Text:/x/y.pdf:application/pdf"]),
    "timestamp": st.sampled_from(["2024-10-02", "2023.01.05"]),
}
CSL_TYPES = _words("""
    article article-journal article-magazine article-newspaper bill book broadcast chapter classic collection
    dataset document entry entry-dictionary entry-encyclopedia event figure graphic hearing interview legal_case
    legislation manuscript map motion_picture musical_score pamphlet paper-conference patent performance periodical
    personal_communication post post-weblog regulation report review review-book software song speech standard
    thesis treaty webpage
""")
CSL_TEXTS = _words("""
    abstract annote archive archive_collection archive_location archive-place authority call-number citation-label
    collection-title container-title container-title-short dimensions division event-title event-place genre
    jurisdiction keyword language license medium note original-publisher original-publisher-place original-title
    part-title publisher publisher-place references reviewed-genre reviewed-title scale source status title-short
    volume-title
""")
CSL_NUMBERS = _words("""
    chapter-number citation-number collection-number edition first-reference-note-number issue locator number
    number-of-pages number-of-volumes page page-first part-number printing-number section supplement-number version
    volume
""")
CSL_NAMES = _words("""
    author chair collection-editor compiler composer container-author contributor curator director editor editorial-
    director executive-producer guest host illustrator interviewer narrator organizer original-author performer
    producer recipient reviewed-author script-writer series-creator translator
""")
CSL_DATES = _words("""
    accessed available-date event-date issued original-date submitted
""")
RIS_TYPES = _words("""
    ABST ADVS AGGR ANCIENT ART BILL BLOG BOOK CASE CHAP CHART CLSWK COMP CONF CPAPER CTLG DATA DBASE DICT EBOOK
    ECHAP EDBOOK EJOUR ELEC ENCYC EQUA FIGURE GEN GOVDOC GRANT HEAR ICOMM INPR JFULL JOUR LEGAL MANSCPT MAP MGZN
    MPCT MULTI MUSIC NEWS PAMP PAT PCOMM RPRT SER SLIDE SOUND STAND STAT THES UNPB VIDEO
""")
RIS_TEXTS = _words("""
    AB AD AN C1 C2 C3 C4 C5 C6 C7 C8 CA CN CY DB DO DP ET EP IS J2 JA JF JO L1 L2 L4 LA LB M1 M3 N2 NV OP PB RI RN
    RP SE SN SP ST T2 T3 TA TT U1 U2 U3 VL
""")
RIS_NAMES = _words("""
    AU A1 A2 A3 A4 ED
""")

LETTERS = st.characters(categories=["Lu", "Ll", "Lo", "Nd"], max_codepoint=0x9FFF)
WORD = st.text(LETTERS, min_size=1, max_size=8)
TEXT = st.lists(WORD, min_size=1, max_size=5).map(" ".join)
LATEX = st.sampled_from(
    ["{DM-Codec}", r"$\ell_1$", r"\& Co.", r"50\%", r"M{\"u}ller", r"{\'E}tude", "a--b", r"\emph{x}", "{{Whole} Thing}"]
)
LATEX_TEXT = st.lists(WORD | LATEX, min_size=1, max_size=6).map(" ".join)
FAMILY = st.sampled_from(["Li", "Müller", "O'Brien-Smith", "Vallée Poussin", r"M{\"u}ller", "王", "Łukasz"])
GIVEN = st.sampled_from(["Wei", "A. B.", "Jean-Paul", r"Zo{\"e}", "小明", "Ann Mary"])
PARTICLE = st.sampled_from(["", "", "van der ", "de la ", "von "])
BIBTEX_PERSON = st.one_of(
    st.builds(lambda particle, family, given: f"{particle}{family}, {given}", PARTICLE, FAMILY, GIVEN),
    st.builds(lambda particle, family, given: f"{particle}{family}, Jr., {given}", PARTICLE, FAMILY, GIVEN),
    st.just("Donald E. Knuth"),
    st.sampled_from(["{World Health Organization}", "{Barnes and Noble, Inc.}", "{OpenAI}"]),
)
BIBTEX_PEOPLE = st.tuples(st.lists(BIBTEX_PERSON, min_size=1, max_size=4), st.sampled_from(["", " and others"])).map(
    lambda found: " and ".join(found[0]) + found[1]
)
CSL_PERSON = st.fixed_dictionaries(
    {
        "family": st.sampled_from(["Li", "Müller", "Berg", "王", "O'Brien"]),
        "given": st.sampled_from(["Wei", "A. B.", "小明"]),
    },
    optional={
        "non-dropping-particle": st.sampled_from(["van der", "de"]),
        "dropping-particle": st.just("von"),
        "suffix": st.sampled_from(["Jr.", "III"]),
    },
) | st.fixed_dictionaries({"literal": st.sampled_from(["World Health Organization", "清华大学", "others"])})
CSL_DATE = st.sampled_from(
    [
        {"date-parts": [[2024]]},
        {"date-parts": [[2024, 10, 2]]},
        {"date-parts": [["2024", "10"]]},
        {"date-parts": [[2023, 1], [2024, 2]]},
        {"literal": "in press"},
        {"raw": "Oct 2024"},
        {"date-parts": [[2020]], "season": "2", "circa": True},
    ]
)
RIS_PERSON = st.sampled_from(
    ["Li, Wei", "van der Berg, Anna", "King, Martin, Jr.", "World Health Organization", "王小明"]
)


class Library(NamedTuple):
    """A file of a reference manager, and how many entries it holds."""

    text: str
    count: int


def _unlike(number: int) -> str:
    """Return a title that no other entry of the library has, so that no two are taken for one paper."""
    return f"Entry Number {number} of Generated Things"


@st.composite
def bibtex(draw: st.DrawFn, count: int, start: int = 0) -> Library:
    """Return entries of BibTeX and biblatex, with macros, braces and quotation marks about values."""
    found = ['@string{proc = "Proc. of "}\n']
    for number in range(start, start + count):
        fields = {"title": f"{{{draw(LATEX_TEXT)} {_unlike(number)}}}"}
        for name in draw(st.lists(st.sampled_from(BIBTEX_TEXTS), max_size=8)):
            value = draw(LATEX_TEXT)
            fields[name] = draw(
                st.sampled_from([f"{{{value}}}", f'"{value}"' if '"' not in value else "{x}", 'proc # "X"'])
            )
        for name in draw(st.lists(st.sampled_from(BIBTEX_NAMES), max_size=3)):
            fields[name] = f"{{{draw(BIBTEX_PEOPLE)}}}"
        for name in draw(st.lists(st.sampled_from(sorted(BIBTEX_CODES)), max_size=8)):
            value = draw(BIBTEX_CODES[name])
            fields[name] = value if name == "month" or value.isdecimal() else f"{{{value}}}"
        if "doi" in fields:  # two entries with one DOI would be one paper
            fields["doi"] = f"{{{fields['doi'].strip('{}')}.{number}}}"
        fields.pop("eprint", None) if number % 2 else fields.update(eprint=f"{{2410.{number:05d}}}")
        lines = "".join(f"  {name} = {value},\n" for name, value in fields.items())
        found.append(f"@{draw(st.sampled_from(BIBTEX_TYPES))}{{key{number}:Ä_{number},\n{lines}}}\n")
    return Library("\n".join(found), count)


@st.composite
def csl_json(draw: st.DrawFn, count: int, start: int = 0) -> Library:
    """Return items of CSL JSON with variables of every kind."""
    found = []
    for number in range(start, start + count):
        item: dict[str, Any] = {"id": draw(st.sampled_from([f"key{number}", f"http://zotero.org/1/items/{number}"]))}
        item |= {"type": draw(st.sampled_from(CSL_TYPES)), "title": f"{draw(TEXT)} {_unlike(number)}"}
        for name in draw(st.lists(st.sampled_from(CSL_TEXTS), max_size=8)):
            item[name] = draw(TEXT)
        for name in draw(st.lists(st.sampled_from(CSL_NUMBERS), max_size=5)):
            item[name] = draw(st.integers(1, 99) | st.sampled_from(["12", "3-4", "A5"]))
        for name in draw(st.lists(st.sampled_from(CSL_NAMES), max_size=3)):
            item[name] = draw(st.lists(CSL_PERSON, min_size=1, max_size=3))
        for name in draw(st.lists(st.sampled_from(CSL_DATES), max_size=3)):
            item[name] = draw(CSL_DATE)
        if draw(st.booleans()):
            item |= {"DOI": f"10.1000/x.{number}", "URL": "https://example.org/a", "ISBN": "978-3-16-148410-0"}
        found.append(item)
    return Library(json.dumps(found, ensure_ascii=False), count)


@st.composite
def ris(draw: st.DrawFn, count: int, start: int = 0) -> Library:
    """Return entries of RIS with tags of every kind, some of them repeated, some values of several lines."""
    found = []
    for number in range(start, start + count):
        tags = [
            ("TY", draw(st.sampled_from(RIS_TYPES))),
            ("ID", f"key{number}"),
            ("TI", f"{draw(TEXT)} {_unlike(number)}"),
        ]
        tags += [(tag, draw(TEXT)) for tag in draw(st.lists(st.sampled_from(RIS_TEXTS), max_size=10, unique=True))]
        tags += [(draw(st.sampled_from(RIS_NAMES)), name) for name in draw(st.lists(RIS_PERSON, max_size=4))]
        tags += [("KW", word) for word in draw(st.lists(WORD, max_size=3))]
        tags += [("N1", f"{draw(TEXT)}\r\n{draw(TEXT)}")] if draw(st.booleans()) else []
        tags += [("UR", "https://example.org/a")] if draw(st.booleans()) else []
        tags += draw(
            st.sampled_from([[], [("PY", "2024"), ("DA", "2024/10/02/")], [("Y1", "2024///")], [("Y2", "2024/11/05/")]])
        )
        found.append("".join(f"{tag}  - {value}\r\n" for tag, value in [*tags, ("ER", "")]))
    return Library("\r\n".join(found), count)


LIBRARIES = {"bib": bibtex, "json": csl_json, "ris": ris}
