"""A tokenizer cut down to the pieces that stand in one text: to load all 250,000 takes half a second and 300 MB."""

import json
from array import array
from binascii import a2b_base64, b2a_base64
from pathlib import Path

from kb.files import read_regular

FEW = 50_000  # pieces that are quickly loaded
LONGEST_TEXT = 2_000  # characters; of longer text the pieces that may stand in it are too many


def write_pieces(tokenizer: Path, file: Path) -> None:
    """Write what encode needs of a tokenizer, if that has many pieces with scores, the special ones first."""
    kept = json.loads(tokenizer.read_bytes())
    model = kept["model"]
    special = [one["id"] for one in kept["added_tokens"]]
    if model["type"] != "Unigram" or len(model["vocab"]) < FEW or special != list(range(len(special))):
        return
    pieces = [piece for piece, _ in model["vocab"]]
    scores = [score for _, score in model["vocab"]]
    worst = scores.index(min(scores))  # by whose score the model rates what is no piece
    found = {
        "tokenizer": {**kept, "model": {**model, "vocab": []}},
        "kept": [*special, worst],
        "longest": max(map(len, pieces)),
        "pieces": "\n".join(pieces),
        "scores": b2a_base64(array("d", scores).tobytes(), newline=False).decode(),
    }
    file.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")


def encode(file: Path, text: str, most: int) -> list[int]:
    """Return the tokens of a text, at most so many, as the whole tokenizer would. Raises: OSError."""
    from tokenizers import Tokenizer

    written = json.loads(read_regular(file))
    pieces, scores = written["pieces"].split("\n"), array("d", a2b_base64(written["scores"]))

    def tokenizer(ids: list[int]) -> Tokenizer:
        written["tokenizer"]["model"]["vocab"] = [(pieces[one], scores[one]) for one in ids]
        return Tokenizer.from_str(json.dumps(written["tokenizer"]))

    ids: list[int] = written["kept"]
    bare = tokenizer(ids)
    words = bare.pre_tokenizer.pre_tokenize_str(bare.normalizer.normalize_str(text))
    inside = {
        word[start:end]
        for word, _ in words
        for start in range(len(word))
        for end in range(start + 1, start + written["longest"] + 1)
    }.difference(pieces[one] for one in ids)
    ids += [one for one, piece in enumerate(pieces) if piece in inside]
    cut = tokenizer(ids)
    cut.enable_truncation(most)
    return [ids[one] for one in cut.encode(text).ids]
