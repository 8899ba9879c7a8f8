"""Erasure on both databases: nothing of the person is left, counts and opt-outs stay (I11, N01, N02)."""

import io
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import event as happenings
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app.channels.base import DeliveryError, Event, KeptCopy, Kind, Receipt
from app.db import open_database
from app.domain.access import Role
from app.errors import Conflict, NotFound
from app.jobs.worker import run_until_idle
from app.models import (
    Answer,
    AnswerEdit,
    Attempt,
    Contact,
    ContactImport,
    FollowUp,
    ImportPart,
    ImportPerson,
    ImportReject,
    InboundEvent,
    Invitation,
    Message,
    OptOut,
    PulseScore,
    RateWindow,
    SandboxCopy,
    SealedAnswer,
    Sender,
    Setting,
    Token,
    Workspace,
    new_id,
)
from app.runtime import Runtime
from app.services import (
    address_keys,
    contact_imports,
    contacts,
    departing,
    erasure,
    followups,
    import_jobs,
    import_pages,
    import_work,
    inbound,
    journal,
    journal_replay,
    opt_outs,
    outcomes,
    scrubbing,
)
from app.services.access import Visitor
from app.services.pulse_closing import close_pulse
from tests.pulse_world import open_pulse
from tests.services.loop import closures, events, opened
from tests.world import Clock, World

SECRETS = ("Quintanilha", "quintanilha", "zulmira", "988884417", "segredo")


@pytest.fixture
def camila(world: World) -> Visitor:
    return world.member(world.workspace(), Role.MANAGER)


@pytest.fixture
def person(runtime: Runtime, world: World, camila: Visitor) -> Contact:
    """Somebody of whom everything is known, with an answer, a follow-up, notes and messages."""
    raw = {
        "name": "Zulmira Quintanilha",
        "email": "zulmira@quintanilha.example",
        "phone": "31 98888-4417",
        "external_id": "segredo-7",
        "attributes": {"obs": "segredo"},
        "source": "segredo",
    }
    contact, _ = contacts.upsert(runtime, camila, raw)
    with runtime.db.write() as session:
        return session.get_one(Contact, contact.id)


def tell_everything(runtime: Runtime, world: World, who: Visitor, person: Contact) -> str:
    file = io.BytesIO(b"id;nome\nsegredo-7;Zulmira Quintanilha Segredo\n")
    contact_imports.run(runtime, who, "a.csv", file, lawful_basis="consent", source="feira")
    with runtime.db.write() as session:
        workspace = session.get_one(Workspace, who.workspace_id)
    followup = opened(
        world, workspace, 3, contact=person, comment="segredo: a Quintanilha", attributes={"obs": "segredo"}
    )
    followups.claim(runtime, who, followup)
    followups.note(runtime, who, followup, "Liguei para Zulmira, segredo.")
    followups.reply(runtime, who, followup, "Zulmira, segredo.")
    with runtime.db.write() as session:
        answer = session.scalars(select(Answer).where(Answer.contact_id == person.id)).one()
        session.add(
            AnswerEdit(
                id=new_id(),
                answer_id=answer.id,
                score=2,
                band="detractor",
                comment="segredo",
                replaced_at=world.now,
            )
        )
        message = session.scalars(select(Message).where(Message.purpose == "invitation")).one()
        message.subject, message.detail = "Zulmira", "550 zulmira@quintanilha.example"
        session.add(
            SandboxCopy(
                message_id=message.id, subject="Zulmira", text="segredo", html="segredo", arrived_at=world.now
            )
        )
        session.add(
            Attempt(
                id=new_id(),
                message_id=message.id,
                number=1,
                started_at=world.now,
                detail="zulmira@quintanilha.example",
            )
        )
    return followup


def everything_stored(runtime: Runtime) -> str:
    with runtime.db.read() as session:
        tables = session.get_bind().dialect.get_table_names(session.connection())
        return "\n".join(
            str(row) for name in tables for row in session.execute(text(f'SELECT * FROM "{name}"'))
        )


def test_i11_nothing_of_the_person_is_left_in_any_table(
    runtime: Runtime, world: World, camila: Visitor, person: Contact
):
    tell_everything(runtime, world, camila, person)
    waits = io.BytesIO(b"nome;e-mail\nZulmira;zulmira@quintanilha.example\nZulmira;quintanilha\n")
    id = contact_imports.receive(runtime, camila, "a.csv", waits)
    contact_imports.choose_columns(runtime, camila, id, ["name", "email"])
    opt_outs.opt_out(runtime, camila, person.id, "console")
    opt_outs.opt_in(runtime, camila, person.id, "Zulmira, segredo, ligou.")
    assert all(secret in everything_stored(runtime) for secret in ("Quintanilha", "988884417", "segredo"))
    erasure.erase(runtime, camila, person.id)
    found = everything_stored(runtime)
    assert [secret for secret in SECRETS if secret in found] == []


@pytest.mark.on_both
def test_i11_nothing_of_the_person_is_left_in_the_files_of_sqlite(
    runtime: Runtime, world: World, camila: Visitor, person: Contact, database_url: str
):
    if not runtime.db.is_sqlite:
        pytest.skip("PostgreSQL's files are its server's; its tables are searched above")
    tell_everything(runtime, world, camila, person)
    erasure.erase(runtime, camila, person.id)
    file = Path(database_url.removeprefix("sqlite:///"))
    for each in file.parent.glob(f"{file.name}*"):
        stored = each.read_bytes()
        assert [secret for secret in SECRETS if secret.encode() in stored] == [], each.name


@pytest.mark.on_both
def test_i11_once_scrubbed_nothing_is_left_in_postgresqls_own_files(
    runtime: Runtime, world: World, camila: Visitor, person: Contact, request: pytest.FixtureRequest
):
    """A vacuum alone leaves bytes of dead rows in its pages until something is written over them."""
    if runtime.db.is_sqlite:
        pytest.skip("SQLite's files are searched above, without a scrub")
    tell_everything(runtime, world, camila, person)
    with runtime.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))  # as the server does by itself, some minutes after changes
    erasure.erase(runtime, camila, person.id)
    assert scrubbing.scrub_wholly(runtime) == []
    data = request.getfixturevalue("postgres").data
    with runtime.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))
        tables = "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relkind IN ('r', 't', 'i')"
        files = [data / name for name in connection.scalars(text(tables)).all() if name]
    stored = b"".join(each.read_bytes() for each in files if each.exists())
    assert [secret for secret in SECRETS if secret.encode() in stored] == []


def test_scores_and_asks_stay_counted_without_words(
    runtime: Runtime, world: World, camila: Visitor, person: Contact
):
    tell_everything(runtime, world, camila, person)
    erasure.erase(runtime, camila, person.id)
    with runtime.db.read() as session:
        answer = session.scalars(select(Answer)).one()
        assert (answer.score, answer.band, answer.comment, answer.attributes) == (3, "detractor", None, {})
        assert session.scalars(select(Invitation.state)).one() == "answered"
        assert session.scalars(select(Message.state).where(Message.purpose == "invitation")).one() == "sent"
        assert session.scalars(select(Token)).all() == []


def test_n01_what_is_queued_for_them_never_leaves(
    runtime: Runtime, world: World, camila: Visitor, person: Contact
):
    tell_everything(runtime, world, camila, person)
    with runtime.db.write() as session:
        claimed = session.scalars(select(Message).where(Message.purpose == "reply")).one()
        claimed.state, claimed.lease_token = "claimed", "x" * 26
    erasure.erase(runtime, camila, person.id)
    with runtime.db.read() as session:
        reply = session.scalars(select(Message).where(Message.purpose == "reply")).one()
        assert (reply.state, reply.reason, reply.lease_token) == ("cancelled", "erased", None)
        assert (reply.to_address, reply.body) == ("", None)


def test_n01_what_is_on_its_way_leaves_no_trace_of_them_when_it_ends(
    runtime: Runtime, world: World, camila: Visitor, person: Contact
):
    tell_everything(runtime, world, camila, person)
    with runtime.db.write() as session:
        message = session.scalars(select(Message).where(Message.purpose == "reply")).one()
        message.state, message.lease_token, message.lease_until = (
            "claimed",
            "x" * 26,
            world.now + timedelta(1),
        )
        session.flush()
        (leaving,) = departing.load(session, "x" * 26, world.now, 1)
        message.state = "attempting"
        session.add(Attempt(id=new_id(), message_id=message.id, number=1, started_at=world.now))
    erasure.erase(runtime, camila, person.id)
    refused = DeliveryError(
        "invalid_address", permanent=True, detail="550 zulmira@quintanilha.example: segredo"
    )
    copy = KeptCopy(subject="Zulmira", text="segredo", html="segredo")
    for outcome in (Receipt(provider_id="x", kept=copy), refused):
        with runtime.db.write() as session:
            session.execute(update(Message).where(Message.id == leaving.id).values(state="attempting"))
            outcomes.record(session, [(leaving, outcome)], "x" * 26, world.now, runtime.channels)
    found = everything_stored(runtime)
    assert [secret for secret in SECRETS if secret in found] == []


@pytest.mark.parametrize("kept", [{}, {"address_key": None}], ids=["keyed", "of before it was keyed"])
def test_what_they_wrote_and_nobody_has_placed_goes_as_well(
    runtime: Runtime, world: World, camila: Visitor, person: Contact, kept: dict[str, None]
):
    without_ninth_digit = "+553188884417"
    for channel, state in (("sms", "new"), ("whatsapp", "set_aside"), ("sms", "done")):
        event = Event("+551140028922", new_id(), Kind.TEXT, address=without_ninth_digit, text="segredo")
        with runtime.db.write() as session:
            id = inbound.keep(session, channel, event, world.now)
            session.execute(update(InboundEvent).where(InboundEvent.id == id).values(state=state, **kept))
    erasure.erase(runtime, camila, person.id)
    found = everything_stored(runtime)
    assert [secret for secret in (*SECRETS, "88884417") if secret in found] == []
    inbound.handle_new(runtime)
    with runtime.db.read() as session:
        assert set(session.scalars(select(InboundEvent.state))) == {"done"}


def test_n01_their_open_followups_end_and_keep_their_course(
    runtime: Runtime, world: World, camila: Visitor, person: Contact
):
    followup = tell_everything(runtime, world, camila, person)
    erasure.erase(runtime, camila, person.id)
    assert [(kind, words) for kind, _, words in events(runtime, followup)][1:] == [
        ("claimed", None),
        ("noted", None),
        ("replied", None),
        ("closed", None),
    ]
    with runtime.db.read() as session:
        assert session.get_one(FollowUp, followup).closed_at == world.now


def test_what_a_closure_says_of_them_goes_and_why_it_came_to_it_stays(
    runtime: Runtime, world: World, camila: Visitor, person: Contact
):
    followup = tell_everything(runtime, world, camila, person)
    followups.close(runtime, camila, followup, summary="Zulmira, segredo", root_cause="Demora")
    erasure.erase(runtime, camila, person.id)
    (closure,) = closures(runtime, followup)
    assert (closure.summary, closure.root_cause, closure.ask_again) == ("", "Demora", False)


def test_n02_an_erased_person_is_not_asked_again_when_they_come_back(
    runtime: Runtime, camila: Visitor, person: Contact
):
    erasure.erase(runtime, camila, person.id)
    for raw in ({"email": "Zulmira@Quintanilha.example"}, {"phone": "+55 31 8888-4417"}):
        back, created = contacts.upsert(runtime, camila, {**raw, "name": "Z"})
        assert created
        assert contacts.detail(runtime, camila, back.id).is_opted_out
    opt_outs.opt_in(runtime, camila, back.id, "They came back and asked for it.")
    assert not contacts.detail(runtime, camila, back.id).is_opted_out


def test_who_is_erased_is_unknown_from_then_on(runtime: Runtime, camila: Visitor, person: Contact):
    erasure.erase(runtime, camila, person.id)
    for act in (contacts.one, contacts.detail, erasure.erase):
        with pytest.raises(NotFound):
            act(runtime, camila, person.id)  # type: ignore[operator]
    assert contacts.find(runtime, camila).items == ()
    assert contacts.listing(runtime, camila).counts["all"] == 0


def test_somebody_without_an_address_is_erased_as_well(runtime: Runtime, camila: Visitor):
    id = contacts.create(runtime, camila, {"name": "Ana"})
    erasure.erase(runtime, camila, id)
    with pytest.raises(NotFound):
        contacts.one(runtime, camila, id)


@pytest.mark.on_both
@pytest.mark.parametrize("erased_first", [True, False])
@pytest.mark.parametrize("act", ["file", "upsert"])
def test_an_erasure_that_meets_an_import_or_an_upsert_is_whole(
    runtime: Runtime, camila: Visitor, person: Contact, act: str, erased_first: bool
):
    def write() -> None:
        if act == "upsert":
            contacts.upsert(runtime, camila, {"external_id": "segredo-7", "attributes": {"obs": "Zulmira"}})
            return
        file = io.BytesIO(b"id;nome;obs\nsegredo-7;Zulmira;Zulmira\n")
        with suppress(Conflict):  # where it is slow, its file is stopped before its columns are chosen
            contact_imports.run(runtime, camila, "a.csv", file, lawful_basis="consent", source="feira")

    acts = partial(erasure.erase, runtime, camila, person.id), write
    first, second = acts if erased_first else reversed(acts)
    begun: list[Thread] = []

    def meet(session: Session, *_: object) -> None:
        """As the first is about to write the person, the second comes."""
        if not begun and any(isinstance(each, Contact) for each in session.dirty):
            begun.append(Thread(target=second))
            begun[0].start()
            begun[0].join(0.5)

    happenings.listen(Session, "before_flush", meet)
    try:
        first()
        begun[0].join()
    finally:
        happenings.remove(Session, "before_flush", meet)
    with runtime.db.read() as session:
        left = session.get_one(Contact, person.id)
        assert (left.name, left.search_name, left.external_id, left.attributes) == ("", "", None, {})
        assert session.scalars(select(ImportPerson).where(ImportPerson.contact_id == person.id)).all() == []


def replay(runtime: Runtime, person: Contact) -> None:
    """The journal knows of an erasure of yesterday that this copy does not."""
    at = runtime.clock() - timedelta(days=1)
    with runtime.db.read() as session:
        name = address_keys.installation(session)
    assert runtime.db.journal is not None
    journal.write(runtime.db.journal, name, [journal.erased_line(person.id, person.workspace_id, at)])
    assert journal_replay.replay(runtime).erasures == 1


@pytest.mark.parametrize("by", ["hand", "journal"])
def test_i11_rows_that_an_import_does_not_take_go_though_it_runs_meanwhile(
    runtime: Runtime, camila: Visitor, person: Contact, by: str
):
    others = "".join(f"{number};Pessoa;p{number}@x.example\n" for number in range(1_000))
    wrong = "segredo-7;Zulmira;quintanilha\n"
    text = f"id;nome;e-mail\n{wrong}{others}{wrong}"
    id = contact_imports.receive(runtime, camila, "a.csv", io.BytesIO(text.encode()))
    run_until_idle(runtime)
    contact_imports.choose_columns(runtime, camila, id, ["external_id", "name", "email"])
    run_until_idle(runtime)
    contact_imports.begin(runtime, camila, id, lawful_basis="consent", source="feira")
    left: list[int] = []

    def rejects() -> int:
        with runtime.db.read() as session:
            return session.scalar(select(func.count()).select_from(ImportReject)) or 0

    def reach(point: str) -> None:
        """Once the first rows have been taken, whom they are about is erased."""
        if point == "import_chunk" and not left:
            left.append(rejects())
            if by == "hand":
                erasure.erase(runtime, camila, person.id)
            else:
                replay(runtime, person)
            left.append(rejects())

    import_jobs.finish(replace(runtime, reach=reach), id)
    page = import_pages.page(runtime, camila, id)
    assert (page.state, page.counts["refused"]) == ("done", 2)
    assert left == [3, 0], "two of the dry run, one of the import"
    assert rejects() == 0


def test_i11_an_import_that_is_stopped_after_an_erasure_keeps_no_row_and_does_not_go_on(
    runtime: Runtime, camila: Visitor, person: Contact, clock: Clock
):
    others = "".join(f"{number};Pessoa;p{number}@x.example\n" for number in range(1_000))
    text = f"id;nome;e-mail\nsegredo-8;Zulmira;quintanilha\n{others}segredo-7;Zulmira;\n"
    id = contact_imports.receive(runtime, camila, "a.csv", io.BytesIO(text.encode()))
    run_until_idle(runtime)
    contact_imports.choose_columns(runtime, camila, id, ["external_id", "name", "email"])
    run_until_idle(runtime)
    contact_imports.begin(runtime, camila, id, lawful_basis="consent", source="feira")
    clock.advance(seconds=1)

    def reach(point: str) -> None:
        if point == "import_chunk":
            erasure.erase(runtime, camila, person.id)
            contact_imports.stop(runtime, camila, id)

    import_jobs.finish(replace(runtime, reach=reach), id)
    assert import_pages.page(runtime, camila, id).state == "stopped"
    assert import_pages.page(runtime, camila, id).is_rest_gone
    with pytest.raises(Conflict):
        contact_imports.go_on(runtime, camila, id)
    import_jobs.clear_away(runtime)
    with runtime.db.read() as session:
        for model in (ImportPart, ImportReject):
            assert session.scalars(select(model)).all() == []


@pytest.mark.on_both
def test_i11_a_file_that_is_being_read_leaves_nothing_behind(
    runtime: Runtime, camila: Visitor, person: Contact
):
    id = contact_imports.receive(runtime, camila, "a.csv", io.BytesIO(b"nome\nZulmira\n"))
    until = runtime.clock() + timedelta(hours=1)
    with runtime.db.write() as session:
        reading = update(ContactImport).where(ContactImport.id == id)
        session.execute(reading.values(state="reading", lease_token="x" * 26, lease_until=until))
    held = import_work.Held(id, camila.workspace_id, "csv", "reading", "x" * 26)
    readers: list[Thread] = []

    def read() -> None:
        with suppress(import_work.Lost), runtime.db.write() as session:
            import_work.own(session, runtime, held)
            session.add(ImportPart(import_id=id, kind="rows", number=7, content=b"Zulmira"))

    def meet(_: object, __: object, statement: str, *___: object) -> None:
        if not readers and statement.startswith("UPDATE audit_rows"):  # after the files
            readers.append(Thread(target=read))
            readers[0].start()
            readers[0].join(0.5)

    happenings.listen(runtime.db.engine, "after_cursor_execute", meet)
    try:
        erasure.erase(runtime, camila, person.id)
        readers[0].join()
    finally:
        happenings.remove(runtime.db.engine, "after_cursor_execute", meet)
    with runtime.db.read() as session:
        assert session.scalars(select(ImportPart)).all() == []


def test_another_workspaces_person_cannot_be_erased(runtime: Runtime, world: World, person: Contact):
    stranger = world.member(world.workspace(), Role.OWNER)
    with pytest.raises(NotFound):
        erasure.erase(runtime, stranger, person.id)


def test_i16_in_an_open_pulse_their_box_goes_and_the_others_stay(runtime: Runtime, world: World):
    pulse = open_pulse(world, 6)
    for number in range(6):
        pulse.answer(number, 9)
    erasure.erase(runtime, world.member(pulse.workspace, Role.OWNER), pulse.contacts[0].id)
    with runtime.db.read() as session:
        boxes = set(session.scalars(select(SealedAnswer.invitation_id)))
    assert boxes == {each.id for each in pulse.invitations[1:]}


def test_i16_in_a_closed_pulse_nothing_is_found_and_every_total_stays(runtime: Runtime, world: World):
    pulse = open_pulse(world, 6)
    for number in range(6):
        pulse.answer(number, number + 4)
    owner = world.member(pulse.workspace, Role.OWNER)
    close_pulse(runtime, owner, pulse.pulse.id)

    def kept() -> list[int]:
        with runtime.db.read() as session:
            return sorted(session.scalars(select(PulseScore.score)))

    before = kept()
    erasure.erase(runtime, owner, pulse.contacts[0].id)
    assert kept() == before == [4, 5, 6, 7, 8, 9]


def test_what_was_said_of_their_opt_in_goes_from_every_row_that_it_lifted(
    runtime: Runtime, world: World, camila: Visitor, person: Contact
):
    """Also from one that came with an address alone, which they have no more, and from a namesake's."""
    shared = {"external_id": "2", "email": "zulmira@quintanilha.example"}
    other, _ = contacts.upsert(runtime, camila, shared)
    opt_outs.opt_out(runtime, camila, other.id, "console")
    with runtime.db.write() as session:
        for key in (person.email_key, person.phone_key):
            row = OptOut(
                id=new_id(), workspace_id=camila.workspace_id, address_key=key, kind="own_wish",
                origin="import", evidence="segredo", created_at=world.now,
            )  # fmt: skip
            session.add(row)
    opt_outs.opt_in(runtime, camila, person.id, "Zulmira, segredo, ligou.")
    contacts.edit(runtime, camila, person.id, {"phone": "31 97777-1234"}, person.revision)
    erasure.erase(runtime, camila, person.id)
    with runtime.db.read() as session:
        words = select(OptOut.evidence, OptOut.lifted_evidence)
        assert {word for row in session.execute(words) for word in row} == {None}


def test_whoever_copies_answers_by_what_changed_learns_that_the_words_are_gone(
    runtime: Runtime, world: World, camila: Visitor, person: Contact, clock: Clock
):
    tell_everything(runtime, world, camila, person)
    clock.advance(days=3)
    erasure.erase(runtime, camila, person.id)
    with runtime.db.read() as session:
        assert session.scalars(select(Answer.updated_at)).one() == clock.now


def test_no_followup_is_opened_for_somebody_who_was_erased(
    runtime: Runtime, camila: Visitor, person: Contact
):
    erasure.erase(runtime, camila, person.id)
    with pytest.raises(NotFound):
        followups.open_by_hand(runtime, camila, person.id)


@pytest.mark.on_both
def test_an_erasure_looks_everything_up(runtime: Runtime, world: World, camila: Visitor, person: Contact):
    """It holds SQLite's one pen: no table that grows with the house may be read from end to end."""
    if not runtime.db.is_sqlite:
        pytest.skip("of tables as small as these PostgreSQL reads everything; it has the same indexes")
    tell_everything(runtime, world, camila, person)
    with runtime.db.write() as session:  # whose links were tried, once
        theirs = session.get_one(Contact, person.id)
        theirs.telegram_chat_id, theirs.telegram_key = "4711", "k" * 64
        sender = Sender(id=new_id(), channel="telegram", identity="bot", created_at=world.now)
        session.add(sender)
        tried, others = f"connect:{sender.id}:4711", f"connect:{sender.id}:14711"
        session.add_all(RateWindow(key=key, window=1, count=1) for key in (tried, others))
    said: list[str] = []
    happenings.listen(runtime.db.engine, "checkout", lambda raw, *_: raw.set_trace_callback(said.append))
    erasure.erase(runtime, camila, person.id)
    asked = [each for each in dict.fromkeys(said) if each.startswith(("SELECT", "UPDATE", "DELETE"))]
    assert len(asked) > 30, "also those that go straight to the driver"
    found: dict[str, str] = {}
    with runtime.db.read() as session:
        raw = session.connection().connection.driver_connection
        assert raw is not None
        raw.set_trace_callback(None)
        for statement in asked:
            for *_, step in raw.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall():
                if step.startswith("SCAN"):
                    found[step] = statement
        assert session.scalars(select(RateWindow.key)).all() == [others]
    assert found == {}


@pytest.mark.on_both
def test_what_somebody_holds_is_scrubbed_later_and_keeps_nothing_else_waiting(
    runtime: Runtime, camila: Visitor, person: Contact, database_url: str
):
    if runtime.db.is_sqlite:
        with runtime.db.read() as reading:
            reading.execute(select(Contact.id)).all()
            hasty = replace(runtime, db=replace(runtime.db, busy_seconds=0.1))
            erasure.erase(hasty, camila, person.id)
            assert scrubbing.scrub(hasty) == 0, "somebody still reads an older moment"
    else:
        erasure.erase(runtime, camila, person.id)
        hasty = replace(runtime, db=open_database(database_url, busy_milliseconds=100))
        with runtime.db.write() as session:
            session.execute(text("LOCK TABLE answers IN SHARE MODE"))
            assert hasty.db.scrub("contacts", "answers", "messages") == ["answers"]
            assert scrubbing.scrub(hasty) == 0
        hasty.db.dispose()
    assert scrubbing.scrub(runtime) == 1
    assert scrubbing.scrub(runtime) == 0


@pytest.mark.on_both
def test_what_somebody_holds_after_other_clearing_is_scrubbed_by_the_job(runtime: Runtime):
    if not runtime.db.is_sqlite:
        pytest.skip("what somebody holds there is a table, and the test above holds one")
    with runtime.db.read() as reading:
        reading.execute(select(Contact.id)).all()
        with runtime.db.write() as session:
            session.add(Setting(name="newer", value="than what is read"))
        scrubbing.at_once(runtime, "import_parts")
    assert scrubbing.scrub(runtime) == 1
    scrubbing.at_once(runtime, "import_parts")
    assert scrubbing.scrub(runtime) == 0, "nobody held anything, so nothing is left to do"


def test_a_file_that_waits_says_why_it_is_gone(runtime: Runtime, camila: Visitor, person: Contact):
    id = contact_imports.receive(runtime, camila, "a.csv", io.BytesIO(b"nome\nZulmira\n"))
    run_until_idle(runtime)
    erasure.erase(runtime, camila, person.id)
    page = import_pages.page(runtime, camila, id)
    assert page.state == "stopped"
    assert "Somebody was erased" in str(page.problem)
