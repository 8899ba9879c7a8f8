"""Quiet hours and days of a workspace, by the clock that each person lives by (D14)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, null, select, update

from app.channels.registry import open_channels
from app.domain import levels
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Message, RateWindow, Setting, Workspace
from app.runtime import Runtime
from app.services import (
    asking,
    inviting_many,
    looking_again,
    portions,
    reminding,
    schedules,
    sending,
    workspace_settings,
)
from app.services.pulse_reminders import remind_pulses
from app.services.pulses import open_pulse
from tests.scripted_twilio import SID, TOKEN, ScriptedTwilio, scripted
from tests.services.test_planning import crowd, due, tick
from tests.smtp import SmtpSink
from tests.world import Clock, World

# The clock of these tests stands at Monday, 16 November 2026, 13:00 UTC: 10:00 in São Paulo
NO_HOURS: dict[str, Any] = {"quiet_from": null(), "quiet_to": null()}  # None would be the usual ones
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[ScriptedTwilio]:
    with scripted() as running:
        yield running


@pytest.fixture
def place(runtime: Runtime, server: ScriptedTwilio, smtp_server: SmtpSink) -> Iterator[Runtime]:
    """Texts and mails for real."""
    config = replace(
        runtime.config, twilio_account_sid=SID, twilio_auth_token=TOKEN, twilio_sms_from="+551140028922",
        twilio_api_url=server.url, sms_countries=("BR", "GB", "PT"), smtp_url=smtp_server.url,
        mail_from="pergunta@aroeira.example",
    )  # fmt: skip
    made = replace(runtime, config=config, channels=open_channels(config))
    yield made
    for each in made.channels.values():
        each.close()


def ask(place: Runtime, world: World, workspace: Workspace, contact: Contact, channel: str = "sms") -> str:
    manager = world.member(workspace, Role.MANAGER)
    id = asking.ask(place, manager, world.survey(workspace).id, contact.id, [channel])
    sending.send_due(place)
    return id


def stands(place: Runtime, id: str) -> tuple[str, str | None, datetime | None]:
    with place.db.read() as session:
        row = session.get_one(Invitation, id)
        return row.state, row.reason, row.until


def person(world: World, workspace: Workspace, **values: Any) -> Contact:
    return world.contact(workspace, **{"phone": "+5531988884417", "email": None} | values)


@pytest.mark.parametrize(
    ("settings", "until"),
    [
        ({}, None),
        ({"quiet_from": "09:30", "quiet_to": "11:15"}, MONDAY.replace(hour=14, minute=15)),
        ({"quiet_days": [0, 1]}, MONDAY + timedelta(days=2, hours=12)),
        ({"quiet_days": [0], **NO_HOURS}, MONDAY + timedelta(days=1, hours=3)),
        ({**NO_HOURS}, None),
    ],
)
def test_a_text_waits_until_the_workspaces_quiet_is_over(
    place: Runtime,
    world: World,
    server: ScriptedTwilio,
    clock: Clock,
    settings: dict[str, Any],
    until: datetime | None,
) -> None:
    workspace = world.workspace(**settings)
    id = ask(place, world, workspace, person(world, workspace))
    if until is None:
        assert (stands(place, id)[0], len(server.created)) == ("sent", 1)
        return
    assert stands(place, id) == ("queued", "quiet_hours", until)
    clock.now = until - timedelta(seconds=1)
    sending.send_due(place)
    assert server.created == []
    clock.now = until
    sending.send_due(place)
    assert (stands(place, id), len(server.created)) == (("sent", None, None), 1)


def test_mail_waits_only_where_the_workspace_says_so(
    place: Runtime, world: World, smtp_server: SmtpSink
) -> None:
    for settings, state in (({}, "sent"), ({"quiet_email": True}, "queued")):
        workspace = world.workspace(quiet_days=[0], **settings)
        id = ask(place, world, workspace, world.contact(workspace), "email")
        assert stands(place, id)[0] == state
    assert len(smtp_server.messages) == 1


@pytest.mark.parametrize(
    ("zone", "phone", "asked"),
    [
        ("Asia/Tokyo", "+5531988884417", False),  # 22:00 there
        (None, "+5592988884417", True),  # 09:00 in Manaus, by the number
        (None, "+447400123456", True),  # 13:00 in London
        ("Amerika/Tokyo", "+5531988884417", True),  # nobody knows this zone: the number's
        (None, "+351912345678", True),  # Lisbon or the Azores: nobody can tell, so the workspace's
    ],
)
def test_it_is_the_persons_own_clock_that_counts(
    place: Runtime, world: World, zone: str | None, phone: str, asked: bool
) -> None:
    workspace = world.workspace()
    id = ask(place, world, workspace, person(world, workspace, phone=phone, time_zone=zone))
    assert (stands(place, id)[0] == "sent") is asked


def test_a_number_in_manaus_sleeps_an_hour_longer_than_the_workspace(
    place: Runtime, world: World, clock: Clock
) -> None:
    workspace = world.workspace()
    clock.now = MONDAY + timedelta(hours=12, minutes=30)  # 09:30 in São Paulo, 08:30 in Manaus
    id = ask(place, world, workspace, person(world, workspace, phone="+5592988884417"))
    assert stands(place, id) == ("queued", "quiet_hours", MONDAY + timedelta(hours=13))


def test_a_provider_may_hold_a_text_only_until_the_quiet_begins(
    place: Runtime, world: World, server: ScriptedTwilio
) -> None:
    workspace = world.workspace(quiet_from="10:30", quiet_to="09:00")
    ask(place, world, workspace, person(world, workspace))
    assert server.created[0]["ValidityPeriod"] == str(30 * 60)
    free = world.workspace(**NO_HOURS)
    ask(place, world, free, person(world, free))
    assert "ValidityPeriod" not in server.created[1]


def test_a_reminder_waits_too_and_ends_with_a_reason_when_the_ask_expires_meanwhile(
    place: Runtime, world: World, server: ScriptedTwilio, clock: Clock
) -> None:
    workspace = world.workspace()
    id = ask(place, world, workspace, person(world, workspace))
    with place.db.write() as session:
        invitation = session.get_one(Invitation, id)
        invitation.expires_at = clock.now + timedelta(days=3, hours=14)
        session.get_one(Workspace, workspace.id).quiet_days = [3]
    clock.advance(days=3)
    reminding.remind(place)
    sending.send_due(place)
    with place.db.read() as session:
        reminder = session.scalars(select(Message).where(Message.purpose == "reminder")).one()
    assert (reminder.state, reminder.reason) == ("queued", "quiet_hours")
    assert reminder.due_at == MONDAY + timedelta(days=4, hours=12)
    clock.now = reminder.due_at
    sending.send_due(place)
    with place.db.read() as session:
        ended = session.get_one(Message, reminder.id)
    assert (ended.state, ended.reason, len(server.created)) == ("cancelled", "expired", 1)


def test_a_pulse_and_its_reminders_keep_the_quiet_of_their_workspace(
    place: Runtime, world: World, clock: Clock
) -> None:
    workspace = world.workspace("people", quiet_email=True, quiet_days=[0])
    world.contact(workspace)
    open_pulse(place, world.member(workspace), world.survey(workspace, Metric.ENPS).id)
    sending.send_due(place)
    with place.db.read() as session:
        told = session.execute(select(Invitation.state, Invitation.reason)).one()
    assert tuple(told) == ("queued", "quiet_hours")
    clock.now = MONDAY + timedelta(days=1, hours=12)
    assert sending.send_due(place) == 1
    clock.advance(days=6)
    remind_pulses(place)
    assert sending.send_due(place) == 0
    clock.advance(days=1)
    assert sending.send_due(place) == 1


def test_when_the_workspace_lifts_its_quiet_what_waited_leaves_at_once(
    place: Runtime, world: World, clock: Clock
) -> None:
    clock.advance(hours=12)
    workspace = world.workspace()
    id = ask(place, world, workspace, person(world, workspace))
    owner = world.member(workspace)
    workspace_settings.update(place, owner, {"quiet_days": [6]})
    sending.send_due(place)
    assert stands(place, id)[:2] == ("queued", "quiet_hours")
    workspace_settings.update(place, owner, {"quiet_hours": None})
    assert looking_again.look_at_held(place) == 1
    sending.send_due(place)
    assert stands(place, id)[0] == "sent"


def test_after_a_night_another_workspace_waits_for_the_first_messages_of_a_large_run_not_for_all(
    place: Runtime, world: World, clock: Clock, smtp_server: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inviting_many, "LEVEL", 10)
    clock.now = MONDAY + timedelta(hours=24)  # 21:00 in São Paulo
    workspace, others = world.workspace(quiet_email=True), world.workspace()
    crowd(world, workspace, 60)
    due(place, world.member(workspace, Role.MANAGER), world.survey(workspace))
    tick(place)
    assert sending.send_due(place) == 0
    morning = clock.now = MONDAY + timedelta(hours=36)
    crowd(world, others, 5)
    clock.advance(seconds=1)
    due(place, world.member(others, Role.MANAGER), world.survey(others))
    tick(place)
    clock.advance(seconds=9)
    claimed: list[str | None] = []

    def reach(name: str) -> None:
        if name == "claimed" and not claimed:
            with place.db.read() as session:
                query = select(Message.workspace_id).where(Message.state == "claimed")
                claimed.extend(session.scalars(query))

    assert sending.send_due(replace(place, reach=reach)) == 5 + 50, "the last come in the seconds after"
    assert len(claimed) == sending.CLAIMED
    assert claimed.count(others.id) == 5
    clock.now = morning + timedelta(seconds=12.5)
    assert sending.send_due(place) == 10
    assert len(smtp_server.messages) == 65


def test_a_second_night_heaps_a_large_run_up_no_more_than_the_first(
    place: Runtime, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow provider takes days for some: each morning others come in between as on the first."""
    monkeypatch.setattr(inviting_many, "LEVEL", 10)
    workspace = world.workspace(quiet_email=True)
    owner = world.member(workspace)
    clock.now = MONDAY + timedelta(hours=24)  # 21:00 in São Paulo
    crowd(world, workspace, 30)
    due(place, world.member(workspace, Role.MANAGER), world.survey(workspace))
    tick(place)
    for night in (24, 48):
        clock.now = MONDAY + timedelta(hours=night)
        assert sending.send_due(place) == 0
        morning = MONDAY + timedelta(hours=night + 12)
        turns = [morning + timedelta(seconds=2.5 * level) for level in range(3)]
        assert sorted(moments_due(place, workspace)) == [each for each in turns for _ in range(10)]
    workspace_settings.update(place, owner, {"quiet_email": False})
    assert looking_again.look_at_held(place) == 30
    with place.db.read() as session:
        counted = session.execute(select(Message.priority, func.count()).group_by(Message.priority)).all()
    assert [tuple(each) for each in sorted(counted)] == [(1, 10), (2, 10), (3, 10)]


def test_nobodys_turn_in_the_morning_is_a_moment_of_silence_again(
    place: Runtime, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour apart, in a day of two hours: whoever's turn would come in the quiet leaves in the morning."""
    monkeypatch.setattr(inviting_many, "LEVEL", 1)
    monkeypatch.setattr(levels, "APART", timedelta(hours=1))
    workspace = world.workspace(quiet_email=True, quiet_from="11:00", quiet_to="09:00")
    clock.now = MONDAY + timedelta(hours=24)
    crowd(world, workspace, 4)
    due(place, world.member(workspace, Role.MANAGER), world.survey(workspace))
    tick(place)
    sending.send_due(place)
    with place.db.read() as session:
        moments = session.scalars(select(Message.due_at).order_by(Message.due_at)).all()
        told = session.scalars(select(Invitation.until).order_by(Invitation.until)).all()
    morning = MONDAY + timedelta(hours=36)
    assert list(moments) == [morning, morning, morning, morning + timedelta(hours=1)]
    assert set(told) == {morning}, "until when it is quiet, whoever's turn comes then"


def test_however_many_wait_whoever_saves_settings_waits_for_none_of_them(
    place: Runtime, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They follow some at a time, each once, also when a worker ends or they are held back meanwhile."""
    monkeypatch.setattr(looking_again, "AT_ONCE", 2)
    workspace, other = world.workspace(), world.workspace()
    owner = world.member(workspace)
    for where in (workspace, other):
        for _ in range(5):
            world.invitation(where, world.survey(where), world.contact(where), state="queued")
    morning = clock.now + timedelta(hours=12)
    held = {"state": "queued", "reason": "capped", "due_at": morning}
    with place.db.write() as session:
        session.execute(update(Message).values(held))
    workspace_settings.update(place, owner, {"daily_cap": 2})
    assert moments_due(place, workspace) == [morning] * 5
    looked: list[str] = []

    def hold_back_again(point: str) -> None:
        looked.append(point)
        with place.db.write() as session:
            session.execute(update(Message).where(Message.due_at <= clock.now).values(held))

    stopping = replace(place, reach=hold_back_again, stopping=lambda: len(looked) == 1)
    assert looking_again.look_at_held(stopping) == 2
    assert looking_again.look_at_held(replace(place, reach=hold_back_again)) == 3
    assert moments_due(place, workspace) == [morning] * 5
    workspace_settings.update(place, owner, {"daily_cap": None})
    assert looking_again.look_at_held(place) == 5
    assert moments_due(place, workspace) == [clock.now] * 5
    assert moments_due(place, other) == [morning] * 5, "another workspace's rules are its own"
    with place.db.read() as session:
        assert not session.scalars(select(Setting).where(Setting.name.startswith("look_again:"))).all()


def test_a_setting_that_is_saved_at_night_does_not_heap_a_large_run_up_in_the_morning(
    place: Runtime, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a pause: whoever waits till nine waits as far behind nine as before."""
    monkeypatch.setattr(inviting_many, "LEVEL", 10)
    clock.now = MONDAY + timedelta(hours=24)
    workspace = world.workspace(quiet_email=True)
    manager = world.member(workspace, Role.MANAGER)
    crowd(world, workspace, 60)
    id = due(place, manager, world.survey(workspace))
    tick(place)
    sending.send_due(place)
    spread = sorted(moments_due(place, workspace))
    morning = MONDAY + timedelta(hours=36)
    assert (spread[0], spread[-1]) == (morning, morning + timedelta(seconds=12.5))

    workspace_settings.update(place, world.member(workspace), {"daily_cap": 3})
    assert looking_again.look_at_held(place) == 60
    with place.db.read() as session:
        assert session.scalar(select(func.max(Message.priority))) == 6, "also if they may leave by now"
    assert sending.send_due(place) == 0
    assert sorted(moments_due(place, workspace)) == spread

    schedules.pause(place, manager, id)
    schedules.resume(place, manager, id)
    assert sending.send_due(place) == 0
    assert sorted(moments_due(place, workspace)) == spread
    with place.db.read() as session:
        assert session.execute(select(Message.reason, Message.priority).distinct()).all() == [
            ("quiet_hours", 1)
        ]


def test_few_messages_are_looked_at_in_each_transaction_where_more_would_take_too_long(
    place: Runtime, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "SECONDS", dict.fromkeys(portions.SECONDS, 0.0))
    workspace = world.workspace()
    crowd(world, workspace, 120)
    due(place, world.member(workspace, Role.MANAGER), world.survey(workspace))
    tick(place)
    with place.db.write() as session:
        held = {"reason": "capped", "due_at": clock.now + timedelta(hours=12)}
        session.execute(update(Message).values(held))
    workspace_settings.update(place, world.member(workspace), {"daily_cap": 2})
    looked: list[int] = []

    def count(point: str) -> None:
        looked.append(moments_due(place, workspace).count(clock.now))

    assert looking_again.look_at_held(replace(place, reach=count)) == 120
    assert looked == [50, 100, 120]


def moments_due(place: Runtime, workspace: Workspace) -> list[datetime]:
    with place.db.read() as session:
        return list(session.scalars(select(Message.due_at).where(Message.workspace_id == workspace.id)))


def test_a_text_that_waits_uses_up_nothing_of_the_days_budget(
    place: Runtime, world: World, clock: Clock
) -> None:
    clock.advance(hours=12)
    workspace = world.workspace()
    ask(place, world, workspace, person(world, workspace))
    with place.db.read() as session:
        assert [key for key in session.scalars(select(RateWindow.key)) if key.startswith("sms_")] == []


def test_however_many_nights_hold_a_run_back_so_many_an_hour_leave_in_turn(
    place: Runtime, world: World, clock: Clock, smtp_server: SmtpSink
) -> None:
    """Nobody was at work in the day between: all of them meet a second night."""
    workspace = world.workspace(quiet_email=True)
    crowd(world, workspace, 12)
    clock.now = MONDAY + timedelta(hours=24)  # 21:00 in São Paulo
    due(place, world.member(workspace, Role.MANAGER), world.survey(workspace), terms={"per_hour": 6})
    tick(place)
    for night in (1, 2):
        clock.now = MONDAY + timedelta(hours=4, days=night)  # past one in the morning: all of them are due
        assert sending.send_due(place) == 0
        morning = MONDAY + timedelta(hours=12, days=night)
        turns = [morning + timedelta(minutes=10) * place for place in range(12)]
        assert sorted(moments_due(place, workspace)) == turns
        with place.db.read() as session:
            assert sorted(session.scalars(select(Invitation.until))) == turns
    leaves = []
    for minutes in range(0, 180, 10):
        clock.now = morning + timedelta(minutes=minutes, seconds=1)
        leaves.append(sending.send_due(place))
    assert sum(leaves) == 12
    assert max(leaves) == 1


def test_a_turn_that_would_come_in_the_next_night_comes_in_the_morning_after_it(
    place: Runtime, world: World, clock: Clock
) -> None:
    workspace = world.workspace(quiet_email=True, quiet_from="11:00", quiet_to="09:00")
    clock.now = MONDAY + timedelta(hours=24)
    crowd(world, workspace, 3)
    due(place, world.member(workspace, Role.MANAGER), world.survey(workspace), terms={"per_hour": 1})
    tick(place)
    clock.advance(hours=6)
    sending.send_due(place)
    morning = MONDAY + timedelta(hours=36)
    assert sorted(moments_due(place, workspace)) == [morning + timedelta(hours=each) for each in (0, 1, 24)]
