"""Papers like a text: they share its telling words, and they mean nearly the same."""

from collections import Counter
from collections.abc import Sequence
from math import log

from kb.config.kb_toml import Config
from kb.errors import EncoderMissing, KbError
from kb.index.encoders import Encoder
from kb.index.engine import Ranking, each
from kb.index.query import Query, parse_query
from kb.index.sqlite.reader import Reader
from kb.index.translation import open_gloss
from kb.search.answer import Answer
from kb.search.build_hits import best_notes, hits
from kb.search.fusion import Scores, fuse
from kb.search.nearest_papers import Near, nearest_papers
from kb.search.relevance import Likelihoods
from kb.terms import Phrase, terms

TELLING_WORDS = 40
WORDS_WEIGHED = 200  # the most frequent of a text
TELLING = 0.2  # a word that more than this share of all papers hold says nothing, once there are enough papers
FEW_PAPERS = 20
PASSAGES_READ = 16  # of a text, for its meaning


def similar(
    config: Config,
    reader: Reader,
    texts: Sequence[str],
    limit: int,
    encoder: Encoder | None,
    without: int | None = None,
    narrowed: str = "",
) -> Answer:
    """Return the papers most like the passages of a text, one hit each; limit 0 returns them all.

    The words are those with the highest tf-idf, the meaning is the mean of the passages' vectors; both are fused as in
    a search. without is the key of the paper that the text is, if it is one; narrowed holds fields such as month:2024.
    Raises: KbError if narrowed asks for words.
    """
    query = parse_query(narrowed)
    if query.has_text:
        raise KbError(f"only fields such as month:2024 go with a text to compare with, got {narrowed!r}")
    words = _telling_words(reader, texts, fewest=1 if without is None else 2)
    query = query._replace(words=words, concepts=each(words))
    notice = None
    near: Near | None = None
    if encoder:
        try:
            near = _nearest(config, reader, query, texts, encoder)
        except EncoderMissing as error:
            notice = f"comparing by words only: {error}"
    found = reader.match(query) if words else Ranking([], True, {})
    rankings: dict[str, Scores] = {
        "name": {},
        "words": dict(found.scores),
        "meaning": near.cosines if near else {},
    }
    for ranking in rankings.values():
        for note in reader.works.notes_of(without) if without is not None else ():
            ranking.pop(note, None)
    order = best_notes(reader, list(fuse(rankings["words"], rankings["meaning"])))
    likely = Likelihoods(config.encoder, rankings, found.said, frozenset())
    shown = order[: limit or None]
    others = reader.works.other_notes(shown, reader.left(query))
    made = hits(reader, query, shown, likely, found.said, rankings, near.passages if near else {}, others)
    took_part = ("words",) + ("meaning",) * (near is not None)
    return Answer(made, len(order), took_part, (), notice, query.advice)


def _telling_words(reader: Reader, texts: Sequence[str], fewest: int) -> tuple[Phrase, ...]:
    """Return the words of texts that tell most: frequent there, rare elsewhere, but in fewest papers or more."""
    counts = Counter(term for text in texts for term in terms(text) if len(term) > 1 and not term.isdecimal())
    papers = reader.papers.count() + reader.papers.count_texts()
    most = max(FEW_PAPERS, TELLING * papers)
    weights: dict[Phrase, float] = {}
    for term, count in counts.most_common(WORDS_WEIGHED):
        word = Phrase((term,), is_prefix=False)
        holding = reader.view.holding(word)
        if fewest <= holding <= most:
            weights[word] = (1 + log(count)) * log(1 + papers / holding)
    return tuple(sorted(weights, key=lambda word: -weights[word])[:TELLING_WORDS])


def _nearest(config: Config, reader: Reader, query: Query, texts: Sequence[str], encoder: Encoder) -> Near | None:
    gloss = open_gloss(config.index)
    encodable = [read for text in texts[:PASSAGES_READ] if (read := encoder.passage_text(text, gloss))]
    if not encodable:
        return None
    import numpy

    mean = encoder.encode_passages(encodable).mean(axis=0)
    return nearest_papers(config, reader, encoder, mean / numpy.linalg.norm(mean), reader.left(query))
