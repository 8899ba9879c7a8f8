"""At most so many an hour, however much comes together: who has no room gets a turn, one after the other."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

HOUR = timedelta(hours=1)
SKEW = timedelta(minutes=1)  # further ahead somebody's clock was wrong
LONGEST = timedelta(days=1)  # turns are given no further ahead; whoever gets no room then gets another


@dataclass
class Hour:
    """What left within the last hour, one number for each minute, and the latest turn that was given."""

    left: list[tuple[datetime, int]] = field(default_factory=list)
    given: datetime | None = None

    @classmethod
    def read(cls, kept: str) -> Self:
        """As `kept` wrote it."""
        found = json.loads(kept)
        left = [(datetime.fromisoformat(at), number) for at, number in found["left"]]
        return cls(left, datetime.fromisoformat(found["given"]) if found["given"] else None)

    def kept(self) -> str:
        """In few letters: at most 61 numbers, however many leave."""
        left = [(at.isoformat(), number) for at, number in self.left]
        return json.dumps({"left": left, "given": self.given.isoformat() if self.given else None})

    def has_room(self, most: int, now: datetime) -> bool:
        """May one more leave now?"""
        return sum(number for _, number in self._lately(now)) < most

    def leaves(self, now: datetime) -> None:
        """One leaves. Those of one minute count from the last of them: never too many, a little late."""
        self.left = self._lately(now)
        number = 1
        if self.left and _minute(self.left[-1][0]) == _minute(now):
            number += self.left.pop()[1]
        self.left.append((now, number))

    def turn(self, most: int, now: datetime) -> datetime:
        """When somebody without room may leave."""
        first = self._room_at(most, now)
        after = first if self.given is None else max(first, self.given + HOUR / most)
        self.given = after if after < first + LONGEST else first
        return self.given

    def is_idle(self, now: datetime) -> bool:
        """Is it as good as a new one? Nothing left lately, and no turn is near enough to wait behind."""
        return not self._lately(now) and (self.given is None or self.given + HOUR <= now)

    def _room_at(self, most: int, now: datetime) -> datetime:
        lately = self._lately(now)
        within = sum(number for _, number in lately)
        for at, number in lately:
            within -= number
            if within < most:
                return at + HOUR
        return now

    def _lately(self, now: datetime) -> list[tuple[datetime, int]]:
        return [(at, number) for at, number in self.left if now - HOUR < at < now + SKEW]


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
