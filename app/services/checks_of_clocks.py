"""What `doctor` says of clocks: ours and the database's, and what one that was wrong has left behind."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from app.db import moment
from app.domain.clock_jumps import furthest
from app.domain.delivery import ATTEMPT_LEASE, CLAIM_LEASE
from app.models import ContactImport, Lease, Message
from app.runtime import Runtime
from app.services import health, heartbeats
from app.services.checks import Check
from app.services.import_work import LEASES

CLOCKS_APART = timedelta(seconds=5)  # more, and what is due now is not due there


def _clock(runtime: Runtime) -> Iterator[Check]:
    now = "strftime('%Y-%m-%d %H:%M:%f', 'now')" if runtime.db.is_sqlite else "clock_timestamp()"
    with runtime.db.read() as session:
        theirs = moment(session.scalar(text(f"SELECT {now}")))
        jumped = heartbeats.last_jump(session, runtime.clock())
    assert theirs is not None  # a clock always has an answer
    apart = abs(runtime.clock() - theirs)
    if apart > CLOCKS_APART:
        says = f"ours and the database's are {apart.total_seconds():.0f} s apart; set both by NTP"
        yield Check("clock", "failed", says)
    elif jumped is not None:
        says = f"jumped by {jumped} s within the last day; nothing ran twice, but look after NTP"
        yield Check("clock", "warning", says)
    else:
        yield Check("clock", "ok", "ours and the database's agree")


def _leases(runtime: Runtime) -> Iterator[Check]:
    """Who holds the clock, by which everything is planned, and leases that no right clock wrote."""
    now = runtime.clock()
    with runtime.db.read() as session:
        ahead = _ahead(session, now)
        until = session.scalar(select(Lease.until).where(Lease.name == heartbeats.CLOCK))
    is_held = until is not None and now - health.ALIVE < until <= furthest(now, heartbeats.LEASE)
    if ahead:
        says = (
            f"{ahead} stand further in the future than any lasts, so some clock is or was ahead; they count"
        )
        yield Check("leases", "warning", f"{says} for nothing and end as a worker looks. Look after NTP")
    elif not is_held and health.check(runtime).checks.get("worker") == "ok":
        says = "a worker is alive, but none holds the clock: nothing is planned, reminded or closed"
        yield Check("leases", "failed", f"{says}. Look at the log of the workers")
    else:
        yield Check("leases", "ok", "none stands in the future")


def _ahead(session: Session, now: datetime) -> int:
    """How many leases a clock wrote that was wrong: of the clock, of messages in hand and of imports."""
    far = furthest(now, ATTEMPT_LEASE)
    messages = or_(
        (Message.state == "claimed") & (Message.lease_until > furthest(now, CLAIM_LEASE)),
        Message.state.in_(("attempting", "unknown")) & (Message.lease_until > far),
    )
    found = (
        select(func.count()).select_from(Lease).where(Lease.until > furthest(now, heartbeats.LEASE)),
        select(func.count()).select_from(Message).where(messages),
        select(func.count())
        .select_from(ContactImport)
        .where(ContactImport.lease_until > furthest(now, max(LEASES.values()))),
    )
    return sum(session.scalar(each) or 0 for each in found)


CLOCKS = (_clock, _leases)
