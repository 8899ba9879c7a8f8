"""Processes that die, started in a moment."""

from collections.abc import Iterator

import pytest

from tests.crash.nest import Nest


@pytest.fixture(scope="session")
def nest() -> Iterator[Nest]:
    nest = Nest()
    yield nest
    nest.close()
