"""Why was somebody asked a survey, or not: may they be now, and how the runs around now look at them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, or_, select, union
from sqlalchemy import case as either
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, undefer

from app.domain.audience import Member
from app.domain.audience_matching import Person, Scene, unmet
from app.domain.audience_reading import read_audience
from app.domain.cadence import Repeat
from app.domain.channel_choice import CHANNELS
from app.domain.looks import Ask, Eligibility, Look, Run, Standing, outcome, rests_on
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Occurrence, Pulse, Schedule, Survey
from app.models.schedule import ORIGINS_OF_SCHEDULES
from app.runtime import Runtime
from app.services import access, asking, asking_terms, audiences, contact_rows, person_facts
from app.services.access import Visitor
from app.services.unsent import WAITING

MOST = 12  # runs that are told of: a year of a monthly schedule
MOST_AHEAD = 2  # of those to come that have rows: a daily sequence has one for each day


@dataclass(frozen=True)
class Explained:
    """A person and a survey: may they be asked now, what is to come, and the last runs, the latest first."""

    survey: str
    eligibility: Eligibility
    looks: tuple[Look, ...]


@dataclass(frozen=True)
class _Case:
    """What is the same for every run that is looked into."""

    session: Session
    contact: Contact
    survey: Survey
    person: Person
    asks: list[Ask]
    rest_from: asking_terms.Asking
    zone: ZoneInfo
    is_people: bool


def explain(runtime: Runtime, who: Visitor, contact_id: str, survey_id: str) -> Explained:
    """Why this contact was asked this survey, or not, and may they be now. Raises NotFound."""
    with runtime.db.read() as session:
        contact = contact_rows.load(session, who, contact_id)
        survey = access.own(session, who, Survey, survey_id)
        ask = asking_terms.asking(session, runtime, who.workspace_id, Metric(survey.metric))
        case = _Case(
            session=session,
            contact=contact,
            survey=survey,
            person=person_facts.person_of(session, contact, sandbox_on=ask.sandbox_on),
            asks=person_facts.asks_of(session, contact, ask.now, sandbox_on=ask.sandbox_on),
            rest_from=ask,
            zone=ask.rest.zone,
            is_people=who.is_people,
        )
        coming = [_coming(case, schedule, ask.now) for schedule in session.scalars(_schedules(survey))]
        of_rows = [*_ahead(case, ask.now), *_past(case, ask.now)]
        looks = sorted(
            [*coming, *of_rows], key=lambda each: (each.at, each.run is None, each.run or ""), reverse=True
        )
        told = asking.eligibility_of(session, runtime, survey, contact, CHANNELS)
        return Explained(survey.id, told, tuple(looks))


def choices(runtime: Runtime, who: Visitor) -> list[tuple[str, str]]:
    """The surveys that can be asked about, by id and name; those of the archive last."""
    query = select(Survey.id, Survey.name).where(Survey.workspace_id == who.workspace_id)
    with runtime.db.read() as session:
        order = (Survey.archived_at.is_not(None), Survey.name, Survey.id)
        return [(id, name) for id, name in session.execute(query.order_by(*order))]


def _schedules(survey: Survey) -> Select[Schedule]:
    """Those that ask this survey first, and are not over; the runs of later steps have rows already."""
    return (
        select(Schedule)
        .where(
            Schedule.workspace_id == survey.workspace_id,
            Schedule.survey_id == survey.id,
            Schedule.state.in_(("active", "paused")),
            or_(Schedule.next_due_at.is_not(None), Schedule.repeat == Repeat.EVENT.value),
        )
        .order_by(Schedule.next_due_at, Schedule.id)
        .limit(MOST)
    )


def _coming(case: _Case, schedule: Schedule, now: datetime) -> Look:
    """The next run of a schedule, as far as it can be told today."""
    if schedule.next_due_at is None:
        return Look(
            at=now,
            code="waits_for_event",
            origin="trigger",
            schedule=schedule.id,
            schedule_name=schedule.name,
            event=str(schedule.trigger.get("event")),
        )
    at = max(schedule.next_due_at, now)
    missing = _unmet(case, audiences.of_schedule(case.session, schedule), case.person, at)
    run = Run("due", at, paused=schedule.state == "paused", reached=False)
    return Look(
        at=at,
        code=outcome(run, _standing(case, fits=not missing), now),
        origin="schedule",
        schedule=schedule.id,
        schedule_name=schedule.name,
        unmet=missing,
    )


def _past(case: _Case, now: datetime) -> Iterator[Look]:
    """The latest runs that were due."""
    latest = (Occurrence.due_at.desc(), Occurrence.id.desc())
    yield from _looks(case, _met(case).where(Occurrence.due_at <= now).order_by(*latest).limit(MOST), now)


def _ahead(case: _Case, now: datetime) -> Iterator[Look]:
    """The next of those that have rows already, as steps have for months; first those that concern them."""
    theirs = or_(_asked_by(case, Occurrence.after_id).exists(), Occurrence.contact_id == case.contact.id)
    the_next = (either((theirs, 0), else_=1), Occurrence.due_at, Occurrence.id)
    rows = _met(case).where(Occurrence.due_at > now).order_by(*the_next).limit(MOST_AHEAD)
    yield from _looks(case, rows, now)


def _met(case: _Case) -> Select[Occurrence, Invitation, Schedule]:
    return (
        select(Occurrence, Invitation, Schedule)
        .outerjoin(
            Invitation,
            and_(Invitation.occurrence_id == Occurrence.id, Invitation.contact_id == case.contact.id),
        )
        .outerjoin(Schedule, Schedule.id == Occurrence.schedule_id)
        .where(Occurrence.id.in_(_runs(case)))
        .options(undefer(Occurrence.chosen))
    )


def _looks(case: _Case, query: Select[Occurrence, Invitation, Schedule], now: datetime) -> Iterator[Look]:
    for run, invitation, schedule in case.session.execute(query):
        yield _look(case, run, invitation, schedule, now)


def _runs(case: _Case) -> Select[str]:
    """The runs of this survey that have asked them, were about them alone, or about an audience."""
    theirs = select(Invitation.occurrence_id).where(
        Invitation.contact_id == case.contact.id, Invitation.survey_id == case.survey.id
    )
    alone = select(Occurrence.id).where(
        Occurrence.contact_id == case.contact.id, Occurrence.survey_id == case.survey.id
    )
    here = select(Schedule.id).where(Schedule.workspace_id == case.survey.workspace_id)
    of_audiences = select(Occurrence.id).where(
        Occurrence.contact_id.is_(None),
        Occurrence.schedule_id.in_(here),
        Occurrence.survey_id == case.survey.id,
        Occurrence.origin.in_(ORIGINS_OF_SCHEDULES),
    )
    by_hand = select(Pulse.occurrence_id).where(
        Pulse.workspace_id == case.survey.workspace_id, Pulse.survey_id == case.survey.id
    )
    found = union(theirs, alone, of_audiences, by_hand).subquery()
    return select(found.c[0])


def _look(
    case: _Case, run: Occurrence, invitation: Invitation | None, schedule: Schedule | None, now: datetime
) -> Look:
    moment = run.due_at
    missing: tuple[Member, ...] = ()
    if invitation is None:
        known = person_facts.until(case.person, moment) if moment <= now else case.person
        missing = _unmet(case, run.audience, known, moment)
    told = Run(
        state="run" if run.reason == "nobody" and run.contact_id is not None else run.state,  # it has looked
        due_at=moment,
        paused=schedule is not None and schedule.state == "paused",
        reached=(run.expanded_to or "") >= case.contact.id,
        after_asked=_asked_before(case, run),
        chosen=None if run.chosen is None else case.contact.id in run.chosen,
    )
    code = outcome(told, _standing(case, invitation, fits=not missing), now)
    fell = invitation is not None and code == "not_asked"
    resting = fell and invitation is not None and invitation.reason == "resting"
    return Look(
        at=_moment(invitation, moment),
        code=code,
        origin=run.origin,
        run=run.id,
        schedule=run.schedule_id,
        schedule_name=schedule.name if schedule else None,
        invitation=invitation.id if invitation else None,
        channel=invitation.channel if invitation else None,
        state=_state(case, invitation) if invitation else run.state,
        reason=_reason(invitation, fell) if invitation else run.reason,
        until=invitation.until if invitation else None,
        rests_on=_rested_on(case, invitation) if invitation and resting else None,
        unmet=missing,
    )


def _moment(invitation: Invitation | None, due_at: datetime) -> datetime:
    return due_at if invitation is None else invitation.sent_at or invitation.created_at


def _reason(invitation: Invitation, fell: bool) -> str | None:
    """Why they were not asked, or what they wait for; what became of somebody who was says the state."""
    if not fell:
        return invitation.reason if invitation.state in WAITING else None
    return invitation.reason or "cancelled"


def _state(case: _Case, invitation: Invitation) -> str:
    """In people workspaces it ends at sent: whoever has answered must not be known by it."""
    return "sent" if case.is_people and invitation.state in ("answered", "expired") else invitation.state


def _rested_on(case: _Case, invitation: Invitation) -> Ask | None:
    return rests_on(case.asks, case.survey.metric, case.rest_from.rest, invitation.created_at)


def _asked_before(case: _Case, run: Occurrence) -> bool | None:
    """Of a later step: did the one before ask this person? None as long as it may still."""
    if run.after_id is None:
        return None
    if case.session.scalar(_asked_by(case, run.after_id)) is not None:
        return True
    may_still = case.session.get_one(Occurrence, run.after_id).state in ("due", "running")
    return None if may_still else False


def _asked_by(case: _Case, run_id: str | InstrumentedAttribute[str | None]) -> Select[str]:
    theirs = aliased(Invitation)
    return select(theirs.id).where(
        theirs.occurrence_id == run_id,
        theirs.contact_id == case.contact.id,
        theirs.state.in_(asking_terms.COUNTED),
    )


def _unmet(case: _Case, audience: dict[str, object], person: Person, at: datetime) -> tuple[Member, ...]:
    return unmet(read_audience(audience, kept=True), person, Scene(at, case.zone))


def _standing(case: _Case, invitation: Invitation | None = None, *, fits: bool) -> Standing:
    return Standing(
        created_at=case.contact.created_at,
        active=case.contact.active,
        fits=fits,
        right_kind=case.survey.metric != Metric.ENPS or case.contact.kind == "employee",
        invited=invitation.state if invitation else None,
    )
