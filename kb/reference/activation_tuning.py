"""Activation tuning, on a toy: turn an over-fitted adapter down, then train on what it says in that state.

Source: SALMONN, sections 3.3, 4.4 and figure 3 (arXiv:2310.13289): LoRA trained with a scaling of 4.0, at about 2.0
    untrained abilities come back; the 12 stories it then tells are 12 steps of training at 4.0.
Left out: sound and language. An ability of the toy is a rule that sorts 16 numbers into 4 classes, an instruction says
    which of 5 rules to use, each rule has answers of its own, a story is 64 answers in a row. Perplexities.
Oracle: none for the figures, they are an experiment; at a scaling of 0 the frozen base has to answer, and at any other
    a network whose adapter was merged into its weights.
Ties: the first of the best answers. Dtype: float32. The seed draws rules, weights and data.
Notation: D numbers, R rules, C answers each, H hidden; W frozen, B A the adapter of rank r, s its scaling.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread

NUMBERS, RULES, CLASSES, HIDDEN, RANK = 16, 5, 4, 48, 4
TRAINED, OTHERS = [0], [1, 2, 3, 4]  # rules: the base learns the others, the adapter the first
LOUDNESS = 0.5  # of an instruction among 16 numbers: prompts are short
SCALING, STORIES, ANSWERS = 4.0, 12, 64  # the stories are of so many answers each
BASE_STEPS, ADAPTER_STEPS, BATCH = 600, 200, 64
BASE_RATE, ADAPTER_RATE, STORY_RATE = 0.01, 0.02, 0.02


class Network(NamedTuple):
    """Two layers, frozen, and an adapter for each."""

    weights: list[Tensor]  # [H, D + R], [R C, H]
    down: list[Tensor]  # A [r, D + R], [r, H]
    up: list[Tensor]  # B [H, r], [R C, r]


class Task(NamedTuple):
    """Questions and right answers."""

    numbers: Tensor  # [N, D]
    rules: Tensor  # [N], which to use
    answers: Tensor  # [N], from C rule to C rule + C - 1


class Scores(NamedTuple):
    """What a network can do, in percent."""

    trained: float  # right answers to what the adapter was trained on
    others: float  # right answers to what only the base was trained on
    following: float  # answers to those that are at least answers of the rule asked for


def logits(network: Network, numbers: Tensor, rules: Tensor, scaling: float) -> Tensor:
    """Return the logits [N, R C] for numbers [N, D] and rules [N]: (W + s B A) of the input, a tanh, and so again.

    The scaling s is 4.0 in training, any number afterwards; 0 is the frozen base.
    Raises: ValueError if there are not as many numbers as rules.
    """
    if numbers.shape != (len(rules), NUMBERS):
        raise ValueError(f"want numbers [N, {NUMBERS}] and rules [N], got {list(numbers.shape)}, {list(rules.shape)}")
    first, last = (w + scaling * b @ a for w, a, b in zip(network.weights, network.down, network.up, strict=True))
    instruction = LOUDNESS * torch.nn.functional.one_hot(rules, RULES)
    return torch.tanh(torch.cat([numbers, instruction], -1) @ first.T) @ last.T


def ask(classes: Tensor, count: int, rules: list[int], generator: torch.Generator) -> Task:
    """Return so many drawn questions, by those rules; the right class is the largest of C scores, classes [R, C, D]."""
    numbers = torch.randn(count, NUMBERS, generator=generator).to(classes)
    drawn = torch.tensor(rules)[torch.randint(len(rules), (count,), generator=generator)].to(classes.device)
    best = (classes[drawn] @ numbers[:, :, None]).squeeze(-1).argmax(-1)
    return Task(numbers, drawn, CLASSES * drawn + best)


def step(optimizer: torch.optim.Optimizer, network: Network, task: Task, scaling: float) -> None:
    """Train one step on the cross-entropy of the answers: teacher forcing, whoever gave them."""
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(logits(network, task.numbers, task.rules, scaling), task.answers)
    torch.autograd.backward(loss)
    optimizer.step()


def overfit(classes: Tensor, generator: torch.Generator) -> Network:
    """Return a base that knows the other rules and an adapter over-fitted to the first, at a scaling of 4.0."""
    sizes = ((HIDDEN, NUMBERS + RULES), (RULES * CLASSES, HIDDEN))
    weights = [_drawn(generator, *size).to(classes).requires_grad_() for size in sizes]
    down = [_drawn(generator, RANK, size[1]).to(classes) for size in sizes]
    network = Network(weights, down, [classes.new_zeros(size[0], RANK) for size in sizes])
    optimizer = torch.optim.Adam(weights, BASE_RATE)
    for _ in range(BASE_STEPS):
        step(optimizer, network, ask(classes, BATCH, OTHERS, generator), 0.0)
    for frozen in weights:
        frozen.requires_grad_(False)
    adapter = [matrix.requires_grad_() for matrix in network.down + network.up]
    optimizer = torch.optim.Adam(adapter, ADAPTER_RATE)
    for _ in range(ADAPTER_STEPS):
        step(optimizer, network, ask(classes, BATCH, TRAINED, generator), SCALING)
    return network


def tell(network: Network, task: Task, scaling: float) -> Task:
    """Return the questions with the network's own answers at that scaling instead of the right ones."""
    with torch.no_grad():
        return task._replace(answers=logits(network, task.numbers, task.rules, scaling).argmax(-1))


def activate(network: Network, stories: list[Task]) -> Network:
    """Return the network after one step on each story at the full scaling, adapters only; the given one stays."""
    down, up = ([one.detach().clone().requires_grad_() for one in part] for part in (network.down, network.up))
    tuned = Network(network.weights, down, up)
    optimizer = torch.optim.SGD(down + up, STORY_RATE)
    for story in stories:
        step(optimizer, tuned, story, SCALING)
    return tuned


def measure(network: Network, classes: Tensor, scaling: float) -> Scores:
    """Return the scores on 1000 fresh questions by the trained rule and 2000 by the others."""
    generator = torch.Generator().manual_seed(1)  # not that of any training
    trained, others = ask(classes, 1000, TRAINED, generator), ask(classes, 2000, OTHERS, generator)
    told, other = tell(network, trained, scaling).answers, tell(network, others, scaling).answers
    right = (told == trained.answers, other == others.answers, other // CLASSES == others.rules)
    return Scores(*(round(100 * float(one.float().mean()), 1) for one in right))


def at_scaling(scaling: float, seed: int = 0) -> Scores:
    """Return the scores of the over-fitted toy with its adapter at that scaling; it was trained with 4.0."""
    network, classes, _ = _experiment("cpu", seed, 2.0)
    return measure(network, classes, scaling)


def after_tuning(seed: int = 0, discount: float = 2.0) -> Scores:
    """Return the scores at 4.0 after 12 steps on 12 stories told with the scaling turned down to the discount."""
    _, classes, tuned = _experiment("cpu", seed, discount)
    return measure(tuned, classes, SCALING)


FIGURES = (at_scaling, after_tuning)  # what claims may run


def demo(*, device: str = "cpu", seed: int = 0, discount: float = 2.0) -> dict[str, Any]:
    """Over-fit the toy, turn the scaling from 0 to 4, and tune it on its own answers at the discount.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws rules, weights and data.
        discount: the scaling at which the stories are told, from 0 to 4; at 4 nothing comes back.
    """
    network, classes, tuned = _experiment(device, seed, discount)
    scalings = [half / 2 for half in range(9)]
    rows = [{"model": "over-fitted", "scaling": s} | measure(network, classes, s)._asdict() for s in scalings]
    plot = {"kind": "line", "x": scalings, "series": {name: [row[name] for row in rows] for name in Scores._fields}}
    rows.append({"model": "tuned", "scaling": SCALING} | measure(tuned, classes, SCALING)._asdict())
    remarks = [
        "Over-fitted, the toy answers other rules with the trained one's answers: it ignores the instruction.",
        "Turned down it follows again and forgets part of what it was trained for.",
        f"{STORIES} steps on what it said at {discount:g} bring most of the following back at 4.0, and keep most of "
        "the trained rule; how much depends on the seed. A toy: SALMONN's figures are others.",
    ]
    return {"rows": rows, "remarks": remarks, "plot": plot | {"x_label": "scaling", "y_label": "percent"}}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what this file promises and whether it holds."""
    network, classes, tuned = _experiment(device, 0, 2.0)
    base, half, full = (measure(network, classes, s) for s in (0.0, 2.0, 4.0))
    after = measure(tuned, classes, SCALING)
    return [
        ("The base knows the others, and not the trained rule.", base.others > 85 and base.trained < 1),
        ("Over-fitted, it no longer follows.", full.trained > 85 and full.following < 50),
        ("At half the scaling the others are back.", half.others > 2 * full.others and half.following > 70),
        ("At half the scaling the trained rule has suffered.", half.trained < full.trained - 5),
        ("Tuned, it follows again at the full scaling.", after.following > 2 * full.following),
        ("Tuned, it knows the trained rule better than at half the scaling.", after.trained > half.trained),
    ]


def _experiment(device: str, seed: int, discount: float) -> tuple[Network, Tensor, Network]:
    if not 0 <= discount <= SCALING:
        raise ValueError(f"want a discount from 0 to {SCALING:g}, got {discount}")
    generator = torch.Generator().manual_seed(seed)
    classes = moved(torch.randn(RULES, CLASSES, NUMBERS, generator=generator), device)
    with one_thread():
        network = overfit(classes, generator)
        questions = [ask(classes, ANSWERS, OTHERS, generator) for _ in range(STORIES)]
        return network, classes, activate(network, [tell(network, one, discount) for one in questions])


def _drawn(generator: torch.Generator, rows: int, columns: int) -> Tensor:
    drawn: Tensor = torch.randn(rows, columns, generator=generator) / columns**0.5
    return drawn


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("An over-fitted toy adapter, turned down, and tuned on what it says.", demo, checks)


if __name__ == "__main__":
    main()
