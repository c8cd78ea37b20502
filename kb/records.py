"""The records everything else reads and writes: a note holds papers and claims, a paper holds passages."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, computed_field

Kind = Literal["paper", "project", "lecture", "note"]  # a note is about none of the others
LinkKind = Literal[
    "arxiv", "doi", "openreview", "github", "gitlab", "huggingface", "modelscope", "demo", "video", "figure", "web",
    "file",
]  # fmt: skip


OTHERS = "others"  # the last of a paper's authors where the note names only some: "A. One et al."


class Record(BaseModel):
    """What all records share: they are never changed once made."""

    model_config = ConfigDict(frozen=True, defer_build=True)  # a refresh needs half of them


class Link(Record):
    """An address the notes point to."""

    kind: LinkKind
    url: str  # of a "file" the path that a library has for it, on whatever machine
    label: str = ""  # the words the note links from; empty for a bare address


class Passage(Record):
    """A stretch of one paper's text, the unit that is embedded and shown under a hit."""

    line: int  # first line in the file, counted from 1
    heading: str  # nearest heading inside the paper; empty if there is none
    text: str  # Markdown


class Reference(Record):
    """What a library says of a paper, in the library's own format, so that an export loses nothing of it."""

    format: Literal["bibtex", "csl-json", "ris"]
    type: str  # as the format calls it: "phdthesis", "article-journal", "JOUR"
    key: str  # to cite the paper by: "vaswani2017attention"; empty if the library gives none
    fields: dict[str, Any]  # of BibTeX LaTeX by name, of CSL JSON the whole item, of RIS a list of texts by tag
    inherited: dict[str, str] = {}  # of BibTeX: what the entries that crossref and xdata name say besides
    months: tuple[str, ...] = ()  # of BibTeX: fields that are written as the name of a month without braces, oct


class Paper(Record):
    """One entry of the notes: a paper, a project or a lecture.

    The lines of all papers of a file are disjoint: an entry inside another one is a paper of its own that names its
    parent, and its lines are not the parent's.
    """

    id: str  # file name and slug, "2024-10/dm-codec"
    kind: Kind
    title: str  # in normal form: no Markdown, one space between words, full-width signs as half-width ones
    written_title: str | None = None  # as it stands in the note, where that differs
    short_name: str | None  # what people call it: "DM-Codec"
    authors: tuple[str, ...] = ()  # given names first; OTHERS at the end where there are more than the note names
    venue: str | None = None  # "ICASSP 2023"
    published: str | None = None  # when it appeared, as exactly as the note says: "2024", "2024-10" or "2024-10-21"
    date: str | None = None  # of the entry: that of its heading or post, else when it appeared
    is_starred: bool = False
    is_rest: bool = False  # text beside the entries of a file: what belongs to no paper under one heading
    month: str | None  # of the heading it stands under, else of the note: "2024-10"
    section_path: tuple[str, ...]  # headings above the entry, outermost first
    sections: tuple[str, ...]  # headings inside the entry
    organizations: tuple[str, ...]
    keywords: tuple[str, ...]
    links: tuple[Link, ...]  # in order of appearance, each address once
    arxiv_id: str | None  # "2410.15017", without version
    doi: str | None
    openreview_id: str | None = None
    acl_id: str | None = None  # "2023.acl-long.1"
    citation_key: str | None = None  # that a library cites it by: "vaswani2017attention"
    repositories: tuple[str, ...] = ()  # "github.com/owner/name"
    body: str  # Markdown, without the line that names the entry
    file: str  # path below the notes folder, with forward slashes
    line: int  # first line in the file, counted from 1
    end_line: int  # last line, inclusive
    parent: str | None  # id of the entry this one stands in
    passages: tuple[Passage, ...]
    reference: Reference | None = None  # of a paper in a library; a note's has none

    @computed_field  # type: ignore[prop-decorator]
    @property
    def figures(self) -> tuple[str, ...]:
        """Addresses of the pictures."""
        return tuple(link.url for link in self.links if link.kind == "figure")


# A value as it is written, a number with its digits: a text, a list of texts, or a list of such lists.
Written = str | tuple[str, ...] | tuple[tuple[str, ...], ...]


class Claim(Record):
    """A sentence of the notes that can be computed, as the block under it says how.

    A block that cannot be understood is kept too: it has a problem, and whatever fields could be read.
    """

    id: str  # "salmonn-30s-tokens"; of a block without one its file and line
    says: str
    run: str  # "window-qformer", or with a function of that file "arithmetic.window_tokens"
    parameters: dict[str, Written]  # the block's `with`
    expect: dict[str, Written]  # figure -> what the note says it is
    expect_contradiction: str | None = None  # why the note's own figure is known not to hold
    problem: str | None = None  # why the block cannot be run
    way_out: str = ""  # what would make it run
    paper: str | None  # id of the record it stands in
    file: str
    line: int  # of the fence, counted from 1


class Span(Record):
    """Lines of a file, both ends included."""

    line: int
    end_line: int


class Fault(Record):
    """Something wrong with a note that was read nevertheless."""

    line: int  # counted from 1
    what: str
    way_out: str


class Note(Record):
    """One file of notes."""

    file: str
    grammar: str  # what explains most of its entries: "guillemets", "headings", "table", "list", "pasted", …
    reason: str  # why that one
    title: str
    month: str | None
    date: str | None  # as written in the front matter
    tags: tuple[str, ...]
    papers: tuple[Paper, ...]
    claims: tuple[Claim, ...] = ()
    unclaimed: tuple[Span, ...]  # lines with text that belong to no paper
    encoding: str = "UTF-8"  # or "UTF-16", where the file says that it is
    fault: Fault | None = None  # of its front matter, whose lines were read one by one


class Name(Record):
    """An organization or a topic, and the papers of a digest that bear it."""

    name: str
    count: int
    before: int  # papers that bore it in the three months before
    papers: tuple[str, ...]  # their ids, in the order of the digest


class Related(Record):
    """A paper of an earlier month that is close to another one."""

    id: str
    title: str
    month: str


class DigestClaim(Record):
    """One claim as the digest prints it."""

    id: str
    says: str
    state: str  # "holds", "contradicted", "not-runnable" or "stale"
    is_expected: bool  # contradicted, as the note itself says
    reason: str | None
    says_figures: str  # "88"
    computed_figures: str  # "89"; empty if it was not run
    paper: str | None  # id of the record it stands in
    file: str
    line: int
    run: str
    code: str | None  # path of the reference implementation in this package, with its line; None if there is none


class Place(Record):
    """A line of a file of notes."""

    file: str
    line: int


class DigestEntry(Record):
    """One paper as the digest prints it: what all its records of the time say."""

    paper: Paper
    places: tuple[Place, ...]  # of its records
    summary: str  # Markdown: the first paragraph of the body
    key_points: tuple[str, ...]  # Markdown: the first list of the body, an item each
    related: tuple[Related, ...]
    runnable: tuple[str, ...]  # reference implementations: "rvq"
    claims: tuple[DigestClaim, ...] = ()


class DigestSection(Record):
    """The entries under one heading, in the order of the notes."""

    name: str
    entries: tuple[DigestEntry, ...]


class Change(Record):
    """What a digest says of a paper that the one written before did not."""

    kind: Literal["added", "changed", "removed"]
    id: str
    title: str  # the id of a paper that is gone


class MonthlyDigest(Record):
    """A month of reading, or more of them, ready to be laid out."""

    month: str  # "2024-10"; of more than one "2024-10..2024-11"
    since: str  # the first month
    until: str  # the last one
    lang: Literal["zh", "en"]
    overview: str  # the counts as a paragraph
    sections: tuple[DigestSection, ...]
    topics: tuple[Name, ...]  # keywords, most frequent first
    organizations: tuple[Name, ...]
    paper_count: int
    claims: tuple[DigestClaim, ...] = ()
    claim_counts: dict[str, int] = {}  # "claims", then by state, then "as_noted" of the contradicted
    changes: tuple[Change, ...] = ()  # against the digest that was written before
