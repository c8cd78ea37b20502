"""Unit BPE: the most frequent pair of neighbours becomes a token, again and again, so streams get shorter.

Long because the readable training stands above a faster one that it is compared with.
Source: byte pair encoding as in Sennrich et al., section 3.2 (arXiv:1508.07909), on speech units instead of letters.
Left out: words. A stream of units has no spaces, so a token may join what a listener hears as two words.
Oracle: BpeTrainer and BPE of Hugging Face tokenizers, units mapped to code points: equal merges, equal tokens.
Ties: of pairs counted equally often the smallest wins, left token first, as in tokenizers; `first_seen` takes the one
    that came first in the corpus instead, as minbpe does, and then the merges are others.
Notation: units 0..V-1; the token of merge i is V + i. A corpus is a list of streams; no token joins two of them.
"""

import math
import random
from collections import Counter, defaultdict
from heapq import heapify, heappush, heapreplace
from itertools import groupby, pairwise
from typing import Any

from kb.reference._alone import run_alone

Pair = tuple[int, int]
DRAWN_UNITS = 30  # a longer drawing does not fit a terminal


def count_pairs(corpus: list[list[int]]) -> Counter[Pair]:
    """Return how often each pair of neighbours occurs: 1, 1, 1, 2 -> (1, 1) twice, (1, 2) once."""
    return Counter(pair for stream in corpus for pair in pairwise(stream))


def merge(stream: list[int], pair: Pair, token: int) -> list[int]:
    """Return the stream with token for each occurrence of pair, from the left: 1, 1, 1, 2 with (1, 1) -> 9, 1, 2."""
    merged, i = [], 0
    while i < len(stream):
        if i + 1 < len(stream) and (stream[i], stream[i + 1]) == pair:
            merged.append(token)
            i += 2
        else:
            merged.append(stream[i])
            i += 1
    return merged


def train(
    corpus: list[list[int]], codebook_size: int, merges: int, *, least: int = 2, first_seen: bool = False
) -> list[Pair]:
    """Return the pairs to merge, in order: each is the most frequent one after those before it.

    Args:
        corpus: streams of units.
        codebook_size: V; units are in 0..V-1, tokens begin at V.
        merges: how many pairs to find; there are fewer if none is left that occurs `least` times.
        least: occurrences below which a pair is not merged.
        first_seen: how ties fall, see the top of this file.
    Raises: ValueError if a unit is not in 0..V-1, merges is negative or least below 1.
    Example: the letters of aaabdaaabac -> aa, ab, then the tokens of the two together: five tokens are left.
    """
    _check(corpus, codebook_size, merges, least)
    found: list[Pair] = []
    for token in range(codebook_size, codebook_size + merges):
        counts = count_pairs(corpus)
        if not counts or max(counts.values()) < least:
            break
        best = max(counts, key=counts.__getitem__) if first_seen else min(counts, key=lambda p: (-counts[p], p))
        corpus = [merge(stream, best, token) for stream in corpus]
        found.append(best)
    return found


def train_faster(corpus: list[list[int]], codebook_size: int, merges: int, *, least: int = 2) -> list[Pair]:
    """Return what train returns: only streams that hold the pair are counted again, and a queue has the best in front.

    A merge makes all counts smaller but those of pairs with the new token. So a count in the queue may be too high but
    not too low: the pair in front is the best if its count still holds, and goes back with the right one if not.
    """
    _check(corpus, codebook_size, merges, least)
    streams, counts, found = list(corpus), count_pairs(corpus), []
    places: dict[Pair, set[int]] = defaultdict(set)  # the streams that a pair occurs in, or did
    for place, stream in enumerate(streams):
        for pair in pairwise(stream):
            places[pair].add(place)
    queue = [(-count, pair) for pair, count in counts.items()]
    heapify(queue)
    for token in range(codebook_size, codebook_size + merges):
        while queue and -queue[0][0] != counts[queue[0][1]]:
            heapreplace(queue, (-counts[queue[0][1]], queue[0][1]))
        if not queue or -queue[0][0] < least:
            break
        best = queue[0][1]
        created: set[Pair] = set()
        for place in places.pop(best):
            counts.subtract(pairwise(streams[place]))
            streams[place] = merge(streams[place], best, token)
            counts.update(pairwise(streams[place]))
            for pair in pairwise(streams[place]):
                if token in pair:
                    created.add(pair)
                    places[pair].add(place)
        for pair in created:
            heappush(queue, (-counts[pair], pair))
        found.append(best)
    return found


def encode(units: list[int], merges: list[Pair], codebook_size: int) -> list[int]:
    """Return tokens for units: the merges are done in the order in which they were found."""
    _check([units], codebook_size)
    for token, pair in enumerate(merges, codebook_size):
        units = merge(units, pair, token)
    return units


def decode(tokens: list[int], merges: list[Pair], codebook_size: int) -> list[int]:
    """Return the units that tokens stand for, the inverse of encode."""
    _check([tokens], codebook_size + len(merges))
    meaning = [[unit] for unit in range(codebook_size)]
    for left, right in merges:
        meaning.append(meaning[left] + meaning[right])
    return [unit for token in tokens for unit in meaning[token]]


def bits_per_token(training: list[list[int]], corpus: list[list[int]], vocabulary: int) -> float:
    """Return the bits a token of corpus takes in a code that knows how frequent each token was in training.

    Each of the vocabulary's tokens counts as seen once more than it was, so that none is impossible.
    Example: training 1, 1, 1 with a vocabulary of 5 gives token 1 a share of (3 + 1) / (3 + 5): 1 bit.
    """
    counts = Counter(token for stream in training for token in stream)
    total = sum(counts.values()) + vocabulary
    bits = [math.log2(total / (counts[token] + 1)) for stream in corpus for token in stream]
    return sum(bits) / len(bits)


def draw(units: list[int], merges: list[Pair], codebook_size: int) -> str:
    """Return units as text with a bar where a token begins: 7 3 9 4 with (3, 9) merged -> |7|3 9|4."""
    tokens = encode(units, merges, codebook_size)
    width = len(str(codebook_size - 1))
    meanings = [decode([token], merges, codebook_size) for token in tokens]
    return "|" + "|".join(" ".join(f"{unit:>{width}}" for unit in meaning) for meaning in meanings)


def deduplicate(units: list[int]) -> list[int]:
    """Return one unit for each run of equal ones, as they are before BPE: 7, 7, 7, 3, 3, 9 -> 7, 3, 9."""
    return [unit for unit, _ in groupby(units)]


def speech(words: list[list[int]], streams: int, codebook_size: int, *, generator: random.Random) -> list[list[int]]:
    """Return streams of deduplicated units: ten words each, frequent ones and rare ones, a tenth of the units others.

    The word of rank r comes with a weight of 1 / r, as words do in speech (Zipf's law).
    """
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    corpus = []
    for _ in range(streams):
        said = [unit for word in generator.choices(words, weights, k=10) for unit in word]
        heard = [generator.randrange(codebook_size) if generator.random() < 0.1 else unit for unit in said]
        corpus.append(deduplicate(heard))
    return corpus


def _check(corpus: list[list[int]], codebook_size: int, merges: int = 0, least: int = 1) -> None:
    if codebook_size < 1 or merges < 0 or least < 1:
        got = f"{codebook_size}, {merges} and {least}"
        raise ValueError(f"want codebook_size of 1 or more, merges of 0 or more, least of 1 or more, got {got}")
    wrong = {unit for stream in corpus for unit in stream if not 0 <= unit < codebook_size}
    if wrong:
        raise ValueError(f"want units in 0..{codebook_size - 1}, got {min(wrong)}..{max(wrong)}")


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    merges: tuple[int, ...] = (0, 25, 50, 100, 200, 400),
    codebook_size: int = 100,
    words: int = 60,
    streams: int = 400,
    unit_rate_hz: float = 25.0,
) -> dict[str, Any]:
    """Train on made-up streams of units, and return how many tokens and bits held-out streams take.

    Args:
        device: not used, there are no tensors.
        seed: draws the words and the streams.
        merges: how many pairs to merge, one number for each row.
        codebook_size: units there are, V.
        words: words of the made-up language, 4 to 10 units each.
        streams: streams of ten words to train on; a quarter as many are held out, and the table is of these.
        unit_rate_hz: deduplicated units a second; it sets the rates and nothing else.
    """
    if min(words, streams, codebook_size - 1) < 1 or min(merges, default=-1) < 0 or not 0 < unit_rate_hz < math.inf:
        got = f"{words}, {streams}, {codebook_size}, {list(merges)} and {unit_rate_hz}"
        wanted = "words and streams of 1 or more, codebook_size of 2 or more, merges of 0 or more, unit_rate_hz above 0"
        raise ValueError(f"want {wanted}, got {got}")
    generator = random.Random(seed)  # noqa: S311 (no secret is drawn)
    lengths = [generator.randint(4, 10) for _ in range(words)]
    lexicon = [deduplicate(generator.choices(range(codebook_size), k=length)) for length in lengths]
    training = speech(lexicon, streams, codebook_size, generator=generator)
    held_out = speech(lexicon, math.ceil(streams / 4), codebook_size, generator=generator)
    found = train_faster(training, codebook_size, max(merges))
    units, rows, restored = sum(map(len, held_out)), [], True
    for number in merges:
        pairs, vocabulary = found[:number], codebook_size + min(number, len(found))
        training_tokens, tokens = ([encode(one, pairs, codebook_size) for one in part] for part in (training, held_out))
        restored &= [decode(one, pairs, codebook_size) for one in tokens] == held_out
        share = sum(map(len, tokens)) / units
        whole = [word for word in lexicon if len(encode(word, pairs, codebook_size)) == 1]
        rows.append(
            {
                "merges": len(pairs),
                "vocabulary": vocabulary,
                "tokens_per_second": round(unit_rate_hz * share, 2),
                "units_per_token": round(1 / share, 2),
                "bps": round(unit_rate_hz * share * math.log2(vocabulary), 1),
                "coded_bps": round(unit_rate_hz * share * bits_per_token(training_tokens, tokens, vocabulary), 1),
                "words_in_one_token": len(whole),
            }
        )
    first_seen = train(training, codebook_size, min(100, max(merges)), first_seen=True)
    equal = [ours == theirs for ours, theirs in zip(found, first_seen, strict=False)]
    leaves = "are the same" if all(equal) else f"first differ at number {equal.index(False) + 1}"
    remarks = [
        "bps: all tokens take log2(vocabulary) bits. coded_bps: frequent tokens take fewer, as counted in training.",
        f"words_in_one_token: so many of the {words} words are a single token when said without a changed unit.",
        f"Decoding gives the same units back: {'yes' if restored else 'NO'}.",
        f"The merges of a training that takes the pair seen first where there is a tie {leaves}.",
    ]
    drawn = held_out[0][:DRAWN_UNITS]
    drawing = [f"{number:>6} merges  {draw(drawn, found[:number], codebook_size)}" for number in merges]
    plot = {
        "kind": "line",
        "x": [row["merges"] for row in rows],
        "series": {name: [row[name] for row in rows] for name in ("bps", "coded_bps")},
        "x_label": "merges",
        "y_label": "bits a second",
    }
    return {"rows": rows, "remarks": remarks, "drawing": "\n".join(drawing), "plot": plot}


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of unit BPE, each with whether it did; device is not used."""
    generator = random.Random(0)  # noqa: S311 (no secret is drawn)
    corpus = [[generator.randrange(6) for _ in range(60)] for _ in range(20)]
    textbook = list(b"aaabdaaabac")
    letters, pairs = train([textbook], 256, 3), train(corpus, 6, 40)
    tokens = [encode(stream, pairs, 6) for stream in corpus]
    left = encode(textbook, letters, 256)
    return [
        ("aaabdaaabac becomes 258 d 258 a c after three merges", left == [258, *b"d", 258, *b"ac"]),
        ("decoding gives the units back", [decode(stream, pairs, 6) for stream in tokens] == corpus),
        ("the faster training finds the same merges", train_faster(corpus, 6, 40) == pairs),
        ("a shorter training finds the first of them", train(corpus, 6, 15) == pairs[:15]),
        ("ties make a difference", train(corpus, 6, 40, first_seen=True) != pairs),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("Byte pair encoding of made-up speech units.", demo, checks)


if __name__ == "__main__":
    main()
