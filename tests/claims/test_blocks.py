"""Claim blocks: what is read from them, and that one which cannot be understood is named and stays text."""

from typing import Any

import pytest

from kb.notes.parsing import parse_note

BLOCK = """\
```claim
id: salmonn-tokens
says: 30 秒音频变成 88 个 token
run: arithmetic.window_tokens
with: {frames: 1500, window: 17, factors: [2, 2], shapes: [[1, 2], [3, 4]]}
expect: {window_tokens: 88, share: 0.240}
```
"""
NOTE = f"""\
## Speech

**《SALMONN: Hearing》** 清华，Q-Former

30 秒音频变成 88 个 token。

{BLOCK}
后面的话。

**《Next》** 港中文，TTS

正文。
"""


def claims(text: str) -> Any:
    return parse_note(text.encode(), "2024-11.md").claims


def test_a_block_is_a_claim_of_the_paper_it_stands_in() -> None:
    (claim,) = claims(NOTE)

    assert (claim.id, claim.says, claim.run) == (
        "salmonn-tokens",
        "30 秒音频变成 88 个 token",
        "arithmetic.window_tokens",
    )
    assert (claim.paper, claim.file, claim.line, claim.problem) == ("2024-11/salmonn", "2024-11.md", 7, None)


def test_values_stay_as_they_are_written() -> None:
    (claim,) = claims(NOTE)

    assert claim.expect == {"window_tokens": "88", "share": "0.240"}
    assert claim.parameters == {
        "frames": "1500",
        "window": "17",
        "factors": ("2", "2"),
        "shapes": (("1", "2"), ("3", "4")),
    }


def test_the_block_is_no_text_of_the_paper() -> None:
    paper = parse_note(NOTE.encode(), "2024-11.md").papers[0]

    assert paper.body == "30 秒音频变成 88 个 token。\n\n后面的话。"
    assert [passage.line for passage in paper.passages] == [5]


def test_the_last_block_of_a_paper_is_not_the_next_one_s() -> None:
    found = claims(f"**《One》** A，k\n\ntext\n\n{BLOCK}\n**《Two》** B，k\n\n{BLOCK}")

    assert [claim.paper for claim in found] == ["2024-11/one", "2024-11/two"]


def test_a_block_under_a_heading_of_no_paper_is_in_none() -> None:
    (claim,) = claims(f"**《One》** A，k\n\ntext\n\n## Next\n\n{BLOCK}\n**《Two》** B，k\n")

    assert claim.paper is None


def test_a_block_in_a_list_is_a_claim_and_one_shown_in_other_code_is_none() -> None:
    inside = "\n".join(f"  {line}" for line in BLOCK.splitlines())

    assert len(claims(f"**《One》** A，k\n\n- item\n\n{inside}\n")) == 1
    assert claims(f"**《One》** A，k\n\n````markdown\n{BLOCK}````\n") == ()
    assert claims("**《One》** A，k\n\ntext\n\n    ```claim\n    id: a\n    ```\n") == ()


def test_windows_line_ends_make_no_difference() -> None:
    assert claims(NOTE.replace("\n", "\r\n")) == claims(NOTE)


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("id: a\nsays: b\nrun: c", "the claim has no 'expect'; it needs id, says, run, expect"),
        ("says: b\nrun: c\nexpect: {x: 1}", "the claim has no 'id'; it needs id, says, run, expect"),
        (
            "id: a\nsays: b\nrun: c\nexpect: {x: 1}\ncode: import os",
            "a claim has no field 'code'; it has id, says, run, with, expect, expect_contradiction",
        ),
        ("id: a b\nsays: b\nrun: c\nexpect: {x: 1}", "id should look like salmonn-30s-tokens, got 'a b'"),
        (
            "id: a\nsays: b\nrun: c\nexpect: 88",
            "expect should hold names and plain values such as {frames: 1500}, got '88'",
        ),
        (
            "id: a\nsays: b\nrun: c\nwith: {x: {y: z}}\nexpect: {x: 1}",
            "with should hold names and plain values such as {frames: 1500}, got {'x': {'y': 'z'}}",
        ),
        ("id: a\nsays: [b]\nrun: c\nexpect: {x: 1}", "says should be a text, got a list"),
        ("- a\n- b", "a claim holds lines like `run: arithmetic.window_tokens`"),
        (
            "id: [a\nsays: b",
            "not YAML: did not find expected ',' or ']' in its line 2; quote the value or mend the line",
        ),
        ("id: &x a\nsays: *x\nrun: c\nexpect: {x: 1}", "YAML anchors are not read; write the value out"),
        ("id: a" + " " * 30_000, "the block has 30006 characters; a claim has at most 20000"),
    ],
)
def test_what_is_wrong_with_a_block_is_said_and_it_stays_text(block: str, problem: str) -> None:
    note = parse_note(f"**《One》** A，k\n\n```claim\n{block}\n```\n".encode(), "n.md")

    assert ["; ".join(filter(None, (claim.problem, claim.way_out))) for claim in note.claims] == [problem]
    assert block.split("\n")[0].strip() in note.papers[0].body


def test_a_block_that_is_never_closed_swallows_nothing() -> None:
    note = parse_note("**《One》** A，k\n\n```claim\nid: a\n\n后面还有一句。\n".encode(), "n.md")

    (claim,) = note.claims
    assert (claim.problem, claim.way_out) == ("the block is never closed", "end it with a line ```")
    assert "后面还有一句。" in note.papers[0].body


def test_an_object_of_a_language_is_only_text() -> None:
    (claim,) = claims("```claim\nid: a\nsays: !!python/object/apply:os.system [ls]\nrun: c\nexpect: {x: 1}\n```\n")

    assert claim.problem == "says should be a text, got a list"
