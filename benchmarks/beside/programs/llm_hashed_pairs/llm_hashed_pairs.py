"""A plugin for llm: vectors that count pairs of characters by their hashes. No model, no download, no meaning."""

import math
import zlib
from collections.abc import Iterable, Iterator
from itertools import pairwise

import llm

DIMENSION = 384


class HashedPairs(llm.EmbeddingModel):
    """Unit vectors [384]."""

    model_id = "hashed-pairs"
    supports_text = True

    def embed_batch(self, items: Iterable[str]) -> Iterator[list[float]]:
        """Yield the vector of each text."""
        for text in items:
            vector = [0.0] * DIMENSION
            for pair in pairwise(text):
                vector[zlib.crc32("".join(pair).encode()) % DIMENSION] += 1
            length = math.sqrt(sum(value * value for value in vector)) or 1.0
            yield [value / length for value in vector]


@llm.hookimpl
def register_embedding_models(register) -> None:
    """Tell llm of the model."""
    register(HashedPairs())
