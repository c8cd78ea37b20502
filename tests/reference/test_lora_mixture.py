"""A gate over two adapters against numbers by hand, one adapter alone, and autograd."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import lora  # noqa: E402
from kb.reference import lora_mixture as lm  # noqa: E402


def gaussian(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def layer(experts=2, seed=0):
    """Return positions [9, 5], a weight [4, 5], adapters of rank 2 and a gate."""
    adapters = [(gaussian(2, 5, seed=seed + 10 + e), gaussian(4, 2, seed=seed + 20 + e)) for e in range(experts)]
    return gaussian(9, 5, seed=seed), gaussian(4, 5, seed=seed + 1), adapters, gaussian(experts, 6, seed=seed + 2)


def test_three_quarters_of_one_and_a_quarter_of_the_other_worked_by_hand():
    one, weight = torch.ones(1, 1), torch.ones(1, 1)
    adapters = [(one, 4 * one), (one, -4 * one)]  # on x = 1 they add 4 and -4
    gate = torch.tensor([[0.0, math.log(3)], [0.0, 0.0]])  # the bias alone decides

    assert lm.gates(one, gate).tolist() == [pytest.approx([0.75, 0.25])]
    assert lm.mixed(one, weight, adapters, gate).item() == pytest.approx(3.0)  # 1 + 0.75 * 4 - 0.25 * 4


@settings(max_examples=40)
@given(experts=st.integers(1, 4), seed=st.integers(0, 9999))
def test_shares_are_positive_and_the_output_lies_between_those_of_the_adapters(experts, seed):
    x, weight, adapters, gate = layer(experts, seed)

    shares, output = lm.gates(x, gate), lm.mixed(x, weight, adapters, gate)

    assert (shares > 0).all()
    assert torch.allclose(shares.sum(1), torch.ones(9).double())
    alone = torch.stack([lora.adapted(x, weight, a, b, 1.0) for a, b in adapters])
    assert (output <= alone.amax(0) + 1e-9).all()
    assert (output >= alone.amin(0) - 1e-9).all()


def test_a_gate_that_is_all_on_one_side_leaves_that_adapter_alone():
    x, weight, adapters, gate = layer()
    for e, (a, b) in enumerate(adapters):
        gate = torch.zeros(2, 6).double()
        gate[e, -1] = 1000

        assert torch.allclose(lm.mixed(x, weight, adapters, gate, 0.5), lora.adapted(x, weight, a, b, 0.5))


def test_the_gradient_is_that_of_autograd():
    x, weight, adapters, gate = layer(experts=3)
    targets = gaussian(9, 4, seed=5)
    gate.requires_grad_()
    ((lm.mixed(x, weight, adapters, gate) - targets).square().sum() / 2 / 9).backward()

    by_hand = lm.gate_gradient(x, targets, weight, adapters, gate.detach())

    assert torch.allclose(by_hand, gate.grad, atol=1e-6)
    assert gate.grad.abs().max() > 0.1


def test_two_adapters_of_rank_8_are_under_one_percent_of_a_matrix():
    # 2 * (8 * 8192 + 4097) = 139,266 of 16,777,216
    assert lm.trained_percent(4096, 4096, 8) == pytest.approx(0.830, abs=1e-3)
    assert lm.trained_percent(10, 10, 1, adapters=1) == 31


def test_a_mistake_is_told_with_the_shapes():
    x, weight, adapters, gate = layer()

    with pytest.raises(ValueError, match=r"\[9, 5\] and \[2, 5\]"):
        lm.gates(x, gate[:, 1:])
    with pytest.raises(ValueError, match=r"got 1 and \[2, 6\]"):
        lm.mixed(x, weight, adapters[:1], gate)
    with pytest.raises(ValueError, match="got 4096, 4096, 0 and 2"):
        lm.trained_percent(4096, 4096, 0)


def test_the_demo_keeps_both_tasks_only_with_a_gate():
    shown = lm.demo()

    assert json.loads(json.dumps(shown)) == shown
    errors = {row["layer"]: (row["text_error_percent"], row["speech_error_percent"]) for row in shown["rows"]}
    assert errors["frozen"] == (100, 100)
    assert max(errors["adapter for text"][0], errors["adapter for speech"][1]) < 1
    assert errors["text, then speech on top"][0] > 100
    assert max(errors["both, gated"]) < 20
    assert min(max(pair) for name, pair in errors.items() if name != "both, gated") >= 100
    gate, kind = (line.split()[1] for line in shown["drawing"].split("\n"))
    told = [(int(share) >= 5) == (one == "s") for share, one in zip(gate, kind, strict=True)]
    assert sum(told) >= 44  # of 48


def test_a_gate_cannot_tell_what_looks_alike():
    assert max(list(lm.demo(apart=0.0)["rows"][-1].values())[1:]) > 50
    assert max(list(lm.demo(apart=5.0)["rows"][-1].values())[1:]) < 1


def test_a_device_that_is_none_is_told():
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        lm.demo(device="abacus")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_mix_alike():
    x, weight, adapters, gate = layer()

    output = lm.mixed(x.cuda(), weight.cuda(), [(a.cuda(), b.cuda()) for a, b in adapters], gate.cuda())

    assert output.is_cuda
    assert torch.allclose(output.cpu(), lm.mixed(x, weight, adapters, gate))
