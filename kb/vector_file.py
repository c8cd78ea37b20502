"""One index file: an inverted file of FAISS with 4 bits a dimension, mapped into memory; docs/search.md says why."""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Row = tuple[int, bytes]  # key, vector as little-endian float32
Progress = Callable[[int, int], None]  # how many are done, how many there are

LISTS = 2  # times the square root of how many vectors there are
SAMPLES_A_LIST = 50  # to find the lists' centres by; k-means of FAISS asks for 39 at least
ROUNDS = 10  # of k-means
LISTS_VISITED = 128
AT_ONCE = 4096  # vectors in memory at a time while streaming: 6 MB of 384 dimensions


def build(rows: Callable[[], Iterable[Row]], total: int, dimension: int, progress: Progress) -> tuple[Any, int]:
    """Return a FAISS index of vectors and the last of their keys.

    rows gives the vectors, about total of them, in the order of their keys each time it is called: once to find the
    lists' centres, once to fill the lists.
    """
    import faiss
    import numpy

    centres = faiss.IndexFlatIP(dimension)
    lists = LISTS * isqrt(total)
    built = faiss.IndexIVFScalarQuantizer(
        centres, dimension, lists, faiss.ScalarQuantizer.QT_4bit, faiss.METRIC_INNER_PRODUCT, False
    )
    built.cp.niter = ROUNDS
    built.cp.min_points_per_centroid = 1
    stride = max(1, total // (lists * SAMPLES_A_LIST))
    built.train(numpy.concatenate([matrix for _, matrix in batches(islice(rows(), 0, None, stride), dimension)]))
    last_key = 0
    for keys, matrix in batches(rows(), dimension):
        built.add_with_ids(matrix, keys)
        last_key = int(keys[-1])
        progress(built.ntotal, total)
    return built, last_key


def save(built: Any, path: Path) -> None:
    """Write what build made; path changes when all is written, or not at all.

    Whoever has the old file open goes on with it: a file mapped into memory must never be written over.
    """
    import faiss

    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        faiss.write_index(built, str(temporary))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load(path: Path, dimension: int) -> Any | None:
    """Return the index saved at path; None if it is broken or of vectors of another dimension."""
    import faiss

    try:
        opened: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    except (RuntimeError, MemoryError):  # cut short, no index, or lengths in it that cannot be
        return None
    if opened.d != dimension:
        return None
    opened.nprobe = LISTS_VISITED
    return opened


def batches(rows: Iterable[Row], dimension: int) -> "Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]":
    """Yield (keys [B], vectors [B, D]) of rows, B at most AT_ONCE."""
    import numpy

    rows = iter(rows)
    while batch := list(islice(rows, AT_ONCE)):
        matrix = numpy.frombuffer(b"".join(vector for _, vector in batch), dtype="<f4")
        yield numpy.array([key for key, _ in batch], dtype=numpy.int64), matrix.reshape(len(batch), dimension)
