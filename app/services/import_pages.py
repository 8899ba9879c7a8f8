"""What is shown of imports: how far one has come, what became of its rows, and the rejects as a file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.contact_columns import ROW_COLUMN, WHY_COLUMN, read_meaning
from app.domain.imported_rows import RowReader
from app.errors import Problem
from app.models import ContactImport, ImportPart, ImportReject, User, Workspace
from app.rendering.csv_export import Cell, stream
from app.runtime import Runtime
from app.services import access, import_storage, import_taking_back
from app.services.access import Visitor
from app.services.import_deciding import OUTCOMES
from app.services.import_work import WORK

EXAMPLES = 3  # cells shown of each column
LISTED = 100  # rejects on a page; the file has them all
RECENT = 8
BATCH = 1_000
GOES_ON_FOR = timedelta(hours=24)  # how long one that was stopped may be taken up again


@dataclass(frozen=True)
class Column:
    """A column of the file, what it means, and what stands in its first rows."""

    name: str
    meaning: str
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Reject:
    """A row that was not taken; `label` is the name or address that stands in it."""

    row: int
    outcome: str
    label: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class ImportLine:
    """One import in the list of them."""

    id: str
    file_name: str
    state: str
    total: int
    done: int
    counts: dict[str, int]
    opted_out: int
    forgotten: int  # of the refused: who was erased meanwhile may stand in them
    by: str | None
    created_at: datetime
    ended_at: datetime | None

    @property
    def taken(self) -> int:
        """Rows that are, or would be, contacts."""
        return sum(self.counts[each] for each in ("created", "updated", "unchanged"))

    @property
    def left_out(self) -> int:
        return self.counts["refused"] + self.counts["repeated"]

    @property
    def is_working(self) -> bool:
        return self.state in (*WORK, "arriving")

    @property
    def share(self) -> float:
        """How far it is, from 0 to 1."""
        return self.done / self.total if self.total else 0.0


@dataclass(frozen=True)
class ImportPage(ImportLine):
    """Everything that the page of one import shows."""

    columns: tuple[Column, ...]
    rejects: tuple[Reject, ...]
    problem: Problem | None
    may_go_on: bool
    lawful_basis: str  # chosen, else the workspace's own, which is offered first
    source: str
    rate: float | None  # rows a second
    seconds_left: int | None
    undone: dict[str, int]  # by taking it back: put away, put back, left alone
    undo_until: datetime | None

    @property
    def is_rest_gone(self) -> bool:
        """It ended before its last row, and what was left of the file is not here any more."""
        had = self.state in ("stopped", "failed") and bool(self.columns) and self.done < self.total
        says_so = self.problem is not None and self.problem.field == "file"
        return had and not (self.may_go_on or says_so or any(self.undone.values()))


def page(runtime: Runtime, who: Visitor, id: str) -> ImportPage:
    """One import, in one snapshot. Raises NotFound."""
    with runtime.db.read() as session:
        each = access.own(session, who, ContactImport, id)
        workspace = session.get_one(Workspace, who.workspace_id)
        sample = import_storage.rows_from(session, id, 0)[:50] if each.state in ("mapping", "checked") else []
        phase = phase_of(each)
        rate = _rate(each)
        left = each.total - each.done
        return ImportPage(
            **_line(each, session.get(User, each.user_id or "")),
            columns=_columns(each, [cells for _, cells in sample]),
            rejects=_rejects(each, import_storage.rejects(session, id, phase, 0, LISTED)),
            problem=Problem(**each.problem) if each.problem else None,
            may_go_on=may_go_on(session, each, runtime.clock()),
            lawful_basis=each.lawful_basis or workspace.lawful_basis,
            source=each.source or "",
            rate=rate,
            seconds_left=round(left / rate) if rate and each.state in WORK else None,
            undone={name: getattr(each, name) for name in ("put_away", "put_back", "left_alone")},
            undo_until=import_taking_back.until(session, each, runtime.clock()),
        )


def recent(runtime: Runtime, who: Visitor) -> tuple[ImportLine, ...]:
    """The latest imports of the workspace, newest first."""
    with runtime.db.read() as session:
        query = (
            select(ContactImport, User)
            .outerjoin(User, User.id == ContactImport.user_id)
            .where(ContactImport.workspace_id == who.workspace_id)
            .order_by(ContactImport.created_at.desc(), ContactImport.id)
            .limit(RECENT)
        )
        return tuple(ImportLine(**_line(each, user)) for each, user in session.execute(query))


def rejects(runtime: Runtime, who: Visitor, id: str, said: Callable[[Problem], str]) -> Iterator[bytes]:
    """The rows that were not taken as a CSV with the reason beside each, to be corrected and sent again.

    Raises NotFound. `said` puts a problem into the reader's words.
    """
    with runtime.db.read() as session:
        each = access.own(session, who, ContactImport, id)
    width = len(each.columns)

    def written(row: ImportReject) -> Sequence[Cell]:
        cells = [*row.cells[:width], *[""] * (width - len(row.cells))]
        return [*cells, row.row, " ".join(said(Problem(**wrong)) for wrong in row.problems)]

    return stream([*each.columns, ROW_COLUMN, WHY_COLUMN], map(written, _reject_rows(runtime, each)))


def every_reject(runtime: Runtime, who: Visitor, id: str) -> Iterator[Reject]:
    """All of them, one after the other. Raises NotFound."""
    with runtime.db.read() as session:
        each = access.own(session, who, ContactImport, id)
    for row in _reject_rows(runtime, each):
        yield from _rejects(each, [row])


def _reject_rows(runtime: Runtime, each: ContactImport) -> Iterator[ImportReject]:
    last = 0
    while True:
        with runtime.db.read() as session:
            found = import_storage.rejects(session, each.id, phase_of(each), last, BATCH)
        yield from found
        if len(found) < BATCH:
            return
        last = found[-1].row


def phase_of(each: ContactImport) -> str:
    """Whose rejects are shown: those of the dry run until the import has begun."""
    return "importing" if each.lawful_basis is not None else "checking"


def may_go_on(session: Session, each: ContactImport, now: datetime) -> bool:
    """Is there a rest to take, and is it still here?"""
    if each.state not in ("stopped", "failed") or not each.columns or each.done >= each.total:
        return False
    if each.put_away or each.put_back or each.left_alone:  # what was there is being taken back
        return False
    if each.ended_at is None or each.ended_at < now - GOES_ON_FOR:
        return False
    query = select(ImportPart.number).where(ImportPart.import_id == each.id, ImportPart.kind == "rows")
    query = query.join(ContactImport, ContactImport.id == ImportPart.import_id)
    return session.scalar(query.where(~import_storage.met_an_erasure()).limit(1)) is not None


def _line(each: ContactImport, user: User | None) -> dict[str, Any]:
    return {
        "id": each.id,
        "file_name": each.file_name,
        "state": each.state,
        "total": each.total,
        "done": each.done,
        "counts": {outcome: getattr(each, outcome) for outcome in OUTCOMES},
        "opted_out": each.opted_out,
        "forgotten": each.forgotten,
        "by": user.name if user else None,
        "created_at": each.created_at,
        "ended_at": each.ended_at,
    }


def _columns(each: ContactImport, sample: Sequence[Sequence[str]]) -> tuple[Column, ...]:
    found = []
    for place, (name, meaning) in enumerate(zip(each.columns, each.meanings, strict=False)):
        cells = (cells[place].strip() for cells in sample if place < len(cells))
        examples = tuple(dict.fromkeys(cell[:60] for cell in cells if cell))[:EXAMPLES]
        found.append(Column(name, meaning, examples))
    return tuple(found)


def _rejects(each: ContactImport, rows: Sequence[ImportReject]) -> tuple[Reject, ...]:
    reader = RowReader(each.columns, list(map(read_meaning, each.meanings)), None)
    return tuple(
        Reject(
            row.row,
            row.outcome,
            reader.label(row.cells),
            tuple(Problem(**wrong) for wrong in row.problems),
        )
        for row in rows
    )


def _rate(each: ContactImport) -> float | None:
    if each.started_at is None or each.progressed_at is None or not each.done:
        return None
    seconds = (each.progressed_at - each.started_at).total_seconds()
    return each.done / seconds if seconds > 0 else None
