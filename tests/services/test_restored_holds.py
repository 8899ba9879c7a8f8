"""A restored copy in which somebody had paused: what it held may have left since, and does not once more."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Invitation, Message, Workspace
from app.services import backup, pulses, schedules, sending, stopped_pulses
from tests.services.recurring import House
from tests.services.test_pulse_brakes import come_back, sent
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def house(world: World, workspace: Workspace, clock: Clock) -> House:
    return House(world, clock, world.member(workspace, Role.OWNER), world.survey(workspace, Metric.CSAT))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy"


@pytest.mark.on_both
def test_what_a_pause_held_is_not_asked_as_its_schedule_goes_on(house: House, copy: Path):
    house.crowd(3)
    id = house.plans(repeat="once")
    house.tick()
    schedules.pause(house.runtime, house.who, id)
    backup.backup(house.runtime, copy)
    house.clock.advance(hours=2)  # since then it went on, and all three were asked
    found = backup.restore(house.runtime, copy, force=True)
    assert found.given_up.asks == 3
    assert schedules.resume(house.runtime, house.who, id) == 0
    assert house.count(Invitation.state == "cancelled", Invitation.reason == "restored") == 3


@pytest.mark.on_both
def test_of_what_a_pause_held_those_are_asked_whose_turn_had_not_come(house: House, copy: Path):
    house.crowd(6)
    id = house.plans(repeat="once", terms={"per_hour": 1})
    house.tick()
    schedules.pause(house.runtime, house.who, id)
    backup.backup(house.runtime, copy)
    house.clock.advance(hours=2, minutes=30)
    assert backup.restore(house.runtime, copy, force=True).given_up.asks == 3
    assert schedules.resume(house.runtime, house.who, id) == 3


@pytest.mark.on_both
def test_what_the_stop_of_a_pulse_by_hand_held_is_not_asked_as_the_pulse_goes_on(
    world: World, clock: Clock, copy: Path
):
    people = world.workspace("people")
    house = House(world, clock, world.member(people, Role.OWNER), world.survey(people, Metric.ENPS))
    for _ in range(40):
        world.contact(people)
    pulse_id = pulses.open_pulse(house.runtime, house.who, house.survey.id)
    with house.runtime.db.write() as session:
        for message in session.scalars(select(Message).limit(20)):
            message.due_at = clock.now + timedelta(hours=1)
    sending.send_due(house.runtime)
    come_back(house.runtime, *sent(house.runtime, "invitation")[:6])
    assert house.count(Invitation.state == "planned") == 20
    backup.backup(house.runtime, copy)
    clock.advance(hours=2)
    assert backup.restore(house.runtime, copy, force=True).given_up.asks == 20
    assert stopped_pulses.resume(house.runtime, house.who, pulse_id) == 0
    assert house.count(Invitation.state == "cancelled", Invitation.reason == "restored") == 20
