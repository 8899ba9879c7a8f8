"""May we ask this person now? The first reason that says no, and until when. Services ask the same in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.domain.caps import NO_CAPS, Caps, midnight


@dataclass(frozen=True)
class Way:
    """One channel to a person: can we send on it, have they an address there, is that address closed?"""

    channel: str
    ready: bool = True
    has_address: bool = True
    closed: bool = False  # it bounced, does not exist, or shut us out
    unwanted: bool = False  # they want nothing on this channel, and may want it on another


CLOSED = {"telegram": "blocked"}  # what a closed address is called; elsewhere it bounced


@dataclass(frozen=True)
class Facts:
    """What is known of one person when somebody wants to ask them."""

    active: bool = True
    erased: bool = False
    lawful_basis: str = "legitimate_interest"
    opted_out: bool = False
    ways: tuple[Way, ...] = (Way("email"),)  # in the order in which they are tried
    in_another_pulse: bool = False  # employees take part in one open pulse at a time
    asked_at: datetime | None = None  # the last ask that left or is about to, of any survey
    asked_metric_at: datetime | None = None  # the same, of this metric
    messages_at: tuple[datetime, ...] = ()  # when messages that ask left lately; what waits counts as now


@dataclass(frozen=True)
class Rest:
    """How long a person is left alone, in calendar days of the workspace's zone, and how often asked at most.

    `days` is across all surveys, `metric_days` for one metric; the later of the two clocks wins. A rule that
    comes in months may be `early_days` early; no rule goes over the caps.
    """

    days: int
    metric_days: int
    zone: ZoneInfo
    early_days: int = 0
    caps: Caps = NO_CAPS

    def cutoff(self, days: int, now: datetime) -> datetime:
        """Who was asked at this moment or later still rests."""
        needed = max(0, days - self.early_days)
        today = now.astimezone(self.zone).date()
        return midnight(today - timedelta(days=needed - 1), self.zone)

    def ends(self, asked_at: datetime, days: int) -> datetime:
        """The local midnight at which this rest is over."""
        needed = max(0, days - self.early_days)
        return midnight(asked_at.astimezone(self.zone).date() + timedelta(days=needed), self.zone)


@dataclass(frozen=True)
class Verdict:
    """`reason` is None when the person may be asked; `until` is when a passing reason ends.

    `channel` is the first way that is open.
    """

    reason: str | None = None
    until: datetime | None = None
    channel: str | None = None


def may_ask(facts: Facts, rest: Rest, now: datetime) -> Verdict:
    """The first reason not to ask, in the order in which they weigh; opt-out comes before all that passes.

    A cap weighs least: it is over within a week, and a rest that holds longer says more.
    """
    for holds, reason in (
        (facts.erased, "erased"),
        (not facts.active, "inactive"),
        (facts.lawful_basis == "none", "no_lawful_basis"),
        (facts.opted_out, "opted_out"),
    ):
        if holds:
            return Verdict(reason)
    channel, closed = way_out(facts.ways)
    if closed is not None or facts.in_another_pulse:
        return Verdict(closed or "in_another_pulse")
    until = rested_at(facts, rest)
    if until is not None and until > now:
        return Verdict("resting", until)
    until = rest.caps.until(facts.messages_at, now, rest.zone)
    return Verdict(channel=channel) if until is None else Verdict("capped", until)


def way_out(ways: Sequence[Way]) -> tuple[str | None, str | None]:
    """The first channel that is open, or the reason of the way that led furthest."""
    known = [each for each in ways if each.has_address]
    if not known:
        return None, "no_address"
    alive = [each for each in known if not (each.closed or each.unwanted)]
    if not alive:
        first = known[0]
        return None, "opted_out" if first.unwanted else CLOSED.get(first.channel, "bounced")
    ready = [each for each in alive if each.ready]
    return (ready[0].channel, None) if ready else (None, "channel_not_configured")


def rested_at(facts: Facts, rest: Rest) -> datetime | None:
    """When both clocks have run out; None for somebody who was never asked."""
    ends = [
        rest.ends(asked_at, days)
        for asked_at, days in ((facts.asked_at, rest.days), (facts.asked_metric_at, rest.metric_days))
        if asked_at is not None
    ]
    return max(ends) if ends else None
