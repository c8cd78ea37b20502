"""What the arXiv API answers about one id -> Metadata. The format is Atom: https://info.arxiv.org/help/api/user-manual.html."""

import re
from xml.etree import ElementTree

from kb.errors import KbError
from kb.exchange.adding.identify import identify
from kb.exchange.adding.metadata import Metadata, plain
from kb.notes.ids import ARXIV_DOI

_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_WITHDRAWN = re.compile(
    r"\b(?:paper|article|manuscript|submission|preprint|work|version)\b[^.]{0,40}\b(?:has|have|is|was)\b[^.]{0,20}"
    r"\bwithdrawn\b|\bwithdrawn by\b",
    re.IGNORECASE,
)


def read_arxiv(answer: bytes, number: str) -> Metadata:
    """Return the paper that answer describes; number is the id that was asked for.

    Raises: KbError if the answer is not Atom or not whole, says an error, or holds no paper or another one.
    """
    feed = _feed(answer)
    entry = feed.find(f"{_ATOM}entry")
    if entry is None:
        raise KbError(f"arXiv has no paper {number}", "check the id")
    address = _text(entry, f"{_ATOM}id")
    title = plain(_text(entry, f"{_ATOM}title"))
    if "/api/errors" in address:
        raise KbError(f"arXiv has no paper {number}: {plain(_text(entry, f'{_ATOM}summary'))}", "check the id")
    if not title or not re.search(r"arxiv\.org/abs/.", address):
        raise KbError(f"arXiv has no paper {number}, or says nothing of it", "check the id")
    if identify(address).value != number:
        raise KbError(f"arXiv was asked for {number} and answered with {address!r:.80}", "nothing is taken from that")
    people = [plain(_text(author, f"{_ATOM}name")) for author in entry.findall(f"{_ATOM}author")]
    places = [plain(place.text or "") for place in entry.iter(f"{_ARXIV}affiliation")]
    published = re.match(r"\s*(\d{4}-\d\d-\d\d)", _text(entry, f"{_ATOM}published"))
    return Metadata(
        title=title,
        authors=tuple(filter(None, people)),
        published=published[1] if published else None,
        venue=plain(_text(entry, f"{_ARXIV}journal_ref")) or None,
        organizations=tuple(dict.fromkeys(filter(None, places))),
        arxiv_id=number,
        doi=_doi(plain(_text(entry, f"{_ARXIV}doi")).lower()),
        warning=_warning(plain(_text(entry, f"{_ARXIV}comment")), plain(_text(entry, f"{_ATOM}summary"))),
    )


def _doi(text: str) -> str | None:
    """Return the first DOI of a journal: arXiv may give several, and its own says nothing more than the id."""
    return next((doi for doi in text.split() if not doi.startswith(ARXIV_DOI)), None)


def _feed(answer: bytes) -> ElementTree.Element:
    """Return the root of a feed. A document type is refused: only with one can a few lines unfold into gigabytes."""
    try:
        text = answer.decode("utf-8")
    except UnicodeDecodeError:
        raise KbError("arXiv answered with something that is not UTF-8", "try again later") from None
    if re.search(r"<html\b", text, re.IGNORECASE):
        raise KbError("arXiv answered with a web page instead of Atom", "try again later")
    if re.search(r"<!(?:DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise KbError("arXiv answered with XML that has a document type, which Atom has not", "nothing of it is read")
    try:
        feed = ElementTree.fromstring(text)  # noqa: S314 - without a document type there are no entities
    except ElementTree.ParseError:
        what = plain(text[:60])
        raise KbError(f"arXiv answered with Atom that is cut short or broken: {what!r}…", "try again later") from None
    if feed.tag != f"{_ATOM}feed":
        raise KbError(f"arXiv answered with {feed.tag!r:.60} instead of an Atom feed", "try again later")
    return feed


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(name) or ""


def _warning(comment: str, abstract: str) -> str | None:
    """Return what arXiv says of a paper that was withdrawn."""
    if "withdrawn" in comment.lower():
        return f"arXiv says it was withdrawn: {comment:.120}"
    found = _WITHDRAWN.search(abstract)
    return f"arXiv says it was withdrawn: {abstract[found.start() : found.start() + 120]}" if found else None
