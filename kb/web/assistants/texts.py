"""Results of kb.api as lines for an assistant: short, and each with the path:line that it can be cited by."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kb.errors import KbError
from kb.web.assistants.parts import clipped

if TYPE_CHECKING:
    from kb.api.base import KnowledgeBase
    from kb.api.results import Ledger, PaperView
    from kb.claims.ledger import Entry
    from kb.index.sqlite.papers import PaperRow
    from kb.search.answer import Answer, Hit

PASSAGE_CHARACTERS = 500
MOST_NAMES = 3  # that a word of a query stands for
BEFORE_A_WORD = 150
_PICTURES = re.compile(r"!\[[^\]\n]{0,500}\]\([^)\n]{0,2000}\)|<img\b[^>]{0,2000}>")
_COUNTS = {
    "holds": "hold",
    "contradicted": "contradicted",
    "as_noted": "of these as noted",
    "not-runnable": "not runnable here",
    "stale": "not run yet or stale",
}


def flat(text: str) -> str:
    """Return text on one line."""
    return " ".join(text.split())


def listed(base: "KnowledgeBase", paper: "PaperRow") -> str:
    """Return a paper of a list: "2024-10/dm-codec · DM-Codec: … · 2024-10 · Amazon · notes/2024-10.md:122"."""
    facts = (paper.id, flat(paper.title), paper.month, paper.organizations, base.place(paper.file, paper.line))
    return " · ".join(filter(None, facts))


def answer_lines(base: "KnowledgeBase", answer: "Answer") -> Iterator[str]:
    """Yield what a search found, and what to know of it."""
    notes = (*answer.advice, answer.notice)
    yield from (f"note: {flat(line)}" for line in notes if line)
    for one in answer.corrections:
        yield f"note: no paper holds {one.word}; perhaps {' or '.join(one.names)}"
    if answer.meanings:
        yield "note: " + "; ".join(f"{one.word} = {'、'.join(one.names[:MOST_NAMES])}" for one in answer.meanings)
    if not answer.likely:
        yield "nothing is likely to be about this"
    for place, hit in enumerate(answer.hits):
        if place == len(answer.likely):
            yield "the nearest there is, probably not about this:"
        yield from hit_lines(base, hit)
    if answer.total > len(answer.likely):
        yield f"({answer.total - len(answer.likely)} more; narrow by month:, org:, tag:, …, or a larger limit)"


def hit_lines(base: "KnowledgeBase", hit: "Hit") -> Iterator[str]:
    """Yield a hit with the passage around its first match."""
    paper = hit.paper
    yield f"{hit.rank}. {flat(paper.title)} · id {paper.id} · score {hit.score:.2f}"
    facts = (*hit.called, paper.organizations, paper.keywords, paper.month)
    yield "   " + " · ".join([base.place(paper.file, hit.line), *filter(None, facts)])
    if text := passage(hit):
        yield f"   > {text}"
    if hit.claims:
        yield f"   claims: {counts(hit.claims)}"
    if hit.runnable:
        yield f"   runnable: {', '.join(hit.runnable)}"
    if hit.also:
        yield f"   also in {', '.join(base.place(other.file, other.line) for other in hit.also)}"


def passage(hit: "Hit") -> str:
    """Return the stretch of a hit's passage around its first match, on one line, without pictures."""
    start = max(0, hit.marks[0][0] - BEFORE_A_WORD) if hit.marks else 0
    text = flat(_PICTURES.sub(" ", hit.text[start : start + 4 * PASSAGE_CHARACTERS]))
    is_cut = len(text) > PASSAGE_CHARACTERS or start + 4 * PASSAGE_CHARACTERS < len(hit.text)
    return f"{'…' * bool(start)}{text[:PASSAGE_CHARACTERS]}{'…' * is_cut}" if text else ""


def related_lines(base: "KnowledgeBase", answer: "Answer") -> Iterator[str]:
    """Yield papers that are like one."""
    if answer.notice:
        yield f"note: {flat(answer.notice)}"
    for hit in answer.hits:
        yield f"{hit.score:.2f} · {listed(base, hit.paper)}"
    if not answer.hits:
        yield "nothing related"


def paper_lines(base: "KnowledgeBase", view: "PaperView") -> Iterator[str]:
    """Yield what is known of a paper, what its notes say, and what they claim."""
    record = view.merged
    yield flat(record["title"])
    for label, value in view.facts.items():
        if value:
            yield f"{label}: {flat(value)}"
    for link in record["links"]:
        if link["kind"] != "figure":
            yield f"{link['kind']}: {clipped(link['url'], 300)}"
    for note in view.records.values():
        yield ""
        yield f"{base.place(note['file'], note['line'])}-{note['end_line']} says:"
        lines = _lines_of(base, note["file"])
        ends = [one["line"] for one in note["passages"][1:]]
        for one, end in zip(note["passages"], [*ends, note["end_line"] + 1], strict=True):
            if one["heading"] and not one["text"].startswith("#"):
                yield f"under {flat(one['heading'])}:"
            for number, line in numbered(one["text"], lines, one["line"], end):
                yield f"{number}| {_PICTURES.sub('(picture)', line)}" if number else _PICTURES.sub("(picture)", line)
    if view.ledger.claims:
        yield ""
        yield from ledger_lines(base, view.ledger)


def _lines_of(base: "KnowledgeBase", file: str) -> Sequence[str]:
    try:
        return base.note(file).lines
    except KbError:  # a database, or a file that went: its text is in the index
        return ()


def numbered(text: str, lines: Sequence[str], first: int, end: int) -> Iterator[tuple[int | None, str]]:
    """Yield each line of a passage with its number in the file, between first and end; None where it is not as there.

    Blocks that the passage leaves out are passed over. Example: "a\n\nb" of a file with lines "a", "", "x", "b" ->
    (1, "a"), (None, ""), (4, "b").
    """
    places = defaultdict(list)
    for number in range(first, min(end, len(lines) + 1)):
        places[lines[number - 1].strip()].append(number)
    here = first
    for line in text.splitlines():
        known = places[line.strip()] if line.strip() else []
        later = known[bisect_left(known, here) :]
        if later:
            here = later[0] + 1
        yield (later[0] if later else None), line


def digest_lines(base: "KnowledgeBase", digest: Mapping[str, Any]) -> Iterator[str]:
    """Yield a month, as the digest has it in JSON: what each paper is about, where it stands, what it claims."""
    yield f"{digest['month']}: {flat(digest['overview'])}"
    for section in digest["sections"]:
        yield f"\n# {flat(section['name'])}"
        for entry in section["entries"]:
            yield from _entry_lines(base, entry)
    for what in ("topics", "organizations"):
        if digest[what]:
            yield f"\n{what}: " + ", ".join(f"{flat(one['name'])} {one['count']}" for one in digest[what])


def _entry_lines(base: "KnowledgeBase", entry: Mapping[str, Any]) -> Iterator[str]:
    paper = entry["paper"]
    places = ", ".join(base.place(one["file"], one["line"]) for one in entry["places"])
    yield f"\n- {flat(paper['title'])} · id {paper['id']} · {places}"
    if facts := "、".join((*paper["organizations"], *paper["keywords"])):
        yield f"  {flat(facts)}"
    for text in (entry["summary"], *entry["key_points"]):
        if shown := flat(_PICTURES.sub(" ", text)):
            yield f"  {shown}"
    for one in entry["claims"]:
        computed = f", computed {one['computed_figures']}" if one["computed_figures"] else ""
        state = "contradicted as noted" if one["is_expected"] else one["state"]
        place = base.place(one["file"], one["line"])
        yield f"  claim {state}: {flat(one['says'])}: note says {one['says_figures']}{computed} · {place}"
    if entry["related"]:
        yield "  like: " + ", ".join(f"{one['id']} ({one['month']})" for one in entry["related"])


def ledger_lines(base: "KnowledgeBase", ledger: "Ledger") -> Iterator[str]:
    """Yield claims with what their note says and what was computed, those that fail first; then the runs of one."""
    order = ("contradicted", "not-runnable", "stale", "holds")
    summary = dict(ledger.summary)
    total = summary.pop("claims")
    yield f"{total} claim{'s' * (total != 1)}: {counts(summary) or 'none'}"
    for one in sorted(ledger.claims, key=lambda one: (order.index(one.state), one.is_expected)):
        yield claim_line(base, one)
    for run in ledger.runs:
        yield f"run {run.date}: {run.state}, kb {run.version}, {run.device}, {1000 * run.seconds:.2f} ms"


def claim_line(base: "KnowledgeBase", one: "Entry") -> str:
    """Return a claim: its state, what the note says and what was computed."""
    state = "contradicted as noted" if one.is_expected else one.state.replace("not-runnable", "not runnable here")
    figures = f"note says {one.says_figures}" + (f", computed {one.computed_figures}" if one.computed_figures else "")
    why = f"; {flat(one.reason)}" if one.reason else ""
    return f"{state} · {one.id} · {flat(one.says)} · {figures}{why} · {base.place(one.file, one.line)}"


def counts(of: Mapping[str, int]) -> str:
    """Return how many claims are in which state: {"holds": 3} -> "3 hold"."""
    return ", ".join(f"{of[state]} {name}" for state, name in _COUNTS.items() if of.get(state))


def rows_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield rows of a table, with tabs between."""
    if rows:
        yield "\t".join(rows[0])
    for row in rows:
        yield "\t".join(f"{value:.4g}" if isinstance(value, float) else flat(str(value)) for value in row.values())
