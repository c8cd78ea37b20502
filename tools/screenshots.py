"""Take the pictures of a month's page that README shows, in a headless Chromium.

python tools/screenshots.py
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from kb.config.kb_toml import load_config
from kb.index.sqlite.reader import Reader
from kb.index.words import refresh
from kb.notes.folders import find_changes
from kb.reports import digest as digests
from kb.reports import html_page as pages
from kb.reports.periods import period

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MONTHS = ("2024-10", "2024-11", "2025-05")
LARGEST = 300 * 1024  # bytes of a picture
WIDE = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 780}


def write_pages(folder: Path) -> None:
    """Write the pages of our own notes with what came of their claims when the knowledge base last ran them."""
    config = load_config(ROOT)
    known = Reader(config.database).files.stamps() if config.database.is_file() else {}
    refresh(config, find_changes(config, known))
    reader = Reader(config.database)
    made = [digests.digest(reader, period(month)) for month in MONTHS]
    for digest in made:
        text = pages.month_page(config, digest, folder, MONTHS)
        (folder / pages.page_name(digest.month)).write_text(text, encoding="utf-8")
    (folder / pages.INDEX_NAME).write_text(pages.index_page(config, made), encoding="utf-8")


def light(page: Any) -> None:
    """The top of a month."""


def dark(page: Any) -> None:
    """A month that is filtered, with a claim that does not hold."""
    page.fill("#filter", "标签 音频")
    page.evaluate("document.querySelector('section:not([hidden])').scrollIntoView()")


def phone(page: Any) -> None:
    """An entry and the next."""
    page.evaluate("document.querySelectorAll('article')[8].scrollIntoView()")


PICTURES = (
    ("page-light.png", "2024-10", "light", WIDE, 1, light),
    ("page-dark.png", "2024-11", "dark", WIDE, 1, dark),
    ("page-phone.png", "2024-10", "light", PHONE, 2, phone),
)


def main() -> None:
    """Write each picture to docs/, and stop at one that grew too large."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not browser:
        raise SystemExit(f"needs one of {', '.join(BROWSERS)} on the path")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        write_pages(Path(folder))
        chromium = play.chromium.launch(executable_path=browser)
        for name, month, scheme, size, scale, prepare in PICTURES:
            page = chromium.new_page(viewport=size, color_scheme=scheme, device_scale_factor=scale)
            page.goto((Path(folder) / pages.page_name(month)).as_uri())
            prepare(page)
            path = ROOT / "docs" / name
            page.screenshot(path=path)
            page.close()
            if path.stat().st_size > LARGEST:
                raise SystemExit(f"{name} is larger than {LARGEST // 1024} KB")
        chromium.close()


if __name__ == "__main__":
    main()
