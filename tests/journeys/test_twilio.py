"""SMS and WhatsApp from end to end, judged by Twilio's own description: asked, answered, followed up."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app.channels.registry import open_channels
from app.domain.access import Role
from app.models import (
    Answer,
    Contact,
    FollowUp,
    InboundEvent,
    Message,
    OptOut,
    Schedule,
    WhatsAppTemplate,
    Workspace,
    new_id,
)
from app.runtime import Runtime
from app.services import (
    asking,
    expanding,
    followup_page,
    followups,
    inbound,
    listening,
    planning,
    schedules,
    sending,
)
from app.web import create_app
from bots import handle
from tests.peers.twilio.peer import TwilioPeer
from tests.web.browser import serving
from tests.world import Clock, World

pytestmark = pytest.mark.xdist_group("twilio")
OURS = "+551140028922"
MARIA = "+5531988884417"


@pytest.fixture
def place(runtime: Runtime, twilio: TwilioPeer, clock: Clock) -> Iterator[Runtime]:
    """SMS and WhatsApp for real; Twilio finds our hooks under our public name."""
    twilio.stands_at(clock())
    config = replace(
        runtime.config, twilio_account_sid=twilio.account_sid, twilio_auth_token=twilio.auth_token,
        twilio_sms_from=OURS, twilio_whatsapp_from=OURS, twilio_api_url=twilio.url, sms_countries=("BR",),
        public_url="https://retorno.example",
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
    return world.workspace(name="Aroeira", time_zone="America/Sao_Paulo")


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, name="Maria Figueiredo", phone=MARIA, email=None)


def tick(place: Runtime) -> None:
    """What the worker does within a second."""
    assert isinstance(place.clock, Clock)
    sending.send_due(place)
    inbound.handle_new(place)
    place.clock.advance(seconds=2)
    sending.send_due(place)


def ask(place: Runtime, world: World, workspace: Workspace, contact: Contact, channel: str) -> str:
    survey = world.survey(workspace)
    world.add(
        WhatsAppTemplate(
            id=new_id(), workspace_id=workspace.id, survey_id=survey.id, locale=contact.locale or "",
            content_sid="HX" + "5a" * 16,
        )
    )  # fmt: skip
    asked = asking.ask(place, world.member(workspace, Role.MANAGER), survey.id, contact.id, [channel])
    tick(place)
    return asked


def scores(place: Runtime) -> list[tuple[int, str | None, str]]:
    with place.db.read() as session:
        rows = session.execute(select(Answer.score, Answer.comment, Answer.channel))
        return [(row[0], row[1], row[2]) for row in rows]


@pytest.mark.parametrize("locale", ["pt-BR", "en"])
@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
def test_asked_answered_followed_up_and_replied_to(
    place: Runtime, world: World, workspace: Workspace, twilio: TwilioPeer, channel: str, locale: str
) -> None:
    contact = world.contact(workspace, name="Maria Figueiredo", phone=MARIA, email=None, locale=locale)
    theirs = MARIA if channel == "sms" else f"whatsapp:{MARIA}"
    ours = OURS if channel == "sms" else f"whatsapp:{OURS}"
    ask(place, world, workspace, contact, channel)
    (question,) = twilio.sent_to(theirs)
    if channel == "sms":
        assert question.body.startswith("Aroeira: ")
        assert 0 < int(question.validity_period or 0) <= 36_000
    else:
        assert question.content_sid.startswith("HX"), "nobody wrote within a day, so the template goes out"
        assert "Maria" in question.content_variables.values()
    assert "/hooks/twilio/status?m=" in question.status_callback
    twilio.status(question.sid, "delivered")
    tick(place)
    with place.db.read() as session:
        states = select(Message.state).where(Message.purpose == "invitation")
        assert session.scalars(states).one() == "delivered"

    assert twilio.receives(theirs, ours, "3").status == 200
    tick(place)
    assert scores(place) == [(3, None, channel)]
    twilio.receives(theirs, ours, "Demorou demais")
    tick(place)
    assert scores(place) == [(3, "Demorou demais", channel)]
    camila = world.member(workspace, Role.AGENT)
    with place.db.read() as session:
        followup = session.scalars(select(FollowUp)).one()
    followups.reply(place, camila, followup.id, "Maria, posso ligar?")
    tick(place)
    assert twilio.sent_to(theirs)[-1].body == "Maria, posso ligar?"
    twilio.receives(theirs, ours, "Pode sim")
    tick(place)
    assert followup_page.detail(place, camila, followup.id).conversation[-1].text == "Pode sim"


def test_every_event_five_times_at_once_is_one_answer_and_one_follow_up(
    place: Runtime, world: World, workspace: Workspace, maria: Contact, twilio: TwilioPeer
) -> None:
    ask(place, world, workspace, maria, "sms")
    told = twilio.receives(MARIA, OURS, "2", times=5, at_once=True)
    assert [each.status for each in told.answers] == [200] * 5
    tick(place)
    assert scores(place) == [(2, None, "sms")]
    with place.db.read() as session:
        assert session.scalar(select(func.count()).select_from(FollowUp)) == 1
        assert session.scalar(select(func.count()).select_from(InboundEvent)) == 1


def test_a_forged_hook_is_refused_and_nothing_is_written(
    place: Runtime, world: World, workspace: Workspace, maria: Contact, twilio: TwilioPeer
) -> None:
    ask(place, world, workspace, maria, "sms")
    assert twilio.receives(MARIA, OURS, "2", token="another-token-another-token-0000").status == 403
    assert twilio.receives(MARIA, OURS, "2", token=None).status == 403
    with place.db.read() as session:
        assert session.scalar(select(func.count()).select_from(InboundEvent)) == 0


def test_what_came_in_while_we_were_down_is_fetched_and_counted_once(
    place: Runtime, world: World, workspace: Workspace, maria: Contact, twilio: TwilioPeer
) -> None:
    ask(place, world, workspace, maria, "sms")
    lost = twilio.receives(MARIA, OURS, "10", deliver=False)
    assert listening.catch_up_at_start(place) == 1
    assert listening.catch_up_at_start(place) == 0
    twilio.receives(MARIA, OURS, "10", sid=lost.sid)
    tick(place)
    assert scores(place) == [(10, None, "sms")]


def test_stop_by_text_ends_every_channel_and_is_confirmed_once(
    place: Runtime, world: World, workspace: Workspace, maria: Contact, twilio: TwilioPeer
) -> None:
    ask(place, world, workspace, maria, "sms")
    twilio.receives(MARIA, OURS, "Pare, por favor!")
    tick(place)
    with place.db.read() as session:
        assert session.scalar(select(func.count()).select_from(OptOut)) == 1
    assert len(twilio.sent_to(MARIA)) == 2
    manager = world.member(workspace, Role.MANAGER)
    told = asking.ask(place, manager, world.survey(workspace).id, maria.id, ["whatsapp"])
    assert asking.asked(place, manager, told).reason == "opted_out"


@pytest.mark.parametrize(
    ("phone", "reason"), [("+553133334417", "landline"), ("+14155552671", "country_not_allowed")]
)
def test_who_cannot_or_must_not_get_a_text_is_not_texted(
    place: Runtime, world: World, workspace: Workspace, twilio: TwilioPeer, phone: str, reason: str
) -> None:
    contact = world.contact(workspace, phone=phone, email=None)
    invitation = ask(place, world, workspace, contact, "sms")
    told = asking.asked(place, world.member(workspace, Role.MANAGER), invitation)
    assert (told.state, told.reason) == ("skipped", reason)
    assert twilio.sent == []


def test_the_days_segments_are_a_limit_that_holds(
    place: Runtime, world: World, workspace: Workspace, maria: Contact, twilio: TwilioPeer
) -> None:
    poor = replace(place, config=replace(place.config, sms_daily_segments=1))
    told = asking.asked(
        poor, world.member(workspace, Role.MANAGER), ask(poor, world, workspace, maria, "sms")
    )
    assert (told.state, told.reason) == ("skipped", "over_budget")
    assert twilio.sent == []


def test_nobody_is_texted_at_night(
    place: Runtime, world: World, workspace: Workspace, maria: Contact, twilio: TwilioPeer, clock: Clock
) -> None:
    clock.advance(hours=12)
    invitation = ask(place, world, workspace, maria, "sms")
    manager = world.member(workspace, Role.MANAGER)
    told = asking.asked(place, manager, invitation)
    assert (told.state, told.reason) == ("queued", "quiet_hours")
    assert twilio.sent == []
    clock.advance(hours=12)
    tick(place)
    assert len(twilio.sent) == 1


def test_a_blocked_sender_is_an_opt_out_for_good(
    place: Runtime, world: World, workspace: Workspace, maria: Contact, twilio: TwilioPeer
) -> None:
    twilio.refuses(MARIA, 21610)
    ask(place, world, workspace, maria, "sms")
    manager = world.member(workspace, Role.MANAGER)
    told = asking.ask(place, manager, world.survey(workspace).id, maria.id, ["whatsapp"])
    assert asking.asked(place, manager, told).reason == "opted_out"


def test_a_phone_that_is_off_is_tried_again_later_and_not_without_end(
    place: Runtime, world: World, workspace: Workspace, maria: Contact, twilio: TwilioPeer, clock: Clock
) -> None:
    ask(place, world, workspace, maria, "sms")
    for number in (1, 2, 3):
        assert len(twilio.sent_to(MARIA)) == number
        twilio.status(twilio.sent_to(MARIA)[-1].sid, "undelivered", error_code=30003)
        tick(place)
        clock.advance(minutes=31)
        tick(place)
    assert len(twilio.sent_to(MARIA)) == 3
    with place.db.read() as session:
        assert session.scalars(select(Message.state).where(Message.purpose == "invitation")).one() == "failed"


def test_a_run_that_is_filtered_is_paused(
    place: Runtime, world: World, workspace: Workspace, twilio: TwilioPeer
) -> None:
    manager, survey = world.member(workspace, Role.MANAGER), world.survey(workspace)
    for number in range(4):
        world.contact(workspace, phone=f"+553198888441{number}", email=None)
    twilio.fail_next(30007, 400, times=4)
    made = schedules.create(
        place, manager, {"survey": survey.id, "repeat": "weekly", "name": "NPS", "channels": ["sms"]}
    )
    planning.plan_schedules(place)
    expanding.expand_occurrences(place)
    tick(place)
    with place.db.read() as session:
        assert session.get_one(Schedule, made).state == "paused"
