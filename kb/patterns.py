"""Patterns that are built when they are first used: a note needs half of the parser's, and to build all takes 0.1 s."""

import re
from functools import cached_property
from typing import Any, cast


def pattern(written: str, flags: int = 0) -> re.Pattern[str]:
    """Return what re.compile returns, built at the first use; a fault in it shows then."""
    return cast("re.Pattern[str]", _Later(written, flags))


class _Later:
    def __init__(self, written: str, flags: int) -> None:
        self.pattern = written
        self._flags = flags

    @cached_property
    def _built(self) -> re.Pattern[str]:
        return re.compile(self.pattern, self._flags)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._built, name)
        setattr(self, name, value)  # from now on nothing stands between
        return value
