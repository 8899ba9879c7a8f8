"""The steps that put into a schedule's row how it repeats, and refuse what could never be."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.cadence import Cadence, Repeat
from app.domain.metrics import Metric
from app.domain.rrules import read_rule
from app.domain.schedules import Changes, first_run, foreign_problems, missing_problems
from app.domain.terms import Terms
from app.domain.triggers import read_trigger
from app.errors import Invalid, NotFound, problem
from app.models import Schedule, Survey
from app.services import access, coming_due
from app.services.access import Visitor


def askable(session: Session, who: Visitor, id: str, field: str = "survey") -> Survey:
    """A survey of this workspace that people can be asked. Raises Invalid."""
    try:
        survey = access.own(session, who, Survey, id)
    except NotFound:
        raise Invalid([problem(field, "There is no such survey here.")]) from None
    if survey.published_version_id is None or survey.archived_at is not None:
        raise _unpublished(field)
    return survey


def hold(session: Session, schedule: Schedule) -> None:
    """A step: nobody puts away what this schedule asks, at first or later, until the transaction ends.

    Raises Invalid where somebody has.
    """
    later = {step["survey"] for step in schedule.steps}
    still_asked = select(Survey.id).where(
        Survey.id.in_({schedule.survey_id, *later}),
        Survey.published_version_id.is_not(None),
        Survey.archived_at.is_(None),
    )
    held = session.scalars(still_asked.order_by(Survey.id).with_for_update(read=True)).all()
    for field, ids in (("survey", {schedule.survey_id}), ("steps", later)):
        if not ids.issubset(held):
            raise _unpublished(field)


def _unpublished(field: str) -> Invalid:
    return Invalid([problem(field, "Publish this survey first.")])


def take(session: Session, who: Visitor, schedule: Schedule, given: Changes) -> None:
    """What of the given says when and what follows; fields of another way of repeating are emptied."""
    repeat = given.get("repeat", Repeat(schedule.repeat))
    rule = given["rrule"] if "rrule" in given else read_rule(schedule.rrule) if schedule.rrule else None
    every_days = given.get("every_days", schedule.every_days)
    trigger = read_trigger(schedule.trigger) if schedule.trigger else None
    trigger = given.get("trigger", trigger)
    problems = [*foreign_problems(repeat, given), *missing_problems(repeat, rule, every_days, trigger)]
    if problems:
        raise Invalid(problems)
    schedule.repeat = repeat.value
    schedule.rrule = str(rule) if rule and repeat is Repeat.CUSTOM else None
    schedule.every_days = every_days if repeat is Repeat.EACH_PERSON else None
    schedule.trigger = trigger.to_json() if trigger and repeat is Repeat.EVENT else {}
    if "off_days" in given:
        schedule.off_days = given["off_days"].value
    if "late_hours" in given:
        schedule.late_hours = given["late_hours"]
    if "terms" in given:
        _refuse_terms_of_no_pulse(session.get_one(Survey, schedule.survey_id), given["terms"])
        schedule.terms = given["terms"].to_json()
    if "steps" in given:
        for step in given["steps"]:
            _refuse_pulse(askable(session, who, step.survey, "steps"), "steps")
        schedule.steps = [step.to_json() for step in given["steps"]]
    if schedule.steps or repeat in (Repeat.EACH_PERSON, Repeat.EVENT):
        _refuse_pulse(session.get_one(Survey, schedule.survey_id), "repeat")


def checked(session: Session, schedule: Schedule, now: datetime) -> Cadence:
    """Its rule in the week of its workspace. Raises Invalid when it would never run."""
    cadence = coming_due.cadence_of(schedule, coming_due.days_off_of(session, schedule.workspace_id))
    if cadence.repeat is not Repeat.EVENT and first_run(cadence, now) is None:
        raise Invalid([problem("repeat", "By this rule it would never run.")])
    return cadence


def _refuse_pulse(survey: Survey, field: str) -> None:
    if survey.metric == Metric.ENPS:
        raise Invalid([problem(field, "Employees are asked in pulses, all at once.")])


def _refuse_terms_of_no_pulse(survey: Survey, terms: Terms) -> None:
    """A pulse asks, and reminds, in its own way: what it would pass over is not taken either."""
    if survey.metric != Metric.ENPS:
        return
    unusual = terms.to_json()
    problems = [
        problem(name, "A pulse asks everybody of its audience: it leaves nobody out by lot.")
        for name in ("sample", "holdout")
        if name in unusual
    ]
    problems += [
        problem(
            name, "A pulse asks on the first channel that reaches them, and reminds there three days later."
        )
        for name in ("reminders", "remind_elsewhere", "their_channel_first")
        if name in unusual
    ]
    if problems:
        raise Invalid(problems)
