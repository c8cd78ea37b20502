"""Mend what can be mended without losing anything: only what the program has made itself, and can make again."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from kb.api.doctor.findings import Finding
from kb.api.doctor.notes import unfinished
from kb.api.opened import Opened
from kb.config.kb_toml import Config, find_config
from kb.index.encoders.exporting import export_encoder
from kb.index.encoders.paired import open_encoder
from kb.index.folder import prepare
from kb.index.integrity import other_vectors
from kb.index.sqlite import health, nearest
from kb.index.sqlite.reader import Reader
from kb.index.sqlite.writer import Writer
from kb.notes.folders import find_changes
from kb.progress import Progress


def mend(start: Path, findings: Iterable[Finding], progress: Progress) -> list[str]:
    """Mend what findings name and return what was done, a line each.

    A damaged index is set aside, not deleted: it may still hold what nobody can make again, the runs of claims.
    Raises: KbError if the index cannot be written.
    """
    config = find_config(start)
    wanted = {finding.mend for finding in findings}
    done = []
    if "anew" in wanted:
        done.append(f"set the damaged index aside as {health.set_aside(config.database)}")
    if "terms" in wanted:
        health.rebuild_terms(config.database)
        done.append("made the full text again")
    if "export" in wanted:
        encoder = export_encoder(config.root, config.index, config.encoder)
        done.append(f"exported {config.encoder} anew")
        with closing(Reader(config.database)) as reader:
            if other_vectors(config, reader, encoder, progress):
                wanted.add("encode")
    if "encode" in wanted and (encoding := open_encoder(config.index, config.encoder)):
        with closing(Writer(config.database)) as writer, writer.transaction():
            writer.engine.forget_encoder(encoding.fingerprint)
    if "nearest" in wanted:
        nearest.forget(config.index)
    if wanted & {"anew", "reread", "terms"}:
        done += _bring_in(config, progress, is_all=True)
    elif wanted & {"index", "encode", "nearest"}:
        done += _bring_in(config, progress, is_all=False)
    if "tidy" in wanted:
        kept = []
        for path in unfinished(config):
            try:
                path.unlink(missing_ok=True)  # its owner may have come back and finished
            except OSError as error:
                kept.append(f"{path} cannot be removed: {error.strerror}")
        health.remove_leftovers(config.database)
        done += kept or ["removed what belonged to nothing"]
    if "merge" in wanted:
        with closing(Writer(config.database)) as writer:
            writer.engine.merge()
        done.append("merged the lists of words")
    if "narrow" in wanted:
        prepare(config, find_changes(config, {}).changed)
        done.append("took from the index the permissions that the notes do not give")
    return done


def _bring_in(config: Config, progress: Progress, is_all: bool) -> list[str]:
    report, encoded, notices = Opened(config).index(full=is_all, progress=progress)
    return [f"read {report.indexed} notes, encoded {encoded} texts", *notices]
