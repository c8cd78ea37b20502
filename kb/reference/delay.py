"""Acoustic delay: codebook k runs delays[k] steps late, so it can build on the codebooks before it.

Long because the inverse, latencies and a drawing stand beside the delay itself.
Source: MusicGen, section 2.2 (arXiv:2306.05284); Moshi uses the delays 0, 1, 1, .. (arXiv:2410.00037).
Left out: the language model that predicts a step from those before it; other patterns are in layouts.
Oracle: the patterns that transformers builds for MusicGen, Moshi and Dia, equal in every cell. MusicGen begins
    with one step of special tokens alone, so its delays count as 1..K where the paper has 0..K-1. (Of fewer than
    K - 1 frames transformers 5.23.0 makes no pattern: none of their codes is in it.)
Faults of others, as checks(): a grid kept in T steps has lost the ends of the delayed codebooks (the roll form of
    moshi 0.2.13, which masks them in training); cut by more than max(delays) it has lost frames (mlx-audio 0.4.8 cuts
    30 steps off Dia's, whose largest delay is 15; github.com/Blaizzy/mlx-audio/issues/890, mended in pull request 891).
Ties: there are none, no number is computed. Dtype: that of the codes; it has to hold special_token too.
Notation: B batch, K codebooks, T frames, S = T + max(delays) delayed steps, one per frame.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved

DRAWN_STEPS = 24  # a longer drawing does not fit a terminal
PLOTTED_STEPS = 100  # more points make no finer a line
MOSHI = (0, 1, 1, 1, 1, 1, 1, 1)  # the delays of one speaker's codes
DIA = (0, 8, 9, 10, 11, 12, 13, 14, 15)


def apply(codes: Tensor, delays: Sequence[int], special_token: int) -> Tensor:
    """Return delayed codes: frame t of codebook k stands at step t + delays[k], special_token elsewhere.

    Args:
        codes: [B, K, T].
        delays: steps by which each of the K codebooks is late, 0 or more, in any order.
        special_token: fills the cells that hold no frame; usually V, the first number that is not a code.
    Returns: [B, K, S], S = T + max(delays).
    Raises: ValueError if codes and delays disagree on K, a delay is negative, or special_token does not fit.
    Example: codes [[1, 2, 3], [4, 5, 6]], delays 0, 1, special_token 9 -> [[1, 2, 3, 9], [9, 4, 5, 6]].
    """
    _check(codes, delays)
    limits = torch.iinfo(codes.dtype)
    if not limits.min <= special_token <= limits.max:
        raise ValueError(f"special_token {special_token} does not fit codes of {codes.dtype}")
    batch, codebooks, frames = codes.shape
    delayed = codes.new_full((batch, codebooks, frames + max(delays)), special_token)
    for k, delay in enumerate(delays):
        delayed[:, k, delay : delay + frames] = codes[:, k]
    return delayed


def revert(delayed: Tensor, delays: Sequence[int]) -> Tensor:
    """Return codes [B, K, T] for delayed codes [B, K, S]: the T = S - max(delays) frames that are complete.

    A stream may be reverted while it grows: before frame 0 is complete, T is 0.
    """
    _check(delayed, delays)
    frames = complete_frames(delayed.shape[2], delays)
    return torch.stack([delayed[:, k, delay : delay + frames] for k, delay in enumerate(delays)], dim=1)


def first_complete_step(delays: Sequence[int]) -> int:
    """Return how many steps it takes until frame 0 has all its codes. Example: delays 0, 1, 2, 3 -> 4."""
    if not len(delays) or min(delays) < 0:
        raise ValueError(f"want one delay or more, each of them 0 or more, got {list(delays)}")
    return max(delays) + 1


def complete_frames(steps: int, delays: Sequence[int]) -> int:
    """Return how many frames have all their codes after so many steps. Example: 1,503, delays 0, 1, 2, 3 -> 1,500."""
    if steps < 0:
        raise ValueError(f"want 0 steps or more, got {steps}")
    return max(0, steps + 1 - first_complete_step(delays))


def latency_seconds(delays: Sequence[int], frame_rate_hz: float) -> float:
    """Return the time from the start of frame 0 until it has all its codes, at one step per frame.

    Example: Moshi, delays 0, 1, 1, 1, 1, 1, 1, 1 at 12.5 Hz -> 0.16: 80 ms of frame and 80 ms of delay.
    """
    if not 0 < frame_rate_hz < math.inf:
        raise ValueError(f"want a frame_rate_hz above 0, got {frame_rate_hz}")
    return first_complete_step(delays) / frame_rate_hz


def draw(delayed: Tensor, special_token: int) -> str:
    """Return delayed codes [K, S] as a text grid: row = codebook, column = step, "." = special_token.

    Example: delayed [[1, 2, 9], [9, 3, 4]], special_token 9 ->
        step        0  1  2
        codebook 0  1  2  .
        codebook 1  .  3  4
    """
    if delayed.ndim != 2:
        raise ValueError(f"want delayed codes [K, S], got {list(delayed.shape)}")
    rows = [["step", *range(delayed.shape[1])]]
    for k, row in enumerate(delayed.tolist()):
        rows.append([f"codebook {k}", *("." if code == special_token else code for code in row)])
    widths = [max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True)]
    lines = [[f"{cell!s:>{width}}" for cell, width in zip(row, widths, strict=True)] for row in rows]
    return "\n".join("  ".join(line) for line in lines)


def _check(codes: Tensor, delays: Sequence[int]) -> None:
    if codes.ndim != 3 or codes.shape[1] != len(delays) or not len(delays) or min(delays) < 0:
        got = f"{list(codes.shape)} and {list(delays)}"
        raise ValueError(f"want codes [B, K, T] and K delays, each 0 or more, got {got}")


FIGURES = (first_complete_step, complete_frames, latency_seconds)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    codebooks: int = 4,
    frames: int = 6,
    delays: tuple[int, ...] = (),
    frame_rate_hz: float = 12.5,
) -> dict[str, Any]:
    """Delay a few frames, draw their numbers, and return when each codebook, and all of them, are there.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the codes that make the round trip; the drawing shows frame numbers instead.
        codebooks: K.
        frames: frames to delay, T.
        delays: steps of delay, one number per codebook; not given means 0, 1, .. K-1.
        frame_rate_hz: frames, and so steps, per second.
    """
    if codebooks < 1 or frames < 1:
        raise ValueError(f"codebooks and frames must be at least 1, got {codebooks} and {frames}")
    delays = delays or tuple(range(codebooks))
    if len(delays) != codebooks:
        raise ValueError(f"delays needs one number per codebook: {codebooks}, got {list(delays)}")
    groups = [*((str(k), [delay]) for k, delay in enumerate(delays)), ("all", delays)]
    rows = [
        {
            "codebook": name,
            "delay_steps": max(group),
            "first_frame_after_steps": first_complete_step(group),
            "last_frame_after_steps": max(group) + frames,
            "special_tokens": len(group) * max(delays),
            "latency_seconds": latency_seconds(group, frame_rate_hz),
        }
        for name, group in groups
    ]
    codes = torch.randint(1024, (1, codebooks, frames), generator=torch.Generator().manual_seed(seed))
    codes = moved(codes, device)
    numbers = torch.arange(frames, device=codes.device).expand(1, codebooks, frames)
    same = torch.equal(revert(apply(codes, delays, special_token=1024), delays), codes)
    steps = frames + max(delays)
    wait = f"{first_complete_step(delays)} steps, {latency_seconds(delays, frame_rate_hz):g} s"
    remarks = [
        f"{frames} frames take {steps} steps; one token a step would take {codebooks * frames}.",
        f"Frame 0 is complete after {wait} at {frame_rate_hz:g} steps per second.",
        f"Reverting the delay gives the same codes back: {'yes' if same else 'NO'}.",
    ]
    if steps > DRAWN_STEPS:
        remarks.append(f"The drawing stops after {DRAWN_STEPS} of {steps} steps.")
    drawing = draw(apply(numbers, delays, special_token=-1)[0, :, :DRAWN_STEPS], special_token=-1)
    last = max(codebooks * frames, steps)
    x = sorted({last * point // PLOTTED_STEPS for point in range(PLOTTED_STEPS + 1)})
    series = {
        "delayed": [min(frames, complete_frames(step, delays)) for step in x],
        "one token a step": [min(frames, step // codebooks) for step in x],
    }
    plot = {"kind": "line", "x": x, "series": series, "x_label": "steps", "y_label": "frames with all their codes"}
    return {"rows": rows, "drawing": drawing, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds, each with whether it did: the example by hand, the inverse, and the faults of others.

    Args:
        device: where the tensors live, "cpu" or "cuda".
    """
    codes = moved(torch.tensor([[[1, 2, 3], [4, 5, 6]]]), device)
    moshi, dia = (torch.arange(40 * len(delays), device=codes.device).view(1, -1, 40) for delays in (MOSHI, DIA))
    moshi_grid, dia_grid = apply(moshi, MOSHI, special_token=-1), apply(dia, DIA, special_token=-1)
    moshi_back, dia_back = revert(moshi_grid, MOSHI), revert(dia_grid, DIA)
    lengths = [revert(apply(dia[..., :frames], DIA, special_token=-1), DIA).shape[2] for frames in range(41)]
    left_in_40_steps = int((moshi_grid[..., :40] >= 0).sum())
    left_after_cut = revert(dia_grid[..., : -(30 - max(DIA))], DIA).shape[2]
    by_hand = [[[1, 2, 3, 9], [9, 4, 5, 6]]]
    return [
        ("1 2 3 and 4 5 6, delayed by 0 and 1, are 1 2 3 . and . 4 5 6.", apply(codes, [0, 1], 9).tolist() == by_hand),
        ("Moshi's and Dia's codes come back.", torch.equal(moshi_back, moshi) and torch.equal(dia_back, dia)),
        ("The last codebook is used: all its codes come back.", torch.equal(moshi_back[:, -1], moshi[:, -1])),
        ("No frame is dropped, be there none, one, or up to 40.", lengths == list(range(41))),
        ("A code equal to special_token comes back too.", torch.equal(revert(apply(codes, [0, 1], 2), [0, 1]), codes)),
        ("Kept in T steps, as by moshi 0.2.13, Moshi's grid loses 7 codes.", left_in_40_steps == 8 * 40 - 7),
        ("Cut by 30 steps and not 15, as by mlx-audio 0.4.8, Dia's loses 15 frames.", left_after_cut == 40 - 15),
        ("Moshi waits 160 ms.", latency_seconds(MOSHI, 12.5) == 0.16),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("The acoustic delay of four codebooks, step by step.", demo, checks)


if __name__ == "__main__":
    main()
