"""Somebody with a phone, for tests: what they send goes the way of real events, what we say is read back."""

from dataclasses import replace

from sqlalchemy import select

from app.channels.base import Event, Kind
from app.models import Message
from app.runtime import Runtime
from app.services import inbound, sending
from tests.world import Clock


class Person:
    """One chat: a channel of the sandbox and an address."""

    def __init__(self, runtime: Runtime, channel: str, address: str) -> None:
        self.runtime, self.channel, self.address = runtime, channel, address
        self.number = 0

    def sends(self, text: str, **more: object) -> None:
        event = Event("sandbox", self._name(), Kind.TEXT, self.address, text=text)
        self.comes(replace(event, **more))  # type: ignore[arg-type]

    def presses(self, data: str) -> None:
        self.comes(Event("sandbox", self._name(), Kind.PRESS, self.address, data=data))

    def starts(self, payload: str) -> None:
        self.comes(Event("sandbox", self._name(), Kind.START, self.address, data=payload))

    def _name(self) -> str:
        self.number += 1
        return f"{self.address}-{self.number}"

    def comes(self, event: Event) -> None:
        with self.runtime.db.write() as session:
            inbound.keep(session, self.channel, event, self.runtime.clock())
        inbound.handle_new(self.runtime)
        sending.send_urgent(self.runtime)
        assert isinstance(self.runtime.clock, Clock)
        self.runtime.clock.advance(seconds=1)  # so that our words have an order

    @property
    def heard(self) -> list[str]:
        """What we said in this chat beside the questions, oldest first."""
        query = (
            select(Message.body)
            .where(Message.to_address == self.address, Message.purpose.in_(("dialogue", "reply")))
            .order_by(Message.created_at, Message.id)
        )
        with self.runtime.db.read() as session:
            return [body or "" for body in session.scalars(query)]
