"""A user's own queries with the papers they should find: how well searches answer them.

One query a line, then the papers, named as for `kb show`, with tabs between: "声学延迟", tab, "musicgen", tab, "moshi".
A line with - in the place of papers is a query that the notes hold nothing for. Empty lines and lines that begin
with # are passed over.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kb.errors import KbError
from kb.files import read_typed
from kb.index.sqlite.papers import PaperRow
from kb.index.sqlite.reader import Reader

NOTHING = "-"  # in the place of papers


class Judgment(NamedTuple):
    """A query and the papers it should find, each by its newest note; none if it should find nothing."""

    query: str
    wanted: tuple[PaperRow, ...]


class Outcome(NamedTuple):
    """What a search made of one query."""

    query: str
    wanted: int  # papers
    found: int  # of them, among the first k
    rank: int | None  # of the first one found, counted from 1
    hits: int  # among the first k, without what is only nearest


class Verdict(NamedTuple):
    """How well all queries were answered, looking at the first k hits."""

    k: int
    hit_at_1: float  # share of the queries whose first hit is wanted, of those that want any
    recall: float  # share of the wanted papers found, mean over queries
    mrr: float  # mean of 1 / rank of the first one found, 0 where none is
    silent: float | None  # share of the queries for nothing that have no hit; None if there are none
    outcomes: tuple[Outcome, ...]


def read_judgments(path: Path, reader: Reader) -> list[Judgment]:
    """Return the judgments of a file.

    Raises: KbError naming file and line if a line has no paper, or names none or several with one name.
    """
    try:
        lines = read_typed(path).decode("utf-8-sig").splitlines()
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror}", file=path) from None
    except UnicodeDecodeError as error:
        raise KbError(f"not UTF-8 at byte {error.start}", "save it as UTF-8", path) from None
    found = []
    for number, line in enumerate(lines, 1):
        query, *given = (part.strip() for part in line.split("\t"))
        names = [name for name in given if name]
        if not query or query.startswith("#"):
            continue
        if names == [NOTHING]:
            found.append(Judgment(query, ()))
            continue
        if not names:
            raise KbError(
                f"should be a query, a tab and the papers it should find, got {line!r}", file=path, line=number
            )
        found.append(Judgment(query, tuple(_named(reader, name, path, number) for name in names)))
    if not found:
        raise KbError("holds no query", "a line is a query, a tab and the papers it should find", path)
    return found


def judge(judgments: Sequence[Judgment], ask: Callable[[str], Mapping[int, bool]], k: int) -> Verdict:
    """Return how well ask answers every judgment.

    ask gives the keys of the best papers for a query, each with whether it is a hit or only nearest. Queries for
    nothing count for silent alone.
    """
    outcomes = []
    for judgment in judgments:
        ranked = dict(list(ask(judgment.query).items())[:k])
        wanted = {paper.key for paper in judgment.wanted}
        ranks = [rank for rank, key in enumerate(ranked, 1) if key in wanted]
        outcomes.append(
            Outcome(judgment.query, len(wanted), len(ranks), min(ranks, default=None), sum(ranked.values()))
        )
    asked = [one for one in outcomes if one.wanted]
    unasked = [one for one in outcomes if not one.wanted]
    count = max(1, len(asked))
    return Verdict(
        k,
        sum(one.rank == 1 for one in asked) / count,
        sum(one.found / one.wanted for one in asked) / count,
        sum(1 / one.rank for one in asked if one.rank) / count,
        sum(not one.hits for one in unasked) / len(unasked) if unasked else None,
        tuple(outcomes),
    )


def _named(reader: Reader, name: str, path: Path, number: int) -> PaperRow:
    papers = reader.papers.named(name)
    if not papers:
        raise KbError(f"no paper named {name!r}", f"look for it with: kb search {name}", path, number)
    if not reader.works.are_one([paper.key for paper in papers]):
        some = ", ".join(paper.id for paper in papers[:3])
        what = f"{name!r} should name one paper, names {len(papers)}: {some}"
        raise KbError(what, "say more of the name", path, number)
    return reader.papers.rows(reader.works.notes_of(papers[0].key))[0]
