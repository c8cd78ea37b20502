"""The FAISS index over passage ids: a cache, built from the vectors in SQLite and safe to delete."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.store.reader import Reader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PADDING = -1  # the id FAISS answers with when it has fewer vectors than asked for


def load(index: Path, reader: Reader, fingerprint: str, dimension: int) -> Any:
    """Return the FAISS index of reader's state, from its file if that is of the same generation, else built anew."""
    import faiss

    path = index / f"vectors-{fingerprint}-{reader.generation()}.faiss"
    if path.is_file():
        try:
            return faiss.read_index(str(path))
        except RuntimeError:  # cut short or not an index: it is only a cache
            path.unlink(missing_ok=True)
    built = _build(reader, fingerprint, dimension)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    faiss.write_index(built, str(temporary))
    os.replace(temporary, path)
    for old in index.glob(f"vectors-{fingerprint}-*.faiss"):
        if old != path:
            old.unlink(missing_ok=True)
    return built


def nearest(faiss_index: Any, vector: "NDArray[np.float32]", k: int) -> list[tuple[int, float]]:
    """Return (passage, cosine) of the k passages nearest to vector [D], best first."""
    scores, passages = faiss_index.search(vector.reshape(1, -1), min(k, max(faiss_index.ntotal, 1)))
    return [
        (int(passage), float(score))
        for passage, score in zip(passages[0], scores[0], strict=True)
        if passage != PADDING
    ]


def _build(reader: Reader, fingerprint: str, dimension: int) -> Any:
    import faiss
    import numpy

    index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
    rows = list(reader.vectors(fingerprint))
    if rows:
        matrix = numpy.frombuffer(b"".join(vector for _, vector in rows), dtype="<f4").reshape(len(rows), dimension)
        index.add_with_ids(matrix, numpy.array([passage for passage, _ in rows], dtype=numpy.int64))
    return index
