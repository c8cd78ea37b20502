"""LaTeX formulas as text, where that is exact: \\alpha_t \\le 2^{10} -> αₜ ≤ 2¹⁰; what has no sign stays as written.

Left out on purpose: fractions, roots, matrices and all else that needs two dimensions.
"""

import re
import unicodedata

_NAMED = {  # commands that are one sign; Greek letters and the operators below are added by name
    "times": "×", "cdot": "·", "pm": "±", "mp": "∓", "div": "÷", "ast": "∗", "star": "⋆", "circ": "∘", "bullet": "∙",
    "oplus": "⊕", "otimes": "⊗", "odot": "⊙", "wedge": "∧", "vee": "∨", "neg": "¬", "lnot": "¬",
    "land": "∧", "lor": "∨",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "ll": "≪", "gg": "≫", "equiv": "≡",
    "approx": "≈", "sim": "∼", "simeq": "≃", "cong": "≅", "propto": "∝", "mid": "∣", "parallel": "∥", "perp": "⊥",
    "in": "∈", "notin": "∉", "ni": "∋", "subset": "⊂", "subseteq": "⊆", "supset": "⊃", "supseteq": "⊇", "cup": "∪",
    "cap": "∩", "setminus": "∖", "emptyset": "∅", "varnothing": "∅", "forall": "∀", "exists": "∃", "infty": "∞",
    "partial": "∂", "nabla": "∇", "sum": "∑", "prod": "∏", "int": "∫", "to": "→", "rightarrow": "→", "gets": "←",
    "leftarrow": "←", "leftrightarrow": "↔", "Rightarrow": "⇒", "Leftarrow": "⇐", "Leftrightarrow": "⇔", "mapsto": "↦",
    "ldots": "…", "dots": "…", "cdots": "⋯", "prime": "′", "ell": "ℓ", "Re": "ℜ", "Im": "ℑ", "hbar": "ℏ",
    "lceil": "⌈", "rceil": "⌉", "lfloor": "⌊", "rfloor": "⌋", "langle": "⟨", "rangle": "⟩", "lVert": "‖", "rVert": "‖",
    "lvert": "|", "rvert": "|", "Vert": "‖", "vert": "|", "top": "⊤", "bot": "⊥",
}  # fmt: skip
_LETTERS = (
    "alpha beta gamma delta zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon chi psi omega"
    " Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
_VARIANTS = {"epsilon": "ϵ", "varepsilon": "ε", "phi": "ϕ", "varphi": "φ", "vartheta": "ϑ", "varsigma": "ς"}
_OPERATORS = frozenset(
    "arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log max min"  # noqa: SIM905
    " Pr sec sin sinh sup tan tanh".split()
)
_MARKS = {
    "\\,": " ",
    "\\;": " ",
    "\\:": " ",
    "\\ ": " ",
    "\\!": "",
    "~": " ",
    "\\quad": " ",
    "\\qquad": " ",
    "\\|": "‖",
}
_SIZES = frozenset(f"\\{name}{side}" for name in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m"))
_UNSEEN = _SIZES | {"\\left", "\\right", "\\middle", "\\displaystyle", "\\limits", "\\nolimits"}
_ALPHABETS = {"mathbb": "DOUBLE-STRUCK", "mathcal": "SCRIPT", "mathbf": "BOLD", "mathfrak": "FRAKTUR"}
_UPRIGHT = frozenset(("mathrm", "text", "textrm", "operatorname"))
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307", "ddot": "\u0308", "vec": "\u20d7"}
_WITH_ARGUMENT = _UPRIGHT.union(_ALPHABETS, _ACCENTS)

DEEPEST = 30  # braces in braces; what is deeper, or longer, or not balanced, stays as written
LONGEST = 4000

_PIECE = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
_COMMAND = re.compile(r"\\[A-Za-z]")
_LEFT = re.compile(r"\\[A-Za-z\\]|(?<!\\)[_^{}]")  # what is still LaTeX
_ESCAPED = re.compile(r"\\([{}$%&#_])")


def _greek(name: str) -> str:
    size = "CAPITAL" if name[0].isupper() else "SMALL"
    return unicodedata.lookup(f"GREEK {size} LETTER {name.upper().replace('LAMBDA', 'LAMDA')}")


def _small_forms(kind: str) -> dict[str, str]:
    """Return the small forms of signs as Unicode has them: "2" -> "²" for <super>."""
    blocks = ((0xB2, 0xBA), (0x2B0, 0x2E4), (0x1D2C, 0x1D6B), (0x2070, 0x209D), (0x2C7C, 0x2C7E))
    found: dict[str, str] = {}
    for sign in (chr(code) for block in blocks for code in range(*block)):
        form, _, of = unicodedata.decomposition(sign).partition(" ")
        if form == kind:
            found.setdefault(chr(int(of, 16)), sign)
    return found | {"-": found["−"]}  # a hyphen in a formula is a minus


_SIGNS = _NAMED | {name: _greek(name) for name in _LETTERS.split()} | _VARIANTS
_SMALL = {"^": _small_forms("<super>") | {"′": "′"}, "_": _small_forms("<sub>")}


def readable(formula: str) -> str:
    """Return a formula as text, between its dollar signs if some of it has no sign and stays as written.

    Example: "\\log\\sigma(x_t)" -> "log σ(xₜ)"; "\\frac{\\alpha}{r}" -> "$\\frac{α}{r}$".
    """
    text, is_whole = _as_text(formula)
    return text if is_whole else f"${text}$"


def as_text(formula: str) -> str:
    """Return a formula as text on one line; what has no sign stays as written."""
    return _as_text(formula)[0]


def _as_text(formula: str) -> tuple[str, bool]:
    """Return a formula as text, and whether nothing of it is LaTeX any more."""
    pieces = _PIECE.findall(formula)
    if len(formula) > LONGEST or _is_deep(pieces):
        return formula, False
    text, _ = _sequence(pieces, 0)
    text = " ".join(text.split())
    return (text, False) if _LEFT.search(text) else (_ESCAPED.sub(r"\1", text), True)


def _is_deep(pieces: list[str]) -> bool:
    """Whether braces stand in more braces than is read, or are not balanced."""
    depth = 0
    for piece in pieces:
        depth += (piece == "{") - (piece == "}")
        if not 0 <= depth <= DEEPEST:
            return True
    return depth != 0


def _sequence(pieces: list[str], position: int, end: str = "") -> tuple[str, int]:
    """Return the text of pieces from position up to end, and the position of end."""
    text, is_open = "", False  # is_open: after a name, which a letter must not touch
    while position < len(pieces) and pieces[position] != end:
        piece = pieces[position]
        part, position = _part(pieces, position)
        is_small = piece in ("_", "^")  # it belongs to what is before it
        is_name = piece[1:] in _OPERATORS or bool(_COMMAND.match(part))
        if not is_small and text and part[:1].isalnum() and (is_open or (is_name and text[-1].isalnum())):
            text += " "
        is_open = bool(part) and (is_name or (is_open and is_small))
        text += part
    return text, position


def _part(pieces: list[str], position: int) -> tuple[str, int]:
    """Return the text of what begins at position, and the position after it."""
    piece, after = pieces[position], position + 1
    name = piece[1:]
    if piece == "{":
        inner, after = _sequence(pieces, after, "}")
        return (f"{{{inner}}}" if inner else ""), after + 1
    if piece in _SMALL:
        inner, written, after = _argument(pieces, after)
        forms = _SMALL[piece]
        letters = inner.replace(" ", "")
        is_small = bool(letters) and all(letter in forms for letter in letters)
        return ("".join(map(forms.__getitem__, letters)) if is_small else piece + written), after
    if not piece.startswith("\\") or piece in _MARKS:
        return _MARKS.get(piece, piece), after
    if piece in _UNSEEN:
        return "", after + (pieces[after : after + 1] == ["."])
    if name in _WITH_ARGUMENT:
        inner, written, after = _argument(pieces, after)
        return (_styled(name, inner) or piece + " " * written[:1].isalnum() + written), after
    return _SIGNS.get(name, name if name in _OPERATORS else piece), after


def _argument(pieces: list[str], position: int) -> tuple[str, str, int]:
    """Return the text of the group or sign at position, the same as it has to be written, and the position after it."""
    while pieces[position : position + 1] == [" "]:
        position += 1
    if position == len(pieces) or pieces[position] == "}":
        return "", "", position
    piece = pieces[position]
    if piece == "{":
        inner, position = _sequence(pieces, position + 1, "}")
        return inner, f"{{{inner}}}", position + 1
    if piece[1:] in _WITH_ARGUMENT and pieces[position + 1 : position + 2] == ["{"]:
        part, position = _part(pieces, position)
        return part, part, position
    sign = _SIGNS.get(piece[1:], piece) if piece.startswith("\\") else piece
    return sign, sign, position + 1


def _styled(name: str, text: str) -> str:
    """Return text in an alphabet of its own or with an accent; empty if Unicode has no such signs."""
    if not text or _LEFT.search(text):
        return ""
    if name in _UPRIGHT:
        return text
    if name in _ACCENTS:
        return unicodedata.normalize("NFC", text + _ACCENTS[name]) if len(text) == 1 and text.isalpha() else ""
    return "".join(filter(None, signs)) if all(signs := [_of_alphabet(_ALPHABETS[name], one) for one in text]) else ""


def _of_alphabet(alphabet: str, letter: str) -> str:
    if not (letter.isascii() and letter.isalnum()):
        return ""
    of = unicodedata.name(letter).removeprefix("LATIN ").replace(" LETTER", "")  # "CAPITAL R", "DIGIT ONE"
    black = "BLACK-LETTER" if alphabet == "FRAKTUR" else alphabet
    for name in (f"MATHEMATICAL {alphabet} {of}", f"{black} {of}"):  # ℂ and ℒ were there before the others
        try:
            return unicodedata.lookup(name)
        except KeyError:
            continue
    return ""
