"""papis: each note becomes a document with an `info.yaml`, and its text the abstract.

The text is one line, because the default backend looks no further than the first. Each document has its `papis_id`, as
`papis add` gives it; without, the first cache writes all notes again, 20 s of processor time for 1,000 of them.
"""

import hashlib
from functools import partial
from pathlib import Path

from .installing import python_packages
from .peer import QUERY, Installed, Peer, Tool, stems


def install(folder: Path) -> Installed:
    """Install papis from PyPI."""
    return python_packages(folder, "papis==0.16.1")


def prepare(home: Path, notes: Path, backend: str) -> None:
    """Write the library and the settings."""
    for note in notes.rglob("*.md"):
        file = file_of(home, note)
        file.parent.mkdir(parents=True)
        file.write_text(document(note.stem, note.read_text(encoding="utf-8")), encoding="utf-8")
    settings = home / ".config" / "papis" / "config"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        f"[settings]\ndefault-library = notes\ndatabase-backend = {backend}\n"
        f"sqlite-schema-fields-extend = ['abstract']\n\n[notes]\ndir = {home / 'library'}\n",
        encoding="utf-8",
    )


def document(name: str, text: str) -> str:
    """Return the info.yaml of a note; the text comes last, so that what is appended belongs to it."""
    identity = hashlib.md5(name.encode()).hexdigest()
    return f"papis_id: {identity}\nref: {name}\ntitle: {name}\nabstract: |-\n  {' '.join(text.split())}\n"


def file_of(home: Path, note: Path) -> Path:
    """Return where the document of a note is."""
    return home / "library" / note.stem / "info.yaml"


def peers(installed: Installed, notes: Path) -> list[Peer]:
    """Return papis with the backend it comes with and with SQLite; a refresh has to name all documents its own way."""
    papis = str(installed.programs / "papis")
    return [
        Peer(
            way,
            (papis, "list", "--all", "--format", "{doc[ref]}", f"abstract:{QUERY}"),
            stems,
            build=(papis, "cache", "reset"),
            refresh=(papis, "cache", "update-newer", "--all", everything),
            prepare=partial(prepare, notes=notes, backend=backend),
            file_of=file_of,
        )
        for way, backend, everything in (("as it comes", "papis", "."), ("SQLite", "sqlite", "*"))
    ]


TOOL = Tool("papis", install, peers)
