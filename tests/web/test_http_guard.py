"""Who may ask: forged names, foreign pages, missing tokens, and what every answer says to a browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from kb.web.guard import Guard

TOKEN = "a-token_of-this-process"
HERE = "http://127.0.0.1:8123"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
COOKIE = {"Cookie": f"kb_token={TOKEN}"}


async def told(request: Request) -> PlainTextResponse:
    kept = request.query_params.get("kept")
    return PlainTextResponse(f"{request.method} {request.url.path}", headers={"Cache-Control": kept} if kept else {})


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = Starlette(routes=[Route("/{path:path}", told, methods=["GET", "POST", "DELETE"])])
    with TestClient(Guard(app, TOKEN), base_url=HERE, follow_redirects=False) as made:
        yield made


@pytest.mark.parametrize("host", ["127.0.0.1:8123", "localhost:8123", "LOCALHOST:8123", "[::1]:8123"])
def test_the_names_of_this_machine_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/x", headers={**BEARER, "Host": host}).text == "GET /x"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8123",
        "127.0.0.1",
        "[::1]:81",
        "127.0.0.1.evil.example:8123",
        "127.0.0.1:8123@evil.example",
        "",
    ],
)
def test_a_name_led_here_is_refused_token_or_not(client: TestClient, host: str) -> None:
    for given in (BEARER, {}):
        answer = client.get("/api/v1/papers", headers={**given, "Host": host})

        assert answer.status_code == 421
        assert answer.json()["error"] == "this address is answered as 127.0.0.1:8123 or localhost:8123 alone"


def test_two_names_are_one_too_many(client: TestClient) -> None:
    headers = [("Host", "127.0.0.1:8123"), ("Host", "evil.example"), *BEARER.items()]

    assert client.get("/x", headers=headers).status_code == 421


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "https://127.0.0.1:8123"},
        {"Origin": "http://127.0.0.1:8124"},
        {"Origin": "http://localhost:8123"},  # asks 127.0.0.1: another origin to a browser
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": HERE, "Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("given", [BEARER, COOKIE], ids=["bearer", "cookie"])
def test_a_foreign_page_is_refused(client: TestClient, foreign: Any, method: str, given: Any) -> None:
    answer = client.request(method, "/x", headers={**given, **foreign})

    assert (answer.status_code, answer.text) == (403, "another site may not ask here\n")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer "},
        {"Cookie": "kb_token=wrong"},
        {"Cookie": "kb_token="},
        {"Cookie": f"other={TOKEN}"},
        {"Cookie": "kb_token=\xe9.\xff"},
    ],
    ids=str,
)
def test_without_the_token_nothing_is_answered(client: TestClient, given: Any) -> None:
    for path in ("/x", "/api/v1/search?query=x", "/api/v1/openapi.json", "/?a=b", "/api/v1/x?token=" + TOKEN):
        answer = client.get(path, headers={name: value.encode("latin-1") for name, value in given.items()})

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_program_reads_a_refusal_as_json_and_a_person_as_a_line(client: TestClient) -> None:
    line = "no token, or a wrong one; open the address that kb serve prints"

    assert client.get("/api/v1/tags").json() == {"ok": False, "schema": 1, "data": None, "error": line}
    assert client.get("/").text == f"{line}\n"


def test_the_address_with_the_token_sets_a_cookie_and_shows_it_no_more(client: TestClient) -> None:
    answer = client.get(f"/paper/dm%20codec?q=%E5%A3%B0&token={TOKEN}&n=1", headers={"Sec-Fetch-Site": "none"})

    assert answer.status_code == 303
    assert answer.headers["location"] == f"{HERE}/paper/dm%20codec?q=%E5%A3%B0&n=1"
    assert answer.headers["set-cookie"] == f"kb_token={TOKEN}; HttpOnly; Path=/; SameSite=strict"
    assert client.get(answer.headers["location"]).text == "GET /paper/dm codec"
    assert client.get("/?token=wrong").status_code == 401


def test_the_address_leads_nowhere_else(client: TestClient) -> None:
    answer = client.get(f"{HERE}//evil.example/?token={TOKEN}")

    assert answer.headers["location"] == f"{HERE}//evil.example/"


def test_another_knowledge_base_in_the_same_browser_keeps_its_token(client: TestClient) -> None:
    answer = client.get(f"/?token={TOKEN}", headers={"Cookie": "kb_token=of-another-port"})

    assert answer.headers["set-cookie"].startswith(f"kb_token=of-another-port.{TOKEN};")
    assert client.get("/x", headers={"Cookie": f"kb_token={TOKEN}.of-another-port"}).status_code == 200
    many = ".".join(f"old{number}" for number in range(20))
    answer = client.get(f"/?token={TOKEN}", headers={"Cookie": f"kb_token={many}.{TOKEN}"})
    assert len(answer.headers["set-cookie"].partition(";")[0].split(".")) == 8


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_write_by_cookie_needs_to_come_from_here(client: TestClient, method: str) -> None:
    assert client.request(method, "/x", headers=COOKIE).status_code == 403
    assert client.request(method, "/x", headers={**COOKIE, "Sec-Fetch-Site": "none"}).status_code == 403
    for own in (
        {"Origin": HERE},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": HERE, "Sec-Fetch-Site": "same-origin"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},  # a form, whose page tells nobody where it is
    ):
        assert client.request(method, "/x", headers={**COOKIE, **own}).status_code == 200
    assert client.request(method, "/x", headers=BEARER).status_code == 200


def test_every_answer_says_what_a_page_may_do(client: TestClient) -> None:
    for answer in (
        client.get("/x", headers=BEARER),
        client.get("/x"),
        client.get("/x", headers={"Host": "evil.example"}),
        client.get(f"/?token={TOKEN}"),
    ):
        assert answer.headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'; img-src 'self' data:"
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"


def test_pictures_of_the_web_are_loaded_where_the_reader_allows_them(client: TestClient) -> None:
    for cookie, allowed in (("1", True), ("0", False), ("11", False)):
        answer = client.get("/x", headers={**BEARER, "Cookie": f"kb_pictures={cookie}; odd[=x"})

        assert answer.headers["content-security-policy"].endswith("img-src 'self' data: https:") == allowed


def test_an_answer_may_say_how_long_it_is_kept(client: TestClient) -> None:
    answer = client.get("/style.css?kept=max-age%3D3600", headers=BEARER)

    assert answer.headers["cache-control"] == "max-age=3600"
