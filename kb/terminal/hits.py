"""Hits of a search as lines: for a person as wide as the screen, for a pipe each in one line of passage."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kb.markup.beginnings import beginning
from kb.terminal.text import Style, claim_counts, place_name

if TYPE_CHECKING:
    from kb.index.sqlite.works import Place
    from kb.search.answer import Answer, Hit, Reason

PASSAGE_LINES = 2  # of a hit, for a person
PASSAGE_CHARACTERS = 160  # in a pipe
BEFORE = 1 / 3  # of what is shown of a passage may stand before its first match
SPOTS_SHOWN = 8
INDENT = "   "
LEAST_COLUMNS = 20  # a narrower screen is written to as if it were so wide
RUNNABLE = "▶"
CLAIM_SIGNS = {"contradicted": "✗", "stale": "↻", "not-runnable": "–", "holds": "✓"}  # the first that applies is shown
_HIDDEN = "\0"  # in the place of what is not shown, so that places in the text stay
_MARKUP = re.compile(
    r"!\[[^\]\n]{0,500}\]\([^)\n]{0,2000}\)|<img\b[^>]{0,2000}>"  # pictures
    r"|(?<=\])\([^)\s]{0,2000}\)|\[(?=[^\]\n]{1,500}\]\()|\](?=\()"  # links, but for their text
    r"|^[ \t]*(?:#{1,6}[ \t]+|(?:>[ \t]?)+|[-+*][ \t]+(?:\[[ xX]\][ \t]+)?)|^[ \t|:-]+$"  # what begins a line
    r"|\*\*|__|`+",
    re.MULTILINE,
)
_FORMULA = re.compile(r"\$\$?([^$\n]{1,500})\$\$?")
_SPACE = re.compile(r"[\s\0]*\s[\s\0]*|\0")


class Part(NamedTuple):
    """What is not broken where a line has room for it."""

    text: str
    styled: Callable[[str], str] = str  # a piece of it as it is shown


class Excerpt(NamedTuple):
    """A stretch of a passage as it is shown, and where in it words of the query stand."""

    text: str
    marks: tuple[tuple[int, int], ...]
    is_end: bool  # of the passage


def hit_lines(
    hit: "Hit",
    path_of: Callable[[str], Path],
    style: Style,
    columns: int | None,
    signs: str = "",
    with_reasons: bool = False,
) -> list[str]:
    """Return a hit as it is shown: title, whence, the passage around the first match.

    columns is the width of the screen, None in a pipe. signs stand before the title: "★ " if the reader starred the
    paper. with_reasons says why it is a hit, too.
    """
    paper = hit.paper
    room = None if columns is None else max(columns, LEAST_COLUMNS) - len(INDENT)

    def place(one: "Place | Hit", file: str) -> Part:
        path = path_of(file)
        return Part(place_name(path, one.line), lambda piece: style.to_place(path, one.line, piece))

    facts = [*hit.called, *paper.organizations.split("、"), *paper.keywords.split("、"), paper.month]
    states = " ".join([*claim_sign(hit.claims), *([RUNNABLE] if hit.runnable else [])])
    whence = [*map(Part, filter(None, facts)), place(hit, paper.file), *([Part(states)] if states else [])]
    title = _broken(f"{hit.rank}. {signs}{paper.title}", room)
    number = len(f"{hit.rank}. {signs}")
    lines = [title[0][:number] + style.bold(title[0][number:]), *(INDENT + style.bold(line) for line in title[1:])]
    lines += [INDENT + line for line in filled(whence, room)]
    lines += [INDENT + line for line in excerpt_lines(hit, style, room)]
    if hit.also:
        also = filled([place(one, one.file) for one in hit.also], room, "also in ", ", ")
        lines += [INDENT + style.dim("also in ") + also[0][len("also in ") :], *(INDENT + line for line in also[1:])]
    if with_reasons:
        told = [line for text in _reasons(hit) for line in _broken(text, room)]
        lines += [INDENT + style.dim(line) for line in told]
    return lines


def claim_sign(counts: Mapping[str, int]) -> list[str]:
    """Return the sign of the state of claims that a reader should know first: {"holds": 3, "stale": 1} -> ["↻1"]."""
    return [f"{sign}{counts[state]}" for state, sign in CLAIM_SIGNS.items() if counts.get(state)][:1]


def why_lines(answer: "Answer") -> list[str]:
    """Return what the query was taken to ask for and how its hits were told from the rest, a line each."""
    lines = [f"{meaning.word} = {'、'.join(meaning.names)}" for meaning in answer.meanings]
    if lines:
        lines.append(
            "of a word and what it stands for, in the text or as what its Chinese means, the best match counts"
        )
    if answer.cut:
        meaning = " and by how near its meaning is" if "meaning" in answer.retrievers else ""
        lines.append(
            f"score: how likely a paper is about this, by how much of it its words say{meaning};"
            f" a hit from {answer.cut:g}"
        )
    return lines


def filled(parts: Iterable[Part], room: int | None, before: str = "", between: str = " · ") -> list[str]:
    """Return parts on as few lines of room columns as hold them, one line if that is None.

    A part is broken only if it is longer than a line.
    """
    lines: list[list[str]] = [[]]
    taken = _width(before, room)
    for part in parts:
        gap = _width(between, room) if lines[-1] else 0
        if room is not None and lines[-1] and taken + gap + _width(part.text, room) > room:
            lines.append([])
            taken = gap = 0
        *full, last = _broken(part.text, room)
        lines += [[part.styled(one)] for one in full]
        if full:
            lines.append([])
            taken = gap = 0
        lines[-1].append(part.styled(last))
        taken += gap + _width(last, room)
    found = [between.join(line) for line in lines if line]
    return [before + line if number == 0 else line for number, line in enumerate(found)]


def excerpt_lines(hit: "Hit", style: Style, room: int | None) -> list[str]:
    """Return the passage of a hit around its first match, words of the query marked."""
    found = excerpt(hit.text, hit.marks, PASSAGE_CHARACTERS if room is None else PASSAGE_LINES * room)
    if not found.text:
        return []
    lines = _broken(found.text, None if room is None else room - len("…"))
    is_cut = len(lines) > PASSAGE_LINES and room is not None
    shown, position = [], 0
    for line in lines[: PASSAGE_LINES if is_cut else None]:
        position = found.text.index(line, position)
        shown.append(_marked(line, [(start - position, end - position) for start, end in found.marks], style))
        position += len(line)
    return [*shown[:-1], shown[-1] + ("…" if is_cut or not found.is_end else "")]


def excerpt(text: str, marks: Sequence[tuple[int, int]], length: int) -> Excerpt:
    """Return about length characters of Markdown around its first mark, as they are read, on one line.

    Example: "- **RVQ** 用 [残差](https://a.b)" -> "RVQ 用 残差".
    """
    text = _MARKUP.sub(lambda found: _HIDDEN * len(found[0]), text)
    position = beginning(text, marks[0][0] if marks else 0, int(length * BEFORE))
    shown = "…" if text[:position].strip(_HIDDEN + " \n\t") else ""
    placed: list[tuple[int, int]] = []
    end = len(text)
    for start, stop in (*(one for one in marks if one[0] >= position), (len(text), len(text))):
        between = _flat(text[position:start])
        shown += between if shown.strip("…") else between.lstrip()
        if len(shown) > length:
            shown, end = shown[:length], start
            break
        match = _flat(text[start:stop])
        placed.append((len(shown), len(shown) + len(match)))
        shown, position = shown + match, stop
    shown = shown.rstrip()
    return Excerpt(shown, tuple(one for one in placed if one[0] < one[1] <= len(shown)), end == len(text) == position)


def _flat(text: str) -> str:
    """Return text on one line, formulas as text, what is hidden left out."""
    if "$" in text:
        from kb.markup.formulas import as_text

        text = _FORMULA.sub(lambda found: as_text(found[1]), text)
    return _SPACE.sub(lambda found: " " if found[0].strip(_HIDDEN) else "", text)


def _marked(line: str, marks: Iterable[tuple[int, int]], style: Style) -> str:
    """Return a line with marks standing out, as far as they lie in it."""
    shown, position = "", 0
    for start, end in marks:
        start, end = max(start, position), min(end, len(line))
        if start < end:
            shown += line[position:start] + style.marked(line[start:end])
            position = end
    return shown + line[position:]


def _broken(text: str, room: int | None) -> list[str]:
    if room is None or len(text) <= room // 2:
        return [text]
    from kb.markup.line_breaks import lines

    return lines(text, room)


def _width(text: str, room: int | None) -> int:
    if room is None:
        return 0
    from rich.cells import cell_len

    return cell_len(text)


def _reasons(hit: "Hit") -> list[str]:
    """Return why a hit is one, and what of it can be run, a line each."""
    lines = [f"claims: {claim_counts(hit.claims)}"] if hit.claims else []
    if hit.runnable:
        lines.append("runnable: " + ", ".join(f"kb run {name}" for name in hit.runnable))
    reasons = ", ".join(map(_reason, hit.reasons))
    return [*lines, f"score {hit.score:.2f}: says {hit.said:.0%} of it; {reasons}{_matches(hit)}"]


def _reason(reason: "Reason") -> str:
    """Return what one retriever said of a hit, in words."""
    if reason.retriever == "name":
        return "called so"
    if reason.retriever == "meaning":
        return f"meaning #{reason.rank} (cosine {reason.score:.2f})"
    return f"words #{reason.rank} (BM25 {reason.score:.3g})"


def _matches(hit: "Hit") -> str:
    """Return which words of the passage match, or that only its translation does."""
    found = dict.fromkeys(_flat(hit.text[start:end]).casefold() for start, end in hit.marks)
    if found:
        return f"; matches {'、'.join(list(found)[:SPOTS_SHOWN])}"
    is_by_words = any(reason.retriever == "words" for reason in hit.reasons)
    return "; matches elsewhere in the paper, or in its translation" if is_by_words else ""
