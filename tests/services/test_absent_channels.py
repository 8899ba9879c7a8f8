"""What waits on a channel that is not set up any more goes another way; for one that is down it waits."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import select, update

from app.channels.registry import open_channels
from app.domain.access import Role
from app.models import Contact, Invitation, Message, Setting, Workspace
from app.runtime import Runtime
from app.services import (
    absent_channels,
    asking,
    doctor,
    erasure,
    opt_outs,
    outcomes,
    reminding,
    schedules,
    sending,
    switch,
)
from app.services.access import Visitor
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
        erasure.forget(session, person, clock())
    giving_up.join()
    assert ends(mails) == [("invitation", "sms", "cancelled", "erased")]
    assert done == [1], "it looked, and nothing was left to give up"
