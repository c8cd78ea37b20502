"""What an algorithm draws and plays, as files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kb.api.alone import writable
from kb.files import write_out
from kb.markup.pictures import lacks_font, picture, track_paths, wav
from kb.terminal.commands.shared import tell


def write_picture(path: Path, plot: Mapping[str, Any], start: Path) -> None:
    """Write what is to be drawn to a PNG file, over nothing of the knowledge base at start; say what it lacks."""
    write_out(writable(path, start), picture(plot))
    if lacks_font(plot):
        tell("no font with Chinese was found, so boxes stand for it; install one, such as Noto Sans CJK")
    tell(f"wrote {path}")


def write_tracks(path: Path, audio: Mapping[str, Any], start: Path) -> None:
    """Write each track to a WAV file, path itself for a single one, over nothing of the knowledge base at start."""
    for track, place in track_paths(path, list(audio["tracks"])).items():
        write_out(writable(place, start), wav(audio["tracks"][track], audio["sample_rate_hz"]))
        tell(f"wrote {place}")
