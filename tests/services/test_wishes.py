"""What people say themselves holds wherever that sender of ours wrote to them, in whatever way (C20, C21)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.channels.base import Event, Kind
from app.channels.registry import open_channels
from app.domain.access import Role
from app.models import Contact, Invitation, Message, OptOut, Sender, Workspace, new_id
from app.runtime import Runtime
from app.services import (
    expanding,
    inbound,
    opt_outs,
    planning,
    reminding,
    schedules,
    senders,
    sending,
    wishes,
)
from bots import handle
from tests.scripted_twilio import CUT, SID, TOKEN, Reply, ScriptedTwilio, refused, scripted
from tests.smtp import SmtpSink
from tests.world import Clock, World

OURS, MARIA = "+551140028922", "+5531988884417"
ELSEWHERE = {"reminders": [3, 6], "remind_elsewhere": True}


@pytest.fixture
def server() -> Iterator[ScriptedTwilio]:
    with scripted() as running:
        yield running


@pytest.fixture
def place(runtime: Runtime, server: ScriptedTwilio, smtp_server: SmtpSink) -> Iterator[Runtime]:
    """Texts through Twilio, mails over a real server."""
    config = replace(
        runtime.config, twilio_account_sid=SID, twilio_auth_token=TOKEN, twilio_sms_from=OURS,
        twilio_api_url=server.url, sms_countries=("BR",), smtp_url=smtp_server.url,
        mail_from="pergunta@aroeira.example",
    )  # fmt: skip
    made = replace(runtime, config=config, channels=open_channels(config), inbound=handle)
    yield made
    for each in made.channels.values():
        each.close()


@pytest.fixture
def here(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def there(world: World) -> Workspace:
    """Another workspace that has her phone, and asks from the same number."""
    return world.workspace()


def asks(place: Runtime, world: World, workspace: Workspace, channels: list[str], **terms: object) -> None:
    """A schedule asks who is there, once."""
    who = world.member(workspace, Role.OWNER)
    given = {"survey": world.survey(workspace).id, "repeat": "once", "channels": channels, "terms": terms}
    schedules.create(place, who, given)
    leave(place)


def leave(place: Runtime) -> None:
    """What the worker does each second."""
    planning.plan_schedules(place)
    expanding.expand_occurrences(place)
    reminding.remind(place)
    sending.send_due(place)


def comes(place: Runtime, event: Event, channel: str = "sms") -> None:
    with place.db.write() as session:
        inbound.keep(session, channel, event, place.clock())
    inbound.handle_new(place)


def says_stop(place: Runtime) -> None:
    """And hears once that it was understood."""
    comes(place, Event(OURS, "her-word", Kind.TEXT, MARIA, text="STOP"))
    sending.send_urgent(place)


def out_in(place: Runtime) -> set[str]:
    """The workspaces in which the number says no."""
    with place.db.read() as session:
        wishes = select(OptOut.workspace_id).join(Contact, Contact.phone_key == OptOut.address_key)
        return set(session.scalars(wishes.where(OptOut.kind == "own_wish", OptOut.lifted_at.is_(None))))


@pytest.mark.on_both
@pytest.mark.parametrize("way", ["in the chat", "to her provider"])
def test_a_no_holds_where_only_a_reminder_came_to_the_phone(
    place: Runtime, world: World, clock: Clock, server: ScriptedTwilio, here: Workspace, there: Workspace,
    way: str,
) -> None:  # fmt: skip
    """Asked by mail, reminded by text: the ask stands at her mailbox, and her no is of her phone."""
    world.contact(there, phone=MARIA)
    asks(place, world, there, ["email", "sms"], **ELSEWHERE)
    clock.advance(days=3, minutes=1)
    leave(place)
    assert len(server.created) == 1
    clock.advance(hours=1)
    world.contact(here, email=None, phone=MARIA)
    if way == "to her provider":
        server.every = refused(21610)
    asks(place, world, here, ["sms"], reminders=[])
    if way == "in the chat":
        says_stop(place)
    server.every = None
    assert out_in(place) == {here.id, there.id}
    texts = len(server.created)
    clock.advance(days=3)
    leave(place)
    assert len(server.created) == texts, "no text follows her no"


@pytest.mark.on_both
@pytest.mark.parametrize(
    "answer", [None, CUT, Reply(503)], ids=["which was lost", "of unknown end", "which is tried again"]
)
def test_a_no_holds_where_somebody_was_asked_by_text(
    place: Runtime, world: World, clock: Clock, server: ScriptedTwilio, here: Workspace, there: Workspace,
    answer: Reply | str | None,
) -> None:  # fmt: skip
    """Whatever became of it: the ask may stand at her mailbox by now, or nobody knows whether it left."""
    world.contact(there, phone=MARIA)
    server.every = answer
    asks(place, world, there, ["sms", "email"])
    if answer is None:
        with place.db.read() as session:
            sid = session.scalars(select(Message.provider_id).where(Message.channel == "sms")).one() or ""
        lost = Event(OURS, "lost", Kind.STATUS, MARIA, quotes=sid, state="failed", permanent=True)
        comes(place, replace(lost, reason="unreachable"))
        leave(place)
        with place.db.read() as session:
            assert session.scalars(select(Invitation.channel)).one() == "email"
    server.every = None
    clock.advance(hours=1)
    world.contact(here, email=None, phone=MARIA)
    asks(place, world, here, ["sms"], reminders=[])
    says_stop(place)
    assert out_in(place) == {here.id, there.id}


@pytest.mark.parametrize("number", ["+525512345678", "+5215512345678"])
def test_a_mexican_who_says_baja_on_whatsapp_is_heard_with_or_without_the_former_1(
    place: Runtime, world: World, clock: Clock, here: Workspace, number: str
) -> None:
    """WhatsApp knows them by the 1, which their number has no more."""
    pepe = world.contact(here, email=None, phone="+525512345678", locale="es")
    with place.db.write() as session:
        line = senders.sender_id(session, "whatsapp", OURS, clock())
    told = {"channel": "whatsapp", "address_key": pepe.phone_key, "to_address": pepe.phone, "sender_id": line}
    world.invitation(here, world.survey(here), pepe, told, channel="whatsapp", address_key=pepe.phone_key)
    comes(place, Event(OURS, "his-word", Kind.TEXT, number, text="BAJA"), "whatsapp")
    assert out_in(place) == {here.id}


@pytest.mark.parametrize("last", [0, 1])
def test_rows_of_several_workspaces_are_taken_in_one_order_whichever_she_answered(
    place: Runtime, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    """Else two words of hers to two numbers of ours would wait for each other."""
    both = sorted([world.workspace(), world.workspace()], key=lambda each: each.id)
    for each in (both[1 - last], both[last]):
        world.contact(each, name="Maria", phone=MARIA, email=None)
        asks(place, world, each, ["sms"])
        clock.advance(minutes=1)
    taken: list[str] = []
    record, lift = opt_outs.record, wishes.lift

    def recorded(session: Session, workspace_id: str, *rest: Any, **more: Any) -> None:
        taken.append(workspace_id)
        record(session, workspace_id, *rest, **more)

    def lifted(session: Session, *which: Any, **more: Any) -> None:
        (there,) = (each.right.value for each in which if getattr(each, "left", None) is not None
                    and getattr(each.left, "key", None) == "workspace_id")  # fmt: skip
        taken.append(there)
        lift(session, *which, **more)

    monkeypatch.setattr(opt_outs, "record", recorded)
    monkeypatch.setattr(wishes, "lift", lifted)
    for word in ("STOP", "START"):
        taken.clear()
        comes(place, Event(OURS, word, Kind.TEXT, MARIA, text=word))
        assert taken == sorted(taken) and set(taken) == {each.id for each in both}


@pytest.mark.on_both
def test_a_no_by_mail_holds_where_the_mail_was_lost_and_the_ask_went_on_by_text(
    runtime: Runtime, world: World, here: Workspace, there: Workspace, clock: Clock
) -> None:
    sender = world.add(Sender(id=new_id(), channel="email", identity="p@a.example", created_at=clock.now))
    asked = world.contact(here, email="maria@ipe.example")
    moved_on = world.contact(there, email="maria@ipe.example", phone=MARIA)
    ask = world.invitation(here, world.survey(here), asked, told={"sender_id": sender.id})
    lost = {"sender_id": sender.id, "state": "failed", "reason": "mailbox_full"}
    by_text = {"channel": "sms", "address_key": moved_on.phone_key}
    world.invitation(there, world.survey(there), moved_on, told=lost, **by_text)
    with runtime.db.write() as session:
        mail = session.scalars(select(Message.id).where(Message.invitation_id == ask.id)).one()
        wishes.opt_out_by_message(session, mail, "unsubscribe", clock.now)
    with runtime.db.read() as session:
        assert set(session.scalars(select(OptOut.workspace_id))) == {here.id, there.id}
