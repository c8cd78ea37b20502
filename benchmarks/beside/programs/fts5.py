"""Notes in SQLite's FTS5: fts5.py unicode61|trigram update NOTES | search QUERY LIMIT."""

import sqlite3
from pathlib import Path

import corpus


def update(tokenizer: str, notes: Path) -> None:
    """Bring the index up to date."""
    with sqlite3.connect("notes.sqlite") as database:
        database.execute(f"CREATE VIRTUAL TABLE IF NOT EXISTS notes USING fts5(name, body, tokenize = {tokenizer})")
        is_new = not Path("times.json").exists()
        for name, text in corpus.read(corpus.changed(notes, Path("times.json"))):
            if not is_new:
                database.execute("DELETE FROM notes WHERE name = ?", (name,))
            database.execute("INSERT INTO notes VALUES (?, ?)", (name, text))


def search(tokenizer: str, query: str, limit: int) -> list[str]:
    """Return names of notes.

    Less than three characters have no trigram: all notes are read then. The plus sign keeps SQLite 3.40 from asking the
    index all the same, which finds nothing.
    """
    is_scan = tokenizer == "trigram" and len(query) < 3
    asked = ("+body LIKE ?", f"%{query}%") if is_scan else ("notes MATCH ?", f'"{query}"')
    with sqlite3.connect("notes.sqlite") as database:
        rows = database.execute(f"SELECT name FROM notes WHERE {asked[0]} LIMIT ?", (asked[1], limit))
        return [name for (name,) in rows]


corpus.main(update, search)
