"""What bounced works again, by somebody's word; nobody's own wish is touched by it."""

import pytest

from app.domain.access import Role
from app.errors import Invalid, NotFound
from app.models import Contact, Workspace
from app.runtime import Runtime
from app.services import audit_log, bounces, contacts, opt_outs
from app.services.access import Visitor
from app.services.timeline_moments import OptedIn, OptedOut
from tests.world import World


@pytest.fixture
def place(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def bea(world: World, place: Workspace) -> Visitor:
    return world.member(place, Role.AGENT)


@pytest.fixture
def ana(world: World, place: Workspace) -> Contact:
    """Both of her addresses bounced."""
    ana = world.contact(place, phone="+5531988884417")
    bounce(world, place, ana.email_key, ana.phone_key)
    return ana


def bounce(world: World, place: Workspace, *keys: str | None) -> None:
    with world.runtime.db.write() as session:
        opt_outs.record(session, place.id, None, keys, kind="bounce", origin="provider", now=world.now)


def reasons(runtime: Runtime, who: Visitor, id: str) -> set[str | None]:
    return {each.reason for each in contacts.detail(runtime, who, id).askable}


def test_what_works_again_is_asked_again(runtime: Runtime, world: World, bea: Visitor, ana: Contact) -> None:
    assert reasons(runtime, bea, ana.id) == {"bounced"}
    assert contacts.detail(runtime, bea, ana.id).bounces == {"email": world.now, "sms": world.now}
    bounces.reachable_again(runtime, bea, ana.id, "email", "She wrote to us from it.")
    assert reasons(runtime, bea, ana.id) == {None}
    assert contacts.detail(runtime, bea, ana.id).bounces == {"sms": world.now}
    (lifted,) = [each for each in opt_outs.of(runtime, bea, ana.id) if each.lifted_at]
    assert lifted.evidence == "She wrote to us from it."
    deeds = audit_log.log(runtime, bea).page.items
    assert [each.action for each in deeds] == ["contact.reachable_again"]
    assert "She wrote" not in str(deeds)


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
def test_a_number_works_again_however_it_is_written_to(
    runtime: Runtime, bea: Visitor, ana: Contact, channel: str
) -> None:
    bounces.reachable_again(runtime, bea, ana.id, channel, "She called from it.")
    assert set(contacts.detail(runtime, bea, ana.id).bounces) == {"email"}


def test_it_lifts_no_wish_and_twice_is_harmless(runtime: Runtime, bea: Visitor, ana: Contact) -> None:
    opt_outs.opt_out(runtime, bea, ana.id, "console")
    for _ in range(2):
        bounces.reachable_again(runtime, bea, ana.id, "email", "She said so.")
    assert reasons(runtime, bea, ana.id) == {"opted_out"}
    deeds = [each.action for each in audit_log.log(runtime, bea).page.items]
    assert deeds == ["contact.reachable_again", "contact.opted_out"]


def test_without_an_address_there_is_nothing_to_lift(
    runtime: Runtime, world: World, place: Workspace, bea: Visitor
) -> None:
    bruno = world.contact(place, email=None)
    bounces.reachable_again(runtime, bea, bruno.id, "email", "He said so.")
    assert audit_log.log(runtime, bea).page.items == ()


def test_a_bounce_that_comes_after_it_holds(
    runtime: Runtime, world: World, place: Workspace, bea: Visitor, ana: Contact
) -> None:
    bounces.reachable_again(runtime, bea, ana.id, "email", "She said so.")
    bounce(world, place, ana.email_key)
    assert "email" in contacts.detail(runtime, bea, ana.id).bounces


def test_in_another_workspace_it_has_bounced_all_the_same(
    runtime: Runtime, world: World, bea: Visitor, ana: Contact
) -> None:
    other = world.workspace()
    same = world.contact(other, email=ana.email)
    bounce(world, other, same.email_key)
    outsider = world.member(other, Role.AGENT)
    bounces.reachable_again(runtime, bea, ana.id, "email", "She said so.")
    assert reasons(runtime, outsider, same.id) == {"bounced"}
    with pytest.raises(NotFound):
        bounces.reachable_again(runtime, outsider, ana.id, "email", "She said so.")


@pytest.mark.parametrize(
    ("channel", "evidence", "wrong"),
    [("email", " ", "evidence"), ("telegram", "x", "channel"), ("pigeon", "x", "channel")],
)
def test_it_needs_evidence_and_an_address_that_bounces(
    runtime: Runtime, bea: Visitor, ana: Contact, channel: str, evidence: str, wrong: str
) -> None:
    with pytest.raises(Invalid) as refused:
        bounces.reachable_again(runtime, bea, ana.id, channel, evidence)
    assert [each.field for each in refused.value.problems] == [wrong]
    assert set(contacts.detail(runtime, bea, ana.id).bounces) == {"email", "sms"}


def test_the_timeline_says_which_of_their_addresses_it_was(
    runtime: Runtime, world: World, place: Workspace, bea: Visitor
) -> None:
    ana = world.contact(place, phone="+5531988884417", telegram_chat_id="77")
    bounce(world, place, ana.email_key, ana.phone_key, ana.telegram_key)
    bounces.reachable_again(runtime, bea, ana.id, "sms", "She called from it.")
    moments = contacts.detail(runtime, bea, ana.id).moments.items
    told = {(each.kind, each.place) for each in moments if isinstance(each, OptedOut | OptedIn)}
    assert told == {*(("opted_out", each) for each in ("email", "phone", "telegram")), ("opted_in", "phone")}
