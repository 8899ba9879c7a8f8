"""The thirty days to answer begin when the question leaves, however long it waited for that."""

import pytest
from sqlalchemy import func, select, update

from app.domain.access import Role
from app.models import Contact, Invitation, Message, Occurrence, Pulse, SandboxCopy, Workspace
from app.services import arrival, asking, planning, resuming, schedules, sending, settling, switch
from app.services.arrival import Given
from app.services.inviting import OPEN_FOR
from tests.pulse_world import open_pulse
from tests.services.recurring import House
from tests.world import Clock, World

MANY = 31 * 24  # at one an hour whoever comes after them waits for longer than there is time to answer


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def house(world: World, clock: Clock, workspace: Workspace) -> House:
    return House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace)


def states(house: House) -> dict[str, int]:
    with house.runtime.db.read() as session:
        query = select(Invitation.state, func.count()).group_by(Invitation.state)
        return dict(session.execute(query).all())


def test_whoever_waits_for_their_turn_for_weeks_is_asked_then(house: House) -> None:
    house.crowd(3)
    house.plans(repeat="once", terms={"per_hour": 1})
    planning.plan_schedules(house.runtime)
    with house.runtime.db.write() as session:  # it has come to so many before them
        session.execute(update(Occurrence).values(asked=MANY))
    house.tick()
    with house.runtime.db.write() as session:
        last = session.scalars(select(Message).order_by(Message.due_at.desc()).limit(1)).one()
        assert last.due_at > house.clock.now + OPEN_FOR
        others = update(Message).where(Message.id != last.id)
        session.execute(others.values(state="sent", sent_at=Message.due_at))  # each in their hour
    house.clock.now = last.due_at
    assert sending.send_due(house.runtime) == 1
    assert states(house)["sent"] == 1


def test_whoever_waits_for_their_turn_after_a_pause_is_asked_then(house: House) -> None:
    house.crowd(40)
    id = house.plans(repeat="once", terms={"per_hour": 1})
    house.tick()
    schedules.pause(house.runtime, house.who, id)
    house.clock.advance(days=29)
    schedules.resume(house.runtime, house.who, id)
    for _ in range(40):
        sending.send_due(house.runtime)
        house.clock.advance(hours=1)
    assert states(house) == {"sent": 40}


def test_they_have_all_their_days_after_waiting(house: House, maria: Contact, clock: Clock) -> None:
    asking.ask(house.runtime, house.who, house.survey.id, maria.id)
    switch.pause(house.runtime, "maintenance")
    clock.advance(days=20)
    resuming.resume(house.runtime)
    assert sending.send_due(house.runtime) == 1
    left = clock()
    clock.advance(days=29)
    assert settling.expire_invitations(house.runtime) == 0
    with house.runtime.db.read() as session:
        assert session.scalars(select(Invitation.expires_at)).one() == left + OPEN_FOR
        copy = session.scalars(select(SandboxCopy)).one()
    token = copy.text.split("/r/")[1].split("?")[0].split()[0]
    arrival.record(house.runtime, token, Given(score="9", comment=None, contact_me=None, suspect=False))
    assert states(house) == {"answered": 1}


def test_a_question_that_nobody_sends_for_a_month_is_too_late(
    house: House, maria: Contact, clock: Clock
) -> None:
    asking.ask(house.runtime, house.who, house.survey.id, maria.id)
    clock.advance(days=30)
    assert sending.send_due(house.runtime) == 0
    assert states(house) == {"skipped": 1}


def test_a_pulse_closes_for_all_at_once(world: World, clock: Clock) -> None:
    opened = open_pulse(world, 2)
    with world.runtime.db.write() as session:
        session.execute(update(Invitation).values(state="queued", sent_at=None))
        session.execute(update(Message).values(state="queued", sent_at=None))
    clock.advance(days=3)
    assert sending.send_due(world.runtime) == 2
    with world.runtime.db.read() as session:
        closes = session.get_one(Pulse, opened.pulse.id).closes_at
        assert set(session.scalars(select(Invitation.expires_at))) == {closes}
