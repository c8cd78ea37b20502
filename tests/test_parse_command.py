"""`kb parse`: records of any notes, without a knowledge base."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent
FIELDS = [
    "file",
    "title",
    "line",
    "grammar",
    "kind",
    "end_line",
    "written_title",
    "short_name",
    "authors",
    "organizations",
    "keywords",
    "venue",
    "date",
    "month",
    "arxiv_id",
    "doi",
    "openreview_id",
    "acl_id",
    "citation_key",
    "repositories",
    "is_starred",
    "section_path",
    "parent",
]


@pytest.fixture
def notes(kb: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "their notes"
    (folder / "deep").mkdir(parents=True)
    (folder / ".git").mkdir()
    (kb.notes / "2024-10.md").rename(folder / "deep" / "2024-10.md")
    (folder / "diary.md").write_text("Went for a walk.\n", encoding="utf-8")
    (folder / ".git" / "x.md").write_text("**《Hidden》** X，k\n", encoding="utf-8")
    (folder / "glossary.yaml").write_text("码本: codebook\n", encoding="utf-8")
    return folder


def parse(*arguments: str | Path) -> Any:
    from cli import app

    return CliRunner().invoke(app, ["parse", *map(str, arguments)], catch_exceptions=False)


def records(*arguments: str | Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in parse(*arguments, "--json").stdout.splitlines()]


def test_a_record_is_one_line_of_json_with_its_facts(notes: Path) -> None:
    found = records(notes)
    assert [list(record) for record in found] == [FIELDS] * 3
    assert found[1] == {
        "file": "deep/2024-10.md",
        "title": "TinyCodec: A Small Speech Codec",
        "line": 17,
        "grammar": "guillemets",
        "kind": "paper",
        "end_line": 23,
        "written_title": None,
        "short_name": "TinyCodec",
        "authors": [],
        "organizations": ["Amazon"],
        "keywords": ["Speech Codec"],
        "venue": None,
        "date": None,
        "month": "2024-10",
        "arxiv_id": "2410.00037",
        "doi": None,
        "openreview_id": None,
        "acl_id": None,
        "citation_key": None,
        "repositories": ["github.com/example/tinycodec"],
        "is_starred": False,
        "section_path": ["Speech"],
        "parent": None,
    }


def test_a_file_given_by_itself_goes_by_its_name(notes: Path) -> None:
    assert {record["file"] for record in records(notes / "deep" / "2024-10.md")} == {"2024-10.md"}


def test_a_file_about_no_paper_is_left_out_unless_all_is_asked_for(notes: Path) -> None:
    assert "diary.md" not in {record["file"] for record in records(notes)}
    assert [record["kind"] for record in records(notes, "--all") if record["file"] == "diary.md"] == ["note"]


def test_for_a_person_each_file_says_why_it_was_read_so(notes: Path) -> None:
    assert parse(notes).stdout.splitlines() == [
        "deep/2024-10.md\tguillemets\t3 titles in guillemets",
        "deep/2024-10.md:11\tguillemets\tPrompt Search: Editing Instructions One Piece at a Time",
        "deep/2024-10.md:17\tguillemets\tTinyCodec: A Small Speech Codec",
        "deep/2024-10.md:25\tguillemets\tDo Units Keep Tone?",
        "diary.md\tnote\tnothing in it names a paper",
    ]


def test_what_cannot_be_read_is_a_line_on_stderr_and_the_others_go_on(notes: Path) -> None:
    (notes / "bad.md").write_bytes("《坏》".encode("gbk"))
    result = parse("missing", notes, "--json")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr.splitlines()[0] == "error: missing: no such file or folder; name a note or a folder of notes"
    assert result.stderr.splitlines()[1].startswith("error: bad.md:1: not UTF-8")


def test_neither_index_nor_anything_else_is_written(notes: Path) -> None:
    before = sorted(notes.parent.rglob("*"))
    parse(notes)
    assert sorted(notes.parent.rglob("*")) == before


def test_records_are_shown_while_the_rest_is_read(notes: Path) -> None:
    from kb.notes.reading import read_notes

    reading = read_notes([notes, Path("never looked at")])
    (notes / "diary.md").unlink()  # still to come when the folder was listed, gone when its turn comes
    first = next(reading)
    assert getattr(first, "file", None) == "deep/2024-10.md"


CORPORA = ("monthly-blog", "monthly-links", "quoted-metadata", "speech-hexo", "speech-single-notes", "weekly-tables")


@pytest.mark.parametrize("corpus", CORPORA)
def test_titles_of_notes_by_others_are_found(corpora: Path, corpus: str, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, ROOT / "cli.py", "parse", corpora / corpus, "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    (tmp_path / "found.jsonl").write_text(found.stdout, encoding="utf-8")
    scored = subprocess.run(
        [
            sys.executable,
            corpora.parent / "tools" / "score_titles.py",
            tmp_path / "found.jsonl",
            corpora / "_truth" / f"{corpus}.jsonl",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    score = json.loads(scored.stdout)
    assert score["recall"] >= 0.98
    assert score["precision"] >= 0.98
