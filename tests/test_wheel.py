"""Source distribution and wheel hold what they should, and work away from the checkout; nothing is downloaded."""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from kb import __version__

ROOT = Path(__file__).resolve().parent.parent
BLOCK_HEAVY = (
    "import sys; sys.modules.update(torch=None, sentence_transformers=None, transformers=None, onnxruntime=None)"
)


MANUAL_PAGE = f"paper_kb-{__version__}.data/data/share/man/man1/kb.1"  # where man looks beside the program


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source distribution and the wheel that was made of it."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own, with our packages within sight but none of the heavy ones."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    purelib = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        purelib,
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    seen = Path(purelib) / "zz_ours.pth"
    seen.write_text(f"{sysconfig.get_path('purelib')}\n{BLOCK_HEAVY}\n", encoding="utf-8")
    return python


def kb(program: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "KB_"))}
    return subprocess.run(
        [program, "-m", "kb", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_program_and_templates_and_nobodys_notes(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "kb/cli.py",
        "kb/__main__.py",
        "kb/templates/digest.md.j2",
        "kb/reference/rvq.py",
        "kb/index/glossary.yaml",
        MANUAL_PAGE,
    } <= names
    assert not [name for name in names if name.startswith(("notes", "tests", "templates", "cli")) or ".kb" in name]


def test_the_source_distribution_holds_nobodys_notes(built: Path) -> None:
    (found,) = built.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        folders = {name.split("/")[1] for name in archive.getnames()}

    assert {"kb", "tests", "tools", "cli.py"} <= folders
    assert not folders & {"notes", ".kb", ".venv", "build", "dist"}


def test_the_manual_page_in_the_wheel_is_the_one_that_the_program_prints(
    wheel: Path, program: Path, tmp_path: Path
) -> None:
    page = zipfile.ZipFile(wheel).read(MANUAL_PAGE).decode("utf-8")

    assert page.startswith('.\\" Made by: kb man\n.TH KB 1 ')
    assert page == kb(program, tmp_path, "man").stdout


def test_a_build_asks_for_the_typer_that_the_program_asks_for() -> None:
    asked = re.findall(r'"(typer\b[^"]*)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert len(asked) == 2
    assert asked[0] == asked[1]


def test_it_works_without_torch_and_says_what_is_missing(program: Path, tmp_path: Path) -> None:
    (tmp_path / "cli.py").write_text("raise SystemExit('a stranger')", encoding="utf-8")
    assert "search      papers" in kb(program, tmp_path, "--help").stdout
    assert kb(program, tmp_path, "init").returncode == 0
    assert "SoundStream" in kb(program, tmp_path, "search", "残差向量量化").stdout
    assert "码书" in kb(program, tmp_path, "gloss", "codebook").stdout  # of the shipped glossary alone
    month = next((tmp_path / "notes").glob("*.md")).stem
    assert "SoundStream" in kb(program, tmp_path, "digest", month).stdout
    index = kb(program, tmp_path, "index")
    assert index.returncode == 0
    assert (
        "indexed for words only: the encoder needs sentence_transformers; run: pip install 'paper-kb[models,minilm]'"
        in index.stderr
    )
    run = kb(program, tmp_path, "run", "rvq")
    assert (run.returncode, run.stderr) == (1, "error: rvq needs torch; run: pip install 'paper-kb[models]'\n")
