"""The steps of a sequence: whom they are about, on which day they come, and what they wait for."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from app.domain.access import Role
from app.domain.metrics import Metric
from app.errors import Conflict
from app.models import Contact, Invitation, Occurrence, Survey, Workspace
from app.services import contacts, expanding, looks, planning, runs, schedules, sending, surveys
from tests.services.recurring import House
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def house(world: World, clock: Clock, workspace: Workspace) -> House:
    return House(world, clock, world.member(workspace, Role.OWNER), world.survey(workspace))


@pytest.fixture
def ces(house: House, workspace: Workspace) -> Survey:
    return house.world.survey(workspace, Metric.CES)


def asked_of(house: House, survey: Survey) -> list[str]:
    with house.runtime.db.read() as session:
        query = select(Invitation.contact_id).where(
            Invitation.survey_id == survey.id, Invitation.reason.is_(None)
        )
        return list(session.scalars(query))


# Whom they are about


@pytest.mark.parametrize(
    "filters",
    [
        {"field": "asked", "op": "has_not"},  # true of nobody whom the first step asked
        {"field": "tags", "op": "has_any", "value": ["new"]},  # taken from them meanwhile
    ],
)
def test_a_step_is_about_those_whom_the_step_before_asked_whatever_has_become_true_of_them(
    house: House, workspace: Workspace, ces: Survey, filters: dict[str, str]
) -> None:
    maria = house.world.contact(workspace, name="Maria", tags=["new"])
    steps = [{"survey": ces.id, "after_days": 60}]
    id = house.plans(repeat="once", audience={"all": [filters]}, steps=steps)
    house.tick()
    house.leave()
    contacts.edit(house.runtime, house.who, maria.id, {"tags": []})
    late = house.world.contact(workspace, tags=["new"])
    assert _codes(house, maria, ces) == ["to_come"]
    house.live(days=61)
    assert house.outcomes(id) == [("run", None)] * 2
    assert asked_of(house, ces) == [maria.id]
    assert runs.history(house.runtime, house.who, id).items[0].decided == 1
    assert _codes(house, maria, ces) == ["asked"]
    assert _codes(house, late, ces) == ["not_asked_before"]


@pytest.mark.parametrize("repeat", ["weekly", "once"])
def test_a_survey_that_a_later_step_asks_is_not_put_away_before_the_schedule_is_cancelled(
    house: House, ces: Survey, repeat: str
) -> None:
    house.crowd(1)
    id = house.plans(name="First days", repeat=repeat, steps=[{"survey": ces.id, "after_days": 30}])
    if repeat == "once":  # it has ended, and its step is still to come
        house.tick()
        assert house.outcomes(id) == [("run", None), ("due", None)]
    with pytest.raises(Conflict, match="First days"):
        surveys.archive(house.runtime, house.who, ces.id)
    schedules.cancel(house.runtime, house.who, id)
    surveys.archive(house.runtime, house.who, ces.id)


# On which day they come


@pytest.mark.parametrize(
    ("off_days", "days"),
    [("run", [21, 22]), ("next", [23, 24]), ("previous", [19, 23]), ("skip", [23, 24])],
)
def test_steps_keep_to_what_the_schedule_does_on_days_off(
    house: House, ces: Survey, off_days: str, days: list[int]
) -> None:
    """20 November 2026 is a Friday and a holiday here: Thursday the 19th is the business day before."""
    steps = [{"survey": ces.id, "after_days": 5}, {"survey": ces.id, "after_days": 1}]
    house.plans(repeat="once", at="2026-11-16T10:00", steps=steps, off_days=off_days)
    house.tick()
    with house.runtime.db.read() as session:
        found = session.scalars(select(Occurrence.due_at).where(Occurrence.step > 0)).all()
    assert [each.day for each in sorted(found)] == days


@pytest.mark.parametrize("changes", [
    {"steps": 120}, {"steps": 10}, {"steps": None},
    {"off_days": "next", "at": "2027-06-01T10:00"}, {"time_zone": "Asia/Kathmandu", "at": "2027-06-01T10:00"},
])  # fmt: skip
@pytest.mark.parametrize("how", ["in time", "put off", "looked at"])
def test_a_step_comes_as_its_schedule_said_when_the_sequence_began(
    house: House, ces: Survey, changes: dict[str, object], how: str
) -> None:
    """Forty days later, whatever it says since, or as many more as the ask before was late."""
    house.crowd(1)
    id = house.plans(repeat="once", steps=[{"survey": ces.id, "after_days": 40}])
    if how == "put off":
        planning.plan_schedules(house.runtime)
    else:
        house.tick()
    if "steps" in changes:
        days = changes["steps"]
        changes = {"steps": [{"survey": ces.id, "after_days": days}] if days else []}
    schedules.edit(house.runtime, house.who, id, changes)
    at = house.clock.now + timedelta(days=40)
    if how == "put off":
        house.clock.advance(days=2)
        house.tick()
        at += timedelta(days=2)
    house.leave()
    if how == "looked at":  # the ask left later than it was meant to
        at += timedelta(days=3)
        with house.runtime.db.write() as session:
            session.execute(update(Invitation).values(sent_at=house.clock.now + timedelta(days=3)))
        house.live(days=40)
    with house.runtime.db.read() as session:
        due = session.scalars(select(Occurrence.due_at).where(Occurrence.step == 1)).one()
    assert due == at
    house.clock.now = at - timedelta(minutes=1)
    house.tick()
    assert house.outcomes(id) == [("run", None), ("due", None)]
    house.clock.advance(minutes=1)
    house.tick()
    assert house.outcomes(id) == [("run", None)] * 2


# What they wait for


@pytest.mark.parametrize(("away", "next_day"), [(timedelta(hours=26), 18), (timedelta(days=9), 26)])
def test_a_step_waits_for_the_one_before_and_comes_as_many_days_after_it(
    house: House, ces: Survey, monkeypatch: pytest.MonkeyPatch, away: timedelta, next_day: int
) -> None:
    """Paused, or without a worker, in the middle of the first ask, until after the second was due."""
    monkeypatch.setattr(expanding, "FIRST", 4)
    with house.runtime.db.write() as session:
        session.execute(update(Workspace).values(rest_days=0, rest_days_by_metric={}))
    house.crowd(10)
    id = house.plans(repeat="once", steps=[{"survey": ces.id, "after_days": 1}] * 2)
    planning.plan_schedules(house.runtime)
    expanding.expand_occurrences(replace(house.runtime, stopping=lambda: house.count() > 0))
    schedules.pause(house.runtime, house.who, id)
    house.clock.now += away
    house.tick()
    schedules.resume(house.runtime, house.who, id)
    house.tick()
    house.tick()
    house.leave()
    assert house.outcomes(id) == [("run", None), ("due", None), ("due", None)]
    with house.runtime.db.read() as session:
        query = select(Occurrence.due_at).where(Occurrence.step > 0).order_by(Occurrence.step)
        assert [each.day for each in session.scalars(query)] == [next_day, next_day + 1]
    house.live(days=2)
    assert house.asked(id) == [10, 10, 10]


@pytest.mark.parametrize("silent_days", [1, 2, 4])
def test_a_step_waits_for_asks_that_are_held_back_past_its_day(
    house: House, ces: Survey, silent_days: int
) -> None:
    """Nobody knew of the days of silence as the first ask was planned."""
    with house.runtime.db.write() as session:
        session.execute(update(Workspace).values(rest_days=0, rest_days_by_metric={}))
    house.crowd(4)
    id = house.plans(repeat="once", steps=[{"survey": ces.id, "after_days": 1}] * 2)
    house.tick()
    with house.runtime.db.write() as session:
        days = [f"2026-11-{16 + day}" for day in range(silent_days)]
        session.execute(update(Workspace).values(blackout_dates=days))
    for _ in range(24 * (silent_days + 4)):
        house.clock.advance(hours=1)
        house.tick()
        sending.send_due(house.runtime)
    assert house.outcomes(id) == [("run", None)] * 3
    with house.runtime.db.read() as session:
        query = select(Invitation.contact_id, Occurrence.step, Invitation.sent_at)
        rows = session.execute(query.join(Occurrence, Occurrence.id == Invitation.occurrence_id)).all()
    left: dict[str, dict[int, datetime | None]] = {}
    for contact_id, step, sent_at in rows:
        left.setdefault(contact_id, {})[step] = sent_at
    assert len(left) == 4
    for moments in left.values():
        first, second, third = moments[0], moments[1], moments[2]
        assert first is not None and second is not None and third is not None
        days = [each.astimezone(ZoneInfo("America/Sao_Paulo")).date() for each in (first, second, third)]
        assert days[0] < days[1] < days[2]


def test_a_step_that_days_off_move_nearer_to_the_one_before_comes_on_that_day(
    house: House, ces: Survey
) -> None:
    """Two days after a Thursday is a Saturday: the business day before it is one day after."""
    house.crowd(2)
    steps = [{"survey": ces.id, "after_days": 2}]
    id = house.plans(repeat="once", at="2026-11-26T10:00", off_days="previous", steps=steps)
    house.clock.now += timedelta(days=10)
    house.tick()
    house.leave()
    house.clock.now += timedelta(days=1)
    house.tick()
    assert house.outcomes(id) == [("run", None)] * 2


def test_a_step_waits_for_nobody_whose_ask_was_too_late_to_leave(house: House, ces: Survey) -> None:
    house.crowd(2)
    id = house.plans(repeat="once", steps=[{"survey": ces.id, "after_days": 31}])
    house.tick()
    first, _ = sorted(asked_of(house, house.survey))
    with house.runtime.db.write() as session:
        session.execute(
            update(Invitation)
            .where(Invitation.contact_id == first)
            .values(state="sent", sent_at=house.clock.now)
        )
    house.clock.advance(days=31)
    house.tick()
    assert house.outcomes(id) == [("run", None)] * 2


def test_the_steps_of_a_run_that_was_missed_are_missed_as_well(house: House, ces: Survey) -> None:
    """They would end as run, with nobody asked and nobody to say why."""
    house.crowd(3)
    id = house.plans(repeat="once", steps=[{"survey": ces.id, "after_days": 10}] * 2)
    planning.plan_schedules(house.runtime)
    schedules.pause(house.runtime, house.who, id)
    house.clock.advance(days=8)
    schedules.resume(house.runtime, house.who, id)
    house.live(days=1)
    assert house.outcomes(id) == [("missed", "late"), ("due", None), ("due", None)]
    house.live(days=20)
    assert house.outcomes(id) == [("missed", "late")] * 3
    assert house.count() == 0
    with house.runtime.db.read() as session:
        runs_of_it = session.scalars(select(Occurrence).where(Occurrence.step > 0)).all()
    assert all(each.ended_at is not None and each.version_id is None for each in runs_of_it)


def test_a_run_that_ends_in_time_puts_nothing_off(house: House, ces: Survey) -> None:
    house.crowd(1)
    house.plans(repeat="once", steps=[{"survey": ces.id, "after_days": 1}])
    house.clock.advance(hours=11)
    house.tick()
    with house.runtime.db.read() as session:
        (due,) = session.scalars(select(Occurrence.due_at).where(Occurrence.step > 0))
    assert due == house.clock.now + timedelta(hours=13)


def _codes(house: House, person: Contact, survey: Survey) -> list[str]:
    return [look.code for look in looks.explain(house.runtime, house.who, person.id, survey.id).looks]
