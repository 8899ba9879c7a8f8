"""/schedules: who is asked which survey, when."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.errors import Unavailable
from app.services import runs, schedule_previews, schedule_sheets
from app.services import schedules as verbs
from app.services.schedule_sheets import Sheet
from app.web.api.audiences import Audience, shown
from app.web.api.routes import Call, Made, noun
from app.web.api.schemas import Body, Channel, Id, Moment, Paged, PageOf, Resource, Scalar, absent

schedules = noun("Schedules", "Who is asked which survey, when: by the clocks of one time zone.")

Repeat = Literal["once", "daily", "weekly", "monthly", "quarterly", "custom", "each_person", "event"]
OffDays = Literal["run", "next", "previous", "skip"]
OFF_DAYS = (
    "On a weekend or holiday of the workspace: run, or the next or previous business day, or skip."
    " After an event the previous one is read as the next."
)
RRULE = "With `custom`: a part of RFC 5545, as FREQ=MONTHLY;BYDAY=-1FR; at most one run a day."
EVERY_DAYS = "With `each_person`: so many days after their last ask of this metric, spread over the days."
LATE_HOURS = "How late a run may begin; later it is missed. 0: some minutes. Null: as its rule allows."
STEPS = (
    "What follows, for those whom the step before asked, answered or not. Days off move a step, or run it."
)
Local = Annotated[str, Field(description="A time on the wall, as 2026-12-01T10:00.")]


class Condition(Body):
    """One property of the event, compared exactly; a missing one is an empty text."""

    property: str
    operator: Literal["equals", "one_of", "not", "is_set"]
    values: list[Scalar] = absent("None for `is_set`, one for `equals`.")


class Trigger(Body):
    """Ask after an event of this name."""

    event: str
    after_hours: int = absent("By default at once.")
    newest_within_hours: int = absent("Of several of one person within it, only the newest. 0: each.")
    only: list[Condition] = absent("Conditions that all have to hold.")


class Step(Body):
    """The next ask of a sequence."""

    survey: Id
    after_days: int


class Sample(Body):
    """Either a share in per cent or a number of people; in proportion in each group of an attribute."""

    share: int = absent()
    number: int = absent()
    by: str = absent("The name of an attribute.")


class Terms(Body):
    """How the people of a run are asked; what is absent is as usual. A pulse takes `per_hour` alone."""

    reminders: list[int] = absent("Days after the ask, at most three of them; by default [3], [] is none.")
    remind_elsewhere: bool = absent("On the next channel of the list that is open.")
    sample: Sample = absent("Ask only some, drawn anew for each run.")
    holdout: int = absent("Per cent of the people whom this schedule never asks; always the same ones.")
    per_hour: int = absent("So many leave in an hour.")
    their_channel_first: bool = absent(
        "Their preferred channel comes first, then where they answered last, of those in the list."
    )


class NewSchedule(Body):
    """Active at once. Without `at` its first run is now; without a zone it is the workspace's.

    After events there is no first run, and `at` is refused.
    """

    name: str | None = Field(None, description="By default the survey's.")
    survey: Id
    audience: Audience = absent("Who is meant; by default everybody who is there.")
    repeat: Repeat
    at: Local | None = None
    time_zone: str = absent("An IANA zone.")
    channels: list[Channel] = absent("In the order in which they are tried; by default e-mail.")
    rrule: str = absent(RRULE)
    every_days: int = absent(EVERY_DAYS)
    trigger: Trigger = absent("With `event`: which one.")
    off_days: OffDays = absent(OFF_DAYS)
    steps: list[Step] = absent(STEPS)
    late_hours: int | None = Field(None, description=LATE_HOURS)
    terms: Terms = absent()


class ScheduleChanges(Body):
    """What is absent stays; runs that have begun keep what they began with."""

    name: str = absent()
    survey: Id = absent()
    audience: Audience = absent()
    repeat: Repeat = absent()
    at: Local = absent()
    time_zone: str = absent()
    channels: list[Channel] = absent()
    rrule: str = absent(RRULE)
    every_days: int = absent(EVERY_DAYS)
    trigger: Trigger = absent()
    off_days: OffDays = absent(OFF_DAYS)
    steps: list[Step] = absent(STEPS)
    late_hours: int | None = Field(None, description=LATE_HOURS)
    terms: Terms = absent()
    revision: int = absent("The one that you read: 409 when somebody has saved since.")


class Stopped(Resource):
    """Why a schedule paused itself."""

    why: Literal["bounces", "refused", "complaints"]
    failed: int
    known: int | None = Field(
        description="Of so many messages whose end was known; of complaints, that arrived."
    )
    at: Moment


class Schedule(Resource):
    """A schedule and how it stands."""

    id: str
    name: str
    survey: str
    audience: Audience
    repeat: Repeat
    at: str = Field(description="The time on the wall that its rule counts from.")
    time_zone: str
    channels: list[Channel]
    rrule: str | None = Field(description="The calendar rule underneath, also of the simple ones.")
    every_days: int | None
    trigger: dict[str, Any] | None
    off_days: OffDays
    steps: list[dict[str, Any]]
    late_hours: int | None
    terms: dict[str, Any] = Field(description="Without what is as usual.")
    state: Literal["active", "paused", "ended", "cancelled"]
    next_run_at: Moment | None
    waiting: int | None = Field(
        description="People decided about and not asked yet; null: to count them takes too long just now."
    )
    stopped: Stopped | None = Field(description="It paused itself, and nobody has resumed it since.")
    revision: int
    created_at: Moment
    updated_at: Moment


class Preview(Resource):
    """What would happen if it ran now."""

    asked: int | None = Field(description="Null: to count them takes too long just now.")
    not_asked: int | None
    reasons: dict[str, int] = Field(description="How many not, by reason.")


class Occurrence(Resource):
    """One run that was due, and how it ended."""

    id: str
    origin: Literal["schedule", "trigger", "sequence"]
    step: int = Field(description="Of a sequence: 0 is its first ask.")
    contact: str | None = Field(description="A run for one person, after an event.")
    due_at: Moment
    state: Literal["due", "running", "run", "skipped", "missed", "cancelled"]
    reason: str | None
    asked: int | None = Field(description="Null: to count them takes too long just now.")
    waiting: int | None
    reasons: dict[str, int] = Field(description="How many were not asked, by reason.")
    complaints: int = Field(description="How many of those asked reported it as spam.")
    pulse: str | None = Field(description="The pulse that it opened.")
    counting: bool = Field(description="Just cancelled: whom it had not come to is not in the reasons yet.")


def _shown(sheet: Sheet) -> dict[str, object]:
    return {
        "id": sheet.id,
        "name": sheet.name,
        "survey": sheet.survey_id,
        "audience": shown(sheet.audience, sheet.segment and sheet.segment[0]),
        "repeat": sheet.repeat.value,
        "at": sheet.at,
        "time_zone": sheet.time_zone,
        "channels": list(sheet.channels),
        "rrule": sheet.rrule,
        "every_days": sheet.every_days,
        "trigger": sheet.trigger.to_json() if sheet.trigger else None,
        "off_days": sheet.off_days.value,
        "steps": [step.to_json() for step in sheet.steps],
        "late_hours": sheet.late_hours,
        "terms": sheet.terms.to_json(),
        "state": sheet.state,
        "next_run_at": sheet.next_runs[0].due_at if sheet.next_runs and sheet.state == "active" else None,
        "waiting": sheet.waiting,
        "stopped": sheet.stopped
        and {each: getattr(sheet.stopped, each) for each in ("why", "failed", "known", "at")},
        "revision": sheet.revision,
        "created_at": sheet.created_at,
        "updated_at": sheet.updated_at,
    }


def one(call: Call, id: str) -> dict[str, object]:
    return _shown(schedule_sheets.get(call.runtime, call.who, id))


@schedules.post("/schedules", "schedules:write", one, Schedule)
def create_schedule(call: Call, body: NewSchedule) -> Made:
    """A schedule that is active at once."""
    return Made(verbs.create(call.runtime, call.who, body.given(), call.once))


@schedules.get("/schedules", "schedules:read", PageOf[Schedule])
def list_schedules(call: Call, query: Paged) -> object:
    """Every schedule, the newest first."""
    page = schedule_sheets.list_schedules(call.runtime, call.who, cursor=query.cursor, limit=query.limit)
    return {"items": [_shown(sheet) for sheet in page.items], "next_cursor": page.next_cursor}


@schedules.get("/schedules/{id}", "schedules:read", Schedule)
def get_schedule(call: Call, id: str) -> object:
    """One schedule."""
    return one(call, id)


@schedules.patch("/schedules/{id}", "schedules:write", Schedule)
def edit_schedule(call: Call, id: str, body: ScheduleChanges) -> object:
    """Change what is sent; one that has ended begins again when it is given a later time."""
    changes = body.given()
    revision = changes.pop("revision", None)
    verbs.edit(call.runtime, call.who, id, changes, revision)
    return one(call, id)


@schedules.delete("/schedules/{id}", "schedules:write")
def cancel_schedule(call: Call, id: str) -> None:
    """End it for good: who has not been asked is not asked."""
    verbs.cancel(call.runtime, call.who, id)


@schedules.post("/schedules/{id}/pause", "schedules:write", one, Schedule)
def pause_schedule(call: Call, id: str) -> Made:
    """Nothing more leaves until it is resumed; what comes due meanwhile is skipped."""
    verbs.pause(call.runtime, call.who, id, call.once)
    return Made(id)


@schedules.delete("/schedules/{id}/pause", "schedules:write")
def resume_schedule(call: Call, id: str) -> None:
    """Go on: those who were held are asked in their turn."""
    verbs.resume(call.runtime, call.who, id)


@schedules.get("/schedules/{id}/preview", "schedules:read", Preview)
def preview_schedule(call: Call, id: str) -> object:
    """How many people it would ask now, how many not, and why."""
    try:
        found = schedule_previews.preview(call.runtime, call.who, id)
    except Unavailable:
        return {"asked": None, "not_asked": None, "reasons": {}}
    return {"asked": found.asked, "not_asked": found.total - found.asked, "reasons": dict(found.not_asked)}


@schedules.get("/schedules/{id}/occurrences", "schedules:read", PageOf[Occurrence])
def schedule_occurrences(call: Call, id: str, query: Paged) -> object:
    """What was due, and how each run ended, the latest first."""
    page = runs.history(call.runtime, call.who, id, query.cursor, query.limit)
    items = [
        {
            "id": run.id, "origin": run.origin, "step": run.step, "contact": run.contact_id,
            "due_at": run.due_at, "state": run.state, "reason": run.reason, "pulse": run.pulse_id,
            "asked": run.asked if run.counted else None, "waiting": run.waiting if run.counted else None,
            "reasons": dict(run.not_asked),
            "complaints": run.complaints, "counting": run.is_counting,
        }
        for run in page.items
    ]  # fmt: skip
    return {"items": items, "next_cursor": page.next_cursor}
