"""Agents work from their own chat: the same verbs, for members alone, asked at every press."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from app.channels.sandbox import Sandbox
from app.domain.access import Role
from app.models import Contact, FollowUp, InboundEvent, Member, Message, SandboxCopy, User, Workspace
from app.runtime import Runtime
from app.services import asking, erasure, followup_page, sending
from app.services.access import Visitor
from bots import handle
from tests.services.chat_person import Person
from tests.world import World


@pytest.fixture
def chats(runtime: Runtime) -> Runtime:
    pretend = Sandbox()
    names = ("email", "sms", "whatsapp", "telegram")
    return replace(runtime, channels=dict.fromkeys(names, pretend), inbound=handle)


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return linked(world, world.member(workspace, Role.AGENT, world.user(locale="en")), "900")


def linked(world: World, who: Visitor, chat: str) -> Visitor:
    """Their Telegram is tied, and alerts go there."""
    with world.runtime.db.write() as session:
        session.get_one(User, who.user_id).telegram_chat_id = chat
        session.get_one(Member, who.member_id).alerts_by = "telegram"
    return who


@pytest.fixture
def maria(chats: Runtime, world: World, workspace: Workspace, camila: Visitor) -> Person:
    """She was asked on Telegram and is unhappy."""
    contact: Contact = world.contact(workspace, name="Maria Figueiredo", telegram_chat_id="77")
    survey = world.survey(workspace)
    asking.ask(chats, world.member(workspace, Role.MANAGER), survey.id, contact.id, ["telegram"])
    sending.send_due(chats)
    person = Person(chats, "telegram", "77")
    person.sends("2 - atrasou")
    return person


def cards(runtime: Runtime, chat: str) -> list[SandboxCopy]:
    query = (
        select(SandboxCopy)
        .join(Message, Message.id == SandboxCopy.message_id)
        .where(Message.purpose == "alert", Message.to_address == chat)
    )
    with runtime.db.read() as session:
        return list(session.scalars(query))


def followup(runtime: Runtime) -> FollowUp:
    with runtime.db.read() as session:
        return session.scalars(select(FollowUp)).one()


def test_an_alert_arrives_as_a_card_with_its_buttons(chats: Runtime, maria: Person) -> None:
    sending.send_urgent(chats)
    (card,) = cards(chats, "900")
    assert "Maria Figueiredo gave 2" in card.text
    assert "atrasou" in card.text
    assert [label for label, _ in card.buttons[0]] == ["Claim", "Reply", "Close"]


def test_claim_reply_and_close_from_the_chat(chats: Runtime, maria: Person, camila: Visitor) -> None:
    task = followup(chats)
    agent = Person(chats, "telegram", "900")
    agent.presses(f"claim:{task.id}")
    assert followup(chats).assignee_id == camila.member_id
    agent.presses(f"reply:{task.id}")
    assert "Telegram" in agent.heard[-1]
    agent.sends("Maria, sou a Camila. Posso ligar?")
    assert maria.heard[-1] == "Maria, sou a Camila. Posso ligar?"
    maria.sends("Pode sim")
    assert agent.heard[-1] == "Maria writes: Pode sim"
    agent.presses(f"close:{task.id}")
    agent.sends("Entrega")
    agent.sends("Liguei e reenviei o pedido")
    closed = followup_page.detail(chats, camila, task.id).closing
    assert closed is not None
    assert (closed.root_cause, closed.summary) == ("Entrega", "Liguei e reenviei o pedido")


def test_a_stranger_a_viewer_and_a_former_member_press_for_nothing(
    chats: Runtime, world: World, workspace: Workspace, maria: Person, camila: Visitor
) -> None:
    task = followup(chats)
    viewer = linked(world, world.member(workspace, Role.VIEWER), "901")
    other = linked(world, world.member(world.workspace(), Role.OWNER), "902")
    for chat in ("12345", "901", "902"):
        stranger = Person(chats, "telegram", chat)
        for verb in ("claim", "reply", "close"):
            stranger.presses(f"{verb}:{task.id}")
        assert stranger.heard == []
    assert followup(chats).assignee_id is None
    assert viewer.user_id != other.user_id
    agent = Person(chats, "telegram", "900")
    agent.presses(f"reply:{task.id}")
    with chats.db.write() as session:
        session.delete(session.get_one(Member, camila.member_id))
    agent.sends("Esta mensagem não sai")
    assert "Esta mensagem não sai" not in maria.heard


def test_cancel_sends_nothing(chats: Runtime, maria: Person) -> None:
    task = followup(chats)
    agent = Person(chats, "telegram", "900")
    agent.presses(f"reply:{task.id}")
    agent.sends("/cancel")
    agent.sends("isto não vai para ninguém")
    assert all("ninguém" not in each for each in maria.heard)


def test_what_the_console_refuses_is_said_in_the_chat(
    chats: Runtime, world: World, workspace: Workspace, maria: Person
) -> None:
    task = followup(chats)
    bruno = linked(world, world.member(workspace, Role.AGENT, world.user(locale="en", name="Bruno")), "901")
    Person(chats, "telegram", "901").presses(f"claim:{task.id}")
    agent = Person(chats, "telegram", "900")
    agent.presses(f"claim:{task.id}")
    assert "Bruno" in agent.heard[-1]
    assert followup(chats).assignee_id == bruno.member_id


def test_what_an_agent_read_and_wrote_goes_with_the_person(
    chats: Runtime, maria: Person, camila: Visitor
) -> None:
    task, agent = followup(chats), Person(chats, "telegram", "900")
    agent.presses(f"claim:{task.id}")
    agent.presses(f"reply:{task.id}")
    assert "Maria" in agent.heard[-1]
    agent.sends("Maria, sou a Camila.")
    maria.sends("Aqui é a Maria")
    assert agent.heard[-1] == "Maria writes: Aqui é a Maria"
    with chats.db.read() as session:
        kept = [str(each) for each in session.scalars(select(InboundEvent.payload))]
    assert not any("Camila" in each for each in kept), "her words stand in the conversation, and nowhere else"
    assert camila.name in erasure.erase(chats, camila, task.contact_id)
    with chats.db.read() as session:
        kept = [str(each) for each in session.scalars(select(InboundEvent.payload))]
        said = [each for each in session.scalars(select(Message.body)) if each]
    assert not any("Maria" in each for each in (*kept, *said))
