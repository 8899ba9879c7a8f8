"""Table and journal brought together: what the journal knows after a restore, what either lacks hourly."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import structlog
from sqlalchemy import ColumnElement, case, select, update
from sqlalchemy.orm import Session

from app.db import changed, insert_into
from app.journal import Journal, Line
from app.models import Contact, ContactImport, OptOut, Workspace
from app.runtime import Runtime
from app.services import address_keys, audit_log, erasure, import_erasures, journal, scrubbing
from app.services.journal import ERASED, LIFTED, OPT_OUT
from app.services.opt_outs import LEFT

AT_ONCE = 200  # lines or rows of one look
PAUSE = 0.005  # seconds after each commit: whoever waits to write comes in between
EVIDENCE = "from the journal, after a restore"
Thing = TypeVar("Thing")
Lines = Sequence[dict[str, Any]]

log = structlog.get_logger("journal")


@dataclass(frozen=True)
class Sort:
    """One sort of lines: which of them this database lacks, and the step that applies some of those."""

    what: str
    lacking: Callable[[Session, Lines], set[str]]
    step: Callable[[Session, Lines, datetime], int]  # with what our clock says
    at_once: int  # in one commit, for SQLite's one writer


@dataclass
class Replayed:
    """What a replay did, for whoever restored a copy."""

    found: bool  # is there a journal of this installation?
    opt_outs: int = 0
    liftings: int = 0
    erasures: int = 0
    files: int = 0  # of people, taken away: whoever was erased since may stand in them
    torn: int = 0  # lines that a crash cut off

    @property
    def applied(self) -> int:
        return self.opt_outs + self.liftings + self.erasures + self.files


def replay(runtime: Runtime) -> Replayed:
    """Apply every line that the database does not know. Interrupted anywhere, it is simply run again."""
    return _replay(runtime, *_journal(runtime))


def _replay(runtime: Runtime, kept: Journal | None, name: str) -> Replayed:
    if kept is None or not kept.files(name):
        return Replayed(found=False)
    done = Replayed(found=True, torn=sum(line is None for line in kept.lines(name)))
    done.opt_outs = _apply(runtime, kept, name, OPT_OUTS)
    done.liftings = _apply(runtime, kept, name, LIFTINGS)
    done.erasures = _apply(runtime, kept, name, ERASURES)
    done.files = _apply(runtime, kept, name, FILES)
    if done.erasures or done.files:
        scrubbing.soon(runtime)
    return done


def keep(runtime: Runtime) -> int:
    """A job: what either side lacks, the journal's word first. How much that was."""
    kept, name = _journal(runtime)
    done = _replay(runtime, kept, name).applied
    if done:
        log.warning("journal applied", lines=done, do="was a copy restored by other means?")
    if kept is None:
        return done
    known: dict[str, set[str]] = {OPT_OUT: set(), LIFTED: set(), ERASED: set()}
    for line in filter(None, kept.lines(name)):
        if line.get("what") in known:
            known[line["what"]].add(line["id"])
    for lines in _portions(_missing(runtime, known), AT_ONCE):
        if not journal.write(kept, name, lines):
            return done
        done += len(lines)
    journal.write(kept, name, _ends(runtime, kept, name))
    return done


def _journal(runtime: Runtime) -> tuple[Journal | None, str]:
    with runtime.db.write() as session:  # it makes the key, where there is none yet
        return runtime.db.journal, address_keys.installation(session)


def _apply(runtime: Runtime, kept: Journal, name: str, sort: Sort) -> int:
    """Looked at first, as nearly every line is known; then in short transactions: others write meanwhile."""
    done = 0
    for lines in _portions(_of_kind(kept, name, sort.what), AT_ONCE):
        with runtime.db.read() as session:
            lacking = sort.lacking(session, lines)
        wanted = {line["id"]: line for line in lines if line["id"] in lacking}
        for some in _portions(wanted.values(), sort.at_once):
            with runtime.db.write() as session:
                done += sort.step(session, some, runtime.clock())
            time.sleep(PAUSE)
    return done


def _of_kind(kept: Journal, name: str, what: str) -> Iterator[dict[str, Any]]:
    return (line for line in kept.lines(name) if line is not None and line.get("what") == what)


def _opt_outs_lacking(session: Session, lines: Lines) -> set[str]:
    """Those of workspaces that this copy does not know stay in the journal."""
    workspaces = set(session.scalars(select(Workspace.id)))
    ids = {line["id"] for line in lines if line["workspace"] in workspaces}
    return ids.difference(session.scalars(select(OptOut.id).where(OptOut.id.in_(ids))))


def _opt_out(session: Session, lines: Lines, _: datetime) -> int:
    rows = [
        {
            "id": line["id"], "workspace_id": line["workspace"], "contact_id": line["contact"],
            "address_key": line["address"], "kind": line["kind"], "origin": line["origin"],
            "channel": line["channel"], "followed": line.get("followed", False),
            "created_at": datetime.fromisoformat(line["at"]),
        }
        for line in lines
    ]  # fmt: skip
    adding = insert_into(session, OptOut).values(rows).on_conflict_do_nothing().returning(OptOut.id)
    return len(session.scalars(adding).all())


def _still_standing(session: Session, lines: Lines) -> set[str]:
    ids = [line["id"] for line in lines]
    return set(session.scalars(select(OptOut.id).where(OptOut.id.in_(ids), OptOut.lifted_at.is_(None))))


def _lift(session: Session, lines: Lines, _: datetime) -> int:
    why = case((OptOut.followed, LEFT), else_=EVIDENCE)  # a slip is on nobody's page
    return sum(
        changed(
            session,
            update(OptOut)
            .where(OptOut.id == line["id"], OptOut.lifted_at.is_(None))
            .values(lifted_at=datetime.fromisoformat(line["at"]), lifted_evidence=why),
        )
        for line in lines
    )


def _not_forgotten(session: Session, lines: Lines) -> set[str]:
    ids = [line["id"] for line in lines]
    return set(session.scalars(select(Contact.id).where(Contact.id.in_(ids), Contact.erased_at.is_(None))))


def _erase(session: Session, lines: Lines, now: datetime) -> int:
    wanted = {line["id"]: line for line in lines}
    back = erasure.hold(session, list(wanted))
    for contact in back:
        at = datetime.fromisoformat(wanted[contact.id]["at"])
        erasure.forget(session, contact, at, asked_at=now)
    return len(back)


def _in_a_file(session: Session, lines: Lines) -> set[str]:
    """Of whom this copy does not know and a file of it may bring: they came, and were erased, after it."""
    ids = {line["id"] for line in lines}
    strangers = ids.difference(session.scalars(select(Contact.id).where(Contact.id.in_(ids))))
    last: dict[str, str] = {}  # of each workspace: the latest covers whatever the others would
    for line in sorted((each for each in lines if each["id"] in strangers), key=lambda each: each["at"]):
        last[line["workspace"]] = line["id"]
    return {line["id"] for line in lines if line["id"] in last.values() and _files(session, line)}


def _files(session: Session, line: dict[str, Any]) -> bool:
    return session.scalar(select(ContactImport.id).where(_which_files(line)).limit(1)) is not None


def _which_files(line: dict[str, Any]) -> ColumnElement[bool]:
    return import_erasures.may_hold(line["workspace"], datetime.fromisoformat(line["at"]))


def _take_files(session: Session, lines: Lines, now: datetime) -> int:
    gone = sum(
        import_erasures.take_away(session, _which_files(line), erasure.FILE_GONE, now) for line in lines
    )
    if gone:
        scrubbing.ask(session)  # last of all, as an erasure does
    return gone


OPT_OUTS = Sort(OPT_OUT, _opt_outs_lacking, _opt_out, 50)
LIFTINGS = Sort(LIFTED, _still_standing, _lift, 50)
ERASURES = Sort(ERASED, _not_forgotten, _erase, 1)  # a person is many statements
FILES = Sort(ERASED, _in_a_file, _take_files, 1)


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


def _portions(things: Iterable[Thing], most: int) -> Iterator[list[Thing]]:
    each = iter(things)
    while portion := list(islice(each, most)):
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
