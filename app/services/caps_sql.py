"""Which messages that asked somebody weigh against the caps: by person and by address, as a rest is kept."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.domain.caps import midnight
from app.domain.delivery import ASKING
from app.models import Attempt, Contact, Invitation, Message
from app.services.asking_terms import Asking
from app.services.many_rows import unindexed

LEFT = ("attempting", "sent", "delivered", "unknown")
WAITING = ("queued", "claimed")  # about to leave: a plan reckons with them, the sender does not
IN_FLIGHT = ("attempting", *WAITING)  # nobody knows the second yet: it is now
SOME = 500  # of whom one statement speaks
Moments = dict[str, tuple[datetime, ...]]


def is_capped(ask: Asking) -> ColumnElement[bool]:
    """Were this person, or anybody with their address, asked as often as the caps allow?"""
    caps, zone = ask.rest.caps, ask.rest.zone
    today = midnight(ask.now.astimezone(zone).date(), zone)
    full = [
        _number(ask, first) >= most
        for most, first in ((caps.daily, today), (caps.weekly, caps.since(ask.now, zone)))
        if most is not None
    ]
    return or_(*full)


def _number(ask: Asking, since: datetime) -> ColumnElement[int]:
    """How many of their messages weigh from then on: each ask looks up its own.

    As a join PostgreSQL would hash everybody's messages for each person, while its statistics are old.
    """
    theirs = aliased(Invitation)
    messages = select(func.count(Message.id)).where(
        Message.invitation_id == theirs.id, *_weighs(since, ask.now, (*LEFT, *WAITING))
    )
    keys = (Contact.email_key, Contact.phone_key, Contact.telegram_key)
    by_address = and_(unindexed(theirs.workspace_id) == Contact.workspace_id, theirs.address_key.in_(keys))
    query = select(func.coalesce(func.sum(messages.correlate(theirs).scalar_subquery()), 0))
    query = query.where(or_(theirs.contact_id == Contact.id, by_address), theirs.expires_at > since)
    return query.where(*_of_others(theirs, ask.occurrence_id, sandbox_on=ask.sandbox_on)).scalar_subquery()


def messages_at(session: Session, ask: Asking, contact_ids: Sequence[str]) -> Moments:
    """The same messages' moments for the pure rule; nothing is read where there is no cap."""
    caps = ask.rest.caps
    if not caps.are_set:
        return {}
    since = caps.since(ask.now, ask.rest.zone)
    others = _of_others(Invitation, ask.occurrence_id, sandbox_on=ask.sandbox_on)
    messages = _weighs(since, ask.now, (*LEFT, *WAITING))
    return _gathered(session, contact_ids, ask.now, [Invitation.expires_at > since, *others], messages)


def left_at(
    session: Session, contact_ids: Sequence[str], since: datetime, now: datetime, *, sandbox_on: bool
) -> Moments:
    """When messages that asked these people left, as the sender counts them."""
    others = _of_others(Invitation, None, sandbox_on=sandbox_on)
    asks = [Invitation.expires_at > since, *others]
    return _gathered(session, contact_ids, now, asks, _weighs(since, now, LEFT))


def _gathered(
    session: Session,
    contact_ids: Sequence[str],
    now: datetime,
    asks: Sequence[ColumnElement[bool]],
    messages: Sequence[ColumnElement[bool]],
) -> Moments:
    """Whose asks, then their messages: each statement walks one index."""
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    for start in range(0, len(contact_ids), SOME):
        whose = _asks(session, contact_ids[start : start + SOME], asks)
        ids = list(whose)
        for first in range(0, len(ids), SOME):
            query = select(Message.invitation_id, _moment(now)).where(
                Message.invitation_id.in_(ids[first : first + SOME]), *messages
            )
            for ask_id, at in session.execute(query):
                for contact_id in whose[ask_id or ""]:
                    found[contact_id].append(at)
    return {id: tuple(moments) for id, moments in found.items()}


def _asks(
    session: Session, contact_ids: Sequence[str], weighing: Sequence[ColumnElement[bool]]
) -> dict[str, set[str]]:
    """Each ask that weighs on one of these people, and on whom: by person, and by address."""
    keys: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    people = select(
        Contact.id, Contact.workspace_id, Contact.email_key, Contact.phone_key, Contact.telegram_key
    )
    for id, workspace_id, *theirs in session.execute(people.where(Contact.id.in_(contact_ids))):
        for key in filter(None, theirs):
            keys[workspace_id, key].add(id)
    whose: defaultdict[str, set[str]] = defaultdict(set)
    by_person = select(Invitation.id, Invitation.contact_id).where(Invitation.contact_id.in_(contact_ids))
    for ask_id, contact_id in session.execute(by_person.where(*weighing)):
        whose[ask_id].add(contact_id)
    by_address = select(Invitation.id, Invitation.workspace_id, Invitation.address_key).where(
        unindexed(Invitation.workspace_id).in_({workspace_id for workspace_id, _ in keys}),
        Invitation.address_key.in_({key for _, key in keys}),
    )
    for ask_id, place, address in session.execute(by_address.where(*weighing)):
        whose[ask_id] |= keys.get((place, address or ""), set())
    return whose


def _weighs(since: datetime, now: datetime, states: Sequence[str]) -> list[ColumnElement[bool]]:
    return [Message.purpose.in_(ASKING), Message.state.in_(states), _moment(now) >= since]


def _moment(now: datetime) -> ColumnElement[datetime]:
    """When it left; of an unknown end its last try. What is in flight counts as now."""
    moment = Message.sent_at.type
    tried = (
        select(func.max(Attempt.started_at, type_=moment))
        .where(Attempt.message_id == Message.id)
        .scalar_subquery()
    )
    known = func.coalesce(Message.sent_at, tried, Message.created_at)
    return case((Message.state.in_(IN_FLIGHT), literal(now, moment)), else_=known)


def _of_others(
    theirs: type[Invitation], occurrence_id: str | None, *, sandbox_on: bool
) -> list[ColumnElement[bool]]:
    """What the sandbox asked counts while it is on; what this very run asks does not weigh on it."""
    found: list[ColumnElement[bool]] = [] if sandbox_on else [theirs.sandbox.is_(False)]
    return found if occurrence_id is None else [*found, theirs.occurrence_id != occurrence_id]
