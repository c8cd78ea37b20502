"""Text <-> what stands for it in a field of BibTeX: reserved characters, accents, a few commands."""

import re
import unicodedata

from kb.patterns import pattern

_RESERVED = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",  # BibTeX counts braces, escaped ones too, so \{ alone would leave a field open
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "&%_#$"},
}
_WRITTEN = str.maketrans(_RESERVED)
FORMULA = (
    r"\$(?=[^\s$])(?:[^$\\%#&~\n]|\\[^\n$]){1,300}(?<=\S)\$(?![0-9])"  # as Pandoc tells one from an amount of money
)
_FORMULA = pattern(FORMULA)
_SYMBOLS = {command[1:-2]: mark for mark, command in _RESERVED.items() if command.endswith("{}")} | {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "aa": "å", "AA": "Å",
    "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ", "ng": "ŋ", "NG": "Ŋ",
    "textendash": "–", "textemdash": "—", "ldots": "…", "dots": "…", "textellipsis": "…", "S": "§", "P": "¶",
    "textquoteleft": "‘", "textquoteright": "’", "textquotedblleft": "“", "textquotedblright": "”",
    "textquotesingle": "'", "textasciigrave": "`", "textbar": "|", "textless": "<", "textgreater": ">",
    "textunderscore": "_", "textdollar": "$", "textregistered": "®", "texttrademark": "™", "textcopyright": "©",
    "textdegree": "°", "textmu": "µ", "texteuro": "€", "pounds": "£", "LaTeX": "LaTeX", "TeX": "TeX",
    "BibTeX": "BibTeX",
    "textit": "", "textbf": "", "textsc": "", "textsf": "", "texttt": "", "textrm": "", "textup": "", "textsl": "",
    "textnormal": "", "emph": "", "text": "", "mbox": "", "url": "", "it": "", "bf": "", "em": "", "sc": "", "tt": "",
    "relax": "", "protect": "", "textsubscript": "", "textsuperscript": "", "enquote": "", "nolinkurl": "",
}  # fmt: skip
_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328",
    "b": "\u0331",
}  # fmt: skip
_SPACING = {" ": " ", "\n": "\n", "\\": " ", ",": " ", ";": " ", ":": " ", "-": "", "/": "", "@": "", "!": ""}
_LETTER = r"(?:\\[ij](?![A-Za-z])|[A-Za-z])"
_TOKEN = pattern(
    r"(?P<math>\$(?:[^$\\]|\\.)+\$)"
    rf"|\\(?P<mark>[`'^~=.\"])\s?(?:\{{\s?(?P<braced>{_LETTER})\s?\}}|(?P<bare>{_LETTER}))"
    rf"|\\(?P<named>[uvHcdbkr])(?:\s?\{{\s?(?P<within>{_LETTER})\s?\}}|\s(?P<after>{_LETTER}))"
    r"|\\(?P<command>[A-Za-z]+)(?:\{\}|[ \t]*)(?P<group>(?=\{))?"
    r"|\\(?P<escaped>[^A-Za-z])"
    r"|(?P<brace>[{}])"
    r"|(?P<tie>~)"
)


def encode(text: str) -> str:
    """Return text so that TeX shows it as it is and its braces balance; what is not ASCII stays, and formulas do.

    Example: "A & B_1: 100%" -> r"A \\& B\\_1: 100\\%"; r"The $\\ell_1$ Cost" as it is.
    """
    parts, start = [], 0
    for formula in _FORMULA.finditer(text) if "$" in text else ():
        if is_balanced(formula[0]):
            parts += [text[start : formula.start()].translate(_WRITTEN), formula[0]]
            start = formula.end()
    return "".join([*parts, text[start:].translate(_WRITTEN)])


def is_balanced(latex: str) -> bool:
    """Whether the braces of a value pair, escaped ones counted as BibTeX counts them: "{a}b" does, "}{" does not."""
    depth = 0
    for brace in re.finditer("[{}]", latex):
        depth += 1 if brace[0] == "{" else -1
        if depth < 0:
            return False
    return not depth


def decode(latex: str) -> str:
    """Return the text that a field shows: without braces, accents put on their letters, formulas as they stand.

    A command that is not known stays, without the braces of what it is said of. decode(encode(text)) is text.
    Example: r"{DM-Codec}: \\'Etude \\& {M\\"u}ller, $x_1$" -> "DM-Codec: Étude & Müller, $x_1$".
    """
    return _TOKEN.sub(_shown, latex) if re.search(r"[\\{}~]", latex) else latex


def _shown(token: re.Match[str]) -> str:
    if accent := token["mark"] or token["named"]:
        letter = (token["braced"] or token["bare"] or token["within"] or token["after"]).removeprefix("\\")
        return unicodedata.normalize("NFC", letter + _ACCENTS[accent])
    if command := token["command"]:
        return _SYMBOLS.get(command, token[0] if token["group"] is None else f"{token[0].rstrip()} ")
    if mark := token["escaped"]:
        return _SPACING.get(mark, mark)
    return " " if token["tie"] else token["math"] or ""
