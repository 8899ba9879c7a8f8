"""Telegram from end to end, with a Bot API on loopback: asked, pressed, followed up and closed in chats."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from sqlalchemy import func, select

from app.channels.registry import open_channels
from app.domain.access import Role
from app.models import Answer, Contact, FollowUp, InboundEvent, Message, User, Workspace
from app.runtime import Runtime
from app.services import asking, connect_links, followup_page, inbound, listening, sending
from app.services.access import Visitor
from app.web import create_app
from benchmarks.servers import free_port
from bots import handle
from tests.peers.telegram.peer import Person, TelegramPeer
from tests.web.browser import serving
from tests.world import Clock, World

pytestmark = pytest.mark.xdist_group("telegram")


@pytest.fixture
def live_chats(runtime: Runtime, telegram: TelegramPeer, clock: Clock) -> Iterator[Runtime]:
    """One bot for both, polled; its clock is ours."""
    telegram.stands_at(clock())
    config = replace(
        runtime.config,
        telegram_bot_token=telegram.respondents.token,
        telegram_api_url=telegram.url,
        telegram_mode="polling",
    )
    place = replace(runtime, config=config, channels=open_channels(config), inbound=handle)
    yield place
    for each in place.channels.values():
        each.close()


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


def agent_of(world: World, workspace: Workspace, locale: str) -> Visitor:
    return world.member(workspace, Role.AGENT, world.user(locale=locale, name="Camila Duarte"))


def tick(place: Runtime) -> None:
    """What the worker does within some seconds."""
    assert isinstance(place.clock, Clock)
    sending.send_due(place)
    listening.poll_telegram(place)
    inbound.handle_new(place)
    for _ in range(2):  # one message a second to each chat
        place.clock.advance(seconds=2)
        sending.send_due(place)


WORDS: dict[str, dict[str, str]] = {
    "pt-BR": {"claim": "Assumir", "reply": "Responder", "close": "Fechar", "gave": "deu nota 3"},
    "en": {"claim": "Claim", "reply": "Reply", "close": "Close", "gave": "gave 3"},
}


@pytest.mark.parametrize("locale", ["pt-BR", "en"])
def test_a_customer_presses_a_score_and_an_agent_wins_them_back_without_leaving_telegram(
    live_chats: Runtime, world: World, workspace: Workspace, telegram: TelegramPeer, locale: str
) -> None:
    place, words = live_chats, WORDS[locale]
    camila = agent_of(world, workspace, locale)
    contact: Contact = world.contact(workspace, name="Maria Figueiredo", locale=locale, email=None)
    maria, camilas = telegram.user(77, name="Maria"), telegram.user(900, name="Camila")

    # Both press START on their own link, once
    camilas.starts(connect_links.for_member(place, camila.user_id or "").url.partition("start=")[2])
    maria.starts(connect_links.for_contact(place, camila, contact.id).url.partition("start=")[2])
    tick(place)
    with place.db.read() as session:
        assert session.get_one(Contact, contact.id).telegram_chat_id == "77"
        assert session.get_one(User, camila.user_id).telegram_chat_id == "900"

    # Asked, with the scale under the question in rows that fit a phone
    manager = world.member(workspace, Role.MANAGER)
    asking.ask(place, manager, world.survey(workspace).id, contact.id, ["telegram"])
    tick(place)
    question = maria.said[-1]
    assert [len(row) for row in question.keyboard] == [6, 5]
    maria.taps(question, "3")
    tick(place)
    with place.db.read() as session:
        answer = session.scalars(select(Answer)).one()
    assert (answer.score, answer.band, answer.channel) == (3, "detractor", "telegram")
    assert telegram.notices(), "every press is answered"
    changed = next(each for each in maria.said if each.message_id == question.message_id)
    assert changed.text.endswith("3")
    assert changed.keyboard in (None, [], ())
    maria.sends("Demorou demais")
    tick(place)
    with place.db.read() as session:
        assert session.scalars(select(Answer.comment)).one() == "Demorou demais"
        followup = session.scalars(select(FollowUp)).one()

    # The card, claimed, answered and closed in the agent's chat
    win_back(place, words, maria, camilas)
    page = followup_page.detail(place, camila, followup.id)
    assert page.is_mine
    assert page.closing is not None
    assert (page.closing.root_cause, page.closing.summary) == ("Entrega", "Liguei e reenviei")
    with place.db.read() as session:
        assert set(session.scalars(select(InboundEvent.state))) == {"done"}
        lost = Message.state.in_(("failed", "unknown", "queued")), Message.channel == "telegram"
        assert session.scalars(select(Message.reason).where(*lost)).all() == []


def win_back(place: Runtime, words: dict[str, str], maria: Person, camila: Person) -> None:
    """Claim, reply, hear back, close: each a tap or a message."""
    card = next(each for each in camila.said if words["gave"] in each.text)
    camila.taps(card, words["claim"])
    tick(place)
    card = next(each for each in camila.said if each.message_id == card.message_id)
    assert "Camila Duarte" in card.text
    camila.taps(card, words["reply"])
    tick(place)
    camila.sends("Maria, sou a Camila. Posso ligar hoje?")
    tick(place)
    assert maria.said[-1].text == "Maria, sou a Camila. Posso ligar hoje?"
    maria.sends("Pode, às 15h")
    tick(place)
    assert "Pode, às 15h" in camila.said[-1].text
    camila.taps(camila.said[-1], words["close"])
    for text in ("Entrega", "Liguei e reenviei"):
        tick(place)
        camila.sends(text)
    tick(place)


def test_whoever_blocks_us_is_let_be_until_they_press_start_again(
    live_chats: Runtime, world: World, workspace: Workspace, telegram: TelegramPeer
) -> None:
    manager = world.member(workspace, Role.MANAGER)
    survey, maria = world.survey(workspace), telegram.user(77)
    contact = world.contact(workspace, telegram_chat_id="77", email=None)
    maria.blocks()
    asking.ask(live_chats, manager, survey.id, contact.id, ["telegram"])
    tick(live_chats)
    verdict = asking.eligibility(live_chats, manager, survey.id, contact.id)
    assert verdict.reason is not None
    maria.unblocks()
    maria.starts(connect_links.for_contact(live_chats, manager, contact.id).url.partition("start=")[2])
    tick(live_chats)
    told = asking.ask(live_chats, manager, survey.id, contact.id, ["telegram"])
    assert asking.asked(live_chats, manager, told).reason != "blocked"


def test_a_link_of_somebody_else_binds_nothing(
    live_chats: Runtime, world: World, workspace: Workspace, telegram: TelegramPeer
) -> None:
    manager = world.member(workspace, Role.MANAGER)
    one, other = (world.contact(workspace, email=None) for _ in range(2))

    def link(contact: Contact) -> str:
        return connect_links.for_contact(live_chats, manager, contact.id).url.partition("start=")[2]

    first = link(one)
    telegram.user(77).starts(first)
    tick(live_chats)
    telegram.user(78).starts(first)
    telegram.user(77).starts(link(other))
    telegram.user(79).starts("invented")
    for _ in range(2):
        tick(live_chats)
    with live_chats.db.read() as session:
        assert session.get_one(Contact, one.id).telegram_chat_id == "77"
        assert session.get_one(Contact, other.id).telegram_chat_id is None


def test_the_same_by_webhook_with_its_secret(
    runtime: Runtime, world: World, workspace: Workspace, telegram: TelegramPeer, clock: Clock
) -> None:
    telegram.stands_at(clock())
    port = free_port()
    config = replace(
        runtime.config,
        public_url=f"http://127.0.0.1:{port}",
        telegram_bot_token=telegram.respondents.token,
        telegram_api_url=telegram.url,
        telegram_mode="webhook",
        telegram_webhook_secret="Jf1Ga6Se-kM3vX9q_Lr2Tz8",
    )
    place = replace(runtime, config=config, channels=open_channels(config), inbound=handle)
    contact = world.contact(workspace, telegram_chat_id="77", email=None)
    maria = telegram.user(77)
    with serving(create_app(place), port):
        asking.ask(
            place, world.member(workspace, Role.MANAGER), world.survey(workspace).id, contact.id, ["telegram"]
        )
        tick(place)
        assert maria.taps(maria.said[-1], "9").status == 200
        tick(place)
        forged = urlopen_status(f"{config.public_url}/hooks/telegram", b'{"update_id": 1}')
    place.channels["telegram"].close()
    with place.db.read() as session:
        assert session.scalars(select(Answer.score)).all() == [9]
        assert session.scalar(select(func.count()).select_from(InboundEvent)) == 1
    assert forged == 403


def urlopen_status(url: str, body: bytes) -> int:
    """What a stranger is told who posts this."""
    try:
        with urlopen(Request(url, data=body, method="POST"), timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_a29_telegram_is_told_a_changed_secret_once(runtime: Runtime, telegram: TelegramPeer) -> None:
    config = replace(
        runtime.config,
        public_url="http://127.0.0.1:9",
        telegram_bot_token=telegram.respondents.token,
        telegram_api_url=telegram.url,
        telegram_mode="webhook",
    )
    for secret in ("Jf1Ga6Se-kM3vX9q_Lr2Tz8", "pQ7wE2rT-yU4iO1a_Zx9Cv5"):
        changed = replace(config, telegram_webhook_secret=secret)
        place = replace(runtime, config=changed, channels=open_channels(changed))
        listening.poll_telegram(place)
        listening.poll_telegram(place)
        place.channels["telegram"].close()
    told = [each.params["secret_token"] for each in telegram.calls("setWebhook")]
    assert told == ["Jf1Ga6Se-kM3vX9q_Lr2Tz8", "pQ7wE2rT-yU4iO1a_Zx9Cv5"]
