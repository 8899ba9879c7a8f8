"""What a provider no longer keeps: after a long absence of ours something may be lost, and we say so."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from app.models import Setting

log = structlog.get_logger("losses")
KEPT = {"telegram": timedelta(hours=24)}  # how long it keeps what it could not give us; others list for ever
TOLD = timedelta(days=30)  # how long we tell of it
NAME = "possible_loss:"  # a row of `installation` for each channel


@dataclass(frozen=True)
class Loss:
    """What people wrote in this time may never have reached us."""

    begins: datetime
    ends: datetime


def note(session: Session, channel: str, last_heard_at: datetime, now: datetime) -> None:
    """A step: we listen again after having heard the channel for the last time at that moment."""
    kept = KEPT.get(channel)
    if kept is None or now - last_heard_at <= kept:
        return
    begins, ends = last_heard_at.isoformat(), (now - kept).isoformat()
    session.merge(Setting(name=NAME + channel, value=f"{begins} {ends}"))
    log.warning("possible_loss", channel=channel, begins=begins, ends=ends)


def recent(session: Session, channel: str, now: datetime) -> Loss | None:
    """The latest time of which something may be missing, for as long as people should hear of it."""
    row = session.get(Setting, NAME + channel)
    if row is None:
        return None
    begins, ends = (datetime.fromisoformat(each) for each in row.value.split())
    return Loss(begins, ends) if now - ends <= TOLD else None
