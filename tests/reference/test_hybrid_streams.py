"""Four systems' streams against grids by hand, and against the layouts that are written elsewhere."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.reference import hybrid_streams, layouts

SIZES = {"texts": st.integers(1, 40), "frames": st.integers(40, 120)}


def test_mini_omni_by_hand():
    stream = hybrid_streams.mini_omni(2, 2)

    assert stream.grid["text"] == ["t0", "t1", *["ε"] * 7]
    assert stream.grid["speech 0"] == ["ε", "a0", "a1", *["ε"] * 6]
    assert stream.grid["speech 6"] == [*["ε"] * 7, "a0", "a1"]
    assert stream.sound_at == [8, 9]


def test_llama_omni_by_hand(monkeypatch):
    monkeypatch.setattr(hybrid_streams, "LLAMA_OMNI_SLOTS", 3)

    stream = hybrid_streams.llama_omni(2, 4)

    assert stream.grid == {"text": ["t0", "ε", "ε", "t1", "ε", "ε"], "speech": ["a0", "a1", "ε", "a2", "a3", "ε"]}
    assert (stream.text_at, stream.sound_at) == ([1, 2], [1, 1, 2, 2])


def test_moshi_by_hand():
    stream = hybrid_streams.moshi(2, 4)

    assert stream.grid["text"] == ["t0", "ε", "t1", "ε", "ε"]
    assert stream.grid["speech 0"] == ["a0", "a1", "a2", "a3", "ε"]
    assert stream.grid["speech 7"] == ["ε", "a0", "a1", "a2", "a3"]
    assert (stream.text_at, stream.sound_at) == ([1, 3], [2, 3, 4, 5])


def test_glm_4_voice_by_hand():
    [row] = hybrid_streams.glm_4_voice(15, 30).grid.values()

    texts, speech = [f"t{t}" for t in range(15)], [f"a{t}" for t in range(30)]
    assert row == texts[:13] + speech[:26] + texts[13:] + speech[26:]
    # With the text over there is nothing to alternate with.
    [row] = hybrid_streams.glm_4_voice(1, 60).grid.values()
    assert row == ["t0", *(f"a{t}" for t in range(60))]


@given(frames=st.integers(1, 60))
def test_frames_are_complete_when_the_layouts_say_so(frames):
    assert hybrid_streams.mini_omni(5, frames).sound_at == layouts.completed_at(layouts.mini_omni(frames, 7))
    glm = hybrid_streams.glm_4_voice(13 * 60, frames).sound_at
    assert glm[:26] == layouts.completed_at(layouts.glm_4_voice(frames, 1))[:26]
    assert hybrid_streams.moshi(1, frames).sound_at == layouts.completed_at(layouts.delayed(frames, [0] + [1] * 7))


@given(**SIZES)
def test_every_token_is_written_once_and_in_order(texts, frames):
    for system in hybrid_streams.SYSTEMS:
        stream = hybrid_streams.write(system, texts, frames)
        for name, row in stream.grid.items():
            if "text" in name:
                assert [cell for cell in row if cell[0] == "t"] == [f"t{t}" for t in range(texts)]
            if "speech" in name:
                assert [cell for cell in row if cell[0] == "a"] == [f"a{t}" for t in range(frames)]
        assert len({len(row) for row in stream.grid.values()}) == 1
        assert stream.text_at == sorted(stream.text_at)
        assert stream.sound_at == sorted(stream.sound_at)
        assert (len(stream.text_at), len(stream.sound_at)) == (texts, frames)


@given(step_ms=st.floats(1, 300), **SIZES)
def test_sound_lasts_as_long_as_its_frames_and_the_stalls(texts, frames, step_ms):
    for name, system in hybrid_streams.SYSTEMS.items():
        found = hybrid_streams.timing(name, texts, frames, step_ms)

        lasts = frames * 1000 / system.rate_hz + found.stalled_ms
        assert found.sound_done_ms - found.sound_ms == pytest.approx(lasts, abs=1e-3)


def test_figures_of_the_systems():
    assert hybrid_streams.first_sound_steps("mini-omni", 20, 60) == 11
    assert hybrid_streams.first_sound_steps("glm-4-voice", 20, 60) == 23
    assert hybrid_streams.first_sound_steps("moshi", 20, 60) == 2
    assert hybrid_streams.epsilon_percent("moshi", 35, 99) == 65
    assert hybrid_streams.epsilon_percent("glm-4-voice", 20, 60) == 0
    assert hybrid_streams.epsilon_percent("llama-omni", 20, 60) == 96
    # Steps of 40 ms: 23 of them, then 26 frames of 80 ms; steps of 200 ms are slower than that.
    assert hybrid_streams.timing("glm-4-voice", 13, 26, 40) == (920, 0, 520, 3000)
    assert hybrid_streams.timing("glm-4-voice", 13, 26, 200) == (4600, 1200, 2600, 7880)
    assert hybrid_streams.timing("moshi", 2, 4, 10) == (160, 0, 3 * 80, 160 + 4 * 80)


def test_a_mistake_is_told_with_what_came():
    with pytest.raises(ValueError, match=r"mini-omni, llama-omni, moshi, glm-4-voice.*got 'gpt-4o', 1 text tokens"):
        hybrid_streams.write("gpt-4o", 1, 1)
    with pytest.raises(ValueError, match="got 'moshi', 0 text tokens and 5 frames"):
        hybrid_streams.write("moshi", 0, 5)
    with pytest.raises(ValueError, match="got 6 text tokens and 5 frames"):
        hybrid_streams.write("moshi", 6, 5)
    with pytest.raises(ValueError, match="step_ms above 0, got 0"):
        hybrid_streams.timing("moshi", 1, 5, 0)
    with pytest.raises(ValueError, match="got 0 and"):
        hybrid_streams.demo(columns=0)


def test_the_demo_says_who_waits_how_long_and_draws_where_epsilon_stands():
    shown = hybrid_streams.demo()

    assert json.loads(json.dumps(shown)) == shown
    rows = {row["system"]: row for row in shown["rows"]}
    assert (rows["mini-omni"]["sound_ms"], rows["moshi"]["sound_ms"], rows["glm-4-voice"]["sound_ms"]) == (
        440,
        160,
        920,
    )
    assert rows["llama-omni"]["sound_ms"] == 40
    assert rows["moshi"]["text_done_ms"] > 5000 > rows["mini-omni"]["text_done_ms"]
    drawing = shown["drawing"].split("\n")
    assert drawing[0] == "mini-omni:"
    assert drawing[2].split()[:5] == ["speech", "0", "ε", "a0", "a1"]
