"""What rooms say of large numbers, of what leaves now, and to whoever was overtaken, in a real browser."""

import os
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.models import Survey, Workspace
from app.runtime import Runtime
from app.services import expanding, planning, runs, schedules, segments, sending, tagging, workspace_settings
from app.services.access import Visitor
from tests.services.test_planning import crowd
from tests.web.browser import Look, Visit
from tests.world import World

pytestmark = pytest.mark.browser

HERE = "/w/aroeira"


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira", time_zone="Brazil/East")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, user=world.user(name="Camila Duarte", locale="en"))


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, name="Relationship NPS")


def keep(page: Page, name: str) -> None:
    """LOOK_AT=folder keeps a picture at both widths."""
    if folder := os.environ.get("LOOK_AT"):
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 860})
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def test_what_leaves_now_and_what_follows_are_seen(
    visit: Visit, look: Look, runtime: Runtime, world: World, workspace: Workspace, camila: Visitor,
    survey: Survey,
) -> None:  # fmt: skip
    world.contact(workspace, name="Maria Figueiredo")
    steps = [{"survey": world.survey(workspace, name="A week later").id, "after_days": 7}]
    given = {"survey": survey.id, "repeat": "once", "name": "All at once", "steps": steps}
    id = schedules.create(runtime, camila, given)
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)
    room = visit(f"{HERE}/schedules", camila)
    expect(room.get_by_role("heading", level=1)).to_have_text("A question is leaving.")
    look(room)
    keep(room, "leaving")
    sending.send_due(runtime)
    room.reload()
    expect(room.get_by_role("heading", level=1)).to_have_text("The next question of a sequence is planned.")
    keep(room, "sequence")
    step, _ = runs.history(runtime, camila, id).items
    planned = visit(f"{HERE}/schedules/{id}/runs/{step.id}", camila)
    expect(planned.get_by_text("It comes due in 7 days.")).to_be_visible()
    look(planned)
    keep(planned, "planned")
    form = visit(f"{HERE}/schedules/{id}", camila)
    keep(form, "schedule")


def test_whoever_is_overtaken_in_the_settings_sees_it_and_saves_again(
    visit: Visit, look: Look, runtime: Runtime, camila: Visitor
) -> None:
    page = visit(f"{HERE}/settings", camila)
    expect(page.get_by_label("Time zone")).to_have_value("Brazil/East")
    page.get_by_label("Sender’s name").fill("As typed")
    workspace_settings.update(runtime, camila, {"name": "Theirs"})
    page.get_by_role("button", name="Save settings").first.click()
    expect(page.get_by_role("alert")).to_contain_text("Yours stands below and is not saved")
    look(page)
    keep(page, "overtaken")
    page.get_by_role("button", name="Save settings").first.click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Sender’s name")).to_have_value("As typed")


def test_lists_of_too_many_people_are_seen_without_numbers(
    visit: Visit, look: Look, runtime: Runtime, world: World, workspace: Workspace, camila: Visitor,
    survey: Survey, monkeypatch: pytest.MonkeyPatch, hurry: Callable[[], None],
) -> None:  # fmt: skip
    crowd(world, workspace, 3_000)
    tree = {"all": [{"field": "asked", "op": "has_not"}]}
    segment = segments.create(runtime, camila, {"name": "Never asked", "audience": tree})
    id = schedules.create(runtime, camila, {"survey": survey.id, "repeat": "weekly"})
    monkeypatch.setattr(tagging, "MOST", 2_000)
    many = visit(f"{HERE}/audiences/{segment}/tags", camila)
    expect(many.get_by_text("At most 2,000 people at once.")).to_be_visible()
    look(many)
    keep(many, "too-many")
    hurry()
    for path, said, name in (
        (f"/contacts?segment={segment}", "To count them takes too long just now.", "contacts"),
        (f"/audiences/{segment}/tags", "To count them takes too long just now.", "tags"),
        (f"/schedules/{id}/people", "To count whom it would ask takes too long just now.", "people"),
    ):
        page = visit(f"{HERE}{path}", camila)
        expect(page.get_by_text(re.compile(re.escape(said)))).to_be_visible()
        look(page)
        keep(page, name)
