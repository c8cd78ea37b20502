"""What every reference shares: running it by itself, and its device."""

import pytest

from kb.reference import _alone


@pytest.fixture
def run(monkeypatch):
    def run(*arguments, held=True):
        def demo(*, device, seed):
            if seed < 0:
                raise ValueError("want a seed of 0 or more")
            rows = [{"level": None, "share": 0.25}, {"level": 10, "share": seed}]
            return {"rows": rows, "drawing": "--*", "remarks": ["Made up."]}

        monkeypatch.setattr("sys.argv", ["toy.py", *arguments])
        _alone.run_alone("A toy.", demo, lambda *, device: [("one is one", True), (f"{device} is fast", held)])

    return run


def test_columns_are_as_wide_as_their_widest_cell_and_all_that_was_shown_follows(run, capsys):
    run("--seed", "1234567")

    assert capsys.readouterr().out.split("\n") == [
        "level    share",
        "    -     0.25",
        "   10  1234567",
        "--*",
        "Made up.",
        "",
    ]


@pytest.mark.parametrize(("held", "mark", "status"), [(True, "holds", 0), (False, "FAILS", 1)])
def test_a_check_that_fails_ends_with_1(run, capsys, held, mark, status):
    with pytest.raises(SystemExit) as ended:
        run("--check", held=held)

    assert int(ended.value.code or 0) == status
    assert capsys.readouterr().out == f"holds  one is one\n{mark}  cpu is fast\n"


def test_what_cannot_be_computed_is_one_line(run, capsys):
    with pytest.raises(SystemExit) as ended:
        run("--seed", "-1")

    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith("error: want a seed of 0 or more\n")


def test_a_device_that_is_not_there_is_named():
    torch = pytest.importorskip("torch")
    from kb.reference import _devices

    with pytest.raises(ValueError, match="device 'nowhere' cannot be used"):
        _devices.moved(torch.zeros(1), "nowhere")


def test_threads_come_back_even_after_an_error():
    torch = pytest.importorskip("torch")
    from kb.reference import _devices

    @_devices.one_thread()
    def fail():
        raise KeyError(torch.get_num_threads())

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with pytest.raises(KeyError, match="1"):
            fail()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
