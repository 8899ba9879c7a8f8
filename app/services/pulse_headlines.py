"""The one number that crosses the wall: handed to a customers workspace by an owner, and taken back."""

from sqlalchemy import Select, delete, or_, select
from sqlalchemy.orm import Session

from app.domain.access import Role
from app.errors import Conflict, Forbidden, Invalid, problem
from app.models import Headline, Member, Pulse, Workspace, new_id
from app.runtime import Runtime
from app.services import audit
from app.services.access import Visitor, own
from app.services.once import Once
from app.services.pulse_results import view_of


def publish_headline(
    runtime: Runtime, who: Visitor, pulse_id: str, workspace: str, once: Once | None = None
) -> None:
    """Hand the result of the whole to a customers workspace, named by its id or slug; again changes nothing.

    Raises Forbidden, NotFound, Conflict for a pulse without a result, Invalid for a workspace that the owner
    does not belong to.
    """
    _owners_only(who)
    with runtime.db.write() as session:
        if once:
            once.keep(session, pulse_id)
        pulse = own(session, who, Pulse, pulse_id, lock=True)
        view = view_of(session, pulse)
        if view.result is None or view.closed_at is None:
            raise Conflict("This pulse has no result that could be handed on.")
        target = _target(session, who, workspace)
        if session.scalar(_of(pulse_id).where(Headline.workspace_id == target)) is not None:
            return
        session.add(
            Headline(
                id=new_id(),
                pulse_id=pulse.id,
                workspace_id=target,
                promoters=view.result.counts.upper,
                passives=view.result.counts.middle,
                detractors=view.result.counts.lower,
                asked=view.asked,
                closed_at=view.closed_at,
                published_at=runtime.clock(),
            )
        )
        audit.note(session, who, runtime.clock(), "pulse.headline_published", pulse.id, to=target)


def withdraw_headline(runtime: Runtime, who: Visitor, pulse_id: str, workspace: str | None = None) -> None:
    """Take it back from one workspace, or from all; where it is not, nothing changes. Raises as above."""
    _owners_only(who)
    with runtime.db.write() as session:
        pulse = own(session, who, Pulse, pulse_id, lock=True)
        gone = delete(Headline).where(Headline.pulse_id == pulse.id)
        session.execute(gone if workspace is None else gone.where(Headline.workspace_id == workspace))
        audit.note(session, who, runtime.clock(), "pulse.headline_withdrawn", pulse.id)


def headline_targets(runtime: Runtime, who: Visitor) -> list[tuple[str, str]]:
    """Id and name of the customers workspaces that this owner may hand a result to."""
    if who.user_id is None:
        return []
    with runtime.db.read() as session:
        rows = session.execute(
            select(Workspace.id, Workspace.name)
            .join(Member, Member.workspace_id == Workspace.id)
            .where(Member.user_id == who.user_id, Workspace.kind == "customers")
            .order_by(Workspace.name)
        ).all()
    return [(row.id, row.name) for row in rows]


def _owners_only(who: Visitor) -> None:
    if not who.role.reaches(Role.OWNER):
        raise Forbidden


def _of(pulse_id: str) -> Select[str]:
    return select(Headline.id).where(Headline.pulse_id == pulse_id)


def _target(session: Session, who: Visitor, workspace: str) -> str:
    """The wall has this one door: only to where the owner, or for a key any owner, is a member as well.

    A workspace without owners is run by the operator alone, whose keys may hand its result to any.
    """
    found = session.scalar(
        select(Workspace.id).where(
            or_(Workspace.id == workspace, Workspace.slug == workspace), Workspace.kind == "customers"
        )
    )
    owners = [who.user_id] if who.user_id else _owners(session, who)
    if found and (not owners or _is_member(session, found, owners)):
        return found
    raise Invalid([problem("workspace", "You belong to no customers workspace of this name.")])


def _owners(session: Session, who: Visitor) -> list[str]:
    query = select(Member.user_id).where(
        Member.workspace_id == who.workspace_id, Member.role == Role.OWNER.value
    )
    return list(session.scalars(query))


def _is_member(session: Session, workspace_id: str, users: list[str]) -> bool:
    query = select(Member.id).where(Member.workspace_id == workspace_id, Member.user_id.in_(users)).limit(1)
    return session.scalar(query) is not None
