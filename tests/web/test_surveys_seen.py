"""The rooms of surveys in a real browser: how they look, and the preview that follows the typing."""

import pytest
from playwright.sync_api import Locator, Page, expect

from app.domain.access import Role
from app.models import Workspace
from app.runtime import Runtime
from app.services import survey_sheets, surveys
from app.services.access import Visitor
from tests.web.browser import Look, Visit
from tests.world import Clock, World

pytestmark = pytest.mark.browser


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER, world.user(name="Camila Duarte", locale="en"))


@pytest.fixture
def survey(runtime: Runtime, camila: Visitor, clock: Clock) -> str:
    """Live since a week ago, and changed since."""
    id = surveys.create(runtime, camila, "Relationship NPS", "nps")
    surveys.publish(runtime, camila, id)
    clock.advance(days=7)
    question = "De 0 a 10, qual a chance de você recomendar a {{ workspace.name }} a outra clínica?"
    surveys.edit(runtime, camila, id, None, texts={"pt-BR": {"question": question, "followup_up": ""}})
    return id


def test_the_editor_is_seen_in_every_look(visit: Visit, look: Look, camila: Visitor, survey: str):
    page = visit(f"/w/aroeira/surveys/{survey}", camila)
    expect(page.get_by_role("heading", level=1)).to_have_text("Relationship NPS")
    look(page)


def test_the_list_and_the_choice_are_seen_in_every_look(
    visit: Visit, look: Look, camila: Visitor, survey: str
):
    look(visit("/w/aroeira/surveys", camila))
    look(visit("/w/aroeira/surveys/new", camila))


def test_a_conflict_is_seen_in_every_look(
    visit: Visit, look: Look, camila: Visitor, survey: str, runtime: Runtime
):
    page = visit(f"/w/aroeira/surveys/{survey}", camila)
    surveys.edit(runtime, camila, survey, None, texts={"pt-BR": {"low_label": "de jeito nenhum"}})
    page.get_by_label("At 0").fill("nunca")
    page.get_by_role("button", name="Save draft").first.click()
    expect(page.get_by_text("Saved meanwhile: “de jeito nenhum”")).to_be_visible()
    expect(page.get_by_label("At 0")).to_have_value("nunca")
    look(page)


def test_the_preview_follows_the_typing(visit: Visit, camila: Visitor, survey: str, runtime: Runtime):
    page = visit(f"/w/aroeira/surveys/{survey}?locale=en", camila)
    expect(page.get_by_role("button", name="Refresh preview")).to_be_hidden()
    page.get_by_label("Question", exact=True).fill(
        "Would you tell {{ contact.first_name|a friend }} about us?"
    )
    expect(_preview(page)).to_contain_text("Would you tell Maria about us?")
    assert "Would you" not in survey_sheets.get(runtime, camila, survey).texts["en"].question


def test_l05_a_script_that_is_typed_never_runs(visit: Visit, camila: Visitor, survey: str):
    page = visit(f"/w/aroeira/surveys/{survey}?locale=en", camila)
    page.get_by_label("Question", exact=True).fill("<img src=x onerror='document.title=\"taken\"'>")
    expect(_preview(page)).to_contain_text("<img src=x")
    assert _preview(page).locator("img").count() == 0
    assert "taken" not in page.title()


def test_without_a_script_a_button_refreshes_the_preview(visit: Visit, camila: Visitor, survey: str):
    page = visit(f"/w/aroeira/surveys/{survey}?locale=en", camila, javascript=False)
    page.get_by_label("Question", exact=True).fill("Would you come back?")
    page.get_by_role("button", name="Refresh preview").click()
    expect(_preview(page)).to_contain_text("Would you come back?")
    expect(page.get_by_label("Question", exact=True)).to_have_value("Would you come back?")


def test_l05_the_whole_mail_is_shown_in_a_frame_where_nothing_runs(
    visit: Visit, camila: Visitor, survey: str, runtime: Runtime
):
    attack = "<img src=x onerror='parent.document.title=1'>"
    surveys.edit(runtime, camila, survey, None, texts={"pt-BR": {"question": attack}})
    page = visit(f"/w/aroeira/surveys/{survey}", camila)
    page.get_by_text("The whole e-mail, as saved").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", level=1)).to_have_text(attack)
    expect(frame.get_by_text("Olá, Maria")).to_be_visible()
    assert page.frames[1].evaluate("window.origin") == "null"
    assert page.title() != "1"


def _preview(page: Page) -> Locator:
    return page.locator("#preview")
