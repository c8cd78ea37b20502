"""Every system named in what the notes were written from stands in the notes, and a page says where."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from kb.errors import KbError

ROOT = Path(__file__).resolve().parent.parent
of_our_notes = pytest.mark.skipif(not [*ROOT.glob("notes/*.md")], reason="a source distribution holds no notes")

OCTOBER = """\
# 2024-10

**《TinyCodec: A Small Speech Codec》** Amazon，Speech Codec

编码器用 SEANet，码本 8 级；TinyCodec-large 与 BERT2 另文再写，地址 https://example.org/Vocos 。

**《TinyCodec 2: Smaller Still》** Amazon，Speech Codec

比 TinyCodec 小一半，见[官网](https://example.org/wavenet)，部署在夸娥平台上。
"""


@pytest.fixture(scope="module")
def coverage() -> Any:
    spec = importlib.util.spec_from_file_location("docs_coverage", ROOT / "tools" / "coverage_page.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def entries(coverage: Any, tmp_path: Path) -> Any:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "2024-10.md").write_text(OCTOBER, encoding="utf-8")
    return coverage.read_entries(tmp_path / "notes")


def groups(coverage: Any, folder: Path, text: str) -> Any:
    path = folder / "names.txt"
    path.write_text(text, encoding="utf-8")
    return coverage.read_groups(path)


def lines_of(coverage: Any, entries: Any, *ways: str) -> tuple[int | None, list[int]]:
    place = coverage.find_place(coverage.Name(ways), entries)
    return place.entry and place.entry.paper.line, [entry.paper.line for entry in place.mentions]


@of_our_notes
def test_every_name_stands_somewhere(coverage: Any) -> None:
    listed = coverage.read_groups(coverage.NAMES)
    assert sum(len(group.names) for group in listed) > 250
    assert coverage.names_without_place(listed, coverage.read_entries(coverage.NOTES)) == []


def test_a_name_that_stands_nowhere_is_reported(
    coverage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entries: Any
) -> None:
    listed = groups(coverage, tmp_path, "# Codecs\nTinyCodec\nDAC = Descript codec\nSEANet\n\n# Models\nLLaMA\n")
    assert coverage.names_without_place(listed, entries) == ["DAC", "LLaMA"]

    monkeypatch.setattr(coverage, "NAMES", tmp_path / "names.txt")
    monkeypatch.setattr(coverage, "NOTES", tmp_path / "notes")
    monkeypatch.setattr(coverage, "TABLES", tmp_path / "coverage.md")
    with pytest.raises(SystemExit, match=r"^error: names\.txt: nowhere in the notes: DAC, LLaMA; "):
        coverage.main()
    assert not (tmp_path / "coverage.md").exists()


def test_the_entry_called_so_comes_before_those_that_mention_the_name(coverage: Any, entries: Any) -> None:
    assert lines_of(coverage, entries, "TinyCodec") == (3, [7])
    assert lines_of(coverage, entries, "tinycodec 2") == (7, [])
    assert lines_of(coverage, entries, "TC", "TinyCodec: A Small Speech Codec") == (3, [])
    assert lines_of(coverage, entries, "SEANet") == (None, [3])


@pytest.mark.parametrize("name", ["BERT", "large", "Tiny", "Codec 2", "Vocos", "wavenet"])
def test_a_part_of_a_longer_name_or_of_an_address_is_no_mention(coverage: Any, entries: Any, name: str) -> None:
    assert lines_of(coverage, entries, name) == (None, [])


def test_a_chinese_name_is_found_inside_a_sentence(coverage: Any, entries: Any) -> None:
    assert lines_of(coverage, entries, "KUAE", "夸娥") == (None, [7])


def test_mentions_beyond_five_are_counted(coverage: Any, tmp_path: Path, entries: Any) -> None:
    listed = groups(coverage, tmp_path, "# Codecs\nSEANet\n")
    paper = next(one for one in entries if not one.paper.is_rest)
    page = coverage.render(listed, [paper] * 7, [])
    link = "[TinyCodec](../notes/2024-10.md#L3)"
    assert page.partition("\n## Algorithms")[0].endswith(f"\n| SEANet |  | {'、'.join([link] * 5)} and 2 more |\n")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("SEANet\n", "names.txt:1: SEANet belongs to no group"),
        ("# Codecs\nSEANet\n\nSEANet\n", "names.txt:4: SEANet is listed twice"),
    ],
)
def test_a_list_that_is_not_one_is_said_so(coverage: Any, tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(KbError, match=complaint):
        groups(coverage, tmp_path, text)


def test_the_inventory_names_every_reference_and_no_other(coverage: Any, tmp_path: Path) -> None:
    path = tmp_path / "inventory.txt"
    text = coverage.INVENTORY.read_text(encoding="utf-8")

    path.write_text(text.replace("= delay\n", "= delays\n"), encoding="utf-8")

    with pytest.raises(KbError, match="do not name the same algorithms: delay, delays"):
        coverage.read_inventory(path)


def test_what_is_prose_only_says_why(coverage: Any) -> None:
    algorithms = [one for _, group in coverage.read_inventory(coverage.INVENTORY) for one in group]

    assert all(bool(one.references) != bool(one.reason) for one in algorithms)
