"""A text in the reader's pager."""

import os
import shlex
import shutil
import subprocess

DEFAULT_PAGER = "less -R"


def show(text: bytes) -> bool:
    """Show text in $PAGER, else in less; return whether there is one."""
    command = shlex.split(os.environ.get("PAGER") or DEFAULT_PAGER)
    if not shutil.which(command[0]):
        return False
    environment = {"LESS": "-R", **os.environ}  # as it is, PAGER=less shows colours as letters
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as pager:  # noqa: S603 - the user's own
        try:
            pager.communicate(text)
        except BrokenPipeError:  # left before the end
            pass
        except KeyboardInterrupt:
            pager.wait()
    return True
