"""A note's Markdown -> what a terminal shows: formulas as text, pictures as addresses, tables that fit.

The text is nobody's to trust: whatever a note holds, all that comes out beside text is colour, and links to the web.
"""

import io
import re
from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.markdown import Heading, Markdown, MarkdownContext, MarkdownElement, Paragraph, TableDataElement

from kb.markup.formulas import as_text, readable
from kb.markup.unseen import UNSEEN, clean
from kb.markup.wrapping import Flowing
from kb.terms import has_unspaced

FIGURE_NAMES = {True: "图", False: "figure"}  # by whether the text is Chinese
LONGEST_ADDRESS = 2000  # of a link, which a terminal is told again on every line of it
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_LINK = re.compile(r"\x1b\]8;[^\x1b]*\x1b\\")
_PADDING = re.compile(r" +$", re.MULTILINE)
_ADDRESS = re.compile(r"https?://[^\s<>，。；、|）)」】]+[^\s<>，。；、|）)」】.,;:!?'\"]")
_TAG = re.compile(r"(<!--.*?(?:-->|$)|<br\s*/?>|<img\b[^<>]*>)", re.IGNORECASE | re.DOTALL)
_SOURCE = re.compile(r"""\bsrc\s*=\s*["']?([^\s"'>]+)""", re.IGNORECASE)


def rendered(markdown: str, width: int, has_colour: bool = True, has_links: bool = True) -> str:
    """Return Markdown as lines for a terminal of so many columns, with colours and links if it has any."""
    parser = MarkdownIt("commonmark").enable(["strikethrough", "table"])
    dollarmath_plugin(parser, allow_labels=False, allow_space=False, allow_digits=False, double_inline=True)
    shown = _Shown("")
    shown.parsed = _Rewriting(FIGURE_NAMES[has_unspaced(markdown)]).blocks(parser.parse(markdown))
    console = Console(file=io.StringIO(), force_terminal=True, width=width)
    with console.capture() as capture:
        console.print(shown)
    text = capture.get() if has_colour else _COLOUR.sub("", capture.get())
    return _PADDING.sub("", text if has_links else _LINK.sub("", text))


class _Paragraph(Paragraph):
    def on_enter(self, context: MarkdownContext) -> None:
        self.style = context.enter_style(self.style_name)
        self.text = Flowing()


class _Heading(Heading):
    def on_enter(self, context: MarkdownContext) -> None:
        self.text = Flowing()
        context.enter_style(self.style_name)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.text  # rich centers the first level


class _Cell(TableDataElement):
    def __init__(self, justify: JustifyMethod) -> None:
        super().__init__(justify)
        self.content = Flowing("", justify=justify)


class _Shown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "paragraph_open": _Paragraph,
        "heading_open": _Heading,
        "td_open": _Cell,
        "th_open": _Cell,
    }


class _Rewriting:
    """Turns what rich knows nothing of, or would leave out, into text, emphasis and links."""

    def __init__(self, figure: str) -> None:
        self._figure = figure
        self._figures: dict[str, int] = {}

    def blocks(self, tokens: Iterable[Token]) -> list[Token]:
        """Return the tokens of a text with everything in them rewritten."""
        found: list[Token] = []
        for token in tokens:
            if token.type == "math_block":
                lines = [as_text(line) for line in token.content.split("\n") if line.strip()]
                found += _paragraph(_emphasized("\n".join(lines)))
            elif token.type == "html_block":
                found += _paragraph(self._html(token.content.strip()))
            elif token.type == "inline":
                token.children = self._inline(token.children or [])
                found.append(token)
            else:
                token.content = clean(token.content)
                token.info = clean(token.info)
                found.append(token)
        return found

    def _inline(self, tokens: Iterable[Token]) -> list[Token]:
        found: list[Token] = []
        closing: list[list[Token]] = []  # what each open link ends with
        for token in tokens:
            if token.type == "text":
                before = found[-1] if found else None
                text = token.content
                if before and before.type == "hardbreak":
                    text = text.lstrip()
                elif before and before.type == "softbreak" and len(found) > 1 and _goes_on(found[-2].content, text):
                    found.pop()  # between Chinese lines there is no space
                found += [_text(text)] if closing else _with_links(text)
            elif token.type.startswith("math_inline"):
                # What only looks like a formula keeps its signs: "$5 和 6$".
                is_prose = has_unspaced(token.content) and "\\" not in token.content
                found += [_text(f"${token.content}$")] if is_prose else _emphasized(readable(token.content))
            elif token.type == "image":
                found += self._picture(str(token.attrs.get("src", "")), token.content)
            elif token.type == "html_inline":
                found += self._html(token.content)
            elif token.type == "link_open":
                address = str(token.attrs.get("href", ""))
                is_linked = _is_of_the_web(address)
                found += [token] if is_linked else []
                closing.append([Token("link_close", "a", -1)] if is_linked else [_text(f" ({address})")])
            elif token.type == "link_close":
                found += closing.pop()
            else:
                token.content = clean(token.content)
                found.append(token)
        return found

    def _html(self, text: str) -> list[Token]:
        """Return tags as they are written, but for pictures, line breaks and comments."""
        found: list[Token] = []
        for part in _TAG.split(text):
            if part.startswith("<!--"):
                continue
            source = _SOURCE.search(part) if part[:4].lower() == "<img" else None
            if source:
                found += self._picture(source[1])
            elif part[:3].lower() == "<br":
                found.append(Token("hardbreak", "br", 0))
            elif part:
                found.append(_text(re.sub(r"\s+", " ", part)))
        return found

    def _picture(self, address: str, caption: str = "") -> list[Token]:
        number = self._figures.setdefault(address, len(self._figures) + 1)
        return [_text(f"[{self._figure} {number}] {caption}{' ' if caption else ''}"), *_link(address)]


def _text(text: str) -> Token:
    return Token("text", "", 0, content=clean(text))


def _paragraph(inner: list[Token]) -> list[Token]:
    if not inner:
        return []
    return [Token("paragraph_open", "p", 1), Token("inline", "", 0, children=inner), Token("paragraph_close", "p", -1)]


def _emphasized(text: str) -> list[Token]:
    return [Token("em_open", "em", 1), _text(text), Token("em_close", "em", -1)]


def _link(address: str) -> list[Token]:
    if not _is_of_the_web(address):
        return [_text(address)]
    return [Token("link_open", "a", 1, attrs={"href": address}), _text(address), Token("link_close", "a", -1)]


def _goes_on(before: str, after: str) -> bool:
    """Whether Chinese goes on after the end of a line; Korean is as wide, and has spaces."""
    return all(cell_len(end) == 2 and not "가" <= end <= "힣" for end in (before[-1:], after[:1]))


def _with_links(text: str) -> list[Token]:
    """Return text with the addresses in it as links."""
    found: list[Token] = []
    end = 0
    for address in _ADDRESS.finditer(text):
        found += [_text(text[end : address.start()]), *_link(address[0])]
        end = address.end()
    return [*found, _text(text[end:])] if text[end:] else found


def _is_of_the_web(address: str) -> bool:
    if len(address) > LONGEST_ADDRESS:
        return False
    try:
        return urlsplit(address).scheme.lower() in ("http", "https") and not UNSEEN.search(address)
    except ValueError:
        return False
