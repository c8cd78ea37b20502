"""The page in Chromium: by keyboard alone, without scripts, with notes that mean harm, and by axe's rules."""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import HashEncoder, copied
from tests.faults.killing import PATIENCE_SECONDS
from tests.web.page_server import serving

ROOT = Path(__file__).resolve().parents[2]
CODEC, TONE = "TinyCodec: A Small Speech Codec", "Do Units Keep Tone?"
EVIL = """\
# <script>evil()</script>

## Speech <img src=x onerror=evil()>

**《<script>evil()</script> \u202eover {{ 7 * 7 }} evilcodec》** <img src=x onerror=evil()>，{% raw %}、a\u2067b

<script>evil()</script><img src="https://evil.example/a.png" onerror="evil()"><style>*{display:none}</style>

[a](javascript:evil()) [b](JaVaScript&colon;evil()) [c](data:text/html,<script>evil()</script>) <javascript:evil()>
[d](https://example.org/"onmouseover="evil()) ![e](javascript:evil())
![f](https://evil.example/f.png "x\\" onload=evil()") ![g](//evil.example/g.png) ![h](data:image/png;base64,AAAA)
![i](http://evil.example/i.png) <link rel=stylesheet href=https://evil.example/x.css> ![j](../../../../etc/passwd)

evilcodec {{ ''.__class__.__mro__ }} {% include "page.html.j2" %} \u202e&#x202e;gnirts\u2066 </article></main>
</body> <!-- ]]> --> <form action="https://evil.example"><button>evil</button></form>

$\\text{<script>evil()</script>}$ $"><img src=x onerror=evil()>$ $\\left<script>evil()$
$x</annotation><script>evil()</script>$ $WIDE$

| a | b |
| - | - |
| <svg onload=evil()> | `</script>` |

**《NAME》** "><script>evil()</script>，长

evilcodec LINE

```claim
id: <script>evil()</script>
says: <img src=x onerror=evil()>
run: "<script>evil()</script>"
expect: {"<b>": 1}
```
"""


ATTRIBUTES = "[...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames())"
SCHEMES = "[...document.querySelectorAll('[href]')].map((one) => one.protocol ?? 'http:')"
FOCUS = "[document.activeElement].map((one) => [one.tagName, getComputedStyle(one).outlineStyle])[0]"


@pytest.fixture(scope="module")
def own(verified: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of the project's own notes, with no marks."""
    with serving(copied(verified, tmp_path_factory.mktemp("own") / "kb").base) as address:
        yield address


@pytest.fixture
def small(kb: Any) -> Iterator[str]:
    with serving(kb.base) as address:
        yield address


@pytest.fixture
def see(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open a page; when the test ends nothing may have been asked of another place, and nothing complained."""
    windows, complaints, requests, places = [], [], [], set()

    def opened(address: str, path: str = "/", width: int = 1280, **options: Any) -> Any:
        window = chromium.new_context(viewport={"width": width, "height": 800}, **{"locale": "en-US"} | options)
        window.set_default_timeout(PATIENCE_SECONDS * 1000)
        window.add_init_script("globalThis.evil = () => { globalThis.ran = true }")
        windows.append(window)
        places.add(address)
        window.on("request", lambda request: requests.append(request.url))
        tab = window.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: complaints.append(dialog.message))
        tab.goto(address + path)
        return tab

    yield opened
    for window in windows:
        window.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(tuple(f"{place}/" for place in places))] == []


def until(page: Any, script: str, given: Any = None) -> None:
    """Wait until a script is true; the policy of the page forbids what playwright waits with."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not page.evaluate(script, given):
        assert time.monotonic() < deadline, script
        page.wait_for_timeout(10)


def hits(page: Any) -> list[str]:
    found: list[str] = page.locator("#results h2").all_inner_texts()
    return found


def at(page: Any) -> str:
    """Return the text of what has the focus."""
    return str(page.evaluate("document.activeElement.innerText"))


def test_a_whole_session_by_keyboard_alone(small: str, see: Callable[..., Any]) -> None:
    page = see(small)
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("speech codec")
    until(page, "document.title.startsWith('speech codec · ')")
    assert CODEC in hits(page)[:2]
    page.keyboard.press("Enter")
    first, second = hits(page)[:2]
    assert at(page) == first
    page.keyboard.press("j")
    assert at(page) == second
    page.keyboard.press("k")
    assert at(page) == first
    page.keyboard.press("j")
    page.keyboard.press("s")
    page.wait_for_selector("[data-item]:nth-of-type(2) .mark.on")
    page.keyboard.press("Enter")
    page.wait_for_url("**/paper/**")
    assert page.inner_text("h1") == second
    assert page.locator(".paper .mark.on[data-key=s]").count() == 1
    page.keyboard.press("r")
    page.wait_for_selector(".paper .mark.on[data-key=r]")
    page.keyboard.press("s")
    page.wait_for_selector(".paper .mark:not(.on)[data-key=s]")
    page.keyboard.press("b")
    page.wait_for_selector("#results h2")
    assert page.input_value("#q") == "speech codec"
    until(page, "(title) => document.activeElement.innerText === title", second)
    page.keyboard.press("?")
    assert page.is_visible("#help")
    page.keyboard.press("Escape")
    assert not page.is_visible("#help")
    page.keyboard.press("/")
    page.keyboard.type("is:read /")
    until(page, "document.querySelectorAll('#results h2').length === 1")
    assert hits(page) == [second]
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    page.wait_for_url("**/months")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/month/2024-10")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/paper/**")


def test_every_key_of_the_help_does_something(small: str, see: Callable[..., Any]) -> None:
    page = see(small)
    keys = page.locator("#help kbd").all_text_contents()
    assert keys == ["/", "j", "k", "Enter", "s", "r", "e", "m", "b", "Esc", "?"]
    script = (ROOT / "kb/web/page/static/page.js").read_text(encoding="utf-8")
    keydown = script.partition("const KEYS")[2]
    for key in keys:
        assert key in ("Enter", "Esc") or re.search(rf'^\s+"?{re.escape(key)}"?:', keydown, re.MULTILINE), key


def test_the_tab_key_reaches_what_can_be_done_and_shows_where_it_is(small: str, see: Callable[..., Any]) -> None:
    page = see(small, "/?q=RVQ")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUS))
    assert {tag for tag, _ in reached} >= {"A", "INPUT", "BUTTON", "SUMMARY"}
    assert [tag for tag, outline in reached if tag != "BODY" and outline == "none"] == []


def test_words_answer_before_meaning(kb: Any, see: Callable[..., Any]) -> None:
    base = kb.base
    base.encoder = lambda: (HashEncoder(), None)
    with serving(base) as address:
        asked = asked_while_typing(see(address))
    assert [("words=1" in url, "fragment=1" in url) for url in asked] == [(True, True), (False, True)]


def test_where_there_is_no_meaning_words_are_asked_once(small: str, see: Callable[..., Any]) -> None:
    assert ["words=1" in url for url in asked_while_typing(see(small))] == [True]


def asked_while_typing(page: Any) -> list[str]:
    """Return what the page asks for when one word is typed, all answers shown."""
    asked: list[str] = []
    page.on("request", lambda request: "/search?" in request.url and asked.append(request.url))
    with page.expect_response(lambda response: response.headers.get("kb-answer") == "whole"):
        page.fill("#q", "声调")
    until(page, "document.querySelector('#results p mark')?.innerText === '声调'")
    assert page.evaluate("location.search") == "?q=%E5%A3%B0%E8%B0%83"
    assert page.inner_text("#counted") == "1 paper"
    return asked


def test_the_answer_to_a_former_query_never_replaces_the_last(small: str, see: Callable[..., Any]) -> None:
    page = see(small)
    held = []
    page.route("**/search?q=RVQ&*", lambda route: held.append(route))
    page.fill("#q", "RVQ")
    until(page, "location.search === '?q=RVQ'")
    page.fill("#q", "tone")
    until(page, "document.querySelector('#results mark')?.innerText === 'Tone'")
    for route in held:
        route.abort()
    assert TONE in hits(page)
    assert page.inner_text("#notice") == ""


def test_what_is_still_being_typed_in_chinese_asks_nothing(small: str, see: Callable[..., Any]) -> None:
    page = see(small)
    page.evaluate("""() => {
      const box = document.getElementById("q");
      box.value = "sheng'diao";
      box.dispatchEvent(new InputEvent("input", { isComposing: true }));
    }""")
    assert page.evaluate("location.search") == ""
    page.evaluate("""() => {
      const box = document.getElementById("q");
      box.value = "声调";
      box.dispatchEvent(new CompositionEvent("compositionend"));
    }""")
    until(page, "document.querySelector('#results p mark')?.innerText === '声调'")


def test_filters_write_into_the_query(small: str, see: Callable[..., Any]) -> None:
    page = see(small, "/?q=RVQ")
    assert len(hits(page)) == 2
    page.click("summary:text('Month')")
    page.click(".menu a:has-text('2024-08')")
    assert page.input_value("#q") == "RVQ month:2024-08"
    until(page, "document.querySelectorAll('#results h2').length === 1")
    assert page.locator(".menu a[aria-current]").count() == 1
    assert page.locator(".menu[open]").count() == 0
    page.click("#results .chip")
    assert page.input_value("#q") == "RVQ"
    until(page, "document.querySelectorAll('#results h2').length === 2")


def test_without_scripts_one_searches_reads_and_marks(small: str, see: Callable[..., Any]) -> None:
    page = see(small, java_script_enabled=False)
    page.fill("#q", "残差向量")
    page.press("#q", "Enter")
    page.wait_for_selector("#results h2")
    assert hits(page)[0] == CODEC
    assert page.locator(".scripted:visible").count() == 0
    page.click("summary:text('Month')")
    page.click(".menu a:has-text('2024-10')")
    assert page.input_value("#q") == "残差向量 month:2024-10"
    page.click("#results h2 a")
    assert page.inner_text("h1") == CODEC
    page.click("[data-key=s]")
    assert page.inner_text("h1") == CODEC
    assert page.locator(".paper .mark.on").count() == 1
    page.click("nav >> text=Months")
    page.click("text=2024-08")
    assert "OldCodec" in page.inner_text("main")
    page.click("button:text('中文')")
    assert page.url.endswith("/month/2024-08")
    assert page.get_attribute("html", "lang") == "zh-CN"


def test_claims_and_references_run_from_a_paper(kb: Any, see: Callable[..., Any]) -> None:
    kb.write(
        "2024-12.md",
        "## A\n\n**《Sums: What They Come To》** CMU，算\n\n合计。\n\n```claim\nid: sums\nsays: 合计 100\n"
        "run: arithmetic.total\nwith: {parts: [89, 6, 5]}\nexpect: {total: 100}\n```\n",
    )
    kb.refresh()
    with serving(kb.base) as address:
        page = see(address, "/paper/2024-12/sums")
        assert page.inner_text(".state").strip() == "to be run"
        page.click("text=Compute again")
        page.wait_for_selector(".state.holds")
        assert page.locator(".both b").all_inner_texts() == ["100", "100"]
        page.goto(f"{address}/run/error-rate")
        page.fill("[name=said]", "a b c d")
        page.click("button[data-run]")
        page.wait_for_selector(".result table")


def test_notes_that_mean_harm_do_nothing(kb: Any, see: Callable[..., Any]) -> None:
    kb.write(
        "2024-09-<b>.md",
        EVIL.replace("WIDE", "w_w+" * 900 + "w")
        .replace("NAME", "长" * 3000 + "W" * 3000)
        .replace("LINE", "长" * 50_000 + "x" * 50_000),
    )
    kb.refresh()
    with serving(kb.base) as address:
        page = see(address, "/?q=evilcodec")
        assert len(hits(page)) == 2
        papers = page.evaluate("[...document.querySelectorAll('#results h2 a')].map((one) => one.pathname)")
        for path in ("/?q=evilcodec", "/", "/month/2024-09", *papers, "/?q=%3Cscript%3Eevil()%3C/script%3E"):
            for width in (1280, 360):
                page.set_viewport_size({"width": width, "height": 800})
                page.goto(address + path)
                assert page.evaluate("globalThis.ran") is None
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
                attributes = page.evaluate(ATTRIBUTES)
                assert [name for name in attributes if name.startswith("on") or name == "style"] == []
                assert page.locator("main :is(script, style, link, iframe, object, embed, base)").count() == 0
                actions = page.evaluate("[...document.forms].map((one) => one.getAttribute('action'))")
                assert [one for one in actions if one and not one.startswith("/")] == []
                schemes = page.evaluate(SCHEMES)
                assert set(schemes) <= {"http:", "https:", "mailto:"}
                assert not re.search("[\u202a-\u202e\u2066-\u2069]", page.content())
        page.fill("#q", "evilcodec <img src=x onerror=evil()>")
        until(page, "document.title.startsWith('evilcodec <img')")
        assert page.evaluate("globalThis.ran") is None


def test_pictures_of_the_web_are_asked_for_only_where_the_reader_allows_them(kb: Any, chromium: Any) -> None:
    kb.write(
        "2024-12.md",
        "## A\n\n**《Figures: Two of Them》** CMU，图\n\n![near](1.png) ![far](https://pictures.example/2.png)\n",
    )
    shutil.copy(ROOT / "docs" / "page-light.png", kb.notes / "1.png")
    kb.refresh()
    with serving(kb.base) as address:
        page = chromium.new_context(locale="en-US").new_page()
        asked = []
        page.route("https://pictures.example/**", lambda route: (asked.append(route.request.url), route.abort()))
        page.goto(f"{address}/paper/2024-12/figures")
        until(page, "document.images.length === 1 && document.images[0].naturalWidth > 0")
        assert asked == []
        page.click("text=Show pictures of the web")
        until(page, "document.images.length === 2 && [...document.images].every((one) => one.complete)")
        assert asked == ["https://pictures.example/2.png"]
        page.context.close()


PATHS = (
    "/",
    "/?q=声学 离散化 month:2024",
    "/paper/2024-11/salmonn",
    "/month/2024-10",
    "/months",
    "/run/rvq",
    "/paper/none",
)


def axe_script() -> str:
    places = (os.environ.get("KB_AXE"), str(ROOT / "node_modules" / "axe-core" / "axe.min.js"))
    path = next((Path(one) for one in places if one and Path(one).is_file()), None)
    if not path:
        pytest.skip("axe.min.js is not here: set KB_AXE to its path, or: npm install axe-core")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_axe_has_nothing_to_say(own: str, chromium: Any, scheme: str, width: int) -> None:
    script = axe_script()
    window = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, locale="zh-CN", bypass_csp=True
    )
    page = window.new_page()
    found = {}
    for path in PATHS:
        page.goto(own + path)
        page.evaluate(script)
        for menu in (None, ".menu:nth-child(2) summary", "[data-help]"):
            if menu and not page.is_visible(menu):
                continue
            if menu:
                page.click(menu)
            said = page.evaluate("axe.run({ resultTypes: ['violations'] })")
            found |= {(path, menu, one["id"]): one["nodes"][0]["html"] for one in said["violations"]}
    window.close()
    assert found == {}
