"""Hear of a changed note at once. Who watches the notes tells a moment later, when nothing more comes."""

import os
from collections.abc import Iterable
from pathlib import Path


class Hearing:
    """Whether something below folders has changed. The system counts it within the call that changes it.

    Raises: OSError if they cannot be heard.
    """

    def __init__(self, folders: Iterable[Path], index: Path) -> None:
        from inotify_simple import INotify, flags

        self._inotify = INotify(nonblocking=True)
        self._of_folder = flags.ISDIR
        self._wanted = flags.MODIFY | flags.CREATE | flags.DELETE | flags.MOVED_FROM | flags.MOVED_TO
        self._wanted |= flags.DELETE_SELF | flags.MOVE_SELF | flags.ONLYDIR
        self._index = str(index)
        self._folders = [str(folder) for folder in folders]
        self._listen(self._folders)

    def has_heard(self) -> bool:
        """Whether something has changed since this was asked last."""
        try:
            events = list(self._inotify.read(timeout=0))
            if any(one.mask & self._of_folder for one in events):
                self._listen(self._folders)  # one may be new
        except OSError:  # one is gone already
            return True
        return bool(events)

    def _listen(self, pending: Iterable[str]) -> None:
        pending = list(pending)
        while pending:
            folder = pending.pop()
            self._inotify.add_watch(folder, self._wanted)
            with os.scandir(folder) as entries:
                pending += [
                    one.path
                    for one in entries
                    if one.is_dir(follow_symlinks=False) and not one.name.startswith(".") and one.path != self._index
                ]
