"""Papers as RIS, for EndNote, Mendeley and library catalogues."""

from collections.abc import Iterable, Iterator

from kb.exchange.facts import date_of, kind_of, main_link, person
from kb.exchange.works import Work

_TYPES = {"article": "JOUR", "conference": "CPAPER", "preprint": "UNPB", "software": "COMP", "other": "GEN"}


def render(works: Iterable[Work]) -> str:
    """Return works as a RIS file, whose lines end in CR LF."""
    return "".join(f"{tag}  - {' '.join(value.split())}\r\n" for work in works for tag, value in _tags(work) if value)


def _tags(work: Work) -> Iterator[tuple[str, str]]:
    paper, date = work.paper, date_of(work.paper)
    yield "TY", _TYPES[kind_of(paper)]
    yield "ID", work.key
    yield "TI", paper.title
    yield "ST", paper.short_name or ""
    for name in paper.authors:
        yield "AU", _person(name)
    yield "T2", paper.venue or ""
    yield "PY", str(date[0]) if date else ""
    yield "DA", "/".join([*(f"{part:02d}" for part in date), "", "", ""][:4]) if date else ""
    yield "AN", f"arXiv:{paper.arxiv_id}" if paper.arxiv_id else ""
    yield "DO", paper.doi or ""
    main = main_link(paper)
    yield "UR", main or ""
    for link in paper.links:
        if link.url != main and link.kind != "figure":
            yield "UR", link.url
    for keyword in paper.keywords:
        yield "KW", keyword
    for organization in paper.organizations:
        yield "AD", organization
    yield "Y2", f"{paper.month.replace('-', '/')}//" if paper.month else ""
    yield "N1", paper.body
    yield "ER", " "


def _person(name: str) -> str:
    """Return a name last name first: "Anna van der Berg" -> "van der Berg, Anna"."""
    parts = person(name)
    if "literal" in parts:
        return name
    family = f"{parts.get('non-dropping-particle', '')} {parts['family']}".strip()
    return ", ".join(part for part in (family, parts["given"], parts.get("suffix", "")) if part)
