"""One client's conversation: frames in, the pipeline on asyncio's clock, frames out (duplex_socket.py describes them).

Source: CleanS2S, backend/s2s_server_pipeline.py (github.com/opendilab/CleanS2S), its connections and threads.
Notation: ms, milliseconds since the stream began, pace times as many as have really passed.
"""

import asyncio
import functools
import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kb.reference._pipeline import Event, Pipeline
from kb.reference._queues import Agenda

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

WANTED = '{"speech": 0..1, "words": "..."} or {"end": true}'
SHOWN = 60  # characters of a frame that is refused


class LoopClock(Agenda):
    """An agenda that asyncio's loop runs: what is planned is done when its time has come."""

    def __init__(self, pace: float, after: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        super().__init__()
        self.pace, self.after, self.failed = pace, after, failed
        self._loop = asyncio.get_running_loop()
        self._zero = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def measured(self) -> float:
        """Return the ms that have passed."""
        return (self._loop.time() - self._zero) * 1000 * self.pace

    def plan(self, ms: float, act: Callable[[], None]) -> None:
        """Have act called at a time."""
        super().plan(ms, act)
        self._wake()

    def happens(self, act: Callable[[], None]) -> None:
        """Have act called after all that is due, in this ms: sums of whole ms are exact, and so are their ties."""
        self.plan(math.ceil(self.measured()), act)

    def close(self) -> None:
        """Do nothing more."""
        self._is_closed = True
        self.planned.clear()
        self._wake()

    def _wake(self) -> None:
        if self._timer:
            self._timer.cancel()
        if self.planned and not self._is_closed:
            self._timer = self._loop.call_at(self._zero + self.planned[0][0] / 1000 / self.pace, self._tick)

    def _tick(self) -> None:
        try:
            self.run(until=self.measured())
            self.after()
        except Exception as error:  # noqa: BLE001 - a stage's, and nobody waits for this call
            self.failed(error)
        self._wake()


def parse(frame: str | bytes) -> tuple[float, str] | None:
    """Return what a chunk says, its probability and its words; None at the end.

    Raises: ValueError with what was wanted and what came.
    Example: '{"speech": 1, "words": "a"}' -> (1.0, "a").
    """
    try:
        said = json.loads(frame) if isinstance(frame, str) else None
    except (ValueError, RecursionError):
        said = None
    match said:
        case {"end": True, **rest} if not rest:
            return None
        case {"speech": bool()}:
            pass  # which is a number too
        case {"speech": int() | float() as probability, **rest} if 0 <= probability <= 1:
            words = rest.pop("words", "")
            if isinstance(words, str) and not rest:
                return float(probability), words
    raise ValueError(f"want {WANTED}, got {frame[:SHOWN]!r}{'…' * (len(frame) > SHOWN)}")


class Conversation:
    """One client's pipeline, from the first chunk to when either end goes."""

    def __init__(
        self, connection: "ServerConnection", new: Callable[..., Pipeline], ready: dict[str, float], in_threads: bool
    ) -> None:
        self.connection = connection
        self.outbox: asyncio.Queue[str | None] = asyncio.Queue()  # None: nothing follows
        self.clock = LoopClock(ready["pace"], self._after, self._failed)
        self.pipeline = new(self.clock, self._tell, **({"ask": self._ask} if in_threads else {}))
        self.has_ended = False  # what the client says
        self.is_finished = False  # what the pipeline has heard of it
        self.failure: Exception | None = None
        self._put(ready=ready)

    async def hold(self) -> None:
        """Hear and answer until either end goes; of the conversation nothing goes on after that."""
        from websockets.exceptions import ConnectionClosedError

        sender = asyncio.create_task(self._send())
        try:
            async for frame in self.connection:
                self._heard(frame)
        except ConnectionClosedError:
            pass  # without a good-bye: an end like any other
        finally:
            self.clock.close()
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        if self.failure:
            raise self.failure

    def _heard(self, frame: str | bytes) -> None:
        try:
            said = parse(frame)
            if self.has_ended:
                raise ValueError(f"want nothing after the end, got {frame[:SHOWN]!r}")
        except ValueError as error:
            self._put(error=str(error))
            return
        self.has_ended = said is None
        self.clock.happens(functools.partial(self.pipeline.hear, *said) if said else self._finish)

    def _finish(self) -> None:
        self.pipeline.finish()
        self.is_finished = True

    def _tell(self, event: Event) -> None:
        self._put(event=event.what, **event.item._asdict(), ms=round(self.clock.measured(), 3))

    def _after(self) -> None:
        if self.is_finished and self.pipeline.is_idle:
            self._put(history=self.pipeline.history)
            self.outbox.put_nowait(None)

    def _failed(self, error: Exception) -> None:
        self.failure = self.failure or error
        self.clock.close()
        self._put(error=f"a stage failed: {type(error).__name__}: {error}")
        self.outbox.put_nowait(None)

    def _put(self, **frame: Any) -> None:
        self.outbox.put_nowait(json.dumps(frame))

    def _ask(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Have work done in a thread, so that meanwhile the client is heard, and then told of what it returned."""

        def came(future: "asyncio.Future[Any]") -> None:
            error = future.exception()
            if isinstance(error, Exception):
                self._failed(error)
            else:
                self.clock.happens(functools.partial(then, future.result()))

        asyncio.get_running_loop().run_in_executor(None, work).add_done_callback(came)

    async def _send(self) -> None:
        while (frame := await self.outbox.get()) is not None:
            await self.connection.send(frame)
        await self.connection.close(1011 if self.failure else 1000)
