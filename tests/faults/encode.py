"""Encode what has no vector yet with hashed words, one text after the other: a process of its own, to be killed.

python -m tests.faults.encode ROOT FINGERPRINT
"""

import sys
from pathlib import Path
from typing import Any

from kb.config.kb_toml import load_config
from kb.index import meaning as encoding
from tests.conftest import HashEncoder


class NamedEncoder(HashEncoder):
    """A HashEncoder that goes by another fingerprint, and gives other vectors for it."""

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    def encode_passages(self, texts: list[str]) -> Any:
        return super().encode_passages([f"{self.fingerprint} {text}" for text in texts])


if __name__ == "__main__":
    encoding.TEXTS_AT_ONCE = 4
    encoding.encode_missing(load_config(Path(sys.argv[1])), NamedEncoder(sys.argv[2]))
