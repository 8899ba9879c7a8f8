"""The step that makes an invitation: queued with its message, or skipped with the reason."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from app.domain.eligibility import Verdict
from app.models import Contact, Invitation, Message, Occurrence, new_id
from app.services.outbox import USUAL

OPEN_FOR = timedelta(days=30)

_CANCEL_MESSAGES = text(
    "UPDATE messages SET state = 'cancelled', reason = 'cancelled' WHERE state = 'queued' AND invitation_id IN"
    " (SELECT id FROM invitations WHERE schedule_id = :schedule_id AND state = 'queued')"
)
_CANCEL = text(
    "UPDATE invitations SET state = 'cancelled', reason = 'cancelled'"
    " WHERE schedule_id = :schedule_id AND state = 'queued'"
)


def invite(
    session: Session,
    occurrence: Occurrence,
    metric: str,
    decided: Sequence[tuple[Contact, Verdict]],
    now: datetime,
    *,
    locale: str,
    expires_at: datetime | None = None,
) -> list[str]:
    """One row for each person, in one statement each for invitations and messages; the invitations' ids."""
    invitations: list[dict[str, object]] = []
    messages: list[dict[str, object]] = []
    for contact, verdict in decided:
        row = _invitation(occurrence, metric, contact, verdict, now, locale)
        row["expires_at"] = expires_at or now + OPEN_FOR
        invitations.append(row)
        if verdict.reason is None:
            messages.append(_message(occurrence, contact, row, now))
    if invitations:
        session.execute(insert(Invitation), invitations)
    if messages:
        session.execute(insert(Message), messages)
    return [str(row["id"]) for row in invitations]


def _invitation(
    occurrence: Occurrence, metric: str, contact: Contact, verdict: Verdict, now: datetime, locale: str
) -> dict[str, object]:
    return {
        "id": new_id(),
        "workspace_id": occurrence.workspace_id,
        "occurrence_id": occurrence.id,
        "schedule_id": occurrence.schedule_id,
        "survey_id": occurrence.survey_id,
        "version_id": occurrence.version_id,
        "metric": metric,
        "contact_id": contact.id,
        "address_key": contact.email_key,
        "locale": contact.locale or locale,
        "channel": "email" if verdict.reason is None else None,
        "state": "queued" if verdict.reason is None else "skipped",
        "reason": verdict.reason,
        "until": verdict.until,
        "created_at": now,
    }


def _message(
    occurrence: Occurrence, contact: Contact, invitation: dict[str, object], now: datetime
) -> dict[str, object]:
    return {
        "id": new_id(),
        "workspace_id": occurrence.workspace_id,
        "purpose": "invitation",
        "priority": USUAL,
        "channel": "email",
        "invitation_id": invitation["id"],
        "contact_id": contact.id,
        "to_address": contact.email,
        "address_key": contact.email_key,
        "locale": invitation["locale"],
        "state": "queued",
        "due_at": now,
        "created_at": now,
    }


def cancel_queued(session: Session, schedule_id: str) -> int:
    """What has not left does not leave; what has, stays answerable. How many people are not asked after all."""
    values = {"schedule_id": schedule_id}
    session.connection().execute(_CANCEL_MESSAGES, values)
    return session.connection().execute(_CANCEL, values).rowcount


def one_at_a_time(session: Session, workspace_id: str) -> None:
    """Two plans of one workspace never decide about the same person at once (SQLite has one writer anyway)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"plan:{workspace_id}"}
        )
