"""The acoustic delay against a grid by hand, its own inverse, and MusicGen's pattern."""

import json

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import delay  # noqa: E402

SPECIAL = 1024


def test_four_codebooks_make_the_staircase_of_the_paper():
    codes = torch.tensor([[[10, 11, 12], [20, 21, 22], [30, 31, 32], [40, 41, 42]]])

    delayed = delay.apply(codes, [0, 1, 2, 3], special_token=9)

    assert delayed.tolist() == [
        [
            [10, 11, 12, 9, 9, 9],
            [9, 20, 21, 22, 9, 9],
            [9, 9, 30, 31, 32, 9],
            [9, 9, 9, 40, 41, 42],
        ]
    ]


def test_delays_may_stand_in_any_order_and_repeat():
    codes = torch.tensor([[[1, 2], [3, 4], [5, 6]]])

    delayed = delay.apply(codes, [2, 0, 2], special_token=9)

    assert delayed.tolist() == [[[9, 9, 1, 2], [3, 4, 9, 9], [9, 9, 5, 6]]]
    assert delay.revert(delayed, [2, 0, 2]).tolist() == codes.tolist()


@settings(max_examples=100)
@given(
    batch=st.integers(1, 3),
    frames=st.integers(0, 20),
    delays=st.lists(st.integers(0, 12), min_size=1, max_size=6),
    seed=st.integers(0, 2**32),
)
def test_reverting_an_applied_delay_gives_the_codes_back(batch, frames, delays, seed):
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(SPECIAL, (batch, len(delays), frames), generator=generator)

    delayed = delay.apply(codes, delays, SPECIAL)

    assert delayed.shape == (batch, len(delays), frames + max(delays))
    assert int((delayed == SPECIAL).sum()) == batch * len(delays) * max(delays)
    assert torch.equal(delay.revert(delayed, delays), codes)


def test_four_codebooks_of_1500_frames_take_1503_steps_and_frame_0_is_complete_after_4():
    codes = torch.arange(4 * 1500).reshape(1, 4, 1500)

    delayed = delay.apply(codes, range(4), special_token=-1)

    assert delayed.shape == (1, 4, 1503)
    assert delay.first_complete_step(range(4)) == 4
    assert delay.revert(delayed[..., :2], range(4)).shape == (1, 4, 0)
    assert delay.revert(delayed[..., :3], range(4)).shape == (1, 4, 0)
    assert delay.revert(delayed[..., :4], range(4)).tolist() == [[[0], [1500], [3000], [4500]]]


def test_the_delay_equals_the_pattern_musicgen_builds():
    pytest.importorskip("transformers")
    from transformers import MusicgenForCausalLM
    from transformers.models.musicgen.configuration_musicgen import MusicgenDecoderConfig

    # The pattern depends on the number of codebooks only, so the smallest decoder will do.
    config = MusicgenDecoderConfig(
        vocab_size=8, num_codebooks=4, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, ffn_dim=8
    )
    musicgen = MusicgenForCausalLM(config)
    codes = torch.randint(2048, (4, 4, 1500), generator=torch.Generator().manual_seed(0))
    # MusicGen's prompt starts with one frame of pad tokens, the decoder's start token. Its max_length counts
    # that frame too, and at T + K the pattern holds no cell left to predict.
    prompt = torch.nn.functional.pad(codes, (1, 0), value=2048).reshape(16, 1501)

    _, pattern = musicgen.build_delay_pattern_mask(prompt, pad_token_id=2048, max_length=1500 + 4)

    pattern = pattern.reshape(4, 4, 1504)
    assert torch.equal(delay.apply(codes, [0, 1, 2, 3], 2048), pattern[..., 1:])
    assert torch.equal(delay.apply(codes, [1, 2, 3, 4], 2048), pattern)

    # Fewer than K - 1 frames it does not delay: every cell is "to predict", as if there were no prompt.
    _, pattern = musicgen.build_delay_pattern_mask(prompt[:, :3], pad_token_id=2048, max_length=2 + 4)
    assert set(pattern.flatten().tolist()) == {-1}, "transformers no longer drops short prompts; say so in delay.py"
    assert torch.equal(delay.revert(delay.apply(codes[..., :2], range(4), 2048), range(4)), codes[..., :2])


def test_the_delay_equals_the_pattern_transformers_builds_for_moshi():
    pytest.importorskip("transformers")
    from transformers.models.moshi.modeling_moshi import MoshiForConditionalGeneration

    codes = torch.randint(2048, (2, 8, 375), generator=torch.Generator().manual_seed(0))

    # The method looks at nothing of the model. One step more than frames, or it drops the last frame.
    build = MoshiForConditionalGeneration.build_delay_pattern_mask
    _, pattern = build(None, codes, bos_token_id=2048, pad_token_id=2048, max_length=376)
    _, short = build(None, codes, bos_token_id=2048, pad_token_id=2048, max_length=375)

    assert torch.equal(delay.apply(codes, [0, 1, 1, 1, 1, 1, 1, 1], 2048), pattern)
    assert torch.equal(delay.apply(codes[..., :374], [0, 1, 1, 1, 1, 1, 1, 1], 2048), short)


def test_delay_and_its_inverse_equal_those_transformers_computes_for_dia():
    pytest.importorskip("transformers")
    from transformers.models.dia.processing_dia import DiaProcessor

    delays, codes = [0, 8, 9, 10, 11, 12, 13, 14, 15], torch.arange(2 * 9 * 40).view(2, 9, 40)
    padded = torch.nn.functional.pad(codes, (0, 15), value=-1).transpose(1, 2)  # [B, S, K], as Dia has it

    there = DiaProcessor.build_indices(2, 55, 9, delays)
    their_grid = DiaProcessor.apply_audio_delay(padded, pad_token_id=-1, bos_token_id=-1, precomputed_idx=there)
    back = DiaProcessor.build_indices(2, 55, 9, delays, revert=True)
    their_codes = DiaProcessor.apply_audio_delay(their_grid, pad_token_id=-1, bos_token_id=-1, precomputed_idx=back)

    delayed = delay.apply(codes, delays, special_token=-1)
    assert torch.equal(delayed, their_grid.transpose(1, 2))
    assert torch.equal(delay.revert(delayed, delays), their_codes.transpose(1, 2)[..., :40])


def test_moshis_roll_form_is_the_same_grid_without_its_last_step():
    codes = torch.tensor([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]])

    # What _delay_sequence of moshi 0.2.13 gives for these codes and a padding of 0.
    rolled = [[[1, 2, 3], [0, 4, 5], [0, 7, 8]]]

    assert delay.apply(codes, [0, 1, 1], special_token=0)[..., :3].tolist() == rolled


def test_the_last_codebook_is_used_and_no_frame_is_dropped_however_few_there_are():
    for codebooks in range(1, 10):
        for frames in range(12):
            codes = torch.arange(codebooks * frames).view(1, codebooks, frames)
            delayed = delay.apply(codes, range(codebooks), special_token=-1)
            assert sorted(delayed[delayed >= 0].tolist()) == list(range(codebooks * frames))
            assert torch.equal(delay.revert(delayed, range(codebooks))[:, -1], codes[:, -1])


def test_a_code_that_equals_the_special_token_comes_back():
    codes = torch.tensor([[[9, 9, 9], [9, 9, 9]]])

    assert torch.equal(delay.revert(delay.apply(codes, [0, 2], special_token=9), [0, 2]), codes)


def test_a_growing_stream_has_no_complete_frame_before_the_largest_delay_is_over():
    assert [delay.complete_frames(steps, [0, 8, 15]) for steps in (0, 14, 15, 16, 55)] == [0, 0, 0, 1, 40]
    with pytest.raises(ValueError, match="0 steps or more, got -1"):
        delay.complete_frames(-1, [0, 1])
    with pytest.raises(ValueError, match=r"got \[\]"):
        delay.complete_frames(3, [])


def test_moshi_waits_160_milliseconds():
    assert delay.latency_seconds([0, 1, 1, 1, 1, 1, 1, 1], frame_rate_hz=12.5) == 0.16


def test_a_device_that_is_none_is_told():
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        delay.checks(device="abacus")


def test_a_drawing_has_a_row_per_codebook_and_a_column_per_step():
    delayed = torch.tensor([[7, 10, 99], [99, 8, 9]])

    assert delay.draw(delayed, special_token=99).split("\n") == [
        "      step  0   1  2",
        "codebook 0  7  10  .",
        "codebook 1  .   8  9",
    ]


def test_a_mistake_is_told_with_the_shape_and_the_delays():
    codes = torch.zeros(2, 3, 5, dtype=torch.int64)

    with pytest.raises(ValueError, match=r"\[2, 3, 5\] and \[0, 1\]"):
        delay.apply(codes, [0, 1], SPECIAL)
    with pytest.raises(ValueError, match=r"\[2, 3, 5\] and \[0, -1, 2\]"):
        delay.revert(codes, [0, -1, 2])
    with pytest.raises(ValueError, match=r"\[3, 5\] and \[0, 1, 2\]"):
        delay.apply(codes[0], [0, 1, 2], SPECIAL)
    with pytest.raises(ValueError, match=r"-1 does not fit codes of torch\.uint8"):
        delay.apply(codes.to(torch.uint8), [0, 1, 2], special_token=-1)


def test_the_demo_tells_steps_and_latency_and_draws_the_grid():
    shown = delay.demo(codebooks=4, frames=1500, frame_rate_hz=50.0)

    assert json.loads(json.dumps(shown)) == shown
    assert [row["codebook"] for row in shown["rows"]] == ["0", "1", "2", "3", "all"]
    assert [row["special_tokens"] for row in shown["rows"]] == [3, 3, 3, 3, 12]
    assert shown["rows"][-1] == {
        "codebook": "all",
        "delay_steps": 3,
        "first_frame_after_steps": 4,
        "last_frame_after_steps": 1503,
        "special_tokens": 12,
        "latency_seconds": 0.08,
    }
    assert shown["drawing"].split("\n")[4].startswith("codebook 3  .  .  .  0  1")
    assert "Reverting the delay gives the same codes back: yes." in shown["remarks"]
    assert "The drawing stops after 24 of 1503 steps." in shown["remarks"]
    plot = shown["plot"]
    complete = dict(zip(plot["x"], zip(*plot["series"].values(), strict=True), strict=True))
    assert complete[0] == (0, 0)
    assert complete[60] == (57, 15)
    assert complete[6000] == (1500, 1500)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"codebooks": 0}, "at least 1, got 0 and 6"),
        ({"frames": 0}, "at least 1, got 4 and 0"),
        ({"delays": (0, 1)}, r"one number per codebook: 4, got \[0, 1\]"),
        ({"delays": (0, 1, 2, -3)}, "0 or more, got"),
        ({"frame_rate_hz": 0.0}, "above 0, got 0.0"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        delay.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_delay_alike():
    codes = torch.randint(2048, (4, 4, 1500), generator=torch.Generator().manual_seed(0))

    delayed = delay.apply(codes.cuda(), [0, 3, 1, 2], 2048)

    assert delayed.is_cuda
    assert torch.equal(delayed.cpu(), delay.apply(codes, [0, 3, 1, 2], 2048))
    assert torch.equal(delay.revert(delayed, [0, 3, 1, 2]).cpu(), codes)
