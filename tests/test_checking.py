"""What `kb check` finds, what it leaves alone, and that its patch mends without writing."""

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kb.notes.checking import PAGE_RULES, RULES_FOR_ALL, check
from kb.notes.checking.mending import mended, patch
from kb.notes.checking.together import is_mistyped
from kb.notes.reading import note_files

PAPER = "**《TinyCodec: A Small Codec》** Amazon，Codec\n\nhttps://arxiv.org/abs/2410.00037\n"

# rule: a note that must raise it, the line, and a note that must not
ONE_PAGE = {
    "no-link": (
        "## A\n\n**《TinyCodec: A Small Codec》** Amazon，Codec\n\n![](https://example.com/a.png)\n",
        3,
        "**《One》** X，k\n\narXiv:2410.00037\n\n**《Two》** X，k\n\n[pdf](papers/two.md)\n"
        "\n**《Three》** X，k\n\n[code][1]\n",
    ),
    "id-as-number": (
        "---\ntitle: x\narxiv: 2301.10000\n---\n\n# A\n",
        3,
        '---\ntitle: x\narxiv: "2301.10000"\neprint: 2301.12345\n---\n\narxiv: 2301.10000\n',
    ),
    "cut-id": (
        "---\narxiv: 2301.1\n---\n\n# A\n",
        2,
        "---\narxiv: 2301.10000\n---\n\n"
        "arXiv:0704.0001, arxiv.org/abs/2410.00037v2, arXiv 2410.123, doi 10.1/a arXiv:2410.123\n",
    ),
    "open-fence": (
        "# A\n\n```python\nx = 1\n\n# not a heading\n",
        3,
        "# A\n\n````\n```\n````\n\n~~~\n```\n~~~\n\n- item\n  ```\n  x\n  ```\n\n```inline```\n",
    ),
    "heading-jump": (
        "# A\n\n### B\n",
        3,
        "## A\n\n### B\n\n# C\n\n```\n#### no heading\n```\n\n## D\n",
    ),
    "dashes": (
        "**《Conformer--Convolution for Speech》** Google，k\n\nhttps://arxiv.org/abs/2005.08100\n",
        1,
        "**《Pages 1--10 and the --fix Option》** X，k\n\nhttps://a.org/b\n\n```\n**《A--B》** X，k\n```\n",
    ),
    "claim": (
        "# A\n\n```claim\nid: a\nsays: b\nrun: c\n```\n",
        3,
        "# A\n\n```claim\nid: a\nsays: b\nrun: c\nexpect: {d: 1}\n```\n\n```claim\nid: e\nsays: b\nrun: c\n"
        "expect: {d: 1}\n```\n\n````\n```claim\n```\n````\n",
    ),
    "dead-link": (
        "# A\n\nSee ![](missing%20picture.png).\n",
        3,
        "[a](my%20pictures/a%20b.png) ![b](<my pictures/a b.png>) ![c](my pictures/a b.png)\n"
        '<img src="my pictures/a b.png"> [d](my%20pictures/a%20b.png#top "title") [e](#below) [f](/site/root.png)\n'
        "[g](mailto:me@x.org) $f[x](y/z)$ `[h](gone.md)` [1](see above)\n[ref]: my%20pictures/a%20b.png\n[^1]: a/b\n"
        "```\n[i](gone.md)\n```\n<!-- [j](gone.md) -->\n[k](../notes/note.md) [l](inside.png)\n",
    ),
    "control-character": (
        "# A\n\nsee\x08n \ufeff\n",
        3,
        "\ufeff# A\n\n\ttab\r\n```\n\x1b[31mred\n```\n",
    ),
    "no-entry": (
        PAPER + "\n## Links\n\n- [2410.15017](https://arxiv.org/abs/2410.15017)\n- [Home](https://a.org)\n",
        7,
        PAPER + "\n## Links\n\nSee [this one](https://arxiv.org/abs/2410.15017) too.\n\n## References\n\n"
        "- [2410.15018](https://arxiv.org/abs/2410.15018)\n",
    ),
    "half-read": (
        "**《TinyCodec: A Small Codec》** Amazon，Codec\n\narXiv: 24100.037\n\nhttps://a.org/b\n",
        3,
        PAPER + "\n日期：2024 年 10 月 5 日\n\narXiv: 2410.00037v2\n\nDOI: https://doi.org/10.1000/182\n",
    ),
    "unreadable": (
        "---\ntitle: [x\n---\n\n# A\n",
        3,
        "---\n\nA rule and a text.\n",
    ),
}


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "my pictures").mkdir(parents=True)
    (folder / "my pictures" / "a b.png").write_bytes(b"")
    (folder / "papers").mkdir()
    (folder / "papers" / "two.md").write_text("A diary.\n", encoding="utf-8")
    (folder / "note").mkdir()
    (folder / "note" / "inside.png").write_bytes(b"")
    return folder


def findings(folder: Path) -> list[tuple[str, int, str]]:
    """Return what is found; that these notes have no month is left out."""
    return [(one.file, one.line, one.rule) for one in check(note_files(folder), ["no-month"])]


def run(*arguments: str | Path) -> Any:
    from cli import app

    return CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)


def contents(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("rule", ONE_PAGE)
def test_a_rule_finds_what_it_is_for(notes: Path, rule: str) -> None:
    text, line, _ = ONE_PAGE[rule]
    (notes / "note.md").write_bytes(text.encode())
    assert findings(notes) == [("note.md", line, rule)]


@pytest.mark.parametrize("rule", ONE_PAGE)
def test_a_rule_leaves_alone_what_is_meant(notes: Path, rule: str) -> None:
    (notes / "note.md").write_bytes(ONE_PAGE[rule][2].encode())
    assert rule not in {found for _, _, found in findings(notes)}


def test_every_rule_has_a_note_that_raises_it() -> None:
    for_all = ["conflict", "duplicate", "section", "no-month", "repeated claim"]
    assert len(PAGE_RULES) + len(RULES_FOR_ALL) == len(ONE_PAGE) + len(for_all)


@pytest.mark.parametrize(
    ("data", "line", "what"),
    [
        ("ok\n《坏》".encode("gbk"), 2, "not UTF-8 (byte 0xa1)"),
        (b"---\ntitle: x\n\n# A\n", 1, "the front matter that begins here is never closed"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_finding(notes: Path, data: bytes, line: int, what: str) -> None:
    (notes / "note.md").write_bytes(data)
    found = [one for one in check(note_files(notes)) if one.rule == "unreadable"]
    assert [(one.line, one.what) for one in found] == [(line, what)]
    assert found[0].suggestion


def test_a_nul_byte_is_named_once(notes: Path) -> None:
    (notes / "note.md").write_bytes(b"# A\n\n```\n\0\n```\n")
    assert findings(notes) == [("note.md", 4, "control-character")]


def test_a_paper_entered_twice_is_found_in_a_file_and_across_files(notes: Path) -> None:
    (notes / "a.md").write_text(PAPER + "\n" + PAPER.replace("TinyCodec", "ＴinyCodec"), encoding="utf-8")
    (notes / "b.md").write_text(PAPER.replace(": A Small", " -- a small"), encoding="utf-8")
    assert findings(notes) == [("a.md", 5, "duplicate"), ("b.md", 1, "duplicate")]


def test_papers_that_share_a_name_and_lists_of_notes_are_no_duplicates(notes: Path) -> None:
    (notes / "a.md").write_text(PAPER, encoding="utf-8")
    (notes / "b.md").write_text(PAPER.replace("2410.00037", "2311.11111"), encoding="utf-8")
    (notes / "c.md").write_text(PAPER + "\n[notes](a.md)\n", encoding="utf-8")
    assert findings(notes) == []


def test_a_section_written_nearly_like_one_used_often_is_found(notes: Path) -> None:
    for number, name in enumerate(["Speech Codec"] * 3 + ["Speach Codec", "Speech Coding 2"]):
        text = f"## {name}\n\n**《Paper {number} of Many Words》** X，k\n\nhttps://arxiv.org/abs/2410.0000{number}\n"
        (notes / f"{number}.md").write_text(text, encoding="utf-8")
    assert findings(notes) == [("3.md", 1, "section")]


@pytest.mark.parametrize(
    ("name", "meant", "is_slip"),
    [
        ("Speach Codec", "Speech Codec", True),
        ("SpeechCodec", "Speech Codec", True),
        ("speech codec", "Speech Codec", True),
        ("Decoder", "Encoder", False),
        ("Unsupervised Learning", "Supervised Learning", False),
        ("Multi-channel Speech Separation", "Single-channel Speech Separation", False),
        ("多通道语音分离", "单通道语音分离", False),
        ("Week 11 of the Year", "Week 12 of the Year", False),
        ("Speech Enhancement II", "Speech Enhancement", False),
    ],
)
def test_a_slip_is_told_from_another_name(name: str, meant: str, is_slip: bool) -> None:
    assert is_mistyped(name, meant) == is_slip


def test_findings_are_sorted_lines_and_the_exit_status_says_so(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(notes.parent)
    (notes / "b.md").write_text("# A\n\n### B\n\n[x](gone.md)\n", encoding="utf-8")
    (notes / "a.md").write_text("# A\n\n```\n", encoding="utf-8")
    result = run("check", notes)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "notes/a.md:3: ``` is opened here and never closed; close it with a line ```",
        "notes/b.md:3: heading of level 3 below one of level 1; begin it with ##",
        "notes/b.md:5: no file 'gone.md'; mend the path, or put the file there",
    ]
    assert run("check", notes / "papers").exit_code == 0


def test_copies_of_conflicts_are_found_by_name_and_others_by_what_they_hold(notes: Path) -> None:
    for name in ("a", "a (conflicted copy 2024-10-05)", "b.sync-conflict-20241005-101010-ABCDEFG", "a 2", "c", "c 2"):
        text = PAPER if name != "c 2" else "Another text.\n\nOn c.\n"
        (notes / f"{name}.md").write_text(text.replace("2410.00037", "2311.11111") if name == "b" else text, "utf-8")
    found = [one for one in check(note_files(notes)) if one.rule == "conflict"]
    assert [(one.file, one.what) for one in found] == [
        ("a (conflicted copy 2024-10-05).md", "a copy of a.md"),
        ("a 2.md", "a copy of a.md"),
        ("b.sync-conflict-20241005-101010-ABCDEFG.md", "a copy that a conflict left"),
    ]


def test_a_file_of_papers_without_a_month_is_found_and_many_are_one_finding(notes: Path) -> None:
    (notes / "a.md").write_text(PAPER + "\n**《Second》** X，k\n\nhttps://a.org/b\n", encoding="utf-8")
    (notes / "2024-10.md").write_text(PAPER, encoding="utf-8")
    (one,) = [one for one in check(note_files(notes)) if one.rule == "no-month"]
    assert (one.file, one.what) == ("a.md", "no month for 'TinyCodec: A Small Codec' and 1 more")
    for number in range(12):
        (notes / f"b{number}.md").write_text(f"**《Third {number}》** X，k\n\nhttps://a.org/{number}\n", "utf-8")
    (one,) = [one for one in check(note_files(notes)) if one.rule == "no-month"]
    assert one.what == "no month for 14 papers in 13 files, this one the first"


def test_a_paper_without_link_is_found_where_the_others_have_one(notes: Path) -> None:
    linked = "".join(f"**《Paper {n} of Many Words》** X，k\n\nhttps://a.org/{n}\n\n" for n in range(4))
    bare = "**《A Paper without Any Link》** X，k\n\ntext\n"
    (notes / "note.md").write_text(linked + bare, encoding="utf-8")
    assert findings(notes) == [("note.md", 17, "no-link")]
    (notes / "note.md").write_text(linked + bare.replace("A Paper without Any Link", "指令 TTS：听从描述"), "utf-8")
    assert findings(notes) == []
    more = "\n".join(bare.replace("A Paper", f"A {name} Paper") for name in ("First", "Second", "Third"))
    (notes / "note.md").write_text(linked + more, "utf-8")
    assert findings(notes) == []


def test_rules_are_silenced_in_kb_toml_and_the_last_line_says_how(kb: Any) -> None:
    kb.write("2024-09.md", "# A\n\n### B\n\n[x](gone.md)\n")
    told = kb.run("check").stderr
    assert told == (
        "rules: no-link 1, heading-jump 1, dead-link 1;"
        " to silence one, in kb.toml: [check] and below it ignore = ['no-link']\n"
    )
    settings = kb.root / "kb.toml"
    settings.write_text(settings.read_text("utf-8") + '[check]\nignore = ["heading-jump", "no-link"]\n', "utf-8")
    assert [one["rule"] for one in kb.json("check")] == ["dead-link"]
    assert "check.ignore" in kb.run("config").stdout
    settings.write_text(settings.read_text("utf-8").replace("no-link", "no-such"), "utf-8")
    wrong = kb.run("check").stderr
    assert wrong.startswith("error: kb.toml: check.ignore names no rule: 'no-such'; rules: claim, conflict, ")
    settings.write_text("[check]\nignored = []\n", "utf-8")
    assert "check should be a table with ignore" in kb.run("check").stderr


def test_without_a_path_the_notes_of_the_knowledge_base_are_checked(unread_kb: Any) -> None:
    kb = unread_kb
    kb.write("2024-09.md", "# A\n\n### B\n")
    found = kb.json("check")
    assert {(one["file"], one["rule"]) for one in found} == {
        ("2024-09.md", "heading-jump"),
        ("2024-08.md", "no-link"),
    }
    assert not kb.config.database.exists()


def test_a_path_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    result = run("check", tmp_path / "missing")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"error: {tmp_path / 'missing'}: no such file or folder; name a note or a folder of notes\n"


BROKEN = {
    "a b/笔记.md": ("# A\n\nsee\x08n\n\n```python\nx = 1", "# A\n\nseen\n\n```python\nx = 1\n```\n"),
    "front.md": (
        "---\ntitle: x\narxiv: 2301.10000  # note\n\n# A\n",
        '---\ntitle: x\narxiv: "2301.10000"  # note\n---\n\n# A\n',
    ),
    "windows.md": (
        "\ufeff---\r\narxiv: 2301.10000\r\n---\r\n~~~~\r\nx\r\n",
        '\ufeff---\r\narxiv: "2301.10000"\r\n---\r\n~~~~\r\nx\r\n~~~~\r\n',
    ),
    "nul.md": ("# A\n\n```\n\0x\n```\n", "# A\n\n```\nx\n```\n"),
    "fine.md": ("# A\n\n```\n\x1b[31m\n```\n", "# A\n\n```\n\x1b[31m\n```\n"),
    "indented.md": ("# A\n\n    \x1b[31m\n\nsee\x08n\n", "# A\n\n    \x1b[31m\n\nseen\n"),
    "cut.md": ("---\narxiv: 2301.1\n---\n", "---\narxiv: 2301.1\n---\n"),
}


@pytest.mark.parametrize("file", BROKEN)
def test_what_can_be_mended_is(file: str) -> None:
    before, after = BROKEN[file]
    assert mended(before) == after
    assert mended(after) == after


@pytest.mark.parametrize("program", [["patch", "-p0", "--binary", "-s"], ["git", "apply", "-p0"]])
def test_the_patch_can_be_applied_and_nothing_is_written_without_that(tmp_path: Path, program: list[str]) -> None:
    if not shutil.which(program[0]):
        pytest.skip(f"{program[0]} is not here")
    folder = tmp_path / "notes"
    (folder / "a b").mkdir(parents=True)
    for file, (before, _) in BROKEN.items():
        (folder / file).write_bytes(before.encode())
    as_it_was = contents(tmp_path)
    result = run("check", "--fix", folder)
    assert contents(tmp_path) == as_it_was
    assert result.exit_code == 1
    assert f"patch -p0 -d {folder}" in result.stderr

    subprocess.run(program, cwd=folder, input=patch(note_files(folder)).encode(), check=True)
    assert {file: (folder / file).read_bytes().decode() for file in BROKEN} == {
        file: after for file, (_, after) in BROKEN.items()
    }
    assert patch(note_files(folder)) == ""


def test_in_notes_by_others_only_some_rules_find_something(corpora: Path, seeds: Path) -> None:
    rules = {one.rule for folder in (corpora, seeds) for one in check(note_files(folder))}
    assert rules == {"no-link", "no-month", "dead-link", "duplicate", "heading-jump", "control-character"}
