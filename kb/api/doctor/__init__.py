"""Examine everything that answers depend on. A rule is a function, listed at the end of its file."""

from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from kb.api.doctor import deep, index, machine, notes
from kb.api.doctor.findings import Finding, parted
from kb.api.faults import SYSTEM, as_kb_error
from kb.config.kb_toml import find_config
from kb.errors import IndexBusy, KbError
from kb.progress import Progress


def examine_machine(progress: Progress) -> list[Finding]:
    """Return how what the program stands on is; it takes seconds where torch is installed, which is loaded."""
    found: list[Finding] = []
    for done, rule in enumerate(machine.RULES, 1):
        found += _found(rule)
        progress("examining the machine", done, len(machine.RULES))
    return found


def examine(start: Path, progress: Progress, is_deep: bool = False) -> list[Finding]:
    """Return how the knowledge base that start lies in is: its settings, its notes, its index.

    is_deep reads all of it again and compares.
    """
    try:
        config = find_config(start)
    except KbError as error:
        return [Finding("settings", "broken", *parted(error))]
    except OSError as error:
        return [_refused(error)]
    found = [Finding("settings", "ok", f"{config.root / 'kb.toml'} can be read")]
    for done, rule in enumerate(notes.RULES, 1):
        found += _found(rule, config)
        progress("examining the notes", done, len(notes.RULES))
    try:
        reader, about_it = index.opened(config)
    except SYSTEM as error:
        reader, about_it = None, [_refused(error)]
    found += about_it
    if reader:
        with closing(reader):
            rules = (*index.RULES, *notes.READ)
            for done, reading in enumerate(rules, 1):
                found += _found(reading, config, reader)
                progress("examining the index", done, len(rules))
            for comparing in deep.RULES if is_deep else ():
                found += comparing(config, reader, progress)
    return found


def _found(rule: Callable[..., Iterable[Finding]], *asked: Any) -> list[Finding]:
    """Return what a rule finds; what the system refuses it is a finding, too, and ends no examination."""
    try:
        return list(rule(*asked))
    except (KbError, *SYSTEM) as error:
        return [_refused(error)]


def _refused(error: Exception) -> Finding:
    known = as_kb_error(error)
    if known is None:
        raise error
    return Finding("system", "warning" if isinstance(known, IndexBusy) else "broken", *parted(known))
