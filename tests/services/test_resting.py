"""What a rest is counted from: the moment at which an ask leaves, however long it waits before (B2)."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Survey, Workspace
from app.services import asking, contacts, schedules, sending
from app.services.timeline_moments import HeldBack
from tests.services.recurring import House
from tests.world import Clock, World

A_WEEK = {"rest_days": 7, "rest_days_by_metric": {"nps": 7, "csat": 7}}


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(**A_WEEK)


@pytest.fixture
def house(world: World, clock: Clock, workspace: Workspace) -> House:
    return House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))


@pytest.fixture
def csat(house: House, workspace: Workspace) -> Survey:
    return house.world.survey(workspace, Metric.CSAT)


@pytest.fixture
def maria(house: House, workspace: Workspace) -> Contact:
    return house.world.contact(workspace)


def outcomes(house: House, survey: Survey) -> list[tuple[str, str | None, datetime | None]]:
    query = select(Invitation.state, Invitation.reason, Invitation.until)
    with house.runtime.db.read() as session:
        found = session.execute(
            query.where(Invitation.survey_id == survey.id).order_by(Invitation.contact_id)
        )
        return [(state, reason, until) for state, reason, until in found]


def in_a_week(house: House) -> datetime:
    """The midnight in São Paulo at which a rest that begins now is over."""
    return house.clock.now.replace(hour=3, minute=0) + timedelta(days=7)


def test_whoever_a_paused_schedule_still_holds_is_not_asked_by_another_meanwhile(
    house: House, csat: Survey, maria: Contact
) -> None:
    held = house.plans(repeat="once")
    house.tick()
    schedules.pause(house.runtime, house.who, held)
    house.clock.advance(days=8)
    house.plans(repeat="once", survey=csat.id)
    house.tick()
    assert sending.send_due(house.runtime) == 0
    assert outcomes(house, csat) == [("skipped", "resting", in_a_week(house))]
    house.clock.advance(hours=1)
    schedules.resume(house.runtime, house.who, held)
    assert sending.send_due(house.runtime) == 1, "nobody is kept from their own question"
    moments = contacts.detail(house.runtime, house.who, maria.id).moments.items
    (held_back,) = (each for each in moments if isinstance(each, HeldBack))
    assert held_back.rests_on is not None
    assert (held_back.rests_on.metric, held_back.rests_on.at) == ("nps", held_back.at)


def test_nobody_rests_from_what_was_held_until_it_was_too_late(
    house: House, csat: Survey, maria: Contact
) -> None:
    held = house.plans(repeat="once")
    house.tick()
    schedules.pause(house.runtime, house.who, held)
    house.clock.advance(days=31)
    house.plans(repeat="once", survey=csat.id)
    house.tick()
    schedules.resume(house.runtime, house.who, held)
    sending.send_due(house.runtime)
    assert [state for state, _, _ in outcomes(house, csat)] == ["sent"]
    assert [state for state, _, _ in outcomes(house, house.survey)] == ["skipped"]


def test_whoever_waits_for_their_turn_is_not_asked_by_another_meanwhile(
    house: House, csat: Survey, clock: Clock
) -> None:
    house.crowd(20)
    house.plans(repeat="once", terms={"per_hour": 1})
    house.tick()
    for _ in range(10):
        sending.send_due(house.runtime)
        clock.advance(hours=1)
    clock.advance(days=7)  # nobody was at work: the first ten have rested, and ten wait
    house.plans(repeat="once", survey=csat.id)
    house.tick()
    assert [state for state, _, _ in outcomes(house, csat)] == ["queued"] * 10 + ["skipped"] * 10
    assert {until for _, reason, until in outcomes(house, csat) if reason} == {in_a_week(house)}


def test_whoever_may_be_asked_by_hand_is_told_with_the_question_that_waits(
    house: House, csat: Survey, maria: Contact
) -> None:
    held = house.plans(repeat="once")
    house.tick()
    schedules.pause(house.runtime, house.who, held)
    house.clock.advance(days=8)
    told = asking.eligibility(house.runtime, house.who, csat.id, maria.id)
    assert (told.reason, told.until) == ("resting", in_a_week(house))
    assert told.rests_on is not None
    assert (told.rests_on.metric, told.rests_on.at) == ("nps", house.clock.now)


def test_an_answer_to_the_first_link_of_an_ask_that_went_on_to_a_second_channel_rests_from_then_only(
    house: House, csat: Survey, maria: Contact, workspace: Workspace
) -> None:
    """It has no moment of leaving any more, and must not rest for ever."""
    at = house.clock.now - timedelta(days=8)
    house.world.invitation(workspace, house.survey, maria, state="answered", created_at=at, sent_at=None)
    assert asking.eligibility(house.runtime, house.who, csat.id, maria.id).reason is None


def test_the_next_step_comes_when_the_last_of_the_first_has_left(
    house: House, csat: Survey, workspace: Workspace, clock: Clock
) -> None:
    """30 people, one an hour: the step of a day later would ask six of them before their first question."""
    with house.runtime.db.write() as session:
        session.execute(update(Workspace).values(rest_days=0, rest_days_by_metric={}))
    house.crowd(30)
    step = {"survey": csat.id, "after_days": 1}
    house.plans(repeat="once", terms={"per_hour": 1}, steps=[step])
    for _ in range(24 + 24 + 30):
        house.tick()
        sending.send_due(house.runtime)
        clock.advance(hours=1)
    with house.runtime.db.read() as session:
        rows = session.execute(select(Invitation.contact_id, Invitation.metric, Invitation.sent_at)).all()
    left: dict[str, dict[str, datetime | None]] = {}
    for contact_id, metric, sent_at in rows:
        left.setdefault(contact_id, {})[metric] = sent_at
    assert {tuple(sorted(each)) for each in left.values()} == {("csat", "nps")}
    for each in left.values():
        first, second = each["nps"], each["csat"]
        assert first is not None and second is not None
        assert second - first >= timedelta(days=1)
