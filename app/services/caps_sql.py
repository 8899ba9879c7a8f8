"""Which messages that asked somebody weigh against the caps: by person and by address, as a rest is kept."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from app.domain.caps import midnight
from app.domain.delivery import ASKING
from app.models import Attempt, Contact, Invitation, Message
from app.services.asking_terms import Asking

LEFT = ("attempting", "sent", "delivered", "unknown")
WAITING = ("queued", "claimed")  # about to leave: a plan reckons with them, the sender does not
IN_FLIGHT = ("attempting", *WAITING)  # nobody knows the second yet: it is now
Moments = dict[str, tuple[datetime, ...]]


def is_capped(ask: Asking) -> ColumnElement[bool]:
    """Were this person, or anybody with their address, asked as often as the caps allow?"""
    caps, zone = ask.rest.caps, ask.rest.zone
    theirs = aliased(Invitation)
    moment = _moment(ask.now)
    since = caps.since(ask.now, zone)
    today = midnight(ask.now.astimezone(zone).date(), zone)
    full = [
        func.count().filter(moment >= first) >= most
        for most, first in ((caps.daily, today), (caps.weekly, since))
        if most is not None
    ]
    query = select(or_(*full)).select_from(theirs).join(Message, Message.invitation_id == theirs.id)
    weighs = _of_others(theirs, ask.occurrence_id, sandbox_on=ask.sandbox_on)
    asked = _asked(theirs, since, moment, (*LEFT, *WAITING))
    return query.where(_whose(theirs), *asked, *weighs).scalar_subquery()


def messages_at(session: Session, ask: Asking, contact_ids: Collection[str]) -> Moments:
    """The same messages' moments for the pure rule; nothing is read where there is no cap."""
    caps = ask.rest.caps
    if not caps.are_set:
        return {}
    theirs = aliased(Invitation)
    since, moment = caps.since(ask.now, ask.rest.zone), _moment(ask.now)
    query = _with_people(theirs, since, moment, (*LEFT, *WAITING))
    weighs = _of_others(theirs, ask.occurrence_id, sandbox_on=ask.sandbox_on)
    return _gathered(session, query.where(Contact.id.in_(contact_ids), *weighs))


def left_at(
    session: Session, contact_ids: Collection[str], since: datetime, now: datetime, *, sandbox_on: bool
) -> Moments:
    """When messages that asked these people left, as the sender counts them."""
    theirs = aliased(Invitation)
    query = _with_people(theirs, since, _moment(now), LEFT)
    return _gathered(
        session, query.where(Contact.id.in_(contact_ids), *_of_others(theirs, None, sandbox_on=sandbox_on))
    )


def _with_people(
    theirs: type[Invitation], since: datetime, moment: ColumnElement[datetime], states: Sequence[str]
) -> Select[str, datetime]:
    people = select(Contact.id, moment).select_from(Contact).join(theirs, _whose(theirs))
    people = people.join(Message, Message.invitation_id == theirs.id)
    return people.where(*_asked(theirs, since, moment, states))


def _asked(
    theirs: type[Invitation], since: datetime, moment: ColumnElement[datetime], states: Sequence[str]
) -> list[ColumnElement[bool]]:
    return [
        Message.purpose.in_(ASKING),
        Message.state.in_(states),
        theirs.expires_at > since,  # nothing leaves after that: older asks need no look at their messages
        moment >= since,
    ]


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


def _whose(theirs: type[Invitation]) -> ColumnElement[bool]:
    keys = (Contact.email_key, Contact.phone_key, Contact.telegram_key)
    by_address = and_(theirs.workspace_id == Contact.workspace_id, theirs.address_key.in_(keys))
    return or_(theirs.contact_id == Contact.id, by_address)


def _of_others(
    theirs: type[Invitation], occurrence_id: str | None, *, sandbox_on: bool
) -> list[ColumnElement[bool]]:
    """What the sandbox asked counts while it is on; what this very run asks does not weigh on it."""
    found: list[ColumnElement[bool]] = [] if sandbox_on else [theirs.sandbox.is_(False)]
    return found if occurrence_id is None else [*found, theirs.occurrence_id != occurrence_id]


def _gathered(session: Session, query: Select[str, datetime]) -> Moments:
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    for id, at in session.execute(query):
        found[id].append(at)
    return {id: tuple(moments) for id, moments in found.items()}
