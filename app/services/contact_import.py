"""The import of a small file: look first, then commit in chunks; the same file again changes nothing."""

import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.db import changed
from app.domain.contact_files import ContactFile, read_contact_file
from app.domain.contacts import MAX_LINE, ContactValues, read_lawful_basis, read_line
from app.errors import Invalid, NotFound, problem
from app.models import ImportFile, Workspace, new_id
from app.runtime import Runtime
from app.services import access, audit, contact_rows
from app.services.access import Visitor
from app.services.import_rows import Chunk, Known, Preview, Report, RowResult, read_rows

CHUNK = 50  # rows committed at once: some ten milliseconds of the one writer that SQLite has
PAUSE = 0.005  # seconds between two chunks: whoever waits to write comes in between
KEPT = timedelta(hours=24)  # how long an uploaded file waits for its confirmation

Progress = Callable[[int, int], None]


def look(runtime: Runtime, who: Visitor, data: bytes) -> Report:
    """What an import of this file would do, row by row; changes nothing. Raises Invalid for a bad file."""
    file = read_contact_file(data)
    with runtime.db.read() as session:
        return _dry_run(runtime, session, who, file)


def run(
    runtime: Runtime,
    who: Visitor,
    data: bytes,
    *,
    lawful_basis: str,
    source: str,
    progress: Progress | None = None,
) -> Report:
    """Import the file: every row is taken or listed with its problems, in chunks that stand on their own.

    Interrupted anywhere, it is simply run again: rows are matched, not counted. Raises Invalid for a file
    that cannot be taken at all, and without a lawful basis and a source.
    """
    return _commit(runtime, who, read_contact_file(data), _origin(lawful_basis, source), progress)


def upload(runtime: Runtime, who: Visitor, file_name: str, data: bytes) -> str:
    """Keep a file for its preview; gives its id. Raises Invalid when it cannot be taken at all."""
    rows = sum(1 for _ in read_contact_file(data).rows())
    if not rows:
        raise Invalid([problem("file", "The file has a header but no rows.")])
    now = runtime.clock()
    with runtime.db.write() as session:
        session.execute(
            delete(ImportFile).where(
                ImportFile.workspace_id == who.workspace_id,
                (ImportFile.user_id == who.user_id) | (ImportFile.created_at < now - KEPT),
            )
        )
        file = ImportFile(
            id=new_id(),
            workspace_id=who.workspace_id,
            user_id=who.user_id,
            file_name=_tidy_name(file_name),
            content=data,
            created_at=now,
        )
        session.add(file)
        return file.id


def preview(runtime: Runtime, who: Visitor, id: str) -> Preview:
    """The file that waits and what confirming it would do. Raises NotFound for anybody else's."""
    with runtime.db.read() as session:
        kept = _own_file(session, who, id)
        workspace = session.get_one(Workspace, who.workspace_id)
        file = read_contact_file(kept.content)
        report = _dry_run(runtime, session, who, file)
        columns = tuple(zip(file.columns, file.meanings, strict=True))
        return Preview(kept.id, kept.file_name, columns, workspace.lawful_basis, report)


def confirm(runtime: Runtime, who: Visitor, id: str, *, lawful_basis: str, source: str) -> Report:
    """Import the file that waits, then forget it; interrupted, it still waits and is confirmed again."""
    origin = _origin(lawful_basis, source)
    with runtime.db.read() as session:
        content = _own_file(session, who, id).content
    report = _commit(runtime, who, read_contact_file(content), origin, None)
    with runtime.db.write() as session:
        session.execute(delete(ImportFile).where(ImportFile.id == id))
    runtime.db.scrub("import_files")
    return report


def discard(runtime: Runtime, who: Visitor, id: str) -> None:
    """Forget an uploaded file without importing it."""
    with runtime.db.write() as session:
        session.delete(_own_file(session, who, id))


def forget_old_files(runtime: Runtime) -> int:
    """A job: remove the files that nobody confirmed; how many."""
    with runtime.db.write() as session:
        return changed(session, delete(ImportFile).where(ImportFile.created_at < runtime.clock() - KEPT))


def usual_basis(runtime: Runtime, who: Visitor) -> str:
    """The workspace's own lawful basis, for a command that was given none."""
    with runtime.db.read() as session:
        return session.get_one(Workspace, who.workspace_id).lawful_basis


def _origin(lawful_basis: str, source: str) -> ContactValues:
    """Where these people come from and why they may be asked: nothing is assumed."""
    problems = []
    basis, where = "", ""
    try:
        basis = read_lawful_basis("lawful_basis", lawful_basis)
    except Invalid:
        problems.append(problem("lawful_basis", "Say on which lawful basis these people may be asked."))
    try:
        where = read_line("source", source)
    except Invalid as error:
        problems += error.problems
    if not where and not any(each.field == "source" for each in problems):
        problems.append(problem("source", "Say where these contacts come from."))
    if problems:
        raise Invalid(problems)
    return {"lawful_basis": basis, "source": where}


def _commit(
    runtime: Runtime, who: Visitor, file: ContactFile, origin: ContactValues, progress: Progress | None
) -> Report:
    with runtime.db.read() as session:
        region = contact_rows.region_of(session.get_one(Workspace, who.workspace_id))
    rows = list(read_rows(file.rows(), region, origin))
    results: list[RowResult] = []
    for start in range(0, len(rows), CHUNK):
        runtime.reach("import_chunk")
        with runtime.db.write() as session:
            workspace = access.held_workspace(session, who)
            if start == 0:
                audit.note(session, who, runtime.clock(), "contact.imported", rows=len(rows), **origin)
            chunk = Chunk(session, workspace, Known(), runtime.clock())
            results += chunk.take(rows[start : start + CHUNK])
        if progress:
            progress(len(results), len(rows))
        time.sleep(PAUSE)
    return Report(tuple(results))


def _dry_run(runtime: Runtime, session: Session, who: Visitor, file: ContactFile) -> Report:
    workspace = session.get_one(Workspace, who.workspace_id)
    rows = list(read_rows(file.rows(), contact_rows.region_of(workspace), {}))
    chunk = Chunk(session, workspace, Known(pretend=True), runtime.clock())
    results: list[RowResult] = []
    for start in range(0, len(rows), CHUNK):
        results += chunk.take(rows[start : start + CHUNK])
    return Report(tuple(results))


def _own_file(session: Session, who: Visitor, id: str) -> ImportFile:
    file = access.own(session, who, ImportFile, id)
    if file.user_id != who.user_id:
        raise NotFound
    return file


def _tidy_name(name: str) -> str:
    """What the browser calls the file, for people to recognise; it is never a path."""
    visible = "".join(sign for sign in name.replace("\\", "/").rsplit("/", 1)[-1] if sign.isprintable())
    return visible.encode("utf-8", "ignore").decode()[:MAX_LINE] or "contacts.csv"
