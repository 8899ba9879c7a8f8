"""A consistent copy of the database while everything runs, and back; a restored copy sends nothing at first.

SQLite copies itself (its backup API); PostgreSQL does it with its own programs, which must be installed.
"""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import func, select

from app.errors import Refusal
from app.models import Message, Pulse, Workspace
from app.runtime import Runtime
from app.services import (
    address_keys,
    audit,
    audit_log,
    journal_replay,
    migrating,
    perhaps_asked,
    postgresql_copies,
    schema,
    sqlite_copies,
)
from app.services.journal_replay import Replayed
from app.services.perhaps_asked import GivenUp

WHY_PAUSED = "restored from a backup"


@dataclass(frozen=True)
class Restored:
    """What whoever restored a copy should know before sending goes on."""

    waiting: int  # messages that had not left when the copy was made
    open_pulses: int
    lost_keys: int  # open pulses among them whose key is not here: they will close void
    journal: Replayed
    given_up: GivenUp  # what was due by now: it may have left since the copy was made


def backup(runtime: Runtime, target: Path) -> int:
    """Write a copy to a new file that only its owner can read; its bytes. Raises Refusal."""
    if target.exists():
        raise Refusal(f"{target} is there already. Say another name, or remove it first.")
    if not target.parent.is_dir():
        raise Refusal(f"The folder {target.parent} is not there.")
    if schema.current(runtime.db) is not None:
        with runtime.db.write() as session:  # no copy without the key that its journal is kept under
            address_keys.installation(session)
    draft = target.with_name(target.name + ".part")
    draft.touch(mode=0o600, exist_ok=True)
    draft.chmod(0o600)
    try:
        _copies(runtime).save(runtime.db, draft)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    return target.stat().st_size


def restore(
    runtime: Runtime, source: Path, *, force: bool = False, nothing_ran_since: bool = False
) -> Restored:
    """Put a copy in the place of what is here, all of it or nothing, with sending paused.

    The journal's opt-outs and erasures are applied to it before anybody could switch sending on. What was due
    by now is given up, unless somebody knows that nothing has run since the copy was made.

    Raises Refusal for a file that is no whole copy or of a newer version, and, without `force`, where the
    database holds a workspace.
    """
    if not source.is_file():
        raise Refusal(f"There is no file {source}.")
    copies = _copies(runtime)
    revision = copies.revision_of(source)
    if revision not in schema.known():
        raise Refusal(
            f"{source} was made by a newer version of Retorno ({revision}). Install that one first."
        )
    if not force and _has_data(runtime):
        raise Refusal("There is data here, which would be lost. Back it up, then say --force.")
    copies.load(runtime.db, source, WHY_PAUSED)
    address_keys.forget(runtime.db.engine)
    migrating.upgrade(runtime.db)
    replayed = journal_replay.replay(runtime)
    given_up = GivenUp() if nothing_ran_since else perhaps_asked.give_up(runtime)
    with runtime.db.write() as session:
        audit.note(
            session,
            None,
            runtime.clock(),
            "installation.restored",
            **asdict(replayed),
            given_up=len(given_up.moments),
        )
        audit_log.begin_again(session, runtime.clock())
    return _what_to_know(runtime, replayed, given_up)


@dataclass(frozen=True)
class _Copies:
    """How one kind of database is copied."""

    save: Callable[..., None]
    load: Callable[..., None]
    revision_of: Callable[[Path], str]


def _copies(runtime: Runtime) -> _Copies:
    way = sqlite_copies if runtime.db.is_sqlite else postgresql_copies
    return _Copies(way.save, way.load, way.revision_of)


def _has_data(runtime: Runtime) -> bool:
    if schema.current(runtime.db) is None:
        return False
    with runtime.db.read() as session:
        return session.scalar(select(Workspace.id).limit(1)) is not None


def _what_to_know(runtime: Runtime, replayed: Replayed, given_up: GivenUp) -> Restored:
    keys = runtime.config.keys_dir
    with runtime.db.read() as session:
        waiting = select(func.count()).where(Message.state.in_(("queued", "claimed", "attempting")))
        pulses = session.scalars(select(Pulse.id).where(Pulse.state == "open")).all()
        return Restored(
            waiting=session.scalar(waiting) or 0,
            open_pulses=len(pulses),
            lost_keys=sum(not (keys / f"{pulse}.key").exists() for pulse in pulses),
            journal=replayed,
            given_up=given_up,
        )
