"""Asking one person, from the survey and from the person: may they be asked, and what became of it."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Survey, Workspace
from app.services.access import Visitor
from tests.world import World

SignIn = Callable[[Visitor], FlaskClient]


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER, world.user(locale="en"))


@pytest.fixture
def console(client_for: SignIn, camila: Visitor) -> FlaskClient:
    return client_for(camila)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, name="Relationship")


def test_a_survey_is_asked_of_somebody_who_is_found(
    console: FlaskClient, world: World, workspace: Workspace, survey: Survey
) -> None:
    maria = world.contact(workspace, name="Maria <b>F</b>", search_name="maria f")
    here = f"/w/aroeira/surveys/{survey.id}/ask"
    page = console.get(f"{here}?q=maria").text
    assert "Whom shall we ask “Relationship”?" in page
    assert "Ask now" in page
    assert "<b>F" not in page
    answer = console.post(here, data={"contact": maria.id})
    page = console.get(answer.location).text
    assert "gets the question in a moment." in page
    assert "rests until" in page
    assert "Ask now" not in page
    answer = console.post(here, data={"contact": maria.id})  # pressed twice
    assert "was not asked. Was asked or answered a short time ago" in console.get(answer.location).text


def test_nobody_found_says_so(console: FlaskClient, survey: Survey) -> None:
    here = f"/w/aroeira/surveys/{survey.id}/ask"
    assert "There is nobody here yet." in console.get(here).text
    assert "Nobody is found by these words." in console.get(f"{here}?q=zé").text


def test_a_person_is_asked_from_their_page(
    console: FlaskClient, world: World, workspace: Workspace, survey: Survey
) -> None:
    maria = world.contact(workspace, name="Maria")
    world.survey(workspace, Metric.CSAT, name="After support")
    here = f"/w/aroeira/contacts/{maria.id}"
    assert f'href="{here}/ask"' in console.get(here).text
    assert console.get(f"{here}/ask").text.count("Ask now</button>") == 2
    answer = console.post(f"{here}/ask", data={"survey": survey.id})
    assert answer.location == here
    assert "Maria gets the question in a moment." in console.get(here).text
    assert console.get(f"{here}/ask").text.count("rests until") == 2


def test_without_a_survey_the_page_says_what_is_missing(
    console: FlaskClient, world: World, workspace: Workspace
) -> None:
    draft = world.survey(workspace, published_version_id=None)
    maria = world.contact(workspace)
    assert "There is no question to ask yet." in console.get(f"/w/aroeira/contacts/{maria.id}/ask").text
    assert "Publish this survey first." in console.get(f"/w/aroeira/surveys/{draft.id}/ask").text
    answer = console.post(f"/w/aroeira/surveys/{draft.id}/ask", data={"contact": maria.id})
    assert "Publish this survey first." in console.get(answer.location).text


def test_an_agent_does_not_ask(
    client_for: SignIn, world: World, workspace: Workspace, survey: Survey
) -> None:
    agent = client_for(world.member(workspace, Role.AGENT))
    maria = world.contact(workspace)
    for path in (f"surveys/{survey.id}/ask", f"contacts/{maria.id}/ask"):
        assert agent.get(f"/w/aroeira/{path}").status_code == 403
        assert agent.post(f"/w/aroeira/{path}").status_code == 403
    assert "/ask" not in agent.get(f"/w/aroeira/contacts/{maria.id}").text


def test_in_a_people_workspace_nobody_is_asked_alone(client_for: SignIn, world: World) -> None:
    people = world.workspace("people", slug="rh")
    hr = client_for(world.member(people, Role.MANAGER))
    survey, contact = world.survey(people, Metric.ENPS), world.contact(people)
    for path in (f"surveys/{survey.id}/ask", f"contacts/{contact.id}/ask"):
        assert hr.get(f"/w/rh/{path}").status_code == 404
        assert hr.post(f"/w/rh/{path}").status_code == 404
    assert "/ask" not in hr.get(f"/w/rh/contacts/{contact.id}").text


def test_another_workspaces_person_does_not_exist(console: FlaskClient, world: World, survey: Survey) -> None:
    stranger = world.contact(world.workspace())
    assert console.get(f"/w/aroeira/contacts/{stranger.id}/ask").status_code == 404
    answer = console.post(f"/w/aroeira/surveys/{survey.id}/ask", data={"contact": stranger.id})
    assert answer.status_code == 404
