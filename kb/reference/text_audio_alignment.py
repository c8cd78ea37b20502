"""Text beside speech: words of known times become a token stream at the frame rate, padded between.

Source: Moshi, section 3.4.4, "Inner Monologue" (arXiv:2410.00037): PAD where no token is due, and EPAD in the step
    before a word, which says that the padding ends; text that is later or earlier than the sound makes the same model
    recognize or synthesize.
Left out: the recognizer that finds the times (the paper takes Whisper's), and the model that predicts the stream.
Oracle: none: grids worked by hand, and an inverse: the words come back in order, whatever their times are. The share
    of padding, about 65 % for English conversations in the paper, is quoted; the demo's is that of made-up words.
Ties: two words that begin in one frame keep their order; a token that is due in a step that is taken waits for the
    next one. Only the standard library is used.
Notation: T frames at frame_rate_hz; a stream holds a token, PAD or EPAD for each frame; times in seconds.
"""

import math
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from kb.reference._alone import run_alone

PAD, EPAD = "·", "|"
FRAME_RATE_HZ = 12.5


class Word(NamedTuple):
    """A word's tokens and when it begins and ends."""

    tokens: Sequence[str]
    start: float
    end: float


def align(words: Sequence[Word], frames: int, frame_rate_hz: float = FRAME_RATE_HZ, delay_frames: int = 0) -> list[str]:
    """Return the text stream of T frames: each word's tokens from the frame on in which it begins.

    A word that is longer in tokens than in frames pushes those after it back; nothing is dropped.

    Args:
        words: in order of time.
        frames: T, of the speech.
        frame_rate_hz: of the speech.
        delay_frames: by which the text is late (recognition) or, below 0, early (synthesis).
    Raises: ValueError if words are not in order, hold no token or a mark, or T frames do not hold all of them.
    Example: "hel", "lo" at 0.16 s and "you" at 0.56 s, 9 frames of 80 ms -> · | hel lo · · | you ·.
    """
    if not 0 < frame_rate_hz < math.inf:
        raise ValueError(f"want a frame_rate_hz above 0, got {frame_rate_hz}")
    stream = [PAD] * frames
    free, last = 0, 0.0
    for word in words:
        if not word.tokens or {PAD, EPAD} & set(word.tokens) or not last <= word.start <= word.end:
            raise ValueError(f"want words in order of time, of tokens that are no mark, got {word}")
        first = max(free, math.floor(word.start * frame_rate_hz + 1e-9) + delay_frames)
        if first + len(word.tokens) > frames:
            raise ValueError(f"want frames for every token, got {frames} and {list(word.tokens)} at frame {first}")
        stream[first : first + len(word.tokens)] = word.tokens
        if first > free:  # where a word follows at once, no padding ends
            stream[first - 1] = EPAD
        free, last = first + len(word.tokens), word.start
    return stream


def revert(stream: Sequence[str]) -> list[str]:
    """Return the tokens of a stream, in order: what a listener reads."""
    return [cell for cell in stream if cell not in (PAD, EPAD)]


def late_frames(words: Sequence[Word], stream: Sequence[str], frame_rate_hz: float = FRAME_RATE_HZ) -> list[int]:
    """Return for each word by how many frames its first token stands behind where it begins: 0 unless it was pushed."""
    places = [place for place, cell in enumerate(stream) if cell not in (PAD, EPAD)]
    if len(places) != sum(len(word.tokens) for word in words):
        raise ValueError(f"want the stream of these words, got {len(places)} tokens")
    found, count = [], 0
    for word in words:
        found.append(places[count] - math.floor(word.start * frame_rate_hz + 1e-9))
        count += len(word.tokens)
    return found


def padding_percent(stream: Sequence[str]) -> float:
    """Return the share of frames that hold no token. Example: the stream of align -> 66.7, 6 of 9."""
    if not stream:
        raise ValueError("want a stream of one frame or more, got none")
    return 100 * sum(cell in (PAD, EPAD) for cell in stream) / len(stream)


def expected_padding_percent(tokens_per_second: float, frame_rate_hz: float) -> float:
    """Return the share of padding at a rate of text tokens: 1 - r / f. Example: 4.375 a second at 12.5 Hz -> 65."""
    if not 0 <= tokens_per_second <= frame_rate_hz or not frame_rate_hz > 0:
        raise ValueError(f"want 0..frame_rate_hz tokens a second, got {tokens_per_second} at {frame_rate_hz} Hz")
    return 100 * (1 - tokens_per_second / frame_rate_hz)


def talk(seconds: float, words_per_second: float, generator: random.Random) -> list[Word]:
    """Return made-up words of one to three tokens, and pauses between some of them, that fill so many seconds."""
    words, now = list[Word](), 0.3
    while True:
        length = generator.uniform(0.5, 1.2) / words_per_second
        if now + length + 0.3 > seconds:
            return words
        count = generator.choice((1, 1, 1, 2, 2, 3))
        words.append(Word([f"{len(words)}{letter}" for letter in "abc"[:count]], now, now + length))
        now += length + generator.choice((0, 0, 0.1, 0.4)) / words_per_second


FIGURES = (expected_padding_percent,)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    seconds: float = 60.0,
    words_per_second: float = 2.7,
    frame_rates_hz: tuple[float, ...] = (50.0, 25.0, 12.5, 8.0, 6.25),
) -> dict[str, Any]:
    """Align the same made-up talk at several frame rates, and return how much padding there is and what is pushed back.

    Args:
        device: not used, there are no tensors.
        seed: draws the words.
        seconds: of talk.
        words_per_second: how fast it is spoken, pauses left aside.
        frame_rates_hz: of the speech; Moshi's is 12.5.
    """
    if not 1 <= seconds <= 3600 or not 0.1 <= words_per_second <= 20 or not frame_rates_hz:
        got = f"{seconds}, {words_per_second} and {list(frame_rates_hz)}"
        raise ValueError(f"want 1..3600 seconds, 0.1..20 words_per_second and frame rates, got {got}")
    words = talk(seconds, words_per_second, random.Random(seed))  # noqa: S311 (no secret is drawn)
    tokens = sum(len(word.tokens) for word in words)
    rows, drawing = [], []
    for rate in frame_rates_hz:
        stream = align(words, round(seconds * rate), rate)
        late = late_frames(words, stream, rate)
        rows.append(
            {
                "frame_rate_hz": rate,
                "frames": len(stream),
                "tokens": tokens,
                "padding_percent": round(padding_percent(stream), 1),
                "epad": stream.count(EPAD),
                "words_pushed": sum(one > 0 for one in late),
                "largest_push_ms": round(1000 * max(late, default=0) / rate),
            }
        )
        drawing.append(f"{rate:>5g} Hz  " + " ".join(stream[: max(1, round(3 * rate))])[:100])
    x = [row["frame_rate_hz"] for row in rows]
    remarks = [
        f"{len(words)} words and {tokens} tokens in {seconds:g} s, made up; Moshi's paper: about 65 %.",
        f"{PAD} is padding, {EPAD} the padding before a word; three seconds are drawn, or what fits.",
    ]
    series = {name: [row[name] for row in rows] for name in ("padding_percent", "words_pushed")}
    plot = {"kind": "line", "x": x, "series": series, "x_label": "frame rate in Hz", "y_label": "percent; words"}
    return {"rows": rows, "remarks": remarks, "drawing": "\n".join(drawing), "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the alignment, each with whether it did; device is not used."""
    words = [Word(["hel", "lo"], 0.16, 0.4), Word(["you"], 0.56, 0.7)]
    crowd = [Word(["a", "b", "c"], 0.0, 0.1), Word(["d"], 0.1, 0.2)]
    stream = align(words, 9)
    long = talk(60, 2.7, random.Random(0))  # noqa: S311 (no secret is drawn)
    return [
        (
            "A word's tokens stand where it begins, EPAD before them.",
            stream == [*"·|", "hel", "lo", *"··|", "you", "·"],
        ),
        ("Late text is the same stream, later.", align(words, 11, delay_frames=2) == [PAD, PAD, *stream]),
        ("What is crowded is pushed back and not dropped.", align(crowd, 5) == [*"abcd", PAD]),
        (
            "All tokens come back in order.",
            revert(align(long, 750)) == [token for word in long for token in word.tokens],
        ),
        ("At 12.5 Hz no word is a second late.", max(late_frames(long, align(long, 750))) < 12.5),
        ("35 of 100 frames with text are 65 % of padding.", expected_padding_percent(4.375, 12.5) == 65),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Words with times as a text stream beside speech.", demo, checks)


if __name__ == "__main__":
    main()
