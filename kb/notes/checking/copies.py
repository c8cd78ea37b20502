"""Copies that programs leave beside a note when it was changed in two places."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import PurePosixPath

from kb.notes.checking.findings import Finding
from kb.notes.checking.page import Page
from kb.patterns import pattern

ALIKE = 0.5  # share of lines from which on two files are copies
_CONFLICT = pattern(  # Dropbox, Syncthing, Nextcloud, Resilio
    r"(?P<stem>.+?)(?:[ _]\((?:.*'s )?(?:conflicted copy|case conflict|冲突|衝突)[^()]*\)"
    r"|\.sync-conflict-[\d-]+[-\w]*|[ _]conflict[ -]\d[\d-]*|\.conflict\d*)"
)
_NUMBERED = pattern(r"(?P<stem>.+?)(?: \d{1,2}| ?\(\d{1,2}\)| - Copy| - 副本| copy|-[A-Z]+-[A-Z\d]{5,})")


def conflict_copies(pages: Sequence[Page]) -> Iterator[Finding]:
    """Find a file that a program for keeping folders in step left: "2024-10 (conflicted copy).md" beside "2024-10.md".

    A name with a number alone, as iCloud and browsers give, counts only where most lines are the same.
    """
    by_file = {page.file: page for page in pages}
    for page in pages:
        path = PurePosixPath(page.file)
        certain, likely = _CONFLICT.fullmatch(path.stem), _NUMBERED.fullmatch(path.stem)
        named = certain or likely
        original = by_file.get(str(path.with_name(f"{named['stem']}{path.suffix}"))) if named else None
        if certain or (original and _are_alike(original, page)):
            what = f"a copy of {original.file}" if original else "a copy that a conflict left"
            yield Finding(page.file, 1, "conflict", what, "take over what is new in it, then delete it")


def _are_alike(one: Page, other: Page) -> bool:
    lines, other_lines = ([line for line in page.lines if line.strip()] for page in (one, other))
    return SequenceMatcher(None, lines, other_lines, autojunk=False).ratio() >= ALIKE
