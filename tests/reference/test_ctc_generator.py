"""The CTC generator against paths by hand, torch's loss, and a count of every path."""

import itertools
import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import ctc_generator  # noqa: E402


def log_probabilities(frames, labels, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(frames, labels, generator=generator, dtype=torch.float64).log_softmax(1)


def torchs(log_chances, units, blank, **settings):
    return torch.nn.functional.ctc_loss(
        log_chances[:, None],
        torch.tensor([units], dtype=torch.int64),
        torch.tensor([len(log_chances)]),
        torch.tensor([len(units)]),
        blank,
        "sum",
        **settings,
    )


def test_paths_collapse_runs_first_and_blanks_then():
    assert ctc_generator.collapse(list("aaεbεb"), "ε") == ["a", "b", "b"]
    assert ctc_generator.collapse(list("aabb"), "ε") == ["a", "b"]
    assert ctc_generator.collapse(list("εε"), "ε") == []
    assert ctc_generator.collapse([], "ε") == []
    assert ctc_generator.collapsed([3, 3, 9, 3], 9) == [3, 3]


def test_states_are_repeated_in_place():
    states = torch.tensor([[1.0, 2.0], [3.0, 4.0]])

    assert ctc_generator.upsample(states, 3)[:, 0].tolist() == [1, 1, 1, 3, 3, 3]
    assert torch.equal(ctc_generator.upsample(states, 1), states)
    assert torch.equal(ctc_generator.upsample(states, 4), states.repeat_interleave(4, dim=0))


def test_two_frames_worked_by_hand():
    frames = torch.tensor([[0.6, 0.4], [0.6, 0.4]], dtype=torch.float64).log()

    assert float(ctc_generator.loss(frames, [0], 1)) == pytest.approx(-math.log(0.36 + 0.24 + 0.24))
    assert float(ctc_generator.loss(frames, [], 1)) == pytest.approx(-math.log(0.16))
    assert float(ctc_generator.loss(frames, [0, 0], 1)) == math.inf
    assert float(ctc_generator.loss(frames[:1], [0], 1)) == pytest.approx(-math.log(0.6))


@settings(max_examples=40)
@given(
    frames=st.integers(1, 5),
    units=st.lists(st.integers(0, 1), max_size=3),
    seed=st.integers(0, 2**32),
)
def test_the_loss_is_the_sum_over_all_paths_that_say_it(frames, units, seed):
    log_chances = log_probabilities(frames, 3, seed)
    chances = log_chances.exp().tolist()
    total = 0.0
    for path in itertools.product(range(3), repeat=frames):
        said = [unit for unit, _ in itertools.groupby(path)]
        if [unit for unit in said if unit != 2] == units:
            total += math.prod(chances[t][unit] for t, unit in enumerate(path))

    loss = float(ctc_generator.loss(log_chances, units, 2))

    assert loss == pytest.approx(-math.log(total) if total else math.inf, rel=1e-10)
    assert math.isinf(loss) == (frames < ctc_generator.frames_needed(units))


@pytest.mark.parametrize(
    ("frames", "labels", "units", "blank"),
    [
        (12, 6, [1, 1, 4, 0], 5),
        (12, 6, [1, 1, 4, 2], 0),
        (200, 51, [seed * 7 % 50 for seed in range(60)], 50),
        (9, 4, [2, 2, 2, 2, 2], 3),  # exactly as many frames as are needed
        (5, 4, [], 3),
    ],
)
def test_loss_and_gradient_equal_torchs(frames, labels, units, blank):
    ours, theirs = (log_probabilities(frames, labels).requires_grad_() for _ in range(2))

    loss, wanted = ctc_generator.loss(ours.log_softmax(1), units, blank), torchs(theirs.log_softmax(1), units, blank)
    loss.backward()
    wanted.backward()

    assert float(loss.detach()) == pytest.approx(float(wanted.detach()), rel=1e-12)
    assert torch.allclose(ours.grad, theirs.grad, rtol=0, atol=1e-10)


def test_too_few_frames_are_infinitely_wrong_for_torch_too():
    log_chances = log_probabilities(3, 4)

    assert float(torchs(log_chances, [1, 1, 1], 3)) == float(ctc_generator.loss(log_chances, [1, 1, 1], 3)) == math.inf


def test_a_long_utterance_underflows_nothing():
    log_chances = log_probabilities(2000, 1001)
    units = torch.randint(1000, (500,), generator=torch.Generator().manual_seed(1)).tolist()

    assert float(ctc_generator.loss(log_chances, units, 1000)) == pytest.approx(float(torchs(log_chances, units, 1000)))
    assert float(ctc_generator.loss(log_chances, units, 1000)) > 1000  # e to the minus that is no float64


def test_greedy_reads_the_likeliest_path():
    path = [2, 2, 9, 2, 4, 9, 9]

    assert ctc_generator.greedy(torch.nn.functional.one_hot(torch.tensor(path), 10).float(), 9) == [2, 2, 4]


def test_a_mistake_is_told_with_what_came():
    frames = log_probabilities(3, 4)

    with pytest.raises(ValueError, match=r"got \[3\] and 2"):
        ctc_generator.upsample(torch.zeros(3), 2)
    with pytest.raises(ValueError, match=r"got \[3, 2\] and 0"):
        ctc_generator.upsample(torch.zeros(3, 2), 0)
    with pytest.raises(ValueError, match=r"got \[0, 4\] torch.float64"):
        ctc_generator.loss(frames[:0], [1], 3)
    with pytest.raises(ValueError, match=r"in 0\.\.3, got \[3\] and 3"):
        ctc_generator.loss(frames, [3], 3)
    with pytest.raises(ValueError, match=r"in 0\.\.3, got \[4\] and 3"):
        ctc_generator.loss(frames, [4], 3)
    with pytest.raises(ValueError, match=r"got \[3, 4\] and 4"):
        ctc_generator.greedy(frames, 4)
    with pytest.raises(ValueError, match="of 1 or more, got 0"):
        ctc_generator.demo(states=0)
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        ctc_generator.demo(device="abacus")


def test_the_demo_says_the_units_wherever_there_are_frames_enough():
    shown = ctc_generator.demo(factors=(1, 3, 5), vocabulary=3, seed=2)

    assert json.loads(json.dumps(shown)) == shown
    assert [row["frames"] for row in shown["rows"]] == [4, 12, 20]
    assert [row["said_right"] for row in shown["rows"]] == [False, True, True]
    assert shown["rows"][0]["loss"] is None
    assert all(losses[0] > losses[-1] for losses in shown["plot"]["series"].values())
    assert "ε" in shown["drawing"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_lose_alike():
    log_chances = log_probabilities(50, 20)

    on_gpu = ctc_generator.loss(log_chances.cuda(), [1, 2, 2, 3], 19)

    assert on_gpu.is_cuda
    assert float(on_gpu) == pytest.approx(float(ctc_generator.loss(log_chances, [1, 2, 2, 3], 19)))
