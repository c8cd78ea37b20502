"""Choosing a paper with fzf: what it is given, and what came back."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kb.errors import KbError
from kb.terminal.text import clean_row

if TYPE_CHECKING:
    from kb.index.sqlite.papers import PaperRow

NOTHING_CHOSEN = (1, 130)  # no line matched, or the user left
_PREVIEW = 'COLUMNS=$FZF_PREVIEW_COLUMNS "$KB_PYTHON" -m kb show --no-refresh --no-pager -- {2}'


def pick(papers: "Sequence[PaperRow]", signs: Mapping[int, str], root: Path) -> "PaperRow | None":
    """Return the one of papers that is chosen in fzf, beside a preview by `kb show`; None if none is.

    signs stand before the titles, by key; root is the folder of the knowledge base.
    Raises: KbError if fzf is not installed, or ends with an error.
    """
    if not shutil.which("fzf"):
        raise KbError("fzf is not installed", "install it, or look with: kb list QUERY, and open with: kb open NAME")
    # The number of the line comes back; ids are for the preview, where fzf quotes them for the shell.
    lines = [
        clean_row(str(number), one.id, f"{signs.get(one.key, '')}{one.title}", one.month or "", one.organizations)
        for number, one in enumerate(papers)
    ]
    done = subprocess.run(  # noqa: S603 - no shell but the one of the preview
        ["fzf", "--delimiter=\t", "--with-nth=3..", f"--preview={_PREVIEW}", "--preview-window=wrap"],  # noqa: S607
        input="\n".join(lines).encode(),
        stdout=subprocess.PIPE,
        env=_environment(root),
        check=False,
    )
    number = done.stdout.decode().split("\t")[0].strip()
    if done.returncode in NOTHING_CHOSEN or (not done.returncode and not number):
        return None
    if done.returncode or not number.isdecimal() or int(number) >= len(papers):
        raise KbError(f"fzf ended with status {done.returncode} and chose {number!r}", "try it with another query")
    return papers[int(number)]


def _environment(root: Path) -> dict[str, str]:
    """Return the environment in which the preview finds this very program, in colour, and a shell that quotes as sh.

    Folders are told here and not in the command: fzf puts text of notes in the place of braces, quoted or not.
    """
    here = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    return {
        **os.environ,
        "SHELL": "/bin/sh",
        "FORCE_COLOR": "1",
        "PYTHONPATH": path,
        "PYTHONSAFEPATH": "1",
        "KB_HOME": str(root),
        "KB_PYTHON": sys.executable,
    }
