"""Take a folder of notes, or a library of a reference manager, into the knowledge base as a further source."""

from collections.abc import Sequence
from pathlib import Path

from kb.config.kb_toml import Config, add_source
from kb.config.sources import LIBRARIES, Source, default_name, is_library, usable
from kb.errors import KbError
from kb.notes.loading import load
from kb.notes.parsing import parse_note


def import_source(config: Config, path: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Source:
    """Add a folder or a library to the sources of kb.toml and return it; name-2 is its name where name is taken.

    Raises: KbError if path is neither, the knowledge base holds it, lies in it or knows it already, or it is a library
    that cannot be read.
    """
    usable(path)
    if not path.is_dir() and not (path.is_file() and is_library(path.name)):
        kinds = ", ".join(f"*{suffix}" for suffix in LIBRARIES)
        raise KbError(f"{path} is not a folder", f"name a folder of notes, or a library: {kinds}")
    place = path.resolve()
    is_file = place.is_file()
    taken = {"the index": config.index} if is_file else {"the notes": config.notes, "the index": config.index}
    for what, folder in taken.items():
        if _overlap(place, folder.resolve()):
            raise KbError(f"{path} and {what} of the knowledge base overlap", f"name a place outside of {folder}")
    if config.root.resolve().is_relative_to(place):
        raise KbError(f"{path} holds the knowledge base itself", "name a folder outside of it")
    for source in config.sources:
        if is_file == bool(source.file) and _overlap(place, source.place.resolve()):  # notes may lie around a library
            raise KbError(f"{path} is imported already, as {source.name!r}", "its entry in kb.toml can be changed")
    if is_file and (include or exclude):
        raise KbError(f"{path} is one file", "patterns choose among the files of a folder, so leave them out")
    if is_file:
        parse_note(load(place, str(path)), str(path))  # what cannot be read is better said now
    parent, file = (place.parent, place.name) if is_file else (place, None)
    made = Source(
        _free_name(config, default_name(parent, file) or "notes"), parent, tuple(include), tuple(exclude), file
    )
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
