"""Text and speech in one answer: four systems on one timeline, when each is written, and when sound begins.

Long because four systems stand side by side, each a function of its own.
Source: Mini-Omni (arXiv:2408.16725); LLaMA-Omni (arXiv:2409.06666); Moshi (arXiv:2410.00037); GLM-4-Voice
    (arXiv:2412.02612); "hybrid decoding" in Hung-yi Lee's lecture on speech language models, whose figure this draws.
Left out: the models, what the first step waits for (listening, the prompt), and the time that a codec's decoder takes.
    LLaMA-Omni's speech is written beside each text token by a CTC generator: how its units spread over the slots is
    the model's choice; here they stand evenly, and each sounds for 20 ms.
Oracle: the layouts of kb/reference/layouts.py, written independently: the same step for every frame; grids by hand;
    figures of the systems' code (Mini-Omni 8 and 11 steps, GLM-4-Voice 23). Each token stands in each row once.
Ties: none; no number is computed but rates. Only the standard library is used.
Notation: a cell holds text 0, 1, .., a code (frame), or EPSILON: nothing is written there. A grid has a row for each
    stream and a column for each step of the language model (LLaMA-Omni: for each slot). N texts, T frames of speech.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from kb.reference._alone import run_alone

EPSILON = "ε"  # a step in which this stream has nothing to say
MINI_OMNI_LAYERS, MINI_OMNI_HEARD, SNAC_RATE_HZ = 7, 4, 24_000 / 2048  # its demo speaks from four frames on
LLAMA_OMNI_RATE_HZ, LLAMA_OMNI_SLOTS = 50.0, 25  # HuBERT units; slots for each text token, lambda of the paper
MOSHI_RATE_HZ, MOSHI_CODEBOOKS = 12.5, 8
GLM_RATE_HZ, GLM_TEXT, GLM_SPEECH, GLM_HEARD = 12.5, 13, 26, 10


class Stream(NamedTuple):
    """What an answer is written as."""

    grid: dict[str, list[str]]  # name of a row -> a cell for each step: "t0", "a0", EPSILON
    text_at: list[int]  # step, counted from 1, after which text token 0, 1, .. is written
    sound_at: list[int]  # step after which frame 0, 1, .. of speech is complete


def _row(length: int, cells: dict[int, str]) -> list[str]:
    return [cells.get(step, EPSILON) for step in range(length)]


def mini_omni(texts: int, frames: int) -> Stream:
    """Return Mini-Omni's: text, then EPSILON; layer j of a frame's seven codes runs j + 1 steps behind.

    Example: frame 0 is complete after step 8, its four frames after step 11.
    """
    length = max(texts, frames + MINI_OMNI_LAYERS)
    grid = {"text": _row(length, {t: f"t{t}" for t in range(texts)})}
    for j in range(MINI_OMNI_LAYERS):
        grid[f"speech {j}"] = _row(length, {t + j + 1: f"a{t}" for t in range(frames)})
    return Stream(grid, [t + 1 for t in range(texts)], [t + MINI_OMNI_LAYERS + 1 for t in range(frames)])


def llama_omni(texts: int, frames: int) -> Stream:
    """Return LLaMA-Omni's: each text token is followed by the same number of slots, where its units or EPSILON stand.

    The slots of a text token cost the language model nothing: all are written in its step, by a small network.
    Example, with 3 slots instead of 25: 2 texts, 4 units -> t0 ε ε t1 ε ε over a0 a1 ε a2 a3 ε.
    """
    slots = max(LLAMA_OMNI_SLOTS, math.ceil(frames / texts))
    text, speech, sound_at = dict[int, str](), dict[int, str](), []
    for t in range(texts):
        text[t * slots] = f"t{t}"
        for place, frame in enumerate(range(frames * t // texts, frames * (t + 1) // texts)):
            speech[t * slots + place] = f"a{frame}"
            sound_at.append(t + 1)
    grid = {"text": _row(texts * slots, text), "speech": _row(texts * slots, speech)}
    return Stream(grid, [t + 1 for t in range(texts)], sound_at)


def moshi(texts: int, frames: int) -> Stream:
    """Return Moshi's: text where it is said, EPSILON (its padding) between, so that both streams are as long.

    The first codebook runs with the text, the other seven one step later.
    Example: 2 texts in 4 frames -> t0 ε t1 ε over a0 a1 a2 a3, frame 0 complete after step 2.
    """
    if texts > frames:
        raise ValueError(f"want a frame for every text token, got {texts} text tokens and {frames} frames")
    said_at = [frames * t // texts for t in range(texts)]
    grid = {"text": _row(frames + 1, {step: f"t{t}" for t, step in enumerate(said_at)})}
    for k in range(MOSHI_CODEBOOKS):
        grid[f"speech {k}"] = _row(frames + 1, {t + min(k, 1): f"a{t}" for t in range(frames)})
    return Stream(grid, [step + 1 for step in said_at], [t + 2 for t in range(frames)])


def glm_4_voice(texts: int, frames: int) -> Stream:
    """Return GLM-4-Voice's: one stream, 13 text tokens, 26 of speech, and so on; when text is over, speech alone.

    Example: the tenth speech token is written in step 23, and can be heard.
    """
    order: list[str] = []
    text, speech = [f"t{t}" for t in range(texts)], [f"a{t}" for t in range(frames)]
    while text or speech:
        order += text[:GLM_TEXT]
        text = text[GLM_TEXT:]
        block = GLM_SPEECH if text else len(speech)
        order += speech[:block]
        speech = speech[block:]
    place = {cell: step + 1 for step, cell in enumerate(order)}
    text_at, sound_at = [place[f"t{t}"] for t in range(texts)], [place[f"a{t}"] for t in range(frames)]
    return Stream({"text and speech": order}, text_at, sound_at)


class System(NamedTuple):
    """A system: how it writes, how fast its speech plays, and how many frames it wants before it sounds."""

    write: Callable[[int, int], Stream]  # of so many text tokens and frames
    rate_hz: float  # of frames
    heard: int
    real_time: bool = False  # a step lasts as long as a frame, because the model listens meanwhile


SYSTEMS = {
    "mini-omni": System(mini_omni, SNAC_RATE_HZ, MINI_OMNI_HEARD),
    "llama-omni": System(llama_omni, LLAMA_OMNI_RATE_HZ, 10),  # a chunk of units; the paper tries 10 to 100
    "moshi": System(moshi, MOSHI_RATE_HZ, 1, real_time=True),
    "glm-4-voice": System(glm_4_voice, GLM_RATE_HZ, GLM_HEARD),
}


def write(system: str, texts: int, frames: int) -> Stream:
    """Return an answer of N text tokens and T frames as a system writes it.

    Raises: ValueError for an unknown system, an empty answer, or one that the system cannot write.
    """
    if system not in SYSTEMS or min(texts, frames) < 1:
        got = f"{system!r}, {texts} text tokens and {frames} frames"
        raise ValueError(f"want one of {', '.join(SYSTEMS)}, one text token or more and one frame or more, got {got}")
    return SYSTEMS[system].write(texts, frames)


def first_sound_steps(system: str, texts: int, frames: int) -> int:
    """Return the steps until sound can begin. Example: "glm-4-voice", 30, 100 -> 23: 13 of text and 10 of speech."""
    stream = write(system, texts, frames)
    return stream.sound_at[min(SYSTEMS[system].heard, frames) - 1]


def epsilon_percent(system: str, texts: int, frames: int) -> float:
    """Return the share of EPSILON in the text stream. Example: "moshi", 35, 99 -> 65: 35 of 100 steps have text."""
    row = next(iter(write(system, texts, frames).grid.values()))
    return 100 * row.count(EPSILON) / len(row)


class Timing(NamedTuple):
    """When an answer is heard, in ms after the model's first step began."""

    sound_ms: float  # sound begins
    stalled_ms: float  # and is held up, altogether
    text_done_ms: float
    sound_done_ms: float


def timing(system: str, texts: int, frames: int, step_ms: float) -> Timing:
    """Return when text and sound of an answer are there, at so many ms for each step of the language model.

    Example: "glm-4-voice", 13, 26, steps of 40 ms -> sound after 920 ms (23 steps), for 2080 ms, without a stall.
    """
    if not 0 < step_ms < math.inf:
        raise ValueError(f"want a step_ms above 0, got {step_ms}")
    one, stream = SYSTEMS.get(system), write(system, texts, frames)
    assert one  # noqa: S101 (write has looked)
    frame_ms = 1000 / one.rate_hz
    step_ms = max(step_ms, frame_ms) if one.real_time else step_ms
    begin = clock = first_sound_steps(system, texts, frames) * step_ms
    for step in stream.sound_at:
        clock = max(clock, step * step_ms) + frame_ms  # a frame that is not complete is waited for
    stalled = max(0.0, round(clock - begin - frames * frame_ms, 6))
    return Timing(begin, stalled, stream.text_at[-1] * step_ms, clock)


def draw(stream: Stream, columns: int) -> str:
    """Return the first columns of a grid, a line for each row. Example: see demo."""
    names = max(map(len, stream.grid))
    cells = {name: row[:columns] for name, row in stream.grid.items()}
    width = max(len(cell) for row in cells.values() for cell in row)
    return "\n".join(
        f"{name:<{names}}  {' '.join(f'{cell:<{width}}' for cell in row)}".rstrip() for name, row in cells.items()
    )


FIGURES = (first_sound_steps, epsilon_percent)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    texts: int = 20,
    seconds: float = 6.0,
    step_ms: float = 40.0,
    columns: int = 16,
) -> dict[str, Any]:
    """Write the same answer as four systems do, and return when its text and its sound are there.

    Args:
        device: not used, there are no tensors.
        seed: not used, nothing is drawn.
        texts: text tokens of the answer.
        seconds: how long it sounds.
        step_ms: time of a step of the language model; Moshi's last 80 ms at least.
        columns: steps to draw.
    """
    rows, drawing, series = [], [], {}
    x = sorted({5 * point for point in range(1, 41)} | {step_ms})
    if columns < 1 or not 0 < seconds < math.inf:
        raise ValueError(f"want columns and seconds above 0, got {columns} and {seconds}")
    for name, system in SYSTEMS.items():
        frames = max(1, round(seconds * system.rate_hz))
        stream, at = write(name, texts, frames), timing(name, texts, frames, step_ms)
        rows.append(
            {
                "system": name,
                "frames": frames,
                "steps": max(*stream.text_at, *stream.sound_at),
                "first_sound_step": first_sound_steps(name, texts, frames),
                "epsilon_percent": round(epsilon_percent(name, texts, frames), 1),
                "sound_ms": round(at.sound_ms),
                "text_done_ms": round(at.text_done_ms),
                "sound_done_ms": round(at.sound_done_ms),
                "stalled_ms": round(at.stalled_ms),
            }
        )
        series[name] = [round(timing(name, texts, frames, ms).sound_done_ms / 1000, 3) for ms in x]
        drawing += [f"{name}:", draw(stream, columns)]
    remarks = [
        "first_sound_step: enough frames are complete; times count from the first step, listening comes before it.",
        "Mini-Omni's ε come after the text, LLaMA-Omni's after each text token, Moshi's where nothing is being said,"
        " GLM-4-Voice has none: text and speech take turns in one stream.",
        "Moshi decides in every step whether a word is due; the others have all of a sentence before it is heard.",
    ]
    axes = {"x_label": "ms for a step", "y_label": "seconds until all is heard"}
    return {
        "rows": rows,
        "remarks": remarks,
        "drawing": "\n".join(drawing),
        "plot": {"kind": "line", "x": x, "series": series, **axes},
    }


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the four, each with whether it did; device is not used."""
    streams = {name: write(name, 20, 120) for name in SYSTEMS}
    text = {name: next(iter(stream.grid.values())) for name, stream in streams.items()}
    once = all(
        [cell for cell in row if cell.startswith(kind)] == [f"{kind}{place}" for place in range(count)]
        for stream in streams.values()
        for name, row in stream.grid.items()
        for kind, count in (("t", 20), ("a", 120))
        if {"t": "text", "a": "speech"}[kind] in name
    )
    return [
        ("Every row has its tokens once and in order.", once),
        ("Mini-Omni's first frame is complete after 8 steps.", streams["mini-omni"].sound_at[0] == 8),
        ("Four of them, when its demo speaks, after 11.", first_sound_steps("mini-omni", 20, 120) == 11),
        ("GLM-4-Voice can be heard after 23 tokens.", first_sound_steps("glm-4-voice", 20, 120) == 23),
        ("Moshi's first frame is complete after 2 steps, 160 ms.", timing("moshi", 20, 120, 10).sound_ms == 160),
        ("Mini-Omni's ε all follow its text.", text["mini-omni"].index(EPSILON) == 20 and EPSILON in text["mini-omni"]),
        (
            "LLaMA-Omni's follow each token, as many each.",
            {*map(len, "".join(c[0] for c in text["llama-omni"]).split("t")[1:])} == {24},
        ),
        ("Moshi's text stream is as long as its speech.", len(text["moshi"]) == 120 + 1),
        ("GLM-4-Voice has no ε.", EPSILON not in text["glm-4-voice"]),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Text and speech of one answer, as four systems write it.", demo, checks)


if __name__ == "__main__":
    main()
