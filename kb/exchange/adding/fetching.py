"""The one place of `kb add` that uses the network: questions to arXiv and to Crossref.

A server that is busy is asked again, later; a server that asks to be left alone for long is. Nothing is read without an
end: neither an answer that trickles nor one that is too large, packed or unpacked.
"""

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from kb import __version__
from kb.errors import KbError
from kb.exchange.adding.metadata import INSTALL
from kb.exchange.adding.redirects import peers_seen, refuse_private

if TYPE_CHECKING:
    import httpx

ARXIV = "https://export.arxiv.org/api/query"
CROSSREF = "https://api.crossref.org/works/"
PAUSE_SECONDS = 3.0  # between two questions, as arXiv asks in its terms of use
BACKOFF_SECONDS = (3.0, 9.0)  # before the second and the third time
LONGEST_WAIT_SECONDS = 60.0  # that a server may ask for
CONNECT_SECONDS = 10.0
READ_SECONDS = 20.0  # without a byte
WHOLE_SECONDS = 60.0  # for an answer
MOST_BYTES = 5_000_000
MOST_REDIRECTS = 5
ASK_AGAIN = (429, 500, 502, 503, 504)
WAY_OUT = "try again later, or make a stub with --offline"


class Answer(NamedTuple):
    """What a server said."""

    status: int
    body: bytes
    retry_after: str | None  # the header: seconds or a date


class Online:
    """Asks one question after the other, never faster than servers want."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._client: httpx.Client | None = None
        self._asked: float | None = None  # when, by the monotonic clock

    def arxiv(self, number: str) -> bytes:
        """Return what arXiv says about an id. Raises: KbError if it says nothing."""
        answer = self._ask("arXiv", ARXIV, {"id_list": number, "max_results": "1"})
        if answer.status not in (200, 400):  # 400 comes with Atom that tells why
            raise KbError(f"arXiv answered HTTP {answer.status} about {number}", WAY_OUT)
        return answer.body

    def crossref(self, doi: str) -> bytes:
        """Return what Crossref says about a DOI. Raises: KbError if it says nothing."""
        answer = self._ask("Crossref", CROSSREF + quote(doi, safe=""), {})
        if answer.status == 404:
            raise KbError(f"Crossref knows no DOI {doi}", "check it, or make a stub with --offline if it is right")
        if answer.status != 200:
            raise KbError(f"Crossref answered HTTP {answer.status} about {doi}", WAY_OUT)
        return answer.body

    def close(self) -> None:
        """Close the connections."""
        if self._client:
            self._client.close()

    def _ask(self, server: str, url: str, parameters: dict[str, str]) -> Answer:
        try:
            import httpx
        except ModuleNotFoundError as error:
            raise KbError(f"asking {server} needs {error.name}", f"run: {INSTALL}, or use --offline") from None

        client = self._client = self._client or _client()
        trouble = ""
        for wait in (*BACKOFF_SECONDS, None):  # None: the last time
            self._pause()
            try:
                answer = _get(server, client, url, parameters)
            except httpx.TooManyRedirects:
                raise KbError(f"{server} redirects in a circle", WAY_OUT) from None
            except httpx.TimeoutException:
                trouble = "did not answer in time"
            except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
                raise KbError(f"{server} cannot be reached ({error})", "check the network, or use --offline") from None
            except httpx.HTTPError:
                trouble = "broke off its answer"
            else:
                if answer.status not in ASK_AGAIN:
                    return answer
                trouble = f"answered HTTP {answer.status}"
                asked_for = _seconds(answer.retry_after)
                if asked_for > LONGEST_WAIT_SECONDS:
                    raise KbError(f"{server} {trouble} and asks to wait {asked_for:.0f} s", WAY_OUT)
                wait = max(wait, asked_for) if wait is not None else None
            if wait is not None:
                self._tell(f"{server} {trouble}; it is asked again in {wait:.0f} s")
                time.sleep(wait)
        raise KbError(f"{server} {trouble}, {len(BACKOFF_SECONDS) + 1} times", WAY_OUT)

    def _pause(self) -> None:
        if self._asked is not None and (rest := self._asked + PAUSE_SECONDS - time.monotonic()) > 0:
            time.sleep(rest)
        self._asked = time.monotonic()


@contextmanager
def opened(tell: Callable[[str], None]) -> Iterator[Online]:
    """Give what asks, and close its connections afterwards; until it is asked, it makes none.

    It tells why it waits, where a server makes it wait.
    """
    online = Online(tell)
    try:
        yield online
    finally:
        online.close()


def _client() -> "httpx.Client":
    import httpx

    return httpx.Client(
        headers={
            "User-Agent": f"paper-kb/{__version__} python-httpx/{httpx.__version__}",
            "Accept-Encoding": "gzip",  # which is unpacked here, with an end
        },
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
    )


def _get(server: str, client: "httpx.Client", url: str, parameters: dict[str, str]) -> Answer:
    import httpx

    request = client.build_request("GET", url, params=parameters)
    first = request.url
    for _ in range(MOST_REDIRECTS + 1):
        response = client.send(request, stream=True)
        try:
            if response.next_request is None:
                return Answer(response.status_code, _body(server, response), response.headers.get("Retry-After"))
            request = response.next_request
        finally:
            response.close()
        if _origin(request.url) != _origin(first):  # which a person may have told, wherever it lies
            refuse_private(server, request.url.scheme, request.url.host)
            request.extensions["trace"] = peers_seen(server)
    raise httpx.TooManyRedirects("one after the other", request=request)


def _origin(url: "httpx.URL") -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _body(server: str, response: "httpx.Response") -> bytes:
    """Return the body of a response, unpacked. Raises: KbError if it is too large or packed otherwise."""
    import httpx

    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packing not in ("identity", "gzip", "x-gzip", "deflate", ""):
        raise KbError(f"{server} answered packed as {packing!r:.40}", WAY_OUT)
    is_packed = packing not in ("identity", "")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32) if is_packed else None  # 32: gzip or zlib
    start = time.monotonic()
    body = bytearray()
    for piece in response.iter_raw():
        try:
            body += unpacker.decompress(piece, MOST_BYTES + 1 - len(body)) if unpacker else piece
        except zlib.error as error:
            raise httpx.DecodingError(str(error)) from None
        if len(body) > MOST_BYTES:
            raise KbError(f"{server} answered with more than {MOST_BYTES // 1_000_000} MB", "nothing of it is read")
        if time.monotonic() - start > WHOLE_SECONDS:
            raise httpx.ReadTimeout("the answer trickles")
    return bytes(body)


def _seconds(retry_after: str | None) -> float:
    """Return how long a server asks to wait: "120", or until a date; 0 if it does not say."""
    text = (retry_after or "").strip()
    if text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0
