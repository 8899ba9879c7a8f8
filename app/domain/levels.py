"""Of a large run each few hundred messages are a level, which leaves behind the one before.

By its priority as long as they may leave at once; by moments, once all of them wait for the same one.
"""

from datetime import datetime, timedelta

APART = timedelta(seconds=2.5)


def due_at(until: datetime, level: int) -> datetime:
    """When a level may leave, where nothing may before `until`."""
    return until + APART * level
