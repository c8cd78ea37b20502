"""Residual vector quantization against numbers by hand, slow loops, and other implementations."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import rvq  # noqa: E402


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


@settings(max_examples=60)
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


@settings(max_examples=60)
@given(
    batch=st.integers(1, 3),
    frames=st.integers(0, 9),
    dimension=st.integers(1, 4),
    levels=st.integers(1, 4),
    codebook_size=st.sampled_from([1, 5, 32, 33, 64, 96]),
    cached=st.integers(1, 300),
    seed=st.integers(0, 2**32),
)
def test_the_fast_encoder_gives_the_same_codes_whatever_few_rows_fit_its_cache(
    batch, frames, dimension, levels, codebook_size, cached, seed
):
    latents = whole_numbers(-9, 9, (batch, dimension, frames), seed)
    codebooks = whole_numbers(-4, 4, (levels, codebook_size, dimension), seed + 1)
    given_latents = latents.clone()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rvq, "CACHED", cached)
        codes = rvq.encode_fast(latents, codebooks)
        fewer = rvq.encode_fast(latents, codebooks, n_q=levels - 1)

    assert torch.equal(codes, rvq.encode(latents, codebooks))
    assert torch.equal(fewer, codes[:, :-1])
    assert torch.equal(latents, given_latents)


@pytest.mark.parametrize("width", [1, 31, 32, 64, 1024])
def test_the_first_of_equal_scores_is_found_in_whichever_group_it_stands(width):
    scores = whole_numbers(0, 3, (200, width), seed=width)

    assert rvq.first_least(scores).tolist() == [row.index(min(row)) for row in scores.tolist()]


@pytest.mark.parametrize("encode", [rvq.encode, rvq.encode_fast])
def test_no_levels_are_not_all_levels(encode):
    codebooks, latents = gaussian(3, 4, 2, seed=0), gaussian(1, 2, 5, seed=1)

    codes = encode(latents, codebooks, n_q=0)

    assert codes.shape == (1, 0, 5)
    assert rvq.decode(codes, codebooks).tolist() == torch.zeros(1, 2, 5).tolist()


def test_all_codes_equal_those_of_transformers_where_arithmetic_is_exact():
    codebooks = whole_numbers(-2, 2, (8, 1024, 128), seed=0)
    latents = whole_numbers(-8, 8, (8, 128, 400), seed=1)  # about one vector in a hundred has a tie
    theirs = transformers_rvq(codebooks)

    codes = rvq.encode(latents, codebooks)

    assert torch.equal(codes, theirs.encode(latents).transpose(0, 1))
    assert torch.equal(codes, rvq.encode_fast(latents, codebooks))
    assert torch.equal(rvq.decode(codes, codebooks), theirs.decode(codes.transpose(0, 1)))


def test_codes_of_gaussian_frames_equal_those_of_transformers_wherever_rounding_cannot_decide():
    codebooks, latents = gaussian(8, 1024, 128, seed=0) * 0.25, gaussian(8, 128, 400, seed=1)

    codes, fast_codes = rvq.encode(latents, codebooks), rvq.encode_fast(latents, codebooks)
    their_codes = transformers_rvq(codebooks).encode(latents).transpose(0, 1)

    # In float64, by how much does the nearest codeword lead the next one? Where that is less than float32
    # rounds away (1e-5 was seen, 2e-5 in transformers' form) either may win, and later levels with it.
    residual, lead = latents.double().transpose(1, 2), torch.full((8, 400), math.inf, dtype=torch.float64)
    for k, codebook in enumerate(codebooks.double()):
        scores = residual @ codebook.T - codebook.square().sum(1) / 2
        best, index = scores.topk(2)
        lead = torch.minimum(lead, best[..., 0] - best[..., 1])
        clear = lead > 1e-4
        assert torch.equal(codes[:, k][clear], index[..., 0][clear])
        assert torch.equal(fast_codes[:, k][clear], index[..., 0][clear])
        assert torch.equal(their_codes[:, k][clear], index[..., 0][clear])
        residual = residual - codebook[index[..., 0]]
    assert clear.double().mean() > 0.99


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


def test_a_step_of_k_means_moves_each_codeword_to_the_mean_of_its_vectors():
    codebook = rvq.Codebook(torch.tensor([[0.0], [10.0]]), torch.tensor([[7.0], [7.0]]), torch.tensor([[7.0], [7.0]]))

    moved = rvq.updated(codebook, torch.tensor([[1.0], [3.0], [8.0]]), decay=0.0)

    assert moved.words.flatten().tolist() == pytest.approx([2.0, 8.0], rel=1e-4)
    assert moved.counts.tolist() == [[2.0], [1.0]]
    assert moved.sums.tolist() == [[4.0], [8.0]]


def test_a_moving_average_keeps_its_share_of_what_was():
    codebook = rvq.Codebook(torch.tensor([[0.0], [10.0]]), torch.tensor([[4.0], [4.0]]), torch.tensor([[0.0], [40.0]]))

    moved = rvq.updated(codebook, torch.tensor([[2.0], [2.0], [4.0], [8.0]]), decay=0.75)

    # Codeword 0: count 3 + 3 / 4, sum 0 + 8 / 4. Codeword 1: count 3 + 1 / 4, sum 30 + 8 / 4.
    assert moved.counts.tolist() == [[3.75], [3.25]]
    assert moved.sums.tolist() == [[2.0], [32.0]]
    assert moved.words.flatten().tolist() == pytest.approx([2 / 3.75, 32 / 3.25], rel=1e-4)


def test_a_dead_codeword_restarts_on_a_vector_of_the_batch_and_the_others_stay():
    words, counts = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[14.5], [0.4], [0.6]])
    batch = torch.tensor([[50.0], [60.0]])
    drawn = set()

    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        fresh = rvq.restarted(rvq.Codebook(words, counts, words * counts), batch, generator)
        drawn.add(float(fresh.words[1]))
        # The average count is 5.1667, a tenth of it the threshold: 0.4 is dead and 0.6 is not.
        assert fresh.words[[0, 2]].tolist() == [[1.0], [3.0]]
        assert fresh.counts.flatten().tolist() == pytest.approx([14.5, 0.51667, 0.6], rel=1e-4)
        assert torch.allclose(fresh.sums / fresh.counts, fresh.words)
    assert drawn == {50.0, 60.0}


def test_updates_equal_those_of_vector_quantize_pytorch():
    peer = pytest.importorskip("vector_quantize_pytorch")
    batches = gaussian(5, 1, 400, 6, seed=0)
    codebook = rvq.Codebook(gaussian(16, 6, seed=1), torch.ones(16, 1), gaussian(16, 6, seed=1))
    theirs = peer.VectorQuantize(dim=6, codebook_size=16, decay=0.8, eps=1e-5, rotation_trick=False).train()
    theirs._codebook.embed.copy_(codebook.words[None])
    theirs._codebook.embed_avg.copy_(codebook.sums[None])
    theirs._codebook.cluster_size.copy_(codebook.counts.T)

    for batch in batches:
        codebook = rvq.updated(codebook, batch[0], decay=0.8)
        theirs(batch)

    assert torch.allclose(codebook.words, theirs._codebook.embed[0], atol=1e-6)
    assert torch.allclose(codebook.counts.T, theirs._codebook.cluster_size, atol=1e-5)


def test_k_means_equals_that_of_scikit_learn():
    sklearn_cluster = pytest.importorskip("sklearn.cluster")
    # Eight clouds, and a start in each of them: no codeword dies, so both do nothing but k-means.
    centres = 6 * torch.tensor([[x, y, z] for x in (0.0, 1.0) for y in (0.0, 1.0) for z in (0.0, 1.0)])
    batch = centres.repeat(100, 1) + gaussian(800, 3, seed=0)

    codebook = rvq.kmeans(batch, 8, torch.Generator().manual_seed(0))

    theirs = sklearn_cluster.KMeans(8, init=batch[:8].numpy(), n_init=1, max_iter=10, tol=0, algorithm="lloyd")
    words = torch.from_numpy(theirs.fit(batch.numpy()).cluster_centers_)
    assert torch.allclose(codebook.words, words, atol=1e-3)


def test_quantizer_dropout_keeps_every_number_of_levels_equally_often_or_all():
    every, half, none = (rvq.quantizer_dropout(80_000, 8, share, seed=1) for share in (1.0, 0.5, 0.0))

    assert every.bincount().tolist() == pytest.approx([0, *[10_000] * 8], abs=400)
    assert half.bincount().tolist() == pytest.approx([0, *[5_000] * 7, 45_000], abs=400)
    assert none.tolist() == [8] * 80_000
    assert torch.equal(every, rvq.quantizer_dropout(80_000, 8, seed=1))
    assert not torch.equal(every, rvq.quantizer_dropout(80_000, 8, seed=2))


def test_decoding_what_dropout_keeps_is_decoding_fewer_codes_of_each_item():
    codebooks, latents = gaussian(4, 16, 3, seed=0), gaussian(5, 3, 7, seed=1)
    codes, kept = rvq.encode(latents, codebooks), torch.tensor([1, 4, 2, 3, 0])

    decoded = rvq.decode(codes, codebooks, kept)

    for b, levels in enumerate(kept.tolist()):
        assert torch.equal(decoded[b : b + 1], rvq.decode(codes[b : b + 1, :levels], codebooks))


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

    for encode in (rvq.encode, rvq.encode_fast):
        with pytest.raises(ValueError, match=r"\[2, 5, 3\].*\[4, 6, 3\]"):
            encode(latents.transpose(1, 2), codebooks)
        with pytest.raises(ValueError, match=r"torch\.float64 .* torch\.float32"):
            encode(latents.double(), codebooks)
        with pytest.raises(ValueError, match=r"\[2, 3, 5\] torch\.int16 .* \[4, 6, 3\] torch\.int16"):
            encode(latents.short(), codebooks.short())
        with pytest.raises(ValueError, match=r"\[2, 3, 5\].*\[4, 0, 3\]"):
            encode(latents, codebooks[:, :0])
    with pytest.raises(ValueError, match=r"\[5, 2\].*\[6, 3\]"):
        rvq.nearest_codeword(torch.zeros(5, 2), codebooks[0])
    with pytest.raises(ValueError, match=r"n_q in 0\.\.4 codebooks; n_q is 5"):
        rvq.encode(latents, codebooks, n_q=5)
    with pytest.raises(ValueError, match="finite"):
        rvq.encode(latents / 0, codebooks)
    with pytest.raises(ValueError, match=r"\[2, 5, 5\].*\[4, 6, 3\]"):
        rvq.decode(torch.zeros(2, 5, 5, dtype=torch.int64), codebooks)
    with pytest.raises(ValueError, match=r"\[2, 4, 5\].*\[4\]"):
        rvq.decode(torch.zeros(2, 4, 5, dtype=torch.int64), codebooks, torch.ones(4))
    with pytest.raises(ValueError, match=r"share in 0\.\.1, got 4, 0 and 1\.5"):
        rvq.quantizer_dropout(4, 0, 1.5)
    with pytest.raises(ValueError, match=r"0\.\.5, got 0\.\.6"):
        rvq.decode(torch.tensor([[[0, 6]]]), codebooks)
    with pytest.raises(ValueError, match=r"0\.\.5, got -1\.\.0"):
        rvq.decode(torch.tensor([[[0, -1]]]), codebooks)
    with pytest.raises(ValueError, match=r"11 codewords .* \[2, 3, 5\]"):
        rvq.fit(latents, 1, 11)
    with pytest.raises(ValueError, match=r"0 levels of 2 codewords .* \[2, 3, 5\]"):
        rvq.fit(latents, 0, 2)
    with pytest.raises(ValueError, match=r"1 levels of 2 codewords .* \[3, 5\]"):
        rvq.fit(latents[0], 1, 2)
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
    assert [row["kept_share"] for row in rows] == pytest.approx([1, 2 / 3, 1 / 3], abs=0.04)
    assert shown["plot"]["x"] == [1, 2, 3]
    assert shown["plot"]["series"]["snr_db"] == [row["snr_db"] for row in rows]
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
        ({"dropout": 2.0}, r"share in 0\.\.1, got 32768, 8 and 2\.0"),
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
    assert torch.equal(rvq.encode_fast(latents.cuda(), codebooks.cuda()), codes)
    assert torch.equal(codes.cpu(), rvq.encode(latents, codebooks))
    assert torch.equal(rvq.decode(codes, codebooks.cuda()).cpu(), rvq.decode(codes.cpu(), codebooks))
