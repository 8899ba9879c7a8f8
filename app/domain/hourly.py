"""At most so many an hour, however much comes together: who has no room gets a turn, one after the other."""

import json
from bisect import bisect_right
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from app.domain.caps import Rule, first_allowed
from app.domain.clock_jumps import SKEW

HOUR = timedelta(hours=1)
LONGEST = timedelta(days=1)  # turns are given no further ahead; whoever gets no room then gets another


class Found(NamedTuple):
    """A turn that was given, where the look for it last began, and the last free moment it passed over."""

    first: datetime
    turn: datetime
    passed: datetime | None


@dataclass
class Hour:
    """What left within the last hour, one number for each minute, and which turns were given.

    Those lie in stretches, from the first to the last of each, in their order and apart: somebody's morning
    may begin another.
    """

    left: list[tuple[datetime, int]] = field(default_factory=list)
    given: list[tuple[datetime, datetime]] = field(default_factory=list)
    _found: dict[Hashable, Found] = field(default_factory=dict, repr=False, compare=False)

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
        self._found.clear()
        number = 1
        if self.left and _minute(self.left[-1][0]) == _minute(now):
            number += self.left.pop()[1]
        self.left.append((now, number))

    def turn(self, most: int, begin: datetime, *rules: Rule, alike: Hashable = None) -> datetime:
        """When somebody without room may leave: the first turn from then on that no rule forbids.

        For whoever is `alike` the same is forbidden: after many days of turns it is not looked for anew, day
        by day, for each of them.
        """
        asked = (most, begin, alike)
        if alike is not None and asked in self._found:
            first, turn, passed = self._found[asked]
            turn = self._free_at(most, first, turn)
        else:
            first, passed = self._room_at(most, begin), None
            turn = self._free_at(most, first, first)
        while (later := first_allowed(turn, *rules)) is not None:
            passed, first = turn, self._room_at(most, later)
            turn = self._free_at(most, first, first)
        self._found[asked] = Found(first, turn, passed)
        self._give(most, turn)
        return turn

    def forget_turns(self) -> None:
        """Whoever had one is judged anew: they would wait behind their own."""
        self.given = []
        self._found.clear()

    def is_idle(self, now: datetime) -> bool:
        """Is it as good as a new one? Nothing left lately, and no turn is near enough to wait behind."""
        return not self._lately(now) and not self._to_come(now)

    def _free_at(self, most: int, first: datetime, begin: datetime) -> datetime:
        """The first moment from then on that lies as far from every turn as two turns do.

        The first of all where that is a day away: nobody gets a turn so far ahead.
        """
        step, free = HOUR / most, begin
        for one, last in self.given[bisect_right(self.given, free - step, key=_last) :]:
            if free + step <= one:
                break
            free = last + step
        return free if free < first + LONGEST else first

    def _give(self, most: int, turn: datetime) -> None:
        """It is taken; where a day of turns was given already, they begin anew with this one."""
        step = HOUR / most
        place = bisect_right(self.given, turn, key=_first)
        before, after = self.given[:place][-1:], self.given[place:][:1]
        if any(turn < last + step for _, last in before) or any(one < turn + step for one, _ in after):
            self.given = [(turn, turn)]
            self._found.clear()
        elif before and before[0][1] + step == turn:
            self.given[place - 1] = (before[0][0], turn)
        else:
            self.given.insert(place, (turn, turn))
        # So early it may lie where others passed over a moment: from there on they go another way
        for asked, found in list(self._found.items()):
            if found.passed is not None and turn < found.passed + step:
                del self._found[asked]

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


def _first(stretch: tuple[datetime, datetime]) -> datetime:
    return stretch[0]


def _last(stretch: tuple[datetime, datetime]) -> datetime:
    return stretch[1]


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
