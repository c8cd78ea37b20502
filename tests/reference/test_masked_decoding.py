"""Masked decoding against schedules by hand, a model that knows the answer, and a count of all sequences."""

import itertools
import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import masked_decoding  # noqa: E402
from kb.reference.masked_decoding import MASK  # noqa: E402


def test_a_schedule_worked_by_hand():
    # 10 cos(0, 22.5, 45, 67.5, 90 degrees) = 10, 9.24, 7.07, 3.83, 0
    assert masked_decoding.revealed_per_step(10, 4) == [1, 2, 4, 3]
    assert masked_decoding.revealed_per_step(500, 3) == [67, 183, 250]  # cos 60 degrees is a half, not just below
    assert masked_decoding.revealed_per_step(3, 1) == [3]


def test_maskgct_settles_500_tokens_in_25_steps_and_in_50_with_the_second_idle():
    sines = [math.sin(math.pi / 2 * (1 - step / 25)) for step in range(25)]
    masked = [math.floor(500 * sine) for sine in sines] + [0]

    assert masked_decoding.revealed_per_step(500, 25) == [a - b for a, b in itertools.pairwise(masked)]
    assert masked_decoding.revealed_per_step(500, 25)[-4:] == [31, 31, 31, 31]
    assert masked_decoding.revealed_per_step(500, 50)[:3] == [1, 0, 2]
    assert masked_decoding.idle_steps(500, 50) == 1
    assert masked_decoding.idle_steps(500, 25) == 0


@settings(max_examples=100)
@given(tokens=st.integers(0, 2000), steps=st.integers(1, 100))
def test_every_token_is_settled_once(tokens, steps):
    revealed = masked_decoding.revealed_per_step(tokens, steps)

    assert len(revealed) == steps
    assert sum(revealed) == tokens
    assert min(revealed) >= 0


def test_the_surest_tokens_are_settled_first():
    seen = []

    def model(codes):  # frame 2 is surest of its code, then 0, 3, 1: each has one code that is nearly certain
        seen.append(codes[0].tolist())
        doubt = torch.tensor([1e-12, 1e-8, 1e-16, 1e-10], dtype=torch.float64)
        certain = torch.nn.functional.one_hot(torch.tensor([4, 5, 6, 7]), 8).double()
        return ((1 - doubt)[:, None] * certain + (doubt / 7)[:, None] * (1 - certain)).log()[None]

    codes = masked_decoding.decode(model, torch.full((1, 4), MASK), 4)

    assert codes.tolist() == [[4, 5, 6, 7]]
    assert seen == [[-1, -1, -1, -1], [-1, -1, 6, -1], [4, -1, 6, -1], [4, -1, 6, 7]]


@settings(max_examples=40)
@given(frames=st.integers(1, 12), steps=st.integers(1, 15), annealing=st.floats(0, 10), seed=st.integers(0, 2**32))
def test_a_model_that_knows_the_answer_gets_it_in_any_number_of_passes_and_the_prompt_stays(
    frames, steps, annealing, seed
):
    generator = torch.Generator().manual_seed(seed)
    answer = torch.randint(9, (2, frames), generator=generator)
    hidden = torch.rand(frames, generator=generator) < 0.7
    calls = []

    def model(codes):
        calls.append(codes)
        return torch.nn.functional.one_hot(answer, 9).double().log()

    prompt = torch.where(hidden, MASK, answer + 100)  # codes the model would never give
    codes = masked_decoding.decode(model, prompt, steps, annealing=annealing, seed=seed)

    assert torch.equal(codes, torch.where(hidden, answer, answer + 100))
    assert len(calls) == steps


def test_noise_changes_the_order_and_not_what_is_known():
    orders = set()
    answer = torch.nn.functional.one_hot(torch.arange(6), 6).double().log()[None]
    for seed in range(20):
        seen = []

        def model(codes, seen=seen):
            seen.append(tuple((codes[0] == MASK).tolist()))
            return answer

        masked_decoding.decode(model, torch.full((1, 6), MASK), 6, annealing=1.0, seed=seed)
        orders.add(tuple(seen))

    assert len(orders) > 10


def test_the_ring_model_agrees_with_counting_all_sequences():
    model = masked_decoding.ring_model(3)
    everything = list(itertools.product(range(3), repeat=5))
    possible = [codes for codes in everything if all((b - a) % 3 < 2 for a, b in itertools.pairwise(codes))]
    for known in ([-1] * 5, [-1, 2, -1, -1, 0], [1, -1, -1, -1, -1], [0, -1, 2, -1, -1]):
        fitting = [c for c in possible if all(k in (MASK, v) for k, v in zip(known, c, strict=True))]
        counted = [[sum(c[t] == v for c in fitting) / len(fitting) for v in range(3)] for t in range(5)]

        given_by_model = model(torch.tensor(known)[None, None], 0).exp()[0]

        for t in range(5):
            if known[t] == MASK:
                assert given_by_model[t].tolist() == pytest.approx(counted[t], abs=1e-12)


def test_one_token_a_pass_is_exact_and_fewer_passes_break_more():
    model, codes = masked_decoding.ring_model(8), torch.full((64, 1, 32), MASK)

    def broken(passes, annealing):
        filled = masked_decoding.decode_layers(model, codes, [passes], annealing=annealing)
        return masked_decoding.broken_share(filled[:, 0], 8)

    assert masked_decoding.broken_share(torch.tensor([[0, 1, 1, 3, 2, 7, 0]]), 8) == 0.5
    assert 0.7 < broken(1, 4.0) < 0.8  # independent codes: 2 of 8 fit
    assert broken(4, 4.0) < broken(2, 4.0) < broken(1, 4.0)
    assert broken(4, 4.0) < broken(4, 0.0) / 2
    assert broken(300, 4.0) == 0.0  # at most one token a pass


def test_finer_layers_follow_coarser_ones_and_need_one_pass():
    filled = masked_decoding.decode_layers(masked_decoding.ring_model(8), torch.full((8, 3, 32), MASK), [300, 1, 1])

    assert set(((filled[:, 1:] - filled[:, :-1]) % 8).flatten().tolist()) == {0, 1}
    assert set(((filled[:, 0, 1:] - filled[:, 0, :-1]) % 8).flatten().tolist()) == {0, 1}


def test_a_layer_sees_coarser_layers_filled_and_finer_ones_masked():
    seen = []

    def model(codes, layer):
        seen.append((layer, codes[0].tolist()))
        return torch.nn.functional.one_hot(torch.full((1, 2), layer), 4).double().log()

    masked_decoding.decode_layers(model, torch.full((1, 3, 2), MASK), [1, 1, 1])

    m = MASK
    assert seen == [
        (0, [[m, m], [m, m], [m, m]]),
        (1, [[0, 0], [m, m], [m, m]]),
        (2, [[0, 0], [1, 1], [m, m]]),
    ]


def test_embeddings_are_added_up_to_the_layer_and_the_mask_has_its_own():
    embeddings = torch.tensor([[[1.0], [2.0], [90.0]], [[10.0], [20.0], [900.0]]])
    codes = torch.tensor([[[0, 1], [1, MASK]]])

    assert masked_decoding.summed_embeddings(codes, embeddings, 0).tolist() == [[[1.0], [2.0]]]
    assert masked_decoding.summed_embeddings(codes, embeddings, 1).tolist() == [[[21.0], [902.0]]]


def test_a_mistake_is_told_with_what_came():
    model = masked_decoding.ring_model(4)

    with pytest.raises(ValueError, match="0 tokens or more in 1 step or more, got 5 and 0"):
        masked_decoding.revealed_per_step(5, 0)
    with pytest.raises(ValueError, match=r"as many masks in each row, got \[2, 2\]"):
        masked_decoding.decode(lambda codes: codes, torch.tensor([[MASK, 0], [MASK, MASK]]), 2)
    with pytest.raises(ValueError, match=r"the model gave \[1, 3, 4\] for codes \[1, 2\]"):
        masked_decoding.decode(lambda codes: torch.zeros(1, 3, 4), torch.full((1, 2), MASK), 2)
    with pytest.raises(ValueError, match=r"got \[1, 2, 3\] and \[4\]"):
        masked_decoding.decode_layers(model, torch.full((1, 2, 3), MASK), [4])
    with pytest.raises(ValueError, match=r"got \[1, 2, 3\], \[1, 5, 8\] and 0"):
        masked_decoding.summed_embeddings(torch.zeros(1, 2, 3, dtype=torch.int64), torch.zeros(1, 5, 8), 0)
    with pytest.raises(ValueError, match="codebook_size of 3"):
        masked_decoding.demo(codebook_size=2)
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        masked_decoding.demo(device="abacus")


def test_the_demo_shows_more_passes_and_noise_breaking_less_and_45_passes_at_any_length():
    shown = masked_decoding.demo(steps=(1, 4, 16), batch=16, seed=3)

    assert json.loads(json.dumps(shown)) == shown
    assert shown == masked_decoding.demo(steps=(1, 4, 16), batch=16, seed=3)
    rows = shown["rows"]
    assert [row["passes"] for row in rows] == [1, 4, 16]
    assert rows[0]["broken_with_noise"] > rows[1]["broken_with_noise"] > rows[2]["broken_with_noise"]
    assert rows[1]["broken_with_noise"] < rows[1]["broken_without_noise"]
    assert set(shown["plot"]["series"]["masked decoding"]) == {45}
    assert shown["plot"]["series"]["one token a pass"][4] == 600.0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_decode_alike():
    model, codes = masked_decoding.ring_model(8), torch.full((8, 2, 16), MASK)

    on_gpu = masked_decoding.decode_layers(model, codes.cuda(), [8, 1], annealing=4.0)

    assert on_gpu.is_cuda
    assert torch.equal(on_gpu.cpu(), masked_decoding.decode_layers(model, codes, [8, 1], annealing=4.0))
