"""Bytes that are not UTF-8: read where they say what they are, else named as what they are, never silently."""

from typing import Any

import pytest

from kb.errors import NoteError
from kb.exchange.adding.metadata import Metadata
from kb.exchange.adding.placing import place
from kb.notes.checking import check
from kb.notes.parsing import parse_note
from kb.notes.parsing.decoding import SAMPLE, decoded, guess, without_mark
from kb.notes.reading import note_files

NOTE = "# 论文笔记\n\n**《TinyCodec: A Small Speech Codec》** Amazon，Codec\n\n- 声学延迟\n"


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        ("# 标题\n残差量化", "gbk", "GBK"),
        ("《坏》", "gbk", "GBK"),
        ("这一段讲语音合成的方法，数据不多。", "gb2312", "GBK"),
        ("一个罕见字𠮷在这里，其他的都是常用字", "gb18030", "GB18030"),
        ("**《殘差向量》** 臺大", "big5", "BIG5"),
        ("語音辨識", "big5", "BIG5"),
        ("這篇文章提出新的聲調模型，並在三個資料集上驗證。", "big5", "BIG5"),
        ("音声認識の研究について", "cp932", "SHIFT_JIS"),
        ("音声認識の研究について", "euc_jp", "EUC-JP"),
        ("음성 인식 연구에서는 이산 표현을 이용한다", "cp949", "EUC-KR"),
        ("Résumé über naïve Wörter — “quoted” façade", "cp1252", "CP1252"),
        ("Распознавание речи и тон, модель звука", "cp1251", "CP1251"),
    ],
)
def test_an_encoding_is_guessed_from_a_few_characters(text: str, encoding: str, name: str) -> None:
    assert guess(text.encode(encoding)) == name
    with pytest.raises(
        NoteError, match=rf"^n\.md:2: not UTF-8 \(byte 0x..\); .*from {name}: iconv -f {name} -t UTF-8$"
    ):
        decoded(b"ascii\n" + text.split("\n")[-1].encode(encoding), "n.md")


def test_what_nothing_makes_sense_of_is_called_nothing() -> None:
    with pytest.raises(NoteError, match=r"^n\.md:1: not UTF-8 \(byte 0xff\); .*iconv -f ENCODING -t UTF-8$"):
        decoded(b"\xff x", "n.md")


@pytest.mark.parametrize("broken", [NOTE.encode()[:-3], NOTE.encode().replace("声".encode(), b"\xe5\xa3")])
def test_one_broken_character_in_utf_8_is_no_other_encoding(broken: bytes) -> None:
    with pytest.raises(NoteError, match=r"^n\.md:5: not UTF-8 \(byte 0xe.\), though the text around it is; mend this"):
        decoded(broken, "n.md")


@pytest.mark.parametrize(
    ("encoding", "name"), [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"), ("utf-32", "UTF-32")]
)
def test_what_says_that_it_is_utf_16_is_read_so(encoding: str, name: str) -> None:
    mark = "" if encoding in ("utf-16", "utf-32") else "\ufeff"
    note = parse_note((mark + NOTE).encode(encoding), "2024-10.md")

    assert note.encoding == name
    assert note.papers == parse_note(NOTE.encode(), "2024-10.md").papers


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (NOTE.encode("utf-16-le"), r"^n\.md:1: seems to be UTF-16LE without the mark .*: iconv -f UTF-16LE -t UTF-8"),
        ("plain".encode("utf-16-be"), r"^n\.md:1: seems to be UTF-16BE without the mark"),
        (b"\xff\xfea", r"^n\.md: begins as UTF-16 and breaks off at byte 2; save it as UTF-8"),
        (b"\xff\xfea\x00\n\x00\x00\x00", r"^n\.md:2: holds a NUL byte"),
        (b"a\n\0b and some more of it\n", r"^n\.md:2: holds a NUL byte"),
    ],
)
def test_what_cannot_be_read_is_named_for_what_it_is(data: bytes, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        decoded(data, "n.md")


def test_utf_8_with_a_nul_byte_is_not_taken_for_utf_16() -> None:
    assert without_mark(NOTE.encode() + b"\0") is None


def test_a_long_line_of_another_encoding_is_named_by_its_beginning() -> None:
    data = "量化残差".encode("gbk") * SAMPLE + b"\xff" * 1_000_000

    with pytest.raises(NoteError, match="GBK"):
        decoded(data, "n.md")


def test_a_note_in_utf_16_is_searched_and_told_of(empty_kb: Any) -> None:
    path = empty_kb.notes / "2024-10.md"
    path.write_bytes(NOTE.encode("utf-16"))

    told = "2024-10.md: read as UTF-16; save it as UTF-8, from UTF-16: iconv -f UTF-16 -t UTF-8"
    indexed = empty_kb.run("index")
    assert (indexed.exit_code, indexed.stderr) == (0, told + "\n")
    assert told.partition(": ")[2] in empty_kb.run("status").stdout
    assert len(empty_kb.json("search", "声学延迟")["hits"]) == 1
    path.touch()
    assert told.partition(": ")[2] in empty_kb.run("status").stdout
    path.write_bytes(("\n" + NOTE).encode("utf-16"))
    assert told in empty_kb.run("search", "声学延迟").stderr


def test_a_note_in_utf_16_is_a_finding_and_checked_like_others(empty_kb: Any) -> None:
    path = empty_kb.notes / "2024-10.md"
    path.write_bytes((NOTE + "[gone](gone.md)\n").encode("utf-16"))

    found = {(one.rule, one.line) for one in check(note_files(empty_kb.notes))}
    assert {("encoding", 1), ("dead-link", 6)} <= found


def test_nothing_is_written_into_a_note_in_utf_16(empty_kb: Any) -> None:
    with pytest.raises(NoteError, match="UTF-16 is read but not written; save it as UTF-8"):
        place(NOTE.encode("utf-16"), "2024-10.md", "2024-10", Metadata(title="A Paper"))
