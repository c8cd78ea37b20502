"""The losses against values by hand, a slow loop, and level 1 of a toy codec with and without teachers."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import distillation  # noqa: E402


def gaussian(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_each_feature_is_compared_over_time_worked_by_hand():
    student = torch.tensor([[[3.0, 4.0], [1.0, 0.0], [1.0, 1.0]]])
    teacher = torch.tensor([[[4.0, 3.0], [0.0, 2.0], [-5.0, -5.0]]])

    cosines = distillation.feature_cosines(student, teacher)

    # (12 + 12) / (5 x 5), at right angles, and opposite. Over features instead of time it would be two numbers.
    assert cosines.tolist() == [pytest.approx([0.96, 0.0, -1.0])]


@pytest.mark.parametrize(("cosine", "loss", "plain"), [(1.0, 0.3133, 0.0), (0.0, 0.6931, 1.0), (-1.0, 1.3133, 2.0)])
def test_the_loss_at_cosines_that_matter(cosine, loss, plain):
    teacher = torch.tensor([[[1.0, 0.0]]])
    student = torch.tensor([[[cosine, 1 - abs(cosine)]]])

    assert float(distillation.loss(student, teacher)) == pytest.approx(loss, abs=5e-5)
    assert float(distillation.plain_loss(student, teacher)) == pytest.approx(plain)


@settings(max_examples=50)
@given(batch=st.integers(1, 3), dimension=st.integers(1, 4), frames=st.integers(1, 6), seed=st.integers(0, 2**32))
def test_the_loss_equals_a_slow_loop(batch, dimension, frames, seed):
    student, teacher = gaussian(2, batch, dimension, frames, seed=seed)

    losses = []
    for b in range(batch):
        for d in range(dimension):
            x, y = student[b, d].tolist(), teacher[b, d].tolist()
            product = sum(one * other for one, other in zip(x, y, strict=True))
            losses.append(math.log(1 + math.exp(-product / math.hypot(*x) / math.hypot(*y))))

    assert float(distillation.loss(student, teacher)) == pytest.approx(sum(losses) / len(losses), rel=1e-9)


def test_swapping_frames_of_both_or_stretching_a_feature_changes_nothing_but_swapping_features_does():
    student, teacher = gaussian(2, 1, 4, 9, seed=0)
    loss = float(distillation.loss(student, teacher))
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    factors = torch.tensor([0.1, 1.0, 7.0, 30.0])[:, None]

    assert float(distillation.loss(student[..., order], teacher[..., order])) == pytest.approx(loss)
    assert float(distillation.loss(student * factors, teacher)) == pytest.approx(loss)
    assert float(distillation.loss(student.flip(1), teacher)) != pytest.approx(loss)


def test_the_gradient_turns_every_feature_towards_its_teacher_and_rests_when_it_is_there():
    student, teacher = gaussian(2, 2, 5, 40, seed=0)
    moving = student.clone().requires_grad_()
    there = (3 * teacher).requires_grad_()

    distillation.loss(moving, teacher).backward()
    distillation.loss(there, teacher).backward()

    after = distillation.feature_cosines(student - moving.grad, teacher)
    assert (after > distillation.feature_cosines(student, teacher)).all()
    assert float(there.grad.abs().max()) < 1e-15


def test_the_pull_is_the_slope_of_the_loss():
    for cosine in (-0.999, -0.4, 0.0, 0.8, 0.999):
        low, high = (math.log(1 + math.exp(-(cosine + step))) for step in (-1e-6, 1e-6))
        assert distillation.pull(cosine) == pytest.approx((low - high) / 2e-6, rel=1e-6)
    assert [round(distillation.pull(cosine), 4) for cosine in (-1, 0, 1)] == [0.7311, 0.5, 0.2689]


def test_half_way_between_two_teachers_at_right_angles_the_equal_mix_pulls_no_more():
    speech, language = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[0.0, 1.0]]])
    student = torch.tensor([[[1.0, 1.0]]], requires_grad=True)

    distillation.combined_loss(student, speech, language, 0.5, 0.5).backward()

    assert student.grad.abs().max() < 1e-7
    assert distillation.feature_cosines(student.detach(), speech).item() == pytest.approx(0.7071, abs=1e-4)


def test_a_mix_weighs_each_teacher_and_a_weight_of_zero_silences_one():
    student, speech, language = gaussian(3, 1, 4, 9, seed=0)
    to_speech, to_language = float(distillation.loss(student, speech)), float(distillation.loss(student, language))

    assert float(distillation.combined_loss(student, speech, language)) == pytest.approx(
        0.2 * to_speech + 0.8 * to_language
    )
    assert float(distillation.combined_loss(student, speech, language, 1, 0)) == pytest.approx(to_speech)


def test_distillation_adds_37_59_to_the_generators_loss_at_best():
    assert distillation.weighted_loss(1, 1) == pytest.approx(37.59, abs=5e-3)
    assert distillation.weighted_loss(0, 0) == pytest.approx(83.18, abs=5e-3)
    assert distillation.weighted_loss(1, 0, 1, 0) == pytest.approx(120 * 0.3133, abs=5e-3)


def test_codes_tell_all_of_what_they_follow_and_nothing_of_what_they_do_not():
    labels = torch.tensor([5, 5, 7, 7])

    assert distillation.shared_bits(torch.tensor([0, 0, 1, 1]), labels) == pytest.approx(1.0)
    assert distillation.shared_bits(torch.tensor([0, 1, 2, 3]), labels) == pytest.approx(1.0)
    assert distillation.shared_bits(torch.tensor([0, 1, 0, 1]), labels) == pytest.approx(0.0, abs=1e-12)


def test_shared_bits_equal_the_mutual_information_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    generator = torch.Generator().manual_seed(0)
    codes, labels = torch.randint(5, (200,), generator=generator), torch.randint(3, (200,), generator=generator)

    nats = metrics.mutual_info_score(codes, labels)

    assert distillation.shared_bits(codes, labels) == pytest.approx(nats / math.log(2), rel=1e-9)


def test_a_mistake_is_told_with_both_shapes():
    student, teacher = torch.ones(1, 4, 150), torch.ones(1, 4, 149)

    with pytest.raises(ValueError, match=r"\[1, 4, 150\] and \[1, 4, 149\]"):
        distillation.loss(student, teacher)  # what HuBERT gives for three seconds, and what the codec does
    with pytest.raises(ValueError, match=r"\[4, 150\] and \[4, 150\]"):
        distillation.loss(student[0], student[0])
    with pytest.raises(ValueError, match="not empty"):
        distillation.loss(student[..., :0], student[..., :0])
    with pytest.raises(ValueError, match=r"NaN or infinity among \[1, 4, 150\]"):
        distillation.loss(student, student * math.nan)
    with pytest.raises(ValueError, match=r"-1\.\.1, got 1\.5"):
        distillation.pull(1.5)
    with pytest.raises(ValueError, match=r"\[3\] and \[2\]"):
        distillation.shared_bits(torch.zeros(3), torch.zeros(2))


def test_a_teacher_brings_what_it_knows_into_level_1_of_the_toy():
    shown = distillation.demo(language_weights=(0.0, 1.0))

    assert json.loads(json.dumps(shown)) == shown
    nobody, speech, language = shown["rows"]
    assert nobody["sound_bits"] > 2.5  # of 3: what is loudest
    assert nobody["phone_bits"] < 1
    assert speech["phone_bits"] > 2.5
    assert speech["speech_cosine"] > 0.9
    assert abs(speech["language_cosine"]) < 0.2
    assert language["word_bits"] > 1.8  # of 2
    assert language["language_cosine"] > 0.9
    assert shown["plot"]["x"] == [0.0, 1.0]
    assert shown["plot"]["series"]["speech_cosine"] == [speech["speech_cosine"], language["speech_cosine"]]


def test_a_seed_repeats_a_training_and_another_seed_does_not():
    first, again, other = (distillation.demo(language_weights=(0.8,), steps=3, seed=seed) for seed in (0, 0, 1))

    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"codebook_size": 1}, "codebook_size >= 2"),
        ({"frames": 63}, "twice as many frames"),
        ({"steps": 0}, "steps >= 1"),
        ({"loudness": math.nan}, "loudness > 0, got 32, 512, 150 and nan"),
        ({"language_weights": (0.5, 1.5)}, r"in 0\.\.1, one or more, got \[0\.5, 1\.5\]"),
        ({"language_weights": ()}, "one or more"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        distillation.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_lose_alike():
    student, speech, language = gaussian(3, 2, 16, 50, seed=0)

    on_gpu = distillation.combined_loss(student.cuda(), speech.cuda(), language.cuda())

    assert on_gpu.is_cuda
    assert float(on_gpu) == pytest.approx(float(distillation.combined_loss(student, speech, language)), rel=1e-9)
    assert all(holds for _, holds in distillation.checks(device="cuda"))
