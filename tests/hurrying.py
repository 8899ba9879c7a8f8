"""No time to count anything: what a page can do without is given up at the first look at the clock."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import event

from app import engines
from app.runtime import Runtime
from app.services import in_time

_LONG_ENOUGH = "SELECT CASE WHEN current_setting('statement_timeout') = '1ms' THEN pg_sleep(1) END"


@pytest.fixture
def hurry(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """From its call on, for the rest of this test; on SQLite a count of a thousand people is long enough."""
    engine = runtime.db.engine

    def call() -> None:
        monkeypatch.setattr(in_time, "SECONDS", 0.001)
        monkeypatch.setattr(engines, "LOOK_EVERY", 1_000)
        runtime.db.dispose()  # connections are prepared as they are opened
        if not runtime.db.is_sqlite:
            event.listen(engine, "do_execute", _take_longer)

    yield call
    if event.contains(engine, "do_execute", _take_longer):
        event.remove(engine, "do_execute", _take_longer)


def _take_longer(cursor: Any, statement: str, *_: object) -> None:
    """PostgreSQL's shortest limit is a millisecond, in which a quick machine counts thousands."""
    if statement.startswith(("SELECT", "WITH")):
        cursor.execute(_LONG_ENOUGH)
