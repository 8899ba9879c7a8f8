"""Copies of a SQLite database by its own backup API: in small steps out, in one transaction back."""

import sqlite3
from contextlib import closing
from pathlib import Path

from app.db import Database
from app.errors import Refusal
from app.services import database_file, switch

PAGES = 256  # 1 MB at a time, so that nobody waits for the disk
REST_SECONDS = 0.002


def save(db: Database, target: Path) -> None:
    """Copy into an empty file. One snapshot from the first page to the last: writers go on meanwhile."""
    source = _path(db)
    with closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, isolation_level=None)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it sees one moment
        with closing(sqlite3.connect(target)) as copy:
            reading.backup(copy, pages=PAGES, sleep=REST_SECONDS)
            copy.execute("PRAGMA journal_mode=DELETE").fetchone()  # one file, without a log beside it
    if damage := database_file.quick_check(target):
        raise Refusal(f"The database is damaged: {damage}. Keep your older backups.")


def revision_of(source: Path) -> str:
    """The migration of a copy that is whole; raises Refusal for anything else."""
    if damage := database_file.quick_check(source):
        raise Refusal(f"{source} is damaged, or no backup of SQLite: {damage}.")
    try:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            row = copy.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise Refusal(f"{source} is not a database of Retorno.") from error
    if row is None:
        raise Refusal(f"{source} is not a database of Retorno.")
    return str(row[0])


def load(db: Database, source: Path, why_paused: str) -> None:
    """Replace every page in one transaction, paused: a worker that runs sees before or after."""
    target = _path(db)
    with closing(sqlite3.connect(":memory:" if _is_small(source) else "", isolation_level=None)) as draft:
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            copy.backup(draft)
        draft.execute(
            "INSERT OR REPLACE INTO installation (name, value) VALUES (?, ?)", (switch.NAME, why_paused)
        )
        draft.execute("DELETE FROM heartbeats")
        draft.execute("DELETE FROM leases")
        with closing(sqlite3.connect(target, timeout=10)) as live:
            live.execute("PRAGMA journal_mode=WAL").fetchone()
            live.execute("PRAGMA synchronous=FULL")
            draft.backup(live)
            live.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    db.dispose()


def _is_small(source: Path) -> bool:
    """In memory up to here; larger ones go through a temporary file, which an empty name means to SQLite."""
    return source.stat().st_size < 64 * 1024 * 1024


def _path(db: Database) -> Path:
    path = database_file.path_of(db)
    if path is None:
        raise Refusal("A database in memory cannot be copied.")
    return path
