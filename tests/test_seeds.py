"""What is promised on real notes; skipped where they are not."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kb.index.query import parse_query
from kb.notes.parsing import parse_note
from kb.records import Paper
from kb.terms import letters

HAN = re.compile(r"[\u4e00-\u9fff]+")
LATIN = re.compile(r"[a-z]+")


@pytest.fixture(scope="module")
def records(seeds: Path) -> dict[str, tuple[Paper, ...]]:
    return {path.name: parse_note(path.read_bytes(), path.name).papers for path in seeds.glob("*.txt")}


def test_every_record_is_found_as_it_was_written_down_by_hand(
    seeds: Path, records: dict[str, tuple[Paper, ...]]
) -> None:
    truth = [json.loads(line) for line in (seeds / "truth.jsonl").read_text("utf-8").splitlines()]
    for wanted in truth:
        papers = {paper.line: paper for paper in records[wanted["file"]]}
        paper = papers[wanted.get("line", 1)] if "line" in wanted else records[wanted["file"]][0]
        lines = {paper.id: paper.line for paper in papers.values()}
        found: dict[str, Any] = {
            "title": paper.title,
            "section": " / ".join(paper.section_path),
            "organization": "、".join(paper.organizations),
            "keywords": list(paper.keywords),
            "month": paper.month,
            "short_name": paper.short_name,
            "kind": paper.kind,
            "sections": list(paper.sections),
            "line": paper.line,
            "parent_line": lines.get(paper.parent or ""),
        }
        assert {key: found[key] for key in wanted if key != "file"} == {
            key: value for key, value in wanted.items() if key != "file"
        }
    assert len(truth) == 28
    assert sum(map(len, records.values())) - len(truth) <= 2


def test_a_quoted_string_finds_exactly_the_records_that_hold_it(seed_kb: Any) -> None:
    reader = seed_kb.reader()
    texts: dict[int, str] = {}
    for row in reader.papers.rows([key for key, _ in reader.match(parse_query("")).scores]):
        record = json.loads(reader.papers.record(row.key))
        lines = (seed_kb.notes / row.file).read_text("utf-8").splitlines()
        of_file = [row.title] if record["is_rest"] else []  # text beside papers is called like its file or heading
        texts[row.key] = letters("\n".join(of_file + lines[record["line"] - 1 : record["end_line"]]))
    everything = letters("\n".join(path.read_text("utf-8") for path in seed_kb.notes.iterdir()))
    han = {
        run[start : start + length]
        for run in HAN.findall(everything)
        for length in (1, 2, 3, 4)
        for start in range(len(run) - length + 1)
    }
    words_of = {key: set(LATIN.findall(text)) for key, text in texts.items()}
    latin = set(LATIN.findall(everything))

    wrong = []
    for text in han:
        if {key for key, _ in reader.match(parse_query(f'"{text}"')).scores} != {
            k for k, held in texts.items() if text in held
        }:
            wrong.append(text)
    for word in latin:
        if {key for key, _ in reader.match(parse_query(f'"{word}"')).scores} != {
            k for k, held in words_of.items() if word in held
        }:
            wrong.append(word)

    assert len(han) > 20_000
    assert len(latin) > 700
    assert wrong == []


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("声调", "Do Discrete Self-Supervised Representations of Speech Capture Tone Distinctions?"),
        ('"RVQ"', "DM-Codec: Distilling Multimodal Representations for Speech Tokenization"),
        ("tone", "Do Discrete Self-Supervised Representations of Speech Capture Tone Distinctions?"),
        ("打断", "GLM-4-Voice:智谱新一代端到端语音大模型"),
        ("journey learning", "OpenAI o1复现项目进展报告"),
        ("12.5Hz", "GLM-4-Voice:智谱新一代端到端语音大模型"),
        ("org:Meta", "Get Large Language Models Ready to Speak: A Late-fusion Approach for Speech Generation"),
        ("month:2024-10 tag:SLM", "Ichigo: Mixed-Modal Early-Fusion Realtime Voice Assistant"),
    ],
)
def test_the_right_record_comes_first(seed_kb: Any, query: str, first: str) -> None:
    assert seed_kb.json("search", query)["hits"][0]["paper"]["title"] == first
