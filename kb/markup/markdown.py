"""Text of notes within somebody's Markdown: it shows, and can neither run anything nor reach past its paragraph."""

import html
import re

from kb.markup.safe import clean, is_safe

_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_TAG = re.compile(r"<(?!https?://[^\s<>]*>)(?=[A-Za-z/!?])")
_TARGET = re.compile(r"(\]\()\s*(<[^>\n]*>|[^\s)]*)")
_BEGINNING = re.compile(r"^(\s*)(\[[^\]]*\]:|#|>|~~~|---|===|[-+*](?=\s)|\d+[.)](?=\s))")
_SPECIAL = re.compile(r"([\\`*\[\]<]|(?<!\w)_|_(?!\w))")


def prose(text: str) -> str:
    """Return a paragraph of a note as Markdown that opens no tag, runs no script and ends with itself.

    Code spans stay as they are, other addresses than http, https, mailto and relative ones are emptied.
    """
    parts, end = [], 0
    text = clean(text)
    for code in _CODE.finditer(text):
        parts += [_harmless(text[end : code.start()]), code[0]]
        end = code.end()
    rest = _harmless(text[end:]).replace("`", "\\`")  # a span that is not closed would end in another entry
    return _inert("".join([*parts, rest]))


def _inert(markdown: str) -> str:
    """Return a paragraph that begins nothing but a paragraph, and does not end what keeps a site from reading it."""
    return _BEGINNING.sub(r"\1\\\2", markdown.replace("{% endraw", "{ % endraw"))


def _harmless(text: str) -> str:
    return _TARGET.sub(lambda found: found[1] + (found[2] if _is_safe(found[2]) else ""), _TAG.sub("&lt;", text))


def plain(text: str) -> str:
    """Return text that is no Markdown as Markdown that shows it: "a*b" -> "a\\\\*b"."""
    return _inert(_SPECIAL.sub(r"\\\1", " ".join(clean(text).split())))


def address(url: str) -> str:
    """Return url as the target of a link, empty if its scheme is none that a note should link to."""
    return re.sub(r"[\s()<>]", lambda found: f"%{ord(found[0]):02X}", clean(url)) if _is_safe(url) else ""


def _is_safe(url: str) -> bool:
    seen = html.unescape(url.strip("<>")).replace("\\", "")
    return not seen or seen.startswith(("/", "#")) or is_safe(seen)
