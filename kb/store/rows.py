"""Records as rows of the index. Pure, so that the processes that parse can do this too."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kb.identities import identities
from kb.records import Note, Paper
from kb.terms import name_key, terms

Row = dict[str, Any]


@dataclass(frozen=True)
class PaperRows:
    """The rows of one paper, before they are given keys."""

    paper: Row
    full_text: Row
    passages: list[Row]
    names: list[Row]
    identities: list[Row]


def note_rows(note: Note, english_of: Callable[[str], list[str]]) -> list[PaperRows]:
    """Return the rows of every paper of note, in order.

    english_of gives the English terms that the Chinese in a text stands for.
    """
    return [
        PaperRows(
            _paper(paper),
            _full_text(paper, english_of),
            [{"line": passage.line, "heading": passage.heading, "text": passage.text} for passage in paper.passages],
            [{"name": name} for name in _names(paper)],
            [{"kind": kind, "value": value} for kind, value in identities(paper)],
        )
        for paper in note.papers
    ]


def _paper(paper: Paper) -> Row:
    return {
        "id": paper.id,
        "file": paper.file,
        "line": paper.line,
        "end_line": paper.end_line,
        "title": paper.title,
        "short_name": paper.short_name,
        "kind": paper.kind,
        "month": paper.month,
        "section": " / ".join(paper.section_path),
        "organizations": "、".join(paper.organizations),
        "keywords": "、".join(paper.keywords),
        "arxiv_id": paper.arxiv_id,
        "link_kinds": " ".join(["", *sorted({link.kind for link in paper.links}), ""]),
        "record": paper.model_dump_json(),
    }


def _full_text(paper: Paper, english_of: Callable[[str], list[str]]) -> Row:
    texts = {
        "title": paper.title,
        "short_name": paper.short_name or "",
        "keywords": "、".join(paper.keywords),
        "organizations": "、".join(paper.organizations),
        "body": paper.body,
        "section": " / ".join(paper.section_path),
    }
    row = {column: " ".join(terms(text)) for column, text in texts.items()}
    row["gloss"] = " ".join(english_of("\n".join((paper.title, texts["keywords"], paper.body))))
    return row


def _names(paper: Paper) -> list[str]:
    names = (paper.id, paper.arxiv_id, paper.doi, paper.short_name, paper.title)
    return sorted({name_key(name) for name in names if name} - {""})
