"""The folder of the index is the tool's only where it can prove it: by a mark that it left when it made it."""

import os
from pathlib import Path

from kb.errors import KbError

MARK = "CACHEDIR.TAG"  # backups pass such folders over: bford.info/cachedir
CONTENT = """\
Signature: 8a477f597d28d172789f06886806bc55
# kb made this folder, writes in it and removes from it. All of it can be made again but the runs of claims.
"""
# What earlier versions, which left no mark, have written there.
FORMER = ("kb.sqlite", "gloss.", "vectors-", "damaged-", "encoders", "models")


def own(folder: Path) -> None:
    """Make the folder of the index, or see that it is the tool's own. Raises: KbError if it is not; OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if not is_own(folder):
        _mark(folder)
    ignored = folder / ".gitignore"
    if not ignored.exists():
        ignored.write_text("*\n", encoding="utf-8")


def _mark(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()} - {MARK, ".gitignore"}  # which another process may be writing
    is_former = bool(names & {"kb.sqlite", "gloss.sqlite"}) and all(name.startswith(FORMER) for name in names)
    if names and not is_former:
        raise KbError(f"{folder} holds files that kb did not make", "name a new folder as index in kb.toml")
    (folder / MARK).write_text(CONTENT, encoding="utf-8")


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
