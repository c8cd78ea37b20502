"""Papers as RIS, for EndNote, Mendeley and library catalogues."""

from collections.abc import Iterable, Iterator

from kb.exchange.export import ris_terms
from kb.exchange.export.facts import date_of, kind_of, main_link, person
from kb.exchange.export.held import csl_item, files
from kb.exchange.export.works import Work
from kb.notes.parsing.ris import READ
from kb.records import Reference

_OWN = "U1"  # the first of the tags that are the user's own
_ADDED = ("ST", "DO", "UR", "KW", "AD")  # what notes know of a paper whose library does not say it
_TYPES = {"article": "JOUR", "conference": "CPAPER", "preprint": "UNPB", "software": "COMP", "other": "GEN"}


def render(works: Iterable[Work]) -> str:
    """Return works as a RIS file, whose lines end in CR LF."""
    return "".join(map(_record, works))


def _record(work: Work) -> str:
    if reference := work.paper.reference:
        return "".join(f"{tag}  - {value}\r\n" for tag, value in _held(work, reference))
    return "".join(f"{tag}  - {' '.join(value.split())}\r\n" for tag, value in _tags(work) if value)


def _held(work: Work, reference: Reference) -> Iterator[tuple[str, str]]:
    """Yield what a library holds of a paper, and after it what notes say of it."""
    if reference.format == "ris":
        kind = reference.type
        given = [
            (tag, value.replace("\n", "\r\n"))
            for tag, values in reference.fields.items()
            for value in ([work.key] if tag == "ID" else values)
        ]
    else:
        kind, converted = ris_terms.from_csl(csl_item(reference))
        converted += [("AD", name) for name in work.paper.organizations]
        converted += [("L1", path) for path in files(work.paper)]
        converted += [(_OWN, f"{READ} {work.paper.month}")] if work.paper.month else []
        given = [(tag, " ".join(value.split())) for tag, value in converted]
    yield "TY", kind
    tags = {tag for tag, _ in given}
    if "ID" not in tags and (reference.format != "ris" or work.noted is not None):
        yield "ID", work.key
    yield from given
    if work.noted is not None:
        ours = _tags(work._replace(paper=work.paper.model_copy(update={"body": work.noted})))
        for tag, value in ours:
            line = (tag, " ".join(value.split()))
            if line[1] and line not in given and (tag in ("N1", _OWN) or (tag in _ADDED and tag not in tags)):
                yield line
    yield "ER", ""


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
    yield _OWN, f"{READ} {paper.month}" if paper.month else ""
    yield "N1", paper.body
    yield "ER", " "


def _person(name: str) -> str:
    """Return a name last name first: "Anna van der Berg" -> "van der Berg, Anna"."""
    parts = person(name)
    if "literal" in parts:
        return name
    family = f"{parts.get('non-dropping-particle', '')} {parts['family']}".strip()
    return ", ".join(part for part in (family, parts["given"], parts.get("suffix", "")) if part)
