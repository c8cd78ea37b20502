"""Layouts: the order in which a language model writes the codes of speech, and when they can be heard.

Long because there are ten layouts, each a few lines and on its own.
Source: MusicGen, section 2.2 (arXiv:2306.05284), flattened, parallel, delay; VALL-E (arXiv:2301.02111); Moshi
    (arXiv:2410.00037); NeuGPT (arXiv:2410.20916); SNAC (arXiv:2410.14411) as Mini-Omni (arXiv:2408.16725; the numbers
    are those of its utils/snac_utils.py) lays it out; GLM-4-Voice (arXiv:2412.02612; its web_demo.py says 13 and 26).
Left out: the language models, and the order within a step, in which Moshi's depth transformer writes.
Oracle: audiocraft 1.3.0, codebooks_patterns.py, for flattened, parallel and delay: the same cells in every step
    (tests/reference/golden/layouts_audiocraft.json); for the others the figures of arithmetic, and grids by hand.
Ties: there are none, no number is computed. Only the standard library is used.
Notation: K codebooks, T frames; a layout is a list of steps, a step a list of cells, and a cell (codebook, frame), both
    from 0, or a mark for what is no code: TEXT, NTS. Codes are [K][T]; a stream holds a code or mark for every cell.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

from kb.reference._alone import run_alone

Cell: TypeAlias = tuple[int, int] | str
Layout: TypeAlias = Sequence[Sequence[Cell]]

TEXT, NTS = "text", "<nts>"  # a text token; NeuGPT's "new time step"
SNAC_TREE = ((0, 0), (1, 0), (2, 0), (2, 1), (1, 1), (2, 2), (2, 3))  # (level, place in its frame) of layer 0 .. 6
SNAC_RATE_HZ = 24_000 / 2048  # frames, each 1 + 2 + 4 codes
TEXT_BLOCK, AUDIO_BLOCK = 13, 26  # GLM-4-Voice
TEXT_VOCABULARY, LAYER_VOCABULARY = 152_000, 4160  # Mini-Omni; 4096 of the 4160 are codes of SNAC
PLOTTED_FRAMES = 12  # with more, the first steps cannot be told apart


def flattened(frames: int, codebooks: int) -> Layout:
    """Return one code a step, frame by frame. Example: 2 frames of 2 codes -> (0, 0), (1, 0), (0, 1), (1, 1)."""
    return [[(k, t)] for t in range(frames) for k in range(codebooks)]


def coarse_first(frames: int, codebooks: int) -> Layout:
    """Return one code a step, codebook by codebook: all frames of the first one before any of the second."""
    return [[(k, t)] for k in range(codebooks) for t in range(frames)]


def parallel(frames: int, codebooks: int) -> Layout:
    """Return one frame a step, all its codes at once."""
    return [[(k, t) for k in range(codebooks)] for t in range(frames)]


def valle(frames: int, codebooks: int) -> Layout:
    """Return VALL-E's: the first codebook a frame a step, each further one whole in one step."""
    return [[(0, t)] for t in range(frames)] + [[(k, t) for t in range(frames)] for k in range(1, codebooks)]


def delayed(frames: int, delays: Sequence[int]) -> Layout:
    """Return one frame a step where codebook k is delays[k] steps late. Example: see draw."""
    if not delays or min(delays) < 0:
        raise ValueError(f"want one delay or more, each of them 0 or more, got {list(delays)}")
    steps = frames + max(delays)
    return [[(k, s - delay) for k, delay in enumerate(delays) if 0 <= s - delay < frames] for s in range(steps)]


def delay(frames: int, codebooks: int) -> Layout:
    """Return MusicGen's delay: codebook k is k steps late."""
    return delayed(frames, range(codebooks))


def moshi_delays(codebooks: int) -> list[int]:
    """Return the delays of Moshi's streams: text, its own codes, the user's codes. Example: 8 -> 0, 0, 1x7, 0, 1x7."""
    speaker = [0] + [1] * (codebooks - 1)
    return [0, *speaker, *speaker]


def moshi(frames: int, codebooks: int) -> Layout:
    """Return Moshi's: text, its own codes and the user's in one step, all but a speaker's first one step late."""
    return delayed(frames, moshi_delays(codebooks))


def neugpt(frames: int, codebooks: int) -> Layout:
    """Return NeuGPT's, one token a step: in each frame <nts>, then the code of every channel (codebook)."""
    layout: list[Sequence[Cell]] = []
    for t in range(frames):
        layout += [[NTS], *([(k, t)] for k in range(codebooks))]
    return layout


def mini_omni(frames: int, codebooks: int) -> Layout:
    """Return Mini-Omni's: a text token (padding when the text is over) in every step, layer j + 1 steps behind it."""
    return [[TEXT, *step] for step in delayed(frames, range(1, codebooks + 1))]


def glm_4_voice(frames: int, codebooks: int) -> Layout:
    """Return GLM-4-Voice's, one token a step: 13 of text, the codes of 26 frames, and so on."""
    layout: list[Sequence[Cell]] = []
    for start in range(0, frames, AUDIO_BLOCK):
        layout += [[TEXT]] * TEXT_BLOCK
        layout += [[(k, t)] for t in range(start, min(start + AUDIO_BLOCK, frames)) for k in range(codebooks)]
    return layout


class Form(NamedTuple):
    """A layout of any number of frames."""

    build: Callable[[int, int], Layout]
    codebooks: int | None = None  # None: as many as are wanted
    frame_rate_hz: float | None = None  # None: whatever the codec has
    drawn: int = 3  # frames that show how it goes


LAYOUTS = {
    "flattened": Form(flattened),
    "coarse_first": Form(coarse_first),
    "parallel": Form(parallel),
    "valle": Form(valle),
    "delay": Form(delay),
    "moshi": Form(moshi),
    "neugpt": Form(neugpt),
    "snac": Form(flattened, 7, SNAC_RATE_HZ),  # the layers of a frame in the order of SNAC_TREE
    "mini_omni": Form(mini_omni, 7, SNAC_RATE_HZ),
    "glm_4_voice": Form(glm_4_voice, 1, 12.5, drawn=AUDIO_BLOCK + 2),
}


def build(layout: str, frames: int, codebooks: int) -> Layout:
    """Return a layout by name. Raises: ValueError for an unknown one, no frames, or codebooks that it cannot have."""
    if layout not in LAYOUTS:
        raise ValueError(f"layout should be one of {', '.join(LAYOUTS)}, got {layout!r}")
    form = LAYOUTS[layout]
    if frames < 1 or codebooks < 1 or form.codebooks not in (None, codebooks):
        wanted = form.codebooks or "1 or more"
        raise ValueError(f"{layout} wants 1 frame or more of {wanted} codes, got {frames} of {codebooks}")
    return form.build(frames, codebooks)


def apply(codes: Sequence[Sequence[int]], layout: Layout) -> list[list[int | str]]:
    """Return the stream that a model writes: the code of every cell, and the marks as they are.

    Args:
        codes: [K][T], codes of codebook k and frame t.
        layout: steps of K codebooks and T frames.
    Raises: ValueError if the layout is of other codebooks or frames, or the codebooks have not all T codes.
    Example: codes [[1, 2], [3, 4]], delay -> [[1], [2, 3], [4]].
    """
    (codebooks, frames), lengths = _shape(layout), [len(row) for row in codes]
    if lengths != [frames] * codebooks:
        raise ValueError(f"want codes [{codebooks}][{frames}], as laid out, got [{len(lengths)}]{sorted(set(lengths))}")
    return [[cell if isinstance(cell, str) else codes[cell[0]][cell[1]] for cell in step] for step in layout]


def revert(stream: Sequence[Sequence[int | str]], layout: Layout) -> list[list[int]]:
    """Return the codes [K][T] of a stream; what stands at a mark is left aside.

    Raises: ValueError if the steps are not as long as those of the layout, or a mark stands where a code should.
    """
    codebooks, frames = _shape(layout)
    got, want = [len(step) for step in stream], [len(step) for step in layout]
    if got != want:
        raise ValueError(f"want {len(want)} steps of {sum(want)} tokens, as laid out, got {len(got)} of {sum(got)}")
    codes = [[0] * frames for _ in range(codebooks)]
    for step, tokens in zip(layout, stream, strict=True):
        for cell, token in zip(step, tokens, strict=True):
            if isinstance(cell, tuple):
                if isinstance(token, str):
                    raise ValueError(f"want a code of codebook {cell[0]}, frame {cell[1]}, as laid out, got {token!r}")
                codes[cell[0]][cell[1]] = token
    return codes


def _shape(layout: Layout) -> tuple[int, int]:
    cells = [cell for step in layout for cell in step if isinstance(cell, tuple)]
    shape = max((k for k, _ in cells), default=-1) + 1, max((t for _, t in cells), default=-1) + 1
    if len(cells) != shape[0] * shape[1] or len(set(cells)) != len(cells):
        raise ValueError(f"want each of {list(shape)} cells once, got {len(cells)}, {len(set(cells))} different ones")
    return shape


def completed_at(layout: Layout) -> list[int]:
    """Return for each frame the step, counted from 1, after which it has all its codes."""
    completed = [0] * _shape(layout)[1]
    for number, step in enumerate(layout, 1):
        for cell in step:
            if isinstance(cell, tuple):
                completed[cell[1]] = number
    return completed


class LayoutSteps(NamedTuple):
    """How long a token stream is, and when its first frame is complete."""

    steps: int
    first_frame: int  # step, counted from 1


def layout_steps(layout: str, frames: int, codebooks: int) -> LayoutSteps:
    """Return the steps of T frames of K codes, counted. Example: "delay", 375, 8 -> 382 steps, first frame after 8."""
    steps = build(layout, frames, codebooks)
    return LayoutSteps(len(steps), completed_at(steps)[0])


def heard_after(layout: str, frames: int, codebooks: int, heard: int = 1) -> int:
    """Return the steps until the first `heard` frames have all their codes: "glm_4_voice", 375, 1, 10 -> 23."""
    if not 1 <= heard <= frames:
        raise ValueError(f"want 1..{frames} frames heard, got {heard}")
    return max(completed_at(build(layout, frames, codebooks))[:heard])


def step_rate_hz(layout: str, codebooks: int, frame_rate_hz: float) -> float:
    """Return the steps a second that keep up with speech: "glm_4_voice", 1, 12.5 -> 18.75; "flattened", 8 -> 100."""
    if not 0 < frame_rate_hz < float("inf"):
        raise ValueError(f"frame_rate_hz should be above 0, got {frame_rate_hz}")
    once, twice = (len(build(layout, blocks * AUDIO_BLOCK, codebooks)) for blocks in (1, 2))
    return (twice - once) / AUDIO_BLOCK * frame_rate_hz  # what a further frame costs, when the stream is long


def latency_ms(layout: str, frames: int, codebooks: int, frame_rate_hz: float, heard: int = 1) -> float:
    """Return the time from the start of frame 0 until `heard` frames are complete, by a model that just keeps up.

    Example: "moshi", 375, 8, 12.5 -> 160: a frame of 80 ms and a step of 80 ms.
    """
    rate_hz = step_rate_hz(layout, codebooks, frame_rate_hz)
    return 1000 * heard_after(layout, frames, codebooks, heard) / rate_hz


def layers_of(levels: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the 7 layers [7][T] of SNAC's 3 levels of T, 2 T and 4 T codes, in the order of SNAC_TREE.

    Example: levels [1], [2, 3], [4, 5, 6, 7] -> layers 1, 2, 4, 5, 3, 6, 7.
    """
    got = [len(level) for level in levels]
    if len(got) != 3 or got != [got[0], 2 * got[0], 4 * got[0]]:
        raise ValueError(f"want levels of T, 2 T and 4 T codes, got {got}")
    return [[levels[level][t * 2**level + place] for t in range(got[0])] for level, place in SNAC_TREE]


def levels_of(layers: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return SNAC's 3 levels of T, 2 T and 4 T codes for the 7 layers [7][T] of a frame."""
    got = [len(layer) for layer in layers]
    if len(got) != len(SNAC_TREE) or len(set(got)) != 1:
        raise ValueError(f"want {len(SNAC_TREE)} layers of T codes, got {got}")
    levels = [[0] * (got[0] * 2**level) for level in range(3)]
    for (level, place), layer in zip(SNAC_TREE, layers, strict=True):
        levels[level][place :: 2**level] = layer
    return levels


def shifted_id(
    token: int, layer: int, text_vocabulary: int = TEXT_VOCABULARY, layer_vocabulary: int = LAYER_VOCABULARY
) -> int:
    """Return a layer's token in the one vocabulary of text and all layers: 0 of layer 1 -> 156,160."""
    if not 0 <= token < layer_vocabulary or layer < 0:
        raise ValueError(f"want a layer and a token in 0..{layer_vocabulary - 1}, got layer {layer}, token {token}")
    return text_vocabulary + layer * layer_vocabulary + token


def unshifted(
    number: int, text_vocabulary: int = TEXT_VOCABULARY, layer_vocabulary: int = LAYER_VOCABULARY
) -> tuple[int, int]:
    """Return the token and the layer that shifted_id made a number of: 156,160 -> 0 of layer 1."""
    if number < text_vocabulary:
        raise ValueError(f"want a number from {text_vocabulary} on, {number} is one of text")
    layer, token = divmod(number - text_vocabulary, layer_vocabulary)
    return token, layer


def collisions(tokens: int, spacing: int, layers: int = 7) -> int:
    """Return how many numbers stand for two tokens if layers of so many tokens begin `spacing` apart.

    Example: the 4,096 codes and end of audio, number 4,097, of 7 layers: spacing 4,160 -> 0, spacing 4,096 -> 12.
    """
    if min(tokens, spacing, layers) < 1:
        raise ValueError(f"want tokens, spacing and layers of 1 or more, got {tokens}, {spacing}, {layers}")
    numbers = [layer * spacing + token for layer in range(layers) for token in range(tokens)]
    return len(numbers) - len(set(numbers))


def draw(layout: Layout) -> str:
    """Return a layout as a text grid: row = codebook, column = step, in it the frame; "|" where frame 0 is complete.

    "*" is all frames at once, "." none. A row of their own is for marks: "t" text, "n" <nts>.
    Example: delay of 3 frames of 2 codes ->
        0  01|2.
        1  .0|12
    """
    codebooks, _ = _shape(layout)
    rows = [["."] * len(layout) for _ in range(codebooks)]
    marks = ["."] * len(layout)
    for s, step in enumerate(layout):
        for cell in step:
            if isinstance(cell, str):
                marks[s] = cell.strip("<")[0]
            else:
                rows[cell[0]][s] = str(cell[1] % 10) if rows[cell[0]][s] == "." else "*"
    named = [(str(k), row) for k, row in enumerate(rows)] + ([] if set(marks) == {"."} else [("", marks)])
    first = completed_at(layout)[0]
    return "\n".join(f"{name:>2}  {''.join(row[:first])}|{''.join(row[first:])}" for name, row in named)


FIGURES = (layout_steps, heard_after, step_rate_hz, latency_ms, shifted_id, collisions)  # what claims may run


def demo(
    *, device: str = "cpu", seed: int = 0, frames: int = 375, codebooks: int = 8, frame_rate_hz: float = 12.5
) -> dict[str, Any]:
    """Lay out codes in every way, draw it, and return how many steps each takes and when it can be heard.

    Args:
        device: not used, there are no tensors.
        seed: not used, nothing is drawn by lot.
        frames: how many there are, T.
        codebooks: K, where a layout is not of one codec only; of each speaker for moshi, channels for neugpt.
        frame_rate_hz: frames a second, where a layout is not of one codec only.
    """
    rows, drawings, came_back, series = [], [], 0, {}
    x = list(range(PLOTTED_FRAMES * (codebooks + 1) + 1))
    for name, form in LAYOUTS.items():
        k, rate_hz = form.codebooks or codebooks, form.frame_rate_hz or frame_rate_hz
        layout = build(name, frames, k)
        codes = [[row * frames + t for t in range(frames)] for row in range(_shape(layout)[0])]  # no two alike
        came_back += revert(apply(codes, layout), layout) == codes
        steps, first_frame = layout_steps(name, frames, k)
        rows.append(
            {
                "layout": name,
                "codes_a_frame": len(codes),
                "steps": steps,
                "first_frame_after": first_frame,
                "tokens_in_widest_step": max(len(step) for step in layout),
                "marks": sum(isinstance(cell, str) for step in layout for cell in step),
                "frames_hz": round(rate_hz, 2),
                "steps_hz": round(step_rate_hz(name, k, rate_hz), 2),
                "latency_ms": round(latency_ms(name, frames, k, rate_hz), 1),
            }
        )
        drawings.append(f"{name}\n{draw(build(name, form.drawn, form.codebooks or min(codebooks, 3)))}")
        if form.codebooks is None:
            heard = list(accumulate(completed_at(build(name, PLOTTED_FRAMES, k)), max))
            series[name] = [bisect_right(heard, step) for step in x]
    remarks = [
        'A column of the drawing is a step, a digit a frame, "*" all frames at once; frame 0 is complete at "|".',
        f"{came_back} of {len(LAYOUTS)} layouts give back all codes.",
        "latency_ms is that of a model that makes steps_hz steps a second, as few as keep up with speech.",
        "A wide step is one pass of the model or several small ones: see tokens_in_widest_step.",
        f"GLM-4-Voice has 10 codes after {heard_after('glm_4_voice', 26, 1, 10)} steps and 25 after "
        f"{heard_after('glm_4_voice', 26, 1, 25)}; Mini-Omni has 4 frames after {heard_after('mini_omni', 4, 7, 4)}.",
    ]
    plot = {"kind": "line", "x": x, "series": series, "x_label": "steps", "y_label": "frames that can be heard"}
    return {"rows": rows, "drawing": "\n\n".join(drawings), "remarks": remarks, "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the layouts, each with whether it did.

    Args:
        device: not used, there are no tensors.
    """
    table = {"flattened": (3000, 8), "coarse_first": (3000, 2626), "parallel": (375, 1)}
    table |= {"valle": (382, 382), "delay": (382, 8), "moshi": (376, 2)}
    counted = {name: layout_steps(name, 375, 8) for name in table}
    every = [build(name, 30, form.codebooks or 5) for name, form in LAYOUTS.items()]
    codes = [[[100 * k + t for t in range(30)] for k in range(_shape(layout)[0])] for layout in every]
    back = [revert(apply(given, layout), layout) for given, layout in zip(codes, every, strict=True)]
    neugpt_steps = [len(neugpt(9, channels)) for channels in (1, 208)]
    moshi_waits = latency_ms("moshi", 375, 8, 12.5)
    levels, layers = [[1], [2, 3], [4, 5, 6, 7]], [[1], [2], [4], [5], [3], [6], [7]]
    omni = [heard_after("mini_omni", 4, 7, heard) for heard in (1, 4)]
    glm = [heard_after("glm_4_voice", 26, 1, heard) for heard in (10, 25)]
    ids = [(token, layer) for layer in range(7) for token in range(LAYER_VOCABULARY)]
    ids_back = [unshifted(shifted_id(token, layer)) for token, layer in ids]
    return [
        ("1 2 and 3 4, delayed: 1, 2 3, 4.", apply([[1, 2], [3, 4]], delay(2, 2)) == [[1], [2, 3], [4]]),
        ("Every layout has each code once and gives all of them back.", back == codes),
        ("375 frames of 8 codes take the steps known of six layouts.", counted == table),
        ("Moshi's 17 streams wait 160 ms.", len(moshi_delays(8)) == 17 and moshi_waits == 160),
        ("NeuGPT writes C + 1 tokens a frame.", neugpt_steps == [9 * 2, 9 * 209]),
        ("SNAC's 1 + 2 + 4 codes make 7 layers.", layers_of(levels) == layers),
        ("SNAC's 7 layers make 1 + 2 + 4 codes.", levels_of(layers) == levels),
        ("Mini-Omni has a frame after 8 steps and 4 after 11.", omni == [8, 11]),
        ("Mini-Omni's layers, 4,160 apart, do not collide.", collisions(4160, 4160) == 0),
        ("They would if they were 4,096 apart, in 12 numbers.", collisions(4098, 4096) == 12),
        ("Every number of their vocabulary tells token and layer.", ids_back == ids),
        ("GLM-4-Voice has 10 codes after 23 steps and 25 after 38.", glm == [23, 38]),
        ("GLM-4-Voice keeps up with 18.75 tokens a second.", step_rate_hz("glm_4_voice", 1, 12.5) == 18.75),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Token-stream layouts: steps, first frame, latency.", demo, checks)


if __name__ == "__main__":
    main()
