"""A restored copy asks nobody a second time for what was due by then: it may have left since it was made."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.cli.operations import _after_restoring
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Attempt, Invitation, Message, Occurrence, Pulse, Workspace, new_id
from app.runtime import Runtime
from app.services import (
    asking_again,
    backup,
    events,
    followups,
    pulse_reminders,
    pulses,
    reminding,
    runs,
    settling,
)
from app.services.backup import Restored
from app.services.events import Told
from tests.services.loop import closures, opened
from tests.services.recurring import House
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def house(world: World, workspace: Workspace, clock: Clock) -> House:
    return House(world, clock, world.member(workspace, Role.OWNER), world.survey(workspace, Metric.CSAT))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy"


def work(house: House) -> None:
    """What the worker does with all that is due; every ask leaves."""
    house.tick()
    reminding.remind(house.runtime)
    pulse_reminders.remind_pulses(house.runtime)
    asking_again.ask_again(house.runtime)
    house.leave()


def restored(house: House, copy: Path, **known: bool) -> Restored:
    return backup.restore(house.runtime, copy, force=True, **known)


def number(runtime: Runtime, purpose: str) -> int:
    """So many that were sent or may be."""
    with runtime.db.read() as session:
        alive = select(func.count()).where(Message.purpose == purpose, Message.state != "cancelled")
        return session.scalar(alive) or 0


def end_unknown(house: House, ask: str, question: str) -> None:
    """Each attempt has begun, and nobody heard how it ended."""
    with house.runtime.db.write() as session:
        for each in session.scalars(select(Invitation)):
            each.state = ask
        for message in session.scalars(select(Message)):
            message.state, message.lease_until = question, house.clock.now + timedelta(minutes=5)
            begun = Attempt(id=new_id(), message_id=message.id, number=1, started_at=house.clock.now)
            session.add(begun)


@pytest.mark.on_both
def test_what_ran_since_the_copy_does_not_run_again_and_the_next_does(
    house: House, workspace: Workspace, copy: Path
):
    house.world.contact(workspace)
    id = house.plans(name="Todo dia", repeat="daily", at="2026-11-17T10:00", off_days="run")
    backup.backup(house.runtime, copy)
    house.live(days=2)
    found = restored(house, copy)
    assert house.outcomes(id) == [("missed", "restored")] * 2
    work(house)
    assert house.count() == 0
    told = _after_restoring(found)
    assert [each.schedule for each in found.given_up.moments] == ["Todo dia"] * 2
    assert any("2026-11-17 13:00 UTC  Todo dia" in each for each in told)
    assert any("--nothing-ran-since" in each for each in told)
    house.live(days=1)
    assert house.outcomes(id)[-1] == ("run", None)
    assert house.count() == 1


def test_where_nothing_ran_since_the_operator_says_so(house: House, workspace: Workspace, copy: Path):
    house.world.contact(workspace)
    id = house.plans(repeat="daily", at="2026-11-17T10:00", off_days="run")
    backup.backup(house.runtime, copy)
    house.clock.advance(days=1, hours=2)
    found = restored(house, copy, nothing_ran_since=True)
    assert found.given_up.moments == ()
    assert not any("is not asked again" in each for each in _after_restoring(found))
    work(house)
    assert house.outcomes(id) == [("run", None)]


def test_steps_and_questions_after_events_are_not_asked_again(house: House, workspace: Workspace, copy: Path):
    maria = house.world.contact(workspace)
    ces = house.world.survey(workspace, Metric.CES)
    steps = house.plans(repeat="once", steps=[{"survey": ces.id, "after_days": 35}])
    work(house)
    house.live(days=34)
    event = house.plans(repeat="event", trigger={"event": "ticket.solved", "after_hours": 12})
    events.tell(house.runtime, house.who, Told("1", "ticket.solved", maria.id, None, {}))
    backup.backup(house.runtime, copy)
    house.live(days=2)
    restored(house, copy)
    before = house.count()
    work(house)
    assert house.outcomes(steps) == [("run", None), ("missed", "restored")]
    assert house.outcomes(event) == [("missed", "restored")]
    assert house.count() == before


def test_of_so_many_an_hour_only_those_are_asked_whose_turn_had_not_come(house: House, copy: Path):
    house.crowd(6)
    id = house.plans(repeat="once", terms={"per_hour": 1})
    house.tick()
    backup.backup(house.runtime, copy)
    house.clock.advance(hours=2, minutes=30)
    found = restored(house, copy)
    assert found.given_up.asks == 3
    (run,) = runs.history(house.runtime, house.who, id).items
    assert (run.waiting, run.not_asked) == (3, (("restored", 3),))
    with house.runtime.db.read() as session:
        due = session.scalars(select(Message.due_at).where(Message.state == "queued")).all()
    assert min(due) > house.clock.now


def test_a_run_that_had_come_to_some_comes_to_nobody_else(house: House, copy: Path):
    house.crowd(6)
    id = house.plans(repeat="once")
    house.tick()
    with house.runtime.db.write() as session:
        run = session.scalars(select(Occurrence)).one()
        run.state, run.ended_at = "running", None
    backup.backup(house.runtime, copy)
    restored(house, copy)
    assert house.outcomes(id) == [("missed", "restored")]


def test_reminders_that_were_due_are_not_sent_again(house: House, workspace: Workspace, copy: Path):
    house.world.contact(workspace)
    house.plans(repeat="once", terms={"reminders": [3]})
    work(house)
    backup.backup(house.runtime, copy)
    house.clock.advance(days=3, minutes=1)
    found = restored(house, copy)
    work(house)
    assert number(house.runtime, "reminder") == 0
    assert found.given_up.reminders == 1


@pytest.mark.on_both
@pytest.mark.parametrize(("ask", "question"), [("unknown", "unknown"), ("sending", "attempting")])
@pytest.mark.parametrize(("days", "sent"), [(4, 0), (2, 1)])
def test_asks_of_unknown_end_are_not_reminded_again_unless_it_lies_ahead(
    house: House, workspace: Workspace, copy: Path, ask: str, question: str, days: int, sent: int
):
    house.world.contact(workspace)
    house.plans(repeat="once", terms={"reminders": [3]})
    house.tick()
    end_unknown(house, ask, question)
    backup.backup(house.runtime, copy)
    house.clock.advance(days=days)
    restored(house, copy)
    settling.end_leases(house.runtime)
    house.clock.advance(days=1, hours=1)
    settling.presume_sent(house.runtime)
    reminding.remind(house.runtime)
    assert number(house.runtime, "reminder") == sent


def test_a_reminder_that_comes_due_later_is_sent(house: House, workspace: Workspace, copy: Path):
    house.world.contact(workspace)
    house.plans(repeat="once", terms={"reminders": [3]})
    work(house)
    with house.runtime.db.write() as session:
        for message in session.scalars(select(Message)):
            message.state, message.sent_at = "sent", house.clock.now
    house.clock.advance(days=1)
    backup.backup(house.runtime, copy)
    house.clock.advance(days=1)
    restored(house, copy)
    house.clock.advance(days=1, minutes=1)
    work(house)
    assert number(house.runtime, "reminder") == 1


def test_a_pulse_neither_opens_nor_reminds_a_second_time(world: World, clock: Clock, copy: Path):
    people = world.workspace("people")
    house = House(world, clock, world.member(people, Role.OWNER), world.survey(people, Metric.ENPS))
    for _ in range(6):
        world.contact(people)
    house.plans(repeat="quarterly", at="2026-11-25T10:00")
    pulses.open_pulse(house.runtime, house.who, world.survey(people, Metric.ENPS).id)
    with house.runtime.db.write() as session:
        for each in (*session.scalars(select(Message)), *session.scalars(select(Invitation))):
            each.state, each.sent_at = "sent", clock.now
    backup.backup(house.runtime, copy)
    clock.advance(days=10)
    restored(house, copy)
    work(house)
    assert number(house.runtime, "reminder") == 0
    with house.runtime.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Pulse)) == 1


def test_nobody_is_asked_again_a_second_time_after_a_follow_up(
    house: House, world: World, workspace: Workspace, clock: Clock, copy: Path
):
    id = opened(world, workspace)
    followups.close(house.runtime, house.who, id, summary="Done.", root_cause="Outage")
    backup.backup(house.runtime, copy)
    clock.advance(days=8)
    found = restored(house, copy)
    assert found.given_up.closures == 1
    told = _after_restoring(found)
    assert any("is not asked again" in each for each in told)
    assert any("after a closed follow-up: 1" in each for each in told)
    assert asking_again.ask_again(house.runtime) == 0
    (closure,) = closures(house.runtime, id)
    with house.runtime.db.read() as session:
        asked = session.scalars(select(Occurrence).where(Occurrence.key == closure.id)).one()
        assert (asked.state, asked.reason) == ("missed", "restored")
