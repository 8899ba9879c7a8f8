"""What a run keeps in mind of many people before its first one: who waits longest, or everybody's lot."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CTE, ColumnElement

from app.db import written
from app.services import eligible_sql, lots
from app.services.asking_terms import Asking

Found = dict[str, list[Any]]  # as it is kept: some of them by what they have in common


@dataclass
class Longest:
    """Who waits longest: who never was asked comes first, then the day of the last time, then random ids."""

    most: int  # no more than these may be chosen in the end
    who: list[tuple[str, str]] = field(default_factory=list)  # since when, and who

    def column(self, ask: Asking, told: CTE) -> ColumnElement[Any]:
        """When they were last asked."""
        return eligible_sql.asked_at(ask, ask.metric)

    def sort(self, rows: Iterable[Any]) -> Found:
        """Ids by that moment."""
        found: Found = {}
        for row in rows:
            found.setdefault(written(row.fact) if row.fact else "", []).append(row.id)
        return found

    def take(self, found: Found) -> Found:
        """The first of all so far."""
        fresh = [(since, id) for since, ids in found.items() for id in ids]
        self.who = sorted([*self.who, *fresh])[: self.most]
        if len(self.who) < self.most:
            return found
        last = self.who[-1]
        return {since: ids for since, ids in found.items() if (since, min(ids)) <= last}

    def first(self, number: int) -> list[str]:
        """So many of them, by their ids."""
        return sorted(id for _, id in self.who[:number])


@dataclass
class Drawn:
    """Everybody's lot, by their group."""

    by_group: dict[str, "array[int]"] = field(default_factory=dict)

    def column(self, ask: Asking, told: CTE) -> ColumnElement[Any]:
        """Their lot."""
        return lots.of_sample(ask, told)

    def sort(self, rows: Iterable[Any]) -> Found:
        """Lots by group."""
        found: Found = {}
        for row in rows:
            found.setdefault(row.group, []).append(row.fact)
        return found

    def take(self, found: Found) -> Found:
        """All of them count."""
        for group, drawn in found.items():
            self.by_group.setdefault(group, array("L")).extend(drawn)
        return found


Sieve = Longest | Drawn
