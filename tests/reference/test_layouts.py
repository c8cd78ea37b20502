"""Layouts against grids by hand, audiocraft's patterns, closed formulas of other files, and their own inverse."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.reference import arithmetic, layouts

GOLDEN = Path(__file__).parent / "golden" / "layouts_audiocraft.json"
FREE = [name for name, form in layouts.LAYOUTS.items() if form.codebooks is None]


def codes_for(codebooks, frames):
    """No two codes alike, so that none can take another's place."""
    return [[1000 * k + t for t in range(frames)] for k in range(codebooks)]


@pytest.mark.parametrize(
    ("layout", "stream"),
    [
        ("flattened", [[1], [4], [2], [5], [3], [6]]),
        ("coarse_first", [[1], [2], [3], [4], [5], [6]]),
        ("parallel", [[1, 4], [2, 5], [3, 6]]),
        ("valle", [[1], [2], [3], [4, 5, 6]]),
        ("delay", [[1], [2, 4], [3, 5], [6]]),
        ("neugpt", [["<nts>"], [1], [4], ["<nts>"], [2], [5], ["<nts>"], [3], [6]]),
    ],
)
def test_three_frames_of_two_codes_laid_out_by_hand(layout, stream):
    codes, laid_out = [[1, 2, 3], [4, 5, 6]], layouts.build(layout, 3, 2)

    assert layouts.apply(codes, laid_out) == stream
    assert layouts.revert(stream, laid_out) == codes


def test_moshi_writes_text_and_two_speakers_and_only_their_first_codes_are_not_late():
    codes = [[1, 2], [11, 12], [21, 22], [31, 32], [41, 42], [51, 52], [61, 62]]

    stream = layouts.apply(codes, layouts.build("moshi", 2, 3))

    assert layouts.moshi_delays(3) == [0, 0, 1, 1, 0, 1, 1]
    assert layouts.moshi_delays(8) == [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1]  # moshi 0.2.13, loaders.py
    assert stream == [[1, 11, 41], [2, 12, 21, 31, 42, 51, 61], [22, 32, 52, 62]]


def test_mini_omni_has_text_in_every_step_and_its_layers_behind_it_one_after_the_other():
    stream = layouts.apply([[k] for k in range(7)], layouts.build("mini_omni", 1, 7))

    assert stream == [["text"], *(["text", k] for k in range(7))]
    assert [layouts.heard_after("mini_omni", 4, 7, heard) for heard in (1, 2, 3, 4)] == [8, 9, 10, 11]


def test_glm_4_voice_writes_13_of_text_and_26_of_speech_in_turn():
    stream = layouts.apply([list(range(30))], layouts.build("glm_4_voice", 30, 1))

    assert [token for (token,) in stream] == [*["text"] * 13, *range(26), *["text"] * 13, *range(26, 30)]
    assert [layouts.heard_after("glm_4_voice", 375, 1, heard) for heard in (1, 10, 25, 27)] == [14, 23, 38, 53]
    assert layouts.step_rate_hz("glm_4_voice", 1, 12.5) == 18.75


@pytest.mark.parametrize("pattern", json.loads(GOLDEN.read_text(encoding="utf-8"))["patterns"])
def test_a_layout_has_the_cells_of_audiocrafts_pattern_in_every_step(pattern):
    frames = pattern["frames"]
    first, *theirs = [{(k, t) for k, t in step if t < frames} for step in pattern["steps"]]

    if "delays" in pattern:
        layout = layouts.delayed(frames, pattern["delays"])
    else:
        layout = layouts.build(pattern["layout"], frames, pattern["codebooks"])

    assert first == set()
    assert [set(step) for step in layout] == theirs


@pytest.mark.parametrize(
    ("layout", "steps", "first_frame"),
    [
        ("flattened", 3000, 8),
        ("coarse_first", 3000, 2626),
        ("parallel", 375, 1),
        ("valle", 382, 382),
        ("delay", 382, 8),
        ("moshi", 376, 2),
        ("neugpt", 3375, 9),
    ],
)
def test_steps_and_first_frame_of_375_frames_of_8_codes(layout, steps, first_frame):
    assert layouts.layout_steps(layout, 375, 8) == (steps, first_frame)


@settings(max_examples=60)
@given(frames=st.integers(1, 40), codebooks=st.integers(2, 12))
def test_steps_that_are_counted_equal_those_that_are_computed(frames, codebooks):
    for layout in FREE:
        if layout != "neugpt":
            counted = layouts.layout_steps(layout, frames, codebooks)
            assert counted == arithmetic.layout_steps(frames, codebooks, layout)
    assert layouts.heard_after("glm_4_voice", frames, 1, frames) == arithmetic.interleaved_steps(frames, 13, 26)
    assert layouts.layout_steps("mini_omni", frames, 7).steps == arithmetic.delayed_steps(frames, 8)


def test_a_single_codebook_can_be_heard_from_the_first_step_whatever_the_layout():
    assert {layout: layouts.heard_after(layout, 9, 1) for layout in FREE} == dict.fromkeys(FREE, 1) | {"neugpt": 2}


@settings(max_examples=60)
@given(layout=st.sampled_from(sorted(layouts.LAYOUTS)), frames=st.integers(1, 60), codebooks=st.integers(1, 9))
def test_every_layout_has_each_code_once_and_gives_them_back(layout, frames, codebooks):
    laid_out = layouts.build(layout, frames, layouts.LAYOUTS[layout].codebooks or codebooks)
    streams = 1 + max(cell[0] for step in laid_out for cell in step if isinstance(cell, tuple))
    codes = codes_for(streams, frames)

    stream = layouts.apply(codes, laid_out)

    written = [token for step in stream for token in step if isinstance(token, int)]
    assert sorted(written) == sorted(code for row in codes for code in row)
    assert layouts.revert(stream, laid_out) == codes


def test_text_at_a_mark_is_left_aside_but_no_text_may_stand_for_a_code():
    laid_out = layouts.build("glm_4_voice", 2, 1)

    assert layouts.revert([[900]] * 13 + [[1], [2]], laid_out) == [[1, 2]]
    with pytest.raises(ValueError, match="a code of codebook 0, frame 1, as laid out, got 'text'"):
        layouts.revert([[900]] * 13 + [[1], ["text"]], laid_out)


@pytest.mark.parametrize(
    ("layout", "codebooks", "rate_hz", "steps_hz", "milliseconds"),
    [
        ("parallel", 8, 12.5, 12.5, 80),
        ("flattened", 8, 12.5, 100, 80),
        ("delay", 8, 12.5, 12.5, 640),
        ("moshi", 8, 12.5, 12.5, 160),
        ("delay", 4, 50, 50, 80),
        ("neugpt", 208, 10, 2090, 100),
        ("mini_omni", 7, 12.5, 12.5, 640),
        ("snac", 7, 12.5, 87.5, 80),
        ("coarse_first", 8, 12.5, 100, 26_260),
        ("valle", 8, 12.5, 12.5, 30_560),
    ],
)
def test_latency_of_a_model_that_just_keeps_up(layout, codebooks, rate_hz, steps_hz, milliseconds):
    assert layouts.step_rate_hz(layout, codebooks, rate_hz) == pytest.approx(steps_hz)
    assert layouts.latency_ms(layout, 375, codebooks, rate_hz) == pytest.approx(milliseconds)


def test_snacs_levels_are_a_tree_that_its_layers_walk_down_first():
    levels = [["a", "b"], ["a1", "a2", "b1", "b2"], ["a11", "a12", "a21", "a22", "b11", "b12", "b21", "b22"]]

    layers = layouts.layers_of(levels)

    assert [layer[0] for layer in layers] == ["a", "a1", "a11", "a12", "a2", "a21", "a22"]
    assert [layer[1] for layer in layers] == ["b", "b1", "b11", "b12", "b2", "b21", "b22"]
    assert layouts.levels_of(layers) == levels


def test_mini_omnis_numbers_are_all_different_and_go_back():
    numbers = {layouts.shifted_id(token, layer) for layer in range(7) for token in range(4160)}

    assert len(numbers) == 7 * 4160
    assert (min(numbers), max(numbers)) == (152_000, 181_119)
    assert layouts.unshifted(156_160) == (0, 1)
    assert all(layouts.shifted_id(*layouts.unshifted(number)) == number for number in numbers)
    # End of audio is 4,097: with layers 4,096 apart it would be code 1 of the next layer, and 4,096 code 0.
    assert layouts.collisions(4098, 4096) == 6 * 2
    assert layouts.collisions(4160, 4160) == 0


def test_a_drawing_shows_where_the_first_frame_is_complete():
    assert layouts.draw(layouts.delayed(3, [0, 1])).split("\n") == [" 0  01|2.", " 1  .0|12"]
    assert layouts.draw(layouts.valle(2, 2)).split("\n") == [" 0  01.|", " 1  ..*|"]
    assert layouts.draw(layouts.neugpt(2, 1)).split("\n") == [" 0  .0|.1", "    n.|n."]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layouts.build("spiral", 3, 2), "one of flattened, .*, got 'spiral'"),
        (lambda: layouts.build("delay", 0, 2), "delay wants 1 frame or more of 1 or more codes, got 0 of 2"),
        (lambda: layouts.build("snac", 3, 8), "snac wants 1 frame or more of 7 codes, got 3 of 8"),
        (lambda: layouts.delayed(3, [0, -1]), r"0 or more, got \[0, -1\]"),
        (lambda: layouts.delayed(3, []), r"one delay or more, .* got \[\]"),
        (lambda: layouts.apply([[1, 2]], layouts.delay(2, 3)), r"codes \[3\]\[2\], as laid out, got \[1\]\[2\]"),
        (lambda: layouts.apply([[1, 2], [3]], layouts.delay(2, 2)), r"\[2\]\[2\], as laid out, got \[2\]\[1, 2\]"),
        (lambda: layouts.apply([[1], [2]], [[(0, 0)], [(0, 0)], [(1, 0)]]), r"\[2, 1\] cells once, got 3, 2 different"),
        (lambda: layouts.revert([[1], [2]], layouts.delay(2, 2)), "3 steps of 4 tokens, as laid out, got 2 of 2"),
        (lambda: layouts.heard_after("delay", 3, 2, 4), r"1\.\.3 frames heard, got 4"),
        (lambda: layouts.latency_ms("delay", 3, 2, 0.0), "frame_rate_hz should be above 0, got 0.0"),
        (lambda: layouts.layers_of([[1], [2, 3], [4]]), r"T, 2 T and 4 T codes, got \[1, 2, 1\]"),
        (lambda: layouts.levels_of([[1]] * 6), r"7 layers of T codes, got \[1, 1, 1, 1, 1, 1\]"),
        (lambda: layouts.shifted_id(4160, 0), r"token in 0\.\.4159, got layer 0, token 4160"),
        (lambda: layouts.unshifted(151_999), "from 152000 on, 151999 is one of text"),
        (lambda: layouts.collisions(0, 1), "1 or more, got 0, 1, 7"),
    ],
)
def test_a_mistake_is_told_with_what_was_wanted_and_what_came(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_demo_has_a_row_and_a_drawing_for_every_layout_and_a_curve_for_most():
    shown = layouts.demo()

    assert json.loads(json.dumps(shown)) == shown
    rows = {row["layout"]: row for row in shown["rows"]}
    assert list(rows) == list(layouts.LAYOUTS)
    assert all(f"{name}\n 0  " in shown["drawing"] for name in rows)
    assert rows["moshi"]["codes_a_frame"] == 17
    assert rows["moshi"]["latency_ms"] == 160
    assert rows["valle"]["tokens_in_widest_step"] == 375
    assert rows["snac"]["steps_hz"] == 82.03
    assert rows["glm_4_voice"]["marks"] == 15 * 13
    assert "10 of 10 layouts give back all codes." in shown["remarks"]
    assert any("10 codes after 23 steps and 25 after 38" in remark for remark in shown["remarks"])
    plot = shown["plot"]
    assert plot["x"] == list(range(109))  # 12 frames
    assert {name: line.index(1) for name, line in plot["series"].items() if name != "valle"} == {
        "flattened": 8,
        "coarse_first": 85,
        "parallel": 1,
        "delay": 8,
        "moshi": 2,
        "neugpt": 9,
    }
    assert {name: line.index(12) for name, line in plot["series"].items() if name in ("valle", "delay")} == {
        "valle": 19,
        "delay": 19,
    }
    assert all(before <= after for line in plot["series"].values() for before, after in pairwise(line))


def test_the_demo_explains_a_parameter_it_cannot_use():
    with pytest.raises(ValueError, match="got 0 of 8"):
        layouts.demo(frames=0)
    with pytest.raises(ValueError, match="got 375 of 0"):
        layouts.demo(codebooks=0)
    with pytest.raises(ValueError, match="above 0, got -1"):
        layouts.demo(frame_rate_hz=-1)


def test_it_runs_without_torch():
    run = "runpy.run_module('kb.reference.layouts', run_name='__main__')"
    script = f"import sys, runpy; {run}; print('torch' in sys.modules)"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.split()[0] == "layout"
    assert ran.stdout.endswith("False\n")
