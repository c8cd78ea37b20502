"""A query -> one ranking of hits with reasons, fused from what finds words and what finds meaning."""

from kb import vectors
from kb.config import Config
from kb.encoders import Encoder
from kb.errors import EncoderMissing
from kb.gloss import Gloss, Meaning, open_gloss, readable
from kb.hits import Answer, Hit, Reason
from kb.marking import best_passage, marks
from kb.query import Query, parse_query
from kb.store.reader import PaperRow, PassageRow, Reader

DEPTH = 200  # how deep each ranking is fused
MEANING_WEIGHT = 0.55  # of the two
NEAREST_PASSAGES = 400
LEAST_COSINE = 0.2  # a paper found by meaning alone is at least this near

Ranked = tuple[int, float, tuple[Reason, ...]]  # paper key, score, reasons


def search(
    config: Config, reader: Reader, text: str, limit: int, encoder: Encoder | None, retriever: str = "hybrid"
) -> Answer:
    """Return the best hits for text; limit 0 returns them all.

    retriever is "hybrid", or for measuring one part alone: "lexical" (words as typed), "gloss" (with what they stand
    for in the other language) or "dense" (meaning). Quoted text and queries without plain words are left to the words:
    meaning cannot be exact.
    Raises: KbError if the query uses a field wrongly.
    """
    query = parse_query(text)
    gloss = open_gloss(config.index) if query.text and retriever != "lexical" else None
    meanings: tuple[Meaning, ...] = ()
    if gloss:
        query, meanings = gloss.expand(query)
    notice = None
    near = None
    if encoder and retriever in ("hybrid", "dense"):
        try:
            near = _nearest_papers(config, reader, query, encoder, gloss)
        except EncoderMissing as error:
            notice = f"searching by words only: {error}"
    words = [] if retriever == "dense" else reader.match(query)
    rankings = {"words": words, "meaning": [(key, cosine) for key, cosine, _ in near or ()]}
    ranking = (
        _fuse(rankings)
        if query.has_text
        else [(key, 0.0, (Reason("words", n, 0.0),)) for n, (key, _) in enumerate(words, 1)]
    )
    shown = ranking[: limit or None]
    passage_by_meaning = {key: passage for key, _, passage in near or ()}
    rows = reader.rows([key for key, _, _ in shown])
    hits = [
        _hit(reader, query, rank, row, score, reasons, passage_by_meaning.get(key))
        for rank, ((key, score, reasons), row) in enumerate(zip(shown, rows, strict=True), 1)
    ]
    took_part = ("words",) if near is None else ("meaning",) if retriever == "dense" else ("words", "meaning")
    return Answer(tuple(hits), len(ranking), took_part, meanings, notice)


def _nearest_papers(
    config: Config, reader: Reader, query: Query, encoder: Encoder, gloss: Gloss | None
) -> list[tuple[int, float, int]] | None:
    """Return (paper, cosine, passage) by meaning, best first, or None if the encoder has nothing to say on query."""
    question = readable(query.text, encoder.reads_unspaced, gloss).strip()
    if query.required or not question:
        return None
    vector = encoder.encode_query(question)
    near = vectors.nearest(config.index, reader, encoder.fingerprint, vector, NEAREST_PASSAGES)
    papers = reader.papers_of(passage for passage, _ in near)
    allowed = reader.allowed(query)
    found: dict[int, tuple[int, float, int]] = {}
    for passage, cosine in near:
        key = papers.get(passage)
        if key is not None and key not in found and (allowed is None or key in allowed):
            found[key] = (key, cosine, passage)
    return list(found.values())[:DEPTH]


def _fuse(rankings: dict[str, list[tuple[int, float]]]) -> list[Ranked]:
    """Return the rankings as one, by the weighted sum of their standard scores.

    A standard score says how many deviations a hit stands above its field of DEPTH; whoever is not in a ranking stands
    where its field ends. So a single hit of a rare word outweighs a crowd that is all equally near.
    """
    weights = {"words": 1 - MEANING_WEIGHT, "meaning": MEANING_WEIGHT}
    scores: dict[int, float] = {}
    reasons: dict[int, list[Reason]] = {}
    for name, ranking in rankings.items():
        if not ranking:
            continue
        floor = 0.0 if name == "words" else ranking[-1][1]
        field = [score for _, score in ranking[:DEPTH]] + [floor] * (DEPTH - len(ranking))
        mean = sum(field) / DEPTH
        deviation = (sum((score - mean) ** 2 for score in field) / DEPTH) ** 0.5 or 1.0
        for rank, (key, score) in enumerate(ranking, 1):
            scores[key] = scores.get(key, 0.0) + weights[name] * (score - floor) / deviation
            reasons.setdefault(key, []).append(Reason(name, rank, score))
    ranked = [(key, score, tuple(reasons[key])) for key, score in scores.items() if _is_near(reasons[key])]
    return sorted(ranked, key=lambda item: (-item[1], item[0]))


def _is_near(reasons: list[Reason]) -> bool:
    return any(reason.retriever == "words" or reason.score >= LEAST_COSINE for reason in reasons)


def _hit(
    reader: Reader,
    query: Query,
    rank: int,
    row: PaperRow,
    score: float,
    reasons: tuple[Reason, ...],
    passage_by_meaning: int | None,
) -> Hit:
    passages = reader.passages(row.key)
    passage = best_passage(query, passages) or next(
        (passage for passage in passages if passage.key == passage_by_meaning), passages[0] if passages else None
    )
    passage = passage or PassageRow(0, row.line, "", "")
    found = marks(query, passage.text)
    line = passage.line + passage.text.count("\n", 0, found[0][0]) if found else passage.line
    return Hit(rank, score, row, line, passage.heading, passage.text, found, reasons)
