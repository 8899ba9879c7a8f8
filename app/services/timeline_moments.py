"""The kinds of moments of a person's timeline; `services/timeline` gathers them."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from app.domain.looks import Ask


@dataclass(frozen=True)
class Moment:
    """`rank` orders what happened at the same time: the cause before what came of it."""

    at: datetime
    id: str
    kind: ClassVar[str]
    rank: ClassVar[int]


@dataclass(frozen=True)
class Added(Moment):
    """They came in, by hand, file or API."""

    source: str | None
    lawful_basis: str
    kind: ClassVar[str] = "added"
    rank: ClassVar[int] = 0


@dataclass(frozen=True)
class Asked(Moment):
    """A question went out, or is about to, or did not arrive: `state` says."""

    survey: str
    metric: str
    channel: str | None
    state: str
    reason: str | None
    sandbox: bool
    kind: ClassVar[str] = "asked"
    rank: ClassVar[int] = 10


@dataclass(frozen=True)
class HeldBack(Moment):
    """They were not asked, and why."""

    survey: str
    metric: str
    reason: str | None
    until: datetime | None
    rests_on: Ask | None = None  # of somebody who rested: from which ask on
    kind: ClassVar[str] = "held_back"
    rank: ClassVar[int] = 10


@dataclass(frozen=True)
class Rerouted(Moment):
    """A message that asks did not reach them, so they were asked on the next channel of the list."""

    survey: str
    metric: str
    channel: str
    address: str
    reason: str | None
    instead: str
    kind: ClassVar[str] = "rerouted"
    rank: ClassVar[int] = 5


@dataclass(frozen=True)
class Line:
    """Something said in a chat, by them or by us; `state` is how ours fared."""

    at: datetime
    ours: bool
    text: str
    state: str


@dataclass(frozen=True)
class Talked(Moment):
    """An exchange in one chat without a longer silence, in its order; questions are told apart."""

    channel: str
    lines: tuple[Line, ...]
    locale: str
    kind: ClassVar[str] = "talked"
    rank: ClassVar[int] = 25


@dataclass(frozen=True)
class Reminded(Moment):
    """The question again, because no answer had come."""

    survey: str
    metric: str
    channel: str
    state: str
    reason: str | None
    kind: ClassVar[str] = "reminded"
    rank: ClassVar[int] = 20


@dataclass(frozen=True)
class Answered(Moment):
    """What they said; `score` and `band` as they stand now."""

    survey: str
    metric: str
    channel: str
    score: int
    band: str
    comment: str | None
    locale: str
    contact_me: bool
    counted: bool
    sandbox: bool
    kind: ClassVar[str] = "answered"
    rank: ClassVar[int] = 30


@dataclass(frozen=True)
class Changed(Moment):
    """They changed their answer; `score` is what it was before."""

    metric: str
    score: int
    band: str
    kind: ClassVar[str] = "changed"
    rank: ClassVar[int] = 40


@dataclass(frozen=True)
class FollowedUp(Moment):
    """A step of a follow-up: opened, claimed, assigned, noted, contacted, replied, closed, reopened."""

    followup: str
    step: str
    actor: str | None
    text: str | None
    channel: str | None = None  # of a reply
    kind: ClassVar[str] = "followed_up"
    rank: ClassVar[int] = 50


@dataclass(frozen=True)
class OptedOut(Moment):
    """From here on they are not asked: their own wish, a bounce, a legal block."""

    cause: str
    origin: str
    by_person: bool
    channel: str | None
    place: str | None  # of a bounce: email, phone or telegram
    kind: ClassVar[str] = "opted_out"
    rank: ClassVar[int] = 60


@dataclass(frozen=True)
class OptedIn(Moment):
    """They may be asked again, by their own word or as the reason is gone, and how we know it."""

    cause: str  # what it had been
    evidence: str | None
    place: str | None
    kind: ClassVar[str] = "opted_in"
    rank: ClassVar[int] = 70
