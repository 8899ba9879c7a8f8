"""Ask one person now, and may they be asked: for a member with the person before them, and for the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.channel_choice import channel_problems
from app.domain.contacts import search_words
from app.domain.eligibility import Verdict, may_ask
from app.domain.looks import Eligibility, rests_on
from app.domain.metrics import Metric
from app.domain.terms import Terms
from app.errors import Conflict, Invalid, NotFound, problem
from app.models import Contact, Invitation, Occurrence, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import access, asking_terms, audit, contact_rows, eligible, holding, inviting, person_facts
from app.services.access import Visitor
from app.services.once import Once

FOUND = 20  # people shown for a search; more words find fewer


@dataclass(frozen=True)
class Candidate:
    """Somebody who could be asked, and whether they may."""

    id: str
    name: str
    email: str | None
    verdict: Verdict


@dataclass(frozen=True)
class Candidates:
    """The survey that somebody is to be asked, and the people whom a search found."""

    survey_id: str
    survey_name: str
    metric: Metric
    published: bool
    people: tuple[Candidate, ...]
    more: bool


@dataclass(frozen=True)
class Choice:
    """A survey that somebody could be asked, and whether they may."""

    id: str
    name: str
    metric: Metric
    verdict: Verdict


@dataclass(frozen=True)
class Asked:
    """What became of asking somebody."""

    name: str
    state: str
    reason: str | None
    until: datetime | None


def ask(
    runtime: Runtime,
    who: Visitor,
    survey_id: str,
    contact_id: str,
    channels: Sequence[str] = ("email",),
    *,
    once: Once | None = None,
) -> str:
    """Ask one contact now, if they may be asked; the id of the invitation, whose state says so.

    Raises Conflict for a survey that was never published, Invalid for e-NPS, which only a pulse asks.
    """
    if problems := channel_problems(channels):
        raise Invalid(problems)
    now = runtime.clock()
    with runtime.db.write() as session:
        survey = access.own(session, who, Survey, survey_id)
        contact = holding.hold(session, contact_rows.load(session, who, contact_id))
        if survey.metric == Metric.ENPS:
            raise Invalid([problem("survey", "Employees are asked in pulses, all at once.")])
        if survey.published_version_id is None or survey.archived_at is not None:
            raise Conflict("Publish this survey first.")
        inviting.one_at_a_time(session, who.workspace_id)
        occurrence = Occurrence(
            id=new_id(), workspace_id=who.workspace_id, survey_id=survey.id,
            version_id=survey.published_version_id, origin="request", key=new_id(), audience={},
            channels=list(channels), state="run", due_at=now, created_at=now, ended_at=now,
        )  # fmt: skip
        session.add(occurrence)
        session.flush()
        decided = [(contact, _verdict(session, runtime, survey, contact, channels))]
        locale = session.get_one(Workspace, who.workspace_id).locale
        (id,) = inviting.invite(
            session, occurrence, survey.metric, decided, now, locale=locale, terms=Terms()
        )
        audit.note(session, who, now, "contact.asked", contact.id, survey=survey.id)
        if once:
            once.keep(session, id)
        return id


def asked(runtime: Runtime, who: Visitor, invitation_id: str) -> Asked:
    """How an ask stands: on its way, or not asked and why."""
    with runtime.db.read() as session:
        invitation = access.own(session, who, Invitation, invitation_id)
        name = session.get_one(Contact, invitation.contact_id).label
        return Asked(name, invitation.state, invitation.reason, invitation.until)


def eligibility(runtime: Runtime, who: Visitor, survey_id: str, contact_id: str) -> Eligibility:
    """May this contact be asked this survey now; if not, why, and until when."""
    with runtime.db.read() as session:
        survey = access.own(session, who, Survey, survey_id)
        return eligibility_of(session, runtime, survey, contact_rows.load(session, who, contact_id))


def eligibility_of(
    session: Session,
    runtime: Runtime,
    survey: Survey,
    contact: Contact,
    channels: Sequence[str] = ("email",),
) -> Eligibility:
    """The step of `eligibility`."""
    ask = asking_terms.asking(session, runtime, survey.workspace_id, Metric(survey.metric), channels=channels)
    verdict = may_ask(eligible.facts(session, ask, contact.id), ask.rest, ask.now)
    resting = verdict.reason == "resting"
    asks = person_facts.asks_of(session, contact, ask.now, sandbox_on=ask.sandbox_on) if resting else []
    because = rests_on(asks, survey.metric, ask.rest, ask.now)
    return Eligibility(contact.label, verdict.reason, verdict.until, because, ask.now)


def candidates(
    runtime: Runtime, who: Visitor, survey_id: str, query: str = "", channels: Sequence[str] = ("email",)
) -> Candidates:
    """The first people whom these words find, by name, each with whether they may be asked this survey."""
    with runtime.db.read() as session:
        survey = access.own(session, who, Survey, survey_id)
        if survey.metric == Metric.ENPS:
            raise NotFound
        metric = Metric(survey.metric)
        ask = asking_terms.asking(session, runtime, who.workspace_id, metric, channels=channels)
        words = [Contact.search_name.contains(word, autoescape=True) for word in search_words(query)]
        people = eligible.audience(who.workspace_id).where(*words)
        people = people.order_by(Contact.search_name, Contact.id).limit(FOUND + 1)
        decided = eligible.verdicts(session, ask, people)
        return Candidates(
            survey_id=survey.id,
            survey_name=survey.name,
            metric=Metric(survey.metric),
            published=survey.published_version_id is not None and survey.archived_at is None,
            people=tuple(
                Candidate(contact.id, contact.label, contact.email, verdict)
                for contact, verdict in decided[:FOUND]
            ),
            more=len(decided) > FOUND,
        )


def choices(
    runtime: Runtime, who: Visitor, contact_id: str, channels: Sequence[str] = ("email",)
) -> list[Choice]:
    """Every survey that one person can be asked, and may this one now."""
    query = (
        select(Survey)
        .where(
            Survey.workspace_id == who.workspace_id,
            Survey.published_version_id.is_not(None),
            Survey.archived_at.is_(None),
            Survey.metric != Metric.ENPS.value,
        )
        .order_by(Survey.name, Survey.id)
    )
    with runtime.db.read() as session:
        contact = contact_rows.load(session, who, contact_id)
        known: dict[str, Verdict] = {}  # by metric: surveys of one metric rest together
        found = []
        for survey in session.scalars(query).all():
            if survey.metric not in known:
                known[survey.metric] = _verdict(session, runtime, survey, contact, channels)
            found.append(Choice(survey.id, survey.name, Metric(survey.metric), known[survey.metric]))
        return found


def _verdict(
    session: Session,
    runtime: Runtime,
    survey: Survey,
    contact: Contact,
    channels: Sequence[str] = ("email",),
) -> Verdict:
    ask = asking_terms.asking(session, runtime, survey.workspace_id, Metric(survey.metric), channels=channels)
    return may_ask(eligible.facts(session, ask, contact.id), ask.rest, ask.now)
