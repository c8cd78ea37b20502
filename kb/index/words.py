"""Bring the index up to date with the notes: what changed is read, what is gone is forgotten, the rest stays."""

import hashlib
import os
import signal
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread, current_thread, main_thread
from typing import NamedTuple

from kb.config.kb_toml import GLOSSARY_NAME, Config, shipped_glossary
from kb.errors import IndexDamaged, KbError, NoteError, TranslationDamaged
from kb.index import translation, translation_table
from kb.index.folder import clock_ns, prepare
from kb.index.sqlite import health
from kb.index.sqlite.files import FileState
from kb.index.sqlite.reader import JOINING, Reader
from kb.index.sqlite.rows import NoteRows, note_rows
from kb.index.sqlite.writer import WAIT_SECONDS, Writer
from kb.notes import folders
from kb.notes.loading import load
from kb.notes.parsing import parse_note
from kb.notes.parsing.decoding import UTF_8, advice
from kb.progress import Progress

FILES_AT_ONCE = 200
FILES_WORTH_MEMORY = 50  # from here on the dictionary is read whole instead of word by word
FILES_WORTH_SHARING = 1000  # below, starting more processes costs more than it saves
UNREAD = -1  # a stamp no file has: the file is tried again next time
SECOND_NS = 10**9
# How long a file may be changed once more without another time: FAT counts in two seconds and HFS+ in one, other file
# systems in the ticks of a clock, 10 ms at most.
COARSE_TICK_NS, FINE_TICK_NS = 2 * SECOND_NS, SECOND_NS // 10
LAST_READ = "read_ns"  # in meta, when the last refresh had read everything


class Times(NamedTuple):
    """When files are read, by the clock of the file system."""

    now_ns: int  # before the first of them is
    last_ns: int  # after the last one of the refresh before; 0 if there was none


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
            for done, reading in enumerate(_read_all(config, changes, known, times), 1):
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
    return joined == config.joining and all(_has_bytes_of(config, known.get(file), file) for file in changes.changed)


def _has_bytes_of(config: Config, state: FileState | None, file: str) -> bool:
    if state is None or state.state != "indexed":
        return False
    try:
        return hashlib.sha256(load(config.path_of(file), file)).hexdigest() == state.sha256
    except NoteError:
        return False


def upgrade(config: Config) -> None:
    """Bring an index made by an older version to this one's schema."""
    Writer(config.database).close()


@dataclass(frozen=True)
class _Reading:
    """What came of reading one file."""

    state: FileState
    note: NoteRows | None  # None if the file failed, or holds the same bytes as before
    failure: NoteError | None


_Job = tuple[str, str, folders.Stamp, FileState | None, Times]


def _read_all(
    config: Config, changes: folders.Changes, known: dict[str, FileState], times: Times
) -> Generator[_Reading, None, None]:
    """Yield the reading of every changed file in order; many files are shared out among the processors."""
    paths = [path for path in changes.changed if path != GLOSSARY_NAME]
    jobs = [(str(config.path_of(path)), path, changes.changed[path], known.get(path), times) for path in paths]
    if len(paths) < FILES_WORTH_SHARING or (os.cpu_count() or 1) == 1:
        _open_dictionary(config.index, in_memory=len(paths) >= FILES_WORTH_MEMORY)
        yield from (_read(*job) for job in jobs)
        return
    # In the user's folder, a file that came with somebody's notes could be taken for a module (Python 3.11 and later).
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import active_children, get_context

    # Spawned, not forked: the progress bar runs a thread, and a forked copy of its locks could hang.
    try:
        with ProcessPoolExecutor(
            mp_context=get_context("spawn"), initializer=_start_worker, initargs=(config.index,)
        ) as pool:
            others = set(active_children())
            try:
                with _interrupts_later():
                    waiting = deque(
                        pool.submit(_read_all_of, jobs[start : start + FILES_AT_ONCE])
                        for start in range(0, len(jobs), FILES_AT_ONCE)
                    )
                while waiting:
                    yield from waiting.popleft().result()
            except BaseException:  # nobody asks for more: the pool would wait for what each of them is reading
                for worker in set(active_children()) - others:
                    worker.terminate()
                raise
    except BrokenProcessPool:
        raise KbError("a process that reads notes was killed, maybe for want of memory", "run it again") from None


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Let Ctrl-C inside come afterwards, and never to the processes that are started inside: it is for their parent."""
    if not hasattr(signal, "pthread_sigmask") or current_thread() is not main_thread():  # Windows has none
        yield
        return
    heard: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler)
    if heard:
        signal.raise_signal(signal.SIGINT)


def remembered(stamp: folders.Stamp, before: FileState | None, times: Times) -> folders.Stamp:
    """Return what the index remembers a file by: its stamp, or one that no file has, so that it is read once more.

    That is if another edit, after this reading, could still give it the same stamp. before is what is known of the same
    bytes. A time to come, of a clock that is ahead, is believed once the file has been read twice.
    Example: changed at 12:00:00.01, read at 12:00:00.02 -> (-12:00:00.01, size).
    """
    changed, size = stamp
    tick = FINE_TICK_NS if changed % SECOND_NS else COARSE_TICK_NS
    if changed <= times.now_ns - tick:
        return stamp
    was_read = before is not None and before.mtime_ns == -changed
    return stamp if was_read and abs(times.now_ns - times.last_ns) >= tick else (-changed, size)


def _read_all_of(jobs: list[_Job]) -> list[_Reading]:
    return [_read(*job) for job in jobs]


def _read(place: str, path: str, stamp: folders.Stamp, before: FileState | None, times: Times) -> _Reading:
    try:
        data = load(Path(place), path)
    except NoteError as error:
        return _Reading(FileState(path, UNREAD, stamp[1], "", "failed", str(error), None, ()), None, error)
    sha256 = hashlib.sha256(data).hexdigest()
    before = before if before and before.sha256 == sha256 else None
    stamp = remembered(stamp, before, times)
    if before and before.state == "indexed":
        state = FileState(path, *stamp, sha256, "indexed", before.reason, before.grammar, before.unclaimed)
        return _Reading(state, None, None)
    try:
        note = parse_note(data, path)
    except NoteError as error:
        return _Reading(FileState(path, *stamp, sha256, "failed", str(error), None, ()), None, error)
    unclaimed = tuple((span.line, span.end_line) for span in note.unclaimed)
    reason = None if note.encoding == UTF_8 else f"read as {note.encoding}; {advice(note.encoding)}"
    if fault := note.fault:
        reason = f"line {fault.line}: {fault.what}; {fault.way_out}"
    state = FileState(path, *stamp, sha256, "indexed", reason, note.grammar, unclaimed)
    return _Reading(state, note_rows(note, _english_of), None)


_dictionary: translation.Gloss | None = None  # of this process


def _open_dictionary(index: Path, in_memory: bool) -> None:
    global _dictionary
    _dictionary = translation.open_gloss(index, in_memory)


def _start_worker(index: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be kept from this process
    Thread(target=_end_with_parent, daemon=True).start()
    _open_dictionary(index, in_memory=True)


def _end_with_parent() -> None:
    from multiprocessing import parent_process

    if parent := parent_process():
        parent.join()
        os._exit(1)  # it was killed and nobody waits for the answer: without this, its workers would stay for ever


def _english_of(text: str) -> list[str]:
    return _dictionary.index_terms(text) if _dictionary else []
