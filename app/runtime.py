"""What every verb is given first: settings, clock, database and ways out, built once by wsgi.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.channels.base import Channel
from app.db import Database
from config import Config


def now() -> datetime:
    """The only reader of the wall clock."""
    return datetime.now(UTC)


def pass_by(point: str) -> None:
    """The crash points of production: nothing happens."""


def let_lie(runtime: "Runtime", event: Any) -> None:
    """Nobody listens: what came in stays where it is."""


def never() -> bool:
    """Nobody asked us to stop."""
    return False


@dataclass(frozen=True)
class Runtime:
    """`reach` is called with the name of each point of the path where a crash must be harmless.

    `inbound` takes one stored event to its verb; wsgi.py puts the chat edges there. `stopping` says to a job
    that goes on for long that its worker was asked to end.
    """

    config: Config
    clock: Callable[[], datetime]
    db: Database
    channels: Mapping[str, Channel]
    reach: Callable[[str], None] = field(default=pass_by)
    inbound: "Callable[[Runtime, Any], None]" = field(default=let_lie)
    stopping: Callable[[], bool] = field(default=never)
