"""Whoever calls what we sent spam: kept once, not asked there again, and forgotten like the rest of them."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from app.channels.base import Event, Kind
from app.domain.access import Role
from app.errors import Invalid, NotFound, Refusal
from app.models import Complaint, Contact, Invitation, Message, OptOut, Sender, Workspace, new_id
from app.runtime import Runtime
from app.services import (
    audit_log,
    backup,
    complaints,
    contacts,
    erasure,
    inbound,
    migrating,
    opt_outs,
    person_export,
    sandbox_clearing,
    timeline,
)
from app.services.access import Visitor
from app.services.complained_about import Named
from app.services.complaints import Told
from app.services.pulse_closing import close_pulse
from tests.pulse_world import PulseWorld, open_pulse
from tests.reports import headers, report_about
from tests.world import Clock, World, token_of

PHONE = "+5531988884417"
Tell = Callable[..., tuple[str, bool]]


@pytest.fixture
def place(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def bea(world: World, place: Workspace) -> Visitor:
    return world.member(place, Role.MANAGER)


@pytest.fixture
def ana(world: World, place: Workspace) -> Contact:
    return world.contact(place, email="ana@x.example", phone=PHONE)


@pytest.fixture
def asked(world: World, place: Workspace, ana: Contact) -> Invitation:
    return world.invitation(place, world.survey(place), ana)


@pytest.fixture
def tell(runtime: Runtime, bea: Visitor) -> Tell:
    def tells(channel: str = "email", source: str = "api", who: Visitor = bea, **given: object):
        names = ("message_id", "provider_id", "address", "contact_id")
        named = Named(channel, **{name: given.pop(name) for name in names if name in given})  # type: ignore[arg-type]
        return complaints.record(runtime, who, Told(named, source, **given))  # type: ignore[arg-type]

    return tells


def message_of(runtime: Runtime, invitation: Invitation) -> Message:
    with runtime.db.read() as session:
        return session.scalars(select(Message).where(Message.invitation_id == invitation.id)).one()


def stands(runtime: Runtime) -> set[tuple[str, str | None, str, str | None]]:
    with runtime.db.read() as session:
        rows = session.scalars(select(OptOut).where(OptOut.lifted_at.is_(None)))
        return {(each.workspace_id, each.contact_id, each.kind, each.channel) for each in rows}


def number(runtime: Runtime) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count(Complaint.id))) or 0


def unwanted(runtime: Runtime, contact: Contact, channel: str) -> bool:
    with runtime.db.read() as session:
        query = select(opt_outs.is_opted_out(channel)).where(Contact.id == contact.id)
        return bool(session.scalar(query))


def test_it_is_known_by_our_id_the_providers_or_the_address(
    runtime: Runtime, world: World, tell: Tell, ana: Contact, asked: Invitation
) -> None:
    message = message_of(runtime, asked)
    with runtime.db.write() as session:
        sender = Sender(id=new_id(), channel="email", identity="a@x.example", created_at=world.now)
        session.add(sender)
        session.flush()
        session.execute(update(Message).values(sender_id=sender.id, provider_id="4F2A1"))
    first = tell(message_id=f"<{message.id}@aroeira.example>")
    assert first[1]
    for again in (
        {"message_id": message.id},
        {"provider_id": "4F2A1"},
        {"address": "ANA@x.example"},
        {"contact_id": ana.id, "source": "console", "evidence": "Said so."},
    ):
        assert tell(**again) == (first[0], False), again
    assert number(runtime) == 1
    assert stands(runtime) == {(ana.workspace_id, ana.id, "complaint", "email")}


def test_told_twice_by_the_same_id_it_is_one(runtime: Runtime, tell: Tell, asked: Invitation) -> None:
    id, _ = tell(address="ana@x.example", id="feedback-7")
    assert tell(address="ana@x.example", id="feedback-7") == (id, False)
    assert tell(address="ana@x.example", id="feedback-8") == (id, False), "it is about the same message"
    assert number(runtime) == 1


def test_they_are_not_asked_there_again_and_elsewhere_they_may(
    runtime: Runtime, bea: Visitor, tell: Tell, ana: Contact, asked: Invitation
) -> None:
    tell(address="ana@x.example", evidence="Feedback loop, 16 November.")
    assert unwanted(runtime, ana, "email")
    assert not unwanted(runtime, ana, "sms")
    found = contacts.detail(runtime, bea, ana.id)
    assert not found.is_opted_out
    assert found.may_opt_in
    (standing,) = found.opt_outs
    assert (standing.kind, standing.channel, standing.proof) == (
        "complaint",
        "email",
        "Feedback loop, 16 November.",
    )
    assert [each.kind for each in timeline.timeline(runtime, bea, ana.id).items].count("opted_out") == 1
    (deed,) = audit_log.log(runtime, bea).page.items
    assert deed.action == "contact.complained"
    assert "x.example" not in str(deed)


def test_the_ask_stays_asked_and_one_in_doubt_did_arrive(
    runtime: Runtime, tell: Tell, asked: Invitation
) -> None:
    with runtime.db.write() as session:
        session.execute(update(Message).values(state="unknown", sent_at=None))
        session.execute(update(Invitation).values(state="unknown"))
    tell(address="ana@x.example")
    with runtime.db.read() as session:
        assert session.scalars(select(Invitation.state)).all() == ["delivered"]
        assert session.scalars(select(Message.state)).all() == ["delivered"]


def test_it_is_about_the_newest_message_there_before_the_complaint(
    runtime: Runtime,
    world: World,
    clock: Clock,
    tell: Tell,
    place: Workspace,
    ana: Contact,
    asked: Invitation,
) -> None:
    clock.advance(days=20)
    later = world.invitation(place, world.survey(place), ana)
    clock.advance(days=1)
    id, _ = tell(address="ana@x.example", at=clock.now - timedelta(days=10))
    other, is_new = tell(address="ana@x.example")
    assert is_new
    with runtime.db.read() as session:
        about = {row.id: row.message_id for row in session.scalars(select(Complaint))}
    assert about == {id: message_of(runtime, asked).id, other: message_of(runtime, later).id}


def test_without_a_message_it_is_kept_about_the_person(
    runtime: Runtime, clock: Clock, tell: Tell, ana: Contact, asked: Invitation
) -> None:
    clock.advance(days=61)
    id, is_new = tell(address="ana@x.example")
    assert is_new
    assert tell(address="ana@x.example") == (id, False)
    with runtime.db.read() as session:
        row = session.get_one(Complaint, id)
        assert (row.contact_id, row.message_id, row.occurrence_id) == (ana.id, None, None)
    assert unwanted(runtime, ana, "email")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "message_id"),
        ({"message_id": "x" * 26}, "message_id"),
        ({"message_id": "\0"}, "message_id"),
        ({"provider_id": "\ud800"}, "provider_id"),
        ({"address": "a\0@x.example"}, "address"),
        ({"address": "ana@x.example", "id": "a\nb"}, "external_id"),
        ({"provider_id": "SM1"}, "provider_id"),
        ({"address": "nobody@x.example"}, "address"),
        ({"address": "no address"}, "address"),
        ({"address": "31 98888-4417", "channel": "sms"}, "address"),
        ({"address": "a@x.example", "channel": "pigeon"}, "channel"),
        ({"address": "ana@x.example", "id": "x" * 201}, "external_id"),
        ({"address": "ana@x.example", "evidence": "x" * 501}, "evidence"),
        ({"contact_id": "ana", "source": "console"}, "evidence"),
    ],
)
def test_what_names_nothing_is_refused_and_leaves_nothing(
    runtime: Runtime, tell: Tell, ana: Contact, given: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        tell(**given)
    assert [each.field for each in refused.value.problems] == [field]
    assert (number(runtime), stands(runtime)) == (0, set())


def test_a_moment_to_come_is_refused(tell: Tell, clock: Clock, ana: Contact) -> None:
    with pytest.raises(Invalid):
        tell(address="ana@x.example", at=clock.now + timedelta(hours=1))


def test_another_workspaces_people_and_messages_are_unknown(
    runtime: Runtime, world: World, tell: Tell, ana: Contact, asked: Invitation
) -> None:
    stranger = world.member(world.workspace(), Role.OWNER)
    for given in (
        {"message_id": message_of(runtime, asked).id},
        {"address": "ana@x.example"},
    ):
        with pytest.raises(Invalid):
            tell(who=stranger, **given)
    with pytest.raises(NotFound):
        tell(who=stranger, contact_id=ana.id, source="console", evidence="x")
    assert number(runtime) == 0
    id, _ = tell(address="ana@x.example")
    with pytest.raises(NotFound):
        complaints.get(runtime, stranger, id)
    assert complaints.listed(runtime, stranger).items == ()


def test_a_key_speaks_for_its_own_workspace_alone(
    runtime: Runtime, world: World, tell: Tell, ana: Contact, asked: Invitation
) -> None:
    there = world.workspace()
    world.invitation(there, world.survey(there), world.contact(there, email="ana@x.example"))
    tell(address="ana@x.example")
    assert {place for place, *_ in stands(runtime)} == {ana.workspace_id}


def test_their_own_word_lifts_it(runtime: Runtime, bea: Visitor, tell: Tell, ana: Contact, asked: Invitation):
    tell(address="ana@x.example")
    opt_outs.opt_in(runtime, bea, ana.id, "Pressed it by mistake, she wrote.")
    assert not unwanted(runtime, ana, "email")
    tell(address="ana@x.example", id="the same, brought once more")
    assert not unwanted(runtime, ana, "email"), "what she took back does not come back by repetition"
    assert not tell(contact_id=ana.id, source="console", evidence="She phoned: it is spam.")[1]
    assert unwanted(runtime, ana, "email"), "she said it again, about the same message"
    (again,) = [each for each in opt_outs.of(runtime, bea, ana.id) if each.lifted_at is None]
    assert (again.kind, again.proof) == ("complaint", "She phoned: it is spam.")


def test_what_came_after_they_took_it_back_is_complained_of_anew(
    runtime: Runtime, world: World, bea: Visitor, tell: Tell, ana: Contact, asked: Invitation, clock: Clock
) -> None:
    """A reminder of the same ask: its complaint is kept as one about the question."""
    first = tell(address="ana@x.example")
    clock.advance(days=1)
    opt_outs.opt_in(runtime, bea, ana.id, "Pressed it by mistake, she wrote.")
    clock.advance(days=1)
    reminder = world.message(asked, ana, purpose="reminder", state="sent", sent_at=clock.now)
    assert tell(message_id=reminder.id) == (first[0], False)
    assert unwanted(runtime, ana, "email")


def test_it_holds_for_the_person_and_for_whoever_comes_in_with_that_address(
    runtime: Runtime, bea: Visitor, tell: Tell, ana: Contact, asked: Invitation
) -> None:
    tell(address="ana@x.example")
    contacts.edit(runtime, bea, ana.id, {"email": "ana@y.example"})
    id = contacts.create(runtime, bea, {"name": "A.", "email": "Ana@x.example"})
    with runtime.db.read() as session:
        again = session.get_one(Contact, id)
    assert unwanted(runtime, again, "email")
    assert unwanted(runtime, ana, "email")


def test_it_outlives_yesterdays_copy(
    runtime: Runtime, tell: Tell, ana: Contact, asked: Invitation, tmp_path: Path
) -> None:
    backup.backup(runtime, tmp_path / "copy")
    tell(address="ana@x.example", evidence="Said so.")
    backup.restore(runtime, tmp_path / "copy", force=True)
    assert number(runtime) == 0
    assert unwanted(runtime, ana, "email")


def test_whoever_is_erased_stays_unasked_and_nothing_tells_who_it_was(
    runtime: Runtime, bea: Visitor, tell: Tell, ana: Contact, asked: Invitation
) -> None:
    tell(address="ana@x.example", id="ana@x.example", evidence="Ana said so.")
    erasure.erase(runtime, bea, ana.id)
    with runtime.db.read() as session:
        (row,) = session.scalars(select(Complaint))
        left = " ".join(str(value) for value in vars(row).values())
        proofs = session.scalars(select(OptOut.evidence)).all()
    assert "ana@" not in left
    assert set(proofs) == {None}
    assert {kind for *_, kind, _ in stands(runtime)} == {"complaint", "erasure"}
    message_id = row.message_id
    assert tell(message_id=message_id) == (row.id, False)


def test_a_complaint_about_whoever_is_erased_already_counts_and_names_nobody(
    runtime: Runtime, bea: Visitor, tell: Tell, ana: Contact, asked: Invitation
) -> None:
    erasure.erase(runtime, bea, ana.id)
    id, is_new = tell(message_id=message_of(runtime, asked).id, id="ana@x.example")
    assert is_new
    with runtime.db.read() as session:
        assert session.get_one(Complaint, id).name == id
    assert {kind for *_, kind, _ in stands(runtime)} == {"erasure"}


def test_their_file_has_it(runtime: Runtime, bea: Visitor, tell: Tell, ana: Contact, asked: Invitation):
    tell(address="ana@x.example", evidence="Feedback loop.")
    file = json.loads(person_export.export(runtime, bea, ana.id))
    (shown,) = file["complaints"]
    assert (shown["channel"], shown["source"]) == ("email", "api")
    assert [each["proof"] for each in file["opt_outs"]] == ["Feedback loop."]


def test_clearing_the_sandbox_takes_it_along_and_leaves_the_wish(
    runtime: Runtime, tell: Tell, ana: Contact, asked: Invitation
) -> None:
    with runtime.db.write() as session:
        session.execute(update(Invitation).values(sandbox=True))
    tell(address="ana@x.example")
    sandbox_clearing.clear(runtime)
    assert number(runtime) == 0
    assert unwanted(runtime, ana, "email")


def test_whoever_goes_back_to_the_version_before_asks_nobody_who_complained(
    runtime: Runtime, tell: Tell, ana: Contact, asked: Invitation
) -> None:
    tell(address="ana@x.example")
    migrating.downgrade(runtime.db, "0021")
    with runtime.db.read() as session:
        assert session.scalars(select(OptOut.kind)).all() == ["own_wish"]
    migrating.upgrade(runtime.db)
    assert unwanted(runtime, ana, "email")


# ---- by mail


@pytest.mark.parametrize("told_before", [False, True])
def test_a_report_holds_wherever_its_sender_wrote_to_that_address(
    runtime: Runtime,
    world: World,
    bea: Visitor,
    tell: Tell,
    ana: Contact,
    asked: Invitation,
    told_before: bool,
) -> None:
    """Also where somebody has told it for their own workspace already."""
    there, elsewhere = world.workspace(), world.workspace()
    world.invitation(there, world.survey(there), world.contact(there, email="ana@x.example"))
    world.contact(elsewhere, email="ana@x.example")
    raw = report_about(headers(message_of(runtime, asked).id))
    if told_before:
        tell(address="ana@x.example")
    assert complaints.report(runtime, raw) != told_before
    assert not complaints.report(runtime, raw)
    assert {(place, channel) for place, _, _, channel in stands(runtime)} == {
        (ana.workspace_id, "email"),
        (there.id, "email"),
    }
    noted = [each.action for each in audit_log.log(runtime, bea).page.items]
    assert noted == ["contact.complained"] * (1 + told_before), "whatever silences somebody is noted"


@pytest.mark.on_both
def test_the_same_report_once_more_silences_nobody_who_took_it_back_since(
    runtime: Runtime, bea: Visitor, tell: Tell, ana: Contact, asked: Invitation, clock: Clock
) -> None:
    """The API told it before the report did: what holds wider from then on is known from then on."""
    report = report_about(headers(message_of(runtime, asked).id))
    tell(address="ana@x.example")
    complaints.report(runtime, report)
    clock.advance(days=1)
    opt_outs.opt_in(runtime, bea, ana.id, "She wrote: it was a mistake, please go on.")
    clock.advance(days=1)
    complaints.report(runtime, report)
    assert not unwanted(runtime, ana, "email")


def test_a_report_is_believed_by_the_way_out_in_it(runtime: Runtime, asked: Invitation) -> None:
    assert complaints.report(runtime, report_about(headers("", token_of(asked, "unsubscribe"))))
    assert {kind for *_, kind, _ in stands(runtime)} == {"complaint"}


def test_a26_a_forged_report_silences_nobody(
    runtime: Runtime, world: World, place: Workspace, ana: Contact, asked: Invitation
) -> None:
    """Anybody knows the victim's address, many know our domain, and a reader knows their own answer link."""
    waits = world.message(asked, ana, purpose="reminder")
    alert = world.message(asked, ana, purpose="alert", contact_id=None, state="sent")
    victim = f"From: x@aroeira.example\nTo: ana@x.example\nX-Contact: {ana.id}\n"
    forged = (
        headers(new_id(), new_id()),
        headers(asked.id),
        headers(ana.id),
        headers(waits.id),
        headers(alert.id),
        headers("", token_of(asked)),
        victim + "Message-ID: <ana@x.example>\n\n",
        victim + f"Message-ID: <{message_of_first(runtime, asked)[:-1]}@aroeira.example>\n\n",
    )
    for each in forged:
        with pytest.raises(Refusal):
            complaints.report(runtime, report_about(each))
    assert (number(runtime), stands(runtime)) == (0, set())


def message_of_first(runtime: Runtime, invitation: Invitation) -> str:
    mine = Message.invitation_id == invitation.id, Message.purpose == "invitation"
    with runtime.db.read() as session:
        return session.scalars(select(Message.id).where(*mine)).one()


# ---- from a provider


def blocked(runtime: Runtime, of: Message, *, complains: bool = True) -> None:
    event = Event(
        "+551140028922", f"{of.id}:failed", Kind.STATUS, message_id=of.id, state="failed", reason="blocked",
        permanent=True, complains=complains,
    )  # fmt: skip
    with runtime.db.write() as session:
        assert inbound.keep(session, of.channel, event, runtime.clock())
    inbound.handle_new(runtime)


def by_whatsapp(world: World, place: Workspace, ana: Contact) -> Message:
    told = {"channel": "whatsapp", "address_key": ana.phone_key, "to_address": PHONE}
    ask = world.invitation(
        place, world.survey(place), ana, told, channel="whatsapp", address_key=ana.phone_key
    )
    return message_of(world.runtime, ask)


def test_whoever_blocks_us_on_whatsapp_complains_of_what_came_before(
    runtime: Runtime, world: World, clock: Clock, place: Workspace, ana: Contact
) -> None:
    before = by_whatsapp(world, place, ana)
    clock.advance(days=7)
    blocked(runtime, by_whatsapp(world, place, ana))
    with runtime.db.read() as session:
        (row,) = session.scalars(select(Complaint))
        kinds = set(session.scalars(select(OptOut.kind)))
    assert (row.message_id, row.source, row.channel) == (before.id, "provider", "whatsapp")
    assert kinds == {"complaint", "bounce"}
    assert unwanted(runtime, ana, "whatsapp")
    assert not unwanted(runtime, ana, "sms")


def test_whoever_blocked_us_before_anything_reached_them_complains_of_nothing(
    runtime: Runtime, world: World, place: Workspace, ana: Contact
) -> None:
    blocked(runtime, by_whatsapp(world, place, ana))
    assert number(runtime) == 0


# ---- of a pulse


@pytest.fixture
def pulse(world: World) -> PulseWorld:
    """Six were asked; the first has answered, so the second alone is reminded."""
    pulse = open_pulse(world, 6)
    pulse.answer(0, 9)
    return pulse


def test_a_complaint_does_not_tell_who_was_silent_in_a_pulse(
    runtime: Runtime, world: World, clock: Clock, pulse: PulseWorld
) -> None:
    hr = world.member(pulse.workspace, Role.OWNER)
    originals = [message_of(runtime, each).id for each in pulse.invitations]
    clock.advance(days=3, minutes=5)
    reminder = pulse.remind(1)
    clock.advance(minutes=5)
    for id in (originals[0], reminder.id):
        complaints.record(runtime, hr, Told(Named("email", message_id=id), "api"))
    complaints.report(runtime, report_about(headers(originals[2])))
    with runtime.db.read() as session:
        rows = session.scalars(select(Complaint)).all()
        wishes = session.scalars(select(OptOut)).all()
    assert {row.message_id for row in rows} == set(originals[:3])
    assert {moment for row in rows for moment in (row.complained_at, row.recorded_at)} == {
        pulse.pulse.opened_at
    }
    assert {each.created_at for each in wishes} == {pulse.pulse.opened_at}
    noted = audit_log.log(runtime, hr).page.items
    assert [(each.action, each.subject_id) for each in noted] == [("contact.complained", None)] * 3
    close_pulse(runtime, hr, pulse.pulse.id)
    assert number(runtime) == 3


def test_a_reminder_that_finds_itself_shut_out_leaves_no_complaint(
    runtime: Runtime, world: World, clock: Clock, pulse: PulseWorld
) -> None:
    with runtime.db.write() as session:
        session.execute(update(Message).values(address_key=pulse.contacts[1].email_key))
    clock.advance(days=3)
    reminder = pulse.remind(1)
    with runtime.db.write() as session:
        session.execute(update(Message).values(address_key=pulse.contacts[1].email_key))
    blocked(runtime, reminder)
    assert number(runtime) == 0


# ---- at once


@pytest.mark.on_both
def test_of_the_same_told_by_many_at_once_one_is_kept(
    runtime: Runtime, tell: Tell, asked: Invitation
) -> None:
    found: list[tuple[str, bool]] = []

    def one() -> None:
        found.append(tell(address="ana@x.example"))

    threads = [threading.Thread(target=one) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(is_new for _, is_new in found) == [False] * 5 + [True]
    assert len({id for id, _ in found}) == 1
    assert len(stands(runtime)) == 1
