"""Watch the notes, bring what changes into the index, and tell when the index knows them."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from kb.api.base import KnowledgeBase
from kb.errors import KbError
from kb.notes.folders import SUFFIXES
from kb.resident.beside import Tell
from kb.resident.server import BLIND, CHANGED, KNOWN

TOGETHER_MS, BETWEEN_MS = 500, 100  # changes that come one after another are taken in at once; it looks so often
POLLED_SECONDS = 5.0  # where nothing can be watched


def watch(base: KnowledgeBase, tell: Tell) -> None:
    """Bring changed notes in as soon as they are saved, for ever."""
    while True:
        try:
            for _ in changes(base):
                tell(CHANGED)
                if _bring_in(base):
                    tell(KNOWN)
        except OSError:  # too many folders for the system to watch, or one that went away
            tell(BLIND)
        _bring_in(base)
        time.sleep(POLLED_SECONDS)


def _bring_in(base: KnowledgeBase) -> bool:
    """Return whether every note is in the index now."""
    try:
        return not base.refresh()
    except (KbError, OSError):  # a command tells it
        return False


def changes(base: KnowledgeBase) -> Iterator[None]:
    """Yield at once, and then whenever something below the folders of notes has changed, but for the index itself.

    Raises: OSError if they cannot be watched: then nothing more comes.
    """
    from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError  # what blocks until something changes

    folders = [folder for folder in base.config.folders if folder.is_dir()]
    if len(folders) < len(base.config.folders) or any(map(_leads_elsewhere, folders)):
        raise OSError("there are links, or libraries")
    never, ours = Event(), f"{base.config.index}{os.sep}"
    try:
        with RustNotify([str(folder) for folder in folders], False, False, 0, True, True) as notify:
            yield
            while True:
                found = notify.watch(TOGETHER_MS, BETWEEN_MS, 0, never)
                if not isinstance(found, set):  # a signal, or the end
                    return
                if any(not f"{path}{os.sep}".startswith(ours) for _, path in found):
                    yield
                if any(os.path.islink(path) for _, path in found):
                    raise OSError("there are links")
    except WatchfilesRustInternalError as error:
        raise OSError(str(error)) from None


def _leads_elsewhere(folder: Path) -> bool:
    """Whether a note below folder may be changed by another path, which nobody hears of: by a link of either kind."""
    pending = [str(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif entry.name.lower().endswith(SUFFIXES) and (
                    entry.is_symlink() or entry.stat(follow_symlinks=False).st_nlink > 1
                ):
                    return True
    return False
