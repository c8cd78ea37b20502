"""The counts of a digest as a paragraph, in Chinese or in English."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kb.records import DigestEntry, Name
from kb.reports.options import Language

NAMED = 5  # of organizations and topics; the tables below have all


class _Sentences(NamedTuple):
    """What can be said, without the full stop; names are put in by name."""

    read: str
    kinds: dict[str, tuple[str, str]]  # one of it, several
    organizations: str
    organization: str  # one of them
    new: str
    old: str
    claims: str
    wrong: str  # part of claims, empty if none is
    noted: str  # part of wrong
    runnable: str
    comma: str
    more: str  # after the last of some names
    stop: str  # between sentences


_SENTENCES: dict[Language, _Sentences] = {
    "zh": _Sentences(
        read="共读{kinds}",
        kinds={"paper": ("论文 {} 篇",) * 2, "project": ("项目 {} 篇",) * 2, "lecture": ("讲座 {} 篇",) * 2},
        organizations="篇数最多的机构：{names}",
        organization="{name}（{count}）",
        new="此前三个月没有的主题 {count} 个：{names}",
        old="延续的主题 {count} 个：{names}",
        claims="可核对的说法 {claims} 条，{holds} 条成立{wrong}",
        wrong="，{contradicted} 条不成立{noted}",
        noted="（笔记已说明 {as_noted} 条）",
        runnable="{count} 篇的算法可用 kb run 运行",
        comma="、",
        more=" 等",
        stop="。",
    ),
    "en": _Sentences(
        read="Read: {kinds}",
        kinds={
            "paper": ("{} paper", "{} papers"),
            "project": ("{} project", "{} projects"),
            "lecture": ("{} lecture", "{} lectures"),
        },
        organizations="Most papers are by {names}",
        organization="{name} ({count})",
        new="New against the three months before ({count}): {names}",
        old="Going on ({count}): {names}",
        claims="Claims that hold: {holds} of {claims}{wrong}",
        wrong="; contradicted: {contradicted}{noted}",
        noted=" ({as_noted} as noted)",
        runnable="kb run shows the algorithms of {count}",
        comma=", ",
        more=", …",
        stop=". ",
    ),
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
    say = _SENTENCES[lang]
    kinds = Counter(entry.paper.kind for entry in entries).most_common()
    sentences = [
        say.read.format(kinds=say.comma.join(say.kinds[kind][count > 1].format(count) for kind, count in kinds))
    ]
    if most := [one for one in organizations if one.count > 1][:NAMED]:
        names = say.comma.join(say.organization.format(name=one.name, count=one.count) for one in most)
        sentences.append(say.organizations.format(names=names))
    if new := [one.name for one in topics if not one.before]:
        sentences.append(say.new.format(count=len(new), names=_some(say, new)))
    if old := [one.name for one in topics if one.before]:
        sentences.append(say.old.format(count=len(old), names=_some(say, old)))
    if claims.get("claims"):
        noted = say.noted.format_map(claims) if claims["as_noted"] else ""
        wrong = say.wrong.format_map({**claims, "noted": noted}) if claims["contradicted"] else ""
        sentences.append(say.claims.format_map({**claims, "wrong": wrong}))
    if runnable := sum(bool(one.runnable) for one in entries):
        sentences.append(say.runnable.format(count=runnable))
    return f"{say.stop.join(sentences)}{say.stop.strip()}"


def _some(say: _Sentences, names: Sequence[str]) -> str:
    return say.comma.join(names[:NAMED]) + (say.more if len(names) > NAMED else "")
