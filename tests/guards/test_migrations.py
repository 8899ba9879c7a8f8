"""Migrations are numbered, go up and down, and end where the models are, on both databases."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import inspect

from app.db import Database
from app.models import OptOut, Pulse, Workspace, new_id
from app.services import migrating, schema
from tests.pulse_world import open_pulse
from tests.world import Clock, World

VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"


def test_migrations_are_numbered_without_a_gap() -> None:
    names = sorted(path.stem for path in VERSIONS.glob("*.py"))
    assert [name[:5] for name in names] == [f"{number:04}_" for number in range(1, len(names) + 1)]


def test_the_newest_migration_makes_what_the_models_say(db: Database) -> None:
    assert schema.current(db) == schema.head()
    assert migrating.differences(db) == []


def test_every_migration_goes_down_and_up_again(db: Database) -> None:
    migrating.downgrade(db, "base")
    assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}
    migrating.upgrade(db)
    assert migrating.differences(db) == []
    migrating.upgrade(db)
    assert schema.current(db) == schema.head()


def test_what_came_back_after_a_pulses_reminder_is_dated_with_its_first_day(
    db: Database, world: World, clock: Clock
) -> None:
    """Whose reminder it was, they had not answered by then."""
    pulse = open_pulse(world)
    opened_at, elsewhere = pulse.pulse.opened_at, world.workspace()
    clock.advance(days=1)
    bounced = [bounce(world, pulse.workspace, 0, clock)]
    with db.write() as session:
        session.get_one(Pulse, pulse.pulse.id).reminded_at = clock.now + timedelta(days=2)
    clock.advance(days=3)
    bounced += [bounce(world, pulse.workspace, 1, clock), bounce(world, elsewhere, 2, clock)]
    migrating.downgrade(db, "0022")
    migrating.upgrade(db)
    with db.read() as session:
        dates = [session.get_one(OptOut, id).created_at for id in bounced]
    assert dates == [clock.now - timedelta(days=3), opened_at, clock.now]


def bounce(world: World, workspace: Workspace, number: int, clock: Clock) -> str:
    row = OptOut(
        id=new_id(), workspace_id=workspace.id, address_key=f"{number:064}", kind="bounce",
        origin="provider", created_at=clock.now,
    )  # fmt: skip
    return world.add(row).id
