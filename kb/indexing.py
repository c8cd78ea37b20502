"""Bring the index up to date with the notes: what changed is read, what is gone is forgotten, the rest stays."""

import hashlib
import os
import signal
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from kb import scan, vectors
from kb.config import Config
from kb.encoders import Encoder
from kb.errors import KbError, NoteError
from kb.parsing import parse_note
from kb.store.reader import FileState, Reader
from kb.store.rows import PaperRows, note_rows
from kb.store.writer import WAIT_SECONDS, Writer

Progress = Callable[[str, int, int], None]  # what is being done, how many are done, how many there are
FILES_AT_ONCE = 200
FILES_WORTH_SHARING = 1000  # below, starting more processes costs more than it saves
TEXTS_AT_ONCE = 64
UNREAD = -1  # a stamp no file has: the file is tried again next time


@dataclass
class Report:
    """What one refresh did."""

    indexed: int = 0
    removed: int = 0
    encoded: int = 0  # texts that got a vector
    failures: list[str] = field(default_factory=list)  # one line each, with file and line


def refresh(
    config: Config, changes: scan.Changes, progress: Progress | None = None, wait_seconds: float = WAIT_SECONDS
) -> Report:
    """Bring changes into the index in one transaction and return what was done.

    A note that cannot be read is reported; what was read from it before stays searchable.
    Raises: IndexBusy if the index cannot be written within wait_seconds.
    """
    report = Report()
    writer = Writer(config.database, wait_seconds)
    try:
        with writer.transaction():
            with closing(Reader(config.database)) as reader:
                known = reader.files()
            writer.remove_files(changes.gone)
            report.removed = len(changes.gone)
            batch: list[tuple[FileState, list[PaperRows]]] = []
            for done, reading in enumerate(_read_all(config, changes, known), 1):
                if reading.papers is not None:
                    batch.append((reading.state, reading.papers))
                else:
                    writer.put_state(reading.state)
                if reading.failure:
                    report.failures.append(reading.failure)
                if len(batch) == FILES_AT_ONCE:
                    report.indexed += len(batch)
                    writer.put_papers(batch)
                    batch.clear()
                if progress:
                    progress("reading notes", done, len(changes.changed))
            report.indexed += len(batch)
            writer.put_papers(batch)
    finally:
        writer.close()
    return report


def rebuild(config: Config, progress: Progress | None = None) -> Report:
    """Read every note again. Vectors stay: they belong to texts, and a text that comes back finds its own.

    An index that cannot be opened is thrown away first.
    """
    found = dict(sorted(scan.scan(config.notes).items()))
    try:
        known = Reader(config.database).stamps()
    except KbError:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{config.database}{suffix}").unlink(missing_ok=True)
        known = {}
    return refresh(config, scan.Changes(found, tuple(path for path in known if path not in found)), progress)


def upgrade(config: Config) -> None:
    """Bring an index made by an older version to this one's schema."""
    Writer(config.database).close()


def encode_few(config: Config, encoder: Encoder, most: int) -> bool:
    """Encode the passages that have no vector yet if they are at most `most`; return whether none is left."""
    with closing(Reader(config.database)) as reader:
        pending = len(list(islice(reader.passages_to_encode(encoder.fingerprint), most + 1)))
    if pending > most:
        return False
    encode_missing(config, encoder)
    return True


def encode_missing(config: Config, encoder: Encoder, progress: Progress | None = None) -> int:
    """Encode the passages that have no vector yet and return how many texts that took.

    Each batch is kept as soon as it is done, so that an interrupted run goes on where it stopped.
    """
    reader = Reader(config.database)
    pending: dict[str, str] = {}
    hashes: list[tuple[int, str]] = []
    for passage, title, text in reader.passages_to_encode(encoder.fingerprint):
        readable = encoder.readable(title, text)
        text_hash = hashlib.sha256(readable.encode()).hexdigest() if readable else ""
        hashes.append((passage, text_hash))
        if readable:
            pending[text_hash] = readable
    if not hashes:
        return 0
    for text_hash in reader.known_vectors(encoder.fingerprint):
        pending.pop(text_hash, None)
    writer = Writer(config.database)
    try:
        with writer.transaction():
            writer.put_passage_texts(encoder.fingerprint, hashes)
        texts = sorted(pending.items(), key=lambda item: len(item[1]))
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            batch = texts[start : start + TEXTS_AT_ONCE]
            encoded = encoder.encode_passages([text for _, text in batch])
            with writer.transaction():
                writer.put_vectors(
                    encoder.fingerprint,
                    ((text_hash, vector.tobytes()) for (text_hash, _), vector in zip(batch, encoded, strict=True)),
                )
            if progress:
                progress("encoding passages", start + len(batch), len(texts))
        with writer.transaction():
            writer.remove_unused_vectors()
    finally:
        writer.close()
    vectors.load(config.index, Reader(config.database), encoder.fingerprint, encoder.dimension)
    return len(texts)


@dataclass(frozen=True)
class _Reading:
    """What came of reading one file."""

    state: FileState
    papers: list[PaperRows] | None  # None if the file failed, or holds the same bytes as before
    failure: str | None


def _read_all(config: Config, changes: scan.Changes, known: dict[str, FileState]) -> Generator[_Reading, None, None]:
    """Yield the reading of every changed file in order; many files are shared out among the processors."""
    paths = list(changes.changed)
    jobs = (
        [str(config.notes / path) for path in paths],
        paths,
        [changes.changed[path] for path in paths],
        [known.get(path) for path in paths],
    )
    if len(paths) < FILES_WORTH_SHARING or (os.cpu_count() or 1) == 1:
        yield from map(_read, *jobs)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Spawned, not forked: the progress bar runs a thread, and a forked copy of its locks could hang.
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=_leave_interrupts) as pool:
        yield from pool.map(_read, *jobs, chunksize=FILES_AT_ONCE)


def _read(place: str, path: str, stamp: scan.Stamp, before: FileState | None) -> _Reading:
    try:
        data = Path(place).read_bytes()
    except OSError as error:
        reason = f"{path}: cannot be read: {error.strerror}; check its permissions"
        return _Reading(FileState(path, UNREAD, stamp[1], "", "failed", reason, None, ()), None, reason)
    sha256 = hashlib.sha256(data).hexdigest()
    if before and before.sha256 == sha256 and before.state == "indexed" and before.mtime_ns != stamp[0]:
        return _Reading(FileState(path, *stamp, sha256, "indexed", None, before.grammar, before.unclaimed), None, None)
    try:
        note = parse_note(data, path)
    except NoteError as error:
        return _Reading(FileState(path, *stamp, sha256, "failed", str(error), None, ()), None, str(error))
    unclaimed = tuple((span.line, span.end_line) for span in note.unclaimed)
    return _Reading(FileState(path, *stamp, sha256, "indexed", None, note.grammar, unclaimed), note_rows(note), None)


def _leave_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
