import sys
import wave
from array import array
from pathlib import Path
from typing import Any

import pytest

import kb.reference
from kb.claims import algorithms as runs
from kb.claims import catalog as references
from kb.errors import KbError


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    levels: int = 8,
    rate: float = 1.0,
    fast: bool = False,
    delays: tuple[int, ...] = (),
    name: str = "",
) -> dict[str, Any]:
    return {"rows": []}


def test_every_algorithm_is_listed_with_one_sentence() -> None:
    listed = {algorithm.name: algorithm.summary for algorithm in runs.algorithms()}
    assert {"rvq", "delay"} <= set(listed)
    assert all(summary.endswith(".") and len(summary) <= 110 for summary in listed.values())


def test_listing_does_not_bring_in_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert runs.algorithms()


def test_settings_take_the_types_of_the_signature() -> None:
    settings = ["levels=4", "rate=2.5", "fast=yes", "delays=0,1,3", "name=a=b"]
    assert runs.parse_settings("x", demo, settings) == {
        "levels": 4,
        "rate": 2.5,
        "fast": True,
        "delays": (0, 1, 3),
        "name": "a=b",
    }


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("levels=x", "levels should be a whole number, got 'x'"),
        ("rate=x", "rate should be a number, got 'x'"),
        ("fast=x", "fast should be true or false, got 'x'"),
        ("delays=0;1", "delays should be a list like 0,1,2, got '0;1'"),
        ("depth=4", "x has no parameter 'depth'; it takes: levels=…, rate=…, fast=…, delays=…, name=…"),
        ("levels", "x: a parameter is written levels=…, got 'levels'"),
        ("seed=1", "x has no parameter 'seed'"),
    ],
)
def test_a_wrong_setting_is_answered_with_what_there_is(setting: str, complaint: str) -> None:
    with pytest.raises(KbError, match=complaint.replace("(", r"\(")):
        runs.parse_settings("x", demo, [setting])


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "kb.reference.rvq", raising=False)
    with pytest.raises(KbError, match=r"rvq needs torch; run: pip install 'paper-kb\[models\]'"):
        runs.run("rvq", "cpu", 0, [])


def test_a_device_that_is_not_there_is_said_so() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(KbError, match="no CUDA device on this machine; use --device cpu"):
        runs.run("delay", "cuda", 0, [])
    with pytest.raises(KbError, match="device should be one of cpu, cuda, auto, got 'tpu'"):
        runs.run("delay", "tpu", 0, [])


def test_a_bad_value_is_told_by_the_algorithm_itself() -> None:
    pytest.importorskip("torch")
    with pytest.raises(KbError, match="delay: "):
        runs.run("delay", "cpu", 0, ["codebooks=0"])


def test_an_algorithm_runs_and_repeats_itself() -> None:
    pytest.importorskip("torch")
    first = runs.run("delay", "auto", 0, ["codebooks=4", "frames=5"])
    assert first == runs.run("delay", "cpu", 0, ["codebooks=4", "frames=5"])
    assert "codebook 3  .  .  .  0  1  2  3  4" in first["drawing"]


TOY = '''\
"""A toy that counts."""


def demo(*, device: str = "cpu", seed: int = 0, steps: int = 3, loud: bool = False) -> dict:
    """Count.

    Args:
        device: not used.
        seed: not used.
        steps: how far to count,
            from one.
        loud: whether the sound is.
    """
    if steps < 1:
        raise ValueError(f"steps should be 1 or more, got {steps}")
    counted = list(range(1, steps + 1))
    return {
        "rows": [{"step": step, "square": step * step} for step in counted],
        "remarks": ["Counted."],
        "plot": {"kind": "line", "x": counted, "series": {"square": counted}, "x_label": "step", "y_label": "y"},
        "audio": {"sample_rate_hz": 8000, "tracks": {"low": [0.0, 0.5, -2.0], "all steps": [1.0]}},
    }


def checks(*, device: str = "cpu") -> list:
    """Return two promises."""
    return [("one and one are two", 1 + 1 == 2), ("two and two are five", 2 + 2 == 5)]
'''


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "toy.py").write_text(TOY, encoding="utf-8")
    monkeypatch.setattr(references, "FOLDER", tmp_path)
    monkeypatch.setattr(kb.reference, "__path__", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "kb.reference.toy", raising=False)


def test_the_parameters_of_an_algorithm_are_told_without_running_it(toy: None) -> None:
    assert runs.parameters("toy") == [
        runs.Parameter("steps", "int", "3", "how far to count, from one."),
        runs.Parameter("loud", "bool", "False", "whether the sound is."),
    ]
    assert "kb.reference.toy" not in sys.modules


def test_help_of_an_algorithm_shows_its_parameters(toy: None, kb: Any) -> None:
    assert kb.run("run", "toy", "--help").stdout.splitlines()[:2] == [
        "kb run toy takes:",
        "  steps=3                  int              how far to count, from one.",
    ]
    assert "--plot" in kb.run("run", "--help").stdout


def test_checks_are_shown_and_one_that_fails_fails_the_command(toy: None, kb: Any) -> None:
    result = kb.run("run", "toy", "--check")

    assert result.exit_code == 1
    assert result.stdout == "ok\ttoy\tone and one are two\nFAILED\ttoy\ttwo and two are five\n"
    assert kb.run("run", "--all", "--check").stdout == result.stdout
    assert kb.run("run", "--all").exit_code == 2


def test_a_picture_is_written_where_it_was_asked_for(toy: None, kb: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    first, second = tmp_path / "a.png", tmp_path / "b.png"

    kb.run("run", "toy", "--plot", str(first))
    kb.run("run", "toy", "--plot", str(second))

    assert first.read_bytes().startswith(b"\x89PNG")
    assert first.read_bytes() == second.read_bytes()


def test_sound_is_written_a_file_a_track(toy: None, kb: Any, tmp_path: Path) -> None:
    result = kb.run("run", "toy", "--wav", str(tmp_path / "out.wav"))

    with wave.open(str(tmp_path / "out-low.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert array("h", file.readframes(3)).tolist() == [0, 16384, -32767]
    assert (tmp_path / "out-all-steps.wav").is_file()
    assert result.stdout == "step\tsquare\n1\t1\n2\t4\n3\t9\nCounted.\n"


def test_what_cannot_be_shown_is_said(toy: None, kb: Any, tmp_path: Path) -> None:
    (tmp_path / "mute.py").write_text(TOY.replace('"plot"', '"_p"').replace('"audio"', '"_a"'), encoding="utf-8")

    assert kb.run("run", "mute", "--plot", "x.png").stderr == "error: mute has nothing to draw; run it without --plot\n"
    assert kb.run("run", "mute", "--wav", "x.wav").stderr == "error: mute makes no sound; run it without --wav\n"
    assert "cannot be written" in kb.run("run", "toy", "--wav", str(tmp_path / "none" / "x.wav")).stderr
    assert kb.run("run", "toy", "steps=0").stderr == "error: toy: steps should be 1 or more, got 0\n"


def test_every_algorithm_is_in_the_catalog_and_the_catalog_names_no_other() -> None:
    assert set(references.CATALOG) == {algorithm.name for algorithm in runs.algorithms()}


def test_a_paper_is_runnable_by_its_name_or_its_id() -> None:
    assert "rvq" in references.runnable(["soundstream", None])
    assert "rvq" in references.runnable([None, "2107.03312"])
    assert references.runnable([None, ""]) == ()


def test_searches_and_show_say_what_is_runnable(kb: Any) -> None:
    kb.write("2024-09.md", "**《SoundStream: A Neural Codec》** Google，Codec\n\n端到端的编解码器。\n")

    assert kb.run("search", "SoundStream").stdout.splitlines()[1].endswith(" · ▶")
    assert "   runnable: kb run " in kb.run("search", "SoundStream", "--why").stdout
    assert "rvq" in kb.json("search", "SoundStream")["hits"][0]["runnable"]
    assert "     runnable  kb run " in kb.run("show", "SoundStream").stdout
    assert "runnable" not in kb.run("search", "OldCodec").stdout


def test_the_list_counts_the_claims_that_run_an_algorithm(kb: Any) -> None:
    block = "```claim\nid: a\nsays: x\nrun: qwen-audio-tags.languages\nexpect: {languages: 8}\n```\n"
    kb.write("2024-09.md", f"**《Qwen-Audio: Listening》** 阿里，k\n\n八种语言。\n\n{block}")
    kb.run("index")

    listed = {one["name"]: one for one in kb.json("run", "--list")}

    assert listed["qwen-audio-tags"]["claims"] == 1
    assert listed["arithmetic"]["claims"] == 0
    assert "Qwen-Audio" in listed["qwen-audio-tags"]["papers"]
