"""What goes wrong around texts and WhatsApp messages, and what must come of it (A05, A13, A23, A24, C06…)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import func, select

from app.channels.base import Event, Kind
from app.channels.registry import open_channels
from app.domain.access import Role
from app.models import (
    Answer,
    Contact,
    Conversation,
    InboundEvent,
    Invitation,
    Message,
    WhatsAppTemplate,
    Workspace,
    new_id,
)
from app.runtime import Runtime
from app.services import (
    asking,
    events,
    expanding,
    inbound,
    planning,
    schedule_sheets,
    schedules,
    senders,
    sending,
)
from app.services.access import Visitor
from app.services.events import Told
from bots import handle
from tests.scripted_twilio import SID, TOKEN, ScriptedTwilio, refused, scripted
from tests.world import Clock, World

OURS, MARIA = "+551140028922", "+5531988884417"
TEMPLATE = "HX" + "5a" * 16


@pytest.fixture
def server() -> Iterator[ScriptedTwilio]:
    with scripted() as running:
        yield running


@pytest.fixture
def place(runtime: Runtime, server: ScriptedTwilio) -> Iterator[Runtime]:
    config = replace(
        runtime.config, twilio_account_sid=SID, twilio_auth_token=TOKEN, twilio_sms_from=OURS,
        twilio_whatsapp_from=OURS, twilio_api_url=server.url, sms_countries=("BR",),
    )  # fmt: skip
    made = replace(runtime, config=config, channels=open_channels(config), inbound=handle)
    yield made
    for each in made.channels.values():
        each.close()


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, name="Maria Figueiredo", phone=MARIA, email=None)


Ask = tuple[Runtime, World, Workspace, Visitor, Contact]


@pytest.fixture
def asked(place: Runtime, world: World, workspace: Workspace, manager: Visitor, maria: Contact) -> Ask:
    return place, world, workspace, manager, maria


def ask(asked: Ask, channel: str = "sms") -> Message:
    place, world, workspace, manager, maria = asked
    asking.ask(place, manager, world.survey(workspace).id, maria.id, [channel])
    sending.send_due(place)
    return message(place)


def message(place: Runtime) -> Message:
    with place.db.read() as session:
        return session.scalars(select(Message).where(Message.purpose == "invitation")).one()


def invitation(place: Runtime) -> tuple[str, str | None]:
    with place.db.read() as session:
        found = session.scalars(select(Invitation)).one()
        return found.state, found.reason


def status(of: Message, state: str, **more: object) -> Event:
    sid = of.provider_id or "SM" + "3" * 32
    told = Event(OURS, f"{sid}:{state}{more.get('reason', '')}", Kind.STATUS, MARIA, quotes=sid, state=state)
    return replace(told, **more)  # type: ignore[arg-type]


def comes(place: Runtime, *events: Event) -> None:
    for each in events:
        with place.db.write() as session:
            inbound.keep(session, "sms", each, place.clock())
        inbound.handle_new(place)


@pytest.mark.parametrize("order", list(permutations(["sent", "failed", "delivered"])), ids="-".join)
def test_a23_statuses_in_any_order_end_where_the_last_word_is(asked: Ask, order: tuple[str, ...]) -> None:
    place, sent = asked[0], ask(asked)
    more = {"failed": {"reason": "provider_refused", "permanent": True}}
    for state in order:
        comes(place, status(sent, state, **more.get(state, {})))
    assert message(place).state == "delivered", "who has it has it, whatever was said before"
    assert invitation(place) == ("delivered", None)
    before = message(place).state
    for state in order:
        comes(place, replace(status(sent, state, **more.get(state, {})), provider_id=f"again:{state}"))
    assert message(place).state == before


def test_a23_a_status_that_nobody_knows_changes_nothing(asked: Ask) -> None:
    place, sent = asked[0], ask(asked)
    comes(place, status(sent, ""))
    assert message(place).state == "sent"
    with place.db.read() as session:
        assert session.scalars(select(InboundEvent.state)).all() == ["done"]


def test_a23_failed_stays_failed_when_sent_is_told_late(asked: Ask) -> None:
    place, sent = asked[0], ask(asked)
    comes(place, status(sent, "failed", reason="provider_refused", permanent=True), status(sent, "sent"))
    assert (message(place).state, invitation(place)) == ("failed", ("failed", "provider_refused"))


def test_a24_a_status_finds_its_message_by_our_own_id_before_we_know_theirs(
    asked: Ask, server: ScriptedTwilio
) -> None:
    place = asked[0]
    server.every = "cut"
    attempted = ask(asked)
    assert (attempted.state, attempted.provider_id) == ("unknown", None)
    comes(place, status(attempted, "delivered", message_id=attempted.id))
    assert (message(place).state, message(place).provider_id) == ("delivered", "SM" + "3" * 32)
    assert invitation(place) == ("delivered", None)


def test_a24_a_status_of_no_message_of_ours_is_kept_aside_and_touches_nothing(asked: Ask) -> None:
    place, sent = asked[0], ask(asked)
    stranger = Event(OURS, "x", Kind.STATUS, MARIA, quotes="SM" + "8" * 32, state="failed", message_id="no")
    comes(place, stranger)
    assert message(place).state == sent.state
    with place.db.read() as session:
        assert session.scalars(select(InboundEvent.state)).all() == ["set_aside"]


def test_a05_the_same_message_an_hour_later_is_one_answer(asked: Ask, clock: Clock) -> None:
    place = asked[0]
    ask(asked)
    said = Event(OURS, "SM" + "4" * 32, Kind.TEXT, MARIA, text="3")
    comes(place, said)
    clock.advance(hours=1)
    comes(place, said, replace(said, text="9"))
    with place.db.read() as session:
        assert session.scalars(select(Answer.score)).all() == [3]
        assert session.scalar(select(func.count()).select_from(InboundEvent)) == 1


def test_a13_what_is_fetched_late_is_answered_when_it_was_written(asked: Ask, clock: Clock) -> None:
    place = asked[0]
    ask(asked)
    written = clock.now + timedelta(minutes=5)
    clock.advance(hours=6)
    comes(place, Event(OURS, "SM" + "4" * 32, Kind.TEXT, MARIA, text="3", at=written))
    with place.db.read() as session:
        assert session.scalars(select(Answer.recorded_at)).all() == [written]


def with_template(asked: Ask) -> None:
    _, world, workspace, _, _ = asked
    with asked[0].db.read() as session:
        survey_id = session.scalars(select(Invitation.survey_id)).one()
    world.add(
        WhatsAppTemplate(
            id=new_id(), workspace_id=workspace.id, survey_id=survey_id, locale="pt-BR", content_sid=TEMPLATE
        )
    )


@pytest.fixture
def in_conversation(asked: Ask, server: ScriptedTwilio) -> Ask:
    """She is being asked on WhatsApp; we believe that her window is open."""
    place, world, workspace, manager, maria = asked
    with place.db.write() as session:
        sender_id = senders.sender_id(session, "whatsapp", OURS, place.clock())
    world.add(
        Conversation(
            id=new_id(), sender_id=sender_id, address_key=maria.phone_key, expects="nothing", missed=0,
            choices=[], heard_at=world.now,
        )
    )  # fmt: skip
    asking.ask(place, manager, world.survey(workspace).id, maria.id, ["whatsapp"])
    return asked


@pytest.mark.parametrize("has_template", [True, False])
def test_c16_a_window_that_is_shut_over_there_takes_the_template_once_or_ends(
    in_conversation: Ask, server: ScriptedTwilio, clock: Clock, has_template: bool
) -> None:
    place = in_conversation[0]
    if has_template:
        with_template(in_conversation)
    server.every = refused(63016)
    sending.send_due(place)
    assert "Body" in server.created[0], "we thought that words would do"
    server.every = None
    clock.advance(minutes=2)
    sending.send_due(place)
    clock.advance(minutes=30)
    sending.send_due(place)
    if has_template:
        assert [each.get("ContentSid") for each in server.created] == [None, TEMPLATE]
        assert invitation(place) == ("sent", None)
    else:
        assert len(server.created) == 1
        assert invitation(place) == ("skipped", "no_template")


def test_c18_the_window_counts_as_it_is_when_the_message_leaves(
    in_conversation: Ask, server: ScriptedTwilio, clock: Clock
) -> None:
    with_template(in_conversation)
    clock.advance(hours=24)  # it lay in the queue for a day
    sending.send_due(in_conversation[0])
    assert [each.get("ContentSid") for each in server.created] == [TEMPLATE]


def test_c19_a_text_that_leaves_in_the_evening_may_not_wait_into_the_night(
    asked: Ask, server: ScriptedTwilio, clock: Clock
) -> None:
    clock.advance(hours=10, minutes=55)  # 20:55 where she is
    ask(asked)
    assert int(server.created[0]["ValidityPeriod"]) <= 5 * 60


def test_c14_trouble_with_our_account_rests_the_channel_and_marks_nobody(
    asked: Ask, server: ScriptedTwilio, clock: Clock
) -> None:
    place = asked[0]
    server.every = refused(20003, 401)
    ask(asked)
    assert (message(place).state, invitation(place)[0]) == ("queued", "queued")
    sending.send_due(place)
    assert len(server.created) == 1, "nothing is tried while it rests"
    server.every = None
    clock.advance(minutes=6)
    sending.send_due(place)
    assert invitation(place) == ("sent", None)


def test_c17_a_code_of_the_future_is_a_passing_trouble(
    asked: Ask, server: ScriptedTwilio, clock: Clock
) -> None:
    place = asked[0]
    server.every = refused(39_999)
    ask(asked)
    assert message(place).state == "queued"
    server.every = None
    clock.advance(minutes=2)
    sending.send_due(place)
    assert invitation(place) == ("sent", None)


def test_c06_after_too_many_requests_replies_leave_before_questions(
    asked: Ask, server: ScriptedTwilio, world: World, clock: Clock
) -> None:
    place, _, workspace, _, _ = asked
    server.every = refused(20429, 429, Retry_After="35")
    ask(asked)
    world.add(
        Message(
            id=new_id(), workspace_id=workspace.id, purpose="dialogue", priority=0, channel="sms",
            to_address="+5531988884418", locale="pt-BR", body="Anotado.", state="queued", due_at=clock.now,
            created_at=clock.now,
        )
    )  # fmt: skip
    server.every = None
    clock.advance(seconds=34)
    sending.send_due(place)
    assert len(server.created) == 1
    clock.advance(seconds=2)
    sending.send_urgent(place)
    assert [each["To"] for each in server.created[1:]] == ["+5531988884418"]
    sending.send_due(place)
    assert [each["To"] for each in server.created[2:]] == [MARIA]


def test_c13_words_that_are_refused_after_events_pause_their_schedule(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, server: ScriptedTwilio
) -> None:
    server.every = refused(30007)
    given = {"repeat": "event", "trigger": {"event": "ticket.solved"}, "channels": ["sms"]}
    id = schedules.create(place, manager, given | {"survey": world.survey(workspace).id})
    for number in range(3):
        person = world.contact(workspace, phone=f"+553198888441{number}", email=None)
        events.tell(place, manager, Told(f"e{number}", "ticket.solved", person.id, None, {}))
        planning.plan_schedules(place)
        expanding.expand_occurrences(place)
        sending.send_due(place)
    sheet = schedule_sheets.get(place, manager, id)
    assert sheet.state == "paused"
    assert sheet.stopped is not None
    assert (sheet.stopped.why, sheet.stopped.failed) == ("refused", 3)
