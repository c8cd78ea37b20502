"""The command `kb`."""

from kb.terminal.interrupts import end_at_once


def main() -> None:
    """Run the command line."""
    end_at_once()
    try:
        from kb.cli import main as run  # in a wheel
    except ModuleNotFoundError as error:
        if error.name != "kb.cli":
            raise
        from cli import main as run  # in a checkout or an editable install
    run()


if __name__ == "__main__":
    main()
