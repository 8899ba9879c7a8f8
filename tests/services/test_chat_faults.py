"""Faults of chats: presses again and too late, updates at once, links that are none, limits (A07, A19…)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.channels.base import Event, Kind, Receipt
from app.channels.registry import open_channels
from app.channels.sandbox import Sandbox
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Answer, ConnectLink, Contact, InboundEvent, Message, OptOut, SandboxCopy, Workspace
from app.runtime import Runtime
from app.services import asking, connect_links, doctor, inbound, objections, opt_outs, pacing, sending
from app.services.access import Visitor
from app.services.tokens import token_hash
from bots import handle
from tests.bot_api import TOKEN as BOT
from tests.peers.telegram.peer import TelegramPeer
from tests.services.chat_person import Person
from tests.services.loop import at_once
from tests.world import Clock, World

PHONE = "+5531988884417"


@pytest.fixture
def chats(runtime: Runtime) -> Runtime:
    """Every channel in the sandbox, and the chat edges listening."""
    channels = dict.fromkeys(("email", "sms", "whatsapp", "telegram"), Sandbox())
    return replace(runtime, channels=channels, inbound=handle)


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, name="Maria Figueiredo", phone=PHONE, telegram_chat_id="77")


@pytest.fixture
def asked(
    chats: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact
) -> tuple[Person, str]:
    """She was asked on Telegram; with what the button of a 9 carries."""
    asking.ask(chats, manager, world.survey(workspace, Metric.NPS).id, maria.id, ["telegram"])
    sending.send_due(chats)
    with chats.db.read() as session:
        rows = session.scalars(select(SandboxCopy.buttons)).one()
    nine = next(data for row in rows for label, data in row if label == "9")
    return Person(chats, "telegram", "77"), nine


def scores(runtime: Runtime) -> list[int]:
    with runtime.db.read() as session:
        return list(session.scalars(select(Answer.score)))


@pytest.mark.on_both
def test_a07_one_update_on_five_workers_at_once_is_one_row(chats: Runtime, asked: tuple[Person, str]) -> None:
    update = Event("sandbox", "4711", Kind.TEXT, "77", text="3")

    def receive() -> str | None:
        with chats.db.write() as session:
            return inbound.keep(session, "telegram", update, chats.clock())

    kept = at_once(*[receive] * 5)
    assert sum(each is not None for each in kept) == 1
    assert [type(each) for each in at_once(*[lambda: inbound.handle_new(chats)] * 5)] == [int] * 5
    assert scores(chats) == [3]
    with chats.db.read() as session:
        assert session.scalar(select(func.count()).select_from(InboundEvent)) == 1
        assert session.scalar(select(func.count()).where(Message.purpose == "inbound")) == 1


def test_a08_a_press_that_comes_before_we_know_that_the_question_left_counts(
    chats: Runtime, asked: tuple[Person, str]
) -> None:
    person, nine = asked
    with chats.db.write() as session:
        message = session.scalars(select(Message).where(Message.purpose == "invitation")).one()
        message.state, message.provider_id = "attempting", None
    person.presses(nine)
    assert scores(chats) == [9]


def test_a19_a_button_pressed_ten_times_is_one_answer_and_is_thanked_once(
    chats: Runtime, asked: tuple[Person, str]
) -> None:
    person, nine = asked
    for _ in range(10):
        person.presses(nine)
    assert scores(chats) == [9]
    assert len(person.heard) == 1


def test_a19_a_button_pressed_when_it_is_too_late_counts_nothing_and_says_so(
    chats: Runtime, asked: tuple[Person, str], clock: Clock
) -> None:
    person, nine = asked
    clock.advance(days=30)
    person.presses(nine)
    with chats.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Answer).where(Answer.late.is_(False))) == 0
    assert len(person.heard) == 1


class Bot(Sandbox):
    """A bot whose links can be read."""

    pretends = False

    def start_link(self, payload: str) -> str:
        return f"https://t.me/bot?start={payload}"


@pytest.fixture
def link(chats: Runtime, manager: Visitor, workspace: Workspace, world: World) -> Callable[[Contact], str]:
    """What a contact's link carries."""
    place = replace(chats, channels={"telegram": Bot()})

    def of(contact: Contact) -> str:
        return connect_links.for_contact(place, manager, contact.id).url.partition("start=")[2]

    return of


def chats_of(runtime: Runtime) -> set[str | None]:
    with runtime.db.read() as session:
        return set(session.scalars(select(Contact.telegram_chat_id)))


def test_an_objection_reaches_the_chat_that_is_tied_afterwards(
    chats: Runtime, world: World, workspace: Workspace, manager: Visitor, link: Callable[[Contact], str]
) -> None:
    maria = world.contact(workspace)
    objections.object_to(chats, manager, maria.id, origin="console", evidence="A letter.")
    Person(chats, "telegram", "100").starts(link(maria))
    with chats.db.read() as session:
        key = str(session.get_one(Contact, maria.id).telegram_key)
        assert opt_outs.among(session, workspace.id, [key]) == {key}


def test_a21_links_that_are_used_expired_or_none_bind_nothing_and_say_the_same(
    chats: Runtime, world: World, workspace: Workspace, link: Callable[[Contact], str], clock: Clock
) -> None:
    used, expired = (world.contact(workspace, email=None) for _ in range(2))
    mine, late = link(used), link(expired)
    Person(chats, "telegram", "100").starts(mine)
    with chats.db.write() as session:
        row = session.get_one(ConnectLink, token_hash(late))
        row.expires_at = clock.now - timedelta(seconds=1)
    said = []
    for number, payload in enumerate((mine, late, "x" * 65, "não-é-um-link", "😀", "0")):
        person = Person(chats, "telegram", str(200 + number))
        person.starts(payload)
        said.append(person.heard)
    assert chats_of(chats) == {"100", None}
    assert all(each == said[0] for each in said)
    assert len(said[0]) == 1


def test_a21_whoever_tries_links_is_heard_ten_times_an_hour(
    chats: Runtime, world: World, workspace: Workspace, link: Callable[[Contact], str], clock: Clock
) -> None:
    contact = world.contact(workspace, email=None)
    good, guesser = link(contact), Person(chats, "telegram", "300")
    for number in range(10):
        guesser.starts(f"guess{number}")
    guesser.starts(good)
    assert chats_of(chats) == {None}, "even the right one comes too late"
    clock.advance(hours=1)
    guesser.starts(good)
    assert chats_of(chats) == {"300"}


def test_a22_a_chat_that_is_somebodys_is_not_given_to_another(
    chats: Runtime, world: World, workspace: Workspace, link: Callable[[Contact], str]
) -> None:
    maria, joao = (world.contact(workspace, email=None) for _ in range(2))
    person = Person(chats, "telegram", "100")
    person.starts(link(maria))
    person.starts(link(joao))
    with chats.db.read() as session:
        assert session.get_one(Contact, maria.id).telegram_chat_id == "100"
        assert session.get_one(Contact, joao.id).telegram_chat_id is None


@pytest.mark.parametrize("kind", ["legal", "bounce"])
def test_c22_start_lifts_ones_own_wish_and_no_block_that_somebody_else_set(
    chats: Runtime, workspace: Workspace, maria: Contact, asked: tuple[Person, str], kind: str
) -> None:
    person, _ = asked
    person.sends("/stop")
    with chats.db.write() as session:
        opt_outs.record(
            session,
            workspace.id,
            maria.id,
            [maria.telegram_key],
            kind=kind,
            origin="console",
            now=chats.clock(),
        )
    person.sends("START")
    if kind == "legal":
        person.starts("")
    with chats.db.read() as session:
        standing = select(OptOut.kind).where(OptOut.lifted_at.is_(None))
        assert set(session.scalars(standing)) == {kind}


def test_c35_start_lifts_a_complaint_about_that_chat_and_none_about_another_channel(
    chats: Runtime, workspace: Workspace, maria: Contact, asked: tuple[Person, str]
) -> None:
    """Who has the number or chat by now may be somebody else: they say themselves that they may be asked."""
    person, _ = asked
    with chats.db.write() as session:
        for channel, key in (("telegram", maria.telegram_key), ("email", maria.email_key)):
            said = {"kind": "complaint", "origin": "api", "channel": channel, "now": chats.clock()}
            opt_outs.record(session, workspace.id, maria.id, [key], **said)
    person.sends("START")
    with chats.db.read() as session:
        standing = select(OptOut.channel).where(OptOut.lifted_at.is_(None))
        assert session.scalars(standing).all() == ["email"]


def test_c07_slots_are_twenty_five_a_second_over_all_who_ask(runtime: Runtime, clock: Clock) -> None:
    first: list[datetime] = []
    for _ in range(10):
        with runtime.db.write() as session:
            slot = pacing.reserve(session, "telegram", 10, clock.now)
            assert slot is not None
            first.append(slot)
    every = [slot + number * pacing.SPACING["telegram"] for slot in first for number in range(10)]
    for begin in every:
        assert sum(begin <= each < begin + timedelta(seconds=1) for each in every) <= 25


@pytest.mark.on_both
def test_c07_slots_hold_where_ten_ask_at_once(runtime: Runtime, clock: Clock) -> None:
    def reserve() -> datetime | None:
        with runtime.db.write() as session:
            return pacing.reserve(session, "telegram", 10, clock.now)

    slots = at_once(*[reserve] * 10)
    assert sorted(slots) == [clock.now + number * 10 * pacing.SPACING["telegram"] for number in range(10)]  # type: ignore[type-var]


def test_c09_a_chat_that_moved_is_reached_at_its_new_number_from_now_on(
    chats: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact
) -> None:
    class Moved(Sandbox):
        def deliver(self, batch):  # type: ignore[no-untyped-def]
            for each in batch:
                yield each.id, Receipt("-1001:1", moved_to="-1001")

    place = replace(chats, channels={"telegram": Moved()})
    asking.ask(place, manager, world.survey(workspace).id, maria.id, ["telegram"])
    assert sending.send_due(place) == 1
    with place.db.read() as session:
        assert session.get_one(Contact, maria.id).telegram_chat_id == "-1001"
    assert sending.send_due(place) == 0, "it left once"


@pytest.fixture
def bot(runtime: Runtime, telegram: TelegramPeer) -> Iterator[Runtime]:
    config = replace(
        runtime.config, telegram_bot_token=telegram.respondents.token, telegram_api_url=telegram.url
    )
    place = replace(runtime, config=config, channels=open_channels(config))
    yield place
    place.channels["telegram"].close()


def test_a14_what_telegram_could_not_bring_us_is_told_by_the_doctor(
    bot: Runtime, telegram: TelegramPeer
) -> None:
    telegram.says_of_webhook(
        pending_update_count=31, last_error_date=1_700_000_000, last_error_message="Read timeout"
    )
    told = next(each for each in doctor.examine(bot) if each.name == "telegram")
    assert told.state == "warning"
    assert "2023-11-14 22:13 UTC: Read timeout" in told.says
    assert "24 hours is lost" in told.says
    assert BOT not in told.says
