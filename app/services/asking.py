"""Ask one person now, and may they be asked: for a member with the person before them, and for the API."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.eligibility import Verdict, may_ask
from app.domain.metrics import Metric
from app.errors import Conflict, Invalid, NotFound, problem
from app.models import Contact, Occurrence, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import access, eligible, inviting
from app.services.access import Visitor

CHANNELS = ("email", "sms", "whatsapp", "telegram")


def ask(
    runtime: Runtime, who: Visitor, survey_id: str, contact_id: str, channels: Sequence[str] = ("email",)
) -> str:
    """Ask one contact now, if they may be asked; the id of the invitation, whose state says so.

    Raises Conflict for a survey that was never published, Invalid for e-NPS, which only a pulse asks.
    """
    now = runtime.clock()
    with runtime.db.write() as session:
        survey = access.own(session, who, Survey, survey_id)
        contact = _contact(session, who, contact_id)
        if survey.metric == Metric.ENPS:
            raise Invalid([problem("survey", "Employees are asked in pulses, all at once.")])
        if survey.published_version_id is None or survey.archived_at is not None:
            raise Conflict("Publish this survey first.")
        if unknown := [each for each in channels if each not in CHANNELS]:
            raise Invalid([problem("channels", "%(channel)s is not a channel.", channel=unknown[0])])
        inviting.one_at_a_time(session, who.workspace_id)
        occurrence = Occurrence(
            id=new_id(), workspace_id=who.workspace_id, survey_id=survey.id,
            version_id=survey.published_version_id, origin="request", key=new_id(), audience={},
            channels=list(channels), state="run", due_at=now, created_at=now, ended_at=now,
        )  # fmt: skip
        session.add(occurrence)
        session.flush()
        verdict = _verdict(session, who, survey, contact, runtime)
        if verdict.reason is None and "email" not in channels:
            verdict = Verdict("channel_not_configured")
        locale = session.get_one(Workspace, who.workspace_id).locale
        decided = [(contact, verdict)]
        return inviting.invite(session, occurrence, survey.metric, decided, now, locale=locale)[0]


def eligibility(runtime: Runtime, who: Visitor, survey_id: str, contact_id: str) -> Verdict:
    """May this contact be asked this survey now; if not, why, and until when."""
    with runtime.db.read() as session:
        survey = access.own(session, who, Survey, survey_id)
        contact = _contact(session, who, contact_id)
        return _verdict(session, who, survey, contact, runtime)


def _verdict(session: Session, who: Visitor, survey: Survey, contact: Contact, runtime: Runtime) -> Verdict:
    ask = eligible.asking(session, who.workspace_id, Metric(survey.metric), runtime.clock())
    return may_ask(eligible.facts(session, ask, contact.id), ask.rest, runtime.clock())


def _contact(session: Session, who: Visitor, id: str) -> Contact:
    contact = access.own(session, who, Contact, id)
    if contact.erased_at is not None:
        raise NotFound
    return contact


def rests(
    runtime: Runtime, who: Visitor, contact_id: str, metrics: Sequence[Metric]
) -> dict[Metric, Verdict]:
    """May they be asked each of these questions now: for the panel on a contact's page."""
    now = runtime.clock()
    with runtime.db.read() as session:
        contact = _contact(session, who, contact_id)
        found = {}
        for metric in metrics:
            ask = eligible.asking(session, who.workspace_id, metric, now)
            found[metric] = may_ask(eligible.facts(session, ask, contact.id), ask.rest, now)
        return found


def published(runtime: Runtime, who: Visitor) -> list[tuple[str, str]]:
    """The id and name of every survey that can be asked."""
    with runtime.db.read() as session:
        query = (
            select(Survey.id, Survey.name)
            .where(
                Survey.workspace_id == who.workspace_id,
                Survey.published_version_id.is_not(None),
                Survey.archived_at.is_(None),
                Survey.metric != Metric.ENPS.value,
            )
            .order_by(Survey.name)
        )
        return [(row.id, row.name) for row in session.execute(query)]
