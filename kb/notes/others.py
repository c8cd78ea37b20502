"""Files among the notes that are no notes: named, so that nobody waits for a search to find what is in them."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from kb.config.kb_toml import GLOSSARY_NAME, Config
from kb.config.sources import LIBRARIES
from kb.notes.folders import SUFFIXES, printable

FEW = 3  # files of a kind that are all named

_CONVERTED = frozenset(
    (".org", ".rst", ".tex", ".ipynb", ".html", ".htm", ".docx", ".odt", ".rtf", ".epub", ".opml", ".textile", ".typ")
)


class Others(NamedTuple):
    """The files of one suffix."""

    suffix: str  # ".org", in lower case; "" if they have none
    files: int  # how many
    some: tuple[str, ...]  # the first ones, as the index would name them
    way_out: str  # how to have them read, if they may hold notes

    def rows(self) -> list[str]:
        """Return the files by name if they are few, else one of them and how many more there are."""
        return list(self.some) if self.files <= FEW else [f"{self.some[0]} and {self.files - 1} more {self.suffix}"]


def others(config: Config) -> list[Others]:
    """Return what lies in the folders of notes, and is none, by suffix; hidden names are passed over.

    Example: a folder with 2024-10.md, a.org and figures/a.png -> .org with a.org, .png with figures/a.png.
    """
    found: dict[str, list[str]] = {}
    for file in _files(config):
        found.setdefault(PurePosixPath(file).suffix.lower(), []).append(printable(file))
    return [
        Others(suffix, len(files), tuple(sorted(files)[:FEW]), _way_out(suffix))
        for suffix, files in sorted(found.items(), key=lambda one: (not _way_out(one[0]), one[0]))
    ]


def _files(config: Config) -> Iterator[str]:
    libraries = {source.place for source in config.sources}
    for file, path in _below(config.notes):
        if file != GLOSSARY_NAME and path.absolute() not in libraries:
            yield file
    for source in config.sources:
        for file, _ in [] if source.file else _below(source.folder):
            if file != GLOSSARY_NAME and source.takes(file):
                yield f"{source.name}/{file}"


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and not name.lower().endswith(SUFFIXES):
                path = Path(place, name)
                yield path.relative_to(folder).as_posix(), path


def _way_out(suffix: str) -> str:
    if suffix in _CONVERTED:
        return "Markdown is read; to make it of this: pandoc FILE -t gfm -o FILE.md"
    return "if it is a library, take it in with: kb import FILE" if suffix in LIBRARIES else ""
