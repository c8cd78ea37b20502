"""The counts of a digest as a paragraph, in Chinese or in English."""

from collections import Counter
from collections.abc import Mapping, Sequence

from kb.layout import Language
from kb.records import DigestEntry, Name

NAMED = 5  # of organizations and topics; the tables below have all
KINDS: dict[Language, dict[str, tuple[str, str]]] = {  # one of it, several
    "zh": {"paper": ("论文",) * 2, "project": ("项目",) * 2, "lecture": ("讲座",) * 2},
    "en": {"paper": ("paper", "papers"), "project": ("project", "projects"), "lecture": ("lecture", "lectures")},
}


def overview(
    lang: Language,
    entries: Sequence[DigestEntry],
    organizations: Sequence[Name],
    topics: Sequence[Name],
    claims: Mapping[str, int],
) -> str:
    """Return what was read, by whom it is, which topics are new or go on, and what came of the claims.

    A topic is new if no paper of the three months before bears it.
    """
    return (_in_chinese if lang == "zh" else _in_english)(
        _kinds(lang, entries),
        [f"{one.name}（{one.count}）" if lang == "zh" else f"{one.name} ({one.count})" for one in _most(organizations)],
        [one.name for one in topics if not one.before],
        [one.name for one in topics if one.before],
        claims,
        sum(bool(one.runnable) for one in entries),
    )


def _most(organizations: Sequence[Name]) -> Sequence[Name]:
    return [one for one in organizations if one.count > 1][:NAMED]


def _kinds(lang: Language, entries: Sequence[DigestEntry]) -> list[str]:
    counted = Counter(entry.paper.kind for entry in entries)
    found = [(count, KINDS[lang][kind][count > 1]) for kind, count in counted.most_common()]
    return [f"{name} {count} 篇" if lang == "zh" else f"{count} {name}" for count, name in found]


def _in_chinese(
    kinds: list[str], organizations: list[str], new: list[str], old: list[str], claims: Mapping[str, int], runnable: int
) -> str:
    sentences = [f"共读{'、'.join(kinds)}"]
    if organizations:
        sentences.append(f"篇数最多的机构：{'、'.join(organizations)}")
    if new:
        sentences.append(f"此前三个月没有的主题 {len(new)} 个：{'、'.join(new[:NAMED])}{' 等' * (len(new) > NAMED)}")
    if old:
        sentences.append(f"延续的主题 {len(old)} 个：{'、'.join(old[:NAMED])}{' 等' * (len(old) > NAMED)}")
    if claims.get("claims"):
        noted = f"（笔记已说明 {claims['as_noted']} 条）" if claims["as_noted"] else ""
        wrong = f"，{claims['contradicted']} 条不成立{noted}" if claims["contradicted"] else ""
        sentences.append(f"可核对的说法 {claims['claims']} 条，{claims['holds']} 条成立{wrong}")
    if runnable:
        sentences.append(f"{runnable} 篇的算法可用 kb run 运行")
    return "。".join(sentences) + "。"


def _in_english(
    kinds: list[str], organizations: list[str], new: list[str], old: list[str], claims: Mapping[str, int], runnable: int
) -> str:
    sentences = [f"Read: {', '.join(kinds)}"]
    if organizations:
        sentences.append(f"Most papers are by {', '.join(organizations)}")
    if new:
        sentences.append(f"New against the three months before ({len(new)}): {_some(new)}")
    if old:
        sentences.append(f"Going on ({len(old)}): {_some(old)}")
    if claims.get("claims"):
        noted = f" ({claims['as_noted']} as noted)" if claims["as_noted"] else ""
        wrong = f" and {claims['contradicted']} do not{noted}" if claims["contradicted"] else ""
        sentences.append(f"Of {claims['claims']} claims {claims['holds']} hold{wrong}")
    if runnable:
        sentences.append(f"kb run shows the algorithms of {runnable}")
    return ". ".join(sentences) + "."


def _some(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
