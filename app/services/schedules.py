"""Schedules: made, changed, paused, resumed, cancelled. The planner makes them ask."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.domain.cadence import Cadence, Repeat
from app.domain.days_off import OffDays
from app.domain.schedules import (
    Changes,
    beginning_problems,
    read_changes,
    this_minute,
    written,
)
from app.errors import Conflict, Invalid, problem
from app.models import Schedule, new_id
from app.runtime import Runtime
from app.services import (
    access,
    audiences,
    audit,
    brakes,
    coming_due,
    planning,
    schedule_rules,
    unsent,
)
from app.services.access import Visitor
from app.services.once import Once


def create(runtime: Runtime, who: Visitor, raw: Mapping[str, object], once: Once | None = None) -> str:
    """A schedule that is active at once; gives its id. `raw` has the fields of domain.schedules.Changes.

    `survey` and `repeat` are needed; without `at` its first run is now; the zone is the workspace's unless
    one is given. Raises Invalid with a problem for each wrong field.
    """
    with runtime.db.write() as session:
        schedule = drafted(session, who, raw, runtime.clock())
        audiences.hold(session, schedule)
        schedule_rules.hold(session, schedule)
        session.add(schedule)
        audit.note(session, who, schedule.created_at, "schedule.created", schedule.id)
        if once:
            once.keep(session, schedule.id)
        return schedule.id


def drafted(session: Session, who: Visitor, raw: Mapping[str, object], now: datetime) -> Schedule:
    """A step: the schedule that `create` would make, not yet in the session."""
    given = read_changes(raw)
    missing = [
        problem(name, words)
        for name, words in (("survey", "Choose a survey."), ("repeat", "Choose how often."))
        if name not in given
    ]
    if missing:
        raise Invalid(missing)
    zone = ZoneInfo(given.get("time_zone", who.time_zone))
    at = given.get("at")
    if at is not None and (problems := beginning_problems(at, zone, now)):
        raise Invalid(problems)
    survey = schedule_rules.askable(session, who, given["survey"])
    audience, segment_id = audiences.chosen(session, who, given.get("audience"))
    schedule = Schedule(
        id=new_id(),
        workspace_id=who.workspace_id,
        survey_id=survey.id,
        name=given.get("name") or survey.name,
        audience=audience,
        segment_id=segment_id,
        repeat=given["repeat"].value,
        starts_at=written(at or this_minute(zone, now)),
        time_zone=zone.key,
        off_days=OffDays.RUN.value,
        trigger={},
        steps=[],
        channels=given.get("channels", ["email"]),
        state="active",
        revision=1,
        created_at=now,
        updated_at=now,
    )
    schedule_rules.take(session, who, schedule, given)
    coming_due.begin(schedule, schedule_rules.checked(session, schedule, now), now)
    return schedule


def edit(
    runtime: Runtime, who: Visitor, id: str, raw: Mapping[str, object], revision: int | None = None
) -> int:
    """Change what is given; runs that have begun keep what they began with. Gives the revision.

    One that has ended begins again when it is given a later time. Raises Invalid, Conflict for one that is
    cancelled, when somebody else saved since `revision` (None: the last one wins), and where a run under way
    would ask others than it began with.
    """
    given = read_changes(raw)
    now = runtime.clock()
    with runtime.db.write() as session:
        schedule = access.own(session, who, Schedule, id, lock=True)
        _refuse_change(schedule, revision)
        if (at := given.get("at")) and written(at) == schedule.starts_at:
            del given["at"]  # said as it is
        coming_due.come_due(session, schedule, now)
        before = coming_due.cadence_of(schedule)
        _take(session, who, schedule, given)
        schedule_rules.take(session, who, schedule, given)
        if schedule.repeat == Repeat.EVENT and before.repeat is not Repeat.EVENT:
            schedule.starts_at = written(this_minute(ZoneInfo(schedule.time_zone), now))
        _ask_others(session, schedule, before, now)
        was_over = schedule.state == "ended"
        _retime(session, schedule, before, now)
        begins_again = was_over and schedule.state != "ended"
        if begins_again or given.keys() & {"survey", "steps"}:
            schedule_rules.hold(session, schedule)
        _touch(schedule, now)
        audit.note(session, who, now, "schedule.edited", id, fields=sorted(given))
        return schedule.revision


def pause(runtime: Runtime, who: Visitor, id: str, once: Once | None = None) -> int:
    """Nothing more leaves; what comes due meanwhile is skipped. How many people wait. Twice is harmless.

    Raises Conflict when nothing of it is left to pause.
    """
    now, waiting = runtime.clock(), unsent.number(runtime, id)
    with runtime.db.write() as session:
        if once:
            once.keep(session, id)
        schedule = access.own(session, who, Schedule, id, lock=True)
        coming_due.come_due(session, schedule, now)
        if schedule.state == "paused":
            return waiting
        is_over = schedule.state == "ended" and not unsent.is_under_way(session, id)
        if schedule.state == "cancelled" or is_over:
            raise Conflict("Nothing of this schedule is left to pause.")
        schedule.state = "paused"
        audit.note(session, who, now, "schedule.paused", id)
        _touch(schedule, now)
        moved = unsent.follow(session, schedule, now)
        return waiting if schedule.unsettled else moved


def resume(runtime: Runtime, who: Visitor, id: str) -> int:
    """Go on: those who were held are asked in their turn. How many people. Twice is harmless.

    Raises Conflict for one that is cancelled.
    """
    now, waiting = runtime.clock(), unsent.number(runtime, id)
    with runtime.db.write() as session:
        schedule = _unbraked(session, who, id)
        if schedule.state == "cancelled":
            raise Conflict("This schedule is cancelled. Make a new one.")
        coming_due.come_due(session, schedule, now)
        brakes.lift(session, id, now)
        if schedule.state == "paused":
            goes_on = schedule.next_due_at is not None or schedule.repeat == Repeat.EVENT
            schedule.state = "active" if goes_on else "ended"
            audit.note(session, who, now, "schedule.resumed", id)
            _touch(schedule, now)
        moved = unsent.follow(session, schedule, now)
        return waiting if schedule.unsettled else moved


def cancel(runtime: Runtime, who: Visitor, id: str) -> int:
    """End it for good: who has not been asked is not asked; who has can still answer.

    How many people waited to be asked; whom a run under way had not come to is counted afterwards
    (`sparing`). Twice is harmless.
    """
    now, waiting = runtime.clock(), unsent.number(runtime, id)
    with runtime.db.write() as session:
        schedule = _unbraked(session, who, id)
        if schedule.state == "cancelled":
            return 0
        coming_due.come_due(session, schedule, now)
        brakes.lift(session, id, now)
        schedule.state = "cancelled"
        audit.note(session, who, now, "schedule.cancelled", id)
        schedule.next_due_at = None
        _touch(schedule, now)
        session.flush()
        moved = planning.stop_asking(session, schedule, now)
        return waiting if schedule.unsettled else moved


def _unbraked(session: Session, who: Visitor, id: str) -> Schedule:
    """The schedule held, after the count of its bounces: what brakes it takes them in that order."""
    schedule = access.own(session, who, Schedule, id)
    brakes.alone(session, schedule.id)
    session.refresh(schedule, with_for_update=True)
    return schedule


def _refuse_change(schedule: Schedule, revision: int | None) -> None:
    if schedule.state == "cancelled":
        raise Conflict("This schedule is cancelled. Make a new one.")
    if revision is not None and revision != schedule.revision:
        raise Conflict(
            "Somebody else has changed this schedule since you opened it. Nothing of theirs was lost."
        )


def _take(session: Session, who: Visitor, schedule: Schedule, given: Changes) -> None:
    """Everything but how it repeats."""
    if "survey" in given and given["survey"] != schedule.survey_id:
        schedule.survey_id = schedule_rules.askable(session, who, given["survey"]).id
    if given.get("name"):
        schedule.name = str(given["name"])
    if "audience" in given:
        schedule.audience, schedule.segment_id = audiences.chosen(session, who, given["audience"])
        audiences.hold(session, schedule)
    if at := given.get("at"):
        schedule.starts_at = written(at)
    if "time_zone" in given:
        schedule.time_zone = given["time_zone"]
    if "channels" in given:
        schedule.channels = given["channels"]


def _ask_others(session: Session, schedule: Schedule, before: Cadence, now: datetime) -> None:
    """All at once, or each by their own clock: not while a run asks; what has not begun ends."""
    by_person = Repeat.EACH_PERSON
    if (before.repeat is by_person) == (schedule.repeat == by_person):
        return
    if coming_due.still_runs(session, schedule.id):
        raise Conflict(
            "A run of this schedule has not asked everybody yet."
            " Change how it repeats when it has, or cancel it and make a new one."
        )
    coming_due.give_up_unbegun(session, schedule, now)


def _retime(session: Session, schedule: Schedule, before: Cadence, now: datetime) -> None:
    """Its next run by the rule as it is now. A beginning that stays may lie in the past, except for once."""
    chosen = coming_due.cadence_of(schedule)
    if chosen == before:
        return
    begins_anew = chosen.starts_at != before.starts_at or chosen.repeat is Repeat.ONCE
    if begins_anew and (problems := beginning_problems(chosen.starts_at, chosen.zone, now)):
        raise Invalid(problems)
    if schedule.state == "ended":
        schedule.state = "active"
    coming_due.begin(schedule, schedule_rules.checked(session, schedule, now), now)


def _touch(schedule: Schedule, now: datetime) -> None:
    schedule.revision += 1
    schedule.updated_at = now
