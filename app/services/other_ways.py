"""The next channel of an ask: for whom the first one failed for good, or who is reminded elsewhere."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import and_, bindparam, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from app.db import changed
from app.models import Contact, Invitation, Message, Occurrence, OptOut, Survey, Workspace, new_id
from app.services.asking_terms import UNCOUNTED, rest_of
from app.services.caps_sql import LEFT, WAITING
from app.services.eligible_sql import asks_at
from app.services.many_rows import unindexed
from app.services.outbox import USUAL
from app.services.timeline_moments import Rerouted
from app.services.unsent import HELD

# What says something of one way only; an opt-out, an erasure or the end of the run hold for all of them.
OF_ONE_WAY = frozenset(
    {
        "no_address", "invalid_address", "bounced", "blocked", "landline", "country_not_allowed",
        "over_budget", "no_template",
        "channel_not_configured", "provider_refused", "outside_window", "filtered", "unreachable",
    }
)  # fmt: skip

_LOST = ("failed", "cancelled")
Shut = tuple[str, str | None, str | None]  # workspace, whose (an address's key or a person), channel or all
# Put together once: they are asked for every few people
_OF_ADDRESSES, _OF_PEOPLE = (
    select(OptOut.workspace_id, whose, OptOut.kind, OptOut.channel).where(
        OptOut.workspace_id.in_(bindparam("places", expanding=True)),
        whose.in_(bindparam("some", expanding=True)),
        OptOut.lifted_at.is_(None),
    )
    for whose in (OptOut.address_key, OptOut.contact_id)
)


def take_next(
    session: Session, invitation_id: str | None, reason: str, ready: Collection[str], now: datetime
) -> bool:
    """A step: this ask did not reach them, so it takes the next channel of its list; False with none left.

    Each channel is tried once, and never after one whose end is unknown: nobody is asked twice.
    """
    if invitation_id is None or reason == "opted_out":
        return False
    invitation = session.get_one(Invitation, invitation_id, with_for_update=True)
    if invitation.state in ("answered", "delivered", "cancelled", "expired") or invitation.expires_at <= now:
        return False
    asked = session.execute(_first_messages(invitation.id)).all()
    if any(row.state not in _LOST for row in asked):
        return False
    occurrence = session.get_one(Occurrence, invitation.occurrence_id)
    contact = session.get_one(Contact, invitation.contact_id)
    tried = {row.channel for row in asked}
    if _was_reminded(session, invitation, tried):
        return True
    further = [
        each
        for each in occurrence.channels
        if each not in tried and not rests_at(session, invitation, occurrence, contact.key_on(each), now)
    ]
    channel = open_way(session, contact, further, ready)
    if channel is None:
        return False
    session.execute(insert(Message).values(message(invitation, contact, channel, "invitation", now)))
    invitation.channel, invitation.address_key = channel, contact.key_on(channel)
    invitation.state, invitation.reason, invitation.until, invitation.sent_at = "queued", None, None, None
    session.flush()
    return True


def _was_reminded(session: Session, invitation: Invitation, tried: Collection[str]) -> bool:
    """Did a reminder ask them elsewhere? Then they were asked there. One that waits reminds of nothing."""
    reminders = select(Message).where(Message.invitation_id == invitation.id, Message.purpose == "reminder")
    asked = False
    for each in session.scalars(reminders.order_by(Message.created_at).with_for_update()).all():
        if each.state in WAITING:
            each.state, each.reason = "cancelled", "duplicate"
        elif each.state in LEFT and each.channel not in tried:
            invitation.channel, invitation.address_key = each.channel, each.address_key
            invitation.state, invitation.reason, invitation.until = "sent", None, None
            asked = True
    session.flush()
    return asked


def rests_at(
    session: Session, invitation: Invitation, occurrence: Occurrence, key: str | None, now: datetime
) -> bool:
    """Was somebody else asked at this address by this run, or so lately that it is left alone?

    An ask that waits and will follow its person to another address is none. Nor is one of the sandbox, which
    reached nobody, for whoever is asked for real.
    """
    if key is None or occurrence.origin == "closure":  # whoever is asked again is asked whatever was asked
        return False
    place = session.get_one(Workspace, invitation.workspace_id)
    rest = rest_of(place, invitation.metric, early_days=occurrence.early_days)  # as its run met them
    moment = asks_at(Invitation, now)
    others = select(Invitation.id).where(
        Invitation.address_key == key,
        unindexed(Invitation.workspace_id) == invitation.workspace_id,
        Invitation.contact_id != invitation.contact_id,
        Invitation.state.not_in(UNCOUNTED),
        or_(Invitation.sandbox.is_(False), literal(invitation.sandbox)),
        or_(
            Invitation.occurrence_id == occurrence.id,
            moment >= rest.cutoff(rest.days, now),
            and_(Invitation.metric == invitation.metric, moment >= rest.cutoff(rest.metric_days, now)),
        ),
    )
    found = set(session.scalars(others))
    return bool(found - _moving_away(session, found, key)) if found else False


def _moving_away(session: Session, invitations: Collection[str], key: str) -> set[str]:
    """Those whose person has this address no more, and whose question nobody else has in hand.

    Held until the end, so that no worker who still knows the old address sends it there.
    """
    theirs = (Contact.email_key, Contact.phone_key, Contact.telegram_key)
    waiting = (
        select(Message.invitation_id)
        .join(Contact, Contact.id == Message.contact_id)
        .where(
            Message.invitation_id.in_(invitations),
            Message.purpose == "invitation",
            Message.state.in_(("queued", "claimed")),
            *(func.coalesce(each, "") != key for each in theirs),
        )
    )
    held = session.scalars(waiting.with_for_update(of=Message, skip_locked=True))
    return {id for id in held if id is not None}


def take_back(session: Session, invitation: Invitation, channel: str) -> bool:
    """A step: this ask arrived after all, so what waits on another channel does not leave. Was there any?"""
    held = and_(Message.state == "cancelled", Message.reason == HELD)  # until its schedule goes on
    waiting = (
        update(Message)
        .where(
            Message.invitation_id == invitation.id,
            Message.purpose == "invitation",
            Message.channel != channel,
            or_(Message.state.in_(("queued", "claimed")), held),
        )
        .values(state="cancelled", reason="duplicate")
    )
    if not changed(session, waiting.execution_options(synchronize_session=False)):
        return False
    invitation.channel = channel
    return True


def reroutings(session: Session, contact: Contact, most: int) -> Iterator[Rerouted]:
    """A step: each message that asks them and did not arrive, and the channel that was taken instead."""
    query = (
        select(Message, Survey)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .join(Survey, Survey.id == Invitation.survey_id)
        .where(Message.contact_id == contact.id, Message.purpose == "invitation")
        .order_by(Message.invitation_id, Message.created_at, Message.state.not_in(_LOST))
        .limit(most)
    )
    rows = session.execute(query).all()
    for (lost, survey), (taken, _) in pairwise(rows):
        if lost.invitation_id == taken.invitation_id and lost.state in _LOST:
            yield Rerouted(
                at=taken.created_at,
                id=lost.id,
                survey=survey.name,
                metric=survey.metric,
                channel=lost.channel,
                address="" if lost.channel == "telegram" else lost.to_address,
                reason=lost.reason,
                instead=taken.channel,
            )


def _first_messages(invitation_id: str) -> Any:
    return select(Message.channel, Message.state).where(
        Message.invitation_id == invitation_id, Message.purpose == "invitation"
    )


def open_way(
    session: Session, contact: Contact, channels: Collection[str], ready: Collection[str]
) -> str | None:
    """The first of these channels on which we can send and they can be reached."""
    (way,) = open_ways(session, [(contact, channels)], ready)
    return way


def open_ways(
    session: Session, people: Sequence[tuple[Contact, Collection[str]]], ready: Collection[str]
) -> list[str | None]:
    """The same for many people, each with the channels that they may be reached on."""
    shut = _shut(session, [contact for contact, _ in people])
    return [
        next((each for each in channels if each in ready and _is_open(contact, each, shut)), None)
        for contact, channels in people
    ]


def _shut(session: Session, people: Collection[Contact]) -> set[Shut]:
    """Of these people: the addresses that nothing reaches, and whoever wants nothing more on a channel."""
    keys = [key for contact in people for key in _keys(contact)]
    places = list({contact.workspace_id for contact in people})
    shut: set[Shut] = set()
    for query, some in ((_OF_ADDRESSES, keys), (_OF_PEOPLE, [contact.id for contact in people])):
        for place, whose, kind, channel in session.execute(query, {"places": places, "some": some}):
            if kind == "bounce":
                shut.add((place, whose, None))
            elif channel is not None:
                shut.add((place, whose, channel))
    return shut


def _is_open(contact: Contact, channel: str, shut: set[Shut]) -> bool:
    key, place = contact.key_on(channel), contact.workspace_id
    if key is None or contact.lawful_basis == "none" or (place, key, None) in shut:
        return False
    return not any((place, whose, channel) in shut for whose in (contact.id, *_keys(contact)))


def _keys(contact: Contact) -> list[str]:
    return [key for key in (contact.email_key, contact.phone_key, contact.telegram_key) if key]


def message(
    invitation: Invitation, contact: Contact, channel: str, purpose: str, now: datetime
) -> dict[str, object]:
    """The row of a message of this ask to this person on this channel, due now."""
    return {
        "id": new_id(),
        "workspace_id": invitation.workspace_id,
        "purpose": purpose,
        "priority": USUAL,
        "channel": channel,
        "invitation_id": invitation.id,
        "contact_id": contact.id,
        "to_address": contact.address_on(channel),
        "address_key": contact.key_on(channel),
        "locale": invitation.locale,
        "state": "queued",
        "tries": 0,
        "due_at": now,
        "created_at": now,
    }
