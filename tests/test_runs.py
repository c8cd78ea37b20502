import sys
from typing import Any

import pytest

from kb import runs
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
