"""What front matter and labels say about a paper, as one record."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from kb.notes.parsing import dates, links, names, titles
from kb.notes.parsing.bylines import authors_below_title
from kb.notes.parsing.evidence import find_venue
from kb.notes.parsing.fields import field_of
from kb.notes.parsing.frontmatter import FrontMatter, leaves
from kb.notes.parsing.labels import Label, labels
from kb.notes.parsing.organizations import split_organizations
from kb.notes.parsing.people import affiliations, people
from kb.patterns import pattern
from kb.records import OTHERS

# A post is signed by one who wrote it and dated the day it went online, unless it says that it is about a paper.
_POST = "layout categories category permalink comments excerpt toc mathjax draft slug"
_KEYS_OF_POSTS = frozenset(_POST.split())
_FIELDS_OF_PAPERS = frozenset(("arxiv", "doi", "venue", "openreview", "acl", "citation_key"))
_DATES_OF_NOTES = frozenset(("date", "日期", "时间", "month"))  # may be the note's own, so any other date goes before
_ONE_EACH = frozenset(("authors", "organizations"))  # of whose labels only those spelled like the first belong together
_UNPUBLISHED = pattern(
    r"\W*(?:未(?:录用|发表|投稿|接收)|预印本|在投|投稿中|审稿中|无|暂无"
    r"|(?:preprint|under review|submitted|unpublished|n/a|none|tbd)(?![a-z]))",
    re.IGNORECASE,
)
_ACCEPTED = pattern(
    r"(?:已?(?:被|在)?(?:录用|发表|接收|接受|收录)(?:于|至|为)?"
    r"|accepted(?: (?:at|by|to|in))?|published (?:in|at)|to appear (?:in|at))"
    r"[\s\-—–:：,，]*",
    re.IGNORECASE,
)
_REMARK = pattern(r"\s*[(（][^()（）]*[)）]")  # "ICLR 2026 (Published as a conference paper)"
_LATER_DATE = pattern("[(（;；，]")
_SAYS_WHERE = pattern(
    r"(?:[\W\d_]|paper|pdf|abs|html|arxiv|link|url|code|github|here|openreview|doi|v\d|论文|链接|原文|地址|代码|点击|这里)*",
    re.IGNORECASE,
)
_CITED = pattern(r"[\s\[]*@(?P<key>[A-Za-z][\w:.+/-]*\d[\w:.+/-]*)(?=[\s\]:：]|$)", re.ASCII)
_KEY = pattern(r"[\s\[@]*(?P<key>[^\s\[\]@,;{}()]+)[\s\]]*")
_OPENREVIEW_ID = pattern(r"[\w-]{8,16}")
_ACL_ID = pattern(r"[A-Z]\d\d-\d{4}|\d{4}\.[\w-]+\.\d+")


class Facts(NamedTuple):
    """What a stretch of a note says about its paper; empty or None where it says nothing."""

    title: str = ""  # Markdown, as it is written
    short_name: str = ""
    authors: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    venue: str | None = None
    published: str | None = None  # "2024-10"
    date: str = ""  # the words that published is read from; they may name a venue too
    read: str = ""  # when somebody read it, or wrote this
    arxiv_id: str | None = None
    doi: str | None = None
    openreview_id: str | None = None
    acl_id: str | None = None
    citation_key: str | None = None
    links: tuple[str, ...] = ()  # addresses

    def given(self) -> frozenset[str]:
        """Return the names of the fields that say something."""
        return frozenset(name for name, value in self._asdict().items() if value)


def read_facts(lines: Sequence[str], front: FrontMatter | None = None) -> Facts:
    """Return what labels in lines and the keys of front matter say about a paper.

    Front matter goes before labels, but for its title, which may be that of a file about more than the paper.
    Authors may stand without a label too, in a line below the title, if lines begin there.
    Example: ["**作者**：张三（通讯）et al.", "**arXiv:** 2601.20009v2"] ->
    authors ("张三", "others"), arxiv_id "2601.20009".
    """
    of_front = list(_of_front(front)) if front else []
    of_file = [one for one in of_front if one.key == "title"]  # which may say more than the paper's
    said = _by_field([*(one for one in of_front if one not in of_file), *labels(lines), *of_file])
    if not said:
        return Facts(authors=authors_below_title(lines))
    addresses = _once(address for given in said.values() for one in given for address in _addresses(one.value))
    texts = {field: [text for one in given for text in leaves(one.value)] for field, given in said.items()}
    numbers = [text for field in ("arxiv", "doi", "openreview", "acl", "links") for text in texts.get(field, ())]
    numbers += addresses
    date = next((text for one in sorted(said.get("date", ()), key=_may_be_of_note) for text in leaves(one.value)), "")
    people_given = said.get("authors") or [*said.get("first_author", ()), *said.get("corresponding_author", ())]
    organizations = [
        name for text in texts.get("organizations", ()) for name in split_organizations(titles.plain(text))
    ]
    keywords = (text if "`" in text else titles.plain(text) for text in texts.get("keywords", ()))
    return Facts(
        title=_first(str, texts.get("title", ())).lstrip("@ "),
        short_name=titles.plain(_first(str, texts.get("short_name", ()))),
        authors=people([one.value for one in people_given]) or authors_below_title(lines),
        organizations=_once([*organizations, *affiliations([one.value for one in people_given])]),
        keywords=_once(word for text in keywords for word in names.split_keywords(text)),
        venue=_first(_venue, texts.get("venue", ())) or None,
        published=date_of(date),
        date=date,
        read=_first(str, texts.get("read", ())),
        arxiv_id=_first(links.given_arxiv_id, numbers) or None,
        doi=_first(links.given_doi, numbers) or None,
        openreview_id=_first(links.openreview_id, numbers)
        or _first(_whole(_OPENREVIEW_ID), texts.get("openreview", ()))
        or None,
        acl_id=_first(links.acl_id, numbers) or _first(_whole(_ACL_ID), texts.get("acl", ())) or None,
        citation_key=_first(_key, texts.get("citation_key", ()))
        or _first(citation_key, texts.get("title", ()))
        or None,
        links=addresses,
    )


def links_in(front: FrontMatter) -> tuple[str, ...]:
    """Return the addresses that front matter gives of a paper."""
    said = _by_field(sorted(_of_front(front), key=lambda one: one.key == "title"))
    return _once(address for given in said.values() for one in given for address in _addresses(one.value))


def date_of(text: str) -> str | None:
    """Return the first date of a label's value: "2025 年 06 月（v2 于 2025-07-03）" -> "2025-06"."""
    plain = titles.plain(text)
    return dates.date_in(_LATER_DATE.split(plain, maxsplit=1)[0]) or dates.date_in(plain)


def citation_key(text: str) -> str | None:
    """Return the key that a heading or a file of a reference manager is called by: "@one2017toys" -> "one2017toys"."""
    found = _CITED.match(text)
    return found["key"].rstrip(".:") if found else None


def is_of_post(front: FrontMatter) -> bool:
    """Whether author and date of front matter are those of a post: it has the keys of one, and none of a paper's."""
    fields = {field_of(key) for key in front.by_key}
    looks_posted = not _KEYS_OF_POSTS.isdisjoint(front.by_key) or {"tags", "date"} <= front.by_key.keys()
    signed = people([value for key, value in front.by_key.items() if field_of(key) == "authors"])
    return looks_posted and _FIELDS_OF_PAPERS.isdisjoint(fields) and len(signed) < 2 and OTHERS not in signed


def _of_front(front: FrontMatter) -> Iterator[Label]:
    is_post = is_of_post(front)
    for key, value in front.by_key.items():
        field = field_of(key)
        if field and not (is_post and field in ("authors", "date")):
            yield Label(field, key, value)
    for alias in front.texts("aliases", "alias"):
        if cited := citation_key(alias):
            yield Label("citation_key", "aliases", cited)


def _by_field(said: Iterable[Label]) -> dict[str, list[Label]]:
    """Return labels by field; what is only an address under the name of a paper or a venue is a link."""
    found: dict[str, list[Label]] = {}
    for one in said:
        is_link = one.field in ("title", "venue", "short_name", "keywords") and _is_address(one.value)
        given = found.setdefault("links" if is_link else one.field, [])
        if one.field not in _ONE_EACH or all(before.key == one.key for before in given):
            given.append(one)
    return found


def _is_address(value: Any) -> bool:
    return (
        isinstance(value, str) and bool(_addresses(value)) and bool(_SAYS_WHERE.fullmatch(links.split_links(value)[0]))
    )


def _addresses(value: Any) -> list[str]:
    return [link.url for text in leaves(value) if "://" in text for link in links.links(text) if link.kind != "figure"]


def _may_be_of_note(label: Label) -> bool:
    return label.key in _DATES_OF_NOTES


def _venue(text: str) -> str | None:
    plain = titles.normal(titles.plain(text))
    if _UNPUBLISHED.match(plain):
        return None
    accepted, named = _ACCEPTED.match(plain), find_venue(plain)
    if named and (accepted or _REMARK.fullmatch(plain, named.end())):
        return str(named[0])
    return plain[accepted.end() :] if accepted else plain


def _key(text: str) -> str:
    found = _KEY.fullmatch(text)
    return found["key"] if found else ""


def _whole(pattern: re.Pattern[str]) -> Callable[[str], str]:
    return lambda text: text if pattern.fullmatch(text) else ""


def _first(read: Callable[[str], str | None], texts: Iterable[str]) -> str:
    """Return the first that can be read of texts."""
    return next((found for text in texts if (found := read(text))), "")


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
