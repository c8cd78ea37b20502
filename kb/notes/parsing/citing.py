"""Citations: people, and the title that stands behind them."""

from functools import lru_cache

from kb.patterns import pattern

LONGEST_LINE = 600  # characters of a line of names
SHORTEST_CITED = 12
LONGEST_CITED = 300  # characters of a title
_REMARKS = pattern(r"[(（][^()（）]*[)）]|\bet\.? ?al\b\.?|[\d*†‡§¶^¹²³⁴⁵✉∗]")
_APART = pattern(r"[,;，、；·|]|\band\b|&")
_SURNAMES = (  # the most common ones, of nine people in ten
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹"
    "孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符"
    "舒阮柯纪梅童凌毕单裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席"
    "張劉陳楊黃趙吳孫馬鄭謝許韓馮鄧蕭葉蘇魏呂盧鍾譚陸賈韋鄒閻龍賀顧嚴龔錢湯樂齊喬龐顏莊聶魯關蘭紀單葉"
)
_NAME = pattern(
    r"[A-ZÀ-Þ][\w.'’-]*(?:[ -](?:[A-ZÀ-Þ][\w.'’-]*|de|van|der|den|von|la|al|el|bin|del|dos|da|di)){1,4}"
    rf"|[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}|(?:欧阳|司马|上官|诸葛|司徒|夏侯|皇甫|尉迟|慕容|歐陽|司馬|諸葛)[\u4e00-\u9fff]{{1,2}}"
)
_INITIALS = pattern(r"(?:[A-Z]\.?[ -]?){1,3}")
_FAMILY = pattern(r"[A-ZÀ-Þ][\w'’-]+")
_NO_NAMES = pattern(r"https?:|[!?。；：:]|\.\s*$")
_STOP = pattern(r"(?<=[a-zà-ÿ)\d])[.?!]\s+")  # ends a sentence, not an initial
_QUOTED = pattern(r"(?P<people>[^\"“”\n]{3,200}?)[,.:]?\s+[\"“](?P<title>[^\"“”\n]{8,300}?)[,.]?[\"”]")
_WITH_OTHERS = r"(?:et\.? ?al\b\.?|u\. ?a\.|等人?)"
_ONE_PERSON = r"[A-ZÀ-ÞŠŽ][\w'’-]+(?: [A-ZÀ-Þ][\w'’-]+)?"
_PEOPLE_BEHIND = pattern(rf"\s*[,.，。(（–—-]\s*{_ONE_PERSON}(?:,? (?:and|&) {_ONE_PERSON})? ?{_WITH_OTHERS}.{{0,60}}$")
_CITED_BEHIND = pattern(
    rf"[(（](?P<brackets>[A-ZÀ-Þ][^()（）\d]{{1,80}}?(?:{_WITH_OTHERS}|(?: and | & )[A-ZÀ-Þ][\w.'’ -]{{1,30}}))"
    r"[,，]?\s(?:[A-Z]\w+\s)?(?:19|20)\d\d[^()（）]{0,12}[)）]"
    rf"|^[\s.:：,，—–(（\"”-]{{0,4}}(?P<bare>{_ONE_PERSON}(?: ?{_WITH_OTHERS}|(?: & | and ){_ONE_PERSON}(?=, [A-Z])))"
)
_SURNAME = r"[A-ZÀ-ÞŠŽ][\w'’-]+"
_SURNAMES_ALONE = pattern(
    rf"{_SURNAME}(?:, {_SURNAME})*,? (?:&|and|und) {_SURNAME}|{_SURNAME}(?:, {_SURNAME}){{2,}}(?:,? et al\.?)?"
)
_OTHERS = pattern(r"\bet\.? ?al$")


@lru_cache(maxsize=1024)
def are_people(text: str) -> bool:
    """Whether a line is made of two personal names or more: "Ann One, Bo Two", "One, A., & Two, B.", "张三、李四"."""
    if not 5 <= len(text) <= LONGEST_LINE:
        return False
    bare = _REMARKS.sub("", text).strip(" .")
    if _NO_NAMES.search(bare):
        return False
    parts = [part for piece in _APART.split(bare) if (part := piece.strip(" ."))]
    initials = sum(bool(_INITIALS.fullmatch(part)) for part in parts)
    if initials and initials >= 0.3 * len(parts):  # One, A., Two, B.
        named = sum(bool(_FAMILY.fullmatch(part) or _NAME.fullmatch(part)) for part in parts)
        return named >= 1 and named + initials >= 0.8 * len(parts)
    named = sum(bool(_NAME.fullmatch(part)) for part in parts)
    return named >= 2 and named >= 0.7 * len(parts)


def without_people_behind(title: str) -> str:
    """Return a title without the people that are cited behind it: "Toys that Talk, One et al." -> "Toys that Talk"."""
    found = _PEOPLE_BEHIND.search(title)
    return title[: found.start()] if found and found.start() > SHORTEST_CITED else title


def is_person(text: str) -> bool:
    """Whether a text is one personal name: "Ann One"; a Chinese one alone may be any word."""
    return " " in text and bool(_NAME.fullmatch(text))


def are_surnames(text: str) -> bool:
    """Whether a text lists people by their surnames: "One, Two & Three"."""
    return bool(_SURNAMES_ALONE.fullmatch(text))


def cited_people(text: str) -> str | None:
    """Return the people that are cited behind a title: "(One et al., 2024)", ". One et al.", "One & Two, ACL"."""
    found = _CITED_BEHIND.search(text)
    return found["brackets"] or found["bare"] if found else None


def cited_title(text: str) -> str | None:
    """Return the title of a citation that begins with people: "Ann One and Bo Two. Toys that Speak. ACL 2020."."""
    if text.startswith(("*", "_", "[", "`", "<")):
        return None
    if quoted := _QUOTED.match(text):
        return quoted["title"] if are_people(quoted["people"]) or _NAME.fullmatch(quoted["people"]) else None
    first = _STOP.search(text, 0, LONGEST_LINE)
    if not first:
        return None
    people = text[: first.start()]
    end = _STOP.search(text, first.end(), first.end() + LONGEST_CITED)
    is_one = bool(end and _NAME.fullmatch(people.strip()))  # a single name needs more behind the title
    if not (is_one or are_people(people) or _OTHERS.search(people)):
        return None
    title = text[first.end() : end.start() if end else first.end() + LONGEST_CITED].rstrip(" .")
    return title if len(title.split()) >= 2 and "//" not in title else None
