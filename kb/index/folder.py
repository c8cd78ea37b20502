"""The folder of the index is the tool's only where it can prove it: by a mark that it left when it made it."""

import os
from pathlib import Path

from kb.errors import KbError
from kb.files import PREFIX, new_folder, replace_whole

MARK = "CACHEDIR.TAG"  # backups pass such folders over: bford.info/cachedir
CONTENT = """\
Signature: 8a477f597d28d172789f06886806bc55
# kb made this folder, writes in it and removes from it. All of it can be made again but the runs of claims.
"""
# What earlier versions, which left no mark, have written there.
FORMER = ("kb.sqlite", "gloss.", "vectors-", "damaged-", "encoders", "models")


def own(folder: Path) -> None:
    """Make the folder of the index, or see that it is the tool's own. Raises: KbError if it is not; OSError."""
    new_folder(folder)
    if not is_own(folder):
        _mark(folder)
    ignored = folder / ".gitignore"
    if not ignored.exists():
        replace_whole(ignored, b"*\n")


def _mark(folder: Path) -> None:
    found = {path.name for path in folder.iterdir()}
    names = {name for name in found if name not in (MARK, ".gitignore") and not name.startswith(PREFIX)}
    is_former = bool(names & {"kb.sqlite", "gloss.sqlite"}) and all(name.startswith(FORMER) for name in names)
    if names and not is_former:
        raise KbError(f"{folder} holds files that kb did not make", "name a new folder as index in kb.toml")
    replace_whole(folder / MARK, CONTENT.encode("utf-8"))


def refuse_links(folder: Path) -> None:
    """Raise KbError if something below folder is a link, a pipe or a device: what is written to it goes elsewhere."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise KbError(f"{path} is a link, or no file, and the index is written only where it lies", "delete it")


def is_own(folder: Path) -> bool:
    """Whether the folder bears the tool's mark."""
    try:
        return (folder / MARK).read_bytes() == CONTENT.encode()
    except OSError:
        return False
