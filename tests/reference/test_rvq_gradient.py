"""The gradients of residual quantization by hand, by finite differences, and of vector-quantize-pytorch."""

import json

import pytest

torch = pytest.importorskip("torch")

from kb.reference import rvq_gradient  # noqa: E402

BY_HAND = (torch.tensor([[[5.0]]]), torch.tensor([[[0.0], [4.0], [8.0]], [[-1.0], [0.5], [9.0]]]))


def example(levels=4, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(2, 8, 30, generator=generator)
    codebooks = torch.randn(levels, 64, 8, generator=generator) * 0.5
    return latents.to(dtype), codebooks.to(dtype)


def test_two_levels_in_one_dimension_worked_by_hand():
    # 5 -> 4, residual 1 -> 0.5, residual 0.5: the commitments are 1 and 0.25, their slopes 2 x 1 and 2 x 0.5.
    for way in rvq_gradient.WAYS.values():
        output, commitment = way(*BY_HAND)
        assert output.tolist() == [[[4.5]]]
        assert commitment.tolist() == [1.0, 0.25]

    assert rvq_gradient.commitment_gradients("once", *BY_HAND) == [2.0, 1.0]
    assert rvq_gradient.commitment_gradients("lost", *BY_HAND) == [2.0, 0.0]
    assert rvq_gradient.commitment_gradients("multiplied", *BY_HAND) == [2.0, 1.0]
    assert [rvq_gradient.output_gradient(way, *BY_HAND) for way in rvq_gradient.WAYS] == [1.0, 1.0, 2.0]


def test_the_right_gradients_are_the_slopes_of_the_losses_as_long_as_no_code_changes():
    latents, codebooks = example(dtype=torch.float64)
    direction = torch.randn(latents.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    step = 1e-7 * direction

    def losses(x):
        return rvq_gradient.once(x, codebooks).commitment

    slopes = (losses(latents + step) - losses(latents - step)) / 2e-7
    leaf = latents.clone().requires_grad_()
    for way in ("once", "multiplied"):
        commitment = rvq_gradient.WAYS[way](leaf, codebooks).commitment
        gradients = [torch.autograd.grad(one, leaf, retain_graph=True)[0] for one in commitment]
        assert torch.allclose(torch.stack([(one * direction).sum() for one in gradients]), slopes, rtol=1e-6)
    assert slopes.abs().min() > 1e-3  # of the lost ones three would have to be 0


def test_the_codewords_are_the_nearest_and_all_ways_choose_them():
    latents, codebooks = example()
    residual, distances = latents, []
    for codebook in codebooks:
        gaps = residual.transpose(1, 2)[:, :, None] - codebook  # [B, T, V, D]
        nearest = gaps.square().sum(-1).argmin(-1)
        residual = residual - codebook[nearest].transpose(1, 2)
        distances.append(residual.square().mean())

    for way in rvq_gradient.WAYS.values():
        output, commitment = way(latents, codebooks)
        assert torch.allclose(output, latents - residual, atol=1e-5)
        assert torch.allclose(commitment, torch.stack(distances))


@pytest.mark.parametrize(
    ("way", "their_share"),
    [
        ("multiplied", 0.0),  # their default: what is subtracted has no gradient
        ("lost", 1.0),  # the whole gradient goes along with what is subtracted, as in encodec 0.1.1
    ],
)
def test_the_gradients_equal_those_of_vector_quantize_pytorch(way, their_share):
    peer = pytest.importorskip("vector_quantize_pytorch")
    latents, codebooks = example()
    settings = {"commitment_weight": 1.0, "rotation_trick": False, "quant_grad_frac": their_share}
    theirs = peer.ResidualVQ(dim=8, num_quantizers=4, codebook_size=64, **settings).train()
    for layer, codebook in zip(theirs.layers, codebooks, strict=True):
        layer._codebook.embed.copy_(codebook[None])
    leaf = latents.transpose(1, 2).clone().requires_grad_()

    output, _, losses = theirs(leaf, freeze_codebook=True)
    norms = [float(torch.autograd.grad(loss, leaf, retain_graph=True)[0].norm()) for loss in losses]
    times = float(torch.autograd.grad(output.sum(), leaf)[0].mean())

    assert rvq_gradient.commitment_gradients(way, latents, codebooks) == pytest.approx(norms, rel=1e-5)
    assert rvq_gradient.output_gradient(way, latents, codebooks) == pytest.approx(times, rel=1e-5)


def test_figures_for_claims_tell_how_far_gradients_come():
    assert rvq_gradient.levels_reached("once", 8) == 8
    assert rvq_gradient.levels_reached("lost", 8) == 1
    assert rvq_gradient.output_gradient_of("once", 8) == 1
    assert rvq_gradient.output_gradient_of("lost", 8) == 1
    assert rvq_gradient.output_gradient_of("multiplied", 8) == 8


def test_a_mistake_is_told_with_both_shapes():
    latents, codebooks = example()

    with pytest.raises(ValueError, match="once, lost, multiplied, got 'twice'"):
        rvq_gradient.commitment_gradients("twice", latents, codebooks)
    with pytest.raises(ValueError, match=r"\[2, 30, 8\].*\[4, 64, 8\]"):
        rvq_gradient.commitment_gradients("once", latents.transpose(1, 2), codebooks)
    with pytest.raises(ValueError, match=r"\[2, 8, 30\] torch\.int16 and \[4, 64, 8\] torch\.int16"):
        rvq_gradient.commitment_gradients("once", latents.short(), codebooks.short())
    with pytest.raises(ValueError, match=r"\[2, 8, 30\] torch\.float64 and \[4, 64, 8\] torch\.float32"):
        rvq_gradient.output_gradient("once", latents.double(), codebooks)
    with pytest.raises(ValueError, match=r"\[2, 8, 0\].*\[4, 64, 8\]"):
        rvq_gradient.output_gradient("once", latents[..., :0], codebooks)
    with pytest.raises(ValueError, match="finite"):
        rvq_gradient.output_gradient("once", latents / 0, codebooks)
    with pytest.raises(ValueError, match="levels must be at least 1, got 0"):
        rvq_gradient.levels_reached("once", 0)


def test_the_demo_shows_the_gradient_that_is_lost_after_the_first_level():
    shown = rvq_gradient.demo(levels=3)

    assert json.loads(json.dumps(shown)) == shown
    assert [row["gradient_of"] for row in shown["rows"]] == ["level 1", "level 2", "level 3", "output"]
    assert [row["lost"] > 0 for row in shown["rows"]] == [True, False, False, True]
    assert all(row["once"] == row["multiplied"] > 0.01 for row in shown["rows"][:3])
    assert shown["rows"][3] == {"gradient_of": "output", "once": 1.0, "lost": 1.0, "multiplied": 3.0}
    assert shown["plot"]["series"]["lost"][1:] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"levels": 0}, "levels must be at least 1, got 0"),
        ({"codebook_size": 0}, "codebook_size must be at least 1, got 0"),
        ({"dimension": -1}, "dimension must be at least 1, got -1"),
        ({"frames": 0}, "frames must be at least 1, got 0"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        rvq_gradient.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_send_the_same_gradients():
    latents, codebooks = example()

    for way in rvq_gradient.WAYS:
        there = rvq_gradient.commitment_gradients(way, latents.cuda(), codebooks.cuda())
        assert there == pytest.approx(rvq_gradient.commitment_gradients(way, latents, codebooks), rel=1e-4)
        assert rvq_gradient.output_gradient(way, latents.cuda(), codebooks.cuda()) == pytest.approx(
            rvq_gradient.output_gradient(way, latents, codebooks), rel=1e-5
        )
