"""When a pulse reminds: in one moment for all who are silent, and nobody right after their question (A7)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Invitation, Message, Pulse, Workspace
from app.runtime import Runtime
from app.services import expanding, planning, schedules, sending
from app.services.access import Visitor
from app.services.pulse_reminders import remind_pulses
from app.services.pulse_results import view_pulse
from tests import pulse_world
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace("people", slug="gente")


@pytest.fixture
def owner(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.OWNER, world.user(locale="en"))


def open_slowly(runtime: Runtime, world: World, owner: Visitor, workspace: Workspace, people: int) -> str:
    """A pulse that asks one of so many people an hour, and has asked the first."""
    for _ in range(people):
        world.contact(workspace)
    survey = world.survey(workspace, Metric.ENPS).id
    schedules.create(runtime, owner, {"survey": survey, "repeat": "quarterly", "terms": {"per_hour": 1}})
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)
    sending.send_due(runtime)
    with runtime.db.read() as session:
        return session.scalars(select(Pulse.id)).one()


def pass_hours(runtime: Runtime, clock: Clock, hours: int) -> None:
    for _ in range(hours):
        clock.advance(hours=1)
        sending.send_due(runtime)
        remind_pulses(runtime)
        sending.send_due(runtime)


def left(runtime: Runtime, purpose: str) -> dict[str | None, datetime | None]:
    with runtime.db.read() as session:
        rows = session.execute(select(Message.contact_id, Message.sent_at).where(Message.purpose == purpose))
        return {who: at for who, at in rows if at is not None}


@pytest.mark.on_both
def test_a_pulse_that_asks_slowly_reminds_everybody_three_days_after_the_last_question(
    runtime: Runtime, world: World, clock: Clock, owner: Visitor, workspace: Workspace
) -> None:
    pulse = open_slowly(runtime, world, owner, workspace, 80)
    opened = clock.now
    pass_hours(runtime, clock, 79)
    assert (len(left(runtime, "invitation")), left(runtime, "reminder")) == (80, {})
    reminder = view_pulse(runtime, owner, pulse).reminder
    assert reminder is not None
    assert (reminder.at, reminder.is_possible, reminder.late) == (opened + timedelta(hours=151), True, 0)
    clock.advance(days=3, seconds=-1)
    assert remind_pulses(runtime) == 0
    clock.advance(seconds=1)
    assert remind_pulses(runtime) == 1
    sending.send_due(runtime)
    reminded = left(runtime, "reminder")
    assert len(reminded) == 80
    assert set(reminded.values()) == {clock.now}, "one moment for all"


def test_whoever_is_asked_too_late_for_a_reminder_gets_none_and_the_page_says_so(
    runtime: Runtime, world: World, clock: Clock, owner: Visitor, workspace: Workspace,
    client_for: Callable[[Visitor], FlaskClient],
) -> None:  # fmt: skip
    pulse = open_slowly(runtime, world, owner, workspace, 9)
    page, opened = f"/w/gente/pulses/{pulse}", clock.now
    with runtime.db.write() as session:
        closes = opened + timedelta(days=3, hours=12 + 5)
        session.execute(update(Pulse).values(closes_at=closes))
        session.execute(update(Invitation).values(expires_at=closes))
    assert "three days after the last question has left" in client_for(owner).get(page).text
    pass_hours(runtime, clock, 9)
    assert "3 questions leave too late for the reminder" in client_for(owner).get(page).text
    pass_hours(runtime, clock, 3 * 24 - 3)
    asked, reminded = left(runtime, "invitation"), left(runtime, "reminder")
    assert len(asked) == 9
    assert set(reminded.values()) == {opened + timedelta(days=3, hours=5)}
    assert set(reminded) == {who for who, at in asked.items() if at and at <= opened + timedelta(hours=5)}
    assert "3 questions leave too late for the reminder" in client_for(owner).get(page).text


def test_a_question_that_never_leaves_keeps_the_others_reminder_only_while_it_could_be_in_time(
    runtime: Runtime, world: World, clock: Clock
) -> None:
    pulse = pulse_world.open_pulse(world, 3)
    with runtime.db.write() as session:
        session.get_one(Invitation, pulse.invitations[0].id).state = "planned"
        session.get_one(Invitation, pulse.invitations[0].id).sent_at = None
    clock.advance(days=10, hours=12)
    assert remind_pulses(runtime) == 0
    clock.advance(seconds=1)
    assert remind_pulses(runtime) == 1
    with runtime.db.read() as session:
        whose = session.scalars(select(Message.invitation_id).where(Message.purpose == "reminder")).all()
    assert set(whose) == {each.id for each in pulse.invitations[1:]}


def test_a_pulse_that_closes_too_soon_says_that_there_is_no_time_for_a_reminder(
    runtime: Runtime, world: World, clock: Clock, owner: Visitor, workspace: Workspace,
    client_for: Callable[[Visitor], FlaskClient],
) -> None:  # fmt: skip
    closes = clock.now + timedelta(days=3, hours=11)
    pulse = pulse_world.open_pulse(world, 3, workspace=workspace, closes_at=closes)
    found = client_for(owner).get(f"/w/gente/pulses/{pulse.pulse.id}").text
    assert "no time for one before it closes" in found
    clock.advance(days=3, hours=1)
    assert remind_pulses(runtime) == 0
    clock.advance(days=-3, hours=-1)
    world.contact(workspace)
    for moment, said in (
        (closes, "There is no time for a reminder"),
        (clock.now + timedelta(days=4), "reminded once, three days after the last question"),
    ):
        typed = f"{moment.astimezone(ZoneInfo(workspace.time_zone)):%Y-%m-%dT%H:%M}"
        asks = {"survey": pulse.survey.id, "closes_at": typed}
        assert said in client_for(owner).get("/w/gente/pulses/new", query_string=asks).text
