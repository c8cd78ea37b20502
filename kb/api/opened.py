"""A knowledge base while it is open: who reads, who writes, what is loaded once."""

import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from kb.config.kb_toml import Config
from kb.errors import IndexMissing, IndexOld, KbError
from kb.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from kb.index.encoders.paired import ExportedEncoder
    from kb.index.refresh import Refreshed
    from kb.index.sqlite.reader import Reader


def unwatched(what: str, done: int, total: int) -> None:
    """Show no progress."""


def unheard(line: str) -> None:
    """Say nothing."""


class Opened:
    """The index and the encoder of one knowledge base; several threads may use them at once.

    Each thread reads through a reader of its own, which sees what is committed when a call begins. One thread writes at
    a time.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self._of_thread = threading.local()
        self._writing = threading.Lock()
        self._loading = threading.Lock()
        self._loaded: ExportedEncoder | None = None
        self._loaded_from: dict[Path, tuple[int, int] | None] = {}
        self.is_known = False  # every note is in the index as it is now: who watches them says so

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the index, as far as this thread has opened it; other threads do when they end."""
        if reader := getattr(self._of_thread, "reader", None):
            reader.close()
            del self._of_thread.reader

    def refresh(self, progress: Progress = unwatched) -> tuple[str, ...]:
        """Bring changed notes in, as a read does first, and return what a person should know, a line each.

        Raises: KbError if kb.toml or the folder of notes is amiss, or if there is no index and none can be written.
        """
        from kb.index.translation import gloss_path
        from kb.notes.folders import find_changes

        if self.is_known and self._has_index():
            return ()
        stamps, joining = self._known_state()
        changes = find_changes(self.config, stamps)
        is_whole = self.config.database.is_file() and gloss_path(self.config.index).is_file()
        if not (changes or joining != self.config.joining or not is_whole):
            return tuple(changes.missing)
        from kb.index.refresh import bring_in

        with self._writing:
            return (*changes.missing, *bring_in(self.config, changes, progress))

    def index(self, *, full: bool = False, progress: Progress = unwatched) -> "Refreshed":
        """Bring the whole index up to date, embeddings included; full reads every note again."""
        from kb.index.refresh import bring_all
        from kb.notes.folders import find_changes

        is_new = full or not self.config.database.is_file()
        changes = None if is_new else find_changes(self.config, self._known_state()[0])
        with self._writing:
            return bring_all(self.config, changes, progress)

    def _has_index(self) -> bool:
        try:
            self.reader()
        except (IndexMissing, IndexOld):  # deleted, and maybe being made again by somebody else
            return False
        return True

    def _known_state(self) -> tuple[dict[str, tuple[int, int]], str]:
        """Return the stamps of the files in the index, and by what of kb.toml their records were joined.

        An index of an older version is upgraded.
        """
        from kb.index.sqlite.reader import JOINING, Reader

        database = self.config.database
        if not database.is_file():
            return {}, ""
        try:
            reader = Reader(database)
        except IndexOld:
            from kb.index.words import upgrade

            with self._writing:
                upgrade(self.config)
            reader = Reader(database)
        with closing(reader):
            return reader.files.stamps(), reader.meta(JOINING) or ""

    def load(self) -> None:
        """Load what searches would load, and keep it; without an index or an encoder, what there is."""
        from kb.index.sqlite import nearest
        from kb.index.translation import gloss_path

        encoder, _ = self.encoder()
        files = [gloss_path(self.config.index)]
        with suppress(KbError, OSError):
            reader = self.reader()
            if encoder:
                vector = encoder.encode_query(encoder.query_text("kb", None))
                from kb.index.encoders.exported import MANIFEST

                files += [part.folder / MANIFEST for part in encoder.parts]
                nearest.hold(self.config.index, reader.view.vectors, encoder.fingerprint, len(vector))
        self.close()
        self._loaded_from = {path: _identity(path) for path in files}

    def is_as_loaded(self) -> bool:
        """Whether the files that load has read are still the same."""
        return all(_identity(path) == known for path, known in self._loaded_from.items())

    def reader(self) -> "Reader":
        """Return this thread's view of the index as it is committed now.

        Raises: KbError if there is no index, or none of this version.
        """
        from kb.claims.catalog import code_of
        from kb.index.sqlite.reader import Reader

        database = self.config.database
        place = _identity(database)
        here = self._of_thread
        if getattr(here, "reader", None) and here.place == place:
            here.reader.renew()
        else:
            self.close()
            here.reader = Reader(database, self._marked, code_of)
            here.place = place
        found: Reader = here.reader
        return found

    def _marked(self, what: str) -> list[str]:
        from kb.notes.marks import named

        return named(self.config.marks, what)

    def encoder(self) -> "tuple[ExportedEncoder | None, str | None]":
        """Return the encoder that searches use, loaded once; without one, why not if it was wanted."""
        from importlib.util import find_spec

        from kb.config.kb_toml import DEFAULT_ENCODER, NO_ENCODER

        if self.config.encoder == NO_ENCODER:
            return None, None
        from kb.index.encoders.paired import open_encoder

        with self._loading:
            self._loaded = self._loaded or open_encoder(self.config.index, self.config.encoder)
        # The default one is no wish of the user's where the packages for it are not installed.
        if self._loaded or (self.config.encoder == DEFAULT_ENCODER and not find_spec("onnxruntime")):
            return self._loaded, None
        return None, f"searching by words only: encoder {self.config.encoder!r} is not set up; run: kb index"


def _identity(database: "Path") -> tuple[int, int] | None:
    """Return what tells a file from one that took its place."""
    try:
        found = database.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
