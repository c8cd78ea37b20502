"""The command `kb`."""

import gc

from kb.terminal.interrupts import end_at_once

OBJECTS_BETWEEN_COLLECTIONS = 10_000  # Python looks for circles after 700: a twentieth of a command, which leaves few


def main() -> None:
    """Run the command line."""
    end_at_once()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    try:
        from kb.cli import main as run  # in a wheel
    except ModuleNotFoundError as error:
        if error.name != "kb.cli":
            raise
        from cli import main as run  # in a checkout or an editable install
    run()


if __name__ == "__main__":
    main()
