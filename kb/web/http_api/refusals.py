"""What goes wrong, as a status and a line in the envelope that every answer has."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from kb.api.as_json import envelope
from kb.api.faults import as_kb_error
from kb.errors import Ambiguous, IndexBusy, IndexDamaged, IndexMissing, IndexNewer, IndexOld, KbError, NotFound

BASE = "/api/v1"
UNUSABLE = (IndexBusy, IndexDamaged, IndexMissing, IndexNewer, IndexOld)
MEANINGS = {
    400: "What is asked is not understood.",
    401: "No token, or a wrong one.",
    403: "Another site asks, or a page writes without saying whose it is.",
    404: "Nothing is called so.",
    409: "Several papers are called so.",
    413: "The body is too long.",
    415: "The body is not application/json.",
    421: "The address is not one of this process.",
    422: "The body has not the fields it should have, or what it asks for cannot be done.",
    500: "A file of the knowledge base is amiss, or the program has a mistake.",
    503: "The index, or the machine, cannot be used now.",
}


class Refusal(Exception):
    """A request that is refused before a use case sees it."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


def refusal(status: int, line: str, data: Any = None, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that says what went wrong."""
    return Response(envelope(data, line), status, headers, "application/json")


def of_error(error: Exception, unfit: int) -> Response | None:
    """Return the answer to what a use case raises; None if it is a mistake of this program.

    unfit is the status of what the asker can mend: 400 where it stood in the query, 422 where in the body.
    """
    known = as_kb_error(error)
    if known is None:
        return None
    status = status_of(known, unfit) if isinstance(error, KbError) else 503
    return refusal(status, str(known), headers={"Retry-After": "1"} if status == 503 else None)


def status_of(error: KbError, unfit: int) -> int:
    """Return the status that an error of a use case has; what a file is named for is no fault of the asker."""
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, Ambiguous):
        return 409
    if isinstance(error, UNUSABLE):
        return 503
    return 500 if error.file else unfit


def of_framework(request: Request, error: Exception) -> Response:
    """Return what stands for an answer of Starlette itself, such as that a path is none."""
    status, headers = getattr(error, "status_code", 500), getattr(error, "headers", None)
    lines = {404: "there is no such path", 405: f"{request.method} is not for this path"}
    line = lines.get(status, getattr(error, "detail", "a mistake of this program; its log has more"))
    if request.url.path.startswith(f"{BASE}/"):
        return refusal(status, line, headers=headers)
    return PlainTextResponse(f"{line}\n", status, headers)
