"""Papers that lead nowhere, and links that do."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from kb.notes.checking.findings import Finding
from kb.notes.checking.page import Page
from kb.patterns import pattern
from kb.records import Paper

LINKED_SHARE = 0.8  # of the other papers of a file, from which on a link is missed
TITLE_WORDS = 3  # of Latin letters
_WORD = pattern(r"[A-Za-z]{2,}")
_LINK = pattern(
    r"(?<=\])\(\s*(?P<target><[^<>]+>|[^()]*(?:\([^()]*\)[^()]*)*)\)"
    r"|<(?:img|a|source|video|audio)\b[^<>]*?\b(?:src|href)\s*=\s*(?P<quote>[\"'])(?P<address>[^<>]*?)(?P=quote)"
    r"|^ {0,3}\[(?!\^)[^\]]+\]:\s*(?P<definition><[^<>]+>|\S+)",
    re.IGNORECASE,
)
_AFTER_TARGET = pattern(r"\s+(?:\"[^\"]*\"|'[^']*'|=\d*x\d*)\s*$")
_ELSEWHERE = pattern(r"[a-z][a-z0-9+.-]*:|[/\\#?]|.*(?:\{\{|\{%|@)", re.IGNORECASE)
_PATH = pattern(r"/|\.[A-Za-z0-9]{1,8}$")
_SITE = pattern(r"www\.|(?:[\w-]+\.)+(?:com|org|net|io|cn|ai|edu|dev)(?:/|$)", re.IGNORECASE)
_LEADS_SOMEWHERE = pattern(r"https?://|\]\([^)]|\[\[|\]\[", re.IGNORECASE)
_PICTURE = pattern(r"!\[[^\[\]]*\]\([^()]*\)|<img\b[^<>]*>", re.IGNORECASE)


def papers_without_link(page: Page) -> Iterator[Finding]:
    """Find a paper that says nowhere where to read it, where the others of the file do: no address, id or link."""
    groups = {paper.parent for paper in page.papers}
    papers = [paper for paper in page.papers if paper.kind == "paper" and paper.id not in groups]
    bare = [paper for paper in papers if not _leads_somewhere(page, paper)]
    if len(papers) - len(bare) < LINKED_SHARE * (len(papers) - 1):
        return
    for paper in bare:
        if _is_published(paper.title):
            what = f"no link in {paper.title!r}"
            yield Finding(page.file, paper.line, "no-link", what, "add its arXiv id, DOI or address")


def _is_published(title: str) -> bool:
    """Whether a title reads as a paper's, and not as that of a thought of one's own: "指令 TTS：让合成听从文字描述"."""
    return len(_WORD.findall(title)) >= TITLE_WORDS


def dead_links(page: Page) -> Iterator[Finding]:
    """Find a relative link or picture whose file is not there."""
    for number, target in _targets(page):
        if not _find(page.path, target):
            suggestion = "write https:// before it" if _SITE.match(target) else "mend the path, or put the file there"
            yield Finding(page.file, number, "dead-link", f"no file {unquote(target)!r:.200}", suggestion)


def linked_files(page: Page) -> set[Path]:
    """Return the files that page links to, where they are there."""
    return {path.resolve() for _, target in _targets(page) if (path := _find(page.path, target))}


def _targets(page: Page) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(page.prose, 1):
        for found in _LINK.finditer(line):
            if target := _target(found):
                yield number, target


def _leads_somewhere(page: Page, paper: Paper) -> bool:
    if paper.arxiv_id or paper.doi or paper.openreview_id or paper.acl_id:
        return True
    if any(link.kind != "figure" for link in paper.links):
        return True
    is_whole_file = len(page.papers) == 1
    own = page.lines if is_whole_file else page.lines[paper.line - 1 : paper.end_line]
    return any(_LEADS_SOMEWHERE.search(_PICTURE.sub("", line)) for line in own)


def _target(found: "re.Match[str]") -> str | None:
    """Return the path that a link names, without title and fragment; None if it leads elsewhere."""
    written = found["target"] or found["address"] or found["definition"] or ""
    target = _AFTER_TARGET.sub("", html.unescape(written)).strip().removeprefix("<").removesuffix(">")
    if not target or _ELSEWHERE.match(target):
        return None
    path = re.split(r"[#?]", target, maxsplit=1)[0]
    return path if _PATH.search(path) else None


def _find(note: Path, target: str) -> Path | None:
    """Return the file that target means: beside note, or in the folder of note's name, where Hexo keeps pictures."""
    unescaped = re.sub(r"\\([^\w\s])", r"\1", target)
    for base in (note.parent, note.with_suffix("")):
        for path in dict.fromkeys((target, unescaped, unquote(unescaped), unescaped.replace("\\", "/"))):
            try:
                if (base / path).exists():
                    return base / path
            except (OSError, ValueError):  # no file system takes such a name
                continue
    return None
