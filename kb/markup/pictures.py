"""What a reference implementation returns beside its rows, as bytes of a picture or of sound."""

import io
import sys
import wave
from array import array
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

from kb.errors import KbError

# Parts of the names of font files that have Chinese, on Linux, macOS and Windows.
CHINESE_FONTS = ("cjk", "sourcehan", "pingfang", "hiragino", "msyh", "simhei", "wqy", "uming", "droidsansfallback")
LOUDEST = 32_767  # of 16 bits


def picture(plot: Mapping[str, Any]) -> bytes:
    """Return a PNG of {"kind": "line" or "bar", "x": […], "series": {name: […]}, "x_label", "y_label"}.

    Raises: KbError if matplotlib is missing.
    """
    try:
        from matplotlib import rc_context
    except ModuleNotFoundError:
        raise KbError("a picture needs matplotlib", "run: pip install 'paper-kb[plots]'") from None
    chinese = _chinese_font() if _is_chinese(plot) else None
    with rc_context({"font.family": ["DejaVu Sans", *([chinese] if chinese else [])]}), catch_warnings():
        simplefilter("ignore")  # of every missing letter; lacks_font tells it once
        return _drawn(plot)


def lacks_font(plot: Mapping[str, Any]) -> bool:
    """Return whether boxes stand for the Chinese of a picture, since no font with any was found."""
    return _is_chinese(plot) and not _chinese_font()


@cache
def _chinese_font() -> str | None:
    """Return the name of a font with Chinese; matplotlib's own list does not know fonts installed after it was made."""
    from matplotlib.font_manager import FontProperties, findSystemFonts, fontManager

    found = [path for path in findSystemFonts() if any(part in Path(path).name.lower() for part in CHINESE_FONTS)]
    if not found:
        return None
    best = min(found, key=lambda path: ("Sans" not in path, "Regular" not in path, path))
    fontManager.addfont(best)
    return str(FontProperties(fname=best).get_name())


def _is_chinese(plot: Mapping[str, Any]) -> bool:
    texts = [plot["x_label"], plot["y_label"], *plot["series"], *map(str, plot["x"])]
    return any("\u3400" <= letter <= "\u9fff" for text in texts for letter in text)


def _drawn(plot: Mapping[str, Any]) -> bytes:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7, 4.5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    xs: Sequence[Any] = plot["x"]
    for number, (name, ys) in enumerate(plot["series"].items()):
        if plot["kind"] == "bar":
            width = 0.8 / len(plot["series"])
            axes.bar([place + number * width for place in range(len(xs))], ys, width, label=name)
        else:
            axes.plot(xs, ys, marker="o", label=name)
    if plot["kind"] == "bar":
        axes.set_xticks([place + 0.4 - 0.4 / len(plot["series"]) for place in range(len(xs))], [str(x) for x in xs])
    if all(isinstance(y, int) for ys in plot["series"].values() for y in ys):
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(plot["x_label"])
    axes.set_ylabel(plot["y_label"])
    if len(plot["series"]) > 1:
        axes.legend()
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    return drawn.getvalue()


def wav(samples: Sequence[float], sample_rate_hz: int) -> bytes:
    """Return mono 16-bit WAV of samples in [-1, 1]; what is louder is cut there."""
    numbers = array("h", (round(max(-1.0, min(1.0, sample)) * LOUDEST) for sample in samples))
    if sys.byteorder == "big":
        numbers.byteswap()
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate_hz)
        file.writeframes(numbers.tobytes())
    return written.getvalue()


def track_paths(path: Path, tracks: Sequence[str]) -> dict[str, Path]:
    """Return where each track is written: path itself for a single one, else its name before the suffix.

    Example: out.wav, ["original", "8 levels"] -> out-original.wav, out-8-levels.wav.
    """
    if len(tracks) == 1:
        return {tracks[0]: path}
    return {track: path.with_name(f"{path.stem}-{track.replace(' ', '-')}{path.suffix or '.wav'}") for track in tracks}
