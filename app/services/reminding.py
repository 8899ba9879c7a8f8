"""Reminders: whoever has not answered some days after the ask left is asked again, at most three times."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import BindParameter, Integer, Table, bindparam, insert, or_, select, update
from sqlalchemy.orm import Session

from app.domain.terms import LATEST_REMINDER, Terms
from app.models import Contact, Invitation, Message, Occurrence, Schedule
from app.runtime import Runtime
from app.services import caps_sql, holding, other_ways
from app.services.open_ways import open_ways
from app.services.outbox import LEVEL, USUAL

GROUP = 20  # in one transaction
SOME = 200  # read at once; a tick goes on until none is due
ASIDE = 1_000  # put aside in one transaction
APART = timedelta(hours=12)  # two reminders of one question
PAUSE = 0.005  # seconds between two looks: whoever waits to write comes in between
ASKED = ("sent", "delivered")  # an unknown end counts as sent after a day, and is reminded then
DAYS = range(1, LATEST_REMINDER + 1)
_MOMENT = Message.sent_at.type
_PAUSED = select(Schedule.id).where(Schedule.id == Invitation.schedule_id, Schedule.state == "paused")
# By the day of the reminder, so that an index finds them; put together once, for it is asked all the time
_IS_DUE = Invitation.remind_after.is_not(None) & or_(
    *(
        (Invitation.remind_after == days)
        & (Invitation.sent_at <= bindparam(f"sent_{days}", type_=Invitation.sent_at.type))
        for days in DAYS
    )
)
_DUE = (
    select(Invitation.id, Invitation.remind_after)
    .where(_IS_DUE, Invitation.state != "unknown", ~_PAUSED.exists())
    .order_by(Invitation.sent_at)
    .limit(bindparam("most", type_=Integer))
)
# Those of a paused schedule are put aside, below zero, so that no look walks over them; whoever resumes it
# brings them back (`unsent`). Shared, so that they wait for us
_HELD = select(Invitation.schedule_id).where(_IS_DUE, _PAUSED.exists()).limit(1)
_STILL_PAUSED = (
    select(Schedule.id)
    .where(Schedule.id == bindparam("of"), Schedule.state == "paused")
    .with_for_update(read=True)
)
_OF_IT = (
    select(Invitation.id)
    .where(_IS_DUE, Invitation.schedule_id == bindparam("of"))
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)
)
_WHOSE = select(Invitation.contact_id).where(Invitation.id.in_(bindparam("some", expanding=True)))
_GROUP = (
    select(Invitation, Occurrence.channels, Occurrence.terms, Contact, Schedule.state)
    .join(Occurrence, Occurrence.id == Invitation.occurrence_id)
    .join(Contact, Contact.id == Invitation.contact_id)
    .outerjoin(Schedule, Schedule.id == Invitation.schedule_id)
    .where(Invitation.id.in_(bindparam("some", expanding=True)))
    .order_by(Invitation.sent_at)
    .with_for_update(of=Invitation, skip_locked=True)  # whom somebody else just writes comes at the next tick
)
_MARKED = cast(Table, Invitation.__table__)
_MARK = update(_MARKED).where(_MARKED.c.id == bindparam("of")).values(remind_after=bindparam("following"))
# One that waited for the morning, or for us, may leave as the next comes due: they are one as well
_JUST_REMINDED = select(Message.invitation_id).where(
    Message.invitation_id.in_(bindparam("some", expanding=True)),
    Message.purpose == "reminder",
    or_(
        Message.state.in_(caps_sql.WAITING),
        Message.state.in_(caps_sql.LEFT)
        & (caps_sql.when_left(bindparam("now", type_=_MOMENT)) > bindparam("lately", type_=_MOMENT)),
    ),
)
_KEYS: BindParameter[str | None] = bindparam("keys", expanding=True)
_ASKED_THERE = select(Invitation.address_key, Invitation.contact_id).where(Invitation.address_key.in_(_KEYS))
_REMINDED_THERE = select(Message.address_key, Message.contact_id).where(
    Message.address_key.in_(_KEYS), Message.purpose == other_ways.REMINDER
)


@dataclass(frozen=True)
class Due:
    """An ask that may be asked about again, and what its run says of that."""

    invitation: Invitation
    channels: Sequence[str]
    terms: Terms
    contact: Contact
    schedule_state: str | None

    @property
    def is_awaited(self) -> bool:
        """Nobody has answered or given up, and nobody has cancelled the schedule."""
        return self.invitation.state in ASKED and self.schedule_state != "cancelled"

    @property
    def usual(self) -> str:
        """Where the ask went."""
        return self.invitation.channel or "email"

    @property
    def order(self) -> Sequence[str]:
        """Where the ask went; before that what follows it in the list, where the schedule says so."""
        if not self.terms.remind_elsewhere or self.usual not in self.channels:
            return [self.usual]
        return [*self.channels[self.channels.index(self.usual) + 1 :], self.usual]

    def following(self, now: datetime) -> int | None:
        """The reminder after this one; those that came due while nobody worked are one: this one."""
        sent_at, after = self.invitation.sent_at, self.invitation.remind_after
        if not self.is_awaited or sent_at is None or after is None:
            return None
        return self.terms.reminder_after(max(after, (now - sent_at).days))


def remind(runtime: Runtime) -> int:
    """Queue every reminder that is due. How many people were reminded, or need no reminder any more."""
    now, done = runtime.clock(), 0
    _put_aside(runtime, now)
    while not runtime.stopping():
        due, seen = _due(runtime, now), 0
        for start in range(0, len(due), GROUP):
            with runtime.db.write() as session:
                seen += _remind(session, runtime, dict(due[start : start + GROUP]), now, done + seen)
            runtime.reach("reminded")
        done += seen
        if len(due) < SOME or not seen:  # whom others hold are looked at again at the next tick
            break
        time.sleep(PAUSE)
    return done


def _put_aside(runtime: Runtime, now: datetime) -> None:
    moments = _moments(now)
    while not runtime.stopping():
        with runtime.db.read() as session:
            held = session.scalar(_HELD, moments)
        if held is None:
            return
        with runtime.db.write() as session:
            ids: Sequence[str] = ()
            if session.scalar(_STILL_PAUSED, {"of": held}) is not None:
                ids = session.scalars(_OF_IT, {**moments, "of": held, "most": ASIDE}).all()
                below = update(Invitation).where(Invitation.id.in_(ids))
                below = below.values(remind_after=-Invitation.remind_after)
                session.execute(below.execution_options(synchronize_session=False))
        if not ids:  # it went on, or others hold them just now
            return
        time.sleep(PAUSE)


def _moments(now: datetime) -> dict[str, datetime]:
    return {f"sent_{days}": now - timedelta(days=days) for days in DAYS}


def _due(runtime: Runtime, now: datetime) -> list[tuple[str, int | None]]:
    with runtime.db.read() as session:
        rows = session.execute(_DUE, {**_moments(now), "most": SOME})
        return [(id, after) for id, after in rows]


def _remind(
    session: Session, runtime: Runtime, days: Mapping[str, int | None], now: datetime, before: int
) -> int:
    """The reminders of a few; the mark on each invitation makes it one, whoever else looks at it.

    Their people come first: whoever was erased meanwhile has no address any more as we read them.
    """
    holding.those_held(session, set(session.scalars(_WHOSE, {"some": list(days)})))
    rows = session.execute(_GROUP, {"some": list(days)})
    found = [Due(ask, channels, Terms.from_json(terms), *rest) for ask, channels, terms, *rest in rows]
    group = [each for each in found if each.invitation.remind_after == days[each.invitation.id]]
    if not group:
        return 0
    marks = [{"of": each.invitation.id, "following": each.following(now)} for each in group]
    session.connection().execute(_MARK, marks)
    looked = {"some": [each.invitation.id for each in group], "now": now, "lately": now - APART}
    just = set(session.scalars(_JUST_REMINDED, looked))
    asked = [
        each for each in group if _may_be_reminded(each, runtime, now) and each.invitation.id not in just
    ]
    late = {"priority": USUAL + before // LEVEL}  # behind what others ask meanwhile
    messages = [
        other_ways.message(each.invitation, each.contact, way, "reminder", now) | late
        for each, way in _ways(session, asked, runtime, now)
    ]
    if messages:
        session.execute(insert(Message), messages)
    return len(group)


def _ways(
    session: Session, asked: Sequence[Due], runtime: Runtime, now: datetime
) -> Iterator[tuple[Due, str]]:
    """Each of these with the way to remind them, if one is open.

    Elsewhere than the question went, the address may be another person's as well: there it is as if they were
    asked there, and one run reminds there once.
    """
    ways = open_ways(session, [(each.contact, each.order) for each in asked], runtime.channels)
    known = _known_there(session, asked, ways)
    taken: set[tuple[str, str | None]] = set()
    for each, theirs in zip(asked, ways, strict=True):
        for way in theirs:
            key = each.contact.key_on(way)
            there = each.invitation.occurrence_id, key
            if way != each.usual:
                if there in taken or (known[key] - {each.contact.id} and _rests(session, each, key, now)):
                    continue
                taken.add(there)
            yield each, way
            break


def _rests(session: Session, each: Due, key: str | None, now: datetime) -> bool:
    run = session.get_one(Occurrence, each.invitation.occurrence_id)
    return other_ways.rests_at(session, each.invitation, run, key, now, pretends=each.invitation.sandbox)


def _known_there(
    session: Session, asked: Sequence[Due], ways: Sequence[Sequence[str]]
) -> defaultdict[str | None, set[str | None]]:
    """Who was ever asked or reminded at these addresses elsewhere: most are one person's alone."""
    keys = {
        each.contact.key_on(way)
        for each, theirs in zip(asked, ways, strict=True)
        for way in theirs
        if way != each.usual
    }
    known: defaultdict[str | None, set[str | None]] = defaultdict(set)
    for query in (_ASKED_THERE, _REMINDED_THERE) if keys else ():
        for key, whose in session.execute(query, {"keys": list(keys)}):
            known[key].add(whose)
    return known


def _may_be_reminded(each: Due, runtime: Runtime, now: datetime) -> bool:
    is_seen = runtime.config.sandbox_on or not each.invitation.sandbox
    return each.is_awaited and each.invitation.expires_at > now and is_seen
