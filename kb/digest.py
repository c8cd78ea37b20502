"""A month -> MonthlyDigest -> Markdown. The same notes give the same bytes."""

import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from kb.claims.ledger import Entry, entry
from kb.claims.ledger import summary as count_claims
from kb.config import Config, shipped_templates
from kb.errors import KbError
from kb.records import Count, DigestClaim, DigestEntry, DigestSection, MonthlyDigest, Paper, Related
from kb.references import FOLDER, line_of, target
from kb.related import related
from kb.store.reader import Reader
from kb.writing import write_whole

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

TEMPLATE = "digest.md.j2"
RELATED_PAPERS = 3
SUMMARY_CHARACTERS = 400
NO_SECTION = "其他 Other"
LABEL_CHARACTERS = 30  # beside addresses; a line with no more, and no full stop, says only where things are
_ADDRESS = re.compile(r"\[[^\]\n]*\]\([^)\s]*\)|https?://\S+")
_ITEM = re.compile(r"(?:[-*+•]|\d+[.)、])\s")
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
    ledger = [entry(row) for row in reader.claims_of_month(month)]
    claims = [_claim(one) for one in ledger]
    sections: dict[str, list[DigestEntry]] = {}
    for key, paper in records:
        near = tuple(Related(id=row.id, title=row.title, month=row.month or "") for row, _ in earlier[key])
        section = " / ".join(paper.section_path) or NO_SECTION
        own = tuple(claim for claim in claims if claim.paper == paper.id)
        sections.setdefault(section, []).append(
            DigestEntry(paper=paper, summary=summary(paper.body), related=near, claims=own)
        )
    return MonthlyDigest(
        month=month,
        sections=tuple(DigestSection(name=name, entries=tuple(entries)) for name, entries in sections.items()),
        topics=_counts(keyword for _, paper in records for keyword in paper.keywords),
        organizations=_counts(name for _, paper in records for name in paper.organizations),
        paper_count=len(records),
        claims=tuple(claims),
        claim_counts=count_claims(ledger),
    )


def _claim(one: Entry) -> DigestClaim:
    place = target(one.run)
    line = line_of(one.run)
    code = f"kb/reference/{place.module}.py#L{line}" if place and line else None
    return DigestClaim(**one._asdict(), code=code)


def summary(body: str) -> str:
    """Return the first paragraph of body that is prose, without its line breaks, cut at the end of a sentence if long.

    Only where there is none it is that of a list.
    Example: "![](a.png)\\n\\n第一段。\\n\\n第二段。" -> "第一段。"
    """
    paragraphs = [
        prose
        for block in re.split(r"\n\s*\n", _FENCED.sub("", body))
        if (prose := " ".join(line for line in map(str.strip, block.split("\n")) if _is_prose(line)))
    ]
    prose = next((prose for prose in paragraphs if not _ITEM.match(prose)), paragraphs[0] if paragraphs else "")
    if len(prose) <= SUMMARY_CHARACTERS:
        return prose
    ends = [found.end() for found in re.finditer(r"[。！？!?]|\.(?=\s)", prose) if found.end() <= SUMMARY_CHARACTERS]
    return prose[: ends[-1]] if ends else prose[:SUMMARY_CHARACTERS] + "…"


def _is_prose(line: str) -> bool:
    if not line or _NOT_PROSE.match(line):
        return False
    rest, addresses = _ADDRESS.subn("", line)
    return not addresses or len(rest) > LABEL_CHARACTERS or rest.endswith(("。", ".", "！", "？"))


def render(config: Config, digest: MonthlyDigest, place: Path | None = None) -> str:
    """Return digest laid out by the template digest.md.j2, the user's own if there is one.

    Links to files are written as seen from the folder place, where the digest will lie; from the knowledge base's own
    if it is None.
    Raises: KbError naming the template and line that cannot be used.
    """
    import jinja2

    try:
        return _environment(config, place or config.root).get_template(TEMPLATE).render(digest=digest)
    except jinja2.TemplateSyntaxError as error:
        raise KbError(f"{error.filename or error.name}:{error.lineno}: {error.message}; mend the template") from None
    except jinja2.TemplateError as error:
        raise KbError(f"{TEMPLATE}: {error.message}; mend the template in {config.templates}") from None


def _link(path: Path, start: Path) -> str:
    return quote(Path(os.path.relpath(path, start)).as_posix())


def _code_link(config: Config, path: str | None, start: Path) -> str:
    """Return a link to code that lies in the knowledge base, as this project's own does; else none.

    Where the program is installed is nothing that a digest tells the world.
    """
    file, _, line = (path or "").partition("#")
    found = config.root / file
    return f"{_link(found, start)}#{line}" if found.is_file() and found.samefile(FOLDER / found.name) else ""


def write(config: Config, text: str, path: Path) -> None:
    """Write a digest to path, whole or not at all.

    Raises: KbError if path cannot be written or lies among the notes: it would be read as one, or overwrite one.
    """
    if any(path.resolve().is_relative_to(folder.resolve()) for folder in config.folders):
        raise KbError(f"{path} lies in a notes folder, which is never written to; choose another place")
    write_whole(path, text.encode("utf-8"))


def _environment(config: Config, place: Path) -> "SandboxedEnvironment":
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
    environment.filters["cell"] = lambda text: " ".join(text.split()).replace("|", "\\|")
    environment.filters["to_note"] = lambda file: _link(config.path_of(file), place)
    environment.filters["to_code"] = lambda path: _code_link(config, path, place)
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": True}
    return environment


def _counts(names: Iterable[str]) -> tuple[Count, ...]:
    counted = Counter(names)
    return tuple(Count(name=name, count=count) for name, count in sorted(counted.items(), key=lambda i: (-i[1], i[0])))
