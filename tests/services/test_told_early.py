"""A status that comes before its own message is written down as sent: the ask is where the status left it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import select

from app.channels.base import Channel, DeliveryError, Event, Kind, Outcome, Outgoing, Receipt
from app.channels.sandbox import Sandbox
from app.domain.access import Role
from app.models import Bounces, Contact, Invitation, Message, Occurrence
from app.runtime import Runtime
from app.services import asking, inbound, reminding, schedules, sending
from app.services.access import Visitor
from tests.services.recurring import House
from tests.world import Clock, World

THEIRS = "+5531988884417"
GONE: dict[str, Any] = {"reason": "unreachable", "permanent": True}
OFF: dict[str, Any] = {"reason": "unreachable", "retry_seconds": 1800, "most_tries": 3}


def told(runtime: Runtime, id: str, **more: Any) -> None:
    names = {"quotes": f"SM{id}", "message_id": id, "state": "failed"}
    event = Event("+551140028922", f"{id}:failed", Kind.STATUS, THEIRS, **names | more)
    with runtime.db.write() as session:
        channel = session.get_one(Message, id).channel
        assert inbound.keep(session, channel, event, runtime.clock())
    inbound.handle_new(runtime)


class Early(Sandbox):
    """A provider that takes each text, and calls us back before we have written down that it did."""

    def __init__(self, runtime: Runtime, says: dict[str, Any], then: Outcome | None = None) -> None:
        self.runtime, self.says, self.then = runtime, says, then

    def deliver(self, batch: Iterable[Outgoing]) -> Iterator[tuple[str, Outcome]]:
        """Each is failed by the time that it is handed over."""
        for each in batch:
            told(self.runtime, each.id, **self.says)
            yield each.id, self.then or Receipt(provider_id=f"SM{each.id}")


class Refuses(Sandbox):
    """A server that knows nobody."""

    def deliver(self, batch: Iterable[Outgoing]) -> Iterator[tuple[str, Outcome]]:
        """None of them."""
        for each in batch:
            yield each.id, DeliveryError("invalid_address", permanent=True)


@dataclass
class Place:
    """Whoever is asked has a number and a mailbox."""

    runtime: Runtime
    who: Visitor
    survey: str
    maria: Contact
    house: House

    def early(self, says: dict[str, Any], then: Outcome | None = None) -> None:
        """From now on texts go over such a provider."""
        self.over(email=Sandbox(), sms=Sandbox())
        self.over(sms=Early(self.runtime, says, then))

    def over(self, **channels: Channel) -> None:
        """From now on it goes this way."""
        self.runtime = replace(self.runtime, channels={**self.runtime.channels, **channels})

    def ask(self, *channels: str) -> None:
        """At once, one by one."""
        asking.ask(self.runtime, self.who, self.survey, self.maria.id, channels)

    def send(self) -> None:
        """Everything that is due."""
        sending.send_due(self.runtime)

    def send_texts(self) -> None:
        """By a worker that looks at texts alone."""
        sending.send_due(replace(self.runtime, channels={"sms": self.runtime.channels["sms"]}))

    def asked(self) -> tuple[str, str | None, str | None]:
        """Where the ask is."""
        with self.runtime.db.read() as session:
            row = session.scalars(select(Invitation)).one()
            return row.state, row.channel, row.reason

    def messages(self) -> list[tuple[str, str, str]]:
        """What was written to them."""
        with self.runtime.db.read() as session:
            return sorted((row.purpose, row.channel, row.state) for row in session.scalars(select(Message)))


@pytest.fixture
def place(runtime: Runtime, world: World, clock: Clock) -> Place:
    workspace = world.workspace()
    who, survey = world.member(workspace, Role.OWNER), world.survey(workspace)
    maria = world.contact(workspace, phone=THEIRS, email="maria@bemtevi.example")
    return Place(runtime, who, survey.id, maria, House(world, clock, who, survey))


@pytest.mark.on_both
def test_an_ask_that_went_on_to_its_next_channel_waits_there_and_leaves(place: Place) -> None:
    place.early(GONE)
    place.ask("sms", "email")
    place.send_texts()
    assert place.asked() == ("queued", "email", None)
    with place.runtime.db.read() as session:
        assert session.scalars(select(Invitation.sent_at)).one() is None
    place.send()
    assert place.asked() == ("sent", "email", None)
    assert place.messages() == [("invitation", "email", "sent"), ("invitation", "sms", "failed")]


@pytest.mark.on_both
def test_and_where_its_schedule_stands_still_meanwhile_it_leaves_as_that_goes_on(
    place: Place, clock: Clock
) -> None:
    place.early(GONE)
    id = place.house.plans(repeat="once", channels=["sms", "email"])
    place.house.tick()
    place.send_texts()
    schedules.pause(place.runtime, place.who, id)
    place.send()
    schedules.resume(place.runtime, place.who, id)
    clock.advance(hours=1)
    place.send()
    assert ("invitation", "email", "sent") in place.messages()
    assert place.asked() == ("sent", "email", None)


@pytest.mark.on_both
def test_an_ask_that_no_channel_took_has_failed(place: Place) -> None:
    place.early(GONE)
    place.over(email=Refuses())
    place.ask("sms", "email")
    place.send()
    place.send()
    assert place.messages() == [("invitation", "email", "failed"), ("invitation", "sms", "failed")]
    assert place.asked() == ("failed", "email", "invalid_address")


@pytest.mark.on_both
def test_an_ask_that_is_tried_again_waits_for_its_next_try(place: Place, clock: Clock) -> None:
    place.early(OFF)
    place.ask("sms")
    place.send()
    assert place.asked() == ("queued", "sms", "unreachable")
    place.over(sms=Sandbox())
    clock.advance(minutes=31)
    place.send()
    assert place.asked() == ("sent", "sms", None)


class BothEarly(Early):
    """And that of the question is told while the reminder is in its hands."""

    def deliver(self, batch: Iterable[Outgoing]) -> Iterator[tuple[str, Outcome]]:
        """The question's first."""
        letters = list(batch)
        with self.runtime.db.read() as session:
            question = session.scalars(select(Message.id).where(Message.purpose == "invitation")).one()
        told(self.runtime, question, **self.says)
        yield from super().deliver(letters)


@pytest.mark.on_both
def test_an_ask_of_which_question_and_reminder_are_lost_has_failed(place: Place, clock: Clock) -> None:
    place.early(GONE)
    place.ask("email", "sms")
    with place.runtime.db.write() as session:
        session.scalars(select(Occurrence)).one().terms = {"reminders": [3], "remind_elsewhere": True}
        session.scalars(select(Invitation)).one().remind_after = 3
    place.send()
    clock.advance(days=3)
    reminding.remind(place.runtime)
    place.over(sms=BothEarly(place.runtime, GONE))
    place.send()
    assert place.messages() == [("invitation", "email", "failed"), ("reminder", "sms", "failed")]
    assert place.asked()[0] == "failed"


@pytest.mark.on_both
def test_what_came_back_early_and_at_once_as_well_came_back_once(place: Place) -> None:
    gone = DeliveryError("invalid_address", permanent=True)
    place.early({"reason": "invalid_address", "permanent": True}, then=gone)
    place.house.plans(repeat="once", channels=["sms"])
    place.house.tick()
    place.send()
    assert place.messages() == [("invitation", "sms", "failed")]
    with place.runtime.db.read() as session:
        assert session.scalars(select(Bounces.number)).one() == 1
