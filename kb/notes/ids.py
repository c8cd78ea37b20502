"""Ids of papers: what they look like, and the one form in which all their spellings are compared.

The shapes are parts of patterns that ignore case. Who looks for an id says what may stand before and after it.
"""

from urllib.parse import unquote

from kb.patterns import pattern

ARXIV_NUMBER = r"\d{4}\.\d{4,5}(?!\d)"  # since April 2007: "2410.00037"
OLD_ARXIV_ID = r"[a-z][a-z-]{1,15}(?:\.[a-z]{2})?/\d{7}(?!\d)"  # before: "hep-th/9901001", "cs.CL/0101001"
ARXIV_ID = rf"(?:{ARXIV_NUMBER}|{OLD_ARXIV_ID})"
# One that stands alone and is no decimal number, no price and no tag either.
SURE_ARXIV_NUMBER = r"\d\d(?:0[1-9]|1[0-2])\.\d{5}(?!\d)"
# What an id stands behind in an address: of arXiv, of those that show its papers, and of those that list them.
ARXIV_PAGE = (
    r"(?:(?:arxiv|ar5iv|alphaxiv)\.org/(?:abs|pdf|html|e-print|ps|format|src|overview)|(?:huggingface|hf)\.co/papers"
    r"|(?:papers\.cool|scirate\.com|semanticscholar\.org)/arxiv)"
)
VERSION = r"(?:v\d{1,3})?"
DOI_PREFIX = r"10\.\d{4,9}"  # of who registers it
DOI = rf"{DOI_PREFIX}/\S+"
ARXIV_DOI = "10.48550/arxiv."  # what arXiv's own DOIs begin with, in small letters
FIVE_DIGITS_SINCE = 1501  # year and month from which arXiv ids have five digits after the dot; four before

LONGEST = 300  # characters; what is longer is no id
_ONE_WORD = pattern(r"[\w-]*")
_ARXIV = pattern(
    r"(?:https?://[^?#]{1,80}/|(?:www\.)?arxiv\.org/[a-z-]{2,12}/)?(?:arxiv[:：.]?)?"
    rf"(?P<id>{ARXIV_ID}){VERSION}(?:\.pdf)?/?(?:[?#].*)?"
)
_SUBJECT = pattern(r"\.[a-z]{2}(?=/)")
_DOI = pattern(rf"(?<!\d){DOI}")
_PAGE = pattern(
    r"(?:https?://)?(?:www\.)?(?:openreview\.net/(?:forum|pdf)\?id=|aclanthology\.org/)"
    r"(?P<id>[\w.-]+?)(?:\.pdf)?/?(?:[&#].*)?"
)


def arxiv_key(number: str) -> str:
    """Return an arXiv id as arXiv itself writes it, without a subject: "cs.CL/0101001" -> "cs/0101001"."""
    return _SUBJECT.sub("", number.lower())


def digits_after_dot(month: str) -> int:
    """Return how many digits arXiv ids of a month have after the dot: "2410" -> 5, "0706" -> 4."""
    return 5 if int(month) >= FIVE_DIGITS_SINCE else 4


def id_key(text: str) -> str:
    """Return text as ids are compared: in small letters, without version, address and mark before it.

    Example: "https://arxiv.org/abs/2410.15017v2", "arXiv: 2410.15017" and "10.48550/arXiv.2410.15017" -> "2410.15017";
    "https://doi.org/10.1000/A%2F1" -> "10.1000/a/1"; "cs.CL/0101001" -> "cs/0101001"; "@Lee24" -> "lee24".
    """
    folded = text.strip().lstrip("@").casefold()
    if len(folded) > LONGEST or _ONE_WORD.fullmatch(folded):  # a citation key, as most are
        return folded
    bare = "".join(folded.split()).strip("<>\"'")
    if found := _DOI.search(unquote(bare)):
        bare = found[0].rstrip(".,;")
        if not bare.startswith(ARXIV_DOI):
            return bare
    if found := _ARXIV.fullmatch(bare.removeprefix(ARXIV_DOI)):
        return arxiv_key(found["id"])
    found = _PAGE.fullmatch(bare)
    return found["id"] if found else folded
