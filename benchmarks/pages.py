"""Measure how long a keystroke in the filter of a month's page takes in Chromium.

python benchmarks/pages.py [--entries 1000]

A keystroke lasts from its event until everything it changed is laid out; the frame that shows it comes after. The page
is made of our own notes, their sentences drawn anew for each entry.
"""

import argparse
import random
import re
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from measuring import ROOT, Row, show
from playwright.sync_api import sync_playwright

from kb.config.kb_toml import load_config
from kb.index.sqlite.reader import Reader
from kb.index.words import refresh
from kb.notes.folders import find_changes
from kb.reports import digest as digests
from kb.reports import html_page as pages
from kb.reports.periods import Period

MONTH = "2025-01"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TYPED = ("声学离散化", "speech tokenizer", "rvq 码本 12.5")
SENTENCES = 8  # an entry has
MOST_MS = 50
KEYSTROKES = """async (typed) => {
  const box = document.getElementById("filter");
  const layouts = [], frames = [];
  const states = typed.flatMap((text) => {
    const grown = [...text].map((_, end) => text.slice(0, end + 1));
    return [...grown, ...grown.slice(0, -1).reverse(), ""];
  });
  for (const state of states) {
    await new Promise((done) => requestAnimationFrame(done));
    const start = performance.now();
    box.value = state;
    box.dispatchEvent(new InputEvent("input"));
    document.body.offsetHeight;
    layouts.push(performance.now() - start);
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    frames.push(performance.now() - start);
  }
  return [layouts, frames];
}"""


def make_page(folder: Path, count: int) -> tuple[Path, float]:
    """Return the page of a month with count papers and the seconds that its rendering took."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "notes").glob("2*.md")))
    sentences = [
        one
        for one in re.split(r"(?<=[。；？])|\n", text)
        if 8 <= len(one) <= 260 and not re.search(r"^[`#|>]|《|http|\d{4}\.\d{4}", one)
    ]
    titles = re.findall(r"《(.+?)》", text)
    chance = random.Random(count)
    entries = [
        f"**《Note {number}: {chance.choice(titles)}》** CMU，SLM、RVQ\n\n"
        + "\n\n".join(chance.choices(sentences, k=SENTENCES))
        for number in range(count)
    ]
    (folder / "notes").mkdir()
    (folder / "kb.toml").write_text('encoder = "none"\n', encoding="utf-8")
    body = "\n\n".join(
        (f"## 第 {number // 50} 节\n\n" if number % 50 == 0 else "") + entry for number, entry in enumerate(entries)
    )
    (folder / "notes" / f"{MONTH}.md").write_text(f"---\ntitle: 2025年1月\n---\n\n{body}\n", encoding="utf-8")
    config = load_config(folder)
    refresh(config, find_changes(config, {}))
    digest = digests.digest(Reader(config.database), Period(MONTH, MONTH))
    started = time.perf_counter()
    made = pages.month_page(config, digest)
    seconds = time.perf_counter() - started
    path = folder / pages.page_name(MONTH)
    path.write_text(made, encoding="utf-8")
    return path, seconds


def main() -> None:
    """Print the figures of one page beside their budget."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--entries", type=int, default=1000)
    count = parser.parse_args().entries
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not browser:
        raise SystemExit(f"needs one of {', '.join(BROWSERS)} on the path")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        path, seconds = make_page(Path(folder), count)
        chromium = play.chromium.launch(executable_path=browser)
        page = chromium.new_page()
        page.goto(path.as_uri())
        entries = page.locator("[data-entry]").count()
        layouts, frames = page.evaluate(KEYSTROKES, TYPED)
        chromium.close()
        size = f"{entries:,} entries, {path.stat().st_size / 2**20:.1f} MiB"
    print("| page | what | figure | budget | |\n| --- | --- | ---: | ---: | --- |")
    show(size, Row("page rendered", seconds, "s", None))
    show(size, Row("first keystroke", layouts[0], "ms", MOST_MS))
    show(size, Row("keystroke, median", statistics.median(layouts), "ms", MOST_MS))
    show(size, Row(f"keystroke, slowest of {len(layouts)}", max(layouts), "ms", MOST_MS))
    show(size, Row("until it is painted, median", statistics.median(frames), "ms", None))


if __name__ == "__main__":
    main()
