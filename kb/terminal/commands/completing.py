"""What a shell asks for when somebody presses Tab: an answer or none, and never a message in the middle of a line."""

from collections.abc import MutableMapping

import typer

from kb.errors import KbError


def offer(what: str, ctx: typer.Context, typed: str) -> list[str]:
    """Return what may stand in the place of what is typed; nothing where there is no knowledge base that can be read.

    The index is taken as it is: nobody waits for changed notes between two keys.
    """
    from kb.sqlite_files import Error

    try:
        return _offer(what, ctx, typed)
    except (KbError, OSError, Error):
        return []


def past_colon(asked: MutableMapping[str, str]) -> None:
    """Let bash ask for what comes after a colon: it takes the colon for a word, and the cursor to stand on it."""
    words, cursor = asked.get("COMP_WORDS", "").split("\n"), asked.get("COMP_CWORD", "")
    if cursor.isdecimal() and words[int(cursor) : int(cursor) + 1] == [":"]:
        asked["COMP_CWORD"] = str(int(cursor) + 1)


def _offer(what: str, ctx: typer.Context, typed: str) -> list[str]:
    from kb.api.base import open_base
    from kb.claims.catalog import CATALOG
    from kb.config.kb_toml import NO_ENCODER
    from kb.index.query import CLAIM_STATES
    from kb.search import completion

    if what == "algorithms":
        return completion.beginning(typed, CATALOG)
    if what == "settings":
        from kb.claims.algorithms import parameters

        return completion.beginning(typed, (f"{one.name}={one.default}" for one in parameters(ctx.params["name"])))
    if what == "states":
        return completion.beginning(typed, CLAIM_STATES)
    # Shells hand over what is typed, before they put the home folder in the place of ~.
    base = open_base(ctx.find_root().params.get("kb") or ".")
    config = base.config
    if what == "templates":
        return completion.templates(config, typed)
    if what == "encoders":
        from kb.index.encoders.catalog import encoders

        found = (encoder.model for encoder in encoders(config.index, config.encoder))
        return completion.beginning(typed, (*found, NO_ENCODER))
    with base:
        if what == "query":
            return completion.query(base.reader(), typed, ctx.params.get("query") or ())
        return {
            "names": completion.names,
            "months": completion.months,
            "years": completion.years,
            "claims": completion.claims,
        }[what](base.reader(), typed)
