"""What the tests of all references share."""

import importlib.util

import pytest


@pytest.fixture(scope="package", autouse=True)
def one_thread():
    """Threads that meet after every small step are slow where other work shares the cores."""
    if importlib.util.find_spec("torch") is None:
        yield
        return
    from kb.reference._devices import one_thread

    with one_thread():
        yield
