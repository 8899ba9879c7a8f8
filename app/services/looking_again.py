"""What quiet hours, caps or dates of silence hold back is looked at again once somebody changes them.

Afterwards, some at a time: of a large run a million wait, and whoever saves settings waits for none of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import BindParameter, Select, Table, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from app.db import changed, insert_into
from app.domain.quiet_hours import CHANNELS
from app.engines import take_time
from app.models import Message, Setting
from app.runtime import Runtime
from app.services import hourly
from app.services.outbox import USUAL
from app.services.portions import pace, portions

AT_ONCE = 5_000  # messages in one look; how many of them a transaction takes says the machine
AGAIN = "look_again:"  # a row of `installation` for each workspace: the last message that was looked at
HELD = ("quiet_hours", "capped", "blackout")

_MESSAGES = cast(Table, Message.__table__)
_NOW: BindParameter[datetime] = bindparam("now", type_=Message.due_at.type)
_IS_HELD = or_(*(_MESSAGES.c.reason == each for each in HELD))  # no list: it is run for many at once
_DUE = (
    update(_MESSAGES)
    .where(_MESSAGES.c.id == bindparam("its_id"), _MESSAGES.c.state == "queued", _IS_HELD)
    .where(_MESSAGES.c.due_at > _NOW)
    .values(due_at=_NOW, priority=USUAL + _MESSAGES.c.level)  # where it was before
)


@dataclass(frozen=True)
class Look:
    """The next messages of a workspace that wait, by their ids; `last`: where it stood."""

    name: str
    last: str
    waiting: Sequence[str]

    def mark_after(self, some: Sequence[str]) -> str | None:
        """Where it stands once it has come to these; None: it is over."""
        is_over = len(self.waiting) < AT_ONCE and some[-1:] == self.waiting[-1:]
        return None if is_over else some[-1]


def note(session: Session, workspace_id: str) -> None:
    """A step: this workspace holds back by other rules now. Begins anew where it is being looked already."""
    adding = insert_into(session, Setting).values(name=AGAIN + workspace_id, value="")
    session.execute(adding.on_conflict_do_update(index_elements=["name"], set_={"value": ""}))


def look_at_held(runtime: Runtime) -> int:
    """A job: what was held back is due, and is held back again if need be. How many messages."""
    done, steps = 0, pace(runtime)
    anew: set[str] = set()  # hours whose turns were forgotten, once in each look at a workspace
    while not runtime.stopping() and (look := _look(runtime)) is not None:
        mark: str | None = look.last
        anew = anew if look.last else set()
        for some in portions(runtime, look.waiting, steps):
            before, mark = mark, look.mark_after(some)
            with runtime.db.write() as session:
                if not _mark(session, look.name, before, mark):
                    break
                anew |= hourly.forget_turns(session, some, anew)
                done += make_due(session, some, runtime.clock())
            runtime.reach("looked_at_some")
    return done


def held() -> Select[str]:
    """Messages that something holds back."""
    return select(Message.id).where(Message.state == "queued", Message.reason.in_(HELD))


def make_due(session: Session, waiting: Sequence[str], now: datetime) -> int:
    """A step: of these, what still waits is due, in the level in which it was before; how many.

    After `hourly.forget_turns`: whoever is judged anew gets another turn.
    """
    rows = [{"its_id": id, "now": now} for id in waiting]
    return session.connection().execute(_DUE, rows).rowcount if rows else 0


def _look(runtime: Runtime) -> Look | None:
    noted = select(Setting.name, Setting.value).where(Setting.name.startswith(AGAIN, autoescape=True))
    with runtime.db.read() as session:
        found = session.execute(noted.order_by(Setting.name).limit(1)).first()
        if found is None:
            return None
        take_time(session.connection())
        name, last = found
        query = held().where(
            Message.channel.in_(("email", *CHANNELS)), Message.due_at > runtime.clock(),
            Message.workspace_id == name.removeprefix(AGAIN), Message.id > last,
        )  # fmt: skip
        # By their ids: what is held back once more is not met again
        return Look(name, last, session.scalars(query.order_by(Message.id).limit(AT_ONCE)).all())


def _mark(session: Session, name: str, before: str | None, mark: str | None) -> bool:
    """Keep how far it is; False: the rules have changed once more, or another worker has come further."""
    its = (Setting.name == name, Setting.value == before)
    if mark is None:
        return changed(session, delete(Setting).where(*its)) > 0
    return changed(session, update(Setting).where(*its).values(value=mark)) > 0
