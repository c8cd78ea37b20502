"""Levels against torch.bucketize and shares of a normal; patches against torch's unfold."""

import json

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import quality_tokens as quality  # noqa: E402


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_levels_worked_by_hand():
    scores = torch.tensor([1.0, 2, 3, 4, 5])

    found = quality.bounds(scores, [-1.0, 0.0, 1.0])

    assert found.tolist() == pytest.approx([1.5858, 3, 4.4142], abs=1e-4)
    assert quality.quality_levels(scores, found).tolist() == [1, 2, 3, 3, 4]  # 3 is on a bound
    assert [quality.prefix(level, 5) for level in range(1, 6)] == ["low quality"] * 2 + ["medium quality"] + [
        "high quality"
    ] * 2


@given(seed=st.integers(0, 99), count=st.integers(2, 50))
def test_levels_are_torchs_buckets_and_do_not_depend_on_the_scale_of_scores(seed, count):
    scores = noise(count, seed=seed).double()
    level_bounds = quality.bounds(scores)

    levels = quality.quality_levels(scores, level_bounds)

    assert levels.tolist() == (torch.bucketize(scores, level_bounds, right=True) + 1).tolist()
    moved = 4 * scores + 2
    assert quality.quality_levels(moved, quality.bounds(moved)).tolist() == levels.tolist()


def test_shares_of_a_normal_are_the_notes_figures():
    shares = quality.level_shares([-2, -1, 1, 2])

    assert [round(share, 2) for share in shares] == [2.28, 13.59, 68.27, 13.59, 2.28]
    assert sum(shares) == pytest.approx(100)


@pytest.mark.parametrize(("height", "width", "overlap"), [(4, 1, 0), (4, 1, 2), (4, 2, 3), (2, 4, 1), (16, 8, 0)])
def test_patches_are_torchs_and_give_the_latent_back(height, width, overlap):
    latent = noise(3, 16, 8)

    patches = quality.patchify(latent, height, width, overlap)

    stride = (height - overlap, width)
    assert torch.equal(patches, torch.nn.functional.unfold(latent[None], (height, width), stride=stride)[0].T)
    torch.testing.assert_close(quality.unpatchify(patches, latent.shape, height, width, overlap), latent)
    assert quality.patch_tokens(16, 8, height, width, overlap) == len(patches)


def test_where_patches_disagree_the_latent_is_their_average():
    patches = torch.tensor([[1.0, 1, 1], [4, 4, 4]])

    assert quality.unpatchify(patches, (1, 4, 1), 3, 1, 2).flatten().tolist() == [1, 2.5, 2.5, 4]


def test_the_published_configuration_has_1024_tokens_and_2032_with_overlap():
    assert quality.patch_tokens(256, 16, 4, 1, 0) == 1024
    assert quality.patch_tokens(256, 16, 4, 1, 2) == 2032


def test_training_sees_as_many_patches_as_it_should_each_as_often_as_any_other():
    generator = torch.Generator().manual_seed(0)

    drawn = [quality.kept(20, 0.3, generator) for _ in range(2000)]

    assert {len(one) for one in drawn} == {14}
    assert all(one.tolist() == sorted(set(one.tolist())) for one in drawn[:50])
    counts = torch.bincount(torch.cat(drawn), minlength=20) / 2000
    assert (counts - 0.7).abs().max() < 0.05
    assert quality.kept(1, 0.9, generator).tolist() == [0]


def test_the_quality_token_stands_before_the_patches_and_is_its_levels_vector():
    layer, tokens = quality.QualityToken(5, 8), noise(2, 3, 8)

    out = layer(tokens, torch.tensor([1, 5]))

    assert torch.equal(out[:, 1:], tokens)
    assert torch.equal(out[:, 0], layer.table.weight[[0, 4]])


def test_a_mistake_is_told_with_what_came():
    with pytest.raises(ValueError, match=r"got \[2, 3\] and"):
        quality.bounds(noise(2, 3))
    with pytest.raises(ValueError, match=r"rising multiples, got \[2\] and \[1\.0, -1\.0\]"):
        quality.bounds(noise(2), [1.0, -1.0])
    with pytest.raises(ValueError, match="got NaN"):
        quality.quality_levels(torch.tensor([float("nan")]), torch.tensor([0.0]))
    with pytest.raises(ValueError, match=r"1\.\.5, got 0"):
        quality.prefix(0, 5)
    with pytest.raises(ValueError, match=r"got \[\]"):
        quality.level_shares([])
    with pytest.raises(ValueError, match=r"do not fill \[3, 15, 8\]"):
        quality.patchify(noise(3, 15, 8), 4, 1)
    with pytest.raises(ValueError, match="4 x 1 and 4"):
        quality.patchify(noise(3, 16, 8), 4, 1, 4)
    with pytest.raises(ValueError, match=r"want patches \[32, 12\] .* got \[5, 12\]"):
        quality.unpatchify(noise(5, 12), (3, 16, 8), 4, 1)
    with pytest.raises(ValueError, match="got 4 and 1"):
        quality.kept(4, 1, torch.Generator())
    with pytest.raises(ValueError, match=r"got \[2, 3, 8\], \[3\]"):
        quality.QualityToken(5, 8)(noise(2, 3, 8), torch.tensor([1, 2, 3]))
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        quality.demo(device="abacus")
    with pytest.raises(ValueError, match="two clips or more, got 1"):
        quality.demo(clips=1)


def test_in_the_demo_the_best_level_is_rare_and_far_better():
    shown = quality.demo()

    assert json.loads(json.dumps(shown)) == shown
    rows = shown["rows"]
    assert [row["share_percent"] for row in rows] == pytest.approx([row["normal_percent"] for row in rows], abs=0.6)
    assert [row["true_quality"] for row in rows] == sorted(row["true_quality"] for row in rows)
    assert rows[-1]["true_quality"] > 1.8
    assert "is 1024 tokens; with 2 rows shared, 2032." in shown["remarks"][1]
    assert "sees 717" in shown["remarks"][2]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_agree():
    latent = noise(3, 16, 8)

    there = quality.unpatchify(quality.patchify(latent.cuda(), 4, 1, 2), latent.shape, 4, 1, 2)

    torch.testing.assert_close(there.cpu(), latent)
