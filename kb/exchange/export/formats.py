"""The formats papers are exported to, by name."""

from collections.abc import Callable, Sequence
from pathlib import Path

from kb.config.kb_toml import Config
from kb.config.outputs import refuse_own
from kb.errors import KbError
from kb.exchange.export import bibtex, csl, obsidian, ris, tables
from kb.exchange.export.works import Work
from kb.files import write_out
from kb.index.folder import permitted
from kb.index.sqlite.reader import Reader

RENDERERS: dict[str, Callable[[Sequence[Work]], str]] = {
    "bibtex": bibtex.render,
    "csl-json": csl.render,
    "ris": ris.render,
    "jsonl": tables.render_lines,
    "csv": tables.render_csv,
}
BOM = "\ufeff"  # without it Excel takes Chinese for something else


def write_file(config: Config, reader: Reader, works: Sequence[Work], name: str, path: Path) -> None:
    """Write works in a format to path, whole or not at all.

    Raises: KbError if path cannot be written or lies among the notes.
    """
    refuse_own(config, path)
    if path.is_dir():
        raise KbError(f"{path} is a folder", "name a file in it")
    text = RENDERERS[name](works)
    data = (BOM + text if name == "csv" else text).encode("utf-8")
    write_out(path, data, permitted(config, reader.files.paths()) & 0o666)


def write_vault(config: Config, reader: Reader, works: Sequence[Work], folder: Path) -> obsidian.Written:
    """Write a note for each of works into folder.

    Raises: KbError if folder cannot be written or lies among the notes.
    """
    refuse_own(config, folder)
    return obsidian.write_vault(reader, works, folder, permitted(config, reader.files.paths()))
