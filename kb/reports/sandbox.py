"""What templates of the user's own may reach: they may have come with somebody else's notes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, TemplateError, TemplateNotFound
from jinja2.sandbox import SandboxedEnvironment

from kb.records import Record


class Sandbox(SandboxedEnvironment):
    """Jinja's sandbox, in which a record has its fields and nothing else.

    Among what pydantic adds to a record are functions that read files and unpickle.
    """

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """See SandboxedEnvironment."""
        if isinstance(obj, Record):
            return attr in type(obj).model_fields or attr in type(obj).model_computed_fields
        return super().is_safe_attribute(obj, attr, value)


class Folders(FileSystemLoader):
    """Templates in folders and below; not what links in there lead to outside."""

    def __init__(self, folders: Sequence[Path], alone: Path | None = None) -> None:
        """Take the folders in order; alone is a template that the user named, wherever it leads."""
        super().__init__(folders, encoding="utf-8")
        self._places = [place.resolve() for place in (*folders, *([alone] if alone else []))]

    def get_source(self, environment: Environment, template: str) -> Any:
        """See FileSystemLoader."""
        try:
            found = super().get_source(environment, template)
        except UnicodeDecodeError as error:
            raise TemplateError(f"{template} is not UTF-8 (byte 0x{error.object[error.start]:02x})") from None
        path = Path(found[1]).resolve()
        if not any(path.is_relative_to(place) for place in self._places):
            raise TemplateNotFound(template, f"{found[1]} leads out of its folder")
        return found
