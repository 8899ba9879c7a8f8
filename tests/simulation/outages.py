"""When nothing works: the worker sleeps or is killed on its path, the database dies, clocks are set."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, event

POINTS = ("planned", "expanded_some", "claimed", "attempting", "handed_over", "recorded", "reminded")
EVERYWHERE = (None, *POINTS, "commit", "commit")
LASTS = (timedelta(minutes=10), timedelta(hours=3), timedelta(days=5))
JUMPS = (timedelta(days=1), timedelta(hours=-1))
PATIENCE = timedelta(days=2)  # a point that is not reached by then: the worker goes down where it is


class Killed(BaseException):
    """The worker ends here, suddenly."""


@dataclass(frozen=True)
class Outage:
    """From a moment on, at a point of the path or at once, for so long."""

    at: datetime
    lasts: timedelta
    point: str | None  # of the path; "commit": the database dies there; None: at once
    after: int = 0  # visits that it survives


def outages(
    chance: random.Random,
    begins: datetime,
    days: int,
    number: int,
    points: Sequence[str | None] = EVERYWHERE,
    lasts: Sequence[timedelta] = LASTS,
) -> list[Outage]:
    """So many over the time, of every length and at every point, in order."""
    found = []
    for place in range(number):
        at = begins + timedelta(days=days * (place + 0.2 + 0.6 * chance.random()) / number)
        after = chance.randrange(3)
        found.append(Outage(at, lasts[place % len(lasts)], points[place % len(points)], after))
    return found


def jumps(
    chance: random.Random, begins: datetime, days: int, number: int
) -> list[tuple[datetime, timedelta]]:
    """When the clock is set, and by how much, in order."""
    moments = sorted(begins + timedelta(days=days * chance.random()) for _ in range(number))
    return [(at, JUMPS[place % len(JUMPS)]) for place, at in enumerate(moments)]


@dataclass
class Trouble:
    """What is about to happen: the runtime's `reach` and the database's commits come by here."""

    waiting: list[Outage]
    armed: Outage | None = None
    left: int = 0
    number: int = 0
    is_dead: bool = False  # the database
    at_work: bool = False  # the worker: only under its hands the database dies

    @contextmanager
    def watching(self, engine: Engine) -> Iterator[None]:
        """The database dies where it is told to."""
        commit = self._commit  # one and the same, to be taken away again
        event.listen(engine, "commit", commit)
        try:
            yield
        finally:
            event.remove(engine, "commit", commit)

    def look(self, now: datetime) -> Outage | None:
        """The next outage may be due: what begins at once is given back, others wait at their point."""
        if self.armed is None and self.waiting and self.waiting[0].at <= now:
            self.armed = self.waiting.pop(0)
            self.left = self.armed.after
        if self.armed is not None and (self.armed.point is None or now > self.armed.at + PATIENCE):
            return self.struck()
        return None

    def struck(self) -> Outage:
        """It has happened."""
        assert self.armed is not None
        outage, self.armed = self.armed, None
        self.number += 1
        return outage

    def reach(self, point: str) -> None:
        if self.armed is not None and self.armed.point == point:
            if self.left == 0:
                raise Killed
            self.left -= 1

    def _commit(self, connection: Connection) -> None:
        if self.armed is None or self.armed.point != "commit" or not self.at_work:
            return
        if connection.get_execution_options().get("reading"):
            return
        if self.left == 0:
            self.is_dead = True
            raise connection.dialect.loaded_dbapi.OperationalError("disk I/O error")
        self.left -= 1
