"""A survey is put away while a schedule that asks it is made, changed or begun again: one gives way."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlalchemy import select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.errors import Invalid
from app.models import Schedule, Survey
from app.services import schedules, surveys
from tests.services.loop import meeting
from tests.services.recurring import House
from tests.world import Clock, World

pytestmark = pytest.mark.judged_on("postgresql")


@pytest.fixture
def house(world: World, clock: Clock) -> House:
    if world.runtime.db.is_sqlite:
        pytest.skip("SQLite has one writer")
    workspace = world.workspace()
    return House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))


@pytest.fixture
def csat(house: House) -> Survey:
    return house.world.survey(house.world.workspace_of(house.survey), Metric.CSAT)


def makes(house: House, csat: Survey) -> Callable[[], object]:
    return lambda: house.plans(repeat="daily", survey=csat.id)


def makes_with_a_step(house: House, csat: Survey) -> Callable[[], object]:
    return lambda: house.plans(repeat="daily", steps=[{"survey": csat.id, "after_days": 1}])


def changes(house: House, csat: Survey) -> Callable[[], object]:
    id = house.plans(repeat="daily")
    return lambda: schedules.edit(house.runtime, house.who, id, {"survey": csat.id})


def begins_again(house: House, csat: Survey) -> Callable[[], object]:
    id = house.plans(repeat="once", survey=csat.id)
    house.tick()
    later = {"at": "2026-12-16T10:00"}
    return lambda: schedules.edit(house.runtime, house.who, id, later)


ACTS = pytest.mark.parametrize("act", [makes, makes_with_a_step, changes, begins_again])


def goes_on_with_what_was_put_away(house: House, csat: Survey) -> bool:
    with house.runtime.db.read() as session:
        is_away = session.get_one(Survey, csat.id).archived_at is not None
        asking = [
            each
            for each in session.scalars(select(Schedule).where(Schedule.state == "active"))
            if csat.id in (each.survey_id, *(step["survey"] for step in each.steps))
        ]
    assert is_away or asking, "one of both took place"
    return is_away and bool(asking)


@ACTS
def test_whoever_is_to_ask_it_comes_first_and_it_is_not_put_away(
    house: House, csat: Survey, act: Callable[[House, Survey], Callable[[], object]]
) -> None:
    asks = act(house, csat)
    writes = "INSERT INTO schedules" if act in (makes, makes_with_a_step) else "UPDATE schedules"
    with suppress(Invalid):
        meeting(house.runtime, asks, lambda: surveys.archive(house.runtime, house.who, csat.id), at=writes)
    assert not goes_on_with_what_was_put_away(house, csat)


@ACTS
def test_it_is_put_away_first_and_nobody_is_to_ask_it(
    house: House, csat: Survey, act: Callable[[House, Survey], Callable[[], object]]
) -> None:
    asks = act(house, csat)
    meeting(
        house.runtime, lambda: surveys.archive(house.runtime, house.who, csat.id), asks, at="UPDATE surveys"
    )
    assert not goes_on_with_what_was_put_away(house, csat)
