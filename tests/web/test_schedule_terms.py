"""The form of a schedule says how it asks: channels, reminders, a share; what is wrong stays as typed."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.access import Role
from app.models import Schedule, Survey, Workspace
from app.runtime import Runtime
from app.services.access import Visitor
from tests.world import World

HERE = "/w/aroeira/schedules"


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, name="Relationship")


@pytest.fixture
def console(world: World, workspace: Workspace, client_for: Callable[[Visitor], FlaskClient]) -> FlaskClient:
    return client_for(world.member(workspace, Role.MANAGER, world.user(name="Camila", locale="en")))


def sent(survey: Survey, **more: str) -> dict[str, str]:
    base = {"survey": survey.id, "name": "", "repeat": "once", "at": "", "time_zone": "UTC", "action": "save"}
    return base | more


def kept(runtime: Runtime) -> Schedule:
    with runtime.db.read() as session:
        return session.scalars(select(Schedule)).one()


def test_a_new_schedule_reminds_once_after_three_days_and_asks_everybody(
    console: FlaskClient, runtime: Runtime, survey: Survey
) -> None:
    page = console.get(f"{HERE}/new").text
    assert 'name="reminders" type="text" value="3"' in page
    console.post(f"{HERE}/new", data=sent(survey))
    assert (kept(runtime).terms, kept(runtime).channels) == ({}, ["email"])


def test_what_is_said_is_kept_and_stands_in_the_form_again(
    console: FlaskClient, runtime: Runtime, survey: Survey
) -> None:
    said = {
        "channel": "whatsapp", "then": "email", "reminders": "3, 7", "elsewhere": "yes", "share": "20",
        "by": "plan", "holdout": "5", "per_hour": "600", "theirs_first": "yes",
    }  # fmt: skip
    console.post(f"{HERE}/new", data=sent(survey, **said))
    row = kept(runtime)
    assert row.channels == ["whatsapp", "email"]
    assert row.terms == {
        "reminders": [3, 7], "remind_elsewhere": True, "sample": {"share": 20, "by": "plan"}, "holdout": 5,
        "per_hour": 600, "their_channel_first": True,
    }  # fmt: skip
    page = console.get(f"{HERE}/{row.id}").text
    for value in ("3, 7", "20", "plan", "5", "600"):
        assert f'value="{value}"' in page
    assert '<details class="fold" open>' in page


def test_what_cannot_be_is_refused_beside_its_field_and_stays_as_it_was_typed(
    console: FlaskClient, runtime: Runtime, survey: Survey
) -> None:
    for name, typed in (("reminders", "three"), ("holdout", "90"), ("share", "0"), ("per_hour", "fast")):
        answer = console.post(f"{HERE}/new", data=sent(survey, **{name: typed}))
        assert answer.status_code == 422, name
        assert f'value="{typed}"' in answer.text
        assert f'id="{name}-error"' in answer.text
    with runtime.db.read() as session:
        assert session.scalars(select(Schedule)).all() == []
