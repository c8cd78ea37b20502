"""Markup of a title: what BibTeX protects by braces is <span class="nocase"> in CSL JSON; italics and scripts too."""

import re

from kb.notes.parsing.latex import FORMULA, decode, encode

_COMMANDS = {"emph": "i", "textit": "i", "textbf": "b", "textsuperscript": "sup", "textsubscript": "sub"}
_OF_TAG = {"i": r"\emph{", "b": r"\textbf{", "sup": r"\textsuperscript{", "sub": r"\textsubscript{"}
_NOCASE = '<span class="nocase">'
_OPENING = re.compile(
    r"(?P<math>\$(?:[^$\\]|\\.)+\$)|\\(?P<command>emph|textit|textbf|textsuperscript|textsubscript)\s*\{"
    r"|(?P<other>\\(?:[A-Za-z]+\s*|[^A-Za-z])\{?)|(?P<brace>[{}])"
)
_TAG = re.compile(rf"(?P<math>{FORMULA})|<(?P<close>/)?(?P<name>i|b|sup|sub|span|sc)(?P<more>\s[^<>]*)?>")


def from_latex(title: str) -> str:
    """Return a title of BibTeX as CSL JSON has it.

    Example: r"The {DM-Codec} \\emph{really}" -> 'The <span class="nocase">DM-Codec</span> <i>really</i>'.
    """
    found: list[str] = []
    closing: list[str] = []  # what ends each group that is open, empty for one that is of a command
    start = 0

    def text(end: int) -> None:
        found.append(decode(title[start:end]))

    held = 0  # groups of commands that are open: what is in them is decoded with them
    for token in _OPENING.finditer(title):
        if token["math"]:
            continue
        if token["other"]:
            if token["other"].endswith("{") and token["other"] != "\\{":
                closing.append("")
                held += 1
            continue
        if token["brace"] == "}":
            end = closing.pop() if closing else ""
            if not end:
                held = max(0, held - 1)
                continue
        elif held or (token["brace"] and title.startswith(("\\", '"}'), token.end())):  # {\"u}, {\em x}, {"}
            closing.append("")
            held += 1
            continue
        text(token.start())
        start = token.end()
        if token["brace"] == "}":
            found.append(end)
        else:
            name = _COMMANDS.get(token["command"] or "", "")
            found.append(f"<{name}>" if name else _NOCASE)
            closing.append(f"</{name}>" if name else "</span>")
    text(len(title))
    return " ".join("".join([*found, *(end for end in reversed(closing) if end)]).split())


def to_latex(title: str) -> str:
    """Return a title of CSL JSON as BibTeX has it; tags that do not pair are left out."""
    found: list[str] = []
    opened: list[str] = []
    start = 0
    for token in _TAG.finditer(title):
        if token["math"]:
            continue
        found.append(encode(title[start : token.start()]))
        start = token.end()
        if not token["close"]:
            opened.append(token["name"])
            found.append(_OF_TAG.get(token["name"], r"\textsc{" if "small-caps" in (token["more"] or "") else "{"))
        elif token["name"] in opened:
            while opened.pop() != token["name"]:
                found.append("}")
            found.append("}")
    return " ".join("".join([*found, encode(title[start:]), "}" * len(opened)]).split())
