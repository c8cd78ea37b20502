"""Probes of layers against scikit-learn's, and on stacks of which it is known what they hold."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from kb.reference import layer_probe  # noqa: E402


@pytest.fixture(scope="module")
def shown():
    return layer_probe.demo(layers=8, utterances=1000)


def gaussian(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def labels(classes, count, seed):
    return torch.randint(classes, (count,), generator=torch.Generator().manual_seed(seed))


def test_a_ridge_probe_of_two_values_worked_by_hand():
    layer = torch.tensor([[[-1.0], [1.0]]], dtype=torch.float64)

    probe = layer_probe.train(layer, torch.tensor([1.0, 5.0], dtype=torch.float64), l2=2.0)

    # Centred, the targets are -2 and 2: (2 - w)^2 + w^2 is least for w = 1; the bias is their mean.
    assert probe.weight.flatten().tolist() == pytest.approx([1.0])
    assert probe.bias.tolist() == pytest.approx([3.0])
    assert layer_probe.scores(probe, layer).flatten().tolist() == pytest.approx([2.0, 4.0])
    assert layer_probe.quality(probe, layer, torch.tensor([1.0, 5.0])) == pytest.approx(0.75)  # 1 - (1 + 1) / (4 + 4)


@pytest.mark.parametrize("l2", [0.1, 1.0, 10.0])
def test_probes_of_labels_equal_the_logistic_regression_of_scikit_learn(l2):
    linear_model = pytest.importorskip("sklearn.linear_model")
    classes = labels(6, 800, seed=0)
    x = gaussian(6, 10, seed=1)[classes] + gaussian(800, 10, seed=2)
    theirs = linear_model.LogisticRegression(C=1 / l2, tol=1e-10, max_iter=5000, solver="newton-cholesky").fit(
        x.numpy(), classes.numpy()
    )

    probe = layer_probe.train(x[None], classes, l2=l2)

    assert torch.allclose(probe.weight.T, torch.from_numpy(theirs.coef_), atol=1e-5)
    # A number added to all biases changes nothing.
    biases = torch.from_numpy(theirs.intercept_)
    assert torch.allclose(probe.bias - probe.bias.mean(), biases - biases.mean(), atol=1e-5)
    shares = layer_probe.scores(probe, x[None]).softmax(1)
    assert torch.allclose(shares, torch.from_numpy(theirs.predict_proba(x.numpy())), atol=1e-5)
    assert layer_probe.quality(probe, x[None], classes) == theirs.score(x.numpy(), classes.numpy())


@pytest.mark.parametrize("l2", [0.1, 1.0, 100.0])
def test_probes_of_values_equal_the_ridge_regression_of_scikit_learn(l2):
    linear_model = pytest.importorskip("sklearn.linear_model")
    x = 3 + gaussian(500, 10, seed=0)
    values = x @ gaussian(10, seed=1) + gaussian(500, seed=2)
    theirs = linear_model.Ridge(alpha=l2).fit(x.numpy(), values.numpy())

    probe = layer_probe.train(x[None], values, l2=l2)

    assert torch.allclose(probe.weight[:, 0], torch.from_numpy(theirs.coef_), atol=1e-5)
    assert probe.bias.item() == pytest.approx(theirs.intercept_, abs=1e-4)
    assert layer_probe.quality(probe, x[None], values) == pytest.approx(theirs.score(x.numpy(), values.numpy()))


def test_one_layer_has_the_whole_share():
    probe = layer_probe.train(gaussian(1, 50, 3, seed=0), labels(2, 50, seed=1))

    assert probe.shares.tolist() == [1.0]


def test_a_weighted_sum_adds_layers_by_their_shares():
    layers = torch.tensor([[[1.0, 2.0]], [[10.0, 20.0]]])
    probe = layer_probe.Probe(torch.tensor([0.75, 0.25]), torch.tensor([[1.0], [0.5]]), torch.tensor([100.0]))

    # 0.75 (1, 2) + 0.25 (10, 20) = (3.25, 6.5); then 3.25 + 6.5 / 2 + 100.
    assert layer_probe.scores(probe, layers).tolist() == [[106.5]]


def test_no_small_change_of_a_weighted_sum_lowers_its_loss():
    layers, classes = gaussian(3, 200, 4, seed=0), labels(3, 200, seed=1)
    layers[1] += 2 * gaussian(3, 4, seed=2)[classes]

    probe = layer_probe.train(layers, classes)

    def loss(changed):
        error = torch.nn.functional.cross_entropy(layer_probe.scores(changed, layers), classes, reduction="sum")
        return float(error + changed.weight.square().sum() / 2)

    best = loss(probe)
    assert best < 0.5 * 200 * math.log(3)
    for seed in range(30):
        step = 1e-2 * gaussian(4 * 3 + 3 + 3, seed=seed)
        shares = (probe.shares.log() + step[15:]).softmax(0)
        changed = layer_probe.Probe(shares, probe.weight + step[:12].view(4, 3), probe.bias + step[12:15])
        assert loss(changed) >= best - 1e-7


def test_standardized_dimensions_have_mean_0_and_deviation_1_in_training():
    layers = 5 + torch.tensor([1.0, 100.0])[:, None, None] * gaussian(2, 40, 3, seed=0)

    training = layer_probe.standardize(layers, layers)

    assert torch.allclose(training.mean(1), torch.zeros(2, 3, dtype=torch.float64), atol=1e-9)
    assert torch.allclose(training.std(1), torch.ones(2, 3, dtype=torch.float64))
    assert torch.allclose(layer_probe.standardize(layers[:, :1], layers), training[:, :1])


@pytest.mark.parametrize("kind", layer_probe.KINDS)
def test_a_weighted_sum_finds_the_only_layer_that_holds_it(kind):
    strength = torch.zeros(5, 3)
    strength[3] = 3.0
    stack, targets = layer_probe.make(strength, 600, 16)

    probe = layer_probe.train(layer_probe.standardize(stack, stack), targets[kind])

    assert probe.shares[3] > 0.9


def test_the_made_up_stack_is_general_early_and_knows_the_task_late():
    speaker, pitch, word = layer_probe.strengths(12).T.tolist()

    assert speaker.index(max(speaker)) in (1, 2, 3)
    assert pitch == sorted(pitch, reverse=True)
    assert word == sorted(word)
    assert word[5] < 0.5 < 2.5 < word[-1]


def test_probes_find_the_layers_where_the_information_was_put(shown):
    rows, together = shown["rows"][:-1], shown["rows"][-1]
    speaker, pitch, word = ([row[kind] for row in rows] for kind in layer_probe.KINDS)

    assert [row["layer"] for row in shown["rows"]] == [*"12345678", "sum"]
    assert speaker.index(max(speaker)) in (1, 2)
    assert speaker[-1] < 0.25  # chance is 0.125
    assert pitch.index(max(pitch)) == 0
    assert pitch[-1] < 0.05  # below 0 where the probe learned noise
    assert word.index(max(word)) in (6, 7)
    assert word[0] < 0.12  # chance is 0.05
    assert all(together[kind] > max(row[kind] for row in rows) for kind in layer_probe.KINDS)


def test_the_shares_of_the_sum_lie_where_the_probes_read_best(shown):
    rows = shown["rows"][:-1]

    for kind, early in (("speaker", True), ("pitch", True), ("word", False)):
        shares = [row[f"{kind}_share"] for row in rows]
        assert sum(shares) == pytest.approx(1, abs=0.01)
        assert (sum(shares[:4]) > 0.7) is early


def test_the_demo_can_be_written_as_json_and_plotted_and_names_the_best_layers(shown):
    assert json.loads(json.dumps(shown)) == shown
    assert shown["plot"]["x"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert set(shown["plot"]["series"]) == {"speaker", "pitch", "word"}
    assert shown["remarks"][1].startswith("pitch: best read from layer 1")


def test_a_mistake_is_told_with_the_shapes():
    layers, classes = torch.zeros(2, 5, 3), torch.zeros(5, dtype=torch.int64)

    with pytest.raises(ValueError, match=r"\[5, 3\] and \[5\]"):
        layer_probe.train(layers[0], classes)
    with pytest.raises(ValueError, match=r"\[2, 5, 3\] and \[4\]"):
        layer_probe.train(layers, classes[:4])
    with pytest.raises(ValueError, match=r"\[0, 5, 3\] and \[5\]"):
        layer_probe.train(layers[:0], classes)
    with pytest.raises(ValueError, match="finite"):
        layer_probe.train(layers / 0, classes)
    with pytest.raises(ValueError, match=r"got torch\.int64 and torch\.int64 from 0 on"):
        layer_probe.train(layers.long(), classes)
    with pytest.raises(ValueError, match=r"got torch\.float32 and torch\.int32 from 0 on"):
        layer_probe.train(layers, classes.int())
    with pytest.raises(ValueError, match=r"got torch\.float32 and torch\.int64 from -1 on"):
        layer_probe.train(layers, classes - 1)
    with pytest.raises(ValueError, match="got 0 for l2"):
        layer_probe.train(layers, classes, l2=0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"layers": 0}, "got 0, 32 and 2000"),
        ({"dimension": 0}, "got 12, 0 and 2000"),
        ({"utterances": 99}, "got 12, 32 and 99"),
        ({"l2": -1.0, "layers": 1}, "got -1.0 for l2"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        layer_probe.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_learn_the_same_probe():
    layers, classes = gaussian(3, 200, 4, seed=0), labels(3, 200, seed=1)
    layers[1] += 2 * gaussian(3, 4, seed=2)[classes]

    probe = layer_probe.train(layers.cuda(), classes.cuda())

    assert probe.weight.is_cuda
    for ours, theirs in zip(probe, layer_probe.train(layers, classes), strict=True):
        assert torch.allclose(ours.cpu(), theirs, atol=1e-4)
