"""Events that other systems tell us of: kept once, and a question for each schedule that waits for them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.domain.cadence import Repeat, moment_of
from app.domain.triggers import event_problems, read_trigger
from app.errors import Conflict, Invalid, NotFound, problem
from app.models import Contact, Event, Invitation, Occurrence, Schedule, new_id
from app.runtime import Runtime
from app.services import access, coming_due, unsent
from app.services.access import Visitor
from app.services.coming_due import Due, Ended
from app.services.once import Once

ORIGIN = "trigger"
NEWER = "newer_event"  # why the question about an older one is not asked


@dataclass(frozen=True)
class Told:
    """What somebody tells us: what happened to whom, and when (now, unless it is said)."""

    id: str
    name: str
    contact: str | Mapping[str, str]  # our id, or {"external_id": theirs}
    occurred_at: datetime | None
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class AskedFor:
    """What an event means for one schedule."""

    schedule: str
    occurrence: str
    due_at: datetime
    state: str
    reason: str | None


@dataclass(frozen=True)
class Heard:
    """An event as we keep it, and what came of it."""

    id: str
    name: str
    contact: str
    occurred_at: datetime
    received_at: datetime
    properties: Mapping[str, Any]
    occurrences: tuple[AskedFor, ...]


def tell(runtime: Runtime, who: Visitor, told: Told, once: Once | None = None) -> tuple[str, bool]:
    """Keep an event: our id of it, and whether it is new. The same again changes nothing.

    Raises Invalid for one that cannot be, and for a contact that is not here: no event makes a person.
    Conflict when its id stands for another one.
    """
    now = runtime.clock()
    if who.is_people:
        raise NotFound
    if problems := event_problems(told.id, told.name, told.properties, told.occurred_at or now, now):
        raise Invalid(problems)
    with runtime.db.write() as session:
        contact = _contact(session, who, told.contact)
        event, is_new = _keep(session, who, told, contact, now)
        if once:
            once.keep(session, event.id, 201 if is_new else 200)
        if is_new:
            for schedule in _waiting(session, who, event.name):
                _answer(session, schedule, event, now)
        return event.id, is_new


def get(runtime: Runtime, who: Visitor, id: str) -> Heard:
    """An event by our own id. Raises NotFound."""
    with runtime.db.read() as session:
        event = access.own(session, who, Event, id)
        query = select(Occurrence).where(
            Occurrence.contact_id == event.contact_id,
            Occurrence.origin == ORIGIN,
            Occurrence.key.endswith(f":{event.id}", autoescape=True),
        )
        runs = session.scalars(query.order_by(Occurrence.due_at, Occurrence.id)).all()
        return Heard(
            id=event.external_id,
            name=event.name,
            contact=event.contact_id,
            occurred_at=event.occurred_at,
            received_at=event.received_at,
            properties=event.properties,
            occurrences=tuple(
                AskedFor(str(run.schedule_id), run.id, run.due_at, run.state, run.reason) for run in runs
            ),
        )


def _contact(session: Session, who: Visitor, wanted: str | Mapping[str, str]) -> Contact:
    """Held until the end: two events of one person never both believe themselves the newest."""
    by = Contact.id == wanted if isinstance(wanted, str) else Contact.external_id == wanted["external_id"]
    query = select(Contact).where(Contact.workspace_id == who.workspace_id, by, Contact.erased_at.is_(None))
    contact = session.scalars(query.with_for_update(key_share=True)).one_or_none()
    if contact is None:
        raise Invalid([problem("contact", "There is no such contact here. Add them first.")])
    return contact


def _keep(session: Session, who: Visitor, told: Told, contact: Contact, now: datetime) -> tuple[Event, bool]:
    """The row, and whether it is new. Raises Conflict when its id stands for another event."""
    at = told.occurred_at.isoformat() if told.occurred_at else None
    said = [told.name, contact.id, at, dict(told.properties)]
    fingerprint = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    values = {
        "id": new_id(),
        "workspace_id": who.workspace_id,
        "external_id": told.id,
        "fingerprint": fingerprint,
        "name": told.name,
        "contact_id": contact.id,
        "properties": dict(told.properties),
        "occurred_at": told.occurred_at or now,
        "received_at": now,
    }
    adding = insert_into(session, Event).values(values).on_conflict_do_nothing().returning(Event)
    event = session.scalars(adding).one_or_none()
    if event is not None:
        return event, True
    known = select(Event).where(Event.workspace_id == who.workspace_id, Event.external_id == told.id)
    event = session.scalars(known).one()
    if event.fingerprint != fingerprint:
        raise Conflict("Another event has this id. Give each event its own.")
    return event, False


def _waiting(session: Session, who: Visitor, name: str) -> Sequence[Schedule]:
    """The schedules that wait for events of this name, shared: pausing or cancelling one waits for us."""
    query = select(Schedule).where(
        Schedule.workspace_id == who.workspace_id,
        Schedule.repeat == Repeat.EVENT.value,
        Schedule.state.in_(("active", "paused")),
    )
    found = session.scalars(query.order_by(Schedule.id).with_for_update(read=True)).all()
    return [each for each in found if each.trigger["event"] == name]


def _answer(session: Session, schedule: Schedule, event: Event, now: datetime) -> None:
    """A row for what this event means for one schedule, unless its properties say that it does not count."""
    trigger = read_trigger(schedule.trigger)
    if not trigger.fits(event.properties):
        return
    days_off = coming_due.days_off_of(session, schedule.workspace_id)
    cadence = coming_due.cadence_of(schedule, days_off)
    named = trigger.due_at(event.occurred_at)
    local = named.astimezone(cadence.zone).replace(tzinfo=None)
    allowed = days_off.moved(local, cadence.off_days)
    due_at = named if allowed in (None, local) else moment_of(allowed, cadence.zone)
    ended: Ended = None
    if allowed is None:
        ended = ("skipped", days_off.why_off(local.date(), cadence.off_days) or "day_off")
    elif schedule.state == "paused":
        ended = ("skipped", "paused")
    elif now - due_at > coming_due.latest_for_one(schedule):
        ended = ("missed", "late")
    due = Due(ORIGIN, f"{schedule.id}:{event.id}", due_at, event.contact_id, ended, local)
    if ended is None and _gives_way(session, schedule, event, now):
        due = replace(due, ended=("skipped", NEWER))
    coming_due.occur(session, schedule, cadence, due, now)


def _gives_way(session: Session, schedule: Schedule, event: Event, now: datetime) -> bool:
    """Is a newer event of this person waiting? If not, older ones within the window give way to this one.

    Newer is what happened later; days off may have moved the questions to the other order. One whose ask
    waits for its morning, its turn or a retry waits as well, until a worker has it in hand.
    """
    window = timedelta(hours=schedule.trigger["newest_within_hours"])
    if not window:
        return False
    waiting = session.execute(_waiting_for(schedule, event, window)).all()
    if any(each.occurred_at > event.occurred_at for each in waiting):
        return True
    for run, _, ask in waiting:
        if ask is None or unsent.take_back(session, [ask], NEWER):
            coming_due.skip(session, schedule.id, run, NEWER, now)  # of one that has run, its later steps
    return False


def _waiting_for(schedule: Schedule, event: Event, window: timedelta) -> Select[str, datetime, str | None]:
    """The runs that wait for this person within the window, when that happened, and their planned ask."""
    its_event = Event.id == func.substr(Occurrence.key, len(f"{schedule.id}:") + 1)
    its_ask = Invitation.occurrence_id == Occurrence.id, Invitation.state.in_(unsent.WAITING)
    return (
        select(Occurrence.id, Event.occurred_at, Invitation.id)
        .join(Event, its_event)
        .outerjoin(Invitation, and_(*its_ask))
        .where(
            Occurrence.contact_id == event.contact_id,
            Occurrence.schedule_id == schedule.id,
            Occurrence.origin == ORIGIN,
            or_(Occurrence.state == "due", Invitation.id.is_not(None)),
            Event.occurred_at.between(event.occurred_at - window, event.occurred_at + window),
        )
    )
