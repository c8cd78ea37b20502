"""Reading the index, with nothing but the standard library: this is what a search waits for."""

from collections.abc import Callable, Iterable
from pathlib import Path

from kb.index.engine import PaperKey, Ranking, Words
from kb.index.query import Query
from kb.index.sqlite.conditions import allowed
from kb.index.sqlite.files import Files
from kb.index.sqlite.ledger import Claims
from kb.index.sqlite.marked import Marks
from kb.index.sqlite.opening import open_committed
from kb.index.sqlite.papers import PaperRow, Papers
from kb.index.sqlite.passages import Passages
from kb.index.sqlite.view import SqliteView
from kb.index.sqlite.works import Works

JOINING = "joining"  # the fact that tells by what of kb.toml records were joined


class Reader:
    """A read-only view of one committed state of the index: a part for each kind of question, and the engine's view.

    marks gives what the papers are known by that the reader marked as "starred" or "read"; a query asks for it.
    code_of gives the fingerprint of the code that a claim runs; without it every run counts as stale.
    """

    def __init__(
        self,
        database: Path,
        marks: Callable[[str], Iterable[str]] = lambda what: (),
        code_of: Callable[[str], str] = lambda run: "",
    ) -> None:
        self._db = open_committed(database)
        self.files = Files(self._db)
        self.papers = Papers(self._db)
        self.works = Works(self._db)
        self.passages = Passages(self._db)
        self.claims = Claims(self._db, code_of)
        self.marks = Marks(self._db, marks)
        self.view = SqliteView(self._db, database.parent)

    def renew(self) -> None:
        """See what has been committed since this was opened."""
        self._db.execute("COMMIT")
        self._db.execute("BEGIN")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def meta(self, name: str) -> str | None:
        """Return a fact about the index by name."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def match(self, query: Query, most: int | None = None) -> Ranking:
        """Return the papers that query asks for, best first; without text to rank by, newest month first.

        Where more than `most` hold its words, it is enough to rank those that say more.
        """
        if query.is_void:
            return Ranking([], True, {})
        if query.has_text:
            return self.view.match(query.asked, among=self._allowed(query), most=most)
        return Ranking([(key, 0.0) for key in self.papers.in_reading_order(self.left(query))], True, {})

    def left(self, query: Query) -> frozenset[PaperKey] | None:
        """Return the papers that query's fields and exclusions leave; None if it has none."""
        among, words = self._allowed(query), query.asked.narrowing
        if words == Words():
            return among
        return frozenset(key for key, _ in self.view.match(words, among=among).scores)

    def listed(self, query: Query) -> list[PaperRow]:
        """Return the rows of all papers that query leaves, newest month first.

        Text beside the papers of a file is left out unless query asks for notes.
        """
        keys = [key for key, _ in self.match(query).scores]
        asks_for_notes = any(one.name == "kind" and one.value == "note" for one in query.filters)
        return self.papers.rows(keys if asks_for_notes else self.papers.entries(keys))

    def _allowed(self, query: Query) -> frozenset[PaperKey] | None:
        return allowed(self._db, self.marks, query.conditions)
