"""Recovery is proven by asking again: some days after a closing, the same question, once."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.domain.eligibility import may_ask
from app.domain.metrics import Metric
from app.models import (
    Answer,
    Contact,
    FollowUp,
    FollowUpClosure,
    Invitation,
    Occurrence,
    Survey,
    Workspace,
    new_id,
)
from app.runtime import Runtime
from app.services import asking_terms, eligible, inviting

WAIT = timedelta(days=7)  # long enough to notice the difference, short enough to remember what it was about
LATE = timedelta(days=14)  # after a long silence of ours the question would come out of nowhere
SOME = 100  # closures in one tick
ORIGIN = "closure"


@dataclass(frozen=True)
class Again:
    """What became of asking again: the invitation's state and reason, and the score if there is one."""

    due_at: datetime
    state: str
    reason: str | None
    score: int | None
    band: str | None


def ask_again(runtime: Runtime) -> int:
    """Ask those whose follow-up was closed a week ago and not opened since. How many closures came due.

    Each ends as one occurrence, unique by the closure: asked, or not and why. Neither resting period holds
    here; every other reason does.
    """
    now = runtime.clock()
    with runtime.db.read() as session:
        due = session.scalars(_due(now).limit(SOME)).all()
    for closure_id in due:
        with runtime.db.write() as session:
            _ask(session, runtime, closure_id)
    return len(due)


def _due(now: datetime) -> Select[str]:
    return (
        select(FollowUpClosure.id)
        .join(FollowUp, FollowUp.id == FollowUpClosure.followup_id)
        .where(
            FollowUp.answer_id.is_not(None),  # without a question there is none to ask again
            FollowUpClosure.ask_again.is_(True),
            FollowUpClosure.reopened_at.is_(None),
            FollowUpClosure.closed_at <= now - WAIT,
            ~exists().where(Occurrence.origin == ORIGIN, Occurrence.key == FollowUpClosure.id),
        )
        .order_by(FollowUpClosure.closed_at)
    )


def give_up(session: Session, now: datetime, reason: str) -> int:
    """A step: nobody is asked again for the closures that came due by now. How many."""
    number = 0
    for closure_id in session.scalars(_due(now)).all():
        closure = session.get_one(FollowUpClosure, closure_id)
        followup = session.get_one(FollowUp, closure.followup_id)
        survey = session.get_one(Survey, session.get_one(Answer, followup.answer_id).survey_id)
        number += _insert(session, closure, survey, now, ended=("missed", reason)) is not None
    return number


def became(session: Session, closure_id: str) -> Again | None:
    """A step: how the person answered when they were asked again; None before that."""
    query = (
        select(Occurrence, Invitation, Answer)
        .outerjoin(Invitation, Invitation.occurrence_id == Occurrence.id)
        .outerjoin(Answer, Answer.invitation_id == Invitation.id)
        .where(Occurrence.origin == ORIGIN, Occurrence.key == closure_id)
    )
    row = session.execute(query).first()
    if row is None:
        return None
    occurrence, invitation, answer = cast(tuple[Occurrence, Invitation | None, Answer | None], row)
    told = invitation or occurrence
    counted = answer if answer is not None and not answer.suspect and not answer.late else None
    return Again(
        occurrence.due_at,
        told.state,
        told.reason,
        counted.score if counted else None,
        counted.band if counted else None,
    )


def _ask(session: Session, runtime: Runtime, closure_id: str) -> None:
    now = runtime.clock()
    closure = session.get_one(FollowUpClosure, closure_id)
    inviting.one_at_a_time(session, closure.workspace_id)
    followup = session.get_one(FollowUp, closure.followup_id)
    if closure.reopened_at is not None:
        return
    answer = session.get_one(Answer, followup.answer_id)
    survey = session.get_one(Survey, answer.survey_id)
    pretended = answer.sandbox and not runtime.config.sandbox_on
    occurrence = _occur(session, closure, survey, now, pretended=pretended)
    if occurrence is None or occurrence.state != "run":
        return
    contact = session.get_one(Contact, followup.contact_id)
    ways = dict.fromkeys((answer.channel, "email"))  # where they answered before
    ask = asking_terms.asking(session, runtime, closure.workspace_id, Metric(survey.metric), channels=ways)
    ask = replace(ask, rest=replace(ask.rest, days=0, metric_days=0))
    verdict = may_ask(eligible.facts(session, ask, contact.id), ask.rest, now)
    locale = session.get_one(Workspace, closure.workspace_id).locale
    inviting.invite(session, occurrence, survey.metric, [(contact, verdict)], now, locale=locale)


def _occur(
    session: Session, closure: FollowUpClosure, survey: Survey, now: datetime, *, pretended: bool
) -> Occurrence | None:
    """The one row of this closure; None when another worker has written it."""
    state, reason = "run", None
    if pretended:
        state, reason = "skipped", "cancelled"  # what the sandbox asked ended with the sandbox
    elif survey.published_version_id is None or survey.archived_at is not None:
        state, reason = "skipped", "unpublished"
    elif now - (closure.closed_at + WAIT) > LATE:
        state, reason = "missed", "late"
    return _insert(session, closure, survey, now, ended=(state, reason))


def _insert(
    session: Session,
    closure: FollowUpClosure,
    survey: Survey,
    now: datetime,
    *,
    ended: tuple[str, str | None],
) -> Occurrence | None:
    values: dict[str, Any] = {
        "id": new_id(),
        "workspace_id": closure.workspace_id,
        "survey_id": survey.id,
        "version_id": survey.published_version_id,
        "origin": ORIGIN,
        "key": closure.id,
        "audience": {},
        "channels": ["email"],
        "state": ended[0],
        "reason": ended[1],
        "due_at": closure.closed_at + WAIT,
        "created_at": now,
        "ended_at": now,
    }
    adding = insert_into(session, Occurrence).values(values).on_conflict_do_nothing().returning(Occurrence)
    return session.scalars(adding).one_or_none()
