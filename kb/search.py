"""A query -> one ranking of hits with reasons, fused from what finds words and what finds meaning."""

from kb import vectors
from kb.config import Config
from kb.encoders import Encoder
from kb.errors import EncoderMissing
from kb.hits import Answer, Hit, Reason
from kb.marking import best_passage, marks
from kb.query import Query, parse_query
from kb.store.reader import PaperRow, PassageRow, Reader

FUSION_K = 60  # reciprocal rank fusion, Cormack, Clarke and Büttcher 2009
FUSED_DEPTH = 200  # ranks of each retriever that are fused
NEAREST_PASSAGES = 100
LEAST_COSINE = 0.3  # a paper found by meaning alone is at least this near
Ranked = tuple[int, float, tuple[Reason, ...]]  # paper key, score, reasons


def search(config: Config, reader: Reader, text: str, limit: int, encoder: Encoder | None) -> Answer:
    """Return the best hits for text; limit 0 returns them all.

    Quoted text and queries without plain words are left to the words alone: meaning cannot be exact.
    Raises: KbError if the query uses a field wrongly.
    """
    query = parse_query(text)
    words = reader.match(query)
    notice = None
    try:
        meaning = _nearest_papers(config, reader, query, encoder) if encoder else None
    except EncoderMissing as error:
        meaning, notice = None, f"searching by words only: {error}"
    if meaning is None:
        ranking: list[Ranked] = [
            (key, 1 / (FUSION_K + rank) if query.has_text else 0.0, (Reason("words", rank, score),))
            for rank, (key, score) in enumerate(words[: limit or None], 1)
        ]
        total = len(words)
    else:
        ranking = _fuse(words, [(key, score) for key, score, _ in meaning])
        total = len(ranking)
        ranking = ranking[: limit or None]
    passage_by_meaning = {key: passage for key, _, passage in meaning or ()}
    rows = reader.rows([key for key, _, _ in ranking])
    hits = [
        _hit(reader, query, rank, row, score, reasons, passage_by_meaning.get(key))
        for rank, ((key, score, reasons), row) in enumerate(zip(ranking, rows, strict=True), 1)
    ]
    return Answer(tuple(hits), total, ("words",) if meaning is None else ("words", "meaning"), notice)


def _nearest_papers(
    config: Config, reader: Reader, query: Query, encoder: Encoder
) -> list[tuple[int, float, int]] | None:
    """Return (paper, cosine, passage) by meaning, best first, or None if the encoder has nothing to say on query."""
    if query.required or not query.text:
        return None
    vector = encoder.encode_query(query.text)
    if vector is None:
        return None
    index = vectors.load(config.index, reader, encoder.fingerprint, encoder.dimension)
    near = [
        (passage, cosine)
        for passage, cosine in vectors.nearest(index, vector, NEAREST_PASSAGES)
        if cosine >= LEAST_COSINE
    ]
    papers = reader.papers_of(passage for passage, _ in near)
    allowed = reader.allowed(query)
    found: dict[int, tuple[int, float, int]] = {}
    for passage, cosine in near:
        key = papers.get(passage)
        if key is not None and key not in found and (allowed is None or key in allowed):
            found[key] = (key, cosine, passage)
    return list(found.values())


def _fuse(*rankings: list[tuple[int, float]]) -> list[Ranked]:
    reasons: dict[int, list[Reason]] = {}
    for name, ranking in zip(("words", "meaning"), rankings, strict=True):
        for rank, (key, score) in enumerate(ranking, 1):
            reasons.setdefault(key, []).append(Reason(name, rank, score))
    fused = [
        (key, sum(1 / (FUSION_K + reason.rank) for reason in given if reason.rank <= FUSED_DEPTH), tuple(given))
        for key, given in reasons.items()
    ]
    return sorted(fused, key=lambda item: -item[1])


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
