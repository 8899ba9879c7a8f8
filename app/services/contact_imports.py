"""Imports of contacts: send a file, say what its columns mean, look at what it would do, let it be done."""

import time
from collections.abc import Callable, Sequence
from typing import IO

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from app.db import changed, insert_into
from app.domain import contact_columns
from app.domain.contact_columns import MAX_COLUMN_NAME, plain
from app.domain.contact_files import MAX_BYTES, PIECE, Kind, kind_of
from app.domain.contacts import MAX_LINE, read_lawful_basis, read_line
from app.errors import Conflict, Invalid, Problem, problem
from app.models import ColumnMeaning, ContactImport, ImportPart, Workspace, new_id
from app.runtime import Runtime
from app.services import access, audit, import_chunks, import_jobs, import_pages, import_storage, scrubbing
from app.services.access import Visitor
from app.services.import_pages import ImportPage

AT_ONCE_BYTES = 64 * 1024  # a small file is done while its sender waits; a large one by the worker
AT_ONCE_ROWS = 300
MOST_FILES = 10  # of a workspace that are kept at once
LOOKS_EVERY = 0.5  # seconds, while another worker does what a command waits for


def receive(runtime: Runtime, who: Visitor, file_name: str, file: IO[bytes]) -> str:
    """Keep a file piece by piece and begin to read it; gives its id.

    Raises Invalid when it is no table or too many are here, Conflict when it was stopped while it arrived.
    """
    piece = file.read(PIECE)
    kind = kind_of(piece[:16], file_name)
    id = _expected(runtime, who, file_name, kind)
    number, size = 0, 0
    try:
        while piece:
            size += len(piece)
            if size > MAX_BYTES:
                message = "The file is larger than %(most)s MB."
                raise Invalid([problem("file", message, most=MAX_BYTES // 1024**2)])
            with runtime.db.write() as session:
                _still_arrives(session, id, "arriving")
                session.add(ImportPart(import_id=id, kind="file", number=number, content=piece))
            runtime.reach("import_piece")
            number, piece = number + 1, file.read(PIECE)
        with runtime.db.write() as session:
            _still_arrives(session, id, "reading")
    except Invalid:
        _remove(runtime, id)
        raise
    except Conflict:
        _empty(runtime, id)  # that it was stopped stays to be seen
        raise
    if kind == "csv" and size <= AT_ONCE_BYTES:  # how much a workbook unpacks to is its own affair
        import_jobs.finish(runtime, id)
    return id


def _expected(runtime: Runtime, who: Visitor, file_name: str, kind: Kind) -> str:
    now, id = runtime.clock(), new_id()
    with runtime.db.write() as session:
        access.hold_workspace(session, who.workspace_id)  # so that two who come at once are counted
        if import_storage.files_kept(session, who.workspace_id) >= MOST_FILES:
            message = "%(most)s files are here already. Import or remove one of them first."
            raise Invalid([problem("file", message, most=MOST_FILES)])
        session.add(
            ContactImport(
                id=id, workspace_id=who.workspace_id, user_id=who.user_id, file_name=_tidy_name(file_name),
                kind=kind, state="arriving", created_at=now, progressed_at=now,
            )
        )  # fmt: skip
    return id


def _still_arrives(session: Session, id: str, then: str) -> None:
    """A step: somebody may have stopped it, or somebody was erased. Raises Conflict."""
    arriving = update(ContactImport).where(ContactImport.id == id, ContactImport.state == "arriving")
    if not changed(session, arriving.values(state=then)):
        raise Conflict("This import was stopped while its file arrived. Send the file again.")


def choose_columns(
    runtime: Runtime, who: Visitor, id: str, meanings: Sequence[str], *, look: bool = True
) -> None:
    """What each column means; the dry run begins.

    Without `look` it may begin at once. Raises Invalid, Conflict when it has moved on.
    """
    with runtime.db.write() as session:
        each = _held(session, who, id, ("mapping", "checked"))
        each.meanings = list(contact_columns.check(each.columns, meanings))
        each.state = "checking" if look else "checked"
        each.started_at = each.progressed_at = runtime.clock()
        import_chunks.begin_again(each)
        small = each.total <= AT_ONCE_ROWS
    if small and look:
        import_jobs.finish(runtime, id)


def _remember(session: Session, each: ContactImport) -> None:
    meant: dict[str, str] = {}
    for column, meaning in zip(each.columns, each.meanings, strict=True):
        if column:
            meant.setdefault(plain(column)[:MAX_COLUMN_NAME], meaning)
    # In one order, so that two who choose at once wait for each other
    rows = [
        {"workspace_id": each.workspace_id, "heading": heading, "meaning": meaning}
        for heading, meaning in sorted(meant.items())
    ]
    insert = insert_into(session, ColumnMeaning).values(rows)
    session.execute(
        insert.on_conflict_do_update(
            index_elements=[ColumnMeaning.workspace_id, ColumnMeaning.heading],
            set_={"meaning": insert.excluded.meaning},
        )
    )


def begin(runtime: Runtime, who: Visitor, id: str, *, lawful_basis: str, source: str) -> None:
    """Import it, with the reason why these people may be asked and where they come from.

    What its columns mean is remembered for the next file. Raises Invalid without them, Conflict when it has
    been begun already.
    """
    basis, where = _origin(lawful_basis, source)
    with runtime.db.write() as session:
        each = _held(session, who, id, ("checked",))
        _remember(session, each)
        each.lawful_basis, each.source = basis, where
        each.state = "importing"
        each.started_at = each.progressed_at = runtime.clock()
        import_chunks.begin_again(each)
        audit.note(
            session, who, each.started_at, "contact.imported",
            rows=each.total, lawful_basis=basis, source=where,
        )  # fmt: skip
        small = each.total <= AT_ONCE_ROWS
    if small:
        import_jobs.finish(runtime, id)


def stop(runtime: Runtime, who: Visitor, id: str) -> None:
    """Nothing more of it is done; what was taken stays. Twice changes nothing."""
    with runtime.db.write() as session:
        each = access.own(session, who, ContactImport, id, lock=True)
        if each.ended_at is None:
            each.state, each.ended_at = "stopped", runtime.clock()
            each.lease_token = each.lease_until = None
            import_storage.forget_who_was_erased(session, id)


def go_on(runtime: Runtime, who: Visitor, id: str) -> None:
    """Take the rest of an import that was stopped or that failed. Raises Conflict when nothing is left."""
    with runtime.db.write() as session:
        each = _held(session, who, id, ("stopped", "failed"))
        if not import_pages.may_go_on(session, each, runtime.clock()):
            raise Conflict("This import has moved on: somebody else was quicker.")
        each.state = "importing" if each.lawful_basis else "checking"
        each.ended_at = each.problem = None
        each.failures = 0
        each.progressed_at = runtime.clock()


def discard(runtime: Runtime, who: Visitor, id: str) -> None:
    """Forget a file of which nothing was imported. Raises Conflict when something was."""
    with runtime.db.write() as session:
        each = access.own(session, who, ContactImport, id, lock=True)
        if each.lawful_basis is not None:
            raise Conflict("This import has moved on: somebody else was quicker.")
        each.state, each.ended_at = "stopped", runtime.clock()
        each.lease_token = each.lease_until = None
    _remove(runtime, id)


def run(
    runtime: Runtime,
    who: Visitor,
    file_name: str,
    file: IO[bytes],
    *,
    lawful_basis: str = "",
    source: str = "",
    dry_run: bool = False,
    progress: Callable[[ImportPage], None] | None = None,
) -> ImportPage:
    """All of it for a command, with the columns as they are guessed: the page at its end.

    Raises Invalid when the file cannot be taken. When we die on the way, the worker goes on.
    """
    if not dry_run:
        _origin(lawful_basis, source)
    id = receive(runtime, who, file_name, file)
    _drive(runtime, who, id, progress)
    page = import_pages.page(runtime, who, id)
    if page.problem is not None:
        raise Invalid([page.problem])
    try:
        choose_columns(runtime, who, id, [column.meaning for column in page.columns], look=dry_run)
        if not dry_run:
            begin(runtime, who, id, lawful_basis=lawful_basis, source=source)
    except Invalid:
        _remove(runtime, id)
        raise
    _drive(runtime, who, id, progress)
    return import_pages.page(runtime, who, id)


def _drive(runtime: Runtime, who: Visitor, id: str, progress: Callable[[ImportPage], None] | None) -> None:
    said = 0

    def told(did: int) -> None:
        nonlocal said
        said += did
        if progress and said >= import_storage.PART_ROWS:
            said = 0
            progress(import_pages.page(runtime, who, id))

    import_jobs.finish(runtime, id, told)
    while (now := import_pages.page(runtime, who, id)).is_working:  # a worker was quicker: we look on
        if progress:
            progress(now)
        time.sleep(LOOKS_EVERY)
        import_jobs.finish(runtime, id, told)


def usual_basis(runtime: Runtime, who: Visitor) -> str:
    """The workspace's own lawful basis, for a command that was given none."""
    with runtime.db.read() as session:
        return session.get_one(Workspace, who.workspace_id).lawful_basis


def _held(session: Session, who: Visitor, id: str, states: tuple[str, ...]) -> ContactImport:
    each = access.own(session, who, ContactImport, id, lock=True)
    if each.state not in states:
        raise Conflict("This import has moved on: somebody else was quicker.")
    return each


def _remove(runtime: Runtime, id: str) -> None:
    """Twice at once is as good as once."""
    _empty(runtime, id)
    with runtime.db.write() as session:
        session.execute(delete(ContactImport).where(ContactImport.id == id))


def _empty(runtime: Runtime, id: str) -> None:
    gone = 1
    while gone:
        with runtime.db.write() as session:
            gone = import_storage.clear(session, id, rejects=True, people=True)
    scrubbing.at_once(runtime, "import_parts", "import_rejects")


def _origin(lawful_basis: str, source: str) -> tuple[str, str]:
    """Where these people come from and why they may be asked: nothing is assumed."""
    problems: list[Problem] = []
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
    return basis, where


def _tidy_name(name: str) -> str:
    """What the browser calls the file, for people to recognise; it is never a path."""
    visible = "".join(sign for sign in name.replace("\\", "/").rsplit("/", 1)[-1] if sign.isprintable())
    return visible.encode("utf-8", "ignore").decode()[:MAX_LINE] or "contacts.csv"
