"""The steps that open a follow-up and keep it beside its answer; the arrival of an answer takes them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from app.domain.business_time import BusinessCalendar
from app.domain.followups import Reason, due, reason_to_open
from app.domain.metrics import Band, Metric
from app.models import Workspace, new_id
from app.models.base import UtcDateTime

# Text, not ORM: the first two run while somebody waits for the thank-you page.
_OPEN = text(
    "INSERT INTO followups (id, workspace_id, answer_id, contact_id, reason, opened_at, first_contact_due_at,"
    " close_due_at, revision) VALUES (:id, :workspace_id, :answer_id, :contact_id, :reason, :opened_at,"
    " :first_contact_due_at, :close_due_at, 1) ON CONFLICT (answer_id) DO NOTHING"
).bindparams(
    bindparam("opened_at", type_=UtcDateTime),
    bindparam("first_contact_due_at", type_=UtcDateTime),
    bindparam("close_due_at", type_=UtcDateTime),
)
_EVENT = text(
    "INSERT INTO followup_events (id, workspace_id, followup_id, at, kind, actor, member_id, message_id,"
    " text) VALUES (:id, :workspace_id, :followup_id, :at, :kind, :actor, :member_id, :message_id, :text)"
).bindparams(bindparam("at", type_=UtcDateTime))
_ANNOTATE = text(
    "INSERT INTO followup_events (id, workspace_id, followup_id, at, kind, text)"
    " SELECT :id, workspace_id, id, :at, 'edited', :text FROM followups WHERE answer_id = :answer_id"
).bindparams(bindparam("at", type_=UtcDateTime))
_REPLY_LEFT = text(
    "UPDATE followups SET first_contact_at = COALESCE(first_contact_at, :at), replied_at = :at,"
    " revision = revision + 1 WHERE id = :id"
).bindparams(bindparam("at", type_=UtcDateTime))


def calendar_of(workspace: Workspace) -> BusinessCalendar:
    """The business hours in a workspace's settings."""
    return BusinessCalendar.from_settings(
        workspace.time_zone,
        workspace.business_days,
        workspace.opens_at,
        workspace.closes_at,
        workspace.holidays,
    )


def open_for_answer(
    session: Session, answer: Mapping[str, Any], calendar: BusinessCalendar, now: datetime
) -> str | None:
    """Open the follow-up that this answer needs, in two statements; its id, or None when it needs none.

    `answer` has id, workspace_id, contact_id, metric, band, contact_me and, from the version that was shown,
    opens_followup. There is one for each answer: a second call for the same one changes nothing, gives None.
    """
    reason = reason_to_open(
        Metric(answer["metric"]),
        Band(answer["band"]),
        answer["contact_me"],
        answer.get("opens_followup", True),
    )
    if reason is None:
        return None
    return open_row(
        session,
        workspace_id=answer["workspace_id"],
        answer_id=answer["id"],
        contact_id=answer["contact_id"],
        reason=reason,
        calendar=calendar,
        now=now,
    )


def open_row(
    session: Session,
    *,
    workspace_id: str,
    answer_id: str | None,
    contact_id: str,
    reason: Reason,
    calendar: BusinessCalendar,
    now: datetime,
    actor: str | None = None,
) -> str | None:
    """One follow-up with its due times and its first event; None when the answer has one already."""
    owed = due(now, calendar)
    followup_id = new_id()
    values = {
        "id": followup_id,
        "workspace_id": workspace_id,
        "answer_id": answer_id,
        "contact_id": contact_id,
        "reason": reason.value,
        "opened_at": now,
        "first_contact_due_at": owed.first_contact,
        "close_due_at": owed.closing,
    }
    if session.connection().execute(_OPEN, values).rowcount == 0:
        return None
    leave_event(session, workspace_id, followup_id, now, "opened", actor=actor)
    return followup_id


def annotate_edit(session: Session, answer_id: str, before: int, after: int, now: datetime) -> None:
    """The person changed their score: their follow-up, if there is one, stays and says so."""
    session.connection().execute(
        _ANNOTATE, {"id": new_id(), "at": now, "text": f"{before} → {after}", "answer_id": answer_id}
    )


def reply_left(session: Session, followup_id: str, at: datetime) -> None:
    """A reply went out: the clock of first contact stops and it is their turn."""
    session.connection().execute(_REPLY_LEFT, {"id": followup_id, "at": at})


def leave_event(
    session: Session,
    workspace_id: str,
    followup_id: str,
    at: datetime,
    kind: str,
    *,
    actor: str | None = None,
    member_id: str | None = None,
    message_id: str | None = None,
    text: str | None = None,
) -> None:
    """One line of the follow-up's timeline; every verb leaves one."""
    session.connection().execute(
        _EVENT,
        {
            "id": new_id(),
            "workspace_id": workspace_id,
            "followup_id": followup_id,
            "at": at,
            "kind": kind,
            "actor": actor,
            "member_id": member_id,
            "message_id": message_id,
            "text": text,
        },
    )
