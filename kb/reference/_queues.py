"""Queues on a clock: each has work done on its first item, and sends on what came of it when its time has passed.

Source: the queues of CleanS2S (github.com/opendilab/CleanS2S), without its threads: what takes time is planned.
Notation: ms, milliseconds since the stream began. Only the standard library is used.
"""

import functools
import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, TypeVar

Result = TypeVar("Result")
Results = Iterator[tuple["Item", float]]  # with the ms that each takes


class Item(NamedTuple):
    """What stands in a queue: a text that belongs to a turn; sound_ms is how long it sounds, once it does."""

    turn: int
    text: str
    sound_ms: float = 0


class Clock(Protocol):
    """What the pipeline asks of time."""

    now: float  # ms

    def plan(self, ms: float, act: Callable[[], None]) -> None:
        """Have act called at a time."""


class Agenda:
    """What is planned, in the order of time; run to its end it is a clock whose time jumps from one to the next."""

    def __init__(self) -> None:
        self.now = 0.0
        self.planned: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()  # of what is planned for one time, the first happens first

    def plan(self, ms: float, act: Callable[[], None]) -> None:
        """Have act called at a time."""
        heapq.heappush(self.planned, (ms, next(self._number), act))

    def run(self, until: float = math.inf) -> None:
        """Do what is planned until a time; meanwhile now is when it should be done, however late it is."""
        while self.planned and self.planned[0][0] <= until:
            self.now, _, act = heapq.heappop(self.planned)
            act()


def at_once(work: Callable[[], Result], then: Callable[[Result], None]) -> None:
    """Have work done here and now, and then told of what it returned."""
    then(work())


class Stage:
    """A queue and the work on its first item; each result is sent on when its time has passed."""

    def __init__(
        self,
        clock: Clock,
        work: Callable[[Item], Results],
        send: Callable[[Item], None],
        ask: Callable[..., None] = at_once,
    ) -> None:
        self.clock, self.work, self.send, self.ask = clock, work, send, ask
        self.queue: deque[Item] = deque()
        self.current: Item | None = None
        self._results: Results = iter(())

    def put(self, item: Item) -> None:
        """Queue an item; work begins at once if there is none."""
        self.queue.append(item)
        if self.current is None:
            self._begin()

    def stop(self) -> list[Item]:
        """Forget all work, and return what it was: the current item and the queue."""
        stopped = [item for item in (self.current, *self.queue) if item]
        self.queue.clear()
        self.current, self._results = None, iter(())
        return stopped

    def _begin(self) -> None:
        self.current = self.queue.popleft() if self.queue else None
        if self.current is not None:
            self._results = self.work(self.current)
            self._go_on()

    def _go_on(self) -> None:
        results = self._results
        self.ask(functools.partial(next, results, None), functools.partial(self._came, results))

    def _came(self, results: Results, result: tuple[Item, float] | None) -> None:
        if results is not self._results:
            return  # it was stopped meanwhile, and comes to nothing
        if result is None:
            self._begin()
        else:
            item, ms = result
            self.clock.plan(self.clock.now + ms, functools.partial(self._done, item, results))

    def _done(self, item: Item, results: Results) -> None:
        if results is self._results:
            self.send(item)
            self._go_on()
