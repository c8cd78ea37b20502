"""What lies among the notes and is none is named; Markdown by other names is read."""

from typing import Any

import pytest


def rows(kb: Any) -> dict[str, list[str]]:
    lines = [line.split("\t") for line in kb.run("status").stdout.splitlines()]
    return {line[0]: line[1:] for line in lines if line[1] == "no note"}


@pytest.mark.parametrize("suffix", ["org", "rst", "tex", "ipynb", "html", "docx", "ORG"])
def test_a_text_of_another_kind_is_named_with_what_makes_markdown_of_it(empty_kb: Any, suffix: str) -> None:
    empty_kb.write(f"2024/a.{suffix}", "* A\n")
    result = empty_kb.run("status")

    assert result.exit_code == 0
    assert result.stdout == (
        f"2024/a.{suffix}\tno note\t\t0\t0\t\tMarkdown is read; to make it of this: pandoc FILE -t gfm -o FILE.md\n"
    )


@pytest.mark.usefixtures("few_words")
def test_many_files_of_a_kind_are_counted_and_a_few_named(kb: Any) -> None:
    for number in range(7):
        kb.write(f"figures/{number}.png", "")
    kb.write("a.pdf", "")
    kb.write("LICENSE", "")
    kb.write("refs.bib", "")
    kb.write(".hidden.org", "")
    kb.write(".git/x.org", "")
    kb.write("glossary.yaml", "")

    assert list(rows(kb)) == ["refs.bib", "LICENSE", "a.pdf", "figures/0.png and 6 more .png"]
    assert rows(kb)["refs.bib"][-1] == "if it is a library, take it in with: kb import FILE"
    assert kb.json("status")["others"][-1] == {
        "suffix": ".png",
        "files": 7,
        "some": ["figures/0.png", "figures/1.png", "figures/2.png"],
        "way_out": "",
    }


def test_sources_are_looked_through_as_they_are_read(kb: Any, tmp_path: Any) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for name in ("a.org", "drafts.org", "a.md"):
        (theirs / name).write_text("# A\n", encoding="utf-8")
    kb.run("import", str(theirs), "--exclude", "drafts*")
    library = kb.write("refs.bib", "@article{a, title={A Paper of Somebody}, year={2024}}\n")
    kb.run("import", str(library))

    assert list(rows(kb)) == ["theirs/a.org"]


@pytest.mark.parametrize("suffix", ["mdx", "qmd", "Rmd", "markdown"])
def test_markdown_by_another_name_is_read(empty_kb: Any, suffix: str) -> None:
    empty_kb.write(
        f"2024-10.{suffix}", "---\ntitle: x\n---\n\n**《TinyCodec: A Small Speech Codec》** Amazon，Codec\n\n- x\n"
    )

    assert [paper["title"] for paper in empty_kb.json("list")] == ["TinyCodec: A Small Speech Codec"]
    assert rows(empty_kb) == {}
