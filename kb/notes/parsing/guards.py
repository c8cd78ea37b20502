"""What is never the title of a paper: dates, general words, addresses, names of files, numbers of preprints."""

import re

from kb.notes.ids import ARXIV_NUMBER, DOI, OLD_ARXIV_ID, VERSION
from kb.notes.parsing import dates, titles
from kb.notes.parsing.bylines import byline
from kb.notes.parsing.dates_words import names_month
from kb.notes.parsing.evidence import VENUE, VENUES
from kb.notes.parsing.titles import Found
from kb.patterns import pattern

_GENERAL = pattern(
    r"(?:the|a|an|my|our|your|this|these|some|all|of|for|on|in|and|to|with|from|by|about|vs|other|others|more|new|recent|latest|top|best"
    r"|moc|daily|weekly|monthly|yearly|week|weeks|month|months|day|days|year|years|today|current|misc|miscellaneous|general|selected|updates?"
    r"|updated|papers?|articles?|preprints?|publications?|works?|notes?|reading|readings|read|reads|list|lists|collections?|review|reviews"
    r"|survey|surveys|summary|summaries|overview|digest|recap|report|reports|log|logs|journal|club|blog|blogs|posts?|post|index|readme"
    r"|contents?|table|toc|home|about|archive|introduction|intro|references?|bibliography|appendix|resources?|links?|todo|done|doing|wip"
    r"|ideas?|thoughts|minutes|meetings?|agenda|further|misc|section|part|chapter|lecture|topics?|tags?|categories|category|keywords|abstract|conclusions?|discussion"
    r"|results?|methods?|background|related|novelty|speech|audio|vision|text|nlp|cv|asr|tts|llm|llms|slm|slms|vlm|rag|ai|ml|dl|rl|codec|codecs"
    r"|multimodal|lms?|agents?|models?|datasets?|data|benchmarks?|tools?|code|github|arxiv|pdf|doi|bibtex|bib|learning|deep|machine"
    r"|论文|文章|文献|阅读|笔记|读书|速记|速览|速递|精读|泛读|总结|汇总|整理|合集|记录|介绍|简介|引言|前言|摘要|相关|工作|背景|结论|小结"
    r"|每日|每周|每月|每年|本周|本月|今日|今天|周报|月报|日报|年报|推荐|清单|列表|目录|索引|想法|思考|个人|其他|其它|更多|最新|更新|分享"
    r"|已读|未读|待读|在读|语音|音频|视觉|文本|模型|大模型|数据集|数据|方法|实验|结果|工具|资源|参考文献|参考|引用|附录|概述|综述|问题"
    r"|计划|安排|信息|元数据|日志|首页|关于|归档|分类|标签|主题|领域|方向|与|和|及|的|之|篇|链接|资料|会议|组会|纪要"
    r"|随笔|随记|杂记|随想|感想|感受|心得|待办|只有|备注|补充|说明|讨论|开源|延伸|代码|权重|演示|视频|博客|主页|原文|地址|网站)"
)
_DATE = pattern(
    r"(?:19|20)\d\d|\d{1,2}|[qQ][1-4]|[年月日周号期季度上下半旬第届零〇一二三四五六七八九十初]|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?"
    r"|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|mon(?:day)?|tue(?:sday)?|wed(?:nesday)?"
    r"|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?|[wW]\d\d?|\d{6}|\d{8}|st|nd|rd|th"
)
_ONE_AND_OTHERS = pattern(  # and at most where it appeared
    r"[A-ZÀ-Þ][\w'’-]+(?: [A-ZÀ-Þ][\w'’-]+)? et\.? ?al\b\.?"
    r"(?=$|[,，.]\s*(?:[A-Z&]{1,8}|[A-Z]\w+(?: [A-Z]\w+)?)(?:\s|$|[,，]))"
)
_SURNAMES = pattern(r"[A-ZÀ-Þ][\w'’-]+(?:, [A-ZÀ-Þ][\w'’-]+){3,}")
_FOOTNOTE = pattern(r"\[\^[^\]\s]+\]:")
_VENUE = pattern(
    rf"\W*(?:{VENUE.pattern}|{VENUES}|[A-Z]{{2,8}}[ -]?(?:19|20)\d\d)\W*(?:papers?|论文)?\W*", re.IGNORECASE
)
SHORTEST_LABELLED = 5  # characters; no title behind a label is so short
LONGEST_DATE = 24  # characters
LONGEST = 80  # characters of a text that may be made of general words
_WORDS = pattern(r"[a-z]+|\d+|[\u3400-\u9fff]+", re.IGNORECASE)
_ADDRESS = pattern(r"[\s(（\[<]*(?:https?://|www\.|doi\.org/|arxiv\.org/)\S+>?\s*", re.IGNORECASE)
_FILE = pattern(r"\S+\.(?:pdf|md|markdown|txt|html?|docx?|pptx?|bib|png|jpe?g)", re.IGNORECASE)
_PATH = pattern(r"[\w.-]+(?:/[\w.-]+)+/?|\W+")
_SIGNS = pattern(r"\W+")
_NUMBER = pattern(
    rf"\s*(?:\w{{2,12}}\s*[:：]\s*)?(?:arxiv|doi)?\s*[:：]?\s*(?:\[?{ARXIV_NUMBER}{VERSION}\]?|{DOI}|{OLD_ARXIV_ID})"
    r"\s*(?:\[[\w.]+\])?\s*",
    re.IGNORECASE,
)


def title_in(text: str) -> Found | None:
    """Return the title in a text, which general words may make only where it is a link to a paper or a note."""
    found = None if _FOOTNOTE.match(text) else titles.find_title(text)
    if found and (_is_byline(found.title) or (names_nothing(found.title) and not titles.is_linked_title(text))):
        return None
    return found


def _is_byline(title: str) -> bool:
    """Whether a text lists people and names nothing else: "Ann One, Bo Two"."""
    if _ONE_AND_OTHERS.match(title) or _SURNAMES.fullmatch(title):
        return True
    return any(mark in title for mark in (",", "、", " and ", "&")) and bool(byline(title, is_paragraph=True))


def goes_on(title: str) -> bool:
    """Whether a text in normal form is the middle of a sentence: "builds on Toys", "read Toys"."""
    first, _, rest = title.partition(" ")
    return bool(rest) and first.isascii() and first.isalpha() and first.islower()


def labelled_title(value: str) -> Found | None:
    """Return the title that stands behind a label; None if that is too short to be one, or names nothing."""
    found = titles.find_title(value)
    return found if found and len(found.title) > SHORTEST_LABELLED and not names_nothing(found.title) else None


def names_nothing(title: str) -> bool:
    """Whether a text in normal form is made of dates, general words and punctuation alone, or is an address.

    Example: "2026年10月 论文笔记", "README", "Week 12", "2410.15017", "toy.pdf", "https://a.org".
    """
    if is_address(title) or (len(title) <= LONGEST_DATE and names_month(title) and dates.is_date(title)):
        return True
    if len(title) > LONGEST:
        return False
    return all(_is_general(word.lower()) for word in _WORDS.findall(title))


def is_address(title: str) -> bool:
    """Whether a text is an address, the name of a file, the number of a preprint or a date, and nothing else."""
    is_short = len(title) <= LONGEST
    patterns: tuple[re.Pattern[str], ...] = (_SIGNS, _VENUE) if is_short else ()
    if "/" in title or "." in title:
        patterns = (_ADDRESS, _FILE, _NUMBER, _PATH, _VENUE) if is_short or "/" in title else (_FILE,)
    if any(pattern.fullmatch(title) for pattern in patterns):
        return True
    return is_short and all(not _DATE.sub("", word.lower()) for word in _WORDS.findall(title))


def _is_general(word: str) -> bool:
    if _GENERAL.fullmatch(word) or _DATE.fullmatch(word):
        return True
    if word.isascii():
        return False
    rest = _GENERAL.sub("", word)
    return not _DATE.sub("", rest)
