"""Fields of a query, name:value: which there are, and what each of them takes."""

import re
from typing import NamedTuple

from kb.errors import KbError
from kb.index.claim_states import CLAIM_STATES
from kb.index.engine import FieldWords
from kb.index.query import spans
from kb.index.query.tokens import Token
from kb.terms import Phrase, phrase

TEXT_FIELDS = ("org", "tag", "section", "title", "author", "venue")  # they take words
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
MARKS = ("starred", "read", "unread")
FIELDS = (*TEXT_FIELDS, "year", "month", "id", "kind", "has", "claim", "is")

_EXAMPLES = {"author": "Lee", "venue": "ICASSP", "id": "2410.15017"}
_ONE_OF = {"kind": KINDS, "has": tuple(HAS_KINDS), "claim": (*CLAIM_STATES, "any"), "is": MARKS}
_NO_FIELDS = ("arxiv", "doi", "http", "https")  # what stands before an id or an address
_FIELD = re.compile(r"(?P<name>[a-z]+)[:：](?P<value>.*)$", re.DOTALL)
_LIKE_A_FIELD = re.compile(r"(?P<name>[a-z]{2,20}):\w")  # not a::b, not a://b
_BETWEEN_NAMES = re.compile(r"[\s,，.、]+")


class Filter(NamedTuple):
    """One field:value; is_excluded when written -field:value."""

    name: str
    value: str
    is_excluded: bool

    def phrase(self) -> Phrase:
        """Return the value of a text field as the phrase to look for."""
        found = phrase(self.value)
        if not found:
            raise self._lacks_word()
        return found

    def names(self) -> list[Phrase]:
        """Return the parts of a person's name, each to be found in it; one letter is the beginning of a part.

        Example: "Müller, J." -> muller, and what begins with j.
        """
        found = [one for part in _BETWEEN_NAMES.split(self.value) if (one := phrase(part))]
        if not found:
            raise self._lacks_word()
        return [one._replace(is_prefix=one.is_prefix or len("".join(one.terms)) == 1) for one in found]

    def words(self) -> FieldWords:
        """Return the words of a text field."""
        found = self.names() if self.name == "author" else [self.phrase()]
        return FieldWords(self.name, tuple(found), self.is_excluded)

    def months(self) -> tuple[str, str]:
        """Return the first and the last month of a month filter: "2024" -> ("2024-01", "2024-12")."""
        return spans.months(self.value)

    def years(self) -> tuple[str, str]:
        """Return the first and the last year of a year filter: "2020..2024" -> ("2020", "2024")."""
        return spans.years(self.value)

    def _lacks_word(self) -> KbError:
        return KbError(
            f"{self.name}: needs a word, got {self.value!r}",
            f"for example {self.name}:{_EXAMPLES.get(self.name, 'Meta')}",
        )


def field_in(token: Token) -> Filter | None:
    """Return the field that token is, None if it is none. Raises: KbError if it has a value that it cannot take."""
    found = None if token.is_quoted else _FIELD.match(token.text)
    if not found or found["name"] not in FIELDS:
        return None
    field = Filter(found["name"], found["value"].strip(), token.is_excluded)
    if field.name == "is" and not field.value:
        return None  # "the question is: why"
    if field.name == "month":
        field.months()
    elif field.name == "year":
        field.years()
    elif field.name == "author":
        field.names()
    elif field.name in _ONE_OF:
        if field.value not in _ONE_OF[field.name]:
            raise KbError(f"{field.name}: is one of {', '.join(_ONE_OF[field.name])}, got {field.value!r}")
    else:
        field.phrase()
    return field


def unknown_field(token: Token) -> str | None:
    """Return the name of the field that token means and that there is not: "colour:red" -> "colour".

    A title that goes on after its colon, an address, a time and std::vector are no fields.
    """
    found = None if token.is_quoted else _LIKE_A_FIELD.match(token.text)
    return found["name"] if found and found["name"] not in (*FIELDS, *_NO_FIELDS) else None
