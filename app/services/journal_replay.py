"""Table and journal brought together: what the journal knows after a restore, what either lacks hourly."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db import changed, insert_into
from app.journal import Journal, Line
from app.models import Contact, OptOut, Workspace
from app.runtime import Runtime
from app.services import address_keys, audit_log, erasure, journal, scrubbing
from app.services.journal import ERASED, LIFTED, OPT_OUT

AT_ONCE = 200  # lines or rows in one transaction
EVIDENCE = "from the journal, after a restore"
Thing = TypeVar("Thing")
Step = Callable[[Session, Sequence[dict[str, Any]]], int]

log = structlog.get_logger("journal")


@dataclass
class Replayed:
    """What a replay did, for whoever restored a copy."""

    found: bool  # is there a journal of this installation?
    opt_outs: int = 0
    liftings: int = 0
    erasures: int = 0
    torn: int = 0  # lines that a crash cut off

    @property
    def applied(self) -> int:
        return self.opt_outs + self.liftings + self.erasures


def replay(runtime: Runtime) -> Replayed:
    """Apply every line that the database does not know. Interrupted anywhere, it is simply run again."""
    kept, name = _journal(runtime)
    if kept is None or not kept.files(name):
        return Replayed(found=False)
    done = Replayed(found=True, torn=sum(line is None for line in kept.lines(name)))
    done.opt_outs = _apply(runtime, kept, name, OPT_OUT, _opt_out)
    done.liftings = _apply(runtime, kept, name, LIFTED, _lift)
    done.erasures = _apply(runtime, kept, name, ERASED, _erase)
    if done.erasures:
        scrubbing.soon(runtime)
    return done


def keep(runtime: Runtime) -> int:
    """A job: what either side lacks, the journal's word first. How much that was."""
    done = replay(runtime).applied
    if done:
        log.warning("journal applied", lines=done, do="was a copy restored by other means?")
    kept, name = _journal(runtime)
    if kept is None:
        return done
    known: dict[str, set[str]] = {OPT_OUT: set(), LIFTED: set(), ERASED: set()}
    for line in filter(None, kept.lines(name)):
        if line.get("what") in known:
            known[line["what"]].add(line["id"])
    for lines in _portions(_missing(runtime, known)):
        if not journal.write(kept, name, lines):
            return done
        done += len(lines)
    journal.write(kept, name, _ends(runtime, kept, name))
    return done


def _journal(runtime: Runtime) -> tuple[Journal | None, str]:
    with runtime.db.write() as session:  # it makes the key, where there is none yet
        return runtime.db.journal, address_keys.installation(session)


def _apply(runtime: Runtime, kept: Journal, name: str, what: str, step: Step) -> int:
    """In short transactions: others write meanwhile."""
    done = 0
    for lines in _portions(_of_kind(kept, name, what)):
        with runtime.db.write() as session:
            done += step(session, lines)
    return done


def _of_kind(kept: Journal, name: str, what: str) -> Iterator[dict[str, Any]]:
    return (line for line in kept.lines(name) if line is not None and line.get("what") == what)


def _opt_out(session: Session, lines: Sequence[dict[str, Any]]) -> int:
    """Those of workspaces that this copy does not know stay in the journal."""
    workspaces = set(session.scalars(select(Workspace.id)))
    rows = [
        {
            "id": line["id"], "workspace_id": line["workspace"], "contact_id": line["contact"],
            "address_key": line["address"], "kind": line["kind"], "origin": line["origin"],
            "channel": line["channel"],
            "created_at": datetime.fromisoformat(line["at"]),
        }
        for line in lines
        if line["workspace"] in workspaces
    ]  # fmt: skip
    if not rows:
        return 0
    adding = insert_into(session, OptOut).values(rows).on_conflict_do_nothing().returning(OptOut.id)
    return len(session.scalars(adding).all())


def _lift(session: Session, lines: Sequence[dict[str, Any]]) -> int:
    standing = set(
        session.scalars(
            select(OptOut.id).where(OptOut.id.in_([line["id"] for line in lines]), OptOut.lifted_at.is_(None))
        )
    )
    return sum(
        changed(
            session,
            update(OptOut)
            .where(OptOut.id == line["id"], OptOut.lifted_at.is_(None))
            .values(lifted_at=datetime.fromisoformat(line["at"]), lifted_evidence=EVIDENCE),
        )
        for line in lines
        if line["id"] in standing
    )


def _erase(session: Session, lines: Sequence[dict[str, Any]]) -> int:
    wanted = {line["id"]: line for line in lines}
    back = erasure.hold(session, list(wanted))
    for contact in back:
        erasure.forget(session, contact, datetime.fromisoformat(wanted[contact.id]["at"]))
    return len(back)


def _missing(runtime: Runtime, known: dict[str, set[str]]) -> Iterator[Line]:
    """What the table has and the journal does not: of before there was one, or of a full disk."""
    for opt_out in _rows(runtime, OptOut):
        if opt_out.id not in known[OPT_OUT]:
            yield journal.opt_out_line(opt_out)
        if opt_out.lifted_at is not None and opt_out.id not in known[LIFTED]:
            yield journal.lifted_line(opt_out.id, opt_out.lifted_at)
    for contact in _rows(runtime, Contact, Contact.erased_at.is_not(None)):
        if contact.erased_at is not None and contact.id not in known[ERASED]:
            yield journal.erased_line(contact.id, contact.workspace_id, contact.erased_at)


def _ends(runtime: Runtime, kept: Journal, name: str) -> list[Line]:
    """How far the audit has come, where the journal does not know."""
    with runtime.db.read() as session:
        return list(audit_log.new_ends(session, kept, name, runtime.clock()))


def _portions(things: Iterable[Thing]) -> Iterator[list[Thing]]:
    each = iter(things)
    while portion := list(islice(each, AT_ONCE)):
        yield portion


def _rows(runtime: Runtime, model: Any, *which: Any) -> Iterator[Any]:
    after = ""
    while True:
        with runtime.db.read() as session:
            query = select(model).where(model.id > after, *which).order_by(model.id).limit(AT_ONCE)
            rows = session.scalars(query).all()
        yield from rows
        if len(rows) < AT_ONCE:
            return
        after = rows[-1].id
