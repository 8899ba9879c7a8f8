"""The work on one import: read the file, foretell, take the rows, or undo it; a commit after each step."""

import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import IO

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain import contact_columns
from app.domain.contact_columns import read_meaning
from app.domain.contact_files import Table, read_csv
from app.domain.contacts import ContactValues
from app.domain.imported_rows import RowReader
from app.errors import Invalid, Problem, problem
from app.models import ColumnMeaning, ContactImport, ImportPart, ImportReject, Workspace
from app.runtime import Runtime
from app.services import contact_rows, import_chunks, import_storage, import_taking_back
from app.services.address_keys import keyer
from app.services.import_deciding import ReadRow, read_rows
from app.services.import_foretelling import foretelling
from app.services.many_rows import delete_some
from app.services.workbooks import read_workbook

HELD = 0.012  # seconds that a commit holds the one pen of SQLite, or little more
FIRST_ROWS, FEWEST_ROWS = 40, 10  # in one commit there: then by what the machine takes for them
PAUSE = 0.005  # seconds between two commits: whoever waits to write comes in between
# How long after the last commit of a worker another one takes over; a workbook is opened in one go
LEASES = {
    "reading": timedelta(minutes=5),
    "checking": timedelta(seconds=20),
    "importing": timedelta(seconds=20),
    "undoing": timedelta(seconds=20),
}
WORK = tuple(LEASES)  # the states in which there is something for us to do


class Lost(Exception):
    """The import is no longer ours: it was stopped, or another worker took it over."""


@dataclass(frozen=True)
class Held:
    """An import under our lease, in the state in which we took it."""

    id: str
    workspace_id: str
    kind: str
    state: str
    token: str


def steps(runtime: Runtime, held: Held) -> Iterator[int]:
    """The rows done in each commit, until the state is another. Raises Lost when it is no longer ours."""
    work = {"reading": _read, "checking": _check, "importing": _take, "undoing": _undo}[held.state]
    for done in work(runtime, held):
        runtime.reach("import_chunk")
        yield done
        time.sleep(PAUSE)


def own(session: Session, runtime: Runtime, held: Held) -> ContactImport:
    """The row for us alone, its lease renewed. Raises Lost."""
    query = select(ContactImport).where(
        ContactImport.id == held.id,
        ContactImport.lease_token == held.token,
        ContactImport.state == held.state,
    )
    each = session.scalars(query.with_for_update()).one_or_none()
    if each is None:
        raise Lost
    now = runtime.clock()
    each.progressed_at, each.lease_until = now, now + LEASES[held.state]
    return each


def leave(each: ContactImport, state: str, wrong: Problem | None = None) -> None:
    """A step: this part of the work is over."""
    each.state, each.failures = state, 0
    each.lease_token = each.lease_until = None
    if wrong is not None:
        each.problem = {"field": wrong.field, "message": wrong.message, "params": wrong.params}
    if state in ("done", "failed", "undone"):
        each.ended_at = each.progressed_at


def _read(runtime: Runtime, held: Held) -> Iterator[int]:
    """The file as rows, in parts that are taken one by one; then what its columns seem to mean."""
    yield from _forget_rows(runtime, held)
    try:
        with closing(import_storage.opened(runtime, held.id)) as file:
            table = (yield from _opened(runtime, held, file)) if held.kind == "xlsx" else read_csv(file)
            for first, content, rows in import_storage.parts(table.records):
                with runtime.db.write() as session:
                    each = own(session, runtime, held)
                    each.total = first + rows
                    session.add(ImportPart(import_id=held.id, kind="rows", number=first, content=content))
                yield rows
    except Invalid as error:
        with runtime.db.write() as session:
            leave(own(session, runtime, held), "failed", error.problems[0])
        return
    with runtime.db.write() as session:
        _understand(session, own(session, runtime, held), table.columns)
    gone = 1
    while gone:  # only now: a worker that dies before reads the file again
        with runtime.db.write() as session:
            gone = import_storage.forget_file(session, held.id)
        yield 0


def _opened(runtime: Runtime, held: Held, file: IO[bytes]) -> Generator[int, None, Table]:
    """A workbook, while it is ours: one that was stopped is read no further."""
    reading = read_workbook(file)
    with closing(reading):
        while True:
            try:
                yield next(reading)
            except StopIteration as read:
                table: Table = read.value
                return table
            with runtime.db.write() as session:
                own(session, runtime, held)


def _forget_rows(runtime: Runtime, held: Held) -> Iterator[int]:
    """What a worker that died had read; its file is read again from the beginning."""
    part = (ImportPart.import_id == held.id) & (ImportPart.kind == "rows")
    gone = 1
    while gone:
        with runtime.db.write() as session:
            own(session, runtime, held).total = 0
            gone = delete_some(session, ImportPart, part, import_storage.DELETED[ImportPart])
        yield 0


def _understand(session: Session, each: ContactImport, columns: Sequence[str]) -> None:
    if not each.total:
        leave(each, "failed", problem("file", "The file has a header but no rows."))
        return
    sample = [cells for _, cells in import_storage.rows_from(session, each.id, 0)]
    chosen = select(ColumnMeaning.heading, ColumnMeaning.meaning).where(
        ColumnMeaning.workspace_id == each.workspace_id
    )
    region = contact_rows.region_of(session.get_one(Workspace, each.workspace_id))
    remembered = {found.heading: found.meaning for found in session.execute(chosen)}
    each.columns = list(columns)
    each.meanings = list(contact_columns.guess(columns, sample, region, remembered))
    leave(each, "mapping")


def _check(runtime: Runtime, held: Held) -> Iterator[int]:
    """Foretell, from the beginning after a crash: what the rows before would have done is only in mind."""
    old = (ImportReject.import_id == held.id) & (ImportReject.phase == "checking")
    gone = 1
    while gone:
        with runtime.db.write() as session:
            import_chunks.begin_again(own(session, runtime, held))
            gone = delete_some(session, ImportReject, old, import_storage.DELETED[ImportReject])
        yield 0
    with foretelling() as foretold:
        for each, rows in _rows(runtime, held, 0):
            with runtime.db.read() as session:
                tally = foretold.foretell(session, each, rows, runtime.clock())
            with runtime.db.write() as session:
                import_chunks.write_down(session, own(session, runtime, held), tally, "checking")
            yield len(rows)
    with runtime.db.write() as session:
        leave(own(session, runtime, held), "checked")


def _take(runtime: Runtime, held: Held) -> Iterator[int]:
    """Take the rows that have not been taken yet; the same transaction says how far we are."""
    with runtime.db.read() as session:
        done = session.get_one(ContactImport, held.id).done
        workspace = session.get_one(Workspace, held.workspace_id)
        base = import_chunks.base_of(workspace, runtime.clock())
    most = FIRST_ROWS if runtime.db.is_sqlite else import_storage.PART_ROWS
    for _, rows in _rows(runtime, held, done):
        start = 0
        while start < len(rows):
            some = rows[start : start + most]
            with runtime.db.write() as session:
                each = own(session, runtime, held)
                began = time.monotonic()
                tally = import_chunks.take(session, each, some, base, runtime.clock())
                import_chunks.write_down(session, each, tally, "importing")
                runtime.reach("import_before_commit")
            if runtime.db.is_sqlite:
                most = _how_many(len(some), time.monotonic() - began)
            start += len(some)
            yield len(some)
    with runtime.db.write() as session:
        import_storage.forget_who_was_erased(session, held.id)
        leave(own(session, runtime, held), "done")


def _undo(runtime: Runtime, held: Held) -> Iterator[int]:
    """Take back what it did: whoever has been looked at is forgotten, so that it goes on where it stopped."""
    most = FIRST_ROWS if runtime.db.is_sqlite else import_storage.PART_ROWS
    last, is_over = "", False
    while not is_over:
        with runtime.db.write() as session:
            each = own(session, runtime, held)
            each.failures = 0
            ids = import_taking_back.take_back(session, each, last, most, runtime.clock())
            runtime.reach("import_before_commit")
            if not ids:
                leave(each, "undone")
        last, is_over = ids[-1] if ids else last, not ids
        yield len(ids)


def _how_many(rows: int, seconds: float) -> int:
    """As many rows as the one writer may hold the pen for, by how long these took."""
    return min(max(FEWEST_ROWS, int(rows * HELD / max(seconds, 0.001))), rows * 2, import_storage.PART_ROWS)


def _rows(runtime: Runtime, held: Held, done: int) -> Iterator[tuple[ContactImport, list[ReadRow]]]:
    """The rows after so many, as people, a part at a time."""
    with runtime.db.write() as session:  # the first address ever makes the key
        each = own(session, runtime, held)
        key_of = keyer(session)
        region = contact_rows.region_of(session.get_one(Workspace, each.workspace_id))
    reader = RowReader(each.columns, list(map(read_meaning, each.meanings)), region)
    origin: ContactValues = {}
    if each.lawful_basis is not None:
        origin = {"lawful_basis": each.lawful_basis, "source": each.source}

    def read_from(place: int) -> list[ReadRow]:
        with runtime.db.read() as session:
            records = import_storage.rows_from(session, held.id, place)
        return read_rows(records, reader, key_of, origin)

    # The next part is read while the database works on this one
    with ThreadPoolExecutor(1) as ahead:
        rows = read_from(done)
        while rows:
            done += len(rows)
            following = ahead.submit(read_from, done)
            yield each, rows
            rows = following.result()
