"""Duration: how many frames each phoneme gets, by repeating it or by Gaussian weights (toy data).

Long because three papers' ways to a length stand here side by side, and are drawn.
Source: length regulator: FastSpeech, section 3.2 (arXiv:1905.09263); Gaussian upsampling: Non-Attentive Tacotron
    (arXiv:2010.04301); a duration as a sum of chances: StyleTTS 2 (arXiv:2306.07691); a total drawn by flow
    matching: MaskGCT (arXiv:2409.00750), whose public code takes a ratio of phonemes instead.
Left out: the networks that predict durations and speech; the toy here finds durations that explain given frames.
Oracle: torch.repeat_interleave for repeating; the flow of a Gaussian has a formula; of Gaussian weights the limits.
Ties: what rounding leaves over goes to the largest remainders, of equal ones to the earlier phoneme; halves up.
Dtype: states and real durations are float64 or float32; whole durations int64. Random numbers are drawn on the CPU.
Notation: N phonemes, T frames, D dimension.
"""

import math
from typing import Any

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved


def regulate(states: Tensor, durations: Tensor) -> Tensor:
    """Return states [N, D] repeated durations [N] times: [T, D], T the sum of durations. A phoneme of 0 is left out.

    Example: states a, b, c with durations 2, 0, 3 -> a, a, c, c, c.
    """
    if states.ndim != 2 or durations.shape != states.shape[:1] or durations.dtype != torch.int64:
        got = f"{list(states.shape)} and {list(durations.shape)} {durations.dtype}"
        raise ValueError(f"want states [N, D] and int64 durations [N], got {got}")
    return repeats(durations).to(states) @ states


def repeats(durations: Tensor) -> Tensor:
    """Return the alignment [T, N] that repeating means: a 1 where frame t is phoneme n's, else 0."""
    if durations.ndim != 1 or not len(durations) or int(durations.min()) < 0:
        raise ValueError(f"want durations [N] of 0 or more, got {durations.tolist()}")
    ends = durations.cumsum(0)
    frames = torch.arange(int(ends[-1]), device=durations.device)[:, None]
    return ((frames >= ends - durations) & (frames < ends)).long()


def whole_durations(durations: list[float], total: int) -> list[int]:
    """Return durations scaled to sum to total frames, each rounded down or up so that nothing is lost.

    Example: 1.5, 1.5, 2 to 10 -> 3, 3, 4; to 4 -> 1.2, 1.2, 1.6 -> 1, 1, 2.
    """
    if not durations or min(durations) < 0 or not 0 < sum(durations) < math.inf or total < 0:
        raise ValueError(f"want durations of 0 or more, not all 0, and a total of 0 or more, got {durations}, {total}")
    exact = [duration * total / sum(durations) for duration in durations]
    whole = [math.floor(duration) for duration in exact]
    by_remainder = sorted(range(len(exact)), key=lambda n: whole[n] - exact[n])
    for n in by_remainder[: total - sum(whole)]:
        whole[n] += 1
    return whole


def gaussian_weights(durations: Tensor, widths: Tensor, frames: int) -> Tensor:
    """Return the alignment [T, N] in which frame t is a mixture of phonemes: those whose middle is near weigh most.

    Args:
        durations: [N] real, 0 or more. Phoneme n's middle is the sum of those before it and half its own.
        widths: [N], standard deviation of each phoneme's weight, in frames.
        frames: T. Frame t is at t + 1/2.
    Returns: [T, N]; each row sums to 1. A gradient reaches durations and widths. Phonemes meet midway between their
            middles if widths are equal, and at their ends if widths are in proportion to durations, or nearly so.
    """
    fits = durations.ndim == 1 and len(durations) and durations.shape == widths.shape and durations.is_floating_point()
    if not fits or frames < 0 or not (widths > 0).all():
        got = f"{list(durations.shape)} {durations.dtype}, {list(widths.shape)} and {frames}"
        raise ValueError(f"want real durations [N], widths [N] above 0 and 0 frames or more, got {got}")
    middles = durations.cumsum(0) - durations / 2
    places = torch.arange(frames, device=durations.device)[:, None] + 0.5
    # The density's factor 1 / width belongs to the weight: of phonemes equally near, the narrow one weighs more.
    return (-(places - middles).square() / (2 * widths.square()) - widths.log()).softmax(1)


def expected_durations(logits: Tensor) -> Tensor:
    """Return durations [N] for logits [N, L]: sigmoid(l) is the chance that a phoneme lasts beyond l frames.

    The sum of those chances is the expected length, at most L, and unlike a rounded one it has a gradient.
    """
    return logits.sigmoid().sum(-1)


def total_by_ratio(prompt_frames: int, prompt_phonemes: int, phonemes: int) -> int:
    """Return how many frames phonemes take at the prompt's pace. Example: 150 frames for 30; 50 phonemes -> 250."""
    if min(prompt_frames, phonemes) < 0 or prompt_phonemes < 1:
        got = f"{prompt_frames}, {prompt_phonemes} and {phonemes}"
        raise ValueError(f"want 0 frames, 1 phoneme in the prompt, 0 phonemes or more, got {got}")
    return (2 * prompt_frames * phonemes + prompt_phonemes) // (2 * prompt_phonemes)


def draw_totals(mean: float, deviation: float, noise: Tensor, steps: int) -> Tensor:
    """Return totals [M] for noise [M]: Euler steps along the flow from a standard Gaussian to one of mean, deviation.

    What a network would learn is known here: of paths x = (1 - t) noise + t total the average velocity at x and t.
    The whole flow is total = mean + deviation x noise; one step gives the mean to all.
    """
    if steps < 1 or not deviation > 0:
        raise ValueError(f"want 1 step or more and a deviation above 0, got {steps} and {deviation}")
    x = noise.clone()
    for step in range(steps):
        t = step / steps
        variance = (1 - t) ** 2 + (t * deviation) ** 2
        x = x + (mean + (t * deviation**2 - (1 - t)) / variance * (x - t * mean)) / steps
    return x


def draw(alignment: Tensor, names: list[str]) -> str:
    """Return an alignment [T, N] as text: a line for each phoneme, a character for each frame, tenths; "." is 0."""
    lines = []
    for name, weights in zip(names, alignment.T.tolist(), strict=True):
        tenths = [min(9, round(10 * weight)) for weight in weights]
        lines.append(f"{name:>4}  " + "".join(str(tenth) if tenth else "." for tenth in tenths))
    return "\n".join(lines)


FIGURES = (whole_durations, total_by_ratio)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    durations: tuple[float, ...] = (3.0, 8.0, 2.0, 6.0, 5.0),
    width: float = 0.2,
    steps: int = 150,
) -> dict[str, Any]:
    """Repeat phonemes and spread them; then, from frames alone, find the durations again by gradient.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the phonemes' states, and noise for totals.
        durations: frames of each phoneme.
        width: standard deviation of Gaussian weights, as a share of the phoneme's duration.
        steps: of gradient descent.
    """
    if len(durations) < 2 or min(durations) <= 0 or steps < 1 or not 0 < width < math.inf:
        raise ValueError(f"want 2 durations above 0 or more, width above 0, steps, got {durations}, {width}, {steps}")
    generator = torch.Generator().manual_seed(seed)
    states = moved(torch.randn(len(durations), 16, generator=generator, dtype=torch.float64), device)
    true, frames = states.new_tensor(durations), math.floor(sum(durations) + 0.5)
    aligned = gaussian_weights(true, width * true, frames)
    logs = torch.full_like(true, math.log(sum(durations) / len(durations))).requires_grad_()
    optimizer, losses = torch.optim.Adam([logs], lr=0.05), []
    for _ in range(steps):
        optimizer.zero_grad()
        weights = gaussian_weights(logs.exp(), width * logs.exp(), frames)
        loss = ((weights - aligned) @ states).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(round(float(loss.detach()), 6))
    found, whole = logs.detach().exp(), whole_durations(list(durations), frames)
    rows = [
        {
            "phoneme": n,
            "duration": durations[n],
            "whole": whole[n],
            "start": round(sum(durations) / len(durations), 2),
            "found": round(float(found[n]), 2),
        }
        for n in range(len(durations))
    ]
    noise = torch.randn(1000, generator=generator, dtype=torch.float64)
    totals = {count: draw_totals(frames, 0.1 * frames, noise, count) for count in (1, 30)}
    remarks = [
        f"Whole durations sum to {sum(whole)} frames, whatever was rounded.",
        f"The loss falls from {losses[0]:g} to {losses[-1]:g}: the weights move smoothly with durations. Of repeated"
        " frames the gradient is 0: a duration changes nothing until it is rounded to another number.",
        f"Totals drawn by flow matching vary by {float(totals[30].std()):.2f} frames with 30 steps,"
        f" by {float(totals[1].std()):.2f} with one.",
    ]
    names = [f"p{n}" for n in range(len(durations))]
    repeated = repeats(torch.tensor(whole, device=states.device))
    drawing = f"{draw(repeated, names)}\n\n{draw(aligned, names)}"
    plot = {"kind": "line", "x": list(range(steps)), "series": {"Gaussian weights": losses}}
    plot |= {"x_label": "step of training", "y_label": "squared error of the frames"}
    return {"rows": rows, "remarks": remarks, "drawing": drawing, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of durations, each with whether it did."""
    states = moved(torch.tensor([[1.0], [2.0], [3.0]]), device)
    whole, real = (torch.tensor(values, device=states.device) for values in ([2, 0, 3], [2.0, 1.0, 3.0]))
    weights = gaussian_weights(real, torch.ones_like(real), 6)
    narrow = gaussian_weights(real, 0.05 * real, 6).round().long()
    sums = [sum(whole_durations([1.5, 0.2, 7.7, 3.1], total)) for total in range(50)]
    noise = torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64, device=states.device)
    flowed = draw_totals(50, 5, noise, 1000)
    return [
        ("1, 2, 3 with durations 2, 0, 3 are 1 1 3 3 3", regulate(states, whole)[:, 0].tolist() == [1, 1, 3, 3, 3]),
        ("frames are the sum of durations", sums == list(range(50))),
        ("each frame's weights sum to 1", bool((weights.sum(1) - 1).abs().max() < 1e-6)),
        ("weights as narrow as a twentieth of each duration repeat", torch.equal(narrow, repeats(real.long()))),
        ("one step of the flow gives the mean to all", draw_totals(50, 5, noise, 1).tolist() == [50, 50, 50]),
        ("many steps give mean + deviation x noise", bool((flowed - 50 - 5 * noise).abs().max() < 0.1)),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Durations of phonemes: repeating and Gaussian weights.", demo, checks)


if __name__ == "__main__":
    main()
