"""A clock that was set, or a machine that slept: the wall's time against the time that really passed.

Whatever says "not until" in a row was perhaps written by a clock that was ahead, and would hold for as long.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

NOTICED = timedelta(minutes=1)  # smaller corrections are a clock's daily business
SKEW = NOTICED  # by so much may two of our clocks differ: what lies further ahead, a wrong one wrote
NO_TIME = timedelta(0)


def jump(on_the_wall: timedelta, really: timedelta) -> timedelta | None:
    """By how much the clock on the wall jumped between two looks; negative when it was set back."""
    by = on_the_wall - really
    return by if abs(by) > NOTICED else None


def furthest(now: datetime, length: timedelta = NO_TIME) -> datetime:
    """The last moment that a right clock writes for what takes so long; one beyond it says nothing."""
    return now + length + SKEW


def holds(until: datetime, now: datetime, length: timedelta) -> bool:
    """Is this still to come, and no further ahead than what takes so long can be?"""
    return now < until <= furthest(now, length)


@dataclass(frozen=True)
class Waiting:
    """A message in the queue that is due later.

    `retried`: a failure says when it goes again; `planned_to`: of a run that sends so many an hour, when its
    last may leave; `by_day`: it spares somebody's night.
    """

    created_at: datetime
    due_at: datetime
    tried_at: datetime | None = None
    retried: bool = False
    planned_to: datetime | None = None
    by_day: bool = False


def waits_for_nothing(waiting: Waiting, now: datetime) -> bool:
    """Once a clock that was ahead went back: may it be that clock which made this message wait?

    Where it may, the message is due: the last gate looks at it again, and knows every reason to wait.
    """
    if waiting.due_at <= furthest(now):
        return False
    if waiting.created_at > furthest(now):
        return True
    if waiting.retried:
        return waiting.tried_at is not None and waiting.tried_at > furthest(now)
    if waiting.planned_to is not None:
        return waiting.due_at > furthest(waiting.planned_to)
    return not waiting.by_day or waiting.due_at > furthest(now, timedelta(days=1))
