"""Whoever has no basis is asked by nobody, by whichever door that was told: an edit, an upsert, a file."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.domain.access import Role
from app.models import ConsentChange, Contact, OptOut
from app.runtime import Runtime
from app.services import (
    backup,
    bases,
    consents,
    contact_imports,
    contacts,
    erasure,
    import_pages,
    import_undoing,
    journal_replay,
    opt_outs,
)
from app.services.access import Visitor
from tests.world import Clock, World

ANA = {"external_id": "1", "name": "Ana", "email": "ana@zibelina.example", "phone": "+5531988884417"}
FILE = "id;nome;e-mail\n1;Ana;ana@zibelina.example\n2;Bia;bia@zibelina.example\n"
Door = Callable[[Runtime, Visitor], None]


@pytest.fixture
def bea(world: World) -> Visitor:
    return world.member(world.workspace(), Role.OWNER)


def imported(runtime: Runtime, who: Visitor, basis: str, file: str = FILE) -> str:
    data = io.BytesIO(file.encode())
    return contact_imports.run(runtime, who, "x.csv", data, lawful_basis=basis, source="feira").id


def undo(runtime: Runtime, who: Visitor, id: str) -> None:
    import_undoing.undo(runtime, who, id, import_undoing.foretell(runtime, who, id).put_away)


def person(runtime: Runtime, external_id: str = "1") -> Contact:
    with runtime.db.read() as session:
        return session.scalars(select(Contact).where(Contact.external_id == external_id)).one()


def standing(runtime: Runtime, who: Visitor, external_id: str = "1") -> list[tuple[str, str]]:
    found = opt_outs.of(runtime, who, person(runtime, external_id).id)
    return [(each.kind, each.origin) for each in found if each.lifted_at is None]


def why(runtime: Runtime, who: Visitor, external_id: str = "1") -> set[str | None]:
    return {each.reason for each in contacts.detail(runtime, who, person(runtime, external_id).id).askable}


def edited(runtime: Runtime, who: Visitor) -> None:
    contacts.edit(runtime, who, contacts.create(runtime, who, ANA), {"lawful_basis": "none"})


def upserted(runtime: Runtime, who: Visitor) -> None:
    contacts.upsert(runtime, who, ANA)
    contacts.upsert(runtime, who, {"external_id": "1", "lawful_basis": "none"})


def created(runtime: Runtime, who: Visitor) -> None:
    contacts.create(runtime, who, ANA | {"lawful_basis": "none"})


def upserted_anew(runtime: Runtime, who: Visitor) -> None:
    contacts.upsert(runtime, who, ANA | {"lawful_basis": "none"})


def brought(runtime: Runtime, who: Visitor) -> None:
    imported(runtime, who, "none")


DOORS = (edited, upserted, created, upserted_anew, brought)


@pytest.mark.parametrize("door", DOORS)
def test_it_holds_for_the_address_under_another_id(runtime: Runtime, bea: Visitor, door: Door) -> None:
    door(runtime, bea)
    assert standing(runtime, bea) == [("legal", "basis_told")]
    assert why(runtime, bea) == {"no_lawful_basis"}, "the reason that says more comes first"
    contacts.upsert(runtime, bea, ANA | {"external_id": "9", "lawful_basis": "consent"})
    assert why(runtime, bea, "9") == {"opted_out"}


@pytest.mark.parametrize("door", (edited, upserted, brought))
def test_it_outlives_yesterdays_copy(runtime: Runtime, bea: Visitor, tmp_path: Path, door: Door) -> None:
    backup.backup(runtime, tmp_path / "copy")
    door(runtime, bea)
    backup.restore(runtime, tmp_path / "copy", force=True)
    contacts.upsert(runtime, bea, ANA)
    assert why(runtime, bea) == {"opted_out"}


@pytest.mark.parametrize("door", DOORS)
def test_it_outlives_an_erasure(runtime: Runtime, bea: Visitor, door: Door) -> None:
    door(runtime, bea)
    erasure.erase(runtime, bea, person(runtime).id)
    again = contacts.create(runtime, bea, ANA)
    opt_outs.opt_in(runtime, bea, again, "Said so, though who knows.")
    assert why(runtime, bea) == {"opted_out"}


@pytest.mark.parametrize("door", DOORS)
def test_told_twice_is_told_once(runtime: Runtime, bea: Visitor, door: Door) -> None:
    door(runtime, bea)
    contacts.edit(runtime, bea, person(runtime).id, {"lawful_basis": "none"})
    contacts.upsert(runtime, bea, {"external_id": "1", "lawful_basis": "none"})
    imported(runtime, bea, "none", FILE.splitlines()[0] + "\n" + FILE.splitlines()[1] + "\n")
    with runtime.db.read() as session:
        theirs = OptOut.contact_id == person(runtime).id
        keys = session.scalars(select(OptOut.address_key).where(theirs)).all()
    assert len(keys) == len(set(keys))


def given_by_edit(runtime: Runtime, who: Visitor) -> None:
    contacts.edit(runtime, who, person(runtime).id, {"lawful_basis": "consent"})


def given_by_upsert(runtime: Runtime, who: Visitor) -> None:
    contacts.upsert(runtime, who, {"external_id": "1", "lawful_basis": "consent"})


def given_with_proof(runtime: Runtime, who: Visitor) -> None:
    consents.change(runtime, who, person(runtime).id, "consent", source="", evidence="Signed.")


GIVEN = (given_by_edit, given_by_upsert, given_with_proof)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("given", GIVEN)
def test_a_basis_ends_what_came_with_their_data(
    runtime: Runtime, bea: Visitor, door: Door, given: Door
) -> None:
    door(runtime, bea)
    given(runtime, bea)
    assert (standing(runtime, bea), why(runtime, bea)) == ([], {None})
    assert journal_replay.keep(runtime) == 0, "the journal knows of both already"


def test_data_alone_do_not_end_what_was_withdrawn_with_its_proof(runtime: Runtime, bea: Visitor) -> None:
    id = contacts.create(runtime, bea, ANA)
    consents.change(runtime, bea, id, "none", source="", evidence="Withdrew it on the phone.")
    for given in (given_by_edit, given_by_upsert):
        given(runtime, bea)
        assert standing(runtime, bea) == [("legal", "basis")]
    given_with_proof(runtime, bea)
    assert standing(runtime, bea) == []


def test_one_persons_data_end_nothing_of_another_at_the_same_address(runtime: Runtime, bea: Visitor) -> None:
    for number in ("1", "2"):
        contacts.upsert(runtime, bea, ANA | {"external_id": number, "lawful_basis": "none"})
    given_by_edit(runtime, bea)
    assert standing(runtime, bea) == [("legal", "basis_told")], "the other's stands, at their address"
    assert why(runtime, bea) == {"opted_out"}


def test_a_workspaces_default_says_nothing_of_anybody(runtime: Runtime, world: World) -> None:
    bea = world.member(world.workspace(lawful_basis="none"), Role.OWNER)
    contacts.create(runtime, bea, ANA)
    contacts.upsert(runtime, bea, {"external_id": "2", "name": "Bia"})
    assert standing(runtime, bea) == standing(runtime, bea, "2") == []
    contacts.upsert(runtime, bea, ANA | {"external_id": "3", "lawful_basis": "consent"})
    assert why(runtime, bea, "3") == {None}


def test_a_file_gives_a_basis_to_who_came_without_and_undoing_takes_it_back(
    runtime: Runtime, bea: Visitor
) -> None:
    upserted_anew(runtime, bea)
    id = imported(runtime, bea, "consent")
    assert (standing(runtime, bea), why(runtime, bea)) == ([], {None})
    undo(runtime, bea, id)
    assert standing(runtime, bea) == [("legal", "basis_told")]
    assert why(runtime, bea) == {"no_lawful_basis"}
    imported(runtime, bea, "consent")
    assert (standing(runtime, bea), why(runtime, bea)) == ([], {None})


def test_undoing_an_import_leaves_a_basis_that_was_proven_since(
    runtime: Runtime, bea: Visitor, clock: Clock
) -> None:
    upserted_anew(runtime, bea)
    id = imported(runtime, bea, "consent")
    clock.advance(days=7)
    given_with_proof(runtime, bea)
    undo(runtime, bea, id)
    ana = person(runtime)
    assert (ana.lawful_basis, ana.source) == ("consent", "feira")
    assert (standing(runtime, bea), why(runtime, bea)) == ([], {None})


def test_what_an_undone_file_said_of_whom_it_brought_keeps_nobody_else_from_being_asked(
    runtime: Runtime, bea: Visitor
) -> None:
    contacts.upsert(runtime, bea, ANA | {"external_id": "9"})
    id = imported(runtime, bea, "none")
    assert why(runtime, bea, "9") == {"opted_out"}
    undo(runtime, bea, id)
    assert why(runtime, bea, "9") == {None}
    assert why(runtime, bea) == {"inactive"}
    imported(runtime, bea, "none")
    assert standing(runtime, bea) == [("legal", "basis_told")], "the file, once more, says it once more"
    assert why(runtime, bea, "9") == {"opted_out"}


def test_a_file_without_a_basis_takes_nobodys_away(runtime: Runtime, bea: Visitor) -> None:
    contacts.upsert(runtime, bea, ANA)
    imported(runtime, bea, "none")
    assert (standing(runtime, bea), why(runtime, bea)) == ([], {None})
    assert why(runtime, bea, "2") == {"no_lawful_basis"}


def test_the_look_at_a_file_without_a_basis_counts_the_same_opt_outs(runtime: Runtime, bea: Visitor) -> None:
    for basis in ("none", "none", "consent", "consent"):
        data, said = io.BytesIO(FILE.encode()), {"lawful_basis": basis, "source": "feira"}
        look = contact_imports.run(runtime, bea, "x.csv", data, **said, dry_run=True)
        assert look.opted_out == import_pages.page(runtime, bea, imported(runtime, bea, basis)).opted_out == 0
    with runtime.db.read() as session:
        assert session.scalar(select(func.count(ConsentChange.id))) == 2, "each was given one, once"


def test_whoever_is_erased_left_no_address(runtime: Runtime, bea: Visitor) -> None:
    upserted_anew(runtime, bea)
    contacts.edit(runtime, bea, person(runtime).id, {"email": "ana@new.example"})
    id, had = person(runtime).id, bases.keys_of(person(runtime))
    erasure.erase(runtime, bea, id)
    with runtime.db.write() as session:
        bases.reach(session, bea.workspace_id, [session.get_one(Contact, id)], {id: had}, runtime.clock())
    with runtime.db.read() as session:
        assert set(session.scalars(select(OptOut.lifted_at))) == {None}
