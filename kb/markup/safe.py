"""Texts and addresses of notes as a page may hold them, whoever wrote the notes."""

import re
from html import escape

from kb.markup.unseen import CONTROL, HALVES, TURNING

_SCHEMES = ("http", "https", "mailto")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
# Marks of direction that turn nothing but themselves stay; characters that HTML does not allow go, too.
_LAST_OF_PLANES = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_UNWANTED = re.compile(rf"[{CONTROL}{TURNING}{HALVES}\ufdd0-\ufdef{_LAST_OF_PLANES}]")
_LANGUAGES = (
    (re.compile("[\u3040-\u30ff]"), "ja"),
    (re.compile("[\uac00-\ud7af]"), "ko"),
    (re.compile("[\u3400-\u9fff]"), "zh-CN"),
)


def clean(text: str) -> str:
    """Return text without the characters that turn the direction of others or that a page may not hold."""
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def language(text: str) -> str:
    """Return what the lines of text break by: "ja" if it has kana, "ko" with hangul, "zh-CN" with Han, else "en"."""
    return next((name for letters, name in _LANGUAGES if letters.search(text)), "en")


def is_safe(url: str) -> bool:
    """Return whether a page may link to url: to the web, to an address of mail, or to a file beside the note.

    Browsers read past control characters and take a backslash for a slash; an address with either is none of these.
    """
    if not url or url.startswith(("/", "#")) or re.search(r"[\x00-\x20\\\x7f]", url):
        return False
    scheme = _SCHEME.match(url)
    return scheme.group(1).lower() in _SCHEMES if scheme else ":" not in re.split(r"[/?#]", url, maxsplit=1)[0]


def opening_tag(url: str, name: str = "") -> str:
    """Return the opening tag of a link that tells the other side nothing; "" if there is no address."""
    kind = f' class="{name}"' if name else ""
    return f'<a{kind} href="{escape(url)}" rel="noopener noreferrer">' if url else ""
