"""A server on this machine that answers as arXiv and Crossref do, from files, and misbehaves when told."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

ANSWERS = Path(__file__).resolve().parent / "answers"


class Reply(NamedTuple):
    """What the server says to one request."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    breaks_off: bool = False  # says that more will come than does
    is_silent: bool = False  # says nothing until the test is over


class Server:
    """What it was asked, and what it will say; the last reply is said again and again."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.over = threading.Event()
        self.address = ""

    def next_reply(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def recorded(name: str, status: int = 200) -> Reply:
    return Reply(status, (ANSWERS / name).read_bytes())


@contextmanager
def serving() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.requests.append((self.path, dict(self.headers)))
            reply = told.next_reply()
            if reply.is_silent:
                told.over.wait(10)
                return
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) * (2 if reply.breaks_off else 1)))
            self.end_headers()
            self.wfile.write(reply.body)
            if reply.breaks_off:
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    told.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told
    finally:
        told.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
