"""The commands: each parses its arguments, makes one call into kb and shows the answer.

What a command needs is imported inside it, so that no command waits for another's imports.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from kb import __version__
from kb.errors import IndexOld, KbError
from kb.terminal import Style, claim_columns, claim_counts, clean, clean_row, from_here, hit_lines, paper_columns, table

if TYPE_CHECKING:
    from kb.claims.ledger import Entry
    from kb.config import Config
    from kb.encoders.exported import OnnxEncoder
    from kb.hits import Answer
    from kb.progress import Progress
    from kb.store.ledger import ClaimRow
    from kb.store.reader import PaperRow, Reader

SCHEMA = 1  # of the JSON envelope


class KbGroup(TyperGroup):
    """Shows a KbError as one line, and as the JSON envelope where JSON was asked for."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; this is the one door that errors leave by."""
        try:
            return super().invoke(ctx)
        except KbError as error:
            typer.echo(f"error: {clean(str(error))}", err=True)
            if ctx.meta.get("json"):
                typer.echo(_envelope(None, str(error)))
            raise typer.Exit(error.exit_code) from None


def _remember_json(ctx: typer.Context, value: bool) -> bool:
    ctx.meta["json"] = value
    return value


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.", callback=_remember_json, is_eager=True)]
RefreshOption = Annotated[bool, typer.Option("--refresh/--no-refresh", help="Look for changed notes first.")]
NameArgument = Annotated[str, typer.Argument(help="Any part of an id, arXiv id, short name or title: dm-codec, 声调.")]
TargetArgument = Annotated[str | None, typer.Argument(help="A month, a claim, or any part of a paper's name.")]

app = typer.Typer(
    cls=KbGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="A knowledge base over your monthly paper notes, in Chinese and English.",
    epilog="Start with: kb init, kb search 声学延迟, kb search journey learning, kb digest 2024-10",
)


def main() -> None:
    """Run the command line."""
    app(prog_name="kb")


@app.callback()
def root(
    ctx: typer.Context,
    kb: Annotated[Path, typer.Option("--kb", envvar="KB_HOME", help="Folder of the knowledge base.")] = Path(),
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """A knowledge base over your monthly paper notes, in Chinese and English."""
    if version:
        typer.echo(f"kb {__version__}")
        raise typer.Exit
    ctx.obj = kb


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Where to start; made if it is missing.")] = Path()) -> None:
    """Start a knowledge base: a folder with kb.toml and a first note."""
    from kb.starting import start_knowledge_base

    for path in start_knowledge_base(folder):
        typer.echo(f"made {path}")
    typer.echo("write your notes there, then: kb search 声学延迟")


@app.command()
def index(
    ctx: typer.Context,
    full: Annotated[bool, typer.Option("--full", help="Read every note again.")] = False,
) -> None:
    """Bring the index up to date with the notes, embeddings included."""
    from kb.refreshing import bring_all
    from kb.scan import find_changes

    config = _config(ctx)
    changes = None if full or not config.database.is_file() else find_changes(config, _known(config)[0])
    with _progress() as progress:
        report, encoded, notices = bring_all(config, changes, progress)
    for notice in notices:
        _notice(notice)
    parts = [f"{report.indexed} read", f"{report.removed} removed", f"{len(report.failures)} failed"]
    typer.echo(f"notes: {', '.join(parts)}; texts encoded: {encoded}")
    if report.failures:
        raise typer.Exit(1)


@app.command()
def status(ctx: typer.Context, as_json: JsonOption = False, refresh: RefreshOption = True) -> None:
    """Say of every file what was indexed, what belongs to no paper, and what failed and why."""
    config, reader = _open(ctx, refresh)
    files = [{**state._asdict(), "papers": reader.paper_count(state.path)} for state in reader.files().values()]
    failed = [file for file in files if file["state"] == "failed"]
    if as_json:
        typer.echo(_envelope({"index": str(config.database), "files": files}))
    else:
        rows = [
            [
                clean(file["path"]),
                file["state"],
                file["grammar"] or "",
                file["papers"],
                " ".join(f"{start}-{end}" for start, end in file["unclaimed"]),
                clean(file["reason"] or ""),
            ]
            for file in files
        ]
        _show(table(["file", "state", "grammar", "papers", "lines in no paper", "reason"], rows, _style()))
    if failed:
        raise typer.Exit(1)


@app.command("import")
def import_notes(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A folder of notes; nothing is ever written there.")],
    include: Annotated[
        list[str] | None, typer.Option("--include", help="Only files such as '2024/*': * matches slashes as well.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", help="No files such as 'drafts/*' or '*README.md'.")
    ] = None,
) -> None:
    """Take a folder of notes into the knowledge base, where it lies, by an entry in kb.toml.

    Patterns are those of fnmatch, matched against the path below the folder: * any characters, ? one, [ab] one of
    these. What is excluded stays out, included or not.
    """
    from kb.importing import import_folder

    source = import_folder(_config(ctx), folder, include or [], exclude or [])
    typer.echo(f"imported {source.folder} as {source.name}; to index it: kb index")


@app.command()
def parse(
    paths: Annotated[list[Path], typer.Argument(help="Notes, or folders of notes; no knowledge base is needed.")],
    all_kinds: Annotated[bool, typer.Option("--all", help="Files that are about no paper, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a record, a line each.")] = False,
) -> None:
    """Show the records that notes hold, and how each file was understood."""
    from kb.reading import flat_record, read_notes

    style = _style()
    has_failed = False
    for note in read_notes(paths):
        if isinstance(note, KbError):
            _notice(f"error: {note}")
            has_failed = True
            continue
        papers = [paper for paper in note.papers if all_kinds or paper.kind != "note"]
        if not as_json:
            typer.echo(style.dim(clean_row(note.file, note.grammar, note.reason)))
        for paper in papers:
            if as_json:
                typer.echo(json.dumps(flat_record(note, paper), ensure_ascii=False))
            else:
                typer.echo(clean_row(f"{note.file}:{paper.line}", note.grammar, paper.title))
    if has_failed:
        raise typer.Exit(1)


@app.command()
def check(
    ctx: typer.Context,
    path: Annotated[Path | None, typer.Argument(help="A note or a folder instead of the knowledge base's.")] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Print a patch of what can be mended; writes nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Find mistakes in notes: dead links, duplicates, open fences, broken front matter and more."""
    from shlex import quote

    from kb.checking import check as find_mistakes
    from kb.checking.mending import patch
    from kb.reading import note_files

    place = path or _config(ctx).notes
    folder = place if place.is_dir() else place.parent
    notes = note_files(place)
    found = find_mistakes(notes)
    if fix:
        text = patch(notes)
        typer.echo(clean(text) if _style().is_terminal else text, nl=False)
        way = f"kb check --fix {quote(str(place))} | patch -p0 -d {quote(str(folder))}"
        _notice(f"to mend what the patch mends: {way}" if text else "nothing that a patch can mend")
    elif as_json:
        typer.echo(_envelope(found))
    else:
        for one in found:
            typer.echo(clean(f"{from_here(folder / one.file)}:{one.line}: {one.what}; {one.suggestion}"))
    if found:
        raise typer.Exit(1)


@app.command(context_settings={"ignore_unknown_options": True})
def search(
    ctx: typer.Context,
    query: Annotated[
        list[str] | None, typer.Argument(help='声学延迟, "exact words", -without, org:Meta, month:2024-10, has:code')
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many hits; 0 shows all.")] = 10,
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
        from kb.samples import passages_of_file
        from kb.similar import similar

        texts = passages_of_file(similar_to)
    elif not query:
        raise typer.BadParameter("say what to look for, or --similar-to FILE")
    else:
        from kb.search import search as find_papers

    text = _text(query or [])
    config, reader = _open(ctx, refresh)
    encoder, notice = _encoder(config)
    if similar_to:
        answer = similar(config, reader, texts, limit, encoder, narrowed=text)
    else:
        answer = find_papers(config, reader, text, limit, encoder, is_fuzzy=fuzzy)
    _show_answer(config, answer._replace(notice=answer.notice or notice), why, as_json)
    if not (similar_to or fuzzy or answer.found_words):
        from kb.query import parse_query
        from kb.spelling import corrections

        for found in corrections(reader, parse_query(text)):
            _notice(f"no paper holds {found.word}; --fuzzy looks for {', '.join(found.names)}")


@app.command()
def bench(
    ctx: typer.Context,
    queries: Annotated[Path, typer.Argument(help="Lines of: query, tab, the papers it should find, tabs between.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many hits to look at.")] = 10,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Judge searches by your own queries: recall and mean reciprocal rank."""
    from kb.judging import judge, read_judgments
    from kb.search import search as find_papers

    config, reader = _open(ctx, refresh)
    encoder, notice = _encoder(config)
    if notice:
        _notice(notice)

    def ask(query: str) -> list[int]:
        hits = find_papers(config, reader, query, limit, encoder).hits
        return list(dict.fromkeys(reader.notes_of(hit.paper.key)[0] for hit in hits))

    verdict = judge(read_judgments(queries, reader), ask, limit)
    if as_json:
        typer.echo(_envelope(verdict))
        return
    rows = [[one.rank or "-", f"{one.found}/{one.wanted}", clean(one.query)] for one in verdict.outcomes]
    _show(table(["rank", "found", "query"], rows, _style()))
    typer.echo(f"recall@{limit} {verdict.recall:.3f}  MRR@{limit} {verdict.mrr:.3f}  queries {len(rows)}")


@app.command("list", context_settings={"ignore_unknown_options": True})
def list_papers(
    ctx: typer.Context,
    query: Annotated[list[str] | None, typer.Argument(help="Filters, as in a search: month:2024-10 org:CMU.")] = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """List papers, newest month first."""
    from kb.query import parse_query

    config, reader = _open(ctx, refresh)
    papers = reader.list_rows(parse_query(_text(query or [])))
    if as_json:
        typer.echo(_envelope(papers))
    elif papers:
        rows = paper_columns(papers, config.path_of, _style())
        _show(table(["id", "month", "title", "organizations", "place"], rows, _style()))


@app.command()
def show(ctx: typer.Context, name: NameArgument, as_json: JsonOption = False, refresh: RefreshOption = True) -> None:
    """Show one paper: what is known of it, its notes, newest first, and what they claim."""
    from kb.claims.ledger import entry
    from kb.merging import merged
    from kb.references import runnable

    config, reader = _open(ctx, refresh)
    paper = _named(reader, name)
    records = {key: json.loads(reader.record(key)) for key in reader.notes_of(paper.key)}
    claims = [entry(row) for row in reader.claims_of_papers(record["id"] for record in records.values())]
    if as_json:
        others = [record for key, record in records.items() if key != paper.key]
        typer.echo(_envelope({**records[paper.key], "notes": others, "claims": claims}))
        return
    style = _style()
    record = merged(list(records.values()))
    places = {note["id"]: style.place(config.path_of(note["file"]), note["line"]) for note in records.values()}
    facts = [
        ("id", record["id"]),
        ("kind", record["kind"]),
        ("month", record["month"]),
        ("section", " / ".join(record["section_path"])),
        ("organizations", "、".join(record["organizations"])),
        ("keywords", "、".join(record["keywords"])),
        ("arXiv", record["arxiv_id"]),
        ("DOI", record["doi"]),
        ("part of", record["parent"]),
        (
            "runnable",
            ", ".join(f"kb run {one}" for one in runnable((record["short_name"], record["title"], record["arxiv_id"]))),
        ),
    ]
    typer.echo(style.bold(clean(record["title"])))
    for label, value in facts:
        if value:
            typer.echo(f"{label:>13}  {clean(value)}")
    if len(records) == 1:
        typer.echo(f"{'place':>13}  {places[record['id']]}")
    for link in record["links"]:
        typer.echo(f"{link['kind']:>13}  {clean(link['url'])}")
    for note in records.values():
        typer.echo()
        if len(records) > 1:
            typer.echo(f"{style.bold(places[note['id']])}  {style.dim(clean(note['id']))}\n")
        _show_markdown(clean(note["body"]), style)
    if claims:
        typer.echo()
        _show_claims(config, claims)


@app.command()
def duplicates(ctx: typer.Context, as_json: JsonOption = False, refresh: RefreshOption = True) -> None:
    """List records that may be one paper, and the lines for kb.toml that join or part them."""
    from kb.duplicates import find_duplicates

    config, reader = _open(ctx, refresh)
    found = find_duplicates(config, reader)
    if as_json:
        typer.echo(_envelope(found))
        return
    style = _style()
    for pair in found.pairs:
        typer.echo(style.bold(clean(pair.reason)))
        for one in pair.records:
            typer.echo(f"   {clean(one.id)} · {clean(one.title)} · {style.place(config.path_of(one.file), one.line)}")
        typer.echo(clean(f"   to join: {pair.join}\n   to part: {pair.part}"))
    for name in found.unknown:
        typer.echo(f"kb.toml names a record that is not there: {clean(name)}")
    if not (found.pairs or found.unknown):
        _notice("no doubtful pairs")


@app.command()
def related(
    ctx: typer.Context,
    name: NameArgument,
    limit: Annotated[int, typer.Option("--limit", min=1)] = 5,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """List the papers most like one: they share its telling words, or mean nearly the same."""
    from kb.similar import similar

    config, reader = _open(ctx, refresh)
    paper = _named(reader, name)
    encoder, notice = _encoder(config)
    texts = [f"{paper.title}\n{passage.text}" for passage in reader.passages(paper.key)] or [paper.title]
    answer = similar(config, reader, texts, limit, encoder, without=paper.key)
    if notice := answer.notice or notice:
        _notice(notice)
    if as_json:
        typer.echo(_envelope([{**hit.paper._asdict(), "score": hit.score} for hit in answer.hits]))
    elif answer.hits:
        rows = paper_columns([hit.paper for hit in answer.hits], config.path_of, _style())
        scored = [[f"{hit.score:.2f}", *row] for hit, row in zip(answer.hits, rows, strict=True)]
        _show(table(["score", "id", "month", "title", "organizations", "place"], scored, _style()))
    else:
        _notice("nothing related")


@app.command()
def gloss(ctx: typer.Context, words: Annotated[list[str], typer.Argument(help="码本, residual quantization")]) -> None:
    """Show what words stand for in the other language."""
    from kb.gloss import open_gloss
    from kb.query import parse_query

    config, _ = _open(ctx, refresh=True)
    table_of_words = open_gloss(config.index)
    _, meanings = table_of_words.expand(parse_query(_text(words))) if table_of_words else (None, ())
    for meaning in meanings:
        typer.echo(f"{clean(meaning.word)}\t{'、'.join(meaning.names)}")
    if not meanings:
        _notice("no gloss")


encoder_app = typer.Typer(
    cls=KbGroup, no_args_is_help=True, rich_markup_mode=None, help="Choose what searches by meaning go by."
)
app.add_typer(encoder_app, name="encoder")
ModelArgument = Annotated[
    str, typer.Argument(help="minilm, a sentence-transformers model such as BAAI/bge-m3, or a folder with one.")
]


@encoder_app.command("list")
def list_encoders(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the encoders on this machine."""
    from kb.encoders.catalog import encoders

    config = _config(ctx)
    found = encoders(config.index, config.encoder)
    if as_json:
        typer.echo(_envelope(found))
        return
    rows = [
        [
            clean(state.model),
            f"{state.state}, in use" if state.is_used else state.state,
            state.dimension or "",
            state.max_tokens or "",
            "" if state.reads_chinese is None else "yes" if state.reads_chinese else "by translation",
            state.mebibytes or "",
        ]
        for state in found
    ]
    _show(table(["encoder", "state", "dimension", "tokens", "Chinese", "MiB"], rows, _style()))


@encoder_app.command("get")
def get_encoder(ctx: typer.Context, model: ModelArgument) -> None:
    """Download a model and set it up; nothing else uses the network."""
    from kb.encoders.exporting import export_encoder
    from kb.encoders.models import fetch_model

    config = _config(ctx)
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")  # of its retries; what it says in the end is our error
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    _notice(f"fetching {model}")
    fetch_model(config.index, model)
    encoder = export_encoder(config.root, config.index, model)
    typer.echo(f"{model}: ready in {encoder.folder}; to use it: kb encoder use {model}")


@encoder_app.command("use")
def use_encoder(ctx: typer.Context, model: ModelArgument) -> None:
    """Make kb.toml name an encoder, or none."""
    from kb.config import NO_ENCODER, set_encoder
    from kb.encoders.exported import open_encoder
    from kb.encoders.exporting import export_encoder

    config = _config(ctx)
    if model != NO_ENCODER and not open_encoder(config.index, model):
        export_encoder(config.root, config.index, model)
    set_encoder(config, model)
    typer.echo(f"encoder: {model}" if model == NO_ENCODER else f"encoder: {model}; to encode the notes: kb index")


@encoder_app.command("export")
def export_again(
    ctx: typer.Context,
    model: Annotated[str | None, typer.Argument(help="Another model than the one in use.")] = None,
) -> None:
    """Set an encoder up anew from its model."""
    from kb.config import NO_ENCODER
    from kb.encoders.exporting import export_encoder

    config = _config(ctx)
    if (model or config.encoder) == NO_ENCODER:
        raise KbError("kb.toml names no encoder; name one: kb encoder export minilm")
    encoder = export_encoder(config.root, config.index, model or config.encoder)
    typer.echo(f"{encoder.manifest.model}: ready in {encoder.folder}")


@app.command("open")
def open_note(ctx: typer.Context, name: NameArgument, refresh: RefreshOption = True) -> None:
    """Open the note in $EDITOR at the paper's line."""
    import subprocess

    from kb.editors import editor_command

    config, reader = _open(ctx, refresh)
    paper = _named(reader, name)
    command = editor_command(config.path_of(paper.file), paper.line)
    raise typer.Exit(subprocess.call(command))  # noqa: S603 - the user's own $EDITOR, no shell


@app.command()
def tags(ctx: typer.Context, as_json: JsonOption = False, refresh: RefreshOption = True) -> None:
    """Count the keywords."""
    from kb.counting import count_names

    _, reader = _open(ctx, refresh)
    counts = count_names(reader.column("keywords"))
    if as_json:
        typer.echo(_envelope([{"name": name, "count": count} for name, count in counts]))
    elif counts:
        _show(table(["keyword", "papers"], [[clean(name), count] for name, count in counts], _style()))


@app.command()
def stats(ctx: typer.Context, as_json: JsonOption = False, refresh: RefreshOption = True) -> None:
    """Count papers by month, kind, organization and link."""
    from kb.counting import statistics

    _, reader = _open(ctx, refresh)
    found = statistics(reader)
    if as_json:
        typer.echo(_envelope(found))
        return
    rows = [[group, clean(name), count] for group, counts in found.items() for name, count in counts.items()]
    _show(table(["", "name", "count"], rows, _style()))


@app.command()
def digest(
    ctx: typer.Context,
    month: Annotated[str, typer.Argument(help="2024-10")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to a file instead.")] = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Write the digest of a month."""
    from kb import digest as digests

    config, reader = _open(ctx, refresh)
    if refresh and (stale := [row for row in reader.claims_of_month(month) if row.state == "stale"]):
        _verify(config, stale)
    found = digests.monthly_digest(reader, month)
    text = (
        _envelope(found.model_dump(mode="json")) + "\n"
        if as_json
        else digests.render(config, found, out.absolute().parent if out else None)
    )
    if out:
        digests.write(config, text, out)
        _notice(f"wrote {out}")
    else:
        typer.echo(text, nl=False)


@app.command()
def verify(
    ctx: typer.Context,
    target: TargetArgument = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on", help="End with 1 on claims in this state: contradicted (not as noted), not-runnable."
        ),
    ] = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """Run what the notes claim, and say what holds and what does not."""
    from kb.claims.ledger import entry, select, summary
    from kb.claims.verifying import FAILURES, fails

    for state in fail_on or []:
        if state not in FAILURES:
            raise typer.BadParameter(f"--fail-on takes {' or '.join(FAILURES)}, got {state!r}")
    config, reader = _open(ctx, refresh)
    _verify(config, select(reader, target))
    entries = [entry(row) for row in select(reader, target)]
    if as_json:
        typer.echo(_envelope({"summary": summary(entries), "claims": entries}))
    else:
        _show_claims(config, entries)
    if any(fails(one, state) for one in entries for state in fail_on or []):
        raise typer.Exit(1)


@app.command()
def claims(
    ctx: typer.Context,
    target: TargetArgument = None,
    state: Annotated[str | None, typer.Option("--state", help="holds, contradicted, not-runnable or stale.")] = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = True,
) -> None:
    """List what the notes claim and what came of it; of one claim, every run."""
    from kb.claims.ledger import entry, select, summary
    from kb.query import CLAIM_STATES

    if state and state not in CLAIM_STATES:
        raise typer.BadParameter(f"--state takes {', '.join(CLAIM_STATES)}, got {state!r}")
    config, reader = _open(ctx, refresh)
    entries = [one for one in map(entry, select(reader, target)) if state in (None, one.state)]
    runs = reader.claim_runs(target) if target else []
    if as_json:
        typer.echo(_envelope({"summary": summary(entries), "claims": entries, "runs": runs}))
        return
    _show_claims(config, entries)
    if runs:
        rows = [[run.date, run.state, run.version, run.device, f"{1000 * run.seconds:.2f} ms"] for run in runs]
        _show(table(["run", "state", "kb", "device", "time"], rows, _style()))


@app.command(context_settings={"help_option_names": []})
def run(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="rvq, delay, …")] = None,
    settings: Annotated[list[str] | None, typer.Argument(help="Parameters: levels=4 delays=0,1,2")] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the algorithms.")] = False,
    check_promises: Annotated[bool, typer.Option("--check", help="Check what the algorithm promises.")] = False,
    every: Annotated[bool, typer.Option("--all", help="With --check: all algorithms.")] = False,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")] = "auto",
    seed: Annotated[int, typer.Option("--seed")] = 0,
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw the figures to a PNG file.")] = None,
    wav: Annotated[Path | None, typer.Option("--wav", help="Write what sounds to a WAV file.")] = None,
    as_json: JsonOption = False,
    show_help: Annotated[bool, typer.Option("--help", help="Show this, or the parameters of an algorithm.")] = False,
) -> None:
    """Run the reference implementation of an algorithm."""
    from kb import runs

    if show_help:
        typer.echo(ctx.get_help() if name is None else _parameters(name))
    elif check_promises and (name or every):
        _show_checks([name] if name else [one.name for one in runs.algorithms()], device, as_json)
    elif every:
        raise typer.BadParameter("--all goes with --check")
    elif list_all or not name:
        _show_algorithms(ctx, as_json)
    else:
        result = runs.run(name, device, seed, settings or [])
        _write_shown(name, result, plot, wav)
        _show_result(result, as_json)


def _parameters(name: str) -> str:
    from kb.runs import parameters

    rows = [[f"{one.name}={one.default}", one.kind, one.what] for one in parameters(name)]
    lines = "\n".join(f"  {setting:<24} {kind:<16} {what}" for setting, kind, what in rows)
    return f"kb run {name} takes:\n{lines}" if rows else f"kb run {name} takes no parameters"


def _show_algorithms(ctx: typer.Context, as_json: bool) -> None:
    """List the algorithms, with the number of claims that run them where there is an index to count in."""
    from kb.claims.ledger import count_runs
    from kb.config import find_config
    from kb.runs import algorithms
    from kb.store.reader import Reader

    try:
        claimed = count_runs(Reader(find_config(ctx.obj).database))
    except KbError:
        claimed = {}
    found = algorithms()
    if as_json:
        typer.echo(_envelope([{**one._asdict(), "claims": claimed.get(one.name, 0)} for one in found]))
        return
    rows = [
        [one.name, one.summary, ", ".join(one.papers), claimed.get(one.name, 0), one.seconds or ""] for one in found
    ]
    _show(table(["name", "idea", "papers", "claims", "seconds"], rows, _style()))


def _show_checks(names: list[str], device: str, as_json: bool) -> None:
    from kb.runs import check

    with _progress() as progress:
        checks = []
        for number, name in enumerate(names, 1):
            checks += check(name, device)
            progress("checking", number, len(names))
    if as_json:
        typer.echo(_envelope(checks))
    else:
        rows = [["ok" if one.holds else "FAILED", one.algorithm, one.promise] for one in checks]
        _show(table(["", "algorithm", "promise"], rows, _style()))
    if not all(one.holds for one in checks):
        raise typer.Exit(1)


def _write_shown(name: str, result: dict[str, Any], plot: Path | None, wav: Path | None) -> None:
    """Write the picture and the sound of a result where they were asked for, and leave them out of it."""
    from kb import showing
    from kb.writing import write_whole

    drawn, audio = result.pop("plot", None), result.pop("audio", None)
    if plot:
        if not drawn:
            raise KbError(f"{name} has nothing to draw; run it without --plot")
        write_whole(plot, showing.picture(drawn))
        _notice(f"wrote {plot}")
    if wav:
        if not audio:
            raise KbError(f"{name} makes no sound; run it without --wav")
        for track, path in showing.track_paths(wav, list(audio["tracks"])).items():
            write_whole(path, showing.wav(audio["tracks"][track], audio["sample_rate_hz"]))
            _notice(f"wrote {path}")


def _show_result(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(_envelope(result))
        return
    rows = result["rows"]
    if rows:
        headings = list(rows[0])
        cells = [[_rounded(row[heading]) for heading in headings] for row in rows]
        if not _style().is_terminal:
            typer.echo("\t".join(headings))
        _show(table(headings, cells, _style()))
    if result.get("drawing"):
        typer.echo(result["drawing"])
    for remark in result.get("remarks", []):
        typer.echo(remark)


def _config(ctx: typer.Context) -> "Config":
    from kb.config import find_config

    return find_config(ctx.obj)


def _open(ctx: typer.Context, refresh: bool) -> "tuple[Config, Reader]":
    """Return the knowledge base and a reader of its index, brought up to date first unless told otherwise."""
    from kb.scan import find_changes
    from kb.store.reader import Reader

    config = _config(ctx)
    if refresh:
        stamps, joining = _known(config)
        changes = find_changes(config, stamps)
        for line in changes.missing:
            _notice(line)
        if changes or joining != config.joining or not config.database.is_file():
            from kb.refreshing import bring_in

            with _progress() as progress:
                notices = bring_in(config, changes, progress)
            for notice in notices:
                _notice(notice)
    return config, Reader(config.database)


def _known(config: "Config") -> tuple[dict[str, tuple[int, int]], str]:
    """Return the stamps of the files in the index, and by what of kb.toml their records were joined."""
    from kb.store.reader import JOINING, Reader

    if not config.database.is_file():
        return {}, ""
    try:
        reader = Reader(config.database)
    except IndexOld:
        from kb.indexing import upgrade

        upgrade(config)
        reader = Reader(config.database)
    with closing(reader):
        return reader.stamps(), reader.meta(JOINING) or ""


def _encoder(config: "Config") -> "tuple[OnnxEncoder | None, str | None]":
    """Return the encoder that searches use; without one, why not if it was wanted."""
    from importlib.util import find_spec

    from kb.config import DEFAULT_ENCODER, NO_ENCODER
    from kb.encoders.exported import open_encoder

    if config.encoder == NO_ENCODER:
        return None, None
    encoder = open_encoder(config.index, config.encoder)
    # The default one is no wish of the user's where the packages for it are not installed.
    if encoder or (config.encoder == DEFAULT_ENCODER and not find_spec("onnxruntime")):
        return encoder, None
    return None, f"searching by words only: encoder {config.encoder!r} is not set up; run: kb index"


def _show_answer(config: "Config", answer: "Answer", why: bool, as_json: bool) -> None:
    if answer.notice:
        _notice(answer.notice)
    if as_json:
        typer.echo(_envelope(answer))
        return
    style = _style()
    if why:
        for meaning in answer.meanings:
            typer.echo(style.dim(f"{clean(meaning.word)} = {'、'.join(map(clean, meaning.names))}"))
    for hit in answer.hits:
        typer.echo("\n".join(hit_lines(hit, config.path_of, style, why)))
    if not answer.hits:
        _notice("no hits")
    elif answer.total > len(answer.hits):
        _notice(f"{len(answer.hits)} of {answer.total}; --limit 0 shows all")


def _verify(config: "Config", rows: "list[ClaimRow]") -> None:
    """Run claims and keep the runs."""
    from kb.claims.verifying import verify as run_claims
    from kb.store.writer import Writer

    with _progress() as progress:
        runs = run_claims(rows, progress)
    with closing(Writer(config.database)) as writer, writer.transaction():
        writer.put_runs(runs)


def _show_claims(config: "Config", entries: "list[Entry]") -> None:
    """Show what matters most last, where the eye is; then how many there are of each."""
    from kb.claims.ledger import summary

    order = ("holds", "stale", "not-runnable", "contradicted")
    sorted_entries = sorted(entries, key=lambda one: (order.index(one.state), not one.is_expected))
    rows = claim_columns(sorted_entries, config.path_of, _style())
    if rows:
        _show(table(["state", "claim", "note says", "computed", "place", "reason"], rows, _style()))
    counts = summary(entries)
    total = counts.pop("claims")
    _notice(f"{total} claim{'' if total == 1 else 's'}: {claim_counts(counts) or 'none'}")


def _named(reader: "Reader", name: str) -> "PaperRow":
    papers = reader.named(name)
    if not papers:
        raise KbError(f"no paper named {name!r}; look for it with: kb search {name}")
    if not reader.are_one_paper([paper.key for paper in papers]):
        some = ", ".join(paper.id for paper in papers[:5]) + (", …" if len(papers) > 5 else "")
        raise KbError(f"{name!r} names {len(papers)} papers: {some}; say more of the name")
    return papers[0]


def _text(arguments: list[str]) -> str:
    for argument in arguments:
        if argument.startswith("--"):
            raise typer.BadParameter(f"no such option: {argument}")
    return " ".join(arguments)


def _style() -> Style:
    return Style(sys.stdout.isatty())


def _show(renderable: Any) -> None:
    if isinstance(renderable, str):
        typer.echo(renderable)
        return
    from rich.console import Console

    Console().print(renderable)


def _show_markdown(text: str, style: Style) -> None:
    if not style.is_terminal:
        typer.echo(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))


@contextmanager
def _progress() -> "Iterator[Progress]":
    """Give a function that shows progress on a terminal and does nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def show_progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield show_progress


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def _notice(text: str) -> None:
    typer.echo(clean(text), err=True)


def _envelope(data: Any, error: str | None = None) -> str:
    content = {"ok": error is None, "schema": SCHEMA, "data": _plain(data), "error": error}
    return json.dumps(content, ensure_ascii=False)


def _plain(data: Any) -> Any:
    """Return data with its named tuples as dictionaries."""
    if hasattr(data, "_asdict"):
        data = data._asdict()
    if isinstance(data, dict):
        return {name: _plain(value) for name, value in data.items()}
    return [_plain(value) for value in data] if isinstance(data, (list, tuple)) else data


if __name__ == "__main__":
    main()
