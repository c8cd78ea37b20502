"""Texts -> unit vectors [N, D]: a sentence-transformers model, exported to ONNX once and run by onnxruntime since."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Encoder(Protocol):
    """Anything that turns texts into unit vectors."""

    @property
    def fingerprint(self) -> str:
        """A name for these numbers: vectors of different fingerprints must not be compared."""

    @property
    def dimension(self) -> int:
        """D, the length of a vector."""

    @property
    def reads_unspaced(self) -> bool:
        """Whether it reads Chinese; if not, it is to be given English only."""

    def encode_passages(self, texts: list[str]) -> "NDArray[np.float32]":
        """Return unit vectors [N, D] of passages."""

    def encode_query(self, text: str) -> "NDArray[np.float32]":
        """Return the unit vector [D] of a query."""
