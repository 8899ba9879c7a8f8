"""Whoever is erased while a file that names them is being imported stays erased (N01, I11)."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Thread

import pytest
from sqlalchemy import event as happenings
from sqlalchemy import func, select

from app.domain.access import Role
from app.models import Contact, ImportErasure, ImportPart, ImportReject, Workspace
from app.runtime import Runtime
from app.services import contact_imports, contacts, erasure, import_jobs, import_pages, import_storage
from app.services.access import Visitor
from app.services.import_pages import ImportPage
from tests.world import Clock, World

WHOLE = {"external_id": "z7", "name": "Zulmira", "email": "z@x.example"}
MEANINGS = ("external_id", "name", "email", "phone")


@pytest.fixture
def bea(world: World) -> Visitor:
    return world.member(world.workspace(), Role.OWNER)


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_storage, "PART_ROWS", 20)


def waiting(runtime: Runtime, who: Visitor, rows: Sequence[str]) -> str:
    """A file whose last rows these are, far from its first one, and that is about to be taken."""
    others = "".join(f"p{number};Pessoa;p{number}@x.example;\n" for number in range(60))
    text = "id;nome;e-mail;telefone\n" + others + "".join(f"{row}\n" for row in rows)
    id = contact_imports.receive(runtime, who, "a.csv", io.BytesIO(text.encode()))
    contact_imports.choose_columns(runtime, who, id, MEANINGS)
    return id


def take(runtime: Runtime, who: Visitor, id: str) -> None:
    contact_imports.begin(runtime, who, id, lawful_basis="consent", source="feira")


def taken(runtime: Runtime, who: Visitor, id: str, erase: Callable[[], object]) -> ImportPage:
    """The file to its end; once its first rows are here, somebody is erased."""
    came: list[str] = []

    def reach(point: str) -> None:
        if point == "import_chunk" and not came:
            came.append(point)
            erase()

    take(replace(runtime, reach=reach), who, id)
    assert came
    return import_pages.page(runtime, who, id)


def names(runtime: Runtime) -> list[str]:
    with runtime.db.read() as session:
        here = select(Contact.name).where(Contact.name.not_in(("Pessoa", ""))).order_by(Contact.name)
        return list(session.scalars(here))


@pytest.mark.on_both
@pytest.mark.parametrize(
    ("known", "row"),
    [
        (WHOLE, "z7;Zulmira;z@x.example;"),
        ({"external_id": "z7", "name": "Zulmira"}, "z7;Zulmira;z@x.example;"),
        ({"name": "Zulmira", "email": "z@x.example"}, ";Zulmira;Z@x.example;"),
        ({"name": "Zulmira", "phone": "+5531988884417"}, ";Zulmira;;31 98888-4417"),
        ({"name": "Zulmira", "email": "z@x.example"}, "z7;Zulmira;z@x.example;"),
        (WHOLE, ";Zulmira;z@x.example;"),
    ],
)
def test_whoever_is_erased_while_a_file_is_taken_does_not_come_back_with_it(
    runtime: Runtime, bea: Visitor, clock: Clock, known: Mapping[str, object], row: str
):
    person = contacts.create(runtime, bea, known)
    id = waiting(runtime, bea, [row])
    clock.advance(seconds=1)
    page = taken(runtime, bea, id, lambda: erasure.erase(runtime, bea, person))
    assert names(runtime) == []
    assert (page.state, page.forgotten, page.counts["refused"], page.counts["created"]) == (
        "done",
        1,
        1,
        60,
    )


def test_nor_does_whom_the_same_file_has_just_brought(runtime: Runtime, bea: Visitor):
    id = waiting(runtime, bea, ["p3;Zulmira;;"])

    def erase() -> None:
        with runtime.db.read() as session:
            person = session.scalars(select(Contact.id).where(Contact.external_id == "p3")).one()
        erasure.erase(runtime, bea, person)

    page = taken(runtime, bea, id, erase)
    assert names(runtime) == []
    assert page.forgotten == 1


def test_nobody_else_at_their_address_is_given_their_name(runtime: Runtime, world: World, bea: Visitor):
    """Nor is another's row lost that says by its id whose it is."""
    person = contacts.create(runtime, bea, WHOLE)
    with runtime.db.read() as session:
        workspace = session.get_one(Workspace, bea.workspace_id)
    world.contact(workspace, name="Rui", email="z@x.example")
    id = waiting(runtime, bea, ["z7;Zulmira;z@x.example;", "a8;Ana;z@x.example;"])
    page = taken(runtime, bea, id, lambda: erasure.erase(runtime, bea, person))
    assert page.forgotten == 1
    assert "Zulmira" not in names(runtime)
    assert "Ana" in names(runtime)


def test_an_erasure_that_nobody_asked_for_keeps_no_row_of_a_file_away(runtime: Runtime, bea: Visitor):
    """A period was over: what a file brings of them is new."""
    person = contacts.create(runtime, bea, WHOLE)
    id = waiting(runtime, bea, ["z7;Zulmira;z@x.example;"])

    def let_go() -> None:
        with runtime.db.write() as session:
            for each in erasure.hold(session, [person]):
                erasure.forget(session, each, runtime.clock(), asked_at=None)

    assert taken(runtime, bea, id, let_go).forgotten == 0
    assert names(runtime) == ["Zulmira"]


def test_what_the_row_said_is_kept_nowhere_and_neither_is_by_what_it_was_known(
    runtime: Runtime, bea: Visitor, clock: Clock
):
    person = contacts.create(runtime, bea, WHOLE)
    id = waiting(
        runtime, bea, ["z7;Zulmira;z@x.example;", *(f"q{n};Pessoa;q{n}@x.example;" for n in range(60))]
    )
    seen: list[list[str]] = []
    came: list[str] = []

    def reach(point: str) -> None:
        if point == "import_chunk" and not came:
            came.append(point)
            clock.advance(seconds=1)
            erasure.erase(runtime, bea, person)
        if point == "import_chunk":
            with runtime.db.read() as session:
                seen.extend(session.scalars(select(ImportReject.cells)))

    take(replace(runtime, reach=reach), bea, id)
    assert seen == [[]] * len(seen)
    assert seen
    import_jobs.clear_away(runtime)
    with runtime.db.read() as session:
        for model in (ImportErasure, ImportReject, ImportPart):
            assert session.scalar(select(func.count()).select_from(model)) == 0


def test_the_page_says_why_rows_were_refused(
    runtime: Runtime, bea: Visitor, clock: Clock, client_for: Callable[[Visitor], object]
):
    person = contacts.create(runtime, bea, WHOLE)
    id = waiting(runtime, bea, ["z7;Zulmira;z@x.example;"])
    clock.advance(seconds=1)
    taken(runtime, bea, id, lambda: erasure.erase(runtime, bea, person))
    page = client_for(bea).get(f"/w/{bea.workspace_slug}/contacts/import/{id}")  # type: ignore[attr-defined]
    assert "1 linha foi recusada porque uma pessoa foi apagada" in page.text


@pytest.mark.on_both
def test_an_erasure_that_ends_as_the_row_is_taken_holds_as_well(
    runtime: Runtime, bea: Visitor, monkeypatch: pytest.MonkeyPatch
):
    """On PostgreSQL the row waits for whom an erasure holds, and then finds nobody."""
    person = contacts.create(runtime, bea, WHOLE)
    id = waiting(runtime, bea, ["z7;Zulmira;z@x.example;"])
    monkeypatch.setattr(contact_imports, "AT_ONCE_ROWS", 0)  # the worker takes it
    take(runtime, bea, id)
    runs: list[Thread] = []

    def meet(_: object, __: object, statement: str, *___: object) -> None:
        if not runs and statement.startswith("UPDATE audit_rows"):  # nothing but the journal is left to write
            runs.append(Thread(target=import_jobs.finish, args=(runtime, id)))
            runs[0].start()
            runs[0].join(0.5)

    happenings.listen(runtime.db.engine, "after_cursor_execute", meet)
    try:
        erasure.erase(runtime, bea, person)
        runs[0].join()
    finally:
        happenings.remove(runtime.db.engine, "after_cursor_execute", meet)
    assert names(runtime) == []
    assert import_pages.page(runtime, bea, id).forgotten == 1
