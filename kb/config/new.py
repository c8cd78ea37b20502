"""The files a new knowledge base begins with."""

from datetime import date
from pathlib import Path

from kb.config.kb_toml import CONFIG_NAME
from kb.config.sources import usable
from kb.errors import KbError
from kb.files import make_folder, write_whole

CONFIG = """\
notes = "notes"          # Markdown and plain text; only kb add --write writes here
templates = "templates"  # your own digest.md.j2, if you want one
index = ".kb"            # everything the tool writes; safe to delete
encoder = "minilm"       # or "e5", "minilm+e5", "none", or a sentence-transformers model by name or folder
"""

FIRST_NOTE = """\
---
title: 论文笔记 {year}年{month}月
date: {today}
tags: [Codec, SLM]
---

## Speech

**《SoundStream: An End-to-End Neural Audio Codec》** Google，Speech Codec、RVQ

每篇论文一行：书名号里是标题，然后是机构，逗号后面是关键词，顿号隔开。下面随便写，中英文都行。

- 残差向量量化 RVQ：每一级量化上一级剩下的残差。
- 论文：https://arxiv.org/abs/2107.03312
"""


def start_knowledge_base(folder: Path) -> list[Path]:
    """Write kb.toml and, if there are no notes yet, a first note; return the files made.

    Raises: KbError if folder is a knowledge base already or cannot be written.
    """
    config = usable(folder) / CONFIG_NAME
    if config.exists():
        raise KbError(f"{config} is there already", "this is a knowledge base")
    today = date.today()
    notes = folder / "notes"
    made = [config]
    make_folder(notes)
    try:
        has_notes = any(not path.name.startswith(".") for path in notes.iterdir())
        mode = notes.stat().st_mode & 0o666
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror}", file=notes) from None
    if not has_notes:
        first = notes / f"{today:%Y-%m}.md"
        text = FIRST_NOTE.format(year=today.year, month=today.month, today=today)
        write_whole(first, text.encode("utf-8"), mode)
        made.append(first)
    write_whole(config, CONFIG.encode("utf-8"))  # last: where it is, the rest is as well
    return made
