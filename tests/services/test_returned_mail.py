"""Mail that a relay took and gave back: what a provider's status does, its report by mail does as well."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.channels.sandbox import Sandbox
from app.domain.access import Role
from app.domain.metrics import Metric
from app.errors import Refusal
from app.models import AuditRow, Invitation, Message, OptOut, Stop, Token, Workspace
from app.runtime import Runtime
from app.services import (
    asking,
    contacts,
    pulse_closing,
    pulse_reminders,
    pulses,
    returned_mail,
    sending,
    settling,
)
from app.services.access import Visitor
from app.services.returned_mail import Told
from app.services.tokens import token_hash
from bots import handle
from tests.reports import headers
from tests.returned import came_back
from tests.services.recurring import House
from tests.services.test_pulse_brakes import sent
from tests.world import Clock, World


@pytest.fixture
def place(runtime: Runtime) -> Iterator[Runtime]:
    yield replace(runtime, channels=dict.fromkeys(("email", "sms"), Sandbox()), inbound=handle)


@pytest.fixture
def shop(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def bea(world: World, shop: Workspace) -> Visitor:
    return world.member(shop, Role.OWNER)


def asked(place: Runtime, world: World, shop: Workspace, bea: Visitor, *channels: str) -> tuple[str, str]:
    """Somebody who was asked by mail: their id and the message's."""
    maria = world.contact(shop, email="maria@bemtevi.example", phone="+5531988884417")
    asking.ask(place, bea, world.survey(shop).id, maria.id, channels or ("email",))
    sending.send_due(place)
    (message,) = sent(place, "invitation")
    return maria.id, message.id


def messages(place: Runtime) -> list[tuple[str, str, str | None]]:
    query = select(Message.channel, Message.state, Message.reason).where(Message.purpose == "invitation")
    with place.db.read() as session:
        return [(row[0], row[1], row[2]) for row in session.execute(query.order_by(Message.created_at))]


def bounced(place: Runtime) -> list[OptOut]:
    with place.db.write() as session:  # rows outlive a writing session
        return list(session.scalars(select(OptOut).where(OptOut.kind == "bounce")))


@pytest.mark.on_both
def test_a_report_fails_the_message_closes_the_address_and_takes_the_next_channel_once(
    place: Runtime, world: World, shop: Workspace, bea: Visitor, clock: Clock
) -> None:
    maria, message = asked(place, world, shop, bea, "email", "sms")
    raw = came_back(headers(message))
    clock.advance(minutes=5)
    assert [returned_mail.report(place, raw) for _ in range(3)] == ["new", "known", "known"]
    assert sending.send_due(place) == 1
    assert messages(place) == [("email", "failed", "invalid_address"), ("sms", "sent", None)]
    assert len(bounced(place)) == 1
    assert "email" not in contacts.detail(place, bea, maria).askable


@pytest.mark.parametrize(
    ("status", "words"), [("5.2.2", "Mailbox full"), ("4.4.1", "No answer"), ("5.7.1", "No")]
)
def test_what_says_nothing_of_the_address_fails_the_message_alone(
    place: Runtime, world: World, shop: Workspace, bea: Visitor, status: str, words: str
) -> None:
    _, message = asked(place, world, shop, bea)
    assert returned_mail.report(place, came_back(headers(message), status=status, words=words)) == "new"
    assert [state for _, state, _ in messages(place)] == ["failed"]
    assert bounced(place) == []


def test_what_is_only_late_changes_nothing(
    place: Runtime, world: World, shop: Workspace, bea: Visitor
) -> None:
    _, message = asked(place, world, shop, bea)
    late = came_back(headers(message), action="delayed", status="4.4.1")
    assert returned_mail.report(place, late) == "late"
    assert messages(place) == [("email", "sent", None)]


@pytest.mark.parametrize("named", ["nobody", "waiting", "account"])
def test_a26_what_names_no_mail_of_ours_to_somebody_is_not_believed(
    place: Runtime, world: World, shop: Workspace, bea: Visitor, named: str
) -> None:
    _, message = asked(place, world, shop, bea)
    with place.db.write() as session:
        row = session.get_one(Message, message)
        row.state = "queued" if named == "waiting" else row.state
        row.purpose = "account" if named == "account" else row.purpose
    with pytest.raises(Refusal):
        returned_mail.report(place, came_back(headers("x" * 26 if named == "nobody" else message)))
    assert bounced(place) == []


@pytest.mark.parametrize("knows", ["delivered", "answered"])
def test_what_is_certain_is_not_taken_back(
    place: Runtime, world: World, shop: Workspace, bea: Visitor, knows: str
) -> None:
    """They have it: what came back had gone on to somewhere else."""
    _, message = asked(place, world, shop, bea)
    with place.db.write() as session:
        row = session.get_one(Message, message)
        if knows == "delivered":
            row.state = "delivered"
        else:
            session.get_one(Invitation, row.invitation_id).state = "answered"
    assert returned_mail.report(place, came_back(headers(message))) == "known"
    assert bounced(place) == []


def test_an_unknown_end_becomes_known_by_its_report(
    place: Runtime, world: World, shop: Workspace, bea: Visitor, clock: Clock
) -> None:
    _, message = asked(place, world, shop, bea)
    with place.db.write() as session:
        row = session.get_one(Message, message)
        row.state, row.lease_until = "unknown", clock.now
        session.get_one(Invitation, row.invitation_id).state = "unknown"
    assert returned_mail.report(place, came_back(headers(message))) == "new"
    clock.advance(days=2)
    settling.presume_sent(place)
    assert messages(place) == [("email", "failed", "invalid_address")]


@pytest.mark.on_both
def test_c25_what_a_relay_gives_back_brakes_the_run(place: Runtime, world: World, clock: Clock) -> None:
    workspace = world.workspace()
    house = House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))
    house.crowd(30)
    house.plans(repeat="daily")
    house.tick()
    sending.send_due(place)
    for each in sent(place, "invitation")[:5]:
        returned_mail.report(place, came_back(headers(each.id)))
    with place.db.read() as session:
        stop = session.scalars(select(Stop)).one()
    assert (stop.why, stop.failed, stop.known) == ("bounces", 5, 30)


@pytest.mark.on_both
def test_of_a_pulses_reminder_nothing_tells_who_was_silent(
    place: Runtime, world: World, clock: Clock
) -> None:
    people = world.workspace("people")
    hr = world.member(people, Role.OWNER)
    for number in range(6):
        world.contact(people, email=f"p{number}@x.example")
    id = pulses.open_pulse(place, hr, world.survey(people, Metric.ENPS).id)
    opened_at = clock.now
    sending.send_due(place)
    clock.advance(days=3)
    pulse_reminders.remind_pulses(place)
    sending.send_due(place)
    first, second, third = sent(place, "reminder")[:3]
    assert returned_mail.report(place, came_back(headers(first.id))) == "new"
    assert [each.created_at for each in bounced(place)] == [opened_at], "as of its first moment"
    asked_first = {each.contact_id: each.id for each in sent(place, "invitation")}
    told, is_new = returned_mail.record(place, hr, Told(second.id, status="5.1.1"))
    assert (told, is_new) == (asked_first[second.contact_id], True), "it is told of the question"
    assert returned_mail.listed(place, hr).items == ()
    with place.db.read() as session:
        noted = session.scalars(select(AuditRow).where(AuditRow.action == "contact.bounced")).one()
    assert noted.subject_id is None
    pulse_closing.close_pulse(place, hr, id)
    clock.advance(hours=1)
    with pytest.raises(Refusal):
        returned_mail.report(place, came_back(headers(third.id)))
    with place.db.read() as session:
        assert session.scalar(select(func.count(OptOut.id)).where(OptOut.kind == "bounce")) == 2
        assert session.scalar(select(func.count(Message.id)).where(Message.state == "failed")) == 0
    assert clock.now - opened_at > timedelta(days=3)


@pytest.mark.on_both
def test_the_way_out_of_a_closed_pulses_reminder_names_no_question(
    place: Runtime, world: World, clock: Clock
) -> None:
    """It stands at the question by then: what came back would be told of one that arrived."""
    people, way_out = world.workspace("people"), "h7" * 13
    hr = world.member(people, Role.OWNER)
    world.contact(people)
    id = pulses.open_pulse(place, hr, world.survey(people, Metric.ENPS).id)
    sending.send_due(place)
    clock.advance(days=3)
    pulse_reminders.remind_pulses(place)
    sending.send_due(place)
    (reminder,) = sent(place, "reminder")
    with place.db.write() as session:
        theirs = update(Token).where(Token.message_id == reminder.id, Token.purpose == "unsubscribe")
        session.execute(theirs.values(token_hash=token_hash(way_out)))
    pulse_closing.close_pulse(place, hr, id)
    with pytest.raises(Refusal):
        returned_mail.report(place, came_back(headers(way_out=way_out)))
    assert messages(place) == [("email", "sent", None)]
