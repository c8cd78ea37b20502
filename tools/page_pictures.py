"""Take the pictures of the page that docs/page.md shows, in a headless Chromium, over the project's own notes.

python tools/page_pictures.py
"""

import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from playwright.sync_api import sync_playwright
from starlette.applications import Starlette

from kb.api.base import KnowledgeBase, open_base
from kb.web.page.routes import ROUTES

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FOLDER = ROOT / "docs" / "page"
LARGEST = 250 * 1024  # bytes of a picture
SEARCH, PAPER, MONTH = "/?q=声学 离散化", "/paper/2024-11/salmonn", "/month/2024-10"
WIDE, PHONE = {"width": 1200, "height": 840}, {"width": 390, "height": 780}
PICTURES = (  # name, address, size, colours, language, what to scroll to
    ("search-light-zh", SEARCH, WIDE, "light", "zh-CN", ""),
    ("search-dark-en", "/?q=speech tokenizer distilled from a language model", WIDE, "dark", "en", ""),
    ("search-phone-zh", SEARCH, PHONE, "light", "zh-CN", ""),
    ("paper-light-en", PAPER, WIDE, "light", "en", ""),
    ("formulas-light-zh", PAPER, WIDE, "light", "zh-CN", "p:has(msubsup)"),
    ("paper-dark-zh", PAPER, WIDE, "dark", "zh-CN", "#claims"),
    ("paper-phone-zh", PAPER, PHONE, "dark", "zh-CN", ""),
    ("month-light-zh", MONTH, WIDE, "light", "zh-CN", ""),
    ("month-phone-en", MONTH, PHONE, "light", "en", ""),
)


@contextmanager
def serving(base: KnowledgeBase) -> Iterator[str]:
    """Serve the page in a thread, and give its address."""
    app = Starlette(routes=ROUTES)
    app.state.base = base
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=[[listener]])
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def main() -> None:
    """Write the pictures to docs/page/, unless one grew too large."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not browser:
        raise SystemExit(f"needs one of {', '.join(BROWSERS)} on the path")
    FOLDER.mkdir(exist_ok=True)
    named = Path(tempfile.mkdtemp()) / "paper-kb"  # as the page is headed, wherever the checkout lies
    named.symlink_to(ROOT)
    base = open_base(named)
    base.refresh()
    with serving(base) as served, sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser)
        for name, address, size, colours, language, place in PICTURES:
            page = chromium.new_page(viewport=size, color_scheme=colours, locale=language)
            page.goto(served + address)
            if place:
                page.evaluate("(place) => document.querySelector(place).scrollIntoView()", place)
            if address == SEARCH and size is WIDE:
                page.keyboard.press("j")
            path = FOLDER / f"{name}.png"
            page.screenshot(path=path)
            page.close()
            if path.stat().st_size > LARGEST:
                raise SystemExit(f"{path.name} is larger than {LARGEST // 1024} KB")
        chromium.close()


if __name__ == "__main__":
    main()
