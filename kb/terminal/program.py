"""Where the command line is: in a wheel beside this package's modules, in a checkout above them."""

from importlib import import_module
from types import ModuleType


def command_line() -> ModuleType:
    """Return the module that holds the commands."""
    try:
        return import_module("kb.cli")
    except ModuleNotFoundError as error:
        if error.name != "kb.cli":
            raise
        return import_module("cli")
