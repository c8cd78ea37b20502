"""The chapters that papers have, as headings of a note about one."""

import re

from kb.notes.parsing import titles
from kb.patterns import pattern

_NAMES = (
    r"(?:abstract|introduction|intro|related works?|background|methods?|methodology|approach|experiments?"
    r"|experiment(?:al)? (?:setup|settings?|results?|details)|results?"
    r"|evaluation|ablation(?: study)?|conclusions?|discussion|limitations?"
    r"|摘要|引言|介绍|相关工作|背景|方法|实验|结果|消融实验|结论|讨论|创新点|贡献|核心贡献|研究动机|动机|论文信息)"
)
_CHAPTER = pattern(
    rf"(?:[\d.]+\s*|[一二三四五六七八九十]+、\s*)?{_NAMES}(?:\s*(?:&|and|/|与|和|,)\s*{_NAMES})*\W*", re.IGNORECASE
)


def is_chapter(heading: str) -> bool:
    """Whether a heading is the name of a chapter: "3. Experiments", "方法与实验"."""
    return bool(_CHAPTER.fullmatch(titles.plain(heading).strip()))
