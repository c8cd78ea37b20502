"""Pictures that lie among the notes, as a page shows them."""

from pathlib import Path

from kb.config.kb_toml import Config

SUFFIXES = (".avif", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp")


def picture(config: Config, file: str) -> Path | None:
    """Return the picture that file names, as files of notes are named; None if it is none.

    A picture lies in a folder of notes, and so does what a link in its place leads to.
    """
    if "\0" in file or not file.lower().endswith(SUFFIXES):
        return None
    try:
        path = config.path_of(file).resolve()
        is_inside = any(path.is_relative_to(folder.resolve()) for folder in config.folders)
        return path if is_inside and path.is_file() and path.suffix.lower() in SUFFIXES else None
    except (OSError, RuntimeError):  # a name that is too long, links in a circle
        return None
