"""What somebody types after `kb search`, taken apart.

Plain words are alternatives: a paper with any of them is a hit, with all of them a better one. "Quoted" text must
stand in the paper exactly so, -word or -"text" must not, and field:value narrows the choice; a month such as 2025-05
is one without its field too. In a question or a pasted paragraph quotation marks only quote: text that ends in a
question mark, or is long, demands nothing.
"""

import re
from typing import NamedTuple

from kb.errors import KbError
from kb.index.engine import Concept, Words, each
from kb.index.literal import quoted
from kb.index.query.fields import (
    FIELDS,
    HAS_KINDS,
    KINDS,
    MARKS,
    TEXT_FIELDS,
    Filter,
    field_in,
    unknown_field,
)
from kb.index.query.spans import is_month
from kb.index.query.tokens import Token, cut
from kb.notes.ids import ARXIV_NUMBER
from kb.terms import FUNCTION_WORDS, Phrase, alternatives, phrase

__all__ = [
    "FIELDS",
    "HAS_KINDS",
    "KINDS",
    "MARKS",
    "TEXT_FIELDS",
    "Filter",
    "Query",
    "parse_query",
    "unquoted",
]

_ARXIV_ID = re.compile(rf"(?<!\d){ARXIV_NUMBER}")
_AFTER_A_MONTH = "?？,，;；。!！"

_IN_QUESTIONS = (
    "what which who whom whose when where why how did do does was were as that this its be been has had have not"
    " than then there their they these those we our you your can could should would will may might must if but"
    " about into between without while during such some any also"
)
WEAK_WORDS = FUNCTION_WORDS.union(_IN_QUESTIONS.split())
_OPERATORS = {  # of other languages of queries, and what says so here
    "AND": 'for AND quote each word, "speech" "codec"',
    "OR": "for OR type nothing: words are alternatives",
    "NOT": "for NOT type -word",
}

MOST_CONDITIONS = 100  # quoted texts, exclusions and fields; SQLite takes a thousand at most
MOST_WORDS = 300  # different ones, of a pasted page for instance; those after them are left out
MOST_TIMES = 10  # that one word counts; FTS5's time grows with their square
LONGEST_COMMAND = 16  # words; what is longer is prose


class Query(NamedTuple):
    """A parsed query."""

    text: str  # the plain words as typed, for retrievers that read whole questions
    names: tuple[str, ...]  # what a paper may be called that is asked for: all that was typed, else arXiv ids in it
    words: tuple[Phrase, ...]  # any of them makes a hit; a word asked for twice counts twice
    concepts: tuple[Concept, ...]  # what the words ask for: at first each for itself
    required: tuple[Phrase, ...]
    excluded: tuple[Phrase, ...]  # written -"text": not there to the letter
    excluded_words: tuple[Phrase, ...]  # written -word
    filters: tuple[Filter, ...]
    is_void: bool  # something was asked for, but nothing that can stand in a paper: punctuation only
    advice: tuple[str, ...]  # lines for the person who typed: what was understood otherwise than it may be meant

    @property
    def has_text(self) -> bool:
        """Whether there is anything to rank by."""
        return bool(self.words or self.required)

    @property
    def asked(self) -> Words:
        """What is asked of the terms of papers."""
        return Words(
            any_of=self.concepts,
            all_of=self.required,
            none_of=self.excluded_words,
            none_exact=self.excluded,
            fields=tuple(one.words() for one in self.filters if one.name in TEXT_FIELDS),
        )

    @property
    def conditions(self) -> tuple[Filter, ...]:
        """What is asked of papers besides: month:2024, kind:paper, is:unread."""
        return tuple(one for one in self.filters if one.name not in TEXT_FIELDS)


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
    tokens = cut(text)
    is_long = sum(not token.is_quoted for token in tokens) > LONGEST_COMMAND
    is_prose = is_long or text.rstrip().endswith(("?", "？"))
    operators = [] if is_prose else _operators(tokens)
    months: list[str] = []  # written without their field
    is_cut = False
    for token in tokens:
        field = field_in(token)
        if not field and not is_long and (field := _month_in(token)):
            months.append(field.value)
        if field:
            filters.append(field)
            continue
        is_quoted, is_excluded = (False, False) if is_prose else token[1:]
        if not is_excluded:
            named.append(token.text)
        if is_quoted or is_excluded:
            target = excluded if is_quoted and is_excluded else required if is_quoted else excluded_words
            if found := quoted(token.text) if token.is_quoted else phrase(token.text):
                target.append(found)
        elif token not in operators:
            if len(times) < MOST_WORDS:
                plain.append(token.text)
            for word in alternatives(token.text):
                if word not in times and len(times) == MOST_WORDS:
                    is_cut = True
                    continue
                times[word] = times.get(word, 0) + 1
                words.extend([word] * (times[word] <= MOST_TIMES))
    if (count := len(required) + len(excluded) + len(excluded_words) + len(filters)) > MOST_CONDITIONS:
        raise KbError(f"a query takes {MOST_CONDITIONS} quoted texts, exclusions and fields at most, got {count}")
    name = " ".join(named)
    ids = () if required else _ARXIV_ID.findall(" ".join(plain))  # beside quoted text an id is one more word
    telling = _without_weak(words)
    is_void = bool(text.strip()) and not (words or required or excluded or excluded_words or filters)
    return Query(
        text=" ".join(plain),
        names=tuple(dict.fromkeys(one for one in (name, *ids) if one)),
        words=telling,
        concepts=each(telling),
        required=tuple(required),
        excluded=tuple(excluded),
        excluded_words=tuple(excluded_words),
        filters=tuple(filters),
        is_void=is_void,
        advice=_advice([] if is_prose else tokens, operators, months, is_cut, is_void),
    )


def unquoted(query: Query) -> Query:
    """Return query with the text that it quotes as plain words."""
    texts = [one.quoted for one in query.required]
    words = query.words + tuple(word for text in texts for word in alternatives(text))
    text = " ".join((query.text, *texts))
    return query._replace(text=text, words=words, concepts=each(words), required=(), names=(text,))


def _without_weak(words: list[Phrase]) -> tuple[Phrase, ...]:
    """Return words without those that only hold an English question together, unless there are no others."""
    telling = tuple(word for word in words if not WEAK_WORDS.issuperset(word.terms))
    return telling or tuple(words)


def _month_in(token: Token) -> Filter | None:
    """Return the month that token is without saying so: 2025-05."""
    value = token.text.rstrip(_AFTER_A_MONTH)
    return Filter("month", value, token.is_excluded) if not token.is_quoted and is_month(value) else None


def _operators(tokens: list[Token]) -> list[Token]:
    """Return those of tokens that stand for a connection of others: AND, OR, NOT in capitals."""
    found = [token for token in tokens if token.text in _OPERATORS and token[1:] == (False, False)]
    return found if len(found) < len(tokens) else []


def _advice(
    tokens: list[Token], operators: list[Token], months: list[str], is_cut: bool, is_void: bool
) -> tuple[str, ...]:
    """Return a line for each kind of thing in a query that does not mean what it may be meant to."""
    lines = []
    if unknown := dict.fromkeys(f"{name}:" for token in tokens if (name := unknown_field(token))):
        lines.append(f"no field {', '.join(unknown)}; there are {', '.join(sorted(FIELDS))}; searched as words")
    if used := dict.fromkeys(token.text for token in operators):
        lines.append(f"left out {', '.join(used)}: {'; '.join(_OPERATORS[operator] for operator in used)}")
    if months:
        lines.append(f"taken as month: {', '.join(months)}; quote what is to be looked for as text")
    if is_void:
        lines.append("nothing to look for: there is no letter and no number in it")
    if is_cut:
        lines.append(f"looked for the first {MOST_WORDS} different words; to compare a whole text: --similar-to FILE")
    return tuple(lines)
