"""What requests may ask, checked and typed: a record for the query, or the body, of each operation."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from kb.api.options import ClaimState, Format, Language, Site

MOST = 1000  # items of a list in one answer
_MONTH = r"\d{4}(-(0[1-9]|1[0-2]))?"
PERIOD = rf"^({_MONTH}|({_MONTH})?\.\.({_MONTH})?)$"

Query = Annotated[
    str,
    Field(
        max_length=2000, description="As in a search: words, fields, exclusions.", examples=["month:2024-10 org:CMU"]
    ),
]
Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=500,
        description="Any part of a paper's id, arXiv id, DOI, citation key, short name or title.",
        examples=["tinycodec"],
    ),
]
Months = Annotated[
    str,
    Field(
        pattern=PERIOD,
        max_length=16,
        description='A month, a year, or from one to another: "2024-10", "2024", "2024-10..2025-05", "2024-10..".',
        examples=["2024-10"],
    ),
]
Limit = Annotated[int, Field(ge=1, le=MOST, description="How many, at most.", examples=[3])]
Cursor = Annotated[
    str,
    Field(max_length=100, description="The cursor of the answer before, to go on after it; empty to begin."),
]
Seconds = Annotated[float, Field(ge=1, le=600, description="Of a processor's time, for each that is run.")]
Target = Annotated[
    str,
    Field(min_length=1, max_length=500, description="A month, a claim, or any part of a paper's name; all without it."),
]


class Asked(BaseModel):
    """What is asked; a name that is not known is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Listed(Asked):
    """A part of a list."""

    limit: Limit = 100
    cursor: Cursor = ""


class Search(Asked):
    """A search."""

    query: Annotated[
        str, Field(min_length=1, max_length=2000, description="Words, fields.", examples=["声学延迟", "codec -music"])
    ]
    fuzzy: Annotated[bool, Field(description="Look for what mistyped Latin words may mean, too.")] = False
    min_score: Annotated[
        float | None, Field(ge=0, le=1, description="How likely a hit must be, .7 if not said; others come after.")
    ] = None
    limit: Limit = 10
    cursor: Cursor = ""


class Similar(Asked):
    """A text, to find papers like it."""

    text: Annotated[str, Field(min_length=1, max_length=100_000, description="Markdown.", examples=["残差向量量化"])]
    fields: Annotated[
        str, Field(max_length=2000, description="What narrows the papers.", examples=["month:2024-10"])
    ] = ""
    limit: Limit = 10
    cursor: Cursor = ""


class Related(Asked):
    """A paper, to find papers like it."""

    name: Name
    limit: Limit = 5
    cursor: Cursor = ""


class Papers(Listed):
    """Which papers to list, or to export."""

    query: Query = ""


class Named(Asked):
    """A paper."""

    name: Name


class Nothing(Asked):
    """No parameter."""


class Digest(Asked):
    """A digest and its form."""

    period: Months
    form: Annotated[Format, Field(description="json stands in the envelope; md and html are the text itself.")] = "json"
    lang: Annotated[Language | None, Field(description="Of its own words; else that of the notes.")] = None
    site: Annotated[Site, Field(description="Whose front matter Markdown begins with.")] = "plain"


class Trends(Asked):
    """Months, and how many topics."""

    period: Months = ".."
    limit: Limit = 12


class Claims(Listed):
    """Which claims."""

    target: Target | None = None
    state: ClaimState | None = None


class Gloss(Listed):
    """Words to look up."""

    words: Annotated[str, Field(min_length=1, max_length=2000, examples=["码本"])]


class Export(Asked):
    """Papers and a format."""

    query: Query = ""
    form: Literal["bibtex", "csl-json", "ris", "jsonl", "csv"] = "bibtex"


class Mark(Asked):
    """What to say of papers."""

    action: Literal["star", "unstar", "read", "unread"]
    names: Annotated[list[Name], Field(min_length=1, max_length=100, examples=[["tinycodec"]])]


class Verify(Asked):
    """Claims to run."""

    target: Target | None = None
    limit_seconds: Seconds = 20


class Run(Asked):
    """An algorithm to run."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["delay"])]
    settings: Annotated[
        list[Annotated[str, Field(max_length=1000)]],
        Field(max_length=50, description="As typed after kb run.", examples=[["codebooks=3"]]),
    ] = []
    device: Literal["cpu", "cuda", "auto"] = "auto"
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    limit_seconds: Seconds = 60


class Add(Asked):
    """Papers to add."""

    papers: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=500)]],
        Field(
            min_length=1,
            max_length=20,
            description="arXiv ids, DOIs, or addresses of these.",
            examples=[["2410.00037"]],
        ),
    ]
    month: Annotated[
        str | None, Field(pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])$", description="2024-10; else this month.")
    ] = None
    write: Annotated[bool, Field(description="Append the entries to the month's note.")] = False
    offline: Annotated[bool, Field(description="Ask nobody: a stub with the id for a title.")] = False
