"""Residual vector quantization against numbers by hand, slow loops, and two other implementations."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import rvq  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that meet after every small step are slow where other work shares the cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def whole_numbers(low, high, shape, seed):
    """Floats that are whole: then float32 rounds nothing, ties are exact, and every machine has to agree."""
    return torch.randint(low, high + 1, shape, generator=torch.Generator().manual_seed(seed)).float()


def gaussian(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def transformers_rvq(codebooks):
    """Return transformers' quantizer, which needs no weights but the codebooks."""
    pytest.importorskip("transformers")
    from transformers import EncodecConfig
    from transformers.models.encodec.modeling_encodec import EncodecResidualVectorQuantizer

    levels, size, dimension = codebooks.shape
    # The number of levels follows from the largest bandwidth: kbps over 75 Hz and (always) 10 bits a code.
    config = EncodecConfig(codebook_size=size, codebook_dim=dimension, target_bandwidths=[levels * 0.75])
    quantizer = EncodecResidualVectorQuantizer(config)
    assert len(quantizer.layers) == levels
    for layer, codebook in zip(quantizer.layers, codebooks, strict=True):
        layer.codebook.embed.copy_(codebook)
    return quantizer


def test_two_levels_in_one_dimension_worked_by_hand():
    codebooks = torch.tensor([[[0.0], [4.0], [8.0]], [[-1.0], [0.0], [1.0]]])
    latents = torch.tensor([[[5.0, 0.4, 7.0, 100.0]]])

    codes = rvq.encode(latents, codebooks)

    # 5 = 4 + 1; 0.4 is nearest to 0 and so is the 0.4 left over; 7 = 8 - 1; 100 is beyond the last codewords.
    assert codes.tolist() == [[[1, 0, 2, 2], [2, 1, 0, 2]]]
    assert rvq.decode(codes, codebooks).tolist() == [[[5.0, 0.0, 7.0, 9.0]]]


def test_the_axes_are_batch_dimension_frame_going_in_and_batch_level_frame_coming_out():
    codebooks = torch.tensor([[[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]]])
    latents = torch.tensor([[[9.0, 1.0, 8.0], [1.0, 8.0, 9.0]]])  # frames (9, 1), (1, 8), (8, 9)

    codes = rvq.encode(latents, codebooks)

    assert codes.tolist() == [[[1, 2, 3]]]
    assert rvq.decode(codes, codebooks).tolist() == [[[10.0, 0.0, 10.0], [0.0, 10.0, 10.0]]]


def test_of_two_equally_near_codewords_the_first_wins():
    codebook = torch.tensor([[4.0], [0.0], [4.0], [0.0]])

    assert rvq.nearest_codeword(torch.tensor([[2.0], [4.0], [-1.0]]), codebook).tolist() == [0, 0, 1]


@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(1, 3),
    frames=st.integers(0, 5),
    dimension=st.integers(1, 4),
    levels=st.integers(1, 4),
    codebook_size=st.integers(1, 6),
    seed=st.integers(0, 2**32),
)
def test_each_code_is_the_nearest_codeword_to_what_earlier_levels_left_over(
    batch, frames, dimension, levels, codebook_size, seed
):
    latents = whole_numbers(-9, 9, (batch, dimension, frames), seed)
    codebooks = whole_numbers(-4, 4, (levels, codebook_size, dimension), seed + 1)

    codes = rvq.encode(latents, codebooks)

    for b in range(batch):
        for t in range(frames):
            left_over = latents[b, :, t].tolist()
            for k in range(levels):
                words, code = codebooks[k].tolist(), int(codes[b, k, t])
                distances = [math.dist(left_over, word) for word in words]
                assert code == distances.index(min(distances))
                left_over = [x - y for x, y in zip(left_over, words[code], strict=True)]
            assert (latents - rvq.decode(codes, codebooks))[b, :, t].tolist() == left_over
    assert torch.equal(rvq.encode(latents, codebooks, n_q=levels - 1), codes[:, :-1])


def test_no_levels_are_not_all_levels():
    codebooks, latents = gaussian(3, 4, 2, seed=0), gaussian(1, 2, 5, seed=1)

    codes = rvq.encode(latents, codebooks, n_q=0)

    assert codes.shape == (1, 0, 5)
    assert rvq.decode(codes, codebooks).tolist() == torch.zeros(1, 2, 5).tolist()


def test_all_codes_equal_those_of_transformers_where_arithmetic_is_exact():
    codebooks = whole_numbers(-2, 2, (8, 1024, 128), seed=0)
    latents = whole_numbers(-8, 8, (8, 128, 1500), seed=1)  # about one vector in a hundred has a tie
    theirs = transformers_rvq(codebooks)

    codes = rvq.encode(latents, codebooks)

    assert torch.equal(codes, theirs.encode(latents).transpose(0, 1))
    assert torch.equal(rvq.decode(codes, codebooks), theirs.decode(codes.transpose(0, 1)))


def test_codes_of_gaussian_frames_equal_those_of_transformers_wherever_rounding_cannot_decide():
    codebooks, latents = gaussian(8, 1024, 128, seed=0) * 0.25, gaussian(8, 128, 1500, seed=1)

    codes = rvq.encode(latents, codebooks)
    their_codes = transformers_rvq(codebooks).encode(latents).transpose(0, 1)

    # In float64, by how much does the nearest codeword lead the next one? Where that is less than float32
    # rounds away (1e-5 was seen, 2e-5 in transformers' form) either may win, and later levels with it.
    residual, lead = latents.double().transpose(1, 2), torch.full((8, 1500), math.inf, dtype=torch.float64)
    for k, codebook in enumerate(codebooks.double()):
        scores = residual @ codebook.T - codebook.square().sum(1) / 2
        best, index = scores.topk(2)
        lead = torch.minimum(lead, best[..., 0] - best[..., 1])
        clear = lead > 1e-4
        assert torch.equal(codes[:, k][clear], index[..., 0][clear])
        assert torch.equal(their_codes[:, k][clear], index[..., 0][clear])
        residual = residual - codebook[index[..., 0]]
    assert clear.double().mean() > 0.998


def test_codes_equal_those_of_vector_quantize_pytorch():
    peer = pytest.importorskip("vector_quantize_pytorch")
    codebooks = whole_numbers(-4, 4, (4, 256, 32), seed=0)
    latents = whole_numbers(-9, 9, (2, 32, 300), seed=1)
    theirs = peer.ResidualVQ(dim=32, num_quantizers=4, codebook_size=256).eval()
    for layer, codebook in zip(theirs.layers, codebooks, strict=True):
        layer._codebook.embed.copy_(codebook[None])

    codes = rvq.encode(latents, codebooks)
    with torch.no_grad():
        quantized, indices, _ = theirs(latents.transpose(1, 2))

    assert torch.equal(codes, indices.transpose(1, 2))
    assert torch.equal(rvq.decode(codes, codebooks), quantized.transpose(1, 2))


def test_training_finds_every_cluster_even_when_codewords_start_in_the_same_one():
    corners = torch.tensor([[0.0, 0.0], [0.0, 10.0], [10.0, 0.0], [10.0, 10.0]])
    latents = corners.repeat(100, 1).T[None]

    # Of four frames drawn to start on, some share a corner nine times in ten; then a codeword dies and has to
    # find the corner that has none.
    for seed in range(10):
        codebooks = rvq.fit(latents, 1, 4, seed=seed)
        assert sorted((codebooks[0] + 0.01).round(decimals=1).tolist()) == corners.tolist()


def test_the_second_level_is_trained_on_what_the_first_left_over():
    latents = torch.tensor([0.0, 1.0, 100.0, 101.0]).repeat(100)[None, None]

    codebooks = rvq.fit(latents, 2, 2)

    assert sorted(codebooks[0].flatten().tolist()) == pytest.approx([0.5, 100.5], abs=0.1)
    assert sorted(codebooks[1].flatten().tolist()) == pytest.approx([-0.5, 0.5], abs=0.1)
    assert torch.allclose(rvq.decode(rvq.encode(latents, codebooks), codebooks), latents, atol=0.2)


def test_a_seed_repeats_a_training_and_another_seed_does_not():
    latents = gaussian(1, 4, 500, seed=0)

    first, again, other = (rvq.fit(latents, 2, 16, iterations=5, seed=seed) for seed in (0, 0, 1))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_training_brings_a_gaussian_as_near_the_bound_as_one_codebook_of_256_can():
    training, held_out = gaussian(2, 1, 8, 16384, seed=0)

    codebooks = rvq.fit(training, 2, 256)

    # 4.8 and 9.5 dB were seen, 6.02 and 12.04 are possible; frames taken as codewords give 4.3 and 7.0.
    snr = rvq.snr_db(held_out, rvq.encode(held_out, codebooks), codebooks)
    assert 4.7 < snr[0] < 5.0
    assert 9.4 < snr[1] < 10.0


@pytest.mark.parametrize(
    ("codec", "n_q", "codebook_size", "frame_rate_hz", "bps"),
    [
        ("EnCodec 24 kHz, 2 codebooks", 2, 1024, 75.0, 1500.0),
        ("EnCodec 24 kHz, 8 codebooks", 8, 1024, 75.0, 6000.0),
        ("Mimi, 8 codebooks", 8, 2048, 12.5, 1100.0),
        ("GLM-4-Voice", 1, 16384, 12.5, 175.0),
        ("DAC 44.1 kHz", 9, 1024, 44100 / 512, 7751.953125),
        ("no codes", 0, 1024, 75.0, 0.0),
    ],
)
def test_bit_rates_are_those_the_papers_print(codec, n_q, codebook_size, frame_rate_hz, bps):
    assert rvq.bitrate_bps(n_q, codebook_size, frame_rate_hz) == bps


def test_the_signal_to_noise_ratio_is_20_db_when_the_error_is_a_tenth_and_infinite_when_there_is_none():
    codebooks = torch.tensor([[[9.0]], [[1.0]]])
    latents = torch.tensor([[[10.0]]])

    assert rvq.snr_db(latents, rvq.encode(latents, codebooks), codebooks) == [20.0, math.inf]


def test_a_mistake_is_told_with_both_shapes():
    latents, codebooks = torch.zeros(2, 3, 5), torch.zeros(4, 6, 3)

    with pytest.raises(ValueError, match=r"\[2, 5, 3\].*\[4, 6, 3\]"):
        rvq.encode(latents.transpose(1, 2), codebooks)
    with pytest.raises(ValueError, match=r"torch\.float64 .* torch\.float32"):
        rvq.encode(latents.double(), codebooks)
    with pytest.raises(ValueError, match=r"\[5, 2\].*\[6, 3\]"):
        rvq.nearest_codeword(torch.zeros(5, 2), codebooks[0])
    with pytest.raises(ValueError, match=r"n_q in 0\.\.4 codebooks; n_q is 5"):
        rvq.encode(latents, codebooks, n_q=5)
    with pytest.raises(ValueError, match="finite"):
        rvq.encode(latents / 0, codebooks)
    with pytest.raises(ValueError, match=r"\[2, 5, 5\].*\[4, 6, 3\]"):
        rvq.decode(torch.zeros(2, 5, 5, dtype=torch.int64), codebooks)
    with pytest.raises(ValueError, match=r"0\.\.5, got 0\.\.6"):
        rvq.decode(torch.tensor([[[0, 6]]]), codebooks)
    with pytest.raises(ValueError, match=r"0\.\.5, got -1\.\.0"):
        rvq.decode(torch.tensor([[[0, -1]]]), codebooks)
    with pytest.raises(ValueError, match=r"11 codewords .* \[2, 3, 5\]"):
        rvq.fit(latents, 1, 11)
    with pytest.raises(ValueError, match="frame_rate_hz 0"):
        rvq.bitrate_bps(1, 1024, 0)


def test_the_demo_has_a_row_per_level_with_its_bound_and_bit_rate():
    shown = rvq.demo(levels=3, codebook_size=16, dimension=2, frame_rate_hz=50.0, frames=2048, iterations=10)

    assert json.loads(json.dumps(shown)) == shown
    rows = shown["rows"]
    assert [row["level"] for row in rows] == [1, 2, 3]
    assert [row["bitrate_bps"] for row in rows] == [200.0, 400.0, 600.0]
    assert [row["bound_db"] for row in rows] == [12.04, 24.08, 36.12]  # 2 bits per dimension and level
    assert [row["codewords_used"] for row in rows] == [16, 16, 16]
    assert 8 < rows[0]["snr_db"] < rows[1]["snr_db"] < rows[2]["snr_db"] < 36


def test_an_exact_copy_leaves_a_gap_in_the_demo_because_json_has_no_infinity():
    rows = rvq.demo(levels=40, codebook_size=4, dimension=1, frames=4)["rows"]

    assert rows[-1]["training_snr_db"] is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"levels": 0}, "levels must be at least 1, got 0"),
        ({"codebook_size": 0}, "codebook_size must be at least 1, got 0"),
        ({"dimension": 0}, "dimension must be at least 1, got 0"),
        ({"frames": 255}, "frames must be at least 256, got 255"),
        ({"iterations": -1}, "iterations must be at least 0, got -1"),
        ({"frame_rate_hz": -75.0}, "frame_rate_hz -75.0"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        rvq.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_give_the_same_codes():
    codebooks = whole_numbers(-2, 2, (8, 1024, 128), seed=0)
    latents = whole_numbers(-8, 8, (8, 128, 1500), seed=1)

    codes = rvq.encode(latents.cuda(), codebooks.cuda())

    assert codes.is_cuda
    assert torch.equal(codes.cpu(), rvq.encode(latents, codebooks))
    assert torch.equal(rvq.decode(codes, codebooks.cuda()).cpu(), rvq.decode(codes.cpu(), codebooks))
