"""The manual page of the command line, in the language of man(7)."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

_ESCAPES = str.maketrans(
    {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", "\t": " "}
)  # what man prints otherwise than it is written
_EXIT_STATUS = (
    ("0", "Done, also if nothing was found."),
    ("1", "Something that can be mended; a line on standard error says where, what, and the way out."),
    ("2", "Wrong usage."),
)
_FILES = (
    ("kb.toml", "The settings; the folder it lies in is the knowledge base. kb config shows them all."),
    ("notes/", "The notes, which nothing is written to unless a command says so."),
    (".kb/", "Everything that is made from the notes; it can be deleted."),
)


class Entry(NamedTuple):
    """One command, as its --help tells of it."""

    name: str  # "kb encoder list"
    usage: str  # "[OPTIONS] NAME"
    text: str  # paragraphs with empty lines between them
    parameters: tuple[tuple[str, str], ...]  # as written and what it does: ("--limit INTEGER", "How many hits.")


def manual(version: str, program: Entry, commands: Sequence[Entry], examples: str) -> str:
    """Return the page. Example: man -l kb.1 shows it."""
    name = program.name
    summary = program.text.partition("\n")[0].removesuffix(".")
    lines = [
        '.\\" Made by: kb man',
        f'.TH {name.upper()} 1 "" "paper-kb {version}" "User Commands"',
        *(".SH NAME", f"{_text(name)} \\- {_text(summary[:1].lower() + summary[1:])}"),
        *(".SH SYNOPSIS", _usage(program)),
        *(".SH OPTIONS", *_list(program.parameters)),
        *(".SH COMMANDS",),
    ]
    for command in commands:
        lines += [f".SS {_text(command.name)}", _usage(command), *_paragraphs(command.text), *_list(command.parameters)]
    lines += [".SH EXIT STATUS", *_list(_EXIT_STATUS), ".SH FILES", *_list(_FILES)]
    lines += [".SH EXAMPLES", *_paragraphs(examples)]
    return "\n".join(lines) + "\n"


def _usage(entry: Entry) -> str:
    return f"\\fB{_text(entry.name)}\\fR {_text(entry.usage)}".rstrip()


def _paragraphs(text: str) -> list[str]:
    lines = []
    for paragraph in text.split("\n\n"):
        lines += [".PP", _text(" ".join(paragraph.split()))]
    return lines


def _list(items: Iterable[tuple[str, str]]) -> list[str]:
    lines = []
    for term, meaning in items:
        lines += [".TP", f"\\fB{_text(term)}\\fR", _text(" ".join(meaning.split()) or "\N{NO-BREAK SPACE}")]
    return lines


def _text(text: str) -> str:
    """Return text as man prints it letter by letter; a line that begins with a dot would be a command."""
    escaped = text.translate(_ESCAPES)
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
