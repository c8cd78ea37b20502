"""The project's own notes: what they claim is computed, and comes out as the notes say."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Kb

ROOT = Path(__file__).resolve().parent.parent
MONTHS = ("2024-10", "2024-11", "2025-05")

# What is known to come out: figure of the note, figure computed. A contradiction is told by the note itself.
HOLDS = {
    "salmonn-30s-tokens-code": ("88", "88"),
    "salmonn-trainable": ("3.3e7", "33332992"),
    "salmonn-trainable-share": ("0.24", "0.2419645"),
    "salmonn-lora-scaling": ("4.0", "4"),
    "salmonn-beats-tokens": ("1496", "1496"),
    "qwen-audio-encoder-parameters": ("6.4e8", "636784640"),
    "qwen-audio-frames-after-pooling": ("750", "750"),
    "qwen-audio-llm-parameters": ("7.7e9", "7721324544"),
    "qwen-audio-time-stamps": ("3001", "3001"),
    "qwen-audio-audio-start-id": ("155163", "155163"),
    "mooer-embedding-120ms": ("120", "120"),
    "mooer-lora-share": ("2", "2.120389"),
    "glm-4-voice-bit-rate": ("175", "175"),
    "glm-4-voice-first-speech-23": ("23", "23"),
    "glm-4-voice-real-time-rate": ("18.75", "18.75"),
    "maskgct-acoustic-bit-rate": ("6.0", "6"),
    "maskgct-s2a-steps": ("45", "45"),
    "o1-journey-last-level": ("59049", "59049"),
    "o1-journey-all-nodes": ("88572", "88572"),
    "o1-journey-baseline": ("40", "40"),
    "dm-codec-bit-rate": ("4.0", "4"),
    "tts-llama-token-bits": ("12", "12"),
    "ichigo-instruction-mix": ("100", "100"),
}
CONTRADICTED = {
    "salmonn-30s-tokens-formula": ("88", "89"),
    "salmonn-window-seconds": ("0.33", "0.34"),
    "glm-4-voice-first-speech-20": ("20", "23"),
    "qwen-audio-tags-not-released": ("[]", "[startoftranscripts, analysis, question-answer]"),
}


@pytest.fixture(scope="module")
def own_kb(verified: Path, tmp_path_factory: pytest.TempPathFactory) -> Kb:
    return Kb(shutil.copytree(verified, tmp_path_factory.mktemp("own") / "kb"))


@pytest.fixture(scope="module")
def claims(own_kb: Kb) -> dict[str, Any]:
    return {claim["id"]: claim for claim in own_kb.json("verify")["claims"]}


def test_the_notes_claim_much_that_can_be_computed(claims: dict[str, Any]) -> None:
    assert sum(claim["run"].startswith("arithmetic.") for claim in claims.values()) >= 60


def test_what_is_known_to_hold_holds(claims: dict[str, Any]) -> None:
    found = {name: (claims[name]["says_figures"], claims[name]["computed_figures"]) for name in HOLDS}

    assert found == HOLDS
    assert {claims[name]["state"] for name in HOLDS} == {"holds"}


def test_what_is_known_to_be_contradicted_is_and_the_note_says_so(claims: dict[str, Any]) -> None:
    found = {name: (claims[name]["says_figures"], claims[name]["computed_figures"]) for name in CONTRADICTED}

    assert found == CONTRADICTED
    assert {(claims[name]["state"], claims[name]["is_expected"]) for name in CONTRADICTED} == {("contradicted", True)}


def test_nothing_is_contradicted_that_the_notes_do_not_tell_of(claims: dict[str, Any]) -> None:
    wrong = [claim["id"] for claim in claims.values() if claim["state"] == "contradicted" and not claim["is_expected"]]

    assert wrong == []


def test_every_claim_can_be_run(claims: dict[str, Any]) -> None:
    pytest.importorskip("torch")

    assert [claim["id"] for claim in claims.values() if claim["state"] not in ("holds", "contradicted")] == []


def test_the_documents_count_the_claims_as_they_come_out(claims: dict[str, Any]) -> None:
    pytest.importorskip("torch")
    [counted] = re.findall(r"\b(\d+): (\d+) hold, (\d+) are contradicted", (ROOT / "README.md").read_text("utf-8"))
    [timed] = re.findall(r"\b(\d+) of (\d+)\. Together", (ROOT / "docs" / "benchmarks.md").read_text("utf-8"))
    states = [claim["state"] for claim in claims.values()]

    assert [int(figure) for figure in counted] == [len(claims), states.count("holds"), states.count("contradicted")]
    assert int(timed[0]) == sum(claim["run"].startswith("arithmetic.") for claim in claims.values())
    assert int(timed[1]) == len(claims)


def test_every_claim_stands_in_a_paper(claims: dict[str, Any]) -> None:
    assert [claim["id"] for claim in claims.values() if not claim["paper"]] == []


@pytest.mark.parametrize("month", MONTHS)
def test_the_digest_of_each_month_prints_its_ledger(own_kb: Any, claims: dict[str, Any], month: str) -> None:
    lines = own_kb.run("digest", month).stdout.splitlines()
    rows = [line for line in lines if line.startswith("| ") and f"](notes/{month}.md#L" in line]

    assert len(rows) == sum(claim["month"] == month for claim in claims.values())


def test_the_digest_of_october(own_kb: Any, claims: dict[str, Any], golden: Any) -> None:
    pytest.importorskip("torch")

    golden("own-notes-2024-10.md", own_kb.run("digest", "2024-10").stdout)


def test_a_claim_of_a_digest_leads_to_the_function_that_computes_it(own_kb: Any, claims: dict[str, Any]) -> None:
    code = own_kb.root / "kb"
    code.symlink_to(ROOT / "kb")
    digest = own_kb.run("digest", "2024-10").stdout
    code.unlink()

    found = re.findall(r"\[(\w+)\.(\w+)\]\((kb/reference/\1\.py)#L(\d+)\)", digest)
    assert len(found) == sum(claim["month"] == "2024-10" for claim in claims.values())
    for _, function, file, line in found:
        assert (ROOT / file).read_text("utf-8").splitlines()[int(line) - 1].startswith(f"def {function}(")


def test_the_october_digest_lacks_nothing_of_the_list_that_it_follows(own_kb: Any, seeds: Path) -> None:
    [october] = [text for path in seeds.glob("*.txt") if "2024年10月" in (text := path.read_text("utf-8"))]
    digest = own_kb.run("digest", "2024-10").stdout
    titles, addresses = re.findall(r"《(.+?)》", october), re.findall(r"https?://[^\s)>\]\"]+", october)

    assert len(titles) == 13
    assert len(addresses) >= 3
    assert [one for one in titles + addresses if one.replace("_", "") not in digest.replace("_", "")] == []


def test_the_notes_are_as_kb_check_wants_them() -> None:
    from kb.notes.checking import check
    from kb.notes.reading import note_files

    assert {found.rule for found in check(note_files(ROOT / "notes"))} <= {"no-link"}
