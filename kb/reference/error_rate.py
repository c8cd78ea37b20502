"""Error rates: the fewest words, or characters, to change, drop and add, over those that there should be.

Source: Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals" (1966); as the word error
    rate of speech that a recogniser hears after a codec: Codec-SUPERB (arXiv:2402.13071).
Left out: what is done to texts before (case, punctuation, numbers): whoever compares rates has to do the same.
Oracle: jiwer, equal rates; which errors an alignment counts is a matter of ties.
Ties: of alignments with as few errors the one that, from its end, keeps before it inserts, deletes or substitutes.
Notation: N reference words, M of the hypothesis. Only the standard library is used.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from kb.reference._alone import run_alone

GAP = "*"  # of a drawing, where one side has nothing


def edit_distance(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Return the fewest insertions, deletions and substitutions that make the hypothesis of the reference.

    Example: k i t t e n and s i t t i n g -> 3.
    """
    return _costs(reference, hypothesis)[-1][-1]


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Return the edit distance of words over the words of the reference; it may exceed 1. Chinese wants characters."""
    words = reference.split()
    if not words:
        raise ValueError(f"want a reference of one word or more, got {reference!r}")
    return edit_distance(words, hypothesis.split()) / len(words)


def character_error_rate(reference: str, hypothesis: str) -> float:
    """Return the edit distance of characters, spaces included, over the characters of the reference."""
    if not reference.strip():
        raise ValueError(f"want a reference of one character or more, got {reference!r}")
    return edit_distance(reference.strip(), hypothesis.strip()) / len(reference.strip())


FIGURES = (word_error_rate, character_error_rate)  # what claims may run


class Errors(NamedTuple):
    """What became of the words of a reference."""

    kept: int
    substituted: int
    deleted: int
    inserted: int


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[str, str]]:
    """Return pairs of what was said and what was heard, with "" where one side has nothing.

    Example: a b c and a x b -> (a, a), ("", x), (b, b), (c, "").
    """
    costs, i, j = _costs(reference, hypothesis), len(reference), len(hypothesis)
    pairs = []
    while i or j:
        is_kept = bool(i and j) and reference[i - 1] == hypothesis[j - 1]  # which is never worse than anything else
        if j and not is_kept and costs[i][j] == costs[i][j - 1] + 1:
            j -= 1
            pairs.append(("", hypothesis[j]))
        elif i and not is_kept and costs[i][j] == costs[i - 1][j] + 1:
            i -= 1
            pairs.append((reference[i], ""))
        else:
            i, j = i - 1, j - 1
            pairs.append((reference[i], hypothesis[j]))
    return pairs[::-1]


def errors(pairs: Sequence[tuple[str, str]]) -> Errors:
    """Return how many words of an alignment were kept, substituted, deleted and inserted."""
    said_and_heard = [said == heard for said, heard in pairs if said and heard]
    deleted, inserted = sum(not heard for _, heard in pairs), sum(not said for said, _ in pairs)
    return Errors(sum(said_and_heard), len(said_and_heard) - sum(said_and_heard), deleted, inserted)


def _costs(reference: Sequence[str], hypothesis: Sequence[str]) -> list[list[int]]:
    """Return [N + 1][M + 1]: the edit distance of the first i words of the reference and the first j heard."""
    costs = [list(range(len(hypothesis) + 1))]
    for i, said in enumerate(reference, 1):
        row = [i]
        for j, heard in enumerate(hypothesis, 1):
            row.append(min(costs[-1][j] + 1, row[-1] + 1, costs[-1][j - 1] + (said != heard)))
        costs.append(row)
    return costs


def draw(pairs: Sequence[tuple[str, str]]) -> str:
    """Return an alignment as two lines, one word below the other."""
    widths = [max(len(said), len(heard)) for said, heard in pairs]
    lines = []
    for side, name in enumerate(("said", "heard")):
        cells = (f"{pair[side] or GAP:<{width}}" for pair, width in zip(pairs, widths, strict=True))
        lines.append(f"{name:<6} {' '.join(cells)}".rstrip())
    return "\n".join(lines)


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    said: str = "the cat sat on the mat",
    heard: str = "the bat sat on mat again",
) -> dict[str, Any]:
    """Align what was said with what was heard, by words and by characters, and return both rates.

    Args:
        device: not used, there are no tensors.
        seed: not used, nothing is drawn.
        said: the reference.
        heard: the hypothesis.
    """
    rates = {"words": word_error_rate(said, heard), "characters": character_error_rate(said, heard)}
    pairs = {"words": align(said.split(), heard.split()), "characters": align(said.strip(), heard.strip())}
    rows = [
        {"of": name, "reference": sum(bool(one) for one, _ in pairs[name]), **errors(pairs[name])._asdict()}
        | {"error_rate": round(rate, 4)}
        for name, rate in rates.items()
    ]
    remarks = [
        "error_rate: substituted, deleted and inserted over those of the reference; insertions can bring it above 1.",
        "Of several alignments with as few errors one is shown. Text without spaces is one word: see its characters.",
    ]
    return {"rows": rows, "remarks": remarks, "drawing": draw(pairs["words"])}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of error rates, each with whether it did; device is not used."""
    pairs = align("abcd", "axbd")
    return [
        ("kitten and sitting are 3 edits apart.", edit_distance("kitten", "sitting") == 3),
        ("One word of six changed is an error rate of 1/6.", word_error_rate("a b c d e f", "a b x d e f") == 1 / 6),
        ("Four words heard where one was said are a rate of 4.", word_error_rate("yes", "oh no not again") == 4),
        ("Of a b c and a x b, x was inserted and c deleted.", align("abc", "axb")[1::2] == [("", "x"), ("c", "")]),
        ("An alignment has as many errors as the distance.", sum(errors(pairs)[1:]) == edit_distance("abcd", "axbd")),
        ("It holds both texts.", ["".join(side) for side in zip(*pairs, strict=True)] == ["abcd", "axbd"]),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Word and character error rate of what was heard.", demo, checks)


if __name__ == "__main__":
    main()
