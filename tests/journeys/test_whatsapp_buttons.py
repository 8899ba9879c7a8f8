"""CSAT by a press on WhatsApp: the template's buttons carry scores; nothing else is taken for one."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app.channels.registry import open_channels
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Answer, Contact, InboundEvent, Message, Survey, WhatsAppTemplate, Workspace, new_id
from app.runtime import Runtime
from app.services import address_keys, asking, inbound, senders, sending, whatsapp_templates
from app.services.access import Visitor
from app.services.whatsapp_templates import Given
from app.web import create_app
from bots import handle
from tests.peers.twilio.peer import Kept, TwilioPeer
from tests.pulse_world import open_pulse
from tests.web.browser import serving
from tests.world import Clock, World

pytestmark = pytest.mark.xdist_group("twilio")
OURS = "+551140028922"
MARIA = "+5531988884417"
THEIRS, AT_US = f"whatsapp:{MARIA}", f"whatsapp:{OURS}"
SID = "HX" + "5a" * 16


@pytest.fixture
def place(runtime: Runtime, twilio: TwilioPeer, clock: Clock) -> Iterator[Runtime]:
    twilio.stands_at(clock())
    config = replace(
        runtime.config, twilio_account_sid=twilio.account_sid, twilio_auth_token=twilio.auth_token,
        twilio_whatsapp_from=OURS, twilio_api_url=twilio.url, public_url="https://retorno.example",
    )  # fmt: skip
    made = replace(runtime, config=config, channels=open_channels(config), inbound=handle)
    with serving(create_app(made)) as server:
        twilio.finds("https://retorno.example", at=server.url)
        twilio.calls_back("https://retorno.example/hooks/twilio/message")
        yield made
    for each in made.channels.values():
        each.close()


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", rest_days_by_metric={}, rest_days=0)


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, Metric.CSAT)


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, name="Maria Figueiredo", phone=MARIA, email=None)


def tick(place: Runtime) -> None:
    assert isinstance(place.clock, Clock)
    sending.send_due(place)
    inbound.handle_new(place)
    place.clock.advance(seconds=2)
    sending.send_due(place)


def ask(place: Runtime, twilio: TwilioPeer, manager: Visitor, survey: Survey, contact: Contact) -> Kept:
    asking.ask(place, manager, survey.id, contact.id, ["whatsapp"])
    tick(place)
    return twilio.sent_to(THEIRS)[-1]


def scores(place: Runtime) -> list[int]:
    with place.db.read() as session:
        return list(session.scalars(select(Answer.score)))


@pytest.fixture
def question(place: Runtime, twilio: TwilioPeer, manager: Visitor, survey: Survey, maria: Contact) -> Kept:
    """As Maria has it before her, with three buttons."""
    whatsapp_templates.save(place, manager, survey.id, {"pt-BR": Given(SID, has_buttons=True)})
    return ask(place, twilio, manager, survey, maria)


def test_a_press_is_the_score_that_it_carries_and_then_words_follow(
    place: Runtime, twilio: TwilioPeer, question: Kept
) -> None:
    assert question.content_sid == SID
    told = twilio.receives(
        THEIRS, AT_US, "Gostei", button_payload="5", original_replied_sid=question.sid, times=3
    )
    assert {each.status for each in told.answers} == {200}
    tick(place)
    assert scores(place) == [5]
    twilio.receives(THEIRS, AT_US, "Tudo rápido")
    tick(place)
    with place.db.read() as session:
        assert session.scalars(select(Answer.comment)).one() == "Tudo rápido"
        assert session.scalars(select(Answer.channel)).one() == "whatsapp"
        said = select(Message.body).where(Message.purpose == "inbound").order_by(Message.created_at)
        assert session.scalars(said).first() == "Gostei"


@pytest.mark.parametrize("payload", ["9", "0", "great", "5.0", "-1", "５", "x" * 300])
def test_what_a_button_carries_and_is_no_score_of_the_scale_asks_again(
    place: Runtime, twilio: TwilioPeer, question: Kept, payload: str
) -> None:
    before = len(twilio.sent_to(THEIRS))
    twilio.receives(THEIRS, AT_US, "5", button_payload=payload, original_replied_sid=question.sid)
    tick(place)
    assert scores(place) == [], "not even by what its label says"
    assert len(twilio.sent_to(THEIRS)) == before + 1
    twilio.receives(THEIRS, AT_US, "4")
    tick(place)
    assert scores(place) == [4], "typing works as before"


@pytest.mark.parametrize("quoted", [None, "SM" + "0" * 32])
def test_a_press_that_quotes_nothing_of_ours_is_not_given_to_the_open_question(
    place: Runtime, twilio: TwilioPeer, question: Kept, quoted: str | None
) -> None:
    twilio.receives(THEIRS, AT_US, "Gostei", button_payload="5", original_replied_sid=quoted)
    tick(place)
    assert scores(place) == []


def test_a_press_answers_the_question_that_it_quotes_and_not_the_newer_one(
    place: Runtime, twilio: TwilioPeer, world: World, workspace: Workspace, manager: Visitor,
    survey: Survey, maria: Contact, question: Kept,
) -> None:  # fmt: skip
    newer = world.survey(workspace, Metric.CSAT)
    world.add(
        WhatsAppTemplate(
            id=new_id(), workspace_id=workspace.id, survey_id=newer.id, locale="pt-BR", content_sid=SID,
            has_buttons=True,
        )
    )  # fmt: skip
    place.clock.advance(days=1)  # type: ignore[attr-defined]
    latest = ask(place, twilio, manager, newer, maria)
    assert latest.sid != question.sid, "she was asked twice"
    twilio.receives(THEIRS, AT_US, "Não gostei", button_payload="1", original_replied_sid=question.sid)
    tick(place)
    with place.db.read() as session:
        assert session.execute(select(Answer.score, Answer.survey_id)).all() == [(1, survey.id)]


@pytest.mark.parametrize("has_buttons", [True, False])
def test_within_the_day_only_buttons_are_a_reason_for_the_template(
    place: Runtime, twilio: TwilioPeer, manager: Visitor, survey: Survey, maria: Contact, world: World,
    workspace: Workspace, has_buttons: bool,
) -> None:  # fmt: skip
    whatsapp_templates.save(place, manager, survey.id, {"pt-BR": Given(SID, has_buttons)})
    ask(place, twilio, manager, survey, maria)
    twilio.receives(THEIRS, AT_US, "oi")
    tick(place)
    other = world.survey(workspace, Metric.CSAT)
    whatsapp_templates.save(place, manager, other.id, {"pt-BR": Given(SID, has_buttons)})
    latest = ask(place, twilio, manager, other, maria)
    assert (latest.content_sid == SID) is has_buttons
    assert bool(latest.body) is not has_buttons


def test_a_survey_with_a_longer_scale_has_no_buttons(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor
) -> None:
    nps = world.survey(workspace, Metric.NPS)
    whatsapp_templates.save(place, manager, nps.id, {"pt-BR": Given(SID, has_buttons=True)})
    assert whatsapp_templates.of(place, manager, nps.id) == {"pt-BR": Given(SID, has_buttons=False)}


def test_beside_a_pulse_what_a_button_carries_is_not_kept(
    place: Runtime, world: World, twilio: TwilioPeer, clock: Clock
) -> None:
    """Whoever approved a pulse's template with scores on it: the link comes again, the score is nowhere."""
    open_pulse(world)
    with place.db.write() as session:
        message = session.scalars(select(Message).limit(1)).one()
        contact = session.get_one(Contact, message.contact_id)
        contact.phone, contact.phone_key = MARIA, address_keys.address_key(session, MARIA)
        message.channel, message.to_address, message.address_key = "whatsapp", MARIA, contact.phone_key
        message.sender_id = senders.sender_id(session, "whatsapp", OURS, clock())
        message.provider_id, message.state = "SM" + "7" * 32, "sent"
    twilio.receives(THEIRS, AT_US, "Nove", button_payload="9", original_replied_sid="SM" + "7" * 32)
    tick(place)
    with place.db.read() as session:
        payload = session.scalars(select(InboundEvent.payload)).one()
        assert session.scalar(select(func.count()).select_from(Answer)) == 0
        assert session.scalars(select(Message.body).where(Message.purpose == "inbound")).all() == [""]
    assert "9" not in payload.get("data", "") + payload.get("text", "")
    assert "Nove" not in str(payload)
    assert "/p/" in twilio.sent_to(THEIRS)[-1].body
