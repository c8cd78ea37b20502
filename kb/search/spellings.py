"""English words that are spelt in two ways, British and American, which stemming does not bring together."""

import re

SHORTEST = 5  # letters of a word that may have two spellings
_VERB = r"(?=(?:e|ed|es|ing|er|ers|ation|ations|able)$)"
_NOUN = r"(?=(?:s|ed|ing|al|ful)?$)"
_RULES = (
    (rf"is{_VERB}", "iz"),  # generalise
    (rf"iz{_VERB}", "is"),
    (rf"ys{_VERB}", "yz"),  # analyse
    (rf"yz{_VERB}", "ys"),
    (rf"(?<=[a-z]{{2}})our{_NOUN}", "or"),  # behaviour
    (rf"(?<=[a-z]{{2}})or{_NOUN}", "our"),
    (r"(?<=[aeiou])ll(?=(?:ed|ing|er|ers)$)", "l"),  # modelling
    (r"(?<=[aeiou])l(?=(?:ed|ing|er|ers)$)", "ll"),
    (r"(?<=[a-z]{2})re(?=s?$)", "er"),  # centre
    (r"(?<=[a-z]{2}[bt])er(?=s?$)", "re"),
    (r"ogue(?=s?$)", "og"),  # catalogue
    (r"og(?=s?$)", "ogue"),
    (r"ence(?=s?$)", "ense"),  # defence
    (r"artef", "artif"),  # artefact
    (r"artif(?=act)", "artef"),
    (r"(?<=[a-z])ae(?=[a-z])", "e"),  # anaesthetic
)


def spellings(word: str) -> tuple[str, ...]:
    """Return how else a word in lower case may be spelt: "modelling" -> "modeling"; it need not be a word."""
    if len(word) < SHORTEST or not (word.isascii() and word.isalpha()):
        return ()
    changed = (re.sub(pattern, other, word) for pattern, other in _RULES)
    return tuple(dict.fromkeys(one for one in changed if one != word))
