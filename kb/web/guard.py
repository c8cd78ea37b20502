"""Who may ask: before every request, a look at where it was sent, from where it comes and whether it bears the token.

A page of somebody else, open in the same browser, can send requests to this machine. It cannot read the token, its
requests bear its own Origin, and a name of its own that it leads here (DNS rebinding) stands in Host.
"""

from hmac import compare_digest
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kb.api.as_json import envelope

COOKIE = "kb_token"
APART = "."  # between tokens: a browser sends a cookie to all ports, and each knowledge base has its own process
MOST_TOKENS = 8
PICTURES = "kb_pictures"  # the cookie by which a reader allows pictures of the web: "1"
PROGRAMS = ("/api/", "/mcp")  # paths whose answers programs read
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
OWN_SITE = "same-origin"
READING = ("GET", "HEAD")
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Refused(Exception):
    """A request that is not answered, with the status that says so."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


class Guard:
    """ASGI middleware that refuses, as application/json or as a line, what does not come from the reader."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # a WebSocket, of which there is none, is closed by the server
        headers = Headers(scope=scope)
        cookies = cookie_parser("; ".join(headers.getlist("cookie")))

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(MutableHeaders(scope=message), cookies.get(PICTURES) == "1")
            await send(message)

        app = self._app
        try:
            host = own_host(scope, headers)
            if entered := self._entered(scope, host, cookies.get(COOKIE, "")):
                app = entered
            else:
                self._let_in(scope, headers, cookies)
        except Refused as refused:
            app = _refusal(scope, refused)
        await app(scope, receive, sent)

    def _entered(self, scope: Scope, host: str, known: str) -> Response | None:
        """Return what answers GET /?token=…: the cookie, and the same address without the token."""
        asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in asked if name == "token"]
        if not given or scope["method"] != "GET" or scope["path"].startswith(PROGRAMS):
            return None
        if not self._is_token(given[0]):
            raise Refused(401, "this is not the token of this process; open the address that kb serve prints")
        rest = urlencode([(name, value) for name, value in asked if name != "token"])
        address = f"http://{host}{quote(scope['path'])}" + (f"?{rest}" if rest else "")
        answer = RedirectResponse(address, 303)
        others = [one for one in known.split(APART) if one and not self._is_token(one)]
        tokens = [*others, self._token][-MOST_TOKENS:]
        answer.set_cookie(COOKIE, APART.join(tokens), httponly=True, samesite="strict")
        return answer

    def _let_in(self, scope: Scope, headers: Headers, cookies: dict[str, str]) -> None:
        """Raise Refused if a request does not bear the token, or writes by a cookie that a page may have sent along."""
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(bearer.strip()):
            return
        if not any(map(self._is_token, cookies.get(COOKIE, "").split(APART))):
            raise Refused(401, "no token, or a wrong one; open the address that kb serve prints")
        is_own = "origin" in headers or headers.get("sec-fetch-site") == OWN_SITE
        if scope["method"] not in READING and not is_own:
            raise Refused(403, "writing needs an Origin, or a token as Authorization: Bearer")

    def _is_token(self, given: str) -> bool:
        return compare_digest(given.encode("utf-8", "replace"), self._token.encode())


def own_host(scope: Scope, headers: Headers) -> str:
    """Return the Host of a request. Raises: Refused if it is not that of this process, or a foreign page asks."""
    port = scope["server"][1]
    own = {f"{name}:{port}" for name in LOOPBACK}
    hosts = headers.getlist("host")
    if len(hosts) != 1 or hosts[0].lower() not in own:
        raise Refused(421, f"this address is answered as 127.0.0.1:{port} or localhost:{port} alone")
    host = hosts[0].lower()
    site = headers.get("sec-fetch-site", "none")
    # A form of ours bears no Origin but null, because its page tells nobody where it is: the browser says whose it is.
    allowed = {f"http://{host}", "null"} if site == OWN_SITE else {f"http://{host}"}
    if site not in ("none", OWN_SITE) or not allowed.issuperset(map(str.lower, headers.getlist("origin"))):
        raise Refused(403, "another site may not ask here")
    return host


def _add_headers(headers: MutableHeaders, allows_pictures: bool) -> None:
    for name, value in ALWAYS.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Content-Security-Policy", policy(allows_pictures))


def policy(allows_pictures: bool) -> str:
    """Return what a page may load: its own script and style, its own pictures, those of the web if the reader wants."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; "
        f"base-uri 'none'; frame-ancestors 'none'; img-src 'self' data:{' https:' if allows_pictures else ''}"
    )


def _refusal(scope: Scope, refused: Refused) -> Response:
    asks = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else None
    if scope["path"].startswith(PROGRAMS):
        return Response(envelope(None, str(refused)), refused.status, asks, "application/json")
    return PlainTextResponse(f"{refused}\n", refused.status, asks)
