"""TASTE: text tokens ask the speech how they were said, so there are as many as text tokens (toy encoder).

Long because of the toy that reads aloud, without which there would be nothing to exchange.
Source: TASTE, section 3 (arXiv:2504.07053); in its published code keys are the encoder's last layer, values its
    sixth, and a token is four codes of 512 (36 bit).
Left out: the speech encoder, the recognizer, the unit decoder and all training. The demo's encoder is a toy that is
    made so that the last layer knows the word and a middle one how it is said; what it shows follows from that.
Oracle: torch.nn.functional.scaled_dot_product_attention and torch.nn.MultiheadAttention, within 1e-5.
Ties: none. Dtype: the input's. Codes come from kb/reference/rvq.py, which it imports.
Notation: B batch, N text tokens, T frames, D dimension, H heads; text [B, N, D], frames [B, T, D], tokens [B, N, D].
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from kb.reference import rvq
from kb.reference._alone import run_alone
from kb.reference._devices import moved

FRAME_MS = 20


def attend(queries: Tensor, keys: Tensor, values: Tensor, is_frame: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return for each query the values, weighted by how well their keys match, and the weights.

    Args:
        queries: [.., N, D].
        keys: [.., T, D].
        values: [.., T, Dv]; those of other layers than keys, but of the same frames.
        is_frame: [.., T], bool: False for padding, which gets no weight. None: all are frames.
    Returns: [.., N, Dv] and weights [.., N, T] that sum to 1.
    Raises: ValueError if keys and values are not of the same frames, or none of them is a frame.
    Example: query 1, keys 0 and log 3 (D = 1), values 0 and 8 -> weights 1/4 and 3/4, so 6.
    """
    fits = queries.shape[-1] == keys.shape[-1] and keys.shape[:-1] == values.shape[:-1] and keys.shape[-2]
    if not fits or (is_frame is not None and not is_frame.any(-1).all()):
        shapes = " and ".join(str(list(one.shape)) for one in (queries, keys, values))
        raise ValueError(f"want queries [.., N, D], keys [.., T, D], values [.., T, Dv] and frames, got {shapes}")
    scores = queries @ keys.transpose(-1, -2) / math.sqrt(keys.shape[-1])
    if is_frame is not None:
        scores = scores.masked_fill(~is_frame[..., None, :], -math.inf)
    weights = scores.softmax(-1)
    return weights @ values, weights


class Aggregator(nn.Module):
    """One layer of cross-attention with H heads: queries from text, keys from one layer, values from another."""

    def __init__(self, dimension: int, heads: int) -> None:
        super().__init__()
        if dimension % heads:
            raise ValueError(f"want a dimension that {heads} heads divide, got {dimension}")
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(dimension, dimension) for _ in range(4))

    def forward(self, text: Tensor, last: Tensor, middle: Tensor, is_frame: Tensor | None = None) -> Tensor:
        """Return a token for every text token, however many frames there are.

        Args:
            text: [B, N, D], embeddings of the text tokens.
            last: [B, T, D], the speech encoder's last layer.
            middle: [B, T, D], one of its middle layers.
            is_frame: [B, T], False for padding.
        """
        parts = (self._split(self.query(text)), self._split(self.key(last)), self._split(self.value(middle)))
        heads, _ = attend(*parts, is_frame if is_frame is None else is_frame[:, None])
        tokens: Tensor = self.out(heads.transpose(1, 2).flatten(2))
        return tokens

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)  # [B, .., D] -> [B, H, .., D / H]


def swap(one: Tensor, other: Tensor, places: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return both readings' tokens [B, N, D] with those at some places exchanged. Swapping again takes it back."""
    if one.shape != other.shape:
        raise ValueError(f"want two readings of one text, got {list(one.shape)} and {list(other.shape)}")
    left, right = one.clone(), other.clone()
    left[:, places], right[:, places] = other[:, places], one[:, places]
    return left, right


class Reading(NamedTuple):
    """What a toy encoder gives for a text that is read aloud: middle layer [1, T, 2], last [1, T, D], and the truth."""

    middle: Tensor
    last: Tensor
    word_of: list[int]  # of each frame
    said: Tensor  # [N, 2]: length in ms and pitch in Hz of each word


def read_aloud(embeddings: Tensor, frame_counts: Sequence[int], pitches: Sequence[float], noise: Tensor) -> Reading:
    """Return a reading in which word n has so many frames, and such a pitch.

    The last layer says which word it is, the middle one how it is said; noise [T, D] is added to both.
    """
    word_of = [word for word, count in enumerate(frame_counts) for _ in range(count)]
    said = torch.tensor([[FRAME_MS * n, pitch] for n, pitch in zip(frame_counts, pitches, strict=True)]).to(embeddings)
    last = embeddings[word_of] + 0.3 * noise
    middle = said[word_of] * (1 + 0.05 * noise[:, :2])
    return Reading(middle[None], last[None], word_of, said)


def tokens_of(embeddings: Tensor, reading: Reading) -> tuple[Tensor, Tensor]:
    """Return tokens [1, N, ..] and weights [1, N, T] of a reading: a word's query matches the keys of its frames."""
    sharp = embeddings * 6 * math.sqrt(embeddings.shape[1])  # what training would give: a word finds its own frames
    return attend(sharp[None], reading.last, reading.middle)


def draw(weights: Tensor, words: Sequence[str]) -> str:
    """Return weights [N, T] as text: a row for each word, "#" where a tenth of its largest weight or more is."""
    width = max(map(len, words))
    strong = (weights >= 0.1 * weights.max(1, keepdim=True).values).tolist()
    return "\n".join(
        f"{word:<{width}}  {''.join('.#'[one] for one in row)}" for word, row in zip(words, strong, strict=True)
    )


def demo(
    *, device: str = "cpu", seed: int = 0, text: str = "so we read it slowly or fast", swapped: tuple[int, ...] = (3, 4)
) -> dict[str, Any]:
    """Read a text fast and slowly, swap some of the tokens, and return how long each word then is.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the words' embeddings, the pitch and the noise.
        text: what is read; each word is one token.
        swapped: numbers of the words whose tokens are exchanged, from 0.
    """
    words = text.split()
    if not words or not all(0 <= place < len(words) for place in swapped):
        raise ValueError(f"want words, and places to swap in 0..{len(words) - 1}, got {text!r} and {list(swapped)}")
    generator = torch.Generator().manual_seed(seed)
    embeddings = moved(nn.functional.normalize(torch.randn(len(words), 32, generator=generator), dim=1), device)
    readings = []
    for frames_a_letter, pitch in ((2, 140.0), (5, 110.0)):
        counts = [frames_a_letter * len(word) + 1 for word in words]
        noise = torch.randn(sum(counts), 32, generator=generator).to(embeddings) / math.sqrt(32)
        pitches = (pitch + 30 * torch.rand(len(words), generator=generator)).tolist()
        readings.append(read_aloud(embeddings, counts, pitches, noise))
    (fast, weights), (slow, _) = (tokens_of(embeddings, reading) for reading in readings)
    mixed, _ = swap(fast, slow, swapped)
    rows = [
        {
            "word": word,
            "fast_ms": round(float(readings[0].said[n, 0])),
            "slow_ms": round(float(readings[1].said[n, 0])),
            "fast_token_ms": round(float(fast[0, n, 0])),
            "slow_token_ms": round(float(slow[0, n, 0])),
            "after_swap_ms": round(float(mixed[0, n, 0])),
            "own_frames": round(float(weights[0, n, [w == n for w in readings[0].word_of]].sum()), 3),
        }
        for n, word in enumerate(words)
    ]
    coded, codebooks = _coded(fast, slow, seed)
    remarks = [
        f"{len(words)} tokens from {len(readings[0].word_of)} frames read fast and {len(readings[1].word_of)} slowly.",
        "own_frames is the weight that a word's query gives to the frames in which the word is said.",
        f"In codes of {codebooks.shape[0]} x {codebooks.shape[1]} the lengths are {coded:.0f} ms off on average.",
        "A toy: its last layer knows the words and its middle layer their length and pitch, because it was made so.",
    ]
    return {"rows": rows, "remarks": remarks, "drawing": draw(weights[0], words)}


def _coded(fast: Tensor, slow: Tensor, seed: int) -> tuple[float, Tensor]:
    """Return how far lengths are off when tokens are coded in two levels of four, and the codebooks."""
    tokens = torch.cat([fast, slow], dim=1).transpose(1, 2)  # [1, D, 2 N], as rvq has it
    codebooks = rvq.fit(tokens, 2, min(4, tokens.shape[2]), iterations=20, seed=seed)
    decoded = rvq.decode(rvq.encode(tokens, codebooks), codebooks)
    return float((decoded - tokens)[0, 0].abs().mean()), codebooks


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the aggregator, each with whether it did.

    Args:
        device: where the tensors live, "cpu" or "cuda".
    """
    drawn = moved(torch.randn(4, 2, 9, 8, generator=torch.Generator().manual_seed(0)), device)
    queries, keys, values, _ = drawn
    by_hand, _ = attend(*(queries.new_tensor(x)[:, None] for x in ([1.0], [0.0, math.log(3)], [0.0, 8.0])))
    theirs = nn.functional.scaled_dot_product_attention(queries, keys, values)
    is_frame = torch.arange(9, device=drawn.device) < 6
    cut, _ = attend(queries, keys[:, :6], values[:, :6])
    layer = Aggregator(8, 2).to(drawn.device)
    left, right = swap(queries, values, [1, 2])
    return [
        ("A query that matches 1 to 3 gets 6 of 0 and 8.", abs(float(by_hand) - 6) < 1e-5),
        ("It is torch's attention.", torch.allclose(attend(queries, keys, values)[0], theirs, atol=1e-6)),
        ("Padding changes nothing.", torch.allclose(attend(queries, keys, values, is_frame.expand(2, 9))[0], cut)),
        ("There are as many tokens as text tokens.", layer(queries[:, :4], keys, values).shape == (2, 4, 8)),
        ("However long the speech is.", layer(queries[:, :4], keys[:, :2], values[:, :2]).shape == (2, 4, 8)),
        (
            "Only the tokens at the places are exchanged.",
            torch.equal((left != queries).any(-1)[0].nonzero()[:, 0].cpu(), torch.tensor([1, 2])),
        ),
        ("Swapping again takes it back.", torch.equal(swap(left, right, [1, 2])[0], queries)),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("One text read fast and slowly, and its tokens exchanged.", demo, checks)


if __name__ == "__main__":
    main()
