"""Activation tuning against a layer by hand, merged weights, autograd's gradients, and a control that must fail."""

import json

import pytest

torch = pytest.importorskip("torch")

from kb.reference import activation_tuning  # noqa: E402
from kb.reference.activation_tuning import Network, Task  # noqa: E402


def gaussian(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def drawn_network(seed=0):
    weights = [gaussian(48, 21, seed=seed) / 5, gaussian(20, 48, seed=seed + 1) / 7]
    down = [gaussian(4, 21, seed=seed + 2) / 5, gaussian(4, 48, seed=seed + 3) / 7]
    return Network(weights, down, [gaussian(48, 4, seed=seed + 4) / 5, gaussian(20, 4, seed=seed + 5) / 5])


@pytest.fixture(scope="module", params=[0, 1])
def experiment(request):
    figures = [activation_tuning.at_scaling(s, request.param) for s in (0.0, 2.0, 4.0)]
    return [*figures, activation_tuning.after_tuning(request.param), activation_tuning.after_tuning(request.param, 4.0)]


def test_two_layers_worked_by_hand():
    network = Network(
        [torch.zeros(48, 21), torch.zeros(20, 48)],
        [torch.zeros(4, 21), torch.zeros(4, 48)],
        [torch.zeros(48, 4), torch.zeros(20, 4)],
    )
    network.weights[0][7, 0], network.weights[1][3, 7] = 2.0, 10.0
    network.down[0][1, 16 + 2], network.up[0][7, 1] = 4.0, 0.25  # the third rule adds s * 0.25 * 4 * loudness

    logits = activation_tuning.logits(network, torch.ones(2, 16), torch.tensor([2, 1]), scaling=-2.0)

    expected = torch.zeros(2, 20)
    expected[0, 3], expected[1, 3] = 10 * torch.tanh(torch.tensor(1.0)), 10 * torch.tanh(torch.tensor(2.0))
    assert torch.allclose(logits, expected)


@pytest.mark.parametrize("scaling", [0.0, 2.0, 4.0])
def test_the_adapter_can_be_merged_into_the_weights(scaling):
    network, numbers, rules = drawn_network(), gaussian(6, 16, seed=9), torch.tensor([0, 1, 2, 3, 4, 0])
    first, last = torch.nn.Linear(21, 48, bias=False), torch.nn.Linear(48, 20, bias=False)
    with torch.no_grad():
        first.weight.copy_(network.weights[0] + scaling * network.up[0] @ network.down[0])
        last.weight.copy_(network.weights[1] + scaling * network.up[1] @ network.down[1])
        merged = last(first(torch.cat([numbers, 0.5 * torch.eye(5)[rules]], 1)).tanh())

    assert torch.allclose(activation_tuning.logits(network, numbers, rules, scaling), merged, atol=1e-5)


def test_right_answers_are_those_with_the_largest_score_among_the_rules_own():
    classes = gaussian(5, 4, 16)

    task = activation_tuning.ask(classes, 40, [1, 3], torch.Generator().manual_seed(2))

    assert set(task.rules.tolist()) == {1, 3}
    for numbers, rule, answer in zip(*task, strict=True):
        scores = [float(sum(numbers * classes[rule, one])) for one in range(4)]
        assert answer == 4 * rule + scores.index(max(scores))


def test_tuning_takes_one_gradient_step_a_story_and_leaves_what_it_was_given():
    network = drawn_network()
    kept = [one.clone() for part in network for one in part]
    story = Task(gaussian(3, 16, seed=9), torch.tensor([1, 2, 3]), torch.tensor([5, 8, 15]))

    tuned = activation_tuning.activate(network, [story])

    assert all(torch.equal(one, old) for one, old in zip([one for part in network for one in part], kept, strict=True))
    assert all(one is frozen for one, frozen in zip(tuned.weights, network.weights, strict=True))
    moved = network.up[1].double()
    nudge = torch.zeros_like(moved)
    nudge[8, 2] = 1e-4  # the gradient there, by central differences

    def loss(up):
        part = Network(*([one.double() for one in part] for part in network[:2]), [network.up[0].double(), up])
        chances = activation_tuning.logits(part, story.numbers.double(), story.rules, 4.0).log_softmax(-1)
        return -chances[torch.arange(3), story.answers].mean()

    slope = (loss(moved + nudge) - loss(moved - nudge)) / 2e-4
    assert float(network.up[1][8, 2] - tuned.up[1][8, 2].detach()) == pytest.approx(0.02 * float(slope), rel=1e-3)


def test_a_story_is_what_the_network_itself_answers():
    network, story = drawn_network(), Task(gaussian(5, 16), torch.tensor([0, 1, 2, 3, 4]), torch.zeros(5).long())

    told = activation_tuning.tell(network, story, 2.0)

    assert torch.equal(told.answers, activation_tuning.logits(network, story.numbers, story.rules, 2.0).argmax(1))
    assert torch.equal(told.numbers, story.numbers)


def test_turned_down_the_others_come_back_and_the_trained_one_suffers(experiment):
    base, half, full, _, _ = experiment

    assert base.trained < 1 < 85 < base.others
    assert full.trained > 90
    assert full.following < 45
    assert half.following > 65
    assert half.others > 2.5 * full.others
    assert half.trained < full.trained - 15


def test_a_dozen_steps_bring_following_back_and_keep_most_of_the_trained_rule(experiment):
    _, _, full, tuned, _ = experiment

    assert tuned.following > full.following + 40
    assert tuned.others > full.others + 20
    assert tuned.trained > 60


def test_stories_told_without_the_discount_bring_nothing_back(experiment):
    _, _, full, tuned, control = experiment

    assert control.following < full.following + 5
    assert control.following < tuned.following - 40


def test_the_demo_draws_both_curves_and_the_tuned_toy():
    shown = activation_tuning.demo()

    assert json.loads(json.dumps(shown)) == shown
    assert shown["plot"]["x"] == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]
    series, tuned = shown["plot"]["series"], shown["rows"][-1]
    assert series["trained"] == sorted(series["trained"])
    assert series["others"] == sorted(series["others"], reverse=True)
    assert tuned["model"] == "tuned"
    assert tuned["trained"] > series["trained"][4]
    assert tuned["following"] > 2 * series["following"][8]


def test_a_mistake_is_told():
    with pytest.raises(ValueError, match=r"\[4, 16\], \[3\]"):
        activation_tuning.logits(drawn_network(), torch.zeros(4, 16), torch.zeros(3).long(), 1.0)
    with pytest.raises(ValueError, match=r"\[3, 15\], \[3\]"):
        activation_tuning.logits(drawn_network(), torch.zeros(3, 15), torch.zeros(3).long(), 1.0)
    for discount in (-1.0, 4.5, float("nan")):
        with pytest.raises(ValueError, match="discount from 0 to 4"):
            activation_tuning.demo(discount=discount)
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        activation_tuning.demo(device="abacus")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_answer_alike():
    network, numbers, rules = drawn_network(), gaussian(6, 16, seed=9), torch.tensor([0, 1, 2, 3, 4, 0])
    there = Network(*([one.cuda() for one in part] for part in network))

    logits = activation_tuning.logits(there, numbers.cuda(), rules.cuda(), 2.0)

    assert logits.is_cuda
    assert torch.allclose(logits.cpu(), activation_tuning.logits(network, numbers, rules, 2.0), atol=1e-4)
