"""Markdown of notes -> HTML that can do nothing but be read.

Whoever wrote the notes, no markup of theirs gets through and nothing is loaded. Each text is rendered by itself, so
what it leaves open ends with it.
"""

import re
from collections.abc import Callable, MutableMapping, Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from kb.markup.safe import clean, is_safe, opening_tag

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

Links = Callable[[str], str]  # an address as the note has it -> as the page does; "" if it is none to follow
Figures = Callable[[str], str]  # the address of a picture -> what it is called: "图 1"
Pictures = Callable[[str], str]  # the address of a picture -> where the page has it; "" if it is not shown
Formulas = Callable[[str, bool], str]  # LaTeX, and whether it stands by itself -> HTML

LONGEST = 10_000  # characters of a line or paragraph; the time to parse one grows with their square
LOWEST_HEADING = 6
_PIECE = re.compile(r".{1,3999}(?:\n|\Z)|.{4000}", re.DOTALL)
_ADDRESS = re.compile(r"https?://[\w./?%&=#~+:,;@!$*()-]*[\w/#=]", re.ASCII)


def none_shown(url: str) -> str:
    """Show no picture."""
    return ""


def as_written(formula: str, _: bool) -> str:
    """Show LaTeX as it is."""
    return f'<code class="math">{escape(formula)}</code>'


def block(
    markdown: str,
    links: Links,
    figures: Figures,
    level: int = 4,
    pictures: Pictures = none_shown,
    formulas: Formulas = as_written,
) -> str:
    """Return markdown as HTML; its headings follow each other from <h{level}> on without a gap.

    A picture that is not shown is a link.
    """
    text = clean(markdown)
    if any(len(line) > LONGEST for line in text.split("\n")):
        return _as_it_is(text)
    environment = {"links": links, "figures": figures, "pictures": pictures, "formulas": formulas}
    tokens = _parser().parse(text, environment)
    _fit_headings(tokens, level)
    return clean(_parser().renderer.render(tokens, _parser().options, environment))  # entities are characters now


def inline(markdown: str, links: Links, figures: Figures, formulas: Formulas = as_written) -> str:
    """Return one line of markdown as HTML."""
    text = clean(markdown)
    if len(text) > LONGEST:
        return escape(text)
    environment = {"links": links, "figures": figures, "pictures": none_shown, "formulas": formulas}
    return clean(_parser().renderInline(text, environment))


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    made = MarkdownIt("js-default", {"html": False, "maxNesting": 20})
    dollarmath_plugin(made, allow_labels=False, allow_space=False, allow_digits=False, double_inline=True)
    made.validateLink = _is_link  # type: ignore[method-assign]
    made.core.ruler.at("inline", _inline)
    made.core.ruler.push("links", _find_addresses)
    for name in ("math_inline", "math_inline_double"):
        made.add_render_rule(name, _math)
    made.add_render_rule("math_block", _math_block)
    made.add_render_rule("link_open", _link_open)
    made.add_render_rule("link_close", _link_close)
    made.add_render_rule("image", _image)
    made.add_render_rule("fence", _fence)
    made.add_render_rule("table_open", lambda *_: '<div class="scroll" tabindex="0">\n<table>\n')
    made.add_render_rule("table_close", lambda *_: "</table>\n</div>\n")
    for name in ("th_open", "td_open"):
        made.add_render_rule(name, _cell)
    return made


def _as_it_is(text: str) -> str:
    """Return text without a format, in pieces that end with a line where they can: a browser lays out what is seen."""
    pieces = _PIECE.findall(text)
    return f'<pre class="plain">{"".join(f"<span>{escape(piece)}</span>" for piece in pieces)}</pre>\n'


def _is_link(url: str) -> bool:
    """Return whether Markdown sees a link: what is none stays in the text as written; a picture's bytes need not."""
    return is_safe(url) or url.startswith(("#", "/", "data:image/"))


def _inline(state: "StateCore") -> None:
    for token in state.tokens:
        if token.type == "inline":
            token.children = []
            if len(token.content) > LONGEST:
                token.children.append(_text(token.content))
            else:
                state.md.inline.parse(token.content, state.md, state.env, token.children)


def _find_addresses(state: "StateCore") -> None:
    """Make links of the bare addresses in text, up to the first letter that no address is written with."""
    for token in state.tokens:
        depth = 0  # of links
        found = []
        for child in token.children or ():
            depth += child.nesting if child.type.startswith("link_") else 0
            found += [child] if depth or child.type != "text" else _split(child.content)
        token.children = found or token.children


def _split(text: str) -> list["Token"]:
    from markdown_it.token import Token

    found, end = [], 0
    for address in _ADDRESS.finditer(text):
        found += [
            _text(text[end : address.start()]),
            Token("link_open", "a", 1, attrs={"href": address.group()}),
            _text(address.group()),
            Token("link_close", "a", -1),
        ]
        end = address.end()
    return [*found, _text(text[end:])]


def _text(content: str) -> "Token":
    from markdown_it.token import Token

    return Token("text", "", 0, content=content)


def _fit_headings(tokens: Sequence["Token"], level: int) -> None:
    above: list[int] = []  # levels, as written, of the headings that the present one stands under
    tag = ""
    for token in tokens:
        if token.type == "heading_open":
            written = int(token.tag[1])
            above = [*(other for other in above if other < written), written]
            tag = f"h{min(level + len(above) - 1, LOWEST_HEADING)}"
        if token.type.startswith("heading_"):
            token.tag = tag


Environment = MutableMapping[str, Any]


def _math(_: Any, tokens: Sequence["Token"], index: int, options: Any, env: Environment) -> str:
    return str(env["formulas"](tokens[index].content, False))


def _math_block(_: Any, tokens: Sequence["Token"], index: int, options: Any, env: Environment) -> str:
    return f'<p class="display">{env["formulas"](tokens[index].content.strip(), True)}</p>\n'


def _link_open(_: Any, tokens: Sequence["Token"], index: int, options: Any, env: Environment) -> str:
    return opening_tag(env["links"](str(tokens[index].attrs["href"]))) or "<span>"


def _link_close(_: Any, tokens: Sequence["Token"], index: int, options: Any, env: Environment) -> str:
    start = next(i for i in range(index, -1, -1) if tokens[i].type == "link_open")
    return "</a>" if env["links"](str(tokens[start].attrs["href"])) else "</span>"


def _image(renderer: Any, tokens: Sequence["Token"], index: int, options: Any, env: Environment) -> str:
    token = tokens[index]
    url = str(token.attrs["src"])
    name = env["figures"](url)
    said = renderer.renderInlineAsText(token.children or [], options, env).strip()
    text = escape(f"{name}：{said}" if said else name)
    if source := env["pictures"](url):
        return f'<img src="{escape(source)}" alt="{text}" loading="lazy" referrerpolicy="no-referrer">'
    opening = "" if _is_inside(tokens, index) else opening_tag(env["links"](url), "figure")
    return f"{opening}{text}</a>" if opening else f'<span class="figure">{text}</span>'


def _is_inside(tokens: Sequence["Token"], index: int) -> bool:
    """Return whether a token stands in a link: a link in a link is not HTML."""
    return sum(token.nesting for token in tokens[:index] if token.type.startswith("link_")) > 0


def _fence(_: Any, tokens: Sequence["Token"], index: int, options: Any, env: Environment) -> str:
    return f"<pre><code>{escape(tokens[index].content)}</code></pre>\n"


def _cell(_: Any, tokens: Sequence["Token"], index: int, options: Any, env: Environment) -> str:
    side = str(tokens[index].attrs.get("style", "")).removeprefix("text-align:")
    return f'<{tokens[index].tag} class="{side}">' if side else f"<{tokens[index].tag}>"
