"""A knowledge base over a researcher's monthly paper notes.

    import kb

    with kb.open("~/papers") as base:
        base.refresh()
        for hit in base.search("声学延迟").hits:
            print(hit.paper.title)

docs/python.md has the rest of the interface.
"""

TYPE_CHECKING = False  # as type checkers know it; the module typing is not loaded before Ctrl-C is minded
if TYPE_CHECKING:
    from pathlib import Path

    from kb.api.base import KnowledgeBase

__version__ = "0.1.0"
__all__ = ["__version__", "open"]


def open(start: "Path | str | None" = None) -> "KnowledgeBase":
    """Return the knowledge base that a folder is, or lies in; the current folder if none is named.

    Raises: kb.errors.KbError if there is none, or if its kb.toml cannot be read.
    """
    from kb.api.base import open_base

    return open_base(start)
