"""An audience: who is meant, as a small tree of conditions joined by all or any. `{}` is everybody.

What a condition may speak of stands in audience_fields, how a tree is read in audience_reading, and when a
person fits in audience_matching; services/audiences says the same in SQL.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

# A filter is a thought that somebody had: beyond these it is a mistake, or an attack on the database.
MOST_CONDITIONS = 50
DEEPEST = 3  # groups within groups, the outermost counted
MOST_VALUES = 50  # of one condition
LONGEST_VALUE = 200  # characters
MOST_CHARACTERS = 10_000  # of all values together
MOST_DAYS = 3_650


@dataclass(frozen=True)
class Condition:
    """One thing to be true of a person. Which of the values it has depends on its operator."""

    field: str  # one of audience_fields.FIELDS, or attributes.<name>
    operator: str
    values: tuple[str, ...] = ()  # any of these
    number: float | None = None
    day: date | None = None
    days: int | None = None
    metric: str | None = None
    band: str | None = None
    low: int | None = None
    high: int | None = None

    def to_json(self) -> dict[str, object]:
        """As it was read, and as it is stored."""
        value = self.values[0] if len(self.values) == 1 else list(self.values)
        said: dict[str, object] = {"field": self.field, "op": self.operator}
        if self.values:
            said["value"] = value
        elif self.number is not None:
            said["value"] = self.number
        elif self.day is not None:
            said["value"] = self.day.isoformat()
        rest = {name: getattr(self, name) for name in ("days", "metric", "band", "low", "high")}
        return said | {name: each for name, each in rest.items() if each is not None}


@dataclass(frozen=True)
class Group:
    """Several things of which all, or any, must be true."""

    every: bool
    members: "tuple[Member, ...]" = ()

    def to_json(self) -> dict[str, object]:
        """As it is stored; everybody is `{}`."""
        if not self.members:
            return {}
        return {"all" if self.every else "any": [each.to_json() for each in self.members]}

    def conditions(self) -> Iterator[Condition]:
        """Every condition, in the order in which they stand."""
        for each in self.members:
            if isinstance(each, Condition):
                yield each
            else:
                yield from each.conditions()


Member: TypeAlias = Condition | Group
EVERYBODY = Group(every=True)
