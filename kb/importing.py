"""Take a folder of notes into the knowledge base, as a further source."""

from collections.abc import Sequence
from pathlib import Path

from kb.config import Config, add_source
from kb.errors import KbError
from kb.sources import Source


def import_folder(config: Config, folder: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Source:
    """Add folder to the sources of kb.toml and return it; it goes by its name, or by name-2 where that is taken.

    Raises: KbError if there is no such folder, or the knowledge base holds it, lies in it, or knows it already.
    """
    if not folder.is_dir():
        raise KbError(f"{folder} is not a folder; name a folder of notes")
    place = folder.resolve()
    for taken, what in ((config.notes, "the notes"), (config.index, "the index")):
        if _overlap(place, taken.resolve()):
            raise KbError(f"{folder} and {what} of the knowledge base overlap; name a folder outside of {taken}")
    if config.root.resolve().is_relative_to(place):
        raise KbError(f"{folder} holds the knowledge base itself; name a folder outside of it")
    for source in config.sources:
        if _overlap(place, source.folder.resolve()):
            raise KbError(f"{folder} is imported already, as {source.name!r}; its entry in kb.toml can be changed")
    made = Source(_free_name(config, place.name or "notes"), place, tuple(include), tuple(exclude))
    add_source(config, made)
    return made


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _free_name(config: Config, name: str) -> str:
    taken = {source.name for source in config.sources}
    free, number = name, 2
    while free in taken or (config.notes / free).exists():
        free, number = f"{name}-{number}", number + 1
    return free
