"""Workers say that they are alive, and one at a time holds the clock."""

import os
import socket
from datetime import timedelta

from sqlalchemy import delete

from app.db import insert_into
from app.models import Heartbeat, Lease
from app.runtime import Runtime

CLOCK = "clock"
LEASE = timedelta(seconds=5)  # after the holder dies another worker takes over this soon
FORGOTTEN = timedelta(days=1)


def worker_name() -> str:
    """This process among all workers."""
    return f"{socket.gethostname()}:{os.getpid()}"


def beat(runtime: Runtime) -> int:
    """This worker is alive; those that have not been heard of for a day are forgotten."""
    now = runtime.clock()
    with runtime.db.write() as session:
        session.execute(delete(Heartbeat).where(Heartbeat.at < now - FORGOTTEN))
        session.merge(Heartbeat(name=worker_name(), at=now))
    return 1


def hold_clock(runtime: Runtime) -> bool:
    """Take or keep the clock; False while another worker has it."""
    now = runtime.clock()
    values = {"name": CLOCK, "holder": worker_name(), "until": now + LEASE}
    with runtime.db.write() as session:
        row = insert_into(session, Lease).values(values)
        take = row.on_conflict_do_update(
            index_elements=[Lease.name],
            set_={"holder": row.excluded.holder, "until": row.excluded.until},
            where=(Lease.holder == values["holder"]) | (Lease.until <= now),
        ).returning(Lease.holder)
        return session.execute(take).first() is not None


def leave(runtime: Runtime) -> None:
    """This worker ends in good order: its heartbeat and its clock are free at once."""
    with runtime.db.write() as session:
        session.execute(delete(Heartbeat).where(Heartbeat.name == worker_name()))
        session.execute(delete(Lease).where(Lease.name == CLOCK, Lease.holder == worker_name()))
