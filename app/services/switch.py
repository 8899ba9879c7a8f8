"""The big sending switch, for all channels of the installation."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.db import Statement
from app.models import Setting
from app.runtime import Runtime
from app.services import audit
from app.services.access import Visitor

NAME = "sending_paused"
_STANDS = Statement("SELECT 1 FROM installation WHERE name = :name")  # asked before each group that leaves


def is_paused(session: Session) -> bool:
    """Is nothing to leave this installation?"""
    return _STANDS.run(session, {"name": NAME}).fetchone() is not None


def status(runtime: Runtime) -> bool:
    """Is sending paused?"""
    with runtime.db.read() as session:
        return is_paused(session)


def why(runtime: Runtime) -> str | None:
    """Why sending is paused; None while it is on."""
    with runtime.db.read() as session:
        return why_paused(session)


def why_paused(session: Session) -> str | None:
    """A step: the same."""
    found = session.get(Setting, NAME)
    return found.value if found else None


def pause(runtime: Runtime, why: str, who: Visitor | None = None) -> None:
    """Stop all sending; what is under way ends within one group. Twice is harmless."""
    with runtime.db.write() as session:
        session.merge(Setting(name=NAME, value=why))
        audit.note(session, who, runtime.clock(), "sending.paused")


def lift(session: Session, who: Visitor | None, now: datetime) -> None:
    """A step: what is due leaves again. Twice is harmless."""
    found = session.get(Setting, NAME)
    if found is not None:
        session.delete(found)
        audit.note(session, who, now, "sending.resumed")
