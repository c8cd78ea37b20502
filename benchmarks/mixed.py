"""How many papers are found in notes of mixed grammars: entries of all corpora, drawn at random, one below the other.

python benchmarks/mixed.py CORPORA [--files N] [--seed S] [--wrong N]

An entry is the lines that a record of a true paper has in its own note, a row with the header of its table, an item
without the indentation of its list, links by reference with their addresses. Papers that only the name of a file or
its front matter calls by their title are left out: without them nobody could tell.
"""

import argparse
import random
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from matching import Document, Found, corpora, count, pairs, read_corpus, total

from kb.errors import NoteError
from kb.notes.parsing import parse_note
from kb.notes.parsing.outline import outline
from kb.records import Paper

FEWEST, MOST = 3, 8  # entries of a note
FILE = "mixed.md"


class Piece(NamedTuple):
    """An entry as it is written, and its true title."""

    corpus: str
    title: str
    text: str


def pieces(corpus: str, document: Document) -> list[Piece]:
    """Return the true entries of a note."""
    try:
        papers = [one for one in parse_note(document.text.encode(), document.file).papers if not one.is_rest]
    except NoteError:
        return []
    titles = document.titles()
    found = []
    for number, match in pairs(titles, [one.title for one in papers]):
        text = _text(document.text, papers[match], papers) if match is not None else ""
        if _letters(titles[number]) in _letters(text):
            found.append(Piece(corpus, titles[number], text))
    return found


def _text(text: str, paper: Paper, papers: list[Paper]) -> str:
    """Return the lines of a paper, without those of other papers within."""
    lines = re.split(r"\r\n|\n|\r", text)
    whole = outline(lines)
    inner = {n for other in papers if other.parent == paper.id for n in range(other.line - 1, other.end_line)}
    own = [lines[n] for n in range(paper.line - 1, paper.end_line) if n not in inner]
    for table in whole.tables:
        if any(row.line == paper.line - 1 for row in table.rows):
            own = [*lines[table.header.line : table.header.line + 2], *own]
    return whole.resolved(textwrap.dedent("\n".join(own)))


def mixed(of_corpora: Mapping[str, list[Piece]], draw: random.Random) -> list[Piece]:
    """Return the entries of a note, no title twice: each from a corpus drawn at random."""
    names = sorted(of_corpora)
    found: dict[str, Piece] = {}
    wanted = draw.randint(FEWEST, MOST)
    while len(found) < wanted:
        one = draw.choice(of_corpora[draw.choice(names)])
        found.setdefault(_letters(one.title), one)
    return list(found.values())


def document(note: list[Piece]) -> Document:
    """Return a note of these entries, one below the other."""
    text = "\n\n".join(one.text.strip("\n") for one in note) + "\n"
    return Document(FILE, text, tuple({"title": one.title} for one in note))


def judge(note: list[Piece]) -> tuple[Found, list[str], list[str]]:
    """Return how many papers of a note are found, what was missed and what is none."""
    whole = document(note)
    papers = parse_note(whole.text.encode(), FILE).papers
    told = [one.title for one in papers if not one.is_rest and one.kind != "note"]
    truth = whole.titles()
    matches = list(pairs(truth, told))
    missed = [f"{note[number].corpus}: {note[number].title}" for number, match in matches if match is None]
    taken = {match for _, match in matches}
    return count(truth, told), missed, [title for number, title in enumerate(told) if number not in taken]


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def main() -> None:
    """Print recall and precision, and what is wrong if asked."""
    parser = argparse.ArgumentParser(description="Find the papers in notes of mixed grammars.")
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--wrong", type=int, default=0, help="so many wrong notes")
    given = parser.parse_args()
    of_corpora = {
        name: found
        for name in corpora(given.corpora)
        if (found := [piece for one in read_corpus(given.corpora, name) for piece in pieces(name, one)])
    }
    print("entries to draw from:", ", ".join(f"{name} {len(found)}" for name, found in of_corpora.items()))
    draw = random.Random(given.seed)
    results = [judge(mixed(of_corpora, draw)) for _ in range(given.files)]
    whole = total(found for found, _, _ in results)
    print(f"{given.files} notes of {FEWEST} to {MOST} entries, {whole.true} entries: ", end="")
    print(f"recall {whole.recall:.3f}, precision {whole.precision:.3f}")
    wrong = [(missed, other) for _, missed, other in results if missed or other]
    for missed, other in wrong[: given.wrong]:
        print("\n".join([*(f"  missed {one}" for one in missed), *(f"  no paper {one}" for one in other), ""]))


if __name__ == "__main__":
    main()
