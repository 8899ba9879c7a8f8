"""The database: engine, reading and writing sessions; knows the ways of SQLite and PostgreSQL."""

import json
import math
import os
import re
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Delete, Dialect, Engine, Update, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, OperationalError, TimeoutError
from sqlalchemy.orm import Session

from app.errors import Unavailable

BUSY_MILLISECONDS = 5_000  # a respondent waits this long at most behind another writer, then sees 503
STATEMENT_SECONDS = 30  # nothing of ours takes longer; on SQLite a reader that stays lets the log grow
IDLE_SECONDS = 60  # PostgreSQL: a transaction in which nothing happens is a mistake of ours
LOG_BYTES = 64 * 1024 * 1024  # SQLite cuts its log back to this after a checkpoint
LOOK_EVERY = 1_000_000  # steps of SQLite's machine between two looks at the clock: some milliseconds
READ_ONLY = "attempt to write a readonly database"
_NOT_NOW = (  # as SQLite says it; the transaction is undone, and another try may find better times
    "database is locked",
    "database or disk is full",
    "disk I/O error",
    "unable to open database file",
    READ_ONLY,
    "interrupted",
)
SKIP_LOCKED = " FOR UPDATE SKIP LOCKED"  # in a Statement: PostgreSQL only; SQLite has one writer
_SQLITE_MOMENT = "%Y-%m-%d %H:%M:%S.%f"  # as SQLAlchemy writes them
FRESH_SECONDS = 1  # a connection that was used within them is taken to be alive
POOL_SIZE = 5  # one web worker or one worker process; PostgreSQL's default of 100 serves twenty of them


@dataclass(frozen=True)
class Database:
    """Sessions over one engine. `read` changes nothing; `write` commits once, at its end."""

    engine: Engine

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
    def write(self) -> Iterator[Session]:
        """One transaction (SQLite: BEGIN IMMEDIATE), committed at the end or not at all."""
        with self._session({}) as session:
            yield session
            session.commit()

    @contextmanager
    def _session(self, options: dict[str, Any]) -> Iterator[Session]:
        try:
            with (
                self.engine.connect().execution_options(**options) as connection,
                Session(connection, expire_on_commit=False) as session,
            ):
                yield session
        except TimeoutError as error:
            raise Unavailable("every connection is in use") from error
        except (OperationalError, self._driver.OperationalError) as error:
            cause = error.orig if isinstance(error, OperationalError) else error
            if self._passes(cause) and not (
                options and READ_ONLY in str(cause)
            ):  # to write while reading: a mistake
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
        return isinstance(error, self._driver.OperationalError)

    def scrub(self, *tables: str) -> None:
        """Take what was deleted from these tables out of the files, now rather than some day; best effort.

        SQLite overwrites deleted rows, but its log keeps older pages until it is emptied. PostgreSQL keeps
        dead rows until a vacuum. A reader or another vacuum in the way: it happens later by itself.
        """
        try:
            if self.is_sqlite:
                raw = self.engine.raw_connection()
                try:
                    raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                finally:
                    raw.close()
                return
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for table in tables:
                    connection.execute(text(f"VACUUM {table}"))
        except OperationalError:
            return

    def dispose(self) -> None:
        """Close every connection: at the end, and in a child after fork."""
        self.engine.dispose()


def open_database(url: str, *, busy_milliseconds: int = BUSY_MILLISECONDS) -> Database:
    """The database at `url`; connections open lazily, and a child after fork opens its own."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed,
            hide_parameters=True,
            connect_args={"check_same_thread": False, "timeout": busy_milliseconds / 1000},
            pool_size=POOL_SIZE,
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(
            parsed,
            hide_parameters=True,  # an error that is logged must not quote an answer or an address
            pool_size=POOL_SIZE,
            max_overflow=POOL_SIZE,
            connect_args={
                "options": f"-c statement_timeout={STATEMENT_SECONDS}s -c timezone=UTC"
                f" -c lock_timeout={busy_milliseconds}ms"
                f" -c idle_in_transaction_session_timeout={IDLE_SECONDS}s",
                "connect_timeout": BUSY_MILLISECONDS // 1000,
            },
        )
        event.listen(engine, "begin", _begin_postgresql)
        event.listen(engine, "checkin", _remember_when)
        event.listen(engine, "checkout", partial(_look_whether_it_lives, engine.dialect))
    _forget_in_children(engine)
    return Database(engine)


def _forget_in_children(engine: Engine) -> None:
    """A connection belongs to the process that opened it: a child must neither use nor close it."""
    known = weakref.ref(engine)

    def forget() -> None:
        if (inherited := known()) is not None:
            inherited.dispose(close=False)

    os.register_at_fork(after_in_child=forget)


def _prepare_sqlite(connection: Any, record: Any) -> None:
    known = record.info
    connection.set_progress_handler(lambda: time.monotonic() > known.get("until", math.inf), LOOK_EVERY)
    connection.isolation_level = None  # the begin event below says BEGIN, not the driver
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # NORMAL may lose the last acknowledged answers in a power cut
        "foreign_keys=ON",
        f"journal_size_limit={LOG_BYTES}",
        "secure_delete=ON",  # what is deleted is overwritten: erasure and closed pulses rely on it
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _begin_sqlite(connection: Connection) -> None:
    # Straight to the driver: this runs for every transaction, and a respondent waits for it.
    reading, known = bool(connection.get_execution_options().get("reading")), connection.info
    raw: Any = connection.connection.driver_connection
    if known.get("reading") is not reading:
        raw.execute(f"PRAGMA query_only={'ON' if reading else 'OFF'}")
        known["reading"] = reading
    known["until"] = time.monotonic() + STATEMENT_SECONDS if reading else math.inf
    raw.execute("BEGIN" if reading else "BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    # The driver says both in its BEGIN, so they cost no statement of their own.
    reading = bool(connection.get_execution_options().get("reading"))
    raw: Any = connection.connection.driver_connection
    raw.read_only = reading
    driver: Any = connection.dialect.loaded_dbapi
    raw.isolation_level = driver.IsolationLevel.REPEATABLE_READ if reading else None


def _remember_when(connection: Any, record: Any) -> None:
    record.info["worked"] = time.monotonic()


def _look_whether_it_lives(dialect: Dialect, connection: Any, record: Any, proxy: Any) -> None:
    """One that lay there may have died with its server; asking one that just worked costs too much."""
    if time.monotonic() - record.info.get("worked", math.inf) < FRESH_SECONDS:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise DisconnectionError from error  # the pool opens another


@contextmanager
def taken_back(session: Session) -> Iterator[None]:
    """What is done inside is undone at its end, by a savepoint: for work that must only cost its time."""
    with session.begin_nested() as attempt:
        yield
        session.flush()
        attempt.rollback()


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
        self._sqlite = re.sub(" FOR UPDATE( OF [a-z]+)? SKIP LOCKED", "", words)
        self._postgresql = re.sub(r":([a-z_]+)", r"%(\1)s", words)

    def run(self, session: Session, values: Mapping[str, Any]) -> Any:
        """The driver's cursor after the statement, in the session's transaction."""
        connection = session.connection()
        raw: Any = connection.connection.driver_connection
        if connection.dialect.name != "sqlite":
            return raw.execute(self._postgresql, values)
        return raw.execute(self._sqlite, _plain(values))

    def run_many(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """The statement once for each row."""
        if not rows:
            return
        connection = session.connection()
        raw: Any = connection.connection.driver_connection
        if connection.dialect.name != "sqlite":
            raw.cursor().executemany(self._postgresql, rows)
        else:
            raw.executemany(self._sqlite, [_plain(each) for each in rows])


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """SQLite's driver knows no moments."""
    return {
        name: value.astimezone(UTC).strftime(_SQLITE_MOMENT) if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def moment(value: Any) -> datetime | None:
    """A moment as either driver gives it, aware and in UTC."""
    if value is None:
        return None
    at = datetime.fromisoformat(value) if isinstance(value, str) else cast(datetime, value)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def structure(value: Any) -> Any:
    """JSON as either driver gives it."""
    return json.loads(value) if isinstance(value, str) else value
