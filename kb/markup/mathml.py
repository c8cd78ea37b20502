"""LaTeX formulas as MathML, which browsers lay out in two dimensions: fractions, roots, what stands above and below."""

import re
from html import escape

from kb.markup.formulas import DEEPEST, LONGEST, as_text

_PIECE = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|.", re.DOTALL)
_FRACTIONS = ("\\frac", "\\dfrac", "\\tfrac")
_TEXTS = ("\\text", "\\textrm", "\\textit", "\\mathrm", "\\operatorname", "\\mbox")
_ALPHABETS = ("\\mathbb", "\\mathcal", "\\mathbf", "\\mathfrak")
_ACCENTS = {
    "\\hat": "^",
    "\\widehat": "^",
    "\\bar": "¯",
    "\\overline": "¯",
    "\\tilde": "~",
    "\\widetilde": "~",
    "\\dot": "˙",
    "\\ddot": "¨",
    "\\vec": "→",
}
_SPACES = {"\\,": 0.17, "\\:": 0.22, "\\;": 0.28, "\\ ": 0.25, "~": 0.25, "\\quad": 1.0, "\\qquad": 2.0}  # em
_UNSEEN = ("\\!", "\\displaystyle", "\\limits", "\\nolimits")
_SIZES = re.compile(r"\\(?:big|Big|bigg|Bigg)[lrm]?$")
_WITH_LIMITS = ("∑", "∏", "max", "min", "lim", "sup", "inf", "arg max", "arg min")
_BRACKETS = tuple("()[]{}|‖⌈⌉⌊⌋⟨⟩")
_ESCAPED = re.compile(r"\\[{}$%&#_]")


class _Unknown(Exception):
    """The formula has something that is not understood."""


def mathml(formula: str, is_block: bool = False) -> str | None:
    """Return a formula as MathML, None if some of it is not understood.

    Example: "\\frac{a}{2}" -> <math><mfrac><mi>a</mi><mn>2</mn></mfrac></math>.
    """
    if len(formula) > LONGEST:
        return None
    reader = _Reader(_PIECE.findall(formula))
    try:
        inner = reader.row("")
    except _Unknown:
        return None
    display = ' display="block"' if is_block else ""
    source = f'<annotation encoding="application/x-tex">{escape(formula.strip())}</annotation>'
    return f"<math{display}><semantics><mrow>{inner}</mrow>{source}</semantics></math>"


def _sign(text: str) -> str:
    """Return a letter, a name or an operator; no bracket grows with what it holds."""
    if text.replace(" ", "").isalpha():
        return f"<mi>{escape(text)}</mi>"
    return f'<mo stretchy="false">{text}</mo>' if text in _BRACKETS else f"<mo>{escape(text)}</mo>"


class _Reader:
    """The pieces of a formula, read from left to right."""

    def __init__(self, pieces: list[str]) -> None:
        self._pieces = pieces
        self._at = 0
        self._depth = 0

    def row(self, end: str) -> str:
        """Return what stands up to end, which is read too; "" is the end of the formula."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise _Unknown
        parts = []
        while (piece := self._next()) != end:
            parts.append(self._with_scripts(*self._atom(piece)))
        self._depth -= 1
        return "".join(parts)

    def _next(self) -> str:
        """Return the next piece, "" after the last one."""
        self._at += 1
        return self._pieces[self._at - 1] if self._at <= len(self._pieces) else ""

    def _peek(self) -> str:
        while self._at < len(self._pieces) and self._pieces[self._at].isspace():
            self._at += 1
        return self._pieces[self._at] if self._at < len(self._pieces) else ""

    def _argument(self) -> str:
        """Return the group, or the one sign, that stands next."""
        self._peek()
        self._depth += 1
        if self._depth > DEEPEST:
            raise _Unknown
        piece = self._next()
        if piece[:1].isdigit() and len(piece) > 1:  # \frac12 is a half, x^10 is x to the first, and a nought
            self._at -= 1
            self._pieces[self._at] = piece[1:]
            piece = piece[0]
        found = self._atom(piece)[0]
        self._depth -= 1
        return found or "<mrow></mrow>"

    def _raw(self) -> str:
        """Return the text of the group that stands next, as it is written."""
        if self._peek() != "{":
            raise _Unknown
        self._next()
        text = ""
        while (piece := self._next()) != "}":
            if piece in ("", "{") or piece.startswith("\\"):
                raise _Unknown
            text += piece
        return text

    def _atom(self, piece: str) -> tuple[str, bool]:
        """Return a piece, with what belongs to it, and whether limits stand above and below it."""
        if piece in ("", "}", "_", "^", "&", "\\right", "\\begin", "\\\\"):
            raise _Unknown
        if piece.isspace() or piece in _UNSEEN or _SIZES.match(piece):
            return "", False
        if piece in _SPACES:
            return f'<mspace width="{_SPACES[piece]}em"></mspace>', False
        if piece == "{":
            return f"<mrow>{self.row('}')}</mrow>", False
        if piece in _FRACTIONS:
            above, below = self._argument(), self._argument()
            return f"<mfrac>{above}{below}</mfrac>", False
        if piece == "\\sqrt":
            if self._peek() != "[":
                return f"<msqrt>{self._argument()}</msqrt>", False
            self._next()
            degree = self.row("]")
            return f"<mroot>{self._argument()}<mrow>{degree}</mrow></mroot>", False
        if piece in _TEXTS:
            return f"<mtext>{escape(self._raw())}</mtext>", False
        if piece in _ALPHABETS:
            return self._leaf(f"{piece}{{{self._raw()}}}"), False
        if piece in _ACCENTS:
            return f'<mover accent="true">{self._argument()}<mo stretchy="false">{_ACCENTS[piece]}</mo></mover>', False
        if piece == "\\left":
            opening = self._fence()
            inner = self.row("\\right")
            return f"<mrow>{opening}{inner}{self._fence()}</mrow>", False
        if piece[0].isdigit():
            return f"<mn>{piece}</mn>", False
        if not piece.startswith("\\"):
            name = {"'": "′", "-": "−", "*": "∗"}.get(piece, piece)
            return _sign(name), False
        if _ESCAPED.match(piece):
            return _sign(piece[1:]), False
        return self._leaf(piece), as_text(piece) in _WITH_LIMITS

    def _leaf(self, latex: str) -> str:
        text = as_text(latex)
        if "\\" in text or not text:
            raise _Unknown
        return _sign(text)

    def _fence(self) -> str:
        self._peek()
        piece = self._next()
        if not piece:
            raise _Unknown
        sign = "" if piece == "." else piece[1:] if _ESCAPED.match(piece) else as_text(piece)
        if "\\" in sign:
            raise _Unknown
        return f"<mo>{escape(sign)}</mo>" if sign else ""

    def _with_scripts(self, base: str, has_limits: bool) -> str:
        below = above = ""
        while (mark := self._peek()) in ("_", "^"):
            self._next()
            if below if mark == "_" else above:
                raise _Unknown  # twice
            if mark == "_":
                below = self._argument()
            else:
                above = self._argument()
        if not (below or above):
            return base
        names = ("munder", "mover", "munderover") if has_limits else ("msub", "msup", "msubsup")
        name = names[2] if below and above else names[0] if below else names[1]
        return f"<{name}>{base or '<mrow></mrow>'}{below}{above}</{name}>"
