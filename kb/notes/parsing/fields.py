"""The names of what notes say about papers: labels, keys and columns in Chinese and English -> fields."""

import unicodedata
from functools import lru_cache

from kb.patterns import pattern
from kb.terms import VARIANTS

# field -> its labels in normal form, as label_key gives it
FIELDS = {
    "title": "全称 全名 论文 论文全名 论文标题 论文题目 论文名称 论文名 标题 题目 题名 篇名 原文标题 原标题"
    " 原题 英文标题 英文题目 タイトル 제목 titel titre título title paper article papertitle"
    " papername originaltitle fulltitle",
    "authors": "作者 著者 저자 论文作者 全部作者 所有作者 作者列表 author authors creator creators authorlist"
    " writtenby verfasser autoren auteurs autores",
    "first_author": "第一作者 一作 共同一作 firstauthor firstauthors leadauthor",
    "corresponding_author": "通讯作者 通信作者 correspondingauthor correspondingauthors",
    "organizations": "机构 所属 单位 组织 团队 作者单位 作者机构 所属机构 研究机构 所属单位 研究团队 第一单位"
    " 第一作者单位 公司 学校 院校 affiliation affiliations organization organizations organisation"
    " organisations institution institutions institute institutes org orgs affil company companies",
    "date": "发表年 发布时间 发表时间 发布日期 发表日期 发表年份 发表年月 出版时间 出版日期 出版年份"
    " 提交时间 公开时间 论文时间 时间 日期 年份 年月 date published year publicationdate"
    " publicationyear datepublished publisheddate publishdate pubdate pubyear erschienen releasedate"
    " released submitted issued month",
    "read": "阅读时间 阅读日期 読んだ日 読了日 读于 阅读于 笔记日期 笔记时间 记录时间 记录日期 创建时间"
    " 创建日期 添加时间 添加日期 汇报时间 汇报日期 分享时间 分享日期 讲解时间 讲解日期 gelesen"
    " gelesenam read readin 阅读月份 finished finishedon completed readon dateread readdate created"
    " createdat createdon createdtime datecreated creationdate added addedon dateadded imported"
    " importedon importdate reviewdate presented presentedon",
    "venue": "会议 学会 期刊 会议期刊 期刊会议 发表于 发表会议 发表期刊 发表状态 发表情况 发表刊物 发表在"
    " 会议名称 期刊名称 会议名 期刊名 刊物 出处 来源 收录 收录于 录用 录用情况 venue conference"
    " journal journalconference conferencejournal booktitle publication publishedin publishedat conf"
    " journaltitle journalname publicationtitle containertitle proceedings acceptedat acceptedby",
    "keywords": "关键词 关键字 标签 キーワード stichworte schlagworte 分类标签 研究方向 研究领域 keywords"
    " keyword tags tag topics topic subjects",
    "arxiv": "arxiv arxivid arxivnumber eprint arxiv编号 arxiv号",
    "doi": "doi",
    "openreview": "openreview openreviewid",
    "acl": "acl aclid anthology anthologyid aclanthology",
    "citation_key": "citekey citationkey bibtexkey bibkey bibtexcitekey citationid refkey",
    "short_name": "简称 缩写 模型 名称 方法名 模型名 模型名称 name model method shortname acronym shorttitle"
    " abbreviation",
    "links": "链接 连结 リンク 地址 网址 论文链接 论文连结 论文地址 论文网址 原文链接 原文地址 原文 文章链接"
    " pdf链接 下载链接 代码 代码链接 代码地址 开源代码 开源地址 开源链接 源码 源代码 项目 项目主页"
    " 项目地址 项目链接 主页 演示 link links url urls uri code demo pdf website web homepage project"
    " projectpage projecturl github repo repository paperurl paperlink pdfurl pdflink codeurl"
    " codelink githuburl githublink arxivurl arxivlink doiurl doilink demourl source sourceurl"
    " officialcode implementation html id paperid identifier",
}
LONGEST_LABEL = 40  # characters
_HAN = pattern("[\u4e00-\u9fff]+")


@lru_cache(maxsize=4096)
def label_key(label: str) -> str:
    """Return the form that all spellings of a label share: "arXiv-ID" and "arxivId" -> "arxivid", 論文 -> 论文."""
    text = label if label.isascii() else unicodedata.normalize("NFKC", label).translate(VARIANTS)
    return "".join(mark for mark in text.casefold() if mark.isalnum())


FIELD_OF = {label_key(label): field for field, labels in FIELDS.items() for label in labels.split()}


@lru_cache(maxsize=4096)
def field_of(label: str) -> str | None:
    """Return the field that a label, a key or the heading of a column means: "**机构**" -> "organizations".

    A label in two languages means what both of them do: "作者 (Authors)" -> "authors".
    """
    if len(label) > LONGEST_LABEL:
        return None
    key = label_key(label)
    if (field := FIELD_OF.get(key)) or key.isascii():
        return field
    han = "".join(_HAN.findall(key))
    fields = {FIELD_OF.get(part) for part in (han, _HAN.sub("", key)) if part}
    return fields.pop() if len(fields) == 1 else None
