"""Contacts on both databases: who is meant, who is found, two people editing at once, and the wall."""

import pytest
from sqlalchemy import func, select

from app.domain.access import Role
from app.errors import Conflict, Invalid, NotFound
from app.models import Contact
from app.runtime import Runtime
from app.services import contacts, opt_outs
from app.services.access import Visitor
from app.services.contact_search import Sought
from tests.services.loop import at_once
from tests.world import Clock, World

ANA = {"name": "Ana Souza", "email": "Ana@BemTeVi.example", "phone": "(31) 98888-4417", "external_id": "7"}


@pytest.fixture
def bea(world: World) -> Visitor:
    return world.member(world.workspace(), Role.AGENT)


@pytest.fixture
def other(world: World) -> Visitor:
    return world.member(world.workspace(), Role.OWNER)


def fields(error: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [each.field for each in error.value.problems]


def number_of_contacts(runtime: Runtime) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count(Contact.id))) or 0


def test_a_contact_is_kept_with_canonical_addresses_and_the_workspaces_basis(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, {**ANA, "attributes": {"plano": "anual"}})
    contact = contacts.one(runtime, bea, id)
    assert (contact.name, contact.email, contact.phone) == (
        "Ana Souza",
        "Ana@bemtevi.example",
        "+5531988884417",
    )
    assert (contact.kind, contact.lawful_basis, contact.active) == ("customer", "legitimate_interest", True)
    assert contact.attributes == {"plano": "anual"}


def test_j06_whoever_comes_by_hand_or_by_a_program_has_the_basis_that_the_workspace_chose(
    runtime: Runtime, world: World
):
    who = world.member(world.workspace(lawful_basis="contract"), Role.AGENT)
    by_hand = contacts.create(runtime, who, {"name": "Ana"})
    by_a_program, _ = contacts.upsert(runtime, who, {"external_id": "7"})
    for id in (by_hand, by_a_program.id):
        assert contacts.one(runtime, who, id).lawful_basis == "contract"


def test_in_a_people_workspace_somebody_new_is_an_employee(runtime: Runtime, world: World):
    hr = world.member(world.workspace("people"), Role.AGENT)
    id = contacts.create(runtime, hr, {"name": "Ana"})
    assert contacts.one(runtime, hr, id).kind == "employee"


def test_addresses_are_stored_with_keyed_hashes_that_do_not_tell_them(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    with runtime.db.read() as session:
        row = session.get_one(Contact, id)
        assert row.email_key and len(row.email_key) == 64 and "ana" not in row.email_key
        assert row.phone_key and row.phone_key != row.email_key


@pytest.mark.parametrize(
    ("again", "field"),
    [
        ({"email": "ANA@bemtevi.EXAMPLE"}, "email"),
        ({"phone": "+55 31 8888-4417"}, "phone"),
        ({"external_id": "7"}, "external_id"),
    ],
)
def test_c23_nobody_is_added_twice_however_their_address_is_written(
    runtime: Runtime, bea: Visitor, again: dict[str, object], field: str
):
    contacts.create(runtime, bea, ANA)
    with pytest.raises(Invalid) as caught:
        contacts.create(runtime, bea, {"name": "Ana S.", **again})
    assert fields(caught) == [field]
    assert "Ana Souza has this" in str(caught.value)


def test_two_external_ids_behind_one_mailbox_are_two_people(runtime: Runtime, bea: Visitor):
    contacts.create(runtime, bea, ANA)
    contacts.create(runtime, bea, {"name": "Bia", "email": "ana@bemtevi.example", "external_id": "8"})
    assert number_of_contacts(runtime) == 2


def test_h11_an_address_in_another_workspace_is_nobodys_business(
    runtime: Runtime, bea: Visitor, other: Visitor
):
    contacts.create(runtime, other, ANA)
    assert contacts.create(runtime, bea, ANA)


def test_somebody_without_any_name_is_refused(runtime: Runtime, bea: Visitor):
    with pytest.raises(Invalid) as caught:
        contacts.create(runtime, bea, {"locale": "es"})
    assert fields(caught) == ["name"]


def test_an_edit_changes_what_is_given_and_keeps_the_rest(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, {**ANA, "attributes": {"plano": "anual", "cidade": "BH"}})
    revision = contacts.edit(runtime, bea, id, {"name": "Ana Lima", "attributes": {"plano": None}}, 1)
    contact = contacts.one(runtime, bea, id)
    assert (revision, contact.name, contact.email) == (2, "Ana Lima", "Ana@bemtevi.example")
    assert contact.attributes == {"cidade": "BH"}


def test_an_edit_that_changes_nothing_is_no_edit(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    assert contacts.edit(runtime, bea, id, ANA, 1) == 1


def test_an_edit_may_not_leave_somebody_without_any_name(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, {"name": "Ana"})
    with pytest.raises(Invalid):
        contacts.edit(runtime, bea, id, {"name": ""})
    assert contacts.one(runtime, bea, id).name == "Ana"


def test_a_new_mailbox_forgets_that_the_old_one_bounced(runtime: Runtime, world: World, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    with runtime.db.write() as session:
        key = session.get_one(Contact, id).email_key
        opt_outs.record(
            session, bea.workspace_id, None, (key,), kind="bounce", origin="provider", now=world.now
        )
    contacts.edit(runtime, bea, id, {"email": "ANA@bemtevi.example"})
    assert contacts.detail(runtime, bea, id).bounces == {"email": world.now}
    assert [each.bounced for each in contacts.listing(runtime, bea).page.items] == [True]
    contacts.edit(runtime, bea, id, {"email": "ana@novo.example"})
    assert contacts.detail(runtime, bea, id).bounces == {}
    assert [each.bounced for each in contacts.listing(runtime, bea).page.items] == [False]


def test_j10_the_second_of_two_editors_is_told_and_overwrites_nothing(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    contacts.edit(runtime, bea, id, {"name": "Primeira"}, 1)
    with pytest.raises(Conflict):
        contacts.edit(runtime, bea, id, {"name": "Segunda"}, 1)
    assert contacts.one(runtime, bea, id).name == "Primeira"


@pytest.mark.on_both
def test_of_two_editors_at_once_one_is_told(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    outcomes = at_once(
        lambda: contacts.edit(runtime, bea, id, {"name": "Uma"}, 1),
        lambda: contacts.edit(runtime, bea, id, {"name": "Outra"}, 1),
    )
    assert sorted(type(each).__name__ for each in outcomes) == ["Conflict", "int"]


def test_upsert_matches_the_external_id_then_the_mail_then_the_phone(runtime: Runtime, bea: Visitor):
    first, created = contacts.upsert(runtime, bea, ANA)
    assert created
    for raw in (
        {"external_id": "7", "name": "Ana 2", "email": "outra@bemtevi.example"},
        {"email": "Outra@BEMTEVI.example", "name": "Ana 3"},
        {"phone": "31 8888-4417", "name": "Ana 4"},
    ):
        card, created = contacts.upsert(runtime, bea, raw)
        assert (card.id, created, card.name) == (first.id, False, raw["name"])
    assert card.email == "Outra@bemtevi.example"
    assert card.external_id == "7"


def test_upsert_gives_an_external_id_to_whom_the_mail_means(runtime: Runtime, bea: Visitor):
    first, _ = contacts.upsert(runtime, bea, {"email": "ana@x.example"})
    card, created = contacts.upsert(runtime, bea, {"email": "ana@x.example", "external_id": "9"})
    assert (card.id, created, card.external_id) == (first.id, False, "9")


def test_upsert_refuses_to_guess_between_several(runtime: Runtime, bea: Visitor):
    contacts.upsert(runtime, bea, {"email": "loja@x.example", "external_id": "1"})
    contacts.upsert(runtime, bea, {"email": "loja@x.example", "external_id": "2"})
    with pytest.raises(Conflict):
        contacts.upsert(runtime, bea, {"email": "loja@x.example", "name": "?"})


@pytest.mark.on_both
def test_of_two_upserts_of_one_person_at_once_one_creates(runtime: Runtime, bea: Visitor):
    raw = {"email": "ana@x.example", "name": "Ana"}
    outcomes = at_once(*[lambda: contacts.upsert(runtime, bea, raw)[1]] * 6)
    assert sorted(outcomes, key=str) == [False] * 5 + [True]
    assert number_of_contacts(runtime) == 1


@pytest.mark.parametrize(
    "query", ["maria", "MÁRIA avila", "ávila m", "M@X", "(31) 98888-4417", "31988884417", "007"]
)
def test_e16_search_finds_without_case_accents_and_punctuation(runtime: Runtime, bea: Visitor, query: str):
    contacts.create(
        runtime,
        bea,
        {"name": "María Ávila", "email": "m@x.example", "phone": "31 98888-4417", "external_id": "007"},
    )
    contacts.create(runtime, bea, {"name": "Bia"})
    assert [each.contact.name for each in contacts.find(runtime, bea, Sought(query)).items] == ["María Ávila"]
    assert contacts.listing(runtime, bea, Sought(query)).counts["all"] == 1


@pytest.mark.parametrize("query", ["%", "_", "\\", "'; DROP TABLE contacts; --", "a%a"])
def test_h04_a_query_is_only_text(runtime: Runtime, bea: Visitor, query: str):
    contacts.create(runtime, bea, {"name": "Ana"})
    assert contacts.find(runtime, bea, Sought(query)).items == ()


def test_the_list_goes_by_name_in_pages_without_gaps_or_repeats(runtime: Runtime, bea: Visitor):
    for name in ("Célia", "ana", "Bia", "Ána", "ana", "Davi", "álvaro"):
        contacts.create(runtime, bea, {"name": name})
    seen, cursor = [], None
    while True:
        page = contacts.find(runtime, bea, cursor=cursor, limit=2)
        seen += [each.contact.name for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [name.lower().translate(str.maketrans("áé", "ae")) for name in seen] == [
        "alvaro", "ana", "ana", "ana", "bia", "celia", "davi",
    ]  # fmt: skip


def test_the_list_can_be_narrowed_to_who_is_asked_and_who_is_not(runtime: Runtime, bea: Visitor):
    ids = {name: contacts.create(runtime, bea, {"name": name}) for name in ("Ana", "Bia", "Caio")}
    opt_outs.opt_out(runtime, bea, ids["Bia"], "console")
    contacts.set_active(runtime, bea, ids["Caio"], False)
    shown = {
        show: [each.contact.name for each in contacts.find(runtime, bea, Sought(show=show)).items]  # type: ignore[arg-type]
        for show in ("all", "active", "opted_out", "inactive")
    }
    assert shown == {
        "all": ["Ana", "Bia", "Caio"],
        "active": ["Ana"],
        "opted_out": ["Bia"],
        "inactive": ["Caio"],
    }
    assert [each.opted_out for each in contacts.find(runtime, bea).items] == [False, True, False]


def test_h09_neither_list_nor_count_nor_search_shows_another_workspace(
    runtime: Runtime, bea: Visitor, other: Visitor
):
    id = contacts.create(runtime, other, ANA)
    assert contacts.find(runtime, bea, Sought("ana")).items == ()
    assert contacts.listing(runtime, bea).counts["all"] == 0
    for act in (
        lambda: contacts.one(runtime, bea, id),
        lambda: contacts.edit(runtime, bea, id, {"name": "x"}),
        lambda: contacts.set_active(runtime, bea, id, False),
        lambda: opt_outs.opt_out(runtime, bea, id, "console"),
        lambda: opt_outs.opt_in(runtime, bea, id, "asked"),
    ):
        with pytest.raises(NotFound):
            act()


def test_being_put_away_and_taken_back_is_a_revision_each(runtime: Runtime, bea: Visitor, clock: Clock):
    id = contacts.create(runtime, bea, {"name": "Ana"})
    clock.advance(hours=1)
    contacts.set_active(runtime, bea, id, False)
    contacts.set_active(runtime, bea, id, False)
    contact = contacts.one(runtime, bea, id)
    assert (contact.active, contact.revision, contact.updated_at) == (False, 2, clock.now)
