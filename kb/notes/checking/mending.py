"""What can be mended mechanically, as a patch: the notes themselves stay as they are."""

import re
from collections.abc import Iterable
from difflib import unified_diff

from kb.errors import NoteError
from kb.notes.checking.characters import with_closed_front_matter, without_control_characters
from kb.notes.checking.identifiers import with_quoted_ids
from kb.notes.checking.layout import with_closed_fence
from kb.notes.reading import NoteFile, read_bytes

MENDERS = (without_control_characters, with_closed_front_matter, with_quoted_ids, with_closed_fence)


def patch(notes: Iterable[NoteFile]) -> str:
    """Return what mends notes as a unified diff for `patch -p0` and `git apply -p0`; empty if nothing can be mended.

    Files are named as in notes, so the patch applies in the folder that was checked. One whose name has several lines
    is left out: it could say which file is patched.
    """
    return "".join(_patch_of(note) for note in notes)


def mended(text: str) -> str:
    """Return text with what can be mended mechanically; text with lines that end in CR alone stays as it is."""
    if re.search(r"\r(?!\n)", text):
        return text
    for mend in MENDERS:
        text = mend(text)
    return text


def _patch_of(note: NoteFile) -> str:
    if len(note.file.splitlines()) > 1:
        return ""
    try:
        text = read_bytes(note).decode("utf-8")
    except (NoteError, UnicodeDecodeError):
        return ""
    name = f"{note.file}\t" if " " in note.file else note.file  # the tab says where a name with spaces ends
    before, after = (re.findall(r"[^\n]*\n|[^\n]+", one) for one in (text, mended(text)))
    lines = unified_diff(before, after, name, name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
