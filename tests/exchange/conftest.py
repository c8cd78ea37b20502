"""Papers to export: a few that are hard to write, and many as people have noted them."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HARD = """\
---
title: 论文速记 2024年10月
---

## Speech

**《TinyCodec: 100% of RVQ & FSQ_1 {at} $5 ~ #1 ^2 \\\\ "quoted"》** Amazon、Texas A&M，Speech Codec、RVQ

论文：https://arxiv.org/abs/2410.00037 ，代码 [GitHub](https://github.com/example/tiny_codec)，[视频](https://youtu.be/a%20b)。

```bibtex
@misc{tiny, title = {Unbalanced {
```

> 引用 **粗体** `code_1`，50% & more – “quotes” -- --- ``x''

**《语音离散单元保留声调吗？》** 清华大学，离散表示

没有链接。
"""
ONE_PAPER = """\
---
title: "Towards Whole Sentences: A Study"
authors: [Anna van der Berg, 王小明, Zoë Müller Jr., Speech Lab]
venue: ICASSP 2024
date: 2024-04-15
doi: 10.1000/xyz_(1)
keywords: [prosody, 韵律]
---

整句的研究。
"""


@pytest.fixture
def hard_kb(empty_kb: Any) -> Any:
    empty_kb.write("2024-10.md", HARD)
    empty_kb.write("whole-sentences.md", ONE_PAPER)
    return empty_kb


@pytest.fixture(scope="session")
def many_kb(corpora: Path, seeds: Path, new_kb: Callable[[], Any]) -> Any:
    """More than a thousand papers, in all the ways that people write notes."""
    made = new_kb()
    for folder in corpora.iterdir():
        if not folder.name.startswith("_"):
            shutil.copytree(folder, made.notes / folder.name, ignore=shutil.ignore_patterns("*.png", "*.jpg", ".git"))
    for path in seeds.glob("*.txt"):
        shutil.copy(path, made.notes)
    made.refresh()
    return made


WHOLE = Path(__file__).parent.parent / "fuzz" / "corpus" / "zotero" / "whole.sql"
TABLES = [line for line in WHOLE.read_text(encoding="utf-8").splitlines() if line.startswith("CREATE TABLE")]
KINDS = """
    INSERT INTO libraries VALUES (1, 'user'), (2, 'feed');
    INSERT INTO itemTypes VALUES (1, 'preprint'), (2, 'conferencePaper'), (3, 'attachment'), (4, 'note');
    INSERT INTO creatorTypes VALUES (1, 'author'), (2, 'editor');
    CREATE TABLE itemAttachments (itemID INTEGER PRIMARY KEY, parentItemID INT, path TEXT);
"""


class Zotero:
    """A database in the tables of Zotero."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.db = sqlite3.connect(path)
        self.db.executescript("\n".join(TABLES) + KINDS)

    def add(self, kind: int, fields: dict[str, str], library: int = 1, authors: Any = ()) -> int:
        """Add an item and return its number; an author is a first and a last name."""
        row = "INSERT INTO items (itemTypeID, dateAdded, libraryID, key) VALUES (?, '2024-10-05 08:00:00', ?, 'KEY')"
        item = self.db.execute(row, (kind, library)).lastrowid
        for name, value in fields.items():
            field = self.db.execute("INSERT INTO fields (fieldName) VALUES (?)", (name,)).lastrowid
            number = self.db.execute("INSERT INTO itemDataValues (value) VALUES (?)", (value,)).lastrowid
            self.db.execute("INSERT INTO itemData VALUES (?, ?, ?)", (item, field, number))
        for place, (first, last, role) in enumerate(authors):
            person = self.db.execute("INSERT INTO creators VALUES (NULL, ?, ?, 0)", (first, last)).lastrowid
            self.db.execute("INSERT INTO itemCreators VALUES (?, ?, ?, ?)", (item, person, role, place))
        self.db.commit()
        return int(item or 0)


@pytest.fixture
def zotero(tmp_path: Path) -> Zotero:
    (tmp_path / "Zotero").mkdir()
    made = Zotero(tmp_path / "Zotero" / "zotero.sqlite")
    fields = {
        "title": "TinyCodec: A <i>Small</i> Codec",
        "date": "2024-10-02 October 2, 2024",
        "archiveID": "arXiv:2410.00037",
        "url": "http://arxiv.org/abs/2410.00037",
        "abstractNote": "用残差向量量化压缩语音。",
        "extra": "Citation Key: tiny2024",
    }
    people = [("Wei", "Li", 1), ("小明", "王", 1), ("", "Speech Lab", 1), ("Not", "Author", 2)]
    item = made.add(1, fields, authors=people)
    made.add(2, {"title": "In the Bin", "date": "2023-00-00 2023"})
    made.add(1, {"title": "From a Feed"}, library=2)
    made.add(3, {"title": "tiny.pdf"})
    note = '<div><p>还要 <b>再读</b> &amp; 比较。</p><ul><li>见<a href="https://example.org/x">这里</a></li></ul></div>'
    made.db.execute("INSERT INTO items VALUES (20, 4, '2024-10-06 08:00:00', 1, 'NOTE')")
    made.db.execute("INSERT INTO itemNotes VALUES (20, ?, ?, '')", (item, note))
    made.db.execute("INSERT INTO deletedItems VALUES (2, '')")
    made.db.execute("INSERT INTO tags VALUES (1, 'speech codec')")
    made.db.execute("INSERT INTO itemTags VALUES (?, 1, 0)", (item,))
    made.db.execute("INSERT INTO collections VALUES (1, '离散表示', NULL)")
    made.db.execute("INSERT INTO collectionItems VALUES (1, ?, 0)", (item,))
    made.db.commit()
    return made
