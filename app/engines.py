"""Engines: connections prepared for SQLite's and PostgreSQL's ways. Sessions stand in db.py."""

import math
import os
import sqlite3
import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, OperationalError

from app.domain.audience_matching import number_of, plain
from app.domain.terms import draw

STATEMENT_SECONDS = (
    30  # of ours only `take_time` takes longer; on SQLite a reader that stays lets the log grow
)
LEISURE_SECONDS = 600
IDLE_SECONDS = 60  # PostgreSQL: a transaction in which nothing happens is a mistake of ours
CONNECT_SECONDS = 5
LOG_BYTES = 64 * 1024 * 1024  # SQLite cuts its log back to this after a checkpoint
OPENING_SECONDS = 5
LOOK_EVERY = 1_000_000  # steps of SQLite's machine between two looks at the clock: some milliseconds
LOCKED = "database is locked"
FRESH_SECONDS = 1  # a connection that was used within them is taken to be alive
POOL_SIZE = 5  # one web worker or one worker process; PostgreSQL's default of 100 serves twenty of them


def open_engine(url: str, busy_milliseconds: int) -> Engine:
    """An engine whose connections are prepared for us; a child after fork opens its own."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed,
            hide_parameters=True,
            connect_args={"check_same_thread": False, "timeout": busy_milliseconds / 1000},
            pool_size=POOL_SIZE,
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "checkin", _undo_what_is_open)
        event.listen(engine, "begin", partial(_begin_sqlite, busy_milliseconds))
    else:
        engine = create_engine(
            parsed,
            hide_parameters=True,  # an error that is logged must not quote an answer or an address
            pool_size=POOL_SIZE,
            max_overflow=POOL_SIZE,
            connect_args={
                "options": f"-c statement_timeout={STATEMENT_SECONDS}s -c timezone=UTC"
                f" -c lock_timeout={busy_milliseconds}ms"
                " -c jit=off"  # compiling a statement took seconds where running it took one
                f" -c idle_in_transaction_session_timeout={IDLE_SECONDS}s",
                "connect_timeout": CONNECT_SECONDS,
            },
        )
        event.listen(engine, "begin", _begin_postgresql)
        event.listen(engine, "checkin", _remember_when)
        event.listen(engine, "checkout", partial(_look_whether_it_lives, engine.dialect))
    _forget_in_children(engine)
    return engine


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
    connection.create_function("draw", 2, draw, deterministic=True)  # on PostgreSQL: services.lots
    # Two who open a new file at one moment both turn it to WAL, and SQLite does not wait for that
    _patiently(connection, "PRAGMA journal_mode=WAL", time.monotonic() + OPENING_SECONDS)
    for pragma in (
        "synchronous=FULL",  # NORMAL may lose the last acknowledged answers in a power cut
        "foreign_keys=ON",
        f"journal_size_limit={LOG_BYTES}",
        "secure_delete=ON",  # what is deleted is overwritten: erasure and closed pulses rely on it
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    for rule in (plain, number_of):  # what PostgreSQL can say in SQL; missing stays missing
        connection.create_function(rule.__name__, 1, partial(_of_text, rule), deterministic=True)


def _of_text(rule: Callable[[str], object], text: str | None) -> object:
    return None if text is None else rule(text)


def _begin_sqlite(busy_milliseconds: int, connection: Connection) -> None:
    # Straight to the driver: this runs for every transaction, and a respondent waits for it.
    options, known = connection.get_execution_options(), connection.info
    raw: Any = connection.connection.driver_connection
    if options.get("reading"):
        be_reading(raw, known, busy_milliseconds / 1000)
        raw.execute("BEGIN")
        return
    if known.get("reading") is not False:
        raw.execute("PRAGMA query_only=OFF")
        raw.execute("PRAGMA busy_timeout=1")
        known["reading"] = False
    known["until"] = math.inf
    _patiently(raw, "BEGIN IMMEDIATE", options.get("until") or time.monotonic() + busy_milliseconds / 1000)


def be_reading(raw: Any, known: dict[str, Any], patience: float) -> None:
    """What comes next on this connection of SQLite's changes nothing, and ends after a while."""
    if known.get("reading") is not True:
        raw.execute("PRAGMA query_only=ON")
        raw.execute(f"PRAGMA busy_timeout={int(patience * 1000)}")
        known["reading"] = True
    known["until"] = time.monotonic() + STATEMENT_SECONDS


def take_time(connection: Connection) -> None:
    """Let what this transaction reads last longer: a look at a whole audience, of a million, takes minutes.

    It holds nothing that anybody waits for; but SQLite's log grows meanwhile: for those looks alone.
    """
    if connection.dialect.name == "sqlite":
        connection.info["until"] = time.monotonic() + LEISURE_SECONDS
    else:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{LEISURE_SECONDS}s'")


def _patiently(raw: Any, words: str, until: float) -> None:
    """SQLite's own patience sleeps longer at each look, up to 0.1 s: whoever came last would go first."""
    while True:
        try:
            raw.execute(words).fetchall()
            return
        except sqlite3.OperationalError as error:
            if LOCKED not in str(error) or time.monotonic() > until:
                raise


def _begin_postgresql(connection: Connection) -> None:
    # The driver says both in its BEGIN, so they cost no statement of their own.
    reading = bool(connection.get_execution_options().get("reading"))
    raw: Any = connection.connection.driver_connection
    raw.read_only = reading
    driver: Any = connection.dialect.loaded_dbapi
    raw.isolation_level = driver.IsolationLevel.REPEATABLE_READ if reading else None


def _undo_what_is_open(connection: Any, record: Any) -> None:
    """After a COMMIT that fails (a full disk) SQLite keeps the transaction; SQLAlchemy takes it for over."""
    if connection is not None and connection.in_transaction:
        connection.execute("ROLLBACK")


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


def empty_log(engine: Engine, patience: float) -> bool:
    """SQLite: write its log into the file and cut it off. False while somebody reads an older moment."""
    connection = engine.raw_connection()
    try:
        connection.info.pop("reading", None)  # it waits for readers, as no writer does
        raw: Any = connection.driver_connection
        raw.execute(f"PRAGMA busy_timeout={int(patience * 1000)}")
        (held, _, _) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not held
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()


def vacuum(engine: Engine, table: str, *, wholly: bool) -> bool:
    """PostgreSQL: one table, as long as it takes. False where somebody held it."""
    how = "VACUUM FULL" if wholly else "VACUUM"
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            try:
                connection.execute(text(f"{how} {table}"))
            finally:
                connection.execute(text("RESET statement_timeout"))
    except OperationalError:
        return False
    return True
