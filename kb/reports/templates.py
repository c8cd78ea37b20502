"""Templates: those shipped, behind the user's own of the same name, in a sandbox."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kb.claims.catalog import FOLDER
from kb.config.kb_toml import Config, shipped_templates
from kb.errors import KbError
from kb.reports.sandbox import Folders, Sandbox

if TYPE_CHECKING:
    from jinja2 import Environment

# What a template raises that adds texts to numbers, calls itself without end or nests more than Python compiles.
RAISED = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RuntimeError, MemoryError, SyntaxError)


def environment(
    config: Config,
    place: Path,
    is_markup: bool = False,
    finalize: Callable[[Any], Any] | None = None,
    own: Path | None = None,
) -> "Environment":
    """Return what templates are laid out with: the user's own come first and cannot reach out of the sandbox.

    Args:
        place: the folder that the text will lie in; links to files are written as seen from there.
        is_markup: whether what templates insert is escaped, as HTML wants it and Markdown does not.
        finalize: what every inserted value goes through before that.
        own: a template that lies elsewhere; its folder comes first.
    """
    import jinja2

    folders = [*([own.parent] if own else []), config.templates, shipped_templates()]
    is_all_shipped = not own and (not folders[0].is_dir() or folders[0].samefile(folders[1]))
    made = (jinja2.Environment if is_all_shipped else Sandbox)(  # the sandbox takes a third of the time
        loader=Folders(folders, own),
        undefined=jinja2.StrictUndefined,
        autoescape=is_markup,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["to_note"] = lambda file: link(config.path_of(file), place)
    made.filters["to_code"] = lambda path: _code_link(config, path, place)
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": True}
    return made


def own_template(template: str | None) -> Path | None:
    """Return the path that template is, None if it is a name among the templates. Raises: KbError if it is neither."""
    if template and Path(template).is_file():
        return Path(template)
    if template and Path(template).name != template:
        raise KbError("no such file", "name a template, or the path of one", template)
    return None


def render(config: Config, made: "Environment", template: str, **values: Any) -> str:
    """Return values laid out by a template.

    Raises: KbError naming the template and line that cannot be used. What the shipped ones alone raise is a bug, and
    stays what it is.
    """
    import jinja2

    try:
        text = made.get_template(template).render(**values)
        text.encode()  # a template may write half characters
    except jinja2.TemplateSyntaxError as error:
        raise KbError(f"{error.message}", "mend the template", error.filename or error.name, error.lineno) from None
    except (jinja2.TemplateError, *RAISED) as error:
        places = list(_places(made, error))
        shipped = shipped_templates()
        own = [(file, line) for file, line in places if not file.is_relative_to(shipped)]
        is_told = isinstance(error, jinja2.TemplateError)
        if not is_told and (not isinstance(made, Sandbox) or (places and not own)):
            raise
        said = " ".join(str(error).split())
        what = said if is_told else f"{type(error).__name__}: {said}" if said else type(error).__name__
        file, line = own[-1] if own else (template, None)
        raise KbError(f"{what:.300}", "mend the template", file, line) from None
    return text


def _places(made: "Environment", error: BaseException) -> Iterator[tuple[Path, int]]:
    """Yield the files and lines of templates that an error came by, the innermost last."""
    folders: list[str] = getattr(made.loader, "searchpath", [])
    for frame, line in walk_tb(error.__traceback__):
        if any(Path(frame.f_code.co_filename).is_relative_to(folder) for folder in folders):
            yield Path(frame.f_code.co_filename), line


def link(path: Path, start: Path) -> str:
    """Return the address of a file as seen from the folder start: "../notes/2024-10.md"."""
    return quote(Path(os.path.relpath(path, start)).as_posix())


def _code_link(config: Config, path: str | None, start: Path) -> str:
    """Return a link to code that lies in the knowledge base, as this project's own does; else none.

    Where the program is installed is nothing that a digest tells the world.
    """
    file, _, line = (path or "").partition("#")
    found = config.root / file
    return f"{link(found, start)}#{line}" if found.is_file() and found.samefile(FOLDER / found.name) else ""
