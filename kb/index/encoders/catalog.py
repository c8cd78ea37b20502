"""Which encoders there are on this machine, for a list."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kb.index.encoders.exported import MANIFEST, WEIGHTS, encoders_folder, open_exported
from kb.index.encoders.models import PACKAGES, cached_models, is_packaged
from kb.index.encoders.paired import PAIRS, ExportedEncoder, models_of, open_encoder


class EncoderState(NamedTuple):
    """One line of the list; what is not known before a model is exported is None."""

    model: str
    state: str  # "ready", "installed" or "in the hub's cache": the last two are exported when they are used
    is_used: bool  # whether kb.toml names it
    dimension: int | None
    max_tokens: int | None
    reads_chinese: bool | None
    mebibytes: float | None


def encoders(index: Path, used: str) -> list[EncoderState]:
    """Return the encoders that can be used without a download, the one that kb.toml names first."""
    found = {model: _ready(model, encoder, used) for model, encoder in _exported(index)}
    for model in (*PAIRS, *PACKAGES):
        if all(map(is_packaged, models_of(model))):
            found.setdefault(model, _not_ready(model, "installed", used))
    for model in cached_models():
        found.setdefault(model, _not_ready(model, "in the hub's cache", used))
    return sorted(found.values(), key=lambda state: (not state.is_used, state.state != "ready", state.model))


def _exported(index: Path) -> Iterator[tuple[str, ExportedEncoder]]:
    for path in encoders_folder(index).glob(f"*/{MANIFEST}"):
        if encoder := open_exported(index, path.parent.name):
            yield encoder.manifest.model, encoder
    for model in PAIRS:
        if pair := open_encoder(index, model):
            yield model, pair


def _ready(model: str, encoder: ExportedEncoder, used: str) -> EncoderState:
    weights = [part.folder / WEIGHTS for part in encoder.parts]
    return EncoderState(
        model,
        "ready",
        model == used,
        encoder.dimension,
        min(part.manifest.max_tokens for part in encoder.parts),
        encoder.reads_unspaced,
        round(sum(path.stat().st_size for path in weights if path.is_file()) / 2**20, 1),
    )


def _not_ready(model: str, state: str, used: str) -> EncoderState:
    return EncoderState(model, state, model == used, None, None, None, None)
