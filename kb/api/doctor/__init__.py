"""Examine everything that answers depend on. A rule is a function, listed at the end of its file."""

from contextlib import closing
from pathlib import Path

from kb.api.doctor import index, machine, notes
from kb.api.doctor.findings import Finding, parted
from kb.config.kb_toml import find_config
from kb.errors import KbError
from kb.progress import Progress


def examine_machine(progress: Progress) -> list[Finding]:
    """Return how what the program stands on is; it takes seconds where torch is installed, which is loaded."""
    found: list[Finding] = []
    for done, rule in enumerate(machine.RULES, 1):
        found += rule()
        progress("examining the machine", done, len(machine.RULES))
    return found


def examine(start: Path, progress: Progress) -> list[Finding]:
    """Return how the knowledge base that start lies in is: its settings, its notes, its index."""
    try:
        config = find_config(start)
    except KbError as error:
        return [Finding("settings", "broken", *parted(error))]
    found = [Finding("settings", "ok", f"{config.root / 'kb.toml'} can be read")]
    for done, rule in enumerate(notes.RULES, 1):
        found += rule(config)
        progress("examining the notes", done, len(notes.RULES))
    reader, about_it = index.opened(config)
    found += about_it
    if reader:
        with closing(reader):
            rules = (*index.RULES, *notes.READ)
            for done, reading in enumerate(rules, 1):
                found += reading(config, reader)
                progress("examining the index", done, len(rules))
    return found
