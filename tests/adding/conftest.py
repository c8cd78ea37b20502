"""The servers of arXiv and Crossref, on this machine, and a clock on which waiting takes no time."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from kb.exchange.adding import fetching
from tests.adding.server import Server, serving


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds slept, one after the other."""
    slept: list[float] = []
    clock = SimpleNamespace(now=1000.0)

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))
        clock.now += seconds

    monkeypatch.setattr(
        fetching, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock.now, time=lambda: 1_800_000_000.0)
    )
    return slept


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> Iterator[Server]:
    pytest.importorskip("httpx")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving() as told:
        monkeypatch.setattr(fetching, "ARXIV", f"{told.address}/api/query")
        monkeypatch.setattr(fetching, "CROSSREF", f"{told.address}/works/")
        yield told
