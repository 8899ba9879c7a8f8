"""What providers tell of messages names nobody who was silent in a pulse, and nobody who was erased."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from app.channels.base import DeliveryError, Event, Kind
from app.domain.access import Role
from app.models import InboundEvent, Invitation, Message, OptOut, Setting
from app.runtime import Runtime
from app.services import departing, erasure, inbound, migrating, outcomes, person_export, scrubbing
from app.services.pulse_closing import close_pulse
from tests.pulse_world import PulseWorld, open_pulse
from tests.world import Clock, World

OURS, THEIRS = "+551140028922", "+5531988884417"


def told(runtime: Runtime, of: Message, state: str = "delivered", **more: Any) -> None:
    """What the provider says of this message comes in, and is handed on."""
    name = f"{of.id}:{state}"
    event = Event(OURS, name, Kind.STATUS, THEIRS, quotes=f"SM{of.id}", message_id=of.id, state=state, **more)
    with runtime.db.write() as session:
        assert inbound.keep(session, of.channel, event, runtime.clock())
    inbound.handle_new(runtime)


def came_in(runtime: Runtime, pulse: PulseWorld, number: int) -> list[dict[str, Any]]:
    owner = pulse.world.member(pulse.workspace, Role.OWNER)
    file = person_export.export(runtime, owner, pulse.contacts[number].id)
    found: list[dict[str, Any]] = json.loads(file)["came_in"]
    return found


def events(runtime: Runtime) -> list[InboundEvent]:
    with runtime.db.read() as session:
        return list(session.scalars(select(InboundEvent).order_by(InboundEvent.received_at)))


@pytest.fixture
def asked(runtime: Runtime, world: World) -> PulseWorld:
    """Six were asked and one has answered."""
    pulse = open_pulse(world, 6)
    pulse.answer(0, 9)
    return pulse


def test_what_is_told_of_a_reminder_does_not_tell_who_was_silent(
    runtime: Runtime, asked: PulseWorld, clock: Clock
) -> None:
    clock.advance(days=3)
    told(runtime, asked.remind(1))
    assert [each.state for each in events(runtime)] == ["done"]
    assert came_in(runtime, asked, 0) == came_in(runtime, asked, 1) == []
    assert [each.contact_id for each in events(runtime)] == [None]
    close_pulse(runtime, asked.world.member(asked.workspace), asked.pulse.id)
    assert [each.contact_id for each in events(runtime)] == [None]
    assert [each.address_key for each in events(runtime)] == [""]


def test_a_status_that_an_older_version_placed_stays_out_of_the_file(
    runtime: Runtime, asked: PulseWorld
) -> None:
    told(runtime, asked.remind(1))
    with runtime.db.write() as session:
        session.execute(update(InboundEvent).values(contact_id=asked.contacts[1].id))
    assert came_in(runtime, asked, 1) == []


def by_status(runtime: Runtime, reminder: Message, reason: str) -> None:
    told(runtime, reminder, "failed", reason=reason, permanent=True)


def at_once(runtime: Runtime, reminder: Message, reason: str) -> None:
    lease, now = "x" * 26, runtime.clock()
    with runtime.db.write() as session:
        leaving = update(Message).where(Message.id == reminder.id)
        session.execute(
            leaving.values(state="claimed", lease_token=lease, lease_until=now + timedelta(minutes=1))
        )
        (each,) = departing.load(session, lease, now, 1)
        session.execute(leaving.values(state="attempting"))
        outcomes.record(session, [(each, DeliveryError(reason, permanent=True))], lease, now, ())


@pytest.mark.parametrize("reason", ["invalid_address", "opted_out"])
@pytest.mark.parametrize("comes_back", [by_status, at_once])
def test_a_reminder_that_comes_back_leaves_nothing_of_its_day(
    runtime: Runtime,
    asked: PulseWorld,
    clock: Clock,
    comes_back: Callable[[Runtime, Message, str], None],
    reason: str,
) -> None:
    clock.advance(days=3)
    reminder = asked.remind(1)
    with runtime.db.write() as session:
        reminder = session.get_one(Message, reminder.id)
        reminder.address_key = asked.contacts[1].email_key
    comes_back(runtime, reminder, reason)
    with runtime.db.read() as session:
        since = set(session.scalars(select(OptOut.created_at)))
    assert since == {asked.pulse.opened_at}


def test_of_a_customer_it_stays_known_whose_message_arrived(runtime: Runtime, world: World) -> None:
    workspace = world.workspace()
    maria = world.contact(workspace, phone=THEIRS)
    told(runtime, text_to(world, world.invitation(workspace, world.survey(workspace), maria)))
    assert [each.contact_id for each in events(runtime)] == [maria.id]


def text_to(world: World, invitation: Invitation) -> Message:
    """The message of this ask, as if it had left by SMS."""
    with world.runtime.db.write() as session:
        message = session.scalars(select(Message).where(Message.invitation_id == invitation.id)).one()
        message.channel, message.to_address = "sms", THEIRS
        return message


def test_what_is_told_after_an_erasure_does_not_bring_the_number_back(runtime: Runtime, world: World) -> None:
    workspace = world.workspace()
    maria = world.contact(workspace, phone=THEIRS)
    message = text_to(world, world.invitation(workspace, world.survey(workspace), maria))
    erasure.erase(runtime, world.member(workspace), maria.id)
    told(runtime, message)
    with runtime.db.read() as session:
        tables = session.get_bind().dialect.get_table_names(session.connection())
        rows = "\n".join(
            str(row) for each in tables for row in session.execute(text(f'SELECT * FROM "{each}"'))
        )
    assert "88884417" not in rows
    assert [each.state for each in events(runtime)] == ["done"]


def test_what_was_kept_before_names_nobody_any_more(
    runtime: Runtime, asked: PulseWorld, world: World
) -> None:
    """As the versions before this one kept it: with number, key and person."""
    customers = world.workspace()
    maria = world.contact(customers, phone=THEIRS)
    told(runtime, text_to(world, world.invitation(customers, world.survey(customers), maria)))
    told(runtime, asked.remind(1))
    with runtime.db.write() as session:
        for each in session.scalars(select(InboundEvent)):
            each.payload = {**each.payload, "address": THEIRS}
            each.address_key = maria.phone_key
            each.contact_id = maria.id if each.workspace_id == customers.id else asked.contacts[1].id
    migrating.downgrade(runtime.db, "0020")
    migrating.upgrade(runtime.db)
    assert {(each.contact_id, each.address_key) for each in events(runtime)} == {(maria.id, ""), (None, "")}
    assert all("address" not in each.payload and each.payload["quotes"] for each in events(runtime))


def test_what_a_migration_overwrote_leaves_the_files_as_well(runtime: Runtime) -> None:
    def is_asked_for() -> bool:
        with runtime.db.read() as session:
            return session.get(Setting, scrubbing.DUE) is not None

    assert not is_asked_for(), "a database that is new has nothing to forget"
    migrating.downgrade(runtime.db, "0020")
    migrating.upgrade(runtime.db)
    assert is_asked_for()
    assert scrubbing.scrub(runtime) == 1
    migrating.upgrade(runtime.db)
    assert not is_asked_for(), "and nothing was done just now"
