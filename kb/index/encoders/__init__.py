"""Texts -> unit vectors [N, D]: a sentence-transformers model, exported to ONNX once and run by onnxruntime since."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kb.index.translation import Gloss


class Encoder(Protocol):
    """Anything that turns texts into unit vectors."""

    @property
    def fingerprint(self) -> str:
        """A name for these numbers: vectors of different fingerprints must not be compared."""

    @property
    def dimension(self) -> int:
        """D, the length of a vector."""

    def query_text(self, text: str, gloss: "Gloss | None") -> str:
        """Return what it reads of a query, to be given to encode_query; "" if nothing."""

    def passage_text(self, text: str, gloss: "Gloss | None") -> str:
        """Return what it reads of a passage, to be given to encode_passages; "" if too little to say anything of it."""

    def encode_passages(self, texts: list[str]) -> "NDArray[np.float32]":
        """Return unit vectors [N, D] of what it reads of passages."""

    def encode_query(self, text: str) -> "NDArray[np.float32]":
        """Return the unit vector [D] of what it reads of a query."""
