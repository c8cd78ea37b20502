"""Whatever notes hold, no command lets it steer the terminal it is shown on, and JSON says it in escapes."""

import json
import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from kb.terminal.contents import MODULES as COMMANDS
from tests.conftest import Kb

# A note's own colour, title of the window, link, report of a key, C1, DEL, carriage return, direction, no width, tags.
HOSTILE = (
    "\x1b[38;5;201mC\x1b]0;owned\x07\x1b]8;;http://evil.example/\x1b\\L\x1b[6n\x9b31m\x7f\x85\r\u202eD\u2066\u200f"
    "\u200b\u2060\ufeff\u00ad\u2028\U000e0041\U000e0001\u115f\ufe01\u061c"
)
IN_LINE = HOSTILE.replace("\r", "")  # which would end it
NOTE = f"""---
date: 2024-10-05
tags: [codec{IN_LINE}]
---

## Codecs{IN_LINE}

**《Hostile{IN_LINE}Codec: a neural codec》** CMU{IN_LINE}，残差{IN_LINE}量化
Authors: Ann{IN_LINE} Lee
https://arxiv.org/abs/2410.00001
[code{IN_LINE}](https://github.com/example/host{IN_LINE})

残差向量量化{IN_LINE} residual `co{IN_LINE}de` <b{IN_LINE}> $x{IN_LINE}$

| a{IN_LINE} | b |
| --- | --- |
| c{IN_LINE} | d |

```python{IN_LINE}
x = 1{IN_LINE}
```

[dead{IN_LINE}](gone{IN_LINE}.md)

```claim
says: bitrate{IN_LINE}
run: rvq.no_such{IN_LINE}
expect: {{kbps: 1}}
```

**《Hostile{IN_LINE}Codec: a neural codecs》** MIT，声调

Another one, nearly of that name.
"""
# What this program draws with: colours of its own, links, and on standard error a bar that moves.
OURS = re.compile(
    r"\x1b\[[\d;]*m|\x1b\]8;(?:id=[\w.-]+)?;[^\x1b]*\x1b\\|\x1b\[\?25[lh]|\x1b\[\d*[AK]|\x1b\[2K\r|\r(?=\n|\x1b)"
)
CALLS = (
    *("search codec", "search --why --fuzzy 量化", "search --similar-to {note}", "search --json codec", "related {id}"),
    *(
        "list",
        "list --json",
        "list --no-pager",
        "show {id}",
        "show {id} --json",
        "random",
        "random --json",
        "serve --stop",
    ),
    *("mark star {id}", "tags", "tags --json", "stats", "stats --json", "duplicates", "duplicates --json"),
    *("digest 2024-10", "digest 2024-10 --json", "digest 2024-10 --format html", "digest 2024-10 --site hugo"),
    *("trends", "trends --json", "verify", "verify --json", "claims", "claims --json", "status", "status --json"),
    *("export", "export -f csv", "export -f ris", "export -f csl-json", "export -f jsonl", "export -f obsidian"),
    *("parse {note}", "parse --json {note}", "check", "check --json", "check --fix", "config", "config --json"),
    *("doctor", "doctor --json", "index", "index --full", "gloss 量化{hostile}", "bench {queries}", "run --list"),
    *("import {hostile}", "init {root}", "add --offline {bib}", "add --offline 2410.00002", "encoder list"),
    *("encoder use {hostile}", "open {id} --url", "man", "show {hostile}", "--kb {hostile} list", "list {hostile}"),
    *("digest {hostile}", "no{hostile}", "list --no{hostile}", "related {id} --json", "encoder list --json"),
    *("mcp --install", "mcp --skill"),
)


@pytest.fixture
def hostile(unread_kb: Kb) -> Kb:
    unread_kb.write("2024-10.md", NOTE)
    unread_kb.write(f"na{HOSTILE.replace('/', '')}me.md", "# 2024-10\n\n**《Named》** X，k\n")
    unread_kb.write("glossary.yaml", f"量化: [quantization{HOSTILE.encode('unicode_escape').decode()}]\n")
    settings = 'encoder = "none"\nsame = [["gone\\u202e\\u009b31m", "lost\\u001b[38;5;201m"]]\n'
    (unread_kb.root / "kb.toml").write_text(settings, encoding="utf-8")
    return unread_kb


def arguments(kb: Kb, call: str) -> list[str]:
    """Return the words of a call, filled in."""
    queries, bib = kb.root / "queries.tsv", kb.root / "some.bib"
    queries.write_text(f"codec{HOSTILE}\thostile\n", encoding="utf-8")
    bib.write_text(f"@article{{a{HOSTILE},\n title = {{T{HOSTILE}}},\n author = {{A{HOSTILE}}}\n}}\n", encoding="utf-8")
    known = {
        "note": str(kb.root / "notes" / "2024-10.md"),
        "hostile": HOSTILE,
        "id": "2410.00001",
        "queries": str(queries),
        "bib": str(bib),
        "root": str(kb.root),
    }
    return [word.format(**known) for word in call.split(" ")]


def unwanted(text: str) -> set[str]:
    """Return the characters of text that are of no shape: controls, formats, halves, ends of lines that are none."""
    no_ink = {"\u115f", "\ufe01"}
    return {
        one
        for one in text
        if (unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") and one not in "\n\t") or one in no_ink
    }


def test_no_command_is_left_out() -> None:
    assert set(COMMANDS) <= {word for call in CALLS for word in call.split(" ")}


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("call", CALLS)
def test_a_terminal_is_sent_nothing_that_notes_made_up(hostile: Kb, call: str) -> None:
    said = hostile.on_a_terminal(*arguments(hostile, call), BROWSER="true")

    assert "Traceback" not in said
    assert "\x1b[38;5;201m" not in said
    assert not re.search(r"\x1b\]8;[^;]*;(?!https?://|file://|\x1b)", said)
    assert not unwanted(OURS.sub("", said.replace("\r\n", "\n"))), call


@pytest.mark.parametrize("call", [call for call in CALLS if "--json" in call])
def test_json_holds_what_notes_made_up_in_escapes(hostile: Kb, call: str) -> None:
    said = hostile.run(*arguments(hostile, call)).stdout

    assert not unwanted(said)
    for line in said.splitlines():
        json.loads(line)


def test_json_loses_nothing_of_a_title(hostile: Kb) -> None:
    titles = [paper["title"] for paper in hostile.json("list")]

    assert any("\x9b31m\x7f" in title and "\u202e" in title for title in titles)


@pytest.mark.parametrize("call", ["list", "show {id}", "search codec", "doctor", "index --full"])
def test_a_dumb_terminal_is_sent_no_escape_at_all(hostile: Kb, call: str) -> None:
    assert "\x1b" not in hostile.on_a_terminal(*arguments(hostile, call), TERM="dumb")


def test_a_pipe_gets_an_export_to_the_letter(kb: Any, tmp_path: Path) -> None:
    kb.write("2024-12.md", "# 2024-12\n\n**《Two\u200dJoined Words》** X，k\n\ntext\n")
    kb.refresh()

    assert "Two\u200dJoined Words" in kb.run("export", "-f", "csv").stdout
