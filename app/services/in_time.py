"""Numbers that a page can do without: counted within a time, or given up while everything else goes on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.db import driver_of
from app.errors import Unavailable

SECONDS = 15  # a page has two such counts, and whoever stands between us and the browser waits for a minute
_LIMIT = text("SELECT set_config('statement_timeout', :most, true)")
_AS_USUAL = text("SET LOCAL statement_timeout TO DEFAULT")
_CANCELLED = "57014"  # as PostgreSQL says that a statement took too long; SQLite says it in words


@contextmanager
def in_time(session: Session, seconds: float | None = None) -> Iterator[None]:
    """A step: what is counted inside takes so long at most, else it is Unavailable. The snapshot goes on."""
    is_sqlite, _ = driver_of(session)
    most = SECONDS if seconds is None else seconds
    try:
        with session.begin_nested():  # PostgreSQL undoes what failed up to here, and this limit with it
            if is_sqlite:
                with _until(session, time.monotonic() + most):
                    yield
            else:
                session.execute(_LIMIT, {"most": f"{max(1, int(most * 1000))}ms"})
                yield
                session.execute(_AS_USUAL)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == _CANCELLED or "interrupted" in str(error.orig):
            raise Unavailable("to count takes too long") from error
        raise


@contextmanager
def _until(session: Session, moment: float) -> Iterator[None]:
    """SQLite looks at the clock itself, by what its connection knows."""
    known = session.connection().info
    usual, known["until"] = known["until"], moment
    try:
        yield
    finally:
        known["until"] = usual
