"""Migrations are numbered, go up and down, and end where the models are, on both databases."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text

from app.db import Database
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import InboundEvent, Occurrence, OptOut, Pulse, Workspace, new_id
from app.services import events, migrating, planning, schema, senders
from app.services.events import Told
from tests.pulse_world import open_pulse
from tests.services.recurring import House
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


def test_a_step_that_is_due_keeps_the_hour_that_it_shows_on_the_wall(
    db: Database, world: World, clock: Clock
) -> None:
    workspace = world.workspace()
    survey = world.survey(workspace)
    house = House(world, clock, world.member(workspace, Role.OWNER), survey)
    steps = [{"survey": survey.id, "after_days": 30}]
    house.plans(repeat="once", at="2026-11-24T10:00", time_zone="Asia/Kathmandu", steps=steps)
    house.live(days=10)
    before = hours(db)
    migrating.downgrade(db, "0024")
    migrating.upgrade(db)
    assert hours(db) == before == [("2026-12-24T10:00:00", "Asia/Kathmandu")]


@pytest.mark.on_both
def test_a_no_from_a_mexican_number_that_nobody_could_read_is_heard_after_all(
    db: Database, world: World, clock: Clock
) -> None:
    """Nothing else of it: beside a pulse a score is tied to nobody. An erasure finds all of it."""
    words = {"baja": "Baja.", "score": "9", "heard": "BAJA", "argentine": "BAJA"}
    with db.write() as session:
        number = senders.sender_id(session, "whatsapp", "+551140028922", clock())
    for name, typed in words.items():
        said = {"address": "+541" if name == "argentine" else "+5215512345678", "kind": "text", "text": typed}
        world.add(
            InboundEvent(
                id=name, sender_id=number, channel="whatsapp", provider_id=name, kind="text",
                payload={"sender": "+551140028922", "provider_id": name} | said, tries=1, due_at=clock(),
                state="done" if name == "heard" else "set_aside", received_at=clock(), address_key="",
                error=None if name == "heard" else "not an address that we can read",
            )
        )  # fmt: skip
    migrating.downgrade(db, "0026")
    migrating.upgrade(db)
    with db.read() as session:
        waiting = session.scalars(select(InboundEvent).where(InboundEvent.state == "new")).all()
        unkeyed = session.scalars(select(InboundEvent.id).where(InboundEvent.address_key.is_(None)))
        assert set(unkeyed) == {"baja", "score", "heard"}
    assert [(each.id, each.tries, each.error) for each in waiting] == [("baja", 0, None)]


def hours(db: Database) -> list[tuple[str | None, str | None]]:
    with db.read() as session:
        steps = session.scalars(select(Occurrence).where(Occurrence.step > 0))
        return [(each.local_at, each.time_zone) for each in steps]


def test_a_run_that_is_under_way_keeps_what_its_schedule_says_as_we_upgrade(
    db: Database, world: World, clock: Clock
) -> None:
    workspace = world.workspace()
    survey, ces = world.survey(workspace), world.survey(workspace, Metric.CES)
    maria = world.contact(workspace)
    house = House(world, clock, world.member(workspace, Role.OWNER), survey)
    steps = [{"survey": ces.id, "after_days": 30}]
    house.plans(repeat="custom", rrule="FREQ=MONTHLY;INTERVAL=2", off_days="previous", steps=steps)
    house.plans(repeat="each_person", every_days=90)
    house.plans(repeat="daily")
    solved = house.plans(repeat="event", off_days="previous", trigger={"event": "solved", "after_hours": 24})
    events.tell(house.runtime, house.who, Told("1", "solved", maria.id, None, {}))
    planning.plan_schedules(house.runtime)
    before = kept(db)
    assert {row[1:4] for row in before} == {
        (7, None, None), (0, None, 30), (0, 90, None), (0, None, None),
    }  # fmt: skip
    assert [row[4:] for row in before if row[0] == solved] == [("next", "2026-11-17T10:00:00")]
    migrating.downgrade(db, "0026")
    with db.write() as session:  # of what is over its next channels still ask
        session.execute(text("UPDATE occurrences SET state = 'run' WHERE origin = 'schedule'"))
    migrating.upgrade(db)
    assert kept(db) == before


def kept(db: Database) -> list[tuple[str | None, int, int | None, int | None, str | None, str | None]]:
    with db.read() as session:
        rows = session.scalars(select(Occurrence).order_by(Occurrence.id))
        return [
            (
                each.schedule_id, each.early_days, each.every_days, each.after_days, each.off_days,
                each.named_at,
            )
            for each in rows
        ]  # fmt: skip
