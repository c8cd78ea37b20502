"""The operations, one table: the routes are made from it, and so is the OpenAPI document."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kb.api import as_json
from kb.api.algorithms import algorithms
from kb.api.base import KnowledgeBase
from kb.api.options import Layout, Period, period
from kb.web.http_api import parameters as asked

JSON = "application/json"
EXPORTED = {
    "bibtex": "application/x-bibtex",
    "csl-json": "application/vnd.citationstyles.csl+json",
    "ris": "application/x-research-info-systems",
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
}
PUBLISHED = {"md": "text/markdown", "html": "text/html"}
# A page of a digest stands alone: it may do what its own policy allows, as nobody in particular, and reaches nothing.
ALONE = {
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}


class Text(NamedTuple):
    """An answer that is no JSON of ours."""

    text: str
    media_type: str
    headers: Mapping[str, str] | None = None


class Failed(Exception):
    """Something was asked for and did not come about; data says of each part what did."""

    def __init__(self, data: Any, line: str) -> None:
        super().__init__(line)
        self.data = data


class Part(NamedTuple):
    """A list in an answer, of which a part is given."""

    place: str = ""  # its field; the whole answer without one
    called: tuple[str, ...] = ()  # the fields that tell an item from others


class Operation(NamedTuple):
    """What may be asked of a knowledge base, and how."""

    method: str
    name: str  # of its path, and of its result's schema
    what: str
    takes: type[asked.Asked]  # in the query of GET, in the body of POST
    answer: Callable[[KnowledgeBase, Any, int], Any]  # the last is how many items of a list are looked at
    part: Part | None = None
    statuses: tuple[int, ...] = ()  # besides those of every operation
    result: str = ""  # whose schema, where it is not its own
    media_types: tuple[str, ...] = (JSON,)

    @property
    def path(self) -> str:
        """Its path below that of the interface."""
        return f"/{self.name}"


def _search(base: KnowledgeBase, given: asked.Search, most: int) -> Any:
    answer = base.search(given.query, limit=most, fuzzy=given.fuzzy, min_score=given.min_score)
    return as_json.answered(answer, base.states([hit.paper.key for hit in answer.hits])[0])


def _similar(base: KnowledgeBase, given: asked.Similar, most: int) -> Any:
    answer = base.similar_to_text(given.text, limit=most, fields=given.fields)
    return as_json.answered(answer, base.states([hit.paper.key for hit in answer.hits])[0])


def _papers(base: KnowledgeBase, given: asked.Papers, most: int) -> Any:
    papers = base.rows(given.query, limit=most)
    return as_json.listed(papers, base.states([paper.key for paper in papers])[0])


def _digest(base: KnowledgeBase, given: asked.Digest, most: int) -> Any:
    text = base.publish(_months(given.period), Layout(given.form, given.lang, given.site))
    if given.form == "json":
        return as_json.read(text)
    return Text(text, PUBLISHED[given.form], ALONE if given.form == "html" else None)


def _export(base: KnowledgeBase, given: asked.Export, most: int) -> Text:
    return Text(base.export(given.query, given.form).text, EXPORTED[given.form])


def _mark(base: KnowledgeBase, given: asked.Mark, most: int) -> Any:
    marked = base.mark(given.action, given.names)
    return as_json.listed([one.paper for one in marked], {one.paper.key: one.state for one in marked})


def _run(base: KnowledgeBase, given: asked.Run, most: int) -> Any:
    result = base.run(
        given.name, given.settings, device=given.device, seed=given.seed, limit_seconds=given.limit_seconds
    )
    result.pop("plot", None)
    return result


def _add(base: KnowledgeBase, given: asked.Add, most: int) -> Any:
    adding = base.add(given.papers, month=given.month, write=given.write, offline=given.offline, reads_files=False)
    outcomes = list(adding)
    if problems := [one.problem for one in outcomes if one.problem]:
        raise Failed(outcomes, "; ".join(problems))
    return outcomes


def _months(text: str) -> Period:
    """Return the months of "2024-10", "2024" or "2024-10..2025-05". Raises: KbError if they end before they begin."""
    since, dots, until = text.partition("..")
    return period(since=since, until=until) if dots else period(text)


OPERATIONS = (
    Operation(
        "GET", "search", "Find papers by words and by meaning", asked.Search, _search, Part("hits", ("paper.id",))
    ),
    Operation(
        "POST",
        "similar",
        "Find papers like a text",
        asked.Similar,
        _similar,
        Part("hits", ("paper.id",)),
        result="search",
    ),
    Operation(
        "GET",
        "related",
        "Find papers like a paper",
        asked.Related,
        lambda base, given, most: as_json.ranked(base.related(given.name, limit=most)),
        Part("", ("id",)),
        (404, 409),
    ),
    Operation("GET", "papers", "List papers, newest month first", asked.Papers, _papers, Part("", ("id",))),
    Operation(
        "GET",
        "paper",
        "Show a paper: its records, claims and marks",
        asked.Named,
        lambda base, given, most: as_json.shown(base.paper(given.name)),
        None,
        (404, 409),
    ),
    Operation(
        "GET",
        "tags",
        "Count the keywords",
        asked.Listed,
        lambda base, given, most: as_json.counted(base.tags()),
        Part("", ("name",)),
    ),
    Operation(
        "GET",
        "stats",
        "Count papers by month, kind, organization and link",
        asked.Nothing,
        lambda base, given, most: base.counts(),
    ),
    Operation(
        "GET", "months", "List the months with papers", asked.Listed, lambda base, given, most: base.months(), Part()
    ),
    Operation(
        "GET",
        "digest",
        "The digest of some months, as data, Markdown or a page",
        asked.Digest,
        _digest,
        media_types=(JSON, *PUBLISHED.values()),
    ),
    Operation(
        "GET",
        "trends",
        "Count the papers of topics by month",
        asked.Trends,
        lambda base, given, most: base.trends(_months(given.period), limit=given.limit),
        None,
        (404,),
    ),
    Operation(
        "GET",
        "duplicates",
        "List records that may be one paper",
        asked.Listed,
        lambda base, given, most: base.duplicates(),
        Part("pairs", ("join",)),
    ),
    Operation(
        "GET",
        "claims",
        "List what the notes claim, and what came of it",
        asked.Claims,
        lambda base, given, most: base.claims(given.target, given.state),
        Part("claims", ("id", "file", "line")),
        (404,),
    ),
    Operation(
        "GET",
        "status",
        "Say what was indexed of each file",
        asked.Listed,
        lambda base, given, most: as_json.indexed(base.status(), base.config.database),
        Part("files", ("path",)),
    ),
    Operation(
        "GET", "check", "Find mistakes in the notes", asked.Listed, lambda base, given, most: base.check(), Part()
    ),
    Operation(
        "GET",
        "gloss",
        "Say what words stand for in the other language",
        asked.Gloss,
        lambda base, given, most: base.gloss(given.words),
        Part(),
    ),
    Operation(
        "GET",
        "algorithms",
        "List the reference implementations",
        asked.Listed,
        lambda base, given, most: as_json.runnable(algorithms(), base.claims_by_algorithm()),
        Part("", ("name",)),
    ),
    Operation(
        "GET", "export", "Papers for another program", asked.Export, _export, media_types=tuple(EXPORTED.values())
    ),
    Operation(
        "GET",
        "encoders",
        "List the encoders on this machine",
        asked.Listed,
        lambda base, given, most: base.encoders(),
        Part("", ("model",)),
    ),
    Operation("POST", "mark", "Star papers, or mark them as read", asked.Mark, _mark, None, (404, 409), "papers"),
    Operation(
        "POST",
        "verify",
        "Run what the notes claim",
        asked.Verify,
        lambda base, given, most: as_json.verified(base.verify(given.target, limit_seconds=given.limit_seconds)),
        None,
        (404,),
    ),
    Operation("POST", "run", "Run a reference implementation", asked.Run, _run, None, (404,)),
    Operation("POST", "add", "Look papers up, and write them if told so", asked.Add, _add),
)
