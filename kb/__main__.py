"""The command `kb`."""

import gc
import os
import sys

from kb.resident import client
from kb.terminal.interrupts import end_at_once

TYPE_CHECKING = False  # as type checkers know it
if TYPE_CHECKING:
    from types import ModuleType

OBJECTS_BETWEEN_COLLECTIONS = 10_000  # Python looks for circles after 700: a twentieth of a command, which leaves few


def main() -> None:
    """Run the command line, by the process that stays if there is one."""
    end_at_once()
    status = client.run(sys.argv[1:])
    if status is not None:
        sys.stdout.flush()
        os._exit(status)
    command_line()


def command_line() -> None:
    """Run the command line in this process."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    cli().main()


def cli() -> "ModuleType":
    """Return the module of the command line."""
    from importlib import import_module

    try:
        return import_module("kb.cli")  # in a wheel
    except ModuleNotFoundError as error:
        if error.name != "kb.cli":
            raise
        return import_module("cli")  # in a checkout or an editable install


if __name__ == "__main__":
    main()
