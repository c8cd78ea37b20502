"""An exported encoder: a folder with its ONNX graph, weights, tokenizer and a manifest of what it is.

A search waits for this file. The weights lie outside the graph, so that they are mapped into memory and not read: a
query touches a small part of them.
"""

import json
import os
import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from kb.errors import EncoderMissing
from kb.files import read_regular
from kb.index.encoders import pieces
from kb.index.translation import Gloss, readable, readable_passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INSTALL = "pip install 'paper-kb[models,minilm]'"
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else onnxruntime keeps what it does, and sends it to its makers
MANIFEST, GRAPH, WEIGHTS, TOKENIZER = "manifest.json", "model.onnx", "model.data", "tokenizer.json"
FILES = (GRAPH, WEIGHTS, TOKENIZER)
PIECES = "pieces.json"  # a fourth one, where the tokenizer is large
LONGEST_NAME = 200  # bytes of a folder's: systems take 255, and one in the making has more behind
BYTES_AT_ONCE = 2**20
FOUR_BITS = b"MatMulNBits"  # the operation in a graph whose weights have 4 bits


class FileSum(NamedTuple):
    """What a file of an encoder held when it was exported."""

    size: int
    sha256: str


class Manifest(NamedTuple):
    """What an exported encoder is."""

    model: str  # as kb.toml names it
    fingerprint: str
    dimension: int
    max_tokens: int
    pooling: str
    query_prompt: str  # stands before every query
    passage_prompt: str  # stands before every passage
    reads_unspaced: bool  # whether it can tell Chinese sentences apart
    files: dict[str, FileSum] | None = None  # by name; None of an encoder that an earlier version exported


_KINDS = (str, str, int, int, str, str, str, bool)  # of what a manifest says besides its files


class OnnxEncoder:
    """An encoder in its folder; tokenizer and model are loaded when something is encoded."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

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
        """Whether it reads Chinese itself, and not what the translation table makes of it."""
        return self.manifest.reads_unspaced

    @property
    def parts(self) -> "tuple[OnnxEncoder, ...]":
        """The encoders it is made of: itself."""
        return (self,)

    def query_text(self, text: str, gloss: "Gloss | None") -> str:
        """See Encoder."""
        return readable(text, self.reads_unspaced, gloss).strip()

    def passage_text(self, text: str, gloss: "Gloss | None") -> str:
        """See Encoder."""
        return readable_passage(text, self.reads_unspaced, gloss)

    def encode_passages(self, texts: list[str]) -> "NDArray[np.float32]":
        """See Encoder. Each text is encoded alone, several at a time: so none is padded to the length of another."""
        from concurrent.futures import ThreadPoolExecutor

        import numpy

        model = self._fast_model
        encodings = self._tokenizer.encode_batch([self.manifest.passage_prompt + text for text in texts])
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            return numpy.stack(list(threads.map(lambda encoding: self._vector(model, encoding.ids), encodings)))

    def encode_query(self, text: str) -> "NDArray[np.float32]":
        """See Encoder."""
        return self._vector(self._light_model, self._query_tokens(self.manifest.query_prompt + text))

    def _query_tokens(self, text: str) -> list[int]:
        if PIECES not in (self.manifest.files or {}) or len(text) > pieces.LONGEST_TEXT or "_tokenizer" in vars(self):
            ids: list[int] = self._tokenizer.encode(text).ids
            return ids
        try:
            return pieces.encode(self.folder / PIECES, text, self.manifest.max_tokens)
        except ModuleNotFoundError as error:
            raise EncoderMissing(f"the encoder needs {error.name}", f"run: {INSTALL}") from None
        except Exception as error:  # noqa: BLE001 - as of _tokenizer
            raise self._broken(error) from None

    @cached_property
    def _fast_model(self) -> Any:
        """Return the session that takes its time to lay the weights out for speed: for many texts."""
        return self._session({})

    @cached_property
    def _light_model(self) -> Any:
        """Return the session that uses the weights where they lie: ready in a fifth of the time, for one text.

        Weights of 4 bits are few, and slow where they lie: they are laid out for one text, too.
        """
        try:
            is_packed = FOUR_BITS in read_regular(self.folder / GRAPH)
        except OSError as error:
            raise self._broken(error) from None
        return self._session({} if is_packed else {"session.disable_prepacking": "1"})

    @cached_property
    def _tokenizer(self) -> Any:
        try:
            from tokenizers import Tokenizer
        except ModuleNotFoundError as error:
            raise EncoderMissing(f"the encoder needs {error.name}", f"run: {INSTALL}") from None
        try:
            tokenizer = Tokenizer.from_file(str(self.folder / TOKENIZER))
        except Exception as error:  # noqa: BLE001 - tokenizers raises nothing more particular
            raise self._broken(error) from None
        tokenizer.enable_truncation(self.manifest.max_tokens)
        return tokenizer

    def _session(self, settings: dict[str, str]) -> Any:
        try:
            from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions
            from onnxruntime.capi import onnxruntime_pybind11_state as raised
        except ModuleNotFoundError as error:
            raise EncoderMissing(f"the encoder needs {error.name}", f"run: {INSTALL}") from None
        options = SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = GraphOptimizationLevel.ORT_DISABLE_ALL  # done when it was exported
        options.intra_op_num_threads = 1
        for name, value in settings.items():
            options.add_session_config_entry(name, value)
        bad_graph = (raised.InvalidGraph, raised.InvalidProtobuf, raised.NotImplemented)
        bad_weights = (raised.Fail, raised.InvalidArgument, raised.NoSuchFile, raised.RuntimeException)
        try:
            return InferenceSession(str(self.folder / GRAPH), options, providers=["CPUExecutionProvider"])
        except bad_graph + bad_weights as error:
            raise self._broken(error) from None

    def _vector(self, session: Any, ids: list[int]) -> "NDArray[np.float32]":
        import numpy

        tokens = numpy.array([ids], dtype=numpy.int64)
        inputs = {
            "input_ids": tokens,
            "attention_mask": numpy.ones_like(tokens),
            "token_type_ids": numpy.zeros_like(tokens),
        }
        feed = {value.name: inputs[value.name] for value in session.get_inputs()}
        found: NDArray[np.float32] = session.run(["embedding"], feed)[0].astype("<f4", copy=False)
        if found.shape != (1, self.dimension):
            raise self._broken(f"it gives vectors of {found.shape[-1]} dimensions, not {self.dimension}")
        vector: NDArray[np.float32] = found[0]
        return vector

    def _broken(self, reason: object) -> EncoderMissing:
        first_line = str(reason).partition("\n")[0].rsplit("] : ", 1)[-1][:100]
        way_out = f"run: kb encoder export {self.manifest.model}"
        return EncoderMissing(f"{self.folder} cannot be used ({first_line})", way_out)


def encoders_folder(index: Path) -> Path:
    """Return where exported encoders lie below the index folder."""
    return index / "encoders"


def folder_name(model: str) -> str:
    """Return model as the name of a folder within another: "BAAI/bge-m3" -> "BAAI-bge-m3", ".." -> "model-..".

    A name that is too long for one ends in its hash.
    """
    name = re.sub(r"[^\w.-]+", "-", model)
    if len(name.encode()) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME // 4]}-{crc32(model.encode()):08x}"
    return name if name.strip(".") else f"model-{name}"


def open_exported(index: Path, model: str) -> OnnxEncoder | None:
    """Return the exported encoder of model; None if none was exported, not whole, or by a version of another layout.

    Its files are as long as they were; whether they are the same to the byte, changed_files says.
    """
    folder = encoders_folder(index) / folder_name(model)
    try:
        values = json.loads(read_regular(folder / MANIFEST))
        sums = values.pop("files", None)
        names = (*FILES, PIECES) if sums and PIECES in sums else FILES
        sizes = {name: (folder / name).stat().st_size for name in names}
        if sums:
            values["files"] = {name: FileSum(*sums[name]) for name in names}
        manifest = Manifest(**values)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    if not all(type(value) is kind for value, kind in zip(manifest[:-1], _KINDS, strict=True)):
        return None
    is_whole = manifest.files is None or all(sizes[name] == one.size for name, one in manifest.files.items())
    return OnnxEncoder(folder, manifest) if is_whole and manifest.dimension > 0 < manifest.max_tokens else None


def file_sum(path: Path) -> FileSum:
    """Return the length and the checksum of a file. Raises: OSError."""
    import hashlib  # a search asks for no sum

    found, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while part := file.read(BYTES_AT_ONCE):
            found.update(part)
            size += len(part)
    return FileSum(size, found.hexdigest())


def changed_files(encoders: Iterable[OnnxEncoder], only_touched: bool) -> list[str]:
    """Return the names of the files of encoders that are not what was exported.

    only_touched reads those alone that were written after the manifest, which is the last of an export.
    """
    found: list[str] = []
    for encoder in encoders:
        sums = encoder.manifest.files or {}
        exported_ns = (encoder.folder / MANIFEST).stat().st_mtime_ns if only_touched else -1
        paths = [path for name in sums if (path := encoder.folder / name).stat().st_mtime_ns > exported_ns]
        found += [path.name for path in paths if file_sum(path) != sums[path.name]]
    return found
