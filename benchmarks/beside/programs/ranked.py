"""Notes in bm25s: ranked.py words|jieba|pairs update NOTES | search QUERY LIMIT.

A note with any term of a query is a hit.
"""

import json
import re
from pathlib import Path

import bm25s
import corpus

WORD = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]+")


def pairs(text: str) -> list[str]:
    """Return words, and Chinese as pairs of characters: "声调学 RVQ" is 声调, 调学, rvq."""
    terms = []
    for word in WORD.findall(text.lower()):
        is_latin = word.isascii() or len(word) == 1
        terms += [word] if is_latin else [word[at : at + 2] for at in range(len(word) - 1)]
    return terms


def split(terms: str, texts: list[str]) -> list[list[str]]:
    """Return the terms of each text."""
    if terms == "words":
        return bm25s.tokenize(texts, return_ids=False, show_progress=False)
    if terms == "pairs":
        return [pairs(text) for text in texts]
    import jieba

    jieba.setLogLevel("ERROR")
    return [[word.lower() for word in jieba.cut_for_search(text) if word.strip()] for text in texts]


def update(terms: str, notes: Path) -> None:
    """Make the index anew: bm25s cannot add to one."""
    found = corpus.read(sorted(notes.rglob("*.md")))
    retriever = bm25s.BM25()
    retriever.index(split(terms, [text for _, text in found]), show_progress=False)
    retriever.save("index")
    Path("names.json").write_text(json.dumps([name for name, _ in found]))


def search(terms: str, query: str, limit: int) -> list[str]:
    """Return names of notes, the best first."""
    names = json.loads(Path("names.json").read_text())
    retriever = bm25s.BM25.load("index", mmap=True, show_progress=False)
    ranked, scores = retriever.retrieve(split(terms, [query]), k=min(limit, len(names)), show_progress=False)
    return [names[number] for number, score in zip(ranked[0], scores[0], strict=True) if score > 0]


corpus.main(update, search)
