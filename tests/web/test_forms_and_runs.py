"""How long forms and runs are laid out: what is read first, and what stands side by side."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.domain.access import Role
from app.models import Workspace
from app.runtime import Runtime
from app.services import expanding, planning, runs, schedules, segments
from app.services.access import Visitor
from tests.world import World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def denise(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.OWNER, world.user(name="Denise Moura", locale="en"))


@pytest.fixture
def console(client_for: Callable[[Visitor], FlaskClient], denise: Visitor) -> FlaskClient:
    return client_for(denise)


def test_the_numbers_of_a_run_are_read_before_its_people(
    console: FlaskClient, runtime: Runtime, world: World, workspace: Workspace, denise: Visitor
) -> None:
    """On a phone they would stand below fifty names."""
    world.contact(workspace, name="Maria Figueiredo")
    survey = world.survey(workspace, name="Relationship")
    id = schedules.create(runtime, denise, {"survey": survey.id, "repeat": "once"})
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)
    (run,) = runs.history(runtime, denise, id).items
    page = console.get(f"/w/aroeira/schedules/{id}/runs/{run.id}").text
    assert page.index("1 person in all") < page.index("Maria Figueiredo")


def test_the_days_of_a_week_stand_side_by_side(console: FlaskClient) -> None:
    page = console.get("/w/aroeira/settings").text
    for name in ("business_days", "quiet_days"):
        week = page[page.index(f'id="{name}"') :].split("</fieldset>")[0]
        assert len(re.findall('type="checkbox"', week.split('<div class="ticks">')[1])) == 7


def test_the_scores_of_a_condition_stand_beside_each_other(
    console: FlaskClient, runtime: Runtime, denise: Visitor
) -> None:
    tree = {"all": [{"field": "answered", "op": "has", "metric": "nps", "days": 90}]}
    id = segments.create(runtime, denise, {"name": "Answered", "audience": tree})
    page = console.get(f"/w/aroeira/audiences/{id}").text
    order = re.findall(r'name="(t-0\.\w+)"', page)
    assert order == ["t-0.field", "t-0.op", "t-0.what", "t-0.low", "t-0.high", "t-0.value"]
