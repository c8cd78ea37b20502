"""`kb add` from the command line, against servers on this machine that answer as arXiv and Crossref do, or do not."""

import errno
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from kb.exchange.adding import appending, fetching
from tests.adding.server import Reply, Server, recorded
from tests.adding.test_answers import BIB, LAUGHS, MOSHI

MOSHI_ENTRY = (
    "**《Moshi: a speech-text foundation model for real-time dialogue》**\n\n- 论文：https://arxiv.org/abs/2410.00037\n"
)


def held(folder: Path) -> dict[str, bytes]:
    """Return what a folder of notes holds, hidden files included."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_entry_is_printed_and_nothing_written(empty_kb: Any, server: Server) -> None:
    server.replies = [recorded("arxiv-2410.00037.xml")]
    result = empty_kb.run("add", "https://arxiv.org/pdf/2410.00037v2", "--month", "2024-10")
    assert result.exit_code == 0
    assert result.stdout == MOSHI_ENTRY
    assert "not written; with --write it comes to" in result.stderr
    assert held(empty_kb.notes) == {}
    path, headers = server.requests[0]
    assert path == "/api/query?id_list=2410.00037&max_results=1"
    assert headers["User-Agent"].startswith("paper-kb/")


def test_an_entry_is_written_found_again_and_not_added_twice(empty_kb: Any, server: Server) -> None:
    server.replies = [recorded("arxiv-2410.00037.xml")]
    assert empty_kb.run("add", "2410.00037", "--month", "2024-10", "--write").exit_code == 0
    note = (empty_kb.notes / "2024-10.md").read_text(encoding="utf-8")
    assert note.startswith("---\ntitle: 论文速记 2024年10月\n")
    assert note.endswith(MOSHI_ENTRY)
    (hit,) = empty_kb.json("list", "arxiv:2410.00037")
    assert hit["month"] == "2024-10"

    again = empty_kb.run("add", "arXiv:2410.00037v1", "--write")
    assert again.exit_code == 1
    assert again.stderr.count("\n") == 1
    assert "is in the notes already: 2024-10/moshi, " in again.stderr
    assert "2024-10.md:6" in again.stderr
    shown = empty_kb.run("add", "arXiv:2410.00037v1")
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert len(server.requests) == 1  # what is known is not asked for
    assert (empty_kb.notes / "2024-10.md").read_text(encoding="utf-8") == note


def test_a_paper_known_by_its_title_alone_is_known(empty_kb: Any, server: Server) -> None:
    empty_kb.write("2024-09.md", "**《Moshi: A Speech-Text Foundation Model for Real-Time Dialogue》** Kyutai，SLM\n")
    server.replies = [recorded("arxiv-2410.00037.xml")]
    assert "in the notes already: 2024-09/moshi" in empty_kb.run("add", "2410.00037").stderr


def test_a_doi_is_asked_for_at_crossref(empty_kb: Any, server: Server) -> None:
    server.replies = [recorded("crossref-5.771073.json")]
    result = empty_kb.run("add", "https://doi.org/10.1109/5.771073", "--month", "2024-10", "--write")
    assert result.stdout == "**《Toward unique identifiers》**\n\n- 论文：https://doi.org/10.1109/5.771073\n"
    assert server.requests[0][0] == "/works/10.1109%2F5.771073"
    assert empty_kb.json("list", "month:2024-10")[0]["title"] == "Toward unique identifiers"


def test_several_papers_are_asked_for_three_seconds_apart(empty_kb: Any, server: Server, waits: list[float]) -> None:
    pytest.importorskip("pylatexenc")
    server.replies = [recorded("arxiv-2410.00037.xml"), recorded("arxiv-empty.xml"), recorded("arxiv-old.xml")]
    typed = ["2410.00037", "2410.99999", "cs.CL/0101001", "2410.00037v2"]
    result = empty_kb.run("add", *typed, "--month", "2024-10", "--write")
    assert result.exit_code == 1  # one is wrong, the others are added
    assert waits == [3.0, 3.0]
    assert "error: 2410.99999: arXiv has no paper 2410.99999; check the id\n" in result.stderr
    assert "named before in this command" in result.stderr
    note = (empty_kb.notes / "2024-10.md").read_text(encoding="utf-8")
    assert [line for line in note.splitlines() if line.startswith("**《")] == [
        "**《Moshi: a speech-text foundation model for real-time dialogue》**",
        "**《The σ-Model of Toys, 50% Smaller & with Schrödinger's Parser》** Toy University",
    ]


def test_a_bib_file_and_stubs_need_no_network(empty_kb: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pybtex")
    monkeypatch.setattr(socket.socket, "connect", None)
    (tmp_path / "a.bib").write_text(BIB, encoding="utf-8")
    result = empty_kb.run("add", str(tmp_path / "a.bib"), "--month", "2024-10", "--write")
    assert result.exit_code == 0
    titles = {paper["title"] for paper in empty_kb.json("list")}
    assert titles == {"DM-Codec: Distilling Multimodal Representations", "Toys & Schrödinger", "A Page"}
    stub = empty_kb.run("add", "--offline", "2410.00037", "10.1109/5.771073", "--month", "2024-10")
    assert stub.stdout == (
        "**《arXiv:2410.00037》**\n\n- 论文：https://arxiv.org/abs/2410.00037\n\n"
        "**《doi:10.1109/5.771073》**\n\n- 论文：https://doi.org/10.1109/5.771073\n"
    )


def test_entries_that_are_only_shown_follow_one_another(empty_kb: Any, server: Server) -> None:
    server.replies = [recorded("arxiv-2410.00037.xml"), recorded("crossref-5.771073.json")]
    empty_kb.write(
        "2024-10.md", "1. [Toy A](https://arxiv.org/abs/2401.00001)\n2. [Toy B](https://arxiv.org/abs/2401.00002)\n"
    )
    result = empty_kb.run("add", "2410.00037", "10.1109/5.771073", "--month", "2024-10")
    assert [line[:9] for line in result.stdout.splitlines() if line] == ["3. [Moshi", "4. [Towar"]


def test_json_tells_all_of_it(empty_kb: Any, server: Server) -> None:
    server.replies = [recorded("arxiv-2410.00037.xml")]
    (found,) = empty_kb.json("add", "2410.00037", "--month", "2024-10")
    assert found["title"] == "Moshi: a speech-text foundation model for real-time dialogue"
    assert found["entry"] == MOSHI_ENTRY.splitlines()
    assert (found["path"], found["line"]) == (str(empty_kb.notes / "2024-10.md"), 6)
    result = empty_kb.run("add", "nonsense", "--json")
    assert result.exit_code == 1
    assert '"ok": false' in result.stdout


def test_the_month_is_this_computers_unless_told(empty_kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import date

    before, result, after = date.today(), empty_kb.run("add", "--offline", "2410.00037"), date.today()
    assert any(f"{day:%Y-%m}.md" in result.stderr for day in (before, after))
    wrong = empty_kb.run("add", "--offline", "2410.00037", "--month", "2024-13")
    assert (wrong.exit_code, wrong.stderr) == (1, "error: month should look like 2024-10, got '2024-13'\n")


def one_line(result: Any, said: str) -> None:
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("error: ")
    assert said in result.stderr


@pytest.mark.parametrize(
    ("reply", "said", "slept"),
    [
        (recorded("arxiv-empty.xml"), "arXiv has no paper 2410.00037; check the id", []),
        (recorded("arxiv-error.xml", 400), "incorrect id format for 2410.99998", []),
        (Reply(200, MOSHI[: len(MOSHI) // 2]), "cut short or broken", []),
        (Reply(200, MOSHI, breaks_off=True), "arXiv broke off its answer, 3 times; try again later", [3.0, 9.0]),
        (Reply(200, b"<!DOCTYPE html><html>Sorry</html>"), "a web page instead of Atom", []),
        (Reply(200, LAUGHS), "document type", []),
        (Reply(200, b" " * 5_000_001), "more than 5 MB", []),
        (Reply(403, b"no"), "arXiv answered HTTP 403 about 2410.00037", []),
        (Reply(429, b"Rate exceeded."), "arXiv answered HTTP 429, 3 times; try again later", [3.0, 9.0]),
        (Reply(503, b"", (("Retry-After", "20"),)), "arXiv answered HTTP 503, 3 times", [20.0, 20.0]),
        (Reply(503, b"", (("Retry-After", "3600"),)), "arXiv answered HTTP 503 and asks to wait 3600 s", []),
        (Reply(429, b"", (("Retry-After", "Fri, 15 Jan 2027 08:00:30 GMT"),)), "HTTP 429, 3 times", [30.0, 30.0]),
        (Reply(429, b"", (("Retry-After", "soon"),)), "HTTP 429, 3 times", [3.0, 9.0]),
        (Reply(302, b"", (("Location", "/api/query"),)), "arXiv redirects in a circle", []),
        (Reply(302, b"", (("Location", "gopher://x/"),)), "arXiv redirects to gopher:, off https", []),
    ],
)
def test_an_answer_that_is_none_is_one_line_and_changes_nothing(
    kb: Any, server: Server, waits: list[float], reply: Reply, said: str, slept: list[float]
) -> None:
    kb.write("2024-08.md", "**《Toy: A Start of Toys》** CMU，k\n")
    (kb.notes / "2024-10.md").unlink()  # it knows 2410.00037
    kb.refresh()
    before = held(kb.notes)
    server.replies = [reply]
    one_line(kb.run("add", "2410.00037", "--month", "2024-08", "--write"), said)
    assert waits == slept
    assert held(kb.notes) == before


def test_a_server_that_recovers_is_an_answer(empty_kb: Any, server: Server, waits: list[float]) -> None:
    server.replies = [Reply(503), Reply(429, b"", (("Retry-After", "7"),)), recorded("arxiv-2410.00037.xml")]
    assert empty_kb.run("add", "2410.00037", "--month", "2024-10").stdout == MOSHI_ENTRY
    assert waits == [3.0, 9.0]


def test_a_server_that_says_nothing_is_not_waited_for(
    empty_kb: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "READ_SECONDS", 0.05)
    server.replies = [Reply(is_silent=True)]
    one_line(empty_kb.run("add", "2410.00037", "--write"), "arXiv did not answer in time, 3 times; try again later")
    assert held(empty_kb.notes) == {}


def test_no_network_is_one_line(empty_kb: Any, waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("httpx")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        monkeypatch.setattr(fetching, "ARXIV", f"http://127.0.0.1:{taken.getsockname()[1]}/")
        one_line(empty_kb.run("add", "2410.00037", "--write"), "arXiv cannot be reached")
    assert waits == []


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(404, b"Resource not found."), "Crossref knows no DOI 10.1109/5.771073"),
        (Reply(200, b'{"status":"ok","message":{"title":["To'), "cut short or broken"),
        (Reply(504, b""), "Crossref answered HTTP 504, 3 times"),
    ],
)
def test_crossref_without_an_answer_is_one_line(empty_kb: Any, server: Server, reply: Reply, said: str) -> None:
    server.replies = [reply]
    one_line(empty_kb.run("add", "10.1109/5.771073", "--write"), said)
    assert held(empty_kb.notes) == {}


def test_a_withdrawn_paper_is_shown_with_a_warning_and_not_written(empty_kb: Any, server: Server) -> None:
    server.replies = [recorded("arxiv-withdrawn.xml")]
    one_line(empty_kb.run("add", "2401.00002", "--write"), "This paper has been withdrawn by the author")
    assert held(empty_kb.notes) == {}
    shown = empty_kb.run("add", "2401.00002")
    assert "《Toys That Cannot Be Shown》" in shown.stdout
    assert "arXiv says it was withdrawn: This paper has been withdrawn" in shown.stderr


def test_without_httpx_the_way_out_is_named(empty_kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "httpx", None)
    one_line(empty_kb.run("add", "2410.00037"), "pip install 'paper-kb[online]'")


def test_a_month_that_nothing_can_join_gets_a_second_file(empty_kb: Any) -> None:
    single = empty_kb.write("2024-10.md", "# Toy Codecs 阅读笔记\n\nhttps://arxiv.org/abs/2401.00001\n\ntext\n")
    before = single.read_bytes()
    result = empty_kb.run("add", "--offline", "2410.00037", "2410.00038", "--month", "2024-10", "--write")
    assert result.exit_code == 0
    assert "2024-10.md cannot hold this entry: it would be misread there, or change others" in result.stderr
    assert single.read_bytes() == before
    assert (empty_kb.notes / "2024-10-added.md").read_text(encoding="utf-8").count("**《arXiv:") == 2
    assert {paper["month"] for paper in empty_kb.json("list")} == {"2024-10"}


def test_an_open_block_of_code_is_one_line(empty_kb: Any) -> None:
    note = empty_kb.write("2024-10.md", "**《Toy: A Start of Toys》** CMU，k\n\n```python\nx = 1\n")
    before = note.read_bytes()
    said = "2024-10.md:3: the code block that begins here is never closed"
    one_line(empty_kb.run("add", "--offline", "2410.00037", "--month", "2024-10", "--write"), said)
    assert note.read_bytes() == before


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("step", "is_there"),
    [("replace", True), ("replace", False), ("fsync", True), ("fsync", False), ("chmod", True)],
)
def test_a_full_disk_leaves_the_note_as_it_was(
    empty_kb: Any, monkeypatch: pytest.MonkeyPatch, step: str, is_there: bool
) -> None:
    if is_there:
        empty_kb.write("2024-10.md", "**《Toy: A Start of Toys》** CMU，k\n")
    before = held(empty_kb.notes)
    empty_kb.refresh()
    monkeypatch.setattr(appending.os, step, full_disk)
    result = empty_kb.run("add", "--offline", "2410.00037", "--month", "2024-10", "--write")
    one_line(result, "2024-10.md: cannot be written: No space left on device; it is as it was")
    assert held(empty_kb.notes) == before


def test_a_note_that_changes_meanwhile_is_not_overwritten(empty_kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    note = empty_kb.write("2024-10.md", "**《Toy: A Start of Toys》** CMU，k\n")
    empty_kb.refresh()
    sync = os.fsync

    def save_elsewhere(handle: int) -> None:
        note.write_text("**《Toy: A Start of Toys》** CMU，k\n\nmine\n", encoding="utf-8")
        sync(handle)

    monkeypatch.setattr(appending.os, "fsync", save_elsewhere)
    result = empty_kb.run("add", "--offline", "2410.00037", "--month", "2024-10", "--write")
    one_line(result, "was changed in the meantime; nothing is written, run the command again")
    assert note.read_text(encoding="utf-8").endswith("mine\n")
    assert list(held(empty_kb.notes)) == ["2024-10.md"]


def test_a_note_made_meanwhile_is_not_overwritten(empty_kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    empty_kb.refresh()  # which writes, too
    sync = os.fsync

    def make_it(handle: int) -> None:
        empty_kb.write("2024-10.md", "mine\n")
        sync(handle)

    monkeypatch.setattr(appending.os, "fsync", make_it)
    one_line(empty_kb.run("add", "--offline", "2410.00037", "--month", "2024-10", "--write"), "in the meantime")
    assert held(empty_kb.notes) == {"2024-10.md": b"mine\n"}


def test_a_note_that_may_only_be_read_stays(empty_kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    note = empty_kb.write("2024-10.md", "**《Toy: A Start of Toys》** CMU，k\n")
    monkeypatch.setattr(appending.os, "access", lambda path, mode: "2024-10.md" not in str(path))
    said = "2024-10.md: cannot be written: it may only be read"
    one_line(empty_kb.run("add", "--offline", "2410.00037", "--month", "2024-10", "--write"), said)
    assert note.read_text(encoding="utf-8") == "**《Toy: A Start of Toys》** CMU，k\n"


def test_links_permissions_and_line_ends_of_a_note_stay(empty_kb: Any) -> None:
    real = empty_kb.root / "real.md"
    real.write_bytes("\ufeff**《Toy: A Start of Toys》** CMU，k\r\n".encode())
    real.chmod(0o640)
    (empty_kb.notes / "2024-10.md").symlink_to(real)
    empty_kb.refresh()
    assert empty_kb.run("add", "--offline", "2410.00037", "--month", "2024-10", "--write").exit_code == 0
    assert (empty_kb.notes / "2024-10.md").is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert real.read_bytes().decode() == (
        "\ufeff**《Toy: A Start of Toys》** CMU，k\r\n\r\n"
        "**《arXiv:2410.00037》**\r\n\r\n- Paper: https://arxiv.org/abs/2410.00037\r\n"
    )


def test_the_readme_shows_what_comes_out(empty_kb: Any, server: Server) -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    command, _, output = readme.partition("$ kb add ")[2].partition("```")[0].partition("\n")
    server.replies = [recorded("arxiv-2410.00037.xml")]
    assert empty_kb.run("add", *command.split()).stdout == output


def test_nothing_else_of_kb_asks_the_network() -> None:
    source = Path(fetching.__file__).resolve().parents[1]
    users = [path.name for path in source.rglob("*.py") if "import httpx" in path.read_text(encoding="utf-8")]
    assert users == ["fetching.py"]


def test_an_old_id_is_known_with_its_subject_and_without(empty_kb: Any) -> None:
    empty_kb.write("2024-09.md", "**《Toy: A Start of Toys》** CMU，k\n\n- 论文：https://arxiv.org/abs/cs.CL/0101001\n")
    result = empty_kb.run("add", "cs/0101001", "math.GT/0309136", "--offline", "--month", "2024-10")
    assert "arXiv:cs/0101001 is in the notes already: 2024-09/toy" in result.stderr
    assert result.stdout.startswith("**《arXiv:math/0309136》**")
