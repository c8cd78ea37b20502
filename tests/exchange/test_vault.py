"""Obsidian: a vault as a source, and an export that never costs anybody a line."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from kb.exchange.export.obsidian import file_stems
from kb.exchange.export.works import works
from kb.index.query import parse_query
from kb.notes.parsing import parse_note


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return tmp_path / "vault" / "papers"


def export(kb: Any, vault: Path, *query: str) -> str:
    result = kb.run("export", *query, "--format", "obsidian", "--out", str(vault))
    assert result.exit_code == 0
    return str(result.stderr)


def front_of(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text("utf-8").split("---\n")[1]))


def test_a_note_has_properties_tags_and_links(kb: Any, vault: Path) -> None:
    assert export(kb, vault) == f"{vault}: 4 new, 0 changed, 0 as they were\n"
    front = front_of(vault / "TinyCodec - A Small Speech Codec.md")
    assert front["title"] == "TinyCodec: A Small Speech Codec"
    assert front["aliases"] == ["TinyCodec", "TinyCodec: A Small Speech Codec"]
    assert (front["arxiv"], front["read"], front["tags"]) == ("2410.00037", "[[2024-10]]", ["Speech-Codec"])
    assert front["related"] == ["[[OldCodec - Residual Quantizers for a Speech Codec]]"]
    for link in (link for path in vault.glob("*.md") for link in front_of(path).get("related", [])):
        assert (vault / f"{link[2:-2]}.md").is_file()


def test_exporting_again_writes_nothing_and_following_a_change_only_that(kb: Any, vault: Path) -> None:
    export(kb, vault)
    before = {path.name: path.stat().st_mtime_ns for path in vault.iterdir()}
    assert export(kb, vault) == f"{vault}: 0 new, 0 changed, 4 as they were\n"
    assert {path.name: path.stat().st_mtime_ns for path in vault.iterdir()} == before
    text = (kb.notes / "2024-08.md").read_text("utf-8")
    kb.write("2024-08.md", text.replace("更早的编解码器", "更早的一个编解码器"))
    assert export(kb, vault) == f"{vault}: 0 new, 1 changed, 3 as they were\n"


def test_what_somebody_else_wrote_is_left_alone(kb: Any, vault: Path) -> None:
    vault.mkdir(parents=True)
    mine = vault / "Do Units Keep Tone.md"
    mine.write_text("我自己的笔记\n", encoding="utf-8")
    said = export(kb, vault)
    assert said.splitlines() == [
        f"left alone, because it was changed or is not of kb: {mine}",
        f"{vault}: 3 new, 0 changed, 0 as they were",
    ]
    changed = vault / "TinyCodec - A Small Speech Codec.md"
    changed.write_text(changed.read_text("utf-8") + "\n在 Obsidian 里加的一行\n", encoding="utf-8")
    kb.write("2024-10.md", (kb.notes / "2024-10.md").read_text("utf-8").replace("声学延迟", "声学的延迟"))
    assert {line.rpartition(": ")[2] for line in export(kb, vault).splitlines()[:2]} == {str(mine), str(changed)}
    assert mine.read_text("utf-8") == "我自己的笔记\n"
    assert changed.read_text("utf-8").endswith("在 Obsidian 里加的一行\n")


def test_a_vault_is_no_folder_of_notes_and_needs_a_name(kb: Any, tmp_path: Path) -> None:
    assert "never written to" in kb.run("export", "-f", "obsidian", "-o", str(kb.notes / "vault")).stderr
    assert "say which: kb export --format obsidian --out" in kb.run("export", "-f", "obsidian").stderr
    (tmp_path / "file").write_text("x")
    result = kb.run("export", "-f", "obsidian", "-o", str(tmp_path / "file"))
    assert (result.exit_code, "cannot be made a folder" in result.stderr) == (1, True)


TITLES = {
    "What? A/B *Tests* of [[Links]] #1 ^2": "What A B Tests of Links 1 2",
    "../../etc/passwd": "etc passwd",
    "...": "untitled",
    "CON": "CON_",
    "一" * 100: "一" * 60,
    'A\\B|C<D>"E"': "A B C D E",
}


def test_names_of_files_are_safe_on_any_system(kb: Any) -> None:
    kb.refresh()
    one = works(kb.reader(), parse_query("TinyCodec"))[0]
    for title, stem in TITLES.items():
        assert file_stems([one._replace(paper=one.paper.model_copy(update={"title": title}))]) == [stem]
    twins = [one._replace(key=key, paper=one.paper.model_copy(update={"title": key})) for key in ("Same", "same")]
    assert file_stems(twins) == ["Same (Same)", "same (same)"]


NOTE = """\
---
aliases: [小词表, ToyTok]
tags:
  - tokenizer
  - 语音/离散
arxiv: 2410.00042
---
# A Toy Tokenizer for Speech

见 [[TinyCodec]] 和 [[notes/OldCodec|那个旧的]]，波形离散化。
"""


def test_a_vault_is_a_source(kb: Any, tmp_path: Path) -> None:
    vault = tmp_path / "Vault"
    for folder in (".obsidian", ".trash", "papers"):
        (vault / folder).mkdir(parents=True)
    (vault / ".obsidian" / "workspace.json").write_text("{}")
    (vault / ".trash" / "old.md").write_text(NOTE.replace("42", "43"), encoding="utf-8")
    (vault / "papers" / "toy.md").write_text(NOTE, encoding="utf-8")
    (vault / "board.canvas").write_text("{}")
    assert kb.run("import", str(vault)).exit_code == 0
    (row,) = (row for row in kb.json("list") if row["file"].startswith("Vault/"))
    record = kb.json("show", row["id"])
    assert (record["title"], record["short_name"]) == ("A Toy Tokenizer for Speech", "ToyTok")
    assert record["keywords"] == ["tokenizer", "语音/离散"]
    assert record["arxiv_id"] == "2410.00042"
    assert kb.json("search", "那个旧的")["hits"][0]["paper"]["id"] == row["id"]


def test_what_is_added_to_an_exported_note_is_read_as_its_text(kb: Any, vault: Path) -> None:
    export(kb, vault)
    path = vault / "Do Units Keep Tone.md"
    text = path.read_text("utf-8") + "\n## 我的想法\n\n**《Another: Title》** Lab，k\n"
    (paper,) = parse_note(text.encode(), path.name).papers
    assert paper.title == "Do Units Keep Tone?"
    assert paper.body.endswith("**《Another: Title》** Lab，k")


@pytest.mark.parametrize("key", ["10.1000/xyz", "k" * 300, "a:b", "../../x"])
def test_a_key_that_no_file_can_be_called_by_is_no_part_of_a_name(kb: Any, vault: Path, key: str) -> None:
    kb.write("2024-09.md", "**《Attention》** CMU，k\n")
    (kb.root / "mine.bib").write_text(f"@misc{{{key}, title={{Attention}}, year=1999, author={{Other, One}}}}", "utf-8")
    kb.run("import", str(kb.root / "mine.bib"))
    assert export(kb, vault) == f"{vault}: 6 new, 0 changed, 0 as they were\n"
    assert len([path for path in vault.rglob("*.md") if path.parent == vault]) == 6
