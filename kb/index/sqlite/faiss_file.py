"""One index file: an inverted file of FAISS with 4 bits a dimension, mapped into memory; docs/search.md says why."""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from math import isqrt
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, Any
from zlib import crc32

from kb.errors import KbError
from kb.index.folder import new_file

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
KEY_BYTES = 8
# Ends the file: its length and that of its head without the lists, and the checksum of the head. FAISS believes what
# the head says of the lists, and wrong numbers there would end the process with a bus error.
SEAL = Struct("<QQI")


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
    """Write what build made; path changes when all is written, or not at all. Raises: KbError if it cannot be."""
    import faiss

    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        new_file(temporary)
        faiss.write_index(built, str(temporary))
        with temporary.open("r+b") as file:
            length = file.seek(0, os.SEEK_END)
            head = length - built.ntotal * (built.code_size + KEY_BYTES)
            file.seek(0)
            seal = SEAL.pack(length, head, crc32(file.read(head)))
            file.seek(length)
            file.write(seal)
            file.flush()
            os.fsync(file.fileno())  # the seal says nothing of the lists, which a power cut may leave empty
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:  # FAISS has no error of its own for a full disk
        raise KbError(
            f"{path} cannot be written: {str(error).splitlines()[-1]:.200}", "see to disk and permissions"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def load(path: Path, dimension: int) -> Any | None:
    """Return the index saved at path; None if it is broken or of vectors of another dimension."""
    import faiss

    if not _is_whole(path):
        return None
    try:
        opened: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    except RuntimeError:  # written by a FAISS that this one cannot read
        return None
    opened.nprobe = LISTS_VISITED
    return opened if opened.d == dimension else None


def contents(opened: Any) -> "Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]":
    """Yield (keys [B], what the file keeps of their vectors [B, D]) of each list of an index."""
    import faiss
    import numpy

    lists, size = opened.invlists, opened.code_size
    for number in range(opened.nlist):
        length = lists.list_size(number)
        if not length:
            yield numpy.empty(0, numpy.int64), numpy.empty((0, opened.d), numpy.float32)
            continue
        keys = faiss.rev_swig_ptr(lists.get_ids(number), length).copy()
        codes = faiss.rev_swig_ptr(lists.get_codes(number), length * size).reshape(length, size).copy()
        vectors = opened.sq.decode(codes)
        yield keys, vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9)


def _is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        length = file.seek(0, os.SEEK_END) - SEAL.size
        if length < 0:
            return False
        file.seek(length)
        sealed_length, head, checksum = SEAL.unpack(file.read())
        file.seek(0)
        return bool(head <= sealed_length == length and crc32(file.read(head)) == checksum)


def batches(rows: Iterable[Row], dimension: int) -> "Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]":
    """Yield (keys [B], vectors [B, D]) of rows, B at most AT_ONCE."""
    import numpy

    rows = iter(rows)
    while batch := list(islice(rows, AT_ONCE)):
        matrix = numpy.frombuffer(b"".join(vector for _, vector in batch), dtype="<f4")
        yield numpy.array([key for key, _ in batch], dtype=numpy.int64), matrix.reshape(len(batch), dimension)
