"""The text stream by hand, and as something from which every word comes back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.reference import text_audio_alignment as alignment
from kb.reference.text_audio_alignment import Word

WORDS = st.lists(st.tuples(st.integers(0, 900), st.integers(1, 4)), max_size=12).map(
    lambda drawn: [
        Word([f"{number}.{token}" for token in range(count)], ms / 1000, ms / 1000 + 0.1)
        for number, (ms, count) in enumerate(sorted(drawn))
    ]
)


def test_two_words_worked_by_hand():
    words = [Word(["hel", "lo"], 0.17, 0.4), Word(["you"], 0.56, 0.7)]

    stream = alignment.align(words, 9)

    assert stream == ["·", "|", "hel", "lo", "·", "·", "|", "you", "·"]
    assert alignment.padding_percent(stream) == pytest.approx(66.67, abs=0.01)
    assert alignment.late_frames(words, stream) == [0, 0]
    assert alignment.align([], 2) == ["·", "·"]


def test_a_word_that_begins_on_the_edge_of_a_frame_stands_in_that_frame():
    for frame in range(200):  # 0.08 * 3 * 12.5 is a little less than 3
        assert alignment.align([Word(["a"], 0.08 * frame, 99)], 201).index("a") == frame


def test_words_that_crowd_are_pushed_back_and_leave_no_room_for_epad():
    words = [Word(["a", "b", "c"], 0.08, 0.2), Word(["d"], 0.16, 0.2), Word(["e"], 0.48, 0.6)]

    stream = alignment.align(words, 8)

    assert stream == ["|", "a", "b", "c", "d", "|", "e", "·"]
    assert alignment.late_frames(words, stream) == [0, 2, 0]


def test_early_text_reads_and_late_text_writes_down():
    words = [Word(["a"], 0.4, 0.5), Word(["b"], 0.8, 0.9)]

    assert alignment.align(words, 12, delay_frames=1) == [*"·····|a···|b"]
    assert alignment.align(words, 12, delay_frames=-5) == [*"a···|b······"]


@given(words=WORDS, rate=st.sampled_from([6.25, 12.5, 50.0]), delay=st.integers(-20, 20))
def test_every_token_comes_back_in_order_and_no_word_is_early(words, rate, delay):
    stream = alignment.align(words, 200, rate, delay_frames=delay)

    assert len(stream) == 200
    assert alignment.revert(stream) == [token for word in words for token in word.tokens]
    due = [max(0, int(word.start * rate + 1e-6) + delay) for word in words]
    assert all(stream.index(word.tokens[0]) >= first for word, first in zip(words, due, strict=True))
    # EPAD stands before a word, and before every word that has padding before it.
    for place, cell in enumerate(stream[:-1]):
        is_token = stream[place + 1] not in ("·", "|")
        assert (cell == "|") == (is_token and cell in ("·", "|"))


def test_the_share_of_padding_is_what_the_rates_say():
    assert alignment.expected_padding_percent(4.375, 12.5) == 65
    words = [Word(["a"], second / 4, second / 4) for second in range(400)]
    stream = alignment.align(words, 1250)
    assert alignment.padding_percent(stream) == alignment.expected_padding_percent(4, 12.5) == 68


def test_a_mistake_is_told_with_what_came():
    with pytest.raises(ValueError, match="frame_rate_hz above 0, got 0"):
        alignment.align([], 5, 0)
    with pytest.raises(ValueError, match=r"order of time.*'b'"):
        alignment.align([Word(["a"], 1, 2), Word(["b"], 0, 2)], 50)
    with pytest.raises(ValueError, match="no mark"):
        alignment.align([Word(["·"], 1, 2)], 50)
    with pytest.raises(ValueError, match="no mark"):
        alignment.align([Word([], 1, 2)], 50)
    with pytest.raises(ValueError, match=r"got 12 and \['a'\] at frame 12"):
        alignment.align([Word(["a"], 1, 2)], 12)
    with pytest.raises(ValueError, match="got 1 tokens"):
        alignment.late_frames([], ["a"])
    with pytest.raises(ValueError, match="got 13 at"):
        alignment.expected_padding_percent(13, 12.5)
    with pytest.raises(ValueError, match="got none"):
        alignment.padding_percent([])
    with pytest.raises(ValueError, match=r"got 60\.0, 2\.7 and \[\]"):
        alignment.demo(frame_rates_hz=())


def test_the_demo_shows_less_padding_and_more_pushing_at_lower_rates():
    shown = alignment.demo()

    assert json.loads(json.dumps(shown)) == shown
    rows = shown["rows"]
    padding = [row["padding_percent"] for row in rows]
    assert padding == sorted(padding, reverse=True)
    assert [row["words_pushed"] for row in rows] == sorted(row["words_pushed"] for row in rows)
    assert 50 < {row["frame_rate_hz"]: row["padding_percent"] for row in rows}[12.5] < 75
    assert [line.split()[0] for line in shown["drawing"].split("\n")] == ["50", "25", "12.5", "8", "6.25"]
    assert shown["drawing"].split("\n")[2].split()[2:8] == ["·", "·", "|", "0a", "0b", "·"]
