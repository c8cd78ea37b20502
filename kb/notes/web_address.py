"""Where on the web a paper is best read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

PLACES = {
    "arxiv": "https://arxiv.org/abs/",
    "doi": "https://doi.org/",
    "openreview": "https://openreview.net/forum?id=",
    "acl": "https://aclanthology.org/",
}
# Without an id of the paper's own: its code and models, then papers that its note cites, then anything.
KINDS = ("github", "gitlab", "huggingface", "modelscope", "demo", "arxiv", "doi", "openreview", "web", "video")


def best_address(names: Iterable[str], links: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the address of a paper: by an id of its own, arXiv before DOI, else the best of its links.

    names is what it is known by, best first: "arxiv:2410.15017". Only http and https count. None if there is none.
    """
    for kind, _, value in (name.partition(":") for name in names):
        if kind in PLACES:
            return PLACES[kind] + quote(value, safe="/:;()._-")
    web = [link for link in links if _is_of_the_web(link["url"])]
    return next((str(link["url"]) for kind in KINDS for link in web if link["kind"] == kind), None)


def _is_of_the_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.netloc) and address.isprintable()
