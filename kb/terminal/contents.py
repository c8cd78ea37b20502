"""Which commands there are, in groups, and what each does in a few words: what `kb --help` shows."""

from typing import NamedTuple


class Command(NamedTuple):
    """A command as the help lists it."""

    name: str
    module: str  # of kb.terminal.commands, imported when it is called
    text: str  # as few words as have room beside it on 80 columns


GROUPS = {
    "Find": (
        Command("search", "searching", "papers by words and meaning, in both languages"),
        Command("list", "papers", "papers, newest month first"),
        Command("related", "searching", "the papers most like one"),
        Command("tags", "papers", "keywords, and how many papers have them"),
        Command("gloss", "searching", "what words stand for in the other language"),
    ),
    "Read": (
        Command("show", "reading", "all that is known of one paper, and its notes"),
        Command("open", "reading", "its note in your editor, the paper on the web"),
        Command("random", "reading", "a paper by chance, of all or of those filters leave"),
        Command("mark", "reading", "star papers, or mark them as read"),
        Command("digest", "digests", "a month, a year or some months as a post or page"),
        Command("trends", "trends", "which topics come and go"),
        Command("stats", "papers", "how many papers by month, kind, organization, link"),
    ),
    "Write": (
        Command("init", "building", "a folder with kb.toml and a first note"),
        Command("add", "adding", "a paper's entry, from arXiv or Crossref"),
        Command("import", "building", "notes or a library, where they lie"),
        Command("export", "exchange", "papers for a reference manager, a sheet, a vault"),
        Command("check", "checking", "dead links, duplicates, open fences in the notes"),
        Command("parse", "checking", "which records the notes hold, and why"),
        Command("duplicates", "papers", "records that may be one paper"),
    ),
    "Compute": (
        Command("run", "running", "a reference implementation: rvq, delay, lora"),
        Command("verify", "claims", "what the notes claim, by running it"),
        Command("claims", "claims", "what they claim, and what came of it"),
    ),
    "Keep": (
        Command("index", "building", "bring the index up to date, embeddings too"),
        Command("status", "building", "what of each file was indexed"),
        Command("serve", "serving", "stay: answers at once, and a page to read in"),
        Command("mcp", "mcp", "answer an assistant over MCP"),
        Command("encoder", "encoders", "choose what searches by meaning go by"),
        Command("bench", "searching", "judge searches by your own queries"),
        Command("config", "health", "every setting, and where it comes from"),
        Command("doctor", "health", "examine machine, notes and index"),
        Command("man", "manual", "the manual page of all commands"),
    ),
}
ALIASES = {"find": "search", "ls": "list", "edit": "open", "new": "add"}
MODULES = {command.name: command.module for group in GROUPS.values() for command in group}


def contents() -> list[str]:
    """Return the commands, a line each, the name of a group before its first, another name of a command behind it."""
    others = {name: f" (or {alias})" for alias, name in ALIASES.items()}
    return [
        f"  {group if place == 0 else '':9}{one.name:12}{one.text}{others.get(one.name, '')}"
        for group, commands in GROUPS.items()
        for place, one in enumerate(commands)
    ]
