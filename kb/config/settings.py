"""Every setting: what it is, and where it comes from."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from kb.config.kb_toml import CONFIG_NAME, SOURCES, TEXTS, Config
from kb.errors import KbError

DEFAULT = "default"
EDITORS = ("VISUAL", "EDITOR")  # the first that is set


class Setting(NamedTuple):
    """One setting."""

    name: str  # "notes"
    values: tuple[str, ...]  # one, but for lists; a folder by its whole path
    origin: str  # "kb.toml:3", "default", "$EDITOR", "--kb"


def settings(config: Config, root_origin: str, environment: Mapping[str, str]) -> list[Setting]:
    """Return all settings of a knowledge base; root_origin tells how its folder was found."""
    lines = (config.root / CONFIG_NAME).read_text(encoding="utf-8").splitlines()
    editor = next((name for name in EDITORS if environment.get(name)), None)
    values = {
        **{name: (str(getattr(config, name)),) for name in TEXTS},
        "same": tuple(" = ".join(ids) for ids in config.same),
        "different": tuple(" ≠ ".join(ids) for ids in config.different),
        "check.ignore": config.ignored_rules,
        SOURCES: tuple(str(source.place) for source in config.sources),
    }
    return [
        Setting("root", (str(config.root),), root_origin),
        *(Setting(name, value, _origin(lines, name)) for name, value in values.items()),
        Setting("glossaries", tuple(map(str, config.glossaries)), DEFAULT),
        Setting("editor", (environment[editor],) if editor else (), f"${editor}" if editor else DEFAULT),
    ]


def setting(found: list[Setting], name: str) -> Setting:
    """Return the setting of a name. Raises: KbError naming those there are."""
    for one in found:
        if one.name == name:
            return one
    raise KbError(f"no setting named {name!r}", f"settings: {', '.join(one.name for one in found)}")


def _origin(lines: list[str], name: str) -> str:
    """Return the first line that sets name, written in its table where it has one: "check.ignore"; no two end alike."""
    name = name.rpartition(".")[2]
    written = re.compile(rf"""\s*(?:\[\[\s*{name}\s*\]\]|["']?{name}["']?\s*=)""")
    for number, line in enumerate(lines, 1):
        if written.match(line):
            return f"{CONFIG_NAME}:{number}"
    return DEFAULT
