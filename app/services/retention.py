"""What was kept long enough goes: words, never what is counted. In small steps, each of them final (N04)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.domain import retention as rules
from app.domain.clock_jumps import holds
from app.models import Setting, Workspace
from app.runtime import Runtime
from app.services import audit, scrubbing
from app.services.access import Visitor, held_workspace
from app.services.retention_kinds import KINDS, Going, Kind

log = structlog.get_logger("retention")

PAUSE = 0.005  # seconds between two steps: whoever waits to write comes in between
STEPS = 200  # in one run of the job: some seconds, for other work waits for its thread
REST = timedelta(hours=20)  # once everything was looked at, it is looked at again the next day
PASSED = "retention_passed"
LAST = "retention_last"  # the workspace at which the steps of a run came to their end


@dataclass(frozen=True)
class Kept:
    """One kind of data: for how long, and how much would go now."""

    kind: str
    days: int | None
    default: int | None
    would_go: int


def show(runtime: Runtime, who: Visitor, tried: Mapping[str, int | None] | None = None) -> tuple[Kept, ...]:
    """Every kind with its period, or with the ones that somebody tries, and what would go now."""
    now = runtime.clock()
    with runtime.db.read() as session:
        stored = session.get_one(Workspace, who.workspace_id).retention
        periods = tried or rules.periods(stored)
        return tuple(
            Kept(kind, days, rules.DEFAULTS[kind], _number(session, who.workspace_id, kind, days, now))
            for kind, days in periods.items()
        )


def change(runtime: Runtime, who: Visitor, periods: Mapping[str, int | None]) -> None:
    """Keep each kind for so long from now on; the job begins anew within minutes."""
    with runtime.db.write() as session:
        workspace = held_workspace(session, who)
        workspace.retention = dict(periods)
        audit.note(session, who, runtime.clock(), "workspace.retention_changed", workspace.id, days=periods)
        if (passed := session.get(Setting, PASSED)) is not None:
            session.delete(passed)


def let_go(runtime: Runtime) -> int:
    """A job: what is too old in each workspace. Killed anywhere, the next run finds what is left.

    A workspace that fails keeps no other waiting; it is due again at the next run. Raises the first failure.
    One with very much to let go neither: the next run begins with the one after it.
    """
    if _rests(runtime):
        return 0
    run = _Run(runtime, STEPS)
    failures: list[Exception] = []
    last = ""
    for workspace_id, stored in _in_turn(runtime):
        if not run.steps_left:
            break
        last = workspace_id
        try:
            run.workspace(workspace_id, rules.periods(stored))
        except Exception as error:
            log.error("retention failed", workspace_id=workspace_id, error=type(error).__name__)
            failures.append(error)
    if run.done:
        scrubbing.soon(runtime)
    if failures:
        raise failures[0]
    if run.steps_left:
        _keep(runtime, PASSED, runtime.clock().isoformat())
    else:
        _keep(runtime, LAST, last)
    return run.done


@dataclass
class _Run:
    """One run of the job: how many steps it may still take, and how much it let go."""

    runtime: Runtime
    steps_left: int
    done: int = 0

    def workspace(self, workspace_id: str, periods: Mapping[str, int | None]) -> None:
        """All kinds of one workspace that are not kept for good."""
        for name, days in periods.items():
            if days is not None:
                self.let_go(workspace_id, name, days)

    def let_go(self, workspace_id: str, name: str, days: int) -> None:
        """One kind of one workspace: as much as there is, or as there are steps left."""
        before = rules.cutoff(days, self.runtime.clock())
        noted = False
        for kind in KINDS[name]:
            after = kind.first
            while self.steps_left and self._is_some(kind, workspace_id, before, after):
                self.steps_left -= 1
                after, number = self._step(kind, workspace_id, before, after, None if noted else (name, days))
                noted = noted or number > 0
                self.done += number
                self.runtime.reach("retention_step")
                if number < kind.step:
                    break
                time.sleep(PAUSE)

    def _is_some(self, kind: Kind, workspace_id: str, before: datetime, after: str | int) -> bool:
        """Looked up without the pen, and no step: most workspaces have nothing to let go, most days."""
        with self.runtime.db.read() as session:
            found = kind.old(workspace_id, before).where(kind.key > after).order_by(kind.key).limit(1)
            return session.scalar(found) is not None

    def _step(
        self, kind: Kind, workspace_id: str, before: datetime, after: str | int, note: tuple[str, int] | None
    ) -> tuple[str | int, int]:
        """Let go of the next few; the last of their keys, and how many. The first of a run are noted."""
        now = self.runtime.clock()
        with self.runtime.db.write() as session:
            query = kind.old(workspace_id, before).where(kind.key > after).order_by(kind.key)
            keys = list(session.scalars(query.limit(kind.step)).all())
            if not keys:
                return after, 0
            if note is not None:
                name, days = note
                number = _number(session, workspace_id, name, days, now)
                audit.note(
                    session, None, now, "workspace.retention_applied", workspace_id,
                    workspace_id=workspace_id, kind=name, days=days, number=number,
                )  # fmt: skip
            kind.forget(session, Going(workspace_id, keys, before, now))
            scrubbing.ask(session)  # last, as an erasure does: neither waits for the other's people
        return keys[-1], len(keys)


def _number(session: Session, workspace_id: str, name: str, days: int | None, now: datetime) -> int:
    if days is None:
        return 0
    before = rules.cutoff(days, now)
    found = [kind.old(workspace_id, before).subquery() for kind in KINDS[name]]
    return sum(session.scalar(select(func.count()).select_from(each)) or 0 for each in found)


def _rests(runtime: Runtime) -> bool:
    with runtime.db.read() as session:
        passed = session.get(Setting, PASSED)
    now = runtime.clock()
    return passed is not None and holds(datetime.fromisoformat(passed.value) + REST, now, REST)


def _in_turn(runtime: Runtime) -> list[tuple[str, dict[str, Any]]]:
    """Every workspace with its periods, from the one after the last of the run before."""
    with runtime.db.read() as session:
        last = session.scalar(select(Setting.value).where(Setting.name == LAST)) or ""
        places = session.execute(select(Workspace.id, Workspace.retention).order_by(Workspace.id)).all()
    return sorted(((id, stored) for id, stored in places), key=lambda each: each[0] <= last)


def _keep(runtime: Runtime, name: str, value: str) -> None:
    with runtime.db.write() as session:
        session.merge(Setting(name=name, value=value))
