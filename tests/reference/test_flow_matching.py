"""Straight paths by hand, the field against quadrature, Euler's order, and chunks against the whole."""

import itertools
import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import flow_matching as flow  # noqa: E402


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_path_worked_by_hand():
    here, there = torch.tensor([0.0, 4.0]), torch.tensor([8.0, 0.0])

    assert flow.path(here, there, 0.25).tolist() == [2, 3]
    assert flow.velocity(here, there).tolist() == [8, -4]
    assert torch.equal(flow.path(here, there, 0), here)
    assert torch.equal(flow.path(here, there, 1), there)
    # Two steps of a field that says x: 1 + 1/2, and half of that more.
    assert flow.euler(torch.tensor([1.0]), lambda x, t: x, 2).item() == 2.25
    # A field that says t: 0 + 0, then a half of a half.
    assert flow.euler(torch.tensor([0.0]), lambda x, t: torch.tensor([t]), 2).item() == 0.25


@given(steps=st.integers(1, 50), seed=st.integers(0, 99))
def test_where_the_pair_is_known_any_number_of_steps_ends_at_the_data(steps, seed):
    here, there = noise(4, seed=seed), noise(4, seed=seed + 100)

    torch.testing.assert_close(flow.euler(here, lambda x, t: flow.velocity(here, there), steps), there)


@pytest.mark.parametrize("t", [0.0, 0.3, 0.8])
def test_the_field_is_the_velocity_averaged_over_the_paths_that_pass(t):
    centres, width, shares = [-1.0, 2.0], 0.3, [0.25, 0.75]
    data = torch.linspace(-6, 7, 20001).double()
    density = sum(
        share * torch.exp(-((data - centre) ** 2) / (2 * width**2))
        for centre, share in zip(centres, shares, strict=True)
    )
    for x in (-1.2, 0.1, 1.5):
        begin = (x - t * data) / (1 - t)
        weight = density * torch.exp(-(begin**2) / 2)
        expected = (weight * (data - begin)).sum() / weight.sum()

        found = flow.best_field(torch.tensor([x]).double(), t, centres, width, shares)

        assert found.item() == pytest.approx(expected.item(), rel=1e-4)


def test_of_gaussian_data_the_flow_keeps_quantiles_and_eulers_error_halves_with_twice_the_steps():
    start = noise(50)

    def field(x, t):
        return flow.best_field(x, t, [3.0], 0.5, [1.0])

    errors = [(flow.euler(start, field, steps) - (3 + 0.5 * start)).abs().max().item() for steps in (50, 100, 200)]

    assert errors[-1] < 0.02
    assert all(coarse / fine == pytest.approx(2, rel=0.05) for coarse, fine in itertools.pairwise(errors))
    torch.testing.assert_close(flow.exact_flow(start, 3.0, 0.5), 3 + 0.5 * start)


def test_the_flow_to_a_mixture_ends_in_the_shares_of_its_parts():
    found = flow.euler(noise(4000), lambda x, t: flow.best_field(x, t, [-2.0, 2.0], 0.1, [0.3, 0.7]), 100)

    assert (found < 0).double().mean().item() == pytest.approx(0.3, abs=0.03)
    assert (found.abs() - 2).abs().median() < 0.1


@given(frames=st.integers(1, 60), first=st.integers(1, 12), chunk=st.integers(1, 12), extra=st.integers(0, 3))
def test_chunks_with_enough_context_are_the_same_as_the_whole(frames, first, chunk, extra):
    x, kernel = noise(frames), noise(7, seed=1)

    made, waited = flow.in_chunks(x, lambda part: flow.filtered(part, kernel), first, chunk, 3 + extra, 3 + extra)

    torch.testing.assert_close(made, flow.filtered(x, kernel))
    assert waited == sorted(waited)
    assert waited[-1] == frames


def test_the_toy_decoder_and_its_chunks_by_hand():
    x, kernel = torch.tensor([1.0, 2, 3, 4, 5]), torch.tensor([1.0, 1, 1])

    assert flow.filtered(x, kernel).tolist() == [3, 6, 9, 12, 9]
    made, waited = flow.in_chunks(x, lambda part: flow.filtered(part, kernel), 2, 2, 0, 0)
    assert made.tolist() == [3, 3, 7, 7, 5]  # each chunk is decoded as if nothing were around it
    assert waited == [2, 4, 5]
    assert flow.in_chunks(x, lambda part: part, 2, 2, 0, 1)[1] == [3, 5, 5]
    assert flow.first_chunk_ms(10, 3, 20) == 260


def test_a_mistake_is_told_with_what_came():
    with pytest.raises(ValueError, match=r"got 0\.5, \[2\] and \[3\]"):
        flow.path(noise(2), noise(3), 0.5)
    with pytest.raises(ValueError, match=r"got 2, \[2\]"):
        flow.path(noise(2), noise(2), 2)
    with pytest.raises(ValueError, match=r"\[2\] and \[3\]"):
        flow.velocity(noise(2), noise(3))
    with pytest.raises(ValueError, match="got 0"):
        flow.euler(noise(2), lambda x, t: x, 0)
    with pytest.raises(ValueError, match=r"without 1.*got 1"):
        flow.best_field(noise(2), 1, [0.0], 1, [1.0])
    with pytest.raises(ValueError, match=r"\[3\], \[2\]"):
        flow.filtered(noise(3), noise(2))
    with pytest.raises(ValueError, match=r"got \[0\], 1, 1, 0, 0"):
        flow.in_chunks(noise(0), lambda part: part, 1, 1, 0, 0)
    with pytest.raises(ValueError, match="got 0, 0, 1"):
        flow.first_chunk_ms(0, 0, 1)
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        flow.demo(device="abacus")
    with pytest.raises(ValueError, match="got 0 and"):
        flow.demo(points=0)


def test_in_the_demo_more_steps_and_more_context_have_less_error():
    shown = flow.demo(counts=(1, 4, 16), points=500)

    assert json.loads(json.dumps(shown)) == shown
    for what in ("flow", "chunks"):
        errors = [row["error"] for row in shown["rows"] if row["what"] == what]
        assert errors == sorted(errors, reverse=True)
        assert errors[-1] < errors[0] / 5
    assert [row["waited_frames"] for row in shown["rows"]][-1] == 18
    assert math.isclose(shown["rows"][-1]["error"], 0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_agree():
    def field(x, t):
        return flow.best_field(x, t, [-1.0, 2.0], 0.3, [0.5, 0.5])

    torch.testing.assert_close(flow.euler(noise(50).cuda(), field, 20).cpu(), flow.euler(noise(50), field, 20))
