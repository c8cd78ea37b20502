"""Export a sentence-transformers model as an encoder of kb.index.encoders.exported: once, when it is set up.

The graph is exported by torch, laid out by onnxruntime's own optimizer, and its vectors are compared with those of
sentence-transformers before it is used. Weights stay float32; docs/search.md has what int8 would give.
"""

import hashlib
import json
import os
import shutil
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.errors import EncoderMissing
from kb.files import is_abandoned, sync_files
from kb.index.encoders.exported import (
    FILES,
    GRAPH,
    INSTALL,
    MANIFEST,
    PIECES,
    TOKENIZER,
    WEIGHTS,
    Manifest,
    OnnxEncoder,
    encoders_folder,
    file_sum,
    folder_name,
)
from kb.index.encoders.models import find_model, refuse_pickled, refuse_pipes
from kb.index.encoders.paired import ExportedEncoder, models_of, paired
from kb.index.encoders.pieces import write_pieces
from kb.index.folder import narrow, own, refuse_links

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 512  # tokens, where a model sets no limit
PART = ".part"  # ends the name of a folder that is being made
SAME_VECTOR = 1e-3  # how far a number may lie from sentence-transformers'

# Sentences about nothing in common, and the same said in other words, which share no character with them.
_PROBES = [
    "今天的晚饭是番茄炒蛋。",
    "火箭发动机在真空中点火。",
    "她把钢琴卖给了邻居。",
    "央行下调了存款利率。",
    "台风使航班全部取消。",
]
_REPHRASED = [
    "傍晚我们吃了一道西红柿菜肴。",
    "航天器的推进装置于太空启动。",
    "隔壁人家买走一件键盘乐器。",
    "货币当局让储蓄的利息变少。",
    "天气恶劣，飞机一架也没有起飞。",
]
SAME_PLACE = 0.6  # mean cosine between the probes from which on they count as one place
_SAMPLES = ["residual vector quantization", "A speech codec for streaming dialogue.", _PROBES[0]]

# What models were trained with and do not declare themselves: (part of the name, before a query, before a passage).
_PROMPTS = (
    ("e5-mistral", "Instruct: Retrieve passages that answer the query\nQuery: ", ""),
    ("e5-large-instruct", "Instruct: Retrieve passages that answer the query\nQuery: ", ""),
    ("e5", "query: ", "passage: "),
    ("bge-m3", "", ""),
    ("bge-small-zh", "为这个句子生成表示以用于检索相关文章：", ""),
    ("bge-base-zh", "为这个句子生成表示以用于检索相关文章：", ""),
    ("bge-large-zh", "为这个句子生成表示以用于检索相关文章：", ""),
    ("bge", "Represent this sentence for searching relevant passages: ", ""),
)


def export_encoder(root: Path, index: Path, model: str) -> ExportedEncoder:
    """Export model, or both models of a pair, below the index folder and return the encoder they are.

    Raises: EncoderMissing as export_model does.
    """
    found = [export_model(root, index, one) for one in models_of(model)]
    return paired(model, found)


def export_model(root: Path, index: Path, model: str) -> OnnxEncoder:
    """Export model, found as kb.index.encoders.models.find_model does, below the index folder and return it.

    The fingerprint stands for everything that makes its numbers: weights, pooling, prompts, tokenizer, length. The text
    of a passage is no part of it: vectors are kept by the text they encode.
    Raises: EncoderMissing if packages or model are not there, or the model gives other vectors once exported.
    """
    source = find_model(root, index, model)
    refuse_pickled(source, model)
    refuse_pipes(source, model)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a model that names code or parts elsewhere must not fetch them
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(index))  # else torch makes a folder among temporary files
    own(index)
    refuse_links(encoders_folder(index))
    folder = encoders_folder(index) / folder_name(model)
    partial = folder.with_name(f"{folder.name}.{os.getpid()}{PART}")
    _remove_abandoned(folder.parent)
    partial.mkdir(parents=True)
    try:
        encoder = _made(_loaded(source, model, partial), model, partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)  # there still if the model cannot be exported
    narrow(index)
    return encoder


def _loaded(source: Path, model: str, partial: Path) -> Any:
    """Return the model of a folder, or of a package's file, which needs a folder for a moment."""
    try:
        import onnx  # noqa: F401 - torch's exporter writes through it
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ModuleNotFoundError as error:
        raise EncoderMissing(f"the encoder needs {error.name}", f"run: {INSTALL}") from None
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        if source.is_file():
            from kb.index.encoders import packaged_e5

            return packaged_e5.load(source, partial)
        return SentenceTransformer(
            str(source),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,  # a folder may have come with somebody else's notes
            model_kwargs={"use_safetensors": True},  # weights as .bin are pickled
        )
    except Exception as error:  # noqa: BLE001 - whatever three libraries make of files that are none of a model
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        raise EncoderMissing(f"encoder {model!r} cannot be read: {why:.200}") from None


def _made(transformer: Any, model: str, partial: Path, folder: Path) -> OnnxEncoder:
    """Make an encoder in partial, and give it the name of folder when it is whole."""
    _export_graph(transformer, partial)
    _export_tokenizer(transformer, partial)
    query_prompt, passage_prompt = _prompts(transformer, model)
    manifest = Manifest(
        model=model,
        fingerprint="",
        dimension=int(transformer.get_embedding_dimension() or 0),
        max_tokens=int(transformer.max_seq_length or LONGEST),
        pooling=next((str(m.pooling_mode) for m in transformer if hasattr(m, "pooling_mode")), "own"),
        query_prompt=query_prompt,
        passage_prompt=passage_prompt,
        reads_unspaced=True,
    )
    made_of = _weights_hash(transformer, partial / TOKENIZER, manifest)
    encoder = OnnxEncoder(partial, manifest)
    vectors = encoder.encode_passages(_SAMPLES + _PROBES)
    _compare(transformer, manifest, vectors)
    reads_unspaced = _reads_unspaced(vectors[len(_SAMPLES) :], encoder.encode_passages(_REPHRASED))
    (partial / WEIGHTS).touch()  # of a tiny model they lie in the graph; a file that is missing is told by its name
    write_pieces(partial / TOKENIZER, partial / PIECES)
    sums = {name: file_sum(partial / name) for name in (*FILES, PIECES) if (partial / name).exists()}
    manifest = manifest._replace(fingerprint=made_of, reads_unspaced=reads_unspaced, files=sums)
    (partial / MANIFEST).write_text(json.dumps(manifest._asdict(), indent=2) + "\n", encoding="utf-8")
    sync_files(partial)  # else a power cut may leave weights that are all zeros, and their names
    _put(partial, folder)
    return OnnxEncoder(folder, manifest)


def _put(partial: Path, folder: Path) -> None:
    """Give partial the name of folder; what was there is aside until then, and back if that cannot be done."""
    aside = folder.with_name(f"{folder.name}.{os.getpid()}.former{PART}")
    with suppress(FileNotFoundError):
        folder.rename(aside)
    try:
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process has just put the same there
            with suppress(FileNotFoundError):
                aside.rename(folder)
            raise
    shutil.rmtree(aside, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    """Remove what exports that were killed have left."""
    for path in folder.glob(f"*{PART}"):
        if is_abandoned(path):
            shutil.rmtree(path, ignore_errors=True)


def _prompts(transformer: Any, model: str) -> tuple[str, str]:
    """Return what stands before queries and before passages: as the model declares, else as it is known to want."""
    declared: dict[str, str] = transformer.prompts
    query = declared.get("query", "")
    passage = next((declared[name] for name in ("document", "passage", "corpus") if declared.get(name)), "")
    if query or passage:
        return query, passage
    name = model.lower()
    return next(((before_query, before) for part, before_query, before in _PROMPTS if part in name), ("", ""))


def _export_graph(transformer: Any, folder: Path) -> None:
    """Write the graph, optimized, and beside it the weights."""
    import torch
    from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions

    class Embedding(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, *inputs: Any) -> Any:
            found = self.transformer(dict(zip(names, inputs, strict=True)))["sentence_embedding"]
            return torch.nn.functional.normalize(found, dim=-1)

    example = transformer.tokenizer(["two", "texts of different length"], return_tensors="pt", padding=True)
    names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in example]
    raw = folder / "raw.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer warns of each shape it takes as given
        torch.onnx.export(
            Embedding().eval(),
            tuple(example[name] for name in names),
            str(raw),
            input_names=names,
            output_names=["embedding"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in names},
            opset_version=17,
            dynamo=False,
        )
    options = SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(folder / GRAPH)
    options.add_session_config_entry("session.optimized_model_external_initializers_file_name", WEIGHTS)
    options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "1024")
    InferenceSession(str(raw), options, providers=["CPUExecutionProvider"])
    raw.unlink()


def _export_tokenizer(transformer: Any, folder: Path) -> None:
    tokenizer = transformer.tokenizer.backend_tokenizer
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / TOKENIZER))


def _weights_hash(transformer: Any, tokenizer: Path, manifest: Manifest) -> str:
    said = repr(manifest).replace(", files=None)", ")")  # as it was before there were sums: vectors stay good
    found = hashlib.sha256(said.encode() + str(transformer).encode() + tokenizer.read_bytes())
    for name, weight in sorted(transformer.state_dict().items()):
        found.update(name.encode() + weight.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


def _compare(transformer: Any, manifest: Manifest, vectors: "NDArray[np.float32]") -> None:
    texts = _SAMPLES + _PROBES
    expected = transformer.encode(texts, prompt=manifest.passage_prompt or None, normalize_embeddings=True)
    farthest = abs(expected - vectors).max()
    if expected.shape != vectors.shape or farthest > SAME_VECTOR:
        raise EncoderMissing(
            f"encoder {manifest.model!r} gives other vectors once exported, off by {farthest:.2g}", "choose another"
        )


def _reads_unspaced(probes: "NDArray[np.float32]", rephrased: "NDArray[np.float32]") -> bool:
    """Return whether an encoder can tell Chinese sentences apart by what they say.

    One that puts the probes in one place cannot, unless each is still nearest to itself in other words: e5 puts
    whatever it reads within a cosine of .7.
    """
    count = len(probes)
    likeness = float(((probes @ probes.T).sum() - count) / (count * (count - 1)))
    nearest = (rephrased @ probes.T).argmax(axis=1).tolist()
    return likeness < SAME_PLACE or nearest == list(range(count))
