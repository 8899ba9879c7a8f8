"""Opening a pulse: its key, its row, and the invitations of its people, some at a time.

Until all of them are decided about its occurrence is `running`, and it reminds nobody. Killed anywhere, the
worker goes on with it; closing ends it, and whoever was not asked by then is not.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import sealing
from app.domain.anonymity import Thresholds
from app.domain.metrics import Metric
from app.domain.pace import Pace
from app.models import Occurrence, Pulse, Schedule, Workspace, new_id
from app.runtime import Runtime
from app.services import asking_terms, at_leisure, inviting, inviting_many, portions, standstill, whose_turn
from app.services.asking_terms import Asking
from app.services.at_leisure import Next
from app.services.inviting_many import Statements

OPEN_FOR = timedelta(days=14)  # two working weeks: long enough for a holiday, short enough to remember


@dataclass(frozen=True)
class Key:
    """The id of a pulse to be, whose private key lies in a file, and its public key."""

    pulse_id: str
    public_key: bytes


@dataclass
class Opening:
    """What somebody who opens a pulse knows of it between two commits."""

    pace: Pace
    looks_up: bool  # its next people are looked up before each commit
    pulse_id: str | None = None  # there is a pulse: nobody has to make a key
    key: Key | None = None
    said: tuple[object, Statements] | None = None  # the statements of the last commit, and for what they hold


def opening(runtime: Runtime, audience: Mapping[str, object]) -> Opening:
    """From the first people on, or from wherever somebody was killed."""
    return Opening(portions.pace(runtime), looks_up=bool(audience))


def open_some(runtime: Runtime, occurrence_id: str, course: Opening) -> tuple[int, bool]:
    """Decide about the next people in a transaction: how many they were, and whether there may be more."""
    found = at_leisure.whom_next(runtime, occurrence_id, course.pace.people) if course.looks_up else None
    _prepare(runtime, occurrence_id, course)
    began = time.perf_counter()
    with runtime.db.write() as session:
        occurrence = _running(session, occurrence_id)
        number, more = 0, False
        if occurrence is not None:
            number, more = _ask_some(session, runtime, occurrence, course, found)
            runtime.reach("pulse_before_commit")
    course.pace.took(time.perf_counter() - began)
    if not more:
        _forget_key(runtime, course)
    if occurrence is not None:
        runtime.reach("pulse_opened_some")
    return number, more


def make_key(runtime: Runtime) -> Key:
    """Before the transaction that opens the pulse: no pulse is ever open without its key, and nobody waits.

    A crash in between leaves a key that opens nothing.
    """
    id = new_id()
    return Key(id, sealing.make_key(runtime.config.keys_dir, id))


def add(session: Session, occurrence: Occurrence, key: Key, now: datetime, closes_at: datetime) -> Pulse:
    """A step: the pulse itself."""
    promised = Thresholds()
    pulse = Pulse(
        id=key.pulse_id,
        workspace_id=occurrence.workspace_id,
        occurrence_id=occurrence.id,
        survey_id=occurrence.survey_id,
        version_id=occurrence.version_id,
        state="open",
        public_key=key.public_key,
        least_answers=promised.answers,
        least_comments=promised.comments,
        opened_at=now,
        closes_at=closes_at,
    )
    session.add(pulse)
    session.flush()
    return pulse


def _prepare(runtime: Runtime, occurrence_id: str, course: Opening) -> None:
    """What takes a while and needs no pen: the key, the statements."""
    with runtime.db.read() as session:
        occurrence = session.get_one(Occurrence, occurrence_id)
        _said(session, runtime, occurrence, _asking(session, runtime, occurrence), course)
        its_pulse = select(Pulse.id).where(Pulse.occurrence_id == occurrence_id)
        course.pulse_id = session.scalar(its_pulse)
    if course.pulse_id is None and course.key is None:
        course.key = make_key(runtime)


def _forget_key(runtime: Runtime, course: Opening) -> None:
    """We made one that opened nothing: nobody was asked, another was first, or it was paused just then."""
    if course.key is not None and course.key.pulse_id != course.pulse_id:
        sealing.destroy(runtime.config.keys_dir, course.key.pulse_id)
        course.key = None


def _ask_some(
    session: Session, runtime: Runtime, occurrence: Occurrence, course: Opening, found: Next | None
) -> tuple[int, bool]:
    """In the order of their ids. The first of them who is asked opens the pulse of a schedule."""
    if found is not None and found.after != occurrence.expanded_to:  # somebody else came to them first
        return 0, True
    inviting.one_at_a_time(session, occurrence.workspace_id)
    ask = _asking(session, runtime, occurrence)
    pulse = session.scalars(select(Pulse).where(Pulse.occurrence_id == occurrence.id)).one_or_none()
    closes_at = pulse.closes_at if pulse else ask.now + OPEN_FOR
    if closes_at <= ask.now:  # opened late, or not to the end: who was asked was asked
        _end(occurrence, is_open=True, now=ask.now)
        return 0, False
    most = course.pace.people
    done = inviting_many.invite_some(
        session, occurrence, ask, _said(session, runtime, occurrence, ask, course),
        most=most, due_at=ask.now, expires_at=closes_at, these=None if found is None else found.ids,
    )  # fmt: skip
    if done.asked and pulse is None:
        pulse = add(session, occurrence, course.key or make_key(runtime), ask.now, closes_at)
    course.pulse_id = pulse.id if pulse else None
    occurrence.asked += done.asked
    occurrence.expanded_to = found.ids[-1] if found and found.ids else done.last or occurrence.expanded_to
    more = done.number == most if found is None else found.has_more
    if not more:
        _end(occurrence, is_open=pulse is not None, now=ask.now)
    session.flush()
    return done.number, more


def _running(session: Session, occurrence_id: str) -> Occurrence | None:
    """The occurrence for us alone, its schedule shared, so that pausing and cancelling wait for a commit.

    None when all are decided about, somebody else does it, the schedule is paused, or a stop has it wait.
    """
    its_schedule = select(Occurrence.schedule_id).where(Occurrence.id == occurrence_id).scalar_subquery()
    query = select(Schedule).where(Schedule.id == its_schedule).with_for_update(read=True)
    schedule = session.scalars(query).one_or_none()
    if schedule is not None and schedule.state == "paused":
        return None
    running = select(Occurrence).where(Occurrence.id == occurrence_id, Occurrence.state == "running")
    goes_on = running.where(~standstill.stands_still())
    return session.scalars(goes_on.with_for_update(skip_locked=True)).one_or_none()


def _asking(session: Session, runtime: Runtime, occurrence: Occurrence) -> Asking:
    if occurrence.schedule_id is not None:
        schedule = session.get_one(Schedule, occurrence.schedule_id)
        return whose_turn.asking(session, runtime, schedule, Metric.ENPS, occurrence)
    return asking_terms.asking(
        session, runtime, occurrence.workspace_id, Metric.ENPS,
        channels=occurrence.channels or ("email",), occurrence_id=occurrence.id,
    )  # fmt: skip


def _said(
    session: Session, runtime: Runtime, occurrence: Occurrence, ask: Asking, course: Opening
) -> Statements:
    """The statements of the last commit, as long as they would be built alike: within a minute."""
    locale = session.get_one(Workspace, occurrence.workspace_id).locale
    holds_for = (replace(ask, now=ask.now.replace(second=0, microsecond=0)), locale)
    if course.said is None or course.said[0] != holds_for:
        people = at_leisure.people_of(session, runtime, occurrence, ask.metric, by_ids=course.looks_up)
        next_of = inviting_many.looked_up if course.looks_up else inviting_many.in_order
        course.said = holds_for, inviting_many.statements(occurrence, ask, next_of(people), locale)
    return course.said[1]


def _end(occurrence: Occurrence, *, is_open: bool, now: datetime) -> None:
    occurrence.state, occurrence.ended_at = "run" if is_open else "skipped", now
    occurrence.reason = None if is_open else "nobody"
