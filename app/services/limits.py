"""How often a caller may come: fixed windows counted by one upsert, so that they hold over all processes."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from app.db import changed
from app.errors import TooMany
from app.models import RateWindow
from app.runtime import Runtime

KEPT = timedelta(days=2)  # longer than the longest window

_COUNT = text(
    'INSERT INTO rate_windows (key, "window", count) VALUES (:key, :window, :by) '
    'ON CONFLICT (key, "window") DO UPDATE SET count = rate_windows.count + :by RETURNING count'
)


@dataclass(frozen=True)
class Limit:
    """At most `most` within each window of `seconds`."""

    most: int
    seconds: int

    def window(self, now: datetime) -> int:
        """Where the window that holds `now` begins, in seconds since 1970."""
        return int(now.timestamp()) // self.seconds * self.seconds

    def retry_after(self, now: datetime) -> int:
        """Whole seconds until the next window."""
        return self.window(now) + self.seconds - int(now.timestamp())


def count(session: Session, key: str, limit: Limit, now: datetime, *, by: int = 1) -> int:
    """Count one more and return how many there are; raises TooMany, which undoes the count with the rest."""
    values = {"key": _shortened(key), "window": limit.window(now), "by": by}
    so_far: int = session.execute(_COUNT, values).scalar_one()
    if so_far > limit.most:
        raise TooMany(limit.retry_after(now))
    return so_far


def count_once(runtime: Runtime, key: str, limit: Limit) -> int:
    """The same in a transaction of its own: what a caller asked for counts, whatever comes of it."""
    with runtime.db.write() as session:
        return count(session, key, limit, runtime.clock())


def so_far(session: Session, key: str, limit: Limit, now: datetime) -> int:
    """How many have been counted in the present window."""
    query = select(RateWindow.count).where(
        RateWindow.key == _shortened(key), RateWindow.window == limit.window(now)
    )
    return session.scalars(query).one_or_none() or 0


def give_back(session: Session, key: str, limit: Limit, now: datetime, *, by: int = 1) -> None:
    """Uncount what turned out not to count, such as a sign-in that succeeded."""
    session.execute(_COUNT, {"key": _shortened(key), "window": limit.window(now), "by": -by})


def forget_old(runtime: Runtime) -> int:
    """Delete windows that no limit looks at any more; how many there were."""
    with runtime.db.write() as session:
        before = int((runtime.clock() - KEPT).timestamp())
        return changed(session, delete(RateWindow).where(RateWindow.window < before))


def _shortened(key: str) -> str:
    """The key itself, or a digest: callers choose how long an address is and what is in it."""
    if len(key) <= 120 and key.isascii() and key.isprintable():
        return key
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
