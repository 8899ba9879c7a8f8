"""Pretend providers at the edge: they note in a ledger what they took, and answer as providers do.

Some addresses are dead, some tries meet trouble that passes, and of some nobody learns how they ended.
"""

import json
import random
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from app.channels.base import (
    Button,
    ChannelStatus,
    DeliveryError,
    Event,
    Kind,
    Outcome,
    Outgoing,
    RawRequest,
    Receipt,
)

CHANNELS = ("email", "sms", "telegram")
DEAD = {"email": "invalid_address", "sms": "invalid_address", "telegram": "blocked"}
OURS = {"email": "pesquisa@aroeira.example", "sms": "+551140028922", "telegram": "aroeira_bot"}


@dataclass(frozen=True)
class Taken:
    """One message that a provider accepted, with everything that was known of its addressees then."""

    place: int  # in the order of all that happened
    at: datetime
    channel: str
    message: Outgoing
    zones: dict[str, str]  # of everybody who was reached there, by their id

    @property
    def address(self) -> str:
        return self.message.to_address


@dataclass
class Ledger:
    """What all providers together have accepted, in order, and what nobody can tell of."""

    clock: Callable[[], datetime]
    zones_at: Callable[[str], dict[str, str]]
    dead: int = 40  # one address in so many is nobody's
    places: Iterator[int] = field(default_factory=count)
    fresh: list[Taken] = field(default_factory=list)  # since somebody looked
    in_doubt: set[str] = field(default_factory=set)  # whoever sent them was told nothing
    closed: dict[str, tuple[str, datetime]] = field(
        default_factory=dict
    )  # dead addresses: what told so, when
    knocked: list[str] = field(default_factory=list)  # at addresses that were known to be dead

    def refuse(self, message: Outgoing) -> None:
        """Nobody lives there; whoever has heard so and tries again has not listened."""
        said = self.closed.setdefault(message.to_address, (message.id, self.clock()))
        if said[0] in self.in_doubt:  # they never heard
            self.closed[message.to_address] = (message.id, self.clock())
        elif abs(self.clock() - said[1]) > timedelta(minutes=1):
            self.knocked.append(f"{message.to_address} since {said[1]}, again at {self.clock()}")

    def take(self, channel: str, message: Outgoing) -> None:
        at, zones = self.clock(), self.zones_at(message.to_address)
        self.fresh.append(Taken(next(self.places), at, channel, message, zones))


class Pretended:
    """One channel with its provider behind it."""

    pretends = False

    def __init__(self, name: str, ledger: Ledger, seed: int) -> None:
        self.name, self.ledger = name, ledger
        self.identity = OURS[name]
        self._chance = random.Random(f"{name} {seed}")
        self._numbers = count(1)

    def deliver(self, batch: Iterable[Outgoing]) -> Iterator[tuple[str, Outcome]]:
        for message in batch:
            yield message.id, self._fate(message)

    def _fate(self, message: Outgoing) -> Outcome:
        if is_dead(self.name, message.to_address, self.ledger.dead):
            self.ledger.refuse(message)
            return DeliveryError(DEAD[self.name], permanent=True)
        drawn = self._chance.random()
        if drawn < 0.01:
            return DeliveryError("provider_unreachable")
        if drawn < 0.015:
            self.ledger.in_doubt.add(message.id)
            if drawn < 0.0125:
                self.ledger.take(self.name, message)
            return DeliveryError("provider_unreachable", unknown=True)
        self.ledger.take(self.name, message)
        return Receipt(f"{self.name}-{next(self._numbers)}")

    def probe(self) -> None:
        pass

    def close(self) -> None:
        pass


class PretendedChat(Pretended):
    """One on which people write back: what comes in is an event as the channels tell it."""

    def parse(self, raw: RawRequest) -> list[Event]:
        told = json.loads(raw.body)
        return [Event(**{**told, "kind": Kind(told["kind"]), "sender": self.identity})]

    def fetch(self, since: datetime, after: str) -> Iterator[tuple[Event | None, str]]:
        return iter(())

    def acknowledge(self, event: Event, text: str) -> None:
        pass

    def edit(self, provider_id: str, text: str, buttons: tuple[tuple[Button, ...], ...]) -> bool:
        return True

    def status(self) -> ChannelStatus:
        return ChannelStatus(self.identity, "", 0)

    def start_link(self, payload: str) -> str:
        return f"https://t.example/{self.identity}?start={payload}"

    def set_webhook(self, url: str) -> None:
        pass

    def delete_webhook(self) -> None:
        pass


def is_dead(channel: str, address: str, one_in: int) -> bool:
    """Some mailboxes and numbers are nobody's."""
    return zlib.crc32(f"{channel}{address}".encode()) % one_in == 0


def channels(ledger: Ledger, seed: int) -> dict[str, Pretended]:
    """All channels of the simulation by name."""
    return {name: (Pretended if name == "email" else PretendedChat)(name, ledger, seed) for name in CHANNELS}
