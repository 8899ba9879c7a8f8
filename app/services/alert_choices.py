"""Where and when a member gets alerts: by mail, in Telegram or both, and in which hours not at all.

Alike in all their workspaces; the hours are by the clocks of the workspace whose alert it is.
"""

from dataclasses import dataclass

from sqlalchemy import select, update

from app.domain.quiet_hours import read_quiet
from app.errors import Invalid, problem
from app.models import Member, User
from app.runtime import Runtime
from app.services import audit, connect_links

CHOICES = ("email", "telegram", "both")


@dataclass(frozen=True)
class Choice:
    """`possible`: there is a bot of ours; `connected`: they have pressed START there."""

    possible: bool
    connected: bool
    alerts_by: str
    quiet_from: str = ""
    quiet_until: str = ""


def of(runtime: Runtime, user_id: str) -> Choice:
    """What this user has chosen."""
    query = select(Member.alerts_by).where(Member.user_id == user_id).order_by(Member.created_at).limit(1)
    with runtime.db.read() as session:
        user = session.get_one(User, user_id)
        chosen = session.scalar(query) or "email"
        return Choice(
            connect_links.is_possible(runtime), user.telegram_chat_id is not None, chosen,
            user.quiet_from or "", user.quiet_until or "",
        )  # fmt: skip


def choose(
    runtime: Runtime, user_id: str, alerts_by: str, quiet_from: str = "", quiet_until: str = ""
) -> None:
    """Raises Invalid for a choice that there is not, Telegram without a chat, or hours that are none."""
    try:
        read_quiet(quiet_from, quiet_until)
    except ValueError as error:
        words = "Two different times, as 20:00 and 08:00, or none."
        raise Invalid([problem("quiet_from", words)]) from error
    with runtime.db.write() as session:
        user = session.get_one(User, user_id)
        if alerts_by not in CHOICES or (alerts_by != "email" and user.telegram_chat_id is None):
            raise Invalid([problem("alerts_by", "Connect your Telegram first.")])
        user.quiet_from, user.quiet_until = quiet_from or None, quiet_until or None
        session.execute(update(Member).where(Member.user_id == user_id).values(alerts_by=alerts_by))
        audit.note_of_account(session, runtime.clock(), "account.alerts_chosen", user_id, by=alerts_by)


def disconnect(runtime: Runtime, user_id: str) -> None:
    """The chat is theirs alone again; alerts come by mail."""
    with runtime.db.write() as session:
        session.get_one(User, user_id).telegram_chat_id = None
        session.execute(update(Member).where(Member.user_id == user_id).values(alerts_by="email"))
        audit.note_of_account(session, runtime.clock(), "account.chat_disconnected", user_id)
