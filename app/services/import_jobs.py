"""Who works on which import: one turn each, so that a million rows keep no small file waiting."""

import traceback
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from app.db import changed
from app.domain.clock_jumps import furthest
from app.domain.import_undoing import WINDOW
from app.errors import Unavailable, problem
from app.models import ContactImport, ImportPart, ImportPerson, ImportReject, new_id
from app.runtime import Runtime
from app.services import import_storage, import_work, scrubbing
from app.services.import_work import LEASES, WORK, Held, Lost, leave

log = structlog.get_logger("imports")
AT_ONCE = 4  # imports of one worker that take turns, one of a workspace: each keeps a thousand rows in mind
FAILURES = 3  # tries in a row that came no further, of our own making: then a person decides
RESTS = timedelta(seconds=30)  # after a failure
KEPT = timedelta(hours=24)  # how long a file waits for somebody
REPORTED = timedelta(days=7)  # how long the rows that were not taken can be downloaded
CLEARED = 20  # commits of one tick: clearing away is never urgent


def run_due(runtime: Runtime) -> int:
    """A job: work on every import for which there is something to do, in turns. How many rows were done."""
    done = 0
    working: dict[str, tuple[Held, Iterator[int]]] = {}
    while not runtime.stopping():
        busy = [held.workspace_id for held, _ in working.values()]
        for id in _due(runtime, AT_ONCE - len(working), busy):
            held = _claim(runtime, id)
            if held is not None:
                working[id] = held, import_work.steps(runtime, held)
        if not working:
            return done
        for id, (held, work) in list(working.items()):
            did = _turn(runtime, held, work)
            done += did or 0
            if did is None:
                del working[id]
    for held, _ in working.values():
        _give_back(runtime, held)
    return done


def finish(runtime: Runtime, id: str, progress: Callable[[int], None] | None = None) -> None:
    """Do what there is to do for this import here and now; nothing when another worker has it."""
    held = _claim(runtime, id)
    if held is None:
        return
    try:
        for did in import_work.steps(runtime, held):
            if progress:
                progress(did)
    except Lost:
        return
    except BaseException:
        _give_back(runtime, held)
        raise


def _due(runtime: Runtime, most: int, busy: Collection[str]) -> list[str]:
    """The oldest of each workspace that is not busy: many files of one keep nobody else's waiting."""
    if most <= 0:
        return []
    query = select(ContactImport.workspace_id, ContactImport.id).where(
        ContactImport.state.in_(WORK),
        ContactImport.workspace_id.not_in(busy),
        _is_free(runtime.clock()),
    )
    oldest: dict[str, str] = {}
    with runtime.db.read() as session:
        for workspace_id, id in session.execute(
            query.order_by(ContactImport.progressed_at, ContactImport.id)
        ):
            oldest.setdefault(workspace_id, id)
    return list(oldest.values())[:most]


def _is_free(now: datetime) -> ColumnElement[bool]:
    """Nobody has it. No lease reaches further than the longest: a wrong clock wrote such a one."""
    until = ContactImport.lease_until
    return or_(until.is_(None), until <= now, until > furthest(now, max(LEASES.values())))


def _claim(runtime: Runtime, id: str) -> Held | None:
    now, token = runtime.clock(), new_id()
    with runtime.db.write() as session:
        taken = (
            update(ContactImport)
            .where(ContactImport.id == id, ContactImport.state.in_(WORK), _is_free(now))
            # Counted before it is tried: one that kills us ends as well
            .values(
                lease_token=token,
                lease_until=now + max(LEASES.values()),
                failures=ContactImport.failures + 1,
            )
        )
        if not changed(session, taken):
            return None
        each = session.get_one(ContactImport, id)
        if each.failures > FAILURES:
            _set_aside(each, now)
            return None
        return Held(id, each.workspace_id, each.kind, each.state, token)


def _turn(runtime: Runtime, held: Held, work: Iterator[int]) -> int | None:
    """The next few rows; None when this import needs us no more. One that fails keeps no other waiting."""
    try:
        return next(work, None)
    except Lost:
        return None
    except Unavailable:
        _give_back(runtime, held)  # the database is busy: it is due again
        return None
    except Exception as error:
        # Without the values that a full traceback shows: they are people
        where = "".join(traceback.format_tb(error.__traceback__)[-3:])
        log.error("import failed", import_id=held.id, error=type(error).__name__, where=where)
        _fail(runtime, held)
        return None


def _give_back(runtime: Runtime, held: Held) -> None:
    """It is due again; that we took it was no try."""
    with runtime.db.write() as session:
        session.execute(
            update(ContactImport)
            .where(ContactImport.id == held.id, ContactImport.lease_token == held.token)
            .values(
                lease_token=None,
                lease_until=None,
                failures=case((ContactImport.failures > 0, ContactImport.failures - 1), else_=0),
            )
        )


def _fail(runtime: Runtime, held: Held) -> None:
    """It is tried again a few times, then set aside where a person sees it and may go on."""
    now = runtime.clock()
    with runtime.db.write() as session:
        query = select(ContactImport).where(
            ContactImport.id == held.id, ContactImport.lease_token == held.token
        )
        each = session.scalars(query.with_for_update()).one_or_none()
        if each is None:
            return
        if each.failures < FAILURES:
            each.lease_token, each.lease_until = None, now + RESTS
        else:
            _set_aside(each, now)


def _set_aside(each: ContactImport, now: datetime) -> None:
    each.progressed_at = now
    leave(each, "failed", problem("row", "Something went wrong on our side. What was taken is safe."))


def clear_away(runtime: Runtime) -> int:
    """A job: what ended imports need no more goes, a little at a time; how many rows of ours it was."""
    gone = here = 0
    for _ in range(CLEARED):
        with runtime.db.write() as session:
            _stop_waiting(session, runtime.clock())
            here = _clear_some(session, runtime.clock()) or _forget_columns(session)
        gone += here
        if not here:
            break
    if gone and not here:
        scrubbing.at_once(runtime, "import_parts", "import_rejects", "import_people")
    return gone


def _stop_waiting(session: Session, now: datetime) -> None:
    """A file for which nobody came back: whoever takes an old one up again has as long once more."""
    waits = ContactImport.state.in_(("arriving", "mapping", "checked"))
    touched = func.coalesce(ContactImport.progressed_at, ContactImport.created_at)
    session.execute(
        update(ContactImport).where(waits, touched < now - KEPT).values(state="stopped", ended_at=now)
    )


def _clear_some(session: Session, now: datetime) -> int:
    """One that is done, or was never read, needs no rows; one that was stopped may go on for a while.

    With somebody erased on its way, nothing that may be about them stays, and it cannot go on.
    """
    id, met = ContactImport.id, import_storage.met_an_erasure()
    its_rows = select(ImportPart.import_id).where(ImportPart.import_id == id)
    has_rows = its_rows.exists()
    has_people = select(ImportPerson.import_id).where(ImportPerson.import_id == id).exists()
    has_rejects = select(ImportReject.import_id).where(ImportReject.import_id == id).exists()
    unread = its_rows.where(ImportPart.kind == "file", ContactImport.started_at.is_(None)).exists()
    over = ContactImport.state.in_(("done", "undone"))
    rows = or_(over, unread, ContactImport.ended_at < now - KEPT, met)
    people = ContactImport.ended_at < now - WINDOW  # until then it can be undone
    rejects = or_(ContactImport.ended_at < now - REPORTED, met)
    found = (
        select(id, rows, people, rejects)
        .where(ContactImport.ended_at.is_not(None))
        .where(or_(and_(has_rows, rows), and_(has_people, people), and_(has_rejects, rejects)))
        .with_for_update(skip_locked=True)
    )
    first = session.execute(found.limit(1)).one_or_none()
    if first is None:
        return 0
    return import_storage.clear(session, first[0], rows=first[1], people=first[2], rejects=first[3])


def _forget_columns(session: Session) -> int:
    """Of one that was never taken: with a file that had no header its first person stands there."""
    id = ContactImport.id
    has_rows = select(ImportPart.import_id).where(ImportPart.import_id == id).exists()
    has_rejects = select(ImportReject.import_id).where(ImportReject.import_id == id).exists()
    over = ContactImport.ended_at.is_not(None) & ContactImport.lawful_basis.is_(None)
    nothing_left = over & ~has_rows & ~has_rejects & (ContactImport.columns != [])
    return changed(session, update(ContactImport).where(nothing_left).values(columns=[], meanings=[]))
