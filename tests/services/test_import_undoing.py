"""An import of the wrong list is taken back: whom it brought, what it changed, and nothing else (J11)."""

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select, text

from app.domain.access import Role
from app.errors import Conflict, NotFound
from app.jobs.worker import run_until_idle
from app.models import AuditRow, Contact, ContactImport, ImportPerson, OptOut, Workspace, new_id
from app.runtime import Runtime
from app.services import (
    contact_imports,
    contacts,
    erasure,
    import_jobs,
    import_pages,
    import_taking_back,
    import_undoing,
    import_work,
    in_time,
    opt_outs,
)
from app.services.access import Visitor
from app.services.many_rows import insert_many
from tests.world import Clock, World

FILE = "id;nome;e-mail;plano\n" + "".join(f"{n};Pessoa {n};p{n}@x.example;anual\n" for n in range(6))


@pytest.fixture
def place(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def camila(world: World, place: Workspace) -> Visitor:
    return world.member(place, Role.MANAGER)


def imported(runtime: Runtime, who: Visitor, text: str = FILE) -> str:
    file = io.BytesIO(text.encode())
    return contact_imports.run(runtime, who, "x.csv", file, lawful_basis="consent", source="feira").id


def row(runtime: Runtime, external_id: str) -> Contact:
    with runtime.db.read() as session:
        return session.scalars(select(Contact).where(Contact.external_id == external_id)).one()


def undo(runtime: Runtime, who: Visitor, id: str) -> None:
    import_undoing.undo(runtime, who, id, import_undoing.foretell(runtime, who, id).put_away)


def counts(runtime: Runtime, id: str) -> tuple[str, int, int, int]:
    with runtime.db.read() as session:
        each = session.get_one(ContactImport, id)
        return each.state, each.put_away, each.put_back, each.left_alone


def test_whom_it_brought_is_put_away_unless_somebody_touched_or_asked_them(
    runtime: Runtime, world: World, place: Workspace, camila: Visitor, clock: Clock
) -> None:
    id = imported(runtime, camila)
    clock.advance(days=1)
    contacts.edit(runtime, camila, row(runtime, "0").id, {"name": "Ana"})
    world.invitation(place, world.survey(place), row(runtime, "1"))
    opt_outs.opt_out(runtime, camila, row(runtime, "2").id, "console")
    erasure.erase(runtime, camila, row(runtime, "3").id)
    told = import_undoing.foretell(runtime, camila, id)
    assert (told.put_away, told.changed, told.left_alone, told.is_possible) == (3, 0, 2, True)
    undo(runtime, camila, id)
    assert counts(runtime, id) == ("undone", 3, 0, 2)
    assert [row(runtime, name).active for name in ("0", "1", "2", "4", "5")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    with runtime.db.read() as session:
        assert session.scalar(select(func.count(OptOut.id)).where(OptOut.kind == "own_wish")) == 1
        assert set(session.scalars(select(ImportPerson.outcome))) == {"put_away"}
        assert session.scalar(select(func.count()).select_from(ImportPerson)) == 3


def test_the_corrected_file_brings_back_whom_an_undone_one_had_put_away(
    runtime: Runtime, camila: Visitor
) -> None:
    undo(runtime, camila, imported(runtime, camila))
    contacts.edit(
        runtime, camila, row(runtime, "0").id, {"name": "Ana"}
    )  # so they stay as somebody left them
    corrected = FILE.replace("anual", "mensal")
    look = contact_imports.run(
        runtime, camila, "x.csv", io.BytesIO(corrected.encode()), lawful_basis="consent", source="feira",
        dry_run=True,
    )  # fmt: skip
    again = imported(runtime, camila, corrected)
    taken = import_pages.page(runtime, camila, again)
    assert look.counts == taken.counts
    assert [row(runtime, str(n)).active for n in range(6)] == [False, True, True, True, True, True]
    undo(runtime, camila, again)
    assert not any(row(runtime, str(n)).active for n in range(6))
    imported(runtime, camila)
    assert [row(runtime, str(n)).active for n in range(6)] == [False, True, True, True, True, True]


def test_a_file_that_changes_nothing_else_brings_them_back_too_and_one_that_says_no_does_not(
    runtime: Runtime, camila: Visitor
) -> None:
    undo(runtime, camila, imported(runtime, camila))
    imported(runtime, camila, "id;nome;ativo\n0;Pessoa 0;não\n1;Pessoa 1;\n")
    assert [row(runtime, n).active for n in ("0", "1", "2")] == [False, True, False]
    id = imported(runtime, camila)
    assert [row(runtime, n).active for n in ("0", "1", "2")] == [False, True, True]
    assert import_pages.page(runtime, camila, id).counts["updated"] == 4


def test_who_was_inactive_before_stays_so_whatever_file_was_undone(runtime: Runtime, camila: Visitor) -> None:
    contacts.create(runtime, camila, {"external_id": "0", "name": "Bia", "active": False})
    undo(runtime, camila, imported(runtime, camila, "id;nome;ativo\n0;Bia;sim\n"))
    assert not row(runtime, "0").active
    imported(runtime, camila, "id;nome\n0;Beatriz\n")
    assert not row(runtime, "0").active


def test_whom_another_file_names_stays_while_that_one_stands(runtime: Runtime, camila: Visitor) -> None:
    first = imported(runtime, camila)
    second = imported(runtime, camila, "id;nome\n0;Pessoa 0\n1;Pessoa 1\n")
    third = imported(runtime, camila, "id;nome\n9;Nova\n2;Pessoa 2\n")
    undo(runtime, camila, third)
    told = import_undoing.foretell(runtime, camila, first)
    assert (told.put_away, told.left_alone) == (4, 2)
    undo(runtime, camila, first)
    assert [row(runtime, str(n)).active for n in range(4)] == [True, True, False, False]
    assert counts(runtime, second)[0] == "done"


def test_what_it_changed_is_as_before_where_nobody_has_changed_it_since(
    runtime: Runtime, camila: Visitor, clock: Clock
) -> None:
    for name in ("0", "1", "2"):
        contacts.create(
            runtime, camila,
            {"external_id": name, "name": f"Antes {name}", "email": f"antes{name}@x.example",
             "attributes": {"plano": "mensal", "obs": "fica"}},
        )  # fmt: skip
    id = imported(runtime, camila)
    assert row(runtime, "0").name == "Pessoa 0"
    contacts.edit(runtime, camila, row(runtime, "1").id, {"name": "Depois", "attributes": {"obs": "nova"}})
    undo(runtime, camila, id)
    first, second = row(runtime, "0"), row(runtime, "1")
    assert (first.name, first.email, first.attributes) == (
        "Antes 0", "antes0@x.example", {"plano": "mensal", "obs": "fica"},
    )  # fmt: skip
    assert "antes 0" in first.search_name
    assert (second.name, second.email, second.attributes) == (
        "Depois", "antes1@x.example", {"plano": "mensal", "obs": "nova"},
    )  # fmt: skip
    assert counts(runtime, id) == ("undone", 3, 3, 0)
    again = imported(runtime, camila)  # the list is taken as if it had never been
    assert counts(runtime, again)[0] == "done"


def test_it_is_confirmed_with_its_number_noted_and_harmless_twice(
    runtime: Runtime, world: World, camila: Visitor
) -> None:
    id = imported(runtime, camila)
    with pytest.raises(Conflict):
        import_undoing.undo(runtime, camila, id, 5)
    assert counts(runtime, id)[0] == "done"
    undo(runtime, camila, id)
    import_undoing.undo(runtime, camila, id, 6)
    with runtime.db.read() as session:
        noted = session.scalars(select(AuditRow).where(AuditRow.action == "contact.import_undone")).all()
    assert [each.payload for each in noted] == [{"people": 6}]
    with pytest.raises(NotFound):
        import_undoing.foretell(runtime, world.member(world.workspace(), Role.OWNER), id)


def test_people_are_counted_while_others_write_and_whoever_they_touch_is_left_alone(
    runtime: Runtime, camila: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = imported(runtime, camila)
    count = import_undoing._foretold
    seen: list[int] = []

    def meanwhile(*given: Any) -> import_undoing.Undoing:
        told = count(*given)
        contacts.edit(runtime, camila, row(runtime, str(len(seen))).id, {"name": "Ana"})
        seen.append(told.put_away)
        return told

    monkeypatch.setattr(import_undoing, "_foretold", meanwhile)
    import_undoing.undo(runtime, camila, id, 6)
    assert seen == [6]
    assert counts(runtime, id) == ("undone", 5, 0, 1)


def test_where_nothing_can_be_undone_nobody_is_counted(
    runtime: Runtime, camila: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = contact_imports.receive(runtime, camila, "x.csv", io.BytesIO(FILE.encode()))
    gone = imported(runtime, camila, FILE + "9;Nove;;\n")
    undo(runtime, camila, gone)
    monkeypatch.setattr(import_taking_back, "fresh", lambda *_: pytest.fail("counted"))
    for id in (waits, gone):
        told = import_undoing.foretell(runtime, camila, id)
        assert (told.is_possible, told.put_away, told.changed, told.left_alone) == (False, 0, 0, 0)


def test_it_can_be_undone_for_thirty_days_and_what_that_takes_goes_then(
    runtime: Runtime, camila: Visitor, clock: Clock
) -> None:
    id = imported(runtime, camila)
    clock.advance(days=29, hours=23)
    import_jobs.clear_away(runtime)
    assert import_undoing.foretell(runtime, camila, id).is_possible
    clock.advance(hours=2)
    with pytest.raises(Conflict):
        import_undoing.undo(runtime, camila, id, 6)
    import_jobs.clear_away(runtime)
    with runtime.db.read() as session:
        assert session.scalar(select(func.count()).select_from(ImportPerson)) == 0
    assert row(runtime, "0").active


def test_a_large_one_goes_on_where_it_stopped(
    runtime: Runtime, camila: Visitor, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "id;nome\n" + "".join(f"{n};Pessoa {n}\n" for n in range(700))
    id = imported(runtime, camila, text)
    monkeypatch.setattr(import_work.import_storage, "PART_ROWS", 100)
    undo(runtime, camila, id)
    assert counts(runtime, id)[0] == "undoing"
    held = import_jobs._claim(runtime, id)
    assert held is not None
    work = import_work.steps(runtime, held)
    did = next(work) + next(work)
    work.close()  # the worker is gone; its lease ends
    assert counts(runtime, id)[:2] == ("undoing", did)
    clock.advance(minutes=1)
    run_until_idle(runtime)
    assert counts(runtime, id) == ("undone", 700, 0, 0)
    with runtime.db.read() as session:
        assert session.scalar(select(func.count(Contact.id)).where(Contact.active.is_(True))) == 0
    assert clock.now > row(runtime, "0").created_at + timedelta(seconds=1)


def test_one_that_is_being_undone_goes_on_when_somebody_is_erased(
    runtime: Runtime, camila: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "id;nome\n" + "".join(f"{n};Pessoa {n}\n" for n in range(700))
    id = imported(runtime, camila, text)
    monkeypatch.setattr(import_work.import_storage, "PART_ROWS", 100)
    undo(runtime, camila, id)
    held = import_jobs._claim(runtime, id)
    assert held is not None
    work = import_work.steps(runtime, held)
    next(work)
    erasure.erase(runtime, camila, row(runtime, "699").id)
    for _ in work:
        pass
    assert counts(runtime, id)[0] == "undone"


def test_what_was_taken_back_in_part_does_not_go_on_with_its_rest(
    runtime: Runtime, camila: Visitor, clock: Clock
) -> None:
    id = contact_imports.receive(runtime, camila, "x.csv", io.BytesIO(FILE.encode()))
    run_until_idle(runtime)
    with runtime.db.write() as session:
        each = session.get_one(ContactImport, id)
        each.state, each.total, each.done, each.ended_at = "failed", 6, 3, clock.now
        assert import_pages.may_go_on(session, each, clock.now)
        each.put_away = 1
        assert not import_pages.may_go_on(session, each, clock.now)


def test_an_erasure_on_the_way_does_not_stop_it(runtime: Runtime, camila: Visitor) -> None:
    id = imported(runtime, camila)
    erased: list[str] = []

    def reach(point: str) -> None:
        if point == "import_chunk" and not erased:
            erased.append(row(runtime, "3").id)
            erasure.erase(runtime, camila, erased[0])

    undo(replace(runtime, reach=reach), camila, id)
    assert erased
    assert counts(runtime, id) == ("undone", 6, 0, 0)


def test_who_came_without_a_basis_takes_the_next_files_after_an_undone_one(
    runtime: Runtime, camila: Visitor
) -> None:
    contacts.upsert(runtime, camila, {"external_id": "9", "name": "Bia", "lawful_basis": "none"})
    file = "id;nome\n9;Bia\n"
    undo(runtime, camila, imported(runtime, camila, file))
    run_until_idle(runtime)
    assert row(runtime, "9").lawful_basis == "none"
    imported(runtime, camila, file)
    assert row(runtime, "9").lawful_basis == "consent"


@pytest.mark.parametrize(
    ("name", "column", "was", "became"),
    [
        ("email", "e-mail", "bia@x.example", "nova@x.example"),
        ("phone", "celular", "+5531988884417", "+5531988884418"),
    ],
)
def test_an_address_that_is_somebody_elses_by_now_stays_theirs(
    runtime: Runtime, camila: Visitor, name: str, column: str, was: str, became: str
) -> None:
    contacts.create(runtime, camila, {"name": "Bia", "external_id": "9", name: was})
    id = imported(runtime, camila, f"id;nome;{column}\n9;Beatriz;{became}\n")
    other = contacts.create(runtime, camila, {"name": "Ana", name: was})
    undo(runtime, camila, id)
    bia = row(runtime, "9")
    assert (bia.name, getattr(bia, name)) == ("Bia", became)
    assert contacts.upsert(runtime, camila, {name: was, "name": "Ana Luz"})[0].id == other


def test_an_address_that_two_external_ids_share_is_put_back(runtime: Runtime, camila: Visitor) -> None:
    contacts.create(runtime, camila, {"name": "Bia", "external_id": "9", "email": "casa@x.example"})
    id = imported(runtime, camila, "id;nome;e-mail\n9;Bia;nova@x.example\n")
    contacts.create(runtime, camila, {"name": "Ana", "external_id": "7", "email": "casa@x.example"})
    undo(runtime, camila, id)
    assert row(runtime, "9").email == "casa@x.example"


def test_the_same_wrong_file_sent_twice_is_undone_from_the_later_one_on(
    runtime: Runtime, camila: Visitor
) -> None:
    first, second = imported(runtime, camila), imported(runtime, camila)
    told = import_undoing.foretell(runtime, camila, first)
    assert (told.put_away, told.left_alone, told.is_followed) == (0, 6, True)
    told = import_undoing.foretell(runtime, camila, second)
    assert (told.is_possible, told.is_only_known, told.put_away, told.unchanged) == (True, True, 0, 6)
    undo(runtime, camila, second)
    assert counts(runtime, second) == ("undone", 0, 0, 0)
    assert row(runtime, "0").active
    undo(runtime, camila, first)
    assert counts(runtime, first) == ("undone", 6, 0, 0)
    assert not any(row(runtime, str(n)).active for n in range(6))


def test_a_file_that_met_nobody_is_not_undone(runtime: Runtime, camila: Visitor) -> None:
    id = imported(runtime, camila, "id;nome;e-mail\n1;Ana;ana@\n")
    assert not import_undoing.foretell(runtime, camila, id).is_possible


def test_what_cannot_be_counted_in_time_can_be_undone_all_the_same(
    runtime: Runtime, camila: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = imported(runtime, camila)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with monkeypatch.context() as slow:
        slow.setattr(in_time, "SECONDS", 0.2)
        slow.setattr(import_taking_back, "fresh", lambda session, *_: session.scalar(text(endless)))
        told = import_undoing.foretell(runtime, camila, id)
        assert (told.is_possible, told.put_away, told.left_alone) == (True, None, None)
        import_undoing.undo(runtime, camila, id, told.put_away)
    assert counts(runtime, id) == ("undone", 6, 0, 0)
    again = imported(runtime, camila)
    with pytest.raises(Conflict):  # where there is a number it is the number that confirms
        import_undoing.undo(runtime, camila, again, None)


@pytest.fixture
def looks(runtime: Runtime) -> Iterator[list[int]]:
    """How often SQLite's machine came by: what a statement walks, whatever the machine's speed."""
    if not runtime.db.is_sqlite:
        pytest.skip("PostgreSQL counts no steps")
    seen: list[int] = []

    def watch(raw: Any, *_: object) -> None:
        raw.set_progress_handler(lambda: seen.append(1), 50)

    event.listen(runtime.db.engine, "checkout", watch)
    yield seen
    event.remove(runtime.db.engine, "checkout", watch)


@pytest.mark.judged_on("sqlite")
def test_the_people_are_not_looked_for_in_each_later_file(
    runtime: Runtime, camila: Visitor, clock: Clock, looks: list[int]
) -> None:
    id = imported(runtime, camila, "id;nome\n" + "".join(f"{n};Pessoa {n}\n" for n in range(400)))
    looks.clear()
    assert import_undoing.foretell(runtime, camila, id).put_away == 400
    alone = len(looks)
    clock.advance(hours=1)
    with runtime.db.write() as session:
        own = {
            each.key: getattr(session.get_one(ContactImport, id), each.key)
            for each in ContactImport.__mapper__.columns
        }
        for _ in range(40):
            file = own | {"id": new_id(), "started_at": clock.now, "ended_at": clock.now}
            session.add(ContactImport(**file))
            session.add(ImportPerson(import_id=file["id"], contact_id=new_id(), row=1, outcome="created"))
    looks.clear()
    assert import_undoing.foretell(runtime, camila, id).put_away == 400
    assert len(looks) < 2 * alone


@pytest.mark.judged_on("sqlite")
def test_marks_that_are_left_are_not_walked_again_for_each_commit(
    runtime: Runtime, camila: Visitor, monkeypatch: pytest.MonkeyPatch, looks: list[int]
) -> None:
    id = imported(runtime, camila, "id;nome\n" + "".join(f"{n};Pessoa {n}\n" for n in range(80)))
    marks = [
        {"import_id": id, "contact_id": f"0{n:025}", "row": n, "outcome": "put_away", "changes": {}}
        for n in range(6_000)
    ]
    with runtime.db.write() as session:
        insert_many(session, ImportPerson, marks)
    monkeypatch.setattr(import_undoing, "AT_ONCE", 10)
    undo(runtime, camila, id)
    held = import_jobs._claim(runtime, id)
    assert held is not None
    walked = []
    looks.clear()
    for _ in import_work.steps(runtime, held):
        walked.append(len(looks))
        looks.clear()
    first, second, _ = walked
    assert second < first / 2
    assert counts(runtime, id) == ("undone", 80, 0, 0)
