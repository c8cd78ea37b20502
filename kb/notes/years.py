"""The year a paper appeared in, from what its notes say of it."""

import re

from kb.notes.ids import ARXIV_NUMBER, OLD_ARXIV_ID
from kb.patterns import pattern

_NAMED = pattern(r"(?<![\d.])(?:19|20)\d\d(?!\d|\.\d)")  # not the months of 2005.12345
_SHORT = pattern(r"['’‘](?P<year>\d\d)(?!\d)")  # ICASSP'23
_NUMBERED = pattern(rf"(?P<new>{ARXIV_NUMBER})|{OLD_ARXIV_ID}", re.IGNORECASE)
_ANTHOLOGY = pattern(r"(?P<year>\d{4})\.|[A-Z](?P<short>\d\d)-")
FIRST_OF_ARXIV = 91  # 1991, when arXiv began; the ACL Anthology goes back to 1965
FIRST_OF_ANTHOLOGY = 65


def year_of(published: str | None, venue: str | None, arxiv_id: str | None, acl_id: str | None = None) -> str | None:
    """Return the year that the first of these tells; the year somebody read the paper is none of them.

    Example: "2024-10", "ICASSP'24", "2410.15017", "2024.acl-long.1" -> "2024"; "hep-th/9901001" -> "1999".
    """
    if published:
        return published[:4]
    if named := _NAMED.search(venue or ""):
        return named[0]
    if short := _SHORT.search(venue or ""):
        return _of_two_digits(short["year"], FIRST_OF_ANTHOLOGY)
    if anthology := _ANTHOLOGY.match(acl_id or ""):
        return anthology["year"] or _of_two_digits(anthology["short"], FIRST_OF_ANTHOLOGY)
    if number := _NUMBERED.match(arxiv_id or ""):
        return f"20{number[0][:2]}" if number["new"] else _of_two_digits(number[0][-7:-5], FIRST_OF_ARXIV)
    return None


def _of_two_digits(digits: str, first: int) -> str:
    return f"{'19' if int(digits) >= first else '20'}{digits}"
