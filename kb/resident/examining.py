"""How the process that stays is, for an examination."""

from collections.abc import Iterator
from pathlib import Path

from kb import __version__
from kb.api.doctor.findings import Finding
from kb.resident.holding import resident

STOP = "kb serve --stop"


def process(root: Path) -> Iterator[Finding]:
    """Look at the process of the knowledge base in root; where none stays there is nothing to say."""
    found = resident(root)
    if not found:
        return
    if found.version != __version__:
        what = f"process {found.pid} stays, of version {found.version}: commands do without it"
        yield Finding("resident", "warning", what, STOP)
    elif not found.is_watching:
        what = f"process {found.pid} stays, and looks through the notes for every command: watchfiles is not installed"
        yield Finding("resident", "warning", what, "pip install 'paper-kb[serve]'")
    else:
        yield Finding("resident", "ok", f"process {found.pid} has stayed since {found.started}")
