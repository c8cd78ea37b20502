"""Find what in notes is likely not meant. A rule is a function of one page or of all; a new one is added here."""

from collections.abc import Collection, Iterable

from kb.errors import KbError
from kb.notes.checking.characters import control_characters, unreadable
from kb.notes.checking.claiming import broken_claims, repeated_claims
from kb.notes.checking.copies import conflict_copies
from kb.notes.checking.entries import half_read, links_without_entry
from kb.notes.checking.findings import RULES, Finding
from kb.notes.checking.identifiers import cut_ids, numbers_for_ids
from kb.notes.checking.layout import dashes_for_colons, heading_jumps, unclosed_fences
from kb.notes.checking.linking import dead_links, papers_without_link
from kb.notes.checking.page import read_page
from kb.notes.checking.together import duplicates, mistyped_sections, papers_without_month
from kb.notes.reading import NoteFile

PAGE_RULES = (
    unreadable,
    control_characters,
    numbers_for_ids,
    cut_ids,
    unclosed_fences,
    heading_jumps,
    dashes_for_colons,
    papers_without_link,
    dead_links,
    links_without_entry,
    half_read,
    broken_claims,
)
RULES_FOR_ALL = (conflict_copies, duplicates, mistyped_sections, papers_without_month, repeated_claims)


def check(notes: Iterable[NoteFile], ignored: Collection[str] = ()) -> list[Finding]:
    """Return what the rules find in notes, by file and line, without those of the names in ignored: "no-link".

    Raises: KbError if no rule has such a name.
    """
    for name in ignored:
        if name not in RULES:
            raise KbError(f"kb.toml: check.ignore names no rule: {name!r}", f"rules: {', '.join(RULES)}")
    pages = [read_page(note) for note in notes]
    found = {finding for page in pages for rule in PAGE_RULES for finding in rule(page)}
    found |= {finding for rule in RULES_FOR_ALL for finding in rule(pages)}
    return sorted(finding for finding in found if finding.rule not in ignored)
