"""Which messages that asked somebody weigh against the caps: by person, and by the address they went to.

An ask stands at the address of its question; its reminders may have gone to another, and are looked up there.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import Session

from app.domain.caps import midnight
from app.domain.delivery import ASKING
from app.models import Attempt, Contact, Invitation, Message
from app.services.asking_terms import Asking
from app.services.many_rows import once_more, unindexed

LEFT = ("attempting", "sent", "delivered", "unknown")
WAITING = ("queued", "claimed")  # about to leave: a plan reckons with them, the sender does not
ALL = (*LEFT, *WAITING)
IN_FLIGHT = ("attempting", *WAITING)  # nobody knows the second yet: it is now
SOME = 500  # of whom one statement speaks
# What differs between two looks
_SINCE, _NOW = (bindparam(name, type_=Message.sent_at.type) for name in ("since", "now"))
_KEYS = (Contact.email_key, Contact.phone_key, Contact.telegram_key)
_SOME: BindParameter[str] = bindparam("some", expanding=True)
_PEOPLE = select(Contact.id, Contact.workspace_id, *_KEYS).where(Contact.id.in_(_SOME))
_PLACES: BindParameter[str] = bindparam("places", expanding=True)
_BUT = bindparam("but", type_=Invitation.occurrence_id.type)
_REMINDER: ColumnElement[str] = literal_column("'reminder'")  # as the index says it
When = datetime | ColumnElement[datetime]
Keys = defaultdict[tuple[str, str], set[str]]  # who is reached at an address of a workspace
Moments = dict[str, tuple[datetime, ...]]
Person = Row[str, str, str | None, str | None, str | None]  # their id, workspace and keyed addresses


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
    """How many messages weigh from then on: their own asks', and what others got at their addresses."""
    return _of_asks(ask, since) + _of_reminders_there(ask, since)


def _of_asks(ask: Asking, since: datetime) -> ScalarSelect[int]:
    """Each ask looks up its own messages; of others' asks the questions alone.

    As a join PostgreSQL would hash everybody's messages for each person, while its statistics are old.
    """
    theirs = once_more(Invitation)
    messages = _of_ask().where(*_weighs(since, ask.now, ALL)).correlate(theirs, Contact)
    query = select(func.coalesce(func.sum(messages.scalar_subquery()), 0))
    query = query.where(_is_theirs(), theirs.expires_at > since)
    return query.where(*of_others(theirs, ask.occurrence_id, sandbox_on=ask.sandbox_on)).scalar_subquery()


@cache  # as whatever is the same in every look: to put it together takes longer than to run it
def _of_ask() -> Select[int]:
    theirs = once_more(Invitation)
    its = or_(theirs.contact_id == Contact.id, Message.purpose == "invitation")
    return select(func.count(Message.id)).where(Message.invitation_id == theirs.id, its)


@cache
def _is_theirs() -> ColumnElement[bool]:
    theirs = once_more(Invitation)
    by_address = and_(unindexed(theirs.workspace_id) == Contact.workspace_id, theirs.address_key.in_(_KEYS))
    return or_(theirs.contact_id == Contact.id, by_address)


def _of_reminders_there(ask: Asking, since: datetime) -> ScalarSelect[int]:
    """Others' reminders that came to these addresses, wherever their question had gone."""
    theirs = once_more(Invitation)
    weighs = [theirs.expires_at > since, *of_others(theirs, ask.occurrence_id, sandbox_on=ask.sandbox_on)]
    query = _of_others_there().where(*_reminds(theirs, weighs), *_weighs(since, ask.now, ALL))
    return query.scalar_subquery()


@cache
def _of_others_there() -> Select[int]:
    return select(func.count(Message.id)).where(
        Message.address_key.in_(_KEYS),
        Message.workspace_id == Contact.workspace_id,
        Message.contact_id != Contact.id,
    )


def _reminds(ask: type[Invitation], asks: Sequence[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    """Its ask is looked up for each: as a join PostgreSQL might begin with everybody's asks."""
    of_it = select(literal(1)).where(ask.id == Message.invitation_id, *asks).correlate(Message)
    return [Message.purpose == _REMINDER, of_it.scalar_subquery().is_not(None)]


def messages_at(session: Session, ask: Asking, contact_ids: Sequence[str]) -> Moments:
    """The same messages' moments for the pure rule; nothing is read where there is no cap."""
    caps = ask.rest.caps
    if not caps.are_set:
        return {}
    looked = _looks(ALL, sandbox_on=ask.sandbox_on)
    since = caps.since(ask.now, ask.rest.zone)
    values = {"since": since, "now": ask.now, "but": ask.occurrence_id or ""}
    return _gathered(session, looked, people(session, contact_ids), values)


def left_at(
    session: Session, whom: Sequence[Person], since: datetime, now: datetime, *, sandbox_on: bool
) -> Moments:
    """When messages that asked these people left, as the sender counts them."""
    values = {"since": since, "now": now, "but": ""}
    return _gathered(session, _looks(LEFT, sandbox_on=sandbox_on), whom, values)


def people(session: Session, contact_ids: Sequence[str]) -> Sequence[Person]:
    """These people and the addresses at which they may be asked."""
    parts = (contact_ids[start : start + SOME] for start in range(0, len(contact_ids), SOME))
    return [row for some in parts for row in session.execute(_PEOPLE, {"some": some})]


@dataclass(frozen=True)
class Looks:
    """The statements of one look at some people: asks that weigh, and their messages."""

    by_person: Select[str, str]
    by_address: Select[str, str, str | None]
    messages: Select[str | None, str | None, str, datetime]
    reminders: Select[str | None, str | None, str | None, datetime]


@cache  # to put them together takes longer than to run them for the few who leave together
def _looks(states: tuple[str, ...], *, sandbox_on: bool) -> Looks:
    asks = [Invitation.expires_at > _SINCE, *of_others(Invitation, _BUT, sandbox_on=sandbox_on)]
    weighs = _weighs(_SINCE, _NOW, states)
    there = (Message.workspace_id, Message.address_key, Message.contact_id)
    return Looks(
        select(Invitation.id, Invitation.contact_id).where(Invitation.contact_id.in_(_SOME), *asks),
        select(Invitation.id, Invitation.workspace_id, Invitation.address_key).where(
            unindexed(Invitation.workspace_id).in_(_PLACES), Invitation.address_key.in_(_SOME), *asks
        ),
        select(Message.invitation_id, Message.contact_id, Message.purpose, when_left(_NOW)).where(
            Message.invitation_id.in_(_SOME), *weighs
        ),
        select(*there, when_left(_NOW)).where(
            *_reminds(Invitation, asks),
            Message.address_key.in_(_SOME),
            Message.workspace_id.in_(_PLACES),
            *weighs,
        ),
    )


def _gathered(
    session: Session, looks: Looks, whom: Sequence[Person], values: Mapping[str, object]
) -> Moments:
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    connection = session.connection()  # by columns: not through what the session does for each object
    for start in range(0, len(whom), SOME):
        for contact_id, at in _of_some(connection, looks, whom[start : start + SOME], values):
            found[contact_id].append(at)
    return {id: tuple(moments) for id, moments in found.items()}


def _of_some(
    connection: Connection, looks: Looks, whom: Sequence[Person], values: Mapping[str, object]
) -> Iterator[tuple[str, datetime]]:
    """Whose asks, then their messages, then others' reminders: each statement walks one index."""
    keys: Keys = defaultdict(set)
    for id, workspace_id, *addresses in whom:
        for key in filter(None, addresses):
            keys[workspace_id, key].add(id)
    there = {**values, "some": [key for _, key in keys], "places": list({place for place, _ in keys})}
    whose: defaultdict[str, set[str]] = defaultdict(set)  # on whom each ask weighs
    theirs = {**values, "some": [id for id, *_ in whom]}
    for ask_id, contact_id in connection.execute(looks.by_person, theirs):
        whose[ask_id].add(contact_id)
    for ask_id, place, address in connection.execute(looks.by_address, there):
        whose[ask_id] |= keys[place, address or ""]
    ids = list(whose)
    for first in range(0, len(ids), SOME):
        some = {**values, "some": ids[first : first + SOME]}
        for of, sent_to, purpose, at in connection.execute(looks.messages, some):
            yield from ((id, at) for id in whose[of or ""] if purpose == "invitation" or id == sent_to)
    for where, reminded, asked, at in connection.execute(looks.reminders, there):
        yield from ((id, at) for id in keys[where or "", reminded or ""] if id != asked)


def _weighs(since: When, now: When, states: tuple[str, ...]) -> list[ColumnElement[bool]]:
    return [*_asks_in(states), when_left(now) >= since]


@cache
def _asks_in(states: tuple[str, ...]) -> tuple[ColumnElement[bool], ...]:
    return Message.purpose.in_(ASKING), unindexed(Message.state).in_(states)


def when_left(now: When) -> ColumnElement[datetime]:
    """When it left; of an unknown end its last try. What is in flight counts as now."""
    at = literal(now, Message.sent_at.type) if isinstance(now, datetime) else now
    return case((_is_in_flight(), at), else_=_known())


@cache
def _is_in_flight() -> ColumnElement[bool]:
    return Message.state.in_(IN_FLIGHT)


@cache
def _known() -> ColumnElement[datetime]:
    tried = select(func.max(Attempt.started_at, type_=Message.sent_at.type))
    of_it = tried.where(Attempt.message_id == Message.id).scalar_subquery()
    return func.coalesce(Message.sent_at, of_it, Message.created_at)


def of_others(
    theirs: type[Invitation], occurrence_id: str | ColumnElement[str] | None, *, sandbox_on: bool
) -> list[ColumnElement[bool]]:
    """What the sandbox asked counts while it is on; what this very run asks does not weigh on it."""
    found: list[ColumnElement[bool]] = [] if sandbox_on else [theirs.sandbox.is_(False)]
    return found if occurrence_id is None else [*found, theirs.occurrence_id != occurrence_id]
