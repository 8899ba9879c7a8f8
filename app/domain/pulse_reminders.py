"""When a pulse reminds: once, in one moment for all who are silent, so that no moment tells of anybody."""

from dataclasses import dataclass
from datetime import datetime, timedelta

REMIND_AFTER = timedelta(days=3)  # after the last question that leaves in time
TO_ANSWER = timedelta(hours=12)  # that a reminder leaves them at least


@dataclass(frozen=True)
class Questions:
    """How far the questions of a pulse have come."""

    last: datetime | None  # of those that left in time for a reminder
    wait: bool  # some have yet to leave


def latest_question(closes_at: datetime) -> datetime:
    """Whoever is asked later than this is not reminded: the pulse closes too soon."""
    return closes_at - TO_ANSWER - REMIND_AFTER


def remind_at(questions: Questions, closes_at: datetime, now: datetime) -> datetime | None:
    """The moment, once no question that has yet to leave can change it; None before, and without one."""
    if questions.last is None or may_still_leave(questions, closes_at, now):
        return None
    return questions.last + REMIND_AFTER


def may_still_leave(questions: Questions, closes_at: datetime, now: datetime) -> bool:
    """Does a question wait that may leave in time for a reminder?"""
    return questions.wait and now <= latest_question(closes_at)
