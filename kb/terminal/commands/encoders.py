"""What searches by meaning go by."""

import os
import sys
from contextlib import redirect_stderr
from typing import Annotated, TextIO, cast

import typer

from kb.api.as_json import envelope
from kb.terminal.commands.shared import JsonOption, offered, open_base, put, tell, terminal_style
from kb.terminal.output import Ours
from kb.terminal.text import table

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Choose what searches by meaning go by."
)
ModelArgument = Annotated[
    str,
    typer.Argument(help="minilm, e5, minilm+e5, another model such as BAAI/bge-m3, or a folder with one."),
]

UsedArgument = Annotated[
    str, typer.Argument(help="One of kb encoder list, or none.", autocompletion=offered("encoders"))
]


@app.command("list")
def list_encoders(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the encoders on this machine."""
    found = open_base(ctx, refresh=False).encoders()
    if as_json:
        typer.echo(envelope(found))
        return
    rows = [
        [
            state.model,
            f"{state.state}, in use" if state.is_used else state.state,
            state.dimension or "",
            state.max_tokens or "",
            "" if state.reads_chinese is None else "yes" if state.reads_chinese else "by translation",
            state.mebibytes or "",
        ]
        for state in found
    ]
    put(table(["encoder", "state", "dimension", "tokens", "Chinese", "MiB"], rows, terminal_style()))


@app.command("get")
def get_encoder(ctx: typer.Context, model: ModelArgument) -> None:
    """Download a model and set it up; but for kb add nothing else uses the network."""
    base = open_base(ctx, refresh=False)
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")  # of its retries; what it says in the end is our error
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    tell(f"fetching {model}")
    with redirect_stderr(cast(TextIO, Ours(sys.stderr))):  # the bars of the hub's client, which move
        encoder = base.fetch_encoder(model)
    folders = " and ".join(str(part.folder) for part in encoder.parts)
    typer.echo(f"{model}: ready in {folders}; to use it: kb encoder use {model}")


@app.command("use")
def use_encoder(ctx: typer.Context, model: UsedArgument) -> None:
    """Make kb.toml name an encoder, or none."""
    is_one = open_base(ctx, refresh=False).use_encoder(model)
    typer.echo(f"encoder: {model}; to encode the notes: kb index" if is_one else f"encoder: {model}")


@app.command("export")
def export_again(
    ctx: typer.Context,
    model: Annotated[str | None, typer.Argument(help="Another model than the one in use.")] = None,
) -> None:
    """Set an encoder up anew from its model."""
    encoder = open_base(ctx, refresh=False).export_encoder(model)
    for part in encoder.parts:
        typer.echo(f"{part.manifest.model}: ready in {part.folder}")
