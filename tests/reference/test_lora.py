"""LoRA against numbers by hand, autograd, and the best matrix of a rank by singular values."""

import json

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import lora  # noqa: E402


def gaussian(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize(("s", "output"), [(0.0, [1, 2]), (2.0, [7, 14]), (4.0, [13, 26]), (-1.0, [-2, -4])])
def test_one_layer_worked_by_hand(s, output):
    assert lora.adapted_output([1, 2], [[1, 0], [0, 1]], [[1, 1]], [[1], [2]], s) == output


def test_the_axes_of_a_layer_that_is_not_square_worked_by_hand():
    weight, a, b = [[1, 2, 3], [0, 0, 1]], [[1, 0, 0], [0, 1, 1]], [[1, 0], [1, -1]]

    # W x = (14, 3); A x = (1, 5); B A x = (1, -4).
    assert lora.adapted_output([1, 2, 3], weight, a, b, 0.5) == [14.5, 1.0]


@settings(max_examples=40)
@given(s=st.floats(-5, 5), t=st.floats(-5, 5), share=st.floats(0, 1), rank=st.integers(1, 4), seed=st.integers(0, 999))
def test_the_output_lies_on_a_line_in_the_scaling(s, t, share, rank, seed):
    x, weight = gaussian(3, 7, seed=seed), gaussian(5, 7, seed=seed + 1)
    a, b = gaussian(rank, 7, seed=seed + 2), gaussian(5, rank, seed=seed + 3)

    at_s, at_t, between = (lora.adapted(x, weight, a, b, one) for one in (s, t, share * s + (1 - share) * t))

    assert torch.allclose(between, share * at_s + (1 - share) * at_t, atol=1e-9)
    assert torch.allclose(x @ lora.merge(weight, a, b, s).T, at_s, atol=1e-9)
    assert torch.allclose(lora.unmerge(lora.merge(weight, a, b, s), a, b, s), weight, atol=1e-9)
    assert torch.linalg.matrix_rank(lora.merge(weight, a, b, 1.0) - weight) == rank


def test_a_fresh_adapter_changes_nothing_and_a_seed_repeats_it():
    weight = gaussian(6, 9)
    a, b = lora.start(weight, 3, seed=1)

    assert torch.equal(lora.merge(weight, a, b, 4.0), weight)
    assert a.shape == (3, 9)
    assert a.abs().min() > 0
    assert torch.equal(a, lora.start(weight, 3, seed=1)[0])
    assert not torch.equal(a, lora.start(weight, 3, seed=2)[0])


@pytest.mark.parametrize("s", [0.25, 4.0])
def test_training_reaches_the_best_matrix_of_its_rank(s):
    weight, change = gaussian(10, 12, seed=0), gaussian(10, 12, seed=1) * torch.linspace(2, 0.1, 12)
    x = torch.eye(12).double() * 12**0.5  # every direction as often, so that the error is that of the matrix
    u, values, v = torch.linalg.svd(change, full_matrices=False)
    best = u[:, :3] * values[:3] @ v[:3]

    a, b = lora.fit(x, x @ (weight + change).T, weight, rank=3, scaling=s, steps=4000)

    assert torch.allclose(lora.merge(weight, a, b, s) - weight, best, atol=1e-3)


def test_the_first_steps_are_those_of_torchs_optimizer_with_the_gradients_of_autograd():
    x, targets, weight = gaussian(20, 6), gaussian(20, 5, seed=1), gaussian(5, 6, seed=2)
    a, b = (matrix.requires_grad_() for matrix in lora.start(weight, 2, seed=3))
    optimizer = torch.optim.SGD([a, b], lr=0.05 / 4.0**2, momentum=0.9)
    for _ in range(5):
        optimizer.zero_grad()
        (torch.nn.functional.linear(x, weight + 4.0 * b @ a) - targets).square().sum().div(2 * 20).backward()
        optimizer.step()

    ours = lora.fit(x, targets, weight, 2, 4.0, steps=5, seed=3)

    assert torch.allclose(ours[0], a, atol=1e-12)
    assert torch.allclose(ours[1], b, atol=1e-12)
    assert ours[1].norm() > 0.01


def test_the_adapted_layer_is_the_one_of_peft():
    peft = pytest.importorskip("peft")
    model = torch.nn.Sequential(torch.nn.Linear(7, 5, bias=False)).double()
    weight = model[0].weight.detach().clone()
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=2, lora_alpha=8, target_modules=["0"]))
    a, b = (parameter for name, parameter in adapted.named_parameters() if "lora_" in name)
    with torch.no_grad():
        b.copy_(gaussian(5, 2))
        theirs = adapted(gaussian(3, 7))

    assert torch.allclose(lora.adapted(gaussian(3, 7), weight, a, b, lora.scaling(8, 2)), theirs, atol=1e-6)


def test_scalings_are_those_of_the_papers():
    assert lora.scaling(32, 8) == 4.0  # SALMONN
    assert lora.scaling(16, 64) == 0.25  # MooER


def test_a_mistake_is_told_with_the_shapes():
    x, weight, a, b = torch.zeros(3, 7), torch.zeros(5, 7), torch.zeros(2, 7), torch.zeros(5, 2)

    with pytest.raises(ValueError, match=r"\[5, 7\] .* and \[2, 6\] .* and \[5, 2\]"):
        lora.adapted(x, weight, a[:, :6], b, 1.0)
    with pytest.raises(ValueError, match=r"\[5, 7\] .* and \[2, 7\] .* and \[5, 1\]"):
        lora.merge(weight, a, b[:, :1], 1.0)
    with pytest.raises(ValueError, match=r"\[3, 6\] .* and \[5, 7\]"):
        lora.adapted(x[:, :6], weight, a, b, 1.0)
    with pytest.raises(ValueError, match=r"\[5, 7\] torch\.float32, 6"):
        lora.start(weight, 6)
    with pytest.raises(ValueError, match=r"\[3, 7\] .* and \[2, 5\]"):
        lora.fit(x, torch.zeros(2, 5), weight, 1, 1.0)
    with pytest.raises(ValueError, match="b should be rows of one length"):
        lora.adapted_output([1, 2], [[1, 0], [0, 1]], [[1, 1]], [[1], [2, 3]], 1.0)
    with pytest.raises(ValueError, match="rank of 1 or more, got 0"):
        lora.scaling(32, 0)
    with pytest.raises(ValueError, match="alpha above 0, got -1"):
        lora.demo(alpha=-1.0)


def test_the_demo_moves_the_layer_in_a_line_and_the_network_not():
    shown = lora.demo()

    assert json.loads(json.dumps(shown)) == shown
    rows = {row["scaling"]: row for row in shown["rows"]}
    assert list(rows) == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]
    assert [row["layer_moved_percent"] for row in rows.values()] == [0, 12.5, 25, 37.5, 50, 62.5, 75, 87.5, 100]
    assert rows[2.0]["off_the_line_percent"] > 10
    assert rows[0.0]["off_the_line_percent"] == rows[4.0]["off_the_line_percent"] == 0
    assert rows[4.0]["new_task_error_percent"] < 1
    assert 49 < rows[2.0]["new_task_error_percent"] < 51
    assert rows[0.0]["new_task_error_percent"] == 100


def test_an_adapter_of_too_small_a_rank_cannot_learn_the_task():
    assert lora.demo(rank=1)["rows"][-1]["new_task_error_percent"] > 30


def test_a_device_that_is_none_is_told():
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        lora.demo(device="abacus")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_adapt_alike():
    x, weight, a, b = gaussian(3, 7), gaussian(5, 7), gaussian(2, 7), gaussian(5, 2)

    output = lora.adapted(x.cuda(), weight.cuda(), a.cuda(), b.cuda(), 4.0)

    assert output.is_cuda
    assert torch.allclose(output.cpu(), lora.adapted(x, weight, a, b, 4.0))
