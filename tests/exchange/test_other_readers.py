"""Programs that nobody here wrote read what is exported, and say nothing about it."""

import csv
import io
import json
import warnings
from pathlib import Path
from typing import Any

import pytest

pybtex = pytest.importorskip("pybtex.database")


def exported(kb: Any, to: str, *query: str) -> str:
    result = kb.run("export", *query, "--format", to)
    assert result.exit_code == 0
    return str(result.stdout)


@pytest.mark.parametrize("which", ["hard_kb", "many_kb"])
def test_pybtex_reads_and_lays_out_a_library_without_a_warning(
    which: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    import pybtex.errors
    from pybtex.style.formatting.plain import Style

    kb = request.getfixturevalue(which)
    text = exported(kb, "bibtex")
    pybtex.errors.set_strict_mode(True)  # a warning is an exception then
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        library = pybtex.database.parse_string(text, "bibtex")
        some = list(library.entries)[:: len(library.entries) // 200 + 1]
        laid_out = list(Style().format_bibliography(library, some))
    assert len(library.entries) == len(exported(kb, "jsonl").splitlines())
    assert len(library.entries) >= (1000 if which == "many_kb" else 3)
    assert len(laid_out) == len(some)
    assert capsys.readouterr().err == ""


def test_pybtex_finds_every_field_as_latex(hard_kb: Any) -> None:
    library = pybtex.parse_string(exported(hard_kb, "bibtex"), "bibtex")
    whole = library.entries["berg2024whole"]
    assert whole.type == "inproceedings"
    assert [person.last_names for person in whole.persons["author"]] == [["Berg"], ["{王小明}"], ["Müller"], ["Lab"]]
    assert whole.persons["author"][2].lineage_names == ["Jr"]
    assert whole.persons["author"][0].prelast_names == ["van", "der"]
    assert (whole.fields["booktitle"], whole.fields["year"], whole.fields["month"]) == ("ICASSP 2024", "2024", "April")
    assert whole.fields["doi"] == "10.1000/xyz_(1)"
    tiny = library.entries["2024-10-tinycodec"]
    assert tiny.fields["title"] == (
        r"{TinyCodec}: 100\% of {RVQ} \& {FSQ\_1} \textbraceleft{}at\textbraceright{} \$5 \textasciitilde{} \#1 "
        r'\textasciicircum{}2 \textbackslash{}\textbackslash{} "quoted"'
    )
    assert (tiny.fields["eprint"], tiny.fields["archiveprefix"]) == ("2410.00037", "arXiv")
    assert tiny.fields["url"] == "https://arxiv.org/abs/2410.00037"
    assert tiny.fields["affiliation"] == r"Amazon; Texas A\&M"
    assert tiny.fields["timestamp"] == "2024-10"


@pytest.mark.parametrize("which", ["hard_kb", "many_kb"])
def test_citeproc_reads_a_library(which: str, request: pytest.FixtureRequest) -> None:
    source = pytest.importorskip("citeproc.source.json")
    items = json.loads(exported(request.getfixturevalue(which), "csl-json"))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = source.CiteProcJSON(items)
    # `custom` is of CSL JSON since 1.0.2, for what it has no field for.
    assert {str(one.message) for one in said} <= {"The following arguments for Reference are unsupported: custom"}
    assert len(found) == len(items)


def test_citeproc_parts_names_and_dates(hard_kb: Any) -> None:
    source = pytest.importorskip("citeproc.source.json")
    items = json.loads(exported(hard_kb, "csl-json"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = source.CiteProcJSON(items)["berg2024whole"]
    assert whole["type"] == "paper-conference"
    assert (whole["author"][0].family, whole["author"][0]["non-dropping-particle"]) == ("Berg", "van der")
    assert (int(whole["issued"].year), int(whole["issued"].month), int(whole["issued"].day)) == (2024, 4, 15)


@pytest.mark.parametrize("venue", ["IEEE JSTSP", "TASLP 2023", "Signal Processing Letters"])
def test_a_journal_by_its_short_name_is_a_journal_to_citeproc(empty_kb: Any, venue: str) -> None:
    source = pytest.importorskip("citeproc.source.json")
    empty_kb.write("2024-10.md", f"---\nauthors: [Anna Berg]\nvenue: {venue}\ntitle: Whole Numbers\n---\ntext\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (item,) = source.CiteProcJSON(json.loads(exported(empty_kb, "csl-json"))).values()
    assert item["type"] == "article-journal"


@pytest.mark.parametrize("which", ["hard_kb", "many_kb"])
def test_rispy_reads_a_library(which: str, request: pytest.FixtureRequest) -> None:
    rispy = pytest.importorskip("rispy")
    kb = request.getfixturevalue(which)
    found = {entry["id"]: entry for entry in rispy.loads(exported(kb, "ris"))}
    lines = [json.loads(line) for line in exported(kb, "jsonl").splitlines()]
    assert len(found) == len(lines)
    for record in lines:
        entry = found[record["key"]]
        assert entry["title"] == record["title"]
        assert entry.get("keywords", []) == record["keywords"]
        assert len(entry.get("authors", [])) == len(record["authors"])
    if which == "hard_kb":
        whole = found["berg2024whole"]
        assert whole["authors"][:2] == ["van der Berg, Anna", "王小明"]
        assert (whole["type_of_reference"], whole["year"], whole["date"]) == ("CPAPER", "2024", "2024/04/15/")


def test_a_table_is_rfc_4180_and_excel_knows_its_letters(hard_kb: Any, tmp_path: Path) -> None:
    hard_kb.run("export", "--format", "csv", "--out", str(tmp_path / "a.csv"))
    data = (tmp_path / "a.csv").read_bytes()
    assert data[:3] == b"\xef\xbb\xbf"
    text = data[3:].decode()
    assert text.count("\r\n") == 4
    assert text.replace("\r\n", "\n") == exported(hard_kb, "csv")  # the runner reads line ends as one
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert rows[0]["title"].startswith('TinyCodec: 100% of RVQ & FSQ_1 {at} $5 ~ #1 ^2 \\\\ "quoted"')
    assert rows[0]["organizations"] == "Amazon; Texas A&M"
    assert rows[2]["authors"] == "Anna van der Berg; 王小明; Zoë Müller Jr; Speech Lab"


def test_a_style_keeps_the_capitals_that_mean_something(empty_kb: Any) -> None:
    from pybtex.backends.plaintext import Backend
    from pybtex.style.formatting.plain import Style

    empty_kb.write("2024-10.md", '**《How Qwen2, "K-means" and (DM-Codec) Meet》** Lab，k\n')
    library = pybtex.parse_string(exported(empty_kb, "bibtex"), "bibtex")
    out = io.StringIO()
    Backend().write_to_stream(Style().format_bibliography(library), out)
    assert 'How Qwen2, "k-means" and (DM-Codec) meet' in out.getvalue()


FORMULAS = {  # a title, and the cell it is
    "=HYPERLINK(1)": "'=HYPERLINK(1)",
    "+1 for Small Models": "'+1 for Small Models",
    "-ing: On Verbs": "'-ing: On Verbs",
    "@SUM(1+1)*cmd|' /C calc'!A0": "'@SUM(1+1)*cmd|' /C calc'!A0",
    "＝1+1 wide": "'＝1+1 wide",
    "\u200b=1+1 unseen": "\u200b'=1+1 unseen",
    "\ufeff=1+1 marked": "\ufeff'=1+1 marked",
    "a;=1+1 elsewhere": "a;'=1+1 elsewhere",
    'a;"=1+1" quoted': 'a;"\'=1+1" quoted',
    "2024 in Review": "2024 in Review",
    "C++ and =: a - b @ c": "C++ and =: a - b @ c",
    "'=already": "'=already",
}


def test_no_cell_of_a_table_is_a_formula(empty_kb: Any) -> None:
    items = [{"type": "book", "id": f"k{number}", "title": title} for number, title in enumerate(FORMULAS)]
    items.append(
        {"type": "book", "id": "=key", "title": "Zz", "author": [{"literal": "=One\n=Two"}, {"literal": "-Three"}]}
    )
    items.append({"type": "book", "id": "t", "title": "Tabs", "container-title": "\t=1+1"})
    (empty_kb.root / "a.json").write_text(json.dumps(items), encoding="utf-8")
    empty_kb.run("import", str(empty_kb.root / "a.json"))

    rows = list(csv.DictReader(io.StringIO(exported(empty_kb, "csv"), newline=""), strict=True))

    by_key = {row["key"]: row for row in rows}
    assert {by_key[f"k{number}"]["title"] for number in range(len(FORMULAS))} == set(FORMULAS.values())
    assert by_key["'=key"]["authors"] == "'=One =Two; '-Three"
    assert by_key["t"]["venue"] == "'=1+1"
    assert not [cell for row in rows for cell in row.values() if cell[:1] in tuple("=+-@\t\r")]
    titles = {json.loads(line)["title"] for line in exported(empty_kb, "jsonl").splitlines()}
    assert "=HYPERLINK(1)" in titles  # for programs, as it is
