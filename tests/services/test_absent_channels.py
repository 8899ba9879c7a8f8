"""What waits on a channel that is not set up any more goes another way; for one that is down it waits."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import select, update

from app.channels.registry import open_channels
from app.domain.access import Role
from app.models import Contact, Invitation, Member, Message, Setting, Workspace
from app.runtime import Runtime
from app.services import (
    absent_channels,
    asking,
    doctor,
    erasure,
    followup_page,
    followups,
    opt_outs,
    outbox,
    outcomes,
    reminding,
    schedules,
    sending,
    switch,
    unsent_replies,
)
from app.services.access import Visitor
from tests.services.loop import opened
from tests.services.recurring import House
from tests.smtp import SmtpSink
from tests.world import Clock, World

PHONE = "+5531988884417"


@pytest.fixture
def mails(runtime: Runtime, smtp_server: SmtpSink) -> Iterator[Runtime]:
    """The owner has set up mail: the sandbox is off, and with it its texts."""
    config = replace(runtime.config, smtp_url=smtp_server.url, mail_from="pergunta@aroeira.example")
    made = replace(runtime, config=config, channels=open_channels(config))
    assert list(made.channels) == ["email"]
    yield made
    made.channels["email"].close()


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def maria(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, phone=PHONE, email="maria@b.example")


def ask(runtime: Runtime, world: World, who: Visitor, contact: Contact, *channels: str) -> str:
    with runtime.db.read() as session:
        home = session.get_one(Workspace, contact.workspace_id)
    return asking.ask(runtime, who, world.survey(home).id, contact.id, channels)


def pass_some_time(mails: Runtime, clock: Clock) -> None:
    """A worker looks every minute for a quarter of an hour."""
    for _ in range(15):
        absent_channels.give_up_waiting(mails)
        clock.advance(minutes=1)
        sending.send_due(mails)


def ends(runtime: Runtime) -> list[tuple[str, str, str, str | None]]:
    with runtime.db.read() as session:
        rows = session.scalars(select(Message).order_by(Message.created_at, Message.channel.desc()))
        return [(row.purpose, row.channel, row.state, row.reason) for row in rows]


def invitation(runtime: Runtime) -> tuple[str, str | None, str | None]:
    with runtime.db.read() as session:
        row = session.scalars(select(Invitation)).one()
        return row.state, row.reason, row.channel


def test_a_text_that_was_queued_while_the_sandbox_played_them_leaves_as_a_mail(
    runtime: Runtime, mails: Runtime, world: World, manager: Visitor, maria: Contact, smtp_server: SmtpSink,
    clock: Clock,
) -> None:  # fmt: skip
    ask(runtime, world, manager, maria, "sms", "email")
    pass_some_time(mails, clock)
    assert [each.recipient for each in smtp_server.messages] == ["maria@b.example"]
    assert invitation(mails) == ("sent", None, "email")
    assert ends(mails)[0] == ("invitation", "sms", "cancelled", "channel_not_configured")


def test_without_another_way_it_ends_and_says_why(
    runtime: Runtime, mails: Runtime, world: World, manager: Visitor, maria: Contact, clock: Clock
) -> None:
    ask(runtime, world, manager, maria, "sms")
    pass_some_time(mails, clock)
    assert invitation(mails)[:2] == ("skipped", "channel_not_configured")


def test_a_setting_that_is_put_right_within_minutes_loses_nothing(
    runtime: Runtime, mails: Runtime, world: World, manager: Visitor, maria: Contact, clock: Clock
) -> None:
    ask(runtime, world, manager, maria, "sms", "email")
    clock.advance(days=2)  # no worker was there
    for _ in range(2):
        absent_channels.give_up_waiting(mails)
        clock.advance(minutes=8)
        absent_channels.give_up_waiting(runtime)  # texts are set up again
    assert ends(runtime) == [("invitation", "sms", "queued", None)]
    with runtime.db.read() as session:
        assert not session.scalars(select(Setting).where(Setting.name.startswith("channel_absent"))).all()


def test_what_waits_on_a_channel_that_is_only_down_goes_on_waiting(
    runtime: Runtime, world: World, manager: Visitor, maria: Contact, clock: Clock
) -> None:
    ask(runtime, world, manager, maria, "sms", "email")
    with runtime.db.write() as session:
        outcomes.rest_channel(session, "sms", clock(), 86_400)
    pass_some_time(runtime, clock)
    assert ends(runtime) == [("invitation", "sms", "queued", None)]


def test_what_is_held_until_the_morning_is_not_given_up_before(
    runtime: Runtime, mails: Runtime, world: World, manager: Visitor, maria: Contact, clock: Clock
) -> None:
    ask(runtime, world, manager, maria, "sms")
    with runtime.db.write() as session:
        session.execute(update(Message).values(due_at=clock() + timedelta(hours=9), reason="quiet_hours"))
    pass_some_time(mails, clock)
    assert ends(mails) == [("invitation", "sms", "queued", "quiet_hours")]


def test_while_sending_is_paused_nothing_is_given_up(
    runtime: Runtime, mails: Runtime, world: World, manager: Visitor, maria: Contact, clock: Clock
) -> None:
    ask(runtime, world, manager, maria, "sms", "email")
    switch.pause(mails, "restored from a backup")
    pass_some_time(mails, clock)
    assert ends(mails) == [("invitation", "sms", "queued", None)]


def test_another_reason_counts_first(
    runtime: Runtime, mails: Runtime, world: World, manager: Visitor, maria: Contact, smtp_server: SmtpSink,
    clock: Clock,
) -> None:  # fmt: skip
    ask(runtime, world, manager, maria, "sms", "email")
    opt_outs.opt_out(mails, manager, maria.id, "console")
    pass_some_time(mails, clock)
    assert smtp_server.messages == []
    assert invitation(mails)[:2] == ("skipped", "opted_out")


def test_a_paused_schedule_waits_for_its_manager_not_for_the_channel(
    runtime: Runtime, mails: Runtime, world: World, manager: Visitor, maria: Contact, smtp_server: SmtpSink,
    workspace: Workspace, clock: Clock,
) -> None:  # fmt: skip
    house = House(World(runtime), clock, manager, world.survey(workspace))
    id = house.plans(repeat="once", channels=["sms", "email"])
    house.tick()
    with runtime.db.write() as session:  # one of very many whom the pause has not come to yet
        session.execute(update(Message).values(due_at=clock()))
    schedules.pause(mails, manager, id)
    with runtime.db.write() as session:
        session.execute(update(Message).values(state="queued", reason=None))
        session.execute(update(Invitation).values(state="queued", reason=None))
    pass_some_time(mails, clock)
    assert invitation(mails)[:2] == ("planned", "sending_paused")
    schedules.resume(mails, manager, id)
    pass_some_time(mails, clock)
    assert [each.recipient for each in smtp_server.messages] == ["maria@b.example"]


def test_a_reminder_there_ends_as_well(
    runtime: Runtime, mails: Runtime, world: World, manager: Visitor, maria: Contact, clock: Clock
) -> None:
    ask(runtime, world, manager, maria, "sms")
    sending.send_due(runtime)
    clock.advance(days=3)
    assert reminding.remind(runtime) == 1
    pass_some_time(mails, clock)
    assert ends(mails)[1] == ("reminder", "sms", "cancelled", "channel_not_configured")
    assert invitation(mails)[0] == "sent"


def test_the_doctor_warns_of_whatever_waits_there(
    runtime: Runtime, mails: Runtime, world: World, manager: Visitor, maria: Contact
) -> None:
    def look(of: Runtime) -> tuple[str, str]:
        return next((each.state, each.says) for each in doctor.examine(of) if each.name == "waiting")

    ask(runtime, world, manager, maria, "sms")
    assert look(runtime)[0] == "ok"
    state, says = look(mails)
    assert state == "warning"
    assert "1 on sms" in says


@pytest.mark.judged_on("postgresql")
@pytest.mark.parametrize("channels", [("sms", "email"), ("sms",)])
def test_an_erasure_comes_before_or_after_and_nobody_waits_for_each_other(
    runtime: Runtime,
    mails: Runtime,
    world: World,
    manager: Visitor,
    maria: Contact,
    clock: Clock,
    channels: tuple[str, ...],
) -> None:
    ask(runtime, world, manager, maria, *channels)
    absent_channels.give_up_waiting(mails)
    clock.advance(minutes=11)
    done: list[int] = []
    giving_up = Thread(target=lambda: done.append(absent_channels.give_up_waiting(mails)))
    with runtime.db.write() as session:
        (person,) = erasure.hold(session, [maria.id])
        giving_up.start()
        giving_up.join(0.5)
        erasure.forget(session, person, clock(), asked_at=clock())
    giving_up.join()
    assert ends(mails) == [("invitation", "sms", "cancelled", "erased")]
    assert len(done) == 1, "it looked, and nothing was left to give up"


def followed_up(runtime: Runtime, world: World, maria: Contact) -> tuple[str, Visitor]:
    """She answered by text; an agent has taken her on. Their alert went by mail."""
    with runtime.db.read() as session:
        home = session.get_one(Workspace, maria.workspace_id)
    agent = world.member(home, Role.AGENT)
    id = opened(world, home, 3, contact=maria, channel="sms")
    followups.claim(runtime, agent, id)
    return id, agent


def test_an_agents_reply_there_has_failed_and_is_sent_another_way(
    runtime: Runtime, mails: Runtime, world: World, maria: Contact, clock: Clock, smtp_server: SmtpSink
) -> None:
    id, agent = followed_up(runtime, world, maria)
    followups.reply(runtime, agent, id, "We are sorry.")
    assert unsent_replies.unsent(mails, agent) == (), "it may be put right within minutes"
    clock.advance(minutes=1)
    pass_some_time(mails, clock)
    (failed,) = unsent_replies.unsent(mails, agent)
    assert (failed.followup, failed.person, failed.reason) == (id, maria.name, "channel_not_configured")
    assert failed.by == agent.name
    talk = followup_page.detail(mails, agent, id)
    assert [(each.text, each.state) for each in talk.conversation if each.is_unsent] == [
        ("We are sorry.", "failed")
    ]
    assert talk.record.moments.first_contact_at is None, "nobody has heard us"
    assert talk.person.reply_channel == "email"
    followups.reply(mails, agent, id, "We are sorry.")
    sending.send_urgent(mails)
    assert "maria@b.example" in [each.recipient for each in smtp_server.messages]
    assert unsent_replies.unsent(mails, agent) == ()
    assert not any(each.is_unsent for each in followup_page.detail(mails, agent, id).conversation)


def test_the_same_words_right_after_they_failed_are_no_repetition(
    runtime: Runtime, mails: Runtime, world: World, maria: Contact, clock: Clock
) -> None:
    id, agent = followed_up(runtime, world, maria)
    first = followups.reply(runtime, agent, id, "We are sorry.")
    assert followups.reply(runtime, agent, id, "We are sorry.") is None
    with runtime.db.write() as session:
        session.execute(update(Message).where(Message.id == first).values(state="failed"))
    clock.advance(seconds=1)
    assert followups.reply(mails, agent, id, "We are sorry.") is not None
    assert followups.reply(mails, agent, id, "We are sorry.") is None


def test_an_alert_there_reaches_its_member_by_mail_once(
    runtime: Runtime, mails: Runtime, world: World, workspace: Workspace, maria: Contact, clock: Clock,
    smtp_server: SmtpSink,
) -> None:  # fmt: skip
    both, chat = (world.user(telegram_chat_id=number, email=f"{number}@a.example") for number in ("71", "72"))
    for user in (both, chat):
        world.member(workspace, Role.AGENT, user)
    with runtime.db.write() as session:
        for user, by in ((both, "both"), (chat, "telegram")):
            session.execute(update(Member).where(Member.user_id == user.id).values(alerts_by=by))
    id = opened(world, workspace, 3, contact=maria)
    with runtime.db.write() as session:
        outbox.enqueue_alerts(session, workspace.id, id, clock())
    pass_some_time(mails, clock)
    sending.send_urgent(mails)
    assert sorted(each.recipient for each in smtp_server.messages) == ["71@a.example", "72@a.example"]
    alerts = sorted(each[1:] for each in ends(mails) if each[0] == "alert")
    assert alerts == [("email", "sent", None)] * 2 + [("telegram", "failed", "channel_not_configured")] * 2


def test_a_call_makes_up_for_words_that_did_not_leave(
    runtime: Runtime, mails: Runtime, world: World, maria: Contact, clock: Clock
) -> None:
    id, agent = followed_up(runtime, world, maria)
    followups.reply(runtime, agent, id, "We are sorry.")
    pass_some_time(mails, clock)
    followups.note(mails, agent, id, "Called her.", contacted=True)
    assert unsent_replies.unsent(mails, agent) == ()
