"""Notes in tantivy: inverted.py default|ngram|characters update NOTES | search QUERY LIMIT.

Single characters are found as phrases. Of ngrams tantivy keeps no positions: those of a query only have to occur.
"""

from pathlib import Path

import corpus
from tantivy import Document, Filter, Index, SchemaBuilder, TextAnalyzerBuilder, Tokenizer

TOKENIZERS = {
    "ngram": Tokenizer.ngram(2, 2, False),
    "characters": Tokenizer.regex(r"\p{Han}|[[\p{L}\p{N}]--\p{Han}]+"),
}


def opened(terms: str) -> Index:
    """Return the index, made if there is none."""
    builder = SchemaBuilder()
    builder.add_text_field("name", stored=True, tokenizer_name="raw")
    builder.add_text_field("body", tokenizer_name=terms)
    Path("index").mkdir(exist_ok=True)
    index = Index(builder.build(), path="index")
    if terms in TOKENIZERS:
        index.register_tokenizer(terms, TextAnalyzerBuilder(TOKENIZERS[terms]).filter(Filter.lowercase()).build())
    return index


def update(terms: str, notes: Path) -> None:
    """Bring the index up to date."""
    writer = opened(terms).writer()
    for name, text in corpus.read(corpus.changed(notes, Path("times.json"))):
        writer.delete_documents("name", name)
        writer.add_document(Document(name=name, body=text))
    writer.commit()
    writer.wait_merging_threads()


def search(terms: str, query: str, limit: int) -> list[str]:
    """Return names of notes, the best first."""
    index = opened(terms)
    searcher = index.searcher()
    asked = index.parse_query(f'"{query}"', ["body"])
    return [searcher.doc(address)["name"][0] for _, address in searcher.search(asked, limit).hits]


corpus.main(update, search)
