"""At most so many an hour, however much comes together: who has no room gets a turn, one after the other."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from app.domain.caps import Rule, first_allowed
from app.domain.clock_jumps import SKEW

HOUR = timedelta(hours=1)
LONGEST = timedelta(days=1)  # turns are given no further ahead; whoever gets no room then gets another


@dataclass
class Hour:
    """What left within the last hour, one number for each minute, and which turns were given.

    Those lie in stretches, from the first to the last of each: somebody's morning may begin another.
    """

    left: list[tuple[datetime, int]] = field(default_factory=list)
    given: list[tuple[datetime, datetime]] = field(default_factory=list)

    @classmethod
    def read(cls, kept: str) -> Self:
        """As `kept` wrote it."""
        found = json.loads(kept)
        left = [(datetime.fromisoformat(at), number) for at, number in found["left"]]
        turns = found.get("turns", ())  # an earlier version kept the latest alone, under another name
        return cls(left, [(datetime.fromisoformat(one), datetime.fromisoformat(last)) for one, last in turns])

    def kept(self) -> str:
        """In few letters: at most 61 numbers, however many leave."""
        left = [(at.isoformat(), number) for at, number in self.left]
        turns = [(one.isoformat(), last.isoformat()) for one, last in self.given]
        return json.dumps({"left": left, "turns": turns})

    def has_room(self, most: int, now: datetime) -> bool:
        """May one more leave now?"""
        return sum(number for _, number in self._lately(now)) < most

    def leaves(self, now: datetime) -> None:
        """One leaves. Those of one minute count from the last of them: never too many, a little late."""
        self.left, self.given = self._lately(now), self._to_come(now)
        number = 1
        if self.left and _minute(self.left[-1][0]) == _minute(now):
            number += self.left.pop()[1]
        self.left.append((now, number))

    def turn(self, most: int, begin: datetime, *rules: Rule) -> datetime:
        """When somebody without room may leave: the first turn from then on that no rule forbids."""
        turn = self._free_at(most, begin)
        while (later := first_allowed(turn, *rules)) is not None:
            turn = self._free_at(most, later)
        self._give(most, turn)
        return turn

    def is_idle(self, now: datetime) -> bool:
        """Is it as good as a new one? Nothing left lately, and no turn is near enough to wait behind."""
        return not self._lately(now) and not self._to_come(now)

    def _free_at(self, most: int, begin: datetime) -> datetime:
        """The first moment with room that lies as far from every turn as two turns do."""
        first = free = self._room_at(most, begin)
        for one, last in self.given:
            if free + HOUR / most <= one:
                break
            free = max(free, last + HOUR / most)
        return free if free < first + LONGEST else first

    def _give(self, most: int, turn: datetime) -> None:
        """It is taken; where a day of turns was given already, they begin anew with this one."""
        step = HOUR / most
        if any(one < turn + step and turn < last + step for one, last in self.given):
            self.given = []
        before = next((each for each in self.given if each[1] + step == turn), (turn, turn))
        others = [each for each in self.given if each != before]
        self.given = sorted([*others, (before[0], turn)])

    def _to_come(self, now: datetime) -> list[tuple[datetime, datetime]]:
        return [(one, last) for one, last in self.given if last + HOUR > now]

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
