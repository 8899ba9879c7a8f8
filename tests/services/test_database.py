"""The database when things go wrong: locks, full disks, forks, long readers, files that cannot be used."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError

from app import engines
from app.db import Database, Statement, open_database
from app.errors import Refusal, Unavailable
from app.models import Contact, Setting
from app.runtime import Runtime
from app.services import database_file, migrating, schema, starting
from tests.world import World


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    file = tmp_path / "retorno.db"
    file.write_bytes(sqlite_template.read_bytes())
    return file


@pytest.fixture
def lite(path: Path) -> Iterator[Database]:
    """SQLite alone, with a short patience."""
    opened = open_database(f"sqlite:///{path}", busy_milliseconds=200)
    yield opened
    opened.dispose()


@contextmanager
def somebody_writes(path: Path) -> Iterator[None]:
    """Another program holds the write lock for longer than we wait."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def put(db: Database, name: str, value: str = "x") -> None:
    with db.write() as session:
        session.merge(Setting(name=name, value=value))


def pragma(db: Database, name: str) -> object:
    with db.read() as session:
        return session.execute(text(f"PRAGMA {name}")).scalar()


def test_every_connection_writes_through_and_checks_what_it_writes(lite: Database) -> None:
    full, on = 2, 1
    assert pragma(lite, "journal_mode") == "wal"
    assert pragma(lite, "synchronous") == full, "NORMAL may lose the last acknowledged answers in a power cut"
    assert pragma(lite, "foreign_keys") == on
    assert pragma(lite, "secure_delete") == on
    assert pragma(lite, "journal_size_limit") == engines.LOG_BYTES
    with lite.read() as one, lite.read() as another:
        pids = {each.connection().connection.driver_connection for each in (one, another)}
        assert len(pids) == 2
        assert {each.execute(text("PRAGMA synchronous")).scalar() for each in (one, another)} == {full}


COMMITS = 5
COMMITTING = f"""
import sys
from app.db import open_database
from app.models import Setting
db = open_database(sys.argv[1])
for number in range({COMMITS}):
    with db.write() as session:
        session.add(Setting(name=f"number {{number}}", value="x"))
"""


def test_e05_every_commit_is_on_the_disk_before_it_is_acknowledged(path: Path, tmp_path: Path) -> None:
    """What a power cut would leave: the kernel is asked once at least for each commit."""
    told, command = tmp_path / "calls", [sys.executable, "-c", COMMITTING, f"sqlite:///{path}"]
    tracing = ["strace", "-f", "-y", "-e", "trace=fdatasync,fsync", "-o", str(told), *command]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(tracing, env=environment, capture_output=True, text=True, check=False)
    if "not permitted" in done.stderr.lower():
        pytest.skip("this machine lets no process be traced")
    assert done.returncode == 0, done.stderr
    asked = [line for line in told.read_text().splitlines() if f"{path}-wal" in line]
    assert len(asked) >= COMMITS


def test_a_reader_refuses_to_write(db: Database) -> None:
    """And it is a mistake of ours, which must not pass for a busy hour."""
    with pytest.raises(DBAPIError, match=r"readonly|read-only"), db.read() as session:
        session.execute(text("INSERT INTO installation (name, value) VALUES ('a', 'b')"))


def test_a_reader_never_keeps_a_writer_waiting(lite: Database) -> None:
    with lite.read() as session:
        before = session.scalar(select(func.count()).select_from(Setting))
        began = time.monotonic()
        put(lite, "written meanwhile")
        assert time.monotonic() - began < 0.2
        assert session.scalar(select(func.count()).select_from(Setting)) == before, "it reads one moment"


@pytest.mark.on_both
def test_two_who_read_before_they_write_both_succeed(lite: Database) -> None:
    """With a deferred BEGIN one of the two would fail at once, however long it may wait (E01)."""
    put(lite, "counter", "0")
    failed: list[Exception] = []

    def count() -> None:
        for _ in range(20):
            try:
                with lite.write() as session:
                    row = session.get_one(Setting, "counter")
                    row.value = str(int(row.value) + 1)
            except Unavailable as error:
                failed.append(error)

    threads = [threading.Thread(target=count) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []
    with lite.read() as session:
        assert session.get_one(Setting, "counter").value == "40"


def test_a_lock_is_waited_for_a_while_and_then_it_is_unavailable(lite: Database, path: Path) -> None:
    with somebody_writes(path):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            put(lite, "later")
        assert 0.15 < time.monotonic() - began < 2
    put(lite, "later")


@pytest.mark.on_both
def test_waiting_in_the_process_and_behind_another_is_one_patience(path: Path) -> None:
    """Whoever stands behind one of us who waits for another program does not begin to count anew."""
    patient, waited = open_database(f"sqlite:///{path}", busy_milliseconds=1_000), []

    def wait() -> None:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            put(patient, "later")
        waited.append(time.monotonic() - began)

    with somebody_writes(path):
        threads = [threading.Thread(target=wait) for _ in range(3)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    patient.dispose()
    assert len(waited) == 3
    assert max(waited) < 1.8, "one after the other would be two seconds and three"


def test_looking_up_finds_what_is_committed_and_leaves_the_connection_as_it_was(db: Database) -> None:
    find = Statement("SELECT value FROM installation WHERE name = :name")
    assert db.look_up(find, {"name": "looked up"}) is None
    for value in ("first", "second"):
        put(db, "looked up", value)  # on the same connection, so writing follows looking up and the reverse
        assert db.look_up(find, {"name": "looked up"})[0] == value
    with pytest.raises(DBAPIError, match=r"readonly|read-only"), db.read() as session:
        session.execute(text("INSERT INTO installation (name, value) VALUES ('a', 'b')"))


def test_looking_up_behind_a_server_that_is_away_is_unavailable() -> None:
    away = open_database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        away.look_up(Statement("SELECT 1"), {})


def test_a_full_disk_loses_nothing_and_passes_without_a_restart(lite: Database) -> None:
    put(lite, "before")
    with lite.write() as session:
        pages = session.execute(text("PRAGMA page_count")).scalar()
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(Unavailable, match="full"):
        put(lite, "large", "x" * 1_000_000)
    with lite.read() as session:
        assert session.get(Setting, "before") is not None
        assert session.get(Setting, "large") is None
        session.execute(text("PRAGMA max_page_count = 1000000"))
    put(lite, "large", "x" * 1_000_000)
    assert database_file.quick_check(Path(str(lite.engine.url.database))) is None


def test_a_child_opens_its_own_connection(runtime: Runtime) -> None:
    db = runtime.db
    db.dispose()  # the pool gives this one connection from here on
    put(db, "from the parent")
    inherited = _driver_connection(db)
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:  # no assertion, no clean-up of pytest's here: say it and go
        try:
            fresh = _driver_connection(db) is not inherited
            put(db, "from the child")
            os.write(writable, b"fresh" if fresh else b"inherited")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writable)
    with os.fdopen(readable, "rb") as said:
        assert said.read() == b"fresh"
    with db.read() as session:
        assert session.get(Setting, "from the child") is not None
    assert _driver_connection(db) is inherited


def _driver_connection(db: Database) -> object:
    with db.read() as session:
        return session.connection().connection.driver_connection


def test_a_reader_that_does_not_end_is_ended(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the log can be emptied (E08)."""
    monkeypatch.setattr(engines, "STATEMENT_SECONDS", 0.2)
    lite = open_database(f"sqlite:///{path}")
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    began = time.monotonic()
    with pytest.raises(Unavailable, match="interrupted"), lite.read() as session:
        session.execute(text(endless))
    assert time.monotonic() - began < 5
    put(lite, "writing has no such limit")
    lite.dispose()


def test_a_look_at_everybody_may_take_its_time_and_the_next_reader_may_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "STATEMENT_SECONDS", -1)
    lite = open_database(f"sqlite:///{path}")
    long = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000) SELECT count(*) FROM n"
    )
    with lite.read() as session:
        engines.take_time(session.connection())
        assert session.scalar(text(long)) == 300_000
    with pytest.raises(Unavailable, match="interrupted"), lite.read() as session:
        session.execute(text(long))
    lite.dispose()


def test_the_log_is_cut_back_once_readers_are_gone(lite: Database, path: Path) -> None:
    with lite.read() as session:
        session.execute(select(Setting)).all()
        for number in range(5):
            put(lite, f"large {number}", "x" * 300_000)
        grown = database_file.log_bytes(path)
    lite.scrub()
    assert grown > 1_000_000
    assert database_file.log_bytes(path) == 0


@pytest.mark.on_both
def test_emptying_the_log_stops_no_writer_while_somebody_reads_an_older_moment(path: Path) -> None:
    lite = open_database(f"sqlite:///{path}")
    left: list[tuple[list[str], float]] = []

    def scrub() -> None:
        began = time.monotonic()
        left.append((lite.scrub(), time.monotonic() - began))

    with lite.read() as reading:
        reading.execute(select(Setting)).all()
        put(lite, "newer than what is read")
        scrubbing = threading.Thread(target=scrub)
        scrubbing.start()
        while scrubbing.is_alive():
            with lite.write(0.5) as session:
                session.merge(Setting(name="beside it", value="x"))
        scrubbing.join()
    ((held, took),) = left
    assert held == ["log"]
    assert took < 0.3
    assert lite.scrub() == []
    lite.dispose()


def test_connections_run_out_politely(path: Path) -> None:
    lite = open_database(f"sqlite:///{path}")
    lite.engine.pool._timeout = 0.1  # type: ignore[attr-defined]  # its usual half minute is long here
    sessions = []
    with pytest.raises(Unavailable, match="in use"):
        for _ in range(100):
            reading = lite.read()
            reading.__enter__()
            sessions.append(reading)
    for each in sessions:
        each.__exit__(None, None, None)
    lite.dispose()


def test_a_server_that_is_away_is_unavailable() -> None:
    away = open_database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable), away.read() as session:
        session.execute(text("SELECT 1"))


@pytest.mark.on_both
def test_a_statement_with_too_many_values_is_a_mistake_that_no_other_hour_heals(runtime: Runtime) -> None:
    if runtime.db.is_sqlite:
        pytest.skip("PostgreSQL's client alone says it as if the server were away")
    many = select(Contact.id).where(Contact.id.in_(map(str, range(70_000))))
    with pytest.raises(OperationalError), runtime.db.read() as session:
        session.execute(many)


def test_text_that_is_no_number_and_rows_of_nobody_are_refused_alike(runtime: Runtime, world: World) -> None:
    contact = world.contact(world.workspace())
    for statement in (
        "UPDATE contacts SET kind = 'robot' WHERE id = :id",
        "UPDATE contacts SET workspace_id = 'nowhere' WHERE id = :id",
    ):
        with pytest.raises(IntegrityError), runtime.db.write() as session:
            session.execute(text(statement), {"id": contact.id})
    with runtime.db.read() as session:
        assert session.get_one(Contact, contact.id).kind == "customer"


# What keeps us from starting, each in one sentence


def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    """An unmounted disk must not become an empty installation."""
    path = tmp_path / "not mounted" / "retorno.db"
    assert str(path.parent) in str(database_file.why_unusable(path))
    with pytest.raises(Refusal, match="is not there"):
        migrating.make_ready(open_database(f"sqlite:///{path}"))
    assert not path.parent.exists()


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    assert "is a folder" in str(database_file.why_unusable(tmp_path))


@pytest.mark.parametrize("content", [b"something else " * 1000, b"SQLite format 3\0" + b"\xff" * 9000])
def test_a_file_that_is_no_database_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "retorno.db"
    path.write_bytes(content)
    assert "db restore" in str(database_file.why_unusable(path))
    assert path.read_bytes() == content, "untouched"


def test_a_file_of_somebody_else_is_named(path: Path) -> None:
    if os.geteuid() != 0:
        path.chmod(0o400)
        assert "cannot write" in str(database_file.why_unusable(path))
        return
    with tempfile.TemporaryDirectory() as open_folder:  # pytest's own are closed to others
        Path(open_folder).chmod(0o755)
        theirs = Path(open_folder) / "retorno.db"
        theirs.write_bytes(path.read_bytes())
        os.seteuid(65_534)
        try:
            assert "User 65534 cannot write" in str(database_file.why_unusable(theirs))
        finally:
            os.seteuid(0)


def test_a_network_file_system_is_named(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw shared:1 - ext4 /dev/vda1 rw\n"
        f"40 22 0:39 / {tmp_path} rw shared:20 - nfs4 files.example:/retorno rw\n"
    )
    monkeypatch.setattr(database_file, "MOUNTS", mounts)
    assert "nfs4" in str(database_file.why_unusable(path))
    assert database_file.file_system(Path("/")) == "ext4"


def test_somebody_who_writes_just_now_is_no_objection(path: Path) -> None:
    with somebody_writes(path):
        assert database_file.why_unusable(path) is None


def test_a_database_that_is_newer_than_the_code_is_left_alone(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        assert "newer (9999)" in str(starting.why_not(runtime))
        with pytest.raises(Refusal, match="Nothing was changed"):
            migrating.make_ready(runtime.db)
        assert schema.current(runtime.db) == "9999"
    finally:
        with runtime.db.write() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": schema.head()})


@pytest.mark.on_both
def test_two_who_migrate_at_once_do_it_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    failed: list[Exception] = []

    def migrate() -> None:
        one = open_database(url)
        try:
            migrating.make_ready(one)
        except Exception as error:
            failed.append(error)
        one.dispose()

    threads = [threading.Thread(target=migrate) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []
    done = open_database(url)
    assert schema.trouble(done) is None
    done.dispose()


def test_a_commit_that_fails_leaves_no_transaction_behind(lite: Database, path: Path) -> None:
    """As on a full disk: whoever gets the connection next must not find itself inside what has failed."""
    with lite.write() as session:
        of = "INTEGER REFERENCES later (id) DEFERRABLE INITIALLY DEFERRED"
        session.execute(text(f"CREATE TABLE later (id INTEGER PRIMARY KEY, of {of})"))
    with pytest.raises(DBAPIError), lite.write() as session:
        session.execute(text("INSERT INTO later (of) VALUES (7)"))
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")  # nobody holds the lock
        other.execute("ROLLBACK")
    put(lite, "goes on")


def test_d15_a_moment_without_a_zone_is_refused_and_one_of_another_zone_is_kept_as_utc(
    runtime: Runtime, world: World
) -> None:
    person = world.contact(world.workspace())
    local = datetime(2026, 11, 29, 9, tzinfo=ZoneInfo("America/Sao_Paulo"))
    with pytest.raises(StatementError, match="a naive time"), runtime.db.write() as session:
        session.get_one(Contact, person.id).updated_at = local.replace(tzinfo=None)
    for year in (2026, 1961, 2061):  # also before anybody counted seconds, and after 32 bits of them
        with runtime.db.write() as session:
            session.get_one(Contact, person.id).updated_at = local.replace(year=year)
        with runtime.db.read() as session:
            kept = session.get_one(Contact, person.id).updated_at
        assert (kept, kept.tzinfo) == (datetime(year, 11, 29, 12, tzinfo=UTC), UTC)
