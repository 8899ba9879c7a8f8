"""What retention lets go costs nobody their question, their reminder or their good address (N04, C37)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.channels.base import DeliveryError
from app.channels.registry import open_channels
from app.domain import retention as rules
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Invitation, Message, OptOut, Workspace
from app.runtime import Runtime
from app.services import (
    departing,
    expanding,
    outcomes,
    planning,
    pulse_closing,
    pulse_reminders,
    pulses,
    reminding,
    retention,
    schedules,
    sending,
    switch,
)
from app.services.access import Visitor
from tests.smtp import SmtpSink
from tests.world import Clock, World

LEASE = "x" * 26


@pytest.fixture
def place(runtime: Runtime, smtp_server: SmtpSink) -> Iterator[Runtime]:
    """Mails over a real server."""
    config = replace(runtime.config, smtp_url=smtp_server.url, mail_from="pergunta@aroeira.example")
    made = replace(runtime, config=config, channels=open_channels(config))
    yield made
    for each in made.channels.values():
        each.close()


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def who(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.OWNER)


def keep_messages(place: Runtime, who: Visitor, days: int = 7) -> None:
    retention.change(place, who, dict.fromkeys(rules.DEFAULTS) | {"messages": days})


def plan(place: Runtime, world: World, who: Visitor, workspace: Workspace) -> str:
    """A schedule that has decided whom it asks, none of whom was asked yet."""
    id = schedules.create(place, who, {"survey": world.survey(workspace).id, "repeat": "once"})
    planning.plan_schedules(place)
    expanding.expand_occurrences(place)
    return id


def addresses(place: Runtime) -> list[str]:
    with place.db.read() as session:
        return list(session.scalars(select(Message.to_address)))


def sent_to(smtp_server: SmtpSink) -> list[str]:
    return sorted(each.recipient for each in smtp_server.messages)


def bounces(place: Runtime) -> list[str | None]:
    with place.db.read() as session:
        return list(session.scalars(select(OptOut.address_key)))


def empty(place: Runtime) -> None:
    """As a version before this one left what was paused, or belonged to a pulse."""
    with place.db.write() as session:
        session.execute(update(Message).values(to_address=""))


@pytest.mark.parametrize("by_a_version_before", [False, True])
def test_n04_what_a_pause_holds_leaves_where_it_was_to_go_however_old_it_is(
    place: Runtime, world: World, workspace: Workspace, who: Visitor, clock: Clock, smtp_server: SmtpSink,
    by_a_version_before: bool,
) -> None:  # fmt: skip
    maria = world.contact(workspace)
    id = plan(place, world, who, workspace)
    schedules.pause(place, who, id)
    keep_messages(place, who)
    clock.advance(days=8)
    assert retention.let_go(place) == 0
    if by_a_version_before:
        empty(place)
    schedules.resume(place, who, id)
    sending.send_due(place)
    assert sent_to(smtp_server) == [maria.email]
    assert bounces(place) == []


@pytest.mark.parametrize("end", ["cancelled", "forgotten"])
def test_n04_what_is_held_no_longer_is_let_go_like_everything_else(
    place: Runtime, world: World, workspace: Workspace, who: Visitor, clock: Clock, end: str
) -> None:
    """A schedule that stays paused for good keeps nobody's address for good."""
    world.contact(workspace)
    id = plan(place, world, who, workspace)
    schedules.pause(place, who, id)
    if end == "cancelled":
        schedules.cancel(place, who, id)
    keep_messages(place, who)
    clock.advance(days=8 if end == "cancelled" else 38)
    assert retention.let_go(place) == 1
    assert addresses(place) == [""]


@pytest.mark.parametrize("by_a_version_before", [False, True])
def test_n04_a_pulse_whose_mails_left_late_still_reminds_everybody(
    place: Runtime, world: World, clock: Clock, smtp_server: SmtpSink, by_a_version_before: bool
) -> None:
    workspace = world.workspace("people")
    who = world.member(workspace, Role.OWNER)
    people = [world.contact(workspace) for _ in range(6)]
    switch.pause(place, "moving house")
    pulses.open_pulse(place, who, world.survey(workspace, Metric.ENPS).id)
    clock.advance(days=5)
    with place.db.write() as session:
        switch.lift(session, who, clock())
    sending.send_due(place)
    keep_messages(place, who)
    clock.advance(days=3)
    assert retention.let_go(place) == 0
    if by_a_version_before:
        empty(place)
    pulse_reminders.remind_pulses(place)
    sending.send_due(place)
    sending.send_due(place)
    assert sent_to(smtp_server) == sorted(each.email or "" for each in people * 2)
    assert bounces(place) == []


def test_n04_messages_of_a_pulse_are_let_go_once_it_is_closed(
    place: Runtime, world: World, clock: Clock
) -> None:
    workspace = world.workspace("people")
    who = world.member(workspace, Role.OWNER)
    world.contact(workspace)
    pulses.open_pulse(place, who, world.survey(workspace, Metric.ENPS).id)
    sending.send_due(place)
    keep_messages(place, who)
    clock.advance(days=15)
    pulse_closing.close_due_pulses(place)
    assert retention.let_go(place) == 1
    assert addresses(place) == [""]


def test_n04_a_reminder_goes_to_the_person_when_the_question_has_lost_its_address(
    place: Runtime, world: World, workspace: Workspace, who: Visitor, clock: Clock, smtp_server: SmtpSink
) -> None:
    maria = world.contact(workspace)
    survey = world.survey(workspace)
    schedules.create(place, who, {"survey": survey.id, "repeat": "once", "terms": {"reminders": [9]}})
    planning.plan_schedules(place)
    expanding.expand_occurrences(place)
    sending.send_due(place)
    keep_messages(place, who)
    clock.advance(days=9)
    assert retention.let_go(place) == 1
    reminding.remind(place)
    sending.send_due(place)
    assert sent_to(smtp_server) == [maria.email, maria.email]


def test_n04_whoever_has_no_address_any_more_gets_nothing_and_no_bounce_is_told_of_anybody(
    place: Runtime, world: World, workspace: Workspace, who: Visitor, smtp_server: SmtpSink
) -> None:
    maria = world.contact(workspace)
    plan(place, world, who, workspace)
    empty(place)
    with place.db.write() as session:
        session.execute(update(Message).values(address_key=None))
        there = session.get_one(type(maria), maria.id)
        there.email = there.email_key = None
    sending.send_due(place)
    assert (sent_to(smtp_server), bounces(place)) == ([], [])
    with place.db.read() as session:
        asked = session.scalars(select(Invitation)).one()
    assert (asked.state, asked.reason) == ("skipped", "no_address")


def test_n04_what_went_to_nowhere_says_nothing_of_an_address(
    place: Runtime, world: World, workspace: Workspace
) -> None:
    maria = world.contact(workspace)
    there = {"state": "claimed", "lease_token": LEASE, "lease_until": world.now + timedelta(minutes=1)}
    world.invitation(workspace, world.survey(workspace), maria, told={"to_address": "", **there})
    with place.db.write() as session:
        (each,) = departing.load(session, LEASE, world.now, 1)
        session.execute(update(Message).values(state="attempting", address_key=maria.email_key))
        error = DeliveryError("invalid_address", permanent=True)
        outcomes.record(session, [(replace(each, address_key=maria.email_key), error)], LEASE, world.now, ())
    assert bounces(place) == []
