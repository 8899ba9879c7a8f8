"""A believable pair of workspaces for looking around, in an empty installation only."""

import random

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import Refusal
from app.models import Setting, User, Workspace
from app.runtime import Runtime
from app.services import demo_pulses, links
from app.services.address_keys import address_key
from app.services.demo_asks import Asking
from app.services.demo_followups import Following
from app.services.demo_house import OWNER, SEED, House, build

MARK = (
    "demo_workspaces"  # in `installation`: the ids of what we made, so that nothing else is mistaken for it
)


def make(runtime: Runtime) -> str:
    """Fill an empty installation, or find what is there already; the owner's one-time sign-in link.

    Raises Refusal where there is anything that is not the demonstration's, or a channel is real.
    """
    if not runtime.config.sandbox_on:
        raise Refusal("A channel is configured here, and nobody in the demonstration has a mailbox.")
    with runtime.db.write() as session:
        address_key(
            session, OWNER
        )  # makes the key; once committed it is remembered, not read for each person
    with runtime.db.write() as session:
        if not _is_there(session):
            customers, people = build(session, runtime, random.Random(SEED))  # noqa: S311 - no secret
            _fill(session, customers, people)
        owner = session.scalars(select(User).where(User.email == OWNER)).one()
        return links.mint(session, runtime, owner, "reset")


def _is_there(session: Session) -> bool:
    """Is it here, with nothing beside it? Raises Refusal for anything else but an empty installation."""
    mark = session.get(Setting, MARK)
    ours = set(mark.value.split()) if mark else set()
    if set(session.scalars(select(Workspace.id))) - ours:
        raise Refusal("There is real data here: the demonstration moves into an empty installation only.")
    return mark is not None


def _fill(session: Session, customers: House, people: House) -> None:
    asking = Asking(customers)
    asking.fill()
    Following(customers, asking).fill()
    customers.heap.write(session)
    demo_pulses.fill(people, customers)
    people.heap.write(session)
    session.add(Setting(name=MARK, value=f"{customers.workspace.id} {people.workspace.id}"))
