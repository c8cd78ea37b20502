"""How editors are told a line."""

import os
import shlex
from pathlib import Path

from kb.errors import KbError

_GOTO = {"code", "code-insiders", "codium", "cursor"}
_COLON = {"subl", "hx", "helix", "zed", "micro"}
_WINDOWS = {*_GOTO, "subl", "zed", "gvim", "gedit", "kate", "mate", "bbedit"}  # they need no terminal


def editor_command(path: Path, line: int) -> list[str]:
    """Return the command that opens path at line in $VISUAL or $EDITOR.

    Example: EDITOR=vim -> ["vim", "+41", "notes/2024-10.md"].
    Raises: KbError if neither is set or the program is not there.
    """
    import shutil

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise KbError("$EDITOR is not set", f"set it, or open {path}:{line} yourself")
    command = shlex.split(editor)
    if not command or not shutil.which(command[0]):
        raise KbError(f"$EDITOR is {editor!r}, which is not a program here", f"open {path}:{line} yourself")
    name = Path(command[0]).stem
    if name in _GOTO:
        return [*command, "--goto", f"{path}:{line}"]
    if name in _COLON:
        return [*command, f"{path}:{line}"]
    return [*command, f"+{line}", str(path)]


def open_in_window(path: Path, line: int) -> None:
    """Open path at line in an editor that has a window of its own, and do not wait for it.

    Raises: KbError if $VISUAL or $EDITOR is none of these.
    """
    import subprocess

    command = editor_command(path, line)
    if Path(command[0]).stem not in _WINDOWS:
        raise KbError(f"{command[0]} needs a terminal", f"open {path}:{line} there")
    with open(os.devnull, "r+b") as nowhere:
        subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)  # noqa: S603
