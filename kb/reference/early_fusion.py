"""Early fusion: sound tokens become new rows of a toy model's vocabulary, starting at the mean of the old.

The toy: the matrices are drawn, no language model is loaded.
Source: Ichigo (arXiv:2410.15316), TTS-LLaMA (arXiv:2410.20336) and AnyGPT (arXiv:2402.12226) for the vocabularies;
    the start at the mean and its bound: J. Hewitt, Initializing New Word Embeddings for Pretrained Language Models.
Left out: training; AnyGPT's music tokens; padding of the vocabulary to a round number, which released models may have.
Oracle: transformers' resize_token_embeddings, to 1e-4; Jensen's bound, which has to hold for every hidden state.
Ties: there are none. Dtype: that of the matrix. The seed draws only rows that start at random.
Notation: V text tokens, M new ones, D dimension, E [V, D] a matrix of rows (embeddings or output head), h [.., D].
"""

from typing import Any

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved

LLAMA_2, LLAMA_3 = 32_000, 128_256  # tokens of the text models
MODELS = {  # blocks in the order of their ids
    "ichigo": {"text": LLAMA_3, "sound": 512, "marks": 2},  # WhisperVQ's one codebook; where sound begins and ends
    "tts-llama": {"text": LLAMA_3, "semantic": 4096},
    "anygpt": {"text": LLAMA_2, "speech": 1024, "image": 8192},  # SpeechTokenizer's first level, SEED
}
STARTS = ("mean", "zero", "random")
TEXT, WIDTH, STATES = 1000, 32, 500  # of the toy


def token_id(model: str, block: str, code: int) -> int:
    """Return the number in the one vocabulary of a code that its own tokenizer counts from 0.

    Raises: ValueError if there is no such model, block or code.
    Example: "ichigo", "sound", 5 -> 128256 + 5 = 128261.
    """
    sizes = _blocks(model)
    if block not in sizes or not 0 <= code < sizes[block]:
        raise ValueError(f"{model} has {sizes}, got code {code} of {block!r}")
    return sum(list(sizes.values())[: list(sizes).index(block)]) + code


def parse_id(model: str, token: int) -> tuple[str, int]:
    """Return block and code of a token's number: the inverse of token_id."""
    rest = token
    for block, size in _blocks(model).items():
        if 0 <= rest < size:
            return block, rest
        rest -= size
    raise ValueError(f"{model} has the ids 0 to {vocabulary_size(model) - 1}, got {token}")


def vocabulary_size(model: str) -> int:
    """Return how many tokens there are after the extension: "ichigo" -> 128,770."""
    return sum(_blocks(model).values())


def new_tokens(model: str) -> int:
    """Return how many rows the extension adds: "tts-llama" -> 4096."""
    return vocabulary_size(model) - _blocks(model)["text"]


def extend(rows: Tensor, added: int, start: str = "mean", seed: int = 0) -> Tensor:
    """Return the matrix with so many rows below it, the old ones as they were.

    Args:
        rows: [V, D], the embeddings or the output head.
        added: M.
        seed: of random rows.
        start: where new rows start: "mean" of the old ones, "zero", or "random" with their deviation.
    Returns: [V + M, D], as rows are. Example: rows (1 3), (3 5), one added -> (1 3), (3 5), (2 4).
    Raises: ValueError if rows are not [V, D], or M is negative, or there is no such start.
    """
    if rows.ndim != 2 or not len(rows) or not rows.is_floating_point() or added < 0:
        raise ValueError(f"want rows [V, D] of floats and no M below 0, got {list(rows.shape)} {rows.dtype}, {added}")
    if start not in STARTS:
        raise ValueError(f"want a start out of {', '.join(STARTS)}, got {start!r}")
    drawn = torch.randn(added, rows.shape[1], generator=torch.Generator().manual_seed(seed)).to(rows)
    new = {
        "mean": rows.mean(0).expand(added, -1),
        "zero": torch.zeros_like(drawn),
        "random": rows.std(correction=0) * drawn,
    }
    return torch.cat([rows, new[start]])


def logits(hidden: Tensor, head: Tensor) -> Tensor:
    """Return the logits [.., V] of hidden states [.., D] under an output head [V, D]: one product a row.

    So rows added below change no old logit; only the softmax, which divides by the sum over all, sees them.
    """
    if head.ndim != 2 or hidden.shape[-1:] != head.shape[1:]:
        raise ValueError(f"want hidden [.., D] and head [V, D], got {list(hidden.shape)} and {list(head.shape)}")
    return hidden @ head.T


def new_share(hidden: Tensor, head: Tensor, text: int) -> Tensor:
    """Return the probability [..] that the model gives to all ids from `text` on together."""
    return logits(hidden, head).softmax(-1)[..., text:].sum(-1)


def new_share_bound_percent(text: int, added: int) -> float:
    """Return what share new tokens can take at most if they start at the mean: M / (V + M), in percent.

    The logit of a mean is a mean of logits, and exp of a mean is at most the mean of exp: so a new token never has
    more than the average text token, whatever the hidden state.
    Example: 128,256 text tokens and 514 new ones -> 0.399 percent.
    """
    if text < 1 or added < 0:
        raise ValueError(f"want 1 text token or more and 0 new ones or more, got {text} and {added}")
    return round(100 * added / (text + added), 3)


def _blocks(model: str) -> dict[str, int]:
    if model not in MODELS:
        raise ValueError(f"no model {model!r}, there are {', '.join(MODELS)}")
    return MODELS[model]


FIGURES = (token_id, vocabulary_size, new_tokens, new_share_bound_percent)  # what claims may run


def demo(*, device: str = "cpu", seed: int = 0, added: int = 500, bias: float = -4.0) -> dict[str, Any]:
    """Add rows to a toy head of 1000 text tokens: how much of the text's probability do they take, by their start?

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the head and the hidden states.
        added: new tokens, 1 or more.
        bias: what all text logits have in common; in language models it is often far below 0.
    """
    if added < 1:
        raise ValueError(f"want 1 new token or more, got {added}")
    generator = torch.Generator().manual_seed(seed)
    common = torch.nn.functional.normalize(torch.randn(WIDTH, generator=generator), dim=0)
    head = moved(torch.randn(TEXT, WIDTH, generator=generator) / WIDTH**0.5 + common, device)
    hidden = torch.randn(STATES, WIDTH, generator=generator)
    hidden = moved(hidden + (bias - hidden @ common)[:, None] * common, device)
    rows = []
    for start in STARTS:
        longer = extend(head, added, start, seed)
        share, change = 100 * new_share(hidden, longer, TEXT), logits(hidden, longer)[:, :TEXT] - logits(hidden, head)
        figures = {"new_percent": share.mean(), "worst_percent": share.max(), "logits_moved": change.abs().max()}
        rows.append({"start": start} | {name: round(float(figure), 2) for name, figure in figures.items()})
    counts = [1, 10, 50, 100, 250, 500, 1000, 2000, 4000]
    series = {
        start: [round(100 * float(new_share(hidden, extend(head, n, start, seed), TEXT).mean()), 3) for n in counts]
        for start in STARTS
    } | {"bound at the mean": [new_share_bound_percent(TEXT, n) for n in counts]}
    remarks = [
        "No text logit changes; what new tokens take from the text they take in the softmax.",
        f"From the mean {added} tokens take at most {new_share_bound_percent(TEXT, added):g} %, whatever the state.",
        f"Zeros have a logit of 0, the text's lie around {bias:g}: the lower those, the more zeros take.",
    ]
    plot = {"kind": "line", "x": counts, "series": series, "x_label": "new tokens", "y_label": "percent they take"}
    return {"rows": rows, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    generator = torch.Generator().manual_seed(0)
    head, hidden = (moved(torch.randn(n, 8, generator=generator).double(), device) for n in (50, 200))
    longer = extend(head, 20)
    codes = [(block, code) for block, size in MODELS["anygpt"].items() for code in (0, size - 1)]
    back = [parse_id("anygpt", token_id("anygpt", *code)) for code in codes]
    return [
        ("The old rows are as they were.", torch.equal(longer[:50], head)),
        ("New rows are the mean of the old.", torch.allclose(longer[50:], head.mean(0).expand(20, 8))),
        ("The text's logits stay.", torch.allclose(logits(hidden, longer)[:, :50], logits(hidden, head))),
        ("New tokens take no more than M / (V + M).", float(new_share(3 * hidden, longer, 50).max()) <= 20 / 70),
        ("Ids do not collide, and can be read back.", back == codes),
        ("Ichigo's sound 5 is 128261.", token_id("ichigo", "sound", 5) == 128_261),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("New rows in a toy vocabulary, and what they take from the text.", demo, checks)


if __name__ == "__main__":
    main()
