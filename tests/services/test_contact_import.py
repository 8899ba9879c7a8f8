"""The import on both databases: look, commit, again, at once, half-way, and the opted-out (J01 to J06)."""

from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app.domain.access import Role
from app.errors import Invalid, NotFound
from app.models import Contact, ImportFile
from app.runtime import Runtime
from app.services import contact_import, contacts, erasure, opt_outs
from app.services.access import Visitor
from app.services.import_rows import Report
from tests.services.loop import at_once
from tests.world import Clock, World

PEOPLE = "nome;e-mail;celular;plano\n" + "".join(
    f"Pessoa {number};p{number}@x.example;31 9{number:04}-0000;anual\n" for number in range(450)
)


@pytest.fixture
def camila(world: World) -> Visitor:
    return world.member(world.workspace(), Role.MANAGER)


def run(runtime: Runtime, who: Visitor, text: str) -> Report:
    return contact_import.run(runtime, who, text.encode(), lawful_basis="consent", source="feira")


def outcomes(report: Report) -> Counter[str]:
    return Counter(row.outcome for row in report.rows)


def stored(runtime: Runtime) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count(Contact.id))) or 0


def test_a_file_becomes_contacts_with_its_basis_and_source(runtime: Runtime, camila: Visitor):
    report = run(
        runtime,
        camila,
        "nome;e-mail;celular;idioma;fuso;tipo;Plano\nAna;a@x.example;31 8888-4417;es;;;Anual\n",
    )
    assert outcomes(report) == {"created": 1}
    (line,) = contacts.find(runtime, camila).items
    assert (line.contact.name, line.contact.phone, line.contact.locale) == ("Ana", "+5531988884417", "es")
    assert (line.contact.lawful_basis, line.contact.source) == ("consent", "feira")
    assert line.contact.attributes == {"Plano": "Anual"}


def test_j01_every_row_is_taken_or_listed_with_its_problems(runtime: Runtime, camila: Visitor):
    text = "nome;e-mail;celular\nAna;a@x.example;\nBia;b@;12\nCaio;;\nDuda;d@x.example;\n"
    report = run(runtime, camila, text)
    assert [(row.number, row.outcome, row.label) for row in report.rows] == [
        (2, "created", "Ana"),
        (3, "refused", "Bia"),
        (4, "refused", "Caio"),
        (5, "created", "Duda"),
    ]
    assert [each.field for each in report.refused[0].problems] == ["email", "phone"]
    assert stored(runtime) == 2


def test_j01_looking_changes_nothing_and_foretells_what_the_import_does(runtime: Runtime, camila: Visitor):
    contacts.create(runtime, camila, {"name": "Pessoa 3", "email": "p3@x.example"})
    text = PEOPLE + "Pessoa 5 de novo;P5@X.example;;mensal\nRuim;nada;;\n"
    foretold = contact_import.look(runtime, camila, text.encode())
    assert stored(runtime) == 1
    assert outcomes(foretold) == {"created": 449, "updated": 2, "refused": 1}
    assert run(runtime, camila, text) == foretold


def test_j03_the_same_file_again_changes_nothing(runtime: Runtime, camila: Visitor, clock: Clock):
    run(runtime, camila, PEOPLE)
    clock.advance(hours=1)
    again = run(runtime, camila, PEOPLE)
    assert outcomes(again) == {"unchanged": 450}
    assert stored(runtime) == 450
    assert all(line.contact.revision == 1 for line in contacts.find(runtime, camila, limit=200).items)


def test_j03_killed_half_way_it_is_simply_run_again(runtime: Runtime, camila: Visitor):
    class Killed(BaseException):
        pass

    reached: list[str] = []

    def die_at_the_third(point: str) -> None:
        reached.append(point)
        if len(reached) == 3:
            raise Killed

    with pytest.raises(Killed):
        run(replace(runtime, reach=die_at_the_third), camila, PEOPLE)
    assert stored(runtime) == 100
    assert outcomes(run(runtime, camila, PEOPLE)) == {"unchanged": 100, "created": 350}
    assert stored(runtime) == 450


def test_j03_two_admins_at_once_make_each_person_once(runtime: Runtime, world: World, camila: Visitor):
    reports = at_once(*[lambda: run(runtime, camila, PEOPLE)] * 2)
    assert stored(runtime) == 450
    assert sum(report.count("created") for report in reports if isinstance(report, Report)) == 450


def test_j04_two_hundred_rows_of_one_person_make_one_contact(runtime: Runtime, camila: Visitor):
    ways = ["31 98888-4417", "(31) 8888-4417", "+55 31 98888-4417", "553188884417"]
    text = "nome;celular;n\n" + "".join(f"Ana;{ways[number % 4]};{number}\n" for number in range(200))
    report = run(runtime, camila, text)
    assert outcomes(report) == {"created": 1, "updated": 199}
    (line,) = contacts.find(runtime, camila).items
    assert line.contact.attributes == {"n": "199"}


def test_j04_an_opt_out_survives_deletion_and_reimport(runtime: Runtime, camila: Visitor):
    text = "nome;e-mail;celular\nAna;a@x.example;31 98888-4417\n"
    run(runtime, camila, text)
    (line,) = contacts.find(runtime, camila).items
    opt_outs.opt_out(runtime, camila, line.contact.id, "console")
    assert contact_import.look(runtime, camila, text.encode()).opted_out == 1
    erasure.erase(runtime, camila, line.contact.id)
    for again in ("nome;e-mail\nAna;A@X.example\n", "nome;celular\nOutra;31 8888-4417\n"):
        report = run(runtime, camila, again)
        assert (outcomes(report), report.opted_out) == ({"created": 1}, 1)
    assert all(line.opted_out for line in contacts.find(runtime, camila).items)


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "@SUM(1+1)", "+55…", "-2+3"])
def test_j05_formula_text_is_stored_as_it_came(runtime: Runtime, camila: Visitor, text: str):
    run(runtime, camila, f"nome;e-mail;obs\n{text};a@x.example;{text}\n")
    (line,) = contacts.find(runtime, camila).items
    assert (line.contact.name, line.contact.attributes) == (text, {"obs": text})


@pytest.mark.parametrize("phone", ["+5531988884417", "'+5531988884417", "=+5531988884417"])
def test_j05_phones_come_back_from_a_guarded_export(runtime: Runtime, camila: Visitor, phone: str):
    run(runtime, camila, f"nome;celular\nAna;{phone}\n")
    assert contacts.find(runtime, camila).items[0].contact.phone == "+5531988884417"


@pytest.mark.parametrize(
    ("basis", "source", "fields"),
    [("", "", ["lawful_basis", "source"]), ("because", "x", ["lawful_basis"]), ("consent", "  ", ["source"])],
)
def test_j06_an_import_demands_a_basis_and_a_source(
    runtime: Runtime, camila: Visitor, basis: str, source: str, fields: list[str]
):
    with pytest.raises(Invalid) as caught:
        contact_import.run(runtime, camila, PEOPLE.encode(), lawful_basis=basis, source=source)
    assert [each.field for each in caught.value.problems] == fields
    assert stored(runtime) == 0


def test_j06_a_known_person_keeps_the_basis_and_source_they_came_with(runtime: Runtime, camila: Visitor):
    contacts.upsert(runtime, camila, {"email": "a@x.example", "lawful_basis": "contract", "source": "crm"})
    contacts.upsert(runtime, camila, {"email": "b@x.example", "lawful_basis": "none"})
    run(runtime, camila, "e-mail;nome\na@x.example;Ana\nb@x.example;Bia\n")
    kept = {line.contact.name: line.contact for line in contacts.find(runtime, camila).items}
    assert (kept["Ana"].lawful_basis, kept["Ana"].source) == ("contract", "crm")
    assert (kept["Bia"].lawful_basis, kept["Bia"].source) == ("consent", "feira")


def test_an_address_of_several_is_refused_not_guessed(runtime: Runtime, camila: Visitor):
    for number in "12":
        contacts.upsert(runtime, camila, {"email": "loja@x.example", "external_id": number})
    report = run(runtime, camila, "e-mail;nome\nloja@x.example;Quem\n")
    assert outcomes(report) == {"refused": 1}
    assert "Several contacts" in str(report.refused[0].problems[0])


def test_too_many_attributes_over_several_files_are_refused_by_row(runtime: Runtime, camila: Visitor):
    for prefix in "ab":
        columns = [f"{prefix}{number}" for number in range(60)]
        report = run(runtime, camila, f"email;{';'.join(columns)}\na@x.example{';x' * 60}\n")
    assert outcomes(report) == {"refused": 1}


def test_h09_an_import_neither_sees_nor_touches_another_workspace(
    runtime: Runtime, world: World, camila: Visitor
):
    other = world.member(world.workspace(), Role.MANAGER)
    run(runtime, other, PEOPLE)
    assert outcomes(run(runtime, camila, PEOPLE)) == {"created": 450}
    assert contacts.listing(runtime, other).counts["all"] == 450


def test_a_file_waits_for_its_confirmation_and_is_forgotten_after_it(runtime: Runtime, camila: Visitor):
    id = contact_import.upload(runtime, camila, r"C:\planilhas\clientes.csv", PEOPLE.encode())
    preview = contact_import.preview(runtime, camila, id)
    assert preview.file_name == "clientes.csv"
    assert preview.columns == (("nome", "name"), ("e-mail", "email"), ("celular", "phone"), ("plano", None))
    assert preview.report.count("created") == 450 and stored(runtime) == 0
    report = contact_import.confirm(runtime, camila, id, lawful_basis="consent", source="feira")
    assert report == preview.report
    with pytest.raises(NotFound):
        contact_import.preview(runtime, camila, id)


def test_a_confirmation_without_a_basis_leaves_the_file_waiting(runtime: Runtime, camila: Visitor):
    id = contact_import.upload(runtime, camila, "a.csv", PEOPLE.encode())
    with pytest.raises(Invalid):
        contact_import.confirm(runtime, camila, id, lawful_basis="", source="")
    assert contact_import.preview(runtime, camila, id).report.count("created") == 450


def test_a_waiting_file_is_its_uploaders_alone(runtime: Runtime, world: World, camila: Visitor):
    id = contact_import.upload(runtime, camila, "a.csv", PEOPLE.encode())
    colleague = replace(camila, user_id=world.user().id)
    stranger = world.member(world.workspace(), Role.OWNER)
    for who in (colleague, stranger):
        with pytest.raises(NotFound):
            contact_import.preview(runtime, who, id)
        with pytest.raises(NotFound):
            contact_import.confirm(runtime, who, id, lawful_basis="consent", source="x")
        with pytest.raises(NotFound):
            contact_import.discard(runtime, who, id)


def test_waiting_files_are_removed_after_a_day_by_hand_and_by_the_next_one(
    runtime: Runtime, camila: Visitor, clock: Clock
):
    contact_import.upload(runtime, camila, "a.csv", PEOPLE.encode())
    second = contact_import.upload(runtime, camila, "b.csv", PEOPLE.encode())
    assert files(runtime) == [second]
    contact_import.discard(runtime, camila, second)
    assert files(runtime) == []
    contact_import.upload(runtime, camila, "c.csv", PEOPLE.encode())
    assert contact_import.forget_old_files(runtime) == 0
    clock.advance(hours=25)
    assert contact_import.forget_old_files(runtime) == 1


def files(runtime: Runtime) -> list[str]:
    with runtime.db.read() as session:
        return list(session.scalars(select(ImportFile.id)))


def test_a_file_without_rows_is_no_import(runtime: Runtime, camila: Visitor):
    with pytest.raises(Invalid):
        contact_import.upload(runtime, camila, "a.csv", b"nome;e-mail\n\n")


def test_progress_is_told_after_each_chunk(runtime: Runtime, camila: Visitor):
    told: list[tuple[int, int]] = []
    contact_import.run(
        runtime,
        camila,
        PEOPLE.encode(),
        lawful_basis="consent",
        source="x",
        progress=lambda *p: told.append(p),
    )
    assert told == [(done, 450) for done in range(50, 500, 50)]
