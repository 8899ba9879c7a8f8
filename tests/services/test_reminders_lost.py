"""A reminder that is lost, or arrives, decides what becomes of a lost question: nobody is asked twice."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.channels.base import Event, Kind
from app.channels.sandbox import Sandbox
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Message, Occurrence, Pulse, SealedAnswer, Token, Workspace
from app.runtime import Runtime
from app.services import (
    asking,
    contacts,
    expanding,
    planning,
    reminding,
    schedules,
    sending,
    settling_status,
)
from app.services.access import Visitor
from app.services.pulse_reminders import remind_pulses
from tests.world import Clock, World

MARIA = "+5531988884417"
ALL = ["whatsapp", "sms", "email"]


@pytest.fixture
def place(runtime: Runtime) -> Runtime:
    """Every channel pretends."""
    return replace(runtime, channels=dict.fromkeys(("email", "sms", "whatsapp", "telegram"), Sandbox()))


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, phone=MARIA, email="maria@bemtevi.example")


@pytest.fixture
def survey(world: World, workspace: Workspace) -> str:
    return world.survey(workspace).id


def ask(
    place: Runtime, who: Visitor, survey: str, maria: Contact, channels: Sequence[str], **terms: object
) -> None:
    """They are asked on the first of these channels, and three days later they are reminded."""
    asking.ask(place, who, survey, maria.id, channels)
    with place.db.write() as session:
        session.scalars(select(Occurrence)).one().terms = {"reminders": [3]} | terms
        session.scalars(select(Invitation)).one().remind_after = 3
    sending.send_due(place)


def remind(place: Runtime, clock: Clock) -> None:
    clock.advance(days=3)
    reminding.remind(place)


def tells(place: Runtime, channel: str, purpose: str, state: str = "failed") -> None:
    """The provider says late how this one ended; a phone that was off too long keeps its number."""
    gone = {"reason": "unreachable", "permanent": True} if state == "failed" else {}
    event = Event("sandbox", channel, Kind.STATUS, MARIA, state=state, **gone)
    with place.db.write() as session:
        which = Message.channel == channel, Message.purpose == purpose
        message = session.scalars(select(Message).where(*which)).one()
        settling_status.tell(session, message, event, place.clock(), place.channels)


def messages(place: Runtime) -> list[tuple[str, str, str]]:
    with place.db.read() as session:
        rows = session.scalars(select(Message).order_by(Message.created_at, Message.purpose, Message.id))
        return [(row.purpose, row.channel, row.state) for row in rows]


def asked(place: Runtime) -> tuple[str, str | None, str | None]:
    with place.db.read() as session:
        row = session.scalars(select(Invitation)).one()
        return row.state, row.channel, row.reason


@pytest.mark.on_both
def test_where_the_reminder_that_asked_them_elsewhere_is_lost_as_well_the_next_channel_is_taken(
    place: Runtime, manager: Visitor, survey: str, maria: Contact, clock: Clock
) -> None:
    """A phone that is dead for texts and for chats: the mailbox is left."""
    ask(place, manager, survey, maria, ALL, remind_elsewhere=True)
    remind(place, clock)
    sending.send_due(place)
    tells(place, "whatsapp", "invitation")
    assert asked(place) == ("sent", "sms", None)
    clock.advance(minutes=5)
    tells(place, "sms", "reminder")
    assert asked(place) == ("queued", "email", None)
    sending.send_due(place)
    assert messages(place) == [
        ("invitation", "whatsapp", "failed"), ("reminder", "sms", "failed"), ("invitation", "email", "sent"),
    ]  # fmt: skip


@pytest.mark.on_both
def test_so_it_is_when_the_reminder_was_lost_first(
    place: Runtime, manager: Visitor, survey: str, maria: Contact, clock: Clock
) -> None:
    ask(place, manager, survey, maria, ALL, remind_elsewhere=True)
    remind(place, clock)
    sending.send_due(place)
    tells(place, "sms", "reminder")
    assert asked(place) == ("sent", "whatsapp", None), "the question still stands"
    tells(place, "whatsapp", "invitation")
    assert asked(place) == ("queued", "email", None)


def test_an_ask_whose_last_reminder_was_lost_says_so(
    place: Runtime, manager: Visitor, survey: str, maria: Contact, clock: Clock
) -> None:
    ask(place, manager, survey, maria, ["whatsapp", "sms"], remind_elsewhere=True)
    remind(place, clock)
    sending.send_due(place)
    tells(place, "whatsapp", "invitation")
    tells(place, "sms", "reminder")
    assert asked(place) == ("failed", "sms", "unreachable")


@pytest.mark.on_both
def test_whoever_got_the_reminder_on_the_very_channel_that_lost_the_question_is_not_asked_elsewhere(
    place: Runtime, manager: Visitor, survey: str, maria: Contact, clock: Clock
) -> None:
    ask(place, manager, survey, maria, ["sms", "email"])
    remind(place, clock)
    sending.send_due(place)
    tells(place, "sms", "reminder", "delivered")
    tells(place, "sms", "invitation")
    sending.send_due(place)
    assert messages(place) == [("invitation", "sms", "failed"), ("reminder", "sms", "delivered")]
    assert asked(place) == ("delivered", "sms", None)


@pytest.mark.on_both
def test_nor_where_that_is_told_while_the_next_channel_still_waits(
    place: Runtime, manager: Visitor, survey: str, maria: Contact, clock: Clock
) -> None:
    ask(place, manager, survey, maria, ["sms", "email"])
    remind(place, clock)
    sending.send_due(place)
    tells(place, "sms", "invitation")
    assert asked(place) == ("queued", "email", None)
    tells(place, "sms", "reminder", "delivered")
    sending.send_due(place)
    assert ("invitation", "email", "cancelled") in messages(place)
    assert asked(place) == ("delivered", "sms", None)


def test_a_reminder_of_which_nobody_knows_the_end_is_followed_by_no_other_channel(
    place: Runtime, manager: Visitor, survey: str, maria: Contact, clock: Clock
) -> None:
    ask(place, manager, survey, maria, ["sms", "email"])
    remind(place, clock)
    sending.send_due(place)
    with place.db.write() as session:
        reminder = session.scalars(select(Message).where(Message.purpose == "reminder")).one()
        reminder.state, reminder.sent_at = "unknown", None
    tells(place, "sms", "invitation")
    assert asked(place) == ("sent", "sms", None)
    tells(place, "sms", "reminder")
    assert asked(place) == ("queued", "email", None), "until it is known"


@pytest.mark.on_both
def test_a_reminder_that_waits_leaves_where_a_lost_question_has_no_other_channel(
    place: Runtime, manager: Visitor, survey: str, maria: Contact, clock: Clock
) -> None:
    """Their phone may be on again by the morning, and it is the last that they hear of it."""
    ask(place, manager, survey, maria, ["sms"])
    remind(place, clock)
    tells(place, "sms", "invitation")
    assert asked(place) == ("failed", "sms", "unreachable")
    sending.send_due(place)
    assert messages(place) == [("invitation", "sms", "failed"), ("reminder", "sms", "sent")]
    assert asked(place) == ("sent", "sms", None)
    tells(place, "sms", "reminder")
    assert asked(place) == ("failed", "sms", "unreachable")


def test_where_a_reminder_has_asked_them_the_next_one_still_comes(
    place: Runtime, manager: Visitor, survey: str, maria: Contact, clock: Clock
) -> None:
    ask(place, manager, survey, maria, ["whatsapp", "sms"], remind_elsewhere=True, reminders=[3, 6])
    remind(place, clock)
    sending.send_due(place)
    remind(place, clock)
    tells(place, "whatsapp", "invitation")
    sending.send_due(place)
    assert messages(place) == [
        ("invitation", "whatsapp", "failed"), ("reminder", "sms", "sent"), ("reminder", "sms", "sent"),
    ]  # fmt: skip


def test_a_reminder_that_may_not_leave_any_more_gives_way_to_the_next_channel(
    place: Runtime, manager: Visitor, survey: str, maria: Contact, clock: Clock
) -> None:
    """It alone had asked them, is tried again, and meanwhile they have another life without that number."""
    ask(place, manager, survey, maria, ALL, remind_elsewhere=True)
    remind(place, clock)
    sending.send_due(place)
    tells(place, "whatsapp", "invitation")
    with place.db.write() as session:
        session.scalars(select(Message).where(Message.purpose == "reminder")).one().state = "queued"
    contacts.edit(place, manager, maria.id, {"phone": None})
    sending.send_due(place)
    assert asked(place)[1] == "email"
    assert ("reminder", "sms", "cancelled") in messages(place)


def test_a_question_that_a_pause_holds_on_the_next_channel_is_not_lost(
    place: Runtime, manager: Visitor, survey: str, maria: Contact, clock: Clock
) -> None:
    fields = {"survey": survey, "repeat": "once", "channels": ["sms", "email", "whatsapp"]}
    id = schedules.create(place, manager, fields)
    planning.plan_schedules(place)
    expanding.expand_occurrences(place)
    sending.send_due(place)
    remind(place, clock)
    sending.send_due(place)
    tells(place, "sms", "invitation")
    schedules.pause(place, manager, id)
    tells(place, "sms", "reminder")
    assert asked(place) == ("planned", "email", "sending_paused")
    schedules.resume(place, manager, id)
    sending.send_due(place)
    assert [each for each in messages(place) if each[0] == "invitation"] == [
        ("invitation", "sms", "failed"), ("invitation", "email", "sent"),
    ]  # fmt: skip


@pytest.mark.judged_on("postgresql")
def test_whoever_writes_the_link_of_a_reminder_does_not_wait_for_a_question_that_is_lost_meanwhile(
    place: Runtime, manager: Visitor, survey: str, maria: Contact, clock: Clock
) -> None:
    """Who tells of the question waits for the reminder that leaves: each would wait for the other."""
    ask(place, manager, survey, maria, ["whatsapp", "sms"], remind_elsewhere=True)
    remind(place, clock)
    with ThreadPoolExecutor(1) as beside:
        with place.db.write() as worker:
            waits = select(Message).where(Message.purpose == "reminder").with_for_update()
            reminder = worker.scalars(waits).one()
            losing = beside.submit(tells, place, "whatsapp", "invitation")
            with pytest.raises(TimeoutError):
                losing.result(0.3)
            token = {"workspace_id": reminder.workspace_id, "invitation_id": reminder.invitation_id}
            token |= {"message_id": reminder.id, "created_at": clock()}
            worker.add(Token(token_hash=b"x" * 32, purpose="answer", **token))
            reminder.state = "attempting"
        losing.result(30)
    assert asked(place) == ("sent", "sms", None), "it has left: nobody is asked twice"


def lose_every_question(place: Runtime) -> None:
    gone = Event("sandbox", "sms", Kind.STATUS, MARIA, state="failed", reason="unreachable", permanent=True)
    with place.db.write() as session:
        for each in session.scalars(select(Message).where(Message.purpose == "invitation")).all():
            settling_status.tell(session, each, gone, place.clock(), place.channels)


@pytest.mark.on_both
@pytest.mark.parametrize("reminder", ["delivered", "failed"])
@pytest.mark.parametrize("first", ["question", "reminder"])
def test_what_becomes_of_a_pulses_question_does_not_tell_who_was_silent(
    place: Runtime, world: World, clock: Clock, first: str, reminder: str
) -> None:
    """Only the silent have reminders: a lost question takes the same way with one and without."""
    home = world.workspace("people")
    who = world.member(home, Role.MANAGER)
    for number in range(2):
        world.contact(home, phone=f"+55319888844{number:02}")
    survey = world.survey(home, Metric.ENPS)
    schedules.create(place, who, {"survey": survey.id, "repeat": "quarterly", "channels": ["sms", "email"]})
    planning.plan_schedules(place)
    expanding.expand_occurrences(place)
    sending.send_due(place)
    with place.db.write() as session:
        one = session.scalars(select(Invitation.id).limit(1)).one()
        session.add(
            SealedAnswer(invitation_id=one, pulse_id=session.scalars(select(Pulse.id)).one(), box=b"")
        )
    clock.advance(days=3, minutes=1)
    remind_pulses(place)
    sending.send_due(place)
    if first == "question":
        lose_every_question(place)
    tells(place, "sms", "reminder", reminder)
    if first == "reminder":
        lose_every_question(place)
    with place.db.read() as session:
        found = session.execute(select(Invitation.state, Invitation.channel, Invitation.reason)).all()
        states = session.scalars(select(Message.state).where(Message.channel == "email")).all()
    assert {tuple(row) for row in found} == {("queued", "email", None)}
    assert states == ["queued", "queued"]
    sending.send_due(place)
    with place.db.read() as session:
        found = session.execute(select(Invitation.state, Invitation.channel, Invitation.reason)).all()
    assert {tuple(row) for row in found} == {("sent", "email", None)}, "nor who has answered by then"
