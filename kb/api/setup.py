"""The notes themselves, the settings, the encoders."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kb.api.opened import Opened
from kb.errors import KbError

if TYPE_CHECKING:
    from kb.api.results import Status
    from kb.config.settings import Setting
    from kb.config.sources import Source
    from kb.index.encoders.catalog import EncoderState
    from kb.index.encoders.paired import ExportedEncoder
    from kb.notes.checking.findings import Finding


class SetupCases(Opened):
    """Use cases of the notes, the settings and the encoders."""

    def status(self) -> "Status":
        """Return what the index holds of each file, and what lies among the notes and is none."""
        from kb.api.results import FileStatus, Status
        from kb.notes.others import others

        reader = self.reader()
        counts = reader.papers.counts_by_file()
        states = reader.files.states().values()
        dated = (one._replace(mtime_ns=abs(one.mtime_ns)) for one in states)
        files = [FileStatus(one, *counts.get(one.path, (0, 0))) for one in dated]
        return Status(tuple(files), tuple(others(self.config)))

    def check(self) -> "list[Finding]":
        """Return what in the notes is likely not meant, but for the rules that kb.toml ignores."""
        from kb.api.alone import check

        return check(self.config.notes, self.config.ignored_rules)

    def import_source(self, path: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> "Source":
        """Take a folder of notes or a library in, where it lies, by an entry in kb.toml.

        include and exclude are patterns of fnmatch for the paths below a folder. Raises: KbError if it cannot be taken.
        """
        from kb.notes.importing import import_source

        return import_source(self.config, path, include, exclude)

    def settings(self, root_origin: str = "", name: str | None = None) -> "list[Setting]":
        """Return every setting and where it comes from, or the one of a name; root_origin is where the folder does.

        Raises: KbError if there is none of that name.
        """
        from os import environ

        from kb.config.settings import setting, settings

        found = settings(self.config, root_origin, environ)
        return [setting(found, name)] if name else found

    def encoders(self) -> "list[EncoderState]":
        """Return the encoders on this machine."""
        from kb.index.encoders.catalog import encoders

        return encoders(self.config.index, self.config.encoder)

    def fetch_encoder(self, model: str) -> "ExportedEncoder":
        """Download a model and set it up. Raises: KbError if it cannot be had."""
        from kb.index.encoders.models import fetch_model
        from kb.index.folder import prepare

        prepare(self.config, ())
        fetch_model(self.config.index, model)
        return self.export_encoder(model)

    def export_encoder(self, model: str | None = None) -> "ExportedEncoder":
        """Set an encoder up anew from its model: the one in use if none is named. Raises: KbError if that is none."""
        from kb.config.kb_toml import NO_ENCODER
        from kb.index.encoders.exporting import export_encoder
        from kb.index.folder import prepare

        name = model or self.config.encoder
        if name == NO_ENCODER:
            raise KbError("kb.toml names no encoder", "name one: kb encoder export minilm")
        prepare(self.config, ())
        return export_encoder(self.config.root, self.config.index, name)

    def use_encoder(self, model: str) -> bool:
        """Make kb.toml name an encoder, set up first where it is not, or "none"; return whether it is one."""
        from kb.config.kb_toml import NO_ENCODER, set_encoder
        from kb.index.encoders.paired import open_encoder

        if model != NO_ENCODER and not open_encoder(self.config.index, model):
            self.export_encoder(model)
        set_encoder(self.config, model)
        return model != NO_ENCODER
