"""Whoever opens a pulse makes its key first: one that opened nothing does not stay in its folder."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import select

from app import sealing
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Pulse
from app.runtime import Runtime
from app.services import expanding, planning, portions, pulse_opening, schedules
from tests.services.recurring import House
from tests.services.test_pulse_opening import Killed, killed
from tests.world import Clock, World


@pytest.fixture
def house(runtime: Runtime, world: World, clock: Clock) -> House:
    workspace = world.workspace("people")
    for _ in range(6):
        world.contact(workspace)
    return House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace, Metric.ENPS))


def pulse_ids(runtime: Runtime) -> list[str]:
    with runtime.db.read() as session:
        return list(session.scalars(select(Pulse.id)))


@pytest.mark.on_both
def test_paused_as_it_begins_and_then_cancelled_it_leaves_no_key(runtime: Runtime, house: House) -> None:
    id = house.plans(repeat="quarterly")
    planning.plan_schedules(runtime)

    def pause(point: str) -> None:
        if point == "expanded_some":
            schedules.pause(runtime, house.who, id)

    expanding.expand_occurrences(replace(runtime, reach=pause))
    schedules.cancel(runtime, house.who, id)
    assert pulse_ids(runtime) == []
    assert sealing.kept_keys(runtime.config.keys_dir) == []


def opens_some(runtime: Runtime) -> None:
    with suppress(Killed):
        expanding.expand_occurrences(killed(runtime))


@pytest.mark.on_both
@pytest.mark.parametrize("other", [expanding.expand_occurrences, opens_some])
def test_of_two_workers_that_make_a_key_that_of_the_pulse_alone_stays(
    runtime: Runtime, house: House, monkeypatch: pytest.MonkeyPatch, other: Callable[[Runtime], object]
) -> None:
    monkeypatch.setattr(portions, "FEWEST", 2)
    monkeypatch.setattr(portions, "MOST", 2)
    make_key = pulse_opening.make_key

    def too_late(runtime: Runtime) -> pulse_opening.Key:
        made = make_key(runtime)
        monkeypatch.setattr(pulse_opening, "make_key", make_key)
        other(runtime)
        return made

    monkeypatch.setattr(pulse_opening, "make_key", too_late)
    house.plans(repeat="quarterly")
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)
    assert sealing.kept_keys(runtime.config.keys_dir) == pulse_ids(runtime)
    assert len(pulse_ids(runtime)) == 1
