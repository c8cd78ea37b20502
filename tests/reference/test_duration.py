"""Durations against alignments by hand, torch's repeat_interleave, and a flow with a formula."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import duration  # noqa: E402


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_phonemes_are_repeated_and_one_of_no_frames_is_left_out():
    states = torch.tensor([[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]])

    frames = duration.regulate(states, torch.tensor([2, 0, 1]))

    assert frames.tolist() == [[1.0, 5.0], [1.0, 5.0], [3.0, 7.0]]
    assert duration.repeats(torch.tensor([2, 0, 1])).tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]


@settings(max_examples=60)
@given(durations=st.lists(st.integers(0, 9), min_size=1, max_size=8), seed=st.integers(0, 2**32))
def test_repeating_is_torchs_repeat_interleave(durations, seed):
    states = torch.randn(len(durations), 3, generator=torch.Generator().manual_seed(seed))

    frames = duration.regulate(states, torch.tensor(durations))

    assert len(frames) == sum(durations)
    assert torch.equal(frames, states.repeat_interleave(torch.tensor(durations), dim=0))


def test_durations_are_made_whole_by_hand():
    assert duration.whole_durations([1.5, 1.5, 2.0], 10) == [3, 3, 4]
    assert duration.whole_durations([1.5, 1.5, 2.0], 4) == [1, 1, 2]
    assert duration.whole_durations([1.0, 1.0, 1.0], 4) == [2, 1, 1]  # of equal remainders the first
    assert duration.whole_durations([0.0, 5.0], 7) == [0, 7]


@settings(max_examples=100)
@given(durations=st.lists(st.floats(0.01, 50), min_size=1, max_size=20), total=st.integers(0, 500))
def test_whole_durations_sum_to_the_total_and_each_is_within_a_frame(durations, total):
    whole = duration.whole_durations(durations, total)

    assert sum(whole) == total
    scale = total / sum(durations)
    assert all(abs(one - exact * scale) < 1 + 1e-9 for one, exact in zip(whole, durations, strict=True))


def test_two_equal_gaussians_worked_by_hand():
    weights = duration.gaussian_weights(numbers(2, 2), numbers(1, 1), 4)

    # Middles 1 and 3, frames at 0.5, 1.5, 2.5, 3.5: the log odds are (3 - x)^2 / 2 - (1 - x)^2 / 2 = 4 - 2 x.
    odds = [math.exp(4 - 2 * x) for x in (0.5, 1.5, 2.5, 3.5)]
    assert weights[:, 0].tolist() == pytest.approx([odd / (1 + odd) for odd in odds])
    assert weights.sum(1).tolist() == pytest.approx([1] * 4)


def test_of_two_phonemes_equally_near_the_narrow_one_weighs_more():
    weights = duration.gaussian_weights(numbers(1, 1), numbers(0.5, 1.5), 3)  # middles 0.5 and 1.5
    by_density = [math.exp(-((2.5 - m) ** 2) / (2 * w**2)) / w for m, w in ((0.5, 0.5), (1.5, 1.5))]

    assert float(weights[2, 0]) == pytest.approx(by_density[0] / sum(by_density))


@settings(max_examples=50)
@given(durations=st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_narrow_weights_become_repetition(durations):
    whole = torch.tensor(durations)

    weights = duration.gaussian_weights(whole.double(), 0.02 * whole.double(), sum(durations))

    assert torch.equal(weights.round().long(), duration.repeats(whole))


def test_a_gradient_reaches_durations_through_gaussian_weights():
    durations = numbers(2, 3, 2).requires_grad_()

    assert torch.autograd.gradcheck(lambda d: duration.gaussian_weights(d, numbers(1, 1, 1), 7), (durations,))
    duration.gaussian_weights(durations, numbers(1, 1, 1), 7)[2, 0].backward()
    assert float(durations.grad[0]) > 0  # a longer first phoneme has more of frame 2


def test_a_duration_is_the_sum_of_the_chances_to_last_longer():
    sure, never = 50.0, -50.0

    assert duration.expected_durations(numbers([sure, sure, sure, never], [0.0, 0.0, 0.0, 0.0])).tolist() == [3, 2]


def test_a_total_follows_the_prompts_pace():
    assert duration.total_by_ratio(150, 30, 50) == 250
    assert duration.total_by_ratio(10, 4, 3) == 8  # 7.5, a half goes up
    assert duration.total_by_ratio(10, 4, 0) == 0


def test_flow_matched_totals_become_mean_plus_deviation_times_noise_as_steps_grow():
    noise = numbers(-2, 0, 1)
    exact = 50 + 5 * noise
    errors = [float((duration.draw_totals(50, 5, noise, steps) - exact).abs().max()) for steps in (1, 8, 64)]

    assert duration.draw_totals(50, 5, noise, 1).tolist() == [50.0] * 3
    assert errors[2] < errors[1] / 3 < errors[0] / 3
    assert duration.draw_totals(50, 5, noise, 5000).tolist() == pytest.approx(exact.tolist(), abs=0.05)


def test_a_mistake_is_told_with_both_shapes():
    with pytest.raises(ValueError, match=r"\[3, 2\] and \[2\] torch.int64"):
        duration.regulate(torch.zeros(3, 2), torch.tensor([1, 2]))
    with pytest.raises(ValueError, match=r"\[2, 2\] and \[2\] torch.float32"):
        duration.regulate(torch.zeros(2, 2), torch.zeros(2))
    with pytest.raises(ValueError, match=r"of 0 or more, got \[1, -1\]"):
        duration.repeats(torch.tensor([1, -1]))
    with pytest.raises(ValueError, match=r"got \[2\] torch.float64, \[1\] and 3"):
        duration.gaussian_weights(numbers(1, 2), numbers(1), 3)
    with pytest.raises(ValueError, match="widths"):
        duration.gaussian_weights(numbers(1), numbers(0), 3)
    for bad in ([], [0.0], [-1.0, 3.0], [math.nan]):
        with pytest.raises(ValueError, match="not all 0"):
            duration.whole_durations(bad, 5)
    with pytest.raises(ValueError, match="got 5, 0 and 5"):
        duration.total_by_ratio(5, 0, 5)
    with pytest.raises(ValueError, match="got 0 and 5"):
        duration.draw_totals(50, 5, numbers(0), 0)
    with pytest.raises(ValueError, match="2 durations above 0"):
        duration.demo(durations=(3.0,))
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        duration.demo(device="abacus")


def test_the_demo_finds_the_durations_again_and_draws_both_alignments():
    shown = duration.demo()

    assert json.loads(json.dumps(shown)) == shown
    assert sum(row["whole"] for row in shown["rows"]) == 24
    for row in shown["rows"]:
        assert row["found"] == pytest.approx(row["duration"], abs=0.3)
    assert shown["drawing"].split("\n")[1] == "  p1  ...99999999............."
    assert shown["plot"]["series"]["Gaussian weights"][-1] < shown["plot"]["series"]["Gaussian weights"][0] / 100


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_align_alike():
    durations, widths = numbers(2, 3, 4), numbers(1, 1, 2)

    on_gpu = duration.gaussian_weights(durations.cuda(), widths.cuda(), 9)

    assert torch.allclose(on_gpu.cpu(), duration.gaussian_weights(durations, widths, 9))
