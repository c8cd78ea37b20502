"""Pages of digests, as Chromium and a strict HTML parser see them."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import html5lib
import pytest

from kb.errors import KbError
from kb.records import Change, DigestClaim, DigestEntry, MonthlyDigest
from kb.reports import digest as digests
from kb.reports import html_page as pages
from kb.reports.periods import period
from kb.reports.since_last import written
from tests.faults.killing import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parent.parent
OWN_MONTHS = ("2024-10", "2024-11")
BEFORE = "## Speech\n\n**《Quiet Neighbour》** Good，安静\n\n一段 **正文**，公式 $a_1*b*c$。\n"
AFTER = "## Speech\n\n**《Another Neighbour》** Good，安静\n\n另一段。\n"
EVIL = """\
## Speech

**《<script>evil()</script> \u202eover {{ 7 * 7 }}》** <img src=x onerror=evil()>，{% raw %}、a\u2067b

<script>evil()</script><img src="https://evil.example/a.png" onerror="evil()"><style>*{display:none}</style>

[a](javascript:evil()) [b](JaVaScript&colon;evil()) [c](data:text/html,<script>evil()</script>) <javascript:evil()>
[d](https://example.org/"onmouseover="evil()) ![e](javascript:evil())
![f](https://evil.example/f.png "x\\" onload=evil()")

{{ ''.__class__.__mro__ }} {% include "month.html.j2" %} \u202e&#x202e;gnirts\u2066 </article></main>
</body> <!-- ]]> -->

| a | b |
| - | - |
| <svg onload=evil()> | `</script>` |

**《Long Line》** Bad，长

LINE

**《Open Fence》** Bad，未完

> - > - **open *and [open

```html
<script>evil()</script>
"""
FOUND = "[...document.querySelectorAll('article:not([hidden]) h3')].map((title) => title.textContent)"


def month_digest(kb: Any, month: str) -> MonthlyDigest:
    kb.refresh()
    return digests.digest(kb.reader(), period(month))


@pytest.fixture(scope="module")
def evil_and_quiet(new_kb: Callable[[], Any]) -> tuple[str, str]:
    """A page with entries that mean harm between two others, and one with the others alone."""
    evil = EVIL.replace("LINE", "长" * 500_000 + "x" * 500_000)
    made = []
    for texts in ((BEFORE, evil, AFTER), (BEFORE, "", AFTER)):
        kb = new_kb()
        for name, text in zip("abc", texts, strict=True):
            kb.write(f"2024-09-{name}.md", text)
        made.append(pages.month_page(kb.config, month_digest(kb, "2024-09")))
    return made[0], made[1]


@pytest.fixture(scope="module")
def evil(evil_and_quiet: tuple[str, str]) -> str:
    return evil_and_quiet[0]


@pytest.fixture(scope="module")
def own_pages(new_kb: Callable[[], Any]) -> Path:
    """The pages of the project's own notes, in a folder with their index."""
    kb = new_kb()
    for month in OWN_MONTHS:
        kb.write(f"{month}.md", (ROOT / "notes" / f"{month}.md").read_text(encoding="utf-8"))
    made = [month_digest(kb, month) for month in OWN_MONTHS]
    folder = kb.root / "pages"
    folder.mkdir()
    for digest in made:
        text = pages.month_page(kb.config, digest, folder, OWN_MONTHS)
        (folder / pages.page_name(digest.month)).write_text(text, encoding="utf-8")
    (folder / pages.INDEX_NAME).write_text(pages.index_page(kb.config, made), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def trees(own_pages: Path) -> dict[str, Any]:
    """The same pages as a parser reads them that stops at the first mistake."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return {path.name: parser.parse(path.read_text(encoding="utf-8")) for path in own_pages.iterdir()}


@pytest.fixture(scope="session")
def window(chromium: Any) -> Callable[..., Any]:
    """Open windows of one width and kind in one process of the browser."""

    @cache
    def window(width: int, **options: Any) -> Any:
        made = chromium.new_context(viewport={"width": width, "height": 800}, **options)
        made.set_default_timeout(PATIENCE_SECONDS * 1000)
        made.add_init_script("globalThis.evil = () => { globalThis.ran = true }")
        return made

    return window


@pytest.fixture
def see(window: Callable[..., Any], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open a page; when the test ends nothing may have been requested but pages, and nothing complained."""
    tabs, complaints, requests = [], [], []

    def opened(page: str | Path, fragment: str = "", width: int = 1280, **options: Any) -> Any:
        if isinstance(page, str):
            path = tmp_path / "page.html"
            path.write_text(page, encoding="utf-8")
        else:
            path = page
        tab = window(width, **options).new_page()
        tabs.append(tab)
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: complaints.append(dialog.message))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(path.as_uri() + fragment)
        return tab

    yield opened
    for tab in tabs:
        tab.close()
    assert complaints == []
    assert [url for url in requests if not re.match(r"file:///[^?#]*\.html(#|$)", url)] == []


@pytest.fixture
def october(kb: Any) -> str:
    return pages.month_page(kb.config, month_digest(kb, "2024-10"), months=("2024-08", "2024-10"))


CODEC, TONE = "TinyCodec: A Small Speech Codec", "Do Units Keep Tone?"
QUERIES = [
    ("残差向量", [CODEC]),
    ("RVQ", [CODEC]),
    ("ＲＶＱ", [CODEC]),
    ("edinburgh", [TONE]),
    ("离散 tone", [TONE]),
    ("搜索", ["Prompt Search: Editing Instructions One Piece at a Time"]),
    ("组合", ["Prompt Search: Editing Instructions One Piece at a Time"]),
    ("speech", [CODEC]),
    ("rvq 声调", []),
    ("链接", []),  # a word of the page, not of the notes
]


def test_the_filter_leaves_entries_with_every_word(see: Any, october: str) -> None:
    page = see(october)
    for query, found in QUERIES:
        page.fill("#filter", query)

        assert page.evaluate(FOUND) == found, query
        assert page.locator("section[data-section]:visible").count() == (1 if found else 0)
        assert page.locator("[data-toc-entry]:visible").count() == len(found)
        assert page.inner_text("#count") == f"{len(found)} / 3 篇"
        assert page.is_visible("#nothing") == (not found)


def test_the_filter_says_when_a_word_stands_in_the_folded_note(see: Any, october: str) -> None:
    page = see(october)
    page.fill("#filter", "声学延迟")
    assert page.locator(".inside:visible").count() == 1
    page.fill("#filter", "残差向量")
    assert page.locator(".inside:visible").count() == 0


def test_a_query_can_be_shared(see: Any, october: str) -> None:
    page = see(october)
    page.fill("#filter", "离散 tone")
    shared = page.evaluate("location.hash.slice(1)")

    assert shared == "q=%E7%A6%BB%E6%95%A3%20tone"
    assert see(october, f"#{shared}").evaluate(FOUND) == ["Do Units Keep Tone?"]
    assert len(see(october, "#q=%").evaluate(FOUND)) == 0


def test_keywords_filter_and_back_undoes_it(see: Any, october: str) -> None:
    page = see(october)
    page.click("article .chip >> text=Speech Codec")
    assert page.input_value("#filter") == "Speech Codec"
    assert page.evaluate(FOUND) == ["TinyCodec: A Small Speech Codec"]
    page.go_back()
    assert len(page.evaluate(FOUND)) == 3


def test_an_entry_that_is_linked_to_is_never_hidden(see: Any, october: str) -> None:
    page = see(october)
    page.fill("#filter", "tone")
    target = page.evaluate("document.querySelector('article[hidden]').id")
    page.evaluate("(id) => { location.hash = id }", target)
    page.wait_for_function("(id) => !document.getElementById(id).hidden", arg=target)
    assert page.input_value("#filter") == ""


def test_the_keyboard_is_enough(see: Any, october: str) -> None:
    page = see(october)
    page.keyboard.press("/")
    page.keyboard.type("a/b")
    assert page.input_value("#filter") == "a/b"
    page.keyboard.press("Escape")
    assert page.input_value("#filter") == ""
    assert len(page.evaluate(FOUND)) == 3
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "BODY"

    reached = []
    look = """() => {
      const one = document.activeElement, style = getComputedStyle(one), bar = one.closest("#bar");
      const isSeen = style.outlineStyle !== "none" || (bar && getComputedStyle(bar).boxShadow !== "none");
      return [one.tagName, Boolean(isSeen)];
    }"""
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(look))
    assert {tag for tag, _ in reached} >= {"A", "INPUT", "SUMMARY"}
    assert [tag for tag, is_seen in reached if tag != "BODY" and not is_seen] == []


def test_what_is_still_being_typed_in_chinese_does_not_filter(see: Any, october: str) -> None:
    page = see(october)
    page.evaluate("""() => {
      const box = document.getElementById("filter");
      box.value = "li'san";
      box.dispatchEvent(new InputEvent("input", { isComposing: true }));
    }""")
    assert len(page.evaluate(FOUND)) == 3
    page.evaluate("""() => {
      const box = document.getElementById("filter");
      box.value = "离散";
      box.dispatchEvent(new CompositionEvent("compositionend"));
    }""")
    assert page.evaluate(FOUND) == ["Do Units Keep Tone?"]


def test_without_scripts_all_is_there_but_the_filter(see: Any, october: str) -> None:
    page = see(october, java_script_enabled=False)
    assert page.locator("article:visible").count() == 3
    assert not page.is_visible("#filter")


# --- what notes hold -------------------------------------------------------------------------------------------------


def test_nothing_that_a_note_holds_runs(see: Any, evil: str) -> None:
    page = see(evil)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")

    assert page.evaluate("globalThis.ran") is None
    assert page.locator("article").count() == 5
    assert page.locator("script").count() == page.locator("style").count() == 1
    assert page.locator("img, svg, iframe, object, embed, form, base, link").count() == 0
    attributes = page.evaluate("[...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames())")
    assert [name for name in attributes if name.startswith("on") or name == "style"] == []
    schemes = page.evaluate("[...document.querySelectorAll('[href]')].map((one) => one.protocol)")
    assert set(schemes) <= {"file:", "https:"}
    text = str(page.text_content("main"))
    assert "{{ 7 * 7 }}" in text
    assert "49" not in page.inner_text("article:nth-of-type(2) h3")
    assert "<script>evil()</script>" in text


def test_a_script_that_got_in_would_not_run(chromium: Any, october: str, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(october.replace("</main>", "<script>ran = 1</script><b onclick='ran = 1'>b</b></main>"), "utf-8")
    page = chromium.new_page()
    page.goto(path.as_uri())
    page.click("main b")
    assert page.evaluate("typeof ran") == "undefined"
    page.close()


def test_a_note_changes_no_other_entry(see: Any, evil_and_quiet: tuple[str, str]) -> None:
    def neighbours(text: str) -> list[str]:
        page = see(text)
        both = [page.locator(f"article:has(h3:has-text('{name} Neighbour'))") for name in ("Quiet", "Another")]
        return [one.evaluate("(one) => one.outerHTML") for one in both]

    def written(text: str) -> list[str]:
        found = re.findall(r"(?s)<article.*?</article>", text)
        return [found[0], found[-1]]

    evil, quiet = evil_and_quiet
    assert written(evil) == written(quiet)
    assert neighbours(evil) == neighbours(quiet)
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", evil)


def test_nothing_makes_the_page_wider_than_a_phone(see: Any, evil: str, own_pages: Path) -> None:
    for page in (evil, own_pages / "2024-11.html", own_pages / "index.html"):
        tab = see(page, width=360)
        tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        tab.evaluate("document.querySelectorAll('*').forEach((one) => { one.style.contentVisibility = 'visible' })")
        assert tab.evaluate("document.documentElement.scrollWidth") == 360
        assert tab.evaluate("document.body.scrollWidth") == 360


def test_pages_are_valid_html(kb: Any, october: str, evil: str, trees: dict[str, Any]) -> None:
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    made = [parser.parse(text) for text in (october, evil, pages.index_page(kb.config, []))]
    for tree in (*trees.values(), *made):
        ids = [one.get("id") for one in tree.iter() if one.get("id")]
        assert len(ids) == len(set(ids))
        assert {name for one in tree.iter() for name in one.get("aria-labelledby", "").split()} <= set(ids)


def test_the_same_digest_gives_the_same_bytes(kb: Any, october: str) -> None:
    assert pages.month_page(kb.config, month_digest(kb, "2024-10"), months=["2024-10", "2024-08"]) == october


# --- how it looks ----------------------------------------------------------------------------------------------------

COLOURS = """() => {
  const seen = new Set();
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "none";
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !one.checkVisibility() || one.closest("script")) continue;
    seen.add(getComputedStyle(one).color + "|" + behind(one) + "|" + one.className);
  }
  const box = document.getElementById("filter");
  seen.add(getComputedStyle(box, "::placeholder").color + "|" + behind(box) + "|placeholder");
  return [...seen];
}"""


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it: "rgb(0, 0, 0)" on "rgb(255, 255, 255)" -> 21."""

    def luminance(colour: str) -> float:
        levels = [int(level) / 255 for level in re.findall(r"\d+", colour)]
        assert len(levels) == 3, colour
        linear = [level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels]
        return sum(weight * level for weight, level in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


STATES = (
    ("holds", False),
    ("contradicted", False),
    ("contradicted", True),
    ("stale", False),
    ("not-runnable", False),
)


def claim(entry: DigestEntry, state: str, is_noted: bool) -> DigestClaim:
    return DigestClaim(
        id=f"{state}-{is_noted}",
        says=f"说法 `{state}`",
        state=state,
        is_expected=is_noted,
        reason="因为" if is_noted else None,
        says_figures="88",
        computed_figures="" if state == "not-runnable" else "89",
        paper=entry.paper.id,
        file="2024-10.md",
        line=9,
        run="arithmetic.ratio",
        code=None,
    )


def with_every_claim(kb: Any) -> MonthlyDigest:
    """October, its first entry with a claim of each state."""
    digest = month_digest(kb, "2024-10")
    entry: DigestEntry = digest.sections[0].entries[0]
    claims = tuple(claim(entry, *state) for state in STATES)
    counts = {"claims": 5, "holds": 1, "contradicted": 2, "as_noted": 1, "stale": 1, "not-runnable": 1}
    section = digest.sections[0].model_copy(update={"entries": (entry.model_copy(update={"claims": claims}),)})
    sections = (section, *digest.sections[1:])
    return digest.model_copy(update={"sections": sections, "claims": claims, "claim_counts": counts})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(see: Any, kb: Any, scheme: str) -> None:
    assert contrast("rgb(0, 0, 0)", "rgb(255, 255, 255)") == pytest.approx(21)
    assert contrast("rgb(119, 119, 119)", "rgb(255, 255, 255)") == pytest.approx(4.48, abs=0.01)
    page = see(pages.month_page(kb.config, with_every_claim(kb), months=["2024-08", "2024-09"]), color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    page.evaluate("document.querySelectorAll('[hidden], .inside').forEach((one) => { one.hidden = false })")
    colours = [text.split("|") for text in page.evaluate(COLOURS)]

    assert {"mark holds", "mark contradicted", "mark as_noted", "mark stale", "mark not-runnable", "nothing"} <= {
        name for *_, name in colours
    }
    assert len({behind for _, behind, _ in colours}) == 2
    assert [(name, contrast(ink, behind)) for ink, behind, name in colours if contrast(ink, behind) < 4.5] == []
    is_dark = contrast(colours[0][1], "rgb(0, 0, 0)") < contrast(colours[0][1], "rgb(255, 255, 255)")
    assert is_dark == (scheme == "dark")


def test_claims_are_marked_in_words_with_both_figures(see: Any, kb: Any) -> None:
    page = see(pages.month_page(kb.config, with_every_claim(kb)))
    shown = " ".join(str(page.text_content("article .claims details summary")).split())
    lines = [" ".join(one.inner_text().split()) for one in page.locator(".claims > ul > li").all()]

    assert shown == "✓ 1 成立"
    assert lines == [
        "✗ 不成立 说法 contradicted 笔记 88 算得 89",
        "✗ 不成立（笔记已说明） 说法 contradicted 因为 笔记 88 算得 89",
        "↻ 待核对 说法 stale 笔记 88 算得 89",
        "– 此处不能运行 说法 not-runnable 笔记 88",
    ]
    page.click(".claims summary")
    assert " ".join(page.inner_text(".claims details li").split()) == "说法 holds 笔记 88 算得 89"
    assert page.locator(".ledger tbody tr").count() == 5


def test_headings_go_down_one_level_at_a_time(trees: dict[str, Any]) -> None:
    for tree in trees.values():
        levels = [int(one.tag[1]) for one in tree.iter() if re.fullmatch(r"h[1-6]", str(one.tag))]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_screen_reader_finds_its_way(see: Any, own_pages: Path) -> None:
    page = see(own_pages / "2024-10.html")
    for role in ("banner", "main", "search", "searchbox", "status"):
        assert page.get_by_role(role).count() == 1, role
    assert page.get_by_role("navigation", name="目录").count() == 1
    assert page.get_by_role("article", name="DM-Codec: Distilling Multimodal").count() == 1
    assert page.get_by_role("region", name="Speech").count() == 1
    assert page.get_by_role("searchbox", name="筛选").get_attribute("aria-describedby") == "count"
    assert page.get_attribute("#count", "aria-live") == "polite"


LINES = """(selector) => [...document.querySelectorAll(selector)].flatMap((one) => {
  const walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT), firsts = [];
  let below = -1e9;
  while (walker.nextNode()) {
    for (let at = 0; at < walker.currentNode.length; at++) {
      const range = document.createRange();
      range.setStart(walker.currentNode, at);
      range.setEnd(walker.currentNode, at + 1);
      const box = range.getBoundingClientRect();
      if (!box.width) continue;
      if (box.top > below) firsts.push(walker.currentNode.data[at]);
      below = Math.max(below, box.bottom - 2);
    }
  }
  return firsts;
})"""


def test_no_line_of_chinese_begins_with_what_ends_one(see: Any, own_pages: Path) -> None:
    page = see(own_pages / "2024-11.html", width=360)
    firsts = page.evaluate(LINES, ".summary")

    assert len(firsts) > 60
    assert set(firsts) & set("，。、；：？！）》”’…%") == set()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.get_attribute("article h3", "lang") == "en"
    assert page.get_attribute("article .summary", "lang") == "zh-CN"
    assert (
        page.evaluate(
            "[...document.querySelectorAll('*')].filter((one) => getComputedStyle(one).textAlign == 'justify').length"
        )
        == 0
    )


def test_on_paper_stand_the_whole_notes_and_no_controls(see: Any, own_pages: Path) -> None:
    page = see(own_pages / "2024-10.html")
    page.emulate_media(media="print")

    assert not page.is_visible("#filter")
    assert not page.is_visible(".contents")
    assert page.locator("article .note").first.evaluate("(one) => one.checkVisibility({ contentVisibilityAuto: true })")


# --- what it shows ---------------------------------------------------------------------------------------------------


def test_the_pages_of_our_own_notes_lead_to_each_other_and_to_what_is_there(
    see: Any, own_pages: Path, trees: dict[str, Any]
) -> None:
    ids = {name: {one.get("id") for one in tree.iter() if one.get("id")} for name, tree in trees.items()}
    links = [(name, one.get("href")) for name, tree in trees.items() for one in tree.iter("a")]
    local = [(name, href) for name, href in links if not href.startswith(("https:", "http:", "mailto:", "#q="))]

    assert len(local) > 200
    for name, href in local:
        file, _, fragment = href.partition("#")
        if file and not file.endswith(".html"):
            assert (own_pages / file).is_file(), href
        elif fragment:
            assert fragment in ids[file or name], href
        else:
            assert file in trees
    for name in trees.keys() - {"index.html"}:
        see(own_pages / name)
    page = see(own_pages / "index.html")
    page.fill("#filter", "dm-codec")
    page.click("[data-entry]:visible a")
    assert page.wait_for_selector(":target h3", state="attached").inner_text().startswith("DM-Codec")


def test_pictures_are_links_with_the_number_they_have_in_the_note(see: Any, october: str) -> None:
    page = see(october)
    address = "https://arxiv.org/html/2410.00037v1/figure.png"
    assert page.locator(".links a.figure").get_attribute("href") == address
    page.click("article:has(a.figure) summary")
    assert page.locator(".note a.figure").inner_text() == page.locator(".links a.figure").inner_text() == "图 1"


def test_earlier_papers_are_linked_where_their_month_has_a_page(kb: Any, october: str) -> None:
    assert 'href="2024-08.html#2024-08/oldcodec"' in october
    alone = pages.month_page(kb.config, month_digest(kb, "2024-10"))
    assert "2024-08.html" not in alone
    assert "OldCodec: Residual Quantizers for a Speech Codec" in alone


def test_links_to_files_beside_a_note_are_written_as_seen_from_the_page(kb: Any) -> None:
    kb.write(
        "2024/07.md", "---\ntitle: 2024年7月\n---\n**《Near》** X，Y\n\n![](fig/1.png) ![](../b.png) [c](/c.png)\n"
    )
    page = pages.month_page(kb.config, month_digest(kb, "2024-07"), kb.root / "out" / "html")
    assert 'href="../../notes/2024/fig/1.png"' in page
    assert 'href="../../notes/b.png"' in page
    assert 'href="/c.png"' not in page


def test_a_page_in_english(kb: Any, see: Any) -> None:
    kb.refresh()
    page = see(pages.month_page(kb.config, digests.digest(kb.reader(), period("2024-10"), "en")))
    assert page.evaluate("document.documentElement.lang") == "en"
    page.fill("#filter", "tone")
    assert page.inner_text("#count") == "1 of 3 papers"


def test_what_is_new_and_what_goes_on_stands_apart(see: Any, kb: Any) -> None:
    page = see(pages.month_page(kb.config, month_digest(kb, "2024-10")))
    groups = page.evaluate("[...document.querySelectorAll('h3.group')].map((one) => one.textContent)")
    chips = [" ".join(one.inner_text().split()) for one in page.locator("h3.group + ul").all()]

    assert groups == ["延续的主题", "新主题"]
    assert chips == ["Speech Codec 此前三个月 1", "提示词 搜索 离散表示"]
    assert page.inner_text(".overview").startswith("共读论文 3 篇")


def test_a_page_tells_what_changed_and_remembers_what_it_held(see: Any, kb: Any) -> None:
    changes = (
        Change(kind="added", id="2024-10/tinycodec", title="TinyCodec: A Small Speech Codec"),
        Change(kind="removed", id="2024-10/gone", title="2024-10/<gone> -->"),
    )
    text = pages.month_page(kb.config, month_digest(kb, "2024-10").model_copy(update={"changes": changes}))
    page = see(text)

    assert page.locator(".changes li").all_inner_texts() == [
        "新增 TinyCodec: A Small Speech Codec",
        "已移除 2024-10/<gone> -->",
    ]
    page.click(".changes a")
    assert page.evaluate("document.querySelector(':target h3').textContent") == "TinyCodec: A Small Speech Codec"
    remembered = written(text)
    assert remembered
    assert remembered.changes == changes
    assert len(remembered.entries) == 3


def test_a_month_without_papers_says_so(see: Any, kb: Any) -> None:
    page = see(pages.month_page(kb.config, month_digest(kb, "2020-01")))
    assert page.inner_text(".overview") == "这段时间没有论文笔记。"
    assert not page.is_visible("#nothing")


AFTER_20_FRAMES = """() => new Promise((done) => {
    const next = (left) => left ? requestAnimationFrame(() => next(left - 1)) : done()
    next(20)
})"""


def test_among_many_entries_a_link_leads_to_its_title(see: Any, empty_kb: Any) -> None:
    entries = (
        f"**《Note {number}》** X，Y\n\n" + "一句。\n\n" + f"- 点 {number}\n" * (number % 5) for number in range(120)
    )
    empty_kb.write("2024-09.md", "## A\n\n" + "\n".join(entries))
    page = see(pages.month_page(empty_kb.config, month_digest(empty_kb, "2024-09")))
    assert page.locator("article").count() == 120
    page.fill("#filter", "点")
    assert page.evaluate(FOUND)[:2] == ["Note 1", "Note 2"]
    page.fill("#filter", "")
    for number in (60, 119, 3):
        page.locator("[data-toc-entry] a").nth(number).click()
        page.evaluate(AFTER_20_FRAMES)
        top = page.evaluate("document.querySelector(':target h3 a').getBoundingClientRect().top")
        bar = page.evaluate("document.getElementById('bar').getBoundingClientRect().bottom")
        at_end = page.evaluate("innerHeight + scrollY >= document.documentElement.scrollHeight - 1")
        assert at_end or 0 <= top - bar < 40, number


def test_what_is_found_is_in_sight(see: Any, own_pages: Path) -> None:
    page = see(own_pages / "2024-11.html")
    page.evaluate("scrollTo(0, 5000)")
    page.keyboard.press("/")
    page.keyboard.type("token")
    assert 0 < page.locator("article:not([hidden]) h3").first.bounding_box()["y"] < 400


def test_the_users_own_templates_come_first_and_stay_in_the_sandbox(kb: Any, see: Any) -> None:
    digest = month_digest(kb, "2024-10")
    own = kb.config.templates
    own.mkdir()
    (own / "page.css").write_text("body { color: rgb(1, 2, 3) }\n", encoding="utf-8")
    assert see(pages.month_page(kb.config, digest)).evaluate("getComputedStyle(document.body).color") == "rgb(1, 2, 3)"
    (own / "page.css").write_text("</style><script>", encoding="utf-8")
    with pytest.raises(KbError, match=r"page\.css"):
        pages.month_page(kb.config, digest)
    (own / "page.css").unlink()
    (own / "month.html.j2").write_text("{{ digest.sections[0].entries[0].paper.title }}<&", encoding="utf-8")
    assert pages.month_page(kb.config, digest) == "Prompt Search: Editing Instructions One Piece at a Time<&"
    (own / "month.html.j2").write_text("{{ digest.__class__.__mro__ }}", encoding="utf-8")
    with pytest.raises(KbError, match=r"month\.html\.j2"):
        pages.month_page(kb.config, digest)
    (own / "month.html.j2").write_text("line\n{% for %}", encoding="utf-8")
    with pytest.raises(KbError, match=r"month\.html\.j2:2"):
        pages.month_page(kb.config, digest)
