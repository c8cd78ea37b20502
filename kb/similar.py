"""Papers like a text: they share its telling words, and they mean nearly the same."""

from collections import Counter
from collections.abc import Sequence
from math import log

from kb.answering import hits
from kb.config import Config
from kb.encoders import Encoder
from kb.encoding import readable_text
from kb.errors import EncoderMissing
from kb.fusion import Scores, fuse
from kb.gloss import open_gloss
from kb.hits import Answer
from kb.meaning import Near, nearest_papers
from kb.query import Query, parse_query
from kb.store.reader import Reader
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
) -> Answer:
    """Return the papers most like the passages of a text; without is the key of the paper that it is, if it is one.

    The words are those with the highest tf-idf, the meaning is the mean of the passages' vectors; both are fused as in
    a search.
    """
    query = _telling(reader, texts, fewest=1 if without is None else 2)
    notice = None
    near: Near | None = None
    if encoder:
        try:
            near = _nearest(config, reader, texts, encoder)
        except EncoderMissing as error:
            notice = f"comparing by words only: {error}"
    rankings: dict[str, Scores] = {
        "words": dict(reader.match(query)) if query.words else {},
        "meaning": near.cosines if near else {},
    }
    for ranking in rankings.values():
        ranking.pop(without or 0, None)
    scores = fuse(rankings["words"], rankings["meaning"])
    shown = hits(reader, query, list(scores)[: limit or None], scores, rankings, near.passages if near else {})
    took_part = ("words",) + ("meaning",) * (near is not None)
    return Answer(shown, len(scores), took_part, (), notice)


def _telling(reader: Reader, texts: Sequence[str], fewest: int) -> Query:
    """Return the query for the words of texts that tell most: frequent there, rare elsewhere, in fewest papers or more."""
    counts = Counter(term for text in texts for term in terms(text) if len(term) > 1 and not term.isdecimal())
    papers = reader.paper_count()
    most = max(FEW_PAPERS, TELLING * papers)
    weights: dict[Phrase, float] = {}
    for term, count in counts.most_common(WORDS_WEIGHED):
        word = Phrase((term,), is_prefix=False)
        holding = reader.holding(word)
        if fewest <= holding <= most:
            weights[word] = (1 + log(count)) * log(1 + papers / holding)
    best = sorted(weights, key=lambda word: -weights[word])[:TELLING_WORDS]
    return parse_query("")._replace(words=tuple(best))


def _nearest(config: Config, reader: Reader, texts: Sequence[str], encoder: Encoder) -> Near | None:
    gloss = open_gloss(config.index)
    encodable = [found for text in texts[:PASSAGES_READ] if (found := readable_text(text, encoder, gloss))]
    if not encodable:
        return None
    import numpy

    mean = encoder.encode_passages(encodable).mean(axis=0)
    return nearest_papers(config, reader, encoder, mean / numpy.linalg.norm(mean), None)
