"""A run for many people, beside a bare INSERT … SELECT of the same rows; others meanwhile; SQLite's minute.

The floor is honest both ways: the very rows, ids included, in the order in which they were made, into the
same two tables with all their indexes, checks and foreign keys, which take most of its time. It is one
transaction of two statements, where ours commits each second and decides about everybody; it comes second,
when the database has read the contacts already.
"""

import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from app.channels.registry import open_channels
from app.db import Database, open_database
from app.models import Occurrence, Schedule, new_id
from app.runtime import Runtime, now
from app.services import expanding, planning
from benchmarks.crowd import crowd, fill
from benchmarks.report import Line
from benchmarks.seed import open_place
from benchmarks.servers import SECRET, postgres
from config import Config

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "1000000"))
ON_SQLITE = min(PEOPLE, 100_000)
TARGET = 0.5
SECONDS_ON_SQLITE = 60
MEGABYTES = 300
OTHERS = 100  # people of another workspace, whose run comes due when a tenth of the large one is done
SECONDS_OF_OTHERS = 60
AT_NINE, SECONDS_AT_NINE = 1_000, 60

_FLOOR = (
    "INSERT INTO invitations SELECT * FROM kept_invitations",
    "INSERT INTO messages SELECT * FROM kept_messages",
)


def measure() -> Iterator[Line]:
    """PostgreSQL against its floor, then SQLite against a minute, then what the worker held of memory."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        with postgres(home / "pg") as server:
            yield from _against_floor(server.create_database("crowd"))
        yield _on_sqlite(f"sqlite:///{home / 'crowd'}.db")
        yield _at_nine(f"sqlite:///{home / 'nine'}.db")
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Line(f"a run for {PEOPLE:,}: megabytes held", held, MEGABYTES, 1, False, "floor: the target")


def _against_floor(url: str) -> Iterator[Line]:
    """Ours first; the very rows that it made are then written again, bare."""
    db = open_database(url)
    place = crowd(db, PEOPLE)
    others = Others(db)
    _at_rest(db)
    others.start()
    ours = _timed(lambda: _expand(db, place, PEOPLE, OTHERS))
    others.join()
    with db.write() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text("CREATE TABLE kept_messages AS SELECT * FROM messages"))
        session.execute(text("CREATE TABLE kept_invitations AS SELECT * FROM invitations"))
        session.execute(text("TRUNCATE invitations, messages, answers, tokens CASCADE"))
    _at_rest(db)

    def bare() -> None:
        with db.engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            for words in _FLOOR:
                connection.execute(text(words))

    floor = _timed(bare)
    db.dispose()
    what = f"a run for {PEOPLE:,}, PostgreSQL: people per second"
    yield Line(what, PEOPLE / ours, PEOPLE / floor, TARGET, True, f"{ours:.1f} s beside {floor:.1f} s")
    what = f"another workspace's {OTHERS}, due meanwhile: seconds until queued"
    yield Line(what, others.waited, SECONDS_OF_OTHERS, 1, False, "floor: the target")


class Others(threading.Thread):
    """Another workspace, whose run comes due while the large one is under way."""

    def __init__(self, db: Database) -> None:
        super().__init__(daemon=True)
        self.waited = 0.0
        self._db, self._place = db, open_place(db, datetime.now(UTC))
        fill(db, self._place, OTHERS)

    def run(self) -> None:
        while self._count("SELECT coalesce(sum(asked), 0) FROM occurrences") < PEOPLE / 10:
            time.sleep(0.2)
        _due(self._db, self._place)
        began = time.perf_counter()
        mine = f"SELECT count(*) FROM messages WHERE workspace_id = '{self._place['workspace']}'"
        while self._count(mine) < OTHERS:
            time.sleep(0.05)
        self.waited = time.perf_counter() - began

    def _count(self, words: str) -> int:
        with self._db.read() as session:
            return int(session.scalar(text(words)) or 0)


def _at_rest(db: Database) -> None:
    """Nothing that the other of the two measured would have to do."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))
        connection.invalidate()


def _on_sqlite(url: str) -> Line:
    db = open_database(url)
    place = crowd(db, ON_SQLITE)
    ours = _timed(lambda: _expand(db, place, ON_SQLITE))
    db.dispose()
    what = f"a run for {ON_SQLITE:,}, SQLite: seconds"
    return Line(what, ours, SECONDS_ON_SQLITE, 1, False, "floor: the target")


def _at_nine(url: str) -> Line:
    """A thousand schedules that come due at one moment: until the last of them has asked."""
    db = open_database(url)
    place = crowd(db, 1)
    runtime, at = _runtime(db), datetime.now(UTC)
    with db.write() as session:
        session.add_all(_schedule(place, at, next_due_at=at) for _ in range(AT_NINE))

    def work() -> None:
        assert planning.plan_schedules(runtime) == AT_NINE
        expanding.expand_occurrences(runtime)

    took = _timed(work)
    with db.read() as session:
        assert session.scalar(text("SELECT count(*) FROM occurrences WHERE state <> 'run'")) == 0
    db.dispose()
    what = f"{AT_NINE:,} schedules due at once, SQLite: seconds until all have begun"
    return Line(what, took, SECONDS_AT_NINE, 1, False, "floor: the target")


def _runtime(db: Database) -> Runtime:
    config = Config.from_env({"DATABASE_URL": str(db.engine.url), "SECRET_KEY": SECRET})
    return Runtime(config=config, clock=now, db=db, channels=open_channels(config))


def _expand(db: Database, place: dict[str, str], people: int, others: int = 0) -> None:
    _due(db, place)
    assert expanding.expand_occurrences(_runtime(db)) == people + others
    with db.read() as session:
        queued = session.scalar(text("SELECT count(*) FROM messages WHERE state = 'queued'"))
    assert queued == people + others


def _due(db: Database, place: dict[str, str]) -> None:
    at = datetime.now(UTC)
    schedule = _schedule(place, at)
    with db.write() as session:
        session.add(schedule)
        session.flush()
        session.add(
            Occurrence(
                id=new_id(), workspace_id=place["workspace"], schedule_id=schedule.id,
                survey_id=place["survey"], origin="schedule", key=new_id(), audience={}, channels=["email"],
                state="due", due_at=at, created_at=at,
            )
        )  # fmt: skip


def _schedule(place: dict[str, str], at: datetime, **more: datetime) -> Schedule:
    return Schedule(
        id=new_id(), workspace_id=place["workspace"], survey_id=place["survey"], name="NPS", audience={},
        repeat="quarterly", starts_at=at.strftime("%Y-%m-%dT%H:%M"), time_zone="UTC", channels=["email"],
        state="active", created_at=at, updated_at=at, **more,
    )  # fmt: skip


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
