"""The next channel of an ask: for whom the first one failed for good, or who is reminded elsewhere."""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import pairwise

from sqlalchemy import ColumnElement, Select, and_, func, insert, literal, literal_column, or_, select, update
from sqlalchemy.orm import Session

from app.db import changed
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Message, Occurrence, Survey, Workspace, new_id
from app.services import ask_messages, caps_sql
from app.services.ask_messages import LOST
from app.services.asking_terms import UNCOUNTED, rest_of
from app.services.eligible_sql import asks_at
from app.services.many_rows import unindexed
from app.services.open_ways import open_ways
from app.services.outbox import USUAL
from app.services.timeline_moments import Rerouted
from app.services.unsent import HELD

# What says something of one way only, as does an opt-out on one channel; any other opt-out, an erasure or the
# end of the run hold for all of them.
OF_ONE_WAY = frozenset(
    {
        "no_address", "invalid_address", "bounced", "blocked", "landline", "country_not_allowed",
        "over_budget", "no_template",
        "channel_not_configured", "provider_refused", "outside_window", "filtered", "unreachable",
    }
)  # fmt: skip

# Whoever writes down what points to the row need not wait: a link for a reminder of the same ask
ALONE = {"key_share": True}
REMINDER: ColumnElement[str] = literal_column("'reminder'")  # as the index says it


def take_next(session: Session, invitation_id: str | None, ready: Collection[str], now: datetime) -> bool:
    """A step: this ask did not reach them, so it takes the next channel of its list; False with none left.

    Each channel is tried once, and never after one whose end is unknown: nobody is asked twice. Where a
    reminder has asked them, the ask goes on there.
    """
    if invitation_id is None:
        return False
    ask_messages.hold_waiting(session, invitation_id, "reminder")
    invitation = session.get_one(Invitation, invitation_id, with_for_update=ALONE)
    if invitation.state in ("answered", "delivered", "cancelled", "expired") or invitation.expires_at <= now:
        return False
    told = ask_messages.told(session, invitation.id)
    if invitation.metric == Metric.ENPS:  # what becomes of a question is not to depend on who was silent
        told = [each for each in told if each.asks]
    if not all(each.is_lost for each in told if each.asks):
        return False
    there = ask_messages.reminder_that_asked(told)
    if there is not None:
        go_on(invitation, there.channel, there.key, "delivered" if there.state == "delivered" else "sent")
        session.flush()
        return True
    tried = {each.channel for each in told if each.asks or each.state == "failed"}
    return _ask_on_next(session, invitation, tried, ready, now)


def _ask_on_next(
    session: Session, invitation: Invitation, tried: Collection[str], ready: Collection[str], now: datetime
) -> bool:
    """Where there is none, a reminder that waits is left to them."""
    occurrence = session.get_one(Occurrence, invitation.occurrence_id)
    contact = session.get_one(Contact, invitation.contact_id)
    further = [each for each in occurrence.channels if each not in tried]
    (ways,) = open_ways(session, [(contact, further)], ready)
    for channel in ways:
        key = contact.key_on(channel)
        if rests_at(session, invitation, occurrence, key, now, pretends=invitation.sandbox):
            continue
        ask_messages.take_back_reminders(session, invitation.id)
        session.execute(insert(Message).values(message(invitation, contact, channel, "invitation", now)))
        go_on(invitation, channel, contact.key_on(channel), "queued")
        invitation.sent_at = None
        session.flush()
        return True
    return False


def go_on(invitation: Invitation, channel: str, key: str | None, state: str) -> None:
    """From now on they are asked there."""
    invitation.channel, invitation.address_key = channel, key
    invitation.state, invitation.reason, invitation.until = state, None, None


def rests_at(
    session: Session,
    invitation: Invitation,
    occurrence: Occurrence,
    key: str | None,
    now: datetime,
    *,
    pretends: bool,
) -> bool:
    """Was somebody else asked or reminded at this address by this run, or so lately that it is left alone?

    An ask that waits and will follow its person to another address is none. Nor is one of the sandbox, which
    reached nobody, unless this one `pretends` as well.
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
        or_(Invitation.sandbox.is_(False), literal(pretends)),
        or_(
            Invitation.occurrence_id == occurrence.id,
            moment >= rest.cutoff(rest.days, now),
            and_(Invitation.metric == invitation.metric, moment >= rest.cutoff(rest.metric_days, now)),
        ),
    )
    found = set(session.scalars(others))
    if found and found - _moving_away(session, found, key):
        return True
    if invitation.metric == Metric.ENPS:  # whose reminders went to the silent
        return False
    return session.scalar(_reminded_there(invitation, occurrence, key).limit(1)) is not None


def _reminded_there(invitation: Invitation, occurrence: Occurrence, key: str) -> Select[str]:
    """Reminders of this run to others at this address, wherever their questions went."""
    return (
        select(Message.id)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .where(
            Message.address_key == key,
            Message.purpose == REMINDER,
            Message.state.in_(caps_sql.ALL),
            Message.contact_id != invitation.contact_id,
            unindexed(Invitation.occurrence_id) == occurrence.id,
        )
    )


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
        .order_by(Message.invitation_id, Message.created_at, Message.state.not_in(LOST))
        .limit(most)
    )
    rows = session.execute(query).all()
    for (lost, survey), (taken, _) in pairwise(rows):
        if lost.invitation_id == taken.invitation_id and lost.state in LOST:
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
