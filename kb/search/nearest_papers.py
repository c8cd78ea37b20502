"""What meaning finds: the papers whose passages lie nearest to a vector."""

from typing import TYPE_CHECKING, NamedTuple

from kb.config.kb_toml import Config
from kb.errors import EncoderMissing
from kb.index.encoders import Encoder
from kb.index.sqlite.reader import Reader
from kb.search.fusion import DEPTH, Scores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEAREST_PASSAGES = 400


class Near(NamedTuple):
    """The papers near a vector."""

    cosines: Scores  # of each paper's nearest passage
    passages: dict[int, int]  # which that is


def nearest_papers(
    config: Config, reader: Reader, encoder: Encoder, vector: "NDArray[np.float32]", allowed: frozenset[int] | None
) -> Near:
    """Return the papers nearest to the unit vector [D], only allowed ones unless that is None.

    Raises: EncoderMissing if there are passages and encoder has encoded none.
    """
    if not reader.view.has_vectors(encoder.fingerprint):
        if not reader.passages.has_any():
            return Near({}, {})
        raise EncoderMissing(f"no passage has an embedding of {config.encoder!r} yet", "run: kb index")
    found = Near({}, {})
    for passage, key, cosine in reader.view.nearest(encoder.fingerprint, vector, NEAREST_PASSAGES, among=allowed):
        if key not in found.cosines:
            found.cosines[key] = cosine
            found.passages[key] = passage
            if len(found.cosines) == DEPTH:
                break
    return found
