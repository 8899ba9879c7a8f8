"""A POST that happens once, however often it is sent: its key commits in the transaction of its effect."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, text
from sqlalchemy.orm import Session

from app.db import changed
from app.errors import Conflict, Invalid, problem
from app.models import IdempotencyKey
from app.models.base import UtcDateTime
from app.runtime import Runtime

KEPT = timedelta(days=3)  # longer than anybody retries a request

_KEEP = text(
    "INSERT INTO idempotency_keys (api_key_id, key, fingerprint, status, resource, created_at)"
    " VALUES (:api_key_id, :key, :fingerprint, :status, :resource, :created_at)"
    " ON CONFLICT (api_key_id, key) DO NOTHING"
).bindparams(bindparam("created_at", type_=UtcDateTime))


@dataclass(frozen=True)
class Done:
    """What came of a request that was sent before: its status and the id of what it made or changed."""

    status: int
    resource: str


@dataclass(frozen=True)
class Once:
    """One request of one API key, known by the caller's word for it and by what its body says."""

    api_key_id: str
    key: str
    fingerprint: str
    now: datetime

    def keep(self, session: Session, resource: str, status: int = 201) -> None:
        """A step of the verb that does it: done, if this transaction commits.

        On PostgreSQL it waits for the same request in another transaction; SQLite has one writer anyway.
        Raises Conflict when that one was quicker: nothing of this one stays.
        """
        done = session.connection().execute(
            _KEEP,
            {
                "api_key_id": self.api_key_id,
                "key": self.key,
                "fingerprint": self.fingerprint,
                "status": status,
                "resource": resource,
                "created_at": self.now,
            },
        )
        if done.rowcount == 0:
            raise Conflict("The same request was sent twice at once. Send it again.")


def earlier(runtime: Runtime, once: Once) -> Done | None:
    """What this request did when it was sent before. Raises Invalid when the key stood for another one."""
    with runtime.db.read() as session:
        row = session.get(IdempotencyKey, (once.api_key_id, once.key))
    if row is None:
        return None
    if row.fingerprint != once.fingerprint:
        raise Invalid([problem("Idempotency-Key", "This key was used for another request.")])
    return Done(row.status, row.resource)


def forget_old(runtime: Runtime) -> int:
    """Delete keys that nobody repeats any more; how many there were."""
    with runtime.db.write() as session:
        before = runtime.clock() - KEPT
        return changed(session, delete(IdempotencyKey).where(IdempotencyKey.created_at < before))
