"""Read the files that changed, many of them shared out among the processors; and what the index remembers them by."""

import hashlib
import os
import signal
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread, current_thread, main_thread
from typing import NamedTuple

from kb.config.kb_toml import GLOSSARY_NAME, Config
from kb.errors import KbError, NoteError
from kb.index import translation
from kb.index.sqlite.files import FileState
from kb.index.sqlite.rows import NoteRows, note_rows
from kb.notes import folders
from kb.notes.loading import load
from kb.notes.parsing import parse_note
from kb.notes.parsing.decoding import UTF_8, advice

FILES_AT_ONCE = 200
FILES_WORTH_MEMORY = 50  # from here on the dictionary is read whole instead of word by word
FILES_WORTH_SHARING = 1000  # below, starting more processes costs more than it saves
UNREAD = -1  # a stamp no file has: the file is tried again next time
SECOND_NS = 10**9
# How long a file may be changed once more without another time: FAT counts in two seconds and HFS+ in one, other file
# systems in the ticks of a clock, 10 ms at most.
COARSE_TICK_NS, FINE_TICK_NS = 2 * SECOND_NS, SECOND_NS // 10


class Times(NamedTuple):
    """When files are read, by the clock of the file system."""

    now_ns: int  # before the first of them is
    last_ns: int  # after the last one of the refresh before; 0 if there was none


@dataclass(frozen=True)
class Reading:
    """What came of reading one file."""

    state: FileState
    note: NoteRows | None  # None if the file failed, or holds the same bytes as before
    failure: NoteError | None


_Job = tuple[str, str, folders.Stamp, FileState | None, Times]


def read_all(
    config: Config, changes: folders.Changes, known: dict[str, FileState], times: Times
) -> Generator[Reading, None, None]:
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
                        pool.submit(_part, jobs[start : start + FILES_AT_ONCE])
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


def holds_what_was_read(config: Config, state: FileState) -> bool:
    """Whether a file holds the bytes still that were indexed. Raises: NoteError if it cannot be read."""
    return _sum(load(config.path_of(state.path), state.path)) == state.sha256


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _part(jobs: list[_Job]) -> list[Reading]:
    return [_read(*job) for job in jobs]


def _read(place: str, path: str, stamp: folders.Stamp, before: FileState | None, times: Times) -> Reading:
    try:
        data = load(Path(place), path)
    except NoteError as error:
        return Reading(FileState(path, UNREAD, stamp[1], "", "failed", str(error), None, ()), None, error)
    sha256 = _sum(data)
    before = before if before and before.sha256 == sha256 else None
    stamp = remembered(stamp, before, times)
    if before and before.state == "indexed":
        state = FileState(path, *stamp, sha256, "indexed", before.reason, before.grammar, before.unclaimed)
        return Reading(state, None, None)
    try:
        note = parse_note(data, path)
    except NoteError as error:
        return Reading(FileState(path, *stamp, sha256, "failed", str(error), None, ()), None, error)
    unclaimed = tuple((span.line, span.end_line) for span in note.unclaimed)
    reason = None if note.encoding == UTF_8 else f"read as {note.encoding}; {advice(note.encoding)}"
    if fault := note.fault:
        reason = f"line {fault.line}: {fault.what}; {fault.way_out}"
    state = FileState(path, *stamp, sha256, "indexed", reason, note.grammar, unclaimed)
    return Reading(state, note_rows(note, _english_of), None)


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
