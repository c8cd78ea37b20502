"""DPO against torch's logsigmoid, the gradient of the paper, and figures by hand."""

import math
import sys
from random import Random

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import dpo, puzzles  # noqa: E402
from kb.reference.dpo import Answer, dpo_loss, log_probability, pair_up, preference_pairs  # noqa: E402


def drawn(pairs, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return [-50 * torch.rand(pairs, generator=generator, dtype=dtype) for _ in range(4)]


def test_twenty_answers_give_five_pairs_when_five_to_fifteen_are_right():
    pairs = [preference_pairs(20, correct, 5) for correct in range(21)]

    assert pairs == [0, 1, 2, 3, 4, *[5] * 11, 4, 3, 2, 1, 0]


def test_the_loss_by_hand():
    assert dpo.loss(0, 0.1) == pytest.approx(0.6931, abs=5e-5)
    assert dpo.loss(10, 0.1) == pytest.approx(0.3133, abs=5e-5)  # log(1 + 1/e)
    assert dpo.loss(-10, 0.1) == pytest.approx(1.3133, abs=5e-5)


def test_a_margin_of_two_nats_by_hand():
    # The policy moved the chosen answer from -5 to -4 and the rejected one from -5 to -6.
    chosen, rejected, before = torch.tensor([-4.0]), torch.tensor([-6.0]), torch.tensor([-5.0])

    assert dpo_loss(chosen, rejected, before, before, beta=0.5).item() == pytest.approx(0.3133, abs=5e-5)


@pytest.mark.parametrize("beta", [0.01, 0.1, 0.5, 5.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_loss_is_what_libraries_compute_with_logsigmoid(beta, dtype):
    policy_chosen, policy_rejected, chosen, rejected = drawn(500, dtype=dtype)

    losses = dpo_loss(policy_chosen, policy_rejected, chosen, rejected, beta)

    ratios = (policy_chosen - policy_rejected) - (chosen - rejected)
    torch.testing.assert_close(losses, -torch.nn.functional.logsigmoid(beta * ratios), rtol=1e-4, atol=1e-6)
    assert losses.dtype == dtype


def test_the_loss_of_numbers_is_the_loss_of_tensors():
    margins = torch.linspace(-3000, 3000, 61, dtype=torch.float64)
    zero = torch.zeros_like(margins)

    losses = dpo_loss(margins, zero, zero, zero, 0.3)

    assert losses.tolist() == pytest.approx([dpo.loss(margin, 0.3) for margin in margins.tolist()])
    assert losses.isfinite().all()


def test_training_begins_with_log_2_whatever_the_reference():
    chosen, rejected, _, _ = drawn(50)

    losses = dpo_loss(chosen, rejected, chosen, rejected, 0.1)

    assert losses.tolist() == pytest.approx([math.log(2)] * 50)


def test_the_gradient_is_that_of_the_paper():
    # beta * sigmoid(reward of the rejected - reward of the chosen): down for the rejected, up for the chosen.
    policy_chosen, policy_rejected, chosen, rejected = drawn(50, dtype=torch.float64)
    policy_chosen.requires_grad_()
    policy_rejected.requires_grad_()

    dpo_loss(policy_chosen, policy_rejected, chosen, rejected, 0.2).sum().backward()

    rewards = 0.2 * (policy_chosen - chosen).detach(), 0.2 * (policy_rejected - rejected).detach()
    weight = 0.2 * torch.sigmoid(rewards[1] - rewards[0])
    torch.testing.assert_close(policy_chosen.grad, -weight)
    torch.testing.assert_close(policy_rejected.grad, weight)


@given(right=st.integers(0, 8), wrong=st.integers(0, 8), per_side=st.integers(0, 6), seed=st.integers(0, 99))
def test_pairs_hold_a_right_and_a_wrong_answer_and_none_twice(right, wrong, per_side, seed):
    state = puzzles.begin((4, 6))
    steps = {str(step): step for step in puzzles.next_steps(state)}
    # Answers are told apart by their lists, which are different objects.
    answers = [Answer(state, [steps["6 × 4 = 24"]]) for _ in range(right)]
    answers += [Answer(state, [steps["6 + 4 = 10"]]) for _ in range(wrong)]

    pairs = pair_up(answers, per_side, Random(seed))

    assert len(pairs) == min(right, wrong, per_side)
    assert all(puzzles.score((4, 6), chosen.steps) == 1 for chosen, _ in pairs)
    assert all(puzzles.score((4, 6), rejected.steps) == 0 for _, rejected in pairs)
    assert len({id(answer.steps) for pair in pairs for answer in pair}) == 2 * len(pairs)


def test_the_probability_of_an_answer_is_the_product_of_its_steps():
    state, policy = puzzles.begin((2, 3, 4)), dpo.Linear((0.5, -1.0, 1.0, 0.2, 0.3, -0.4, 2.0))
    answers = [Answer(state, puzzles.attempt(puzzles.blind, state, Random(seed))) for seed in range(20)]

    found = log_probability(torch.tensor(policy.weights), dpo.as_tensors(answers))

    for answer, one in zip(answers, found.exp().tolist(), strict=True):
        product, here = 1.0, state
        for step in answer.steps:
            steps = puzzles.next_steps(here)
            weights = policy(here, steps)
            product *= weights[steps.index(step)] / sum(weights)
            here = step.after
        assert one == pytest.approx(product, rel=1e-4)


def test_the_probabilities_of_all_answers_sum_to_one():
    state = puzzles.begin((1, 2, 6))
    answers = [
        Answer(state, [first, second])
        for first in puzzles.next_steps(state)
        for second in puzzles.next_steps(first.after)
    ]
    tensors = dpo.as_tensors(answers)

    for weights in (torch.zeros(7), torch.linspace(-2, 2, 7)):
        assert log_probability(weights, tensors).exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_a_step_is_seen_by_its_sign_and_what_it_makes():
    seen = {str(step): dpo.features(step) for step in puzzles.next_steps(puzzles.begin((4, 4, 6)))}

    assert seen["6 × 4 = 24"] == (0, 0, 1, 0, 1, 1, 0)
    assert seen["4 - 4 = 0"] == (0, 1, 0, 0, 1, 0, 1)
    assert seen["6 + 4 = 10"] == (1, 0, 0, 0, 1, 0, 0)
    assert seen["6 ÷ 4 = 3/2"] == (0, 0, 0, 1, 0, 1, 0)


def test_bad_input_is_refused():
    two, three = torch.zeros(2), torch.zeros(3)
    short, long = (
        Answer(puzzles.begin(hand), puzzles.attempt(puzzles.blind, puzzles.begin(hand), Random(0)))
        for hand in ((1, 2), (1, 2, 3))
    )

    for call, told in [
        (lambda: dpo_loss(two, three, two, two, 0.1), r"\[\[2\], \[3\], \[2\], \[2\]\]"),
        (lambda: dpo_loss(*[torch.zeros(2, 2)] * 4, 0.1), r"\[2, 2\]"),
        (lambda: dpo_loss(two, two, two, two, 0.0), "beta above 0, got 0"),
        (lambda: dpo.loss(1.0, -1.0), "beta above 0, got -1"),
        (lambda: preference_pairs(20, 21, 5), "got 21, 20 and 5"),
        (lambda: preference_pairs(20, 5, -1), "got 5, 20 and -1"),
        (lambda: dpo.as_tensors([]), r"got \[\]"),
        (lambda: dpo.as_tensors([short, long]), r"got \[1, 2\]"),
        (lambda: dpo.demo(samples=0), "none from 0 answers"),
        (lambda: dpo.checks(device="no such"), "no such"),
    ]:
        with pytest.raises(ValueError, match=told):
            call()


def test_the_demo_solves_more_of_what_it_was_not_trained_on():
    rows = dpo.demo()["rows"]
    first, last = rows[0], rows[-1]

    assert first["loss"] == 0.693
    assert [row["loss"] for row in rows] == sorted((row["loss"] for row in rows), reverse=True)
    assert last["solved_held_out"] > 3 * first["solved_held_out"]
    assert last["pairs_in_order"] > 0.8


def test_run_alone_it_prints_its_table(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["dpo", "--check"])

    with pytest.raises(SystemExit) as ended:
        dpo.main()

    assert ended.value.code == 0
    assert "log 2" in capsys.readouterr().out


@pytest.mark.gpu
def test_cpu_and_gpu_agree():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    given = drawn(500)

    on_gpu = dpo_loss(*(one.cuda() for one in given), 0.1)

    torch.testing.assert_close(on_gpu.cpu(), dpo_loss(*given, 0.1))
    assert all(held for _, held in dpo.checks(device="cuda"))
