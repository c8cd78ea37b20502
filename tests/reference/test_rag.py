"""Retrieval and extractive answers: by hand, against SQLite's FTS5, and questions to the project's own notes."""

import math
import sqlite3
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.reference import rag
from kb.reference._passages import Passage, passages, read, sentences, terms
from kb.reference.rag import BM25, answer, bm25, covered, demo, idf, retrieve, told, units, worth

NOTES = Path(__file__).resolve().parents[2] / "notes"


def ask(question, known, k=10):
    engine = BM25(known)
    return answer(question, [hit.passage for hit in retrieve(question, known, engine, k)], engine.weight)


def plain(*texts):
    return [Passage("a.md", at, (), text) for at, text in enumerate(texts, 1)]


# BM25


def test_a_score_by_hand():
    # twice the average length makes 1.2 · (0.25 + 0.75 · 2) = 2.1: 2 · 3 · 2.2 / (3 + 2.1) and 1 · 1 · 2.2 / (1 + 2.1)
    assert bm25([3, 0, 1], [2.0, 5.0, 1.0], 20, 10.0) == pytest.approx(13.2 / 5.1 + 2.2 / 3.1)
    assert idf(0, 9) == pytest.approx(math.log(20))
    assert idf(9, 9) == pytest.approx(math.log(1 + 1 / 19))


def test_bad_figures_are_refused():
    with pytest.raises(ValueError, match=r"as many weights as counts, got 1 and 2"):
        bm25([1, 2], [1.0], 3, 3.0)
    with pytest.raises(ValueError, match=r"want 0 \.\. 3 passages that hold a term, got 4"):
        idf(4, 3)
    with pytest.raises(ValueError, match="k1 0 or more and b 0"):
        BM25([], b=2)
    with pytest.raises(ValueError, match="want 1 passage or more, got 0"):
        retrieve("x", [], BM25([]), 0)


def fts_scores(known, question):
    """What FTS5 says of the same terms: each written as one word of its own, so that it cuts nothing itself."""
    database = sqlite3.connect(":memory:")
    try:
        database.execute("create virtual table notes using fts5(body)")
    except sqlite3.OperationalError:
        pytest.skip("this SQLite has no FTS5")
    coded = [" ".join("t" + term.encode().hex() for term in one.terms) for one in known]
    database.executemany("insert into notes(rowid, body) values (?, ?)", enumerate(coded))
    wanted = dict.fromkeys(term for piece in rag.asked(question) for term in terms(piece))
    match = " OR ".join("t" + term.encode().hex() for term in wanted)
    return dict(database.execute("select rowid, -bm25(notes) from notes where notes match ?", [match]))


def of_fts(n, of):
    return max(math.log((of - n + 0.5) / (n + 0.5)), 1e-6)


@given(
    texts=st.lists(
        st.lists(st.sampled_from(["rvq", "码本", "12", "x", "声学延迟"]), min_size=1, max_size=9), min_size=1
    ),
    question=st.lists(st.sampled_from(["rvq", "码本", "12", "延迟", "y"]), min_size=1, max_size=4),
)
def test_scores_are_those_of_fts5(texts, question):
    known = plain(*map(" ".join, texts))

    found = BM25(known, weigh=of_fts).scores(" ".join(question))

    expected = fts_scores(known, " ".join(question))
    assert found == pytest.approx([expected.get(at, 0.0) for at in range(len(known))], rel=1e-6)


def test_a_better_passage_comes_first_and_one_without_a_word_of_it_not_at_all():
    known = plain("the codec of a phone", "a codec, a codec and RVQ", "weather")

    assert [hit.passage.line for hit in retrieve("Which codec has RVQ?", known, BM25(known), 3)] == [2, 1]
    assert [hit.passage.line for hit in retrieve("Which codec has RVQ?", known, BM25(known), 1)] == [2]


def test_any_retriever_will_do():
    class Last:
        def scores(self, question):
            return [-1.0, 0.0, 1.0]

    assert [hit.passage.text for hit in retrieve("?", plain("a", "b", "c"), Last(), 3)] == ["c"]


# Terms and passages


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RVQ levels: 残差量化", ["rvq", "level", "残差", "差量", "量化"]),
        ("studies of ＬＯＳＳ, bus, 12.5Hz", ["study", "of", "loss", "bus", "12.5", "hz"]),
        ("StyleTTS 2、Qwen2-7B", ["stylett", "2", "styletts 2", "qwen", "2", "qwen 2", "7", "b"]),
        ("λ凭 Привет 声", ["λ", "凭", "привет", "声"]),
        ("", []),
    ],
)
def test_terms(text, expected):
    assert terms(text) == expected


def test_words_that_only_ask_are_not_asked_for():
    assert [piece.strip() for piece in rag.asked("What is the 码率 of DM-Codec 是多少？")] == ["码率", "dm-codec"]
    assert rag.asked("这是什么？") != rag.asked("什么？") == []


NOTE = """\
---
title: front matter
---

# Speech

Before any entry.

**《DM-Codec: Distilling》** Amazon，Codec

First line,
second line. Third sentence! See e.g. this one.

Parts:

- one
- two。三

```claim
id: not-a-passage
```

![](picture.png)

### Tables

Rows:

| a | b |
|---|---|
| 1 | 2 |

> 核对：引用。又一句。

**《MaskGCT》** 港中文
# Music
Last
"""


def test_a_note_as_passages_by_hand():
    found = passages(NOTE, "n.md")

    entry = ("Speech", "DM-Codec: Distilling")
    assert [(one.line, one.headings, one.text.split("\n")[0]) for one in found] == [
        (7, ("Speech",), "Before any entry."),
        (9, entry, "**《DM-Codec: Distilling》** Amazon，Codec"),
        (11, entry, "First line,"),
        (14, entry, "Parts:"),
        (27, (*entry, "Tables"), "Rows:"),
        (33, (*entry, "Tables"), "> 核对：引用。又一句。"),
        (35, ("Speech", "MaskGCT"), "**《MaskGCT》** 港中文"),
        (37, ("Music",), "Last"),
    ]
    assert found[4].where == "n.md:27 DM-Codec: Distilling › Tables"
    assert found[4].about == " Amazon，Codec"


def test_code_is_no_passage():
    note = "text\n\n    code\n\n    more code\n\n- item\n\n    its second line\n\n~~~\n```\nfenced\n~~~\nafter\n"

    assert [(one.line, one.text) for one in passages(note, "n.md")] == [
        (1, "text"),
        (7, "- item\n\n    its second line"),
        (15, "after"),
    ]


def test_the_sentences_of_a_passage_by_hand():
    by_line = {one.line: [(cut.line, cut.text) for cut in sentences(one)] for one in passages(NOTE, "n.md")}

    assert by_line[11] == [
        (11, "First line,\nsecond line."),
        (12, "Third sentence!"),
        (12, "See e.g. this one."),
    ]
    assert by_line[14] == [(14, "Parts:\n\n- one\n- two。三"), (16, "one"), (17, "two。"), (17, "三")]
    assert by_line[27] == [(27, "Rows:\n\n| a | b |\n|---|---|\n| 1 | 2 |")]
    assert by_line[33] == [(33, "核对：引用。"), (33, "又一句。")]


def test_a_question_in_a_note_is_answered_by_what_follows_it():
    (one,) = passages("要哪个？要第二个。不要第一个。", "n.md")

    assert [cut.text for cut in sentences(one)] == ["要哪个？要第二个。", "不要第一个。"]


@pytest.mark.parametrize(
    "text", ["", "\n", "\ufeff", "---\n", "```\nopen", "**《", "#", "|", ">", "a", "：", "- ", "---\na: b"]
)
def test_odd_notes_are_read(text):
    for one in passages(text, "n.md"):
        assert sentences(one) is not None


PIECES = [
    "# H",
    "**《E》** x",
    "a b. C d?",
    "甲乙。丙丁！",
    "- item: one",
    "1. 二",
    "| r | s |",
    "> q。r",
    "",
    "",
    "lead：",
    "```",
    "---",
]


@given(
    lines=st.lists(st.sampled_from(PIECES) | st.text(alphabet="ab .:?。：-*#>|\t\u2028\x0c", max_size=8), max_size=25),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.sampled_from(["", "\ufeff"]),
    question=st.sampled_from(["a b c", "甲乙", "item q r", "丙丁 E"]),
)
def test_every_sentence_stands_in_the_lines_it_is_cited_from(tmp_path_factory, lines, end, mark, question):
    path = tmp_path_factory.mktemp("notes") / "n.md"
    path.write_bytes((mark + end.join(lines)).encode())
    texts, refused = read(path.parent)
    known = passages(texts[path.as_posix()], "n.md")

    found = [cut for one in known for cut in sentences(one)] + ask(question, known).sentences

    assert not refused
    for cut in found:
        stood = lines[cut.line - 1 : cut.line + cut.text.count("\n")]
        assert cut.text
        assert cut.text in "\n".join(stood)


def test_notes_that_are_no_utf8_are_named_and_the_rest_is_read(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep" / "a.md").write_bytes("\ufeff第一行\r\n\r\n残差量化是什么。\r\n".encode())
    (tmp_path / "gbk.md").write_bytes("残差".encode("gbk"))
    (tmp_path / ".git" / "b.md").write_text("b", encoding="utf-8")

    shown = demo(notes=str(tmp_path), question="残差量化")

    assert f"[1] {(tmp_path / 'deep' / 'a.md').as_posix()}:3" in shown["drawing"]
    assert f"Not read, not UTF-8: {(tmp_path / 'gbk.md').as_posix()}." in shown["remarks"]
    assert read(tmp_path / "none") == ({}, [])


# Answers


def test_an_answer_is_cut_out_and_cited():
    given = ask("What does each level of RVQ quantize?", passages(rag.EXAMPLE, "e.md"))

    assert told(given).split("\n") == [
        "Each level of residual vector quantization (RVQ) quantizes what the levels before it left over. [1]",
        "",
        "[1] e.md:5 Codecs › Residual vector quantization",
    ]


def test_what_is_told_already_is_not_told_again():
    known = plain(
        "The codec has eight levels.", "Of levels the codec has eight.", "The codec costs 50 frames.", "x", "y"
    )

    given = ask("eight levels of the codec, frames?", known)

    assert [one.line for one in given.sentences] == [1, 3]


def test_a_passage_that_tells_of_less_than_is_wanted_answers_nothing():
    known = plain("MooER 的训练数据有 5000 小时。", "SALMONN 用两个编码器。")

    assert ask("MooER 的训练数据有多少小时？", known).sentences
    nothing = ask("MooER 的显卡功耗多少？", known)
    assert nothing.sentences == []
    assert told(nothing) == "Nothing in these notes answers that."
    assert ask("什么？", known) == rag.Answer([], 0.0)
    assert ask("anything", []) == rag.Answer([], 0.0)


def test_another_version_of_a_model_is_another_name():
    known = plain("StyleTTS 2 has a discriminator.")

    assert ask("Which discriminator has StyleTTS 2?", known).sentences
    assert not ask("Which discriminator has StyleTTS 3?", known).sentences


def test_a_sentence_has_to_tell_enough_not_a_long_passage():
    apart = "The codec is small. " + "Nothing else. " * 9 + "The frame rate is 50 Hz."

    assert not ask("codec licence frame", plain(apart, "The licence of the tool.", "x", "y")).sentences


def test_what_is_asked_of_one_entry_is_not_answered_by_another():
    known = passages("**《MooER》**\n\n训练用八卡。\n\n**《EnCodec》**\n\n许可证和条款是 MIT。\n", "n.md")

    assert not ask("MooER 的许可证和条款", known).sentences
    assert [one.line for one in ask("EnCodec 的许可证和条款", known).sentences] == [7]


def test_where_two_chinese_words_meet_costs_nothing():
    known = plain("编码器参与训练。", "别的", "还有")

    assert ask("训练编码器参与吗", known).covered == 1.0


@given(st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1), min_size=1, max_size=6), st.integers(1, 3))
def test_the_greedy_choice_is_never_far_below_the_best_of_all(sets, most):
    known = plain(*(" ".join(f"w{letter}" for letter in sorted(some)) for some in sets))
    weigh = {f"w{letter}": 1.0 + at for at, letter in enumerate("abcdefgh")}.__getitem__
    wanted = units(" ".join(f"w{letter}" for letter in "abcdefgh"), weigh)

    def told_of(some):
        return worth(covered(wanted, [term for one in some for term in terms(one.text)]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rag, "ADDS", 1e-9)
        given = answer(" ".join(f"w{letter}" for letter in "abcdefgh"), known, weigh, most=most, least=0.0)

    best = max(told_of(some) for some in combinations(known, min(most, len(known))))
    assert told_of(given.sentences) >= (1 - 1 / math.e) * best - 1e-9
    assert most > 1 or told_of(given.sentences) == pytest.approx(best)


# Running it


def test_without_notes_here_the_built_in_ones_are_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = demo()

    assert shown["rows"][0]["where"] == "built-in:8 Codecs › Residual vector quantization"
    assert shown["remarks"][0].startswith("Built-in notes, as there is no folder notes here; ")

    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("RVQ 量化误差。", encoding="utf-8")
    assert demo()["rows"][0]["where"] == "notes/a.md:1"
    assert demo(question="unheard of")["rows"][0]["passage"] == "no passage shares a word with the question"


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"notes": "no/such"}, "notes should be a folder of Markdown notes, there is none at 'no/such'"),
        ({"notes": "."}, "want a folder with text in Markdown notes"),
        ({"k": 0}, "want 1 passage or more, got 0"),
        ({"most": 0}, "want 1 sentence or more and a share"),
        ({"least": 1.5}, "want 1 sentence or more and a share"),
    ],
)
def test_what_it_cannot_do_is_said(tmp_path, monkeypatch, given, complaint):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=complaint):
        demo(**given)


# Questions to the project's own notes: what is asked | note | words of the title that must be cited first | a fact.
# The first sets were there while the rules were written. Each later one was written after them, and answered at first
# sight: 19 of 22 cited right, 16 with the fact, 14 of 18 not answered; then 15 of 16, 15, 10 of 12. What they
# showed was mended by rules for any question: the order of what tells the same; a name in a title must be told of.

ASKED = {
    "first": """\
RVQ 的每一级量化的是什么？ | 2025-05 | Neural Speech Codec 与 RVQ | 前面各级剩下的误差
SALMONN 的 30 秒音频输出多少个文本 token？ | 2024-11 | SALMONN | 88 个文本 token
Sprig 里系统提示什么最管用？ | 2024-10 | Sprig | CoT
RAG 目前的难处归成哪五类？ | 2024-10 | Retrieval-Augmented Generation | 能否扩到大规模
MooER 的训练数据里内部数据有多少小时？ | 2024-11 | MooER | 3274
MooER 的编码器用的是谁的？为什么选 Paraformer？ | 2024-11 | MooER | Paraformer
Qwen-Audio 的 SRWT 是什么任务？ | 2024-11 | Qwen-Audio | 细到单词
Qwen-Audio 两阶段训练各冻结哪一部分？ | 2024-11 | Qwen-Audio | 冻结 LLM
DM-Codec 有哪几个判别器 Discriminator？ | 2024-10 | DM-Codec | MSD
Ichigo 的训练分几步？ | 2024-10 | Ichigo | 3 步
k-means 离散符号能不能留住声调？ | 2024-10 | Tone Distinctions | 丢掉大量声调
语音理解划成哪 5 级？ | 2024-10 | Roadmap towards Superhuman | 5 级
NeuGPT 每到一个新时间步先放哪个 Token？ | 2024-10 | NeuGPT | <nts>
捷径学习有哪四个特征？ | 2024-11 | O1 Replication | 求快
journey learning 用了多少条样本？ | 2024-11 | O1 Replication | 327
DPO 的采样温度和 top_p 是多少？ | 2024-11 | O1 Replication | 0.7
propose-critique loop 预设了哪四种动作？ | 2024-11 | O1 Replication | 继续、回溯
CleanS2S 的 VAD 静音满多少毫秒才算说完？ | 2024-11 | CleanS2S | 1200 ms
CleanS2S 的语音概率门限默认值是多少？ | 2024-11 | CleanS2S | 0.3
GLM-4-Voice 的码率是多少 bps？ | 2024-11 | GLM-4-Voice | 175 bps
GLM-4-Voice 支持哪些方言？ | 2024-11 | GLM-4-Voice | 粤语
MaskGCT 的声学编解码器有几层 RVQ？ | 2024-11 | MaskGCT | 12 层
MaskGCT 的语义特征取自 W2v-BERT 的哪一层？ | 2024-11 | MaskGCT | 17 层
StyleTTS 2 的判别器是什么？ | 2024-11 | StyleTTS 2 | WavLM
GST 是谁提出的？ | 2024-11 | Style Tokens | Google
VoiceLDM 推理时的双条件引导一步算几次？ | 2024-11 | VoiceLDM | 每一步算四次
OpenMusic 怎样给训练集打伪 MOS？ | 2024-11 | Quality-aware | 打分模型
AudioLDM 的 VAE 在时间和频率上各降多少倍？ | 2024-11 | AudioLDM: | 各降 4 倍
AudioLDM 2 怎样统一各种条件？ | 2024-11 | AudioLDM 2 | AudioMAE
Moshi 的 Mimi 帧率是多少？ | 2025-05 | Moshi | 12.5 Hz
Mini-Omni 把 ε 放在哪里？ | 2025-05 | Mini-Omni/Hybrid decoding | 文字写完
TASTE 的 aggregator 以什么为 query？ | 2025-05 | TASTE | 以文字 token 为 query
acoustic delay 的 K 组 token 共要多少步？ | 2025-05 | Acoustic delay | T + K - 1
semantic token 这个名字有什么歧义？ | 2025-05 | Semantic token | 音标
HuBERT 预训练时怎样遮盖？ | 2025-05 | HuBERT | 8%
LLaMA 3 预训练用了多少 token？ | 2025-05 | Llama 3/以文字模型为底 | 15T
SNAC 一个粗帧对应多少个 token？ | 2025-05 | SNAC | 7 个 token
为什么输出端要离散，连续向量会怎样？ | 2025-05 | 为什么输出要离散 | 平均
怎样避免忘记文字模型原有的能力？ | 2025-05 | 训练：从语音接龙到能对话 | 产生对话
PyPI 上的 encodec 0.1.1 有什么训练错误？ | 2025-05 | High Fidelity Neural Audio Compression | commitment loss
Which loss does LLaMA-Omni train with CTC blank? | 2025-05 | LLaMA-Omni | a b b
What does GST (global style tokens) train with Tacotron? | 2024-11 | Style Tokens | embedding
What is the codec of MusicGen? | 2025-05 | Simple and Controllable | 4 个码本
Which Inner Monologue full-duplex model is by Kyutai? | 2025-05 | Moshi | Moshi
What is BPE (Byte Pair Encoding) for? | 2025-05 | SSL 单元 | 总是相邻
Which discriminator does StyleTTS 2 use, WavLM? | 2024-11 | StyleTTS 2 | WavLM
Is VALL-E coarse-to-fine on EnCodec tokens? | 2025-05 | Neural Codec Language Models/从粗到细 | EnCodec
What is Mel VAE latent diffusion in AudioLDM? | 2024-11 | AudioLDM | VAE
How is DeepSpeed Zero2 used by MooER on KUAE? | 2024-11 | MooER | KUAE""",
    "second": """\
IBM 那篇的指令跟随能力随什么变强？ | 2024-10 | Instruction-following | 模型规模
MetaAlign 的 Meta-Prompt 由哪两段信息相加？ | 2024-10 | MetaAlign | SystemInfo
TTS-LLaMA 的语义 Token 一共多少个？ | 2024-10 | Late-fusion | 4096
Continuous Speech Tokenizer 的 LM 用什么 loss？ | 2024-10 | Continuous Speech Tokenizer | MSE
RVQ Commitment Loss 的作用是什么？ | 2024-10 | DM-Codec | 越近越好
奖励模型为什么选 o1-mini？ | 2024-11 | O1 Replication | 都最好
核桃计划的远期愿景是什么？ | 2024-11 | O1 Replication | 科研范式
Paraformer 的语音编码器训练时冻结吗？ | 2024-11 | MooER | 全程冻结
SALMONN 的激活微调训多少步、用几个故事？ | 2024-11 | SALMONN | 12 个故事
什么是任务过拟合？ | 2024-11 | SALMONN | 无视指令
BEATs 学的是什么？ | 2024-11 | SALMONN | 非语音声音
ParlerTTS 的描述文本用什么编码器？ | 2024-11 | Natural language guidance | T5
OpenMusic 的 mask_ratio 是多少？ | 2024-11 | Quality-aware | 0.30
趣丸千音是什么？ | 2024-11 | MaskGCT | 速译
DAC 先投影到几维？ | 2025-05 | Improved RVQGAN | 8 维
Codec-SUPERB 和 DASB 各看什么？ | 2025-05 | Tokenizer 评估 | 还原出的声音
SoundStream 的码本怎样更新？ | 2025-05 | SoundStream | 滑动平均
AudioLM 的三个阶段是哪三个？ | 2025-05 | AudioLM | coarse acoustic
What is Inner Monologue? | 2025-05 | Moshi | Moshi
Which schedule do MaskGIT and SoundStorm use, cosine? | 2024-11 | MaskGCT | cosine schedule
How does the SNAC multi-scale codec count tokens per frame? | 2025-05 | SNAC | 7 个 token
What is ChatML used for in Qwen-Audio-Chat? | 2024-11 | Qwen-Audio | 对话格式""",
    "third": """\
NeuGPT 的 Audio 用哪个 tokenizer？ | 2024-10 | NeuGPT | SpeechTokenizer
Whisper 和 HuBERT 哪个逐层更稳？ | 2024-10 | Speech Foundation Models | 比较稳
社交理解任务优化哪种提示更见效？ | 2024-10 | Sprig | 任务提示这一侧
Math-shepherd 给每步打什么分？ | 2024-11 | O1 Replication | 实数分
CleanS2S 的联网版要设哪个 API key？ | 2024-11 | CleanS2S | SERPER_API_KEY
GLM-4-Voice 的 Decoder 沿用了什么结构？ | 2024-11 | GLM-4-Voice | Flow Matching
MooER 的 Adapter 每隔多少毫秒得到一个 Embedding？ | 2024-11 | MooER | 120 ms
Qwen-Audio 的音频语种标签支持几种语言？ | 2024-11 | Qwen-Audio | 8 种语言
SALMONN 的三级任务 Story 和 SAC 是什么？ | 2024-11 | SALMONN | 编一个有意义的故事
StyleTTS 2 的扩散一次采多少个数？ | 2024-11 | StyleTTS 2 | 256
Codec-SUPERB 常用哪些信号层面的指标？ | 2025-05 | Codec-SUPERB | PESQ
SSL encoder 每多少秒出一个向量？ | 2025-05 | SSL 单元 | 0.02 秒
EnCodec 24 kHz 版的帧率和码本大小？ | 2025-05 | High Fidelity Neural Audio | 75 Hz
VALL-E 375 帧、8 组要走多少步？ | 2025-05 | Neural Codec Language/从粗到细 | 382
TASTE 的每个语音 token 由几级 RVQ 表示？ | 2025-05 | TASTE | 4 级
What did AudioLDM 2 add, AudioMAE or LOA? | 2024-11 | AudioLDM 2 | AudioMAE""",
}
NO_ANSWER = {
    "first": """\
MooER 训练用了多少张显卡？
SALMONN 的学习率是多少？
Moshi 支持粤语吗？
TASTE 在手机上跑得多快？
GLM-4-Voice 的训练成本是多少美元？
MaskGCT 支持维吾尔语吗？
Qwen-Audio 有没有苹果手机客户端？
量子计算机怎样纠错？
北京今天天气怎么样？
红烧肉怎么做？
注册一家公司要多少钱？
Who won the world cup in 2022?
What is the capital of France?
How does AlphaFold predict protein structure?
What batch size did HuBERT use on TPU?
How does FlashAttention tile the softmax?
WaveNet 的空洞卷积有几层？
Tacotron 2 的 MOS 得分是多少？
DM-Codec 的推理显存占用是多少？
CosyVoice 3 有多少参数？
Sprig 的作者的邮箱是什么？
猫为什么会打呼噜？""",
    "second": """\
MooER 的 batch size 是多少？
SALMONN 训练了几个 epoch？
Moshi 的训练数据有多少小时？
DM-Codec 的参数量是多少？
StyleTTS 2 支持中文吗？
StyleTTS 3 的判别器是什么？
HuBERT 的词表有多大？
TASTE 用的 LLM 是哪一个？
AudioLDM 的训练用了多少块 A100？
Sprig 的论文是哪一年发表的？
Whisper 的作者是谁？
梅西拿过几次金球奖？
怎样用 Docker 部署 Kubernetes 集群？
What is the licence of Moshi?
Which optimizer trained MaskGCT?
How tall is Mount Everest?
Explain gradient descent with momentum
明天上证指数会涨吗？""",
    "third": """\
GLM-4-Voice 支持日语吗？
MooER 的许可证是什么？
Ichigo 的延迟是多少毫秒？
SNAC 的训练数据集叫什么？
O1 Journey 的代码用什么编程语言写？
BLEU 的计算公式是什么？
黑洞的温度怎么计算？
怎样给小狗洗澡？
How many parameters does GPT-5 have?
When was the Eiffel Tower built?
Does Moshi run on an iPhone?
What vocabulary size does Gemini use?""",
}

# What goes wrong, and why. Where a better rule mends one, take it out.
WRONG_PLACE = {
    "Qwen-Audio 两阶段训练各冻结哪一部分？",  # not answered, 0.59 of 0.6
    "propose-critique loop 预设了哪四种动作？",  # not answered: the name in one sentence, the actions in the next
    "What is the codec of MusicGen?",  # another entry has both words in one sentence
    "ParlerTTS 的描述文本用什么编码器？",  # not answered: the entry writes Parler-TTS
    "DAC 先投影到几维？",  # MaskGCT, which does as DAC does
    "How does the SNAC multi-scale codec count tokens per frame?",  # not answered: the note is Chinese
    "EnCodec 24 kHz 版的帧率和码本大小？",  # not answered: "75 Hz" without the word
}
NO_FACT = {
    "MooER 的训练数据里内部数据有多少小时？",
    "Qwen-Audio 的 SRWT 是什么任务？",
    "DM-Codec 有哪几个判别器 Discriminator？",  # a list that says 判别器 in passing
    "Moshi 的 Mimi 帧率是多少？",  # "12.5 Hz" without the word
    "为什么输出端要离散，连续向量会怎样？",  # told two sentences on
    "奖励模型为什么选 o1-mini？",
    "什么是任务过拟合？",  # another sentence about it, as good
}
ANSWERED_WRONGLY = {  # all words are there, about something else
    "HuBERT 的词表有多大？",
    "TASTE 用的 LLM 是哪一个？",
    "Whisper 的作者是谁？",
    "GLM-4-Voice 支持日语吗？",
}


@pytest.fixture(scope="module")
def own():
    if not NOTES.is_dir():
        pytest.skip("a source distribution holds no notes")
    paths = [NOTES / f"{month}.md" for month in ("2024-10", "2024-11", "2025-05")]  # what comes later is no matter
    known = [one for path in paths for one in passages(path.read_text(encoding="utf-8"), path.name)]
    return known, BM25(known)


def asked_of(own, question):
    known, engine = own
    return answer(question, [hit.passage for hit in retrieve(question, known, engine, 10)], engine.weight)


@pytest.mark.parametrize("questions", ASKED.values(), ids=ASKED)
def test_a_question_to_the_notes_cites_the_entry_that_answers_it(own, questions):
    misplaced, unfounded = set(), set()
    for line in questions.splitlines():
        question, note, titles, fact = line.split(" | ")
        found = asked_of(own, question).sentences
        cited = " › ".join(found[0].headings) if found and found[0].file == f"{note}.md" else ""
        if not any(title in cited for title in titles.split("/")):
            misplaced.add(question)
        if not any(fact in one.text for one in found):
            unfounded.add(question)

    assert misplaced <= WRONG_PLACE
    assert unfounded <= WRONG_PLACE | NO_FACT


@pytest.mark.parametrize("questions", NO_ANSWER.values(), ids=NO_ANSWER)
def test_what_the_notes_do_not_tell_is_not_answered(own, questions):
    assert {question for question in questions.splitlines() if asked_of(own, question).sentences} <= ANSWERED_WRONGLY


def test_of_the_questions_to_the_notes_most_are_answered_right():
    answerable, unanswerable = (sum(len(some.splitlines()) for some in sets.values()) for sets in (ASKED, NO_ANSWER))

    assert (answerable - len(WRONG_PLACE), answerable) == (80, 87)
    assert answerable - len(WRONG_PLACE | NO_FACT) == 73
    assert (unanswerable - len(ANSWERED_WRONGLY), unanswerable) == (48, 52)
