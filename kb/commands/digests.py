"""The digest of a month."""

from pathlib import Path
from typing import Annotated

import typer

from kb.commands.claims import run_claims
from kb.commands.shared import JsonOption, RefreshOption, envelope, open_index, tell

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def digest(
    ctx: typer.Context,
    month: Annotated[str, typer.Argument(help="2024-10")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to a file instead.")] = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Write the digest of a month."""
    from kb import digest as digests

    config, reader = open_index(ctx, refresh)
    if refresh and (stale := [row for row in reader.claims_of_month(month) if row.state == "stale"]):
        run_claims(config, stale)
    found = digests.monthly_digest(reader, month)
    text = (
        envelope(found.model_dump(mode="json")) + "\n"
        if as_json
        else digests.render(config, found, out.absolute().parent if out else None)
    )
    if out:
        digests.write(config, text, out)
        tell(f"wrote {out}")
    else:
        typer.echo(text, nl=False)
