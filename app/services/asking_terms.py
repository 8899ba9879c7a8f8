"""What one question to many rests on: everything that decides, but the people."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.db import is_postgresql
from app.domain.caps import Caps
from app.domain.eligibility import Rest, Way
from app.domain.metrics import Metric
from app.domain.terms import Terms
from app.models import Workspace
from app.models.invitation import STATES
from app.runtime import Runtime

NONE = Terms(reminders=())  # of one person asked by hand, of a pulse, of asking again
# An ask that left, or is about to, is what a rest is counted from; these are none. `expired` has left.
UNCOUNTED = ("skipped", "failed", "cancelled")
COUNTED = tuple(each for each in STATES if each not in UNCOUNTED)
ABOUT_TO_LEAVE = ("planned", "queued", "sending", "unknown")  # or nobody knows yet when it did: within a day


@dataclass(frozen=True)
class Asking:
    """One question to many: everything that decides, but the people."""

    workspace_id: str
    metric: Metric
    rest: Rest
    now: datetime
    ways: tuple[Way, ...]  # the channels in order, and which of them we can send on
    sandbox_on: bool  # once it is off, nobody rests from what it asked
    occurrence_id: str | None = None  # being asked by this very run is no reason to rest
    schedule_id: str | None = None
    terms: Terms = NONE
    limits: Mapping[str, int] | None = None  # of the sample: for each group the lot that is left out
    on_postgresql: bool = False


def asking(
    session: Session,
    runtime: Runtime,
    workspace_id: str,
    metric: Metric,
    *,
    channels: Iterable[str] = ("email",),
    early_days: int = 0,
    least_days: int = 0,
    occurrence_id: str | None = None,
    schedule_id: str | None = None,
    terms: Terms = NONE,
    limits: Mapping[str, int] | None = None,
) -> Asking:
    """The workspace's caps, and its rests, met `early_days` early; of this metric at least `least_days`."""
    rest = rest_of(session.get_one(Workspace, workspace_id), metric.value, least_days, early_days)
    return Asking(
        workspace_id=workspace_id,
        metric=metric,
        rest=rest,
        now=runtime.clock(),
        ways=tuple(Way(each, ready=each in runtime.channels) for each in channels),
        sandbox_on=runtime.config.sandbox_on,
        occurrence_id=occurrence_id,
        schedule_id=schedule_id,
        terms=terms,
        limits=limits,
        on_postgresql=is_postgresql(session),
    )


def rest_of(workspace: Workspace, metric: str, least_days: int = 0, early_days: int = 0) -> Rest:
    """How long people of this workspace are left alone after this metric, and how much they get at most."""
    days = workspace.rest_days
    return Rest(
        days=days,
        metric_days=max(int(workspace.rest_days_by_metric.get(metric, days)), least_days),
        zone=ZoneInfo(workspace.time_zone),
        early_days=early_days,
        caps=Caps(workspace.daily_cap, workspace.weekly_cap),
    )
