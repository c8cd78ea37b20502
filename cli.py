"""The command line: which commands there are, and the one door that errors leave by."""

import os
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

from kb import __version__
from kb.api.as_json import envelope
from kb.errors import KbError
from kb.terminal.contents import ALIASES, MODULES, contents
from kb.terminal.interrupts import INTERRUPTED, LINE, Raised
from kb.terminal.output import OutputRefused, standard
from kb.terminal.text import one_line


class KbGroup(TyperGroup):
    """Imports a command when it is called, and shows an error as one line, and as JSON where that was asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; None if there is none of this name."""
        name = ALIASES.get(cmd_name, cmd_name)
        return _ready.get(name) or built(name) if name in MODULES else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that args begin with. Raises: UsageError that names those that may be meant."""
        if args and args[0] not in (*MODULES, *ALIASES) and not ctx.resilient_parsing:
            from difflib import get_close_matches

            near = get_close_matches(args[0], (*MODULES, *ALIASES)) or ["--help"]
            ctx.fail(f"No such command {args[0]!r}; try: {' or '.join(f'kb {one}' for one in near)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands in their groups, each on one line."""
        formatter.write("\n" + "\n".join(contents()) + "\n")

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line, all that it prints cleaned."""
        with standard():
            return super().main(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        interrupts = Raised()
        try:
            with interrupts:
                return super().invoke(ctx)
        except OutputRefused:
            raise
        except (KbError, KeyboardInterrupt) as error:
            raise _ended(ctx, error, interrupts) from None
        except _of_the_system() as error:
            raise _ended(ctx, error, interrupts) from None


def _of_the_system() -> tuple[type[Exception], ...]:
    """Return what may come from disk, index or memory; asked when something has gone wrong."""
    from kb.api.faults import SYSTEM

    return SYSTEM


def _ended(ctx: Any, error: BaseException, interrupts: Raised) -> BaseException:
    """Say what happened, and return what ends the program: error itself if it is a mistake of this program."""
    from kb.api.faults import as_kb_error

    if interrupts.is_interrupted or isinstance(error, KeyboardInterrupt):
        typer.echo(LINE, err=True)
        interrupts.end()
        return typer.Exit(INTERRUPTED)
    known = as_kb_error(error)
    if known is None:
        return error
    typer.echo(f"error: {one_line(str(known))}", err=True)
    if ctx.meta.get("json"):
        typer.echo(envelope(None, str(known)))
    return typer.Exit(known.exit_code)


app = typer.Typer(
    cls=KbGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A knowledge base over your monthly paper notes, in Chinese and English.",
    epilog="Start with: kb init, kb search 声学延迟, kb digest 2024-10",
)


def main() -> None:
    """Run the command line."""
    if "_KB_COMPLETE" in os.environ:
        from kb.terminal.commands.completing import past_colon

        past_colon(os.environ)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # to look for any, all installed packages are read
    (_ready.get("") or typer.main.get_command(app))(prog_name="kb")


_ready: dict[str, Any] = {}  # the command line, as "", and commands that a process that stays has built for its copies


def prepare(names: Iterable[str]) -> None:
    """Build the command line, and some commands of it, before they are called."""
    _ready.update({"": typer.main.get_command(app), **{name: built(name) for name in names if name in MODULES}})


def built(name: str) -> Any:
    """Return a command."""
    commands = typer.main.get_command(import_module(f"kb.terminal.commands.{MODULES[name]}").app)
    return getattr(commands, "commands", {}).get(name, commands)  # a module may be one command with its own


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"kb {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    kb: Annotated[Path, typer.Option("--kb", envvar="KB_HOME", help="The knowledge base.")] = Path(),
    _: Annotated[
        bool,
        typer.Option("--version", help="Print the version and stop.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """A knowledge base over your monthly paper notes, in Chinese and English."""
    ctx.obj = kb
    ctx.color = True if os.environ.get("FORCE_COLOR") else None  # else colours are taken out of what goes into a pipe


if __name__ == "__main__":
    main()
