"""Two encoders as one: their vectors side by side, so that a cosine is a weighted sum of both.

MiniLM reads English well, and Chinese by translation; e5 reads Chinese itself and English worse. Together they find
what either does; docs/search.md has the figures.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kb.index.encoders.exported import OnnxEncoder, open_exported

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kb.index.translation import Gloss

BETWEEN = "\x1e"  # what one reads of a text, and what the other does: the record separator of ASCII


class Pair(NamedTuple):
    """Which encoders make one."""

    models: tuple[str, str]
    share: float  # of a cosine that is the first one's


# The cosines of e5 lie close together, at .8, those of MiniLM spread over five times as much.
PAIRS = {"minilm+e5": Pair(("minilm", "e5"), 0.17)}


class PairedEncoder:
    """Two exported encoders as one; see Encoder."""

    def __init__(self, parts: tuple[OnnxEncoder, OnnxEncoder], share: float) -> None:
        self.parts = parts
        self._lengths = (share**0.5, (1 - share) ** 0.5)

    @property
    def fingerprint(self) -> str:
        """See Encoder."""
        return f"{'+'.join(part.fingerprint for part in self.parts)}:{self._lengths[0]:.3f}"

    @property
    def dimension(self) -> int:
        """See Encoder."""
        return sum(part.dimension for part in self.parts)

    @property
    def reads_unspaced(self) -> bool:
        """Whether one of them does."""
        return any(part.reads_unspaced for part in self.parts)

    def query_text(self, text: str, gloss: "Gloss | None") -> str:
        """See Encoder."""
        return _both(text, [part.query_text(text, gloss) for part in self.parts])

    def passage_text(self, text: str, gloss: "Gloss | None") -> str:
        """See Encoder."""
        return _both(text, [part.passage_text(text, gloss) for part in self.parts])

    def encode_passages(self, texts: list[str]) -> "NDArray[np.float32]":
        """See Encoder."""
        import numpy

        read = zip(*(text.split(BETWEEN) for text in texts), strict=True)
        halves = (part.encode_passages(list(of_one)) for part, of_one in zip(self.parts, read, strict=True))
        return numpy.concatenate([length * half for length, half in zip(self._lengths, halves, strict=True)], axis=1)

    def encode_query(self, text: str) -> "NDArray[np.float32]":
        """See Encoder."""
        import numpy

        halves = (part.encode_query(read) for part, read in zip(self.parts, text.split(BETWEEN), strict=True))
        return numpy.concatenate([length * half for length, half in zip(self._lengths, halves, strict=True)])


ExportedEncoder = OnnxEncoder | PairedEncoder


def models_of(encoder: str) -> tuple[str, ...]:
    """Return the models that make an encoder, as kb.toml names it: one, or those of a pair."""
    return PAIRS[encoder].models if encoder in PAIRS else (encoder,)


def open_encoder(index: Path, model: str) -> ExportedEncoder | None:
    """Return the encoder of model, as kb.toml names it; None if it, or a half of it, cannot be opened."""
    found = [open_exported(index, one) for one in models_of(model)]
    return paired(model, [one for one in found if one]) if all(found) else None


def paired(model: str, parts: Sequence[OnnxEncoder]) -> ExportedEncoder:
    """Return the encoder that parts, those of models_of(model), are together."""
    if model not in PAIRS:
        return parts[0]
    first, second = parts
    return PairedEncoder((first, second), PAIRS[model].share)


def _both(text: str, read: list[str]) -> str:
    """Return what both read of a text; who can read nothing of what the other reads is given it as it stands."""
    return BETWEEN.join(one or text for one in (part.replace(BETWEEN, " ") for part in read)) if any(read) else ""
