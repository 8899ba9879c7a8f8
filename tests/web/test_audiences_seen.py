"""Saved audiences in a real browser: how the editor looks, and that it works without a script."""

import pytest
from playwright.sync_api import Page, expect

from app.domain.access import Role
from app.domain.contacts import fold, search_text
from app.models import Contact, Workspace
from app.runtime import Runtime
from app.services import schedules, segments
from app.services.access import Visitor
from tests.web.browser import Look, Visit, follow
from tests.world import World

pytestmark = pytest.mark.browser

PEOPLE = (
    ("Maria Figueiredo", "Pro"),
    ("Helen Marsh", "Basic"),
    ("Tomás Arruda", "pro"),
    ("Júlia Prado", None),
)
UNHAPPY = {
    "all": [
        {"field": "answered", "op": "latest", "metric": "nps", "band": "detractor", "days": 90},
        {"any": [
            {"field": "attributes.plan", "op": "is", "value": ["Pro", "Premium"]},
            {"field": "tags", "op": "has_any", "value": "vip"},
        ]},
    ]
}  # fmt: skip


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira", sender_name="Aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER, world.user(name="Camila Duarte", locale="en"))


@pytest.fixture
def people(world: World, workspace: Workspace) -> list[Contact]:
    """Three with a plan, one without; Maria is unhappy, Júlia is a VIP."""
    found = [
        world.contact(
            workspace, name=name, search_name=search_text(name), email=f"{fold(name).split()[0]}@b.example",
            attributes={"plan": plan} if plan else {}, tags=["vip"] if name == "Júlia Prado" else [],
        )
        for name, plan in PEOPLE
    ]  # fmt: skip
    world.answer(workspace, 3, contact=found[0])
    return found


def test_an_audience_is_put_together_without_a_script(
    visit: Visit, camila: Visitor, people: list[Contact]
) -> None:
    page = visit("/w/aroeira/audiences/new", camila, javascript=False)
    expect(page.get_by_role("heading", name="4 people now")).to_be_visible()
    add(page, "plan")
    page.get_by_label("One per line").fill("PRO")
    page.get_by_role("button", name="Show who").click()
    expect(page.get_by_role("heading", name="2 people now")).to_be_visible()
    expect(page.get_by_role("link", name="Tomás Arruda")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("Pro customers")
    page.get_by_role("button", name="Save audience").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pro customers")
    expect(page.get_by_text("plan is “PRO”.", exact=False)).to_be_visible()


def add(page: Page, what: str) -> None:
    page.get_by_label("What the next condition is about").first.select_option(label=what)
    page.get_by_role("button", name="Add condition").first.click()


def test_the_editor_is_seen_in_every_look(
    visit: Visit, look: Look, camila: Visitor, people: list[Contact], runtime: Runtime, world: World
) -> None:
    look(visit("/w/aroeira/audiences", camila))
    id = segments.create(runtime, camila, {"name": "Unhappy and important", "audience": UNHAPPY})
    page = visit(f"/w/aroeira/audiences/{id}", camila)
    expect(page.get_by_role("heading", name="1 person now")).to_be_visible()
    look(page)
    for what in ("Here since", "Language", "Another attribute", "When they were asked", "plan"):
        add(page, what)
    follow(page.get_by_role("button", name="Add group").first)
    look(page)
    page.get_by_role("button", name="Show who").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look(page)


def test_lists_and_removal_are_seen_in_every_look(
    visit: Visit,
    look: Look,
    camila: Visitor,
    people: list[Contact],
    runtime: Runtime,
    world: World,
    workspace: Workspace,
) -> None:
    id = segments.create(runtime, camila, {"name": "Unhappy and important", "audience": UNHAPPY})
    look(visit(f"/w/aroeira/audiences/{id}/removal", camila))
    survey = world.survey(workspace, name="Relationship NPS")
    schedules.create(runtime, camila, {"survey": survey.id, "repeat": "monthly", "audience": id})
    page = visit("/w/aroeira/audiences", camila)
    expect(page.get_by_text("1 schedule asks it.")).to_be_visible()
    look(page)
    look(visit(f"/w/aroeira/audiences/{id}/removal", camila))
    look(visit(f"/w/aroeira/contacts?segment={id}", camila))
