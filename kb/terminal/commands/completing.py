"""What a shell asks for when somebody presses Tab: an answer or none, and never a message in the middle of a line."""

from collections.abc import MutableMapping

import typer


def offer(what: str, ctx: typer.Context, typed: str) -> list[str]:
    """Return what may stand in the place of what is typed."""
    from kb.api.completions import completions

    # Shells hand over what is typed, before they put the home folder in the place of ~.
    return completions(what, typed, ctx.find_root().params.get("kb") or ".", ctx.params)


def past_colon(asked: MutableMapping[str, str]) -> None:
    """Let bash ask for what comes after a colon: it takes the colon for a word, and the cursor to stand on it."""
    words, cursor = asked.get("COMP_WORDS", "").split("\n"), asked.get("COMP_CWORD", "")
    if cursor.isdecimal() and words[int(cursor) : int(cursor) + 1] == [":"]:
        asked["COMP_CWORD"] = str(int(cursor) + 1)
