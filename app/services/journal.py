"""Steps that write opt-outs, their liftings and erasures down outside the database as well (design, rule 14).

An opt-out or an erasure is on the disk before its transaction commits: a crash loses neither, and what it
leaves in doubt is done, as it was asked for. A lifting comes after: what a crash loses of it asks nobody.
"""

from collections.abc import Iterable
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from app.db import AFTER, LAST, when
from app.journal import Journal, Line
from app.models import Contact, OptOut
from app.services import address_keys

OPT_OUT, LIFTED, ERASED = "opt_out", "lifted", "erased"
_LINES = "journal_lines"  # of a session: moment -> what is to be written then

log = structlog.get_logger("journal")


def opt_out_line(row: OptOut) -> Line:
    """One opt-out as the journal keeps it: keys and random ids, nobody's words."""
    return {
        "what": OPT_OUT, "id": row.id, "workspace": row.workspace_id, "contact": row.contact_id,
        "address": row.address_key, "kind": row.kind, "origin": row.origin, "channel": row.channel,
        "followed": bool(row.followed), "at": row.created_at.isoformat(),
    }  # fmt: skip


def lifted_line(opt_out_id: str, at: datetime) -> Line:
    """That an opt-out holds no more."""
    return {"what": LIFTED, "id": opt_out_id, "at": at.isoformat()}


def erased_line(contact_id: str, workspace_id: str, at: datetime) -> Line:
    """That a person was forgotten."""
    return {"what": ERASED, "id": contact_id, "workspace": workspace_id, "at": at.isoformat()}


def opted_out(session: Session, rows: Iterable[OptOut]) -> None:
    """These rows are about to be committed."""
    _note(session, LAST, map(opt_out_line, rows))


def lifted(session: Session, ids: Iterable[str], at: datetime) -> None:
    """These opt-outs end with this transaction."""
    _note(session, AFTER, (lifted_line(id, at) for id in ids))


def erased(session: Session, contact: Contact, at: datetime) -> None:
    """This person is forgotten with this transaction."""
    _note(session, LAST, [erased_line(contact.id, contact.workspace_id, at)])


def note_restored(session: Session, line: Line) -> None:
    """This database is a copy from here on; what the journal said of later rows of its audit is over."""
    _note(session, AFTER, [line])


def _note(session: Session, moment: str, lines: Iterable[Line]) -> None:
    found = list(lines)
    if not found or session.info.get("journal") is None:
        return
    session.info.setdefault(_LINES, {}).setdefault(moment, []).extend(found)
    session.info.setdefault("installation", address_keys.installation(session))
    when(session, moment, _write_ahead if moment == LAST else _write_behind)


def _write_ahead(session: Session) -> None:
    session.flush()  # whatever the database refuses, it refuses before the line is written
    write(session.info["journal"], session.info["installation"], session.info[_LINES].pop(LAST))


def _write_behind(session: Session) -> None:
    write(session.info["journal"], session.info["installation"], session.info[_LINES].pop(AFTER))


def write(journal: Journal, installation: str, lines: list[Line]) -> bool:
    """Append; where that cannot be, say so and go on: nobody's STOP fails over a full disk.

    The job writes later what is missing, and the doctor fails until it has.
    """
    try:
        journal.append(installation, lines)
    except OSError as error:
        log.error("journal cannot be written", folder=str(journal.folder), error=type(error).__name__)
        return False
    return True
