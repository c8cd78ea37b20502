"""Claims run in processes of their own: what goes wrong with one is said of it and spoils no other."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kb.claims.running import Job, Outcome, run_all
from kb.claims.worker import run
from tests.faults.killing import PATIENCE_SECONDS

GOOD = Job("arithmetic.window_tokens", {"frames": "1500", "window": "17"})

# A worker that does what its job says, in place of the real one.
OBEDIENT = """\
import json, os, sys, time
for line in sys.stdin:
    what = json.loads(line)["run"]
    if what == "exit":
        os._exit(3)
    if what == "sleep":
        time.sleep(600)
    print(json.dumps({"figures": {"x": 1}, "reason": None, "seconds": 0.0, "device": str(os.getpid())}), flush=True)
"""


def outcomes(jobs: list[Job], **settings: Any) -> list[Outcome]:
    return [outcome for _, outcome in sorted(run_all(jobs, **settings), key=lambda pair: pair[0])]


def reasons(jobs: list[Job], **settings: Any) -> list[str | None]:
    return [outcome.reason for outcome in outcomes(jobs, **settings)]


def test_a_claim_gives_its_figures_under_the_function_s_name() -> None:
    (outcome,) = outcomes([GOOD])

    assert (outcome.figures, outcome.reason) == ({"window_tokens": 89}, None)
    assert outcome.seconds > 0
    assert outcome.device.startswith("cpu (")


def test_several_figures_bear_the_names_of_their_fields() -> None:
    job = Job("arithmetic.layout_steps", {"frames": "375", "codebooks": "8", "layout": "coarse_first"})

    assert outcomes([job])[0].figures == {"steps": 3000, "first_frame": 2626}


@pytest.mark.parametrize(
    ("name", "parameters", "reason"),
    [
        ("not-written", {}, "no reference not-written"),
        ("no-such-file.tokens", {}, "no reference no-such-file.tokens"),
        ("arithmetic.window_token", {}, "no reference arithmetic.window_token; there is arithmetic.window_tokens"),
        ("arithmetic.os", {}, "no reference arithmetic.os"),
        ("arithmetic._above", {}, "no reference arithmetic._above"),
        ("arithmetic.main", {}, "no reference arithmetic.main; there is arithmetic.mean"),
        ("../../setup", {}, "no reference ../../setup"),
        ("os.system", {}, "no reference os.system"),
        ("arithmetic.window_tokens.x", {}, "no reference arithmetic.window_tokens.x"),
        ("", {}, "no reference "),
        (
            "arithmetic.hop_length",
            {"stride": "2"},
            "arithmetic.hop_length has no parameter 'stride'; it takes: strides=…",
        ),
        ("arithmetic.hop_length", {}, "arithmetic.hop_length needs strides; it takes: strides=…"),
        (
            "arithmetic.frames",
            {"seconds": "long", "frame_rate_hz": "50"},
            "arithmetic.frames: seconds should be a number, got 'long'",
        ),
        (
            "arithmetic.tree_nodes",
            {"branching": "2.5", "depth": "3"},
            "arithmetic.tree_nodes: branching should be a whole number, got '2.5'",
        ),
        (
            "arithmetic.hop_length",
            {"strides": ["2", ["3"]]},
            "arithmetic.hop_length: strides should be a list like 0,1,2, got ['2', ['3']]",
        ),
        ("arithmetic.window_tokens", {"frames": "9", "window": "0"}, "window should be 1 or more, got 0"),
    ],
)
def test_what_cannot_be_run_says_why(name: str, parameters: dict[str, Any], reason: str) -> None:
    answer = run(name, parameters)

    assert (answer["figures"], answer["reason"].strip()) == ({}, reason.strip())


def test_whole_numbers_may_be_written_with_an_exponent() -> None:
    assert run("arithmetic.kept_candidates", {"share": "2e-2", "vocabulary": "8.192e3"})["figures"] == {
        "kept_candidates": 164
    }


def test_an_endless_claim_is_ended_and_spoils_no_other() -> None:
    endless = Job("arithmetic.tree_nodes", {"branching": "1", "depth": "1000000000000"})

    found = outcomes([GOOD, endless, GOOD], limit_seconds=0.5)

    late = "no answer within 0.5 s of processor time; kb verify --limit gives it more"
    assert [outcome.reason for outcome in found] == [None, late, None]
    assert [outcome.figures for outcome in found[::2]] == [{"window_tokens": 89}] * 2


def test_a_claim_that_raises_or_answers_too_much_is_said_of_itself() -> None:
    huge = Job("arithmetic.last_level_nodes", {"branching": "10", "depth": "100000"})
    overflowing = Job("arithmetic.samples", {"seconds": "1e200", "sample_rate_hz": "1e200"})

    found = reasons([huge, GOOD, overflowing, GOOD])

    assert found[1] is None
    assert found[3] is None
    assert "4300 digits" in (found[0] or "")
    assert found[2] == "arithmetic.samples failed: OverflowError: cannot convert float infinity to integer"


def test_a_crash_ends_its_process_and_the_next_claims_get_a_new_one() -> None:
    command = (sys.executable, "-c", OBEDIENT)

    found = reasons([Job("exit", {}), Job("fine", {}), Job("exit", {}), Job("fine", {})], command=command)

    assert found == ["exit crashed (exit code 3)", None, "exit crashed (exit code 3)", None]


def test_the_processes_end_with_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    running = run_all([Job("fine", {}), Job("sleep", {})], command=(sys.executable, "-c", OBEDIENT))
    process = int(next(running)[1].device)

    running.close()

    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_nothing_to_run_is_no_error() -> None:
    assert outcomes([]) == []


def test_a_claim_that_never_ends_ends_with_whoever_asked(tmp_path: Path) -> None:
    code = "from kb.claims import worker; worker.run = lambda **job: next(n for n in iter(int, 1) if n); worker.main()"
    worker = subprocess.Popen([sys.executable, "-c", code, "20"], stdin=subprocess.PIPE)
    assert worker.stdin is not None
    worker.stdin.write(b"{}\n")
    worker.stdin.flush()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(1)

    worker.stdin.close()  # what the end of a process does to its pipes, killed or not

    assert worker.wait(PATIENCE_SECONDS) == 0


def test_a_package_that_is_missing_is_named_with_the_way_to_it(tmp_path: Path) -> None:
    # A folder before all others whose torch cannot be imported stands for an installation without it.
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('no torch', name='torch')")
    code = "from kb.claims.worker import run; print(run('delay.first_complete_step', {'delays': ['0']})['reason'])"
    path = os.pathsep.join((str(tmp_path), str(Path(__file__).resolve().parents[2])))

    shown = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )

    assert shown.stdout == "delay.first_complete_step needs torch; run: pip install 'paper-kb[models]'\n"


def test_arithmetic_is_run_without_torch_or_numpy() -> None:
    code = (
        "import sys; from kb.claims.worker import run; run('arithmetic.total', {'parts': ['1', '2']});"
        "print(sorted({'torch', 'numpy', 'pydantic'} & set(sys.modules)))"
    )

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout == "[]\n"
