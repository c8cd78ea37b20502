"""A real client against the real server on localhost: what the virtual clock says happens, and nothing else does."""

import asyncio
import json
import threading

import pytest

pytest.importorskip("websockets")

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from kb.reference import duplex, duplex_socket
from kb.reference._pipeline import Stages
from kb.reference.duplex import Turn
from kb.reference.duplex_socket import port_of, serve, told
from kb.reference.vad import Settings

QUICK = Settings(min_silence_ms=64)
PACE = 20
HANG_SECONDS = 600  # slowness is no error


def run(conversation):
    """Run a test's conversation; a hang is an error."""
    return asyncio.run(asyncio.wait_for(conversation, HANG_SECONDS))


def url(server):
    return f"ws://127.0.0.1:{port_of(server)}"


async def say(connection, words):
    """Say words in one chunk, with the silence after it."""
    for chunk in ({"speech": 1, "words": words}, {"speech": 0}, {"speech": 0}):
        await connection.send(json.dumps(chunk))


async def until(connection, **wanted):
    """Return the frames up to the first that has what is wanted."""
    frames = []
    async for message in connection:
        frames.append(json.loads(message))
        if wanted.items() <= frames[-1].items():
            return frames
    raise AssertionError(f"{wanted} never came, but {frames}")


async def rest(connection):
    """End the stream, and return the frames up to the last."""
    await connection.send('{"end": true}')
    return [json.loads(message) async for message in connection]


def events(frames):
    return [(frame["event"], frame["text"]) for frame in frames if "event" in frame]


# Whenever the user is heard, the agent is in the midst of a word that sounds from 2210 to 5810 ms: what is to happen
# first is first by 570 ms, 285 at twice real life.
TURNS = [Turn(0, 640, "whatever hippopotomonstrosesquippedaliophobia follows"), Turn(4000, 320, "stop it")]


@pytest.mark.parametrize("interruption", duplex.INTERRUPTIONS)
def test_the_real_clock_tells_what_the_virtual_one_does_and_nothing_before_its_time(interruption):
    settings = Settings(min_silence_ms=320)
    virtual = duplex.converse(TURNS, interruption=interruption, settings=settings)

    real = run(duplex_socket.talk(TURNS, settings=settings, interruption=interruption, pace=2))

    assert told(real) == told(virtual)
    assert all(event.ms >= planned.ms for event, planned in zip(real.events, virtual.events, strict=True))
    what = [event.what for event in real.events]
    assert what.count("cut") == (interruption != "off")
    assert what.count("dropped") == (interruption != "off")


def test_a_round_trip_of_frames():
    async def conversation():
        async with serve(settings=QUICK, pace=PACE) as server, connect(url(server), proxy=None) as connection:
            await say(connection, "a bc")
            return await rest(connection)

    ready, *frames, last = run(conversation())

    assert ready == {"ready": {"chunk_ms": 32, "pace": PACE}}
    assert events(frames) == [
        ("heard", "a bc"),
        ("transcribed", "a bc"),
        ("thought", "a"),
        ("thought", "bc"),
        ("synthesized", "a"),
        ("playing", "a"),
        ("played", "a"),
        ("synthesized", "bc"),
        ("playing", "bc"),
        ("played", "bc"),
    ]
    sounds = {frame["text"]: frame["sound_ms"] for frame in frames if frame["event"] == "playing"}
    assert sounds == {"a": 100, "bc": 200}
    assert {frame["turn"] for frame in frames} == {0}
    assert last == {"history": [["user", "a bc"], ["agent", "a"], ["agent", "bc"]]}


def test_an_utterance_that_the_end_of_the_stream_cuts_short_is_answered():
    async def conversation():
        async with serve(pace=PACE) as server, connect(url(server), proxy=None) as connection:
            await connection.send('{"speech": 0.9, "words": "oh"}')
            return await rest(connection)

    assert run(conversation())[-1] == {"history": [["user", "oh"], ["agent", "oh"]]}


def test_what_an_interruption_drops_never_comes_and_what_was_heard_is_remembered():
    # "long" sounds, and "last" is worked on, for 50 minutes of the stream's time: only an interruption ends either.
    stages = Stages(tts=lambda text: (3e6 if text == "last" else 10, 3e6 if text == "long" else 50))

    async def conversation():
        async with (
            serve(stages=stages, interruption="onset", settings=QUICK, pace=PACE) as server,
            connect(url(server), proxy=None) as connection,
        ):
            await say(connection, "short long never neither last")
            await until(connection, event="playing", text="long")
            await until(connection, event="thought", text="last")
            await say(connection, "stop")
            return await rest(connection)

    *frames, last = run(conversation())

    dropped = ["never", "neither", "last"]
    assert events(frames)[:4] == [("cut", "long"), *(("dropped", text) for text in dropped)]
    assert [text for what, text in events(frames) if what in ("playing", "played")] == ["stop", "stop"]
    assert last["history"] == [
        ["user", "short long never neither last"],
        ["agent", "short"],
        ["agent", "long—"],
        ["user", "stop"],
        ["agent", "stop"],
    ]


def test_stages_can_be_replaced_and_two_clients_at_once_have_histories_of_their_own():
    seen = []

    def llm(history, text):
        seen.append((history, text))
        yield f"{text}?", 10
        yield "yes", 10

    stages = Stages(asr=lambda speech: (speech.upper(), 5), llm=llm, tts=lambda text: (5, 20))

    async def conversation():
        async with (
            serve(stages=stages, settings=QUICK, pace=PACE) as server,
            connect(url(server), proxy=None) as one,
            connect(url(server), proxy=None) as other,
        ):
            await say(one, "hi")
            await say(other, "ho")
            await until(one, event="played", text="yes")
            await until(other, event="played", text="yes")
            await say(one, "and")
            return [(await rest(connection))[-1]["history"] for connection in (one, other)]

    one, other = run(conversation())

    assert [text for _, text in one] == ["HI", "HI?", "yes", "AND", "AND?", "yes"]
    assert [text for _, text in other] == ["HO", "HO?", "yes"]
    assert (tuple(map(tuple, one[:4])), "AND") in seen


def test_a_stage_in_a_thread_does_not_deafen_the_server():
    is_answered = threading.Event()
    asked = []

    def llm(history, text):
        asked.append(text)
        if text == "hard":
            is_answered.wait(HANG_SECONDS)
        yield text, 0

    async def conversation():
        async with (
            serve(stages=Stages(llm=llm), interruption="onset", settings=QUICK, pace=PACE, in_threads=True) as server,
            connect(url(server), proxy=None) as connection,
        ):
            await say(connection, "hard")
            await until(connection, event="transcribed", text="hard")
            await say(connection, "easy")
            await until(connection, event="played", text="easy")  # while "hard" is still thought about
            is_answered.set()
            return await rest(connection)

    *frames, last = run(conversation())

    assert asked == ["hard", "easy"]
    assert events(frames) == []
    assert last["history"] == [["user", "hard"], ["user", "easy"], ["agent", "easy"]]


MALFORMED = [
    "hello",
    "",
    "[]",
    "null",
    "[" * 50000,
    "{}",
    '{"speech": 1.5}',
    '{"speech": -1}',
    '{"speech": NaN}',
    '{"speech": true}',
    '{"speech": "1"}',
    '{"speech": 1, "words": 2}',
    '{"speech": 1, "volume": 2}',
    '{"words": "hi"}',
    '{"end": false}',
    '{"end": 1}',
    '{"end": true, "speech": 1}',
    b"\x00\x01",
]


def test_a_malformed_frame_gets_one_error_and_the_conversation_goes_on():
    async def conversation():
        async with serve(settings=QUICK, pace=PACE) as server, connect(url(server), proxy=None) as connection:
            await connection.recv()
            for frame in MALFORMED:
                await connection.send(frame)
            errors = [json.loads(await connection.recv()) for _ in MALFORMED]
            await say(connection, "hi")
            return errors, await rest(connection)

    errors, frames = run(conversation())

    assert [list(error) for error in errors] == [["error"]] * len(MALFORMED)
    wanted = 'want {"speech": 0..1, "words": "..."} or {"end": true}, got '
    assert errors[0]["error"] == wanted + "'hello'"
    assert errors[4]["error"] == wanted + repr("[" * 60) + "…"
    assert errors[-1]["error"] == wanted + r"b'\x00\x01'"
    assert not any("error" in frame for frame in frames)
    assert frames[-1]["history"] == [["user", "hi"], ["agent", "hi"]]


def test_after_the_end_nothing_is_heard():
    async def conversation():
        async with serve(settings=QUICK, pace=PACE) as server, connect(url(server), proxy=None) as connection:
            await say(connection, "hi")
            await connection.send('{"end": true}')
            await say(connection, "ho")
            return [json.loads(message) async for message in connection]

    frames = run(conversation())

    errors = [frame["error"] for frame in frames if "error" in frame]
    assert errors[0] == """want nothing after the end, got '{"speech": 1, "words": "ho"}'"""
    assert len(errors) == 3
    assert frames[-1]["history"] == [["user", "hi"], ["agent", "hi"]]


@pytest.mark.parametrize("in_threads", [False, True])
def test_a_stage_that_fails_is_told_and_ends_one_conversation_only(in_threads):
    def llm(history, text):
        if text == "bad":
            raise ZeroDivisionError("oh")
        yield text, 0

    async def conversation():
        async with (
            serve(stages=Stages(llm=llm), settings=QUICK, pace=PACE, in_threads=in_threads) as server,
            connect(url(server), proxy=None) as one,
            connect(url(server), proxy=None) as other,
        ):
            await say(one, "bad")
            frames = await until(one, error="a stage failed: ZeroDivisionError: oh")
            with pytest.raises(ConnectionClosedError, match="1011"):
                await one.recv()
            await say(other, "good")
            return frames, await rest(other)

    frames, others = run(conversation())

    assert events(frames) == [("heard", "bad"), ("transcribed", "bad")]
    assert others[-1]["history"] == [["user", "good"], ["agent", "good"]]


@pytest.mark.parametrize("is_polite", [True, False])
def test_a_client_that_goes_leaves_no_task_and_no_work(is_polite):
    thought = []

    def llm(history, text):
        for number in range(10**9):
            thought.append(number)
            yield str(number), 50

    async def conversation():
        async with serve(stages=Stages(llm=llm), settings=QUICK, pace=PACE) as server:
            before = asyncio.all_tasks()
            connection = await connect(url(server), proxy=None)
            await say(connection, "count")
            await until(connection, event="playing")
            assert len(asyncio.all_tasks()) > len(before)
            if is_polite:
                await connection.close()
            else:
                connection.transport.abort()
            while asyncio.all_tasks() != before:  # a task that stayed would be a hang
                await asyncio.sleep(0.01)
            then = len(thought)
            await asyncio.sleep(0.1)
            return then

    assert run(conversation()) == len(thought) > 0


def test_a_server_that_goes_ends_its_conversations():
    async def conversation():
        before = asyncio.all_tasks()
        async with serve(settings=QUICK, pace=PACE) as server:
            connection = await connect(url(server), proxy=None)
            await say(connection, "a very long answer that nobody hears")
            await until(connection, event="playing")
        await connection.wait_closed()
        return asyncio.all_tasks() - before

    assert run(conversation()) == set()


def test_a_web_page_is_turned_away():
    async def conversation():
        async with serve() as server:
            with pytest.raises(InvalidStatus, match="403"):
                await connect(url(server), proxy=None, origin="https://example.org")

    run(conversation())


def test_only_this_machine_can_listen_and_mistakes_are_told_before_anybody_calls():
    for host in ("0.0.0.0", "::", "", "192.168.0.1", "example.org"):
        with pytest.raises(ValueError, match=r"want the host 127\.0\.0\.1, .*got '" + host):
            serve(host=host)
    with pytest.raises(ValueError, match="off, utterance, onset, got 'never'"):
        serve(interruption="never")
    with pytest.raises(ValueError, match="pace above 0, got 0"):
        serve(pace=0)
    with pytest.raises(ValueError, match="chunk_ms=0"):
        serve(settings=Settings(chunk_ms=0))

    async def conversation():
        async with serve() as server:
            return [socket.getsockname()[0] for socket in server.sockets]

    assert run(conversation()) == ["127.0.0.1"]


def test_the_client_of_the_demo_raises_the_error_that_the_server_tells():
    async def conversation():
        async with serve(settings=QUICK, pace=PACE) as server:
            await duplex_socket.call(port_of(server), [(2.0, "loud")])

    with pytest.raises(ValueError, match=r'got \'{"speech": 2\.0, "words": "loud"}'):
        run(conversation())


def test_the_demo_sets_measured_times_beside_the_virtual_ones():
    shown = duplex_socket.demo()

    assert json.loads(json.dumps(shown)) == shown
    assert [row["event"] for row in shown["rows"]].count("cut") == 1
    assert all(row["measured_ms"] >= row["virtual_ms"] for row in shown["rows"])
    assert "same events" in shown["remarks"][1]
