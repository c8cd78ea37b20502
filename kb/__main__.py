"""The command `kb`."""

import gc
import os
import sys

from kb.resident import client
from kb.terminal.interrupts import end_at_once

OBJECTS_BETWEEN_COLLECTIONS = 10_000  # Python looks for circles after 700: a twentieth of a command, which leaves few


def main() -> None:
    """Run the command line, by the process that stays if there is one."""
    end_at_once()
    status = client.run(sys.argv[1:])
    if status is not None:
        sys.stdout.flush()
        os._exit(status)
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    from kb.terminal.program import command_line

    command_line().main()


if __name__ == "__main__":
    main()
