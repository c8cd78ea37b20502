"""Measure how long after a key the page that a process serves shows its hits, in Chromium.

python benchmarks/typing_hits.py KNOWLEDGE_BASE [--runs 3]

Queries are typed letter by letter. A key lasts from its event until the list of hits for all that is typed by then has
been laid out, by words; what meaning adds may come after. The server is a process of its own.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TYPED = ("声学延迟", "speech codec", "rvq 码本", "residual quantization", "tone")
PAUSE_MS = 150  # between keys: eighty words a minute
MOST_MS = 100
SERVER = """
import socket, sys, uvicorn
from starlette.applications import Starlette
from kb.api.base import open_base
from kb.web.page.routes import ROUTES
app = Starlette(routes=ROUTES)
app.state.base = open_base(sys.argv[1])
uvicorn.run(app, fd=int(sys.argv[2]), log_level="warning")
"""
WATCH = """() => {
  globalThis.keys = [];
  const box = document.getElementById("q");
  addEventListener("input", () => keys.push({ query: box.value, at: performance.now() }), true);
  const list = new MutationObserver(() => {
    document.body.offsetHeight;
    for (const key of keys) {
      if (!key.ms && document.title.startsWith(key.query.trim() + " · ")) key.ms = performance.now() - key.at;
    }
  });
  list.observe(document.querySelector("title"), { childList: true });
}"""


def typed(page: Page, text: str) -> float:
    """Type text, wait until its hits are shown, and return the milliseconds after the last key."""
    page.fill("#q", "")
    page.wait_for_timeout(4 * PAUSE_MS)
    page.evaluate("keys.length = 0")
    page.type("#q", text, delay=PAUSE_MS)
    deadline = time.monotonic() + 60
    while not (ms := page.evaluate("keys.at(-1)?.ms ?? 0")):
        if time.monotonic() > deadline:
            raise SystemExit(f"no hits for {text!r}")
        page.wait_for_timeout(5)
    return float(ms)


def main() -> None:
    """Print the milliseconds of each query."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not browser:
        raise SystemExit(f"needs one of {', '.join(BROWSERS)} on the path")
    listener = socket.create_server(("127.0.0.1", 0))
    command = [sys.executable, "-c", SERVER, str(given.base), str(listener.fileno())]
    paths = {**os.environ, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(command, pass_fds=[listener.fileno()], env=paths)
    try:
        with sync_playwright() as play:
            chromium = play.chromium.launch(executable_path=browser)
            page = chromium.new_page()
            page.goto(f"http://127.0.0.1:{listener.getsockname()[1]}/")
            page.evaluate(WATCH)
            found = {text: [typed(page, text) for _ in range(given.runs)] for text in TYPED}
            chromium.close()
    finally:
        server.terminate()
        server.wait()
    for text, times in found.items():
        print(f"{text:<24} {statistics.median(times):6.0f} ms  ({', '.join(f'{one:.0f}' for one in times)})")
    middle = statistics.median(one for times in found.values() for one in times)
    print(f"{'all, median':<24} {middle:6.0f} ms, at most {MOST_MS}")


if __name__ == "__main__":
    main()
