"""The steps by which what is due becomes occurrences: a row for every moment, whatever becomes of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from app.db import insert_into
from app.domain.cadence import LOCAL, MINUTE, Cadence, Repeat, Run, due_runs, late_runs, moment_of
from app.domain.days_off import NO_DAYS_OFF, DaysOff, OffDays
from app.domain.rrules import read_rule
from app.domain.schedules import first_moment
from app.models import Occurrence, Schedule, Workspace, new_id
from app.services import audiences

Ended = tuple[str, str] | None  # the state and the reason of a run that ends before it begins
LATEST_FOR_ONE = timedelta(days=3)  # after an event or in a sequence: later the question comes out of nowhere
# Of who wants nothing late: "now" is the minute that began, and workers take turns
LEAST = timedelta(minutes=5)


@dataclass(frozen=True)
class Due:
    """One due moment: where it came from and by which key it is known there; for one person, or for all."""

    origin: str
    key: str
    at: datetime
    contact_id: str | None = None
    ended: Ended = None
    named: datetime | None = None  # after an event, on the wall: days off have moved the moment from there


def days_off_of(session: Session, workspace_id: str) -> DaysOff:
    """A step: the days on which this workspace asks nobody, or may not."""
    workspace = session.get_one(Workspace, workspace_id)
    return DaysOff.from_settings(workspace.business_days, workspace.holidays, workspace.blackout_dates)


def cadence_of(schedule: Schedule, days_off: DaysOff = NO_DAYS_OFF) -> Cadence:
    """The rule of a schedule's row, in the week of its workspace."""
    return Cadence(
        Repeat(schedule.repeat),
        datetime.fromisoformat(schedule.starts_at),
        ZoneInfo(schedule.time_zone),
        own_rule=read_rule(schedule.rrule) if schedule.rrule else None,
        off_days=_off_days(schedule),
        days_off=days_off,
    )


def _off_days(schedule: Schedule) -> OffDays:
    """Its choice; but nobody knew of an event on the business day before it."""
    chosen = OffDays(schedule.off_days)
    after_event = schedule.repeat == Repeat.EVENT
    return OffDays.NEXT if after_event and chosen is OffDays.PREVIOUS else chosen


def begin(schedule: Schedule, cadence: Cadence, now: datetime) -> None:
    """A step: its next moment by a rule that is new; without one it has ended, unless it waits for events."""
    run = first_moment(cadence, now)
    schedule.planned_to = _before(run.local) if run else None
    _wait_for(schedule, run)


def retime(schedule: Schedule, cadence: Cadence) -> bool:
    """A step: the rule stays, but zones' rules or days off have changed. Is it due at another moment now?"""
    before = schedule.next_due_at
    if before is not None:
        _wait_for(schedule, next(cadence.moments(_planned_to(schedule)), None))
    return schedule.next_due_at != before


def retime_all(session: Session, workspace_id: str) -> None:
    """A step: the same for every schedule of a workspace whose days off have changed.

    Those after events are held as well: what happens now is either written by now or counts by the new days.
    """
    waits = or_(Schedule.next_due_at.is_not(None), Schedule.repeat == Repeat.EVENT.value)
    query = select(Schedule).where(Schedule.workspace_id == workspace_id, waits)
    days_off = days_off_of(session, workspace_id)
    for schedule in session.scalars(query.order_by(Schedule.id).with_for_update()):
        retime(schedule, cadence_of(schedule, days_off))


def come_due(session: Session, schedule: Schedule, now: datetime, *, give_up: Ended = None) -> list[datetime]:
    """A step: a row for every moment of this locked schedule that has come, and when the next one is.

    What comes due while it is paused is skipped and not made up for: nobody is asked by surprise. `give_up`:
    all of them end like this. Gives the moments that did.
    """
    if schedule.state not in ("active", "paused") or not schedule.next_due_at or schedule.next_due_at > now:
        return []  # another worker was quicker, or somebody cancelled it
    cadence = cadence_of(schedule, days_off_of(session, schedule.workspace_id))
    due = due_runs(cadence, _planned_to(schedule), now)
    rows = [
        Due(
            "schedule",
            f"{schedule.id}:{run.local}:{schedule.time_zone}",
            run.due_at,
            ended=(give_up if run.off is None else None) or ended,
        )
        for run, ended in _endings(session, schedule, cadence, due, now)
    ]
    if any(run.off is None for run in due):
        _give_up_those_before(session, schedule, rows, now)
    for each in rows:
        occur(session, schedule, cadence, each, now)
    if due:
        schedule.planned_to = due[-1].local
    _wait_for(schedule, next(cadence.moments(_planned_to(schedule)), None))
    return [each.at for each in rows if give_up is not None and each.ended == give_up]


def _endings(
    session: Session, schedule: Schedule, cadence: Cadence, due: list[Run], now: datetime
) -> Iterator[tuple[Run, Ended]]:
    """Each of these moments with how it ends at once; None for the one that runs now."""
    _, chosen = late_runs(due, now, latest_of(schedule, cadence))
    for run in due:
        if run.off is not None:
            yield run, ("skipped", run.off)
        elif schedule.state == "paused":
            yield run, ("skipped", "paused")
        elif run is not chosen:
            yield run, ("missed", "late")
        else:
            yield run, ("skipped", "overlap") if still_runs(session, schedule.id) else None


def latest_of(schedule: Schedule, cadence: Cadence) -> timedelta:
    """How late a run by the clock may be: the schedule's own choice, or its rule's."""
    return _late(schedule, cadence.latest)


def latest_for_one(schedule: Schedule) -> timedelta:
    """The same for a question after an event, or the next of a sequence."""
    return _late(schedule, LATEST_FOR_ONE)


def _late(schedule: Schedule, usual: timedelta) -> timedelta:
    return usual if schedule.late_hours is None else max(timedelta(hours=schedule.late_hours), LEAST)


def occur(session: Session, schedule: Schedule, cadence: Cadence, due: Due, now: datetime) -> str | None:
    """A step: one row for one due moment, and one for each step that follows it; its id.

    Unique by origin and key: None when another planner has written it, who then wrote its steps as well.
    """
    state, reason = due.ended or ("due", None)
    first = {
        "workspace_id": schedule.workspace_id,
        "schedule_id": schedule.id,
        "survey_id": schedule.survey_id,
        "contact_id": due.contact_id,
        "origin": due.origin,
        "key": due.key,
        "audience": audiences.of_schedule(session, schedule),
        "channels": schedule.channels,
        "terms": schedule.terms,
        "early_days": cadence.early_days if due.origin == "schedule" else 0,
        "every_days": schedule.every_days,
        "after_days": None,
        "off_days": cadence.off_days.value if due.named else None,
        "named_at": due.named.isoformat() if due.named else None,
        "time_zone": cadence.zone.key if due.named else None,
        "state": state,
        "reason": reason,
        "due_at": due.at,
        "created_at": now,
        "ended_at": now if due.ended else None,
    }
    id = _insert(session, first)
    if id is not None and due.ended is None:
        _follow(session, schedule, cadence, first, id)
    return id


def _follow(
    session: Session, schedule: Schedule, cadence: Cadence, first: dict[str, Any], first_id: str
) -> None:
    """The rest of the sequence: each step so many days after the one before, for whom that one has asked.

    Those are the audience and the sample: filters that were true of them before the first ask need not be
    any more ("never asked"), and lots are drawn once.
    """
    terms = {name: value for name, value in first["terms"].items() if name != "sample"}
    local, before = local_time(first["due_at"], cadence), first_id
    for number, step in enumerate(schedule.steps, start=1):
        named = local + timedelta(days=step["after_days"])
        local = cadence.step_on(named, local)
        row = first | {
            "survey_id": step["survey"],
            "origin": "sequence",
            "audience": {},
            "terms": terms,
            "key": f"{first_id}:{number}",
            "after_id": before,
            "step": number,
            "early_days": 0,
            "after_days": step["after_days"],
            "off_days": cadence.off_days.value,
            **on_the_wall(local, cadence, named),
        }
        before = _insert(session, row) or before


def on_the_wall(local: datetime, cadence: Cadence, named: datetime) -> dict[str, Any]:
    """When a step comes: the time on the wall and its zone, and the moment that this is by today's rules.

    `named`: when it would come if no day off had moved it.
    """
    zone = cadence.zone
    wall = {"local_at": local.isoformat(), "time_zone": zone.key, "named_at": named.isoformat()}
    return wall | {"due_at": moment_of(local, zone)}


def local_time(moment: datetime, cadence: Cadence) -> datetime:
    """What the clock on the wall shows there."""
    return moment.astimezone(cadence.zone).replace(tzinfo=None)


def _insert(session: Session, values: dict[str, Any]) -> str | None:
    adding = insert_into(session, Occurrence).values(id=new_id(), **values).on_conflict_do_nothing()
    return session.scalar(adding.returning(Occurrence.id))


def give_up_unbegun(session: Session, schedule: Schedule, now: datetime) -> None:
    """A step: runs by the clock that have asked nobody end, for whom they are about has been changed.

    Their moments are free again: by the new rule another run may be due at the same one.
    """
    due = select(Occurrence).where(Occurrence.state == "due", *_by_the_clock(schedule.id))
    for run in session.scalars(due).all():
        skip(session, schedule.id, run.id, "edited", now)
        run.key = f"{run.id}:edited"


def skip(session: Session, schedule_id: str, run_id: str, reason: str, now: datetime) -> None:
    """A step: a run that has not begun does not, nor do its later steps."""
    steps = and_(Occurrence.origin == "sequence", Occurrence.key.startswith(f"{run_id}:", autoescape=True))
    session.execute(
        update(Occurrence)
        .where(or_(Occurrence.id == run_id, steps), Occurrence.schedule_id == schedule_id)
        .where(Occurrence.state == "due")
        .values(state="skipped", reason=reason, ended_at=now)
    )


def _give_up_those_before(session: Session, schedule: Schedule, rows: list[Due], now: datetime) -> None:
    """One that has not begun when the next comes due is missed: as after downtime, only the latest runs.

    The latest may have its row already: a change of the schedule names the moment again that just came.
    """
    latest = [each.key for each in rows if each.ended is None]
    if schedule.state == "active":
        session.execute(
            update(Occurrence)
            .where(Occurrence.state == "due", *_by_the_clock(schedule.id), Occurrence.key.not_in(latest))
            .values(state="missed", reason="late", ended_at=now)
        )


def still_runs(session: Session, schedule_id: str) -> bool:
    """A step: is a run by the clock still asking? Two at once would ask in each other's way."""
    earlier = select(Occurrence.id).where(Occurrence.state == "running", *_by_the_clock(schedule_id))
    return session.scalar(earlier.limit(1)) is not None


def _by_the_clock(schedule_id: str) -> tuple[ColumnElement[bool], ...]:
    return Occurrence.schedule_id == schedule_id, Occurrence.origin == "schedule"


def _wait_for(schedule: Schedule, run: Run | None) -> None:
    schedule.next_due_at = run.due_at if run else None
    if run is None and schedule.repeat != Repeat.EVENT and schedule.state == "active":
        schedule.state = "ended"  # one that is paused ends as it is resumed: some of it may wait for that


def _planned_to(schedule: Schedule) -> datetime:
    """The time on the wall up to which every moment has its row."""
    if schedule.planned_to is not None:
        return datetime.fromisoformat(schedule.planned_to)
    assert schedule.next_due_at is not None  # from before this was kept: nothing of it is due earlier
    local = schedule.next_due_at.astimezone(ZoneInfo(schedule.time_zone)).replace(tzinfo=None)
    return local - MINUTE


def _before(local: str) -> str:
    return (datetime.fromisoformat(local) - MINUTE).strftime(LOCAL)
