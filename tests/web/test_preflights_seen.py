"""Pre-flight, a schedule that paused itself, and the page of a test, in a real browser and in every look."""

import pytest
from playwright.sync_api import expect

from app.domain.access import Role
from app.models import Stop, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import schedules
from app.services.access import Visitor
from tests.web.browser import Look, Visit
from tests.world import World

pytestmark = pytest.mark.browser


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira", sender_name="Aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER, world.user(name="Camila Duarte", locale="en"))


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, name="Relationship NPS")


@pytest.fixture
def stopped(runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey) -> str:
    """A schedule that paused itself, with somebody who may be asked on each of three channels."""
    world.contact(workspace, name="Maria Figueiredo")
    world.contact(workspace, name="Lia Souza", email=None, phone="+5531988884417")
    world.contact(workspace, name="Rui Alves", email=None, telegram_chat_id="77")
    ways = ["email", "sms", "telegram"]
    id = schedules.create(runtime, camila, {"survey": survey.id, "repeat": "weekly", "channels": ways})
    schedules.pause(runtime, camila, id)
    world.answer(workspace, 9, survey=survey)
    run = world.occurrence(survey)
    world.add(
        Stop(
            id=new_id(), workspace_id=workspace.id, schedule_id=id, occurrence_id=run.id, why="bounces",
            reason="invalid_address", failed=7, known=100, stopped_at=world.now,
        )
    )  # fmt: skip
    return id


def test_from_home_to_what_stopped_to_preflight_and_on(
    visit: Visit, look: Look, camila: Visitor, stopped: str
) -> None:
    page = visit("/w/aroeira/", camila, javascript=False)
    expect(page.get_by_text("Paused by itself: 7 of 100 messages came back.")).to_be_visible()
    page.get_by_role("link", name="Pesquisa nps").or_(
        page.get_by_role("link", name="Relationship NPS")
    ).first.click()
    expect(page.get_by_text("These addresses take no messages.")).to_be_visible()
    page.get_by_role("link", name="See the messages, the costs, and what is missing").click()
    expect(page.get_by_role("heading", name="What they will read")).to_be_visible()
    expect(page.get_by_text("Telegram, Português")).to_be_visible()
    page.get_by_role("button", name="Send me a test by e-mail").click()
    expect(page.get_by_text("The test is on its way to you.")).to_be_visible()
    page.get_by_role("button", name="Resume schedule").click()
    expect(page.get_by_text("It goes on.")).to_be_visible()


def test_every_page_is_seen_in_every_look(
    visit: Visit, look: Look, camila: Visitor, stopped: str, survey: Survey
) -> None:
    for place in ("", f"schedules/{stopped}", "schedules", f"schedules/{stopped}/preflight"):
        look(visit(f"/w/aroeira/{place}", camila))
    look(visit(f"/w/aroeira/surveys/{survey.id}", camila))


def test_the_page_of_a_test_is_walked_through_without_a_script(
    visit: Visit, look: Look, camila: Visitor, survey: Survey
) -> None:
    look(visit(f"/w/aroeira/surveys/{survey.id}/page/draft/en", camila, 390))
    page = visit(f"/w/aroeira/surveys/{survey.id}/page/draft/en", camila, 390, javascript=False)
    page.locator("#s3").check()
    page.get_by_role("button", name="Send score").click()
    page.get_by_role("textbox").fill("Slow")
    page.get_by_role("button", name="Send comment").click()
    expect(page.get_by_text("Slow")).to_be_visible()
    expect(page.get_by_text("This is a test")).to_be_visible()
