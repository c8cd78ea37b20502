"""The ledger: what was run is kept, what has changed since is stale, and searches, show and digest tell of it."""

import ast
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from kb.claims import catalog as references

NOVEMBER = """\
---
title: 论文速记 2024年11月
---

## 语音理解

**《SALMONN: Hearing for Language Models》** 清华，Q-Former

窗口级 Q-Former 把 30 秒音频变成 88 个 token。

```claim
id: tokens-padded
says: 按补零的公式变成 88 个 token
run: arithmetic.window_tokens
with: {frames: 1500, window: 17}
expect: {window_tokens: 88}
expect_contradiction: 公式给出 89
```

```claim
id: tokens-dropped
says: 按代码变成 88 个 token
run: arithmetic.window_tokens
with: {frames: 1500, window: 17, last_window: dropped}
expect: {window_tokens: 88}
```

**《TinyVoice: A Codec》** 智谱，Codec

12.5 Hz，码本 16384。

```claim
id: tinyvoice-rate
says: 码率 174 bps
run: arithmetic.bit_rate_bps
with: {frame_rate_hz: 12.5, codebook_size: 16384}
expect: {bit_rate_bps: 174}
```

```claim
id: tinyvoice-shape
says: 还没有实现
run: not-written
with: {seconds: 30}
expect: {tokens: 88}
```

**《Quiet: No Figures at All》** CMU，评测

这里没有可以算的东西。
"""


@pytest.fixture
def claims_kb(empty_kb: Any) -> Any:
    empty_kb.write("2024-11.md", NOVEMBER)
    return empty_kb


def states(kb: Any, *arguments: str) -> dict[str, str]:
    return {claim["id"]: claim["state"] for claim in kb.json("claims", *arguments)["claims"]}


def test_claims_are_stale_until_they_are_run(claims_kb: Any) -> None:
    assert states(claims_kb) == dict.fromkeys(
        ["tokens-padded", "tokens-dropped", "tinyvoice-rate", "tinyvoice-shape"], "stale"
    )
    assert {claim["reason"] for claim in claims_kb.json("claims")["claims"]} == {"not run yet; run: kb verify"}


def test_every_claim_is_run_and_kept(claims_kb: Any) -> None:
    found = claims_kb.json("verify")

    assert found["summary"] == {
        "claims": 4,
        "holds": 1,
        "contradicted": 2,
        "not-runnable": 1,
        "stale": 0,
        "as_noted": 1,
    }
    assert states(claims_kb) == {
        "tokens-padded": "contradicted",
        "tokens-dropped": "holds",
        "tinyvoice-rate": "contradicted",
        "tinyvoice-shape": "not-runnable",
    }


def test_a_contradiction_shows_both_figures_and_the_place(claims_kb: Any) -> None:
    result = claims_kb.run("verify")

    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert lines[-2:] == [
        ["contradicted as noted", "tokens-padded", "88", "89", lines[-2][4], "公式给出 89"],
        ["contradicted", "tinyvoice-rate", "174", "175", lines[-1][4], ""],
    ]
    assert lines[-2][4].endswith("notes/2024-11.md:11")
    assert lines[-1][4].endswith("notes/2024-11.md:32")
    assert lines[1][0] == "not runnable here"
    assert lines[1][5] == "no reference not-written"
    assert result.stderr == "4 claims: 1 holds, 2 contradicted, 1 of these as noted, 1 not runnable here\n"


def test_only_a_contradiction_that_is_not_noted_fails_when_asked(claims_kb: Any) -> None:
    assert claims_kb.run("verify").exit_code == 0
    assert claims_kb.run("verify", "--fail-on", "contradicted").exit_code == 1
    assert claims_kb.run("verify", "salmonn", "--fail-on", "contradicted").exit_code == 0
    assert claims_kb.run("verify", "tokens-dropped", "--fail-on", "not-runnable").exit_code == 0
    assert claims_kb.run("verify", "--fail-on", "not-runnable").exit_code == 1
    assert claims_kb.run("verify", "--fail-on", "wrong").exit_code == 2


def test_a_contradiction_that_is_noted_but_does_not_happen_is_one(claims_kb: Any) -> None:
    claims_kb.write(
        "2024-11.md", NOVEMBER.replace("expect: {window_tokens: 88}\nexpect_", "expect: {tokens: 89}\nexpect_")
    )

    result = claims_kb.run("verify", "tokens-padded", "--fail-on", "contradicted")

    assert result.exit_code == 1
    assert result.stdout.rstrip().endswith("\tthe note expects a contradiction, but what it says holds")


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("tinyvoice-rate", ["tinyvoice-rate"]),
        ("2024-11", ["tokens-padded", "tokens-dropped", "tinyvoice-rate", "tinyvoice-shape"]),
        ("2024-10", []),
        ("SALMONN", ["tokens-padded", "tokens-dropped"]),
        ("tinyvoice", ["tinyvoice-rate", "tinyvoice-shape"]),
        ("Quiet", []),
    ],
)
def test_claims_are_chosen_by_id_month_or_paper(claims_kb: Any, target: str, found: list[str]) -> None:
    assert list(states(claims_kb, target)) == found


def test_a_target_that_is_nothing_is_an_error(claims_kb: Any) -> None:
    result = claims_kb.run("verify", "nothing")

    assert result.exit_code == 1
    assert result.stderr == "error: no claim, month or paper named 'nothing'; to list the claims: kb claims\n"


def test_the_list_is_narrowed_by_state(claims_kb: Any) -> None:
    claims_kb.run("verify")

    assert list(states(claims_kb, "--state", "contradicted")) == ["tokens-padded", "tinyvoice-rate"]
    assert claims_kb.run("claims", "--state", "wrong").exit_code == 2


def test_a_changed_claim_is_stale_and_a_moved_one_is_not(claims_kb: Any) -> None:
    claims_kb.run("verify")
    claims_kb.write(
        "2024-11.md", NOVEMBER.replace("## 语音理解", "## 语音\n\n## 语音理解").replace("174 bps", "175 bps")
    )

    assert states(claims_kb) == {
        "tokens-padded": "contradicted",
        "tokens-dropped": "holds",
        "tinyvoice-rate": "stale",
        "tinyvoice-shape": "not-runnable",
    }
    (stale,) = claims_kb.json("claims", "tinyvoice-rate")["claims"]
    assert stale["reason"] == "the claim has changed since it was run; run: kb verify"
    assert stale["line"] == 34


def test_a_claim_is_stale_when_its_code_has_changed(claims_kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    claims_kb.run("verify")

    monkeypatch.setattr("kb.claims.catalog.code_of", lambda run: "other" if run.startswith("arithmetic") else "")

    assert states(claims_kb, "salmonn") == {"tokens-padded": "stale", "tokens-dropped": "stale"}
    assert states(claims_kb, "tinyvoice-shape") == {"tinyvoice-shape": "not-runnable"}
    (stale, _) = claims_kb.json("claims", "salmonn")["claims"]
    assert stale["reason"] == "the code of arithmetic.window_tokens has changed since it was run; run: kb verify"


def test_a_claim_becomes_runnable_when_its_reference_arrives(
    claims_kb: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    claims_kb.run("verify")
    (tmp_path / "not_written.py").write_text("")
    monkeypatch.setattr(references, "FOLDER", tmp_path)

    assert states(claims_kb, "tinyvoice-shape") == {"tinyvoice-shape": "stale"}


def test_a_claim_is_stale_when_a_module_that_its_reference_shares_has_changed(
    claims_kb: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "reference"
    shutil.copytree(references.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(references, "FOLDER", folder)
    claims_kb.run("verify")
    before = states(claims_kb, "salmonn")

    with (folder / "_alone.py").open("a") as shared:  # arithmetic imports it
        shared.write("\nCHANGED = True\n")
    references._fingerprint.cache_clear()

    assert before == {"tokens-padded": "contradicted", "tokens-dropped": "holds"}
    assert states(claims_kb, "salmonn") == {"tokens-padded": "stale", "tokens-dropped": "stale"}


@pytest.mark.parametrize("changed", ["tree", "game", "_rules", "_dice", "coin"])
def test_code_that_a_reference_builds_on_counts_as_its_own(
    changed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "tree.py").write_text("from kb.reference import words, game\n")
    (tmp_path / "game.py").write_text("from kb.reference._rules import (\n    RULE,\n)\n")
    (tmp_path / "_rules.py").write_text("def play():\n    from kb.reference import (\n        _dice, coin\n    )\n")
    (tmp_path / "_dice.py").write_text("from kb.reference.tree import grow\n")
    (tmp_path / "coin.py").write_text("")
    (tmp_path / "words_apart.py").write_text("")
    monkeypatch.setattr(references, "FOLDER", tmp_path)
    before = references.code_of("tree.grow")

    (tmp_path / "words_apart.py").write_text("SIDES = 6\n")
    references._fingerprint.cache_clear()
    assert references.code_of("tree.grow") == before

    (tmp_path / f"{changed}.py").write_text((tmp_path / f"{changed}.py").read_text() + "\nSIDES = 6\n")
    references._fingerprint.cache_clear()
    assert before != references.code_of("tree.grow") != ""


def test_code_that_is_not_there_has_no_fingerprint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(references, "FOLDER", tmp_path)

    assert references.code_of("other") == ""


@pytest.mark.parametrize("path", references.references(), ids=lambda path: path.stem)
def test_a_fingerprint_covers_every_module_that_python_would_import(path: Path) -> None:
    wanted = {path.stem}
    while more := {name for one in wanted for name in imported(path.with_name(f"{one}.py"))} - wanted:
        wanted |= more

    assert {file.stem for file in references.code_files(path)} == wanted


def imported(path: Path) -> set[str]:
    """Return the modules of kb.reference that a file imports, as Python's own grammar has them."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    names = [
        f"{node.module}.{alias.name}".split(".") for node in nodes for alias in node.names if node.module is not None
    ]
    return {name[2] for name in names if name[:2] == ["kb", "reference"]}


def test_every_run_is_kept_with_what_it_ran_on(claims_kb: Any) -> None:
    for _ in range(3):
        claims_kb.run("verify", "tinyvoice-rate")
    claims_kb.run("index", "--full")

    runs = claims_kb.json("claims", "tinyvoice-rate")["runs"]

    assert [run["state"] for run in runs] == ["contradicted"] * 3
    assert json.loads(runs[0]["figures"]) == [["bit_rate_bps", "174", 175.0, False]]
    assert runs[0]["version"] == "0.1.0"
    assert runs[0]["device"].startswith("cpu (")
    assert runs[0]["date"] >= runs[-1]["date"] > "2024"
    assert 0 < runs[0]["seconds"] < 60


def test_blocks_that_cannot_be_run_are_reported_for_themselves(claims_kb: Any) -> None:
    claims_kb.write(
        "2024-12.md",
        "**《Broken: A Paper》** X，k\n\n```claim\nid: no-figures\nsays: x\nrun: arithmetic.total\n```\n\n"
        "```claim\nid: tinyvoice-rate\nsays: again\nrun: arithmetic.total\n"
        "with: {parts: [1]}\nexpect: {total: 1}\n```\n\n"
        "```claim\nid: misnamed\nsays: x\nrun: arithmetic.layout_steps\n"
        "with: {frames: 3, codebooks: 2, layout: delay}\nexpect: {tokens: 4}\n```\n",
    )

    found = {claim["file"] + ":" + claim["id"]: claim for claim in claims_kb.json("verify")["claims"]}

    assert found["2024-12.md:no-figures"]["reason"] == "the claim has no 'expect'; it needs id, says, run, expect"
    assert found["2024-12.md:misnamed"]["reason"] == "arithmetic.layout_steps gives steps, first_frame, not tokens"
    again = found["2024-12.md:tinyvoice-rate"]
    assert (again["state"], again["line"]) == ("not-runnable", 9)
    assert again["reason"] == "its id stands at 2024-11.md:32 too; give one of them another"
    assert found["2024-11.md:tinyvoice-rate"]["state"] == "contradicted"
    assert found["2024-11.md:tokens-dropped"]["state"] == "holds"


def test_a_search_finds_by_state_and_marks_its_hits(claims_kb: Any) -> None:
    claims_kb.run("verify")

    def papers(query: str) -> list[str]:
        return [hit["paper"]["short_name"] for hit in claims_kb.json("search", query)["hits"]]

    assert papers("claim:contradicted") == ["SALMONN", "TinyVoice"]
    assert papers("claim:holds") == ["SALMONN"]
    assert papers("claim:not-runnable 码本") == ["TinyVoice"]
    assert papers("claim:stale") == []
    assert papers("-claim:any") == ["Quiet"]
    hits = claims_kb.json("search", "Q-Former")["hits"]
    assert hits[0]["claims"] == {"contradicted": 1, "holds": 1}
    assert claims_kb.run("search", "Q-Former").stdout.splitlines()[1].endswith(" · ✗1 ▶")
    assert "   claims: 1 holds, 1 contradicted\n" in claims_kb.run("search", "Q-Former", "--why").stdout
    assert claims_kb.run("search", "claim:wrong").exit_code == 1


def test_words_of_a_claim_find_its_paper(claims_kb: Any) -> None:
    assert [hit["paper"]["short_name"] for hit in claims_kb.json("search", '"按补零的公式"')["hits"]] == ["SALMONN"]


def test_show_lists_the_claims_of_a_paper(claims_kb: Any) -> None:
    claims_kb.run("verify")

    shown = claims_kb.run("show", "salmonn")

    assert "holds\ttokens-dropped\t88\t88\t" in shown.stdout
    assert "```claim" not in shown.stdout
    assert [claim["id"] for claim in claims_kb.json("show", "salmonn")["claims"]] == ["tokens-padded", "tokens-dropped"]


def test_an_algorithm_is_shown_with_what_the_notes_claim_of_it(claims_kb: Any) -> None:
    before = claims_kb.run("run", "arithmetic").stdout
    assert "174 bps" not in before  # there is no index yet
    claims_kb.run("verify")

    shown = claims_kb.run("run", "arithmetic").stdout

    assert shown.startswith(before)
    assert "码率 174 bps: note says 174, computed 175, contradicted (2024-11.md:32)\n" in shown
    assert len(claims_kb.json("run", "arithmetic")["claims"]) == shown.count("note says")
    assert "note says" not in claims_kb.run("run", "bitstream").stdout


def test_the_digest_prints_the_ledger_and_runs_what_is_stale(claims_kb: Any) -> None:
    text = claims_kb.run("digest", "2024-11").stdout

    assert "成立 1、不成立 2、此处不能运行 1、不成立（笔记已说明） 1\n" in text
    row = next(line for line in text.splitlines() if "174 bps" in line and line.startswith("|"))
    assert row == (
        "| 不成立 | 码率 174 bps | 174 | 175 | [2024-11.md:32](notes/2024-11.md#L32) | arithmetic.bit_rate_bps |"
    )
    assert "- ✗ 码率 174 bps：笔记 174、算得 175\n" in text
    assert set(states(claims_kb).values()) == {"contradicted", "holds", "not-runnable"}


def test_the_digest_s_links_lead_from_where_it_lies(claims_kb: Any, tmp_path: Path) -> None:
    folder = tmp_path / "my site"
    folder.mkdir()

    claims_kb.run("digest", "2024-11", "--out", str(folder / "november.md"))

    assert "[2024-11.md:32](../kb/notes/2024-11.md#L32)" in (folder / "november.md").read_text(encoding="utf-8")


def test_a_month_without_claims_has_no_ledger(kb: Any) -> None:
    assert "核对" not in kb.run("digest", "2024-10").stdout


def test_a_claim_in_no_paper_is_run_too(empty_kb: Any) -> None:
    block = "```claim\nid: alone\nsays: x\nrun: arithmetic.total\nwith: {parts: [1, 2]}\nexpect: {total: 3}\n```\n"
    empty_kb.write("2024-11.md", f"# 2024-11\n\n{block}\n## A\n\n**《One: A Paper》** X，k\n\ntext\n")

    (claim,) = empty_kb.json("verify", "2024-11")["claims"]

    assert (claim["state"], claim["paper"], claim["month"]) == ("holds", None, "2024-11")


def test_check_names_broken_and_repeated_claims(claims_kb: Any) -> None:
    claims_kb.write("2024-12.md", "**《B: C》** X，k\n\narXiv:2410.00037\n\n```claim\nid: tinyvoice-rate\n```\n")

    shown = claims_kb.run("check").stdout

    assert "2024-12.md:5: the claim has no 'says'; it needs id, says, run, expect\n" in shown
    assert "2024-12.md:5: claim 'tinyvoice-rate' stands at 2024-11.md:32 too; give one of them another id\n" in shown


def test_runs_outlive_the_note_that_claimed(claims_kb: Any) -> None:
    claims_kb.run("verify")
    (claims_kb.notes / "2024-11.md").unlink()
    claims_kb.run("index")
    claims_kb.write("2024-11.md", NOVEMBER)

    assert states(claims_kb)["tokens-dropped"] == "holds"


def test_every_claim_names_a_paper_that_is_there(claims_kb: Any) -> None:
    claims_kb.run("index")
    db = sqlite3.connect(claims_kb.config.database)

    rows = db.execute("SELECT c.paper FROM claims c LEFT JOIN papers p ON p.id = c.paper WHERE p.id IS NULL").fetchall()

    assert rows == []


def test_a_claim_that_runs_out_of_time_is_no_success(claims_kb: Any) -> None:
    claims_kb.write(
        "2025-06.md",
        "```claim\nid: too-long\nsays: n\nrun: arithmetic.tree_nodes\nwith: {branching: 1, depth: 1000000000000}\n"
        "expect: {tree_nodes: 1}\n```\n",
    )
    result = claims_kb.run("verify", "too-long", "--limit", "1", "--fail-on", "contradicted")

    assert result.exit_code == 1
    assert "no answer within 1 s of processor time" in result.stdout
