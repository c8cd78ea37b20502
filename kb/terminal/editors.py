"""How editors are told a line."""

import os
import shlex
from pathlib import Path

from kb.errors import KbError

_GOTO = {"code", "code-insiders", "codium", "cursor"}
_COLON = {"subl", "hx", "helix", "zed", "micro"}


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
