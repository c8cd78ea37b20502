"""Span masking: spans begin anywhere and overlap, so that 1 - (1 - p)^L of the frames are masked.

Source: wav2vec 2.0, section 3.1 and appendix A (arXiv:2006.11477); HuBERT (arXiv:2106.07447).
Left out: what a model predicts for the masked frames. The papers draw a fixed number of starts without replacement,
    here each frame is a start independently of the others, which is what the formulas are exact for.
Oracle: brute force over all choices of starts for few frames; and _compute_mask_indices (transformers), which draws
    a fixed number of starts, so that its coverage agrees on average, to a percent.
Ties: there are none. Random numbers are those of Python's random.Random. Only the standard library is used.
Notation: T frames, p probability that a frame is a start, L frames of a span, q = 1 - p.
"""

import random
from itertools import groupby
from statistics import fmean, median
from typing import Any

from kb.reference._alone import run_alone

PUBLISHED = {0.065: "wav2vec 2.0", 0.08: "HuBERT"}  # with spans of 10 frames
FRAME_MS, WINDOW_MS = 20, 25  # of the encoder of both: a frame every 20 ms, from 25 ms of sound
DRAWN_FRAMES = 100  # two seconds


def covered_percent(start_probability: float, span: int) -> float:
    """Return how many of the frames are masked: 1 - q^L, for none of a frame and the L - 1 before it may be a start.

    Example: wav2vec 2.0 has p = 0.065 and L = 10 -> 48.9 %, the paper's "approximately 49 %".
    """
    _check(start_probability, span)
    return 100 * (1 - (1 - start_probability) ** span)


def mean_run_frames(start_probability: float, span: int) -> float:
    """Return how long a run of masked frames is on average: (1 - q^L) / (p q^L), as overlapping spans join.

    That is the share of frames that are masked, over the share where a run begins: a start after L frames without.
    Example: p = 0.065, L = 10 -> 14.7 frames, as the paper's appendix says.
    """
    _check(start_probability, span)
    unmasked = (1 - start_probability) ** span
    if not start_probability * unmasked:
        raise ValueError(f"want a start_probability above 0 and below 1, got {start_probability}")
    return (1 - unmasked) / (start_probability * unmasked)


def run_ms(frames: float) -> float:
    """Return how much sound a run of frames is made from: 14.7 frames -> 299 ms, 20 for each and 5 for the last."""
    return frames * FRAME_MS + WINDOW_MS - FRAME_MS


def starts(frames: int, start_probability: float, generator: random.Random) -> list[int]:
    """Return the frames that are drawn as starts, each of 0..T-1 with the same probability."""
    return [frame for frame in range(frames) if generator.random() < start_probability]


def mask(frames: int, starts: list[int], span: int) -> list[bool]:
    """Return for each frame whether it is masked: 6 frames, starts 1 and 2, spans of 2 -> frames 1, 2 and 3 are."""
    masked = [False] * frames
    for start in starts:
        for frame in range(start, min(start + span, frames)):  # a span at the end is cut short
            masked[frame] = True
    return masked


def runs(masked: list[bool]) -> list[int]:
    """Return the lengths of the runs of masked frames, in order: the mask above -> 3."""
    return [len(list(group)) for is_masked, group in groupby(masked) if is_masked]


def _check(start_probability: float, span: int) -> None:
    if not 0 <= start_probability <= 1 or span < 1:
        raise ValueError(f"want start_probability in 0..1 and span of 1 or more, got {start_probability} and {span}")


FIGURES = (covered_percent, mean_run_frames, run_ms)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    probabilities: tuple[float, ...] = (0.02, 0.04, 0.065, 0.08, 0.12, 0.16, 0.2),
    span: int = 10,
    seconds: float = 15.0,
    utterances: int = 200,
) -> dict[str, Any]:
    """Mask utterances, and return how much of them is covered and how long the runs are, beside the formulas.

    Args:
        device: not used, there are no tensors.
        seed: draws the starts.
        probabilities: that a frame is a start, p.
        span: frames of a span, L.
        seconds: length of an utterance; 15 is that of the paper's appendix.
        utterances: how many to mask for each p.
    """
    frames = round(seconds * 1000 / FRAME_MS)
    if utterances < 1 or frames < span or min(probabilities, default=0) <= 0 or max(probabilities) >= 1:
        got = f"{list(probabilities)}, {utterances} and {frames} frames"
        raise ValueError(
            f"want probabilities above 0 and below 1, utterances, and frames for a span of {span}; got {got}"
        )
    rows, drawing = [], []
    for probability in probabilities:
        generator = random.Random(seed)  # noqa: S311 (no secret is drawn)
        masks = [mask(frames, starts(frames, probability, generator), span) for _ in range(utterances)]
        lengths = [length for masked in masks for length in runs(masked)] or [0]
        rows.append(
            {
                "start_probability": probability,
                "used_by": PUBLISHED.get(probability, "") if span == 10 else "",
                "covered_percent": round(covered_percent(probability, span), 1),
                "simulated_percent": round(100 * fmean(map(fmean, masks)), 1),
                "mean_run": round(mean_run_frames(probability, span), 1),
                "simulated_mean": round(fmean(lengths), 1),
                "simulated_median": float(median(lengths)),
                "simulated_longest": max(lengths),
            }
        )
        drawn = masks[0][:DRAWN_FRAMES]
        drawing.append(f"{probability:<6g} " + "".join("#" if is_masked else "." for is_masked in drawn))
    remarks = [
        "Runs are in frames. wav2vec 2.0 says: about 49 % masked, runs of 14.7 frames on average (299 ms), median 10,"
        " and at most about 100 in 15 s.",
        f"Simulated, a little less is covered: before the first of {frames} frames no span can begin.",
    ]
    plot = {
        "kind": "line",
        "x": list(probabilities),
        "series": {
            "1 - (1 - p)^L": [row["covered_percent"] for row in rows],
            "simulated": [row["simulated_percent"] for row in rows],
            "p L, if spans did not overlap": [min(100.0, 100 * span * probability) for probability in probabilities],
        },
        "x_label": "probability that a frame begins a span",
        "y_label": "percent of frames masked",
    }
    return {"rows": rows, "remarks": remarks, "drawing": "\n".join(drawing), "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of span masking, each with whether it did; device is not used."""
    generator = random.Random(0)  # noqa: S311 (no secret is drawn)
    masks = [mask(750, starts(750, 0.065, generator), 10) for _ in range(100)]
    lengths = [length for masked in masks for length in runs(masked)]
    return [
        ("wav2vec 2.0 masks 49 % of the frames", round(covered_percent(0.065, 10)) == 49),
        ("in runs of 14.7 frames, 299 ms", round(run_ms(round(mean_run_frames(0.065, 10), 1))) == 299),
        ("HuBERT masks 57 %", round(covered_percent(0.08, 10)) == 57),
        ("starts 1 and 2 of 6 frames with spans of 2 mask frames 1, 2, 3", mask(6, [1, 2], 2) == [0, 1, 1, 1, 0, 0]),
        ("a simulation covers as much, to a percent", abs(100 * fmean(map(fmean, masks)) - 48.9) < 1),
        ("its runs are as long, to half a frame", abs(fmean(lengths) - 14.7) < 0.5),
        ("no run inside is shorter than a span", all(min(runs(masked)[:-1], default=10) >= 10 for masked in masks)),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("How much span masking covers, by formula and simulated.", demo, checks)


if __name__ == "__main__":
    main()
