"""What the code may not do, read from the code: docs/security.md promises it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*(ROOT / "kb").rglob("*.py"), ROOT / "cli.py"])

# Who may import what reaches out of the process; everybody else may not.
ROOMS = {
    # Of this machine: what a process that stays is asked by, and the one that its page listens on.
    "socket": {"kb/web/app.py", "kb/resident/copies.py", "kb/resident/server.py", "kb/resident/starting.py"},
    "httpx": {"kb/exchange/adding/fetching.py"},
    "huggingface_hub": {"kb/index/encoders/models.py"},
    "websockets": {"kb/reference/duplex_socket.py", "kb/reference/_conversation.py"},
    "webbrowser": {"kb/terminal/commands/reading.py"},
    "subprocess": {
        "kb/api/editors.py",
        "kb/claims/running.py",
        "kb/resident/starting.py",
        "kb/resident/pager.py",
        "kb/terminal/commands/shared.py",
        "kb/api/doctor/machine.py",
        "kb/terminal/fzf.py",
    },
}
NEVER = {
    *("pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "code", "runpy", "ctypes"),  # run what they read
    *("requests", "aiohttp", "urllib3", "urllib.request", "http.client", "ftplib", "smtplib", "socketserver"),
}
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.unsafe_load", "yaml.full_load"}
CALLS |= {
    "yaml.load_all",
    "os.execv",
    "os.execvp",
    "os.spawnv",
    "os.startfile",
    "importlib.util.spec_from_file_location",
}
METHODS = {"parse_raw", "parse_file", "enable_load_extension", "load_extension"}
TEXT_LOADERS = {"LOADER", "yaml.BaseLoader"}  # every leaf is a text; tags build nothing
LOADER_LINE = 'LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)'

# What is put into the text of SQL: names of columns and tables, constants, and clauses made of these. Values are bound.
IN_SQL = {
    "health.py": {"rows", "MOST_TOLD"},
    "files.py": {"where"},
    "conditions.py": {"' AND '.join(clauses)"},
    "concept_scores.py": {"BM25"},
    "full_text.py": {"BM25", "PAPERS_ASKED", "text", "where", "' AND '.join(clauses)"},
    "ledger.py": {
        "_COLUMNS",
        "_RUN_COLUMNS",
        "_FIRST",
        "_STATE",
        "_WITH_LAST_RUN",
        "where",
        "where and f' WHERE {where}'",
    },
    "marked.py": {"_SHOWN", "of_notes", "_STARRED"},
    "papers.py": {"_OF_A_PAPER", "_ROW_COLUMNS", "where", "clause", "name", "READING_ORDER"},
    "rows.py": {"table", "columns", "marks"},
    "schema.py": {"columns"},
    "works.py": {"READING_ORDER", "where"},
    "vectors.py": {"where"},
    "writer.py": {"table"},
}
_SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|WHERE|ORDER BY|FROM|PRAGMA|CREATE|DROP|CASE|EXISTS)\b")


def faults(tree: ast.Module, file: str) -> Iterator[str]:
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if any(name == one or name.startswith(f"{one}.") for one in NEVER):
                yield f"imports {name}"
            if file not in ROOMS.get(name.split(".")[0], {file}):
                yield f"imports {name}"
        if isinstance(node, ast.Call):
            yield from wrong_call(node)


def wrong_call(node: ast.Call) -> Iterator[str]:
    called = ast.unparse(node.func)
    keywords = {one.arg: ast.unparse(one.value) for one in node.keywords}
    if called in CALLS or (isinstance(node.func, ast.Attribute) and node.func.attr in METHODS):
        yield f"calls {called}"
    if keywords.get("shell", "False") != "False":
        yield f"{called} starts a shell"
    if keywords.get("trust_remote_code", "False") != "False" or keywords.get("allow_pickle", "False") != "False":
        yield f"{called} trusts what it reads"
    if called == "torch.load" and keywords.get("weights_only") != "True":
        yield "torch.load unpickles"
    if called in ("yaml.load", "yaml.parse", "yaml.compose"):
        given = [ast.unparse(one) for one in node.args[1:]] + [keywords[one] for one in ("Loader",) if one in keywords]
        if not (len(given) == 1 and given[0] in TEXT_LOADERS):
            yield f"{called} with {given}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_runs_nothing_it_reads_and_asks_nobody(path: Path) -> None:
    file = path.relative_to(ROOT).as_posix()
    assert list(faults(ast.parse(path.read_text(encoding="utf-8")), file)) == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from urllib import request",
        "import urllib.request",
        "import httpx",
        "import subprocess",
        "from socket import create_connection",
        "eval('1')",
        "os.system('ls')",
        "subprocess.run('ls', shell=True)",
        "yaml.load(text)",
        "yaml.load(text, yaml.Loader)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "numpy.load(path, allow_pickle=True)",
    ],
)
def test_the_rules_see_what_they_forbid(line: str) -> None:
    assert list(faults(ast.parse(line), "kb/other.py"))


def test_the_loader_of_yaml_builds_texts_only() -> None:
    import yaml

    from kb.notes.parsing import frontmatter

    assert LOADER_LINE in Path(frontmatter.__file__).read_text(encoding="utf-8")
    tagged = "a: !!python/object/apply:os.getcwd []\nb: !!python/name:os.system x\nc: !!binary eA==\nd: 2301.10000"
    for loader in (frontmatter.LOADER, yaml.BaseLoader):
        assert yaml.load(tagged, loader) == {"a": [], "b": "x", "c": "eA==", "d": "2301.10000"}


def test_what_stands_in_the_text_of_sql_is_named_here() -> None:
    found: dict[str, set[str]] = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr) and "reference" not in path.parts:
                text = "".join(part.value for part in node.values if isinstance(part, ast.Constant))
                put_in = {ast.unparse(part.value) for part in node.values if isinstance(part, ast.FormattedValue)}
                if _SQL.search(text) and put_in:
                    found.setdefault(path.name, set()).update(put_in)
    assert found == IN_SQL


def test_a_reader_cannot_write_and_a_quote_is_a_letter(kb: Any) -> None:
    kb.refresh()
    reader = kb.reader()
    evil = "x'; DROP TABLE papers; --"
    assert reader.papers.named(evil) == []
    assert reader.claims.called(evil) == []
    assert reader.papers.missing([evil]) == [evil]
    assert evil not in reader.papers.counts_by_file()
    with pytest.raises(Exception, match="readonly"):
        reader._db.execute("DELETE FROM papers")
    assert reader.papers.count() == 4
