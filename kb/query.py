"""What somebody types after `kb search`, taken apart.

Plain words are alternatives: a paper with any of them is a hit, with all of them a better one. "Quoted" text must
stand in the paper exactly so, -word or -"text" must not, and field:value narrows the choice. In a question or a
pasted paragraph quotation marks only quote: text that ends in a question mark, or is long, demands nothing.
"""

import re
from typing import NamedTuple

from kb.errors import KbError
from kb.literal import quoted
from kb.terms import Phrase, alternatives, phrase

_QUOTES = {'"': '"', "“": "”", "「": "」", "『": "』", "＂": "＂"}
_FIELD = re.compile(r"(?P<name>[a-z]+)[:：](?P<value>.*)$", re.DOTALL)
_ARXIV_ID = re.compile(r"(?<!\d)\d{4}\.\d{4,5}(?!\d)")
_MONTH = re.compile(r"(?P<year>\d{4})(?:-(?P<month>0[1-9]|1[0-2]))?$")

_WEAK = frozenset(
    "what which who whom whose when where why how did do does was were is are the a an of in on to for by with at from"  # noqa: SIM905
    " as and or that this it its be been has had have not than then there their they".split()
)

MOST_CONDITIONS = 100  # quoted texts, exclusions and fields; SQLite takes a thousand at most
MOST_TIMES = 10  # that one word counts; FTS5's time grows with their square
LONGEST_COMMAND = 16  # words; what is longer is prose

TEXT_FIELDS = {"org": "organizations", "tag": "keywords", "section": "section", "title": "title"}
HAS_KINDS = {
    "code": ("github", "gitlab"),
    "arxiv": ("arxiv",),
    "doi": ("doi",),
    "model": ("huggingface", "modelscope"),
    "demo": ("demo",),
    "video": ("video",),
    "figure": ("figure",),
}
KINDS = ("paper", "project", "lecture", "note")
CLAIM_STATES = ("holds", "contradicted", "not-runnable", "stale")
MARKS = ("starred", "read", "unread")
FIELDS = (*TEXT_FIELDS, "month", "kind", "has", "claim", "is")


class Filter(NamedTuple):
    """One field:value; is_excluded when written -field:value."""

    name: str
    value: str
    is_excluded: bool

    def phrase(self) -> Phrase:
        """Return the value of a text field as the phrase to look for."""
        found = phrase(self.value)
        if not found:
            raise KbError(f"{self.name}: needs a word, got {self.value!r}; for example {self.name}:Meta")
        return found

    def months(self) -> tuple[str, str]:
        """Return the first and the last month of a month filter: "2024" -> ("2024-01", "2024-12")."""
        first, _, last = self.value.partition("..")
        return _month(first, "01"), _month(last or first, "12")


class Query(NamedTuple):
    """A parsed query."""

    text: str  # the plain words as typed, for retrievers that read whole questions
    names: tuple[str, ...]  # what a paper may be called that is asked for: all that was typed, else arXiv ids in it
    words: tuple[Phrase, ...]  # any of them makes a hit; a word asked for twice counts twice
    required: tuple[Phrase, ...]
    excluded: tuple[Phrase, ...]  # written -"text": not there to the letter
    excluded_words: tuple[Phrase, ...]  # written -word
    filters: tuple[Filter, ...]
    glosses: tuple[Phrase, ...]  # what the words stand for in the other language
    is_void: bool  # something was asked for, but nothing that can stand in a paper: punctuation only

    @property
    def has_text(self) -> bool:
        """Whether there is anything to rank by."""
        return bool(self.words or self.required)


def parse_query(text: str) -> Query:
    """Return what text asks for.

    Example: 'codec "声学延迟" -VAE org:Meta' -> words codec, required 声学延迟, excluded word VAE, filter org.
    Raises: KbError if a field has a value it cannot take, or if there are too many conditions.
    """
    text = text.encode("utf-8", "ignore").decode()  # half characters, which a terminal may hand over, stand nowhere
    named: list[str] = []
    plain: list[str] = []
    words: list[Phrase] = []
    times: dict[Phrase, int] = {}
    required: list[Phrase] = []
    excluded: list[Phrase] = []
    excluded_words: list[Phrase] = []
    filters: list[Filter] = []
    tokens = _tokens(text)
    is_prose = text.rstrip().endswith(("?", "？")) or sum(not quoted for _, quoted, _ in tokens) > LONGEST_COMMAND
    for token, is_quoted, is_excluded in tokens:
        field = None if is_quoted else _field(token, is_excluded)
        if is_prose and not field:
            is_quoted = is_excluded = False
        if not (field or is_excluded):
            named.append(token)
        if field:
            filters.append(field)
        elif is_quoted or is_excluded:
            target = excluded if is_quoted and is_excluded else required if is_quoted else excluded_words
            if found := quoted(token) if is_quoted else phrase(token):
                target.append(found)
        else:
            plain.append(token)
            for word in alternatives(token):
                times[word] = times.get(word, 0) + 1
                words.extend([word] * (times[word] <= MOST_TIMES))
    if (count := len(required) + len(excluded) + len(excluded_words) + len(filters)) > MOST_CONDITIONS:
        raise KbError(f"a query takes {MOST_CONDITIONS} quoted texts, exclusions and fields at most, got {count}")
    name = " ".join(named)
    ids = () if required else _ARXIV_ID.findall(" ".join(plain))  # beside quoted text an id is one more word
    return Query(
        text=" ".join(plain),
        names=tuple(dict.fromkeys(one for one in (name, *ids) if one)),
        words=_without_weak(words),
        required=tuple(required),
        excluded=tuple(excluded),
        excluded_words=tuple(excluded_words),
        filters=tuple(filters),
        glosses=(),
        is_void=bool(text.strip()) and not (words or required or excluded or excluded_words or filters),
    )


def _without_weak(words: list[Phrase]) -> tuple[Phrase, ...]:
    """Return words without those that only hold an English question together, unless there are no others."""
    telling = tuple(word for word in words if not _WEAK.issuperset(word.terms))
    return telling or tuple(words)


def _tokens(text: str) -> list[tuple[str, bool, bool]]:
    """Return (text, quoted, excluded) of each part; field:"two words" is one unquoted part."""
    found = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        is_excluded = text[position] == "-" and position + 1 < len(text) and not text[position + 1].isspace()
        start = position + is_excluded
        if text[start] in _QUOTES:
            end = text.find(_QUOTES[text[start]], start + 1)
            end = len(text) if end < 0 else end
            found.append((text[start + 1 : end], True, is_excluded))
            position = end + 1
            continue
        end = start
        value = ""
        while end < len(text) and not text[end].isspace():
            if text[end] in _QUOTES and end > start and text[end - 1] in ":：":
                close = text.find(_QUOTES[text[end]], end + 1)
                close = len(text) if close < 0 else close
                value += text[end + 1 : close]
                end = close + 1
            else:
                value += text[end]
                end += 1
        found.append((value, False, is_excluded))
        position = end
    return found


def _field(token: str, is_excluded: bool) -> Filter | None:
    found = _FIELD.match(token)
    if not found or found["name"] not in FIELDS:
        return None
    if found["name"] == "is" and not found["value"]:
        return None  # "the question is: why"
    field = Filter(found["name"], found["value"].strip(), is_excluded)
    if field.name == "month":
        field.months()
    elif field.name == "kind" and field.value not in KINDS:
        raise KbError(f"kind: is one of {', '.join(KINDS)}, got {field.value!r}")
    elif field.name == "has" and field.value not in HAS_KINDS:
        raise KbError(f"has: is one of {', '.join(HAS_KINDS)}, got {field.value!r}")
    elif field.name == "claim" and field.value not in (*CLAIM_STATES, "any"):
        raise KbError(f"claim: is one of {', '.join(CLAIM_STATES)}, any, got {field.value!r}")
    elif field.name == "is" and field.value not in MARKS:
        raise KbError(f"is: is one of {', '.join(MARKS)}, got {field.value!r}")
    elif field.name in TEXT_FIELDS:
        field.phrase()
    return field


def _month(text: str, missing: str) -> str:
    found = _MONTH.match(text)
    if not found:
        raise KbError(f"month: should look like 2024-10, 2024 or 2024-08..2024-11, got {text!r}")
    return f"{found['year']}-{found['month'] or missing}"
