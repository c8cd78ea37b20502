"""CLAP's loss against torch's cross entropy and loops, its filter against counting by hand."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import clap  # noqa: E402


def gaussian(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def test_two_pairs_worked_by_hand():
    sounds, captions = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[3.0, 0.0], [1.0, 1.0]])

    # Cosines: 1 and 0.7071 for the first sound, 0 and 0.7071 for the second; temperature 1.
    rows = (math.log(math.e + math.exp(0.7071068)) - 1, math.log(1 + math.exp(0.7071068)) - 0.7071068)
    columns = (math.log(math.e + 1) - 1, math.log(2 * math.exp(0.7071068)) - 0.7071068)
    assert clap.similarities(sounds, captions).flatten().tolist() == pytest.approx([1, 0.7071068, 0, 0.7071068])
    assert float(clap.contrastive_loss(sounds, captions, 1.0)) == pytest.approx(sum(rows + columns) / 4)


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_loss_and_gradient_are_those_of_torchs_cross_entropy(temperature):
    ours = [gaussian(16, 5, seed=seed).requires_grad_() for seed in (0, 1)]
    theirs = [one.detach().clone().requires_grad_() for one in ours]
    own = torch.arange(16)

    loss = clap.contrastive_loss(*ours, temperature)
    loss.backward()
    cosines = torch.nn.functional.cosine_similarity(theirs[0][:, None], theirs[1][None], dim=2) / temperature
    expected = torch.nn.functional.cross_entropy(torch.cat([cosines, cosines.T]), own.repeat(2))
    expected.backward()

    assert torch.allclose(loss, expected, atol=1e-6)
    assert all(torch.allclose(one.grad, other.grad, atol=1e-6) for one, other in zip(ours, theirs, strict=True))
    assert ours[0].grad.abs().max() > 0.01


@settings(max_examples=40)
@given(count=st.integers(1, 40), temperature=st.floats(0.01, 10))
def test_embeddings_that_are_all_alike_cost_log_n(count, temperature):
    alike = torch.tensor([[1.0, -2.0, 3.0]]).double().repeat(count, 1)

    loss = float(clap.contrastive_loss(alike, 5 * alike, temperature))

    assert loss == pytest.approx(clap.uniform_loss(count), abs=1e-9)


@settings(max_examples=40)
@given(count=st.integers(1, 10), seed=st.integers(0, 9999))
def test_neither_order_nor_length_nor_which_side_is_sound_matters(count, seed):
    sounds, captions = gaussian(count, 4, seed=seed), gaussian(count, 4, seed=seed + 1)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))

    loss = clap.contrastive_loss(sounds, captions)

    assert torch.allclose(clap.contrastive_loss(captions, sounds), loss)
    assert torch.allclose(clap.contrastive_loss(sounds[order], captions[order]), loss)
    assert torch.allclose(clap.contrastive_loss(3 * sounds, captions / 7), loss)


def test_in_many_dimensions_unrelated_pairs_cost_about_log_n():
    assert float(clap.contrastive_loss(gaussian(64, 20_000), gaussian(64, 20_000, seed=1))) == pytest.approx(
        math.log(64), rel=0.02
    )


def test_of_four_pairs_a_threshold_keeps_half_of_which_half_is_right():
    scores, right = [0.9, 0.4, 0.6, 0.1], [True, True, False, False]

    assert clap.threshold_filter(scores, right, 0.5) == (50, 50, 50)
    assert clap.threshold_filter(scores, right, 0.9) == (25, 100, 50)  # at least the threshold
    assert clap.threshold_filter(scores, right, -1) == (100, 50, 100)
    assert clap.threshold_filter(scores, right, 0.95) == (0, 100, 0)


def test_half_of_the_sounds_find_their_own_caption():
    sounds = torch.eye(4)
    captions = torch.eye(4)[[0, 1, 3, 2]]

    assert clap.recall_percent(sounds, captions) == 50
    assert clap.recall_percent(sounds, sounds) == 100


def test_a_mistake_is_told_with_the_shapes():
    sounds = gaussian(4, 3)

    with pytest.raises(ValueError, match=r"\[4, 3\], \[3, 3\] and 0\.07"):
        clap.contrastive_loss(sounds, sounds[:3])
    with pytest.raises(ValueError, match=r"\[4, 3\], \[4, 3\] and 0"):
        clap.contrastive_loss(sounds, sounds, 0)
    with pytest.raises(ValueError, match=r"\[0, 3\]"):
        clap.contrastive_loss(sounds[:0], sounds[:0])
    with pytest.raises(ValueError, match=r"\[4, 3\] and \[4, 2\]"):
        clap.similarities(sounds, sounds[:, :2])
    with pytest.raises(ValueError, match="all zeros"):
        clap.contrastive_loss(sounds, 0 * sounds)
    with pytest.raises(ValueError, match="all zeros, or no number"):
        clap.contrastive_loss(sounds, sounds * math.nan)
    with pytest.raises(ValueError, match="got 2 and 1"):
        clap.threshold_filter([0.1, 0.2], [True], 0.5)
    with pytest.raises(ValueError, match=r"got 1\.0 and 1000"):
        clap.demo(wrong=1.0)


def test_the_demo_trades_captions_that_are_right_for_cleaner_ones():
    shown = clap.demo(count=400)

    assert json.loads(json.dumps(shown)) == shown
    rows = shown["rows"]
    assert (rows[0]["kept_percent"], rows[0]["precision_percent"], rows[0]["recall_percent"]) == (100, 60, 100)
    for name, falling in (("kept_percent", True), ("recall_percent", True), ("precision_percent", False)):
        column = [row[name] for row in rows]
        assert column == sorted(column, reverse=falling)
    assert rows[5]["precision_percent"] > 85
    assert rows[5]["recall_percent"] > 85
    started, ended = (float(word.strip(";")) for word in shown["remarks"][0].split()[4:7:2])
    assert ended < math.log(64) < started


def test_data_without_wrong_captions_stay_clean():
    assert {row["precision_percent"] for row in clap.demo(wrong=0.0, count=200)["rows"]} == {100}


def test_a_device_that_is_none_is_told():
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        clap.demo(device="abacus")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_lose_alike():
    sounds, captions = gaussian(16, 5), gaussian(16, 5, seed=1)

    loss = clap.contrastive_loss(sounds.cuda(), captions.cuda())

    assert loss.is_cuda
    assert torch.allclose(loss.cpu(), clap.contrastive_loss(sounds, captions))
