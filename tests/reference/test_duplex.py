"""The dialogue's times worked by hand, and what an interruption may drop: nothing that was said or heard."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.reference import duplex
from kb.reference.duplex import Turn
from kb.reference.vad import Settings


def told(talk):
    return [(event.ms, event.what, event.item.text) for event in talk.events]


def test_one_turn_worked_by_hand():
    talk = duplex.converse([Turn(0, 960, "a bc")])

    # 960 ms are 30 chunks; after 38 more, 1216 ms, the silence is long enough.
    assert told(talk) == [
        (2176, "heard", "a bc"),
        (2376, "transcribed", "a bc"),
        (2476, "thought", "a"),
        (2576, "thought", "bc"),
        (2626, "synthesized", "a"),
        (2626, "playing", "a"),
        (2726, "played", "a"),
        (2776, "synthesized", "bc"),
        (2776, "playing", "bc"),
        (2976, "played", "bc"),
    ]
    assert talk.history == [("user", "a bc"), ("agent", "a"), ("agent", "bc")]


def test_an_interruption_at_onset_cuts_drops_what_is_queued_and_keeps_the_history():
    # Sounds: one 2626 .. 2926, two .. 3226, three .. 3726. The user speaks at 3200; its first chunk is over at 3232.
    talk = duplex.converse([Turn(0, 960, "one two three four"), Turn(3200, 640, "no")], interruption="onset")

    assert (3232, "cut", "three") in told(talk)
    assert (3232, "dropped", "four") in told(talk)
    assert talk.history == [
        ("user", "one two three four"),
        ("agent", "one"),
        ("agent", "two"),
        ("agent", "three—"),
        ("user", "no"),
        ("agent", "no"),
    ]


def test_cleans2s_hears_an_interruption_only_when_it_is_over_and_only_while_something_plays():
    turns = [Turn(0, 960, "one two three four five six seven eight"), Turn(3200, 640, "no")]

    late = duplex.converse(turns)

    assert [event.ms for event in late.events if event.what == "cut"] == [3840 + 1216]
    early = duplex.converse([turns[0], Turn(1000 + 1300, 64, "no")], llm=lambda history, text: iter([("well", 3000)]))
    assert [event.what for event in early.events if event.what in ("cut", "dropped")] == []
    assert [text for who, text in early.history if who == "agent"] == ["well", "well"]


def test_stages_can_be_replaced_and_the_answerer_is_given_the_history_and_the_words():
    seen = []

    def llm(history, text):
        seen.append((history, text))
        yield "yes", 10

    talk = duplex.converse(
        [Turn(0, 320, "hi"), Turn(6000, 320, "and")],
        asr=lambda speech: (speech.upper(), 50),
        llm=llm,
        tts=lambda text: (5, 100),
    )

    heard = (("user", "HI"), ("agent", "yes"), ("user", "AND"))
    assert seen == [(heard[:1], "HI"), (heard, "AND")]
    assert [event.ms for event in talk.events if event.what == "playing"] == [
        320 + 1216 + 50 + 10 + 5,
        6336 + 1216 + 50 + 10 + 5,  # 6000 is in the middle of a chunk, so speech ends with the chunk at 6336
    ]


def test_turns_that_are_nearer_than_the_silence_are_one_utterance():
    talk = duplex.converse([Turn(0, 320, "well"), Turn(960, 320, "then")])

    assert talk.history[0] == ("user", "well then")


@given(
    gaps=st.lists(st.integers(1300, 5000), min_size=1, max_size=4),
    interruption=st.sampled_from(duplex.INTERRUPTIONS),
    at=st.integers(1, 8),
)
@settings(max_examples=60)
def test_whatever_happens_every_word_said_is_remembered_and_every_piece_has_one_end(gaps, interruption, at):
    turns, ms = [], 0
    for number, gap in enumerate(gaps):
        turns.append(Turn(ms, 320, " ".join(f"{number}.{word}" for word in range(at))))
        ms += 320 + gap

    talk = duplex.converse(turns, interruption=interruption)

    assert [text for who, text in talk.history if who == "user"] == [turn.words for turn in turns]
    ends = Counter(event.item.text for event in talk.events if event.what in ("played", "cut", "dropped"))
    assert ends == Counter(event.item.text for event in talk.events if event.what == "thought")
    assert set(ends.values()) <= {1}
    heard = [event.item.text for event in talk.events if event.what in ("played", "cut")]
    assert [text.rstrip("—") for who, text in talk.history if who == "agent"] == heard
    assert heard == sorted(heard)
    playing = [event.what for event in talk.events if event.what in ("playing", "played", "cut")]
    assert all((what == "playing") == (place % 2 == 0) for place, what in enumerate(playing))
    if interruption == "off":
        assert len(heard) == at * len(gaps)


def test_however_short_a_turn_is_it_is_heard():
    for start in range(0, 64, 7):
        talk = duplex.converse([Turn(start, 1, "ah"), Turn(start + 5000, 0, "oh")])

        assert [text for who, text in talk.history if who == "user"] == ["ah", "oh"]


def test_the_figures_of_the_note_come_out():
    assert duplex.endpoint_delay_ms(32, 1200) == 1248
    assert duplex.endpoint_delay_ms(32, 32) == 64
    assert duplex.kept_chunks([20, 20], 480, 32, 1200) == 39
    assert duplex.kept_chunks([20], 480, 32, 1200) == 19
    assert duplex.kept_chunks([20, 20], 1280, 32, 1200) == 38  # the pause is long enough: two utterances


def test_the_drawing_shows_who_is_heard_and_where_the_agent_is_cut():
    turns = [Turn(0, 960, "one two three four"), Turn(3200, 640, "no")]

    assert duplex.draw(turns, duplex.converse(turns, interruption="onset")).split("\n") == [
        "user   ####........####.......",
        "agent  ..........##x.........#",
    ]


def test_a_mistake_is_told_with_what_came():
    with pytest.raises(ValueError, match="off, utterance, onset, got 'never'"):
        duplex.converse([Turn(0, 1, "a")], interruption="never")
    with pytest.raises(ValueError, match="do not overlap"):
        duplex.converse([Turn(0, 500, "a"), Turn(400, 500, "b")])
    with pytest.raises(ValueError, match=r"got \[\]"):
        duplex.converse([])
    with pytest.raises(ValueError, match="no utterance of its own"):
        duplex.demo(interjected_ms=5000)


def test_the_demo_says_what_each_interruption_costs():
    shown = duplex.demo()

    assert json.loads(json.dumps(shown)) == shown
    off, utterance, onset = shown["rows"]
    assert off["silent_after_ms"] is None
    assert off["dropped"] == 0
    assert 0 < onset["silent_after_ms"] < 64 < 1200 < utterance["silent_after_ms"]
    assert onset["played"] < utterance["played"] < off["played"]
    assert utterance["answered_after_ms"] == onset["answered_after_ms"] < off["answered_after_ms"]


def test_other_settings_move_the_end_point():
    talk = duplex.converse([Turn(0, 320, "hi")], settings=Settings(min_silence_ms=320))

    assert talk.events[0].ms == 640
