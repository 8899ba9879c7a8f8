"""Two people whose addresses are swapped between planning and sending: each gets their own question, once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from app.channels.sandbox import Sandbox
from app.domain.access import Role
from app.models import Answer, Contact, Invitation, Message, Workspace
from app.runtime import Runtime
from app.services import contacts, departing, sending
from bots import handle
from tests.services.chat_person import Person
from tests.services.recurring import House
from tests.world import Clock, World

FIRST, SECOND, THIRD = "+5531988884417", "+5531988884418", "+5531988884419"


@pytest.fixture
def chats(runtime: Runtime) -> Runtime:
    pretend = Sandbox()
    return replace(runtime, channels=dict.fromkeys(("email", "sms", "telegram"), pretend), inbound=handle)


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def house(chats: Runtime, clock: Clock, workspace: Workspace) -> House:
    world = World(chats)
    return House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, name="Maria", phone=FIRST, email=None)


@pytest.fixture
def ana(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, name="Ana", phone=SECOND, email=None)


def moves(house: House, whose: Contact, phone: str) -> None:
    contacts.edit(house.runtime, house.who, whose.id, {"phone": phone})


def swap(house: House, one: Contact, other: Contact) -> None:
    moves(house, one, "")
    moves(house, other, FIRST)
    moves(house, one, SECOND)


def left(house: House) -> list[tuple[str, str | None]]:
    """Where each question went, and for whom."""
    query = select(Message.to_address, Message.contact_id).where(
        Message.purpose == "invitation", Message.state == "sent"
    )
    with house.runtime.db.read() as session:
        return sorted((address, contact_id) for address, contact_id in session.execute(query))


def reasons(house: House) -> dict[str, str | None]:
    with house.runtime.db.read() as session:
        return {row.contact_id: row.reason for row in session.scalars(select(Invitation))}


def test_both_are_asked_where_they_are_now_and_each_answer_is_their_own(
    house: House, maria: Contact, ana: Contact
) -> None:
    house.plans(repeat="once", channels=["sms"])
    house.tick()
    swap(house, maria, ana)
    assert sending.send_due(house.runtime) == 2
    assert left(house) == [(FIRST, ana.id), (SECOND, maria.id)]
    Person(house.runtime, "sms", FIRST).sends("9")
    Person(house.runtime, "sms", SECOND).sends("2")
    with house.runtime.db.read() as session:
        answers = {row.contact_id: row.score for row in session.scalars(select(Answer))}
    assert answers == {ana.id: 9, maria.id: 2}


def test_three_in_a_circle_are_all_asked(house: House, world: World, maria: Contact, ana: Contact) -> None:
    bea = world.contact(world.workspace_of(house.survey), name="Bea", phone=THIRD, email=None)
    house.plans(repeat="once", channels=["sms"])
    house.tick()
    moves(house, maria, "")
    moves(house, bea, FIRST)
    moves(house, ana, THIRD)
    moves(house, maria, SECOND)
    assert sending.send_due(house.runtime) == 3
    assert left(house) == [(FIRST, bea.id), (SECOND, maria.id), (THIRD, ana.id)]


def test_once_one_of_them_was_asked_nobody_is_at_that_address(
    house: House, maria: Contact, ana: Contact
) -> None:
    house.plans(repeat="once", channels=["sms"], terms={"per_hour": 1})
    house.tick()
    assert sending.send_due(house.runtime) == 1
    with house.runtime.db.read() as session:
        asked = session.scalars(select(Message.contact_id).where(Message.state == "sent")).one()
    first, other = (maria, ana) if asked == maria.id else (ana, maria)
    before = left(house)
    swap(house, maria, ana)
    house.clock.advance(hours=1)
    assert sending.send_due(house.runtime) == 0
    assert left(house) == before
    assert reasons(house) == {first.id: None, other.id: "resting"}


@pytest.mark.judged_on("postgresql")
def test_a_worker_who_still_knows_the_old_address_and_one_who_knows_the_new_ask_there_once(
    house: House, maria: Contact, ana: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    if house.runtime.db.is_sqlite:
        pytest.skip("SQLite has one writer: nobody swaps while a worker looks")
    monkeypatch.setattr(sending, "CLAIMED", 1)
    house.plans(repeat="once", channels=["sms"])
    house.tick()

    def meanwhile() -> None:
        swap(house, maria, ana)
        sending.send_due(house.runtime)

    once_loaded(monkeypatch, meanwhile)
    sending.send_due(house.runtime)
    addresses = [address for address, _ in left(house)]
    assert len(addresses) == len(set(addresses)), addresses
    assert addresses


def once_loaded(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    load, waits = departing.load, [True]

    def looked(*given: Any) -> Any:
        found = load(*given)
        if waits and waits.pop():
            happens()
        return found

    monkeypatch.setattr(departing, "load", looked)
