"""The passages nearest to a query: vectors are scanned in SQLite or, when they are many, found by an index file first.

The file is a cache of the vectors up to a key and may be deleted. Its ids are vector keys; none is ever given twice, so
it stays right: later vectors are scanned beside it, and one that is gone from SQLite is passed over.
"""

from collections.abc import Iterable, Set
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kb.errors import EncoderMissing
from kb.files import is_abandoned
from kb.index.sqlite import faiss_file
from kb.index.sqlite.vectors import Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCANNED = 20_000  # vectors scanned exactly in 40 ms, what importing FAISS and opening an index takes
SCANNED_AT_MOST = 3 * SCANNED  # searches add a few vectors themselves after the index was due; 0.1 s
DEAD_AT_MOST = 0.1  # of an index; they only take places among the candidates
CANDIDATES = 2  # for each one wanted
UNIT = 1e-3  # how far the squared length of a vector may be from 1
FLOAT_BYTES = 4
LEAST_LIKE = 0.9  # cosine of a vector and what 4 bits a dimension keep of it
PADDING = -1  # the id FAISS answers with when the lists it visits hold fewer vectors than asked for


class _Index(NamedTuple):
    """An index file, opened."""

    path: Path
    last_key: int  # of the vectors it was built from
    faiss: Any


class IndexState(NamedTuple):
    """How the index file stands to the vectors."""

    path: Path | None  # the file that searches use; None if there is none that can be used
    is_due: bool  # it is missing, broken or far behind; a search then goes by words where it cannot scan
    others: tuple[Path, ...]  # files of other encoders, of lost states and of builds that were interrupted


def nearest(
    index: Path,
    vectors: Vectors,
    encoder: str,
    query: "NDArray[np.float32]",
    k: int,
    among: Set[int] | None = None,
) -> list[tuple[int, int, float]]:
    """Return (passage, paper, cosine) of the k passages nearest to the unit vector query [D], best first.

    encoder is the fingerprint of what made query; index is the folder of the index file. among are the papers that
    count; all do if it is None. However few they are, their own nearest passages are found.
    Raises: EncoderMissing if more vectors than can be scanned in a moment are in no index file, or if vectors have
    another dimension.
    """
    import numpy

    chosen = None if among is None else vectors.keys_of(encoder, among, SCANNED_AT_MOST)
    wanted = CANDIDATES * k
    if chosen is not None and len(chosen) <= SCANNED_AT_MOST:
        keys, cosines = _cosines(vectors.of(encoder, chosen), query)
    else:
        if among is not None:  # as many more as there are more papers
            wanted = wanted * vectors.largest_paper() // len(among)
        keys, cosines = _near(index, vectors, encoder, query, wanted)
    best = numpy.lexsort((keys, -cosines))[:wanted]
    passages = vectors.passages(keys[best].tolist())
    scored = zip(keys[best].tolist(), cosines[best].tolist(), strict=True)
    found = ((passage, paper, cosine) for key, cosine in scored for passage, paper in passages.get(key, ()))
    return list(islice((one for one in found if among is None or one[1] in among), k))


class _Held(NamedTuple):
    """The vectors of an encoder up to a key, kept in memory; a key is given once, so it means one vector for ever."""

    series: str
    encoder: str
    last_key: int
    keys: "NDArray[np.int64]"
    matrix: "NDArray[np.float32]"


_held: list[_Held] = []
_held_indexes: dict[Path, tuple[tuple[int, int], _Index]] = {}  # with what tells a file from one that takes its place


def hold(index: Path, vectors: Vectors, encoder: str, dimension: int) -> None:
    """Keep what a search would read in memory, for a process that searches often: vectors that are scanned, FAISS."""
    opened = _open(index, vectors, encoder, dimension)
    if opened:
        _held_indexes[opened.path] = _identity(opened.path), opened
        return
    parts = list(faiss_file.batches(vectors.in_order(encoder, 0, SCANNED), dimension))
    if not parts:
        return
    import numpy

    keys, matrices = zip(*parts, strict=True)
    every = numpy.concatenate(keys)
    _held[:] = [_Held(vectors.series(), encoder, int(every[-1]), every, numpy.concatenate(matrices))]


def _held_of(vectors: Vectors, encoder: str) -> _Held | None:
    """Return what is held of encoder, if it is what the index still has: who was removed would be missed in a count."""
    for one in _held:
        if (one.series, one.encoder) == (vectors.series(), encoder):
            return one if vectors.count(encoder, one.last_key) == len(one.keys) else None
    return None


def _near(
    index: Path, vectors: Vectors, encoder: str, query: "NDArray[np.float32]", wanted: int
) -> "tuple[NDArray[np.int64], NDArray[np.float32]]":
    """Return the keys of the vectors that may be nearest, about so many as are wanted or more, and their cosines."""
    import numpy

    held = _held_of(vectors, encoder)
    opened = None if held else _open(index, vectors, encoder, len(query))
    after = held.last_key if held else opened.last_key if opened else 0
    keys, cosines = _cosines(vectors.in_order(encoder, after, SCANNED_AT_MOST + 1), query)
    if held:
        keys, cosines = numpy.concatenate((held.keys, keys)), numpy.concatenate((held.matrix @ query, cosines))
    if len(keys) > SCANNED_AT_MOST:
        raise EncoderMissing("the vector index is missing or far behind", "run: kb index")
    if not opened:
        return keys, cosines
    _, found = opened.faiss.search(query.reshape(1, -1), wanted)
    candidates = vectors.of(encoder, (int(key) for key in found[0] if key != PADDING))
    more_keys, more_cosines = _cosines(candidates, query)
    return numpy.concatenate((keys, more_keys)), numpy.concatenate((cosines, more_cosines))


def refresh(index: Path, vectors: Vectors, encoder: str, dimension: int, progress: faiss_file.Progress) -> None:
    """Build the index file anew if there should be one and it is missing, broken or far behind; remove all others.

    It takes half a minute for a million vectors of 384 dimensions. An interrupted build leaves the old file as it was.
    """
    found = state(index, vectors, encoder, dimension)
    kept = found.path
    if found.is_due:
        kept = None
        total = vectors.count(encoder)
        if total > SCANNED:
            built, last_key = faiss_file.build(lambda: vectors.in_order(encoder), total, dimension, progress)
            kept = index / f"{_prefix(vectors, encoder)}{last_key}.faiss"
            faiss_file.save(built, kept)
    for path in index.glob("vectors-*"):
        if path != kept and _is_unused(path):
            with suppress(OSError):  # another process was quicker, or holds it open
                path.unlink()


def state(index: Path, vectors: Vectors, encoder: str, dimension: int) -> IndexState:
    """Return how the index file of encoder's vectors stands to them, and what files lie beside it."""
    opened = _open(index, vectors, encoder, dimension)
    total = vectors.count(encoder)
    alive = vectors.count(encoder, opened.last_key) if opened else 0
    dead = opened.faiss.ntotal - alive if opened else 0
    path = opened.path if opened else None
    others = tuple(other for other in sorted(index.glob("vectors-*")) if other != path and _is_unused(other))
    return IndexState(path, total - alive > SCANNED or dead > DEAD_AT_MOST * (dead + alive), others)


def unit_vectors(
    vectors: Vectors, encoder: str, dimension: int, progress: faiss_file.Progress
) -> tuple[list[int], int]:
    """Return the keys of the vectors of encoder of a length of 1, and how many others there are."""
    total = vectors.count(encoder)
    keys: list[int] = []
    rows = (row for row in vectors.in_order(encoder) if len(row[1]) == FLOAT_BYTES * dimension)
    for some, matrix in faiss_file.batches(rows, dimension):
        keys += some[abs((matrix**2).sum(axis=1) - 1) < UNIT].tolist()
        progress(int(some[-1]), vectors.last_key())
    return keys, total - len(keys)


def forget(index: Path) -> None:
    """Remove the index files; the next refresh builds anew what is wanted."""
    for path in index.glob("vectors-*.faiss"):
        path.unlink(missing_ok=True)


def misplaced(index: Path, vectors: Vectors, encoder: str, dimension: int, progress: faiss_file.Progress) -> int:
    """Return how many vectors the index file of encoder holds otherwise than the database does, or lacks."""
    opened = _open(index, vectors, encoder, dimension)
    if not opened:
        return 0
    alive, right = vectors.count(encoder, opened.last_key), 0
    for done, (keys, approximate) in enumerate(faiss_file.contents(opened.faiss), 1):
        place = {key: row for row, key in enumerate(keys.tolist())}
        held = dict(vectors.of(encoder, list(place)))
        for some, exact in faiss_file.batches(((key, held[key]) for key in place if key in held), dimension):
            near = approximate[[place[key] for key in some.tolist()]]
            right += int(((near * exact).sum(axis=1) > LEAST_LIKE).sum())
        progress(done, opened.faiss.nlist)
    return max(0, alive - right)


def _is_unused(path: Path) -> bool:
    """Whether nobody is writing a file that is not the one in use."""
    return path.suffix == ".faiss" or is_abandoned(path)


def _open(index: Path, vectors: Vectors, encoder: str, dimension: int) -> _Index | None:
    """Return the newest index of encoder's vectors; None if there is none that can be used."""
    prefix = _prefix(vectors, encoder)
    named = {path.stem.removeprefix(prefix): path for path in index.glob(f"{prefix}*.faiss")}
    paths = {int(key): path for key, path in named.items() if key.isdecimal()}
    # A file that knows keys which were never given is of a state of the database that is lost.
    last_key = max((key for key in paths if key <= vectors.last_key()), default=None)
    if last_key is None:
        return None
    with suppress(OSError):  # another process has just replaced it
        held = _held_indexes.get(paths[last_key])
        if held and held[0] == _identity(paths[last_key]):
            return held[1]
        if opened := faiss_file.load(paths[last_key], dimension):
            return _Index(paths[last_key], last_key, opened)
    return None


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def _prefix(vectors: Vectors, encoder: str) -> str:
    return f"vectors-{encoder}-{vectors.series()}-"  # the keys of another database mean other vectors


def _cosines(
    rows: Iterable[faiss_file.Row], query: "NDArray[np.float32]"
) -> "tuple[NDArray[np.int64], NDArray[np.float32]]":
    """Return the keys [N] of rows and their cosines [N] with query [D]."""
    import numpy

    keys, cosines = [numpy.empty(0, numpy.int64)], [numpy.empty(0, numpy.float32)]
    try:
        for some, matrix in faiss_file.batches(rows, len(query)):
            keys.append(some)
            cosines.append(matrix @ query)
    except ValueError:  # a vector of another length
        raise EncoderMissing(
            f"the index holds vectors of other than {len(query)} dimensions", "delete it and run: kb index"
        ) from None
    return numpy.concatenate(keys), numpy.concatenate(cosines)
