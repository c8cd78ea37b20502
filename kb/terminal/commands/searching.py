"""Papers by words, by meaning, and by other papers."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kb.api.as_json import answered, envelope, ranked
from kb.terminal.commands.paging import PagerOption, paged
from kb.terminal.commands.shared import (
    JsonOption,
    LimitOption,
    NameArgument,
    QueryCommand,
    RefreshOption,
    offered,
    open_base,
    put,
    query_text,
    screen_columns,
    states_of,
    stay_from_now,
    tell,
    terminal_style,
)
from kb.terminal.hits import hit_lines, why_lines
from kb.terminal.papers import paper_list
from kb.terminal.text import table

if TYPE_CHECKING:
    from kb.api.base import KnowledgeBase
    from kb.search.answer import Answer

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # else numpy starts a thread a processor, for a query's one product
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
    min_score: Annotated[
        float | None,
        typer.Option("--min-score", min=0, max=1, help="How likely a hit must be, .7 if not said; others come after."),
    ] = None,
    why: Annotated[bool, typer.Option("--why", help="Show what each retriever said.")] = False,
    fuzzy: Annotated[bool, typer.Option("--fuzzy", help="Look for what mistyped Latin words may mean, too.")] = False,
    similar_to: Annotated[
        Path | None, typer.Option("--similar-to", help="Find papers like a note or text file; takes fields beside it.")
    ] = None,
    pager: PagerOption = True,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Find papers by words and by meaning, in Chinese and in English."""
    if not (similar_to or query):
        raise typer.BadParameter("say what to look for, or --similar-to FILE")
    text = query_text(query or [])
    base = open_base(ctx, refresh)
    if similar_to:
        answer = base.similar_to_file(similar_to, limit=limit, fields=text)
    else:
        answer = base.search(text, limit=limit, fuzzy=fuzzy, min_score=min_score)
    _show_answer(base, answer, why, pager, as_json)
    if base.config.serve != "off":
        stay_from_now(base)
    for found in answer.corrections:
        tell(f"no paper holds {found.word}; --fuzzy looks for {' or '.join(found.names)}")


@app.command()
def bench(
    ctx: typer.Context,
    queries: Annotated[
        Path, typer.Argument(help="Lines of: query, tab, the papers it should find with tabs between, or -.")
    ],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many hits to look at.")] = 10,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Judge searches by your own queries: recall and mean reciprocal rank."""
    base = open_base(ctx, refresh)
    if notice := base.encoder()[1]:
        tell(notice)
    verdict = base.judge(queries, limit=limit)
    if as_json:
        typer.echo(envelope(verdict))
        return
    rows = [[one.rank or "-", f"{one.found}/{one.wanted}", one.hits, one.query] for one in verdict.outcomes]
    put(table(["rank", "found", "hits", "query"], rows, terminal_style()))
    found = f"hit@1 {verdict.hit_at_1:.3f}  recall@{limit} {verdict.recall:.3f}  MRR@{limit} {verdict.mrr:.3f}  "
    silent = "" if verdict.silent is None else f"silent {verdict.silent:.3f}  "
    wants_some = any(one.wanted for one in verdict.outcomes)
    typer.echo(f"{found if wants_some else ''}{silent}queries {len(rows)}")


@app.command()
def related(
    ctx: typer.Context,
    name: NameArgument,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 5,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """List the papers most like one: they share its telling words, or mean nearly the same."""
    base = open_base(ctx, refresh)
    answer = base.related(name, limit=limit)
    if answer.notice:
        tell(answer.notice)
    if as_json:
        typer.echo(envelope(ranked(answer)))
    elif answer.hits:
        papers = [hit.paper for hit in answer.hits]
        scores = [hit.score for hit in answer.hits]
        put(paper_list(papers, {}, base.config.path_of, terminal_style(), screen_columns(), scores))
    else:
        tell("nothing related")


@app.command()
def gloss(ctx: typer.Context, words: Annotated[list[str], typer.Argument(help="码本, residual quantization")]) -> None:
    """Show what words stand for in the other language."""
    meanings = open_base(ctx, refresh=True).gloss(query_text(words))
    for meaning in meanings:
        typer.echo(f"{meaning.word}\t{'、'.join(meaning.names)}")
    if not meanings:
        tell("no gloss")


def _show_answer(base: "KnowledgeBase", answer: "Answer", why: bool, pager: bool, as_json: bool) -> None:
    for line in (*answer.advice, answer.notice):
        if line:
            tell(line)
    states = states_of(base, [hit.paper.key for hit in answer.hits])
    if as_json:
        typer.echo(envelope(answered(answer, states)))
        return
    style, columns = terminal_style(), screen_columns()
    likely = len(answer.likely)
    with paged(pager):
        if why:
            for line in why_lines(answer):
                typer.echo(style.dim(line))
        for place, hit in enumerate(answer.hits):
            if columns and place:
                typer.echo()
            if place == likely:
                typer.echo(style.dim(f"nearest, of a score below {answer.cut:g}:"))
            lines = hit_lines(hit, base.config.path_of, style, columns, states[hit.paper.key].signs, why)
            typer.echo("\n".join(lines))
    if not likely:
        tell("no hits")
    elif answer.total > likely:
        tell(f"{likely} of {answer.total}; --limit 0 shows all")
