"""Full duplex in real time: the pipeline of duplex over a WebSocket on localhost (toy stages, a real clock).

Source: CleanS2S, backend/s2s_server_pipeline.py (github.com/opendilab/CleanS2S), which serves its pipeline so.
Left out: sound. A chunk is said by how probably it is speech and the words that begin in it, a piece of the answer by
    its text and how long it sounds. Strangers: the server listens on 127.0.0.1 and turns away what a web page sends.
Oracle: duplex.converse: the same script on the virtual clock gives the same events in the same order, none later.
Ties: what a stage is said to take counts from when it was due, so lags do not add up. Imports: websockets, in serve
    and call only. Notation: as in duplex.py; pace divides all times, 1 is real time.

A conversation is a connection, its frames are JSON texts. From the client:
    {"speech": 0.98, "words": "hello"}  a chunk, when it is over; silence is sent too; words may be left out
    {"end": true}                       nothing more is said: the answer is played to its end
From the server:
    {"ready": {"chunk_ms": 32, "pace": 1}}   the stream begins now
    {"event": "playing", "turn": 0, "text": "hello", "sound_ms": 500, "ms": 2306.4}   the events of duplex, and when;
        "playing" brings a piece of sound, at "cut" the client stops it; what is "dropped" never comes
    {"error": "want ..., got ..."}      for a frame that is none of the two; the conversation goes on
    {"history": [["user", "hello"], ["agent", "hello"]]}   what is remembered: the last frame after "end"
To serve for good: async with serve(port=8765) as server: await server.serve_forever()
"""

import asyncio
import functools
import itertools
import json
import math
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from kb.reference import duplex, vad
from kb.reference._alone import run_alone
from kb.reference._conversation import Conversation, parse
from kb.reference._pipeline import Event, Pipeline, Stages
from kb.reference._queues import Agenda, Item

if TYPE_CHECKING:
    from websockets.asyncio.server import Server, ServerConnection

HOST = "127.0.0.1"


def serve(
    *,
    stages: Stages = Stages(),  # noqa: B008 (neither can be changed)
    interruption: str = "utterance",
    settings: vad.Settings = vad.Settings(),  # noqa: B008
    pace: float = 1,
    in_threads: bool = False,
    host: str = HOST,
    port: int = 0,
) -> "AbstractAsyncContextManager[Server]":
    """Return a server to be entered with `async with`; 0 is any port that is free, see port_of.

    Stages that only say how long they take are called in the loop; in_threads is for those that do take it: the ms
    they say are added to that. An interruption forgets what a thread still works on, but cannot stop it.
    Raises: ValueError for another host than 127.0.0.1, no such interruption, or a pace that is not above 0.
    """
    if host != HOST:
        raise ValueError(f"want the host {HOST}, as anybody could listen and speak elsewhere, got {host!r}")
    if not 0 < pace < math.inf:
        raise ValueError(f"want a pace above 0, got {pace}")
    new = functools.partial(Pipeline, stages=stages, interruption=interruption, settings=settings)
    new(Agenda(), print)  # what is wrong with them is told now, and not when somebody calls
    from websockets.asyncio.server import serve as listen

    async def hold(connection: "ServerConnection") -> None:
        await Conversation(connection, new, {"chunk_ms": settings.chunk_ms, "pace": pace}, in_threads).hold()

    return listen(hold, host, port, origins=[None], max_size=2**16)  # a browser names its page's origin


def port_of(server: "Server") -> int:
    """Return the port that a server has found."""
    return int(server.sockets[0].getsockname()[1])


async def call(port: int, chunks: Sequence[tuple[float, str]]) -> duplex.Talk:
    """Say chunks, each when its time is over, and return what came and when, until the server has nothing more to say.

    Raises: ValueError with the error that the server tells.
    """
    from websockets.asyncio.client import connect

    async with connect(f"ws://{HOST}:{port}", proxy=None) as connection:
        ready = json.loads(await connection.recv())["ready"]
        loop = asyncio.get_running_loop()
        zero = loop.time()

        async def speak() -> None:
            for number, (probability, words) in enumerate(chunks, 1):
                over = zero + number * ready["chunk_ms"] / 1000 / ready["pace"]
                await asyncio.sleep(over - loop.time())
                await connection.send(json.dumps({"speech": probability, "words": words}))
            await connection.send(json.dumps({"end": True}))

        speaking = asyncio.create_task(speak())
        events, history = [], []
        try:
            async for message in connection:
                ms = (loop.time() - zero) * 1000 * ready["pace"]
                frame = json.loads(message)
                if "error" in frame:
                    raise ValueError(frame["error"])
                if "event" in frame:
                    events.append(Event(ms, frame["event"], Item(frame["turn"], frame["text"], frame["sound_ms"])))
                history = [(who, text) for who, text in frame.get("history", ())]
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
    return duplex.Talk(events, history)


async def talk(turns: Sequence[duplex.Turn], *, settings: vad.Settings, **serving: Any) -> duplex.Talk:
    """Return what a client hears that says turns to a server of its own; serving is what serve is told besides."""
    async with serve(settings=settings, **serving) as server:
        return await call(port_of(server), duplex.chunks(turns, settings))


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    question: str = "please describe everything now",
    interjection: str = "stop",
    interjected_ms: float = 4200,
    interruption: str = "onset",
    pace: float = 5,
) -> dict[str, Any]:
    """Ask over a real WebSocket, interrupt the answer, and return when each event came, beside the virtual clock's.

    Args:
        device: not used, there are no tensors.
        seed: not used, nothing is drawn.
        question: what the user says first; the toy answers by repeating it.
        interjection: what the user says then.
        interjected_ms: when the user says it.
        interruption: what interrupts the answer: off, utterance or onset.
        pace: how many times faster than in real life all goes.
    """
    turns = [duplex.Turn(0, 640, question), duplex.Turn(interjected_ms, 320, interjection)]
    settings = vad.Settings()
    virtual = duplex.converse(turns, interruption=interruption, settings=settings)
    real = asyncio.run(talk(turns, settings=settings, interruption=interruption, pace=pace))
    is_same = told(real) == told(virtual)
    expected = [event.ms if is_same else None for event in virtual.events]
    rows = [
        {
            "event": event.what,
            "turn": event.item.turn,
            "text": event.item.text,
            "virtual_ms": ms,
            "measured_ms": round(event.ms, 1),
            "late_ms": None if ms is None else round(event.ms - ms, 1),
        }
        for event, ms in itertools.zip_longest(real.events, expected[: len(real.events)])
    ]
    remarks = [
        f"measured_ms is the client's, {pace:g} times what its clock says: late_ms is lag times {pace:g}.",
        "The same events in the same order, and the same history, as on the virtual clock."
        if is_same
        else f"Not what the virtual clock says: this machine is too slow for {pace:g} times real life.",
        "history: " + " ".join(f"{who[0].upper()}:{text}" for who, text in real.history),
        "Toy stages: the agent repeats what it is told, and its times are made up; the socket and the clock are real.",
    ]
    return {"rows": rows, "remarks": remarks, "drawing": duplex.draw(turns, real)}


def told(talk: duplex.Talk) -> tuple[list[tuple[str, Item]], list[tuple[str, str]]]:
    """Return a talk without its times."""
    return [(event.what, event.item) for event in talk.events], talk.history


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the conversation, each with whether it did; device is not used."""
    turns, settings = [duplex.Turn(0, 320, "a bc")], vad.Settings(min_silence_ms=320)
    virtual = duplex.converse(turns, settings=settings)
    real = asyncio.run(talk(turns, settings=settings, pace=10))
    pairs = list(zip(real.events, virtual.events, strict=False))
    try:
        serve(host="0.0.0.0")  # noqa: S104 (it is refused)
        is_refused = False
    except ValueError:
        is_refused = True
    return [
        ("The same events in the same order, and the same history, on both clocks.", told(real) == told(virtual)),
        ("Nothing comes before its time.", all(event.ms >= planned.ms for event, planned in pairs)),
        ("What was said and heard is remembered.", [text for _, text in real.history] == ["a bc", "a", "bc"]),
        ("A chunk is parsed.", parse('{"speech": 1, "words": "a"}') == (1, "a")),
        ("The server listens on this machine only.", is_refused),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("A spoken dialogue with an interruption over a WebSocket.", demo, checks)


if __name__ == "__main__":
    main()
