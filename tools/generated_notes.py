"""Notes of 600 papers that nobody wrote, the same each time: enough of them that every threshold is crossed.

python tools/generated_notes.py FOLDER [PAPERS]

Each month has papers in guillemets, under headings, in a list and in a table. Some papers are read twice, some have a
claim, authors, a venue, code; titles share words, so that there is something to rank.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PAPERS = 600
A_MONTH = 12
FIRST_YEAR = 2020
SEED = 20
REPEATED = 0.04  # of the papers are read again in a later month

NAMES = "Akva Belo Cindra Dovka Elmo Fira Galt Hoven Ister Juno Kelda Lumo Morva Nixa Orbi Palta Quil Rasta Selmo Tirra"
THINGS = "Codec|Tokenizer|Vocoder|Speech Language Model|Aligner|Separator|Recognizer|Translator|Reranker|Planner"
MEANS = (
    "Residual Vector Quantization|Flow Matching|Acoustic Delay|Semantic Distillation|Preference Optimization"
    "|Monotonic Attention|Span Masking|Finite Scalar Quantization|Curriculum Sampling|Journey Learning"
)
GOALS = "Streaming Dialogue|Low Bitrates|Long Audio|Tonal Languages|Noisy Rooms|Few Speakers|Code Switching|Singing"
ORGANIZATIONS = "CMU|清华大学|Meta|字节跳动|NTU|上海交通大学|Google|AIST|Edinburgh|KAIST"
KEYWORDS = "编解码器|语音大模型|离散表示|推理|对齐|流式|评测|多语言|声调|蒸馏"
VENUES = "ICASSP|Interspeech|ACL|NeurIPS|ICLR|SLT"
GIVEN = "Ann Bo Cai Dana Eli Fay Gil Hana Ivo Jia"
FAMILY = "Adler Brandt Chen Dumas Eriksen Fujita Garcia Huang Ivanov Jansen"
SENTENCES = (
    "把{means}用到{thing}上，比基线少一半的参数。",
    "声学延迟让各级码本错开一步，流式时只等一帧。",
    "{means} helps most where data is scarce.",
    "残差向量量化的每一级只编码上一级的误差。",
    "消融说明{goal}才是难处，换编码器没有用。",
    "The ablation without {means} loses two points.",
    "离散单元丢掉了声调信息，连续表示保留得多。",
    "评测用了 {number} 小时的数据，WER 降到 {number}.5%。",
    "推理时先想后答，过程奖励按步打分。",
    "代码放出来了，权重要申请。",
    "{thing} runs in real time on one core.",
)


class Paper(NamedTuple):
    """What a note says of a paper."""

    title: str
    organization: str
    keyword: str
    authors: str
    venue: str
    arxiv: str
    body: list[str]


def make_notes(folder: Path, papers: int = PAPERS) -> None:
    """Fill folder with a note a month, A_MONTH papers in each."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(SEED)
    made: list[Paper] = []
    for month in range(-(-papers // A_MONTH)):
        of_month = [_paper(chance, len(made) + number) for number in range(min(A_MONTH, papers - len(made)))]
        again = [one for one in made if chance.random() < REPEATED / 4][:2]
        made += of_month
        name = f"{FIRST_YEAR + month // 12}-{month % 12 + 1:02d}"
        (folder / f"{name}.md").write_text("\n".join(_note(chance, name, of_month, again)), encoding="utf-8")


def _paper(chance: random.Random, number: int) -> Paper:
    thing, means, goal = (chance.choice(words.split("|")) for words in (THINGS, MEANS, GOALS))
    name = f"{chance.choice(NAMES.split())}{chance.choice('abcdefgh')}{number}"
    people = [f"{chance.choice(GIVEN.split())} {chance.choice(FAMILY.split())}" for _ in range(3)]
    body = [
        chance.choice(SENTENCES).format(means=means, thing=thing, goal=goal, number=number % 97 + 2)
        for _ in range(chance.randint(2, 7))
    ]
    return Paper(
        f"{name}: A {thing} by {means} for {goal}",
        chance.choice(ORGANIZATIONS.split("|")),
        chance.choice(KEYWORDS.split("|")),
        ", ".join(dict.fromkeys(people)),
        f"{chance.choice(VENUES.split('|'))} {FIRST_YEAR + number % 6}",
        f"{20 + number % 6}{number % 12 + 1:02d}.{10000 + number}",
        body,
    )


def _note(chance: random.Random, month: str, papers: list[Paper], again: list[Paper]) -> Iterator[str]:
    yield from ("---", f"title: 论文速记 {month}", f"date: {month}-28", "tags: [SLM, Codec]", "---", "")
    yield from ("> 这一段不属于任何一篇论文，记的是这个月的安排。", "", "## Speech", "")
    for number, one in enumerate([*papers[:6], *again]):
        yield f"**《{one.title}》** {one.organization}，{one.keyword}"
        yield from ("", f"- Authors: {one.authors}", f"- Venue: {one.venue}", f"- arXiv: {one.arxiv}", "")
        yield from (line for sentence in one.body for line in (sentence, ""))
        if number % 5 == 0:
            levels = number % 3 + 1
            said = 500 * levels if chance.random() < 0.8 else 480 * levels
            yield from ("```claim", f"id: bit-rate-{month}-{number}", f"says: {levels} 级码本合 {said} bit/s")
            yield from (
                "run: arithmetic.bit_rate_bps",
                f"with: {{frame_rate_hz: 50, codebook_size: 1024, n_q: {levels}}}",
            )
            yield from (f"expect: {{bit_rate_bps: {said}}}", "```", "")
    yield from ("## LLM", "")
    for one in papers[6:10]:
        yield from (
            f"### {one.title}",
            "",
            f"[paper](https://arxiv.org/abs/{one.arxiv}) 代码 https://github.com/x/{one.arxiv}",
        )
        yield from ("", "\n\n".join(one.body), "")
    yield from ("## 待读", "")
    for one in papers[10:]:
        yield f"- [{one.title}](https://arxiv.org/abs/{one.arxiv}) — {one.authors}. {one.venue}"
    yield ""


if __name__ == "__main__":
    make_notes(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else PAPERS)
