"""What goes by the id of a record still finds it when the record has another one."""

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from kb.index.sqlite.former import Bearer, renamed

INDEXES = Path(__file__).parent / "faults" / "indexes"
NOTE = "# 2024-09\n\n**《Toys》** X，k\n\nhttps://a.org/toys\n\n**《Games》** Y，k\n\nhttps://a.org/games\n"


def one(identity: str, line: int, *titles: str) -> Bearer:
    return Bearer(identity, line, frozenset(("title", title) for title in titles))


def test_a_record_is_the_one_that_shares_an_identity_else_the_one_in_its_line() -> None:
    before = [one("a/toys", 3, "toys that talk"), one("a/games", 7), one("a/kept", 9)]
    after = [one("a/games-2", 7), one("a/toys-that-talk", 30, "toys that talk"), one("a/kept", 9), one("a/new", 3)]
    assert renamed(before, after) == {"a/toys": "a/toys-that-talk", "a/games": "a/games-2"}
    assert renamed(before, [one("a/x", 1), one("a/kept", 9)]) == {}


def test_marks_and_names_follow_a_record_that_is_renamed(empty_kb: Any) -> None:
    path = empty_kb.write("2024-09.md", NOTE)
    empty_kb.run("mark", "star", "2024-09/toys")
    for title in ("Toys 2", "Toys 3"):
        path.write_text(NOTE.replace("Toys", title), encoding="utf-8")
        starred = [paper["id"] for paper in empty_kb.json("list", "is:starred")]
        assert starred == [f"2024-09/toys-{title[-1]}"]
    assert empty_kb.json("show", "2024-09/toys")["id"] == "2024-09/toys-3"

    empty_kb.run("mark", "unstar", "2024-09/toys-3")
    assert empty_kb.json("list", "is:starred") == []

    path.write_text(NOTE, encoding="utf-8")
    assert empty_kb.json("show", "2024-09/toys")["id"] == "2024-09/toys"


def test_what_kb_toml_joins_and_parts_follows_an_index_of_an_earlier_version(kb: Any) -> None:
    kb.write("single.md", (INDEXES / "single.md").read_text(encoding="utf-8"))
    kb.config.index.mkdir(exist_ok=True)
    kb.config.database.write_bytes(gzip.decompress((INDEXES / "0011.sqlite.gz").read_bytes()))
    with closing(sqlite3.connect(kb.config.database)) as db, db:  # as if the version before had named them so
        db.execute("UPDATE papers SET id = '2024-10/tiny' WHERE id = '2024-10/tinycodec'")
    settings = kb.root / "kb.toml"
    settings.write_text(settings.read_text("utf-8") + 'same = [["2024-10/tiny", "2024-08/oldcodec"]]\n', "utf-8")

    listed = kb.json("list")

    assert {"2024-10/tinycodec", "2024-08/oldcodec"} & {paper["id"] for paper in listed}
    assert kb.json("show", "2024-10/tiny")["id"] in ("2024-10/tinycodec", "2024-08/oldcodec")
    with closing(sqlite3.connect(kb.config.database)) as db:
        (joined,) = db.execute(
            "SELECT count(DISTINCT work) FROM works w JOIN papers p ON p.key = w.paper WHERE p.id IN"
            " ('2024-10/tinycodec', '2024-08/oldcodec')"
        ).fetchone()
        assert joined == 1
        assert db.execute("SELECT id, now FROM former").fetchall() == [("2024-10/tiny", "2024-10/tinycodec")]
    assert kb.json("duplicates")["unknown"] == []
