"""Is everything all right? For /readyz, /metrics and `doctor`."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from app.domain.clock_jumps import furthest
from app.errors import Unavailable
from app.models import FollowUp, Heartbeat, Message
from app.runtime import Runtime
from app.services import database_file, schema, switch

ALIVE = timedelta(seconds=30)  # a worker beats every five seconds


@dataclass(frozen=True)
class Health:
    ready: bool
    checks: dict[str, str]


def check(runtime: Runtime) -> Health:
    """Database, migrations, worker: `ok`, or a sentence that says what to do."""
    try:
        trouble = schema.trouble(runtime.db)
    except (DBAPIError, Unavailable) as error:
        return Health(False, {"database": f"cannot be reached: {type(error).__name__}"})
    if trouble:
        return Health(False, {"database": "ok", "migrations": trouble})
    with runtime.db.read() as session:
        now = runtime.clock()
        heard = Heartbeat.at <= furthest(now)  # later ones a clock wrote that was wrong
        beat = session.scalar(select(func.max(Heartbeat.at)).where(heard))
        paused = switch.is_paused(session)
    alive = beat is not None and beat > now - ALIVE
    checks = {
        "database": "ok",
        "migrations": "ok",
        "worker": "ok" if alive else "run: flask --app wsgi worker",
    }
    if paused:
        checks["sending"] = "paused; run: flask --app wsgi sending resume"
    return Health(alive, checks)


def gauges(runtime: Runtime) -> dict[str, int]:
    """What waits in the tables, over all workspaces: counts only, nothing of anybody.

    A pulse's reminders are left out: how many there are would tell how many have answered.
    """
    with runtime.db.read() as session:
        states = dict(
            session.execute(
                select(Message.state, func.count())
                .where(
                    Message.state.in_(("queued", "claimed", "attempting", "unknown", "failed")),
                    Message.purpose != "reminder",
                )
                .group_by(Message.state)
            ).all()
        )
        open_followups = session.scalar(select(func.count()).where(FollowUp.closed_at.is_(None)))
        paused = switch.is_paused(session)
    path = database_file.path_of(runtime.db)
    room = {}
    if path:  # PostgreSQL's disk is another machine's
        room = {
            "database_log_bytes": database_file.log_bytes(path),
            "disk_free_bytes": database_file.space(path.parent).free,
        }
    waiting = {f'messages{{state="{state}"}}': count for state, count in states.items()}
    return {**waiting, "followups_open": open_followups or 0, "sending_paused": int(paused), **room}
