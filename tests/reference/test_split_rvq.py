"""Split quantization against numbers by hand, slow loops, and transformers' Mimi."""

import json

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import split_rvq  # noqa: E402


def whole_numbers(low, high, shape, seed):
    """Floats that are whole: then float32 rounds nothing, ties are exact, and every machine has to agree."""
    return torch.randint(low, high + 1, shape, generator=torch.Generator().manual_seed(seed)).float()


def whole_branch(levels, dimension, width, codebook_size, seed):
    return split_rvq.Branch(
        project_in=whole_numbers(-1, 1, (width, dimension), seed),
        codebooks=whole_numbers(-6, 6, (levels, codebook_size, width), seed + 1),
        project_out=whole_numbers(-1, 1, (dimension, width), seed + 2),
    )


def transformers_split(semantic, acoustic):
    """Return transformers' quantizer with these weights; it needs no others."""
    pytest.importorskip("transformers")
    from transformers import MimiConfig
    from transformers.models.mimi.modeling_mimi import MimiSplitResidualVectorQuantizer

    (width, dimension), size = semantic.project_in.shape, semantic.codebooks.shape[1]
    theirs = MimiSplitResidualVectorQuantizer(
        MimiConfig(
            hidden_size=dimension,
            vector_quantization_hidden_dimension=width,
            codebook_dim=width,
            codebook_size=size,
            num_quantizers=len(semantic.codebooks) + len(acoustic.codebooks),
            num_semantic_quantizers=len(semantic.codebooks),
        )
    )
    pairs = (
        (theirs.semantic_residual_vector_quantizer, semantic),
        (theirs.acoustic_residual_vector_quantizer, acoustic),
    )
    for their_branch, branch in pairs:
        their_branch.input_proj.weight.data[..., 0] = branch.project_in
        their_branch.output_proj.weight.data[..., 0] = branch.project_out
        for layer, codebook in zip(their_branch.layers, branch.codebooks, strict=True):
            layer.codebook.embed_sum.copy_(codebook)
    return theirs


def test_two_branches_worked_by_hand():
    semantic = split_rvq.Branch(
        torch.tensor([[1.0, 0.0]]), torch.tensor([[[0.0], [8.0]]]), torch.tensor([[1.0], [2.0]])
    )
    acoustic = split_rvq.Branch(
        torch.tensor([[0.0, 1.0]]), torch.tensor([[[0.0], [4.0]], [[-1.0], [1.0]]]), torch.tensor([[0.0], [1.0]])
    )
    latents = torch.tensor([[[7.0, 1.0], [5.0, -3.0]]])  # frames (7, 5), (1, -3)

    codes = split_rvq.encode(latents, semantic, acoustic)

    # Of (7, 5) one branch sees 7 and says 8, the other sees 5 and says 4 + 1; of (1, -3) they say 0 and 0 - 1.
    assert codes.tolist() == [[[1, 0], [1, 0], [1, 0]]]
    assert split_rvq.decode(codes, semantic, acoustic).tolist() == [[[8.0, 0.0], [16.0 + 5.0, -1.0]]]
    # Not split, the acoustic branch sees what (8, 16) leaves of (7, 5): -11, so 0 - 1. Then less is left over.
    codes = split_rvq.encode(latents, semantic, acoustic, split=False)
    assert codes.tolist() == [[[1, 0], [0, 0], [0, 0]]]
    assert split_rvq.decode(codes, semantic, acoustic).tolist() == [[[8.0, 0.0], [15.0, -1.0]]]


def test_of_two_equally_near_codewords_the_first_wins():
    codebook = torch.tensor([[4.0], [0.0], [4.0], [0.0]])

    assert split_rvq.nearest_codeword(torch.tensor([[2.0], [4.0], [-1.0]]), codebook).tolist() == [0, 0, 1]


@settings(max_examples=60)
@given(
    frames=st.integers(0, 6),
    dimension=st.integers(1, 4),
    width=st.integers(1, 4),
    first=st.integers(1, 2),
    others=st.integers(0, 3),
    codebook_size=st.integers(1, 9),
    seed=st.integers(0, 2**32),
)
def test_the_acoustic_codes_are_the_same_whatever_the_semantic_branch_is(
    frames, dimension, width, first, others, codebook_size, seed
):
    acoustic = whole_branch(others, dimension, width, codebook_size, seed)
    semantic, another = (whole_branch(first, dimension, width, codebook_size, seed + n) for n in (10, 20))
    latents = whole_numbers(-9, 9, (2, dimension, frames), seed + 30)

    codes = split_rvq.encode(latents, semantic, acoustic)

    assert codes.shape == (2, first + others, frames)
    assert torch.equal(codes[:, first:], split_rvq.encode(latents, another, acoustic)[:, first:])
    for n_q in range(first, first + others + 1):
        assert torch.equal(split_rvq.encode(latents, semantic, acoustic, n_q), codes[:, :n_q])
    left = latents.transpose(1, 2) @ acoustic.project_in.T
    for k in range(others):
        words = acoustic.codebooks[k].tolist()
        for frame, code in zip(left.reshape(-1, width).tolist(), codes[:, first + k].flatten().tolist(), strict=True):
            distances = [sum((a - b) ** 2 for a, b in zip(frame, word, strict=True)) for word in words]
            assert code == distances.index(min(distances))
        left = left - acoustic.codebooks[k][codes[:, first + k]]
    if not others:
        return
    alone = split_rvq.decode(codes[:, :first], semantic, acoustic)
    sums = (latents.transpose(1, 2) @ acoustic.project_in.T - left) @ acoustic.project_out.T
    assert torch.equal(split_rvq.decode(codes, semantic, acoustic), alone + sums.transpose(1, 2))


def test_codes_and_decoding_equal_those_of_transformers_where_arithmetic_is_exact():
    semantic, acoustic = (whole_branch(levels, 32, 16, 256, seed) for levels, seed in ((1, 0), (7, 10)))
    latents = whole_numbers(-5, 5, (2, 32, 300), seed=20)
    theirs = transformers_split(semantic, acoustic)

    codes = split_rvq.encode(latents, semantic, acoustic)

    with torch.no_grad():
        assert torch.equal(codes, theirs.encode(latents).transpose(0, 1))
        assert torch.equal(split_rvq.encode(latents, semantic, acoustic, 3), theirs.encode(latents, 3).transpose(0, 1))
        assert torch.equal(split_rvq.decode(codes, semantic, acoustic), theirs.decode(codes))


def test_codes_1_to_7_do_not_depend_on_code_0_unless_the_branches_are_in_a_row():
    assert split_rvq.changed_codes_percent(split=True) == 0
    assert split_rvq.changed_codes_percent(split=False) > 90


def test_training_separates_what_the_teacher_tells_from_the_rest():
    generator = torch.Generator().manual_seed(0)
    said = torch.randint(4, (2000,), generator=generator)
    corners = torch.tensor([[9.0, 9.0], [9.0, -9.0], [-9.0, 9.0], [-9.0, -9.0]])
    sound = 20 * torch.randn(2000, 2, generator=generator)  # louder than what is said
    latents = torch.cat([corners[said] + torch.randn(2000, 2, generator=generator), sound], dim=1)

    semantic, acoustic = split_rvq.fit(latents, corners[said], levels=3, codebook_size=16)

    codes = split_rvq.encode(latents.T[None], semantic, acoustic)[0]
    for code in codes[0].unique():
        assert len(said[codes[0] == code].unique()) == 1
    error = latents.T - split_rvq.decode(codes[None], semantic, acoustic)[0]
    assert error.square().sum() < 0.1 * latents.square().sum()
    # What is said is a sixth of the power; the first level alone decodes to all of that.
    error = latents.T - split_rvq.decode(codes[None, :1], semantic, acoustic)[0]
    assert 0.8 < error.square().sum() / latents.square().sum() < 0.85


def test_the_first_code_decodes_alone_although_the_others_could_tell_the_same():
    corners = torch.tensor([[9.0, 9.0], [9.0, -9.0], [-9.0, 9.0], [-9.0, -9.0]])
    latents = corners.repeat(100, 1) + torch.randn(400, 2, generator=torch.Generator().manual_seed(0))

    semantic, acoustic = split_rvq.fit(latents, corners.repeat(100, 1), levels=3, codebook_size=8)

    codes = split_rvq.encode(latents.T[None], semantic, acoustic, n_q=1)
    error = latents.T - split_rvq.decode(codes, semantic, acoustic)[0]
    assert error.square().sum() < 0.03 * latents.square().sum()


def test_a_codeword_without_vectors_stays_where_it_began():
    latents = torch.tensor([[0.0, 1.0], [3.0, 4.0], [5.0, 1.0]]).repeat(10, 1)

    _, acoustic = split_rvq.fit(latents, latents, 2, 9)

    assert all(codeword in latents.tolist() for codeword in acoustic.codebooks[0].tolist())


def test_a_seed_repeats_a_training_and_another_seed_does_not():
    latents, teacher = torch.randn(2, 300, 4, generator=torch.Generator().manual_seed(0))

    first, again, other = (split_rvq.fit(latents, teacher, 3, 8, seed=seed) for seed in (0, 0, 1))

    assert all(torch.equal(a, b) for one, two in zip(first, again, strict=True) for a, b in zip(one, two, strict=True))
    assert not torch.equal(first[0].codebooks, other[0].codebooks)
    assert not torch.equal(first[1].codebooks, other[1].codebooks)


def test_a_mistake_is_told_with_both_shapes():
    semantic, acoustic = whole_branch(1, 6, 3, 5, seed=0), whole_branch(2, 6, 3, 5, seed=1)
    latents = torch.zeros(2, 6, 4)

    with pytest.raises(ValueError, match=r"\[2, 4, 6\] .*\[3, 6\]"):
        split_rvq.encode(latents.transpose(1, 2), semantic, acoustic)
    with pytest.raises(ValueError, match=r"torch\.float64 .* torch\.float32"):
        split_rvq.encode(latents.double(), semantic, acoustic)
    with pytest.raises(ValueError, match=r"torch\.int16 .* torch\.float32"):
        split_rvq.encode(latents.to(torch.int16), semantic, acoustic)
    with pytest.raises(ValueError, match=r"\[2, 6, 4\] .*\[2, 5, 4\]"):
        split_rvq.encode(latents, semantic, acoustic._replace(codebooks=torch.zeros(2, 5, 4)))
    with pytest.raises(ValueError, match="finite"):
        split_rvq.encode(latents / 0, semantic, acoustic)
    with pytest.raises(ValueError, match=r"0\.\.2 levels of a branch, got 3"):
        split_rvq.encode(latents, semantic, acoustic, n_q=4)
    with pytest.raises(ValueError, match="n_q of 1 or more, the number of semantic levels, got 0"):
        split_rvq.encode(latents, semantic, acoustic, n_q=0)
    with pytest.raises(ValueError, match=r"\[2, 3, 4\] .* and \[2, 5, 3\]"):
        split_rvq.decode(torch.zeros(2, 4, 4, dtype=torch.int64), semantic, acoustic)
    with pytest.raises(ValueError, match=r"1 semantic levels or more, got \[2, 0, 4\]"):
        split_rvq.decode(torch.zeros(2, 0, 4, dtype=torch.int64), semantic, acoustic)
    with pytest.raises(ValueError, match=r"0\.\.4, got 0\.\.5"):
        split_rvq.decode(torch.tensor([[[0, 4], [0, 5]]]), semantic, acoustic)
    with pytest.raises(ValueError, match=r"\[10, 6\] .* and \[9, 2\] .*, 3"):
        split_rvq.fit(torch.zeros(10, 6), torch.zeros(9, 2), 3, 4)
    with pytest.raises(ValueError, match=r"11 codewords .* \[10, 2\]"):
        split_rvq.fit(torch.ones(10, 6), torch.ones(10, 2), 3, 11)
    with pytest.raises(ValueError, match="got 1 and 256"):
        split_rvq.changed_codes_percent(split=True, levels=1)


def test_the_demo_shows_a_telling_first_code_and_others_that_do_not_depend_on_it():
    shown = split_rvq.demo(frames=2048, levels=4)

    assert json.loads(json.dumps(shown)) == shown
    plain, guided, split = shown["rows"]
    assert plain["phone_from_first_code_percent"] < 30 < 60 < split["phone_from_first_code_percent"]
    assert guided["phone_from_first_code_percent"] == split["phone_from_first_code_percent"]
    assert plain["other_codes_changed_percent"] > 50 > split["other_codes_changed_percent"] == 0
    for line in shown["plot"]["series"].values():
        assert line == sorted(line)
        assert len(line) == 4


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"levels": 1}, "got 1, 32, 32, 8192"),
        ({"phones": 0}, "got 8, 0, 32, 8192"),
        ({"codebook_size": 0}, "got 8, 32, 0, 8192"),
        ({"frames": 31}, "got 8, 32, 32, 31"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        split_rvq.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_give_the_same_codes():
    semantic, acoustic = (whole_branch(levels, 32, 16, 256, seed) for levels, seed in ((1, 0), (7, 10)))
    on_gpu = [split_rvq.Branch(*(weight.cuda() for weight in branch)) for branch in (semantic, acoustic)]
    latents = whole_numbers(-5, 5, (8, 32, 1500), seed=20)

    codes = split_rvq.encode(latents.cuda(), *on_gpu)

    assert codes.is_cuda
    assert torch.equal(codes.cpu(), split_rvq.encode(latents, semantic, acoustic))
    assert torch.equal(split_rvq.decode(codes, *on_gpu).cpu(), split_rvq.decode(codes.cpu(), semantic, acoustic))
