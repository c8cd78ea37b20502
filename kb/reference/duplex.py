"""Full duplex as queues: hear, transcribe, answer, play, and be interrupted (toy stages, virtual clock).

Long because three kinds of interruption are compared, and a claim's figures stand beside them.
Source: CleanS2S, backend/s2s_server_pipeline.py (github.com/opendilab/CleanS2S): VAD, ASR, LLM and TTS with a queue
    before each; an utterance that arrives while sound plays drops the rest of the answer and is answered itself.
Left out: models (the stages echo text and cost the times they are given); threads (one loop and a virtual clock, so
    that every time is exact); the WebSockets at both ends, which duplex_socket.py has: the same pipeline in real time.
Oracle: none: latencies are sums worked by hand. Invariant: what was said and heard is in the history, in its order,
    and every piece of an answer was played, cut or dropped.
Ties: of events at one time, the one planned first happens first. Imports: standard library, kb/reference/vad.py.
Notation: ms, milliseconds since the stream began; turns are counted from 0, a piece is what is spoken in one go.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from kb.reference import vad
from kb.reference._alone import run_alone
from kb.reference._pipeline import (
    INTERRUPTIONS,
    Answerer,
    Event,
    Pipeline,
    Recognizer,
    Stages,
    Synthesizer,
    echo_asr,
    echo_llm,
    echo_tts,
)
from kb.reference._queues import Agenda

MARK_MS = 250  # of the drawing


class Turn(NamedTuple):
    """Something that the user says."""

    start_ms: float
    length_ms: float
    words: str


class Talk(NamedTuple):
    """What happened, in order, and what is remembered: ("user", text), and ("agent", text) for what was heard."""

    events: list[Event]
    history: list[tuple[str, str]]


def converse(
    turns: Sequence[Turn],
    *,
    interruption: str = "utterance",
    asr: Recognizer = echo_asr,
    llm: Answerer = echo_llm,
    tts: Synthesizer = echo_tts,
    settings: vad.Settings = vad.Settings(),  # noqa: B008 (it cannot be changed)
) -> Talk:
    """Return what happens when the user says the turns, whatever the agent is doing meanwhile.

    A piece that is cut is remembered with a dash. Turns that are too near for the end-pointer are one utterance.
    Raises: ValueError for no such interruption, or turns that overlap or are not in order.
    Example: "a b" from 0 to 960 ms -> heard at 2176, text at 2376, "a" at 2476, its sound begins at 2626.
    """
    clock = Agenda()
    events: list[Event] = []
    stages = Stages(asr, llm, tts)
    pipeline = Pipeline(clock, events.append, interruption=interruption, stages=stages, settings=settings)
    for number, (probability, words) in enumerate(chunks(turns, settings), 1):
        clock.plan(number * settings.chunk_ms, functools.partial(pipeline.hear, probability, words))
    clock.run()
    return Talk(events, pipeline.history)


def chunks(turns: Sequence[Turn], settings: vad.Settings) -> list[tuple[float, str]]:
    """Return what is heard in each chunk, the silence after the last turn too: 1 or 0, and the words that begin in it.

    Raises: ValueError for turns that overlap or are not in order.
    Example: "a" from 0 to 40 ms, chunks of 32 ms, 64 ms of silence -> (1, "a"), (1, ""), (0, ""), (0, ""), (0, "").
    """
    times = [ms for turn in turns for ms in (turn.start_ms, turn.start_ms + turn.length_ms)]
    if not turns or times != sorted(times) or times[0] < 0:
        raise ValueError(f"want turns that do not overlap, in the order of time, got {list(turns)}")
    chunk_ms = settings.chunk_ms
    begins = [math.floor(turn.start_ms / chunk_ms) for turn in turns]
    ends = [math.ceil((turn.start_ms + turn.length_ms) / chunk_ms) for turn in turns]
    count = max(begins[-1] + 1, ends[-1]) + math.ceil(settings.min_silence_ms / chunk_ms) + 1
    probabilities, words = [0.0] * count, [""] * count
    for begin, end, turn in zip(begins, ends, turns, strict=True):
        end = max(begin + 1, end)
        probabilities[begin:end] = [1.0] * (end - begin)
        words[begin] = f"{words[begin]} {turn.words}".lstrip()
    return list(zip(probabilities, words, strict=True))


def endpoint_delay_ms(chunk_ms: float, min_silence_ms: float) -> float:
    """Return how long after the end of speech the published iterator hands it over: 32, 1200 -> 1248."""
    settings = vad.Settings(chunk_ms=chunk_ms, min_silence_ms=min_silence_ms)
    [returned] = vad.published(vad.script([20], 0, math.ceil(min_silence_ms / chunk_ms) + 2), settings)
    return (returned.heard - 20) * chunk_ms


def kept_chunks(voiced_chunks: list[int], pause_ms: float, chunk_ms: float, min_silence_ms: float) -> int:
    """Return how many chunks the published iterator hands over, of stretches of speech with pauses between them.

    Example: 20 and 20 chunks, a pause of 480 ms, chunks of 32 ms, 1200 ms of silence -> 39; the pause alone has 15.
    """
    settings = vad.Settings(chunk_ms=chunk_ms, min_silence_ms=min_silence_ms)
    silence = math.ceil(min_silence_ms / chunk_ms) + 2
    returned = vad.published(vad.script(voiced_chunks, round(pause_ms / chunk_ms), silence), settings)
    return sum(len(one.chunks) for one in returned)


def draw(turns: Sequence[Turn], talk: Talk) -> str:
    """Return two lines, when the user speaks and when the agent is heard: a mark is 250 ms, "x" where it is cut."""
    heard, begin = [], 0.0
    for ms, what, _ in talk.events:
        begin = ms if what == "playing" else begin
        if what in ("played", "cut"):
            heard.append((begin, ms, what == "cut"))
    spoken = [(turn.start_ms, turn.start_ms + turn.length_ms, False) for turn in turns]
    last = max(end for _, end, _ in spoken + heard)
    lines = []
    for name, spans in (("user ", spoken), ("agent", heard)):
        marks = ["."] * math.ceil(last / MARK_MS)
        for start, end, is_cut in spans:
            first, after = int(start // MARK_MS), math.ceil(end / MARK_MS)
            marks[first:after] = "#" * (after - first - 1) + ("x" if is_cut else "#")
        lines.append(f"{name}  {''.join(marks)}")
    return "\n".join(lines)


FIGURES = (endpoint_delay_ms, kept_chunks)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    question: str = "please tell me a very long story about whales and sailors",
    interjection: str = "stop",
    interjected_ms: float = 8000,
    min_silence_ms: float = 1200,
) -> dict[str, Any]:
    """Ask, and speak again while the answer plays, and return what three kinds of interruption make of it.

    Args:
        device: not used, there are no tensors.
        seed: not used, nothing is drawn.
        question: what the user says first; the toy answers by repeating it.
        interjection: what the user says then.
        interjected_ms: when the user says it.
        min_silence_ms: silence that ends an utterance.
    """
    turns = [Turn(0, 80 * len(question), question), Turn(interjected_ms, 80 * len(interjection), interjection)]
    settings = vad.Settings(min_silence_ms=min_silence_ms)
    rows, drawing = [], []
    for interruption in INTERRUPTIONS:
        talk = converse(turns, interruption=interruption, settings=settings)
        if (talk.events[-1].item.turn, talk.events[-1].what) != (1, "played"):
            raise ValueError(f"{interjection!r} at {interjected_ms:g} ms is no utterance of its own")
        first = {event.item.turn: event.ms for event in reversed(talk.events) if event.what == "playing"}
        cut = [event.ms - interjected_ms for event in talk.events if event.what == "cut"]
        counts = [sum(event.what == what for event in talk.events) for what in ("played", "dropped")]
        rows.append(
            {
                "interruption": interruption,
                "first_sound_ms": first[0] - turns[0].length_ms if 0 in first else None,
                "silent_after_ms": cut[0] if cut else None,
                "answered_after_ms": first[1] - interjected_ms - turns[1].length_ms,
                "played": counts[0],
                "dropped": counts[1],
                "history": " ".join(f"{who[0].upper()}:{text}" for who, text in talk.history),
            }
        )
        drawing += [interruption, draw(turns, talk)]
    remarks = [
        "first_sound_ms and answered_after_ms count from when the user stops, silent_after_ms from when it begins.",
        "As in CleanS2S, utterance: the agent hears an interruption only when it is over and the silence after it is.",
        f"first_sound_ms is {min_silence_ms:g} of silence rounded up to chunks, 200 of ASR, 100 of LLM and 150 of TTS.",
        "Toy stages: the agent repeats what it is told, and its times are made up.",
    ]
    return {"rows": rows, "remarks": remarks, "drawing": "\n".join(drawing)}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the pipeline, each with whether it did; device is not used."""
    one = [(event.ms, event.what, event.item.text) for event in converse([Turn(0, 960, "a b")]).events]
    two = [Turn(0, 960, "one two three four five six seven eight"), Turn(3200, 640, "no")]
    off, utterance, onset = (converse(two, interruption=interruption) for interruption in INTERRUPTIONS)
    parts = ([event.what for event in talk.events].count("cut") for talk in (off, utterance, onset))
    return [
        ("The published iterator hands over 1248 ms after the end of speech.", endpoint_delay_ms(32, 1200) == 1248),
        (
            "Of 20 and 20 chunks with a pause it keeps 39, and not the pause.",
            kept_chunks([20, 20], 480, 32, 1200) == 39,
        ),
        (
            "Sound begins 1216 + 200 + 100 + 150 ms after the end of speech.",
            (960 + 1216 + 200 + 100 + 150, "playing", "a") in one,
        ),
        ("Nothing is cut where nothing interrupts, and one piece where something does.", [*parts] == [0, 1, 1]),
        ("Uninterrupted, all of the answer is heard.", len(off.history) == 2 + 9),
        ("What the user said first is remembered.", utterance.history[0] == ("user", two[0].words)),
        ("At onset, the piece that plays is cut and remembered.", ("agent", "three—") in onset.history),
        ("The interruption is answered.", utterance.history[-1] == onset.history[-1] == ("agent", "no")),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("A spoken dialogue with an interruption, on a virtual clock.", demo, checks)


if __name__ == "__main__":
    main()
