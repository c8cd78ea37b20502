"""A knowledge base, opened: what every front calls."""

from pathlib import Path

from kb.api.claims import ClaimCases
from kb.api.exchange import ExchangeCases
from kb.api.notes import NoteCases
from kb.api.papers import PaperCases
from kb.api.reports import ReportCases
from kb.api.searches import SearchCases
from kb.api.setup import SetupCases
from kb.config.kb_toml import find_config
from kb.errors import KbError


def open_base(start: Path | str | None = None) -> "KnowledgeBase":
    """Return the knowledge base that a folder is, or lies in; the current folder if none is named.

    Raises: KbError if there is none, or its kb.toml cannot be read.
    """
    try:
        config = find_config(Path(start).expanduser() if start is not None else Path())
    except RuntimeError as error:  # of a home that nobody has
        raise KbError(f"{start}: {error}", "name the folder of a knowledge base") from None
    kept = _kept.get(config.root)
    return kept if kept and kept.config == config and kept.is_as_loaded() else KnowledgeBase(config)


def keep(base: "KnowledgeBase") -> None:
    """Have open_base return base, with what it has loaded, as long as nothing of that has changed on the disk.

    For a process that answers many; see kb.resident.
    """
    base.load()
    _kept[base.config.root] = base


_kept: "dict[Path, KnowledgeBase]" = {}


def advice(text: str) -> tuple[str, ...]:
    """Return what in a query may be meant otherwise than it is understood, a line each.

    Raises: KbError if it uses a field wrongly.
    """
    from kb.index.query import parse_query

    return tuple(parse_query(text).advice)


class KnowledgeBase(SearchCases, PaperCases, NoteCases, ClaimCases, ReportCases, ExchangeCases, SetupCases):
    """The use cases of one knowledge base, safe from several threads.

    They stand in a file a subject. Imports stand in the methods: a short command waits for no room that it does not
    ask.
    """
