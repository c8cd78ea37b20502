"""Notes as passages that can be cited: paragraphs with their lines and headings, their sentences and terms."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

UNSPACED = "\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7a3\U00020000-\U000323af"
RUN = re.compile(f"[{UNSPACED}]+")
TERM = re.compile(rf"{RUN.pattern}|[a-z\u00df-\u024f]+|[^\W\d_a-z\u00df-\u024f{UNSPACED}]+|\d+(?:\.\d+)?")
_HEADING = re.compile(
    r"#{1,6}\s+(?P<section>.+?)\s*#*$|\*\*(?:《(?P<entry>.+?)》\*\*(?P<about>.*)|(?P<bold>[^*]+)\*\*)$"
)
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_NOTHING = re.compile(r"[\s>:!*_=-]*$|!\[[^\]]*\]\([^)]*\)$|<!--.*-->$")  # rulers, pictures, remarks
_MARK = re.compile(r"(?:\s|>|[-*+]\s|\d+[.)]\s)*")  # of a quotation, a list
_ITEM = re.compile(r"[ >]*(?:[-*+]|\d+[.)])\s|\s*\|")
_TABLE = re.compile(r"\s*\|")
_LEADS = (":", "：", "?", "？")  # what ends so says nothing without what follows
_SENTENCE = re.compile(
    r".+?(?:[。！？]+[”’」』）)]*|(?<![\s*(]\w)[.!?]+[\"')”]*(?=\s+[^a-z\s])"
    r"|(?=\n[ >]*(?:[-*+]|\d+[.)])\s)|(?=\n\s*\n)|\Z)",
    re.DOTALL,
)


class Passage(NamedTuple):
    """Lines of a note, as they stand."""

    file: str
    line: int  # of its first, counted from 1
    headings: tuple[str, ...]  # it stands under, outermost first
    text: str  # from the note's first character of it to the last; its lines end with a line feed
    about: str = ""  # what the line of its entry says after the title: who wrote it, keywords

    @property
    def where(self) -> str:
        """Where it stands: file, line and the last two headings."""
        return f"{self.file}:{self.line} {' › '.join(self.headings[-2:])}".rstrip()

    @property
    def terms(self) -> list[str]:
        """The terms of it and of what it stands under."""
        return terms(" ".join((*self.headings, self.about, self.text)))


def fold(text: str) -> str:
    """Return text in lower case, compatible forms unified: "ＲＶＱ" -> "rvq"."""
    return unicodedata.normalize("NFKC", text).casefold()


def terms(text: str) -> list[str]:
    """Return the terms of text: words without a plural s, and the overlapping pairs of scripts without spaces.

    Example: "RVQ levels: 残差量化" -> ["rvq", "level", "残差", "差量", "量化"]; "Tacotron 2" is a term of its own, too.
    """
    found: list[str] = []
    for word, name in words(fold(text)):
        found += [*(pairs(word) if RUN.match(word) else [stem(word)]), *filter(None, [name])]
    return found


def words(text: str) -> Iterator[tuple[str, str]]:
    """Yield words, numbers and unspaced runs of folded text; with a number also its name: "2" and "tacotron 2"."""
    last: re.Match[str] | None = None
    for match in TERM.finditer(text):
        named = (
            last and match[0][0].isdigit() and last[0].isalpha() and text[last.end() : match.start()] in ("", " ", "-")
        )
        yield match[0], f"{last[0]} {match[0]}" if last and named and not RUN.match(last[0]) else ""
        last = match


def pairs(run: str) -> list[str]:
    """Return the overlapping pairs of a run of characters; of one character itself."""
    return [run[at : at + 2] for at in range(max(1, len(run) - 1))]


def stem(word: str) -> str:
    """Return an English word without the s of a plural: "studies" -> "study", "loss" stays."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("us", "ss")):
        return word
    return f"{word[:-3]}y" if word.endswith("ies") else word[:-1]


def read(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return the text of each Markdown note in folder by name, and the names of those that are not UTF-8."""
    texts, refused = {}, []
    for path in sorted(folder.rglob("*.md")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            try:
                texts[path.as_posix()] = path.read_text(encoding="utf-8")
            except (UnicodeDecodeError, OSError):
                refused.append(path.as_posix())
    return texts, refused


def passages(text: str, file: str) -> list[Passage]:
    """Return the paragraphs, lists and tables of a note, each with its line and its headings.

    A list or table belongs to the line with a colon before it. Front matter, code, claims, pictures and
    headings are no passages; the line of an entry, **《title》** with what follows it, is one.
    """
    lines = re.sub("\r\n?", "\n", text.removeprefix("\ufeff")).split("\n")
    found: list[Passage] = []
    path: list[tuple[float, str, str]] = []  # level, heading and what else its line says
    block: list[int] = []
    fence = ""
    has_matter = lines[0] == "---" and "---" in lines[1:] and re.match(r"[\w-]+:", lines[1])
    start = lines.index("---", 1) + 1 if has_matter else 0

    def close() -> None:
        if block:
            about = "".join(more for _, _, more in path)
            body = "\n".join(lines[block[0] : block[-1] + 1])
            found.append(Passage(file, block[0] + 1, tuple(title for _, title, _ in path), body, about))
        block.clear()

    for at in range(start, len(lines)):
        line = lines[at].rstrip()
        if fenced := _FENCE.match(line):
            close()
            fence = "" if fence and fenced[1].startswith(fence) and fenced[0] == line else fence or fenced[1]
        elif fence or not line.strip("> "):
            continue
        elif heading := _HEADING.match(line):
            close()
            level = float(len(line) - len(line.lstrip("#"))) or 6.5
            if heading["entry"]:  # stands where the first entry of its section does
                level = next((depth for depth, *_ in path if depth % 1), (path[-1][0] if path else 0) + 0.5)
            path[:] = [one for one in path if one[0] < level]
            path.append((level, heading["section"] or heading["entry"] or heading["bold"], heading["about"] or ""))
            if heading["entry"]:
                block.append(at)
                close()
        elif _NOTHING.match(line):
            close()
        else:
            before = lines[block[-1]].rstrip() if block else ""
            indented = line.startswith(("    ", "\t"))
            leads = before.endswith(_LEADS) or (_ITEM.match(before) and _ITEM.match(line))
            within = indented and any(_ITEM.match(lines[other]) for other in block)  # an item's second paragraph
            if (block and at == block[-1] + 1) or leads or within:
                block.append(at)
            else:
                close()
                block += [] if indented else [at]  # after a blank line that is code
    close()
    return found


def sentences(passage: Passage) -> list[Passage]:
    """Return the sentences of a passage, each with its own line; one that leads a list or table also with all of it.

    A question has the sentence after it for company; a table is one sentence.
    """
    text, found, held = passage.text, [], None
    ends = [len(text)] if _TABLE.match(text) else [match.end() for match in _SENTENCE.finditer(text)]
    for start, end in zip([0, *ends], ends, strict=False):
        begin = start + len((_MARK.match(text[start:end]) or [""])[0]) if held is None else held
        body, held = text[begin:end].rstrip(), None
        if body.endswith(_LEADS) and _ITEM.match(text[end:].lstrip("\n")):
            found.append(_cut(passage, begin, text[begin:].rstrip()))
            if _TABLE.match(text[end:]):
                break
        elif body.endswith(_LEADS):
            held = begin
        elif body:
            found.append(_cut(passage, begin, body))
    return found


def _cut(passage: Passage, begin: int, text: str) -> Passage:
    return passage._replace(line=passage.line + passage.text.count("\n", 0, begin), text=text)
