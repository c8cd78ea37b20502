"""Claim blocks: what a note says can be computed, and how. The block itself is no text of the note."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import yaml

from kb.errors import KbError
from kb.markup.fences import Fence
from kb.notes.parsing.frontmatter import LOADER
from kb.patterns import pattern
from kb.records import Claim, Paper, Written

INFO = "claim"
FIELDS = ("id", "says", "run", "with", "expect", "expect_contradiction")
REQUIRED = ("id", "says", "run", "expect")
LONGEST_BLOCK = 20_000  # characters
_ID = pattern(r"[^\W_][\w.-]*$")


class ClaimBlock(NamedTuple):
    """A claim where it stands."""

    claim: Claim
    start: int  # the line of its opening fence, counted from 0
    end: int  # the line after its last, an empty one below it included


def take_claims(lines: list[str], fences: Sequence[Fence], file: str) -> tuple[list[str], list[ClaimBlock]]:
    """Return lines with those of claim blocks left empty, and the blocks, in no paper yet; fences are those of lines.

    A block that cannot be understood is a claim with a problem, and stays text as well, so that nothing of it is lost.
    """
    kept, blocks = list(lines), []
    for fence in fences:
        if fence.info == INFO:
            has_gap = fence.end < len(lines) and not lines[fence.end].strip()
            blocks.append(ClaimBlock(_claim(fence, file), fence.line, fence.end + has_gap))
            if not blocks[-1].claim.problem:
                kept[fence.line : fence.end] = [""] * (fence.end - fence.line)
    return kept, blocks


def lines_of(blocks: Sequence[ClaimBlock]) -> set[int]:
    """Return the lines that are no text of the note."""
    return {line for block in blocks if not block.claim.problem for line in range(block.start, block.end)}


def placed(blocks: Sequence[ClaimBlock], lines: list[str], papers: Sequence[Paper]) -> tuple[Claim, ...]:
    """Return the claims of blocks, each with the paper whose text it stands in or right under.

    lines are those of the note without the blocks.
    """
    return tuple(block.claim.model_copy(update={"paper": _paper_at(block.start, lines, papers)}) for block in blocks)


def _paper_at(line: int, lines: list[str], papers: Sequence[Paper]) -> str | None:
    above = next((number for number in range(line, -1, -1) if lines[number].strip()), -1)
    around = [paper for paper in papers if paper.line - 1 <= above < paper.end_line]
    return max(around, key=lambda paper: paper.line).id if around else None


def _claim(fence: Fence, file: str) -> Claim:
    values, problem = _values(fence)
    problem = problem or _problem(values)
    texts = {name: values[name] for name in FIELDS if isinstance(values.get(name), str)}
    tables = {name: values[name] for name in ("with", "expect") if _is_table(values.get(name))}
    return Claim(
        id=texts.get("id") or f"{file}:{fence.line + 1}",
        says=texts.get("says", ""),
        run=texts.get("run", ""),
        parameters=_written(tables.get("with", {})),
        expect=_written(tables.get("expect", {})),
        expect_contradiction=texts.get("expect_contradiction"),
        problem=problem.what if problem else None,
        way_out=problem.way_out if problem else "",
        paper=None,
        file=file,
        line=fence.line + 1,
    )


def _values(fence: Fence) -> tuple[dict[str, Any], KbError | None]:
    """Return the fields of a block, every leaf as the text it is, and what is wrong with it as YAML."""
    if not fence.is_closed:
        return {}, KbError("the block is never closed", "end it with a line ```")
    if len(fence.text) > LONGEST_BLOCK:
        return {}, KbError(f"the block has {len(fence.text)} characters", f"a claim has at most {LONGEST_BLOCK}")
    try:
        if "&" in fence.text and any(getattr(event, "anchor", None) for event in yaml.parse(fence.text, LOADER)):
            return {}, KbError("YAML anchors are not read", "write the value out")
        values = _built(LOADER(fence.text).get_single_node())
    except KeyError as error:
        return {}, KbError(f"{error.args[0]!r} is written twice", "of two values the first would be lost")
    except yaml.MarkedYAMLError as error:
        place = f" in its line {error.problem_mark.line + 1}" if error.problem_mark else ""
        return {}, KbError(f"not YAML: {error.problem}{place}", "quote the value or mend the line")
    except (yaml.YAMLError, RecursionError) as error:
        return {}, KbError(f"not YAML: {type(error).__name__}", "mend or remove the block")
    if not isinstance(values, dict):
        return {}, KbError("a claim holds lines like `run: arithmetic.window_tokens`")
    return values, None


def _built(node: Any) -> Any:
    """Return what a node of YAML holds, as text, lists and mappings. Raises: KeyError of a key that is there twice."""
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in found:
                raise KeyError(name)
            found[name] = _built(value)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_built(one) for one in node.value]
    return node.value if node else None


def _problem(values: dict[str, Any]) -> KbError | None:
    for name in values:
        if name not in FIELDS:
            return KbError(f"a claim has no field {name!r}", f"it has {', '.join(FIELDS)}")
    for name in REQUIRED:
        if not values.get(name):
            return KbError(f"the claim has no {name!r}", f"it needs {', '.join(REQUIRED)}")
    for name in ("id", "says", "run", "expect_contradiction"):
        if not isinstance(values.get(name, ""), str):
            return KbError(f"{name} should be a text, got a {_kind(values[name])}")
    if not _ID.match(values["id"]):
        return KbError(f"id should look like salmonn-30s-tokens, got {values['id']!r}")
    for name in ("with", "expect"):
        if values.get(name) and not _is_table(values[name]):
            return KbError(
                f"{name} should hold names and plain values such as {{frames: 1500}}, got {values[name]!r:.60}"
            )
    return None


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and (_is_list(one) or _is_list(one, _is_list) or isinstance(one, str))
        for name, one in value.items()
    )


def _is_list(value: Any, holds: Callable[[Any], bool] = lambda one: isinstance(one, str)) -> bool:
    return isinstance(value, list) and all(map(holds, value))


def _written(table: dict[str, Any]) -> dict[str, Written]:
    return {
        name: value if isinstance(value, str) else tuple(tuple(one) if isinstance(one, list) else one for one in value)
        for name, value in table.items()
    }


def _kind(value: Any) -> str:
    return "list" if isinstance(value, list) else "mapping"
