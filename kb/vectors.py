"""The passages nearest to a query: vectors are scanned in SQLite or, when they are many, found by a FAISS index first.

The index is a file that may be deleted, a cache of the vectors up to a key. Its ids are vector keys; none is ever given
twice, so the file stays right: later vectors are scanned beside it, and one that is gone from SQLite is passed over.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kb.errors import EncoderMissing
from kb.store.reader import Reader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Progress = Callable[[int, int], None]  # how many are done, how many there are

SCANNED = 20_000  # vectors scanned exactly in 40 ms, what importing FAISS and opening an index takes
SCANNED_AT_MOST = 3 * SCANNED  # searches add a few vectors themselves after the index was due; 0.1 s
DEAD_AT_MOST = 0.1  # of an index; they only take places among the candidates
AT_ONCE = 4096  # vectors in memory at a time while streaming: 6 MB of 384 dimensions

# An inverted file with 4 bits a dimension, its candidates scored again with the vectors themselves: see docs/search.md.
LISTS = 2  # times the square root of how many vectors there are
SAMPLES_A_LIST = 50  # to find the lists' centres by; k-means of FAISS asks for 39 at least
ROUNDS = 10  # of k-means
LISTS_VISITED = 128
CANDIDATES = 2  # for each one wanted
PADDING = -1  # the id FAISS answers with when the lists it visits hold fewer vectors than asked for
ABANDONED_SECONDS = 3600  # no index takes so long to write


class _Index(NamedTuple):
    """An index file, opened."""

    path: Path
    last_key: int  # of the vectors it was built from
    faiss: Any


def nearest(index: Path, reader: Reader, encoder: str, query: "NDArray[np.float32]", k: int) -> list[tuple[int, float]]:
    """Return (passage, cosine) of the k passages nearest to the unit vector query [D], best first.

    encoder is the fingerprint of what made query; index is the folder of the index file.
    Raises: EncoderMissing if more vectors than can be scanned in a moment are in no index file.
    """
    import numpy

    opened = _open(index, reader, encoder, len(query))
    rows = reader.vectors(encoder, opened.last_key if opened else 0, SCANNED_AT_MOST + 1)
    keys, cosines = _cosines(rows, query)
    if len(keys) > SCANNED_AT_MOST:
        raise EncoderMissing("the vector index is missing or far behind; run: kb index")
    if opened:
        _, found = opened.faiss.search(query.reshape(1, -1), CANDIDATES * k)
        candidates = reader.vectors_of(encoder, (int(key) for key in found[0] if key != PADDING))
        more_keys, more_cosines = _cosines(candidates, query)
        keys, cosines = numpy.concatenate((keys, more_keys)), numpy.concatenate((cosines, more_cosines))
    best = numpy.lexsort((keys, -cosines))[: CANDIDATES * k]
    passages = reader.passages_of_vectors(keys[best].tolist())
    scored = zip(keys[best].tolist(), cosines[best].tolist(), strict=True)
    return [(passage, cosine) for key, cosine in scored for passage in passages.get(key, ())][:k]


def refresh(index: Path, reader: Reader, encoder: str, dimension: int, progress: Progress) -> None:
    """Build the index file anew if there should be one and it is missing, broken or far behind; remove all others.

    It takes half a minute for a million vectors of 384 dimensions. An interrupted build leaves the old file as it was.
    """
    opened = _open(index, reader, encoder, dimension)
    kept = opened.path if opened else None
    total = reader.vector_count(encoder)
    alive = reader.vector_count(encoder, opened.last_key) if opened else 0
    dead = opened.faiss.ntotal - alive if opened else 0
    if total - alive > SCANNED or dead > DEAD_AT_MOST * (dead + alive):
        kept = _write(index, reader, encoder, dimension, progress) if total > SCANNED else None
    for path in index.glob("vectors-*"):
        with suppress(OSError):  # another process was quicker, or holds it open
            is_done = path.suffix == ".faiss" or time.time() - path.stat().st_mtime > ABANDONED_SECONDS
            if is_done and path != kept:
                path.unlink()


def _open(index: Path, reader: Reader, encoder: str, dimension: int) -> _Index | None:
    """Return the newest index of encoder's vectors; None if there is none that can be used."""
    prefix = f"vectors-{encoder}-{reader.vector_series()}-"
    named = {path.stem.removeprefix(prefix): path for path in index.glob(f"{prefix}*.faiss")}
    paths = {int(key): path for key, path in named.items() if key.isdecimal()}
    # A file that knows keys which were never given is of a state of the database that is lost.
    last_key = max((key for key in paths if key <= reader.last_vector_key()), default=None)
    if last_key is None:
        return None
    import faiss

    try:
        opened: Any = faiss.read_index(str(paths[last_key]), faiss.IO_FLAG_MMAP)
    except RuntimeError:  # cut short, or not an index
        return None
    if opened.d != dimension:
        return None
    opened.nprobe = LISTS_VISITED
    return _Index(paths[last_key], last_key, opened)


def _write(index: Path, reader: Reader, encoder: str, dimension: int, progress: Progress) -> Path:
    import faiss

    built, last_key = _build(reader, encoder, dimension, progress)
    path = index / f"vectors-{encoder}-{reader.vector_series()}-{last_key}.faiss"
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        faiss.write_index(built, str(temporary))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _build(reader: Reader, encoder: str, dimension: int, progress: Progress) -> tuple[Any, int]:
    """Return an index of encoder's vectors and the last of their keys."""
    import faiss
    import numpy

    total = reader.vector_count(encoder)
    lists = LISTS * isqrt(total)
    centres = faiss.IndexFlatIP(dimension)
    built = faiss.IndexIVFScalarQuantizer(
        centres, dimension, lists, faiss.ScalarQuantizer.QT_4bit, faiss.METRIC_INNER_PRODUCT, False
    )
    built.cp.niter = ROUNDS
    built.cp.min_points_per_centroid = 1
    stride = max(1, total // (lists * SAMPLES_A_LIST))
    sample = islice(reader.vectors(encoder), 0, None, stride)
    built.train(numpy.concatenate([matrix for _, matrix in _batches(sample, dimension)]))
    last_key = 0
    for keys, matrix in _batches(reader.vectors(encoder), dimension):
        built.add_with_ids(matrix, keys)
        last_key = int(keys[-1])
        progress(built.ntotal, total)
    return built, last_key


def _cosines(
    rows: Iterable[tuple[int, bytes]], query: "NDArray[np.float32]"
) -> "tuple[NDArray[np.int64], NDArray[np.float32]]":
    """Return the keys [N] of rows and their cosines [N] with query [D]."""
    import numpy

    keys, cosines = [numpy.empty(0, numpy.int64)], [numpy.empty(0, numpy.float32)]
    for some, matrix in _batches(rows, len(query)):
        keys.append(some)
        cosines.append(matrix @ query)
    return numpy.concatenate(keys), numpy.concatenate(cosines)


def _batches(
    rows: Iterable[tuple[int, bytes]], dimension: int
) -> "Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]":
    """Yield (keys [B], vectors [B, D]) of rows, B at most AT_ONCE."""
    import numpy

    rows = iter(rows)
    while batch := list(islice(rows, AT_ONCE)):
        matrix = numpy.frombuffer(b"".join(vector for _, vector in batch), dtype="<f4")
        yield numpy.array([key for key, _ in batch], dtype=numpy.int64), matrix.reshape(len(batch), dimension)
