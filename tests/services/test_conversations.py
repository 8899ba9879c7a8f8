"""What people write or press in a chat becomes answers, follow-ups and our words, once."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import func, select

from app.channels.base import Event, Kind
from app.channels.sandbox import Sandbox
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import (
    Answer,
    Contact,
    Conversation,
    FollowUp,
    InboundEvent,
    Message,
    OptOut,
    Survey,
    Workspace,
)
from app.runtime import Runtime
from app.services import (
    asking,
    contacts,
    erasure,
    expanding,
    followup_page,
    followups,
    inbound,
    opt_outs,
    planning,
    sandbox_clearing,
    schedules,
    sending,
)
from app.services.access import Visitor
from bots import handle
from tests.services.chat_person import Person
from tests.services.loop import meeting
from tests.world import Clock, World

PHONE = "+5531988884417"


@pytest.fixture
def chats(runtime: Runtime) -> Runtime:
    """Every channel in the sandbox, and the chat edges listening."""
    pretend = Sandbox()
    return replace(
        runtime,
        channels=dict.fromkeys(("email", "sms", "whatsapp", "telegram"), pretend),
        inbound=handle,
    )


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, name="Maria Figueiredo", phone=PHONE, telegram_chat_id="77")


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, Metric.NPS)


@pytest.fixture
def ask(
    chats: Runtime, camila: Visitor, survey: Survey, maria: Contact, clock: Clock
) -> Callable[..., Person]:
    def ask_on(channel: str, survey_id: str = "") -> Person:
        asking.ask(chats, camila, survey_id or survey.id, maria.id, [channel])
        sending.send_due(chats)
        address = {"sms": PHONE, "whatsapp": PHONE, "telegram": "77"}[channel]
        return Person(chats, channel, address)

    return ask_on


def answers(runtime: Runtime) -> list[Answer]:
    with runtime.db.read() as session:
        return list(session.scalars(select(Answer).order_by(Answer.recorded_at)))


def count(runtime: Runtime, model: type) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "telegram"])
def test_a_detractor_answers_in_the_chat_and_is_followed_up(
    chats: Runtime, ask: Callable[..., Person], channel: str
) -> None:
    person = ask(channel)
    person.sends("3")
    (answer,) = answers(chats)
    assert (answer.score, answer.band, answer.channel, answer.comment) == (3, "detractor", channel, None)
    assert "O que" in person.heard[-1] or "?" in person.heard[-1]
    person.sends("Demorou demais")
    (answer,) = answers(chats)
    assert answer.comment == "Demorou demais"
    assert count(chats, FollowUp) == 1
    assert len(person.heard) == 2


def test_the_same_event_five_times_is_one_answer(chats: Runtime, ask: Callable[..., Person]) -> None:
    person = ask("sms")
    event = Event("sandbox", "SM1", Kind.TEXT, PHONE, text="9")
    for _ in range(5):
        person.comes(event)
    assert [each.score for each in answers(chats)] == [9]
    assert count(chats, InboundEvent) == 1
    assert len(person.heard) == 1


def test_what_cannot_be_read_is_asked_again_then_the_page_is_offered_then_we_keep_still(
    chats: Runtime, ask: Callable[..., Person]
) -> None:
    person = ask("sms")
    person.sends("tenho 2 filhos")
    assert "0" in person.heard[-1]
    assert "10" in person.heard[-1]
    person.sends("como assim?")
    assert "http" not in person.heard[-1], "the stored words keep the placeholder"
    assert "{{ link }}" in person.heard[-1]
    person.sends("oi")
    assert len(person.heard) == 2
    assert answers(chats) == []


def test_a_score_is_changed_within_the_day_and_then_too_late(
    chats: Runtime, ask: Callable[..., Person], clock: Clock
) -> None:
    person = ask("whatsapp")
    for words in ("9", "4"):
        person.sends(words)
    assert [each.score for each in answers(chats)] == [4]
    clock.advance(hours=25)
    person.sends("10")
    assert [each.score for each in answers(chats)] == [4]
    assert "encerrada" in person.heard[-1] or "closed" in person.heard[-1]


def test_stop_holds_on_every_channel_and_start_lifts_it(
    chats: Runtime, ask: Callable[..., Person], camila: Visitor, survey: Survey, maria: Contact, world: World,
    workspace: Workspace,
) -> None:  # fmt: skip
    person = ask("sms")
    person.sends("PARE")
    with chats.db.read() as session:
        assert session.scalar(select(func.count()).select_from(OptOut).where(OptOut.lifted_at.is_(None)))
    other = world.survey(workspace, Metric.CSAT)
    told = asking.asked(chats, camila, asking.ask(chats, camila, other.id, maria.id, ["email"]))
    assert told.reason == "opted_out"
    person.sends("START")
    assert asking.eligibility(chats, camila, other.id, maria.id).reason != "opted_out"
    assert len(person.heard) == 2


def test_two_open_questions_are_never_confused(
    chats: Runtime, ask: Callable[..., Person], world: World, workspace: Workspace
) -> None:
    other = world.survey(workspace, Metric.CSAT)
    workspace_rest(chats, workspace)
    ask("sms")
    person = ask("sms", other.id)
    person.sends("4")
    assert answers(chats) == []
    assert "A)" in person.heard[-1]
    assert "B)" in person.heard[-1]
    person.sends("b")
    (answer,) = answers(chats)
    assert answer.score == 4


def test_a_press_answers_its_own_question_and_strangers_data_nothing(
    chats: Runtime, ask: Callable[..., Person]
) -> None:
    person = ask("telegram")
    for data in ("invented.9", "x", "", "9", "a.b.c"):
        person.presses(data)
    assert answers(chats) == []
    assert person.heard == []


def test_a_message_of_nobody_is_set_aside(chats: Runtime) -> None:
    person = Person(chats, "sms", "+5511912345678")
    person.sends("9")
    with chats.db.read() as session:
        assert session.scalars(select(InboundEvent.state)).one() == "set_aside"


def test_a_poisoned_event_is_tried_again_then_set_aside_and_holds_up_nobody(
    chats: Runtime, ask: Callable[..., Person], clock: Clock
) -> None:
    def choke(runtime: Runtime, stored: inbound.Stored) -> None:
        if stored.event.text == "poison":
            raise RuntimeError("boom")
        handle(runtime, stored)

    person = ask("sms")
    person.runtime = replace(chats, inbound=choke)
    person.sends("poison")
    person.sends("8")
    assert [each.score for each in answers(chats)] == [8]
    for _ in range(6):
        clock.advance(hours=1)
        inbound.handle_new(person.runtime)
    with chats.db.read() as session:
        rows = {row.state: row for row in session.scalars(select(InboundEvent))}
    assert rows["set_aside"].tries == 5
    assert rows["set_aside"].error == "RuntimeError"


def workspace_rest(runtime: Runtime, workspace: Workspace) -> None:
    """Nobody rests, so that somebody can be asked twice."""
    with runtime.db.write() as session:
        row = session.get_one(Workspace, workspace.id)
        row.rest_days, row.rest_days_by_metric = 0, {}


def test_an_agent_replies_in_the_chat_and_what_comes_back_stands_on_the_follow_up(
    chats: Runtime, ask: Callable[..., Person], camila: Visitor, clock: Clock
) -> None:
    person = ask("whatsapp")
    person.sends("2 - atrasou")
    with chats.db.read() as session:
        followup = session.scalars(select(FollowUp)).one()
    followups.reply(chats, camila, followup.id, "Maria, sou a Camila. Posso ligar?")
    sending.send_urgent(chats)
    assert person.heard[-1].endswith("Posso ligar?")
    clock.advance(minutes=5)
    person.sends("Pode sim, às 15h")
    page = followup_page.detail(chats, camila, followup.id)
    assert page.conversation[-1].kind == "heard"
    assert page.conversation[-1].text == "Pode sim, às 15h"
    assert page.person.reply_channel == "whatsapp"
    assert page.record.moments.replied_at is None, "it is our turn again"
    assert len(answers(chats)) == 1


def test_erasing_somebody_takes_what_they_typed_and_the_provider_cannot_bring_it_back(
    chats: Runtime, ask: Callable[..., Person], camila: Visitor, maria: Contact
) -> None:
    person = ask("sms")
    event = Event("sandbox", "SM-1", Kind.TEXT, PHONE, text="2 - segredo dela")
    person.comes(event)
    erasure.erase(chats, camila, maria.id)
    person.comes(event)
    with chats.db.read() as session:
        words = [
            str(value)
            for model in (Message, InboundEvent, FollowUp, Answer)
            for row in session.scalars(select(model))
            for value in vars(row).values()
        ]
        assert session.scalar(select(func.count()).select_from(InboundEvent)) == 1
    assert not [each for each in words if "segredo" in each or PHONE in each]


def test_an_erasure_leaves_what_may_be_anothers_with_the_same_number(
    chats: Runtime, ask: Callable[..., Person], camila: Visitor, maria: Contact, world: World
) -> None:
    """Their STOP that still waits, and the chat; once the other is erased as well, neither is left."""
    elsewhere = world.workspace()
    manager = world.member(elsewhere, Role.MANAGER)
    same = world.contact(elsewhere, phone=PHONE)
    ask("sms")
    asking.ask(chats, manager, world.survey(elsewhere, Metric.CSAT).id, same.id, ["sms"])
    sending.send_due(chats)
    Person(chats, "sms", PHONE).sends("quem é?")
    with chats.db.write() as session:
        inbound.keep(session, "sms", Event("sandbox", "stop", Kind.TEXT, PHONE, text="SAIR"), chats.clock())
    erasure.erase(chats, camila, maria.id)
    with chats.db.read() as session:
        assert session.scalars(select(Conversation.heard_at)).one() is not None
    inbound.handle_new(chats)
    assert [each.kind for each in opt_outs.of(chats, manager, same.id)] == ["own_wish"]
    erasure.erase(chats, manager, same.id)
    assert count(chats, Conversation) == 0
    with chats.db.read() as session:
        assert not any("text" in each for each in session.scalars(select(InboundEvent.payload)))


def test_clearing_the_sandbox_takes_its_chats_along(chats: Runtime, ask: Callable[..., Person]) -> None:
    person = ask("telegram")
    person.sends("8")
    person.sends("tudo bem")
    sandbox_clearing.clear(chats)
    for model in (Message, InboundEvent, Answer, Conversation):
        assert count(chats, model) == 0, model.__name__


def test_beside_an_open_pulse_nothing_typed_is_kept_and_the_link_comes_again(
    chats: Runtime, world: World
) -> None:
    """And the same number may be a customer elsewhere: neither sees what was said to the other."""
    person = Person(chats, "sms", PHONE)
    hr = world.workspace("people", name="RH")
    survey = world.survey(hr, Metric.ENPS)
    world.contact(hr, phone=PHONE, email=None)
    owner = world.member(hr, Role.OWNER)
    schedules.create(
        chats, owner, {"survey": survey.id, "repeat": "once", "name": "Pulso", "channels": ["sms"]}
    )
    for _ in range(3):
        planning.plan_schedules(chats)
        expanding.expand_occurrences(chats)
    sending.send_due(chats)
    person.sends("9 porque o segredo é bom")
    assert "{{ link }}" in person.heard[-1]
    with chats.db.read() as session:
        kept = [str(row.payload) + str(row.error) for row in session.scalars(select(InboundEvent))]
        bodies = [str(body) for body in session.scalars(select(Message.body))]
    assert not [each for each in kept + bodies if "segredo" in each or "9 porque" in each]
    assert answers(chats) == []
    person.sends("PARE")
    with chats.db.read() as session:
        assert session.scalar(select(func.count()).select_from(OptOut)) == 1


def test_words_longer_than_a_comment_lose_no_score(chats: Runtime, ask: Callable[..., Person]) -> None:
    person = ask("telegram")
    person.sends("3")
    person.sends("demorou muito " * 300)
    (answer,) = answers(chats)
    assert answer.score == 3
    assert len(answer.comment or "") == 2_000
    with chats.db.read() as session:
        said = session.scalars(select(Message.body).where(Message.purpose == "inbound"))
        assert max(len(body or "") for body in said) > 4_000


def test_start_without_a_link_opens_what_stop_and_a_block_had_closed(
    chats: Runtime, ask: Callable[..., Person]
) -> None:
    person = ask("telegram")
    person.sends("/stop")
    person.comes(Event("sandbox", "blocked-1", Kind.BLOCKED, "77"))
    person.starts("")
    with chats.db.read() as session:
        kinds = select(OptOut.kind).where(OptOut.lifted_at.is_(None))
        assert session.scalars(kinds).all() == []
        assert set(session.scalars(select(OptOut.kind))) == {"own_wish", "bounce"}


def test_c22_start_lifts_what_they_said_themselves_and_nothing_else(
    chats: Runtime, ask: Callable[..., Person], workspace: Workspace, world: World, maria: Contact
) -> None:
    person = ask("sms")
    person.sends("STOP")
    with chats.db.write() as session:
        for kind in ("legal", "erasure", "bounce"):
            blocked = {"kind": kind, "origin": "console", "now": world.now}
            opt_outs.record(session, workspace.id, maria.id, [maria.phone_key], **blocked)
    person.sends("START")
    with chats.db.read() as session:
        stands = sorted(session.scalars(select(OptOut.kind).where(OptOut.lifted_at.is_(None))))
        assert stands == ["bounce", "erasure", "legal"]
        assert session.scalars(select(OptOut.kind).where(OptOut.lifted_at.is_not(None))).all() == ["own_wish"]


@pytest.mark.parametrize("wrote", [True, False])
def test_c22_start_holds_where_this_sender_wrote_to_them_from_and_nowhere_else(
    chats: Runtime, ask: Callable[..., Person], world: World, wrote: bool
) -> None:
    person, elsewhere = ask("sms"), world.workspace()
    manager = world.member(elsewhere, Role.MANAGER)
    same = world.contact(elsewhere, phone=PHONE)
    if wrote:
        asking.ask(chats, manager, world.survey(elsewhere, Metric.CSAT).id, same.id, ["sms"])
        sending.send_due(chats)
    opt_outs.opt_out(chats, manager, same.id, "console")
    person.sends("STOP")
    person.sends("START")
    assert any(each.lifted_at for each in opt_outs.of(chats, manager, same.id)) is wrote


def test_start_from_a_shared_number_leaves_what_somebody_else_there_said_for_themselves(
    chats: Runtime, ask: Callable[..., Person], camila: Visitor, maria: Contact, world: World,
    workspace: Workspace,
) -> None:  # fmt: skip
    person, other = ask("sms"), world.contact(workspace, phone=PHONE, email=None)
    opt_outs.opt_out(chats, camila, other.id, "console")
    person.sends("START")
    assert contacts.detail(chats, camila, other.id).is_opted_out
    assert not contacts.detail(chats, camila, maria.id).is_opted_out


@pytest.mark.on_both
def test_start_leaves_what_somebody_else_with_the_number_said_for_themselves_in_another_workspace(
    chats: Runtime, ask: Callable[..., Person], world: World
) -> None:
    """Nobody knows there which of them it is. What came by the number alone ends, and so does its silence."""
    person, elsewhere = ask("sms"), world.workspace()
    manager = world.member(elsewhere, Role.MANAGER)
    joao, eva = (world.contact(elsewhere, phone=PHONE, email=None) for _ in range(2))
    asking.ask(chats, manager, world.survey(elsewhere, Metric.CSAT).id, eva.id, ["sms"])
    sending.send_due(chats)
    person.sends("STOP")
    opt_outs.opt_out(chats, manager, joao.id, "console", evidence="João, in person, at the counter.")
    said = opt_outs.of(chats, manager, joao.id)[0]
    person.sends("START")
    still = [each for each in opt_outs.of(chats, manager, joao.id) if each.holds_everywhere]
    assert [replace(each, id="") for each in still] == [replace(said, id="")], "it reads as it did"
    assert contacts.detail(chats, manager, joao.id).is_opted_out
    assert not contacts.detail(chats, manager, eva.id).is_opted_out
    with chats.db.read() as session:
        ended = session.execute(
            select(OptOut.contact_id, OptOut.evidence).where(OptOut.lifted_at.is_not(None))
        )
        assert (joao.id, said.proof) not in ended.all(), "what ended is not his"


def test_start_leaves_whoever_had_the_number_before_in_another_workspace_their_no(
    chats: Runtime, ask: Callable[..., Person], world: World
) -> None:
    person, elsewhere = ask("sms"), world.workspace()
    manager = world.member(elsewhere, Role.MANAGER)
    joao = world.contact(elsewhere, phone=PHONE, email=None)
    opt_outs.opt_out(chats, manager, joao.id, "console")
    contacts.edit(chats, manager, joao.id, {"phone": "31 98888-0000"})
    eva = world.contact(elsewhere, phone=PHONE, email=None)
    told = {"channel": "sms", "address_key": eva.phone_key, "to_address": PHONE}
    with chats.db.read() as session:
        told["sender_id"] = session.scalars(select(Message.sender_id).where(Message.channel == "sms")).one()
    world.invitation(elsewhere, world.survey(elsewhere), eva, told, channel="sms", address_key=eva.phone_key)
    person.sends("START")
    assert contacts.detail(chats, manager, joao.id).is_opted_out
    assert not contacts.detail(chats, manager, eva.id).is_opted_out


def test_start_in_one_channel_leaves_what_they_do_not_want_in_another(
    chats: Runtime, ask: Callable[..., Person], camila: Visitor, maria: Contact
) -> None:
    person = ask("sms")
    for channel in ("sms", "email"):
        opt_outs.opt_out(chats, camila, maria.id, "console", channel=channel)
    person.sends("START")
    with chats.db.read() as session:
        assert set(session.scalars(select(OptOut.channel).where(OptOut.lifted_at.is_(None)))) == {"email"}


@pytest.mark.parametrize("erased_first", [True, False])
def test_what_somebody_writes_while_they_are_erased_is_gone_with_them(
    chats: Runtime, camila: Visitor, maria: Contact, ask: Callable[..., Person], erased_first: bool
) -> None:
    """Neither waits for the other for good: an erasure takes what came in before whom it came from."""
    person = ask("sms")
    with chats.db.write() as session:
        event = Event("sandbox", "late", Kind.TEXT, PHONE, text="3 segredo")
        id = inbound.keep(session, "sms", event, chats.clock())
    assert id is not None
    hears, erases = partial(inbound.handle_one, chats, id), partial(erasure.erase, chats, camila, maria.id)
    if erased_first:
        meeting(chats, erases, hears, at="UPDATE contacts")
    else:
        meeting(chats, hears, erases, at="SELECT conversations")
    with chats.db.read() as session:
        stored = session.execute(select(InboundEvent.state, InboundEvent.payload)).all()
        bodies = session.scalars(select(Message.body)).all()
        addresses = set(session.scalars(select(Message.to_address)))
    assert {state for state, _ in stored} == {"done"}
    assert "segredo" not in str(stored)
    assert (set(bodies), addresses) == ({None}, {""})
    assert person.heard == []
