"""Addresses in Markdown, each with its kind, and the identifiers they carry."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from kb.notes.ids import ARXIV_DOI, ARXIV_ID, ARXIV_PAGE, DOI_PREFIX, SURE_ARXIV_NUMBER, VERSION
from kb.patterns import pattern
from kb.records import Link, LinkKind

_ADDRESS = r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+"
LONGEST_LINK = 500  # characters of a label: without an end each [ of a long line would be tried to its end
_MARKDOWN = pattern(
    rf"(?P<bang>!?)\[(?P<label>[^\]\n]{{0,{LONGEST_LINK}}})\]"
    rf"\(<?(?P<url>[^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)*|{_ADDRESS}?)>?(?:\s+\"[^\"]*\")?\)"
)
_IMAGE_TAG = pattern(r"<img\b[^>]*?\bsrc\s*=\s*[\"'](?P<url>[^\"']+)[\"']", re.IGNORECASE)
_BARE = pattern(_ADDRESS)
_ARXIV_URL = pattern(
    rf"(?:{ARXIV_PAGE}[/.]|{re.escape(ARXIV_DOI)})(?P<id>{ARXIV_ID})",
    re.IGNORECASE,
)
_ARXIV_TEXT = pattern(rf"\barxiv\s{{0,4}}[:：]?\s{{0,4}}(?P<id>{ARXIV_ID})", re.IGNORECASE)
_ARXIV_ALONE = pattern(
    rf"\W{{0,4}}(?:arxiv\s?[:：.]?\s?)?(?P<id>{ARXIV_ID}){VERSION}(?=$|[\s\[(（,，;；\]\"'.])", re.IGNORECASE
)
_BARE_NUMBER = pattern(
    rf"(?<![\w./-])(?P<id>{SURE_ARXIV_NUMBER}|[a-z]{{2,9}}-[a-z]{{2,4}}/\d{{7}}){VERSION}(?![\w.]\w|\d)"
)
_DOI_NUMBER = rf"(?P<id>{DOI_PREFIX}(?:/|%2F)(?:[^\s\"'<>，。；()\]]|\([^\s()\"'<>，。；\]]*\))+)"
_DOI = pattern(
    r"(?:doi\.org/|\bdoi\s{0,4}[:：]\s{0,4}"
    r"|/(?:doi|abs|full|pdf|epdf|abstract|fullhtml|reader|articles?|chapter|book|content|proceedings)/)"
    rf"{_DOI_NUMBER}",
    re.IGNORECASE,
)
_DOI_ALONE = pattern(rf"\W{{0,4}}(?:doi\s?[:：]?\s?)?{_DOI_NUMBER}", re.IGNORECASE)
_ESCAPED = pattern("%([2-7][0-9A-Fa-f])")
_AFTER_DOI = pattern(
    r"(?:[?#]\S*|/(?:full|abstract|pdf|html|meta|epub|fulltext|summary)|(?:v\d{1,2})?\.full(?:\.pdf|-text)?|\.(?:pdf|html?)|[.,;:*_])$"
)


_SAYS_WHAT = pattern(
    r"\W*(?:paper|pdf|arxiv|code|github|repo|demo|project|page|homepage|link|blog|论文|原文|代码|链接|主页|演示|项目)\W*$",
    re.IGNORECASE,
)

_KIND_BY_HOST: dict[str, LinkKind] = {
    "arxiv.org": "arxiv",
    "doi.org": "doi",
    "openreview.net": "openreview",
    "github.com": "github",
    "gitlab.com": "gitlab",
    "huggingface.co": "huggingface",
    "hf.co": "huggingface",
    "modelscope.cn": "modelscope",
    "youtube.com": "video",
    "youtu.be": "video",
    "bilibili.com": "video",
}
LONGEST_LABEL = 20  # characters
_IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp")


def links(markdown: str) -> tuple[Link, ...]:
    """Return the links of markdown in order of appearance, each address once.

    Example: "[code](https://github.com/a/b)" -> Link(kind="github", url="https://github.com/a/b", label="code").
    """
    found: dict[str, Link] = {}
    for link in _scan(markdown):
        known = found.get(link.url)
        if known is None or (not known.label and link.label):
            found[link.url] = link
    return tuple(found.values())


def arxiv_id(text: str) -> str | None:
    """Return the first arXiv id that text links to or names, without its version.

    Example: "https://arxiv.org/pdf/2405.15863v2" and "doi:10.48550/arXiv.2405.15863" -> "2405.15863".
    """
    found = _ARXIV_URL.search(text) or _ARXIV_TEXT.search(text)
    return found["id"] if found else None


def given_arxiv_id(value: str) -> str | None:
    """Return the arXiv id that a value under a label is: "2405.15863v2 [cs.SD]" or an address -> "2405.15863"."""
    found = _ARXIV_ALONE.match(value)
    return found["id"] if found else arxiv_id(value)


def bare_arxiv_id(text: str) -> str | None:
    """Return the first number that can only be that of a preprint: "[2410.00037] Toys" -> "2410.00037"."""
    found = _BARE_NUMBER.search(text)
    return found["id"] if found else None


def doi(text: str) -> str | None:
    """Return the first DOI that text links to or names; one of arXiv's is an arXiv id and none.

    Example: "https://doi.org/10.1000/xyz" and "https://dl.acm.org/doi/abs/10.1000/xyz?x=1" -> "10.1000/xyz".
    """
    return _first_doi(_DOI.finditer(text)) if "10." in text else None


def given_doi(value: str) -> str | None:
    """Return the DOI that a value under a label is: "10.1000/xyz" or an address -> "10.1000/xyz"."""
    found = _DOI_ALONE.match(value)
    return _first_doi([found]) if found else doi(value)


def _first_doi(found: Iterable[re.Match[str]]) -> str | None:
    for match in found:
        bare, before = _ESCAPED.sub(lambda one: chr(int(one[1], 16)), match["id"]), ""
        while bare != before:
            bare, before = _AFTER_DOI.sub("", bare), bare
        if not bare.lower().startswith(ARXIV_DOI):
            return bare
    return None


def openreview_id(text: str) -> str | None:
    """Return the id of the first OpenReview page that text links to."""
    found = re.search(r"openreview\.net/(?:forum|pdf|attachment|revisions)\?(?:[^\s#)]{0,80}&)?id=(?P<id>[\w-]+)", text)
    return found["id"] if found else None


def acl_id(text: str) -> str | None:
    """Return the id of the first page or DOI of the ACL Anthology in text: "2023.acl-long.1" or "P19-1001"."""
    found = re.search(
        r"(?:aclanthology\.org|aclweb\.org/anthology|10\.18653/v1)/(?P<id>[A-Z]\d\d-\d{4}|\d{4}\.[\w-]+\.\d+)", text
    )
    return found["id"] if found else None


def repositories(found: Iterable[Link]) -> tuple[str, ...]:
    """Return the repositories among links, each once: "github.com/owner/name"."""
    pattern = re.compile(r"https?://(?:www\.)?(?P<host>github\.com|gitlab\.com)/(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)")
    matches = (pattern.match(link.url) for link in found)
    return tuple(
        dict.fromkeys(f"{m['host']}/{m['owner']}/{m['name'].removesuffix('.git')}".lower() for m in matches if m)
    )


def split_links(text: str) -> tuple[str, str]:
    """Return text without its links, and the links alone; a link's label stays unless it only says what is linked.

    Example: "[CMU](https://cmu.edu)，codec [Paper](https://a.org)" -> "CMU，codec ", and both links.
    """
    found: list[str] = []

    def take(match: re.Match[str]) -> str:
        found.append(match[0])
        label = match.groupdict().get("label") or ""
        return "" if _SAYS_WHAT.match(label) else label

    return _BARE.sub(take, _MARKDOWN.sub(take, text)), " ".join(found)


def _scan(markdown: str) -> Iterator[Link]:
    places = [(m.start(), m.end(), m["url"], m["label"], bool(m["bang"])) for m in _MARKDOWN.finditer(markdown)]
    if "<" in markdown:
        places += [(m.start(), m.end(), m["url"], "", True) for m in _IMAGE_TAG.finditer(markdown)]
    taken = sorted((start, end) for start, end, *_ in places)
    starts = [start for start, _ in taken]
    for match in _BARE.finditer(markdown):
        before = bisect_right(starts, match.start()) - 1
        if before < 0 or taken[before][1] <= match.start():
            places.append((match.start(), match.end(), _trimmed(match[0]), "", False))
    for start, _, url, label, is_image in sorted(places):
        if is_image or url.startswith(("http://", "https://")):
            yield Link(kind=_kind(url, label or _label_before(markdown, start), is_image), url=url, label=label.strip())


def _trimmed(url: str) -> str:
    # An address in running text takes no closing mark with it, unless it opened it: (…/Foo_(bar)) keeps the inner pair.
    end = len(url)
    open_pairs = url.count("(") - url.count(")")
    while end:
        mark = url[end - 1]
        if mark not in ".,;:!?'*_[]()" or (mark == ")" and open_pairs >= 0):
            break
        open_pairs += (mark == ")") - (mark == "(")
        end -= 1
    return url[:end]


def _label_before(markdown: str, start: int) -> str:
    """Return what stands before an address on its line, if that is short."""
    _, newline, label = markdown[max(0, start - LONGEST_LABEL) : start].rpartition("\n")
    return label if newline or start < LONGEST_LABEL else ""


def _kind(url: str, label: str, is_image: bool) -> LinkKind:
    path = url.split("?", 1)[0].lower()
    if is_image or path.endswith(_IMAGE_ENDINGS):
        return "figure"
    host = path.split("://", 1)[-1].split("/", 1)[0].split("@")[-1].split(":")[0].removeprefix("www.")
    if "demo" in label.lower() or host.endswith(".github.io") or "演示" in label:
        return "demo"
    for known, kind in _KIND_BY_HOST.items():
        if host == known or host.endswith("." + known):
            return kind
    return "web"
