"""Coarse to fine against probabilities by hand, all sequences counted, and the entropy's formula."""

import itertools
import json
import math

import pytest

torch = pytest.importorskip("torch")

from kb.reference import coarse_to_fine  # noqa: E402
from kb.reference.coarse_to_fine import WAYS, Toy  # noqa: E402

BY_TOKEN, DRAWN, LIKELIEST = WAYS


def everything(codebook_size, layers, frames):
    codes = itertools.product(range(codebook_size), repeat=layers * frames)
    return torch.tensor(list(codes)).view(-1, layers, frames)


def test_the_probability_of_a_sequence_by_hand():
    toy = Toy(4, stay=0.5, q=0.3, coupling=0.6)
    codes = torch.tensor([[[1, 2, 2], [2, 3, 2]]])

    # 1/4 to begin, up, stay; bits 1, 1, 0: a one, a one after a one (0.6 + 0.4 x 0.3), a zero after a one
    by_hand = 0.25 * 0.5 * 0.5 * 0.3 * 0.72 * 0.28
    assert float(coarse_to_fine.bits(toy, codes)) == pytest.approx(-math.log2(by_hand))
    assert float(coarse_to_fine.bits(toy, torch.tensor([[[1, 3]]]))) == math.inf  # two up is impossible


@pytest.mark.parametrize("coupling", [0.0, 0.6])
def test_probabilities_sum_to_one_and_their_entropy_is_the_formulas(coupling):
    toy = Toy(3, stay=0.4, q=0.3, coupling=coupling)

    bits = coarse_to_fine.bits(toy, everything(3, 2, 3))
    chances = 2**-bits

    assert float(chances.sum()) == pytest.approx(1)
    entropy = float((chances * bits)[chances > 0].sum())
    assert coarse_to_fine.expected_bits(toy, 2, 3) == pytest.approx(entropy)


@pytest.mark.parametrize(
    ("coupling", "way", "right"),
    [(0.6, BY_TOKEN, True), (0.0, DRAWN, True), (0.6, DRAWN, False), (0.0, LIKELIEST, False)],
)
def test_codes_come_as_often_as_they_should_unless_frames_that_depend_on_each_other_are_made_together(
    coupling, way, right
):
    scipy_stats = pytest.importorskip("scipy.stats")
    toy = Toy(3, coupling=coupling)
    possible = everything(3, 2, 2)
    chances = 2 ** -coarse_to_fine.bits(toy, possible)
    places = torch.tensor([27, 9, 3, 1])

    codes = coarse_to_fine.generate(toy, 2, 2, way, batch=20000, seed=1)

    counts = (codes.flatten(1) * places).sum(1).bincount(minlength=81)
    assert counts[chances == 0].sum() == 0
    kept = chances > 0
    pvalue = scipy_stats.chisquare(counts[kept].tolist(), (chances[kept] / chances[kept].sum() * 20000).tolist()).pvalue
    assert (pvalue > 0.001) == right


def test_passes_are_those_of_the_layouts_table():
    assert coarse_to_fine.passes(375, 1, 7) == coarse_to_fine.first_frame_pass(375, 1, 7) == 382
    assert coarse_to_fine.passes(375, 8, 0) == 3000
    assert coarse_to_fine.first_frame_pass(375, 8, 0) == 2626
    assert coarse_to_fine.first_frame_pass(375, 1, 0) == 1


def test_the_likeliest_codes_of_a_finer_layer_are_the_coarser_ones():
    codes = coarse_to_fine.generate(Toy(8, q=0.3), 3, 10, LIKELIEST, seed=1)

    assert torch.equal(codes[:, 1], codes[:, 0])
    up = coarse_to_fine.generate(Toy(8, q=0.7), 2, 10, LIKELIEST, seed=1)
    assert torch.equal(up[:, 1], (up[:, 0] + 1) % 8)


def test_a_mistake_is_told_with_what_came():
    with pytest.raises(ValueError, match=r"a way of token by token, .* got 0, 4, 1 and 'fast'"):
        coarse_to_fine.generate(Toy(4), 0, 4, "fast")
    with pytest.raises(ValueError, match=r"in 0\.\.3, got \[1, 1, 1\]"):
        coarse_to_fine.bits(Toy(4), torch.tensor([[[4]]]))
    with pytest.raises(ValueError, match="got -1, 1 and 1"):
        coarse_to_fine.passes(-1, 1, 1)
    with pytest.raises(ValueError, match="got 5, 0 and 0"):
        coarse_to_fine.first_frame_pass(5, 0, 0)
    with pytest.raises(ValueError, match="codebook_size of 3"):
        coarse_to_fine.demo(codebook_size=2)
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        coarse_to_fine.demo(device="abacus")


def test_the_demo_shows_what_a_pass_for_a_layer_costs():
    shown = coarse_to_fine.demo(frames=20, couplings=(0.0, 0.75), batch=300)

    assert json.loads(json.dumps(shown)) == shown
    rows = {(row["coupling"], row["finer_layers"]): row for row in shown["rows"]}
    for coupling in (0.0, 0.75):
        right = rows[coupling, BY_TOKEN]
        assert right["bits_per_code"] == pytest.approx(right["should_be"], rel=0.03)
        assert (right["passes"], rows[coupling, DRAWN]["passes"]) == (80, 23)
        assert (right["first_frame_after"], rows[coupling, DRAWN]["first_frame_after"]) == (61, 23)
    assert rows[0.0, DRAWN]["bits_per_code"] == pytest.approx(rows[0.0, DRAWN]["should_be"], rel=0.03)
    assert rows[0.75, DRAWN]["bits_per_code"] > 1.2 * rows[0.75, DRAWN]["should_be"]
    assert rows[0.0, LIKELIEST]["bits_per_code"] < 0.9 * rows[0.0, LIKELIEST]["should_be"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_make_the_same_codes():
    for way in WAYS:
        on_gpu = coarse_to_fine.generate(Toy(8, coupling=0.5), 3, 10, way, batch=4, device="cuda")

        assert torch.equal(on_gpu.cpu(), coarse_to_fine.generate(Toy(8, coupling=0.5), 3, 10, way, batch=4))
