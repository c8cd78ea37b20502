"""English words that are spelt in two ways, British and American, which stemming does not bring together."""

from collections.abc import Iterator

SHORTEST = 5  # letters of a word that may have two spellings
_OF_VERBS = ("e", "ed", "es", "ing", "er", "ers", "ation", "ations", "able")
_OF_NOUNS = ("", "s", "ed", "ing", "al", "ful")
_PLURAL = ("", "s")
_ENDINGS = (  # one, the other, and what may follow
    ("is", "iz", _OF_VERBS),  # generalise
    ("ys", "yz", _OF_VERBS),  # analyse
    ("our", "or", _OF_NOUNS),  # behaviour
    ("ell", "el", ("ed", "ing", "er", "ers")),  # modelling
    ("tre", "ter", _PLURAL),  # centre
    ("ogue", "og", _PLURAL),  # catalogue
    ("ence", "ense", _PLURAL),  # defence
    ("efact", "ifact", _PLURAL),  # artefact
)


def spellings(word: str) -> tuple[str, ...]:
    """Return how else a word in lower case may be spelt: "modelling" -> "modeling"; it need not be a word."""
    if len(word) < SHORTEST or not (word.isascii() and word.isalpha()):
        return ()
    return tuple(dict.fromkeys(_spellings(word)))


def _spellings(word: str) -> Iterator[str]:
    for one, other, endings in _ENDINGS:
        for ending in endings:
            for old, new in ((one, other), (other, one)):
                stem = word.removesuffix(old + ending)
                if len(stem) < len(word) and len(stem) > 1:
                    yield stem + new + ending
