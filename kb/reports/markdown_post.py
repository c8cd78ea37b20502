"""MonthlyDigest -> a post in Markdown, with the front matter of a site. The same digest gives the same bytes."""

import re
from collections.abc import Mapping
from pathlib import Path

from kb.config.kb_toml import Config
from kb.markup.markdown import address, plain, prose
from kb.notes.web_address import PLACES
from kb.records import MonthlyDigest, Paper
from kb.reports.options import Site
from kb.reports.since_last import comment
from kb.reports.templates import environment, link, own_template, render
from kb.reports.words import LINK_GROUPS, WORDS

_UNSAFE = re.compile(r"[^\w/.+-]")

TEMPLATE = "digest.md.j2"


def post(
    config: Config,
    digest: MonthlyDigest,
    site: Site = "plain",
    template: str | None = None,
    place: Path | None = None,
) -> str:
    """Return digest as Markdown, laid out by the template digest.md.j2, the user's own if there is one.

    Args:
        site: whose front matter it begins with.
        template: the name of another template, or the path of one.
        place: the folder that it will lie in; links to files are written as seen from there. None is the knowledge
            base's own.
    Raises: KbError naming the template and line that cannot be used.
    """
    folder = place or config.root
    made = environment(config, folder, own=own_template(template))
    made.filters |= {
        "prose": prose,
        "plain": plain,
        "cell": lambda text: prose(" ".join(text.split())).replace("|", "\\|"),
        "anchor": anchor,
        "links_by_kind": lambda paper: _links_by_kind(config, paper, folder, WORDS[digest.lang]),
    }
    titles = {entry.paper.id: entry.paper.title for section in digest.sections for entry in section.entries}
    return render(
        config,
        made,
        Path(template or TEMPLATE).name,
        digest=digest,
        words=WORDS[digest.lang],
        titles=titles,
        site=site,
        memory=comment(digest),
    )


def _links_by_kind(
    config: Config, paper: Paper, folder: Path, words: Mapping[str, str]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the links of a paper as (word of the kind, [(label, address), …]), pictures last; none is left out."""
    found: dict[str, list[tuple[str, str]]] = {}
    if paper.arxiv_id and not any(link.kind == "arxiv" and paper.arxiv_id in link.url for link in paper.links):
        found["paper"] = [(f"arXiv:{paper.arxiv_id}", PLACES["arxiv"] + paper.arxiv_id)]
    for one in paper.links:
        if one.kind not in ("figure", "file"):
            found.setdefault(LINK_GROUPS[one.kind], []).append((one.label or one.url, address(one.url)))
    ordered = [(group, found[group]) for group in dict.fromkeys(LINK_GROUPS.values()) if group in found]
    figures = [address(_from_folder(config, url, paper.file, folder)) for url in paper.figures]
    numbered = [(f"{words['figure']} {number}", url) for number, url in enumerate(figures, 1)]
    return [*ordered, *([("figures", numbered)] if numbered else [])]


def _from_folder(config: Config, url: str, file: str, folder: Path) -> str:
    """Return the address of a picture; one that lies beside its note as seen from folder."""
    is_elsewhere = url.startswith(("/", "#")) or ":" in url
    return url if is_elsewhere else link(config.path_of(file).parent / url, folder)


def anchor(paper_id: str) -> str:
    """Return what a link to an entry ends with, never empty: "2024-10 a/x" -> "2024-10_20a-x".

    A sign that an address cannot hold stands there as its number in base 16.
    """
    return address(_UNSAFE.sub(lambda found: f"_{ord(found[0]):x}", paper_id).replace("/", "-"))
