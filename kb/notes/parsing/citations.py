"""BibTeX blocks in notes: what they hold is an entry where it lies in no other."""

from kb.errors import NoteError
from kb.notes.parsing import bibtex
from kb.notes.parsing.candidates import Candidate
from kb.notes.parsing.outline import Outline
from kb.notes.parsing.titles import Found

LANGUAGES = ("", "bib", "bibtex", "biblatex", "latex", "tex")


def propose(outline: Outline, file: str) -> list[Candidate]:
    """Return a candidate for each entry of each block of BibTeX."""
    found: list[Candidate] = []
    for block in outline.fences:
        if (
            block.info.lower() not in LANGUAGES
            or not block.text.lstrip().startswith("@")
            or outline.is_cited(block.line)
        ):
            continue
        try:
            entries = bibtex.entries(block.text, file)
        except NoteError:  # a program that begins with @
            continue
        for entry in entries:
            is_first, is_last = entry is entries[0], entry is entries[-1]  # which take the fence with them
            line = block.line if is_first else block.line + 1 + entry.line
            end = block.end if is_last else block.line + 1 + (entry.end or entry.line + 1)
            candidate = Candidate("bibtex", line, end, Found(entry.title, entry.title, None, False), "")
            candidate.facts = {
                "authors": "; ".join(entry.authors),
                "date": entry.published or "",
                "venue": entry.venue or "",
                "arxiv": entry.arxiv_id or "",
                "doi": entry.doi or "",
                "citation_key": (entry.reference.key if entry.reference else entry.citation_key) or "",
            }
            found.append(candidate)
    return found
