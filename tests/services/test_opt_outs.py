"""Opt-outs on both databases: they win everywhere, hold for the address, and only the person lifts them."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from app.domain.access import Role
from app.domain.eligibility import Verdict, may_ask
from app.domain.metrics import Metric
from app.errors import Invalid
from app.models import Contact, Invitation, Message, OptOut, Sender, Workspace, new_id
from app.runtime import Runtime
from app.services import asking_terms, contacts, departing, eligible, eligible_sql, erasure, opt_outs, wishes
from app.services.access import Visitor
from tests.services.loop import meeting
from tests.world import Clock, World

ANA = {"name": "Ana", "email": "ana@x.example", "phone": "31 98888-4417"}


@pytest.fixture
def bea(world: World) -> Visitor:
    return world.member(world.workspace(), Role.AGENT)


def why_not(runtime: Runtime, contact_id: str) -> str | None:
    with runtime.db.read() as session:
        stands = select(opt_outs.is_opted_out(), opt_outs.is_bounced(), opt_outs.is_bounced("sms"))
        out, *bounced = session.execute(stands.where(Contact.id == contact_id)).one()
        return "opted_out" if out else ("bounced" if any(bounced) else None)


def in_sql(runtime: Runtime) -> set[str]:
    with runtime.db.read() as session:
        return set(session.scalars(select(Contact.id).where(opt_outs.is_opted_out())))


def rows(runtime: Runtime) -> int:
    with runtime.db.read() as session:
        return len(session.scalars(select(OptOut.id)).all())


def message_of(runtime: Runtime, invitation: Invitation) -> str:
    with runtime.db.read() as session:
        return session.scalars(select(Message.id).where(Message.invitation_id == invitation.id)).one()


def asked(world: World, workspace: Workspace, **values: object) -> tuple[Contact, Invitation]:
    contact = world.contact(workspace, **values)
    return contact, world.invitation(workspace, world.survey(workspace), contact)


def leave(runtime: Runtime, invitation: Invitation) -> None:
    id = message_of(runtime, invitation)
    with runtime.db.write() as session:
        wishes.opt_out_by_message(session, id, "unsubscribe", runtime.clock())


def test_an_opt_out_holds_for_the_person_and_each_of_their_addresses(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, {**ANA, "external_id": "1"})
    assert why_not(runtime, id) is None
    opt_outs.opt_out(runtime, bea, id, "console")
    assert why_not(runtime, id) == "opted_out"
    assert in_sql(runtime) == {id}
    same_mailbox = contacts.create(
        runtime, bea, {"name": "Ana 2", "email": "ANA@x.example", "external_id": "2"}
    )
    assert why_not(runtime, same_mailbox) == "opted_out"


def test_it_follows_the_person_to_a_new_address(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    opt_outs.opt_out(runtime, bea, id, "console")
    contacts.edit(runtime, bea, id, {"email": "new@x.example", "phone": ""})
    assert why_not(runtime, id) == "opted_out"


def test_somebody_without_addresses_opts_out_as_well(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, {"name": "Ana"})
    opt_outs.opt_out(runtime, bea, id, "api")
    assert why_not(runtime, id) == "opted_out"
    assert in_sql(runtime) == {id}


def test_saying_it_twice_leaves_one_opt_out(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    opt_outs.opt_out(runtime, bea, id, "console")
    opt_outs.opt_out(runtime, bea, id, "console")
    assert rows(runtime) == 2  # one for each address
    assert len(contacts.detail(runtime, bea, id).opt_outs) == 1


def test_only_the_persons_own_word_with_evidence_lifts_it(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    opt_outs.opt_out(runtime, bea, id, "console")
    for nothing in ("", "  \n ", "x" * 501, "\x00"):
        with pytest.raises(Invalid):
            opt_outs.opt_in(runtime, bea, id, nothing)
    opt_outs.opt_in(runtime, bea, id, "Called on 16 November and asked for it.")
    assert why_not(runtime, id) is None
    (standing,) = contacts.detail(runtime, bea, id).opt_outs
    assert standing.lifted_at is not None and standing.evidence == "Called on 16 November and asked for it."


def test_an_opt_in_lifts_neither_a_bounce_nor_a_legal_block(runtime: Runtime, world: World, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    with runtime.db.write() as session:
        row = session.get_one(Contact, id)
        for kind, key in (("bounce", row.email_key), ("legal", row.phone_key)):
            opt_outs.record(session, row.workspace_id, id, [key], kind=kind, origin="provider", now=world.now)
    opt_outs.opt_in(runtime, bea, id, "They said so.")
    assert why_not(runtime, id) == "opted_out"
    assert {each.kind for each in contacts.detail(runtime, bea, id).opt_outs if each.lifted_at is None} == {
        "bounce",
        "legal",
    }


def test_a_bounce_stops_its_own_address_only(runtime: Runtime, world: World, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    with runtime.db.write() as session:
        row = session.get_one(Contact, id)
        email_key = row.email_key
        opt_outs.record(
            session, row.workspace_id, id, [email_key], kind="bounce", origin="smtp", now=world.now
        )
    with runtime.db.read() as session:
        stands = select(opt_outs.is_bounced(), opt_outs.is_bounced("sms"))
        assert session.execute(stands.where(Contact.id == id)).one() == (True, False)
    assert in_sql(runtime) == set()
    assert not contacts.detail(runtime, bea, id).is_opted_out


def test_by_message_it_holds_in_every_workspace_that_wrote_there(runtime: Runtime, world: World):
    here, there, elsewhere = world.workspace(), world.workspace(), world.workspace()
    ana, invitation = asked(world, here, email="ana@x.example")
    ana_there, _ = asked(world, there, email="ana@x.example")
    namesake, _ = asked(world, there, email="bia@x.example")
    never_asked = world.contact(elsewhere, email="ana@x.example")
    leave(runtime, invitation)
    leave(runtime, invitation)
    assert in_sql(runtime) == {ana.id, ana_there.id}
    assert why_not(runtime, never_asked.id) is None and why_not(runtime, namesake.id) is None
    assert rows(runtime) == 2


def test_by_message_another_senders_workspace_is_left_alone(runtime: Runtime, world: World):
    here, there = world.workspace(), world.workspace()
    _, invitation = asked(world, here, email="ana@x.example")
    ana_there, asked_there = asked(world, there, email="ana@x.example")
    there_id = message_of(runtime, asked_there)
    with runtime.db.write() as session:
        sender = Sender(id=new_id(), channel="email", identity="hr@x.example", created_at=world.now)
        session.add(sender)
        session.flush()
        session.get_one(Message, there_id).sender_id = sender.id
    leave(runtime, invitation)
    assert why_not(runtime, ana_there.id) is None


def test_an_opt_out_of_one_workspace_by_hand_is_not_another_ones(
    runtime: Runtime, world: World, bea: Visitor
):
    other = world.member(world.workspace(), Role.AGENT)
    here, there = (contacts.create(runtime, who, ANA) for who in (bea, other))
    opt_outs.opt_out(runtime, bea, here, "console")
    assert why_not(runtime, there) is None


def test_one_persons_yes_is_nobody_elses_at_the_same_address(
    runtime: Runtime, bea: Visitor, clock: Clock
) -> None:
    """And its words go with them, though what they lifted was somebody else's."""
    ana, bia = (
        contacts.create(runtime, bea, {"external_id": each, "email": "casa@x.example"})
        for each in ("Ana", "Bia")
    )
    opt_outs.opt_out(runtime, bea, ana, "console", evidence="Ana wrote it.")
    said = opt_outs.of(runtime, bea, ana)
    clock.advance(days=1)
    opt_outs.opt_in(runtime, bea, bia, "Bia, by name, phoned.")
    assert (why_not(runtime, ana), why_not(runtime, bia)) == ("opted_out", None)
    assert [replace(each, id="") for each in opt_outs.of(runtime, bea, ana) if not each.is_anothers] == [
        replace(each, id="") for each in said
    ], "it reads as it did: she said nothing since"
    assert [(each.proof, each.evidence) for each in opt_outs.of(runtime, bea, bia)] == [
        (None, "Bia, by name, phoned.")
    ]
    contacts.edit(runtime, bea, bia, {"email": "bia@y.example"})
    erasure.erase(runtime, bea, bia)
    with runtime.db.read() as session:
        words = {
            word for row in session.execute(select(OptOut.evidence, OptOut.lifted_evidence)) for word in row
        }
    assert words == {None, "Ana wrote it."}
    opt_outs.opt_in(runtime, bea, ana, "Ana phoned as well.")
    assert why_not(runtime, ana) is None


@pytest.mark.judged_on("postgresql")
def test_two_who_say_yes_at_one_moment_at_one_address_are_both_heard(runtime: Runtime, bea: Visitor) -> None:
    """The second waits for what the first ends, and finds what the first has left to them."""
    ana, bia = (
        contacts.create(runtime, bea, {"external_id": each, "email": "casa@x.example"})
        for each in ("Ana", "Bia")
    )
    for id in (ana, bia):
        opt_outs.opt_out(runtime, bea, id, "console")
    first, second = (
        partial(opt_outs.opt_in, runtime, bea, id, f"{name} phoned.")
        for id, name in ((ana, "Ana"), (bia, "Bia"))
    )
    meeting(runtime, first, second, at="UPDATE opt_outs")
    assert (why_not(runtime, ana), why_not(runtime, bia)) == (None, None)
    assert [each.evidence for each in opt_outs.of(runtime, bea, bia) if each.by_person] == ["Bia phoned."]


def verdict(runtime: Runtime, workspace_id: str, id: str, *channels: str) -> Verdict:
    with runtime.db.read() as session:
        ask = asking_terms.asking(session, runtime, workspace_id, Metric.NPS, channels=channels)
        facts = eligible.facts(session, ask, id)
        people = eligible.audience(workspace_id).where(Contact.id == id)
        told = session.execute(eligible_sql.judged(ask, people)).one()
        found = may_ask(facts, ask.rest, ask.now)
    assert told[1] == found.reason, "a preview says the same"
    return found


def test_n05_what_is_withdrawn_on_one_channel_holds_there_alone_with_its_proof(
    runtime: Runtime, bea: Visitor
):
    id = contacts.create(runtime, bea, ANA)
    opt_outs.opt_out(
        runtime, bea, id, "console", channel="email", evidence="Said so on the phone, 16 November."
    )
    assert verdict(runtime, bea.workspace_id, id, "email").reason == "opted_out"
    assert verdict(runtime, bea.workspace_id, id, "email", "sms").channel == "sms"
    assert not contacts.detail(runtime, bea, id).is_opted_out
    (standing, *_) = opt_outs.of(runtime, bea, id)
    assert (standing.channel, standing.proof) == ("email", "Said so on the phone, 16 November.")
    opt_outs.opt_in(runtime, bea, id, "Changed her mind.")
    assert verdict(runtime, bea.workspace_id, id, "email").reason is None


def test_n05_it_holds_just_before_the_message_leaves(runtime: Runtime, world: World, bea: Visitor):
    with runtime.db.read() as session:
        workspace = session.get_one(Workspace, bea.workspace_id)
    for channel, refusal in (("sms", None), ("email", "opted_out")):
        contact, invitation = asked(world, workspace)
        opt_outs.opt_out(runtime, bea, contact.id, "api", channel=channel)
        with runtime.db.write() as session:
            message = session.get_one(Message, message_of(runtime, invitation))
            message.state, message.lease_token = "claimed", "y" * 26
            message.lease_until = world.now + timedelta(minutes=1)
            session.get_one(Invitation, invitation.id).state = "queued"
            session.flush()
            (leaving,) = departing.load(session, "y" * 26, world.now, 1)
            message.state = "sent"
        assert leaving.refusal(world.now) == refusal


def test_an_unknown_channel_is_refused(runtime: Runtime, bea: Visitor):
    id = contacts.create(runtime, bea, ANA)
    with pytest.raises(Invalid, match="not a channel"):
        opt_outs.opt_out(runtime, bea, id, "api", channel="pigeon")
