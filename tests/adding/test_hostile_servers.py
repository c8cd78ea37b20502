"""A server that sends on to this machine, or answers with what unpacks without end, gets and takes nothing."""

import gzip
import socket
import tracemalloc
import zlib
from typing import Any

import pytest

from kb.exchange.adding.redirects import is_public
from tests.adding.server import Reply, Server, recorded, serving
from tests.adding.test_add_command import MOSHI_ENTRY, one_line
from tests.adding.test_answers import MOSHI


def redirect(address: str) -> Reply:
    return Reply(302, b"", (("Location", address),))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://example.org/", "arXiv redirects to http:, off https"),
        ("file:///etc/passwd", "arXiv redirects to file:, off https"),
        ("//127.0.0.1:{port}/", "off https"),
        ("https://127.0.0.1:{port}/", "redirects to 127.0.0.1, which is no public address"),
        ("https://localhost:{port}/", "redirects to localhost, which is no public address"),
        ("https://a.LOCALHOST.:{port}/", "which is no public address"),
        ("https://[::1]:{port}/", "redirects to ::1, which is no public address"),
        ("https://[::ffff:127.0.0.1]:{port}/", "which is no public address"),
        ("https://[2002:7f00:1::]/", "which is no public address"),
        ("https://[fe80::1%25lo]/", "which is no public address"),
        ("https://10.0.0.1/", "which is no public address"),
        ("https://169.254.169.254/latest/meta-data/", "which is no public address"),
        ("https://0.0.0.0:{port}/", "which is no public address"),
        ("https://224.0.0.1/", "which is no public address"),
        ("https://2130706433:{port}/", "redirects to 127.0.0.1, which is no public address"),
        ("https://rebound.example:{port}/", "redirects to 127.0.0.1, which is no public address"),
    ],
)
def test_a_redirect_leads_to_a_public_address_by_https(
    empty_kb: Any, server: Server, monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    real = socket.getaddrinfo

    def looked_up(host: Any, *rest: Any, **named: Any) -> Any:
        return real("127.0.0.1" if host in ("rebound.example", b"rebound.example") else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving() as victim:
        victim.replies = [recorded("arxiv-2410.00037.xml")]
        server.replies = [redirect(address.format(port=victim.address.rpartition(":")[2]))]
        one_line(empty_kb.run("add", "2410.00037", "--write"), said)
        assert victim.requests == []
    assert len(server.requests) == 1


def test_a_server_may_send_on_to_itself(empty_kb: Any, server: Server) -> None:
    server.replies = [redirect("/elsewhere"), redirect(f"{server.address}/again"), recorded("arxiv-2410.00037.xml")]
    assert empty_kb.run("add", "2410.00037", "--month", "2024-10").stdout == MOSHI_ENTRY
    assert [path for path, _ in server.requests][1:] == ["/elsewhere", "/again"]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("151.101.3.42", True),
        ("2a04:4e42::810", True),
        ("::ffff:151.101.3.42", True),
        ("::ffff:10.1.1.1", False),
        ("::ffff:169.254.0.1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("100.64.0.1", False),
        ("ff02::1", False),
        ("::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) == public


def packed(data: bytes, wbits: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(("name", "wbits"), [("gzip", 31), ("deflate", 15), ("GZIP", 31)])
def test_an_answer_that_unpacks_to_hundreds_of_megabytes_is_read_to_five(
    empty_kb: Any, server: Server, name: str, wbits: int
) -> None:
    bomb = packed(bytes(300_000_000), wbits)
    assert len(bomb) < 500_000
    server.replies = [Reply(200, bomb, (("Content-Encoding", name),))]

    tracemalloc.start()
    result = empty_kb.run("add", "2410.00037", "--write")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    one_line(result, "arXiv answered with more than 5 MB; nothing of it is read")
    assert most < 60_000_000


def test_a_bomb_behind_a_redirect_is_not_unpacked(empty_kb: Any, server: Server) -> None:
    bomb = packed(bytes(300_000_000), 31)
    first = Reply(302, bomb, (("Content-Encoding", "gzip"), ("Location", "/elsewhere")))
    server.replies = [first, recorded("arxiv-2410.00037.xml")]

    tracemalloc.start()
    result = empty_kb.run("add", "2410.00037", "--month", "2024-10")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert result.stdout == MOSHI_ENTRY
    assert most < 60_000_000


@pytest.mark.parametrize("name", ["br", "zstd", "gzip, gzip", "compress"])
def test_an_answer_that_is_packed_in_a_way_nobody_asked_for_is_refused(
    empty_kb: Any, server: Server, name: str
) -> None:
    server.replies = [Reply(200, packed(MOSHI, 31), (("Content-Encoding", name),))]
    one_line(empty_kb.run("add", "2410.00037"), f"arXiv answered packed as '{name}'")


def test_an_answer_that_is_packed_as_was_asked_is_read(empty_kb: Any, server: Server) -> None:
    server.replies = [Reply(200, gzip.compress(MOSHI), (("Content-Encoding", "gzip"),))]
    assert empty_kb.run("add", "2410.00037", "--month", "2024-10").stdout == MOSHI_ENTRY
    assert server.requests[0][1]["Accept-Encoding"] == "gzip"


def test_an_answer_that_only_says_it_is_packed_is_broken(empty_kb: Any, server: Server) -> None:
    server.replies = [Reply(200, MOSHI, (("Content-Encoding", "gzip"),))]
    one_line(empty_kb.run("add", "2410.00037"), "arXiv broke off its answer, 3 times")
