"""A query -> one ranking of hits with reasons, fused from what finds words and what finds meaning."""

from kb.config.kb_toml import Config
from kb.errors import EncoderMissing
from kb.index.encoders import Encoder
from kb.index.engine import Ranking
from kb.index.query import Query, parse_query
from kb.index.sqlite.reader import Reader
from kb.index.translation import Gloss, Meaning, open_gloss, readable
from kb.search.answer import Answer
from kb.search.build_hits import best_notes, hits
from kb.search.fusion import Scores, fuse
from kb.search.nearest_papers import Near, nearest_papers
from kb.search.spelling import corrected, corrections

MOST_RANKED = 50_000  # papers by their words, in a fifth of a second; of more, those that say more


def search(
    config: Config,
    reader: Reader,
    text: str,
    limit: int,
    encoder: Encoder | None,
    retriever: str = "hybrid",
    is_fuzzy: bool = False,
) -> Answer:
    """Return the best hits for text, one a paper; limit 0 returns them all.

    What is exact lists records, not papers: quoted text and fields alone. A paper that is called exactly so comes
    first. retriever is "hybrid", or for measuring one part alone: "lexical" (words as typed), "gloss" (with what they
    stand for in the other language) or "dense" (meaning). Quoted text and queries without plain words are left to the
    words: meaning cannot be exact. is_fuzzy also looks for what Latin words that stand in no paper may have been meant
    to be.
    Raises: KbError if the query uses a field wrongly.
    """
    query = asked = parse_query(text)
    gloss = open_gloss(config.index) if query.text and retriever != "lexical" else None
    meanings: tuple[Meaning, ...] = ()
    if gloss:
        query, meanings = gloss.expand(query)
    if is_fuzzy:
        query, mistyped = corrected(reader, query)
        meanings += mistyped
    allowed = reader.left(query) if query.has_text else None  # without text the fields are all that is asked
    notice = None
    near = None
    if encoder and retriever in ("hybrid", "dense"):
        try:
            near = _nearest(config, reader, query, allowed, encoder, gloss)
        except EncoderMissing as error:
            notice = f"searching by words only: {error}"
    uses_words = retriever != "dense"
    words, is_all = reader.match(query, MOST_RANKED if limit else None) if uses_words else Ranking([], True)
    if not is_all:
        notice = notice or "very many papers hold these words; of them the best are ranked, --limit 0 ranks all"
    named = reader.papers.called_exactly(query.names) if uses_words else []
    if query.required:  # a name has neither signs nor forms of characters, which quoted text asks for
        found_by_words = {key for key, _ in words}
        named = [key for key in named if key in found_by_words]
    rankings: dict[str, Scores] = {
        "name": {key: 1.0 for key in named if allowed is None or key in allowed},
        "words": dict(words),
        "meaning": near.cosines if near else {},
    }
    scores = fuse(rankings["words"], rankings["meaning"]) if query.has_text else dict.fromkeys(rankings["words"], 0.0)
    order = list(dict.fromkeys((*rankings["name"], *scores)))
    is_exact = bool(query.required) or not query.has_text
    if not is_exact:
        order = best_notes(reader, order)
    shown = order[: limit or None]
    others = {} if is_exact else reader.works.other_notes(shown, allowed)
    found = hits(reader, query, shown, scores, rankings, near.passages if near else {}, others)
    took_part = ("words",) * uses_words + ("meaning",) * (near is not None)
    answer = Answer(found, len(order), took_part, meanings, notice, asked.advice)
    if is_fuzzy or answer.found_words:
        return answer
    return answer._replace(corrections=corrections(reader, asked))


def _nearest(
    config: Config, reader: Reader, query: Query, allowed: frozenset[int] | None, encoder: Encoder, gloss: Gloss | None
) -> Near | None:
    """Return the papers nearest to query in meaning, or None if the encoder has nothing to say on it."""
    question = readable(query.text, encoder.reads_unspaced, gloss).strip()
    if query.required or not question:
        return None
    return nearest_papers(config, reader, encoder, encoder.encode_query(question), allowed)
