"""The pretend mailbox: what would have arrived, for the members of the workspaces that wrote it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, func, select

from app.errors import NotFound
from app.models import Contact, Member, Message, SandboxCopy, User, Workspace
from app.runtime import Runtime
from app.services.composing import identity
from app.services.paging import Page, cut, in_order

PAGE = 30  # mails of a list beside the one that is open
MAILBOXES = 100  # offered to choose from; those who got mail last
GLANCE = 120  # characters of the line under a subject


@dataclass(frozen=True)
class Mail:
    """One mail as it lies in the mailbox."""

    id: str  # the message's
    workspace_name: str
    sender: str
    to_name: str
    to_address: str
    locale: str
    purpose: str
    subject: str
    glance: str
    arrived_at: datetime


@dataclass(frozen=True)
class Letter:
    """One mail to read."""

    mail: Mail
    sender_address: str
    text: str


@dataclass(frozen=True)
class Mailbox:
    """A page of the mails, newest first, and whose mailboxes there are (address and name)."""

    page: Page[Mail]
    people: tuple[tuple[str, str], ...]


def mailbox(runtime: Runtime, user_id: str, *, to: str | None = None, cursor: str | None = None) -> Mailbox:
    """What arrived, for everybody or at one address. Raises NotFound while the sandbox is off."""
    _only_while_on(runtime)
    query = _mails(user_id)
    if to:
        query = query.where(Message.to_address == to)
    query = in_order(query, cursor, SandboxCopy.arrived_at, SandboxCopy.message_id, latest_first=True)
    with runtime.db.read() as session:
        rows = session.execute(query.limit(PAGE + 1)).all()
        people = tuple((row[0], row[1] or row[0]) for row in session.execute(_people(user_id)))
    shown, more = cut([_mail(*row) for row in rows], PAGE, lambda mail: (mail.arrived_at, mail.id))
    return Mailbox(Page(tuple(shown), more), people)


def letter(runtime: Runtime, user_id: str, message_id: str) -> Letter:
    """One mail. Raises NotFound: off, unknown, or of a workspace that one is no member of."""
    row = _one(runtime, user_id, message_id)
    return Letter(_mail(*row), identity(runtime), row[0].text)


def html(runtime: Runtime, user_id: str, message_id: str) -> str:
    """The mail's own page, as it came. Raises as `letter` does."""
    return _one(runtime, user_id, message_id)[0].html


def _one(
    runtime: Runtime, user_id: str, message_id: str
) -> tuple[SandboxCopy, Message, Workspace, str | None, str | None]:
    _only_while_on(runtime)
    with runtime.db.read() as session:
        query = _mails(user_id).where(SandboxCopy.message_id == message_id.replace("\0", "?"))
        row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1], row[2], row[3], row[4]


def _only_while_on(runtime: Runtime) -> None:
    if not runtime.config.sandbox_on:
        raise NotFound


def _mails(user_id: str) -> Select[SandboxCopy, Message, Workspace, str | None, str | None]:
    """Every copy that this user may read: those of the workspaces that they are a member of."""
    return (
        select(SandboxCopy, Message, Workspace, Contact.name, User.name)
        .join(Message, and_(Message.id == SandboxCopy.message_id, Message.channel == "email"))
        .join(Workspace, Workspace.id == Message.workspace_id)
        .join(Member, and_(Member.workspace_id == Workspace.id, Member.user_id == user_id))
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .outerjoin(User, and_(User.id == Message.user_id, Message.contact_id.is_(None)))
    )


def _people(user_id: str) -> Select[str, str | None]:
    latest = func.max(SandboxCopy.arrived_at)
    return (
        _mails(user_id)
        .with_only_columns(Message.to_address, func.max(func.coalesce(Contact.name, User.name)))
        .group_by(Message.to_address)
        .order_by(latest.desc(), Message.to_address)
        .limit(MAILBOXES)
    )


def _mail(
    copy: SandboxCopy, message: Message, workspace: Workspace, contact: str | None, user: str | None
) -> Mail:
    return Mail(
        id=message.id,
        workspace_name=workspace.name,
        sender=workspace.sender_name or workspace.name,
        to_name=contact or user or message.to_address,
        to_address=message.to_address,
        locale=message.locale,
        purpose=message.purpose,
        subject=copy.subject,
        glance=_glance(copy.text),
        arrived_at=copy.arrived_at,
    )


def _glance(text: str) -> str:
    """The first words after the greeting, as a mail program shows them beside the subject."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[1:4] or lines)[:GLANCE]
