"""What is sent to PostgreSQL in one trip fails by its end, as its first error, and leaves nothing behind."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import select, text

from app.db import Database, Statement, driver_of, open_database, together
from app.errors import Unavailable
from app.models import Setting

pytestmark = pytest.mark.judged_on("postgresql")

PUT = Statement("INSERT INTO installation (name, value) VALUES (:name, :value)")
CHANGE = Statement("UPDATE installation SET value = :value WHERE name = :name")


@pytest.fixture
def db(db: Database) -> Iterator[Database]:
    """With one connection at a time, and a short patience."""
    opened = open_database(db.engine.url.render_as_string(hide_password=False), busy_milliseconds=200)
    yield opened
    opened.dispose()


def kept(db: Database) -> dict[str, str]:
    with db.read() as session:
        return {
            row.name: row.value for row in session.scalars(select(Setting)) if row.name.startswith("trip")
        }


def backend(db: Database) -> int:
    """Which connection one gets."""
    with db.read() as session:
        return int(session.scalar(text("SELECT pg_backend_pid()")) or 0)


def test_what_is_run_inside_is_there_at_its_end(db: Database) -> None:
    with db.write() as session:
        with together(session):
            PUT.run_many(session, [{"name": f"trip {n}", "value": "x"} for n in range(3)])
            CHANGE.run(session, {"name": "trip 1", "value": "y"})
            assert driver_of(session)[1].info.pipeline_status == psycopg.pq.PipelineStatus.ON
        assert session.get_one(Setting, "trip 1").value == "y"
    assert kept(db) == {"trip 0": "x", "trip 1": "y", "trip 2": "x"}


@pytest.mark.parametrize("many", [False, True])
def test_an_error_inside_shows_by_the_end_as_the_first_and_undoes_everything(
    db: Database, many: bool
) -> None:
    """When depends on how soon the server answers. Those after it are refused for it alone: no news."""
    before = backend(db)
    names = ("trip", "trip", None)  # the second is there already, the third is none
    rows: list[dict[str, object]] = [{"name": name, "value": "x"} for name in names]
    with pytest.raises(psycopg.errors.UniqueViolation), db.write() as session:
        PUT.run(session, {"name": "trip before", "value": "x"})
        with together(session):
            if many:
                PUT.run_many(session, rows)
            else:
                for each in rows:
                    PUT.run(session, each)
    assert kept(db) == {}
    with db.write() as session, together(session):
        PUT.run(session, rows[0])
    assert kept(db) == {"trip": "x"}
    assert backend(db) == before, "the connection serves whoever comes next"


def test_whoever_waits_too_long_inside_is_told_that_it_is_unavailable(db: Database) -> None:
    with db.write() as session:
        PUT.run(session, {"name": "trip", "value": "x"})
    before = backend(db)
    with psycopg.connect(db.engine.url.set(drivername="postgresql").render_as_string(False)) as other:
        other.execute("UPDATE installation SET value = 'held' WHERE name = 'trip'")
        with pytest.raises(Unavailable), db.write() as session, together(session):
            PUT.run(session, {"name": "trip first", "value": "x"})
            CHANGE.run(session, {"name": "trip", "value": "y"})
        other.rollback()
    assert kept(db) == {"trip": "x"}
    with db.write() as session, together(session):
        CHANGE.run(session, {"name": "trip", "value": "y"})
    assert kept(db) == {"trip": "y"}
    assert backend(db) == before


def test_the_session_goes_on_outside_of_it(db: Database) -> None:
    with db.write() as session:
        with together(session):
            PUT.run(session, {"name": "trip", "value": "x"})
        assert driver_of(session)[1].info.pipeline_status == psycopg.pq.PipelineStatus.OFF
        session.add(Setting(name="trip 2", value="x"))
    assert set(kept(db)) == {"trip", "trip 2"}
