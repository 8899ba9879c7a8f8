"""The database: engine, reading and writing sessions; knows the ways of SQLite and PostgreSQL."""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from psycopg import IsolationLevel
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.errors import Unavailable

BUSY_MILLISECONDS = 5_000  # a respondent waits this long at most behind another writer, then sees 503
STATEMENT_SECONDS = 30  # PostgreSQL: nothing of ours takes longer
SKIP_LOCKED = " FOR UPDATE SKIP LOCKED"  # in a Statement: PostgreSQL only; SQLite has one writer
_SQLITE_MOMENT = "%Y-%m-%d %H:%M:%S.%f"  # as SQLAlchemy writes them
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
            session.rollback()

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
        except (OperationalError, sqlite3.OperationalError) as error:
            if _is_busy(error):
                raise Unavailable("the database is busy") from error
            raise

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


def _is_busy(error: OperationalError | sqlite3.OperationalError) -> bool:
    words = str(error.orig if isinstance(error, OperationalError) else error)
    return any(each in words for each in ("database is locked", "database or disk is full", "QueryCanceled"))


def open_database(url: str) -> Database:
    """The database at `url`; connections open lazily, so a fork before the first use is harmless."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            parsed, hide_parameters=True, connect_args={"check_same_thread": False}, pool_size=POOL_SIZE
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(
            parsed,
            hide_parameters=True,  # an error that is logged must not quote an answer or an address
            pool_size=POOL_SIZE,
            max_overflow=POOL_SIZE,
            pool_pre_ping=True,
            connect_args={"options": f"-c statement_timeout={STATEMENT_SECONDS}s -c timezone=UTC"},
        )
        event.listen(engine, "begin", _begin_postgresql)
    return Database(engine)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the begin event below says BEGIN, not the driver
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # NORMAL may lose the last acknowledged answers in a power cut
        f"busy_timeout={BUSY_MILLISECONDS}",
        "foreign_keys=ON",
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
    raw.execute("BEGIN" if reading else "BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    # The driver says both in its BEGIN, so they cost no statement of their own.
    reading = bool(connection.get_execution_options().get("reading"))
    raw: Any = connection.connection.driver_connection
    raw.read_only = reading
    raw.isolation_level = IsolationLevel.REPEATABLE_READ if reading else None


class Statement:
    """A statement of the hot path, on the driver's own cursor: text with `:names`, alike for both databases.

    Moments, JSON and truth come back as the driver gives them: read them with `moment` and `structure`.
    """

    def __init__(self, words: str) -> None:
        self.words = words
        self._postgresql = re.sub(r":([a-z_]+)", r"%(\1)s", words)

    def run(self, session: Session, values: Mapping[str, Any]) -> Any:
        """The driver's cursor after the statement, in the session's transaction."""
        connection = session.connection()
        raw: Any = connection.connection.driver_connection
        if connection.dialect.name != "sqlite":
            return raw.execute(self._postgresql, values)
        return raw.execute(self.words.replace(SKIP_LOCKED, ""), _plain(values))

    def run_many(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """The statement once for each row."""
        if not rows:
            return
        connection = session.connection()
        raw: Any = connection.connection.driver_connection
        if connection.dialect.name != "sqlite":
            raw.cursor().executemany(self._postgresql, rows)
        else:
            raw.executemany(self.words, [_plain(each) for each in rows])


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
