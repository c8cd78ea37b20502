"""Bring the index up to date with the notes: what changed is read, what is gone is forgotten, the rest stays."""

from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kb.config.kb_toml import GLOSSARY_NAME, Config, shipped_glossary
from kb.errors import IndexDamaged, KbError, NoteError, TranslationDamaged
from kb.index import translation, translation_table
from kb.index.folder import clock_ns, prepare
from kb.index.readings import (
    FILES_AT_ONCE,
    FILES_WORTH_SHARING,
    UNREAD,
    Times,
    holds_what_was_read,
    read_all,
    remembered,
)
from kb.index.sqlite import health
from kb.index.sqlite.files import FileState
from kb.index.sqlite.reader import JOINING, Reader
from kb.index.sqlite.writer import WAIT_SECONDS, Writer
from kb.notes import folders
from kb.progress import Progress

if TYPE_CHECKING:
    from kb.index.sqlite.rows import NoteRows

LAST_READ = "read_ns"  # in meta, when the last refresh had read everything


@dataclass
class Report:
    """What one refresh did."""

    indexed: int = 0
    removed: int = 0
    failures: list[KbError] = field(default_factory=list)  # with the file as the index names it
    missing: tuple[str, ...] = ()  # what could not be looked at, was set aside or is in another encoding, a line each


def refresh(
    config: Config,
    changes: folders.Changes,
    progress: Progress | None = None,
    wait_seconds: float = WAIT_SECONDS,
    *,
    anew: bool = False,
) -> Report:
    """Bring changes into the index in one transaction and return what was done.

    A file whose bytes are those that were read before is not parsed, unless all is to be made anew. A note that cannot
    be read is reported; what was read from it before stays searchable. A damaged table of translations is made anew.
    Raises: IndexBusy if the index cannot be written within wait_seconds.
    """
    try:
        return _refresh(config, changes, progress, wait_seconds, anew)
    except TranslationDamaged:
        translation.gloss_path(config.index).unlink()
        return _refresh(config, changes, progress, wait_seconds, anew)


def _refresh(
    config: Config, changes: folders.Changes, progress: Progress | None, wait_seconds: float, anew: bool
) -> Report:
    report = Report(missing=changes.missing)
    prepare(config, changes.changed)
    writer = Writer(config.database, wait_seconds)
    try:
        with writer.transaction():
            with closing(Reader(config.database)) as reader:
                known, glossed = reader.files.states(changes.changed), reader.meta("gloss")
                times = Times(clock_ns(config.index), int(reader.meta(LAST_READ) or 0))
                joined = reader.meta(JOINING) or ""
            table = _current_gloss(config, report, progress)
            if glossed != table:  # what Chinese stands for has changed in every note
                changes = changes._replace(changed=folders.find_changes(config, {}).changed)
            glossary = known.get(GLOSSARY_NAME)
            if anew or glossed != table:
                known = {}
                writer.put_meta("gloss", table)
            if stamp := changes.changed.get(GLOSSARY_NAME):
                before = None if glossed != table else glossary
                writer.put_state(_glossary_state(stamp, before, times, report))
            writer.remove_files(changes.gone)
            report.removed = len(changes.gone)
            batch: list[tuple[FileState, NoteRows]] = []
            for done, reading in enumerate(read_all(config, changes, known, times), 1):
                if reading.note is not None:
                    batch.append((reading.state, reading.note))
                    if reading.state.reason:
                        report.missing += (f"{reading.state.path}: {reading.state.reason}",)
                else:
                    writer.put_state(reading.state)
                if reading.failure:
                    report.failures.append(reading.failure)
                if len(batch) == FILES_AT_ONCE:
                    report.indexed += len(batch)
                    writer.put_notes(batch)
                    batch.clear()
                if progress:
                    progress("reading notes", done, len(changes.changed))
            report.indexed += len(batch)
            writer.put_notes(batch)
            writer.join_records(config.same, config.different, is_all=joined != config.joining)
            writer.put_meta(JOINING, config.joining)
            writer.put_meta(LAST_READ, str(clock_ns(config.index)))
            if report.indexed >= FILES_WORTH_SHARING:
                writer.engine.merge()
    finally:
        writer.close()
    return report


def _current_gloss(config: Config, report: Report, progress: Progress | None) -> str:
    """Build the gloss table if glossaries or dictionary have changed; return its fingerprint.

    While a glossary cannot be opened the table stays as it is, and where there is none it is built without.
    """
    wanted = translation_table.fingerprint(config.glossaries)
    found = translation.open_gloss(config.index)
    if found and found.fingerprint == wanted:
        return wanted
    try:
        failures = translation_table.build_gloss(config.index, config.glossaries, wanted, progress)
    except NoteError as error:
        report.failures.append(_as_in_index(config, error))
        if found:
            return found.fingerprint
        wanted += " but for one"
        failures = translation_table.build_gloss(config.index, [shipped_glossary()], wanted, progress)
    report.failures += [_as_in_index(config, error) for error in failures]
    return wanted


def _as_in_index(config: Config, error: KbError) -> KbError:
    """Return what is wrong with a glossary, whose file the index knows by its name below the notes."""
    path, notes = Path(error.file or ""), config.notes.resolve()
    file = path.relative_to(notes).as_posix() if path.is_relative_to(notes) else path
    return type(error)(error.what, error.way_out, file, error.line)


def _glossary_state(stamp: folders.Stamp, before: FileState | None, times: Times, report: Report) -> FileState:
    """Return the state of the user's glossary; before is what is known of the same bytes."""
    failure = next((error for error in report.failures if error.file == GLOSSARY_NAME), None)
    reason = before.reason if before else str(failure) if failure else None
    seen = (UNREAD, stamp[1]) if isinstance(failure, NoteError) else remembered(stamp, before, times)
    return FileState(GLOSSARY_NAME, *seen, "", "failed" if reason else "glossary", reason, None, ())


def rebuild(config: Config, progress: Progress | None = None) -> Report:
    """Read every note again. Vectors stay: they belong to texts, and a text that comes back finds its own.

    An index that is damaged is set aside.
    """
    try:
        upgrade(config)
        with closing(Reader(config.database)) as reader:
            unread = dict.fromkeys(reader.files.stamps(), (UNREAD, UNREAD))
        return refresh(config, folders.find_changes(config, unread), progress, anew=True)
    except IndexDamaged:
        line = f"set the damaged index aside as {health.set_aside(config.database)}"
        report = refresh(config, folders.find_changes(config, {}), progress)
        report.missing = (line, *report.missing)
        return report


def are_as_read(config: Config, changes: folders.Changes) -> bool:
    """Whether files hold the bytes that were read, so that an index that cannot be written lacks nothing."""
    if changes.gone:
        return False
    with closing(Reader(config.database)) as reader:
        known, joined = reader.files.states(changes.changed), reader.meta(JOINING) or ""
    return joined == config.joining and all(_has_bytes_of(config, known.get(file)) for file in changes.changed)


def _has_bytes_of(config: Config, state: FileState | None) -> bool:
    if state is None or state.state != "indexed":
        return False
    try:
        return holds_what_was_read(config, state)
    except NoteError:
        return False


def upgrade(config: Config) -> None:
    """Bring an index made by an older version to this one's schema."""
    Writer(config.database).close()
