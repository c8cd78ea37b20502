"""SpecAugment against every mask there can be, and what the paper's table allows."""

import json
import math
from fractions import Fraction
from itertools import product

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import specaugment as sa  # noqa: E402


def every_span(size, widest):
    """Return all masks with their probabilities: a width from 0 to widest, a start below size - width."""
    return [
        (Fraction(1, (widest + 1) * (size - width)), set(range(start, start + width)))
        for width in range(widest + 1)
        for start in range(size - width)
    ]


def test_of_three_frames_the_first_is_masked_once_in_four_times():
    # Widths 0 and 1 are equally likely; a mask of one frame starts at 0 or 1.
    assert sa.covered(3, 1, masks=1).tolist() == [0.25, 0.25, 0]
    assert sa.covered(3, 1, masks=2).tolist() == [0.4375, 0.4375, 0]
    assert sa.covered(3, 2, masks=0).tolist() == [0, 0, 0]


@pytest.mark.parametrize(("size", "widest", "masks"), [(5, 3, 1), (6, 5, 2), (4, 2, 3), (1, 0, 2)])
def test_the_probabilities_are_those_of_an_enumeration_of_all_masks(size, widest, masks):
    by_hand = [Fraction(0)] * size
    for chosen in product(every_span(size, widest), repeat=masks):
        for place in set().union(*(span for _, span in chosen)):
            by_hand[place] += math.prod(probability for probability, _ in chosen)

    assert sa.covered(size, widest, masks).tolist() == pytest.approx([float(one) for one in by_hand], abs=1e-12)


def test_the_share_of_cells_is_that_of_an_enumeration_of_bands_and_frames(monkeypatch):
    monkeypatch.setitem(sa.POLICIES, "toy", sa.Policy(2, 1, 3, 1.0, 1))
    share = sum(
        one * other * len({(m, t) for m, t in product(range(4), range(5)) if m in bands or t in frames})
        for (one, bands), (other, frames) in product(every_span(4, 2), every_span(5, 3))
    )

    assert sa.masked_percent("toy", 5, bands=4) == pytest.approx(100 * float(share) / 20)


@settings(max_examples=60)
@given(
    policy=st.sampled_from(list(sa.POLICIES.values())),
    bands=st.integers(1, 90),
    frames=st.integers(1, 300),
    seed=st.integers(0, 2**32),
)
def test_a_mask_is_made_of_no_more_bands_and_frames_than_the_policy_allows(policy, bands, frames, seed):
    whole_bands, whole_frames = sa.draw(policy, bands, frames, torch.Generator().manual_seed(seed))

    assert int(whole_bands.sum()) <= policy.band_masks * policy.widest_band
    assert int(whole_frames.sum()) <= policy.time_masks * min(policy.widest_time, policy.most_time * frames)
    assert not whole_bands[-1]
    assert not whole_frames[-1]
    for line in (whole_bands, whole_frames):
        runs = int((line.int().diff() == 1).sum()) + int(line[0])
        assert runs <= 2


@pytest.mark.parametrize("policy", sa.POLICIES)
def test_drawn_masks_cover_on_average_what_is_expected(policy):
    generator = torch.Generator().manual_seed(0)

    drawn = [sa.draw(sa.POLICIES[policy], 80, 300, generator) for _ in range(400)]

    shares = torch.stack([(bands[:, None] | frames).double().mean() for bands, frames in drawn])
    error = float(shares.std()) / 20  # of the mean of 400
    assert abs(float(shares.mean()) - sa.masked_percent(policy, 300) / 100) < 3 * error


def test_what_is_masked_is_the_mean_and_the_rest_stays():
    mel = torch.randn(3, 80, 400, generator=torch.Generator().manual_seed(0))

    masked = sa.apply(mel, sa.POLICIES["LD"], seed=1)

    for one, other in zip(masked, mel, strict=True):
        gone = one != other
        assert torch.allclose(one[gone], other.mean(), atol=1e-6)
        assert 0 < int(gone.sum()) < one.numel()
    assert not torch.equal(masked[0] != mel[0], masked[1] != mel[1])
    assert torch.equal(sa.apply(mel, sa.POLICIES["LD"], seed=1), masked)
    assert not torch.equal(sa.apply(mel, sa.POLICIES["LD"], seed=2), masked)


def test_short_recordings_are_spared_by_the_policies_with_a_share():
    assert sa.widest(sa.POLICIES["LD"], 80, 50) == (27, 49)
    assert sa.widest(sa.POLICIES["SS"], 80, 50) == (27, 10)
    assert sa.widest(sa.POLICIES["SS"], 80, 4) == (27, 0)
    assert sa.masked_percent("LD", 50) > 60
    assert sa.masked_percent("SS", 50) < 45


def test_a_mistake_is_told_with_what_came():
    with pytest.raises(ValueError, match=r"got \[80, 10\]"):
        sa.apply(torch.zeros(80, 10), sa.POLICIES["LB"])
    with pytest.raises(ValueError, match=r"got \[1, 80, 0\]"):
        sa.apply(torch.zeros(1, 80, 0), sa.POLICIES["LB"])
    with pytest.raises(ValueError, match=r"torch\.int64"):
        sa.apply(torch.zeros(1, 80, 10, dtype=torch.int64), sa.POLICIES["LB"])
    with pytest.raises(ValueError, match="LB, LD, SM, SS, got 'XL'"):
        sa.masked_percent("XL", 100)
    with pytest.raises(ValueError, match="got 80 and 0"):
        sa.masked_percent("LB", 0)
    with pytest.raises(ValueError, match="1 draw or more, got 0"):
        sa.demo(draws=0)


def test_the_demo_sets_what_was_drawn_beside_what_is_expected():
    shown = sa.demo(frames=300, draws=50)

    assert json.loads(json.dumps(shown)) == shown
    assert [row["policy"] for row in shown["rows"]] == ["LB", "LD", "SM", "SS"]
    assert all(abs(row["expected_percent"] - row["drawn_percent"]) < 6 for row in shown["rows"])
    lines = shown["drawing"].split("\n")
    assert {len(line) for line in lines} == {75}
    assert len(lines) == 20
    assert "#" in shown["drawing"]


def test_a_device_that_is_none_is_told():
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        sa.checks(device="abacus")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_mask_alike():
    mel = torch.randn(2, 80, 100, generator=torch.Generator().manual_seed(0))

    masked = sa.apply(mel.cuda(), sa.POLICIES["LD"])

    assert masked.is_cuda
    assert torch.allclose(masked.cpu(), sa.apply(mel, sa.POLICIES["LD"]), atol=1e-6)
