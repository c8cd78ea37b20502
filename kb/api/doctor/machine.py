"""What of this machine the program stands on: rules that need no knowledge base."""

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from shutil import which

from kb.api.doctor.findings import Finding
from kb.index.sqlite import libraries

OLDEST_PYTHON = (3, 10)
PROBE_SECONDS = 120
ONE_THREAD = "OMP_NUM_THREADS=1 kb index"
MODELS = "pip install 'paper-kb[models]'"


def python() -> Iterator[Finding]:
    """Look at the interpreter."""
    is_new_enough = sys.version_info >= OLDEST_PYTHON
    what = f"Python {platform.python_version()}, {sys.executable}"
    yield Finding("python", "ok" if is_new_enough else "broken", what)


def sqlite() -> Iterator[Finding]:
    """Look whether SQLite has full text and JSON."""
    found = libraries.sqlite()
    if found.fault:
        what = f"{found.name} without FTS5 or JSON ({found.fault})"
        yield Finding("sqlite", "broken", what, "use another build of Python")
    else:
        yield Finding("sqlite", "ok", f"{found.name} with FTS5 and JSON")


def onnxruntime() -> Iterator[Finding]:
    """Look whether searches by meaning have what runs their model."""
    missing = [name for name in ("onnxruntime", "tokenizers") if not find_spec(name)]
    if missing:
        yield Finding("onnx", "warning", f"{' and '.join(missing)} not installed: searches go by words only", MODELS)
    else:
        yield Finding("onnx", "ok", f"onnxruntime {metadata.version('onnxruntime')}")


def libraries_together() -> Iterator[Finding]:
    """Load torch and FAISS into one process and let both compute: each may bring an OpenMP of its own."""
    try:
        done = subprocess.run(  # noqa: S603 - our own text, this interpreter
            [sys.executable, "-c", libraries.PROBE],
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            check=False,
            cwd=sys.prefix,  # here, a file of the notes' folder could be taken for a module
        )
    except subprocess.TimeoutExpired:
        yield Finding("openmp", "broken", f"torch and FAISS hang when both compute ({PROBE_SECONDS} s)", ONE_THREAD)
        return
    if done.returncode < 0 or "OMP: Error" in done.stderr:
        why = next((line for line in done.stderr.splitlines() if "OMP" in line), f"signal {-done.returncode}")
        yield Finding("openmp", "broken", f"torch and FAISS in one process end it: {why}", ONE_THREAD)
        return
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        yield Finding(libraries.FAISS, "broken", f"torch or FAISS cannot be loaded: {last}", libraries.REINSTALL)
        return
    yield from _loaded(json.loads(done.stdout.splitlines()[-1]))


def _loaded(found: dict[str, object]) -> Iterator[Finding]:
    nearest = libraries.vectors(found)
    what = nearest.name + (f" {nearest.fault}" if nearest.fault else "")
    yield Finding(libraries.FAISS, *("broken", what, libraries.REINSTALL) if nearest.fault else ("ok", what))
    if "torch" not in found:
        what = "torch is not installed: models cannot be set up, and some algorithms cannot run"
        yield Finding("torch", "warning", what, MODELS)
        return
    device = "without a CUDA device" if found["device"] == "cpu" else f"on {found['device']}"
    if found["device"] == "cpu" and which("nvidia-smi"):
        what = f"torch {found['torch']} {device}, though this machine may have one"
        yield Finding("torch", "warning", what, "pip install --force-reinstall torch")
    else:
        yield Finding("torch", "ok", f"torch {found['torch']} {device}")
    names = found["openmp"]
    if isinstance(names, list) and names:
        yield Finding("openmp", "ok", f"torch and FAISS compute in one process, with {', '.join(names)}")
    else:
        yield Finding("openmp", "ok", "torch and FAISS compute in one process")


RULES = (python, sqlite, onnxruntime, libraries_together)
