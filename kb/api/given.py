"""What a program hands over, as the use cases take it, or what is wrong with it."""

from collections.abc import Iterable, Sequence
from typing import get_args

from kb.errors import KbError
from kb.reports.options import Format, Language, Layout, Site
from kb.reports.periods import Period, period


def one_of(what: str, value: str | None, choices: Iterable[str]) -> None:
    """See that value is one of choices. Raises: KbError, which names them.

    Example: "form", "foo", ("bibtex", "ris") -> "form should be one of bibtex, ris, got 'foo'".
    """
    known = tuple(choices)
    if value not in known:
        raise KbError(f"{what} should be one of {', '.join(known)}, got {value!r}")


def as_period(given: Period | str) -> Period:
    """Return months: "2024-10" and "2024" are as good as a period. Raises: KbError if given is neither."""
    return period(given) if isinstance(given, str) else given


def as_list(given: str | Sequence[str]) -> Sequence[str]:
    """Return one text or several as several."""
    return [given] if isinstance(given, str) else given


def checked(layout: Layout) -> Layout:
    """Return a layout. Raises: KbError if a choice of it is none."""
    one_of("form", layout.form, get_args(Format))
    one_of("site", layout.site, get_args(Site))
    if layout.lang is not None:
        one_of("lang", layout.lang, get_args(Language))
    return layout
