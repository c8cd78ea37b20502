"""A single pooled codebook against numbers by hand, slow loops, and vector-quantize-pytorch."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import vq  # noqa: E402


def whole_numbers(low, high, shape, seed):
    """Floats that are whole: then float32 rounds nothing, ties are exact, and every machine has to agree."""
    return torch.randint(low, high + 1, shape, generator=torch.Generator().manual_seed(seed)).float()


def test_pooling_takes_means_of_four_frames_and_of_what_is_left():
    frames = torch.tensor([[[1.0, 2.0, 3.0, 6.0, 5.0, 9.0]]])

    assert vq.pool(frames).tolist() == [[[3.0, 7.0]]]
    assert vq.pool(frames, 2).tolist() == [[[1.5, 4.5, 7.0]]]
    assert vq.pool(frames, 1).tolist() == frames.tolist()


def test_thirty_seconds_are_1500_frames_and_375_tokens():
    assert vq.pool(torch.zeros(2, 3, 1500)).shape == (2, 3, 375)
    assert vq.tokens(30) == 375
    assert vq.tokens(1) == 13  # 12 windows and a started one
    assert vq.tokens(30, frame_rate_hz=25, pooling=2) == 375


def test_codes_and_codewords_by_hand():
    codewords = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    latents = torch.tensor([[[9.0, 1.0, 5.0], [1.0, 8.0, 0.0]]])  # frames (9, 1), (1, 8), (5, 0); the last is a tie

    codes = vq.encode(latents, codewords)

    assert codes.tolist() == [[1, 2, 0]]
    assert vq.decode(codes, codewords).tolist() == [[[10.0, 0.0, 0.0], [0.0, 10.0, 0.0]]]


@settings(max_examples=60)
@given(
    batch=st.integers(1, 3),
    frames=st.integers(0, 5),
    dimension=st.integers(1, 4),
    codebook_size=st.integers(1, 9),
    seed=st.integers(0, 2**32),
)
def test_each_code_is_the_nearest_codeword(batch, frames, dimension, codebook_size, seed):
    latents = whole_numbers(-9, 9, (batch, dimension, frames), seed)
    codewords = whole_numbers(-6, 6, (codebook_size, dimension), seed + 1)

    codes = vq.encode(latents, codewords)

    for b, t in ((b, t) for b in range(batch) for t in range(frames)):
        distances = [math.dist(latents[b, :, t].tolist(), codeword) for codeword in codewords.tolist()]
        assert int(codes[b, t]) == distances.index(min(distances))
        assert vq.decode(codes, codewords)[b, :, t].tolist() == codewords[codes[b, t]].tolist()


def test_the_gradient_passes_straight_through_and_commitment_draws_only_the_latents():
    latents = torch.tensor([[[5.0, -1.0]]], requires_grad=True)
    decoded = torch.tensor([[[4.0, 0.0]]], requires_grad=True)

    passed = vq.straight_through(latents, decoded)
    (through,) = torch.autograd.grad((passed * torch.tensor([2.0, 3.0])).sum(), latents)
    commitment = vq.commitment_loss(latents, decoded)
    drawn = torch.autograd.grad(commitment, [latents, decoded], allow_unused=True)

    assert passed.tolist() == [[[4.0, 0.0]]]
    assert through.tolist() == [[[2.0, 3.0]]]
    assert commitment.item() == 1.0
    assert drawn[0].tolist() == [[[1.0, -1.0]]]
    assert drawn[1] is None


def test_one_update_by_hand():
    codebook = vq.begin(torch.tensor([[0.0], [10.0]]))
    latents = torch.tensor([[[1.0, 3.0, 8.0]]])

    codebook = vq.update(codebook, latents, torch.tensor([[0, 0, 1]]), decay=0.5)

    assert codebook.counts.tolist() == [1.5, 1.0]  # half of 1 and half of 2; half of 1 and half of 1
    assert codebook.sums.tolist() == [[2.0], [9.0]]  # half of 0 and half of 1 + 3; half of 10 and half of 8
    assert codebook.codewords.flatten().tolist() == pytest.approx([2 / 1.5, 9.0], abs=1e-4)


def test_codes_averages_and_commitment_equal_those_of_vector_quantize_pytorch_over_many_steps():
    peer = pytest.importorskip("vector_quantize_pytorch")
    generator = torch.Generator().manual_seed(0)
    batches = torch.randn(12, 2, 4, 60, generator=generator)
    theirs = peer.VectorQuantize(dim=4, codebook_size=24, decay=0.9, commitment_weight=1.0, threshold_ema_dead_code=0)
    theirs.train()
    codewords = torch.randn(24, 4, generator=generator)
    theirs._codebook.embed.data.copy_(codewords[None])
    theirs._codebook.embed_avg.data.copy_(codewords[None])
    theirs._codebook.cluster_size.data.fill_(1)
    codebook = vq.begin(codewords)

    for latents in batches:
        codes = vq.encode(latents, codebook.codewords)
        decoded = vq.decode(codes, codebook.codewords)
        their_decoded, their_codes, their_loss = theirs(latents.transpose(1, 2))

        assert torch.equal(codes, their_codes)
        assert torch.allclose(decoded.transpose(1, 2), their_decoded, atol=1e-5)
        assert vq.commitment_loss(latents, decoded).item() == pytest.approx(their_loss.item(), rel=1e-5)
        codebook = vq.update(codebook, latents, codes, decay=0.9)
        assert torch.allclose(codebook.counts, theirs._codebook.cluster_size[0], atol=1e-5)
        assert torch.allclose(codebook.codewords, theirs._codebook.embed[0], atol=1e-5)


def test_a_restart_replaces_the_codewords_that_nobody_uses_and_no_others():
    codebook = vq.Codebook(torch.tensor([[0.0], [50.0], [9.0]]), torch.tensor([4.0, 0.1, 0.5]), torch.ones(3, 1))
    latents = torch.tensor([[[2.0, 3.0]]])

    again = vq.restart(codebook, latents, 0.2, torch.Generator().manual_seed(0))

    assert again.codewords[[0, 2]].tolist() == [[0.0], [9.0]]
    assert again.counts.tolist() == [4.0, 1.0, 0.5]
    assert again.codewords[1].item() in (2.0, 3.0)
    assert again.sums[1].item() == again.codewords[1].item()
    assert codebook.codewords[1].item() == 50.0  # the one given is left as it was


def test_the_perplexity_counts_codewords_by_how_evenly_they_are_used():
    assert vq.perplexity([5, 5, 0, 0]) == 2
    assert vq.perplexity([1, 1, 1, 1, 1, 1, 1, 1]) == 8
    assert vq.perplexity([7]) == 1
    assert vq.perplexity([2, 1, 1]) == pytest.approx(2**1.5)


def test_a_mistake_is_told_with_both_shapes():
    latents, codewords = torch.zeros(2, 3, 5), torch.zeros(4, 3)

    with pytest.raises(ValueError, match=r"\[2, 5, 3\] .*\[4, 3\]"):
        vq.encode(latents.transpose(1, 2), codewords)
    with pytest.raises(ValueError, match=r"torch\.float64 .*torch\.float32"):
        vq.encode(latents.double(), codewords)
    with pytest.raises(ValueError, match=r"finite latents .*\[2, 3, 5\]"):
        vq.encode(latents / 0, codewords)
    with pytest.raises(ValueError, match=r"\[2, 3, 5\] .*\[4, 3\]"):
        vq.decode(latents, codewords)
    with pytest.raises(ValueError, match=r"0\.\.3, got -1\.\.2"):
        vq.decode(torch.tensor([[-1, 2]]), codewords)
    with pytest.raises(ValueError, match=r"\[2, 3, 0\] torch\.float32 and 4"):
        vq.pool(torch.zeros(2, 3, 0))
    with pytest.raises(ValueError, match=r"\[2, 3, 5\] torch\.int16 and 4"):
        vq.pool(torch.zeros(2, 3, 5, dtype=torch.int16))
    with pytest.raises(ValueError, match=r"\[2, 3, 5\] torch\.float32 and 0"):
        vq.pool(latents, 0)
    with pytest.raises(ValueError, match=r"\[2, 3, 5\] .*\[2, 3\] .*\[2\]"):
        vq.fit(latents, torch.zeros(2, 3), torch.zeros(2), 4, restarts=True, steps=1, seed=0)
    with pytest.raises(ValueError, match="got 0, 50"):
        vq.tokens(0)
    for uses in ([], [0, 0], [1, -1]):
        with pytest.raises(ValueError, match="numbers of uses"):
            vq.perplexity(uses)


def test_the_demo_learns_phones_forgets_speakers_and_keeps_codewords_alive_by_restarts():
    shown = vq.demo(codebook_size=128, steps=130)

    assert json.loads(json.dumps(shown)) == shown
    without, restarted = ([row for row in shown["rows"] if row["restarts"] is restarts] for restarts in (False, True))
    assert [row["step"] for row in restarted] == [0, 4, 8, 16, 32, 64, 128, 130]
    for rows in (without, restarted):
        assert rows[0]["phone_percent"] < 60 < 99 < rows[-1]["phone_percent"]
        assert rows[0]["speaker_percent"] > 60 > rows[-1]["speaker_percent"]
    assert restarted[-1]["codewords_used"] > 115 > without[-1]["codewords_used"]
    assert restarted[-1]["perplexity"] > 1.1 * without[-1]["perplexity"]
    assert shown["plot"]["x"] == [row["step"] for row in restarted]
    assert shown["plot"]["series"]["with restarts"] == [row["perplexity"] for row in restarted]
    assert any("30 s are 375 tokens, 12.5 a second" in remark and "175 bit/s" in remark for remark in shown["remarks"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"codebook_size": 0}, "'codebook_size': 0"),
        ({"phones": 0}, "'phones': 0"),
        ({"speakers": 0}, "'speakers': 0"),
        ({"steps": -1}, "steps 0 or more"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        vq.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_give_the_same_codes_and_averages():
    codebook = vq.begin(whole_numbers(-6, 6, (256, 16), seed=0))
    latents = whole_numbers(-9, 9, (8, 16, 1500), seed=1)

    codes = vq.encode(latents.cuda(), codebook.codewords.cuda())
    moved = vq.update(vq.Codebook(*(tensor.cuda() for tensor in codebook)), latents.cuda(), codes, decay=0.5)

    assert codes.is_cuda
    assert torch.equal(codes.cpu(), vq.encode(latents, codebook.codewords))
    expected = vq.update(codebook, latents, codes.cpu(), decay=0.5)
    assert all(torch.allclose(ours.cpu(), theirs) for ours, theirs in zip(moved, expected, strict=True))
