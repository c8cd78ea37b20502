"""Flow matching: a field carries noise along straight paths to data, in Euler's steps, by chunks (toy decoder).

Long because it has two parts, the flow and the chunks in which a decoder runs it.
Source: Lipman et al. (arXiv:2210.02747), the conditional path with sigma = 0; used by CosyVoice (arXiv:2407.05407),
    whose decoder GLM-4-Voice (arXiv:2412.02612) runs in chunks of speech tokens; its first chunk has 10.
Left out: the network and its training: the data are Gaussian, or a mixture, and the best field has a closed form. The
    decoder is a toy filter with a look-ahead, that shows what chunks cost and why a seam is heard.
Oracle: for one Gaussian the exact flow; for a known pair of noise and data one step; Euler's error falls as 1 / steps.
    The field against quadrature; chunks against the whole, equal where the context is long enough.
Dtype: the input's. Ties: none. Seeds: noise is drawn on the CPU, the same on every device.
Notation: x_t = (1 - t) noise + t data, t from 0 to 1; the velocity is data - noise. T frames; contexts count frames.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved

CENTRES, WIDTH, SHARES = (-1.5, 0.5, 2.0), 0.15, (0.3, 0.5, 0.2)  # of the demo's data
FIRST_CHUNK, FRAME_RATE_HZ = 10, 12.5  # GLM-4-Voice's


def path(noise: Tensor, data: Tensor, t: float) -> Tensor:
    """Return where a straight path is at time t: (1 - t) noise + t data. Example: 0, 8, 0.25 -> 2."""
    if noise.shape != data.shape or not 0 <= t <= 1:
        raise ValueError(f"want t in 0..1 and one shape, got {t}, {list(noise.shape)} and {list(data.shape)}")
    return (1 - t) * noise + t * data


def velocity(noise: Tensor, data: Tensor) -> Tensor:
    """Return what a network learns to say at every point of the path: data - noise, the same all along."""
    if noise.shape != data.shape:
        raise ValueError(f"want noise and data of one shape, got {list(noise.shape)} and {list(data.shape)}")
    return data - noise


def euler(noise: Tensor, field: Callable[[Tensor, float], Tensor], steps: int) -> Tensor:
    """Return data for noise: x = x + field(x, t) / steps, from t = 0 on.

    Example: a field that is data - noise everywhere ends at the data after one step, and after any number of them.
    """
    if steps < 1:
        raise ValueError(f"want one step or more, got {steps}")
    x = noise
    for number in range(steps):
        x = x + field(x, number / steps) / steps
    return x


def best_field(x: Tensor, t: float, centres: Sequence[float], width: float, shares: Sequence[float]) -> Tensor:
    """Return the expected velocity at x if the data are a mixture of Gaussians: what a perfect network says.

    Paths cross, and where they do it says their average: so the flow is not straight, though every path is.
    """
    if not 0 <= t < 1 or width <= 0 or len(centres) != len(shares):
        raise ValueError(f"want t in 0..1, without 1, a width above 0, a share a centre; got {t}, {width}, {shares}")
    centre = x.new_tensor(centres)
    away = x[..., None] - t * centre
    variance = (1 - t) ** 2 + (t * width) ** 2  # of x_t, if the data are those of one centre
    comes_from = (x.new_tensor(shares).log() - away.square() / (2 * variance)).softmax(-1)
    drift = centre + (t * width**2 - (1 - t)) / variance * away
    return (comes_from * drift).sum(-1)


def exact_flow(noise: Tensor, centre: float, width: float) -> Tensor:
    """Return where the flow of Gaussian data ends: centre + width * noise; each sample keeps its quantile."""
    return centre + width * noise


def filtered(frames: Tensor, kernel: Tensor) -> Tensor:
    """Return frames [T] filtered by a kernel of odd length: a toy decoder that looks as far ahead as back."""
    if frames.ndim != 1 or kernel.ndim != 1 or len(kernel) % 2 == 0:
        raise ValueError(f"want frames [T] and a kernel of odd length, got {list(frames.shape)}, {list(kernel.shape)}")
    padded = torch.nn.functional.pad(frames, (len(kernel) // 2, len(kernel) // 2))
    return (padded.unfold(0, len(kernel), 1) * kernel).sum(1)


def in_chunks(
    frames: Tensor, decode: Callable[[Tensor], Tensor], first: int, chunk: int, back: int, ahead: int
) -> tuple[Tensor, list[int]]:
    """Return decoded frames, made chunk by chunk, and how many frames had to be there before each chunk could be.

    Args:
        frames: [T], what the language model writes.
        decode: [T'] -> [T'], which is called with a chunk and what surrounds it.
        first: frames of the first chunk, small so that it is heard soon.
        chunk: frames of those after it.
        back: frames before a chunk that are decoded with it, and thrown away.
        ahead: frames after it, that have to be waited for.
    Raises: ValueError if there are no frames or chunks have none.
    Example: 5 frames, first 2, chunks of 2, ahead 1 -> heard after 3, 5 and 5 frames.
    """
    if frames.ndim != 1 or not len(frames) or min(first, chunk) < 1 or min(back, ahead) < 0:
        raise ValueError(
            f"want frames [T], chunks of 1 or more, got {list(frames.shape)}, {first}, {chunk}, {back}, {ahead}"
        )
    done, pieces, waited = 0, list[Tensor](), list[int]()
    while done < len(frames):
        end = min(len(frames), done + (chunk if pieces else first))
        begin, seen = max(0, done - back), min(len(frames), end + ahead)
        pieces.append(decode(frames[begin:seen])[done - begin : end - begin])
        waited.append(seen)
        done = end
    return torch.cat(pieces), waited


def first_chunk_ms(first: int, ahead: int, token_ms: float) -> float:
    """Return how long the language model writes until the first chunk can be decoded: 10 tokens of 20 ms -> 200."""
    if first < 1 or ahead < 0 or token_ms < 0:
        raise ValueError(f"want a first chunk of 1 or more, and no negative numbers, got {first}, {ahead}, {token_ms}")
    return (first + ahead) * token_ms


FIGURES = (first_chunk_ms,)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    counts: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128),
    points: int = 2000,
    contexts: tuple[int, ...] = (0, 1, 2, 4, 8),
) -> dict[str, Any]:
    """Follow the flow in ever more steps, and decode chunks with ever more context; return both errors.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws noise and frames.
        counts: Euler's steps.
        points: samples.
        contexts: frames on both sides of a chunk; the toy decoder looks 8 frames ahead.
    """
    if points < 1 or not counts:
        raise ValueError(f"want one point or more and counts of steps, got {points} and {list(counts)}")
    generator = torch.Generator().manual_seed(seed)
    noise = moved(torch.randn(points, generator=generator, dtype=torch.float64), device)
    fine = euler(noise, _field, 500)
    rows: list[dict[str, Any]] = []
    for steps in counts:
        found = euler(noise, _field, steps)
        near = (found[:, None] - noise.new_tensor(CENTRES)).abs().min(1).values < 3 * WIDTH
        row = {"what": "flow", "steps_or_context": steps, "error": round(float((found - fine).abs().mean()), 5)}
        rows.append({**row, "near_data_percent": round(100 * float(near.double().mean()), 1), "waited_frames": None})
    frames = torch.randn(100, generator=generator, dtype=torch.float64).to(noise)
    kernel = torch.hann_window(19, periodic=False, dtype=torch.float64).to(noise)[1:-1]
    whole = filtered(frames, kernel)
    for context in contexts:
        made, waited = in_chunks(frames, lambda part: filtered(part, kernel), FIRST_CHUNK, 20, context, context)
        row = {"what": "chunks", "steps_or_context": context, "error": round(float((made - whole).abs().max()), 5)}
        rows.append({**row, "near_data_percent": None, "waited_frames": waited[0]})
    remarks = [
        "flow: error is the distance from 500 steps; near_data_percent of the samples are within three deviations of"
        " one of the three Gaussians that the data come from. One step takes everything to the data's mean, which"
        " happens to lie in one of them.",
        "chunks: error is the largest difference from decoding all at once; it ends when the context is as long as what"
        " the decoder sees, and is paid for in frames that have to be waited for.",
        f"At {FRAME_RATE_HZ} Hz the first 10 tokens are {1000 * FIRST_CHUNK / FRAME_RATE_HZ:g} ms of sound. A toy.",
    ]
    flow = [row for row in rows if row["what"] == "flow"]
    plot = {
        "kind": "line",
        "x": [row["steps_or_context"] for row in flow],
        "series": {"distance from 500 steps": [row["error"] for row in flow]},
    }
    return {"rows": rows, "remarks": remarks, "plot": {**plot, "x_label": "steps", "y_label": "mean distance"}}


def _field(x: Tensor, t: float) -> Tensor:
    return best_field(x, t, CENTRES, WIDTH, SHARES)


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of flow matching, each with whether it did.

    Args:
        device: where the tensors live, "cpu" or "cuda".
    """
    noise, data = moved(torch.randn(2, 100, generator=torch.Generator().manual_seed(0), dtype=torch.float64), device)
    exact = exact_flow(noise, 3.0, 0.5)
    errors = [float((euler(noise, _gaussian, steps) - exact).abs().max()) for steps in (100, 200)]
    kernel = torch.ones(5, dtype=noise.dtype, device=noise.device)
    made, waited = in_chunks(noise, lambda part: filtered(part, kernel), 10, 20, 2, 2)
    straight = all(torch.allclose(euler(noise, lambda x, t: velocity(noise, data), n), data) for n in (1, 7))
    return [
        ("A quarter of the way from 0 to 8 is 2.", float(path(data.new_zeros(1), data.new_tensor([8.0]), 0.25)) == 2),
        ("Where the pair is known, one step ends at the data, and so do seven.", straight),
        ("Gaussian data: the flow keeps every quantile.", errors[1] < 0.02),
        ("Twice the steps have half the error.", math.isclose(errors[0] / errors[1], 2, rel_tol=0.05)),
        ("Chunks with context enough are the same as the whole.", torch.allclose(made, filtered(noise, kernel))),
        ("The first of them waits for 12 frames.", waited[0] == 12),
    ]


def _gaussian(x: Tensor, t: float) -> Tensor:
    return best_field(x, t, [3.0], 0.5, [1.0])


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("A flow to three Gaussians in few and many steps, and a decoder in chunks.", demo, checks)


if __name__ == "__main__":
    main()
