"""What fails here may fail at the first index: the notes have none before."""

import pytest

from tests.conftest import Kb


@pytest.fixture
def kb(unread_kb: Kb) -> Kb:
    return unread_kb
