"""Who belongs to a workspace, and as what: inviting, changing a role, removing. The last owner stays."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.domain.access import Role
from app.errors import Conflict, Invalid, Problem, problem
from app.models import Member, User, Workspace, new_id
from app.runtime import Runtime
from app.services import account_mail, audit, links, sessions
from app.services.access import Visitor, held_workspace, own
from app.services.accounts import by_email, read_account_email
from app.services.operators import workspace_called
from app.services.paging import PAGE, Page, cut, in_order


@dataclass(frozen=True)
class MemberRow:
    """A member as the others see them. Before the first visit (`joined`) the name is that of the address."""

    id: str
    user_id: str
    name: str
    email: str
    role: Role
    joined: datetime | None


@dataclass(frozen=True)
class Invited:
    """What became of an invitation. Without a mail server the link is shown once, to hand over in person."""

    email: str
    link: str | None


def list_members(runtime: Runtime, who: Visitor) -> list[MemberRow]:
    """Everybody in the visitor's workspace, owners first."""
    with runtime.db.read() as session:
        rows = [_row(member, user) for member, user in session.execute(_members(who))]
    return sorted(rows, key=lambda row: (-row.role.rank, row.name.casefold(), row.id))


def listed(runtime: Runtime, who: Visitor, cursor: str | None = None, limit: int = PAGE) -> Page[MemberRow]:
    """The same page by page, for the API: in the order in which they were made members."""
    query = in_order(_members(who), cursor, Member.created_at, Member.id)
    with runtime.db.read() as session:
        rows = session.execute(query.limit(limit + 1)).all()
    shown, more = cut(rows, limit, lambda row: (row[0].created_at, row[0].id))
    return Page(tuple(_row(member, user) for member, user in shown), more)


def invite(runtime: Runtime, who: Visitor, email: str, role: str) -> Invited:
    """Make somebody a member at once and send them a link. Says the same whether they have an account or not.

    Raises Invalid for the address or the role, Conflict for somebody who is a member already.
    """
    address, chosen = _read(email, role)
    with runtime.db.write() as session:
        workspace = session.get_one(Workspace, who.workspace_id)
        user, is_new = _user_for(session, runtime, address, workspace)
        _add(session, runtime, workspace, user, chosen)
        audit.note(session, who, runtime.clock(), "member.invited", user.id, role=chosen.value)
        purpose = "welcome" if user.password_hash else "invitation"
        if account_mail.is_possible(runtime):
            account_mail.enqueue(session, runtime, user, purpose, workspace=workspace, inviter=who.name)
            return Invited(address, None)
        # Whoever sees the link could use it: it sets a password only for somebody who exists nowhere else.
        purpose = purpose if is_new else "welcome"
        return Invited(address, links.mint(session, runtime, user, purpose, workspace.id))


def change_role(runtime: Runtime, who: Visitor, member_id: str, role: str, but: str | None = None) -> None:
    """Give a member another role and end that person's sessions, except the one with the token `but`.

    Raises Invalid, Conflict and NotFound.
    """
    chosen = _read_role(role)
    with runtime.db.write() as session:
        held_workspace(session, who)  # of two owners who remove each other at once one is the last
        member = own(session, who, Member, member_id, lock=True)
        if member.role == chosen.value:
            return
        if chosen is not Role.OWNER:
            _keep_an_owner(session, member)
        audit.note(
            session, who, runtime.clock(), "member.role_changed", member.user_id,
            before=member.role, role=chosen.value,
        )  # fmt: skip
        member.role = chosen.value
        sessions.end_all(session, member.user_id, but=but)


def remove(runtime: Runtime, who: Visitor, member_id: str, but: str | None = None) -> None:
    """End a membership and that person's sessions, except the one with the token `but`.

    What they wrote stays. Raises Conflict and NotFound.
    """
    with runtime.db.write() as session:
        held_workspace(session, who)  # of two owners who remove each other at once one is the last
        member = own(session, who, Member, member_id, lock=True)
        _keep_an_owner(session, member)
        session.delete(member)
        audit.note(session, who, runtime.clock(), "member.removed", member.user_id, role=member.role)
        sessions.end_all(session, member.user_id, but=but)


def create(runtime: Runtime, email: str, slug: str, role: str) -> str | None:
    """The operator makes a member; returns the link that sets a password, none where there is one already.

    Raises NotFound for an unknown workspace, Invalid, Conflict.
    """
    address, chosen = _read(email, role)
    with runtime.db.write() as session:
        workspace = workspace_called(session, slug)
        user, _ = _user_for(session, runtime, address, workspace)
        _add(session, runtime, workspace, user, chosen)
        noted = "member.invited", user.id
        audit.note(session, None, runtime.clock(), *noted, workspace_id=workspace.id, role=chosen.value)
        if user.password_hash is not None:
            return None
        return links.mint(session, runtime, user, "invitation", workspace.id)


def list_all(runtime: Runtime) -> list[tuple[str, str, str]]:
    """Every membership of the installation as address, role and slug, for its operator."""
    query = (
        select(User.email, Member.role, Workspace.slug)
        .join(Member, Member.user_id == User.id)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .order_by(User.email, Workspace.slug)
    )
    with runtime.db.read() as session:
        return [(email, role, slug) for email, role, slug in session.execute(query)]


def _members(who: Visitor) -> Select[Member, User]:
    query = select(Member, User).join(User, User.id == Member.user_id)
    return query.where(Member.workspace_id == who.workspace_id)


def _read(email: str, role: str) -> tuple[str, Role]:
    problems: list[Problem] = []
    address = read_account_email(email, problems)
    if problems:
        raise Invalid(problems)
    return address, _read_role(role)


def _read_role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError as error:
        raise Invalid([problem("role", "Choose one of the roles.")]) from error


def _user_for(session: Session, runtime: Runtime, email: str, workspace: Workspace) -> tuple[User, bool]:
    user = by_email(session, email)
    if user is not None:
        return user, False
    user = User(
        id=new_id(), email=email, name=email.partition("@")[0][:120], locale=workspace.locale,
        created_at=runtime.clock(),
    )  # fmt: skip
    session.add(user)
    _flush_or_conflict(session)
    return user, True


def _add(session: Session, runtime: Runtime, workspace: Workspace, user: User, role: Role) -> None:
    already = select(Member.id).where(Member.workspace_id == workspace.id, Member.user_id == user.id)
    if session.scalar(already):
        raise Conflict("This person is a member already.")
    session.add(
        Member(
            id=new_id(), workspace_id=workspace.id, user_id=user.id, role=role.value,
            created_at=runtime.clock(),
        )
    )  # fmt: skip
    _flush_or_conflict(session)


def _flush_or_conflict(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict("Somebody else invited this person a moment ago.") from error


def _keep_an_owner(session: Session, member: Member) -> None:
    """Raises Conflict when this is the only owner."""
    if member.role != Role.OWNER.value:
        return
    owners = select(func.count()).where(
        Member.workspace_id == member.workspace_id, Member.role == Role.OWNER.value
    )
    if (session.scalar(owners) or 0) < 2:
        raise Conflict("A workspace keeps at least one owner. Make somebody else an owner first.")


def _row(member: Member, user: User) -> MemberRow:
    known = member.joined_at is not None
    name = user.name if known else user.email.partition("@")[0]
    return MemberRow(member.id, user.id, name, user.email, Role(member.role), member.joined_at)
