"""A file of BibTeX -> Metadata of each of its entries."""

from pathlib import Path

from kb.errors import KbError, NoteError
from kb.exchange.adding.metadata import Metadata, plain
from kb.files import read_typed
from kb.notes.parsing import parse_note
from kb.notes.parsing.bibtex_entries import read_entries
from kb.records import Paper

MOST_BYTES = 5_000_000


def read_bibtex(path: Path) -> list[Metadata]:
    """Return the papers of a file, in its order.

    Raises: KbError naming file and line if it cannot be read, is not UTF-8, has an entry that cannot be understood,
    or holds none.
    """
    try:
        data = read_typed(path) if path.stat().st_size <= MOST_BYTES else None
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror}", file=path) from None
    if data is None:
        raise KbError(f"larger than {MOST_BYTES // 1_000_000} MB", "name a smaller file", path)
    try:
        papers = parse_note(data, path.with_suffix(".bib").name).papers
        entries = read_entries(data.decode("utf-8-sig"), path.name)
    except NoteError as error:
        raise KbError(error.what, error.way_out, path, error.line) from None
    if not papers:
        raise KbError("holds no entry", "one begins like @article{name,", path)
    for entry in entries:
        if "title" not in entry.fields:
            raise KbError(f"{entry.key} has no title", "give it one", path, entry.line + 1)
    return [_metadata(paper) for paper in papers]


def _metadata(paper: Paper) -> Metadata:
    addresses = (link.url for link in paper.links if link.kind not in ("arxiv", "doi"))
    return Metadata(
        title=plain(paper.title),
        authors=paper.authors,
        published=paper.published,
        venue=paper.venue,
        arxiv_id=paper.arxiv_id,
        doi=paper.doi.lower() if paper.doi else None,
        url=next(addresses, None),
    )
