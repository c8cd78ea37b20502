"""Titles as people write them, in list items, table cells, headings and file names -> the title itself."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import lru_cache
from typing import NamedTuple

from kb.notes.ids import ARXIV_NUMBER, VERSION
from kb.notes.parsing import citing, dates
from kb.notes.parsing.evidence import VENUE, links_to_paper, research_words
from kb.notes.parsing.labels import labelled
from kb.notes.parsing.outline import Block
from kb.patterns import pattern

ALIKE = 0.5  # share of letters from which on two titles beside one another are one
NAME_WORDS = 3  # of a system's name, which the title goes on from after a colon: **Toy**: A Codec
LONGEST_LEAD = 420  # characters in which a line sets its title apart
SET_APART_WORDS = 4
CAPITALS = 0.5  # for each longer word of a title
LONGEST_BEFORE = 12  # characters of the words before a title in bold
LONGEST = 2000  # characters that are looked at: no title is longer
_MARKUP = pattern(r"[\[*_`<~=\\]")
_IMAGE = pattern(r"!\[[^\]]*\]\([^)]*\)|<img\b[^>]*>", re.IGNORECASE)
_LINK = pattern(r"\[(?P<label>(?:[^\[\]]|\[[^\[\]]*\])*)\](?:\((?P<url>(?:[^()\s]|\([^()]*\))*)[^()]*\)|\[[^\]]*\])")
_BARE_ADDRESS = pattern(r"<?https?://[^\s>)\]]+>?")
_LINK_ALONE = pattern(r"\s*\[(?:[^\[\]]|\[[^\[\]]*\])+\]\([^()\s]+\)\W*")
_WIKI = pattern(r"\[\[(?P<target>[^\]|#]+)(?:#[^\]|]*)?(?:\|(?P<label>[^\]]+))?\]\]")
_TAG = pattern(r"</?[A-Za-z][^>]*>")
_EMPHASIS = pattern(r"(?<!\\)(?P<mark>\*{1,3}|_{2,3}|~~|==)(?=\S)(?P<inner>.+?)(?<=[^\s\\])(?P=mark)")
_CODE = pattern(r"`+([^`]+)`+")
_ESCAPE = pattern(r"\\([\\`*_{}\[\]()#+\-.!&|<>~$])")
_INVISIBLE = pattern("[\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff\ufe0f\x00-\x08\x0b-\x1f\x7f]")
_STAR = pattern("[☆★⭐🌟✨🔥❤👍⚡🚀🏆💡📄📝🆕]\ufe0f?")
_HEADING_STARS = frozenset("☆★⭐")
_CHECKBOX = pattern(r"^\[[ xX]\]\s+")
_NUMBERING = pattern(
    r"^(?:\(?\d{1,3}[.)、．]\s*|\[\d{1,3}\]\s+|\d\ufe0f?\u20e3\s*|[①-⑳]\s*|[一二三四五六七八九十]{1,3}[、．.]\s*)(?=\D)"
)
_TAGS_IN_CODE = pattern(
    r"^(?:\**`(?=[^`]*[^\W\d])[^`]{1,40}`\**[ \t]+)+(?=\[)"
)  # before a linked title: "`GAN` [Toys](a.md)"
_EMPHASIZED_LEAD = pattern(r"(?P<mark>\*\*|__)(?P<inner>[^*_]{2,24})(?P=mark)[\s:：]+(?=\S)")  # "**第 1 周** Toys"
_EMPHASIZED_DATE = pattern(r"^([*_`]{1,3})(\d{4}[-/.\d]{0,8}[:：]?)\1")
_DATE = pattern(
    r"^[\[(【（「]?\s*(?P<date>(?:19|20)\d\d(?:\s*[-/.年_]\s*\d{1,2}(?:\s*[-/.月]\s*\d{1,2}日?|月)?)?)\s*年?[\])】）」`]?[\s:：,，-]+(?=\S)"
    r"|^(?P<compact>(?:19|20)\d\d(?:0[1-9]|1[0-2]))\s+(?=\S)"
)
_LEADING_DAY = pattern(  # "9月3日 Toys", "09/25 Toys", "5. Oktober 2024: Toys"
    r"^(?P<short>\d{1,2}\s?月\s?\d{1,2}\s?[日号]|(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])(?!/))[\s:：,，—–-]+(?=\w)"
    r"|^(?P<day>(?=[^:：—–]*\d)[^:：—–]{6,24}?)\s*[:：—–]\s*(?=\w)"
)
_TRAILING_DATE = pattern(
    r"\s*[(（\[]\s*(?:\*\*)?\s*(?:[A-Za-z ,.'’-]{0,30}\s*)?(?P<date>(?:19|20)\d\d(?:\s*[-/.]\s*\d{1,2}){0,2})"
    r"\s*(?:\*\*)?\s*[)）\]]\s*$"
)
_LEADING_TAG = pattern(  # "[2020 ICML] ", "【CVPR'21】", "VLDB'19 - ", "1511.06085 "
    r"^[\[【(（]\s*(?P<tag>(?=[^\]】)）]*\d{2})(?!\s*\d{1,2}\s*[\]】)）])[A-Za-z0-9 .'’,/&-]{2,40})[\]】)）](?!\()"
    r"\s*[-–—:：|]?\s*(?=\S)"
    r"|^(?P<before>[A-Z][A-Za-z]*(?: [A-Z][A-Za-z]*){0,2}\s?['’]\d\d|[A-Z]{2,}[A-Za-z]* (?:19|20)\d\d)"
    r"\s*[-–—:：|]\s+(?=\S)"
    rf"|^(?P<number>{ARXIV_NUMBER}{VERSION})[\s:：-]+(?=\S)"
)
_LEADING = pattern(  # what may stand before a title and is no part of it
    r"^[\s*_`~>|+-]*(?:\[[ xX]\]\s*)?(?:\d{1,3}[.)、]\s*)?(?:[\[(【（`][^\])】）`]{1,40}[\])】）`]\s*)?"
    r"(?:(?:papers?|title|论文|题目|标题)\W{1,4})?",
    re.IGNORECASE,
)
_BRACKETED = pattern(r"^\[(?P<title>[^\[\]]{12,300})\]$")
_TRAILING_PLACE = pattern(  # "(NeurIPS 2022 Workshop)", "(arXiv:2407.00001)"
    rf"\s*[(（\[][^()（）\[\]]{{0,40}}(?:{VENUE.pattern}|arxiv\s*[:：]?\s*{ARXIV_NUMBER})[^()（）\[\]]{{0,40}}[)）\]]\s*$",
    re.IGNORECASE,
)
_DIGIT = pattern(r"\d")
_TRAILING_VENUE = pattern(rf"\s*[,，]\s+(?:{VENUE.pattern})\s*$", re.IGNORECASE)  # ", ICASSP 2020"
_BRACKET_TAG = pattern(r"^(?:\[[^\]\[]{1,30}\](?!\()|【[^】]{1,30}】)\s*(?=\S)")
_NOTE_WORDS = (
    "论文十问|读论文|讀論文|論文閱讀|論文筆記|論文導讀|論文メモ|論文紹介|読書メモ|论文阅读笔记|论文精读笔记|论文学习笔记|论文笔记|论文阅读|论文精读|论文解读"
    "|论文速览|论文速读|论文速递|论文速记|论文总结|论文汇总|论文合集|论文分享|论文推荐"
    "|阅读笔记|读书笔记|学习笔记|精读笔记|精读|解读|笔记"
)
_NOTE_SUFFIX = pattern(
    rf"[\s\-_—–:：|,，]*[(（\[【]?(?:{_NOTE_WORDS}|(?:paper |reading )?notes?|paper reading|(?:paper )?summary)"
    r"[)）\]】]?"
    r"(?:\.md)?\s*$",
    re.IGNORECASE,
)
_NOTE_PREFIX = pattern(
    rf"^(?:[\[【(（]\s*(?:{_NOTE_WORDS}|paper(?: reading| notes?)?)\s*[\]】)）]\s*[:：\-—|]?\s*"
    rf"|(?:{_NOTE_WORDS}|paper(?: reading| notes?| review)?|reading notes?"
    r"|(?:lese)?notiz(?:en)?(?: zu)?|notes? (?:on|sur)|notas(?: sobre)?)"
    r"\s*(?:[(（][一二三四五六七八九十\d]{1,4}[)）]\s*)?[:：\-—–|]+\s*)",
    re.IGNORECASE,
)
_CALLS_ITSELF_NOTE = pattern(
    r"(?:阅读|精读)笔记|论文.{0,4}(?:笔记|阅读|精读|解读|摘录|翻译)"
    r"|\bpaper (?:reading|notes?)\b|\breading notes? (?:of|on)\b",
    re.IGNORECASE,
)
_GENERIC = pattern(
    r"\W*(?:(?:link to )?(?:the )?(?:papers?|pdf|arxiv|abs|code|github|git|repo|demos?|project|page|homepage|home"
    r"|links?|blog|post|slides?|video|talk|tweet|data|dataset|model|weights|hf|huggingface|openreview|website|web|site|url|html|bib|bibtex"
    r"|cite|poster|supp|supplementary|appendix|notes?|docs?|report|technical report|here|read more|more|samples?"
    r"|论文|原文|代码|链接|主页|演示|项目|项目主页|博客|笔记|详情|视频|数据|数据集|知乎|解读|官网|地址|原文链接|论文链接|代码链接|全文)"
    rf"(?:[-_ ]?\d+)?|{ARXIV_NUMBER}{VERSION}|\W+)\W*$",
    re.IGNORECASE,
)
_GUILLEMETS = pattern(r"《(?P<title>[^》]+(?:《[^》]*》[^》]*)*)》")
_TOLD = pattern(
    r"(?:论文|文章|题目|标题|工作|介绍|推荐|分享|带来|paper)[^《》。\n]{0,30}《(?P<after>[^《》\n]{6,200})》"
    # A book has no such title: it has three words of Latin letters at least.
    r"|[读看学][了完过到][^《》。\n]{0,12}《(?P<read>(?=(?:[^》]*[A-Za-z]{2,}\W+){3})[^《》\n]{6,200})》"
    r"|《(?P<before>[^《》\n]{6,200})》[^。\n]{0,20}(?:论文|文章|一文|工作|发表)"
)
_CITATION = pattern(r"[A-Z][^()（）\[\]]{2,200}\(\d{4}[a-z]?\)[.,:]\s+(?P<title>[^.\[\]]{8,300}[^.\[\]\s])[.?!]\s")
_QUOTED = pattern(r"[\"“](?P<title>[^\"”]{8,300})[\"”]")
_SET_APART = pattern(
    r"(?<![\w*])(?P<mark>\*{1,3}|_{1,3})(?=[^\s*_])(?P<emphasized>[^*\n]{16,300}?)(?<=\S)(?P=mark)(?![\w*])"
    r"|[\"“](?P<quoted>[^\"“”\n]{16,300})[\"”]"
)
_SETTING_APART = frozenset('*_"“”')
_NAME_BEFORE = pattern(r"^\W*[\w-]+[.:：]\s+")  # "**Toy.** One et al., *Toys that Learn to Talk*"
_SENTENCE_END = pattern(r"[.!?]\s|[。！？]")
_END = pattern(
    r"\s{2,}|\s*<br\s*/?>|\s+[-–—|]+\s+|\s*｜\s*|\t|[。；;]|(?<=[a-z?!)]{2})\.\s|\s*[(（\[]\s*(?:\d{4}|http|arxiv\b|doi\b)|，"
    r"|\s*[(（](?-i:[A-Z][A-Za-z]*[A-Z]\w*)['’ ]*(?:19|20)?\d\d\b"
    r"|\s*<?https?://",
    re.IGNORECASE,
)
_LEADING_ADDRESS = pattern(r"^<?https?://[^\s>]+>?[\s:：,，-]+(?=\w)")
_FOOTNOTE = pattern(r"\[\^[^\]\s]+\]\s*$")


def leading_tag(text: str) -> str:
    """Return the year, venue or number in brackets before a title: "[2020 ICML] Toys" -> "[2020 ICML] "."""
    found = _LEADING_TAG.match(text.strip())
    return found[0] if found else ""


def without_stars(text: str) -> str:
    """Return text without stars and other signs of worth."""
    return _STAR.sub("", text)


def has_star(heading: str) -> bool:
    """Whether a heading carries the star of a paper worth coming back to."""
    return not _HEADING_STARS.isdisjoint(heading)


class Found(NamedTuple):
    """A title found in a text, with its date and star."""

    title: str
    written: str  # the title as it stands in the notes
    date: str | None
    is_starred: bool


def heading_names(path: Iterable[Block]) -> tuple[str, ...]:
    """Return the texts of headings in normal form."""
    return tuple(normal(plain(block.text)) for block in path)


@lru_cache(maxsize=2048)
def plain(text: str) -> str:
    """Return text without Markdown: links as their labels, no emphasis, pictures, tags or escapes."""
    text = text[:LONGEST]
    if not _MARKUP.search(text):
        return text
    text = _IMAGE.sub("", text)
    for _ in range(3):  # emphasis and links stand in one another
        before = text
        text = _WIKI.sub(lambda found: found["label"] or found["target"], text)
        text = _LINK.sub(lambda found: found["label"], text)
        text = _EMPHASIS.sub(lambda found: found["inner"], text)
        if text == before:
            break
    return _ESCAPE.sub(r"\1", _CODE.sub(r"\1", _TAG.sub(" ", text)))


@lru_cache(maxsize=2048)
def normal(text: str) -> str:
    """Return a title in normal form: NFKC, nothing invisible, single spaces, no closing mark.

    Example: "E\ufb03cient\u200b  Codecs：Ｘ" -> "Efficient Codecs:X".
    """
    text = _INVISIBLE.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.replace("\u00a0", " "))
    return " ".join(text.split()).strip(" .,;:|-–—*_，、；。")


def undecorated(text: str) -> str:
    """Return a heading or name of a file without what says only that it is a note: "X 阅读笔记" -> "X"."""
    text = _STAR.sub("", text[:LONGEST]).strip()
    for _ in range(3):
        before = text
        text = _NOTE_PREFIX.sub("", _NOTE_SUFFIX.sub("", text)).strip()
        if len(without := _BRACKET_TAG.sub("", text)) > 8:
            text = without
        if text == before:
            break
    return text


def is_note_of_paper(text: str) -> bool:
    """Whether a heading or the name of a file calls itself a note of a paper."""
    return bool(_CALLS_ITSELF_NOTE.search(text))


def _is_named_after(link: str, title: str) -> bool:
    """Whether the label of a link says only that there is a paper, or is the title of it."""
    label = normal(plain(link))
    return bool(_GENERIC.fullmatch(label)) or (label.lower() in title.lower() and len(label) > 0.5 * len(title))


def says_what(link: str) -> bool:
    """Whether a link's label says only what is linked: "[pdf](a.pdf)", "[论文](https://a.org)"."""
    return bool(_GENERIC.fullmatch(plain(link)))


def links(text: str) -> list[tuple[str, str]]:
    """Return (label, address) of each link in text."""
    return [(found["label"], found["url"] or "") for found in _LINK.finditer(text[:LONGEST])]


def own_links(text: str) -> list[str]:
    """Return the links of text that are those of what it names: they begin it, or their label only says what is linked.

    Example: "**[Toys](toys.md)**, see [More](more.md) [[pdf](a.pdf)]" -> ["[Toys](toys.md)", "[pdf](a.pdf)"].
    """
    text = _TAGS_IN_CODE.sub("", text[:LONGEST])
    found = [one[0] for one in _WIKI.finditer(text) if not re.search(r"\w", text[: one.start()])]
    for one in _LINK.finditer(text):
        before = _LEADING.sub("", text[: one.start()])
        if not re.search(r"[^\W\d_]", before) or _GENERIC.fullmatch(plain(one["label"])):
            found.append(one[0])
    return found


def without(text: str, parts: Iterable[str]) -> str:
    """Return text without some of its parts."""
    for part in parts:
        text = text.replace(part, "", 1)
    return text


def without_links(text: str) -> str:
    """Return text without links whose label only says what is linked, and without addresses."""
    bare = _LINK.sub(lambda found: "" if _GENERIC.fullmatch(plain(found["label"])) else found["label"], text[:LONGEST])
    return without_addresses(bare)


def without_addresses(text: str) -> str:
    """Return text without bare addresses."""
    return _BARE_ADDRESS.sub("", text) if "//" in text else text


def links_to_its_paper(line: str, title: str) -> bool:
    """Whether a line links to the paper called title: by an address alone, a label such as pdf, or that title."""
    if not links_to_paper(line) or line.lstrip().startswith("|"):
        return False
    item = re.match(r"\s*(?:[-*+]|\d+[.)])\s+(?P<text>.*)", line)
    if item and find_title(item["text"]) and not labelled([line]):
        return False
    found = links(line)
    return not found or any(_is_named_after(label, title) for label, url in found if links_to_paper(url))


def is_link_alone(line: str) -> bool:
    """Whether a line is one link and nothing else."""
    return bool(_LINK_ALONE.fullmatch(line))


def is_anchor(text: str) -> bool:
    """Whether text begins with a link to a place in its own file, as a table of contents does."""
    found = _LINK.match(text.lstrip("*_ "))
    return bool(found and (found["url"] or "").startswith("#"))


def is_linked_title(text: str) -> bool:
    """Whether text is a link to a paper or a note from five words or more, whatever the words are."""
    return any(
        len(label.split()) >= 5 and (links_to_paper(f"[]({url})") or url.endswith(".md")) for label, url in links(text)
    )


def looks_published(text: str) -> bool:
    """Whether text reads as the title of a paper and as nothing else: long, in capitals, of the words of research."""
    words = re.findall(r"[A-Za-z][\w-]+", text)
    capitals = sum(word[0].isupper() for word in words)
    return len(words) >= 8 and capitals >= 0.6 * len(words) and research_words(text) >= 2


def of_file(stem: str) -> str:
    """Return the title that the name of a file is: "Toy--A_Codec 阅读笔记" -> "Toy: A Codec"."""
    text = undecorated(stem)
    text = re.sub(r"^(?:19|20)\d\d(?:[-_.]\d{1,2}){1,2}[-_ ]+", "", text)
    text = re.sub(r"\s*--+\s*", ": ", text)
    if " " not in text.replace(": ", ""):
        text = re.sub(r"[-_]+", " ", text) if text.count("-") + text.count("_") > 1 else text.replace("_", " ")
    return normal(text.replace("_", " ") if " " in text else text)


@lru_cache(maxsize=1024)
def find_title(text: str) -> Found | None:
    """Return the title in the text of a list item, a heading or a table cell; None if nothing there can be one.

    Example: "[2024/10] **Some Title**, A. Author [[pdf](…)]" -> title "Some Title", date "2024-10".
    """
    text = text[:LONGEST].replace("\n", " ")
    is_starred = bool(_STAR.search(text))
    text = _CHECKBOX.sub("", _IMAGE.sub("", _STAR.sub("", text)).strip()).strip()
    text = _LEADING_ADDRESS.sub("", _FOOTNOTE.sub("", text), count=1) if "//" in text or "[^" in text else text
    if (day := _LEADING_DAY.match(text)) and (day["short"] or (dates.day_in(day["day"]) and dates.is_date(day["day"]))):
        text = text[day.end() :]
    text = _TAGS_IN_CODE.sub("", _NUMBERING.sub("", text).strip())
    date = None
    if ((tag := _LEADING_TAG.match(text)) and re.search("[A-Za-z]", tag[0])) or (tag and tag["number"]):
        text = text[tag.end() :]
        year = re.search(r"(?:19|20)\d\d", tag["tag"] or tag["before"] or "")
        date = year[0] if year else None
    text = _EMPHASIZED_DATE.sub(r"\2 ", text)
    if (lead := _EMPHASIZED_LEAD.match(text)) and dates.is_date(lead["inner"]):
        text = text[lead.end() :]
    bare = text.lstrip("*_` ")
    if (leading := _DATE.match(bare)) and len(bare) > leading.end():
        date = leading["date"] or leading["compact"]
        text = bare[leading.end() :].lstrip(":： " if bare == text else "*_`:： ")
    written = _written(text)
    title = plain(written)
    if tag := _LEADING_TAG.match(title):
        title = title[tag.end() :]
    if trailing := _TRAILING_DATE.search(title):
        date = date or trailing["date"]
        title = title[: trailing.start()]
    if _DIGIT.search(title):
        title = _NUMBERING.sub("", _TRAILING_VENUE.sub("", _TRAILING_PLACE.sub("", title)))
    title = normal(citing.without_people_behind(title))
    if len(re.sub(r"[\W\d_]", "", title)) < 2 or _GENERIC.fullmatch(title):
        return None
    return Found(title, written.strip(), date, is_starred)


def are_alike(one: str, other: str) -> bool:
    """Whether two headings, or a heading and the name of a file, name the same paper."""
    one, other = one.lower(), other.lower()
    return one in other or other in one or SequenceMatcher(None, one, other, autojunk=False).ratio() >= ALIKE


def told_title(line: str) -> Found | None:
    """Return the title in guillemets that a sentence says is a paper's: "今天介绍 ICSE 的工作《Toys that Talk》"."""
    told = _TOLD.search(line[:LONGEST])
    return find_title(f"《{told['after'] or told['read'] or told['before']}》") if told else None


def _emphasized_behind(text: str) -> "re.Match[str] | None":
    """Return the title in bold that a word or two stand before: "读完 **A Toy of Speech**"."""
    found = _EMPHASIS.search(text)
    if (
        not found
        or not 0 < found.start() <= LONGEST_BEFORE
        or len(found["inner"].split()) < NAME_WORDS
        or len(found["mark"]) < 2
    ):
        return None
    before = text[: found.start()]
    return None if re.search(r"[:：,，.。\]\)]", before) else found


def set_apart(text: str) -> str | None:
    """Return the title that a line sets apart behind people, a name or a date: "One et al., *Toys that Learn to Talk*".

    It has words enough in capitals to be one, unless people stand before it, and begins in the first sentence.
    """
    if _SETTING_APART.isdisjoint(text):
        return None
    for found in _SET_APART.finditer(text, 0, LONGEST_LEAD):
        before = _NAME_BEFORE.sub("", plain(text[: found.start()]))
        title = plain(found["emphasized"] or found["quoted"])
        words = re.findall(r"[^\W\d_][\w'’-]*", title)
        before = before.strip(" *_,.:—–-")
        is_cited = bool(citing.cited_people(before)) or citing.are_people(before) or citing.are_surnames(before)
        capitals = sum(word[0].isupper() for word in words) / (sum(len(word) > 3 for word in words) or 1)
        if len(words) >= SET_APART_WORDS and (is_cited or capitals >= CAPITALS):
            return title if is_cited or not _SENTENCE_END.search(before) else None
    return None


def _written(text: str) -> str:
    """Return the stretch of text that holds its title."""
    if found := _GUILLEMETS.search(text) or _CITATION.match(text) or _BRACKETED.match(text):
        return str(found["title"])
    if wiki := _WIKI.match(text):
        return str(wiki["label"] or wiki["target"])
    if apart := set_apart(text):
        return apart
    if cited := citing.cited_title(text):
        return cited
    found = _EMPHASIS.match(text) or _emphasized_behind(text)
    is_only_name = found and len(found["inner"].split()) <= NAME_WORDS and re.match(r"\s?[:：]", text[found.end() :])
    if found and not is_only_name and not _GENERIC.fullmatch(plain(found["inner"])):
        return str(found["inner"])
    link = next((one for one in _LINK.finditer(text) if not _GENERIC.fullmatch(plain(one["label"]))), None)
    if link and (link.start() == 0 or not plain(text[: link.start()]).strip(" -*[(（【|:：")):
        return str(link["label"])
    if found := _QUOTED.match(text):
        return str(found["title"])
    stop = min(
        (one.start() for one in _LINK.finditer(text) if _GENERIC.fullmatch(plain(one["label"]))), default=len(text)
    )
    end = _END.search(text[:stop], 2)
    return text[: end.start() if end else stop].rstrip(" [(（,，:：-")
