"""SQLite's file from outside: where it lies, whether it can be used, and whether its pages are whole."""

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from app.db import Database

# Where a lock is a promise over a network, and the memory that SQLite's log is shared in is none at all
FAR = (
    "nfs",
    "nfs4",
    "cifs",
    "smb2",
    "smb3",
    "smbfs",
    "afs",
    "ceph",
    "glusterfs",
    "fuse.glusterfs",
    "fuse.sshfs",
)
PASSING = ("overlay", "tmpfs", "ramfs")  # gone with the container, or with the power
MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True)
class Space:
    """Bytes on the disk that holds the file."""

    free: int
    total: int


def path_of(db: Database) -> Path | None:
    """The file; None for PostgreSQL and for a database in memory."""
    name = db.engine.url.database
    if not db.is_sqlite or not name or name == ":memory:":
        return None
    return Path(name).absolute()


def why_unusable(path: Path) -> str | None:
    """One sentence that says why SQLite cannot work on this file, and what to do; None when it can."""
    folder = path.parent
    if not folder.is_dir():
        return f"The folder {folder} is not there. Make it, or mount the disk that holds it."
    if path.is_dir():
        return f"{path} is a folder. Let DATABASE_URL name a file in it."
    kind = file_system(folder)
    if kind in FAR:
        return f"{folder} is on {kind}, where SQLite loses data. Use a local disk, or PostgreSQL."
    ours = (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm"))
    if not _usable(folder, os.W_OK | os.X_OK) or not all(_usable(each, os.R_OK | os.W_OK) for each in ours):
        return (
            f"User {os.geteuid()} cannot write {path} and the log beside it. Give them to that user: chown -R"
        )
    return _why_not_opened(path) if path.exists() else None


def quick_check(path: Path) -> str | None:
    """The first damage in the pages, or None; reads the whole file on a connection of its own."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        found = str(error)
    return None if found == "ok" else str(found)


def log_bytes(path: Path) -> int:
    """How large SQLite's log is; it stays small unless a reader never ends."""
    log = path.with_name(path.name + "-wal")
    return log.stat().st_size if log.exists() else 0


def space(folder: Path) -> Space:
    """How much room there is."""
    usage = shutil.disk_usage(folder)
    return Space(usage.free, usage.total)


def file_system(folder: Path) -> str:
    """The kind of file system that a folder is on, by the longest mount point above it; "" when unknown."""
    if not MOUNTS.exists():
        return ""
    found = ("", "")
    real = folder.resolve()
    for line in MOUNTS.read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        point = before.split()[4].encode().decode("unicode_escape")
        if real.is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, after.split()[0])
    return found[1]


def _usable(path: Path, mode: int) -> bool:
    return not path.exists() or os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _why_not_opened(path: Path) -> str | None:
    """What SQLite says when it is asked to write, and has not been yet. A lock is no objection."""
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            connection.execute("PRAGMA schema_version").fetchone()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return None
        return f"SQLite cannot write {path}: {error}. Is the disk mounted read-only, or full?"
    except sqlite3.DatabaseError as error:
        return (
            f"{path} is damaged or no database ({error}). Restore a backup: flask --app wsgi db restore FILE"
        )
    return None
