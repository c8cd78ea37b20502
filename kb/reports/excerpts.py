"""What a digest quotes of an entry: its first prose and its first list, as Markdown that stays within its line."""

import re

from kb.markup.fences import without_code

SUMMARY_CHARACTERS = 400
LABEL_CHARACTERS = 30  # beside addresses; a line with no more, and no full stop, says only where things are
KEY_POINTS, KEY_POINT_CHARACTERS = 6, 160
_ADDRESS = re.compile(
    r"\[[^\]\n]{0,500}\]\([^)\s]{0,2000}\)|https?://\S+"
)  # with an end, so that time grows with length
_ITEM = re.compile(r"(?:[-*+•]|\d+[.)、])\s+")
_NOT_PROSE = re.compile(r"(?:!\[|<|#|\||https?://|\$\$|---|\*\*\*)")


def summary(body: str) -> str:
    """Return the first paragraph of body that is prose, without its line breaks, cut at the end of a sentence if long.

    Where there is none it is the only item of a list; several items are key points.
    Example: "![](a.png)\\n\\n第一段。\\n\\n第二段。" -> "第一段。"
    """
    paragraphs = [
        prose
        for block in re.split(r"\n\s*\n", without_code(body))
        if (prose := " ".join(line for line in map(str.strip, block.split("\n")) if _is_prose(line)))
    ]
    prose = next((prose for prose in paragraphs if not _ITEM.match(prose)), "")
    if not prose and paragraphs and not key_points(body):
        prose = _ITEM.sub("", paragraphs[0], count=1)
    return _cut(prose, SUMMARY_CHARACTERS)


def key_points(body: str) -> tuple[str, ...]:
    """Return the items of the first list of body that says something, without what stands under them.

    A list of addresses says nothing. Example: "- 快\\n  - 很快\\n- 小" -> "快", "小".
    """
    for block in re.split(r"\n\s*\n", without_code(body)):
        lines = [line for line in block.split("\n") if _ITEM.match(line)]
        points = [text for line in lines if _is_prose(text := _ITEM.sub("", line, count=1).strip())]
        if len(points) > 1:
            return tuple(_cut(point, KEY_POINT_CHARACTERS) for point in points[:KEY_POINTS])
    return ()


def _cut(text: str, most: int) -> str:
    """Return text as it is, or up to the last full stop within most characters, or so many and an ellipsis."""
    if len(text) <= most:
        return text
    ends = [found.end() for found in re.finditer(r"[。！？!?]|\.(?=\s)", text[: most + 1]) if found.end() <= most]
    return text[: ends[-1]] if ends else text[:most] + "…"


def _is_prose(line: str) -> bool:
    if not line or _NOT_PROSE.match(line):
        return False
    rest, addresses = _ADDRESS.subn("", line)
    return not addresses or len(rest) > LABEL_CHARACTERS or rest.endswith(("。", ".", "！", "？"))
