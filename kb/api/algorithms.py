"""The reference implementations: which there are, what they take, what they give, what they promise."""

from pathlib import Path

from kb.claims.algorithms import Algorithm, Check, Parameter, algorithms, check, parameters, run
from kb.config.kb_toml import find_config
from kb.config.outputs import refuse_own
from kb.errors import KbError

__all__ = ["Algorithm", "Check", "Parameter", "algorithms", "check", "parameters", "run", "writable"]


def writable(path: Path, start: Path) -> Path:
    """Return path, where a picture or sound is to be written. start lies in a knowledge base, or in none.

    Raises: KbError if path is a note of it, or another file that it is made of.
    """
    try:
        config = find_config(start)
    except KbError:
        return path
    refuse_own(config, path)
    return path
