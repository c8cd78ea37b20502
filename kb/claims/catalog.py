"""The reference implementations there are, and what a claim's `run` means by one. Nothing of them is imported."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from kb.errors import KbError

FOLDER = Path(__file__).resolve().parents[1] / "reference"
PACKAGE = "kb.reference"
# Patterns are compiled where they are used: a search imports this file and matches nothing.
_USED = r"(?m)^[ \t]*from kb\.reference(?:\.(\w+) import| import (\([^)]*\)|.+))"  # ast takes a hundred times as long
_RUN = r"(?P<file>[a-z][a-z0-9_-]*)(?:\.(?P<function>[a-z][a-z0-9_-]*))?$"


class Reference(NamedTuple):
    """What is known of a reference implementation without reading it."""

    seconds: float  # that its demo takes on one core of a laptop, torch's import included
    papers: tuple[str, ...] = ()  # what it belongs to: short names, titles and arXiv ids as notes have them


EXTRAS = {"pystoi": "metrics", "matplotlib": "plots", "websockets": "duplex"}
MODELS = "models"  # the extra that brings torch

JOURNEY = ("O1 Replication Journey", "2410.18982")
LATE_FUSION = "Get Large Language Models Ready to Speak: A Late-fusion Approach for Speech Generation"
CATALOG = {
    "activation-tuning": Reference(3.5, ("SALMONN", "2310.13289")),
    "arithmetic": Reference(0.1),
    "arithmetic-coding": Reference(0.6, ("EnCodec", "2210.13438")),
    "best-rq": Reference(5, (LATE_FUSION, "2410.20336")),
    "bitstream": Reference(0.3, ("EnCodec", "2210.13438")),
    "clap": Reference(2, ("AudioLDM", "2301.12503", "2405.15863", "VoiceLDM")),
    "coarse-to-fine": Reference(
        3, ("AudioLM", "2209.03143", "VALL-E", "2301.02111", "从粗到细生成：coarse、fine、finer")
    ),
    "codec-losses": Reference(2, ("DM-Codec", "2410.15017", "EnCodec", "2210.13438")),
    "codec-metrics": Reference(3, ("Codec-SUPERB", "2402.13071", "DASB", "2406.14294")),
    "conflicting-context": Reference(0.9, ("Open Domain Question Answering with Conflicting Contexts", "2410.12311")),
    "continuous-vs-discrete": Reference(
        4, ("为什么输出要离散：平均不是答案", "Continuous Speech Tokenizer in Text To Speech")
    ),
    "ctc-generator": Reference(2, ("LLaMA-Omni", "2409.06666")),
    "data-mixture": Reference(0.1, ("Ichigo", "2410.15316", "SALMONN", "2310.13289", "Qwen-Audio", "2311.07919")),
    "ddim": Reference(2, ("AudioLDM", "2301.12503", "VoiceLDM")),
    "delay": Reference(2, ("MusicGen", "2306.05284", "Moshi", "2410.00037", "Acoustic delay")),
    "depth-transformer": Reference(4, ("Moshi", "2410.00037", "Temporal 与 depth transformer")),
    "distillation": Reference(3, ("DM-Codec", "2410.15017", "SpeechTokenizer", "2308.16692")),
    "dpo": Reference(2.5, (*JOURNEY, "2305.18290")),
    "duplex": Reference(0.2, ("CleanS2S",)),
    "duplex-socket": Reference(1.5, ("CleanS2S",)),
    "duration": Reference(2, ("StyleTTS 2", "2306.07691", "MaskGCT", "2409.00750")),
    "early-fusion": Reference(2.2, ("Ichigo", "2410.15316", LATE_FUSION, "2410.20336")),
    "entropy": Reference(2, ("EnCodec", "2210.13438", "DAC", "2306.06546")),
    "error-rate": Reference(0.1, ("Codec-SUPERB", "2402.13071")),
    "factorized-vq": Reference(8, ("DAC", "2306.06546", "MaskGCT", "2409.00750")),
    "flow-matching": Reference(2, ("GLM-4-Voice", "2412.02612")),
    "frame-stack": Reference(1.5, ("MooER", "2408.05101", "LLaMA-Omni", "2409.06666")),
    "fsq": Reference(8, ("Do Discrete Self-Supervised Representations of Speech Capture Tone Distinctions?",)),
    "guidance": Reference(2, ("VoiceLDM", "MaskGCT", "2409.00750")),
    "hybrid-streams": Reference(
        0.2, ("Mini-Omni", "2408.16725", "LLaMA-Omni", "2409.06666", "Moshi", "2410.00037", "GLM-4-Voice")
    ),
    "layer-probe": Reference(4, ("What Do Speech Foundation Models Not Learn About Speech?", "2410.12948")),
    "layouts": Reference(
        0.1,
        (
            *("MusicGen", "2306.05284", "VALL-E", "2301.02111", "Moshi", "2410.00037", "Mini-Omni", "2408.16725"),
            *("SNAC", "2410.14411", "GLM-4-Voice", "2412.02612", "NeuGPT", "2410.20916", "Acoustic delay"),
        ),
    ),
    "lfq": Reference(9),
    "long-thought": Reference(0.3, JOURNEY),
    "lora": Reference(4, ("SALMONN", "2310.13289", "MooER", "2408.05101")),
    "lora-mixture": Reference(2.5, (LATE_FUSION, "2410.20336")),
    "masked-decoding": Reference(2, ("MaskGCT", "2409.00750")),
    "mel-vae": Reference(3, ("AudioLDM", "2301.12503", "AudioLDM 2")),
    "meta-prompt": Reference(0.3, ("MetaAlign", "2410.14184")),
    "mini-codec": Reference(
        30, ("SoundStream", "2107.03312", "EnCodec", "2210.13438", "Neural Speech Codec 与 RVQ：两头一起训练")
    ),
    "propose-critique": Reference(0.6, JOURNEY),
    "puzzles": Reference(0.3),
    "quality-tokens": Reference(2, ("2405.15863", "OpenMusic", "QA-MDT")),
    "qwen-audio-tags": Reference(0.1, ("Qwen-Audio", "2311.07919")),
    "rag": Reference(
        0.3,
        (
            "A Comprehensive Survey of Retrieval-Augmented Generation (RAG): "
            "Evolution, Current Landscape and Future Directions",
            "CleanS2S",
        ),
    ),
    "reasoning-tree": Reference(1, JOURNEY),
    "rvq": Reference(
        4,
        (
            "SoundStream",
            "2107.03312",
            "Neural Speech Codec 与 RVQ：两头一起训练",
            "EnCodec",
            "2210.13438",
            "DM-Codec",
            "2410.15017",
            "MaskGCT",
        ),
    ),
    "rvq-gradient": Reference(2, ("EnCodec", "2210.13438", "DM-Codec", "2410.15017")),
    "sampling": Reference(2, ("O1 Replication Journey", "为什么输出要离散：平均不是答案")),
    "seanet": Reference(3, ("EnCodec", "2210.13438", "DM-Codec", "2410.15017")),
    "span-masking": Reference(0.3, ("HuBERT", "2106.07447")),
    "specaugment": Reference(2, ("Qwen-Audio", "2311.07919")),
    "split-rvq": Reference(3, ("Moshi", "2410.00037", "Mimi")),
    "sprig": Reference(0.3, ("Sprig", "2410.14826")),
    "ssl-units": Reference(3, ("HuBERT", "2106.07447", "SSL 单元")),
    "step-reward": Reference(0.8, (*JOURNEY, "2312.08935")),
    "style-adain": Reference(2, ("StyleTTS", "2205.15439")),
    "style-diffusion": Reference(3.8, ("StyleTTS 2", "2306.07691")),
    "synthetic-speech": Reference(2),
    "taste": Reference(3, ("TASTE",)),
    "text-audio-alignment": Reference(0.2, ("Moshi", "2410.00037")),
    "tone-loss": Reference(
        3, ("Do Discrete Self-Supervised Representations of Speech Capture Tone Distinctions?", "2410.19935")
    ),
    "unit-bpe": Reference(2.5, ("SSL 单元",)),
    "vad": Reference(0.2, ("CleanS2S",)),
    "vq": Reference(6, ("GLM-4-Voice", "2412.02612", "Ichigo", "2410.15316")),
    "whisper-frontend": Reference(2, ("Qwen-Audio", "2311.07919")),
    "window-qformer": Reference(3, ("SALMONN", "2310.13289")),
}


class Target(NamedTuple):
    """A function of a reference implementation."""

    module: str  # "window_qformer"
    function: str
    path: Path  # the file may be missing


def target(run: str) -> Target | None:
    """Return what run names; None if it can be no name of a reference.

    Example: "arithmetic.window_tokens" -> that function of kb/reference/arithmetic.py; "window-qformer" -> the
    function window_qformer of kb/reference/window_qformer.py.
    """
    found = re.match(_RUN, run)
    if not found:
        return None
    module = found["file"].replace("-", "_")
    function = (found["function"] or module).replace("-", "_")
    return Target(module, function, FOLDER / f"{module}.py")


def runnable(names: Iterable[str | None]) -> tuple[str, ...]:
    """Return the references that belong to a paper known by one of names.

    Example: ["DM-Codec", "2410.15017"] -> ("rvq", …).
    """
    belonging = _belonging()
    found = {reference for name in names if name for reference in belonging.get(name.casefold(), ())}
    return tuple(reference for reference in CATALOG if reference in found)


@cache
def _belonging() -> dict[str, list[str]]:
    """Return the references that belong to each paper."""
    found: dict[str, list[str]] = {}
    for reference, one in CATALOG.items():
        for paper in one.papers:
            found.setdefault(paper.casefold(), []).append(reference)
    return found


def missing(name: str, package: str | None) -> KbError:
    """Return the error of a reference implementation that needs a package; its way out is how to get it."""
    return KbError(f"{name} needs {package}", f"run: pip install 'paper-kb[{EXTRAS.get(package or '', MODELS)}]'")


def references() -> list[Path]:
    """Return the files of all reference implementations by name."""
    return sorted(path for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


def code_of(run: str) -> str:
    """Return a fingerprint of the file that run names, and of those it builds on, as their code stands now.

    It is empty if there is no such file.
    """
    found = target(run)
    return _fingerprint(found.path) if found and found.path.is_file() else ""


@cache
def _fingerprint(path: Path) -> str:
    import hashlib  # a search of notes without claims does without it

    code = hashlib.sha256()
    for text in code_files(path).values():
        code.update(text.encode())
    return code.hexdigest()[:16]


def code_files(path: Path) -> dict[Path, str]:
    """Return a file of kb.reference and those of its folder that it imports, and that these import, with their text."""
    texts: dict[Path, str] = {}
    files = [path]
    for file in files:
        texts[file] = file.read_text(encoding="utf-8")
        names = re.findall(r"\w+", " ".join(one or several for one, several in re.findall(_USED, texts[file])))
        used = (file.with_name(f"{name}.py") for name in names)
        files += [one for one in used if one not in files and one.is_file()]
    return texts


@cache
def line_of(run: str) -> int | None:
    """Return the line where the function that run names begins; None if there is none."""
    found = target(run)
    if not found or not found.path.is_file():
        return None
    text = found.path.read_text(encoding="utf-8")
    begin = re.search(rf"^def {found.function}\(", text, re.MULTILINE)
    return text.count("\n", 0, begin.start()) + 1 if begin else None
