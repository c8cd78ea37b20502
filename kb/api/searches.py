"""What a query finds, and what it may have meant."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kb.api.opened import Opened
from kb.api.papers import named

if TYPE_CHECKING:
    from kb.index.translation import Meaning
    from kb.search.answer import Answer
    from kb.search.judge import Verdict


class SearchCases(Opened):
    """Use cases of searches."""

    def search(
        self,
        text: str,
        *,
        limit: int = 10,
        fuzzy: bool = False,
        min_score: float | None = None,
        by_words: bool = False,
    ) -> "Answer":
        """Return the papers that answer a query, the best first; limit 0 returns all.

        Hits end with the last one that is as likely to be about it as min_score, in [0, 1]; Answer.likely has these,
        Answer.nearest what comes after. fuzzy looks for what mistyped Latin words may mean, too; by_words leaves
        meaning out, which is sooner. Raises: KbError if a field is used wrongly.
        """
        from kb.search.find import search

        encoder, notice = (None, None) if by_words else self.encoder()
        answer = search(self.config, self.reader(), text, limit, encoder, is_fuzzy=fuzzy, min_score=min_score)
        return answer._replace(notice=answer.notice or notice)

    def similar(self, texts: str | Sequence[str], *, limit: int = 10, fields: str = "") -> "Answer":
        """Return the papers most like the passages of a text; fields such as month:2024 narrow them."""
        from kb.api.given import as_list
        from kb.search.similar import similar

        encoder, notice = self.encoder()
        answer = similar(self.config, self.reader(), as_list(texts), limit, encoder, narrowed=fields)
        return answer._replace(notice=answer.notice or notice)

    def similar_to_file(self, path: Path | str, *, limit: int = 10, fields: str = "") -> "Answer":
        """Return the papers most like a note or a text file."""
        from kb.search.samples import passages_of_file

        return self.similar(passages_of_file(Path(path)), limit=limit, fields=fields)

    def similar_to_text(self, text: str, *, limit: int = 10, fields: str = "") -> "Answer":
        """Return the papers most like a note, given as it would stand in a file."""
        from kb.search.samples import passages_of_text

        return self.similar(passages_of_text(text.replace("\0", "")), limit=limit, fields=fields)

    def related(self, name: str, *, limit: int = 5) -> "Answer":
        """Return the papers most like one. Raises: KbError if name names none, or several."""
        from kb.search.build_hits import PASSAGES_LOOKED_AT
        from kb.search.similar import similar

        encoder, notice = self.encoder()
        reader = self.reader()
        paper = named(reader, name)
        passages = reader.passages.of(paper.key, PASSAGES_LOOKED_AT)
        texts = [f"{paper.title}\n{passage.text}" for passage in passages] or [paper.title]
        answer = similar(self.config, reader, texts, limit, encoder, without=paper.key)
        return answer._replace(notice=answer.notice or notice)

    def gloss(self, text: str) -> "tuple[Meaning, ...]":
        """Return what words stand for in the other language."""
        from kb.index.query import parse_query
        from kb.index.translation import open_gloss
        from kb.search.concepts import concepts

        return concepts(parse_query(text), open_gloss(self.config.index)).meanings

    def judge(self, path: Path | str, *, limit: int = 10) -> "Verdict":
        """Judge searches by one's own queries: lines of a query, a tab, and the papers it should find, or -."""
        from kb.search.find import search
        from kb.search.judge import judge, read_judgments

        encoder, _ = self.encoder()
        reader = self.reader()

        def ask(query: str) -> dict[int, bool]:
            answer = search(self.config, reader, query, limit, encoder)
            found: dict[int, bool] = {}
            for place, hit in enumerate(answer.hits):
                found.setdefault(reader.works.notes_of(hit.paper.key)[0], place < answer.total)
            return found

        return judge(read_judgments(Path(path), reader), ask, limit)
