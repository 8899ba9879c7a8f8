"""Whom the law forbids to ask stays so: under another name, after a restore, and whatever they type."""

import io
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from app.domain.access import Role
from app.errors import Invalid, NotFound
from app.models import Contact, OptOut, Workspace
from app.runtime import Runtime
from app.services import (
    address_keys,
    audit_log,
    backup,
    consents,
    contact_imports,
    contacts,
    erasure,
    import_pages,
    import_undoing,
    journal_replay,
    moving_chats,
    objections,
    opt_outs,
)
from app.services.access import Visitor
from app.services.address_keys import address_key
from app.services.chat_addresses import telegram_form
from tests.services.loop import meeting
from tests.world import Clock, World

ANA = {"external_id": "1", "name": "Ana", "email": "ana@zibelina.example", "phone": "+5531988884417"}
PHONE = "+553198888441"  # and a digit


@pytest.fixture
def bea(world: World) -> Visitor:
    return world.member(world.workspace(), Role.OWNER)


@pytest.fixture
def ana(runtime: Runtime, bea: Visitor) -> str:
    return contacts.create(runtime, bea, ANA)


def imported(runtime: Runtime, who: Visitor, file: str, basis: str = "consent") -> str:
    data = io.BytesIO(file.encode())
    return contact_imports.run(runtime, who, "x.csv", data, lawful_basis=basis, source="feira").id


def is_out(runtime: Runtime, who: Visitor, id: str) -> bool:
    return contacts.detail(runtime, who, id).is_opted_out


def on_basis(runtime: Runtime, who: Visitor, id: str, basis: str, evidence: str = "Wrote it to us.") -> None:
    consents.change(runtime, who, id, basis, source="", evidence=evidence)


def why(runtime: Runtime, who: Visitor, id: str) -> set[str | None]:
    return {each.reason for each in contacts.detail(runtime, who, id).askable}


def test_a_withdrawn_basis_holds_for_the_address_under_another_name(
    runtime: Runtime, bea: Visitor, ana: str
) -> None:
    on_basis(runtime, bea, ana, "none")
    for name, address in (("email", "ANA@zibelina.example"), ("phone", "31 98888-4417")):
        raw = {"external_id": f"by {name}", "name": "A.", name: address, "lawful_basis": "consent"}
        again = contacts.create(runtime, bea, raw)
        assert is_out(runtime, bea, again)
        assert why(runtime, bea, again) == {"opted_out"}
    assert why(runtime, bea, ana) == {"no_lawful_basis"}, "the reason that says more comes first"


def test_a_withdrawn_basis_outlives_yesterdays_copy(
    runtime: Runtime, bea: Visitor, ana: str, tmp_path: Path
) -> None:
    backup.backup(runtime, tmp_path / "copy")
    on_basis(runtime, bea, ana, "none")
    backup.restore(runtime, tmp_path / "copy", force=True)
    assert contacts.detail(runtime, bea, ana).contact.lawful_basis != "none"
    assert why(runtime, bea, ana) == {"opted_out"}


def test_another_basis_ends_it_with_its_evidence(runtime: Runtime, bea: Visitor, ana: str) -> None:
    on_basis(runtime, bea, ana, "none", "Withdrew it on the phone.")
    on_basis(runtime, bea, ana, "none")
    (block,) = opt_outs.of(runtime, bea, ana)
    assert (block.kind, block.origin, block.proof) == ("legal", "basis", "Withdrew it on the phone.")
    on_basis(runtime, bea, ana, "consent", "Signed at the fair.")
    (block,) = opt_outs.of(runtime, bea, ana)
    assert (block.lifted_at, block.evidence) == (runtime.clock(), "Signed at the fair.")
    assert not is_out(runtime, bea, ana)


def test_their_own_yes_is_no_basis_and_another_basis_is_not_their_yes(
    runtime: Runtime, bea: Visitor, ana: str
) -> None:
    opt_outs.opt_out(runtime, bea, ana, "console")
    on_basis(runtime, bea, ana, "none")
    opt_outs.opt_in(runtime, bea, ana, "Called and said so.")
    assert [each.kind for each in opt_outs.of(runtime, bea, ana) if each.lifted_at is None] == ["legal"]
    opt_outs.opt_out(runtime, bea, ana, "console")
    on_basis(runtime, bea, ana, "consent")
    assert [each.kind for each in opt_outs.of(runtime, bea, ana) if each.lifted_at is None] == ["own_wish"]


def test_a_withdrawn_basis_outlives_an_erasure(runtime: Runtime, bea: Visitor, ana: str) -> None:
    on_basis(runtime, bea, ana, "none")
    erasure.erase(runtime, bea, ana)
    again = contacts.create(runtime, bea, ANA)
    opt_outs.opt_in(runtime, bea, again, "Said so, though who knows.")
    assert is_out(runtime, bea, again)


def test_the_timeline_says_what_came_and_went(runtime: Runtime, bea: Visitor, ana: str, clock: Clock) -> None:
    on_basis(runtime, bea, ana, "none")
    clock.advance(hours=1)
    on_basis(runtime, bea, ana, "consent", "Signed at the fair.")
    moments = contacts.detail(runtime, bea, ana).moments.items
    assert [(each.kind, getattr(each, "cause", None)) for each in moments[:2]] == [
        ("opted_in", "legal"),
        ("opted_out", "legal"),
    ]


def objects(runtime: Runtime, who: Visitor, id: str) -> None:
    objections.object_to(runtime, who, id, origin="console", evidence="GDPR art. 21, letter of 3 May.")


def standing(runtime: Runtime, who: Visitor, id: str) -> list[tuple[str, str]]:
    return [(each.kind, each.origin) for each in opt_outs.of(runtime, who, id) if each.lifted_at is None]


def test_an_objection_needs_its_proof_and_stands_once(runtime: Runtime, bea: Visitor, ana: str) -> None:
    for nothing in ("", " \n ", "x" * 501):
        with pytest.raises(Invalid):
            objections.object_to(runtime, bea, ana, origin="console", evidence=nothing)
    objects(runtime, bea, ana)
    objects(runtime, bea, ana)
    (stands,) = opt_outs.of(runtime, bea, ana)
    assert (stands.kind, stands.origin, stands.channel) == ("legal", "console", None)
    assert stands.proof == "GDPR art. 21, letter of 3 May."
    found = contacts.detail(runtime, bea, ana)
    assert (found.is_opted_out, found.is_objected, found.may_opt_in) == (True, True, False)
    again = contacts.create(runtime, bea, ANA | {"external_id": "2", "email": None})
    assert why(runtime, bea, again) == {"opted_out"}


def test_an_objection_is_no_basis_and_each_ends_alone(
    runtime: Runtime, bea: Visitor, ana: str, clock: Clock
) -> None:
    on_basis(runtime, bea, ana, "none")
    clock.advance(hours=1)
    objects(runtime, bea, ana)
    on_basis(runtime, bea, ana, "consent")
    assert standing(runtime, bea, ana) == [("legal", "console")], "what they object outlives another basis"
    on_basis(runtime, bea, ana, "none")
    objections.lift(runtime, bea, ana, "Withdrew it in writing.")
    assert standing(runtime, bea, ana) == [("legal", "basis")], "and a basis is not lifted with it"


def test_an_objection_reaches_the_addresses_that_came_after_it(runtime: Runtime, bea: Visitor) -> None:
    """By hand, from another system, in a file, put back as it was; and those of before, at the erasure."""
    people = [
        contacts.create(runtime, bea, {"external_id": f"{number}", "email": f"p{number}@x.example"})
        for number in range(5)
    ]
    undone = imported(runtime, bea, "id;telefone;e-mail\n3;;other@x.example\n")
    for id in people:
        objects(runtime, bea, id)
    contacts.edit(runtime, bea, people[0], {"phone": f"{PHONE}0"})
    contacts.upsert(runtime, bea, {"external_id": "1", "phone": f"{PHONE}1"})
    imported(runtime, bea, f"id;telefone\n2;{PHONE}2\n")
    import_undoing.undo(runtime, bea, undone, import_undoing.foretell(runtime, bea, undone).put_away)
    with runtime.db.write() as session:  # as it is in an older database
        session.get_one(Contact, people[4]).phone_key = address_keys.address_key(session, f"{PHONE}4")
    for number, id in enumerate(people):
        assert standing(runtime, bea, id) == [("legal", "console")], "it is the same one"
        address = {"email": "p3@x.example"} if number == 3 else {"phone": f"{PHONE}{number}"}
        if number < 4:
            assert is_out(
                runtime, bea, contacts.create(runtime, bea, {"external_id": f"x{number}", **address})
            )
        erasure.erase(runtime, bea, id)
        again = contacts.create(runtime, bea, {"external_id": f"y{number}", **address})
        opt_outs.opt_in(runtime, bea, again, "Said so, though who knows.")
        assert is_out(runtime, bea, again)


def test_who_lifts_an_objection_says_why(runtime: Runtime, bea: Visitor, ana: str) -> None:
    opt_outs.opt_out(runtime, bea, ana, "console")
    objects(runtime, bea, ana)
    opt_outs.opt_in(runtime, bea, ana, "Called and said so.")
    assert standing(runtime, bea, ana) == [("legal", "console")]
    with pytest.raises(Invalid):
        objections.lift(runtime, bea, ana, " ")
    objections.lift(runtime, bea, ana, "The order of 3 May was revoked.")
    assert standing(runtime, bea, ana) == []
    assert "The order of 3 May was revoked." in {each.evidence for each in opt_outs.of(runtime, bea, ana)}
    noted = [each.action for each in audit_log.log(runtime, bea).page.items]
    assert [each for each in noted if "objec" in each] == ["contact.objection_lifted", "contact.objected"]


def test_another_workspaces_person_does_not_object_here(runtime: Runtime, world: World, ana: str) -> None:
    stranger = world.member(world.workspace(), Role.OWNER)
    with pytest.raises(NotFound):
        objects(runtime, stranger, ana)
    with pytest.raises(NotFound):
        objections.lift(runtime, stranger, ana, "x")


def shared(runtime: Runtime, who: Visitor, *names: str) -> list[str]:
    """People of one household: one mailbox, and an id each."""
    return [
        contacts.create(runtime, who, {"external_id": each, "name": each, "email": "casa@x.example"})
        for each in names
    ]


def test_who_lifts_their_objection_lifts_nobody_elses_at_the_address(runtime: Runtime, bea: Visitor) -> None:
    dora, eva = shared(runtime, bea, "Dora", "Eva")
    objects(runtime, bea, dora)
    objects(runtime, bea, eva)
    objections.lift(runtime, bea, dora, "Dora took it back.")
    assert why(runtime, bea, eva) == {"opted_out"}
    (left,) = [each for each in opt_outs.of(runtime, bea, dora) if each.lifted_at is None]
    assert left.is_anothers, "the address is Eva's as well, and she objects"
    assert not consents.record(runtime, bea, dora).has_objection, "there is nothing left to lift here"
    assert consents.record(runtime, bea, eva).has_objection
    objections.lift(runtime, bea, eva, "Eva took it back as well.")
    assert why(runtime, bea, dora) == why(runtime, bea, eva) == {None}


def test_a_basis_of_theirs_ends_nobody_elses_withdrawal_at_the_address(
    runtime: Runtime, bea: Visitor
) -> None:
    ana, bia = shared(runtime, bea, "Ana", "Bia")
    on_basis(runtime, bea, bia, "none", "Bia withdrew it.")
    on_basis(runtime, bea, ana, "consent", "Ana signed.")
    again = shared(runtime, bea, "Bia under another id")[0]
    assert why(runtime, bea, again) == {"opted_out"}
    on_basis(runtime, bea, bia, "consent", "Bia signed as well.")
    assert why(runtime, bea, again) == why(runtime, bea, ana) == {None}


def test_what_an_erased_person_objected_ends_for_whoever_has_their_address_now(
    runtime: Runtime, bea: Visitor
) -> None:
    dora, eva = shared(runtime, bea, "Dora", "Eva")
    objects(runtime, bea, dora)
    erasure.erase(runtime, bea, dora)
    objections.lift(runtime, bea, eva, "Eva has the mailbox alone now.")
    opt_outs.opt_in(runtime, bea, eva, "She wrote so.")
    assert why(runtime, bea, eva) == {None}
    contacts.edit(runtime, bea, eva, {"email": "eva@x.example"})
    erasure.erase(runtime, bea, eva)
    with runtime.db.read() as session:
        assert set(session.scalars(select(OptOut.lifted_evidence))) == {None}, "her words go with her"


# An address that was a slip of the pen

BIA = {"external_id": "2", "name": "Bia", "email": "bia@zibelina.example", "lawful_basis": "consent"}


def forbidden(runtime: Runtime, who: Visitor, ana: str, origin: str) -> None:
    """By an objection, by a basis that was withdrawn, or by data that came without one."""
    if origin == "objection":
        objections.object_to(runtime, who, ana, origin="console", evidence="Letter of 3 May.")
    elif origin == "withdrawn":
        on_basis(runtime, who, ana, "none")
    else:
        contacts.edit(runtime, who, ana, {"lawful_basis": "none"})


ORIGINS = ("objection", "withdrawn", "data")


@pytest.mark.on_both
@pytest.mark.parametrize("origin", ORIGINS)
def test_a_slip_that_is_put_right_silences_nobody_whose_address_it_is(
    runtime: Runtime, bea: Visitor, ana: str, origin: str
) -> None:
    forbidden(runtime, bea, ana, origin)
    also = {"lawful_basis": "none"} if origin == "data" else {}  # told once more with the slip
    contacts.edit(runtime, bea, ana, {"email": BIA["email"]} | also)
    assert is_out(runtime, bea, contacts.create(runtime, bea, BIA | {"external_id": "3"})), "while it stands"
    contacts.edit(runtime, bea, ana, {"email": ANA["email"]})
    bia = contacts.create(runtime, bea, BIA)
    assert not is_out(runtime, bea, bia)
    assert contacts.detail(runtime, bea, bia).opt_outs == ()
    assert not any(each.lifted_at for each in contacts.detail(runtime, bea, ana).opt_outs), "theirs holds"
    again = contacts.create(runtime, bea, ANA | {"external_id": "4"})
    assert is_out(runtime, bea, again), "where they said it, it holds"


@pytest.mark.parametrize("undone", [False, True])
@pytest.mark.parametrize("origin", ["objection", "data"])
def test_nor_does_a_slip_of_a_file(
    runtime: Runtime, bea: Visitor, ana: str, origin: str, undone: bool
) -> None:
    forbidden(runtime, bea, ana, origin)
    basis = "none" if origin == "data" else "consent"
    id = imported(runtime, bea, f"id;e-mail\n1;{BIA['email']}\n", basis)
    if undone:
        import_undoing.undo(runtime, bea, id, 0)
    else:
        imported(runtime, bea, f"id;e-mail\n1;{ANA['email']}\n", basis)
    assert not is_out(runtime, bea, contacts.create(runtime, bea, BIA))
    assert is_out(runtime, bea, contacts.create(runtime, bea, ANA | {"external_id": "4"}))


def test_an_address_at_which_something_reached_them_was_theirs(
    runtime: Runtime, world: World, bea: Visitor, ana: str
) -> None:
    with runtime.db.read() as session:
        workspace, row = session.get_one(Workspace, bea.workspace_id), session.get_one(Contact, ana)
        key = address_keys.address_key(session, "bia@zibelina.example")
    told = {"address_key": key, "state": "sent", "sent_at": world.now}
    world.invitation(workspace, world.survey(workspace), row, told=told)
    objections.object_to(runtime, bea, ana, origin="console", evidence="Letter of 3 May.")
    for email in (BIA["email"], "ana@elsewhere.example"):
        contacts.edit(runtime, bea, ana, {"email": email})
    assert is_out(runtime, bea, contacts.create(runtime, bea, BIA))


def test_after_a_restore_a_slip_can_be_put_right_as_well(
    runtime: Runtime, bea: Visitor, ana: str, tmp_path: Path
) -> None:
    objections.object_to(runtime, bea, ana, origin="console", evidence="Letter of 3 May.")
    backup.backup(runtime, tmp_path / "copy")
    contacts.edit(runtime, bea, ana, {"email": BIA["email"]})
    backup.restore(runtime, tmp_path / "copy", force=True)
    assert is_out(runtime, bea, contacts.create(runtime, bea, BIA | {"external_id": "3"}))
    for email in (BIA["email"], ANA["email"]):
        contacts.edit(runtime, bea, ana, {"email": email})
    assert not is_out(runtime, bea, contacts.create(runtime, bea, BIA))


def test_a_chat_that_gets_another_number_keeps_what_the_law_says(
    runtime: Runtime, world: World, bea: Visitor
) -> None:
    with runtime.db.read() as session:
        workspace = session.get_one(Workspace, bea.workspace_id)
    ana = world.contact(workspace, email=None, telegram_chat_id="-1")
    objections.object_to(runtime, bea, ana.id, origin="console", evidence="Letter of 3 May.")
    with runtime.db.write() as session:
        moving_chats.move_chat(session, "-1", "-1001", runtime.clock())
    other = world.contact(workspace, email=None, telegram_chat_id="-1001", lawful_basis="consent")
    assert is_out(runtime, bea, other.id)


def test_a_chat_that_gets_another_number_keeps_the_no_that_came_from_it(
    runtime: Runtime, world: World, bea: Visitor
) -> None:
    """Said to another workspace that writes from the same bot: nobody knows whose it is here."""
    with runtime.db.read() as session:
        workspace = session.get_one(Workspace, bea.workspace_id)
    ana = world.contact(workspace, email=None, telegram_chat_id="-1")
    with runtime.db.write() as session:
        there = (address_key(session, telegram_form("-1")),)
        opt_outs.record(
            session, bea.workspace_id, None, there, kind="own_wish", origin="message", now=runtime.clock()
        )
    assert is_out(runtime, bea, ana.id)
    with runtime.db.write() as session:
        moving_chats.move_chat(session, "-1", "-1001", runtime.clock())
    assert is_out(runtime, bea, ana.id)


# After a restore: what the journal brought back


@pytest.fixture
def moved(runtime: Runtime, bea: Visitor, ana: str, tmp_path: Path, clock: Clock) -> str:
    """Since yesterday's copy she has another address, where the law's no went with her."""
    objections.object_to(runtime, bea, ana, origin="console", evidence="Letter of 3 May.")
    backup.backup(runtime, tmp_path / "copy")
    clock.advance(hours=1)
    contacts.edit(runtime, bea, ana, {"email": MOVED["email"]})
    return ana


MOVED = ANA | {"external_id": "5", "email": "ana@new.example", "phone": "+5531988884418"}


def is_out_for_good(runtime: Runtime, who: Visitor, given: dict[str, str] = MOVED) -> bool:
    """Of whoever comes with that address: whatever they say."""
    again = contacts.create(runtime, who, given)
    opt_outs.opt_in(runtime, who, again, "She says yes.")
    return is_out(runtime, who, again)


@pytest.mark.on_both
def test_an_edit_after_a_restore_ends_nothing_at_an_address_that_the_copy_never_knew(
    runtime: Runtime, bea: Visitor, moved: str, tmp_path: Path
) -> None:
    backup.restore(runtime, tmp_path / "copy", force=True)
    contacts.edit(runtime, bea, moved, {"phone": "+5531988884419"})
    imported(runtime, bea, "id;telefone\n1;+5531988884420\n")
    assert is_out_for_good(runtime, bea)


@pytest.mark.on_both
@pytest.mark.parametrize("after", ["the copy", "the restore"])
def test_nor_does_an_erasure(
    runtime: Runtime, bea: Visitor, moved: str, clock: Clock, tmp_path: Path, after: str
) -> None:
    if after == "the copy":
        clock.advance(hours=1)
        erasure.erase(runtime, bea, moved)
    backup.restore(runtime, tmp_path / "copy", force=True)
    if after == "the restore":
        erasure.erase(runtime, bea, moved)
    assert is_out_for_good(runtime, bea)
    assert is_out_for_good(runtime, bea, ANA | {"external_id": "6", "phone": "+5531988884421"})


@pytest.mark.on_both
def test_an_import_that_is_undone_as_they_are_erased_ends_nothing_of_theirs(
    runtime: Runtime, bea: Visitor, moved: str, clock: Clock
) -> None:
    id = imported(runtime, bea, "id;nome\n1;Ana Maria\n2;Rui\n")
    clock.advance(hours=1)
    erases = partial(erasure.erase, runtime, bea, moved)
    meeting(runtime, erases, partial(import_undoing.undo, runtime, bea, id, 1), at="UPDATE contacts")
    assert import_pages.page(runtime, bea, id).state == "undone"
    assert is_out_for_good(runtime, bea)


def test_a_slip_that_was_put_right_after_the_copy_is_on_nobodys_page(
    runtime: Runtime, bea: Visitor, moved: str, clock: Clock, tmp_path: Path
) -> None:
    backup.backup(runtime, tmp_path / "later")
    clock.advance(hours=1)
    contacts.edit(runtime, bea, moved, {"email": "ana@third.example"})
    contacts.edit(runtime, bea, moved, {"email": ANA["email"]})
    backup.restore(runtime, tmp_path / "later", force=True)
    (only,) = contacts.detail(runtime, bea, moved).opt_outs
    assert (only.kind, only.lifted_at) == ("legal", None)


def test_what_was_lifted_after_the_copy_stays_on_their_page(
    runtime: Runtime, bea: Visitor, moved: str, tmp_path: Path
) -> None:
    objections.lift(runtime, bea, moved, "She took it back.")
    backup.restore(runtime, tmp_path / "copy", force=True)
    (only,) = contacts.detail(runtime, bea, moved).opt_outs
    assert (only.lifted_at, only.evidence) == (runtime.clock(), journal_replay.EVIDENCE)


# Said once more


@pytest.mark.on_both
@pytest.mark.parametrize("restored", [False, True])
def test_what_they_object_once_more_at_a_later_address_is_said_there(
    runtime: Runtime, bea: Visitor, moved: str, clock: Clock, tmp_path: Path, restored: bool
) -> None:
    clock.advance(hours=1)
    for _ in range(2):  # twice changes nothing
        objections.object_to(runtime, bea, moved, origin="console", evidence="She wrote from there.")
    with runtime.db.read() as session:
        key = address_keys.address_key(session, MOVED["email"])
        said = OptOut.address_key == key, OptOut.evidence == "She wrote from there."
        assert len(session.scalars(select(OptOut.id).where(*said)).all()) == 1
    contacts.edit(runtime, bea, moved, {"email": "ana@third.example"})
    if restored:
        backup.restore(runtime, tmp_path / "copy", force=True)
    assert is_out_for_good(runtime, bea)
