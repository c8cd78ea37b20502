"""Papers by words, by meaning, and by other papers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kb.terminal.commands.shared import (
    JsonOption,
    LimitOption,
    NameArgument,
    QueryCommand,
    RefreshOption,
    asked,
    envelope,
    offered,
    open_index,
    paper_named,
    put,
    query_text,
    states_of,
    tell,
    terminal_style,
)
from kb.terminal.text import clean, hit_lines, paper_columns, table

if TYPE_CHECKING:
    from kb.config.kb_toml import Config
    from kb.index.encoders.exported import OnnxEncoder
    from kb.index.sqlite.reader import Reader
    from kb.search.answer import Answer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=QueryCommand)
def search(
    ctx: typer.Context,
    query: Annotated[
        list[str] | None,
        typer.Argument(
            help='声学延迟, "exact words", -without, author:Lee, 2024-10, has:code', autocompletion=offered("query")
        ),
    ] = None,
    limit: LimitOption = 10,
    why: Annotated[bool, typer.Option("--why", help="Show what each retriever said.")] = False,
    fuzzy: Annotated[bool, typer.Option("--fuzzy", help="Look for what mistyped Latin words may mean, too.")] = False,
    similar_to: Annotated[
        Path | None, typer.Option("--similar-to", help="Find papers like a note or text file; takes fields beside it.")
    ] = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Find papers by words and by meaning, in Chinese and in English."""
    if similar_to:
        from kb.search.samples import passages_of_file
        from kb.search.similar import similar

        texts = passages_of_file(similar_to)
    elif not query:
        raise typer.BadParameter("say what to look for, or --similar-to FILE")
    else:
        from kb.search.find import search as find_papers

    text = query_text(query or [])
    parsed = asked(query)
    config, reader = open_index(ctx, refresh)
    encoder, notice = _encoder(config)
    if similar_to:
        answer = similar(config, reader, texts, limit, encoder, narrowed=text)
    else:
        answer = find_papers(config, reader, text, limit, encoder, is_fuzzy=fuzzy)
    _show_answer(config, reader, answer._replace(notice=answer.notice or notice), why, as_json)
    if not (similar_to or fuzzy or answer.found_words):
        from kb.search.spelling import corrections

        for found in corrections(reader, parsed):
            tell(f"no paper holds {found.word}; --fuzzy looks for the stem {' or '.join(found.names)}")


@app.command()
def bench(
    ctx: typer.Context,
    queries: Annotated[Path, typer.Argument(help="Lines of: query, tab, the papers it should find, tabs between.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many hits to look at.")] = 10,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Judge searches by your own queries: recall and mean reciprocal rank."""
    from kb.search.find import search as find_papers
    from kb.search.judge import judge, read_judgments

    config, reader = open_index(ctx, refresh)
    encoder, notice = _encoder(config)
    if notice:
        tell(notice)

    def ask(query: str) -> list[int]:
        hits = find_papers(config, reader, query, limit, encoder).hits
        return list(dict.fromkeys(reader.works.notes_of(hit.paper.key)[0] for hit in hits))

    verdict = judge(read_judgments(queries, reader), ask, limit)
    if as_json:
        typer.echo(envelope(verdict))
        return
    rows = [[one.rank or "-", f"{one.found}/{one.wanted}", clean(one.query)] for one in verdict.outcomes]
    put(table(["rank", "found", "query"], rows, terminal_style()))
    typer.echo(f"recall@{limit} {verdict.recall:.3f}  MRR@{limit} {verdict.mrr:.3f}  queries {len(rows)}")


@app.command()
def related(
    ctx: typer.Context,
    name: NameArgument,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 5,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """List the papers most like one: they share its telling words, or mean nearly the same."""
    from kb.search.similar import similar

    config, reader = open_index(ctx, refresh)
    paper = paper_named(reader, name)
    encoder, notice = _encoder(config)
    texts = [f"{paper.title}\n{passage.text}" for passage in reader.passages.of(paper.key)] or [paper.title]
    answer = similar(config, reader, texts, limit, encoder, without=paper.key)
    if notice := answer.notice or notice:
        tell(notice)
    if as_json:
        typer.echo(envelope([{**hit.paper._asdict(), "score": hit.score} for hit in answer.hits]))
    elif answer.hits:
        rows = paper_columns([hit.paper for hit in answer.hits], config.path_of, terminal_style())
        scored = [[f"{hit.score:.2f}", *row] for hit, row in zip(answer.hits, rows, strict=True)]
        put(table(["score", "id", "month", "title", "organizations", "place"], scored, terminal_style()))
    else:
        tell("nothing related")


@app.command()
def gloss(ctx: typer.Context, words: Annotated[list[str], typer.Argument(help="码本, residual quantization")]) -> None:
    """Show what words stand for in the other language."""
    from kb.index.query import parse_query
    from kb.index.translation import open_gloss

    config, _ = open_index(ctx, refresh=True)
    table_of_words = open_gloss(config.index)
    _, meanings = table_of_words.expand(parse_query(query_text(words))) if table_of_words else (None, ())
    for meaning in meanings:
        typer.echo(f"{clean(meaning.word)}\t{'、'.join(meaning.names)}")
    if not meanings:
        tell("no gloss")


def _encoder(config: "Config") -> "tuple[OnnxEncoder | None, str | None]":
    """Return the encoder that searches use; without one, why not if it was wanted."""
    from importlib.util import find_spec

    from kb.config.kb_toml import DEFAULT_ENCODER, NO_ENCODER
    from kb.index.encoders.exported import open_encoder

    if config.encoder == NO_ENCODER:
        return None, None
    encoder = open_encoder(config.index, config.encoder)
    # The default one is no wish of the user's where the packages for it are not installed.
    if encoder or (config.encoder == DEFAULT_ENCODER and not find_spec("onnxruntime")):
        return encoder, None
    return None, f"searching by words only: encoder {config.encoder!r} is not set up; run: kb index"


def _show_answer(config: "Config", reader: "Reader", answer: "Answer", why: bool, as_json: bool) -> None:
    if answer.notice:
        tell(answer.notice)
    states = states_of(config, reader, [hit.paper.key for hit in answer.hits])
    if as_json:
        hits = [{**hit._asdict(), "state": states[hit.paper.key]} for hit in answer.hits]
        typer.echo(envelope({**answer._asdict(), "hits": hits}))
        return
    style = terminal_style()
    if why:
        for meaning in answer.meanings:
            typer.echo(style.dim(f"{clean(meaning.word)} = {'、'.join(map(clean, meaning.names))}"))
    for hit in answer.hits:
        typer.echo("\n".join(hit_lines(hit, config.path_of, style, why, states[hit.paper.key].signs)))
    if not answer.hits:
        tell("no hits")
    elif answer.total > len(answer.hits):
        tell(f"{len(answer.hits)} of {answer.total}; --limit 0 shows all")
