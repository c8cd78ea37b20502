"""What the files of reference managers share: their entries become records as those of notes do."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from kb.notes.ids import ARXIV_ID, DOI
from kb.notes.parsing import links, names
from kb.notes.parsing.entry import Entry, papers
from kb.patterns import pattern
from kb.records import Link, Paper

Lines = list[tuple[int, str]]  # line number, from 0, and text
_HAN_ONLY = pattern("[\u3400-\u9fff\u3040-\u30ff\uac00-\ud7af]+")
UNTITLED = "(untitled)"
_ARXIV = pattern(rf"(?:arxiv\s*:\s*)?(?P<id>{ARXIV_ID})", re.IGNORECASE)
_NAMED_ARXIV = pattern(rf"arxiv\s*:\s*(?P<id>{ARXIV_ID})", re.IGNORECASE)
_DOI = pattern(DOI)


def papers_of(entries: Sequence[Entry], file: str) -> tuple[Paper, ...]:
    """Return the records of a library's entries, each with all of its lines; titles stay as the library has them."""
    for entry in entries:
        entry.title = " ".join(entry.title.split()) or UNTITLED
        entry.short_name = entry.short_name or names.short_name(entry.title)
    found = zip(papers(entries, file, None), entries, strict=True)
    return tuple(paper.model_copy(update=_of_library(paper, entry)) for paper, entry in found)


def _of_library(paper: Paper, entry: Entry) -> dict[str, Any]:
    """Return the fields of a paper that only an entry of a library gives."""
    known = {link.url for link in paper.links}
    files = [path for path in dict.fromkeys(entry.attachments) if path not in known]
    links = (*paper.links, *(Link(kind="file", url=path) for path in files))
    return {"end_line": entry.end, "links": links, "reference": entry.reference}


def body(texts: Iterable[tuple[int, str]], urls: Iterable[tuple[int, str]]) -> Lines:
    """Return the lines of texts, blank ones between them, after those of urls that do not stand in them.

    Each text and each address comes with the line it begins in.
    """
    given = [(line, re.sub(r"\r\n?", "\n", text).strip("\n")) for line, text in texts if text.strip()]
    known = {link.url for _, text in given for link in links.links(text)}
    parts = [[(line, url)] for line, url in urls if url.startswith(("http://", "https://")) and url not in known]
    parts += [list(enumerate(text.split("\n"), line)) for line, text in given]
    found: Lines = []
    for part in parts:
        found += [(part[0][0], "")] * bool(found) + part
    return found


def full_name(given: str, family: str) -> str:
    """Return a name as it is written: "Wei", "Li" -> "Wei Li"; "小明", "王" -> "王小明"."""
    given, family = " ".join(given.split()), " ".join(family.split())
    is_unspaced = bool(_HAN_ONLY.fullmatch(given)) and bool(_HAN_ONLY.fullmatch(family))
    return family + given if is_unspaced else f"{given} {family}".strip()


def arxiv_id(text: str) -> str | None:
    """Return the arXiv id that text is: "arXiv:2410.15017v2 [cs]" -> "2410.15017"."""
    found = _ARXIV.match(text.strip())
    return found["id"] if found else None


def named_arxiv_id(text: str) -> str | None:
    """Return the first arXiv id in text that is said to be one: "arXiv preprint arXiv:2410.15017" -> "2410.15017"."""
    found = _NAMED_ARXIV.search(text)
    return found["id"] if found else None


def doi(text: str) -> str | None:
    """Return the DOI that text holds: "https://doi.org/10.1000/xyz" -> "10.1000/xyz"."""
    found = _DOI.search(text)
    return found[0] if found else None


def date(parts: Sequence[str]) -> str | None:
    """Return year, month and day as one text, as far as they are a date: ("2024", "10", "45") -> "2024-10"."""
    if not parts or not re.fullmatch(r"[0-9]{4}", parts[0]):
        return None
    found = parts[0]
    for part, most in zip(parts[1:3], (12, 31), strict=False):
        if not (re.fullmatch(r"[0-9]{1,2}", part) and 1 <= int(part) <= most):
            break
        found += f"-{int(part):02d}"
    return found


def split_keywords(text: str) -> tuple[str, ...]:
    """Return the keywords of a list with commas or semicolons, each once."""
    return tuple(dict.fromkeys(word for part in re.split(r"[,;]", text) if (word := " ".join(part.split()))))
