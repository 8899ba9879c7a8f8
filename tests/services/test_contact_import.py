"""The import on both databases: look, take, again, at once, half-way, and the opted-out (J01 to J06)."""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Event
from typing import IO, Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from app.domain.access import Role
from app.domain.addresses import read_phone
from app.domain.contact_files import PIECE
from app.domain.contacts import read_contact
from app.errors import Conflict, Invalid, NotFound
from app.jobs.worker import run_until_idle
from app.models import (
    ColumnMeaning,
    Contact,
    ContactImport,
    ImportPart,
    ImportPerson,
    ImportReject,
    OptOut,
    Workspace,
)
from app.runtime import Runtime
from app.services import (
    consents,
    contact_imports,
    contact_rows,
    contacts,
    erasure,
    import_jobs,
    import_pages,
    import_storage,
    import_work,
    opt_outs,
)
from app.services.access import Visitor
from app.services.contact_search import Sought
from app.services.import_pages import ImportPage
from tests.services.loop import at_once
from tests.services.test_workbooks import FAR, SHEET, TOO_MUCH, repacked, workbook
from tests.world import Clock, World

PEOPLE = "nome;e-mail;celular;plano\n" + "".join(
    f"Pessoa {number};p{number}@x.example;31 9{number:04}-0000;anual\n" for number in range(450)
)
FACTS = ("external_id", "name", "search_name", "email", "email_key", "phone", "phone_key", "kind", "locale",
         "time_zone", "active", "lawful_basis", "source", "revision")  # fmt: skip


@pytest.fixture
def camila(world: World) -> Visitor:
    return world.member(world.workspace(), Role.MANAGER)


def run(
    runtime: Runtime, who: Visitor, text: str | bytes, name: str = "clientes.csv", **more: Any
) -> ImportPage:
    data = io.BytesIO(text.encode() if isinstance(text, str) else text)
    given = {"lawful_basis": "consent", "source": "feira"} | more
    done = contact_imports.run(runtime, who, name, data, **given)
    if given.get("dry_run"):  # as the command does
        contact_imports.discard(runtime, who, done.id)
    return done


def look(runtime: Runtime, who: Visitor, text: str | bytes) -> ImportPage:
    return run(runtime, who, text, dry_run=True)


def outcomes(done: ImportPage) -> dict[str, int]:
    return {outcome: number for outcome, number in done.counts.items() if number}


def stored(runtime: Runtime) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count(Contact.id))) or 0


def facts(runtime: Runtime, who: Visitor) -> Counter[str]:
    """Everything about everybody that an import decides, without the random ids."""
    with runtime.db.read() as session:
        rows = session.scalars(select(Contact).where(Contact.workspace_id == who.workspace_id)).all()
    return Counter(
        repr([sorted(row.attributes.items()), *(getattr(row, name) for name in FACTS)]) for row in rows
    )


def upload(runtime: Runtime, who: Visitor, text: str, name: str = "a.csv") -> str:
    return contact_imports.receive(runtime, who, name, io.BytesIO(text.encode()))


def choose_as_guessed(runtime: Runtime, who: Visitor, id: str) -> None:
    found = import_pages.page(runtime, who, id)
    contact_imports.choose_columns(runtime, who, id, [column.meaning for column in found.columns])


def test_a_file_becomes_contacts_with_its_basis_and_source(runtime: Runtime, camila: Visitor):
    done = run(
        runtime,
        camila,
        "nome;e-mail;celular;idioma;fuso;tipo;Plano\nAna;a@x.example;31 8888-4417;es;;;Anual\n",
    )
    assert outcomes(done) == {"created": 1}
    (line,) = contacts.find(runtime, camila).items
    assert (line.contact.name, line.contact.phone, line.contact.locale) == ("Ana", "+5531988884417", "es")
    assert (line.contact.lawful_basis, line.contact.source) == ("consent", "feira")
    assert line.contact.attributes == {"Plano": "Anual"}
    found = contacts.find(runtime, camila, Sought("ana 5531988884417")).items
    assert [each.contact.name for each in found] == ["Ana"]


def test_j01_every_row_is_taken_or_listed_with_its_problems(runtime: Runtime, camila: Visitor):
    text = "nome;e-mail;celular\nAna;a@x.example;\nBia;b@;12\nCaio;;\nDuda;d@x.example;\n"
    done = run(runtime, camila, text)
    assert outcomes(done) == {"created": 2, "refused": 2}
    assert [(row.row, row.outcome, row.label) for row in done.rejects] == [
        (3, "refused", "Bia"),
        (4, "refused", "Caio"),
    ]
    assert [each.field for each in done.rejects[0].problems] == ["email", "phone"]
    assert stored(runtime) == 2


def test_j01_looking_changes_nothing_and_foretells_what_the_import_does(runtime: Runtime, camila: Visitor):
    contacts.create(runtime, camila, {"name": "Pessoa 3", "email": "p3@x.example"})
    text = PEOPLE + "Pessoa 5 de novo;P5@X.example;;mensal\nRuim;nada;;\n"
    foretold = look(runtime, camila, text)
    assert stored(runtime) == 1
    assert outcomes(foretold) == {"created": 449, "updated": 1, "repeated": 1, "refused": 1}
    done = run(runtime, camila, text)
    assert (done.counts, done.rejects) == (foretold.counts, foretold.rejects)


def test_j03_the_same_file_again_changes_nothing(runtime: Runtime, camila: Visitor, clock: Clock):
    run(runtime, camila, PEOPLE)
    clock.advance(hours=1)
    again = run(runtime, camila, PEOPLE)
    assert outcomes(again) == {"unchanged": 450}
    assert stored(runtime) == 450
    assert all(line.contact.revision == 1 for line in contacts.find(runtime, camila, limit=200).items)


CELLS = {
    "id": st.sampled_from(["", "", "1", "2", "3"]),
    "e-mail": st.sampled_from(["", "a@x.example", "A@x.example", "b@x.example", "c@x.example", "nada"]),
    "celular": st.sampled_from(["", "31 98888-4417", "31 8888-4417", "+55 31 97777-0000", "12"]),
    "nome": st.sampled_from(["", "Ana", "Bia", "Caio"]),
    "plano": st.sampled_from(["", "anual", "mensal"]),
    "opt out": st.sampled_from(["", "", "no", "yes"]),
}
FILES = st.lists(st.tuples(*CELLS.values()).filter(any), min_size=1, max_size=12)


def forget(runtime: Runtime, who: Visitor) -> None:
    with runtime.db.write() as session:
        for model in (OptOut, Contact):
            session.execute(delete(model).where(model.workspace_id == who.workspace_id))


def quickly(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,  # the same files each time
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@quickly(15)
@given(before=FILES, rows=FILES)
def test_j03_whatever_stands_in_a_file_the_dry_run_says_what_the_import_does(
    runtime: Runtime, camila: Visitor, before: list[tuple[str, ...]], rows: list[tuple[str, ...]]
):
    forget(runtime, camila)
    run(runtime, camila, written(before))
    foretold = look(runtime, camila, written(rows))
    done = run(runtime, camila, written(rows))
    assert (foretold.counts, foretold.rejects) == (done.counts, done.rejects)
    assert foretold.opted_out == done.opted_out
    assert sum(done.counts.values()) == done.total == len(rows)


@st.composite
def rows_about_people(draw: st.DrawFn) -> list[tuple[str, ...]]:
    """Rows that contradict each other in everything but whose address is whose."""
    rows = []
    for who in draw(st.lists(st.integers(1, 4), min_size=1, max_size=12)):
        mail = draw(st.sampled_from(["", f"p{who}@x.example", f"P{who}@X.example", "nada"]))
        phone = draw(st.sampled_from(["", f"31 98888-000{who}", f"31 8888-000{who}"]))
        others = [draw(CELLS[name]) for name in ("nome", "plano", "opt out")]
        rows.append((draw(st.sampled_from(["", str(who)])), mail, phone, *others))
    return [row for row in rows if any(row)] or [("1", "", "", "", "", "")]


@quickly(15)
@given(before=rows_about_people(), rows=rows_about_people())
def test_j03_a_file_about_people_taken_twice_changes_nothing_the_second_time(
    runtime: Runtime, camila: Visitor, before: list[tuple[str, ...]], rows: list[tuple[str, ...]]
):
    forget(runtime, camila)
    run(runtime, camila, written(before))
    once = run(runtime, camila, written(rows))
    after = facts(runtime, camila)
    again = run(runtime, camila, written(rows))
    # A file may make an address that of two people; the rows that this leaves open are refused, never guessed
    assume(again.counts["refused"] == once.counts["refused"])
    assert facts(runtime, camila) == after
    assert again.counts["created"] == again.counts["updated"] == 0


@pytest.mark.parametrize(
    ("rows", "created"),
    [
        (";a@x.example;;Ana\n1;a@x.example;;Bia\n1;;;Caio\n", 2),
        (";;31 98888-0001;Ana\n;a@x.example;31 98888-0001;Bia\n;a@x.example;;Caio\n", 2),
    ],
)
def test_j03_an_address_stays_with_whom_it_met_though_the_second_time_the_row_could_mean_another(
    runtime: Runtime, camila: Visitor, rows: str, created: int
):
    text = "id;e-mail;celular;nome\n" + rows
    once = run(runtime, camila, text)
    after = facts(runtime, camila)
    again = run(runtime, camila, text)
    assert outcomes(once) == {"created": created, "repeated": 1}
    assert outcomes(again) == {"unchanged": created, "repeated": 1}
    assert facts(runtime, camila) == after


SHARED = {
    "id": st.sampled_from(["", *"123456789"]),
    "e-mail": st.sampled_from(["", "nao@x.example", "nao@x.example", "b@x.example"]),
    "celular": st.sampled_from(["", "31 99999-9999", "31 99999-9999", "31 97777-0000"]),
}
SHARERS = st.lists(st.tuples(*SHARED.values()).filter(any), min_size=4, max_size=14)


def there_were(runtime: Runtime, who: Visitor, people: list[tuple[str, ...]]) -> None:
    """Contacts as they may have come over the years, also several without an id behind one address."""
    forget(runtime, who)
    taken: set[str] = set()
    with runtime.db.write() as session:
        workspace = session.get_one(Workspace, who.workspace_id)
        for id, email, phone in people:
            given = {"external_id": id if id not in taken else "", "email": email, "phone": phone}
            taken.add(id)
            if not any(given.values()):
                continue
            values = read_contact({name: value for name, value in given.items() if value}, "BR")
            session.add(contact_rows.new_row(contact_rows.keyed(session, values), workspace, runtime.clock()))


@pytest.mark.on_both
@quickly(8)
@given(before=SHARERS, rows=SHARERS)
def test_however_many_rows_a_commit_takes_the_same_becomes_of_those_who_share_an_address(
    runtime: Runtime, camila: Visitor, before: list[tuple[str, ...]], rows: list[tuple[str, ...]]
):
    text = "\n".join([";".join(SHARED), *(";".join(row) for row in rows), ""])
    found = []
    for most, dry in ((1_000, False), (1, False), (1, True)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(import_storage, "PART_ROWS", most)
            there_were(runtime, camila, before)
            done = run(runtime, camila, text, dry_run=dry)
        after = Counter[str]() if dry else facts(runtime, camila)
        found.append((done.counts, [(row.row, row.outcome) for row in done.rejects], after))
    at_once, one_by_one, foretold = found
    assert one_by_one == at_once
    assert foretold[:2] == at_once[:2]


def test_of_an_address_that_very_many_share_only_a_few_are_looked_at(runtime: Runtime, camila: Visitor):
    text = "id;e-mail;celular\n" + "".join(f"{n};nao@x.example;31 99999-9999\n" for n in range(300))
    assert outcomes(run(runtime, camila, text)) == {"created": 300}
    row = {"external_id": "7", "email": "nao@x.example", "phone": "+5531999999999"}
    with runtime.db.write() as session:
        person = contact_rows.keyed(session, read_contact(row, "BR"))
        found = contact_rows.candidates(session, camila.workspace_id, [person])
    assert "7" in [each.external_id for each in found]
    assert len(found) <= 7
    assert outcomes(run(runtime, camila, text)) == {"unchanged": 300}
    assert outcomes(run(runtime, camila, "e-mail\nnao@x.example\n")) == {"refused": 1}


def written(rows: list[tuple[str, ...]]) -> str:
    return "\n".join([";".join(CELLS), *(";".join(row) for row in rows), ""])


class Killed(BaseException):
    """As a worker ends in the middle of something."""


@pytest.mark.on_both
@pytest.mark.parametrize("point", ["import_chunk", "import_before_commit"])
def test_j03_killed_anywhere_the_worker_goes_on_and_ends_as_if_nothing_had_been(
    runtime: Runtime, world: World, camila: Visitor, clock: Clock, monkeypatch: pytest.MonkeyPatch, point: str
):
    monkeypatch.setattr(import_storage, "PART_ROWS", 100)
    other = world.member(world.workspace(), Role.MANAGER)
    whole = run(runtime, other, PEOPLE + PEOPLE.replace("anual", "mensal") + "Ruim;nada;;\n")
    reached: list[str] = []

    def die_at_times(name: str) -> None:
        reached.append(name)
        if name == point and len(reached) % 3 == 0:
            raise Killed

    id = upload(runtime, camila, PEOPLE + PEOPLE.replace("anual", "mensal") + "Ruim;nada;;\n")
    run_until_idle(runtime)
    choose_as_guessed(runtime, camila, id)
    run_until_idle(runtime)
    contact_imports.begin(runtime, camila, id, lawful_basis="consent", source="feira")
    kills = 0
    while import_pages.page(runtime, camila, id).is_working and kills < 60:
        try:
            import_jobs.run_due(replace(runtime, reach=die_at_times))
        except Killed:
            kills += 1
            clock.advance(minutes=1)  # until its lease has ended
    assert kills >= 3
    done = import_pages.page(runtime, camila, id)
    assert (done.counts, done.rejects) == (whole.counts, whole.rejects)
    assert facts(runtime, camila) == facts(runtime, other)


def test_f02_a_zombie_whose_lease_was_taken_over_writes_nothing(
    runtime: Runtime, camila: Visitor, clock: Clock
):
    id = upload(runtime, camila, PEOPLE)
    run_until_idle(runtime)
    choose_as_guessed(runtime, camila, id)
    run_until_idle(runtime)
    contact_imports.begin(runtime, camila, id, lawful_basis="consent", source="x")
    zombie = import_jobs._claim(runtime, id)
    assert zombie is not None
    clock.advance(minutes=6)
    assert import_jobs.run_due(runtime) == 450
    with pytest.raises(import_work.Lost):
        list(import_work.steps(runtime, zombie))
    assert outcomes(import_pages.page(runtime, camila, id)) == {"created": 450}


def test_f01_one_that_always_fails_is_set_aside_and_keeps_no_other_waiting(
    runtime: Runtime, world: World, camila: Visitor, clock: Clock
):
    poisoned, healthy = upload(runtime, camila, PEOPLE), upload(runtime, camila, PEOPLE)
    run_until_idle(runtime)
    for id in (poisoned, healthy):
        choose_as_guessed(runtime, camila, id)
    run_until_idle(runtime)
    for id in (poisoned, healthy):
        contact_imports.begin(runtime, camila, id, lawful_basis="consent", source="x")
    with runtime.db.write() as session:
        kept = session.scalars(select(ImportPart).where(ImportPart.import_id == poisoned)).one()
        content, kept.content = kept.content, b"no rows at all"
    for _ in range(5):
        import_jobs.run_due(runtime)
        clock.advance(minutes=1)
    assert import_pages.page(runtime, camila, healthy).state == "done"
    found = import_pages.page(runtime, camila, poisoned)
    assert (found.state, found.may_go_on) == ("failed", True) and "our side" in str(found.problem)
    with runtime.db.write() as session:
        session.scalars(select(ImportPart).where(ImportPart.import_id == poisoned)).one().content = content
    contact_imports.go_on(runtime, camila, poisoned)
    run_until_idle(runtime)
    assert outcomes(import_pages.page(runtime, camila, poisoned)) == {"unchanged": 450}


def test_a_workbook_that_takes_too_much_fails_at_once_and_keeps_nobody_waiting(
    runtime: Runtime, world: World, camila: Visitor
):
    other = world.member(world.workspace(), Role.MANAGER)
    far = repacked(workbook([["email"]]), **{SHEET: FAR})
    bad = contact_imports.receive(runtime, camila, "a.xlsx", far)
    assert import_pages.page(runtime, camila, bad).state == "reading", "never while its sender waits"
    good = contact_imports.receive(runtime, other, "b.xlsx", workbook([["email"], ["a@x.example"]]))
    run_until_idle(runtime)
    found = import_pages.page(runtime, camila, bad)
    assert (found.state, found.may_go_on) == ("failed", False)
    assert found.problem is not None and found.problem.field == "file" and TOO_MUCH in str(found.problem)
    assert import_pages.page(runtime, other, good).state == "mapping"
    assert import_jobs.run_due(runtime) == 0


@pytest.mark.parametrize("state", ["reading", "checking", "importing"])
def test_f01_one_that_kills_whoever_works_on_it_is_set_aside(
    runtime: Runtime, camila: Visitor, clock: Clock, monkeypatch: pytest.MonkeyPatch, state: str
):
    id = upload(runtime, camila, PEOPLE + "".join(f"P;q{n}@x.example;;\n" for n in range(3_000)))
    if state != "reading":
        run_until_idle(runtime)
        choose_as_guessed(runtime, camila, id)
    if state == "importing":
        run_until_idle(runtime)
        contact_imports.begin(runtime, camila, id, lawful_basis="consent", source="x")

    def die(*_: object) -> None:
        raise Killed

    for name in ("opened", "rows_from"):
        monkeypatch.setattr(import_storage, name, die)
    monkeypatch.setattr(import_jobs, "_give_back", lambda *_: None)  # a dead one gives nothing back
    for _ in range(import_jobs.FAILURES):
        with pytest.raises(Killed):
            import_jobs.run_due(runtime)
        clock.advance(minutes=6)
    import_jobs.run_due(runtime)
    monkeypatch.undo()
    found = import_pages.page(runtime, camila, id)
    assert found.state == "failed" and "our side" in str(found.problem)


def test_a_worker_that_is_asked_to_stop_has_not_tried(runtime: Runtime, camila: Visitor):
    id = contact_imports.receive(runtime, camila, "a.xlsx", workbook([["email"], ["a@x.example"]]))
    for _ in range(import_jobs.FAILURES + 2):
        asked = iter([False, True])
        import_jobs.run_due(replace(runtime, stopping=lambda asked=asked: next(asked, True)))
    run_until_idle(runtime)
    assert import_pages.page(runtime, camila, id).state == "mapping"


def test_a_workbook_that_is_stopped_is_read_no_further(
    runtime: Runtime, camila: Visitor, monkeypatch: pytest.MonkeyPatch
):
    ends: list[int] = []

    def slow(file: IO[bytes]) -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            ends.append(1)

    monkeypatch.setattr(import_work, "read_workbook", slow)
    id = contact_imports.receive(runtime, camila, "a.xlsx", workbook([["email"], ["a@x.example"]]))

    def stop(name: str) -> None:
        contact_imports.stop(runtime, camila, id)

    import_jobs.run_due(replace(runtime, reach=stop))
    assert ends == [1]


def test_f07_a_small_file_does_not_wait_for_a_large_one(runtime: Runtime, world: World, camila: Visitor):
    other = world.member(world.workspace(), Role.MANAGER)
    large = upload(runtime, other, PEOPLE + "".join(f"P;q{n}@x.example;;\n" for n in range(2_500)))
    small = upload(runtime, camila, PEOPLE)
    run_until_idle(runtime)
    for who, id in ((other, large), (camila, small)):
        choose_as_guessed(runtime, who, id)
    run_until_idle(runtime)
    for who, id in ((other, large), (camila, small)):
        contact_imports.begin(runtime, who, id, lawful_basis="consent", source="x")
    seen: list[int] = []

    def watch(name: str) -> None:
        if not seen and import_pages.page(runtime, camila, small).state == "done":
            seen.append(import_pages.page(runtime, other, large).done)

    import_jobs.run_due(replace(runtime, reach=watch))
    assert seen and seen[0] <= 2_000
    assert import_pages.page(runtime, other, large).state == "done"


def test_f07_many_files_of_one_workspace_keep_no_other_waiting(
    runtime: Runtime, world: World, camila: Visitor
):
    other = world.member(world.workspace(), Role.MANAGER)
    people = "".join(PEOPLE.splitlines(keepends=True)[:320])  # more than is taken while somebody waits
    theirs = [(other, upload(runtime, other, people)) for _ in range(import_jobs.AT_ONCE)]
    files = [*theirs, (camila, upload(runtime, camila, people))]
    run_until_idle(runtime)
    for who, id in files:
        choose_as_guessed(runtime, who, id)
    run_until_idle(runtime)
    for who, id in files:
        contact_imports.begin(runtime, who, id, lawful_basis="consent", source="x")
    begun: list[int] = []

    def watch(name: str) -> None:
        if not begun and import_pages.page(runtime, *files[-1]).state == "done":
            begun.append(sum(import_pages.page(runtime, *each).done > 0 for each in theirs))

    import_jobs.run_due(replace(runtime, reach=watch))
    assert begun and begun[0] <= 2, "their first, and the second as soon as that was done"
    assert {import_pages.page(runtime, *each).state for each in theirs} == {"done"}


@pytest.mark.on_both
def test_j03_two_admins_at_once_make_each_person_once(runtime: Runtime, world: World, camila: Visitor):
    done = at_once(*[lambda: run(runtime, camila, PEOPLE)] * 2)
    assert stored(runtime) == 450
    assert sum(each.counts["created"] for each in done if isinstance(each, ImportPage)) == 450


def test_j04_two_hundred_rows_of_one_person_make_one_contact_and_are_listed(
    runtime: Runtime, camila: Visitor
):
    ways = ["31 98888-4417", "(31) 8888-4417", "+55 31 98888-4417", "553188884417"]
    text = "nome;celular;n\n" + "".join(f"Ana;{ways[number % 4]};{number}\n" for number in range(200))
    done = run(runtime, camila, text)
    assert outcomes(done) == {"created": 1, "repeated": 199}
    (line,) = contacts.find(runtime, camila).items
    assert line.contact.attributes == {"n": "0"}
    assert str(done.rejects[0].problems[0]).startswith("This person stands in row 2 already")
    assert outcomes(run(runtime, camila, text)) == {"unchanged": 1, "repeated": 199}


def test_j04_an_opt_out_survives_deletion_and_reimport(runtime: Runtime, camila: Visitor):
    text = "nome;e-mail;celular\nAna;a@x.example;31 98888-4417\n"
    run(runtime, camila, text)
    (line,) = contacts.find(runtime, camila).items
    opt_outs.opt_out(runtime, camila, line.contact.id, "console")
    assert look(runtime, camila, text).opted_out == 1
    erasure.erase(runtime, camila, line.contact.id)
    for again in ("nome;e-mail\nAna;A@X.example\n", "nome;celular\nOutra;31 8888-4417\n"):
        done = run(runtime, camila, again)
        assert (outcomes(done), done.opted_out) == ({"created": 1}, 1)
    assert all(line.opted_out for line in contacts.find(runtime, camila).items)


def test_a_column_of_opt_outs_silences_and_never_lifts(runtime: Runtime, camila: Visitor):
    text = "nome;e-mail;id;descadastrado\nAna;a@x.example;1;sim\nBia;b@x.example;2;não\nCaio;;3;yes\n"
    foretold = look(runtime, camila, text)
    done = run(runtime, camila, text)
    assert (done.opted_out, foretold.opted_out) == (2, 2)
    assert [line.opted_out for line in contacts.find(runtime, camila).items] == [True, False, True]
    again = run(runtime, camila, text.replace("sim", "não").replace("yes", "no"))
    assert (again.opted_out, outcomes(again)) == (2, {"unchanged": 3})
    assert [line.opted_out for line in contacts.find(runtime, camila).items] == [True, False, True]
    with runtime.db.read() as session:
        assert {(row.kind, row.origin) for row in session.scalars(select(OptOut))} == {("own_wish", "import")}


def test_whoever_wants_no_more_is_silent_also_where_the_file_says_since_when(
    runtime: Runtime, camila: Visitor
):
    """A date beside it is kept; among channels it is read as none, and what says no everywhere holds."""
    text = "nome;e-mail;optout;Opted out on\nAna;a@x.example;yes;2026-03-01\n"
    assert run(runtime, camila, text).opted_out == 1
    (ana,) = contacts.find(runtime, camila).items
    assert (ana.opted_out, ana.contact.attributes) == (True, {"Opted out on": "2026-03-01"})
    text = text.replace("a@", "b@") + "Bia;c@x.example;no;SMS\nCaio;d@x.example;;2026-03-01\n"
    done = run(runtime, camila, text)
    assert (done.opted_out, outcomes(done)) == (1, {"created": 2, "refused": 1})
    assert [str(each) for each in done.rejects[0].problems] == ["2026-03-01 is not a channel."]


def test_a_further_row_about_somebody_still_silences_them(runtime: Runtime, camila: Visitor):
    run(runtime, camila, "nome;e-mail;optout\nAna;a@x.example;\nAna;a@x.example;yes\n")
    assert [line.opted_out for line in contacts.find(runtime, camila).items] == [True]


def test_an_opt_out_holds_for_whom_its_row_means_though_it_repeats_another(runtime: Runtime, camila: Visitor):
    contacts.create(runtime, camila, {"name": "Xenia", "external_id": "C7", "email": "x@x.example"})
    text = "id;nome;e-mail;celular;optout\n;Mae;;31 98888-4417;\nC7;;x@x.example;31 98888-4417;yes\n"
    foretold = look(runtime, camila, text)
    done = run(runtime, camila, text)
    assert outcomes(done) == outcomes(foretold) == {"created": 1, "repeated": 1}
    assert done.opted_out == foretold.opted_out == 1
    found = contacts.find(runtime, camila).items
    assert {line.contact.name: line.opted_out for line in found} == {"Mae": True, "Xenia": True}
    assert run(runtime, camila, text).opted_out == 1
    with runtime.db.read() as session:
        assert session.scalar(select(func.count(OptOut.id))) == 2, "one for each address"


def test_an_opt_out_holds_for_the_addresses_of_a_row_that_is_refused(runtime: Runtime, camila: Visitor):
    for name, code in (("Ana", "1"), ("Bia", "2")):
        raw = {"name": name, "external_id": code, "email": "a@x.example"}
        contacts.upsert(runtime, camila, raw)
    (ana, bia) = (contacts.find(runtime, camila, Sought(name)).items[0] for name in ("ana", "bia"))
    for line in (ana, bia):
        contacts.edit(runtime, camila, line.contact.id, {"external_id": None})
    text = "nome;e-mail;optout\nAna;a@x.example;yes\nBia;a@x.example;yes\nCaio;a@x.example;no\n"
    for silenced in (1, 0):  # as a look says as well: it is worth while to take it
        assert look(runtime, camila, text).opted_out == silenced
        done = run(runtime, camila, text)
        assert (outcomes(done), done.opted_out) == ({"refused": 3}, silenced)
    assert [line.opted_out for line in contacts.find(runtime, camila).items] == [True, True]
    with runtime.db.read() as session:
        assert session.scalar(select(func.count(OptOut.id))) == 1


def test_all_that_rows_say_of_one_person_is_silenced(runtime: Runtime, camila: Visitor):
    rows = "1;a@x.example;31 98888-4417;yes\n1;b@x.example;;yes\n"
    run(runtime, camila, "id;e-mail;celular;optout\n" + rows)
    for raw in ({"email": "a@x.example"}, {"email": "b@x.example"}, {"phone": "31 98888-4417"}):
        back, _ = contacts.upsert(runtime, camila, {"external_id": f"of {raw}", **raw})
        assert contacts.detail(runtime, camila, back.id).is_opted_out


@quickly(15)
@given(before=FILES, rows=FILES)
def test_nobody_with_an_address_of_a_row_that_wants_no_more_is_asked(
    runtime: Runtime, camila: Visitor, before: list[tuple[str, ...]], rows: list[tuple[str, ...]]
):
    forget(runtime, camila)
    run(runtime, camila, written(before))
    run(runtime, camila, written(rows))
    out = [row for row in rows if row[-1] == "yes" and not {"nada", "12"} & set(row)]
    mails, phones = ({row[place].lower() for row in out} - {""} for place in (1, 2))
    numbers = {read_phone(phone, "BR").text for phone in phones}
    for line in contacts.find(runtime, camila).items:
        if (line.contact.email or "").lower() in mails or line.contact.phone in numbers:
            assert line.opted_out


def test_who_refused_one_channel_and_wants_no_more_by_a_file_is_silent_on_every_one(
    runtime: Runtime, camila: Visitor
):
    ana = contacts.create(runtime, camila, {"name": "Ana", "email": "a@x.example"})
    opt_outs.opt_out(runtime, camila, ana, "console", channel="email")
    text = "nome;e-mail;optout\nAna;a@x.example;"
    assert look(runtime, camila, text + "\n").opted_out == 0
    assert run(runtime, camila, text + "yes\n").opted_out == 1
    assert [line.opted_out for line in contacts.find(runtime, camila).items] == [True]


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "@SUM(1+1)", "+55…", "-2+3"])
def test_j05_formula_text_is_stored_as_it_came_and_inert_among_the_rejects(
    runtime: Runtime, camila: Visitor, text: str
):
    done = run(runtime, camila, f"nome;e-mail;obs\n{text};a@x.example;{text}\n{text};nada;x\n")
    (line,) = contacts.find(runtime, camila).items
    assert (line.contact.name, line.contact.attributes) == (text, {"obs": text})
    file = b"".join(import_pages.rejects(runtime, camila, done.id, str)).decode("utf-8-sig")
    assert f"'{text}" in file and f"\n{text}" not in file and "This address has no @." in file


@pytest.mark.parametrize("phone", ["+5531988884417", "'+5531988884417", "=+5531988884417"])
def test_j05_phones_come_back_from_a_guarded_export(runtime: Runtime, camila: Visitor, phone: str):
    run(runtime, camila, f"nome;celular\nAna;{phone}\n")
    assert contacts.find(runtime, camila).items[0].contact.phone == "+5531988884417"


def test_corrected_rejects_come_back_without_our_own_columns(runtime: Runtime, camila: Visitor):
    done = run(runtime, camila, "nome;e-mail\nAna;ana.x.example\nBia;b@x.example\n")
    file = b"".join(import_pages.rejects(runtime, camila, done.id, str))
    again = run(runtime, camila, file.replace(b"ana.x", b"ana@x"))
    assert outcomes(again) == {"created": 1}
    assert contacts.find(runtime, camila).items[0].contact.attributes == {}


@pytest.mark.parametrize(
    ("basis", "source", "fields"),
    [("", "", ["lawful_basis", "source"]), ("because", "x", ["lawful_basis"]), ("consent", "  ", ["source"])],
)
def test_j06_an_import_demands_a_basis_and_a_source(
    runtime: Runtime, camila: Visitor, basis: str, source: str, fields: list[str]
):
    with pytest.raises(Invalid) as caught:
        run(runtime, camila, PEOPLE, lawful_basis=basis, source=source)
    assert [each.field for each in caught.value.problems] == fields
    assert stored(runtime) == 0


def test_j06_a_known_person_keeps_the_basis_and_source_they_came_with(runtime: Runtime, camila: Visitor):
    contacts.upsert(runtime, camila, {"email": "a@x.example", "lawful_basis": "contract", "source": "crm"})
    contacts.upsert(runtime, camila, {"email": "b@x.example", "lawful_basis": "none"})
    run(runtime, camila, "e-mail;nome\na@x.example;Ana\nb@x.example;Bia\n")
    kept = {line.contact.name: line.contact for line in contacts.find(runtime, camila).items}
    assert (kept["Ana"].lawful_basis, kept["Ana"].source) == ("contract", "crm")
    assert (kept["Bia"].lawful_basis, kept["Bia"].source) == ("consent", "feira")


def test_j06_n05_no_file_gives_a_basis_to_whoever_withdrew_theirs(runtime: Runtime, camila: Visitor):
    ana, _ = contacts.upsert(runtime, camila, {"email": "a@x.example", "external_id": "7"})
    consents.change(runtime, camila, ana.id, "none", source="telefone", evidence="Ligou no dia 2.")
    run(runtime, camila, "id;e-mail;nome\n7;a@x.example;Ana\n")
    (line,) = contacts.find(runtime, camila).items
    assert (line.contact.name, line.contact.lawful_basis, line.contact.source) == ("Ana", "none", "telefone")


def test_an_address_of_several_is_refused_not_guessed(runtime: Runtime, camila: Visitor):
    for number in "12":
        contacts.upsert(runtime, camila, {"email": "loja@x.example", "external_id": number})
    done = run(runtime, camila, "e-mail;nome\nloja@x.example;Quem\n")
    assert outcomes(done) == {"refused": 1}
    assert "Several contacts" in str(done.rejects[0].problems[0])


def test_too_many_attributes_over_several_files_are_refused_by_row(runtime: Runtime, camila: Visitor):
    for prefix in "ab":
        columns = [f"{prefix}{number}" for number in range(60)]
        done = run(runtime, camila, f"email;{';'.join(columns)}\na@x.example{';x' * 60}\n")
    assert outcomes(done) == {"refused": 1}


def test_h09_an_import_neither_sees_nor_touches_another_workspace(
    runtime: Runtime, world: World, camila: Visitor
):
    other = world.member(world.workspace(), Role.MANAGER)
    run(runtime, other, PEOPLE)
    assert outcomes(run(runtime, camila, PEOPLE)) == {"created": 450}
    assert contacts.listing(runtime, other).counts["all"] == 450


def test_a_small_file_is_done_while_its_sender_waits(runtime: Runtime, camila: Visitor):
    id = upload(runtime, camila, "nome;e-mail\nAna;a@x.example\n", r"C:\planilhas\clientes.csv")
    found = import_pages.page(runtime, camila, id)
    assert (found.file_name, found.state) == ("clientes.csv", "mapping")
    assert [(each.name, each.meaning, each.examples) for each in found.columns] == [
        ("nome", "name", ("Ana",)),
        ("e-mail", "email", ("a@x.example",)),
    ]
    choose_as_guessed(runtime, camila, id)
    assert outcomes(import_pages.page(runtime, camila, id)) == {"created": 1} and stored(runtime) == 0
    contact_imports.begin(runtime, camila, id, lawful_basis="consent", source="feira")
    done = import_pages.page(runtime, camila, id)
    assert (done.state, done.taken, stored(runtime)) == ("done", 1, 1)
    with pytest.raises(Conflict):
        contact_imports.begin(runtime, camila, id, lawful_basis="consent", source="feira")


def test_what_somebody_chose_for_a_column_is_remembered_in_their_workspace(
    runtime: Runtime, world: World, camila: Visitor
):
    text = "Contato;Nome;Obs\na@x.example;Ana;x\n"
    id = upload(runtime, camila, text)
    assert [each.meaning for each in import_pages.page(runtime, camila, id).columns] == [
        "email",
        "name",
        "attribute",
    ]
    contact_imports.choose_columns(runtime, camila, id, ["external_id", "name", "skip"])
    looked = import_pages.page(runtime, camila, upload(runtime, camila, text))
    assert [each.meaning for each in looked.columns] == ["email", "name", "attribute"], "only looked at"
    contact_imports.begin(runtime, camila, id, lawful_basis="consent", source="x")
    again = import_pages.page(runtime, camila, upload(runtime, camila, text))
    assert [each.meaning for each in again.columns] == ["external_id", "name", "skip"]
    other = world.member(world.workspace(), Role.MANAGER)
    elsewhere = import_pages.page(runtime, other, upload(runtime, other, text))
    assert [each.meaning for each in elsewhere.columns] == ["email", "name", "attribute"]


def test_columns_that_name_nobody_or_mean_the_same_are_refused(runtime: Runtime, camila: Visitor):
    id = upload(runtime, camila, "nome;e-mail;outro\nAna;a@x.example;b@x.example\n")
    for chosen in (["name", "attribute", "skip"], ["name", "email", "email"]):
        with pytest.raises(Invalid):
            contact_imports.choose_columns(runtime, camila, id, chosen)
    assert import_pages.page(runtime, camila, id).state == "mapping"


def test_stopped_half_way_what_was_taken_stays_and_the_rest_may_follow(
    runtime: Runtime, camila: Visitor, clock: Clock
):
    many = PEOPLE + "".join(f"P;q{n}@x.example;;\n" for n in range(1_000))
    id = upload(runtime, camila, many)
    run_until_idle(runtime)
    choose_as_guessed(runtime, camila, id)
    run_until_idle(runtime)
    contact_imports.begin(runtime, camila, id, lawful_basis="consent", source="x")

    def stop(name: str) -> None:
        if name == "import_chunk":
            contact_imports.stop(runtime, camila, id)

    import_jobs.run_due(replace(runtime, reach=stop))
    found = import_pages.page(runtime, camila, id)
    assert (found.state, found.may_go_on) == ("stopped", True)
    assert 0 < found.done == stored(runtime) < 1_450
    import_jobs.clear_away(runtime)
    contact_imports.go_on(runtime, camila, id)
    run_until_idle(runtime)
    assert outcomes(import_pages.page(runtime, camila, id)) == {"created": 1_450}


def test_so_many_files_of_a_workspace_wait_and_no_more(runtime: Runtime, world: World, camila: Visitor):
    text = "nome;e-mail\nAna;a@x.example\n"
    ids = [upload(runtime, camila, text) for _ in range(contact_imports.MOST_FILES)]
    with pytest.raises(Invalid) as caught:
        upload(runtime, camila, text)
    assert str(caught.value.problems[0]) == "10 files are here already. Import or remove one of them first."
    upload(runtime, world.member(world.workspace(), Role.MANAGER), text)
    contact_imports.discard(runtime, camila, ids[0])
    upload(runtime, camila, text)
    choose_as_guessed(runtime, camila, ids[1])
    contact_imports.begin(runtime, camila, ids[1], lawful_basis="consent", source="x")
    upload(runtime, camila, text)
    with pytest.raises(Invalid):
        upload(runtime, camila, text)


def test_another_workspaces_import_does_not_exist(runtime: Runtime, world: World, camila: Visitor):
    id = upload(runtime, camila, "email\na@x.example\n")
    stranger = world.member(world.workspace(), Role.OWNER)
    acts: list[Callable[[], object]] = [
        lambda: import_pages.page(runtime, stranger, id),
        lambda: contact_imports.choose_columns(runtime, stranger, id, ["email"]),
        lambda: contact_imports.begin(runtime, stranger, id, lawful_basis="consent", source="x"),
        lambda: contact_imports.stop(runtime, stranger, id),
        lambda: contact_imports.go_on(runtime, stranger, id),
        lambda: contact_imports.discard(runtime, stranger, id),
        lambda: import_pages.rejects(runtime, stranger, id, str),
    ]
    for act in acts:
        with pytest.raises(NotFound):
            act()


def test_what_an_import_keeps_goes_when_it_is_not_needed_any_more(
    runtime: Runtime, camila: Visitor, clock: Clock
):
    done = run(runtime, camila, PEOPLE + "Ruim;nada;;\n")
    waits = upload(runtime, camila, PEOPLE)
    run_until_idle(runtime)
    while import_jobs.clear_away(runtime):
        pass
    assert kept(runtime, done.id) == (0, 450, 1)  # the people: it can still be undone
    assert kept(runtime, waits)[0] > 0
    clock.advance(hours=25)
    import_jobs.clear_away(runtime)
    assert import_pages.page(runtime, camila, waits).state == "stopped"
    clock.advance(days=7, hours=1)
    while import_jobs.clear_away(runtime):
        pass
    assert (kept(runtime, done.id), kept(runtime, waits)) == ((0, 450, 0), (0, 0, 0))
    clock.advance(days=23)
    while import_jobs.clear_away(runtime):
        pass
    assert kept(runtime, done.id) == (0, 0, 0)
    assert outcomes(import_pages.page(runtime, camila, done.id)) == {"created": 450, "refused": 1}


def test_a_file_that_is_taken_up_again_after_a_day_waits_for_another(
    runtime: Runtime, camila: Visitor, clock: Clock
):
    id = upload(runtime, camila, PEOPLE)
    run_until_idle(runtime)
    clock.advance(hours=25)
    import_jobs.clear_away(runtime)
    assert import_pages.page(runtime, camila, id).state == "stopped"
    contact_imports.go_on(runtime, camila, id)
    run_until_idle(runtime)
    clock.advance(hours=23)
    import_jobs.clear_away(runtime)
    assert import_pages.page(runtime, camila, id).state == "checked"
    contact_imports.begin(runtime, camila, id, lawful_basis="consent", source="x")
    run_until_idle(runtime)
    assert outcomes(import_pages.page(runtime, camila, id)) == {"created": 450}


@pytest.mark.parametrize("chosen", [False, True])
def test_a_file_for_which_nobody_came_back_stops(
    runtime: Runtime, camila: Visitor, clock: Clock, chosen: bool
):
    id = upload(runtime, camila, PEOPLE)
    clock.advance(hours=20)
    if chosen:
        choose_as_guessed(runtime, camila, id)
        run_until_idle(runtime)
        clock.advance(hours=20)
        import_jobs.clear_away(runtime)
        assert import_pages.page(runtime, camila, id).state == "checked"
    clock.advance(hours=5)
    import_jobs.clear_away(runtime)
    assert import_pages.page(runtime, camila, id).state == "stopped"


def test_a_file_that_was_never_read_to_its_end_goes_as_soon_as_it_is_over(runtime: Runtime, camila: Visitor):
    broken = upload(runtime, camila, 'nome;e-mail\n"Ana;a@x.example\n')
    stopped = contact_imports.receive(runtime, camila, "a.xlsx", workbook([["email"], ["a@x.example"]]))
    contact_imports.stop(runtime, camila, stopped)
    assert kept(runtime, broken)[0] and kept(runtime, stopped)[0]
    while import_jobs.clear_away(runtime):
        pass
    assert (kept(runtime, broken), kept(runtime, stopped)) == ((0, 0, 0), (0, 0, 0))


def test_of_a_file_that_was_never_taken_not_even_its_first_line_stays(
    runtime: Runtime, camila: Visitor, clock: Clock
):
    ana = contacts.create(runtime, camila, {"name": "Ana", "email": "ana@x.example"})
    taken = run(runtime, camila, "código;nome\n1;Ana\n").id
    left = upload(runtime, camila, "Maria Silva;Rua das Flores 7;código\nBia;Rua 8;2\n")
    clock.advance(hours=25)
    import_jobs.clear_away(runtime)
    assert columns_of(runtime, left) == ["Maria Silva", "Rua das Flores 7", "código"], (
        "it may go on for a day"
    )
    clock.advance(hours=25)
    while import_jobs.clear_away(runtime):
        pass
    assert columns_of(runtime, left) == []
    waits = upload(runtime, camila, "Maria Silva;código\nBia;2\n")
    erasure.erase(runtime, camila, ana)
    while import_jobs.clear_away(runtime):
        pass
    assert columns_of(runtime, waits) == []
    assert columns_of(runtime, taken) == ["código", "nome"]
    assert import_pages.page(runtime, camila, waits).state == "stopped"
    with runtime.db.read() as session:
        assert session.scalars(select(ColumnMeaning.heading)).all() == ["codigo", "nome"]


def columns_of(runtime: Runtime, id: str) -> list[str]:
    with runtime.db.read() as session:
        return session.get_one(ContactImport, id).columns


def kept(runtime: Runtime, id: str) -> tuple[int, ...]:
    with runtime.db.read() as session:
        return tuple(
            session.scalar(select(func.count()).where(model.import_id == id)) or 0
            for model in (ImportPart, ImportPerson, ImportReject)
        )


@pytest.mark.parametrize("act", ["stop", "erasure", "discard"])
@pytest.mark.parametrize("piece", [1, 2])
def test_what_is_stopped_while_it_arrives_is_read_no_further(
    runtime: Runtime, camila: Visitor, act: str, piece: int
):
    ana = contacts.create(runtime, camila, {"name": "Ana", "email": "ana@x.example"})
    many = PEOPLE + "".join(f"P;q{n}@x.example;;\n" for n in range(20_000))
    assert len(many) > PIECE
    reached: list[str] = []

    def reach(point: str) -> None:
        reached.append(point)
        if len(reached) != piece:
            return
        (each,) = import_pages.recent(runtime, camila)
        if act == "stop":
            contact_imports.stop(runtime, camila, each.id)
        elif act == "erasure":
            erasure.erase(runtime, camila, ana)
        else:
            contact_imports.discard(runtime, camila, each.id)

    with pytest.raises(Conflict, match="while its file arrived"):
        upload(replace(runtime, reach=reach), camila, many)
    assert reached == ["import_piece"] * piece
    assert [each.state for each in import_pages.recent(runtime, camila)] == ["stopped"] * (act != "discard")
    assert import_jobs.run_due(runtime) == 0
    with runtime.db.read() as session:
        assert session.scalar(select(func.count()).select_from(ImportPart)) == 0


@pytest.mark.on_both
def test_discarding_a_file_twice_at_once_is_as_good_as_once(runtime: Runtime, camila: Visitor):
    id = upload(runtime, camila, "nome;e-mail\nAna;nada\n")
    contact_imports.discard(runtime, camila, id)
    contact_imports._remove(runtime, id)  # where the second one had come when the first was done
    ids = [upload(runtime, camila, "nome;e-mail\nAna;nada\n") for _ in range(4)]
    for each in ids:
        done = at_once(*[lambda each=each: contact_imports.discard(runtime, camila, each)] * 2)
        assert all(one is None or isinstance(one, NotFound) for one in done)


def test_a_discarded_file_leaves_nothing(runtime: Runtime, camila: Visitor):
    id = upload(runtime, camila, "nome;e-mail\nAna;nada\n")
    choose_as_guessed(runtime, camila, id)
    contact_imports.discard(runtime, camila, id)
    assert kept(runtime, id) == (0, 0, 0)
    with pytest.raises(NotFound):
        import_pages.page(runtime, camila, id)


def test_a_file_without_rows_or_one_that_breaks_says_so(runtime: Runtime, camila: Visitor):
    for text, words in (("nome;e-mail\n\n", "no rows"), ('nome;e-mail\n"Ana;a@x.example\n', "quotes")):
        found = import_pages.page(runtime, camila, upload(runtime, camila, text))
        assert found.state == "failed" and words in str(found.problem)
        with pytest.raises(Invalid):
            run(runtime, camila, text)


def test_progress_is_told_on_the_way(runtime: Runtime, camila: Visitor):
    many = "id\n" + "".join(f"{number}\n" for number in range(2_500))
    told: list[tuple[str, int]] = []
    run(runtime, camila, many, progress=lambda page: told.append((page.state, page.done)))
    taken = [done for state, done in told if state == "importing"]
    assert taken == sorted(taken) and len(taken) >= 2


def test_the_worker_is_asked_to_stop_and_the_next_one_goes_on_at_once(runtime: Runtime, camila: Visitor):
    id = upload(runtime, camila, PEOPLE)
    asked = iter([False, False, True])
    import_jobs.run_due(replace(runtime, stopping=lambda: next(asked, True)))
    with runtime.db.read() as session:
        assert session.get_one(ContactImport, id).lease_until is None
    run_until_idle(runtime)
    assert import_pages.page(runtime, camila, id).state == "mapping"


def test_the_people_of_a_people_workspace_are_employees(runtime: Runtime, world: World):
    hr = world.member(world.workspace("people"), Role.MANAGER)
    run(runtime, hr, "nome;e-mail\nAna;a@x.example\n")
    with runtime.db.read() as session:
        assert session.scalars(select(Contact.kind)).all() == ["employee"]
        assert session.scalars(select(Workspace.kind)).all() == ["people"]


@pytest.mark.on_both
def test_a_command_looks_on_when_a_worker_is_quicker(
    runtime: Runtime, camila: Visitor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(contact_imports, "LOOKS_EVERY", 0.01)
    over = Event()

    def work() -> None:
        while not over.is_set():
            import_jobs.run_due(runtime)

    def command() -> ImportPage:
        try:
            return run(runtime, camila, "id\n" + "".join(f"{number}\n" for number in range(2_500)))
        finally:
            over.set()

    done, _ = at_once(command, work)
    assert isinstance(done, ImportPage)
    assert (done.state, outcomes(done)) == ("done", {"created": 2_500})
