"""What a copy of the process that stays cannot do for a command: whoever asked then runs it anew."""

TYPE_CHECKING = False  # as type checkers know it
if TYPE_CHECKING:
    from collections.abc import Callable


class Cold(BaseException):
    """A command is given back to who asked for it, and nothing of what it printed is shown."""


class _Here:
    is_copy = False
    page: "Callable[[str], object] | None" = None


def become_copy(page: "Callable[[str], object]") -> None:
    """Say that this process is a copy, which runs one command for another process; page has that show a pager."""
    _Here.is_copy = True
    _Here.page = page


def page_elsewhere(text: str) -> bool:
    """Have whoever asked show text in a pager if this is a copy, and return whether it is one."""
    if not _Here.page:
        return False
    _Here.page(text)
    return True


def give_back() -> None:
    """Give the command back if this is a copy: it is about to need the keyboard, or to take long.

    Raises: Cold.
    """
    if _Here.is_copy:
        raise Cold
