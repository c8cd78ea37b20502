"""What a copy of the process that stays cannot do for a command: whoever asked then runs it anew."""


class Cold(BaseException):
    """A command is given back to who asked for it, and nothing of what it printed is shown."""


class _Here:
    is_copy = False


def become_copy() -> None:
    """Say that this process is a copy, which runs one command for another process."""
    _Here.is_copy = True


def give_back() -> None:
    """Give the command back if this is a copy: it is about to need the keyboard, or to take long.

    Raises: Cold.
    """
    if _Here.is_copy:
        raise Cold
