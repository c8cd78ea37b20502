"""Entropies against numbers by hand, scipy, scikit-learn, and processes whose entropy is known."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import entropy  # noqa: E402


def drawn(shape, codebook_size, seed):
    return torch.randint(codebook_size, shape, generator=torch.Generator().manual_seed(seed))


def test_counts_are_those_of_each_level_over_all_streams_and_frames():
    codes = torch.tensor([[[0, 0, 2], [3, 3, 3]], [[0, 2, 2], [3, 0, 1]]])  # 2 streams of 2 levels

    assert entropy.count(codes, 4).tolist() == [[3, 0, 3, 0], [1, 1, 0, 4]]


def test_entropy_worked_by_hand():
    counts = torch.tensor([[2, 1, 1, 0], [1, 1, 1, 1], [9, 0, 0, 0], [3, 1, 0, 0]])

    # 1/2 of 1 bit and twice 1/4 of 2 bits; 2 bits; none; 3/4 of log2 4/3 and 1/4 of 2 bits.
    assert entropy.entropy_bits(counts).tolist() == pytest.approx([1.5, 2, 0, 0.811278], abs=1e-6)
    assert entropy.perplexity(counts).tolist() == pytest.approx([2.828427, 4, 1, 1.754765], abs=1e-6)
    assert entropy.used(counts).tolist() == [3, 4, 1, 2]


def test_given_the_frame_before_worked_by_hand():
    # The pairs 00, 01, 10 and 10, 00, 01: after 0 comes 0 or 1, half and half, and after 1 always 0. Four pairs of six
    # begin with 0, so two thirds of 1 bit.
    codes = torch.tensor([[[0, 0, 1, 0]], [[1, 0, 0, 1]]])

    assert entropy.given_before_bits(codes).tolist() == pytest.approx([2 / 3], abs=1e-12)


def test_pairs_do_not_reach_from_one_stream_into_the_next():
    codes = torch.tensor([[[0, 0]], [[1, 1]], [[0, 0]], [[2, 2]]])

    assert entropy.given_before_bits(codes).tolist() == [0]


@settings(max_examples=40)
@given(
    batch=st.integers(1, 3),
    levels=st.integers(1, 3),
    frames=st.integers(2, 60),
    size=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_entropies_equal_those_of_scipy_and_scikit_learn(batch, levels, frames, size, seed):
    stats, metrics = pytest.importorskip("scipy.stats"), pytest.importorskip("sklearn.metrics")
    codes = drawn((batch, levels, frames), size, seed)

    bits = entropy.entropy_bits(entropy.count(codes, size))
    left = entropy.given_before_bits(codes)

    for k in range(levels):
        used = torch.unique(codes[:, k], return_counts=True)[1].numpy()
        assert float(bits[k]) == pytest.approx(stats.entropy(used, base=2), abs=1e-9)
        now, before = codes[:, k, 1:].flatten().numpy(), codes[:, k, :-1].flatten().numpy()
        of_now = stats.entropy(torch.unique(codes[:, k, 1:], return_counts=True)[1].numpy(), base=2)
        shared = metrics.mutual_info_score(before, now) / math.log(2)
        assert float(left[k]) == pytest.approx(of_now - shared, abs=1e-9)


@settings(max_examples=40)
@given(levels=st.integers(1, 3), frames=st.integers(1, 50), size=st.integers(1, 9), seed=st.integers(0, 99))
def test_what_is_known_never_adds_entropy_and_what_is_the_same_removes_it(levels, frames, size, seed):
    codes, other = drawn((2, levels, frames), size, seed), drawn((2, levels, frames), 5, seed + 1)
    bits = entropy.entropy_bits(entropy.count(codes, size))

    left = entropy.conditional_entropy_bits(codes, other)

    assert (left >= 0).all()
    assert (left <= bits + 1e-9).all()
    assert (bits <= math.log2(size) + 1e-9).all()
    assert not entropy.conditional_entropy_bits(codes, codes).any()
    assert torch.allclose(entropy.conditional_entropy_bits(codes, torch.zeros_like(codes)), bits)


def test_a_chain_whose_entropy_is_known():
    # A code stays with 9/10, else it becomes the other one: 0.469 bits a code, though both are as frequent.
    stays = torch.rand(1, 1, 100_000, generator=torch.Generator().manual_seed(0)) < 0.9
    codes = (~stays).long().cumsum(2) % 2

    assert float(entropy.entropy_bits(entropy.count(codes, 2))) == pytest.approx(1, abs=0.01)
    assert float(entropy.given_before_bits(codes)) == pytest.approx(0.468996, abs=0.01)
    assert float(entropy.given_before_bits(entropy.shuffled(codes, seed=0))) == pytest.approx(1, abs=0.01)


def test_from_too_few_codes_the_frame_before_seems_to_tell_what_it_cannot():
    codes = drawn((1, 1, 2000), 1024, seed=0)  # drawn by lot: nothing can be foretold

    assert float(entropy.entropy_bits(entropy.count(codes, 1024))) > 9.5
    assert float(entropy.given_before_bits(codes)) < 2
    assert float(entropy.given_before_bits(entropy.shuffled(codes, seed=0))) < 2  # and the shuffled ones give it away


def test_shuffling_keeps_every_level_its_codes_and_is_repeated_by_its_seed():
    codes = torch.arange(2 * 3 * 40).view(2, 3, 40)

    mixed = entropy.shuffled(codes, seed=0)

    assert mixed.shape == codes.shape
    assert not torch.equal(mixed, codes)
    for k in range(3):
        assert sorted(mixed[:, k].flatten().tolist()) == codes[:, k].flatten().tolist()
    assert torch.equal(mixed, entropy.shuffled(codes, seed=0))
    assert not torch.equal(mixed, entropy.shuffled(codes, seed=1))


def test_small_integer_types_do_not_overflow():
    codes = drawn((1, 2, 500), 200, seed=0)

    for dtype in (torch.uint8, torch.int16, torch.int32):
        assert torch.equal(entropy.given_before_bits(codes.to(dtype)), entropy.given_before_bits(codes))


def test_usage_of_a_codebook():
    assert entropy.usage([2, 1, 1, 0]) == pytest.approx((1.5, 2.828427, 3, 75.0), abs=1e-6)
    assert entropy.usage([1] * 1024) == pytest.approx((10.0, 1024.0, 1024, 100.0), abs=1e-6)


def test_a_mistake_is_told_with_the_shapes():
    codes = torch.zeros(2, 3, 5, dtype=torch.int64)

    with pytest.raises(ValueError, match=r"codes \[B, K, T\].*got \[3, 5\] torch\.int64"):
        entropy.count(codes[0], 4)
    with pytest.raises(ValueError, match=r"whole numbers .* got \[2, 3, 5\] torch\.float32"):
        entropy.count(codes.float(), 4)
    with pytest.raises(ValueError, match=r"at least one, got \[2, 3, 0\]"):
        entropy.count(codes[..., :0], 4)
    with pytest.raises(ValueError, match=r"codes in 0\.\.3, got 4\.\.4"):
        entropy.count(codes + 4, 4)
    with pytest.raises(ValueError, match=r"0 or more, got -1\.\.-1"):
        entropy.given_before_bits(codes - 1)
    with pytest.raises(ValueError, match=r"\[2, 3, 5\] and \[2, 3, 4\]"):
        entropy.conditional_entropy_bits(codes, codes[..., 1:])
    with pytest.raises(ValueError, match=r"2 frames or more, got \[2, 3, 1\]"):
        entropy.given_before_bits(codes[..., :1])
    with pytest.raises(ValueError, match=r"in each row not all 0, got \[2, 3\]"):
        entropy.entropy_bits(torch.tensor([[1, 2, 3], [0, 0, 0]]))
    with pytest.raises(ValueError, match=r"0 or more, in each row"):
        entropy.entropy_bits(torch.tensor([1, -2, 3]))
    with pytest.raises(ValueError, match=r"2 codewords or more, got \[5\]"):
        entropy.usage([5])


def test_the_demo_shows_that_only_the_first_level_can_be_foretold():
    shown = entropy.demo(frames=512, levels=3)

    assert json.loads(json.dumps(shown)) == shown
    *levels, together = shown["rows"]
    assert [row["level"] for row in shown["rows"]] == ["0", "1", "2", "all"]
    assert levels[0]["given_before_bits"] < levels[0]["entropy_bits"] - 1 < levels[0]["log2_v"] - 1.5
    assert levels[0]["shuffled_bits"] == pytest.approx(levels[0]["entropy_bits"], abs=0.05)
    assert all(row["given_before_bits"] == pytest.approx(5, abs=0.05) for row in levels[1:])
    assert together["log2_v"] == 15
    assert together["codewords_used"] == sum(row["codewords_used"] for row in levels)
    assert together["entropy_bits"] == pytest.approx(sum(row["entropy_bits"] for row in levels), abs=0.002)
    assert shown["remarks"][0].startswith("n_q x log2 K is 1.125 kbps, the entropy 1.0")
    assert shown["plot"]["series"]["log2_v"] == [5, 5, 5]
    assert entropy.demo(frames=8, seed=1) != entropy.demo(frames=8, seed=2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"frames": 1}, "got 1, 4, 32, 75.0"),
        ({"levels": 0}, "got 1024, 0, 32, 75.0"),
        ({"codebook_size": 1}, "got 1024, 4, 1, 75.0"),
        ({"frame_rate_hz": 0.0}, "positive frame_rate_hz, got 1024, 4, 32, 0.0"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        entropy.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_measure_alike():
    codes = drawn((4, 8, 1500), 1024, seed=0)

    counts = entropy.count(codes.cuda(), 1024)

    assert counts.is_cuda
    assert torch.equal(counts.cpu(), entropy.count(codes, 1024))
    assert torch.allclose(entropy.entropy_bits(counts).cpu(), entropy.entropy_bits(counts.cpu()))
    assert torch.allclose(entropy.given_before_bits(codes.cuda()).cpu(), entropy.given_before_bits(codes))
    assert torch.equal(entropy.shuffled(codes.cuda(), 0).cpu(), entropy.shuffled(codes, 0))
