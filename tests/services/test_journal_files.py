"""A restored copy with a file of people: whoever it brought and was erased since does not come back (M08)."""

import io
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.cli.operations import _after_replaying
from app.domain.access import Role
from app.jobs.worker import run_until_idle
from app.models import Contact, ImportPart, ImportReject
from app.runtime import Runtime
from app.services import (
    backup,
    contact_imports,
    contacts,
    erasure,
    import_pages,
    import_storage,
    journal_replay,
    scrubbing,
)
from app.services.access import Visitor
from tests.world import Clock, World

ROWS = "".join(f"p{number};Pessoa;p{number}@x.example\n" for number in range(60))
FILE = f"id;nome;e-mail\n;Zulmira;\n{ROWS}z7;Zulmira;z@x.example\n".encode()
STAGES = ("mapping", "checked", "importing")


@pytest.fixture
def bea(world: World) -> Visitor:
    return world.member(world.workspace(), Role.OWNER)


@pytest.fixture(autouse=True)
def the_worker_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_storage, "PART_ROWS", 20)
    monkeypatch.setattr(contact_imports, "AT_ONCE_ROWS", 0)


def copied_at(runtime: Runtime, who: Visitor, stage: str, copy: Path) -> str:
    """A file is taken to its end, and copied on its way."""
    id = contact_imports.receive(runtime, who, "a.csv", io.BytesIO(FILE))
    steps = {
        "mapping": lambda: None,
        "checked": lambda: contact_imports.choose_columns(runtime, who, id, ["external_id", "name", "email"]),
        "importing": lambda: contact_imports.begin(runtime, who, id, lawful_basis="consent", source="feira"),
    }
    for name, step in steps.items():
        step()
        if name == "importing" and stage == name:
            backup.backup(runtime, copy)
        run_until_idle(runtime)
        if name == stage != "importing":
            assert import_pages.page(runtime, who, id).state == stage
            backup.backup(runtime, copy)
    return id


def person(runtime: Runtime) -> str:
    with runtime.db.read() as session:
        return session.scalars(select(Contact.id).where(Contact.external_id == "z7")).one()


@pytest.mark.on_both
@pytest.mark.parametrize("stage", STAGES)
def test_m08_a_file_of_before_brings_nobody_back_who_was_erased_since(
    runtime: Runtime, bea: Visitor, clock: Clock, tmp_path: Path, stage: str
):
    id = copied_at(runtime, bea, stage, tmp_path / "copy")
    clock.advance(hours=1)
    erasure.erase(runtime, bea, person(runtime))
    clock.advance(hours=1)
    found = backup.restore(runtime, tmp_path / "copy", force=True)
    run_until_idle(runtime)
    page = import_pages.page(runtime, bea, id)
    assert page.state == "stopped"
    assert not page.may_go_on
    assert "Somebody was erased" in str(page.problem)
    with runtime.db.read() as session:
        assert session.scalars(select(Contact).where(Contact.external_id == "z7")).all() == []
        for model in (ImportPart, ImportReject):
            assert session.scalar(select(func.count()).select_from(model)) == 0
    assert found.journal.files == 1
    assert any("1 files of people are gone" in each for each in _after_replaying(found.journal))


def test_a_file_that_came_after_the_erasure_and_one_that_is_done_stay(
    runtime: Runtime, bea: Visitor, clock: Clock, tmp_path: Path
):
    done = contact_imports.receive(runtime, bea, "b.csv", io.BytesIO(b"id;nome\n1;Rui\n"))
    run_until_idle(runtime)
    contact_imports.choose_columns(runtime, bea, done, ["external_id", "name"])
    run_until_idle(runtime)
    contact_imports.begin(runtime, bea, done, lawful_basis="consent", source="feira")
    run_until_idle(runtime)
    journal_replay.keep(runtime)
    backup.backup(runtime, tmp_path / "copy")
    erasure.erase(runtime, bea, contacts.create(runtime, bea, {"name": "Z", "email": "z@x.example"}))
    backup.restore(runtime, tmp_path / "copy", force=True)
    clock.advance(hours=1)
    id = contact_imports.receive(runtime, bea, "a.csv", io.BytesIO(FILE))
    run_until_idle(runtime)
    assert journal_replay.replay(runtime).files == 0
    assert import_pages.page(runtime, bea, id).state == "mapping"
    assert import_pages.page(runtime, bea, done).problem is None


def test_another_workspaces_file_stays(
    runtime: Runtime, world: World, bea: Visitor, clock: Clock, tmp_path: Path
):
    rui = world.member(world.workspace(), Role.OWNER)
    id = contact_imports.receive(runtime, rui, "a.csv", io.BytesIO(FILE))
    run_until_idle(runtime)
    backup.backup(runtime, tmp_path / "copy")
    clock.advance(hours=1)
    erasure.erase(runtime, bea, contacts.create(runtime, bea, {"name": "Z", "email": "z@x.example"}))
    assert backup.restore(runtime, tmp_path / "copy", force=True).journal.files == 0
    assert import_pages.page(runtime, rui, id).state == "mapping"


@pytest.mark.on_both
def test_a_file_that_is_taken_away_is_scrubbed_as_well(runtime: Runtime, bea: Visitor):
    contact_imports.receive(runtime, bea, "a.csv", io.BytesIO(FILE))
    for taken in (1, 0):
        scrubbing.scrub(runtime)
        line = {"workspace": bea.workspace_id, "at": runtime.clock().isoformat()}
        with runtime.db.write() as session:
            gone = journal_replay.FILES.step(session, [line], runtime.clock())
        assert (gone, scrubbing.scrub(runtime)) == (taken, taken), "nothing is scrubbed where nothing went"


def test_its_bytes_leave_the_files_of_a_restored_copy(
    runtime: Runtime, bea: Visitor, clock: Clock, tmp_path: Path, database_url: str
):
    copied_at(runtime, bea, "importing", tmp_path / "copy")
    clock.advance(hours=1)
    erasure.erase(runtime, bea, person(runtime))
    with closing(sqlite3.connect(tmp_path / "copy")) as copy:
        parts = [bytes(content)[10:60] for (content,) in copy.execute("SELECT content FROM import_parts")]
    backup.restore(runtime, tmp_path / "copy", force=True)
    file = Path(database_url.removeprefix("sqlite:///"))
    stored = [each.read_bytes() for each in file.parent.glob(f"{file.name}*")]
    assert parts
    assert not any(part in each for part in parts for each in stored)
