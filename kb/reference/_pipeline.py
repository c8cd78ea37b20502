"""What a spoken dialogue is made of, whatever its clock: toy stages with a queue each, interruption, and history.

Source: CleanS2S, backend/s2s_server_pipeline.py (github.com/opendilab/CleanS2S): VAD, ASR, LLM and TTS with a queue
    before each; an utterance that arrives while sound plays drops the rest of the answer and is answered itself.
    duplex.py runs it on a virtual clock and proves its times, duplex_socket.py on asyncio's for a client that speaks.
Notation: ms, milliseconds since the stream began; turns are counted from 0, a piece is what is spoken in one go.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from kb.reference import vad
from kb.reference._queues import Clock, Item, Results, Stage, at_once

INTERRUPTIONS = ("off", "utterance", "onset")  # never; when what was said is complete, as CleanS2S; when speech begins


class Recognizer(Protocol):
    """The stage that turns speech into text."""

    def __call__(self, speech: str) -> tuple[str, float]:
        """Return the text, and the ms that it takes."""


class Answerer(Protocol):
    """The stage that answers."""

    def __call__(self, history: Sequence[tuple[str, str]], text: str) -> Iterator[tuple[str, float]]:
        """Yield the answer to text, which stands in the history too: pieces, and the ms that each takes."""


class Synthesizer(Protocol):
    """The stage that turns a piece of text into sound."""

    def __call__(self, text: str) -> tuple[float, float]:
        """Return the ms that it takes, and the ms that the sound lasts."""


def echo_asr(speech: str) -> tuple[str, float]:
    """Return the speech, which is its own text, after 200 ms."""
    return speech, 200


def echo_llm(history: Sequence[tuple[str, str]], text: str) -> Iterator[tuple[str, float]]:
    """Yield the words that it was told, one every 100 ms."""
    return ((word, 100) for word in text.split())


def echo_tts(text: str) -> tuple[float, float]:
    """Return 150 ms of work and 100 ms of sound for each letter."""
    return 150, 100 * len(text)


class Stages(NamedTuple):
    """What can be replaced."""

    asr: Recognizer = echo_asr
    llm: Answerer = echo_llm
    tts: Synthesizer = echo_tts


class Event(NamedTuple):
    """What happened: heard, transcribed, thought, synthesized, playing, played, cut or dropped."""

    ms: float
    what: str
    item: Item


class Pipeline:
    """Hears chunks, and tells what happens; history is what is remembered: ("user", text) and ("agent", text heard).

    A piece that is cut is remembered with a dash. Utterances that are too near for the end-pointer are one.
    ask(work, then) has a stage work and tells then what came; at_once suits stages that only say how long they take.
    """

    def __init__(
        self,
        clock: Clock,
        tell: Callable[[Event], None],
        *,
        interruption: str = "utterance",
        stages: Stages = Stages(),  # noqa: B008 (neither can be changed)
        settings: vad.Settings = vad.Settings(),  # noqa: B008
        ask: Callable[..., None] = at_once,
    ) -> None:
        if interruption not in INTERRUPTIONS:
            raise ValueError(f"interruption should be one of {', '.join(INTERRUPTIONS)}, got {interruption!r}")
        self.clock, self.tell, self.interruption, self.stages = clock, tell, interruption, stages
        self.history: list[tuple[str, str]] = []
        self.listener = Stage(clock, self._transcribe, self._transcribed, ask)
        self.thinker = Stage(clock, self._answer, self._thought, ask)
        self.speaker = Stage(clock, self._synthesize, self._synthesized, ask)
        self.player = Stage(clock, self._play, self._played)
        self._endpointer = vad.Endpointer(settings)
        self._words: list[str] = []  # of the utterance that goes on
        self._turns = itertools.count()

    def hear(self, probability: float, words: str = "") -> None:
        """Take in the next chunk: how probably it is speech, and the words that begin in it, for whom it is speech."""
        was_silent = self._endpointer.begin is None
        utterance = self._endpointer.hear(probability)
        if words and self._endpointer.voiced:
            self._words.append(words)
        if was_silent and self._endpointer.begin is not None and self.interruption == "onset":
            self._interrupt()
        if utterance:
            self._is_complete()

    def finish(self) -> None:
        """Take in that nothing more is said: an utterance that has not ended yet has."""
        if self._endpointer.finish():
            self._is_complete()

    @property
    def is_idle(self) -> bool:
        """Whether nothing happens until something is heard."""
        return not any(stage.current for stage in (self.listener, self.thinker, self.speaker, self.player))

    def _is_complete(self) -> None:
        item = Item(next(self._turns), " ".join(self._words))
        self._words.clear()
        self._tell("heard", item)
        if self.interruption == "onset" or (self.interruption == "utterance" and self.player.current):
            self._interrupt()
        self.listener.put(item)

    def _interrupt(self) -> None:
        sounds, pieces = self.player.stop(), self.speaker.stop()
        if sounds:  # the first of them was playing
            self._tell("cut", sounds[0])
            self.history.append(("agent", sounds[0].text + "—"))
        for item in sounds[1:] + pieces:
            self._tell("dropped", item)
        self.thinker.stop()  # of what it was told the history has every word; the listener goes on

    def _tell(self, what: str, item: Item) -> None:
        self.tell(Event(self.clock.now, what, item))

    def _transcribe(self, item: Item) -> Results:
        text, ms = self.stages.asr(item.text)
        yield Item(item.turn, text), ms

    def _transcribed(self, item: Item) -> None:
        self._tell("transcribed", item)
        self.history.append(("user", item.text))
        self.thinker.put(item)

    def _answer(self, item: Item) -> Results:
        for piece, ms in self.stages.llm(tuple(self.history), item.text):
            yield Item(item.turn, piece), ms

    def _thought(self, item: Item) -> None:
        self._tell("thought", item)
        self.speaker.put(item)

    def _synthesize(self, item: Item) -> Results:
        ms, sound_ms = self.stages.tts(item.text)
        yield Item(item.turn, item.text, sound_ms), ms

    def _synthesized(self, item: Item) -> None:
        self._tell("synthesized", item)
        self.player.put(item)

    def _play(self, item: Item) -> Results:
        self._tell("playing", item)
        yield item, item.sound_ms

    def _played(self, item: Item) -> None:
        self._tell("played", item)
        self.history.append(("agent", item.text))
