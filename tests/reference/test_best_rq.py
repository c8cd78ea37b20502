"""BEST-RQ's random labels against numbers by hand, slow loops, and vector-quantize-pytorch."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import best_rq  # noqa: E402


def gaussian(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_labels_worked_by_hand():
    steps = torch.tensor([[[1.0, 1.0], [0.0, 2.0]]])  # (1, 0) and (1, 2), projected to (1, 1) and (1, 5)
    projection = torch.tensor([[1.0, 1.0], [0.0, 2.0]])
    codebook = torch.tensor([[9.0, 9.0], [0.0, 1.0], [1.0, 4.0]])

    # By cosine (9, 9) has the direction of (1, 1); by distance (0, 1) is one away.
    assert best_rq.labels(steps, projection, codebook).tolist() == [[0, 2]]
    assert best_rq.labels(steps, projection, codebook, normalized=False).tolist() == [[1, 2]]


def test_of_two_equal_codewords_the_first_is_the_label():
    codebook = torch.tensor([[-1.0], [2.0], [2.0]])

    for normalized in (True, False):
        assert best_rq.labels(torch.tensor([[[3.0]]]), torch.eye(1), codebook, normalized).tolist() == [[1]]


@settings(max_examples=60)
@given(
    steps=st.integers(0, 5),
    features=st.integers(1, 5),
    lookup=st.integers(1, 4),
    codebook_size=st.integers(1, 9),
    seed=st.integers(0, 2**32),
)
def test_each_label_is_the_nearest_codeword_by_angle_or_by_distance(steps, features, lookup, codebook_size, seed):
    projection, codebook = (one.double() for one in best_rq.draw_quantizer(features, lookup, codebook_size, seed))
    inputs = gaussian(2, features, steps, seed=seed).double()

    cosine, distance = (best_rq.labels(inputs, projection, codebook, normalized) for normalized in (True, False))

    for b, t in ((b, t) for b in range(2) for t in range(steps)):
        frame = inputs[b, :, t].tolist()
        projected = [sum(map(float.__mul__, frame, column)) for column in projection.T.tolist()]
        length = math.hypot(*projected)
        words = codebook.tolist()
        distances = [math.dist(projected, word) for word in words]
        chords = [
            math.dist([one / length for one in projected], [one / math.hypot(*word) for one in word]) for word in words
        ]
        # Within rounding: in one dimension the codewords of one sign are all equally near in angle.
        assert distances[int(distance[b, t])] == pytest.approx(min(distances))
        assert chords[int(cosine[b, t])] == pytest.approx(min(chords), abs=1e-7)


def test_labels_equal_those_of_vector_quantize_pytorch():
    peer = pytest.importorskip("vector_quantize_pytorch")
    torch.manual_seed(0)
    theirs = peer.RandomProjectionQuantizer(dim=320, codebook_size=4096, codebook_dim=16)
    frames = 3 + 2 * gaussian(4, 320, 500, seed=1)

    projection, codebook = theirs.rand_projs[0], theirs.vq._codebook.embed[0].detach()

    found = best_rq.labels(best_rq.normalize(frames, "frame"), projection, codebook)

    # Where the two largest cosines are nearer than float32 rounds, either label may win.
    exact = best_rq.normalize(frames.double(), "frame").transpose(1, 2) @ projection.double()
    cosines = torch.nn.functional.normalize(exact, dim=-1) @ torch.nn.functional.normalize(codebook.double(), dim=-1).T
    best = cosines.topk(2).values
    clear = best[..., 0] - best[..., 1] > 1e-6
    with torch.no_grad():
        assert torch.equal(found[clear], theirs(frames.transpose(1, 2))[clear])
    assert clear.double().mean() > 0.99
    assert len(found.unique()) > 1000


def test_stacking_puts_four_frames_one_after_the_other_and_fills_the_last_step_with_zeros():
    frames = torch.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0], [10.0, 20.0, 30.0, 40.0, 50.0]]])

    assert best_rq.stack(frames).tolist() == [
        [[1, 5], [10, 50], [2, 0], [20, 0], [3, 0], [30, 0], [4, 0], [40, 0]],
    ]
    assert best_rq.stack(frames[..., :4]).shape == (1, 8, 1)
    assert best_rq.stack(frames, 1).tolist() == frames.tolist()


def test_normalizing_is_per_feature_or_per_frame():
    frames = 5 + 3 * gaussian(3, 6, 50, seed=0).double()
    frames[0] += 4  # what is louder than the other utterances stays so

    per_feature, per_frame = best_rq.normalize(frames), best_rq.normalize(frames, "frame")

    assert torch.allclose(per_feature.mean((0, 2)), torch.zeros(6).double(), atol=1e-9)
    assert torch.allclose(per_feature.square().mean((0, 2)), torch.ones(6).double(), atol=1e-4)
    assert per_feature[0].mean() > 0.5
    assert torch.allclose(per_frame.mean(1), torch.zeros(3, 50).double(), atol=1e-9)
    expected = torch.nn.functional.layer_norm(frames.transpose(1, 2), (6,)).transpose(1, 2)
    assert torch.allclose(per_frame, expected)


def test_a_quantizer_is_that_of_its_seed_with_the_spread_of_the_paper():
    projection, codebook = best_rq.draw_quantizer(320, seed=3)

    assert projection.shape == (320, 16)
    assert codebook.shape == (8192, 16)
    assert projection.abs().max().item() == pytest.approx(math.sqrt(6 / 336), rel=1e-3)
    assert projection.std().item() == pytest.approx(math.sqrt(2 / 336), rel=0.03)
    assert codebook.std().item() == pytest.approx(1, rel=0.01)
    again, other = best_rq.draw_quantizer(320, seed=3), best_rq.draw_quantizer(320, seed=4)
    assert torch.equal(again[0], projection)
    assert torch.equal(again[1], codebook)
    assert not torch.equal(other[1], codebook)


def test_a_masked_span_of_400_milliseconds_is_ten_steps_of_40():
    assert best_rq.span_steps() == 10
    assert best_rq.span_steps(0.4, 0.01) == 40
    assert best_rq.span_steps(0.04, 0.04) == 1


def test_spans_run_on_for_ten_steps_and_cover_as_many_as_chance_says():
    mask = best_rq.draw_mask(400, 1000, probability=0.01, span=10)

    lone = [len(run) for row in mask[:50].tolist() for run in "".join("#" if one else " " for one in row).split()]
    assert min(run for run in lone[:-1]) >= 1
    assert sorted(lone)[len(lone) // 2] == 10  # most spans touch no other, and no edge
    assert mask[:, 10:].double().mean().item() == pytest.approx(1 - 0.99**10, abs=0.004)
    assert mask[:, 0].double().mean().item() < 0.04  # no span reaches the first step but its own
    assert not best_rq.draw_mask(2, 30, probability=0).any()
    assert best_rq.draw_mask(2, 30, probability=1).all()
    assert best_rq.draw_mask(1, 30, 0.2, 1, seed=5).tolist() != best_rq.draw_mask(1, 30, 0.2, 1, seed=6).tolist()


def test_masked_steps_are_noise_and_the_others_stay():
    steps, mask = 5 + gaussian(2, 8, 100, seed=0), best_rq.draw_mask(2, 100, 0.05)

    masked = best_rq.apply_mask(steps, mask)

    kept, noise = (masked.transpose(1, 2)[chosen] for chosen in (~mask, mask))
    assert torch.equal(kept, steps.transpose(1, 2)[~mask])
    assert noise.mean().abs().item() < 0.02
    assert noise.std().item() == pytest.approx(0.1, rel=0.1)


def test_three_quarters_of_the_labels_of_noise_agree_and_both_kinds_are_nearly_even():
    assert 75 < best_rq.label_agreement_percent() < 78
    assert best_rq.label_entropy_bits(normalized=True) == pytest.approx(11.7, abs=0.1)
    assert best_rq.label_entropy_bits(normalized=False) == pytest.approx(11.7, abs=0.1)
    assert best_rq.entropy_of(torch.tensor([[0, 0], [1, 1]])) == 1
    assert best_rq.entropy_of(torch.tensor([3, 3])) == 0


def test_a_mistake_is_told_with_the_shapes():
    steps, projection, codebook = torch.zeros(2, 6, 4), torch.zeros(6, 3), torch.zeros(5, 3)

    with pytest.raises(ValueError, match=r"\[2, 4, 6\] .*\[6, 3\] .*\[5, 3\]"):
        best_rq.labels(steps.transpose(1, 2), projection, codebook)
    with pytest.raises(ValueError, match=r"torch\.float64.*torch\.float32"):
        best_rq.labels(steps.double(), projection, codebook)
    with pytest.raises(ValueError, match="finite"):
        best_rq.labels(steps / 0, projection, codebook)
    with pytest.raises(ValueError, match=r"\[2, 6, 4\] torch\.int16"):
        best_rq.normalize(steps.to(torch.int16))
    with pytest.raises(ValueError, match="'utterance'"):
        best_rq.normalize(steps, "utterance")
    with pytest.raises(ValueError, match=r"\[2, 6, 0\] .* and 4"):
        best_rq.stack(steps[..., :0])
    with pytest.raises(ValueError, match=r"\[2, 6, 4\] .*\[2, 5\]"):
        best_rq.apply_mask(steps, torch.zeros(2, 5, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"got 1, 30, 10, 1\.5"):
        best_rq.draw_mask(1, 30, 1.5)
    with pytest.raises(ValueError, match="got 0, 16, 8192"):
        best_rq.draw_quantizer(0)
    with pytest.raises(ValueError, match=r"got 0\.04 and 0\.01"):
        best_rq.span_steps(0.01)
    with pytest.raises(ValueError, match=r"\[0\]"):
        best_rq.entropy_of(torch.zeros(0, dtype=torch.int64))
    with pytest.raises(ValueError, match="got 0"):
        best_rq.label_agreement_percent(steps=0)


def test_the_demo_shows_labels_collapse_on_frames_that_are_not_normalized():
    shown = best_rq.demo(codebook_size=512, steps=4096)

    assert json.loads(json.dumps(shown)) == shown
    rows = {(row["input_normalized"], row["label_by"]): row for row in shown["rows"]}
    assert [key[0] for key in rows] == ["not", "not", "each feature", "each feature", "each frame", "each frame"]
    for by in ("cosine", "distance"):
        assert rows["not", by]["labels_used"] < 60 < 250 < rows["each feature", by]["labels_used"]
        assert rows["not", by]["entropy_bits"] < 4 < 6 < rows["each feature", by]["entropy_bits"] < 9
    assert 50 < rows["each feature", "cosine"]["same_label_percent"] < 90
    assert [len(line) for line in shown["drawing"].split("\n")] == [100, 100, 100, 100]
    assert shown["plot"]["series"]["cosine"][0] == rows["not", "cosine"]["entropy_bits"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "got 0 and 4096"),
        ({"codebook_size": 1}, "got 16384 and 1"),
        ({"probability": -0.5}, "a probability of 0 to 1, got .* -0.5"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        best_rq.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_give_the_same_labels():
    generator = torch.Generator().manual_seed(0)
    steps, projection, codebook = (  # whole numbers: nothing is rounded, and ties are exact
        torch.randint(-4, 5, shape, generator=generator).float() for shape in ((4, 320, 1000), (320, 16), (4096, 16))
    )

    found = best_rq.labels(steps.cuda(), projection.cuda(), codebook.cuda(), normalized=False)

    assert found.is_cuda
    assert torch.equal(found.cpu(), best_rq.labels(steps, projection, codebook, normalized=False))
    cosine = best_rq.labels(steps.double().cuda(), projection.double().cuda(), codebook.double().cuda())
    agreed = cosine.cpu() == best_rq.labels(steps.double(), projection.double(), codebook.double())
    assert agreed.double().mean() > 0.999  # proportional codewords have cosines that only rounding tells apart
