"""Libraries of reference managers as sources: read where they lie, followed when they change, never written to."""

import hashlib
import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.config import sources
from kb.errors import NoteError
from kb.notes import parsing
from kb.notes.parsing import parse_note

BIB = r"""% kept by hand
@string{icassp = "Int. Conf. on Acoustics"}
@comment{jabref-meta: databaseType:biblatex; {balanced}}
@inproceedings{muller2024,
  title     = {{TinyCodec}: Distilling {\'e}tudes \& 100\% of $x^2$},
  author    = "M{\"u}ller, Zo{\"e} and Li, Wei and {Speech Lab} and 王, 小明 and others",
  booktitle = icassp # { 2024},
  year      = 2024, month = oct,
  url       = {https://example.org/a_b%20c},
  keywords  = {speech codec, 离散表示; RVQ},
  pages     = {1--4},
  abstract  = {First paragraph.

Second one, with "quotes" and an @ sign.},
  file      = {/home/somebody/a.pdf},
}
@article(vaswani, title={Attention}, journal = {arXiv preprint arXiv:1706.03762v5}, date={2017-06-12})
@misc{repo, title={A Tool}, howpublished={\url{https://github.com/a/b}}, eprint={2410.00037}, archivePrefix={arXiv}}
"""
CSL = """[
{"id": "one", "type": "paper-conference", "title": "A <i>Small</i> Codec", "container-title": "ICASSP",
 "author": [{"family": "Li", "given": "Wei"}, {"literal": "Speech Lab"}, {"family": "王", "given": "小明"},
            {"family": "Berg", "given": "Anna", "non-dropping-particle": "van der"}],
 "issued": {"date-parts": [["2024", 10, 2]]}, "DOI": "https://doi.org/10.1000/xyz", "keyword": "codec, 量化",
 "abstract": "摘要。", "note": "Citation Key: x\\narXiv: 2410.00037 [cs]"},
{"id": "two", "type": "article", "title": "Two", "issued": {"raw": "Oct 2024"}, "number": "arXiv:2410.00038"}
]
"""


def papers(text: str, file: str) -> tuple[Any, ...]:
    return parse_note(text.encode(), file).papers


def test_bibtex_is_read_as_bibtex_reads_it() -> None:
    first, second, third = papers(BIB, "mine.bib")
    assert first.title == "TinyCodec: Distilling études & 100% of $x^2$"
    assert first.short_name == "TinyCodec"
    assert first.authors == ("Zoë Müller", "Wei Li", "Speech Lab", "王小明", "others")
    assert (first.venue, first.published, first.month) == ("Int. Conf. on Acoustics 2024", "2024-10", None)
    assert first.keywords == ("speech codec", "离散表示", "RVQ")
    assert [(link.kind, link.url) for link in first.links] == [
        ("web", "https://example.org/a_b%20c"),
        ("file", "/home/somebody/a.pdf"),
    ]
    assert first.body.startswith('https://example.org/a_b%20c\n\nFirst paragraph.\n\nSecond one, with "quotes"')
    assert first.body.endswith("pages 1--4")
    assert "somebody" not in first.body
    assert (first.id, first.line, first.end_line) == ("mine.bib/tinycodec", 4, 16)
    assert (second.arxiv_id, second.published) == ("1706.03762", "2017-06-12")
    assert (third.arxiv_id, third.repositories) == ("2410.00037", ("github.com/a/b",))


def test_lines_between_entries_are_told_of() -> None:
    assert [(span.line, span.end_line) for span in parse_note(BIB.encode(), "mine.bib").unclaimed] == [(1, 3)]


def test_the_readers_of_others_find_the_same_in_bibtex() -> None:
    database = pytest.importorskip("pybtex.database")
    entry = database.parse_string(BIB.split("@article(")[0], "bibtex").entries["muller2024"]
    ours = papers(BIB, "mine.bib")[0]
    assert entry.fields["booktitle"] == ours.venue
    assert [person.rich_last_names[0].render_as("text") for person in entry.persons["author"][:3]] == [
        "Müller",
        "Li",
        "Speech Lab",
    ]


def test_csl_json_is_read() -> None:
    first, second = papers(CSL, "mine.json")
    assert (first.title, first.venue, first.published) == ("A Small Codec", "ICASSP", "2024-10-02")
    assert first.authors == ("Wei Li", "Speech Lab", "王小明", "Anna van der Berg")
    assert (first.doi, first.arxiv_id, first.keywords) == ("10.1000/xyz", "2410.00037", ("codec", "量化"))
    assert first.body == "摘要。\n\nCitation Key: x\narXiv: 2410.00037 [cs]"
    assert (first.line, first.end_line, second.line) == (2, 6, 7)
    assert (second.published, second.arxiv_id) == ("2024-10", "2410.00038")


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        (
            "a.bib",
            "@misc{a, title={x}\n\n@misc{b, title={y}}",
            "a.bib:3: @misc{a} should go on with `name = value`, got",
        ),
        ("a.bib", "\n@misc{a title={x}}", "a.bib:2: @misc should go on with a key and a comma, got 'a title={x}}'"),
        ("a.bib", "\n\n@misc{a,\n title={x", "a.bib:3: @misc{a} is never closed; balance its braces"),
        ("a.bib", '@misc{a,\n title="x', "a.bib:1: @misc{a} is never closed; balance its braces"),
        ("a.bib", "@misc{a,\n title=}", "a.bib:2: @misc{a} has a name without a value; mend the entry"),
        ("a.bib", "@comment{a", "a.bib:1: @comment{} is never closed; balance its braces"),
        ("a.json", '{"items": {}}', "a.json:1: should hold a list of CSL items; from Zotero, export as CSL JSON"),
        ("a.json", '[\n{"type": }]', "a.json:2: broken JSON: Expecting value; export the library anew"),
        ("a.json", '[{"type": "book"}\n', "a.json:2: broken JSON: the list is never closed; export the library anew"),
        (
            "a.json",
            '[\n{"itemType": "book"}]',
            "a.json:2: no item of CSL: it has no type; from Zotero, export as CSL JSON",
        ),
        ("a.json", "[" * 100000, "a.json:1: no CSL JSON: too deep or too long; from Zotero"),
        (
            "a.sqlite",
            "no database",
            "not a Zotero database (file is not a database); name the zotero.sqlite of Zotero 5",
        ),
        ("a.txt", "x", "is not a folder; name a folder of notes, or a library: *.bib, *.json, *.ris, *.sqlite"),
        ("gone.bib", None, "is not a folder; name a folder of notes, or a library: *.bib, *.json, *.ris, *.sqlite"),
    ],
)
def test_a_library_that_cannot_be_read_is_one_line(
    kb: Any, tmp_path: Path, file: str, text: str | None, complaint: str
) -> None:
    if text is not None:
        (tmp_path / file).write_text(text, encoding="utf-8")
    before = (kb.root / "kb.toml").read_bytes()
    result = kb.run("import", str(tmp_path / file))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert complaint in result.stderr
    assert (kb.root / "kb.toml").read_bytes() == before


def test_a_database_of_another_program_is_none_of_zotero(kb: Any, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "other.sqlite").execute("CREATE TABLE x (y)").connection.close()
    result = kb.run("import", str(tmp_path / "other.sqlite"))
    assert (result.exit_code, "not a Zotero database (no such table: " in result.stderr) == (1, True)


def test_a_library_is_a_source_and_is_followed(kb: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.bib"
    path.write_text(BIB, encoding="utf-8")
    (tmp_path / "others.bib").write_text("@misc{x, title={Not Asked For}}", encoding="utf-8")
    result = kb.run("import", str(path))
    assert result.stdout == f"imported {path} as mine; to index it: kb index\n"
    assert (kb.root / "kb.toml").read_text("utf-8").endswith(f'folder = "{tmp_path}"\nfile = "mine.bib"\n')
    assert kb.json("search", "études")["hits"][0]["paper"]["id"] == "mine/mine.bib/tinycodec"
    assert kb.config.path_of("mine/mine.bib") == path
    assert "Not Asked For" not in kb.run("list").stdout

    path.write_text(BIB.replace("A Tool", "Another Tool"), encoding="utf-8")
    assert "Another Tool" in kb.run("list").stdout
    path.write_text(BIB + "@misc{broken", encoding="utf-8")
    result = kb.run("list")
    assert "mine/mine.bib:19: @misc should go on with a key and a comma" in result.stderr
    assert "Another Tool" in result.stdout
    path.unlink()
    result = kb.run("list")
    assert f"source mine: {path} cannot be read (No such file or directory); showing what was" in result.stderr
    assert "Another Tool" in result.stdout


def test_a_library_joins_what_the_notes_say(kb: Any, tmp_path: Path) -> None:
    kb.write("2024-11.md", "**《TinyTok: A Tokenizer》** Lab，k\n\n论文：https://arxiv.org/abs/2411.00099\n")
    (tmp_path / "mine.bib").write_text(
        "@misc{a, title={Tiny Tokenizers}, author={A. One}, eprint={2411.00099v2}, archiveprefix={arXiv}}", "utf-8"
    )
    kb.run("import", str(tmp_path / "mine.bib"))
    result = kb.run("export", "TinyTok")
    assert "@misc{a," in result.stdout
    assert "origin = {2024-11.md:1, mine/mine.bib:1}" in result.stdout


def test_what_may_be_a_source_can_be_read() -> None:
    assert {one.parser for one in sources.LIBRARIES.values()} == set(parsing.PARSERS)


def test_a_library_is_imported_once_and_alone(kb: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.bib"
    path.write_text(BIB, encoding="utf-8")
    kb.run("import", str(path))
    assert "is imported already, as 'mine'" in kb.run("import", str(path)).stderr
    (tmp_path / "b.bib").write_text(BIB, encoding="utf-8")
    assert "patterns choose among the files" in kb.run("import", str(tmp_path / "b.bib"), "--include", "x").stderr
    assert kb.run("export", "-o", str(tmp_path / "export.bib")).exit_code == 0
    assert "never written to" in kb.run("export", "-o", str(path)).stderr
    assert path.read_text("utf-8") == BIB


def test_a_library_may_lie_among_notes(kb: Any, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    for place in (kb.notes / "mine.bib", tmp_path / "theirs" / "refs.bib"):
        place.write_text(BIB, encoding="utf-8")
        assert kb.run("import", str(place)).exit_code == 0
    assert kb.run("import", str(tmp_path / "theirs")).exit_code == 0
    assert [source.name for source in kb.config.sources] == ["mine", "refs", "theirs"]
    assert "is imported already, as 'refs'" in kb.run("import", str(tmp_path / "theirs" / "refs.bib")).stderr
    assert kb.run("list").stdout.count("A Tool") == 2


@given(st.text(alphabet='@misc{}()"#=, \n\\é', max_size=60), st.sampled_from([".bib", ".json"]))
def test_no_text_does_worse_than_a_line_about_it(text: str, suffix: str) -> None:
    for page in (text, "@misc{a," + text, "[{" + text):
        with suppress(NoteError):
            note = parse_note(page.encode(), f"a{suffix}")
            assert len({paper.id for paper in note.papers}) == len(note.papers)


@pytest.mark.parametrize("file", ["../x.bib", "x.txt", "", 3])
def test_a_wrong_file_in_kb_toml_is_named(kb: Any, file: Any) -> None:
    (kb.root / "kb.toml").write_text(f"[[sources]]\nfolder = 'x'\nfile = {file!r}\n", encoding="utf-8")
    result = kb.run("list")
    assert result.exit_code == 1
    assert "file of [[sources]] should be the name of a library (.bib, .json, .ris, .sqlite), got" in result.stderr


def state(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.iterdir())
    }


def test_zotero_is_read_with_its_people_tags_collections_and_notes(kb: Any, zotero: Any) -> None:
    before = state(zotero.path.parent)
    assert kb.run("import", str(zotero.path)).exit_code == 0
    (row,) = (row for row in kb.json("list") if row["file"].endswith(".sqlite"))
    record = kb.json("show", row["id"])
    assert record["title"] == "TinyCodec: A Small Codec"
    assert record["authors"] == ["Wei Li", "王小明", "Speech Lab"]
    assert (record["arxiv_id"], record["published"], record["month"]) == ("2410.00037", "2024-10-02", "2024-10")
    assert record["keywords"] == ["speech codec", "离散表示"]
    assert [link["url"] for link in record["links"]] == ["http://arxiv.org/abs/2410.00037", "https://example.org/x"]
    assert "用残差向量量化压缩语音。" in record["body"]
    assert "还要 再读 & 比较。\n\n- 见[这里](https://example.org/x)" in record["body"]
    assert state(zotero.path.parent) == before
    listed = kb.run("list").stdout
    assert not [title for title in ("In the Bin", "From a Feed", "tiny.pdf") if title in listed]


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_zotero_is_read_while_it_runs(kb: Any, zotero: Any, mode: str) -> None:
    zotero.db.execute(f"PRAGMA journal_mode = {mode}")
    zotero.db.execute("PRAGMA wal_autocheckpoint = 0")
    zotero.db.execute("PRAGMA locking_mode = EXCLUSIVE")
    assert kb.run("import", str(zotero.path)).exit_code == 0
    kb.run("index")
    zotero.add(1, {"title": "Just Added to the Log"})
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        sqlite3.connect(zotero.path, timeout=0).execute("SELECT * FROM items")
    assert zotero.path.with_name("zotero.sqlite-wal").exists() == (mode == "wal")
    before = state(zotero.path.parent)
    assert "Just Added to the Log" in kb.run("list").stdout
    assert state(zotero.path.parent) == before


def test_a_change_half_made_is_not_seen(kb: Any, zotero: Any) -> None:
    kb.run("import", str(zotero.path))
    zotero.db.execute("PRAGMA cache_size = 1")  # so that what is not committed lies in the file already
    zotero.db.execute("UPDATE itemDataValues SET value = 'Half Made' WHERE value LIKE 'TinyCodec%'")
    for number in range(300):
        zotero.db.execute("INSERT INTO tags (name) VALUES (?)", (f"{number}" * 100,))
    assert zotero.path.with_name("zotero.sqlite-journal").exists()
    listed = kb.run("list").stdout
    assert ("TinyCodec: A Small" in listed, "Half Made" in listed) == (True, False)
    zotero.db.rollback()


def test_a_database_that_never_rests_is_said_so(kb: Any, zotero: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    copy = shutil.copyfileobj
    monkeypatch.setattr(shutil, "copyfileobj", lambda *files: (os.utime(files[0].name), copy(*files)))
    result = kb.run("import", str(zotero.path))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "Zotero is writing it just now; try again in a moment" in result.stderr


def test_reading_zotero_again_without_a_change_of_its_items_changes_nothing(kb: Any, zotero: Any) -> None:
    kb.run("import", str(zotero.path))
    kb.run("index")
    os.utime(zotero.path, (1, 1))
    assert kb.run("index").stdout.startswith("notes: 0 read, 0 removed, 0 failed")


def test_cells_of_zotero_that_hold_anything_cost_no_item(kb: Any, zotero: Any) -> None:
    execute = zotero.db.execute
    execute("INSERT INTO items VALUES (30, 99, x'ff', 77, NULL)")  # of no type, in no library
    for number, value in enumerate((None, b"\xff broken", 12.5), 100):
        execute("INSERT INTO itemDataValues VALUES (?, ?)", (number, value))
    execute("INSERT INTO fields VALUES (90, 'title'), (91, 'abstractNote'), (92, 'extra')")
    execute("INSERT INTO itemData VALUES (30, 90, 101), (30, 91, 100), (30, 92, 102)")
    execute("INSERT INTO creators VALUES (90, NULL, x'4c69', 0), (91, NULL, NULL, 0)")
    execute("INSERT INTO itemCreators VALUES (30, 90, 1, NULL), (30, 91, 1, 'x')")
    execute("INSERT INTO tags VALUES (90, NULL), (91, x'ff')")
    execute("INSERT INTO itemTags VALUES (30, 90, 0), (30, 91, 0)")
    execute("INSERT INTO itemNotes VALUES (31, 30, x'3c703e6e6f7465', ''), (32, 30, NULL, '')")
    zotero.db.commit()
    kb.run("import", str(zotero.path))
    (row,) = (row for row in kb.json("list") if "broken" in row["title"])
    record = kb.json("show", row["id"])
    assert (record["title"], record["authors"], record["keywords"]) == ("\ufffd broken", ["Li"], ["\ufffd"])
    assert record["body"] == "12.5\n\nnote"


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("DROP TABLE tags", "no such table: tags"),
        (
            "DROP TABLE deletedItems; CREATE VIEW deletedItems AS WITH RECURSIVE n(itemID) AS (SELECT 1 UNION ALL"
            " SELECT itemID + 1 FROM n) SELECT itemID FROM n",
            "deletedItems is no table",
        ),
        (
            "PRAGMA writable_schema = 1; UPDATE sqlite_master SET name = CAST(x'ff0a' AS TEXT), sql = 'CREATE'"
            " WHERE name = 'tags'",
            "malformed database schema",
        ),
    ],
)
def test_a_zotero_database_that_computes_or_is_broken_is_refused_in_a_line(
    kb: Any, zotero: Any, statement: str, complaint: str
) -> None:
    zotero.db.executescript(statement)
    zotero.db.close()
    result = kb.run("import", str(zotero.path))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert f"not a Zotero database ({complaint}" in result.stderr


def test_zotero_gives_roles_fields_files_and_the_key_to_cite_by(kb: Any, zotero: Any) -> None:
    fields = {"title": "Kept Whole in Zotero", "place": "Berlin", "seriesNumber": "7"}
    item = zotero.add(2, fields, authors=[("A", "B", 2)])
    file = zotero.add(3, {"title": "Full Text"})
    zotero.db.execute("INSERT INTO itemAttachments VALUES (?, ?, 'storage:a b.pdf')", (file, item))
    zotero.db.commit()
    kb.run("import", str(zotero.path))
    (row,) = (row for row in kb.json("list") if "Kept Whole" in row["title"])
    stored = str(zotero.path.parent / "storage" / "KEY" / "a b.pdf")
    assert kb.json("show", row["id"])["links"] == [{"kind": "file", "url": stored, "label": ""}]
    text = kb.run("export").stdout
    assert "@misc{tiny2024," in text
    whole = text.split("Kept Whole in Zotero")[1].split("\n}")[0]
    assert "editor = {B, A}" in whole
    assert "address = {Berlin}" in whole
    assert "number = {7}" in whole
    assert "timestamp = {2024-10}" in whole


@pytest.mark.parametrize(
    ("file", "text", "month"),
    [
        ("a.bib", "@misc{a, title={A}, date-added={2014-03-10 12:00:00 +0000}}", "2014-03"),
        ("a.bib", "@misc{a, title={A}, timestamp={2021.05.02}, urldate={2020-01-01}}", "2021-05"),
        ("a.bib", "@misc{a, title={A}, urldate={2020-01-01}, year={2019}}", None),
        ("a.json", '[{"type": "book", "title": "A", "accessed": {"date-parts": [[2020, 1, 1]]}}]', None),
        ("a.json", '[{"type": "book", "title": "A", "custom": {"month": "2021-05"}}]', "2021-05"),
        ("a.ris", "TY  - BOOK\nTI  - A\nY2  - 2020/01/01/\nER  - \n", None),
        ("a.ris", "TY  - BOOK\nTI  - A\nU1  - read: 2021-05\nER  - \n", "2021-05"),
    ],
)
def test_a_month_is_the_one_a_paper_was_added_in(file: str, text: str, month: str | None) -> None:
    assert papers(text, file)[0].month == month


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ("a/b.pdf;c.pdf", ["a/b.pdf", "c.pdf"]),
        (r"Full Text:C\:\\Users\\a b.pdf:PDF", [r"C:\Users\a b.pdf"]),
        ("Text:/x/y.pdf:application/pdf;Page:/x/z.html:text/html", ["/x/y.pdf", "/x/z.html"]),
        (":2024/a.pdf:PDF", ["2024/a.pdf"]),
    ],
)
def test_files_of_bibtex_are_links(value: str, paths: list[str]) -> None:
    (paper,) = papers(f"@misc{{a, title={{A}}, file={{{value}}}}}", "a.bib")
    assert [(link.kind, link.url) for link in paper.links] == [("file", path) for path in paths]
