"""Days off that are entered later move what waits: steps of sequences, and questions after events."""

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Contact, Occurrence, Setting, Workspace
from app.services import events, retiming, schedules
from app.services import workspace_settings as settings
from app.services.events import Told
from tests.services.recurring import House
from tests.world import Clock, World

HOUR = 10
SOLVED = {"event": "ticket.solved", "after_hours": 24}


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()  # its one holiday: Friday, 20 November 2026


@pytest.fixture
def house(world: World, clock: Clock, workspace: Workspace) -> House:
    return House(world, clock, world.member(workspace, Role.OWNER), world.survey(workspace, Metric.CSAT))


@pytest.fixture
def maria(house: House, workspace: Workspace) -> Contact:
    return house.world.contact(workspace)


def starts(house: House, *after_days: int, off_days: str = "next") -> str:
    """A sequence whose first question leaves on Monday, 16 November, at ten."""
    steps = [{"survey": house.survey.id, "after_days": each} for each in after_days]
    id = house.plans(repeat="once", at="2026-11-16T10:00", off_days=off_days, steps=steps)
    house.tick()
    house.leave()
    return id


def closed(house: House, *days: str, **others: list[int] | list[str]) -> int:
    """Somebody enters these holidays, and the job has run: how many moved."""
    settings.update(house.runtime, house.who, {"holidays": list(days)} | others)
    return retiming.retime_waiting(house.runtime)


def days_of(house: House) -> list[str]:
    """On which days what waits comes, all of it at ten."""
    with house.runtime.db.read() as session:
        query = select(Occurrence.due_at).where(Occurrence.state == "due").order_by(Occurrence.due_at)
        local = [each.astimezone(ZoneInfo("America/Sao_Paulo")) for each in session.scalars(query)]
    assert {each.hour for each in local} <= {HOUR}
    return [each.date().isoformat() for each in local]


def test_a_holiday_moves_the_steps_that_wait_and_those_after_them_and_back(
    house: House, maria: Contact
) -> None:
    id = starts(house, 35, 7)
    assert days_of(house) == ["2026-12-21", "2026-12-28"]
    assert closed(house, "2026-12-21") == 2
    assert days_of(house) == ["2026-12-22", "2026-12-29"]
    assert closed(house, "2026-12-21") == 0
    assert closed(house, "2026-12-21", "2026-12-22", "2026-12-30") == 2
    assert days_of(house) == ["2026-12-23", "2026-12-31"]
    assert closed(house) == 2
    assert days_of(house) == ["2026-12-21", "2026-12-28"]
    house.live(days=45)
    assert house.outcomes(id) == [("run", None)] * 3


@pytest.mark.parametrize(
    ("off_days", "day"),
    [("run", "2026-12-21"), ("next", "2026-12-22"), ("previous", "2026-12-18"), ("skip", "2026-12-22")],
)
def test_a_holiday_does_with_a_step_what_the_schedule_said_as_it_began(
    house: House, maria: Contact, off_days: str, day: str
) -> None:
    id = starts(house, 35, off_days=off_days)
    schedules.edit(house.runtime, house.who, id, {"off_days": "run", "at": "2027-06-01T10:00"})
    closed(house, "2026-12-21")
    assert days_of(house) == [day]


def test_other_weekdays_and_dates_of_silence_move_them_as_well(house: House, maria: Contact) -> None:
    starts(house, 35)
    closed(house, business_days=[2, 3])
    assert days_of(house) == ["2026-12-23"]
    closed(house, business_days=[0, 1, 2, 3, 4], blackout_dates=["2026-12-21", "2026-12-22", "2026-12-23"])
    assert days_of(house) == ["2026-12-24"]
    closed(house, blackout_dates=[])
    assert days_of(house) == ["2026-12-21"]


def test_a_step_that_was_put_off_moves_from_where_it_was_put(house: House, maria: Contact) -> None:
    steps = [{"survey": house.survey.id, "after_days": 35}]
    house.plans(repeat="once", at="2026-11-16T10:00", off_days="next", steps=steps)
    house.clock.advance(days=2)
    house.tick()
    assert days_of(house) == ["2026-12-23"]
    closed(house, "2026-12-21", "2026-12-23")
    assert days_of(house) == ["2026-12-24"]
    closed(house, "2026-12-21")
    assert days_of(house) == ["2026-12-23"]


def test_a_step_is_not_moved_back_to_a_day_that_is_over(house: House, maria: Contact) -> None:
    """Monday is made a holiday on Saturday: the business day before it was Friday."""
    starts(house, 35, off_days="previous")
    house.clock.now += timedelta(days=33)
    assert house.clock.now.date() == date(2026, 12, 19)
    closed(house, "2026-12-21")
    assert days_of(house) == ["2026-12-22"]


def test_a_holiday_moves_a_question_after_an_event_and_the_steps_after_it_and_back(
    house: House, maria: Contact
) -> None:
    steps = [{"survey": house.survey.id, "after_days": 6}]
    id = house.plans(repeat="event", off_days="next", trigger=SOLVED, steps=steps)
    events.tell(house.runtime, house.who, Told("1", "ticket.solved", maria.id, None, {}))
    assert days_of(house) == ["2026-11-17", "2026-11-23"]
    assert closed(house, "2026-11-17", "2026-11-20") == 2
    assert days_of(house) == ["2026-11-18", "2026-11-24"]
    assert closed(house, "2026-11-20") == 2
    assert days_of(house) == ["2026-11-17", "2026-11-23"]
    assert house.outcomes(id) == [("due", None)] * 2


def test_a_question_after_an_event_that_leaves_days_off_out_says_that_one_was_why(
    house: House, maria: Contact
) -> None:
    steps = [{"survey": house.survey.id, "after_days": 6}]
    id = house.plans(repeat="event", off_days="skip", trigger=SOLVED, steps=steps)
    events.tell(house.runtime, house.who, Told("1", "ticket.solved", maria.id, None, {}))
    closed(house, "2026-11-17")
    assert house.outcomes(id) == [("skipped", "day_off")] * 2


def test_what_has_come_due_and_what_another_workspace_waits_for_stays(
    house: House, maria: Contact, world: World, clock: Clock
) -> None:
    other = world.workspace()
    theirs = House(world, clock, world.member(other, Role.OWNER), world.survey(other, Metric.CSAT))
    world.contact(other)
    starts(theirs, 35)
    id = house.plans(repeat="event", off_days="next", trigger={"event": "ticket.solved"})
    events.tell(house.runtime, house.who, Told("1", "ticket.solved", maria.id, None, {}))
    assert closed(house, "2026-11-16", "2026-12-21") == 0
    house.tick()
    assert house.outcomes(id) == [("run", None)]
    assert days_of(theirs) == ["2026-12-21"]


def test_killed_half_way_it_goes_on_and_a_change_meanwhile_begins_it_anew(
    house: House, maria: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FEWEST", "MOST"):
        monkeypatch.setattr(f"app.services.portions.{name}", 1)
    for _ in range(3):
        starts(house, 35)
    settings.update(house.runtime, house.who, {"holidays": ["2026-12-21"]})
    some = iter((False, False, False, True))
    retiming.retime_waiting(replace(house.runtime, stopping=lambda: next(some, True)))
    assert set(days_of(house)) == {"2026-12-21", "2026-12-22"}

    changed: list[str] = []

    def change(point: str) -> None:
        if not changed:
            changed.append(point)
            settings.update(house.runtime, house.who, {"holidays": ["2026-12-21", "2026-12-22"]})

    retiming.retime_waiting(replace(house.runtime, reach=change))
    assert days_of(house) == ["2026-12-23"] * 3
    with house.runtime.db.read() as session:
        assert session.scalars(select(Setting).where(Setting.name.startswith("retime:"))).all() == []
