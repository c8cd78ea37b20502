"""Bytes of a note -> its text. UTF-8 is expected and UTF-16 read where it says so; of others the way out is told."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE, getincrementaldecoder
from typing import NamedTuple

from kb.errors import NoteError
from kb.patterns import pattern
from kb.terms import VARIANTS

LINE_END = pattern(r"\r\n|\n|\r")
UTF_8 = "UTF-8"
SAMPLE = 4096  # bytes from the line on that holds the first that is not UTF-8, to guess by
MOSTLY = 0.9  # of a text: so much of it is as it should be
FEWEST = 4  # bytes that are not ASCII, to tell alphabets apart
LIKELY = 0.45  # what the characters of a text are worth on average for an encoding to be believed

_MARKS = (
    (BOM_UTF32_LE, "UTF-32"),
    (BOM_UTF32_BE, "UTF-32"),
    (BOM_UTF16_LE, "UTF-16"),
    (BOM_UTF16_BE, "UTF-16"),
)


class Eastern(NamedTuple):
    """An encoding of Chinese, Japanese or Korean."""

    name: str  # as iconv calls it
    decoder: str  # as Python does
    standard: str  # the set whose common characters begin, in their bytes, with one of first to last
    first: bytes
    last: bytes


_EASTERN = (
    Eastern("GBK", "gbk", "gb2312", b"\xb0", b"\xd7"),
    Eastern("GB18030", "gb18030", "gb2312", b"\xb0", b"\xd7"),
    Eastern("BIG5", "big5", "big5", b"\xa4", b"\xc6"),
    Eastern("SHIFT_JIS", "cp932", "shift_jis", b"\x88", b"\x97"),
    Eastern("EUC-JP", "euc_jp", "euc_jp", b"\xb0", b"\xcf"),
    Eastern("EUC-KR", "cp949", "euc_kr", b"\xb0", b"\xc8"),
)
_OTHERS = pattern(r"CP125\d|CP874|KOI8-[RU]|ISO8859-\d+")  # of what charset-normalizer may say, what notes are in
_CHINESE = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学"
    "如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实语音文字论模型数据训练方法结果问题系统研究网络信息标题内容使用"
    "通量化声调编码生成识别表示层次高新同时间提出关于可见今日总结笔记阅读与及等两三二更最由无被将向并且此"
)
_KOREAN = frozenset(
    "이다에의는로하을가고지서한은기으년대사시를리도인스일어해여라자나정보수음성식연구그것과들있었했논문"
)
_WESTERN = pattern("[\\x00-\\x7fÄÖÜäöüßÀÂÇÈÉÊËÎÏÔÙÛàâçèéêëîïôùûáíóúñÑ¿¡åæøœÅÆØŒ‘’“”–—…•«»°·×€£]*")
_PUNCTUATION = pattern("[\u3000-\u3003\u3008-\u3011\uff01-\uff0f\uff1a\uff1b\uff1f\uff08\uff09]")
_KANA = pattern("[\u3041-\u3096\u30a1-\u30fa\u30fc]")


def decoded(data: bytes, file: str) -> tuple[str, str]:
    """Return the text that data holds, and the name of its encoding: "UTF-8", or "UTF-16" if its first bytes say so.

    Raises: NoteError with file and line if it is neither, with what it seems to be and what makes UTF-8 of that.
    """
    for mark, name in _MARKS:
        if data.startswith(mark) and len(data) > len(mark):
            try:
                return _checked(data.decode(name), file), name
            except UnicodeDecodeError as error:
                what = f"begins as {name} and breaks off at byte {error.start}"
                raise NoteError(what, "save it as UTF-8", file) from None
    if unmarked := without_mark(data):
        raise NoteError(f"seems to be {unmarked} without the mark that says so", advice(unmarked), file, 1)
    try:
        return _checked(data.decode("utf-8-sig"), file), UTF_8
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"not UTF-8 (byte 0x{data[error.start]:02x})"
        if _is_alone(data, error.start):
            raise NoteError(f"{what}, though the text around it is", "mend this line", file, line) from None
        raise NoteError(what, _way_out(data, error.start), file, line) from None


def _checked(text: str, file: str) -> str:
    if (nul := text.find("\0")) >= 0:
        line = text.count("\n", 0, nul) + 1
        way_out = "save it as UTF-8 or move it out of the notes"
        raise NoteError("holds a NUL byte, so it is no text", way_out, file, line)
    return text


def advice(name: str) -> str:
    """Return what makes UTF-8 of an encoding, by the name that iconv has for it."""
    return f"save it as UTF-8, from {name}: iconv -f {name} -t UTF-8"


def without_mark(data: bytes) -> str | None:
    """Return which UTF-16 data seems to be, though it does not say so; None if it is none."""
    sample = data[:SAMPLE]
    nuls = sample.count(b"\0")
    if not nuls or (nuls * 4 < len(sample) and not _is_broken(sample)):  # UTF-8 that holds a NUL somewhere
        return None
    found = []
    for name in ("UTF-16LE", "UTF-16BE"):
        text = getincrementaldecoder(name)("replace").decode(sample)
        latin = sum(" " <= one <= "~" or one in "\r\n\t" for one in text)
        if latin + sum("\u3000" <= one <= "\u9fff" for one in text) >= MOSTLY * len(text):
            found.append((latin, name))
    return max(found, default=(0, None))[1]


def _is_broken(sample: bytes) -> bool:
    return "\ufffd" in getincrementaldecoder("utf-8")("replace").decode(sample)


def _is_alone(data: bytes, place: int) -> bool:
    """Whether most of what is not ASCII around a byte that is not UTF-8 is UTF-8."""
    around = data[max(0, place - SAMPLE) : place + SAMPLE].decode("utf-8", "replace")
    broken = around.count("\ufffd")
    return broken * 3 < sum(character > "\x7f" for character in around)


def _way_out(data: bytes, place: int) -> str:
    start = data.rfind(b"\n", max(0, place - SAMPLE), place) + 1
    if name := guess(data[start if start or place < SAMPLE else place :][:SAMPLE]):
        return advice(name)
    return "save it as UTF-8, from the encoding that it was written in: iconv -f ENCODING -t UTF-8"


def guess(sample: bytes) -> str | None:
    """Return the encoding that sample seems to be in, as iconv calls it; None if nothing is likely.

    Of the encodings of Chinese, Japanese and Korean it is the one that makes the most common characters of it, because
    a few characters are enough to see that. What makes no sense in any of them is left to charset-normalizer.
    """
    best = max(_EASTERN, key=lambda one: _worth(sample, one))
    if _worth(sample, best) >= LIKELY:
        return best.name
    if _WESTERN.fullmatch(sample.decode("cp1252", "replace")):
        return "CP1252"
    if sum(byte > 0x7F for byte in sample) < FEWEST:
        return None
    from charset_normalizer import from_bytes

    names = (found.encoding.upper().replace("_", "-") for found in from_bytes(sample))  # the likeliest first
    return next((name for name in names if _OTHERS.fullmatch(name)), None)


def _worth(sample: bytes, encoding: Eastern) -> float:
    """Return how common the characters are that sample holds in encoding, from 0 to 1; 0 if it cannot be read so."""
    try:
        text = getincrementaldecoder(encoding.decoder)().decode(sample)  # the last character may be cut
    except UnicodeDecodeError:
        return 0.0
    worth, count = 0.0, 0
    for character in text:
        if character.isascii():
            continue
        count += 1
        if _KANA.match(character):
            worth += 1.0 if encoding.standard in ("shift_jis", "euc_jp") else 0.2
        elif _PUNCTUATION.match(character):
            worth += 0.5
        elif character in _KOREAN or character.translate(VARIANTS) in _CHINESE:
            worth += 1.0
        elif encoding.first <= character.encode(encoding.standard, "ignore")[:1] <= encoding.last:
            worth += 0.5
    return worth / count if count else 0.0
