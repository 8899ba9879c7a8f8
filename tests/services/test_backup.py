"""Backup while everything runs, and restore: all or nothing, nothing sent before somebody says so."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.db import Database, open_database
from app.errors import Refusal
from app.models import Answer, Contact, Pulse, Workspace
from app.runtime import Runtime
from app.services import backup, migrating, pulse_closing, schema, sending, switch
from tests.postgres import PostgresServer
from tests.pulse_world import open_pulse
from tests.world import World


@pytest.fixture
def elsewhere(runtime: Runtime, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    """An empty installation of the same kind, with keys of its own: where a copy is brought to."""
    if runtime.db.is_sqlite:
        db = open_database(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        db = open_database(server.create_database(f"elsewhere_{tmp_path.name}"))
    keys = tmp_path / "other-keys"
    yield replace(runtime, db=db, config=replace(runtime.config, keys_dir=keys))
    db.dispose()


def people_in(db: Database) -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(Contact)) or 0


def test_what_was_copied_is_there_again_and_sends_nothing(
    runtime: Runtime, elsewhere: Runtime, world: World, tmp_path: Path
) -> None:
    workspace = world.workspace()
    world.answer(workspace, 3, comment="A agenda saiu do ar — “duas vezes”.\n\\. Olá")
    file = tmp_path / "backup"
    assert backup.backup(runtime, file) == file.stat().st_size
    assert file.stat().st_mode & 0o077 == 0
    backup.restore(elsewhere, file)
    with elsewhere.db.read() as session:
        assert session.scalars(select(Answer.comment)).all() == [
            "A agenda saiu do ar — “duas vezes”.\n\\. Olá"
        ]
    assert switch.status(elsewhere), "sending is paused"
    assert not switch.status(runtime)
    assert schema.trouble(elsewhere.db) is None
    assert migrating.differences(elsewhere.db) == []
    assert sending.send_due(elsewhere) == 0


@pytest.mark.on_both
def test_a_copy_made_while_people_write_is_of_one_moment(
    runtime: Runtime, elsewhere: Runtime, world: World, tmp_path: Path
) -> None:
    workspace = world.workspace()
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            world.answer(workspace, 9)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while people_in(runtime.db) < 5:
            pass
        backup.backup(runtime, tmp_path / "backup")
    finally:
        stop.set()
        writer.join()
    backup.restore(elsewhere, tmp_path / "backup")
    with elsewhere.db.read() as session:
        whole = select(func.count()).select_from(Answer).join(Contact, Contact.id == Answer.contact_id)
        assert session.scalar(whole) == session.scalar(select(func.count()).select_from(Answer))
        assert 4 <= (session.scalar(whole) or 0) <= people_in(runtime.db)


def test_data_is_not_overwritten_unless_forced(runtime: Runtime, world: World, tmp_path: Path) -> None:
    world.contact(world.workspace())
    backup.backup(runtime, tmp_path / "backup")
    world.contact(world.workspace())
    with pytest.raises(Refusal, match="--force"):
        backup.restore(runtime, tmp_path / "backup")
    assert people_in(runtime.db) == 2
    backup.restore(runtime, tmp_path / "backup", force=True)
    assert people_in(runtime.db) == 1


def test_an_existing_file_is_not_overwritten(runtime: Runtime, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    file.write_text("something dear")
    with pytest.raises(Refusal, match="already"):
        backup.backup(runtime, file)
    assert file.read_text() == "something dear"


def test_a_cut_off_copy_is_refused_and_changes_nothing(
    runtime: Runtime, world: World, tmp_path: Path
) -> None:
    world.contact(world.workspace())
    file = tmp_path / "backup"
    backup.backup(runtime, file)
    whole = file.read_bytes()
    for broken in (whole[: len(whole) * 2 // 3], b"", b"not a database at all"):
        file.write_bytes(broken)
        with pytest.raises(Refusal):
            backup.restore(runtime, file, force=True)
    assert people_in(runtime.db) == 1


@pytest.mark.on_both
def test_a_copy_of_a_newer_version_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    backup.backup(runtime, file)
    if runtime.db.is_sqlite:
        with closing(sqlite3.connect(file)) as copy:
            copy.execute("UPDATE alembic_version SET version_num = '9999'")
            copy.commit()
    else:
        file.write_text(file.read_text().replace(f"\n{schema.head()}\n", "\n9999\n"))
    with pytest.raises(Refusal, match="newer"):
        backup.restore(runtime, file, force=True)


def test_an_open_pulse_whose_key_stayed_behind_closes_void(
    runtime: Runtime, elsewhere: Runtime, world: World, tmp_path: Path
) -> None:
    pulse_id = open_pulse(world).pulse.id
    backup.backup(runtime, tmp_path / "backup")
    found = backup.restore(elsewhere, tmp_path / "backup")
    assert (found.open_pulses, found.lost_keys) == (1, 1)
    with elsewhere.db.write() as session:
        session.get_one(Pulse, pulse_id).closes_at = runtime.clock()
    assert pulse_closing.close_due_pulses(elsewhere) == 1
    with elsewhere.db.read() as session:
        assert session.get_one(Pulse, pulse_id).state == "void"


def test_a_program_that_runs_meanwhile_sees_the_copy_at_once(
    runtime: Runtime, world: World, tmp_path: Path
) -> None:
    """Another process has the database open: the file under it is not swapped, its pages are."""
    backup.backup(runtime, tmp_path / "backup")
    world.workspace()
    other = open_database(runtime.db.engine.url.render_as_string(hide_password=False))
    with other.read() as session:
        assert session.scalar(select(func.count()).select_from(Workspace)) == 1
    backup.restore(runtime, tmp_path / "backup", force=True)
    with other.read() as session:
        assert session.scalar(select(func.count()).select_from(Workspace)) == 0
    other.dispose()
