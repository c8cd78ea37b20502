"""Facts that notes give under a label: `> **机构**：CMU`, `- Authors: A, B`, `venue:: ICASSP 2023`."""

import re
from collections.abc import Iterable

FIELDS = {
    "title": "论文 论文标题 论文题目 论文名称 标题 题目 原文标题 英文标题 title paper paper_title paper_name",
    "authors": "作者 论文作者 author authors",
    "organizations": "机构 单位 组织 团队 作者单位 affiliation affiliations organization organizations institution"
    " institutions institute org affil",
    "date": "发布时间 发表时间 发布日期 发表日期 时间 日期 年份 年月 date published year publication_date released"
    " month",
    "venue": "会议 期刊 会议/期刊 期刊/会议 发表于 发表会议 刊物 出处 来源 venue conference journal booktitle"
    " publication published_in conf",
    "keywords": "关键词 关键字 标签 分类标签 研究方向 keywords keyword tags tag topics",
    "arxiv": "arxiv arxiv_id arxivid eprint",
    "doi": "doi",
    "short_name": "简称 缩写 模型 名称 方法名 name model method short_name acronym",
    "links": "链接 地址 论文链接 论文地址 原文链接 代码 项目主页 link links url urls code demo pdf website project"
    " project_page github repo",
}
FIELD_OF = {label: field for field, labels in FIELDS.items() for label in labels.split()}

LABEL = re.compile(
    r"[\s>]{0,12}(?:[-*+•]\s{1,4}|\d{1,3}[.)]\s{1,4})?\W{0,4}?"
    r"(?P<label>[A-Za-z\u4e00-\u9fff][A-Za-z\u4e00-\u9fff /_-]{0,20}?)"
    r"\s{0,4}(?:\*\*|__)?\s{0,4}(?:::|[:：])\s{0,4}(?:\*\*|__)?\s{0,4}(?=\S)"
)


def field_of(label: str) -> str | None:
    """Return the field that a label or the heading of a column means: "**机构**" -> "organizations"."""
    key = re.sub(r"[\s_-]+", "_", label.strip(" *_`#:：\t").lower())
    return FIELD_OF.get(key) or FIELD_OF.get(key.replace("_", ""))


def labelled(lines: Iterable[str]) -> dict[str, str]:
    """Return the values of labelled lines by field, the first of each as it is written.

    Example: "> **论文**：*Some Title*" -> {"title": "*Some Title*"}.
    """
    found: dict[str, str] = {}
    for line in lines:
        if (match := LABEL.match(line)) and (field := field_of(match["label"])):
            found.setdefault(field, line[match.end() :].strip())
    return found
