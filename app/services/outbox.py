"""Steps that put messages into the outbox, in the transaction of what they belong to."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.orm import Session

from app.db import Statement
from app.domain.quiet_hours import next_moment, read_quiet
from app.models import Member, Message, User, Workspace, new_id
from app.models.base import UtcDateTime
from app.services.many_rows import unindexed

FIRST, USUAL = 0, 1  # alerts, replies and account mails leave before invitations
LAST = 2**31 - 1
# The first so many messages of a run leave with what is usual, the next after them, and so on: behind the
# largest run another workspace waits for these, not for all of them
LEVEL = 500

_ALERTED = text(
    "SELECT u.id, u.email, u.locale, m.alerts_by, u.telegram_chat_id, u.quiet_from, u.quiet_until,"
    " w.time_zone"
    " FROM members m JOIN users u ON u.id = m.user_id JOIN workspaces w ON w.id = m.workspace_id"
    " WHERE m.workspace_id = :workspace_id AND m.role IN ('owner', 'manager', 'agent')"
)
_QUEUE = text(
    "INSERT INTO messages (id, workspace_id, purpose, priority, channel, followup_id, user_id, to_address,"
    " locale, state, tries, due_at, created_at)"
    " VALUES (:id, :workspace_id, 'alert', 0, :channel, :followup_id, :user_id, :to_address,"
    " :locale, 'queued', 0, :due, :now)"
).bindparams(bindparam("now", type_=UtcDateTime), bindparam("due", type_=UtcDateTime))

_SAY = Statement(
    "INSERT INTO messages (id, workspace_id, purpose, priority, channel, contact_id, to_address, address_key,"
    " invitation_id, locale, body, state, tries, due_at, created_at)"
    " VALUES (:id, :workspace_id, 'dialogue', :priority, :channel, :contact_id, :to_address, :address_key,"
    " :invitation_id, :locale, :body, 'queued', 0, :now, :now)"
)


def enqueue_alerts(session: Session, workspace_id: str, followup_id: str, now: datetime) -> int:
    """One alert to each owner, manager and agent, where they want it: a follow-up was opened. How many.

    Whoever wants Telegram and has tied no chat gets the mail. Quiet hours of their own hold it back.
    """
    connection = session.connection()
    members = connection.execute(_ALERTED, {"workspace_id": workspace_id}).all()
    rows = [
        {
            "id": new_id(),
            "workspace_id": workspace_id,
            "followup_id": followup_id,
            "user_id": user_id,
            "channel": channel,
            "to_address": address,
            "locale": locale,
            "now": now,
            "due": next_moment(now, ZoneInfo(zone), read_quiet(quiet_from or "", quiet_until or "")),
        }
        for user_id, email, locale, alerts_by, chat_id, quiet_from, quiet_until, zone in members
        for channel, address in _alert_ways(email, alerts_by, chat_id)
    ]
    if rows:
        connection.execute(_QUEUE, rows)
    return len(rows)


@dataclass(frozen=True)
class Way:
    """Where and when one member gets an alert."""

    user_id: str
    channel: str
    address: str
    locale: str
    due: datetime


def members_to_alert(
    session: Session, workspace_id: str, roles: Sequence[str], now: datetime
) -> Iterator[Way]:
    """A step: every way to the members with these roles, as they chose."""
    query = (
        select(User, Member.alerts_by, Workspace.time_zone)
        .join(Member, Member.user_id == User.id)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .where(Member.workspace_id == workspace_id, Member.role.in_(roles))
        .order_by(Member.created_at, Member.id)
    )
    for user, alerts_by, zone in session.execute(query).all():
        quiet = read_quiet(user.quiet_from or "", user.quiet_until or "")
        due = next_moment(now, ZoneInfo(zone), quiet)
        for channel, address in _alert_ways(user.email, alerts_by, user.telegram_chat_id):
            yield Way(user.id, channel, address, user.locale, due)


def _alert_ways(email: str, alerts_by: str, chat_id: str | None) -> list[tuple[str, str]]:
    by_chat = [("telegram", chat_id)] if chat_id and alerts_by in ("telegram", "both") else []
    return by_chat if by_chat and alerts_by == "telegram" else [("email", email), *by_chat]


def alert_otherwise(session: Session, alert: Message, ready: Collection[str], now: datetime) -> None:
    """A step: its way is closed, so the member gets it by the other one, where that is open to them.

    Nothing where they get it there already.
    """
    user = session.get_one(User, alert.user_id)
    channel, address = ("email", user.email)
    if alert.channel == "email":
        channel, address = "telegram", user.telegram_chat_id or ""
    about = Message.followup_id == alert.followup_id
    if alert.followup_id is None:
        about = (Message.workspace_id == alert.workspace_id) & (Message.created_at == alert.created_at)
    known = Message.purpose == "alert", Message.user_id == user.id, unindexed(Message.channel) == channel
    if channel not in ready or not address or session.scalar(select(Message.id).where(about, *known)):
        return
    session.add(
        Message(
            id=new_id(), workspace_id=alert.workspace_id, purpose="alert", priority=FIRST, channel=channel,
            followup_id=alert.followup_id, user_id=user.id, to_address=address, locale=alert.locale,
            subject=alert.subject, body=alert.body, state="queued", due_at=now, created_at=now,
        )
    )  # fmt: skip


def enqueue_reply(
    session: Session,
    *,
    workspace_id: str,
    followup_id: str,
    contact_id: str,
    member_user_id: str | None,
    channel: str = "email",
    to_address: str,
    address_key: str | None,
    locale: str,
    body: str,
    now: datetime,
) -> str:
    """An agent's words to the person; its id. Sending it stops the clock of first contact."""
    message_id = new_id()
    session.execute(
        insert(Message).values(
            id=message_id,
            workspace_id=workspace_id,
            purpose="reply",
            priority=FIRST,
            channel=channel,
            followup_id=followup_id,
            contact_id=contact_id,
            user_id=member_user_id,
            to_address=to_address,
            address_key=address_key,
            locale=locale,
            body=body,
            state="queued",
            due_at=now,
            created_at=now,
        )
    )
    return message_id


def enqueue_dialogue(
    session: Session,
    *,
    workspace_id: str | None,
    channel: str,
    contact_id: str | None,
    to_address: str,
    address_key: str,
    locale: str,
    body: str,
    now: datetime,
    invitation_id: str | None = None,
) -> None:
    """What the service itself says in a chat; a link in it is that invitation's."""
    values = {
        "id": new_id(), "workspace_id": workspace_id, "priority": FIRST, "channel": channel,
        "contact_id": contact_id, "to_address": to_address, "address_key": address_key,
        "invitation_id": invitation_id, "locale": locale, "body": body, "now": now,
    }  # fmt: skip
    _SAY.run(session, values)
