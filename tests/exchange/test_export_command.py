"""`kb export` from the command line."""

import json
from pathlib import Path
from typing import Any

import pytest


def test_a_query_chooses_and_each_paper_comes_once(kb: Any) -> None:
    kb.write("2024-11.md", "**《TinyCodec: A Small Speech Codec》** Amazon，Codec\n\n再读一遍。\n")
    lines = [json.loads(line) for line in kb.run("export", "TinyCodec", "-f", "jsonl").stdout.splitlines()]
    assert [line["title"] for line in lines] == ["TinyCodec: A Small Speech Codec"]
    assert lines[0]["places"] == ["2024-11.md:1", "2024-10.md:17"]
    assert "再读一遍。" in lines[0]["body"]
    assert "声学延迟" in lines[0]["body"]
    assert kb.run("export", "month:2024-08").stdout.count("\n@") + 1 == 1


@pytest.mark.parametrize(("to", "empty"), [("bibtex", ""), ("csl-json", "[]\n"), ("ris", ""), ("jsonl", "")])
def test_no_papers_are_an_empty_file_and_a_line(kb: Any, tmp_path: Path, to: str, empty: str) -> None:
    result = kb.run("export", "month:1999-01", "-f", to)
    assert (result.exit_code, result.stdout, result.stderr) == (0, empty, "no paper to export\n")
    out = tmp_path / "papers"
    result = kb.run("export", "month:1999-01", "-f", to, "-o", str(out))
    assert (result.exit_code, out.exists()) == (0, False)
    assert result.stderr == f"no paper to export; nothing was written to {out}\n"


def test_notes_and_lectures_are_no_papers(kb: Any) -> None:
    kb.write("diary.md", "今天读了三篇论文。\n")
    assert "今天" not in kb.run("export").stdout
    assert kb.run("export").stdout.count("@") == 4


def test_what_cannot_be_is_one_line(kb: Any, tmp_path: Path) -> None:
    assert kb.run("export", "-f", "word").exit_code == 2
    assert "is a folder; name a file in it" in kb.run("export", "-o", str(tmp_path)).stderr
    assert "never written to" in kb.run("export", "-o", str(kb.notes / "x.bib")).stderr
    result = kb.run("export", "-o", str(tmp_path / "no" / "x.bib"))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert kb.run("export", "-o", str(tmp_path / "x.bib")).stderr == f"wrote 4 papers to {tmp_path / 'x.bib'}\n"


def test_the_same_notes_give_the_same_bytes(kb: Any) -> None:
    for to in ("bibtex", "csl-json", "ris", "jsonl", "csv"):
        assert kb.run("export", "-f", to).stdout == kb.run("export", "-f", to).stdout
