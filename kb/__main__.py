"""The command `kb`."""

try:
    from kb.cli import main  # in a wheel
except ModuleNotFoundError as error:
    if error.name != "kb.cli":
        raise
    from cli import main  # in a checkout or an editable install

if __name__ == "__main__":
    main()
