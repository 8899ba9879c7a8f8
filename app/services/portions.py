"""Very many rows, some in each transaction: nobody waits long for the one pen of SQLite, or for a lock."""

import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from app.domain.pace import Pace
from app.runtime import Runtime

SECONDS = {"sqlite": 0.015, "postgresql": 1.0}  # what one transaction may take
FEWEST, MOST = 50, 5_000  # rows in one
PAUSE = 0.01  # seconds between two: whoever waits to write comes in between

Row = TypeVar("Row")


def pace(runtime: Runtime) -> Pace:
    """How many rows come next."""
    return Pace(SECONDS[runtime.db.engine.dialect.name], FEWEST, MOST)


def portions(runtime: Runtime, rows: Sequence[Row], pace: Pace) -> Iterator[Sequence[Row]]:
    """Some of these after the other, each to be committed before the next; of none, an empty one."""
    at = 0
    while not runtime.stopping():
        some, began = rows[at : at + pace.people], time.perf_counter()
        yield some
        pace.took(time.perf_counter() - began)
        at += len(some)
        if at == len(rows):
            return
        time.sleep(PAUSE)
