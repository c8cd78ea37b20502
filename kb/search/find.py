"""A query -> one ranking of hits with reasons, fused from what finds words and what finds meaning."""

from math import inf
from typing import NamedTuple

from kb.config.kb_toml import Config
from kb.errors import EncoderMissing
from kb.index.encoders import Encoder
from kb.index.engine import Ranking, Words
from kb.index.query import Query, parse_query, unquoted
from kb.index.sqlite.reader import Reader
from kb.index.translation import Gloss, Meaning, open_gloss
from kb.search.answer import Answer
from kb.search.build_hits import best_notes, hits
from kb.search.concepts import concepts
from kb.search.fusion import DEPTH, Scores, fuse
from kb.search.nearest_papers import Near, nearest_papers
from kb.search.relevance import CUT, Likelihoods, hits_end, in_order
from kb.search.spelling import corrected, corrections
from kb.terms import Phrase

MOST_RANKED = 20_000  # papers by their words; of more, those that say more


class Wish(NamedTuple):
    """How a query is to be answered; see search."""

    limit: int
    retriever: str
    is_fuzzy: bool
    cut: float


def search(
    config: Config,
    reader: Reader,
    text: str,
    limit: int,
    encoder: Encoder | None,
    retriever: str = "hybrid",
    is_fuzzy: bool = False,
    min_score: float | None = None,
) -> Answer:
    """Return the best hits for text, one a paper; limit 0 returns them all.

    What is exact lists records, not papers: quoted text and fields alone. A paper that is called exactly so comes
    first, then those it is a keyword of, then the fused ranking; hits end with the last one as likely as min_score.
    retriever is "hybrid", or for measuring one part alone: "lexical" (words as typed), "gloss" (with what they stand
    for in the other language) or "dense" (meaning). Quoted text and queries without plain words are left to the words:
    meaning cannot be exact. is_fuzzy also looks for what Latin words that stand in no paper may have been meant to be.
    Raises: KbError if the query uses a field wrongly.
    """
    asked = parse_query(text)
    wish = Wish(limit, retriever, is_fuzzy, CUT if min_score is None else min_score)
    answer = _answer(config, reader, encoder, asked, wish)
    if not answer.hits and asked.words and (missing := [one for one in asked.required if not _stands(reader, one)]):
        quoted = " or ".join(f'"{one.quoted}"' for one in missing)
        answer = _answer(config, reader, encoder, unquoted(asked), wish)
        answer = answer._replace(notice=f"nothing holds {quoted} to the letter; searched for the words")
    if is_fuzzy or answer.found_words:
        return answer
    return answer._replace(corrections=corrections(reader, asked))


def _answer(config: Config, reader: Reader, encoder: Encoder | None, query: Query, wish: Wish) -> Answer:
    gloss = open_gloss(config.index) if query.text and wish.retriever != "lexical" else None
    meanings: tuple[Meaning, ...] = ()
    if query.words:
        asked, meanings = concepts(query, gloss, reader.view.holding)
        query = query._replace(concepts=asked)
    if wish.is_fuzzy:
        query, mistyped = corrected(reader, query)
        meanings += mistyped
    allowed = reader.left(query) if query.has_text else None  # without text the fields are all that is asked
    notice = None
    near = None
    if encoder and wish.retriever in ("hybrid", "dense"):
        try:
            near = _nearest(config, reader, query, allowed, encoder, gloss)
        except EncoderMissing as error:
            notice = f"searching by words only: {error}"
    uses_words = wish.retriever != "dense"
    found = reader.match(query, MOST_RANKED if wish.limit else None) if uses_words else Ranking([], True, {})
    if not found.is_complete:
        notice = notice or "very many papers hold these words; of them the best are ranked, --limit 0 ranks all"
    words = dict(found.scores)
    named = dict.fromkeys(_called(reader, query, words, allowed), 1.0) if uses_words else {}
    rankings: dict[str, Scores] = {"name": named, "words": words, "meaning": near.cosines if near else {}}
    is_exact = bool(query.required) or not query.has_text
    if is_exact:
        likely = dict.fromkeys((*named, *words), 1.0)
        order = list(likely)
    else:
        read_by = encoder.fingerprint if encoder and near else None
        unread = reader.passages.unread(read_by, list(words)[:DEPTH]) if read_by else frozenset()
        likely = Likelihoods(config.encoder, rankings, found.said, unread)
        fused = fuse(words, rankings["meaning"], unread)
        order = best_notes(reader, in_order(named, fused, words, likely))
    shown = order[: wish.limit or None]
    others = {} if is_exact else reader.works.other_notes(shown, allowed)
    made = hits(reader, query, shown, likely, found.said, rankings, near.passages if near else {}, others)
    took_part = ("words",) * uses_words + ("meaning",) * (near is not None)
    return Answer(
        made,
        hits_end(order, likely, wish.cut),
        took_part,
        meanings,
        notice,
        query.advice,
        cut=0.0 if is_exact else wish.cut,
    )


def _stands(reader: Reader, quoted: Phrase) -> bool:
    """Whether quoted text stands in any paper to the letter."""
    return bool(reader.view.match(Words(all_of=(quoted,))).scores)


def _called(reader: Reader, query: Query, words: Scores, allowed: frozenset[int] | None) -> list[int]:
    """Return the papers that are called as query says, and then those it is a keyword of, the best by words first."""
    named = reader.papers.called_exactly(query.names)
    if query.required:  # a name has neither signs nor forms of characters, which quoted text asks for
        named = [key for key in named if key in words]
    keyed = [] if query.required else reader.papers.with_keyword(query.names[:1])
    keyed.sort(key=lambda key: (-words[key], key) if key in words else (inf, 0))
    return [key for key in dict.fromkeys((*named, *keyed)) if allowed is None or key in allowed]


def _nearest(
    config: Config, reader: Reader, query: Query, allowed: frozenset[int] | None, encoder: Encoder, gloss: Gloss | None
) -> Near | None:
    """Return the papers nearest to query in meaning, or None if the encoder has nothing to say on it."""
    question = encoder.query_text(query.text, gloss)
    if query.required or not question:
        return None
    return nearest_papers(config, reader, encoder, encoder.encode_query(question), allowed)
