"""The files of notes as their reader wrote them."""

from pathlib import Path
from typing import TYPE_CHECKING

from kb.api.opened import Opened
from kb.errors import KbError, NotFound

if TYPE_CHECKING:
    from kb.api.results import NoteText


class NoteCases(Opened):
    """Use cases of the files of notes."""

    def note(self, name: str) -> "NoteText":
        """Return the text of a note of the index, by its name there or by its path.

        Example: "2024-10.md", "notes/2024-10.md". Raises: NotFound if the index has no such note, KbError if it is a
        database or a link that leads out of the folders of notes.
        """
        from kb.api.results import NoteText
        from kb.config.sources import is_database
        from kb.notes.loading import load
        from kb.notes.parsing.decoding import LINE_END, decoded

        file = self._file_named(name)
        if is_database(file):
            raise KbError(f"{file} is a database, which has no lines", "ask for a paper of it")
        path = self.config.path_of(file)
        place = path.resolve()
        if not any(place.is_relative_to(folder.resolve()) for folder in (self.config.root, *self.config.folders)):
            raise KbError(f"{file} is a link that leads out of the notes", "ask for a paper of it")
        text, _ = decoded(load(path, file), file)
        return NoteText(file, path, tuple(LINE_END.split(text)))

    def _file_named(self, name: str) -> str:
        """Return what the index calls a note. Raises: NotFound if it has none, KbError if it could not be read."""
        states = self.reader().files.states([name, *self._below(name)])
        found = [path for path, state in states.items() if state.state == "indexed"]
        if not found:
            reason = next((state.reason for state in states.values() if state.reason), None)
            raise KbError(f"{name} cannot be read: {reason}") if reason else NotFound(f"no note {name!r} in the index")
        return found[0]

    def _below(self, name: str) -> list[str]:
        """Return what the index may call the file at a path: notes/2024-10.md -> 2024-10.md."""
        path = self.config.root / name
        folders = [("", self.config.notes), *((f"{one.name}/", one.folder) for one in self.config.sources)]
        return [
            before + path.relative_to(folder).as_posix() for before, folder in folders if path.is_relative_to(folder)
        ]

    def place(self, file: str, line: int) -> str:
        """Return where a line of the index stands, as path:line seen from the folder of kb.toml.

        Example: "2024-10.md", 13 -> "notes/2024-10.md:13".
        """
        path = self.config.path_of(file)
        root: Path = self.config.root
        name = (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
        return f"{' '.join(name.splitlines())}:{line}"
