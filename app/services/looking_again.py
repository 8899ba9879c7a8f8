"""What quiet hours, caps or dates of silence hold back is looked at again once somebody changes them.

Afterwards, some at a time: of a large run a million wait, and whoever saves settings waits for none of them.
"""

import time
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.db import changed, insert_into
from app.domain.quiet_hours import CHANNELS
from app.engines import take_time
from app.models import Message, Setting
from app.runtime import Runtime

AT_ONCE = 5_000  # messages in one transaction
PAUSE = 0.01  # seconds between two: whoever waits to write comes in between
AGAIN = "look_again:"  # a row of `installation` for each workspace: the last message that was looked at
HELD = ("quiet_hours", "capped", "blackout")


def note(session: Session, workspace_id: str) -> None:
    """A step: this workspace holds back by other rules now. Begins anew where it is being looked already."""
    adding = insert_into(session, Setting).values(name=AGAIN + workspace_id, value="")
    session.execute(adding.on_conflict_do_update(index_elements=["name"], set_={"value": ""}))


def look_at_held(runtime: Runtime) -> int:
    """A job: what was held back is due, and is held back again if need be. How many messages."""
    done = 0
    while not runtime.stopping():
        now = runtime.clock()
        with runtime.db.read() as session:
            noted = select(Setting.name, Setting.value).where(Setting.name.startswith(AGAIN, autoescape=True))
            found = session.execute(noted.order_by(Setting.name).limit(1)).first()
            if found is None:
                break
            take_time(session.connection())
            name, last = found
            ids = _held(session, name.removeprefix(AGAIN), last, now)
        with runtime.db.write() as session:
            done += _look_at(session, name, last, ids, now)
        runtime.reach("looked_at_some")
        time.sleep(PAUSE)
    return done


def _held(session: Session, workspace_id: str, last: str, now: datetime) -> Sequence[str]:
    query = select(Message.id).where(
        Message.channel.in_(("email", *CHANNELS)), Message.state == "queued", Message.due_at > now,
        Message.workspace_id == workspace_id, Message.reason.in_(HELD), Message.id > last,
    )  # fmt: skip
    # By their ids: what is held back once more is not met again
    return session.scalars(query.order_by(Message.id).limit(AT_ONCE)).all()


def _look_at(session: Session, name: str, last: str, ids: Sequence[str], now: datetime) -> int:
    """These are due, unless the rules have changed once more; how many."""
    if len(ids) < AT_ONCE:
        noted = changed(session, delete(Setting).where(Setting.name == name, Setting.value == last))
    else:
        its = update(Setting).where(Setting.name == name, Setting.value == last)
        noted = changed(session, its.values(value=ids[-1]))
    if not noted:
        return 0
    held = update(Message).where(Message.id.in_(ids), Message.state == "queued", Message.due_at > now)
    return changed(session, held.values(due_at=now).execution_options(synchronize_session=False))
