"""What is counted within a time and given up after it, while the snapshot around it goes on."""

import time

import pytest
from sqlalchemy import func, select, text

from app.db import Database
from app.errors import Unavailable
from app.models import Workspace
from app.runtime import Runtime
from app.services import in_time
from tests.world import World

ENDLESS = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
SLOW = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT count(*) FROM n"
)


def test_what_takes_too_long_is_given_up_and_the_snapshot_goes_on(
    runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.workspace()
    monkeypatch.setattr(in_time, "SECONDS", 0.2)
    began = time.monotonic()
    everybody = select(func.count()).select_from(Workspace)
    with runtime.db.read() as session:
        assert session.scalar(everybody) == 1
        for _ in range(2):
            with pytest.raises(Unavailable), in_time.in_time(session):
                session.execute(ENDLESS)
        world.workspace()
        assert session.scalar(everybody) == 1
    assert time.monotonic() - began < 5


def test_after_it_everything_has_its_usual_time_again(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_time, "SECONDS", 0.1)
    with runtime.db.read() as session:
        with in_time.in_time(session):
            session.execute(text("SELECT 1"))
        session.execute(SLOW)


def test_what_is_wrong_with_a_statement_stays_a_mistake(db: Database) -> None:
    with pytest.raises(Exception, match="nowhere") as found, db.read() as session, in_time.in_time(session):
        session.execute(text("SELECT * FROM nowhere"))
    assert not isinstance(found.value, Unavailable)
