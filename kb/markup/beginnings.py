"""Where an excerpt of a text begins."""


def beginning(text: str, match: int, before: int) -> int:
    """Return where to begin so that a match is near, at most `before` characters ahead of it.

    That is where a line, a sentence or a word begins shortly before it. Example: "一。二三", 3, 2 -> 2.
    """
    if match <= before:
        return 0
    for mark in ("\n", "。", "；", ". ", "，", ", ", " "):
        place = text.rfind(mark, match - before, match)
        if place >= 0:
            return place + len(mark)
    return match - before
