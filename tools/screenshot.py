"""Take the picture of a month's page that README shows, in a headless Chromium.

python tools/screenshot.py
"""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from kb.claims.catalog import code_of
from kb.config.kb_toml import load_config
from kb.index.sqlite.reader import Reader
from kb.index.words import refresh
from kb.notes.folders import find_changes
from kb.reports import digest as digests
from kb.reports import html_page as pages
from kb.reports.periods import period

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PICTURE = ROOT / "docs" / "page-light.png"
MONTH = "2024-10"
MONTHS = ("2024-10", "2024-11", "2025-05")  # the page leads to the next
LARGEST = 300 * 1024  # bytes of a picture
SIZE = {"width": 1280, "height": 860}


def write_page(path: Path) -> None:
    """Write the page of a month of our own notes, with what came of their claims when they last ran."""
    config = load_config(ROOT)
    known = Reader(config.database).files.stamps() if config.database.is_file() else {}
    refresh(config, find_changes(config, known))
    digest = digests.digest(Reader(config.database, code_of=code_of), period(MONTH))
    path.write_text(pages.month_page(config, digest, path.parent, MONTHS), encoding="utf-8")


def main() -> None:
    """Write the picture to docs/, unless it grew too large."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not browser:
        raise SystemExit(f"needs one of {', '.join(BROWSERS)} on the path")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        path = Path(folder) / pages.page_name(MONTH)
        write_page(path)
        chromium = play.chromium.launch(executable_path=browser)
        page = chromium.new_page(viewport=SIZE, color_scheme="light")
        page.goto(path.as_uri())
        picture = page.screenshot()
        chromium.close()
    if len(picture) > LARGEST:
        raise SystemExit(f"{PICTURE.name} is larger than {LARGEST // 1024} KB")
    PICTURE.write_bytes(picture)


if __name__ == "__main__":
    main()
