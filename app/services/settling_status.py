"""What a provider tells of a message of ours: later news never takes back what is certain."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.channels.base import Event
from app.domain.brakes import BOUNCES
from app.models import Invitation, Message, Workspace
from app.runtime import Runtime
from app.services import (
    ask_messages,
    brakes,
    complaints,
    followup_opening,
    holding,
    inbound,
    opt_outs,
    other_ways,
    pulse_reminders,
    reminder_ends,
    wishes,
)
from app.services.inbound import Stored
from app.services.other_ways import ALONE

RANK = {"attempting": 0, "unknown": 0, "sent": 1, "failed": 2, "delivered": 3}


def settle(runtime: Runtime, event_id: str) -> None:
    """One status, in any order and as often as it comes: an unknown end becomes known, a final one stays."""
    now = runtime.clock()
    with runtime.db.write() as session:
        stored = inbound.take(session, event_id)
        if stored is None:
            return
        message = _message(session, stored)
        if message is None or message.workspace_id is None:
            inbound.set_aside(session, event_id, "a status of no message of ours")
            return
        tell(session, message, stored.event, now, runtime.channels)
        workspace = session.get_one(Workspace, message.workspace_id)
        whose = None if workspace.kind == "people" else message.contact_id  # that of a reminder tells on them
        inbound.done(session, event_id, workspace_id=workspace.id, contact_id=whose)


def _message(session: Session, stored: Stored) -> Message | None:
    """By our own id in the address that we gave; else by the provider's. Its person is held before it."""
    event = stored.event
    names = [(Message.sender_id == stored.sender_id, Message.provider_id == event.quotes)]
    if event.message_id:
        names.insert(0, (Message.id == event.message_id, Message.channel == stored.channel))
    query = select(Message.id, Message.contact_id, Message.invitation_id, Message.purpose)
    for name in names:
        found = session.execute(query.where(*name).limit(1)).first()
        if found is not None:
            if found.purpose == "reminder" and pulse_reminders.of_closed(session, {found.invitation_id}):
                return None
            holding.those_held(session, {found.contact_id} - {None})
            return session.get(Message, found.id, with_for_update=True)
    return None


def tell(session: Session, message: Message, event: Event, now: datetime, ready: Collection[str]) -> None:
    """A step: what the provider says of this message, if it is news. `ready`: the channels that we have."""
    if RANK.get(event.state, -1) <= RANK.get(message.state, 9):
        return
    if event.quotes and not message.provider_id:
        message.provider_id = event.quotes
    if event.reason == "outside_window":
        brakes.shut_window(session, message.address_key)
    if event.state == "failed" and _try_again(session, message, event, now):
        return
    was_in_doubt = message.state in ("attempting", "unknown")
    message.state = event.state
    message.reason = event.reason or None
    if event.state != "failed":
        message.sent_at = message.sent_at or now
        if was_in_doubt and message.purpose == "reply" and message.followup_id:
            followup_opening.reply_left(session, message.followup_id, now)
    if message.purpose == "invitation" and message.invitation_id:
        _invitation(session, message, event.state, event.reason, now)
    elif message.purpose == "reminder" and event.state == "delivered":
        reminder_ends.arrived(session, message)
    if event.state == "failed":
        _fail(session, message, event, ready, now)


def _fail(session: Session, message: Message, event: Event, ready: Collection[str], now: datetime) -> None:
    """What follows from a message that did not arrive."""
    session.flush()
    if event.complains:
        complaints.shut_out(session, message, now)
    if event.stops_run:
        brakes.stop_run(session, message.id, event.reason, now)
    if event.permanent and event.reason in BOUNCES:
        brakes.bounced(session, message.id, event.reason, now)
    if message.address_key:
        _close(session, message, event, now)
    if message.purpose == "invitation" and event.reason != "opted_out":
        other_ways.take_next(session, message.invitation_id, ready, now)
    elif message.purpose == "reminder":
        reminder_ends.lost(session, message.invitation_id, event.reason, ready, now)


def _close(session: Session, message: Message, event: Event, now: datetime) -> None:
    """What failed for good and holds for the address: nothing is tried there any more."""
    now = pulse_reminders.dated(session, message.id, now)
    if event.reason == "opted_out":
        wishes.opt_out_by_message(session, message.id, "provider", now)
    elif event.permanent and event.reason in BOUNCES:
        opt_outs.record(
            session, message.workspace_id or "", None, (message.address_key,),
            kind="bounce", origin="provider", now=now,
        )  # fmt: skip


def _try_again(session: Session, message: Message, event: Event, now: datetime) -> bool:
    """A passing trouble of theirs, a phone that is off: some more tries, as far apart as makes sense."""
    again = timedelta(seconds=event.retry_seconds or 0)
    if event.permanent or not again or message.tries >= (event.most_tries or 1):
        return False
    message.state, message.reason, message.due_at = "queued", event.reason, now + again
    message.lease_token = message.lease_until = None
    if message.purpose == "invitation" and message.invitation_id:
        invitation = session.get_one(Invitation, message.invitation_id, with_for_update=ALONE)
        if invitation.state in ("sending", "unknown", "sent"):
            invitation.state, invitation.reason, invitation.until = "queued", event.reason, now + again
    return True


def _invitation(session: Session, message: Message, state: str, reason: str, now: datetime) -> None:
    waits = {"failed": "reminder", "delivered": "invitation"}.get(state)
    if waits is not None:
        ask_messages.hold_waiting(session, message.invitation_id, waits)
    invitation = session.get_one(Invitation, message.invitation_id, with_for_update=ALONE)
    told_wrong = invitation.state == "failed" and state == "delivered"  # its end was told in the wrong order
    if state == "delivered" and other_ways.take_back(session, invitation, message.channel):
        told_wrong = True
    if invitation.state not in ("sending", "unknown", "sent", "delivered") and not told_wrong:
        return
    if state == "failed" and invitation.state == "delivered":
        return
    invitation.state, invitation.reason = state, (reason or None) if state == "failed" else None
    if state != "failed":
        invitation.sent_at = invitation.sent_at or message.sent_at or now
