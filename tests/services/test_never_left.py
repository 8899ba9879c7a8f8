"""What was too late before it could leave asked nobody: no rest, no audience and no step counts it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Attempt, Contact, Invitation, Message, Workspace, new_id
from app.services import asking, audiences, looks, resuming, schedules, sending, settling, switch, timeline
from app.services.timeline_moments import HeldBack
from tests.services.recurring import House
from tests.world import Clock, World

HAS_BEEN_ASKED = {"all": [{"field": "asked", "op": "has"}]}


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(daily_cap=1, weekly_cap=1)


@pytest.fixture
def house(world: World, clock: Clock, workspace: Workspace) -> House:
    return House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace)


def held_too_long(house: House, how: str, **more: object) -> str:
    """A question that is held for a month, by a pause of its schedule or of everything."""
    id = house.plans(repeat="once", **more)
    house.tick()
    if how == "schedule":
        schedules.pause(house.runtime, house.who, id)
        house.clock.advance(days=31)
        schedules.resume(house.runtime, house.who, id)
    else:
        switch.pause(house.runtime, "maintenance")
        house.clock.advance(days=31)
        resuming.resume(house.runtime)
    assert sending.send_due(house.runtime) == 0
    return id


def asks(house: House) -> list[tuple[str, str, str | None]]:
    with house.runtime.db.read() as session:
        rows = session.scalars(select(Invitation).order_by(Invitation.created_at))
        return [(row.metric, row.state, row.reason) for row in rows]


@pytest.mark.parametrize("how", ["schedule", "everything"])
def test_whoever_was_never_asked_does_not_rest_and_is_told_apart(
    house: House, maria: Contact, how: str
) -> None:
    held_too_long(house, how)
    assert asks(house) == [("nps", "skipped", "expired")]
    assert asking.eligibility(house.runtime, house.who, house.survey.id, maria.id).reason is None
    assert audiences.preview(house.runtime, house.who, HAS_BEEN_ASKED).number == 0
    moment = timeline.timeline(house.runtime, house.who, maria.id).items[0]
    assert isinstance(moment, HeldBack)
    assert moment.reason == "expired"
    look = looks.explain(house.runtime, house.who, maria.id, house.survey.id).looks[0]
    assert (look.code, look.reason) == ("not_asked", "expired")
    assert asking.ask(house.runtime, house.who, house.survey.id, maria.id)


def test_the_next_step_of_a_sequence_is_not_for_whom_the_first_never_reached(
    house: House, maria: Contact, workspace: Workspace
) -> None:
    csat = house.world.survey(workspace, Metric.CSAT)
    id = held_too_long(house, "schedule", steps=[{"survey": csat.id, "after_days": 40}])
    house.live(days=12)
    assert house.outcomes(id) == [("run", None)] * 2
    assert asks(house) == [("nps", "skipped", "expired")]


def test_somebody_with_the_same_address_is_asked_by_the_run_that_never_reached_the_first(
    house: House, world: World, workspace: Workspace, maria: Contact
) -> None:
    held_too_long(house, "schedule")
    other = world.contact(workspace, email=maria.email)
    asking.ask(house.runtime, house.who, house.survey.id, other.id)
    assert sending.send_due(house.runtime) == 1


def test_one_that_perhaps_left_counts_also_when_its_time_to_answer_ends(
    house: House, world: World, workspace: Workspace, maria: Contact, clock: Clock
) -> None:
    asked = world.invitation(
        workspace, house.survey, maria, {"state": "unknown", "sent_at": None}, state="unknown", sent_at=None,
        expires_at=clock() + timedelta(hours=2),
    )  # fmt: skip
    with house.runtime.db.read() as session:
        message = session.scalars(select(Message)).one()
    world.add(
        Attempt(id=new_id(), message_id=message.id, number=1, started_at=clock() - timedelta(minutes=5))
    )
    clock.advance(hours=3)
    assert settling.expire_invitations(house.runtime) == 1
    with house.runtime.db.read() as session:
        row = session.get_one(Invitation, asked.id)
        assert (row.state, row.sent_at) == ("expired", clock() - timedelta(hours=3, minutes=5))
    assert asking.eligibility(house.runtime, house.who, house.survey.id, maria.id).reason == "resting"
    assert audiences.preview(house.runtime, house.who, HAS_BEEN_ASKED).number == 1
