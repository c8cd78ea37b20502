"""Factorized codes against numbers by hand, slow loops, and transformers' DAC."""

import importlib.metadata
import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import factorized_vq as factorized  # noqa: E402


def whole_numbers(low, high, shape, seed):
    """Floats that are whole: then float32 rounds nothing, ties are exact, and every machine has to agree."""
    return torch.randint(low, high + 1, shape, generator=torch.Generator().manual_seed(seed)).float()


def dot(left, right):
    return sum(map(float.__mul__, left, right), 0.0)


def exact_quantizer(levels, dimension, lookup, codebook_size, seed):
    """A quantizer whose codewords have one or four entries of equal size: their norms, and all else, are exact."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.rand(levels, codebook_size, lookup, generator=generator).argsort(-1)
    entries = 1 + 3 * torch.randint(2 if lookup >= 4 else 1, (levels, codebook_size, 1), generator=generator)
    signs = 2.0 * torch.randint(2, (levels, codebook_size, lookup), generator=generator) - 1
    scales = 2.0 ** torch.randint(-1, 3, (levels, codebook_size, 1), generator=generator)
    return factorized.Quantizer(
        project_in=whole_numbers(-2, 2, (levels, lookup, dimension), seed + 1),
        bias_in=whole_numbers(-3, 3, (levels, lookup), seed + 2),
        codebooks=(chosen < entries) * signs * scales,
        project_out=whole_numbers(-2, 2, (levels, dimension, lookup), seed + 3),
        bias_out=whole_numbers(-3, 3, (levels, dimension), seed + 4),
    )


def gaussian_quantizer(levels, dimension, lookup, codebook_size, seed):
    generator = torch.Generator().manual_seed(seed)
    sizes = ((levels, lookup, dimension), (levels, lookup), (levels, codebook_size, lookup))
    sizes += ((levels, dimension, lookup), (levels, dimension))
    return factorized.Quantizer(*(torch.randn(size, generator=generator) for size in sizes))


def transformers_rvq(quantizer):
    """Return transformers' quantizer with these weights; it needs no others."""
    pytest.importorskip("transformers")
    from transformers import DacConfig
    from transformers.models.dac.modeling_dac import DacResidualVectorQuantizer

    levels, lookup, dimension = quantizer.project_in.shape
    config = DacConfig(n_codebooks=levels, codebook_size=quantizer.codebooks.shape[1], codebook_dim=lookup)
    config.hidden_size = dimension
    theirs = DacResidualVectorQuantizer(config).eval()
    for k, level in enumerate(theirs.quantizers):
        level.in_proj.weight.data[..., 0] = quantizer.project_in[k]
        level.in_proj.bias.data[:] = quantizer.bias_in[k]
        level.codebook.weight.data[:] = quantizer.codebooks[k]
        level.out_proj.weight.data[..., 0] = quantizer.project_out[k]
        level.out_proj.bias.data[:] = quantizer.bias_out[k]
    return theirs


def test_two_levels_worked_by_hand():
    quantizer = factorized.Quantizer(
        project_in=torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]]),  # the first level sees the first number of a frame
        bias_in=torch.tensor([[0.0], [-1.0]]),
        codebooks=torch.tensor([[[2.0], [-1.0]], [[3.0], [-5.0]]]),
        project_out=torch.tensor([[[1.0], [0.0]], [[0.0], [1.0]]]),
        bias_out=torch.tensor([[0.0, 2.0], [0.0, 0.0]]),
    )
    latents = torch.tensor([[[5.0, -7.0], [4.0, 2.0]]])  # frames (5, 4), (-7, 2)

    codes = factorized.encode(latents, quantizer)

    # In one dimension the cosine is the sign. Level 0: 5 and -7 give 0 and 1, and take away (2, 2) and (-1, 2).
    # Level 1 sees 4 - 2 - 1 = 1 and 2 - 2 - 1 = -1, so 0 and 1, which add (0, 3) and (0, -5).
    assert codes.tolist() == [[[0, 1], [0, 1]]]
    assert factorized.decode(codes, quantizer).tolist() == [[[2.0, -1.0], [5.0, -3.0]]]
    assert factorized.encode_fast(latents, quantizer).tolist() == codes.tolist()


def test_the_cosine_looks_at_directions_and_the_distance_at_places():
    x, codebook = torch.tensor([[10.0, 9.0], [1.0, 9.0]]), torch.tensor([[30.0, 0.0], [0.0, 10.0]])

    assert factorized.nearest_codeword(x, codebook).tolist() == [0, 1]
    assert factorized.nearest_codeword(x, codebook, normalized=False).tolist() == [1, 1]


def test_of_two_equal_cosines_the_first_wins_even_across_blocks():
    codebook = torch.tensor([[-1.0, 0.0]]).repeat(100, 1)
    codebook[40], codebook[70], codebook[90] = torch.tensor([[0.0, 8.0], [4.0, 0.0], [1.0, 0.0]])
    quantizer = factorized.Quantizer(
        torch.eye(2)[None], torch.zeros(1, 2), codebook[None], torch.eye(2)[None], torch.zeros(1, 2)
    )
    latents = torch.tensor([[[3.0, 2.0, -1.0, 0.0], [0.0, 2.0, 0.0, 0.0]]])  # right, up and right, left, nowhere

    assert factorized.encode(latents, quantizer).tolist() == [[[70, 40, 0, 0]]]
    assert factorized.encode_fast(latents, quantizer).tolist() == [[[70, 40, 0, 0]]]


@settings(max_examples=60)
@given(
    batch=st.integers(1, 3),
    frames=st.integers(0, 5),
    dimension=st.integers(1, 5),
    lookup=st.integers(1, 6),
    levels=st.integers(1, 4),
    codebook_size=st.integers(1, 70),
    seed=st.integers(0, 2**32),
)
def test_each_code_has_the_largest_cosine_to_the_projection_of_what_earlier_levels_left_over(
    batch, frames, dimension, lookup, levels, codebook_size, seed
):
    quantizer = exact_quantizer(levels, dimension, lookup, codebook_size, seed)
    latents = whole_numbers(-9, 9, (batch, dimension, frames), seed + 9)

    codes = factorized.encode(latents, quantizer)

    project_in, bias_in, codebooks, project_out, bias_out = (weight.tolist() for weight in quantizer)
    for b, t in ((b, t) for b in range(batch) for t in range(frames)):
        left = latents[b, :, t].tolist()
        for k, code in enumerate(codes[b, :, t].tolist()):
            low = [dot(row, left) + bias_in[k][index] for index, row in enumerate(project_in[k])]
            cosines = [dot(low, word) / math.hypot(*word) for word in codebooks[k]]
            assert code == cosines.index(max(cosines))
            up = [dot(row, codebooks[k][code]) + bias_out[k][index] for index, row in enumerate(project_out[k])]
            left = list(map(float.__sub__, left, up))
        decoded = factorized.decode(codes, quantizer)[b, :, t].tolist()
        assert list(map(float.__sub__, latents[b, :, t].tolist(), decoded)) == left
    for n_q in range(levels + 1):
        assert torch.equal(factorized.encode(latents, quantizer, n_q), codes[:, :n_q])
        assert torch.equal(factorized.encode_fast(latents, quantizer, n_q), codes[:, :n_q])


def test_the_fast_codes_are_those_of_the_loop_at_the_size_of_dac_where_arithmetic_is_exact():
    quantizer = exact_quantizer(9, 1024, 8, 1024, seed=0)
    latents = whole_numbers(-4, 4, (2, 1024, 300), seed=1)

    codes = factorized.encode(latents, quantizer)

    assert torch.equal(factorized.encode_fast(latents, quantizer), codes)
    assert len(torch.unique(codes)) > 400


def test_codes_equal_those_of_transformers_wherever_rounding_cannot_decide():
    quantizer = gaussian_quantizer(9, 256, 8, 1024, seed=0)
    # Codewords between a hundredth and a hundred times as long: the wrong sign of their norm must not matter.
    lengths = 10 ** (4 * torch.rand(9, 1024, 1, generator=torch.Generator().manual_seed(1)) - 2)
    quantizer = quantizer._replace(codebooks=quantizer.codebooks * lengths, project_out=quantizer.project_out / 100)
    latents = torch.randn(2, 256, 500, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        _, their_codes, *_ = transformers_rvq(quantizer)(latents)

    codes = factorized.encode(latents, quantizer)
    fast_codes = factorized.encode_fast(latents, quantizer)

    # In float64, by how much does the best cosine lead the next? Below what float32 rounds away either may win,
    # and later levels with it.
    exact = factorized.Quantizer(*(weight.double() for weight in quantizer))
    residual, clear = latents.double().transpose(1, 2), torch.ones(2, 500, dtype=torch.bool)
    for k in range(9):
        low = residual @ exact.project_in[k].T + exact.bias_in[k]
        lengths = exact.codebooks[k].norm(dim=-1) * low.norm(dim=-1, keepdim=True)
        best, index = (low @ exact.codebooks[k].T / lengths).topk(2)
        clear &= best[..., 0] - best[..., 1] > 1e-5
        for found in (codes, fast_codes, their_codes):
            assert torch.equal(found[:, k][clear], index[..., 0][clear])
        residual = residual - exact.codebooks[k][index[..., 0]] @ exact.project_out[k].T - exact.bias_out[k]
    assert clear.double().mean() > 0.98


def test_decoding_equals_that_of_transformers():
    quantizer = gaussian_quantizer(4, 32, 8, 64, seed=0)
    codes = torch.randint(64, (2, 4, 50), generator=torch.Generator().manual_seed(1))

    with torch.no_grad():
        theirs, *_ = transformers_rvq(quantizer).from_codes(codes)

    assert torch.allclose(factorized.decode(codes, quantizer), theirs, atol=1e-4)


def test_without_its_normalization_transformers_would_take_the_longest_codeword(monkeypatch):
    quantizer = gaussian_quantizer(1, 4, 4, 8, seed=0)
    theirs = transformers_rvq(quantizer)
    if importlib.metadata.version("transformers") != "5.23.0":
        pytest.skip("the sign was looked at in transformers 5.23.0")
    codebook = torch.eye(4).repeat(2, 1)
    codebook[6] *= 100
    theirs.quantizers[0].codebook.weight.data[:] = codebook
    low = torch.eye(4)[None]  # each of four frames equals a codeword, none of them the long one

    assert theirs.quantizers[0].decode_latents(low)[1].tolist() == [[0, 1, 2, 3]]
    monkeypatch.setattr(torch.nn.functional, "normalize", lambda x: x)
    assert theirs.quantizers[0].decode_latents(low)[1].tolist() == [[6, 6, 6, 6]]


def test_the_wrong_sign_matters_only_where_codewords_differ_in_length():
    assert factorized.wrong_sign_percent(normalized=True) == 0
    assert factorized.wrong_sign_percent(normalized=False) > 90


def test_the_fast_codes_of_dac_take_three_and_a_half_instead_of_five_giga_operations_for_160_seconds():
    assert factorized.operations_per_frame(1024, 8, 1024, 9) * 12_000 == 5_308_416_000
    assert factorized.operations_per_frame(1024, 8, 1024, 9, fast=True) * 12_000 == 3_538_944_000


def test_half_of_the_bits_are_needed_where_two_of_four_codewords_are_used_evenly():
    assert factorized.bitrate_efficiency_percent(torch.tensor([[0, 0, 3, 3]]), 4) == pytest.approx(50)
    assert factorized.bitrate_efficiency_percent(torch.tensor([0, 1, 2, 3]), 4) == pytest.approx(100)
    assert factorized.bitrate_efficiency_percent(torch.tensor([2, 2]), 4) == 0


def test_training_repeats_with_its_seed_and_brings_the_output_nearer():
    latents = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))

    first, again, other = (factorized.fit(latents, 2, 16, steps=40, seed=seed) for seed in (0, 0, 1))

    assert all(map(torch.equal, first, again))
    assert not any(map(torch.equal, first, other))
    errors = []
    for steps in (0, 400):
        down, codebook, up = factorized.fit(latents, 3, 32, steps=steps)
        codes = factorized.nearest_codeword(latents @ down.T, codebook)
        errors.append(float((latents - codebook[codes] @ up.T).square().mean()))
    assert errors[1] < 0.5 * errors[0]


def test_commitment_brings_projections_near_their_codewords(monkeypatch):
    latents = torch.randn(500, 8, generator=torch.Generator().manual_seed(0))
    distances = []
    for commitment in (0, 10):
        monkeypatch.setattr(factorized, "COMMITMENT", commitment)
        down, codebook, _ = factorized.fit(latents, 4, 16, steps=100)
        low = latents @ down.T
        chosen = codebook[factorized.nearest_codeword(low, codebook)]
        distances.append(float((low - chosen).square().mean()))

    assert distances[1] < 0.8 * distances[0]


def test_a_mistake_is_told_with_both_shapes():
    quantizer, latents = exact_quantizer(3, 6, 2, 5, seed=0), torch.zeros(2, 6, 4)

    with pytest.raises(ValueError, match=r"\[2, 4, 6\] .*\[3, 2, 6\]"):
        factorized.encode(latents.transpose(1, 2), quantizer)
    with pytest.raises(ValueError, match=r"torch\.float64 .* torch\.float32"):
        factorized.encode_fast(latents.double(), quantizer)
    with pytest.raises(ValueError, match=r"torch\.int16 .* torch\.float32"):
        factorized.encode(latents.to(torch.int16), quantizer)
    with pytest.raises(ValueError, match=r"n_q in 0\.\.3 levels; n_q is 4"):
        factorized.encode(latents, quantizer, n_q=4)
    with pytest.raises(ValueError, match="finite"):
        factorized.encode_fast(latents / 0, quantizer)
    with pytest.raises(ValueError, match=r"\[3, 5, 3\]"):
        factorized.encode(latents, quantizer._replace(codebooks=torch.zeros(3, 5, 3)))
    with pytest.raises(ValueError, match=r"\[3, 2, 6\].*\[2, 4, 5\] torch\.int64"):
        factorized.decode(torch.zeros(2, 4, 5, dtype=torch.int64), quantizer)
    with pytest.raises(ValueError, match=r"0\.\.4, got 0\.\.5"):
        factorized.decode(torch.tensor([[[0, 5]]]), quantizer)
    with pytest.raises(ValueError, match=r"\[2, 6, 4\] torch\.float32, 2, 5"):
        factorized.fit(latents, 2, 5)
    with pytest.raises(ValueError, match="0, 8, 1024, 9"):
        factorized.operations_per_frame(0, 8, 1024, 9)
    with pytest.raises(ValueError, match=r"\[0\] torch\.int64 and 4"):
        factorized.bitrate_efficiency_percent(torch.zeros(0, dtype=torch.int64), 4)


def test_the_demo_uses_every_codeword_in_few_dimensions_and_a_part_of_them_in_many():
    shown = factorized.demo(lookups=(64, 8), codebook_size=128, steps=150)

    assert json.loads(json.dumps(shown)) == shown
    rows = {(row["lookup_dimension"], row["nearest_by"]): row for row in shown["rows"]}
    assert list(rows) == [(64, "distance"), (64, "cosine"), (8, "distance"), (8, "cosine")]
    assert rows[64, "distance"]["codewords_used"] < 90
    assert rows[8, "cosine"]["codewords_used"] > 120
    assert rows[8, "cosine"]["bitrate_efficiency_percent"] > 90 > rows[64, "cosine"]["bitrate_efficiency_percent"]
    assert rows[8, "cosine"]["snr_db"] > rows[64, "distance"]["snr_db"]
    for line in shown["plot"]["series"].values():
        assert sum(line) == pytest.approx(100)
        assert len(line) == len(shown["plot"]["x"]) == 128


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dimension": 0}, "got 0, 256, 300"),
        ({"codebook_size": 1}, "got 64, 1, 300"),
        ({"steps": -1}, "got 64, 256, -1"),
        ({"lookups": (8, 0)}, r"got 64, 256, 300, \(8, 0\)"),
        ({"lookups": ()}, r"got 64, 256, 300, \(\)"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        factorized.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_give_the_same_codes():
    quantizer = exact_quantizer(9, 64, 8, 1024, seed=0)
    on_gpu = factorized.Quantizer(*(weight.cuda() for weight in quantizer))
    latents = whole_numbers(-4, 4, (8, 64, 1500), seed=1)

    codes = factorized.encode(latents.cuda(), on_gpu)

    assert codes.is_cuda
    assert torch.equal(codes.cpu(), factorized.encode(latents, quantizer))
    assert torch.equal(factorized.encode_fast(latents.cuda(), on_gpu), codes)
    assert torch.equal(factorized.decode(codes, on_gpu).cpu(), factorized.decode(codes.cpu(), quantizer))
