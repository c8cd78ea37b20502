"""Digests as files: laid out as a post, a page or data, and written where they are wanted."""

from collections.abc import Collection
from pathlib import Path

from kb.config.kb_toml import Config
from kb.config.outputs import refuse_own
from kb.errors import KbError
from kb.files import make_folder, write_out
from kb.index.folder import permitted
from kb.index.sqlite.reader import Reader
from kb.records import MonthlyDigest
from kb.reports import html_page, markdown_post, since_last
from kb.reports.digest import digest
from kb.reports.options import Layout
from kb.reports.periods import Period


def publish(config: Config, reader: Reader, period: Period, layout: Layout, out: Path | None = None) -> str:
    """Return the digest of a period as text, and write it to out if that is given.

    What has changed is told against the digest that lies there already.
    Raises: KbError if a template cannot be used, or out cannot be written or lies among the notes.
    """
    made = digest(reader, period, layout.lang, _last(out))
    text = _text(config, made, layout, out.absolute().parent if out else None)
    if out:
        write(config, text, out, permitted(config, reader.files.paths()))
    return text


def publish_all(config: Config, reader: Reader, layout: Layout, folder: Path) -> list[Path]:
    """Write the digest of every month to folder, "2024-10.md", pages with an index beside them, and return the files.

    Raises: KbError as publish does, and if there are no papers.
    """
    months = [month for month, _ in reader.papers.months() if month]
    if not months:
        raise KbError("no month has any papers yet", "write notes, then: kb index")
    outs = {month: folder / f"{month}.{layout.form}" for month in months}
    made = {month: digest(reader, Period(month, month), layout.lang, _last(out)) for month, out in outs.items()}
    texts = {outs[month]: _text(config, one, layout, folder.absolute(), months) for month, one in made.items()}
    if layout.form == "html":
        texts[folder / html_page.INDEX_NAME] = html_page.index_page(config, list(made.values()), made[months[0]].lang)
    mode = permitted(config, reader.files.paths())
    for out, text in texts.items():
        write(config, text, out, mode)
    return list(texts)


def _last(out: Path | None) -> since_last.Written | None:
    if not out or not out.is_file():
        return None
    return since_last.written(out.read_text(encoding="utf-8", errors="replace"))


def _text(config: Config, made: MonthlyDigest, layout: Layout, place: Path | None, months: Collection[str] = ()) -> str:
    if layout.form == "json":
        return made.model_dump_json() + "\n"
    if layout.form == "html":
        return html_page.month_page(config, made, place, months, layout.template)
    return markdown_post.post(config, made, layout.site, layout.template, place)


def write(config: Config, text: str, path: Path, mode: int) -> None:
    """Write a digest to path, whole or not at all; mode has the permissions of a folder that is made for it.

    Raises: KbError if path cannot be written or lies among the notes: it would be read as one, or overwrite one.
    """
    refuse_own(config, path)
    make_folder(path.absolute().parent, mode)
    write_out(path, text.encode("utf-8"), mode & 0o666)
