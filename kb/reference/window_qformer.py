"""Window-level Q-Former: every window of L frames becomes N tokens, by queries that attend to that window alone.

Long because the whole Q-Former is written out, attention and layers, to be counted parameter by parameter.
Source: SALMONN, section 3.1 (arXiv:2310.13289); the Q-Former inside is BLIP-2's, section 3.1 (arXiv:2301.12597).
Left out: the two encoders (their features come in), the language model behind, dropout and training.
Oracle: Blip2QFormerModel (transformers): as many parameters, and with copied weights the same output to 1e-5.
88 or 89: the paper's formula pads the last window with zeros, ceil(T / L) windows; its figure and the released code
    (F.unfold without padding) have floor(T / L). last_window says which; "dropped", as in the code, is the default.
    Padded zeros are attended to like frames: the paper has no mask, so a padded window differs from a shorter one.
Ties: there are none. Dtype: that of the weights, float32 unless moved; a model starts from torch's generator.
Notation: B batch, T frames, E width of the encoders, W windows, L frames of a window, N queries, D width, H heads.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from kb.reference._alone import run_alone
from kb.reference._devices import moved

LAYERS, HEADS, WIDTH = 2, 12, 768  # SALMONN: two layers of BERT's width
ENCODERS = (1280, 768)  # Whisper-large-v2 and BEATs
LLM_LAYERS, LLM_WIDTH, LORA_RANK = 40, 5120, 8  # Vicuna 13B; LoRA on its queries and values
WINDOW_SECONDS, FRAME_RATE_HZ = 0.333333, 50.0  # the configuration's window, which is rounded to 17 frames
LAST_WINDOWS = ("dropped", "padded")


def cut(features: Tensor, window: int, last_window: str = "dropped") -> Tensor:
    """Return windows [B, W, L, E] of features [B, T, E], none overlapping.

    Args:
        features: [B, T, E].
        window: frames in a window, L.
        last_window: what becomes of a last window that is not full: "dropped", or "padded" with zeros.
    Raises: ValueError for features of another shape, a window below 1, or another last_window.
    Example: 5 frames in windows of 2 -> (1 2) (3 4), and if padded (5 0).
    """
    if features.ndim != 3 or window < 1 or last_window not in LAST_WINDOWS:
        got = f"{list(features.shape)}, {window} and {last_window!r}"
        raise ValueError(f"want features [B, T, E], a window of 1 frame or more, one of {LAST_WINDOWS}; got {got}")
    frames = features.shape[1]
    if last_window == "padded":
        features = nn.functional.pad(features, (0, 0, 0, -frames % window))
    windows = features.shape[1] // window
    return features[:, : windows * window].reshape(len(features), windows, window, features.shape[2])


class Attention(nn.Module):
    """Attention of x to a memory, its residual and its LayerNorm, in BERT's order."""

    def __init__(self, width: int, memory_width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(width, width), nn.Linear(memory_width, width)
        self.value, self.output = nn.Linear(memory_width, width), nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        """Return [W, N, D] for x [W, N, D] and a memory [W, M, E]: each row of x gathers from all rows of memory."""
        queries, keys, values = (
            self._split(self.query(x)),
            self._split(self.key(memory)),
            self._split(self.value(memory)),
        )
        scores = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])  # [W, H, N, M]
        gathered = scores.softmax(-1) @ values  # no mask: queries see one another both ways, and every frame
        added: Tensor = self.norm(x + self.output(gathered.transpose(1, 2).flatten(2)))
        return added

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, x.shape[2] // self.heads).transpose(1, 2)  # [W, H, N, D / H]


class Layer(nn.Module):
    """Queries look at one another, then at their window, then each thinks for itself."""

    def __init__(self, width: int, memory_width: int, heads: int) -> None:
        super().__init__()
        self.self_attention = Attention(width, width, heads)
        self.cross_attention = Attention(width, memory_width, heads)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, queries: Tensor, window: Tensor) -> Tensor:
        """Return [W, N, D] for queries [W, N, D] and windows [W, L, E]."""
        queries = self.self_attention(queries, queries)
        queries = self.cross_attention(queries, window)
        thought: Tensor = self.norm(queries + self.narrow(nn.functional.gelu(self.widen(queries))))
        return thought


class QFormer(nn.Module):
    """Static queries through layers of self- and cross-attention."""

    def __init__(self, width: int, memory_width: int, heads: int, layers: int) -> None:
        super().__init__()
        if width < 1 or heads < 1 or width % heads:
            raise ValueError(f"want a width that {heads} heads divide, got {width}")
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(Layer(width, memory_width, heads) for _ in range(layers))

    def forward(self, queries: Tensor, windows: Tensor) -> Tensor:
        """Return [W, N, D] for queries [W, N, D] and windows [W, L, E]."""
        x: Tensor = self.norm(queries)
        for layer in self.layers:
            x = layer(x, windows)
        return x


class Connector(nn.Module):
    """All of SALMONN between its encoders and its language model, LoRA apart."""

    def __init__(
        self,
        *,
        encoders: Sequence[int] = ENCODERS,
        queries: int = 1,
        width: int = WIDTH,
        llm_width: int = LLM_WIDTH,
        layers: int = LAYERS,
        heads: int = HEADS,
    ) -> None:
        super().__init__()
        if min(*encoders, queries, llm_width, layers) < 1:
            raise ValueError(
                f"want widths, queries and layers of 1 or more, got {encoders, queries, llm_width, layers}"
            )
        self.norms = nn.ModuleList(nn.LayerNorm(encoder) for encoder in encoders)
        self.queries = nn.Parameter(0.02 * torch.randn(queries, width))
        self.qformer = QFormer(width, sum(encoders), heads, layers)
        self.projection = nn.Linear(width, llm_width)

    def forward(self, features: Sequence[Tensor], window: int, last_window: str = "dropped") -> Tensor:
        """Return tokens [B, W N, llm_width] for the encoders' features, each [B, T, E of that encoder]."""
        shapes = [list(feature.shape) for feature in features]
        if len(features) != len(self.norms) or any(shape[:-1] != shapes[0][:-1] for shape in shapes):
            raise ValueError(f"want {len(self.norms)} features [B, T, E] of one B and T, got {shapes}")
        joined = torch.cat([norm(feature) for norm, feature in zip(self.norms, features, strict=True)], dim=2)
        windows = cut(joined, window, last_window)  # [B, W, L, E]
        flat = windows.flatten(0, 1)  # each window is an image of its own, so that windows stand in the batch
        queries = self.queries.expand(len(flat), -1, -1)
        tokens: Tensor = self.projection(self.qformer(queries, flat))
        return tokens.view(len(windows), windows.shape[1] * len(self.queries), tokens.shape[2])


class Tokens(NamedTuple):
    """What a language model gets to read of a recording."""

    tokens: int


class Shape(NamedTuple):
    """Tokens, and the width of each."""

    tokens: int
    width: int


class Trainable(NamedTuple):
    """Parameters that SALMONN trains, part by part."""

    qformer: int
    projection: int
    queries: int
    norms: int
    lora: int
    total: int


def window_qformer(
    seconds: float, frame_rate_hz: float, window: int, queries: int = 1, last_window: str = "dropped"
) -> Tokens:
    """Return how many tokens a recording becomes: 30 s at 50 Hz, windows of 17, one query -> 88, if padded 89.

    last_window is "dropped" as in the released code, or "padded" as in the paper's formula.
    """
    if not 0 <= seconds < math.inf or not 0 < frame_rate_hz < math.inf or queries < 1:
        got = f"{seconds}, {frame_rate_hz} and {queries}"
        raise ValueError(f"want seconds of 0 or more, a frame_rate_hz above 0 and queries of 1 or more, got {got}")
    frames = torch.empty(1, round(seconds * frame_rate_hz), 1, device="meta")
    return Tokens(cut(frames, window, last_window).shape[1] * queries)


def output_shape(
    frames: int, encoder_width: int, window: int, queries: int, width: int, llm_width: int, last_window: str = "dropped"
) -> Shape:
    """Return what comes out for so many frames, by sending tensors without content through the connector.

    Example: 1500 frames of 2048, windows of 17, 1 query, widths 768 and 5120 -> 88 tokens of 5120.
    """
    if frames < 0:
        raise ValueError(f"want 0 frames or more, got {frames}")
    with torch.device("meta"):
        connector = Connector(encoders=[encoder_width], queries=queries, width=width, llm_width=llm_width)
        tokens = connector([torch.empty(1, frames, encoder_width)], window, last_window)
    return Shape._make(tokens.shape[1:])


def trainable_parameters() -> Trainable:
    """Return what SALMONN trains, counted on tensors without content: 33,332,992 in all."""
    with torch.device("meta"):
        connector = Connector()
        pair = torch.empty(LORA_RANK, LLM_WIDTH), torch.empty(LLM_WIDTH, LORA_RANK)
    parts = (connector.qformer, connector.projection, nn.ParameterList([connector.queries]), connector.norms)
    counts = [sum(parameter.numel() for parameter in part.parameters()) for part in parts]
    counts.append(LLM_LAYERS * 2 * sum(matrix.numel() for matrix in pair))  # on queries and on values
    return Trainable._make([*counts, sum(counts)])


FIGURES = (window_qformer, output_shape, trainable_parameters)  # what claims may run


def demo(
    *, device: str = "cpu", seed: int = 0, seconds: float = 30.0, window: int = 17, queries: int = 1
) -> dict[str, Any]:
    """Compare SALMONN's figures with what is counted, draw which tokens one frame reaches, and tokens by duration.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the weights of a small connector and its frames; no trained model is in here.
        seconds: of the recording, at 50 frames a second.
        window: frames in a window, L.
        queries: tokens of a window, N.
    """
    counted, padded = trainable_parameters(), window_qformer(seconds, FRAME_RATE_HZ, window, queries, "padded").tokens
    dropped, frames = window_qformer(seconds, FRAME_RATE_HZ, window, queries).tokens, round(seconds * FRAME_RATE_HZ)
    theirs = (seconds, window, queries) == (30.0, 17, 1)
    rows = [
        {"figure": "tokens, last window dropped", "paper": 88 if theirs else None, "here": dropped},
        {"figure": "tokens, last window padded", "paper": 88 if theirs else None, "here": padded},
        {"figure": "seconds of a window", "paper": 0.33 if theirs else None, "here": window / FRAME_RATE_HZ},
        {"figure": "frames dropped", "paper": None, "here": frames % window},
        {"figure": "trainable parameters of SALMONN", "paper": 33_000_000, "here": counted.total},
        *({"figure": f"  {part}", "paper": None, "here": getattr(counted, part)} for part in Trainable._fields[:-1]),
    ]
    reached = reach(device, seed, window, queries)
    remarks = [
        "The paper's formula pads and gives 89 tokens of 30 s; its figure, 88, is what the released code does.",
        "The drawing: a small untrained connector. A frame changes the tokens of its own window and no others, which "
        "is why tokens and sound stay in step.",
    ]
    if queries == 1:
        remarks.append("One query has nobody to attend to: its self-attention is a linear map.")
    x = list(range(31))
    series: dict[str, list[int]] = {
        last: [window_qformer(second, FRAME_RATE_HZ, window, queries, last).tokens for second in x]
        for last in LAST_WINDOWS
    }
    series["BLIP-2: 32 queries for all"] = [32 for _ in x]
    plot = {"kind": "line", "x": x, "series": series, "x_label": "seconds", "y_label": "tokens"}
    return {"rows": rows, "drawing": reached, "remarks": remarks, "plot": plot}


def reach(device: str, seed: int, window: int, queries: int) -> str:
    """Return a drawing: which tokens change when one frame of each of four windows does."""
    model, features = _small(device, seed, queries, 4 * window)
    before, lines = model(features, window), []
    for changed in range(4):
        other = [feature.clone() for feature in features]
        other[0][:, changed * window] *= -1
        differ = (model(other, window) - before).abs().amax((0, 2)) > 0
        lines.append(f"frame {changed * window:>4}  " + " ".join("#" if one else "." for one in differ.tolist()))
    return "\n".join(["changed     tokens that change", *lines])


def _small(device: str, seed: int, queries: int, frames: int) -> tuple[Connector, list[Tensor]]:
    """Return a small connector in float64 and features of its two encoders."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        connector = Connector(encoders=(6, 4), queries=queries, width=8, llm_width=5, heads=2)
        features = [torch.randn(1, frames, 6), torch.randn(1, frames, 4)]
    connector = moved(connector.double().requires_grad_(False), device)
    return connector, [moved(one.double(), device) for one in features]


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    connector, features = _small(device, 0, 2, 34)
    tokens = connector(features, 17)
    turned = connector([torch.cat([one[:, :17].flip(1), one[:, 17:].flip(1)], 1) for one in features], 17)
    early = connector([one[:, :17] for one in features], 17)
    odd = [one[:, :20] for one in features]
    counted = trainable_parameters()
    return [
        ("30 s are 88 tokens, as SALMONN says, if the last window is dropped.", window_qformer(30, 50, 17) == (88,)),
        ("By the formula, padded, they are 89.", window_qformer(30, 50, 17, last_window="padded") == (89,)),
        ("0.333333 s at 50 Hz are windows of 17 frames.", round(WINDOW_SECONDS * FRAME_RATE_HZ) == 17),
        ("SALMONN trains 33,332,992 parameters.", counted.total == 33_332_992 and counted.qformer == 22_837_248),
        ("The first window's tokens need no later frame.", torch.allclose(early, tokens[:, :2])),
        ("Frames in another order within a window: the same tokens.", torch.allclose(turned, tokens)),
        ("20 frames are one window or two.", [connector(odd, 17, last).shape[1] for last in LAST_WINDOWS] == [2, 4]),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("The window-level Q-Former of SALMONN, counted and drawn.", demo, checks)


if __name__ == "__main__":
    main()
