"""Finite scalar quantization against numbers by hand, slow loops, and vector-quantize-pytorch."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import fsq  # noqa: E402


def test_two_dimensions_worked_by_hand():
    latents = torch.tensor([[[-9.0, 0.0, 9.0, 0.0], [9.0, 0.0, -9.0, 0.3]]])  # dimensions of 3 and of 5 levels

    # tanh(0.3) = 0.291; of 5 levels, -2..2, that is 0.58, so 1.
    assert fsq.quantize(latents, (3, 5)).tolist() == [[[-1.0, 0.0, 1.0, 0.0], [1.0, 0.0, -1.0, 0.5]]]
    # Places 0, 1, 1+1, 1 of 3 and 4, 2, 0, 3 of 5; the second dimension counts threes.
    assert fsq.encode(latents, (3, 5)).tolist() == [[0 + 12, 1 + 6, 2 + 0, 1 + 9]]
    assert fsq.decode(torch.tensor([[12, 7, 2, 10]]), (3, 5)).tolist() == fsq.quantize(latents, (3, 5)).tolist()


def test_an_even_number_of_levels_has_one_more_below_zero():
    latents = torch.tensor([[[-9.0, -0.6, 0.0, 0.6, 9.0]]])

    # Of four levels, -2..1: atanh(1/3) = 0.347 is added, so 0 is 0; tanh(-0.253) 1.5 - 0.5 = -0.87, tanh(0.947) = 0.6.
    assert fsq.quantize(latents, [4]).tolist() == [[[-1.0, -0.5, 0.0, 0.5, 0.5]]]
    assert fsq.encode(latents, [4]).tolist() == [[0, 1, 2, 3, 3]]


@settings(max_examples=60)
@given(levels=st.lists(st.integers(3, 9), min_size=1, max_size=4), seed=st.integers(0, 2**32))
def test_codes_count_the_grid_and_decode_to_the_quantized_latents(levels, seed):
    latents = 2 * torch.randn(2, len(levels), 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)

    codes = fsq.encode(latents, levels)

    assert torch.allclose(fsq.decode(codes, levels).double(), fsq.quantize(latents, levels), atol=1e-6)
    for b, t in ((b, t) for b in range(2) for t in range(7)):
        code, factor = 0, 1
        for value, count in zip(latents[b, :, t].tolist(), levels, strict=True):
            half = (count - 1) * 0.999 / 2
            offset = 0.5 if count % 2 == 0 else 0.0
            place = round(math.tanh(value + math.atanh(offset / half)) * half - offset) + count // 2
            assert 0 <= place < count
            code, factor = code + place * factor, factor * count
        assert int(codes[b, t]) == code
        assert factor == fsq.codebook_size(levels)


@pytest.mark.parametrize("levels", [(3,), (4,), (8, 6, 5), (7, 5, 5, 5, 5)])
def test_every_code_can_be_reached_and_no_other(levels):
    generator = torch.Generator().manual_seed(0)
    frames = 400 * fsq.codebook_size(list(levels))
    latents = torch.atanh(torch.rand(1, len(levels), frames, generator=generator) * 1.998 - 0.999)  # even in the bound

    codes = fsq.encode(latents, levels)

    assert torch.equal(codes.unique(), torch.arange(fsq.codebook_size(list(levels))))


def test_the_gradient_is_that_of_the_bound():
    latents = torch.tensor([[[0.4, -1.0, 3.0]]], dtype=torch.float64, requires_grad=True)

    (gradient,) = torch.autograd.grad(fsq.quantize(latents, [5]).sum(), latents)

    slopes = [1.998 / 2 * (1 - math.tanh(value) ** 2) for value in (0.4, -1.0, 3.0)]
    assert gradient.flatten().tolist() == pytest.approx(slopes, abs=1e-5)  # the slope of tanh, five levels to -1..1


@pytest.mark.parametrize("levels", [[8, 6, 5], [4, 3], [7, 5, 5, 5, 5], [8, 8, 8, 6, 5]])
def test_values_and_codes_equal_those_of_vector_quantize_pytorch(levels):
    peer = pytest.importorskip("vector_quantize_pytorch")
    theirs = peer.FSQ(levels)
    latents = 1.5 * torch.randn(4, len(levels), 5000, generator=torch.Generator().manual_seed(0))

    codes = fsq.encode(latents, levels, epsilon=-1e-3)
    values, their_codes = theirs(latents.transpose(1, 2))

    assert torch.equal(codes, their_codes.long())
    assert torch.allclose(fsq.quantize(latents, levels, epsilon=-1e-3), values.transpose(1, 2), atol=1e-6)
    assert torch.allclose(fsq.decode(codes, levels), theirs.indices_to_codes(their_codes).transpose(1, 2), atol=1e-6)
    # The paper's narrower bound moves the boundaries a little: one code in a hundred becomes its neighbour.
    assert 0 < (fsq.encode(latents, levels) != codes).double().mean() < 0.02
    steps = latents.new_tensor(levels)[:, None] // 2 * (fsq.quantize(latents, levels) - values.transpose(1, 2))
    assert steps.abs().max() < 1.001


@pytest.mark.parametrize(
    ("levels", "size"), [([8, 6, 5], 240), ([8, 5, 5, 5], 1000), ([7, 5, 5, 5, 5], 4375), ([3], 3)]
)
def test_the_size_is_the_product_of_the_levels(levels, size):
    assert fsq.codebook_size(levels) == size


def test_the_levels_of_the_demo_have_the_sizes_they_are_named_by():
    assert all(math.prod(levels) == size for size, levels in fsq.LEVELS.items())


def test_a_mistake_is_told_with_both_shapes():
    latents = torch.zeros(2, 3, 5)

    with pytest.raises(ValueError, match=r"\[2, 5, 3\] torch\.float32 and \[8, 5, 5\]"):
        fsq.encode(latents.transpose(1, 2), (8, 5, 5))
    with pytest.raises(ValueError, match=r"\[2, 3, 5\] torch\.int16"):
        fsq.quantize(latents.to(torch.int16), (8, 5, 5))
    with pytest.raises(ValueError, match=r"3 levels or more in every dimension, got \[8, 5, 2\]"):
        fsq.encode(latents, (8, 5, 2))
    with pytest.raises(ValueError, match=r"got \[\]"):
        fsq.codebook_size([])
    with pytest.raises(ValueError, match="finite"):
        fsq.encode(latents / 0, (8, 5, 5))
    with pytest.raises(ValueError, match=r"\[2, 3, 5\] torch\.float32 for levels \[8, 5, 5\]"):
        fsq.decode(latents, (8, 5, 5))
    with pytest.raises(ValueError, match=r"0\.\.199, got 0\.\.200"):
        fsq.decode(torch.tensor([[0, 200]]), (8, 5, 5))


def test_the_demo_uses_most_of_a_grid_and_little_of_a_large_codebook_of_vectors():
    shown = fsq.demo(sizes=(64, 1000), steps=150)

    assert json.loads(json.dumps(shown)) == shown
    rows = {(row["codebook"], row["codebook_size"]): row for row in shown["rows"]}
    assert list(rows) == [("grid", 64), ("vectors", 64), ("grid", 1000), ("vectors", 1000)]
    assert rows["grid", 64]["used_percent"] > 90
    assert rows["grid", 1000]["used_percent"] > 70 > 40 > rows["vectors", 1000]["used_percent"]
    assert rows["grid", 1000]["snr_db"] > rows["vectors", 1000]["snr_db"]
    assert abs(rows["grid", 64]["snr_db"] - rows["vectors", 64]["snr_db"]) < 1
    assert shown["plot"]["series"]["grid"] == [rows["grid", size]["used_percent"] for size in (64, 1000)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sizes": (64, 65)}, r"64, 240, 1000, .* got \(64, 65\), 200"),
        ({"sizes": ()}, r"got \(\), 200"),
        ({"steps": -1}, r"got \(64, 240, 1000, 4375\), -1"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        fsq.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_give_the_same_codes():
    latents = 1.5 * torch.randn(4, 4, 5000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    codes = fsq.encode(latents.cuda(), (8, 5, 5, 5))

    assert codes.is_cuda
    assert torch.equal(codes.cpu(), fsq.encode(latents, (8, 5, 5, 5)))
    assert torch.equal(fsq.decode(codes, (8, 5, 5, 5)).cpu(), fsq.decode(codes.cpu(), (8, 5, 5, 5)))
