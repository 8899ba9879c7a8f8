"""The very first person: a link that makes the first workspace and its owner, and never works again."""

from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.domain import passwords as rules
from app.domain.access import Role
from app.errors import Invalid, NotFound, Problem
from app.models import Member, OneTimeLink, User, new_id
from app.runtime import Runtime
from app.services import audit, links, passwords, workspaces
from app.services.accounts import read_account_email, read_name
from app.services.sign_in import Entered, enter
from app.services.tries import Caller

PLACEHOLDER = "first-owner@retorno.invalid"  # nobody's: the link's holder says who they are
PURPOSE = "first_owner"


@dataclass(frozen=True)
class FirstForm:
    """What the first person says."""

    workspace: str
    name: str
    email: str
    password: str
    time_zone: str
    locale: str


def first_link(runtime: Runtime) -> str | None:
    """A new one-time link while nobody has ever been here; none from then on. Older ones end."""
    with runtime.db.write() as session:
        if _somebody_is_here(session):
            return None
        user = session.scalar(select(User).where(User.email == PLACEHOLDER))
        if user is None:
            user = User(
                id=new_id(), email=PLACEHOLDER, name="", locale="en", created_at=runtime.clock()
            )  # fmt: skip
            session.add(user)
            session.flush()
        session.execute(delete(OneTimeLink).where(OneTimeLink.purpose == PURPOSE))
        return links.mint(session, runtime, user, PURPOSE)


def begin(runtime: Runtime, token: str, form: FirstForm, caller: Caller) -> Entered:
    """Make the first workspace, its owner and their session; raises NotFound and Invalid."""
    with runtime.db.read() as session:
        _usable(session, runtime, token)
    values, name, email = _check(form)
    fresh = passwords.hashed(runtime, form.password)
    with runtime.db.write() as session:
        link, user = _usable(session, runtime, token)
        links.use(session, link, runtime.clock())
        user.email, user.name, user.locale, user.password_hash = email, name, form.locale, fresh
        workspace = workspaces.add(session, runtime, values)
        now = runtime.clock()
        session.add(
            Member(
                id=new_id(), workspace_id=workspace.id, user_id=user.id, role=Role.OWNER.value,
                created_at=now, joined_at=now,
            )
        )  # fmt: skip
        user.last_workspace_id = workspace.id
        audit.note(session, None, now, "workspace.created", workspace.id, workspace_id=workspace.id)
        session.flush()
        return enter(session, runtime, user, caller)


def _usable(session: Session, runtime: Runtime, token: str) -> tuple[OneTimeLink, User]:
    link, user = links.find(session, token, runtime.clock())
    if link.purpose != PURPOSE or _somebody_is_here(session):
        raise NotFound
    return link, user


def _somebody_is_here(session: Session) -> bool:
    others = select(func.count()).select_from(User).where(User.email != PLACEHOLDER)
    return bool(session.scalar(others))


def _check(form: FirstForm) -> tuple[dict[str, str], str, str]:
    problems: list[Problem] = []
    email = read_account_email(form.email, problems)
    name = read_name(form.name, problems)
    try:
        values = workspaces.checked(form.workspace, "customers", form.time_zone, form.locale)
    except Invalid as error:
        problems += [
            Problem("workspace" if each.field == "name" else each.field, each.message, each.params)
            for each in error.problems
        ]
    problems += rules.check(form.password, form.email)
    if problems:
        raise Invalid(problems)
    return values, name, email
