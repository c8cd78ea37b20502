"""How a digest is laid out."""

from typing import Literal, NamedTuple

Format = Literal["md", "html", "json"]
Language = Literal["zh", "en"]
Site = Literal["plain", "hexo", "hugo", "jekyll"]


class Layout(NamedTuple):
    """How digests are laid out."""

    form: Format = "md"
    lang: Language | None = None  # of a digest's own words; None means that of the notes
    site: Site = "plain"  # whose front matter Markdown begins with
    template: str | None = None  # another template by its name or path
