"""Further folders of notes: how they come into kb.toml, are indexed where they lie, and are left as they are."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from kb.config.kb_toml import load_config, set_encoder
from kb.config.sources import Source

KB_TOML = '# mine\r\nencoder = "none"   # no model here\r\n\r\n# the end'


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    folder = tmp_path / "theirs"
    (folder / "drafts" / "old").mkdir(parents=True)
    (folder / "2024-07.md").write_text("**《WaveTok: Their Tokenizer》** Lab，k\n\n波形离散化\n", encoding="utf-8")
    (folder / "drafts" / "old" / "a.md").write_text("**《DraftTok: Unfinished》** Lab，k\n", encoding="utf-8")
    (folder / "README.txt").write_text("**《ReadTok: A Readme》** Lab，k\n", encoding="utf-8")
    (folder / "glossary.yaml").write_text("不是: ours\n", encoding="utf-8")
    return folder


def files(kb: Any) -> list[str]:
    return [file["path"] for file in kb.json("status")["files"]]


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "", path.stat().st_mtime_ns)
        for path in sorted((folder, *folder.rglob("*")))
    }


def test_an_imported_folder_is_found_in_searches(kb: Any, theirs: Path) -> None:
    result = kb.run("import", str(theirs))
    assert result.stdout == f"imported {theirs} as theirs; to index it: kb index\n"
    assert files(kb) == [
        "2024-08.md",
        "2024-10.md",
        "theirs/2024-07.md",
        "theirs/README.txt",
        "theirs/drafts/old/a.md",
    ]
    assert kb.json("search", "波形离散化")["hits"][0]["paper"]["id"] == "theirs/2024-07/wavetok"
    assert kb.json("show", "wavetok")["month"] == "2024-07"


def test_places_lead_to_where_the_file_lies(kb: Any, theirs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kb.run("import", str(theirs))
    monkeypatch.chdir(theirs.parent)
    monkeypatch.setenv("EDITOR", "echo")
    assert "Lab · k · 2024-07 · theirs/2024-07.md:3" in kb.run("search", "波形离散化").stdout
    assert "theirs/2024-07.md:1" in kb.run("list").stdout
    assert "theirs/2024-07.md:1" in kb.run("show", "wavetok").stdout
    assert kb.config.path_of("theirs/2024-07.md") == theirs / "2024-07.md"
    assert kb.config.path_of("other/2024-07.md") == kb.notes / "other/2024-07.md"
    assert kb.config.path_of("theirs") == kb.notes / "theirs"


def test_patterns_choose_the_files(kb: Any, theirs: Path) -> None:
    kb.run("import", str(theirs), "--include", "*.md", "--exclude", "drafts/*")
    assert files(kb)[2:] == ["theirs/2024-07.md"]


@pytest.mark.parametrize(
    ("include", "exclude", "file", "is_taken"),
    [
        ((), (), "a/b.md", True),
        (("a/*",), (), "a/deep/b.md", True),
        (("a/*",), (), "b.md", False),
        (("*.md",), ("a/*",), "a/b.md", False),
        (("*.MD",), (), "b.md", False),
        (("202[34]/*", "x.md"), (), "2024/01.md", True),
        (("202[34]/*", "x.md"), (), "x.md", True),
    ],
)
def test_a_pattern_is_matched_against_the_whole_path(
    include: tuple[str, ...], exclude: tuple[str, ...], file: str, is_taken: bool
) -> None:
    assert Source("theirs", Path("/x"), include, exclude).takes(file) == is_taken


def test_kb_toml_keeps_every_byte_and_gains_a_table(kb: Any, theirs: Path) -> None:
    path = kb.root / "kb.toml"
    path.write_bytes(KB_TOML.encode())
    kb.run("import", str(theirs), "--exclude", 'a "quoted" 名.md')
    added = f'\r\n\r\n[[sources]]\r\nfolder = "{theirs}"\r\nexclude = ["a \\"quoted\\" 名.md"]\r\n'
    assert path.read_bytes().decode() == KB_TOML + added
    assert load_config(kb.root).sources == (Source("theirs", theirs, (), ('a "quoted" 名.md',)),)

    set_encoder(load_config(kb.root), "minilm")
    assert path.read_bytes().decode() == KB_TOML.replace('"none"', '"minilm"') + added


def test_an_encoder_set_after_an_import_stands_before_the_tables(kb: Any, theirs: Path) -> None:
    (kb.root / "kb.toml").write_text("", encoding="utf-8")
    kb.run("import", str(theirs))
    set_encoder(load_config(kb.root), "none")
    assert (kb.root / "kb.toml").read_text("utf-8") == f'encoder = "none"\n[[sources]]\nfolder = "{theirs}"\n'
    assert load_config(kb.root).encoder == "none"


def test_a_folder_inside_the_knowledge_base_is_written_as_seen_from_there(kb: Any) -> None:
    (kb.root / "more").mkdir()
    kb.run("import", str(kb.root / "more"))
    assert 'folder = "more"\n' in (kb.root / "kb.toml").read_text("utf-8")
    assert kb.config.sources[0].folder == kb.root / "more"


def test_a_name_that_is_taken_is_counted_on(kb: Any, theirs: Path, tmp_path: Path) -> None:
    kb.write("theirs/mine.md", "**《Mine》** X，k\n")
    again = tmp_path / "other" / "theirs"
    again.mkdir(parents=True)
    (again / "b.md").write_text("**《Theirs Again》** X，k\n", encoding="utf-8")
    assert "as theirs-2;" in kb.run("import", str(theirs)).stdout
    assert "as theirs-3;" in kb.run("import", str(again)).stdout
    assert {"theirs/mine.md", "theirs-2/2024-07.md", "theirs-3/b.md"} < set(files(kb))


@pytest.mark.parametrize(
    ("folder", "complaint"),
    [
        ("missing", "is not a folder; name a folder of notes"),
        ("kb/notes", "and the notes of the knowledge base overlap"),
        ("kb/notes/deep", "and the notes of the knowledge base overlap"),
        ("kb", "and the notes of the knowledge base overlap"),
        ("kb/.kb", "and the index of the knowledge base overlap"),
        ("theirs", "is imported already, as 'theirs'"),
        ("theirs/drafts", "is imported already, as 'theirs'"),
        ("link", "is imported already, as 'theirs'"),
    ],
)
def test_a_folder_that_cannot_be_imported_is_one_line(
    kb: Any, theirs: Path, tmp_path: Path, folder: str, complaint: str
) -> None:
    (kb.notes / "deep").mkdir()
    (tmp_path / "link").symlink_to(theirs, target_is_directory=True)
    kb.run("import", str(theirs))
    before = (kb.root / "kb.toml").read_bytes()
    result = kb.run("import", str(tmp_path / folder))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {tmp_path / folder} ")
    assert complaint in result.stderr
    assert result.stderr.count("\n") == 1
    assert (kb.root / "kb.toml").read_bytes() == before


def test_searches_go_on_while_a_source_is_missing_and_say_so(kb: Any, theirs: Path, tmp_path: Path) -> None:
    kb.run("import", str(theirs))
    kb.run("index")
    shutil.move(theirs, tmp_path / "unplugged")
    line = f"source theirs: {theirs} cannot be read (it is not there); showing what was indexed of it\n"
    for arguments in (["search", "波形离散化"], ["index"], ["index", "--full"], ["search", "波形离散化"]):
        result = kb.run(*arguments)
        assert (result.exit_code, result.stderr) == (0, line)
    assert "WaveTok" in result.stdout
    kb.write("new.md", "**《Brand New》** X，k\n")
    assert "WaveTok" in kb.run("list").stdout

    shutil.move(tmp_path / "unplugged", theirs)
    (theirs / "2024-07.md").unlink()
    assert "WaveTok" not in kb.run("list").stdout


def test_a_source_taken_out_of_kb_toml_is_forgotten(kb: Any, theirs: Path) -> None:
    before = (kb.root / "kb.toml").read_bytes()
    kb.run("import", str(theirs))
    assert len(files(kb)) == 5
    (kb.root / "kb.toml").write_bytes(before)
    assert files(kb) == ["2024-08.md", "2024-10.md"]


def test_links_to_folders_in_a_source_are_passed_over(kb: Any, theirs: Path) -> None:
    (theirs / "loop").symlink_to(theirs, target_is_directory=True)
    kb.run("import", str(theirs))
    assert len(files(kb)) == 5


def test_nothing_is_written_in_a_source(kb: Any, theirs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "true")
    before = contents(theirs)
    kb.run("import", str(theirs))
    for arguments in (["index", "--full"], ["search", "波形"], ["open", "wavetok"], ["status"], ["digest", "2024-07"]):
        assert kb.run(*arguments).exit_code == 0
    result = kb.run("digest", "2024-07", "-o", str(theirs / "digest.md"))
    assert result.exit_code == 1
    assert "never written to" in result.stderr
    assert contents(theirs) == before


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('sources = "x"', "sources should be tables [[sources]], each with a folder"),
        ("[[sources]]\nname = 'x'", "folder of [[sources]] should be a text in quotes, got None"),
        ("[[sources]]\nfolder = 'x'\ncolour = 'red'", "unknown key 'colour' in [[sources]]"),
        ("[[sources]]\nfolder = 'x'\nname = 'a/b'", "name of [[sources]] should be a text without slashes, got 'a/b'"),
        ("[[sources]]\nfolder = 'x'\ninclude = 'a'", 'include of [[sources]] should be a list such as ["2024/*"]'),
        ("[[sources]]\nfolder = 'a/x'\n[[sources]]\nfolder = 'b/x'", "another folder of notes is named 'x'"),
        ("[[sources]]\nfolder = '/y'\nname = '2024-10.md'", "another folder of notes is named '2024-10.md'"),
    ],
)
def test_a_wrong_source_is_named(kb: Any, text: str, complaint: str) -> None:
    (kb.root / "kb.toml").write_text(text, encoding="utf-8")
    result = kb.run("list")
    assert result.exit_code == 1
    assert complaint in result.stderr


def test_sources_in_a_list_cannot_be_added_to(kb: Any, theirs: Path) -> None:
    text = 'encoder = "none"\nsources = [{ folder = "/elsewhere" }]\n'
    (kb.root / "kb.toml").write_text(text, encoding="utf-8")
    result = kb.run("import", str(theirs))
    assert result.exit_code == 1
    assert "sources should be tables [[sources]]; write those that are there so" in result.stderr
    assert (kb.root / "kb.toml").read_text("utf-8") == text
