"""Pre-flight and tests of a survey in the console: what is shown, what launches, what a test is."""

import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import (
    Answer,
    Invitation,
    Message,
    SandboxCopy,
    Schedule,
    Stop,
    Survey,
    Token,
    Workspace,
    new_id,
)
from app.runtime import Runtime
from app.services import schedules, sending, workspace_settings
from app.services.access import Visitor
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(slug="aroeira", name="Aroeira")


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER, world.user(locale="en", email="camila@aroeira.example"))


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, name="Relationship")


@pytest.fixture
def console(client_for: Callable[[Visitor], FlaskClient], manager: Visitor) -> FlaskClient:
    return client_for(manager)


def form(survey: Survey, **given: str) -> dict[str, str]:
    return {
        "survey": survey.id, "repeat": "once", "at": "", "time_zone": "America/Sao_Paulo", "channel": "email",
        "reminders": "3", "name": "",
    } | given  # fmt: skip


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


def test_a_new_schedule_is_checked_before_it_is_launched(
    console: FlaskClient, runtime: Runtime, world: World, workspace: Workspace, survey: Survey
) -> None:
    world.contact(workspace, name="Maria Figueiredo", locale="en")
    world.contact(workspace, name="Rui", email=None)
    answer = console.post("/w/aroeira/schedules/preflight", data=form(survey, name="Once & for all"))
    assert answer.status_code == 200
    assert "Maria Figueiredo" in answer.text
    assert "1 person has no address on any of these channels." in answer.text
    assert "Ask 1 person now" in answer.text
    with runtime.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Schedule)) == 0
    sent = hidden(answer.text) | {"action": "save", "name": "Once & for all"}
    made = console.post("/w/aroeira/schedules/new", data=sent)
    assert made.status_code == 303
    with runtime.db.read() as session:
        assert session.scalars(select(Schedule.name)).one() == "Once & for all"


@pytest.mark.parametrize(
    ("off", "given", "button"),
    [
        ({"blackout_dates": ["2026-11-16"]}, {}, "Launch it"),
        ({"holidays": ["2026-11-16"]}, {"off_days": "next"}, "Launch it"),
        ({"holidays": ["2026-11-16"]}, {"off_days": "run"}, "Ask 1 person now"),
        ({}, {"at": "2026-11-17T10:00"}, "Launch it"),
    ],
)
def test_the_button_says_now_only_when_somebody_is_asked_now(
    console: FlaskClient, world: World, workspace: Workspace, runtime: Runtime, survey: Survey,
    off: dict[str, list[str]], given: dict[str, str], button: str,
) -> None:  # fmt: skip
    world.contact(workspace)
    workspace_settings.update(runtime, world.member(workspace), off)
    page = console.post("/w/aroeira/schedules/preflight", data=form(survey, **given)).text
    assert re.findall("Launch it|Ask 1 person now", page) == [button]


def test_what_is_wrong_comes_back_with_the_form(console: FlaskClient, survey: Survey) -> None:
    answer = console.post("/w/aroeira/schedules/preflight", data=form(survey, repeat="custom", rrule="X"))
    assert answer.status_code == 422
    assert 'value="X"' in answer.text


def test_a_serious_finding_stands_before_the_launch(console: FlaskClient, survey: Survey) -> None:
    page = console.post("/w/aroeira/schedules/preflight", data=form(survey, repeat="weekly")).text
    assert "Something serious stands in the way" in page
    assert page.index("Nobody would be asked.") < page.index("Launch it")


def test_a_paused_schedule_goes_on_from_there(
    console: FlaskClient,
    runtime: Runtime,
    manager: Visitor,
    world: World,
    workspace: Workspace,
    survey: Survey,
) -> None:
    world.contact(workspace)
    id = schedules.create(runtime, manager, {"survey": survey.id, "repeat": "weekly"})
    assert "Resume schedule" not in console.get(f"/w/aroeira/schedules/{id}/preflight").text
    schedules.pause(runtime, manager, id)
    assert f"/schedules/{id}/preflight" in console.get(f"/w/aroeira/schedules/{id}").text
    assert "Resume schedule" in console.get(f"/w/aroeira/schedules/{id}/preflight").text


def test_who_may_only_look_cannot_launch(
    client_for: Callable[[Visitor], FlaskClient], runtime: Runtime, manager: Visitor, world: World,
    workspace: Workspace, survey: Survey,
) -> None:  # fmt: skip
    id = schedules.create(runtime, manager, {"survey": survey.id, "repeat": "weekly"})
    schedules.pause(runtime, manager, id)
    viewer = client_for(world.member(workspace, Role.VIEWER))
    page = viewer.get(f"/w/aroeira/schedules/{id}/preflight")
    assert page.status_code == 200
    assert f"{id}/resume" not in page.text
    assert viewer.post(f"/w/aroeira/schedules/{id}/preflight", data={"test": "email"}).status_code == 403
    assert viewer.post("/w/aroeira/schedules/preflight", data=form(survey)).status_code == 403


def test_a_schedule_that_paused_itself_says_so_on_home_and_on_its_page(
    console: FlaskClient,
    runtime: Runtime,
    manager: Visitor,
    world: World,
    workspace: Workspace,
    survey: Survey,
) -> None:
    id = schedules.create(runtime, manager, {"survey": survey.id, "repeat": "weekly", "name": "Quarter"})
    world.answer(workspace, 9, survey=survey)
    schedules.pause(runtime, manager, id)
    run = world.occurrence(survey)
    world.add(
        Stop(
            id=new_id(), workspace_id=workspace.id, schedule_id=id, occurrence_id=run.id, why="bounces",
            reason="invalid_address", failed=7, known=100, stopped_at=world.now,
        )
    )  # fmt: skip
    for place in ("", f"schedules/{id}", "schedules"):
        page = console.get(f"/w/aroeira/{place}").text
        assert "Paused by itself: 7 of 100 messages came back." in page, place
    console.post(f"/w/aroeira/schedules/{id}/resume")
    assert "Paused by itself" not in console.get("/w/aroeira/").text


def test_a_test_goes_to_oneself_and_counts_nowhere(
    console: FlaskClient, runtime: Runtime, survey: Survey, world: World, workspace: Workspace
) -> None:
    answer = console.post(f"/w/aroeira/surveys/{survey.id}/test", data={"channel": "email", "locale": "es"})
    assert answer.status_code == 303
    sending.send_urgent(runtime)
    with runtime.db.read() as session:
        message = session.scalars(select(Message)).one()
        assert (message.purpose, message.to_address, message.state) == (
            "test",
            "camila@aroeira.example",
            "sent",
        )
        copy = session.get_one(SandboxCopy, message.id)
        assert copy.subject.startswith("Test: ")
        assert "This is a test: what you answer is not recorded." in copy.text
        assert f"/w/aroeira/surveys/{survey.id}/page/draft/es" in copy.text
        for table in (Invitation, Token, Answer):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_the_page_of_a_test_is_walked_through_and_records_nothing(
    console: FlaskClient, runtime: Runtime, survey: Survey
) -> None:
    start = f"/w/aroeira/surveys/{survey.id}/page/draft/en"
    first = console.get(start)
    assert "This is a test" in first.text
    assert 'method="get"' in first.text
    second = console.get(f"{start}?score=3")
    assert 'name="comment"' in second.text
    assert 'name="score" value="3"' in second.text
    third = console.get(f"{start}?score=3&comment=slow&contact_me=yes")
    assert "slow" in third.text
    assert console.get(f"{start}?score=99").status_code == 200
    assert console.get(f"/w/aroeira/surveys/{survey.id}/page/draft/xx").status_code == 404
    with runtime.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Answer)) == 0


def test_a_pulse_is_walked_through_as_well(
    client_for: Callable[[Visitor], FlaskClient], world: World
) -> None:
    office = world.workspace("people", slug="rh")
    survey = world.survey(office, Metric.ENPS)
    client = client_for(world.member(office, Role.MANAGER))
    for step in ("", "?score=9", "?score=9&skip=yes"):
        assert client.get(f"/w/rh/surveys/{survey.id}/page/live/pt-BR{step}").status_code == 200


def test_tests_are_few_enough_to_be_no_way_to_write_to_anybody(
    console: FlaskClient, runtime: Runtime, survey: Survey, clock: Clock
) -> None:
    for _ in range(20):
        console.post(f"/w/aroeira/surveys/{survey.id}/test", data={"channel": "email"})
    assert console.post(f"/w/aroeira/surveys/{survey.id}/test", data={"channel": "email"}).status_code == 429
    clock.now += timedelta(hours=1)
    assert console.post(f"/w/aroeira/surveys/{survey.id}/test", data={"channel": "email"}).status_code == 303


def test_a_test_takes_no_address_but_ones_own(console: FlaskClient, runtime: Runtime, survey: Survey) -> None:
    given = {"channel": "email", "to": "boss@other.example", "email": "boss@other.example"}
    console.post(f"/w/aroeira/surveys/{survey.id}/test", data=given)
    for channel in ("sms", "whatsapp", "telegram", "fax"):
        console.post(
            f"/w/aroeira/surveys/{survey.id}/test", data={"channel": channel, "to": "+5531988884417"}
        )
    with runtime.db.read() as session:
        assert session.scalars(select(Message.to_address)).all() == ["camila@aroeira.example"]


def test_on_telegram_a_test_goes_to_ones_own_chat_without_buttons_that_record(
    client_for: Callable[[Visitor], FlaskClient], runtime: Runtime, world: World, workspace: Workspace,
    survey: Survey,
) -> None:  # fmt: skip
    user = world.user(locale="pt-BR", telegram_chat_id="771")
    console = client_for(world.member(workspace, Role.MANAGER, user))
    console.post(f"/w/aroeira/surveys/{survey.id}/test", data={"channel": "telegram", "locale": "en"})
    sending.send_urgent(runtime)
    with runtime.db.read() as session:
        message = session.scalars(select(Message)).one()
        copy = session.get_one(SandboxCopy, message.id)
        assert (message.to_address, message.state, copy.buttons) == ("771", "sent", [])
        assert copy.text.startswith("Isto é um teste")
        assert "/page/draft/en" in copy.text
        assert json.loads(message.body or "")["survey_id"] == survey.id


def test_preflight_sends_the_live_version_as_a_test(
    console: FlaskClient, runtime: Runtime, manager: Visitor, survey: Survey
) -> None:
    id = schedules.create(runtime, manager, {"survey": survey.id, "repeat": "weekly"})
    answer = console.post(f"/w/aroeira/schedules/{id}/preflight", data={"test": "email"})
    assert answer.status_code == 303
    draft = console.post("/w/aroeira/schedules/preflight", data=form(survey, test="email", repeat="weekly"))
    assert "The test is on its way to you." in draft.text
    with runtime.db.read() as session:
        bodies = [json.loads(each or "") for each in session.scalars(select(Message.body))]
    assert [each["live"] for each in bodies] == [True, True]
