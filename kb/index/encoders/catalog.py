"""Which encoders there are on this machine, for a list."""

from pathlib import Path
from typing import NamedTuple

from kb.index.encoders.exported import MANIFEST, WEIGHTS, OnnxEncoder, encoders_folder, open_encoder
from kb.index.encoders.models import PACKAGES, cached_models, is_packaged


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
    found = {encoder.manifest.model: _ready(encoder, used) for encoder in _exported(index)}
    for model in filter(is_packaged, PACKAGES):
        found.setdefault(model, _not_ready(model, "installed", used))
    for model in cached_models():
        found.setdefault(model, _not_ready(model, "in the hub's cache", used))
    return sorted(found.values(), key=lambda state: (not state.is_used, state.state != "ready", state.model))


def _exported(index: Path) -> list[OnnxEncoder]:
    names = [path.parent.name for path in encoders_folder(index).glob(f"*/{MANIFEST}")]
    return [encoder for name in names if (encoder := open_encoder(index, name))]


def _ready(encoder: OnnxEncoder, used: str) -> EncoderState:
    manifest = encoder.manifest
    size = (encoder.folder / WEIGHTS).stat().st_size if (encoder.folder / WEIGHTS).is_file() else 0
    return EncoderState(
        manifest.model,
        "ready",
        manifest.model == used,
        manifest.dimension,
        manifest.max_tokens,
        manifest.reads_unspaced,
        round(size / 2**20, 1),
    )


def _not_ready(model: str, state: str, used: str) -> EncoderState:
    return EncoderState(model, state, model == used, None, None, None, None)
