"""Reminders: whoever has not answered some days after the ask left is asked again, at most three times."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Table, bindparam, insert, or_, select, update
from sqlalchemy.orm import Session

from app.domain.terms import LATEST_REMINDER, Terms
from app.models import Contact, Invitation, Message, Occurrence, Schedule
from app.runtime import Runtime
from app.services import other_ways

SOME = 200  # reminded in one tick; the next comes within a minute, and the outbox has its own pace
ASKED = ("sent", "delivered")  # an unknown end counts as sent after a day, and is reminded then
DAYS = range(1, LATEST_REMINDER + 1)
_PAUSED = select(Schedule.id).where(Schedule.id == Invitation.schedule_id, Schedule.state == "paused")
# By the day of the reminder, so that an index finds them; put together once, for it is asked all the time
_DUE = (
    select(Invitation.id, Invitation.remind_after)
    .where(
        Invitation.remind_after.is_not(None),
        or_(
            *(
                (Invitation.remind_after == days)
                & (Invitation.sent_at <= bindparam(f"sent_{days}", type_=Invitation.sent_at.type))
                for days in DAYS
            )
        ),
        Invitation.state != "unknown",
        ~_PAUSED.exists(),
    )
    .order_by(Invitation.sent_at)
    .limit(SOME)
)
_MARKED = cast(Table, Invitation.__table__)
_TAKE = (
    update(_MARKED)
    .where(_MARKED.c.id == bindparam("of"), _MARKED.c.remind_after == bindparam("after"))
    .values(remind_after=bindparam("following"))
    .returning(_MARKED.c.state)
)
_WAITING = (
    select(Message.id)
    .where(
        Message.invitation_id == bindparam("of"),
        Message.purpose == "reminder",
        Message.state.in_(("queued", "claimed")),
    )
    .limit(1)
)


def remind(runtime: Runtime) -> int:
    """Queue every reminder that is due. How many people were reminded, or need no reminder any more."""
    now = runtime.clock()
    with runtime.db.read() as session:
        due = session.execute(_DUE, {f"sent_{days}": now - timedelta(days=days) for days in DAYS}).all()
    for id, after in due:
        assert after is not None  # the query asks for those alone
        with runtime.db.write() as session:
            _remind(session, runtime, id, after, now)
        runtime.reach("reminded")
    return len(due)


def _remind(session: Session, runtime: Runtime, id: str, after: int, now: datetime) -> None:
    """One reminder; the mark on the invitation makes it one, whoever else looks at it."""
    invitation = session.get_one(Invitation, id)
    occurrence = session.get_one(Occurrence, invitation.occurrence_id)
    terms = Terms.from_json(occurrence.terms)
    following = _next(invitation, terms, after, now) if invitation.state in ASKED else None
    marks = {"of": id, "after": after, "following": following}
    taken = session.connection().execute(_TAKE, marks).one_or_none()
    if taken is None or taken.state not in ASKED or invitation.expires_at <= now:
        return
    if invitation.sandbox and not runtime.config.sandbox_on:
        return
    if _still_waits(session, id):
        return
    contact = session.get_one(Contact, invitation.contact_id)
    order = _order(invitation.channel or "email", occurrence.channels, terms)
    channel = other_ways.open_way(session, contact, order, runtime.channels)
    if channel is not None:
        session.execute(
            insert(Message).values(other_ways.message(invitation, contact, channel, "reminder", now))
        )


def _next(invitation: Invitation, terms: Terms, after: int, now: datetime) -> int | None:
    """The reminder that follows; those that came due while nobody worked are one: this one."""
    assert invitation.sent_at is not None  # it was asked
    return terms.reminder_after(max(after, (now - invitation.sent_at).days))


def _still_waits(session: Session, invitation_id: str) -> bool:
    """Is the reminder before still held back? Both would come at once."""
    return session.scalar(_WAITING, {"of": invitation_id}) is not None


def _order(usual: str, channels: Sequence[str], terms: Terms) -> Sequence[str]:
    """Where the ask went; before that what follows it in the list, where the schedule says so."""
    if not terms.remind_elsewhere or usual not in channels:
        return [usual]
    return [*channels[channels.index(usual) + 1 :], usual]
