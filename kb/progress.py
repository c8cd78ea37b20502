"""How long work tells what it is doing."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]  # what is being done, how many are done, how many there are
