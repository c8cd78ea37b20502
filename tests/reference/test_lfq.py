"""Lookup-free quantization against numbers by hand, slow loops, and vector-quantize-pytorch."""

import itertools
import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import lfq  # noqa: E402


def gaussian(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_three_bits_worked_by_hand():
    latents = torch.tensor([[[0.3, -1.0], [-2.0, -0.1], [5.0, 0.0]]])  # frames (0.3, -2, 5) and (-1, -0.1, 0)

    assert lfq.quantize(latents).tolist() == [[[1.0, -1.0], [-1.0, -1.0], [1.0, -1.0]]]
    assert lfq.encode(latents).tolist() == [[1 + 4, 0]]
    assert lfq.decode(torch.tensor([[5, 0]]), 3).tolist() == lfq.quantize(latents).tolist()


@settings(max_examples=60)
@given(bits=st.integers(1, 62), frames=st.integers(0, 5), seed=st.integers(0, 2**32))
def test_a_code_is_the_binary_number_of_the_positive_dimensions(bits, frames, seed):
    latents = gaussian(2, bits, frames, seed=seed)

    codes = lfq.encode(latents)

    assert torch.equal(lfq.decode(codes, bits).double(), latents.sign())
    for b, t in ((b, t) for b in range(2) for t in range(frames)):
        digits = "".join("1" if value > 0 else "0" for value in latents[b, :, t].tolist())
        assert int(codes[b, t]) == int(digits[::-1], 2)


def test_the_gradient_passes_the_signs_as_if_they_were_not_there():
    latents = gaussian(1, 3, 2, seed=0).requires_grad_()

    (gradient,) = torch.autograd.grad((lfq.quantize(latents) * 3).sum(), latents)

    assert gradient.tolist() == [[[3.0, 3.0]] * 3]


@settings(max_examples=40)
@given(bits=st.integers(1, 5), temperature=st.floats(0.05, 20), seed=st.integers(0, 2**32))
def test_the_entropies_are_those_of_all_codes_looked_at_one_by_one(bits, temperature, seed):
    latents = gaussian(2, bits, 3, seed=seed)
    totals, entropies = [0.0] * 2**bits, []
    for b, t in ((b, t) for b in range(2) for t in range(3)):
        frame = latents[b, :, t].tolist()
        weights = [
            math.exp(sum(2 * x * sign - abs(2 * x) for x, sign in zip(frame, signs, strict=True)) / temperature)
            for signs in itertools.product((-1, 1), repeat=bits)
        ]
        shares = [weight / math.fsum(weights) for weight in weights]
        entropies.append(-math.fsum(share * math.log(share) for share in shares if share))
        totals = [total + share / 6 for total, share in zip(totals, shares, strict=True)]

    assert lfq.frame_entropy(latents, temperature).item() == pytest.approx(math.fsum(entropies) / 6, abs=1e-9)
    of_batch = -math.fsum(total * math.log(total) for total in totals if total)
    assert lfq.batch_entropy(latents, temperature).item() == pytest.approx(of_batch, abs=1e-9)
    difference = lfq.frame_entropy(latents, temperature) - lfq.batch_entropy(latents, temperature)
    assert lfq.entropy_loss(latents, temperature).item() == difference.item()


def test_the_entropy_of_a_frame_needs_no_look_at_the_codes_and_knows_both_ends():
    sure, unsure = torch.full((1, 40, 2), 50.0), torch.zeros(1, 40, 2)

    assert lfq.frame_entropy(sure, 1.0).item() == pytest.approx(0, abs=1e-6)
    assert lfq.frame_entropy(unsure, 1.0).item() == pytest.approx(40 * math.log(2))


def test_the_entropy_loss_has_a_gradient_where_a_code_has_no_share_at_all():
    latents = torch.tensor([[[900.0, -900.0], [900.0, 900.0]]], requires_grad=True)

    (gradient,) = torch.autograd.grad(lfq.entropy_loss(latents, 0.01), latents)

    assert gradient.isfinite().all()


def test_values_codes_and_entropies_equal_those_of_vector_quantize_pytorch():
    peer = pytest.importorskip("vector_quantize_pytorch")
    theirs = peer.LFQ(dim=5, codebook_size=32, entropy_loss_weight=1.0)
    latents = gaussian(4, 5, 500, seed=0).float()

    theirs.train()
    (values, their_codes, their_loss), parts = theirs(
        latents.transpose(1, 2), inv_temperature=0.5, return_loss_breakdown=True
    )

    assert torch.equal(lfq.encode(latents.flip(1)), their_codes.long())
    assert torch.allclose(lfq.quantize(latents), values.transpose(1, 2), atol=1e-6)
    assert torch.equal(lfq.decode(lfq.encode(latents), 5), theirs.indices_to_codes(their_codes).transpose(1, 2))
    assert lfq.frame_entropy(latents, 2.0).item() == pytest.approx(parts.per_sample_entropy.item(), abs=1e-3)
    assert lfq.batch_entropy(latents, 2.0).item() == pytest.approx(parts.batch_entropy.item(), abs=1e-3)
    assert lfq.entropy_loss(latents, 2.0).item() == pytest.approx(their_loss.item(), abs=1e-3)


@pytest.mark.parametrize(("bits", "size"), [(1, 2), (10, 1024), (18, 262_144), (62, 2**62)])
def test_the_size_is_two_to_the_bits(bits, size):
    assert lfq.codebook_size(bits) == size


def test_a_mistake_is_told_with_its_shape():
    latents = torch.zeros(2, 3, 5)

    with pytest.raises(ValueError, match=r"\[3, 5\] torch\.float32"):
        lfq.encode(latents[0])
    with pytest.raises(ValueError, match=r"\[2, 3, 5\] torch\.int16"):
        lfq.quantize(latents.to(torch.int16))
    with pytest.raises(ValueError, match=r"D of 1 to 62, got \[1, 63, 2\]"):
        lfq.encode(torch.zeros(1, 63, 2))
    with pytest.raises(ValueError, match="finite"):
        lfq.encode(latents / 0)
    with pytest.raises(ValueError, match=r"\[2, 3, 5\] and 0"):
        lfq.frame_entropy(latents, 0)
    with pytest.raises(ValueError, match=r"16 bits at most .*\[1, 17, 2\]"):
        lfq.batch_entropy(torch.zeros(1, 17, 2), 1.0)
    with pytest.raises(ValueError, match=r"3 bits, got \[2, 3, 5\] torch\.float32"):
        lfq.decode(latents, 3)
    with pytest.raises(ValueError, match=r"0\.\.7, got 0\.\.8"):
        lfq.decode(torch.tensor([[0, 8]]), 3)
    with pytest.raises(ValueError, match="1 to 62 bits, got 63"):
        lfq.codebook_size(63)


def test_the_demo_uses_more_codes_with_entropy_and_with_commitment_and_most_with_both():
    shown = lfq.demo(bits=(8,))

    assert json.loads(json.dumps(shown)) == shown
    rows = {row["losses"]: row for row in shown["rows"]}
    assert list(rows) == [*lfq.LOSSES, lfq.VECTORS]
    assert {row["bits"] for row in shown["rows"]} == {8}
    told = {way: row["entropy_bits"] for way, row in rows.items()}
    assert told["error alone"] < told["+ entropy"] < told["+ commitment"] < told["+ both"] <= 8
    assert rows["+ both"]["used_percent"] > 85 > 60 > rows["vectors"]["used_percent"]
    assert rows["+ both"]["snr_db"] > rows["error alone"]["snr_db"] + 1
    assert shown["plot"]["series"]["vectors"] == [rows["vectors"]["used_percent"]]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"bits": (6, 17)}, r"bits should be 1 to 16, .* got \(6, 17\) and 150"),
        ({"bits": (0,)}, r"got \(0,\) and 150"),
        ({"bits": ()}, r"got \(\) and 150"),
        ({"steps": -1}, r"got \(5, 7, 9\) and -1"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        lfq.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_give_the_same_codes():
    latents = gaussian(4, 18, 5000, seed=0)

    codes = lfq.encode(latents.cuda())

    assert codes.is_cuda
    assert torch.equal(codes.cpu(), lfq.encode(latents))
    assert torch.equal(lfq.decode(codes, 18).cpu(), lfq.decode(codes.cpu(), 18))
    loss = lfq.entropy_loss(latents[:, :8].cuda(), 0.5)
    assert loss.item() == pytest.approx(lfq.entropy_loss(latents[:, :8], 0.5).item())
