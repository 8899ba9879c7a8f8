"""When the worker next has something to do, job by job: where the clock may leap to."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from app.db import Statement, moment
from app.domain.channel_choice import CHANNELS
from app.domain.delivery import PRESUMED_AFTER
from app.runtime import Runtime

NOTHING = timedelta()
# The index begins with the channel
_QUEUED = f"messages WHERE channel IN {CHANNELS} AND state = 'queued'"
_LEASED = "messages WHERE lease_until IS NOT NULL"  # the index knows these alone
_BY_JOB = (
    ("plan_schedules", NOTHING, "min(next_due_at) FROM schedules WHERE state IN ('active', 'paused')"),
    ("expand_occurrences", NOTHING, "min(due_at) FROM occurrences WHERE state IN ('due', 'running')"),
    ("send_urgent", NOTHING, f"min(due_at) FROM {_QUEUED} AND priority = 0"),
    ("send_due", NOTHING, f"min(due_at) FROM {_QUEUED} AND priority > 0"),
    ("end_leases", NOTHING, f"min(lease_until) FROM {_LEASED} AND state IN ('claimed', 'attempting')"),
    ("presume_sent", PRESUMED_AFTER, f"min(lease_until) FROM {_LEASED} AND state = 'unknown'"),
)


class Due:
    """Looks for what is due next in one statement."""

    def __init__(self, reminders: Iterable[int]) -> None:
        """`reminders`: the days after which anybody is reminded."""
        asked = "min(sent_at) FROM invitations WHERE remind_after = {} AND sent_at IS NOT NULL"
        reminded = [("remind", timedelta(days=days), asked.format(days)) for days in sorted(set(reminders))]
        self._jobs = [*_BY_JOB, *reminded]
        self._look = Statement("SELECT " + ", ".join(f"(SELECT {words})" for _, _, words in self._jobs))

    def look(self, runtime: Runtime) -> dict[str, datetime]:
        """For each job that will have something to do, when; that moment may have passed."""
        found: dict[str, datetime] = {}
        row = runtime.db.look_up(self._look, {})
        for (job, later, _), value in zip(self._jobs, row, strict=True):
            at = moment(value)
            if at is not None:
                found[job] = min(found.get(job, at + later), at + later)
        return found
