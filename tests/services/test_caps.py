"""Nobody gets more messages that ask than the caps allow, whoever plans and whoever sends (C23, C24, C33)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier, Lock
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from app.channels.registry import open_channels
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Message, Pulse, Survey, Workspace
from app.runtime import Runtime
from app.services import (
    asking,
    contacts,
    expanding,
    planning,
    reminding,
    schedule_previews,
    schedules,
    sending,
)
from app.services.access import Visitor
from app.services.pulse_reminders import remind_pulses
from app.services.pulses import preview_pulse
from tests import pulse_world
from tests.services.loop import at_once
from tests.smtp import SmtpSink
from tests.world import Clock, World

RESTLESS: dict[str, Any] = {"rest_days": 0, "rest_days_by_metric": {}}
MIDNIGHT = datetime(2026, 11, 17, 3, 0, tzinfo=UTC)  # of the workspace's zone, after the day of these tests


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(**RESTLESS, daily_cap=1, weekly_cap=2)


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace)


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, email="maria@bemtevi.example", external_id="1")


@pytest.fixture
def place(runtime: Runtime, smtp_server: SmtpSink) -> Runtime:
    config = replace(runtime.config, smtp_url=smtp_server.url, mail_from="pergunta@aroeira.example")
    return replace(runtime, config=config, channels=open_channels(config))


def waiting(world: World, survey: Survey, contact: Contact, **values: Any) -> Invitation:
    """An ask that was planned before anybody set a cap, and has not left yet."""
    workspace = world.workspace_of(survey)
    told = {"state": "queued", "sent_at": None} | values
    return world.invitation(workspace, survey, contact, told, state="queued", sent_at=None)


def messages(place: Runtime, **where: str) -> list[Message]:
    with place.db.write() as session:  # rows outlive a writing session
        query = select(Message).filter_by(**where).order_by(Message.due_at, Message.id)
        return list(session.scalars(query))


def test_a_second_ask_of_one_day_is_not_planned_and_says_until_when(
    place: Runtime, camila: Visitor, survey: Survey, maria: Contact
) -> None:
    asking.ask(place, camila, survey.id, maria.id)
    sending.send_due(place)
    verdict = asking.eligibility(place, camila, survey.id, maria.id)
    assert (verdict.reason, verdict.until) == ("capped", MIDNIGHT)
    told = asking.asked(place, camila, asking.ask(place, camila, survey.id, maria.id))
    assert (told.state, told.reason, told.until) == ("skipped", "capped", MIDNIGHT)


def test_what_waits_to_leave_counts_for_a_plan(
    place: Runtime, camila: Visitor, survey: Survey, maria: Contact
) -> None:
    first, second = (asking.ask(place, camila, survey.id, maria.id) for _ in range(2))
    assert asking.asked(place, camila, first).state == "queued"
    assert asking.asked(place, camila, second).reason == "capped"


def test_a_cap_holds_by_address_however_it_is_written(
    place: Runtime, world: World, camila: Visitor, survey: Survey, maria: Contact
) -> None:
    """C23."""
    other = {"name": "M. Figueiredo", "email": "MARIA@BemTeVi.example", "external_id": "2"}
    id = contacts.create(place, camila, other)
    asking.ask(place, camila, survey.id, maria.id)
    assert asking.eligibility(place, camila, survey.id, id).reason == "capped"
    with place.db.read() as session:
        twin = session.get_one(Contact, id)
    waiting(world, survey, twin)
    sending.send_due(place)
    assert sorted(each.state for each in messages(place)) == ["queued", "sent"]


def reminded_elsewhere(
    world: World, workspace: Workspace, survey: Survey, person: Contact, clock: Clock
) -> None:
    """Five days ago they got the question as a text; today the reminder of it came by e-mail."""
    longer_ago = clock.now - timedelta(days=5)
    told = {"channel": "sms", "address_key": person.phone_key, "sent_at": longer_ago}
    invitation = world.invitation(workspace, survey, person, told, **told)
    world.message(invitation, person, purpose="reminder", state="sent", sent_at=clock.now)


def test_a_reminder_counts_where_it_went_for_whoever_shares_that_address(
    place: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, maria: Contact,
    clock: Clock,
) -> None:  # fmt: skip
    other = world.contact(workspace, email=maria.email, phone="+5531988884417")
    reminded_elsewhere(world, workspace, survey, other, clock)
    verdict = asking.eligibility(place, camila, survey.id, maria.id)
    assert (verdict.reason, verdict.until) == ("capped", MIDNIGHT)
    preview = schedule_previews.preview(place, camila, due(place, camila, survey))
    assert (preview.asked, dict(preview.not_asked)) == (0, {"capped": 2})
    waiting(world, survey, maria)
    sending.send_due(place)
    (held,) = messages(place, state="queued")
    assert (held.contact_id, held.reason, held.due_at) == (maria.id, "capped", MIDNIGHT)


def test_a_reminder_that_went_elsewhere_does_not_count_where_its_question_went(
    place: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, clock: Clock
) -> None:
    phone = "+5531988884417"
    first, second = (world.contact(workspace, phone=phone) for _ in range(2))
    reminded_elsewhere(world, workspace, survey, first, clock)
    assert asking.eligibility(place, camila, survey.id, second.id).reason is None
    preview = schedule_previews.preview(place, camila, due(place, camila, survey))
    assert (preview.asked, dict(preview.not_asked)) == (1, {"capped": 1})
    waiting(world, survey, second)
    sending.send_due(place)
    assert messages(place, state="queued") == []


def test_an_ask_that_was_planned_already_waits_for_midnight_and_then_leaves(
    place: Runtime, world: World, survey: Survey, maria: Contact, clock: Clock, smtp_server: SmtpSink
) -> None:
    for number in range(3):
        waiting(world, survey, maria, due_at=clock.now - timedelta(minutes=9 - number))
    sending.send_due(place)
    assert len(smtp_server.messages) == 1
    with place.db.read() as session:
        held = session.scalars(select(Invitation).where(Invitation.state == "queued")).all()
    assert {(each.reason, each.until) for each in held} == {("capped", MIDNIGHT)}
    clock.now = MIDNIGHT
    sending.send_due(place)
    assert len(smtp_server.messages) == 2
    week = MIDNIGHT + timedelta(days=6)  # the seven days that hold both are over then
    assert [each.due_at for each in messages(place, state="queued")] == [week]
    for day in range(1, 7):
        clock.now = MIDNIGHT + timedelta(days=day)
        sending.send_due(place)
        assert len(smtp_server.messages) == (3 if day == 6 else 2)


def test_a_reminder_counts_and_is_held_back(
    place: Runtime, world: World, camila: Visitor, survey: Survey, maria: Contact, clock: Clock
) -> None:
    asking.ask(place, camila, survey.id, maria.id)
    sending.send_due(place)
    clock.advance(days=3)
    waiting(world, survey, maria, due_at=clock.now - timedelta(hours=1))
    sending.send_due(place)
    reminding.remind(place)
    sending.send_due(place)
    (reminder,) = messages(place, purpose="reminder")
    assert (reminder.state, reminder.reason) == ("queued", "capped")
    assert reminder.due_at == MIDNIGHT + timedelta(days=6), "the week is full, not only the day"
    clock.now = reminder.due_at
    sending.send_due(place)
    assert messages(place, purpose="reminder")[0].state == "sent"
    assert asking.eligibility(place, camila, survey.id, maria.id).reason == "capped"


def test_a_held_back_reminder_ends_with_a_reason_when_the_ask_expires(
    place: Runtime, world: World, workspace: Workspace, survey: Survey, maria: Contact, clock: Clock
) -> None:
    asked = world.invitation(workspace, survey, maria, expires_at=clock.now + timedelta(hours=2))
    world.message(asked, maria, purpose="reminder")
    sending.send_due(place)
    assert messages(place, purpose="reminder")[0].reason == "capped"
    clock.now = MIDNIGHT
    sending.send_due(place)
    (ended,) = messages(place, purpose="reminder")
    assert (ended.state, ended.reason) == ("cancelled", "expired")


def test_what_never_left_uses_up_nothing(
    place: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, maria: Contact
) -> None:
    for state in ("failed", "cancelled"):
        world.invitation(workspace, survey, maria, {"state": state, "sent_at": None}, state=state)
    assert asking.eligibility(place, camila, survey.id, maria.id).reason is None


def test_what_the_sandbox_asked_counts_while_there_is_a_sandbox(
    runtime: Runtime, place: Runtime, camila: Visitor, survey: Survey, maria: Contact
) -> None:
    asking.ask(runtime, camila, survey.id, maria.id)
    sending.send_due(runtime)
    assert asking.eligibility(runtime, camila, survey.id, maria.id).reason == "capped"
    assert asking.eligibility(place, camila, survey.id, maria.id).reason is None


def test_an_unknown_end_counts_on_the_day_of_its_try(
    place: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, maria: Contact
) -> None:
    world.invitation(workspace, survey, maria, {"state": "unknown", "sent_at": None}, state="unknown")
    assert asking.eligibility(place, camila, survey.id, maria.id).until == MIDNIGHT


def due(runtime: Runtime, who: Visitor, survey: Survey, channels: tuple[str, ...] = ("email",)) -> str:
    return schedules.create(runtime, who, {"survey": survey.id, "repeat": "daily", "channels": [*channels]})


def test_a_preview_counts_them_and_the_run_says_until_when(
    place: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, maria: Contact
) -> None:
    world.contact(workspace)
    asking.ask(place, camila, survey.id, maria.id)
    schedule = due(place, camila, survey)
    told = schedule_previews.preview(place, camila, schedule)
    assert (told.asked, dict(told.not_asked)) == (1, {"capped": 1})
    planning.plan_schedules(place)
    expanding.expand_occurrences(place)
    with place.db.read() as session:
        row = session.execute(
            select(Invitation.contact_id, Invitation.until).where(Invitation.reason == "capped")
        ).one()
    assert tuple(row) == (maria.id, MIDNIGHT)


def test_a_pulse_asks_nobody_beyond_the_cap_and_its_reminder_waits(
    place: Runtime, world: World, clock: Clock
) -> None:
    workspace = world.workspace("people", **RESTLESS, weekly_cap=1)
    pulse = pulse_world.open_pulse(world, 2, workspace=workspace)
    clock.advance(days=3)
    remind_pulses(place)
    sending.send_due(place)
    told = messages(place, purpose="reminder")
    assert {(each.state, each.reason) for each in told} == {("queued", "capped")}
    assert {each.due_at for each in told} == {MIDNIGHT + timedelta(days=6)}
    with place.db.write() as session:
        session.get_one(Pulse, pulse.pulse.id).state = "void"
    world.contact(workspace)
    preview = preview_pulse(place, world.member(workspace), pulse.survey.id)
    assert (preview.people, preview.not_asked) == (1, [("capped", 2)])


def test_whose_pulse_is_open_is_not_told_apart_by_a_cap(place: Runtime, world: World, clock: Clock) -> None:
    """Only those who have not answered are reminded: a cap that they reached must not show it."""
    workspace = world.workspace("people", **RESTLESS, daily_cap=1)
    pulse = pulse_world.open_pulse(world, 2, workspace=workspace)
    clock.advance(days=3)
    pulse.remind(0)
    preview = preview_pulse(place, world.member(workspace), pulse.survey.id)
    assert preview.not_asked == [("in_another_pulse", 2)]


@pytest.mark.on_both
def test_two_runs_at_once_ask_each_person_once(
    place: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, smtp_server: SmtpSink
) -> None:
    """C24: one sends, the other is told that the cap is reached."""
    for _ in range(40):
        world.contact(workspace)
    for each in (survey, world.survey(workspace, Metric.CSAT)):
        due(place, camila, each)
    planning.plan_schedules(place)
    at_once(*[lambda: expanding.expand_occurrences(place)] * 2)
    at_once(*[lambda: sending.send_due(place)] * 3)
    with place.db.read() as session:
        told = session.execute(
            select(Invitation.state, Invitation.reason, func.count()).group_by(
                Invitation.state, Invitation.reason
            )
        ).all()
    assert sorted(map(tuple, told)) == [("sent", None, 40), ("skipped", "capped", 40)]
    assert len({each.recipient for each in smtp_server.messages}) == len(smtp_server.messages) == 40


@pytest.mark.on_both
def test_two_workers_at_once_let_no_more_leave_than_the_cap(
    place: Runtime, world: World, workspace: Workspace, survey: Survey, clock: Clock, smtp_server: SmtpSink
) -> None:
    """Each worker has claimed one of two messages to each of twenty people, and both let go at once."""
    people = [world.contact(workspace) for _ in range(20)]
    for minutes in (9, 8):
        for contact in people:
            waiting(world, survey, contact, due_at=clock.now - timedelta(minutes=minutes))
    together, seen, lock = Barrier(2, timeout=20), [0], Lock()

    def reach(point: str) -> None:
        with lock:
            first_two = point == "claimed" and seen[0] < 2
            seen[0] += point == "claimed"
        if first_two:
            together.wait()

    at_once(*[lambda: sending.send_due(replace(place, reach=reach))] * 2)
    assert len(smtp_server.messages) == 20
    assert len({each.recipient for each in smtp_server.messages}) == 20
    assert {each.reason for each in messages(place, state="queued")} == {"capped"}


def test_without_caps_the_sender_looks_for_nothing(
    place: Runtime, world: World, workspace: Workspace, survey: Survey, maria: Contact
) -> None:
    """Not one statement more for each message."""
    with place.db.write() as session:
        session.execute(update(Workspace).values(daily_cap=None, weekly_cap=None))
    waiting(world, survey, maria)
    told: list[str] = []

    def note(_c: object, _u: object, statement: str, *_rest: object) -> None:
        told.append(statement)

    event.listen(place.db.engine, "before_cursor_execute", note)
    try:
        sending.send_due(place)
    finally:
        event.remove(place.db.engine, "before_cursor_execute", note)
    assert messages(place)[0].state == "sent"
    assert not [each for each in told if "pg_advisory" in each or "max(attempts" in each]
