"""Workers say that they are alive, one at a time holds the clock, and a clock that jumps is noticed."""

import os
import socket
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from app.db import insert_into
from app.domain.clock_jumps import furthest, jump
from app.models import Heartbeat, Lease, Setting
from app.runtime import Runtime
from app.services import wrong_clock

CLOCK = "clock"
JUMPED = "clock_jumped"
LEASE = timedelta(seconds=5)  # after the holder dies another worker takes over this soon
FORGOTTEN = timedelta(days=1)

log = structlog.get_logger("worker")


@dataclass(frozen=True)
class Look:
    """What the clock on the wall showed, beside one that nobody sets."""

    wall: datetime
    steady: float


def worker_name() -> str:
    """This process among all workers."""
    return f"{machine_name()}:{os.getpid()}"


def machine_name() -> str:
    """Where it runs: all workers there have one clock."""
    return socket.gethostname()


def beat(runtime: Runtime) -> int:
    """This worker is alive; those not heard of for a day are forgotten, or heard of by a clock ahead."""
    now = runtime.clock()
    with runtime.db.write() as session:
        over = (Heartbeat.at < now - FORGOTTEN) | (Heartbeat.at > furthest(now))
        session.execute(delete(Heartbeat).where(over))
        session.merge(Heartbeat(name=worker_name(), at=now))
        wrong_clock.watch(session, now, machine_name())
    return 1


def hold_clock(runtime: Runtime) -> bool:
    """Take or keep the clock; False while another worker has it. No lease reaches further than it is long."""
    now = runtime.clock()
    values = {"name": CLOCK, "holder": worker_name(), "until": now + LEASE}
    with runtime.db.write() as session:
        row = insert_into(session, Lease).values(values)
        take = row.on_conflict_do_update(
            index_elements=[Lease.name],
            set_={"holder": row.excluded.holder, "until": row.excluded.until},
            where=or_(
                Lease.holder == values["holder"], Lease.until <= now, Lease.until > furthest(now, LEASE)
            ),
        ).returning(Lease.holder)
        return session.execute(take).first() is not None


def look(runtime: Runtime) -> Look:
    """Both clocks now."""
    return Look(runtime.clock(), time.monotonic())


def watch_clock(runtime: Runtime, before: Look) -> Look:
    """Both clocks now; says loudly when the one on the wall jumped, and `doctor` remembers it for a day.

    Nothing runs twice for it: every due moment has one row, every lease a token.
    """
    now = look(runtime)
    by = jump(now.wall - before.wall, timedelta(seconds=now.steady - before.steady))
    if by is not None:
        seconds = round(by.total_seconds())
        log.error("clock jumped", seconds=seconds, do="look after the time service")
        with runtime.db.write() as session:
            session.merge(Setting(name=JUMPED, value=f"{now.wall.isoformat()} {seconds}"))
    return now


def last_jump(session: Session, now: datetime) -> int | None:
    """A step: by how many seconds the clock jumped within the last day, if it did."""
    told = session.get(Setting, JUMPED)
    at, _, seconds = told.value.partition(" ") if told else ("", "", "")
    return int(seconds) if at and abs(now - datetime.fromisoformat(at)) < FORGOTTEN else None


def leave(runtime: Runtime) -> None:
    """This worker ends in good order: its heartbeat and its clock are free at once."""
    with runtime.db.write() as session:
        session.execute(delete(Heartbeat).where(Heartbeat.name == worker_name()))
        session.execute(delete(Lease).where(Lease.name == CLOCK, Lease.holder == worker_name()))
