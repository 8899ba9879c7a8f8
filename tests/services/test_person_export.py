"""What we hold of a person, for them: all of it and only theirs (N03); why they may be asked (N05)."""

import json
from typing import Any

import pytest
from sqlalchemy import Connection, select
from sqlalchemy import event as happenings

from app.domain.access import Role
from app.errors import Invalid, NotFound
from app.models import (
    Attempt,
    Base,
    ConsentChange,
    Contact,
    Conversation,
    SandboxCopy,
    Sender,
    Workspace,
    new_id,
)  # fmt: skip
from app.runtime import Runtime
from app.services import audit_log, consents, contacts, erasure, opt_outs, person_export, person_requests
from app.services.access import Visitor
from tests.pulse_world import open_pulse
from tests.services.test_erasure import tell_everything
from tests.world import Clock, World

# Every table that names a person, and where the file shows it
SHOWN = {
    "answers": "answers",
    "complaints": "complaints",
    "connect_links": "chats",
    "consent_changes": "lawful_basis_changes",
    "events": "told_of_them",
    "followups": "follow_ups",
    "import_people": "imports",
    "inbound_events": "came_in",
    "invitations": "asked",
    "messages": "messages",
    "occurrences": "told_of_them",
    "opt_outs": "opt_outs",
    "person_requests": "requests",
}

# Columns of theirs that are not in the file, and why
NOT_SHOWN = {
    "id": "ours: a random number that tells nothing",
    "workspace_id": "who holds it is said by name",
    "search_name": "the name and addresses once more, folded",
    "email_key": "a keyed hash tells nothing",
    "phone_key": "a keyed hash tells nothing",
    "telegram_key": "a keyed hash tells nothing",
    "revision": "how often we wrote the row",
    "erased_at": "whoever is erased has no file",
    "erasure_asked_at": "the same",
}


@pytest.fixture
def camila(world: World) -> Visitor:
    return world.member(world.workspace(), Role.MANAGER)


@pytest.fixture
def person(runtime: Runtime, camila: Visitor) -> Contact:
    raw = {"name": "Zulmira Quintanilha", "email": "zulmira@quintanilha.example", "attributes": {"obs": "x"}}
    id = contacts.create(runtime, camila, raw)
    with runtime.db.read() as session:
        return session.get_one(Contact, id)


def exported(runtime: Runtime, who: Visitor, id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(person_export.export(runtime, who, id))
    return found


def test_every_table_that_names_a_person_is_in_the_file(runtime: Runtime, camila: Visitor, person: Contact):
    naming = {name for name, table in Base.metadata.tables.items() if "contact_id" in table.columns}
    assert naming == set(SHOWN)
    assert set(SHOWN.values()) <= set(exported(runtime, camila, person.id))


def test_every_column_about_them_is_in_the_file_or_left_out_for_a_reason():
    columns = {column.name for column in Contact.__table__.columns}
    assert columns == set(person_export.PERSON) | set(NOT_SHOWN)
    assert not set(person_export.PERSON) & set(NOT_SHOWN)


def test_n03_all_of_it_and_only_theirs(runtime: Runtime, world: World, camila: Visitor, person: Contact):
    tell_everything(runtime, world, camila, person)
    opt_outs.opt_out(runtime, camila, person.id, "console", channel="sms", evidence="Said so.")
    with runtime.db.read() as session:
        workspace = session.get_one(Workspace, camila.workspace_id)
    stranger = world.contact(workspace, name="Someone Else", email="else@x.example")
    world.answer(workspace, 9, contact=stranger, comment="not theirs")
    text = person_export.export(runtime, camila, person.id)
    found = json.loads(text)
    assert found["person"]["email"] == "zulmira@quintanilha.example"
    assert [(each["score"], each["comment"]) for each in found["answers"]] == [(3, "segredo: a Quintanilha")]
    assert found["answers"][0]["before"][0]["comment"] == "segredo"
    assert "Liguei para Zulmira, segredo." in [step["text"] for step in found["follow_ups"][0]["steps"]]
    assert {each["purpose"] for each in found["messages"]} == {"invitation", "reply"}
    assert found["opt_outs"][0]["channel"] == "sms"
    assert found["asked"][0]["survey"]
    assert not any(words in text for words in ("Someone Else", "else@x", "not theirs", camila.name))


def test_of_chats_that_serve_others_too_it_has_what_is_theirs(
    runtime: Runtime, world: World, camila: Visitor, clock: Clock
):
    """The same phone is an employee's elsewhere, who writes to the same number of ours, and to another."""
    with runtime.db.read() as session:
        workspace = session.get_one(Workspace, camila.workspace_id)
    customer = world.contact(workspace, phone="+5531988884417")
    hr = world.workspace("people")
    pulse = world.invitation(hr, world.survey(hr), world.contact(hr, phone="+5531988884417"))
    senders = [Sender(id=new_id(), channel="sms", identity=each, created_at=clock.now) for each in "ab"]
    asked = world.invitation(workspace, world.survey(workspace), customer)
    wrote = {"purpose": "inbound", "state": "received", "channel": "sms", "body": "9"}
    for each in senders:
        world.add(each)
    world.message(asked, customer, sender_id=senders[0].id, **wrote)
    heard_at = clock.now
    clock.advance(days=2)
    for each in senders:
        world.add(
            Conversation(
                id=new_id(), sender_id=each.id, address_key=customer.phone_key, expects="score",
                about=pulse.id, choices=[], heard_at=clock.now,
            )
        )  # fmt: skip
    assert exported(runtime, camila, customer.id)["chats"] == [
        {"expects": None, "locale": None, "heard_at": heard_at.isoformat(), "blocked_at": None}
    ]


def test_it_is_noted_who_took_the_file(runtime: Runtime, camila: Visitor, person: Contact):
    exported(runtime, camila, person.id)
    assert audit_log.log(runtime, camila).page.items[0].action == "contact.exported"


def test_what_writes_and_what_reads_does_not_grow_with_the_messages(
    runtime: Runtime, world: World, camila: Visitor
):
    with runtime.db.read() as session:
        workspace = session.get_one(Workspace, camila.workspace_id)
    survey = world.survey(workspace)
    person = world.contact(workspace)
    said: list[str] = []

    def note(connection: Connection, *_: object) -> None:
        said.append("read" if connection.get_execution_options().get("reading") else "write")

    counted = []
    for more in (1, 12):
        for _ in range(more):
            message = world.message(world.invitation(workspace, survey, person), person, state="sent")
            with runtime.db.write() as session:
                copy = {"subject": "s", "text": message.id, "html": "h", "arrived_at": world.now}
                session.add(SandboxCopy(message_id=message.id, **copy))
                for number in (1, 2):
                    tried = {"number": number, "started_at": world.now, "detail": f"{message.id} {number}"}
                    session.add(Attempt(id=new_id(), message_id=message.id, **tried))
        said.clear()
        happenings.listen(runtime.db.engine, "before_cursor_execute", note)
        try:
            file = exported(runtime, camila, person.id)
        finally:
            happenings.remove(runtime.db.engine, "before_cursor_execute", note)
        counted.append((said.count("read"), said.count("write")))
    assert counted[0] == counted[1]
    tried = [each for each in file["messages"] if each["tries"]]
    assert len(tried) == 13
    for each in tried:
        id = each["in_the_sandbox"]["text"]
        assert [one["detail"] for one in each["tries"]] == [f"{id} 1", f"{id} 2"]


def test_whoever_is_erased_while_the_file_is_made_has_none(
    runtime: Runtime, camila: Visitor, person: Contact
):
    done = []

    def erase(connection: Connection) -> None:
        if connection.get_execution_options().get("reading") and not done:
            done.append(True)
            erasure.erase(runtime, camila, person.id)

    happenings.listen(runtime.db.engine, "commit", erase)  # all was read, and nothing written yet
    try:
        with pytest.raises(NotFound):
            person_export.export(runtime, camila, person.id)
    finally:
        happenings.remove(runtime.db.engine, "commit", erase)
    assert done
    assert audit_log.log(runtime, camila).page.items[0].action == "contact.erased"


def test_another_workspaces_person_is_not_exported(runtime: Runtime, world: World, person: Contact):
    with pytest.raises(NotFound):
        person_export.export(runtime, world.member(world.workspace(), Role.OWNER), person.id)


def test_nothing_in_it_tells_whether_an_employee_has_answered(runtime: Runtime, world: World):
    pulse = open_pulse(world, 6)
    pulse.answer(0, 9, "my words")
    owner = world.member(pulse.workspace, Role.OWNER)
    files = [exported(runtime, owner, pulse.contacts[number].id) for number in (0, 1)]
    for each in files:
        assert "sealed" in each["pulses"]
        assert "answers" not in each
    assert [each["asked"][0]["state"] for each in files] == ["sent", "sent"]
    shapes = [sorted((key, len(value)) for key, value in each.items() if key != "person") for each in files]
    assert shapes[0] == shapes[1]


def test_n03_a_request_is_due_in_fifteen_days_and_done_with_the_file(
    runtime: Runtime, camila: Visitor, person: Contact, clock: Clock
):
    id = person_requests.receive(runtime, camila, person.id, "access")
    assert person_requests.receive(runtime, camila, person.id, "access") == id, "one request while it is open"
    (waiting,) = person_requests.waiting(runtime, camila)
    assert (waiting.due_at - clock.now).days == 15
    with runtime.db.read() as session:
        assert person_requests.overdue(session, clock.now) == 0
        clock.advance(days=16)
        assert person_requests.overdue(session, clock.now) == 1
    (request,) = exported(runtime, camila, person.id)["requests"]
    assert request["done_at"] == clock.now.isoformat()
    assert person_requests.waiting(runtime, camila) == ()


def test_erasing_does_all_that_they_asked_for(runtime: Runtime, camila: Visitor, person: Contact):
    person_requests.receive(runtime, camila, person.id, "erasure")
    other = person_requests.receive(runtime, camila, person.id, "correction")
    person_requests.finish(runtime, camila, other)
    erasure.erase(runtime, camila, person.id)
    assert person_requests.waiting(runtime, camila) == ()
    with pytest.raises(Invalid):
        person_requests.receive(runtime, camila, "x", "a pony")


def test_every_change_of_basis_stands_in_the_log(
    runtime: Runtime, camila: Visitor, person: Contact, clock: Clock
):
    clock.advance(days=1)
    contacts.edit(runtime, camila, person.id, {"lawful_basis": "contract"})
    contacts.edit(runtime, camila, person.id, {"name": "Zulmira Q."})
    clock.advance(days=1)
    proof = {"source": "Feira", "evidence": "Signed the form on 18 November."}
    consents.change(runtime, camila, person.id, "consent", **proof)
    bases = consents.record(runtime, camila, person.id).bases
    assert [(each.lawful_basis, each.evidence) for each in bases] == [
        ("consent", "Signed the form on 18 November."), ("contract", None), ("legitimate_interest", None),
    ]  # fmt: skip
    assert bases[0].source == "Feira"
    with pytest.raises(Invalid):
        consents.change(runtime, camila, person.id, "consent", source="", evidence=" ")


def test_the_log_loses_its_words_with_the_person(runtime: Runtime, camila: Visitor, person: Contact):
    consents.change(runtime, camila, person.id, "consent", source="Quintanilha", evidence="Zulmira said so.")
    erasure.erase(runtime, camila, person.id)
    with runtime.db.read() as session:
        row = session.scalars(select(ConsentChange)).one()
    assert (row.lawful_basis, row.source, row.evidence) == ("consent", None, None)
