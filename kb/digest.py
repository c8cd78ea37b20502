"""A month -> MonthlyDigest -> Markdown. The same notes give the same bytes."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from kb.config import Config, shipped_templates
from kb.errors import KbError
from kb.records import Count, DigestEntry, DigestSection, MonthlyDigest, Paper, Related
from kb.related import related
from kb.store.reader import Reader

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

TEMPLATE = "digest.md.j2"
RELATED_PAPERS = 3
SUMMARY_CHARACTERS = 400
NO_SECTION = "其他 Other"
_FENCED = re.compile(r"^\s*```.*?(?:^\s*```|\Z)", re.MULTILINE | re.DOTALL)
_NOT_PROSE = re.compile(r"(?:!\[|<|#|\||https?://|\$\$|---|\*\*\*)")


def monthly_digest(reader: Reader, month: str) -> MonthlyDigest:
    """Return the digest of month ("2024-10"): its papers by section, in the order of the notes.

    Raises: KbError if the month has no papers.
    """
    records = [(key, Paper.model_validate_json(record)) for key, record in reader.records(month)]
    if not records:
        known = [name for name, _ in reader.months() if name]
        months = f"months with papers: {', '.join(known[:12])}" if known else "no month has any yet"
        raise KbError(f"no papers in {month!r}; {months}")
    earlier = related(reader, reader.rows([key for key, _ in records]), RELATED_PAPERS, before=month)
    sections: dict[str, list[DigestEntry]] = {}
    for key, paper in records:
        near = tuple(Related(id=row.id, title=row.title, month=row.month or "") for row, _ in earlier[key])
        section = " / ".join(paper.section_path) or NO_SECTION
        sections.setdefault(section, []).append(DigestEntry(paper=paper, summary=summary(paper.body), related=near))
    return MonthlyDigest(
        month=month,
        sections=tuple(DigestSection(name=name, entries=tuple(entries)) for name, entries in sections.items()),
        topics=_counts(keyword for _, paper in records for keyword in paper.keywords),
        organizations=_counts(name for _, paper in records for name in paper.organizations),
        paper_count=len(records),
    )


def summary(body: str) -> str:
    """Return the first paragraph of body that is prose, without its line breaks, cut at the end of a sentence if long.

    Example: "![](a.png)\\n\\n第一段。\\n\\n第二段。" -> "第一段。"
    """
    for block in re.split(r"\n\s*\n", _FENCED.sub("", body)):
        lines = [line.strip() for line in block.split("\n")]
        prose = " ".join(line for line in lines if line and not _NOT_PROSE.match(line))
        if not prose:
            continue
        if len(prose) <= SUMMARY_CHARACTERS:
            return prose
        ends = [
            found.end() for found in re.finditer(r"[。！？!?]|\.(?=\s)", prose) if found.end() <= SUMMARY_CHARACTERS
        ]
        return prose[: ends[-1]] if ends else prose[:SUMMARY_CHARACTERS] + "…"
    return ""


def render(config: Config, digest: MonthlyDigest) -> str:
    """Return digest laid out by the template digest.md.j2, the user's own if there is one.

    Raises: KbError naming the template and line that cannot be used.
    """
    import jinja2

    try:
        return _environment(config).get_template(TEMPLATE).render(digest=digest)
    except jinja2.TemplateSyntaxError as error:
        raise KbError(f"{error.filename or error.name}:{error.lineno}: {error.message}; mend the template") from None
    except jinja2.TemplateError as error:
        raise KbError(f"{TEMPLATE}: {error.message}; mend the template in {config.templates}") from None


def write(config: Config, text: str, path: Path) -> None:
    """Write a digest to path, whole or not at all.

    Raises: KbError if path cannot be written or lies among the notes: it would be read as one, or overwrite one.
    """
    if any(path.resolve().is_relative_to(folder.resolve()) for folder in config.folders):
        raise KbError(f"{path} lies in a notes folder, which is never written to; choose another place")
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise KbError(f"{path}: cannot be written: {error.strerror}") from None


def _environment(config: Config) -> "SandboxedEnvironment":
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader([str(config.templates), str(shipped_templates())], encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # Markdown
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": True}
    return environment


def _counts(names: Iterable[str]) -> tuple[Count, ...]:
    counted = Counter(names)
    return tuple(Count(name=name, count=count) for name, count in sorted(counted.items(), key=lambda i: (-i[1], i[0])))
