"""The steps on what an import keeps: the file in pieces, its rows in parts, the rows not taken."""

import json
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from app.domain.contact_files import Record
from app.models import Contact, ContactImport, ImportPart, ImportPerson, ImportReject
from app.runtime import Runtime
from app.services import import_erasures
from app.services.many_rows import delete_some

PART_ROWS = 1_000  # rows of a part: what PostgreSQL takes in one commit
PART_LETTERS = 1_000_000  # or so many characters and cells of them: rows may be long
AT_REST = 1  # the quickest compression: a fifth of the space
DELETED = {ImportPart: 8, ImportPerson: 400, ImportReject: 100}  # in one commit, for SQLite's one writer


def pieces(runtime: Runtime, import_id: str) -> Iterator[bytes]:
    """The file as it came, piece by piece, in short readings."""
    number = 0
    while True:
        with runtime.db.read() as session:
            piece = session.get(ImportPart, (import_id, "file", number))
        if piece is None:
            return
        yield piece.content
        number += 1


def opened(runtime: Runtime, import_id: str) -> IO[bytes]:
    """The file on the disk of this machine, gone when it is closed: readers want to go back and forth."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever asked closes it
    for piece in pieces(runtime, import_id):
        file.write(piece)
    file.seek(0)
    return file


def parts(records: Iterable[Record]) -> Iterator[tuple[int, bytes, int]]:
    """Rows in parts: the place of the first one, the rows packed, and how many they are."""
    first, letters, rows = 0, 0, list[Record]()
    for record in records:
        rows.append(record)
        letters += sum(map(len, record[1])) + len(record[1])
        if len(rows) == PART_ROWS or letters >= PART_LETTERS:
            yield first, _packed(rows), len(rows)
            first, letters, rows = first + len(rows), 0, []
    if rows:
        yield first, _packed(rows), len(rows)


def _packed(rows: Sequence[Record]) -> bytes:
    return zlib.compress(json.dumps(rows, ensure_ascii=False).encode("utf-8", "replace"), AT_REST)


def rows_from(session: Session, import_id: str, done: int) -> list[Record]:
    """The next rows after so many: the rest of the part in which they are. Empty at the end."""
    query = (
        select(ImportPart)
        .where(ImportPart.import_id == import_id, ImportPart.kind == "rows", ImportPart.number <= done)
        .order_by(ImportPart.number.desc())
        .limit(1)
    )
    part = session.scalars(query).one_or_none()
    if part is None:
        return []
    rows: list[Record] = [(number, cells) for number, cells in json.loads(zlib.decompress(part.content))]
    return rows[done - part.number :]


def rejects(session: Session, import_id: str, phase: str, after: int, most: int) -> Sequence[ImportReject]:
    """The rows that were not taken, in their order."""
    query = (
        select(ImportReject)
        .where(ImportReject.import_id == import_id, ImportReject.phase == phase, ImportReject.row > after)
        .order_by(ImportReject.row)
        .limit(most)
    )
    return session.scalars(query).all()


def files_kept(session: Session, workspace_id: str) -> int:
    """How many files of this workspace take room: those that arrive, wait, are taken, or may go on."""
    kept = select(ImportPart.import_id).where(ImportPart.import_id == ContactImport.id).exists()
    query = select(func.count(ContactImport.id)).where(
        ContactImport.workspace_id == workspace_id,
        ContactImport.state.not_in(("done", "undoing", "undone")),  # theirs are about to go
        or_(ContactImport.state == "arriving", kept),
    )
    return session.scalar(query) or 0


def met_an_erasure() -> ColumnElement[bool]:
    """Was an erasure asked for since a file came? One of its rows may be about whoever that was."""
    erased = select(Contact.id).where(
        Contact.workspace_id == ContactImport.workspace_id,
        Contact.erasure_asked_at >= ContactImport.created_at,
    )
    return erased.exists()


def forget_who_was_erased(session: Session, import_id: str) -> None:
    """A step: where somebody was erased on the way, the rows that were not taken go at once."""
    its = select(ContactImport.id).where(ContactImport.id == import_id, met_an_erasure())
    session.execute(delete(ImportReject).where(ImportReject.import_id.in_(its)))
    import_erasures.forget(session, import_id)


def clear(session: Session, import_id: str, *, rejects: bool, people: bool, rows: bool = True) -> int:
    """A step: some of what an ended import needs no more goes; 0 when nothing is left."""
    if rows and (gone := import_erasures.forget(session, import_id)):
        return gone
    for model, goes in ((ImportPart, rows), (ImportPerson, people), (ImportReject, rejects)):
        if not goes:
            continue
        if gone := delete_some(session, model, model.import_id == import_id, DELETED[model]):
            return gone
    return 0


def forget_file(session: Session, import_id: str) -> int:
    """A step: some of the file as it came goes, because its rows have been read."""
    piece = and_(ImportPart.import_id == import_id, ImportPart.kind == "file")
    return delete_some(session, ImportPart, piece, DELETED[ImportPart])
