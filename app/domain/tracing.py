"""What a provider's list says of attempts whose end nobody saw: taken, surely not there, or not certain yet.

An invitation is never sent twice on a guess, so only silence that lasts, read twice, says "not there".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_LOOK = timedelta(minutes=2)  # a list may lag behind what was just taken
SURE_AFTER = timedelta(minutes=12)  # no worker hands over so late, no request lives so long: delivery.py
BETWEEN = timedelta(minutes=2)  # two looks that find nothing are two, not one that lagged
NOT_CERTAIN = timedelta(hours=1)  # after that it is looked at now and then, until it is presumed
SKEW = timedelta(minutes=1)  # their clock and ours
WIDER = timedelta(hours=1)  # with clocks further apart nothing is certain: what is listed so early says so


@dataclass(frozen=True)
class Doubt:
    """One attempt; `seen_before`: somebody has looked for it already."""

    id: str
    began_at: datetime
    seen_before: bool


@dataclass(frozen=True)
class Listed:
    """A message that the provider took for this address, and that no other message of ours is."""

    name: str
    at: datetime | None


@dataclass(frozen=True)
class Taken:
    """The provider has it under this name."""

    name: str


@dataclass(frozen=True)
class NotThere:
    """The provider never took it."""


@dataclass(frozen=True)
class LookAgain:
    """Nobody can tell yet, or ever."""

    at: datetime


Verdict = Taken | NotThere | LookAgain


def judge(doubts: Sequence[Doubt], listed: Sequence[Listed], now: datetime) -> dict[str, Verdict]:
    """A verdict for each doubt about one address; `listed` from WIDER before the earliest of them on."""
    in_turn = sorted(doubts, key=lambda each: (each.began_at, each.id))
    if not listed:
        return {each.id: _absent(each, now) for each in in_turn}
    found = sorted(listed, key=lambda each: each.at or now)
    if len(found) == len(in_turn) and all(map(_fits, in_turn, found)):
        return {doubt.id: Taken(one.name) for doubt, one in zip(in_turn, found, strict=True)}
    return {each.id: LookAgain(_next_look(each, now)) for each in in_turn}


def _fits(doubt: Doubt, listed: Listed) -> bool:
    return listed.at is None or listed.at >= doubt.began_at - SKEW


def _absent(doubt: Doubt, now: datetime) -> Verdict:
    if doubt.seen_before and now >= doubt.began_at + SURE_AFTER:
        return NotThere()
    return LookAgain(_next_look(doubt, now))


def _next_look(doubt: Doubt, now: datetime) -> datetime:
    sure = doubt.began_at + SURE_AFTER
    if now < sure:
        return max(sure, now + BETWEEN)
    return now + (NOT_CERTAIN if doubt.seen_before else BETWEEN)
