"""How one run of a schedule has looked at one person, or will: from what is known of both, as one code."""

from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.audience import Member
from app.domain.eligibility import Rest

FELL_OUT = ("skipped", "failed", "cancelled")  # states of an ask that asked nobody
NOT_RUN = ("skipped", "missed", "cancelled")  # states of a run that looked at nobody


@dataclass(frozen=True)
class Run:
    """One due moment of a survey. `reached`: has it come to this person's place in its order?"""

    state: str
    due_at: datetime
    paused: bool = False  # its schedule is, now
    reached: bool = True
    after_asked: bool | None = None  # of a sequence: did the step before ask them? None: it may still
    chosen: bool | None = None  # of a run that asks each person by their own clock: was it their turn?


@dataclass(frozen=True)
class Standing:
    """One person, as a run meets them."""

    created_at: datetime
    active: bool = True
    fits: bool = True  # the audience of the run, by what is known of them
    right_kind: bool = True  # employees, where employees are asked
    invited: str | None = None  # the state of their ask in this run, if there is one


def outcome(run: Run, person: Standing, now: datetime) -> str:
    """What became of this person in this run, or will: the first thing that explains it."""
    if person.invited is not None:
        return "not_asked" if person.invited in FELL_OUT else "asked"
    if run.state in NOT_RUN:
        return f"run_{run.state}"
    if run.due_at > now or not (run.state == "run" or run.reached):
        return _to_come(run, person, now)
    for holds, code in (
        (person.created_at > run.due_at, "not_here_yet"),
        (not person.active, "inactive"),
        (not person.right_kind, "not_an_employee"),
        (run.after_asked is False, "not_asked_before"),
        (not person.fits, "not_meant"),
        (run.chosen is False, "not_their_turn"),
    ):
        if holds:
            return code
    return "not_meant_then"  # by what we know today they fit: something about them has changed


def _to_come(run: Run, person: Standing, now: datetime) -> str:
    if run.paused:
        return "paused"
    for holds, code in (
        (not person.active, "will_be_inactive"),
        (not person.right_kind, "not_an_employee"),
        (run.after_asked is False, "will_not_be_asked"),
        (not person.fits, "will_not_be_meant"),
        (run.chosen is False, "not_their_turn"),
    ):
        if holds:
            return code
    return "to_come" if run.due_at > now else "under_way"


@dataclass(frozen=True)
class Ask:
    """An ask that left, or is about to: what a rest is counted from."""

    at: datetime
    metric: str
    survey: str  # its name
    answered_at: datetime | None = None
    planned_at: datetime | None = None  # from then on it was about to leave


@dataclass(frozen=True)
class Eligibility:
    """May somebody be asked; if not, why, until when, and which ask their rest is counted from."""

    name: str
    reason: str | None
    until: datetime | None
    rests_on: Ask | None
    now: datetime


@dataclass(frozen=True)
class Look:
    """One run, and what became of one person in it: `code` is what `outcome` says, or `waits_for_event`."""

    at: datetime
    code: str
    origin: str
    run: str | None = None  # none: a moment that has no row yet
    schedule: str | None = None
    schedule_name: str | None = None
    event: str | None = None
    invitation: str | None = None
    channel: str | None = None
    state: str | None = None  # of the ask, or of the run
    reason: str | None = None
    until: datetime | None = None
    rests_on: Ask | None = None
    unmet: tuple[Member, ...] = ()  # what of the audience is not true of them


def rests_on(asks: list[Ask], metric: str, rest: Rest, before: datetime) -> Ask | None:
    """The ask because of which somebody rested at this moment: of the two clocks the later.

    One that still waited then counts as of then, whenever it left.
    """
    planned = [each for each in asks if (each.planned_at or each.at) <= before]
    earlier = [replace(each, at=min(each.at, before)) for each in planned]
    last = max(earlier, key=lambda each: each.at, default=None)
    same = max((each for each in earlier if each.metric == metric), key=lambda each: each.at, default=None)
    if last is None or same is None:
        return last
    return same if rest.ends(same.at, rest.metric_days) >= rest.ends(last.at, rest.days) else last
