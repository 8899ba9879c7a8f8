"""The loop: what opens a follow-up, the state that it is in, its clock, and what closing it needs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from app.domain.business_time import BusinessCalendar
from app.domain.metrics import Band, Metric
from app.errors import Conflict, Invalid, Problem, problem

# Business hours from opening, whatever opened it.
FIRST_CONTACT_HOURS = 24
CLOSING_HOURS = 72
SOON = timedelta(hours=4)  # half a day's work: time to pick it up before something else

# Where one unit gives way to the next, so that the number before it is never 1
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_JUST_NOW, _HOURS_FROM, _DAYS_FROM = timedelta(minutes=2), timedelta(hours=2), timedelta(days=2)

LONGEST_TEXT = 5_000  # about two pages; a reply, a note or a summary is shorter
LONGEST_CAUSE = 120  # the column's width: a cause is a heading under which others will be counted


# One press may do several things at once, a reply claims too: they are told in this order
STEPS = (
    "opened",
    "edited",
    "claimed",
    "assigned",
    "noted",
    "contacted",
    "replied",
    "heard",
    "closed",
    "reopened",
)


def step_rank(step: str) -> int:
    """The place of a step among those of the same moment."""
    return STEPS.index(step)


class Reason(StrEnum):
    """Why somebody has to return to this person."""

    DETRACTOR = "detractor"
    DISSATISFIED = "dissatisfied"
    HIGH_EFFORT = "high_effort"
    ASKED = "asked"  # whatever the score, they asked for somebody


class State(StrEnum):
    """Where a follow-up stands; computed, never stored."""

    OPEN = "open"
    CLAIMED = "claimed"
    WAITING = "waiting"  # we replied last
    CLOSED = "closed"


class Group(StrEnum):
    """How urgent an open one is, in the order in which the inbox shows them."""

    LATE = "late"
    TODAY = "today"
    LATER = "later"
    CONTACTED = "contacted"


_OPENED_BY = MappingProxyType(
    {
        Band.DETRACTOR: Reason.DETRACTOR,  # NPS 0–6
        Band.DISSATISFIED: Reason.DISSATISFIED,  # CSAT 1–2
        Band.HIGH_EFFORT: Reason.HIGH_EFFORT,  # CES 1–3
    }
)


def reason_to_open(
    metric: Metric, band: Band, contact_me: bool, opens_followup: bool = True
) -> Reason | None:
    """Why this answer needs a person, or None. Nothing ever comes of a pulse answer.

    `opens_followup` is the survey's: without it only those who ask for somebody get one.
    """
    if metric is Metric.ENPS:
        return None
    if opens_followup and band in _OPENED_BY:
        return _OPENED_BY[band]
    return Reason.ASKED if contact_me else None


@dataclass(frozen=True)
class Due:
    """By when a follow-up must have had its first contact, and be closed."""

    first_contact: datetime
    closing: datetime


def due(opened_at: datetime, calendar: BusinessCalendar) -> Due:
    """Both due times, in business hours of the workspace."""
    return Due(
        first_contact=calendar.add_hours(opened_at, FIRST_CONTACT_HOURS),
        closing=calendar.add_hours(opened_at, CLOSING_HOURS),
    )


@dataclass(frozen=True)
class Moments:
    """What has happened to one follow-up, and when; `heard_at` is the person's own last word."""

    opened_at: datetime
    heard_at: datetime
    first_contact_due_at: datetime
    close_due_at: datetime
    assigned: bool = False
    first_contact_at: datetime | None = None
    replied_at: datetime | None = None
    closed_at: datetime | None = None


def state(moments: Moments) -> State:
    """Closed, else waiting for them, else claimed by one of us, else open."""
    if moments.closed_at is not None:
        return State.CLOSED
    if moments.replied_at is not None and moments.replied_at > moments.heard_at:
        return State.WAITING
    return State.CLAIMED if moments.assigned else State.OPEN


def group(moments: Moments, now: datetime, calendar: BusinessCalendar) -> Group:
    """The group of the inbox that an open follow-up stands in; days are the workspace's."""
    if moments.first_contact_at is not None:
        return Group.CONTACTED
    if moments.first_contact_due_at < now:
        return Group.LATE
    if _days_between(now, moments.first_contact_due_at, calendar) == 0:
        return Group.TODAY
    return Group.LATER


@dataclass(frozen=True)
class Clock:
    """One clock as data: `number` of `unit` (`minutes` beside hours) until it is due, or since then."""

    of: Literal["contact", "closing"]
    due_at: datetime
    late: bool
    soon: bool
    gone: float  # share of the business hours allowed, 0…1
    unit: Literal["minutes", "hours", "days"]
    number: int
    minutes: int = 0


def clock(moments: Moments, now: datetime, calendar: BusinessCalendar) -> Clock | None:
    """The clock that matters: of first contact until it is made, then of closing; none once closed.

    Time that is left is counted as people read it (hours today, else days of the calendar); lateness only in
    business hours, because nobody is late while the desk is closed.
    """
    if moments.closed_at is not None:
        return None
    of: Literal["contact", "closing"] = "contact" if moments.first_contact_at is None else "closing"
    due_at = moments.first_contact_due_at if of == "contact" else moments.close_due_at
    late = due_at < now
    unit, number, minutes = _overdue(due_at, now, calendar) if late else _left(now, due_at, calendar)
    return Clock(
        of=of,
        due_at=due_at,
        late=late,
        soon=not late and due_at - now <= SOON,
        gone=1.0 if late else _share_gone(moments.opened_at, now, due_at, calendar),
        unit=unit,
        number=number,
        minutes=minutes,
    )


def closing_problems(summary: str, root_cause: str) -> list[Problem]:
    """What is missing from a closure: it must say what was done and why it came to this."""
    found = text_problems("summary", summary, problem("summary", "Write what was said or done."))
    if not root_cause.strip():
        found.append(problem("root_cause", "Choose a cause, or write one."))
    elif len(root_cause) > LONGEST_CAUSE:
        found.append(problem("root_cause", "At most %(most)s characters.", most=LONGEST_CAUSE))
    return found


def text_problems(field: str, text: str, missing: Problem) -> list[Problem]:
    """What is wrong with words that an agent wrote; `missing` is what to say when there are none."""
    if not text.strip():
        return [missing]
    if len(text) > LONGEST_TEXT:
        return [problem(field, "At most %(most)s characters.", most=LONGEST_TEXT)]
    return []


def require_closable(summary: str, root_cause: str) -> None:
    """Raises Invalid unless a closure may say this."""
    problems = closing_problems(summary, root_cause)
    if problems:
        raise Invalid(problems)


def claimed_before(name: str, then: datetime, now: datetime) -> Conflict:
    """Somebody else has it already: who, and since when."""
    ago = now - then
    if ago < _JUST_NOW:
        return Conflict("%(name)s claimed it just now.", name=name)
    if ago < _HOURS_FROM:
        return Conflict("%(name)s claimed it %(minutes)s minutes ago.", name=name, minutes=ago // _MINUTE)
    if ago < _DAYS_FROM:
        return Conflict("%(name)s claimed it %(hours)s hours ago.", name=name, hours=ago // _HOUR)
    return Conflict("%(name)s claimed it %(days)s days ago.", name=name, days=ago.days)


def closed_before(name: str, then: datetime, now: datetime) -> Conflict:
    """Somebody closed it with other words: who, and when."""
    ago = now - then
    if ago < _JUST_NOW:
        return Conflict("%(name)s closed it just now.", name=name)
    if ago < _HOURS_FROM:
        return Conflict("%(name)s closed it %(minutes)s minutes ago.", name=name, minutes=ago // _MINUTE)
    if ago < _DAYS_FROM:
        return Conflict("%(name)s closed it %(hours)s hours ago.", name=name, hours=ago // _HOUR)
    return Conflict("%(name)s closed it %(days)s days ago.", name=name, days=ago.days)


Span = tuple[Literal["minutes", "hours", "days"], int, int]  # unit, number, minutes beside hours


def _left(now: datetime, due_at: datetime, calendar: BusinessCalendar) -> Span:
    days = _days_between(now, due_at, calendar)
    if days > 0:
        return "days", days, 0
    return _hours_and_minutes(due_at - now)


def _overdue(due_at: datetime, now: datetime, calendar: BusinessCalendar) -> Span:
    late_by = calendar.business_between(due_at, now)
    if late_by >= calendar.day_length:
        return "days", late_by // calendar.day_length, 0
    unit, number, _minutes = _hours_and_minutes(late_by)
    return unit, number, 0  # "2 h late" says enough


def _hours_and_minutes(span: timedelta) -> Span:
    minutes = max(1, int(span.total_seconds()) // 60)
    return ("hours", minutes // 60, minutes % 60) if minutes >= 60 else ("minutes", minutes, 0)


def _share_gone(opened_at: datetime, now: datetime, due_at: datetime, calendar: BusinessCalendar) -> float:
    allowed = calendar.business_between(opened_at, due_at)
    gone = calendar.business_between(opened_at, now)
    return min(1.0, max(0.0, gone / allowed)) if allowed else 1.0


def _days_between(start: datetime, end: datetime, calendar: BusinessCalendar) -> int:
    return (calendar.local(end).date() - calendar.local(start).date()).days
