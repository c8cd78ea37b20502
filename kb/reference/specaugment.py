"""SpecAugment: bands and stretches of a spectrogram are blanked out, so that a model learns not to lean on any.

Source: SpecAugment, section 2 and table 1 (arXiv:1904.08779). Qwen-Audio trains with it (arXiv:2311.07919).
Left out: time warping, which the paper itself finds to matter least; what a model learns.
Oracle: none is installed; the expected share is held against an enumeration of every mask there can be, and the masks
    drawn against the expected share.
An oddity: a mask of width w starts in [0, size - w), and that excludes size - w. So the last band and the last frame
    are never masked. It is kept here.
Ties: there are none. Dtype: that of the spectrogram. The seed draws all masks, on the CPU.
Notation: B batch, M mel bands, T frames.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved


class Policy(NamedTuple):
    """How much is masked: a row of the paper's table 1."""

    widest_band: int  # F: a frequency mask covers 0 to F bands
    band_masks: int  # m_F
    widest_time: int  # T: a time mask covers 0 to T frames
    most_time: float  # p: .. and no more than this share of all frames
    time_masks: int  # m_T


POLICIES = {
    "LB": Policy(27, 1, 100, 1.0, 1),  # LibriSpeech basic
    "LD": Policy(27, 2, 100, 1.0, 2),  # LibriSpeech double
    "SM": Policy(15, 2, 70, 0.2, 2),  # Switchboard mild
    "SS": Policy(27, 2, 70, 0.2, 2),  # Switchboard strong
}


def widest(policy: Policy, bands: int, frames: int) -> tuple[int, int]:
    """Return the largest width of a frequency mask and of a time mask: LB, 80 bands, 50 frames -> 27, 49.

    A mask has to leave one band and one frame, because there has to be a place where it can start.
    """
    if bands < 1 or frames < 1:
        raise ValueError(f"want 1 band and 1 frame or more, got {bands} and {frames}")
    most = min(policy.widest_time, int(policy.most_time * frames))
    return min(policy.widest_band, bands - 1), min(most, frames - 1)


def draw_span(size: int, widest: int, generator: torch.Generator) -> range:
    """Return the bands, or frames, of one mask: a width from 0 to widest, then a start in [0, size - width)."""
    width = int(torch.randint(widest + 1, (), generator=generator))
    start = int(torch.randint(size - width, (), generator=generator))
    return range(start, start + width)


def draw(policy: Policy, bands: int, frames: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return which bands [M] and which frames [T] are masked, as booleans; masks may overlap."""
    widest_band, widest_time = widest(policy, bands, frames)
    band_masked, frame_masked = torch.zeros(bands, dtype=torch.bool), torch.zeros(frames, dtype=torch.bool)
    for _ in range(policy.band_masks):
        band_masked[list(draw_span(bands, widest_band, generator))] = True
    for _ in range(policy.time_masks):
        frame_masked[list(draw_span(frames, widest_time, generator))] = True
    return band_masked, frame_masked


def apply(mel: Tensor, policy: Policy, seed: int = 0) -> Tensor:
    """Return a spectrogram [B, M, T] with masks of its own for each in the batch, filled with its mean.

    The paper fills with zeros, and has made the mean zero before.
    Raises: ValueError for another shape, nothing to mask, or values that are not finite floats.
    """
    if mel.ndim != 3 or not mel.numel() or not mel.is_floating_point() or not mel.isfinite().all():
        raise ValueError(f"want a spectrogram [B, M, T] of finite floats, got {list(mel.shape)} {mel.dtype}")
    generator = torch.Generator().manual_seed(seed)
    drawn = [draw(policy, mel.shape[1], mel.shape[2], generator) for _ in mel]
    masks = torch.stack([bands[:, None] | frames for bands, frames in drawn])  # [B, M, T]
    return torch.where(masks.to(mel.device), mel.mean((1, 2), keepdim=True), mel)


def covered(size: int, widest: int, masks: int) -> Tensor:
    """Return for each band, or frame, how probable it is that one of the masks covers it, float64."""
    place, by_one = torch.arange(size, dtype=torch.float64), torch.zeros(size, dtype=torch.float64)
    for width in range(widest + 1):
        starts = size - width  # 0 to starts - 1, of which those from place - width + 1 to place cover it
        by_one += (place.clamp(max=starts - 1) - (place - width).clamp(min=-1)).clamp(min=0) / starts
    return 1 - (1 - by_one / (widest + 1)) ** masks


def masked_percent(policy: str, frames: int, bands: int = 80) -> float:
    """Return how much of a spectrogram a policy masks on average: LD, 1000 frames of 80 bands -> 37.2 %.

    A value stays if neither its band nor its frame is masked, and the two are drawn independently.
    """
    chosen = _policy(policy)
    widest_band, widest_time = widest(chosen, bands, frames)
    by_bands = float(covered(bands, widest_band, chosen.band_masks).mean())
    by_time = float(covered(frames, widest_time, chosen.time_masks).mean())
    return 100 * (1 - (1 - by_bands) * (1 - by_time))


def _policy(name: str) -> Policy:
    if name not in POLICIES:
        raise ValueError(f"want a policy of {', '.join(POLICIES)}, got {name!r}")
    return POLICIES[name]


FIGURES = (masked_percent,)  # what claims may run


def demo(
    *, device: str = "cpu", seed: int = 0, frames: int = 1000, bands: int = 80, policy: str = "LD", draws: int = 200
) -> dict[str, Any]:
    """Mask spectrograms by every policy: how much is gone on average, by formula and drawn? Draw one mask.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the masks.
        frames: of a spectrogram, T; 100 a second.
        bands: of a spectrogram, M.
        policy: whose mask is drawn, LB, LD, SM or SS.
        draws: spectrograms that each policy masks.
    """
    chosen, generator = _policy(policy), torch.Generator().manual_seed(seed)
    if draws < 1:
        raise ValueError(f"want 1 draw or more, got {draws}")
    rows = []
    for name, one in POLICIES.items():
        drawn = [draw(one, bands, frames, generator) for _ in range(draws)]
        shares = [1 - float((~m).double().mean() * (~t).double().mean()) for m, t in drawn]
        rows.append(
            {
                "policy": name,
                **one._asdict(),
                "expected_percent": round(masked_percent(name, frames, bands), 2),
                "drawn_percent": round(100 * sum(shares) / draws, 2),
                "least_and_most": f"{100 * min(shares):.1f} to {100 * max(shares):.1f}",
            }
        )
    mel = moved(torch.rand(1, bands, frames, generator=generator) + 1, device)
    gone = (apply(mel, chosen, seed) != mel)[0]
    cells = gone.cpu().flip(0)[:: max(1, bands // 20), :: max(1, frames // 72)].tolist()
    drawing = "\n".join("".join("#" if one else "." for one in row) for row in cells)
    x = sorted({*range(50, 501, 50), *range(600, 1001, 100)})
    series = {name: [round(masked_percent(name, count, bands), 2) for count in x] for name in POLICIES}
    plot = {"kind": "line", "x": x, "series": series, "x_label": "frames", "y_label": "percent masked on average"}
    remarks = [
        f"The drawing: what {policy} masks of one spectrogram, low bands at the bottom; # is masked.",
        "The Switchboard policies mask no more than a fifth of the frames at once: short recordings keep their words.",
    ]
    return {"rows": rows, "drawing": drawing, "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    mel = moved(torch.arange(2.0 * 80 * 200).view(2, 80, 200), device)
    masked = apply(mel, POLICIES["LD"])
    gone = masked != mel
    kept = bool((masked[~gone] == mel[~gone]).all())
    bands, frames = gone.all(2), gone.all(1)
    return [
        ("What is not masked stays as it is.", kept and bool(gone.any())),
        ("What is masked are whole bands and whole frames.", torch.equal(gone, bands[:, :, None] | frames[:, None])),
        ("Each spectrogram of a batch has masks of its own.", not torch.equal(gone[0], gone[1])),
        ("The last band and the last frame are never masked.", not (bands[:, -1].any() or frames[:, -1].any())),
        ("No mask is wider than a fifth of the frames in SM: 10 of 50.", widest(POLICIES["SM"], 80, 50) == (15, 10)),
        ("Masked twice by one seed, it is the same.", torch.equal(apply(mel, POLICIES["LD"]), masked)),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("How much the policies of SpecAugment mask.", demo, checks)


if __name__ == "__main__":
    main()
