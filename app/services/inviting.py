"""The step that makes an invitation: queued with its message, or skipped with the reason."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from app.db import is_postgresql
from app.domain.eligibility import Verdict
from app.domain.terms import Terms
from app.models import Contact, Invitation, Message, Occurrence, new_id
from app.services import holding
from app.services.asking_terms import NONE
from app.services.outbox import USUAL

OPEN_FOR = timedelta(days=30)  # to answer, from when it leaves; as long may it wait, from when it is due


def invite(
    session: Session,
    occurrence: Occurrence,
    metric: str,
    decided: Sequence[tuple[Contact, Verdict]],
    now: datetime,
    *,
    locale: str,
    expires_at: datetime | None = None,
    terms: Terms = NONE,
) -> list[str]:
    """One row for each person, in one statement each for invitations and messages; the invitations' ids."""
    invitations: list[dict[str, object]] = []
    messages: list[dict[str, object]] = []
    there = holding.those_held(session, {contact.id for contact, _ in decided})
    for contact, verdict in decided:
        if contact.id not in there:
            continue  # erased since they were decided about
        row = _invitation(occurrence, contact, verdict)
        row |= {
            "metric": metric,
            "locale": contact.locale or locale,
            "created_at": now,
            "expires_at": expires_at or now + OPEN_FOR,
            "remind_after": terms.reminder_after(None) if verdict.reason is None else None,
        }
        invitations.append(row)
        if verdict.reason is None:
            messages.append(_message(contact, row, verdict.channel or "email", now))
    if invitations:
        session.execute(insert(Invitation), invitations)
    if messages:
        session.execute(insert(Message), messages)
    return [str(row["id"]) for row in invitations]


def _invitation(occurrence: Occurrence, contact: Contact, verdict: Verdict) -> dict[str, object]:
    asked = verdict.reason is None
    channel = verdict.channel or "email"
    return {
        "id": new_id(),
        "workspace_id": occurrence.workspace_id,
        "occurrence_id": occurrence.id,
        "schedule_id": occurrence.schedule_id,
        "survey_id": occurrence.survey_id,
        "version_id": occurrence.version_id,
        "contact_id": contact.id,
        "address_key": contact.key_on(channel),
        "channel": channel if asked else None,
        "state": "queued" if asked else "skipped",
        "reason": verdict.reason,
        "until": verdict.until,
    }


def _message(
    contact: Contact, invitation: dict[str, object], channel: str, now: datetime
) -> dict[str, object]:
    return {
        "id": new_id(),
        "workspace_id": invitation["workspace_id"],
        "purpose": "invitation",
        "priority": USUAL,
        "channel": channel,
        "invitation_id": invitation["id"],
        "contact_id": contact.id,
        "to_address": contact.address_on(channel),
        "address_key": contact.key_on(channel),
        "locale": invitation["locale"],
        "state": "queued",
        "due_at": now,
        "created_at": now,
    }


def one_at_a_time(session: Session, workspace_id: str) -> None:
    """Two plans of one workspace never decide about the same person at once (SQLite has one writer)."""
    if is_postgresql(session):
        session.execute(
            text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"plan:{workspace_id}"}
        )
