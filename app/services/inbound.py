"""What comes in is kept under its provider's name for it before the provider hears that we have it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, cast

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.channels.base import BadSignature, DeliveryError, Event, Inbound, Kind, RawRequest, Unreadable
from app.db import Statement, moment, structure
from app.domain import replies
from app.domain.clock_jumps import furthest
from app.domain.metrics import Metric
from app.errors import Forbidden, Unavailable
from app.models import InboundEvent, InboundMark, new_id
from app.runtime import Runtime
from app.services import chat_addresses, losses, pulse_chats, senders

__all__ = ["Unreadable"]  # what a view has to know of the seam
log = structlog.get_logger("inbound")
OVERLAP = timedelta(hours=1)  # listed again at every fetch: what we have already changes nothing
FIRST_LOOK = timedelta(days=2)  # how far back a sender is asked that was never asked before
TRIES = 5  # then a person has to look
BACK_OFF = (1, 10, 60, 600)  # seconds
LATEST_TRY = timedelta(seconds=BACK_OFF[-1])  # due later than that says a clock that was wrong
AT_ONCE = 200  # a second or two of work: a worker that shall stop waits for them
LISTED_AT_ONCE = 20  # kept in one transaction, which is over in milliseconds
WEBHOOK_PATIENCE = 1.0  # seconds: a provider gives up after a few, and comes again or is asked
LONGEST_TEXT = 5_000

# Text, not ORM: in a storm these are most of what each event costs.
_KEEP = Statement(
    "INSERT INTO inbound_events (id, sender_id, channel, provider_id, kind, payload, state, tries, due_at,"
    " received_at, address_key)"
    " VALUES (:id, :sender_id, :channel, :provider_id, :kind, :payload, 'new', 0, :now, :now, :key)"
    " ON CONFLICT DO NOTHING RETURNING id"
)
_TAKE = Statement(
    "SELECT id, channel, sender_id, payload, received_at FROM inbound_events"
    " WHERE id = :id AND state = 'new' FOR UPDATE"
)
_DONE = Statement(
    "UPDATE inbound_events SET state = 'done', workspace_id = :workspace_id, contact_id = :contact_id"
    " WHERE id = :id"
)

NAMES_IT = ("kind", "sender", "provider_id")  # what stays of an event whose words are gone


@dataclass(frozen=True)
class Stored:
    """One event that we have, as it is handed on."""

    id: str
    channel: str
    sender_id: str
    event: Event
    received_at: datetime


def receive(
    runtime: Runtime, channels: Iterable[str], url: str, headers: Mapping[str, str], body: bytes
) -> int:
    """Keep what a webhook tells; only then may the provider hear 2xx. How many events are new.

    Raises Forbidden for a bad signature (nothing is read), Unreadable; Unavailable after a second at most.
    """
    raw = RawRequest(url, headers, body)
    found: list[tuple[str, Event]] = []
    names = [name for name in channels if name in runtime.channels and not runtime.channels[name].pretends]
    if not names:
        raise Forbidden
    for name in names:
        try:
            found += [(name, event) for event in _listener(runtime, name).parse(raw)]
        except BadSignature as error:
            log.warning("webhook_refused", channel=name)
            raise Forbidden from error
    now = runtime.clock()
    with runtime.db.write(WEBHOOK_PATIENCE) as session:
        kept = [keep(session, name, event, now) for name, event in found]
    runtime.reach("inbound_kept")
    return sum(each is not None for each in kept)


def fetch(runtime: Runtime, channel: str) -> int:
    """Ask a provider what it has for us; the mark moves with what is kept. How many events are new."""
    listener, now = _listener(runtime, channel), runtime.clock()
    with runtime.db.write() as session:
        sender_id = senders.sender_id(session, channel, listener.identity, now)
        mark = session.get(InboundMark, sender_id)
        after, since = mark.after if mark else "", now - FIRST_LOOK
        if mark is not None and mark.fetched_at <= furthest(now):  # else a wrong clock says nothing of when
            since = mark.fetched_at - OVERLAP
        if mark is not None:
            losses.note(session, channel, mark.fetched_at, now)
    new = 0
    try:
        listed = listener.fetch(since, after)
        while group := list(islice(listed, LISTED_AT_ONCE)):
            with runtime.db.write() as session:
                events = (event for event, _ in group if event is not None)
                kept = [keep(session, channel, event, now) for event in events]
                _move(session, sender_id, group[-1][1], now)
            runtime.reach("inbound_kept")
            new += sum(each is not None for each in kept)
    except DeliveryError as error:
        log.warning("fetch_failed", channel=channel, reason=error.reason, detail=error.detail)
        raise Unavailable(f"{channel}: {error.reason}") from error
    with runtime.db.write() as session:
        _move(session, sender_id, None, now)
    return new


def all_brought(runtime: Runtime, channel: str) -> None:
    """A provider that calls us has brought all that it had for us."""
    now = runtime.clock()
    with runtime.db.write() as session:
        sender_id = senders.sender_id(session, channel, _listener(runtime, channel).identity, now)
        if (mark := session.get(InboundMark, sender_id)) is not None:
            losses.note(session, channel, mark.fetched_at, now)
        _move(session, sender_id, None, now)


def _move(session: Session, sender_id: str, after: str | None, now: datetime) -> None:
    mark = session.get(InboundMark, sender_id)
    if mark is None:
        session.add(InboundMark(sender_id=sender_id, after=after or "", fetched_at=now))
    else:
        mark.after, mark.fetched_at = mark.after if after is None else after, now


def keep(session: Session, channel: str, event: Event, now: datetime) -> str | None:
    """A step: the event's row, or None when we have it already. Its words stay out while a pulse is open.

    Of a status no address is kept: it is found by the message that it tells of, and outlives an erasure.
    """
    if event.kind is Kind.STATUS:
        event = replace(event, address="")
    sender_id = senders.sender_id(session, channel, event.sender, now)
    payload: dict[str, Any] = {
        name: value for name, value in asdict(event).items() if value not in ("", None, False)
    }
    if event.at is not None:
        payload["at"] = event.at.isoformat()
    if event.text:
        payload["text"] = event.text.replace("\0", "")[:LONGEST_TEXT]
    said = event.text or event.data
    if said and pulse_chats.is_open(session, channel, sender_id, event.address, now):
        payload["text"] = _wish_alone(payload.get("text", ""))
        if not pulse_chats.may_keep_press(session, channel, sender_id, event.quotes):
            payload.pop("data", None)
    values = {
        "id": new_id(), "sender_id": sender_id, "channel": channel, "provider_id": event.provider_id[:120],
        "kind": event.kind.value, "payload": json.dumps(payload), "now": now,
        "key": chat_addresses.key_of(session, channel, event.address) or "",
    }  # fmt: skip
    kept = _KEEP.run(session, values).fetchall()
    return str(kept[0][0]) if kept else None


def _wish_alone(text: str) -> str:
    """What it was read as, in a word of ours; a score or a comment typed beside a pulse is not kept."""
    kind = replies.read(text, Metric.ENPS, "en").kind
    wishes = {replies.Kind.OPT_OUT: "STOP", replies.Kind.OPT_IN: "START", replies.Kind.HELP: "HELP"}
    return wishes.get(kind, "")


def handle_new(runtime: Runtime) -> int:
    """Hand on what came in, oldest first. One that fails is tried again later, and at last set aside."""
    now, due_at = runtime.clock(), InboundEvent.due_at
    with runtime.db.read() as session:
        rows = session.scalars(
            select(InboundEvent)
            .where(InboundEvent.state == "new", or_(due_at <= now, due_at > furthest(now, LATEST_TRY)))
            .order_by(InboundEvent.received_at, InboundEvent.id)
            .limit(AT_ONCE)
        ).all()
        waiting = [stored(row) for row in rows]
    for each in waiting:
        handle(runtime, each)
    return len(waiting)


def handle_one(runtime: Runtime, id: str) -> None:
    """Hand on this one now: somebody waits for what comes of it."""
    with runtime.db.read() as session:
        each = stored(session.get_one(InboundEvent, id))
    handle(runtime, each)


def handle(runtime: Runtime, each: Stored) -> None:
    """Hand one on, and note where it failed: it must not hold up the others."""
    try:
        runtime.inbound(runtime, each)
    except Unavailable:
        raise
    except Exception as error:
        log.exception("inbound_failed", event_id=each.id, channel=each.channel)
        _try_later(runtime, each.id, type(error).__name__)


def _try_later(runtime: Runtime, id: str, error: str) -> None:
    now = runtime.clock()
    with runtime.db.write() as session:
        row = session.scalars(select(InboundEvent).where(InboundEvent.id == id).with_for_update()).one()
        row.tries += 1
        row.error = error
        if row.tries >= TRIES:
            row.state = "set_aside"
        else:
            row.due_at = now + timedelta(seconds=BACK_OFF[row.tries - 1])


def stored(row: InboundEvent) -> Stored:
    """The event in a row."""
    return Stored(row.id, row.channel, row.sender_id, _event(row.payload), row.received_at)


def _event(payload: Mapping[str, Any]) -> Event:
    said = {**payload, "kind": Kind(payload["kind"])}
    if "at" in said:
        said["at"] = datetime.fromisoformat(said["at"])
    return Event(**said)


def take(session: Session, id: str) -> Stored | None:
    """A step: this event for ourselves, until the transaction ends; None when it is done with."""
    row = _TAKE.run(session, {"id": id}).fetchone()
    if row is None:
        return None
    received_at = moment(row[4])
    assert received_at is not None
    return Stored(row[0], row[1], row[2], _event(structure(row[3])), received_at)


def done(
    session: Session, id: str, *, workspace_id: str | None = None, contact_id: str | None = None
) -> None:
    """A step: nothing is left to do for this event."""
    _DONE.run(session, {"id": id, "workspace_id": workspace_id, "contact_id": contact_id})


def forget_words(session: Session, id: str) -> None:
    """A step: what it said stands elsewhere by now. Its name stays: else it would be brought again."""
    row = session.get_one(InboundEvent, id)
    row.payload = named_only(row.payload)


def named_only(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What stays of an event whose words are gone."""
    return {name: payload[name] for name in NAMES_IT if name in payload}


def set_aside(session: Session, id: str, why: str) -> None:
    """A step: we do not know what to do with it; a person sees it."""
    session.execute(
        update(InboundEvent).where(InboundEvent.id == id).values(state="set_aside", error=why[:200])
    )


def _listener(runtime: Runtime, channel: str) -> Inbound:
    return cast(Inbound, runtime.channels[channel])
