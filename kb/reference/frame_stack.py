"""Frame stacking: k neighbouring frames become one wide frame, so that a language model reads fewer of them.

Source: MooER (arXiv:2408.05101), LLaMA-Omni (arXiv:2409.06666), and the adapters and front end that both released.
Left out: the filter bank before, the encoder between low frame rate and adapter, training.
Oracle: torch's unfold, equal in every value, for stacking and for the middle of the low frame rate; its two ends, which
    repeat the first and the last frame, by clamped frame numbers.
The end of a recording: low frame rate loses nothing, ceil(T / 6) frames come out; stacking drops T mod k frames in
    both released adapters.
Ties: there are none, frames are copied. Dtype: that of the frames.
Notation: B batch, T frames, D width, k frames stacked; low frame rate takes m frames every n.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from kb.reference._alone import run_alone
from kb.reference._devices import moved

TAKES, EVERY = 7, 6  # Paraformer's low frame rate, m and n: 80 bands become 560 values
HOP_MS, FBANK_WINDOW_MS = 10, 25
MOOER_K, MOOER_WIDTHS = 2, (512, 2048, 3584)  # of encoder, hidden layer and Qwen2-7B
LLAMA_OMNI_K, LLAMA_OMNI_WIDTHS = 5, (1280, 2048, 4096)  # of Whisper-large-v3, hidden layer and Llama-3.1-8B
WHISPER_MS = 20  # from one frame of its encoder to the next


def low_frame_rate(frames: Tensor, takes: int = TAKES, every: int = EVERY) -> Tensor:
    """Return frames [B, ceil(T / n), m D]: the m frames around every n-th, the first and last frame repeated.

    Args:
        frames: [B, T, D], at least one.
        takes: frames that make one, m, an odd number; (m - 1) / 2 copies of the first frame stand in front.
        every: frames from one to the next, n; below m, so that they overlap.
    Raises: ValueError for frames of another shape or none, an even number to take, or numbers below 1.
    Example: 0 1 2 3, taking 3 every 2 -> (0 0 1) (1 2 3).
    """
    if frames.ndim != 3 or not frames.shape[1] or takes < 1 or takes % 2 == 0 or every < 1:
        got = f"{list(frames.shape)}, {takes} and {every}"
        raise ValueError(f"want frames [B, T, D], an odd number to take and every of 1 or more; got {got}")
    length, made = frames.shape[1], []
    for center in range(0, length, every):
        around = torch.arange(center - takes // 2, center + takes // 2 + 1, device=frames.device)
        made.append(frames[:, around.clamp(0, length - 1)].flatten(1))
    return torch.stack(made, dim=1)


def stack(frames: Tensor, k: int) -> Tensor:
    """Return wide frames [B, T // k, k D] for frames [B, T, D]: k side by side, without overlap, the rest dropped.

    Example: 1 2 3 4 5 by 2 -> (1 2) (3 4).
    """
    if frames.ndim != 3 or k < 1:
        raise ValueError(f"want frames [B, T, D] and a k of 1 or more, got {list(frames.shape)} and {k}")
    batch, length, width = frames.shape
    return frames[:, : length // k * k].reshape(batch, length // k, k * width)


def unstack(wide: Tensor, k: int) -> Tensor:
    """Return frames [B, k T, D] for wide frames [B, T, k D]: stacking loses nothing but the frames that it drops."""
    if wide.ndim != 3 or k < 1 or wide.shape[2] % k:
        raise ValueError(f"want wide frames [B, T, k D] and a k of 1 or more, got {list(wide.shape)} and {k}")
    batch, length, width = wide.shape
    return wide.reshape(batch, length * k, width // k)


class Adapter(nn.Module):
    """Stacked frames through two linear layers, as wide as the language model in the end."""

    def __init__(self, k: int, encoder_width: int, hidden_width: int, llm_width: int) -> None:
        super().__init__()
        self.k = k
        self.hidden, self.output = nn.Linear(k * encoder_width, hidden_width), nn.Linear(hidden_width, llm_width)

    def forward(self, frames: Tensor) -> Tensor:
        """Return embeddings [B, T // k, llm_width] for an encoder's frames [B, T, D]."""
        embeddings: Tensor = self.output(torch.relu(self.hidden(stack(frames, self.k))))
        return embeddings


class Embeddings(NamedTuple):
    """What a recording becomes."""

    frames: int  # that the adapter stacks
    embeddings: int  # that the language model reads
    spacing_ms: float  # from one to the next


def mooer(seconds: float) -> Embeddings:
    """Return what MooER makes of a recording: 30 s -> 2998 frames of filter bank -> 500 -> 250, one every 120 ms."""
    fbank = max(0, (_ms(seconds) - FBANK_WINDOW_MS) // HOP_MS + 1)
    frames = -(-fbank // EVERY)
    return Embeddings(frames, frames // MOOER_K, float(HOP_MS * EVERY * MOOER_K))


def llama_omni(seconds: float, k: int = LLAMA_OMNI_K) -> Embeddings:
    """Return what LLaMA-Omni makes of one: 30 s -> 1500 frames of Whisper -> 300, one every 100 ms."""
    if k < 1:
        raise ValueError(f"want a k of 1 or more, got {k}")
    frames = _ms(seconds) // WHISPER_MS
    return Embeddings(frames, frames // k, float(WHISPER_MS * k))


def adapter_parameters(k: int, widths: list[int]) -> int:
    """Return the parameters of an adapter: MooER's 2 and 512, 2048, 3584 -> 9,442,816."""
    if len(widths) != 3 or min(k, *widths) < 1:
        raise ValueError(f"want a k and three widths of 1 or more, got {k} and {widths}")
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in Adapter(k, *widths).parameters())


def _ms(seconds: float) -> int:
    if not 0 <= seconds < math.inf:
        raise ValueError(f"want seconds of 0 or more, got {seconds}")
    return round(1000 * seconds)


FIGURES = (mooer, llama_omni, adapter_parameters)  # what claims may run


def demo(*, device: str = "cpu", seed: int = 0, seconds: float = 30.0) -> dict[str, Any]:
    """Compare what two systems make of a recording with what their papers say; draw which frames make which.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: not used, nothing is drawn at random.
        seconds: of the recording.
    """
    theirs, llama = mooer(seconds), llama_omni(seconds)
    rows = [
        {"system": name, "paper_ms": paper, **made._asdict(), "parameters": adapter_parameters(k, list(widths))}
        for name, paper, made, k, widths in (
            ("MooER", 120, theirs, MOOER_K, MOOER_WIDTHS),
            ("LLaMA-Omni", None, llama, LLAMA_OMNI_K, LLAMA_OMNI_WIDTHS),
        )
    ]
    numbers = moved(torch.arange(13.0).view(1, 13, 1), device)
    rate = low_frame_rate(numbers)
    lines = ["13 frames   low frame rate, 7 every 6          stacked by 2"]
    for index, frame in enumerate(rate[0].int().tolist()):
        pair = f"embedding {index // 2}" if index < len(rate[0]) // 2 * 2 else "dropped"
        lines.append(f"            {' '.join(f'{number:>2}' for number in frame):<35}{pair}")
    remarks = [
        "Stacked frames hold all that the frames held: unstack gives them back. Pooling would not.",
        "Low frame rate overlaps by one frame: 7 of 80 bands are taken, 6 are moved on.",
    ]
    x = list(range(31))
    systems = {"MooER": mooer, "LLaMA-Omni": llama_omni}
    series = {name: [made(second).embeddings for second in x] for name, made in systems.items()}
    plot = {"kind": "line", "x": x, "series": series, "x_label": "seconds", "y_label": "embeddings"}
    return {"rows": rows, "drawing": "\n".join(lines), "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    frames = moved(torch.arange(2998.0).view(1, 2998, 1), device)
    rate = low_frame_rate(frames)
    back = unstack(stack(frames, 5), 5)
    return [
        ("MooER reads an embedding every 120 ms: 250 of 30 s.", mooer(30) == (500, 250, 120.0)),
        ("LLaMA-Omni reads one every 100 ms: 300 of 30 s.", llama_omni(30) == (1500, 300, 100.0)),
        ("Low frame rate makes 500 frames of 7 of 2998, two stacked 250.", stack(rate, 2).shape == (1, 250, 14)),
        (
            "Its frames are 0 0 0 0 1 2 3, then 3 to 9.",
            rate[0, :2].tolist() == [[0, 0, 0, 0, 1, 2, 3], [*range(3, 10)]],
        ),
        ("Unstacked, all frames are back but the last 3.", torch.equal(back, frames[:, :2995])),
        ("MooER's adapter has 9,442,816 parameters.", adapter_parameters(2, [512, 2048, 3584]) == 9_442_816),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Stacked frames of MooER and LLaMA-Omni.", demo, checks)


if __name__ == "__main__":
    main()
