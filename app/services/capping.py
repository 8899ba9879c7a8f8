"""The caps just before messages leave: however many plans and workers there are, no more than that go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import is_postgresql
from app.domain.delivery import ASKING
from app.domain.their_zone import read_zone
from app.services import caps_sql
from app.services.departing import Departing

# In one order for all, so that two workers never wait for each other; SQLite has one writer
_ALONE = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(CAST(:names AS text[])) AS name"
)


@dataclass
class Person:
    """Somebody with a message in this group: their keyed addresses, and when they were asked lately."""

    keys: frozenset[str]
    left: list[datetime]


@dataclass
class Tally:
    """How often the people of a group of messages have been asked, while the group is let through."""

    people: dict[tuple[str, str], Person] = field(default_factory=dict)  # by workspace and contact

    def until(self, each: Departing, now: datetime) -> datetime | None:
        """Until when the caps hold this message back; None while there is room."""
        person = self.people.get(_whom(each))
        return each.caps.until(person.left, now, _zone(each)) if person else None

    def weighs(self, each: Departing) -> bool:
        """Was this person asked so lately that their caps may hold a message back?"""
        person = self.people.get(_whom(each))
        return person is not None and bool(person.left)

    def leaves(self, each: Departing, now: datetime) -> None:
        """This one goes: it counts for the person, and for whoever shares its address."""
        for (workspace_id, contact_id), person in self.people.items():
            if workspace_id == each.workspace_id and (
                contact_id == each.contact_id or each.address_key in person.keys
            ):
                person.left.append(now)


def tally(session: Session, group: Sequence[Departing], now: datetime, *, sandbox_on: bool) -> Tally:
    """Those of the group who live under a cap, held for this transaction alone; without caps none is read."""
    capped = [each for each in group if each.purpose in ASKING and each.caps.are_set and each.contact_id]
    if not capped:
        return Tally()
    ids = sorted({each.contact_id for each in capped if each.contact_id})
    people = caps_sql.people(session, ids)
    keys = {id: frozenset(filter(None, addresses)) for id, _, *addresses in people}
    _hold_alone(session, (*ids, *(key for each in keys.values() for key in each)))
    since = min(each.caps.since(now, _zone(each)) for each in capped)
    left = caps_sql.left_at(session, people, since, now, sandbox_on=sandbox_on)
    return Tally(
        {
            whom: Person(keys.get(whom[1], frozenset()), [*left.get(whom[1], ())])
            for whom in map(_whom, capped)
        }
    )


def _hold_alone(session: Session, names: Iterable[str]) -> None:
    """Nobody else lets a message to these people and addresses through before we have committed."""
    if is_postgresql(session):
        session.execute(_ALONE, {"names": sorted({f"cap:{name}" for name in names})})


def _whom(each: Departing) -> tuple[str, str]:
    return each.workspace_id or "", each.contact_id or ""


def _zone(each: Departing) -> ZoneInfo:
    return read_zone(each.time_zone) or ZoneInfo("UTC")
