"""Voice activity as utterances: begun above one threshold, ended by a silence below another, kept whole.

Long because two iterators stand side by side, the published one and one without its faults.
Source: CleanS2S, s2s_server_pipeline.py (github.com/opendilab/CleanS2S), whose VADIterator comes from Silero VAD.
Left out: the network that gives the probabilities; the limits to an utterance's length (CleanS2S drops utterances
    shorter than 400 ms and cuts those longer than 60 s).
Oracle: a definition over the whole stream (runs of speech, joined over short gaps), equal to the loop for any
    probabilities; `published` against what CleanS2S's class was seen to return.
Faults of others: the published iterator loses the chunk that triggers it, every chunk of a pause, and whatever it
    holds when the stream stops; and its speech_pad_ms is never used. checks() shows each.
Ties: a probability equal to the threshold is speech; one equal to the lower threshold is no silence.
Notation: chunks are numbered from 0; [begin, end) is a half-open range of them. Only the standard library is used.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from kb.reference._alone import run_alone

CHUNK_MS = 32  # 2048 bytes of float32 at 16 kHz
GAP = 0.15  # how far the threshold of silence lies below that of speech


class Settings(NamedTuple):
    """When speech begins and ends; the defaults are those of CleanS2S."""

    threshold: float = 0.3
    chunk_ms: float = CHUNK_MS
    min_silence_ms: float = 1200
    pad_ms: float = 30  # silence kept on both sides of an utterance


class Utterance(NamedTuple):
    """Chunks [begin, end) of a stream, and the number of chunks that had been heard when they were handed over."""

    begin: int
    end: int
    heard: int


class Endpointer:
    """Hears one probability after the other and says when an utterance is complete."""

    def __init__(self, settings: Settings = Settings()) -> None:  # noqa: B008 (it cannot be changed)
        if not GAP <= settings.threshold <= 1 or settings.chunk_ms <= 0 or min(settings[2:]) < 0:
            raise ValueError(f"want threshold in {GAP}..1, chunk_ms above 0 and times of 0 or more, got {settings}")
        self.settings = settings
        self.silence = max(1, math.ceil(settings.min_silence_ms / settings.chunk_ms))  # chunks that end an utterance
        self.pad = math.ceil(settings.pad_ms / settings.chunk_ms)
        self.heard = self.free = 0  # free: the first chunk that no utterance has
        self.begin: int | None = None  # of the utterance that goes on
        self.voiced_end = 0
        self.voiced = False

    def hear(self, probability: float) -> Utterance | None:
        """Return the utterance that is complete with this chunk, if one is.

        Raises: ValueError if the probability is none.
        Example: 20 chunks of 1, then chunks of 0 -> after 38 of those, chunks 0 .. 20: the speech, and one of padding.
        """
        if not 0 <= probability <= 1:
            raise ValueError(f"want a probability in 0..1, got {probability}")
        # Hysteresis: between the thresholds a chunk is what the chunk before it was.
        low = self.settings.threshold - GAP
        self.voiced = probability >= self.settings.threshold or (self.voiced and probability >= low)
        self.heard += 1
        if self.voiced:
            if self.begin is None:
                self.begin = max(self.free, self.heard - 1 - self.pad)
            self.voiced_end = self.heard
        elif self.begin is not None and self.heard - self.voiced_end >= self.silence:
            return self.finish()
        return None

    def finish(self) -> Utterance | None:
        """Return the utterance that has not ended yet, if there is one: the stream stops, or nobody waits longer."""
        if self.begin is None:
            return None
        utterance = Utterance(self.begin, min(self.voiced_end + self.pad, self.heard), self.heard)
        self.begin, self.voiced, self.free = None, False, utterance.end
        return utterance


def utterances(probabilities: Sequence[float], settings: Settings = Settings()) -> list[Utterance]:  # noqa: B008
    """Return the utterances of a stream that then stops; every voiced chunk is in one of them."""
    endpointer = Endpointer(settings)
    found = [endpointer.hear(probability) for probability in probabilities]
    return [utterance for utterance in [*found, endpointer.finish()] if utterance]


class Returned(NamedTuple):
    """What the published iterator returns."""

    chunks: list[int]  # by number
    heard: int  # chunks, by then


def published(probabilities: Sequence[float], settings: Settings = Settings()) -> list[Returned]:  # noqa: B008
    """Return what CleanS2S's iterator does, faults included: only voiced chunks, and not the one that triggers.

    Example: 20 voiced chunks, 15 of pause, 20 voiced, silence -> chunks 1 .. 19 and 35 .. 54, 39 of them.
    """
    returned: list[Returned] = []
    chunks: list[int] = []
    triggered, silent_since = False, 0  # counted in chunks heard; 0 means that there is no silence
    for heard, probability in enumerate(probabilities, 1):
        if probability >= settings.threshold:
            silent_since = 0
            if not triggered:
                triggered = True
                continue  # fault: the chunk that triggers is not kept
        if triggered and probability < settings.threshold - GAP:
            silent_since = silent_since or heard  # the end of the silent chunk, and not its beginning
            if (heard - silent_since) * settings.chunk_ms >= settings.min_silence_ms:
                returned.append(Returned(chunks, heard))
                triggered, silent_since, chunks = False, 0, []
            continue  # fault: a pause that does not end the utterance is not kept
        if triggered:
            chunks.append(heard - 1)
    return returned  # fault: what is in chunks now is never returned


def script(voiced_chunks: Sequence[int], pause_chunks: int, silence_chunks: int) -> list[float]:
    """Return probabilities 0 and 1: stretches of speech with pauses between them and a silence at the end."""
    if any(count < 1 for count in voiced_chunks) or min(pause_chunks, silence_chunks) < 0:
        raise ValueError(f"want chunks of speech, got {list(voiced_chunks)}, {pause_chunks} and {silence_chunks}")
    speech = [probability for count in voiced_chunks for probability in [1.0] * count + [0.0] * pause_chunks]
    return speech[: len(speech) - pause_chunks] + [0.0] * silence_chunks


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    voiced_chunks: tuple[int, ...] = (20, 20),
    pause_ms: float = 480,
    min_silence_ms: float = 1200,
) -> dict[str, Any]:
    """Hear the same speech with both iterators, and return what each hands over, and when.

    Args:
        device: not used, there are no tensors.
        seed: not used, nothing is drawn.
        voiced_chunks: lengths of the stretches of speech, in chunks of 32 ms.
        pause_ms: silence between two stretches.
        min_silence_ms: silence that ends an utterance.
    """
    settings = Settings(min_silence_ms=min_silence_ms)
    pause, silence = round(pause_ms / CHUNK_MS), math.ceil(min_silence_ms / CHUNK_MS) + 2
    probabilities = script(voiced_chunks, pause, silence)
    spoken = [number for number, probability in enumerate(probabilities) if probability]
    ours = [Returned(list(range(one.begin, one.end)), one.heard) for one in utterances(probabilities, settings)]
    rows, drawing = [], ["speech    " + "".join(".#"[number in spoken] for number in range(len(probabilities)))]
    for name, found in (("published", published(probabilities, settings)), ("ours", ours)):
        kept = {number for one in found for number in one.chunks}
        rows.append(
            {
                "iterator": name,
                "utterances": len(found),
                "chunks": len(kept),
                "voiced_lost": len(set(spoken) - kept),
                "pause_lost": len(set(range(spoken[0], spoken[-1])) - kept - set(spoken)),
                "delay_ms": (found[-1].heard - spoken[-1] - 1) * CHUNK_MS if found else None,
            }
        )
        drawing.append(f"{name:<10}" + "".join(".#"[number in kept] for number in range(len(probabilities))))
    remarks = ["delay_ms counts from the end of speech until the utterance is handed over.", "One mark is 32 ms."]
    return {"rows": rows, "remarks": remarks, "drawing": "\n".join(drawing)}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of both iterators, each with whether it did; device is not used."""
    speech = script([20, 20], 15, 60)
    theirs, ours = published(speech), utterances(speech)
    word = published(script([13], 0, 60))[0].chunks
    return [
        ("Of 55 chunks, 15 of them a pause, the published iterator keeps 39.", len(theirs[0].chunks) == 39),
        ("It lacks the first, and the pause.", theirs[0].chunks == [*range(1, 20), *range(35, 55)]),
        ("It returns them 39 chunks, 1248 ms, after speech ends.", (theirs[0].heard - 55) * CHUNK_MS == 1248),
        ("So a word of 416 ms counts as 384: CleanS2S drops it, as it is below 400.", len(word) * CHUNK_MS == 384),
        ("Padding changes nothing there.", published(speech, Settings(pad_ms=960)) == theirs),
        ("If the stream stops before that, it returns nothing.", published(speech[:60]) == []),
        ("Ours keeps all 55 and a chunk of padding, after 38 chunks.", ours == [(0, 56, 93)]),
        ("If the stream stops before that, ours returns what there is.", utterances(speech[:55]) == [(0, 55, 55)]),
        ("A probability between the thresholds begins no utterance.", utterances([0.2] * 99) == []),
        ("It goes on with one.", utterances([0.3] + [0.2] * 98) == [(0, 99, 99)]),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("What two iterators over voice activity keep, and when they say so.", demo, checks)


if __name__ == "__main__":
    main()
