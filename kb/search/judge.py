"""A user's own queries with the papers they should find: how well searches answer them.

One query a line, then the papers, named as for `kb show`, with tabs between: "声学延迟", tab, "musicgen", tab, "moshi".
Empty lines and lines that begin with # are passed over.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from kb.errors import KbError
from kb.files import read_typed
from kb.index.sqlite.papers import PaperRow
from kb.index.sqlite.reader import Reader


class Judgment(NamedTuple):
    """A query and the papers it should find, each by its newest note."""

    query: str
    wanted: tuple[PaperRow, ...]


class Outcome(NamedTuple):
    """What a search made of one query."""

    query: str
    wanted: int  # papers
    found: int  # of them, among the first k
    rank: int | None  # of the first one found, counted from 1


class Verdict(NamedTuple):
    """How well all queries were answered, looking at the first k hits."""

    k: int
    recall: float  # share of the wanted papers found, mean over queries
    mrr: float  # mean of 1 / rank of the first one found, 0 where none is
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
        query, *names = (part.strip() for part in line.split("\t"))
        if not query or query.startswith("#"):
            continue
        if not names:
            raise KbError(
                f"should be a query, a tab and the papers it should find, got {line!r}", file=path, line=number
            )
        found.append(Judgment(query, tuple(_named(reader, name, path, number) for name in names if name)))
    if not found:
        raise KbError("holds no query", "a line is a query, a tab and the papers it should find", path)
    return found


def judge(judgments: Sequence[Judgment], ask: Callable[[str], Sequence[int]], k: int) -> Verdict:
    """Return how well ask, which gives the keys of the k best papers for a query, answers every judgment."""
    outcomes = []
    for judgment in judgments:
        ranked = list(ask(judgment.query))[:k]
        wanted = {paper.key for paper in judgment.wanted}
        ranks = [rank for rank, key in enumerate(ranked, 1) if key in wanted]
        outcomes.append(Outcome(judgment.query, len(wanted), len(ranks), min(ranks, default=None)))
    count = len(outcomes)
    recall = sum(outcome.found / outcome.wanted for outcome in outcomes) / count
    mrr = sum(1 / outcome.rank for outcome in outcomes if outcome.rank) / count
    return Verdict(k, recall, mrr, tuple(outcomes))


def _named(reader: Reader, name: str, path: Path, number: int) -> PaperRow:
    papers = reader.papers.named(name)
    if not papers:
        raise KbError(f"no paper named {name!r}", f"look for it with: kb search {name}", path, number)
    if not reader.works.are_one([paper.key for paper in papers]):
        some = ", ".join(paper.id for paper in papers[:3])
        what = f"{name!r} should name one paper, names {len(papers)}: {some}"
        raise KbError(what, "say more of the name", path, number)
    return reader.papers.rows(reader.works.notes_of(papers[0].key))[0]
