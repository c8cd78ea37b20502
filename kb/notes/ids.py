"""Ids of papers as people write and paste them -> one form, to be compared."""

import re
from urllib.parse import unquote

LONGEST = 300  # characters; what is longer is no id
_ONE_WORD = re.compile(r"[\w-]*")
_ARXIV = re.compile(
    r"(?:https?://[^?#]{1,80}/|(?:www\.)?arxiv\.org/[a-z-]{2,12}/)?(?:arxiv[:：.]?)?"
    r"(?P<id>\d{4}\.\d{4,5}|(?P<archive>[a-z][a-z-]{1,15})(?:\.[a-z]{2})?/(?P<number>\d{7}))"
    r"(?:v\d{1,3})?(?:\.pdf)?/?(?:[?#].*)?"
)
_DOI = re.compile(r"(?<!\d)10\.\d{4,9}/\S+")
_OF_ARXIV = "10.48550/"  # what arXiv's own DOIs begin with
_PAGE = re.compile(
    r"(?:https?://)?(?:www\.)?(?:openreview\.net/(?:forum|pdf)\?id=|aclanthology\.org/)"
    r"(?P<id>[\w.-]+?)(?:\.pdf)?/?(?:[&#].*)?"
)


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
        if not bare.startswith(_OF_ARXIV):
            return bare
    if found := _ARXIV.fullmatch(bare.removeprefix(_OF_ARXIV)):
        return f"{found['archive']}/{found['number']}" if found["archive"] else found["id"]
    found = _PAGE.fullmatch(bare)
    return found["id"] if found else folded
