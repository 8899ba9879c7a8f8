"""The database: reading and writing sessions, statements of the hot path; alike on SQLite and PostgreSQL."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from threading import Lock
from typing import Any, cast

from sqlalchemy import CursorResult, Delete, Engine, Update, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError, TimeoutError
from sqlalchemy.orm import Session

from app.engines import LOCKED, be_reading, empty_log, open_engine, vacuum
from app.errors import Unavailable
from app.journal import Journal

BUSY_MILLISECONDS = 5_000  # a respondent waits this long at most behind another writer, then sees 503
SCRUB_PATIENCE = 0.05  # seconds: whoever empties SQLite's log holds its one pen while waiting for readers
READ_ONLY = "attempt to write a readonly database"
TOO_MANY = "number of parameters must be"  # as PostgreSQL's client says it, in the class of a lost connection
_NOT_NOW = (  # as SQLite says it; the transaction is undone, and another try may find better times
    LOCKED,
    "database or disk is full",
    "disk I/O error",
    "unable to open database file",
    READ_ONLY,
    "interrupted",
)
BEFORE, LAST, AFTER = "before_commit", "last_before_commit", "after_commit"
SKIP_LOCKED = " FOR UPDATE SKIP LOCKED"  # in a Statement: PostgreSQL only; SQLite has one writer
_HASTE = text(  # for this transaction alone
    "SELECT set_config('lock_timeout', :most, true), set_config('statement_timeout', :most, true)"
)
_SQLITE_MOMENT = "%Y-%m-%d %H:%M:%S.%f"  # as SQLAlchemy writes them


@dataclass(frozen=True)
class Database:
    """Sessions over one engine. `read` changes nothing; `write` commits once, at its end."""

    engine: Engine
    busy_seconds: float
    journal: Journal | None = None  # what must survive the loss of this database
    writing: Lock = field(default_factory=Lock, repr=False, compare=False)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A snapshot that refuses to write (SQLite: deferred and query_only)."""
        with self._session({"reading": True}) as session:
            yield session
            session.expunge_all()  # what was read stays readable after the snapshot has ended
            session.commit()  # nothing: but at a rollback psycopg forgets every statement it has prepared

    @contextmanager
    def write(self, patience: float | None = None) -> Iterator[Session]:
        """One transaction (SQLite: BEGIN IMMEDIATE), committed at the end or not at all.

        `patience`: whoever waits may not wait as long as a respondent would; seconds for each statement.
        """
        seconds = self.busy_seconds if patience is None else min(patience, self.busy_seconds)
        until = time.monotonic() + seconds  # for both waits: in this process, and behind others
        with self._turn(seconds), self._session({"until": until}) as session:
            if patience is not None and not self.is_sqlite:
                session.execute(_HASTE, {"most": f"{int(seconds * 1000)}ms"})
            session.info["journal"] = self.journal
            yield session
            _run(session, BEFORE)
            _run(session, LAST)
            session.commit()
            _run(session, AFTER)

    def look_up(self, statement: "Statement", values: Mapping[str, Any]) -> Any:
        """The first row that one statement finds, or None: a snapshot of its own, in a single round trip."""
        with self._passing_troubles():
            connection: Any = self.engine.raw_connection()
            try:
                if self.is_sqlite:
                    be_reading(connection.driver_connection, connection.info, self.busy_seconds)
                    return statement.on_sqlite(connection.driver_connection, values).fetchone()
                connection.driver_connection.autocommit = True  # no BEGIN, no COMMIT
                try:
                    return statement.on_postgresql(connection.driver_connection, values).fetchone()
                finally:
                    connection.driver_connection.autocommit = False
            finally:
                connection.close()

    @contextmanager
    def _turn(self, seconds: float) -> Iterator[None]:
        """SQLite has one writer: threads of one process queue here, where nobody has to look again."""
        if not self.is_sqlite:
            yield
        elif not self.writing.acquire(timeout=seconds):
            raise Unavailable("the database: another writer takes too long")
        else:
            try:
                yield
            finally:
                self.writing.release()

    @contextmanager
    def _session(self, options: dict[str, Any]) -> Iterator[Session]:
        with (
            self._passing_troubles(reading="reading" in options),
            self.engine.connect().execution_options(**options) as connection,
            Session(connection, expire_on_commit=False) as session,
        ):
            yield session

    @contextmanager
    def _passing_troubles(self, *, reading: bool = True) -> Iterator[None]:
        """What another hour would heal is Unavailable; to write while reading is a mistake and stays one."""
        try:
            yield
        except TimeoutError as error:
            raise Unavailable("every connection is in use") from error
        except (OperationalError, self._driver.OperationalError) as error:
            cause = error.orig if isinstance(error, OperationalError) else error
            if self._passes(cause) and not (reading and READ_ONLY in str(cause)):
                raise Unavailable(f"the database: {cause}".splitlines()[0]) from error
            raise

    @property
    def _driver(self) -> Any:
        """The driver's module: sqlite3 or psycopg, which an installation on SQLite need not load."""
        return self.engine.dialect.loaded_dbapi

    def _passes(self, error: object) -> bool:
        """Is it the hour, not the statement? Locks, time-outs, full disks, a server that is away or ends."""
        if self.is_sqlite:
            return any(words in str(error) for words in _NOT_NOW)
        # Classes 08, 40, 53, 55, 57 and 58: never a statement's fault
        return isinstance(error, self._driver.OperationalError) and TOO_MANY not in str(error)

    def scrub(self, *tables: str, wholly: bool = False) -> list[str]:
        """Take what was deleted from these tables out of the files, now rather than some day; what is left.

        SQLite overwrites deleted rows, but its log keeps older pages until it is emptied. PostgreSQL keeps
        dead rows until a vacuum, and their bytes until something is written over them: `wholly` writes each
        table anew, and nobody uses it meanwhile. A reader in the way: it is left for another time.
        """
        if self.is_sqlite:
            patience = min(self.busy_seconds, SCRUB_PATIENCE)
            return [] if empty_log(self.engine, patience) else ["log"]
        return [each for each in tables if not vacuum(self.engine, each, wholly=wholly)]

    def dispose(self) -> None:
        """Close every connection: at the end, and in a child after fork."""
        self.engine.dispose()


def open_database(
    url: str, *, busy_milliseconds: int = BUSY_MILLISECONDS, journal: Journal | None = None
) -> Database:
    """The database at `url`; connections open lazily, and a child after fork opens its own."""
    return Database(open_engine(url, busy_milliseconds), busy_milliseconds / 1000, journal)


def when(session: Session, moment: str, work: Callable[[Session], None]) -> None:
    """Run `work` once: BEFORE this transaction commits, LAST of all, or right AFTER it has.

    BEFORE is where rows are locked that others wait for, so that they wait shortest; LAST, when the database
    has nothing left to refuse, what stands outside it is written.
    """
    session.info.setdefault(moment, {})[work] = None


def _run(session: Session, moment: str) -> None:
    for work in session.info.pop(moment, ()):
        work(session)


@contextmanager
def taken_back(session: Session) -> Iterator[None]:
    """What is done inside is undone at its end, by a savepoint: for work that must only cost its time."""
    with session.begin_nested() as attempt:
        yield
        session.flush()
        attempt.rollback()


@contextmanager
def planned_anew(session: Session) -> Iterator[None]:
    """Without PostgreSQL's plans from when a table was small, foreign keys' included: decision 0014."""
    is_sqlite, raw = driver_of(session)
    if is_sqlite:
        yield
        return
    usual, raw.prepare_threshold = raw.prepare_threshold, None
    try:
        raw.execute("DISCARD PLANS; SET LOCAL enable_seqscan = off")
        yield
    finally:
        raw.prepare_threshold = usual


def insert_into(session: Session, table: type[Any]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT in the words of this session's database: both know ON CONFLICT, SQLAlchemy's own does not."""
    return postgresql.insert(table) if is_postgresql(session) else sqlite.insert(table)


def is_postgresql(session: Session) -> bool:
    """Does this session talk to PostgreSQL?"""
    return session.get_bind().dialect.name == "postgresql"


def changed(session: Session, statement: Update | Delete) -> int:
    """Run an UPDATE or a DELETE: how many rows it met."""
    done = session.execute(statement)
    assert isinstance(done, CursorResult)  # what these two always give
    return done.rowcount


class Statement:
    """A statement of the hot path, on the driver's own cursor: text with `:names`, alike for both databases.

    Moments, JSON and truth come back as the driver gives them: read them with `moment` and `structure`.
    """

    def __init__(self, words: str) -> None:
        self._sqlite = re.sub(" FOR (UPDATE|KEY SHARE)( OF [a-z]+)?( SKIP LOCKED)?", "", words)
        self._postgresql = re.sub(r":([a-z_]+)", r"%(\1)s", words)

    def run(self, session: Session, values: Mapping[str, Any]) -> Any:
        """The driver's cursor after the statement, in the session's transaction."""
        is_sqlite, raw = driver_of(session)
        return (self.on_sqlite if is_sqlite else self.on_postgresql)(raw, values)

    def on_sqlite(self, raw: Any, values: Mapping[str, Any]) -> Any:
        """The same on sqlite3's connection."""
        return raw.execute(self._sqlite, _plain(values))

    def on_postgresql(self, raw: Any, values: Mapping[str, Any]) -> Any:
        """The same on psycopg's connection."""
        return raw.execute(self._postgresql, values)

    def run_many(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """The statement once for each row."""
        if not rows:
            return
        is_sqlite, raw = driver_of(session)
        if is_sqlite:
            raw.executemany(self._sqlite, [_plain(each) for each in rows])
        else:
            raw.cursor().executemany(self._postgresql, rows)


@contextmanager
def together(session: Session) -> Iterator[None]:
    """What is run inside, and read by nobody, goes to PostgreSQL in one trip; it fails by the end of it."""
    is_sqlite, raw = driver_of(session)
    with nullcontext() if is_sqlite else raw.pipeline():
        yield


def driver_of(session: Session) -> tuple[bool, Any]:
    """Is it SQLite's, and the driver's connection, on which this session's one transaction has begun."""
    known = session.info.get("driver")
    if known is None:
        connection = session.connection()
        known = (connection.dialect.name == "sqlite", connection.connection.driver_connection)
        session.info["driver"] = known
    return known


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """SQLite's driver knows no moments."""
    return {name: written(value) if isinstance(value, datetime) else value for name, value in values.items()}


@lru_cache(maxsize=16)  # the rows of one act share their moments
def written(moment: datetime) -> str:
    """A moment as SQLite keeps it."""
    return moment.astimezone(UTC).strftime(_SQLITE_MOMENT)


def moment(value: Any) -> datetime | None:
    """A moment as either driver gives it, aware and in UTC."""
    if value is None:
        return None
    at = datetime.fromisoformat(value) if isinstance(value, str) else cast(datetime, value)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def structure(value: Any) -> Any:
    """JSON as either driver gives it."""
    return json.loads(value) if isinstance(value, str) else value
