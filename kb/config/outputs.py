"""Where something that a person asks for may be written: anywhere but over what the knowledge base is made of."""

from pathlib import Path

from kb.config.kb_toml import CONFIG_NAME, Config, versions_in
from kb.errors import KbError

WAY_OUT = "choose another place"


def refuse_own(config: Config, path: Path) -> None:
    """Raise KbError if path lies among the notes, where it would be read as one, or is a file kb itself depends on."""
    place = path.resolve()
    if any(place.is_relative_to(folder.resolve()) for folder in config.folders):
        raise KbError(f"{path} lies in a notes folder, which is never written to", WAY_OUT)
    is_template = place.is_file() and place.is_relative_to(config.templates.resolve()) and place.suffix == ".j2"
    own = [(config.root / CONFIG_NAME).resolve(), config.marks.resolve()]
    if place in own or is_template or place.is_relative_to(config.index.resolve()) or versions_in(place):
        raise KbError(f"{path} belongs to the knowledge base itself", WAY_OUT)
