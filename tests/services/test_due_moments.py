"""Around a due moment: what is paused, what is late, and which of two runs takes place."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.domain.access import Role
from app.models import Contact, Schedule
from app.services import events, expanding, planning, runs, schedules
from app.services.events import Told
from tests.services.recurring import House
from tests.world import Clock, World


@pytest.fixture
def house(world: World, clock: Clock) -> House:
    workspace = world.workspace()
    return House(world, clock, world.member(workspace, Role.OWNER), world.survey(workspace))


def state_of(house: House, id: str) -> str:
    with house.runtime.db.read() as session:
        return str(session.scalar(select(Schedule.state).where(Schedule.id == id)))


def expand_and_after_the_first(house: House, act: Callable[[], object]) -> None:
    """Expand, and do something once between two steps of a run."""
    done: list[object] = []

    def reach(step: str) -> None:
        if step == "expanded_some" and not done:
            done.append(act())

    planning.plan_schedules(house.runtime)
    expanding.expand_occurrences(replace(house.runtime, reach=reach))


# Paused


@pytest.mark.parametrize("rule", ["FREQ=DAILY;COUNT=2", "FREQ=DAILY;UNTIL=20261117T235959"])
def test_a_rule_whose_last_moment_passes_while_it_is_paused_stays_paused_and_goes_on_when_resumed(
    house: House, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    monkeypatch.setattr(expanding, "FIRST", 4)
    house.crowd(10)
    id = house.plans(repeat="custom", rrule=rule, at="2026-11-16T10:00")
    expand_and_after_the_first(house, lambda: schedules.pause(house.runtime, house.who, id))
    house.clock.advance(days=2)
    house.tick()
    assert state_of(house, id) == "paused"
    assert house.outcomes(id) == [("running", None), ("skipped", "paused")]
    assert schedules.resume(house.runtime, house.who, id) == 4
    assert state_of(house, id) == "ended"
    house.tick()
    last, first = runs.history(house.runtime, house.who, id).items
    assert (first.state, first.waiting, first.decided) == ("run", 10, 10)
    assert (last.reason, last.decided) == ("paused", 0)


def test_an_edit_after_its_last_moment_leaves_what_is_paused_paused(house: House) -> None:
    id = house.plans(repeat="custom", rrule="FREQ=DAILY;COUNT=2", at="2026-11-16T10:00")
    house.tick()
    schedules.pause(house.runtime, house.who, id)
    house.clock.advance(days=2)
    schedules.edit(house.runtime, house.who, id, {"name": "Twice"})
    assert state_of(house, id) == "paused"


# Late


def test_who_wants_nothing_late_is_asked_all_the_same(house: House, world: World) -> None:
    """The planner looks a second after the moment; what begins now began with the minute."""
    house.crowd(1)
    house.clock.advance(seconds=40)
    now = house.plans(repeat="once", late_hours=0)
    daily = house.plans(repeat="daily", at="2026-11-16T10:01", late_hours=0)
    event = house.plans(repeat="event", trigger={"event": "solved", "after_hours": 0}, late_hours=0)
    with house.runtime.db.read() as session:
        contact = str(session.scalar(select(Contact.id)))
    told = Told("t-1", "solved", contact, house.clock.now - timedelta(minutes=1), {})
    events.tell(house.runtime, house.who, told)
    house.clock.advance(seconds=21)
    house.tick()
    assert [house.outcomes(each) for each in (now, daily, event)] == [[("run", None)]] * 3


def test_a_run_that_begins_too_late_for_that_is_missed(house: House) -> None:
    id = house.plans(repeat="daily", at="2026-11-16T10:01", late_hours=0)
    house.clock.advance(minutes=7)
    house.tick()
    assert house.outcomes(id) == [("missed", "late")]


def test_a_run_that_was_planned_and_not_begun_in_time_is_missed(house: House) -> None:
    """The worker died right after planning, and came back five days later: before the next is due."""
    house.crowd(3)
    id = house.plans(repeat="weekly", at="2026-11-16T10:00")
    planning.plan_schedules(house.runtime)
    house.clock.advance(days=5)
    house.tick()
    assert (house.outcomes(id), house.count()) == ([("missed", "late")], 0)


@pytest.mark.parametrize("late_hours", [None, 48])
def test_one_that_has_not_begun_pushes_no_timely_one_aside(house: House, late_hours: int | None) -> None:
    house.crowd(3)
    id = house.plans(repeat="daily", at="2026-11-16T10:00", late_hours=late_hours)
    planning.plan_schedules(house.runtime)
    house.clock.advance(days=1)
    house.tick()
    assert house.outcomes(id) == [("missed", "late"), ("run", None)]
    assert house.count() == 3


@pytest.mark.parametrize(
    ("away", "first", "asked"),
    [(timedelta(hours=11), ("run", None), 3), (timedelta(days=60), ("missed", "late"), 0)],
)
def test_what_a_pause_kept_from_beginning_is_asked_when_resumed_unless_it_is_too_late_by_then(
    house: House, away: timedelta, first: tuple[str, str | None], asked: int
) -> None:
    house.crowd(3)
    id = house.plans(repeat="daily", at="2026-11-16T10:00")
    planning.plan_schedules(house.runtime)
    schedules.pause(house.runtime, house.who, id)
    house.clock.now += away
    house.tick()
    schedules.resume(house.runtime, house.who, id)
    house.tick()
    assert (house.outcomes(id)[0], house.count()) == (first, asked)
    assert set(house.outcomes(id)[1:]) <= {("skipped", "paused")}
