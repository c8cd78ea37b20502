import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.every_call import COMMANDS, CallTrial, Command, judged
from tests.faults.forking import Forking, is_possible, quick_folder
from tests.faults.power import after_cuts

pytestmark = pytest.mark.skipif(not is_possible(), reason="needs a C compiler, and Linux")
TRIED = 6  # of the faults of a command; `make soak` tries more
VECTORS = """
import numpy
from pathlib import Path
from kb.index.sqlite.faiss_file import build, save
vectors = numpy.random.default_rng(7).standard_normal((100, 8)).astype("<f4")
rows = [(key, row.tobytes()) for key, row in enumerate(vectors, 1)]
save(build(lambda: rows, 100, 8, print)[0], Path("{place}/vectors.faiss"))
"""
ENCODER = """
from pathlib import Path
from kb.files import sync_files
made = Path("{place}/made.part")
made.mkdir()
(made / "weights").write_bytes(b"weights" * 1000)
sync_files(made)
made.rename("{place}/made")
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with quick_folder() as made:
        yield made


@pytest.fixture(scope="module")
def forking(folder: Path) -> Iterator[Forking]:
    with Forking(folder) as made:
        yield made


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_a_call_that_fails_and_a_power_cut_leave_the_old_or_the_new(
    command: Command, forking: Forking, folder: Path
) -> None:
    trial = CallTrial(forking, command, folder / str(COMMANDS.index(command)))
    chance = random.Random(command.name)
    faults = chance.sample(list(trial.faults()), TRIED)
    faults += chance.sample(unread := list(trial.unread()), min(2, len(unread)))

    counts, found = judged(trial, faults)
    states, after_a_cut = trial.power_cuts()

    assert found == []
    assert after_a_cut == []
    assert counts.total()
    assert states


def cuts(forking: Forking, place: Path, code: str) -> list[str]:
    def run() -> bytes:
        done = forking.run(place, ["-c", code.replace("{place}", str(place))], is_logged=True)
        assert done.status == 0, done.err
        return done.log

    return [one.replace(str(place), "") for one in after_cuts(place, run)[1]]


def test_vectors_are_on_the_disk_before_they_have_their_name(forking: Forking, tmp_path: Path) -> None:
    assert cuts(forking, tmp_path, VECTORS) == []
    assert (tmp_path / "vectors.faiss").stat().st_size


def test_the_files_of_an_encoder_are_on_the_disk_before_it_has_its_name(forking: Forking, tmp_path: Path) -> None:
    found = cuts(forking, tmp_path, ENCODER)

    assert [one for one in found if "made.part" not in one and not one.endswith("None")] == []
    assert (tmp_path / "made" / "weights").is_file()


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("open('{place}/a', 'w').write('new')", ["lost: /a holds b''", "lost: /a holds b'n'"]),
        ("import os; os.rename('{place}/a', '{place}/b')", ["wrong: /b was said to be written and holds None"]),
        (
            "import os; os.mkdir('{place}/c'); open('{place}/c/d', 'w')",
            ["wrong: /c/d was said to be written and holds None"],
        ),
    ],
)
def test_what_is_not_synchronized_may_be_lost(forking: Forking, tmp_path: Path, code: str, wrong: list[str]) -> None:
    (tmp_path / "a").write_text("old", encoding="utf-8")

    assert set(wrong) <= set(cuts(forking, tmp_path, code))
