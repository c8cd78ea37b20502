"""A template that cannot be laid out is a line with its file and line, whatever it does."""

from typing import Any

import pytest

FAULTS = [
    ("{% for x in 3 %}{% endfor %}", "TypeError: 'int' object is not iterable"),
    ("{{ 1 / 0 }}", "ZeroDivisionError: division by zero"),
    ("{{ 'a' + 1 }}", 'TypeError: can only concatenate str (not "int") to str'),
    ("{{ range(10 ** 9) }}", "OverflowError: "),
    ("{{ 'x' * 10 ** 15 }}", "MemoryError"),
    ("{{ 10.0 ** 400 }}", "OverflowError: "),
    ("{{ '%d' % 'a' }}", "TypeError: "),
    ("{{ 'a'.index('b') }}", "ValueError: "),
    ("{{ 'é'.encode('ascii') }}", "UnicodeEncodeError: "),
    ("{{ [].pop() }}", ""),
    ("{{ digest | to_note }}", "AttributeError: "),
    ("{{ 3 | to_code }}", "AttributeError: "),
    ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "RecursionError: "),
    ("{% include 'digest.md.j2' %}", "RecursionError: "),
    ("{{ nobody.name }}", "'nobody' is undefined"),
    ("{{ digest.__class__ }}", ""),
    ("{% include 'part.j2' %}", "part.j2:3: TypeError: "),
]
NO_LINE = [  # what fails before there is a line
    (b"{{ " + b"(" * 5000 + b"1" + b")" * 5000 + b" }}", ""),
    (b"{% for x in [1] %}" * 30 + b"{% endfor %}" * 30, "SyntaxError: too many statically nested blocks"),
    (b"{{ '\\ud800' }}", "UnicodeEncodeError: "),
    ("{{ '声调' }}".encode("gbk"), "digest.md.j2 is not UTF-8 (byte 0x"),
]


@pytest.mark.parametrize(("text", "said"), FAULTS)
def test_a_fault_of_a_template_is_told_with_its_line(kb: Any, text: str, said: str) -> None:
    kb.config.templates.mkdir()
    own = kb.config.templates / "digest.md.j2"
    own.write_text(f"first\n{text}\n", encoding="utf-8")
    (kb.config.templates / "part.j2").write_text("1\n2\n{{ 'a' + 1 }}\n", encoding="utf-8")

    result = kb.run("digest", "2024-10")

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    place = kb.config.templates if "part.j2" in text else f"{own}:2: "
    assert result.stderr.startswith(f"error: {place}")
    assert said in result.stderr
    assert result.stderr.endswith("; mend the template\n")


@pytest.mark.parametrize(("data", "said"), NO_LINE)
def test_a_template_that_cannot_be_compiled_or_written_is_told(kb: Any, data: bytes, said: str) -> None:
    kb.config.templates.mkdir()
    (kb.config.templates / "digest.md.j2").write_bytes(data)

    result = kb.run("digest", "2024-10")

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "digest.md.j2: " in result.stderr
    assert said in result.stderr


def test_a_fault_of_ours_is_no_fault_of_a_template(kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from kb.reports import templates

    kb.config.templates.mkdir()
    (kb.config.templates / "other.j2").write_text("", encoding="utf-8")  # so that the sandbox is used
    monkeypatch.setattr(templates, "link", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        kb.run("digest", "2024-10")
