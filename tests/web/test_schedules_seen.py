"""Schedules, asking and the sandbox in a real browser: how they look, and that they work."""

import pytest
from playwright.sync_api import expect

from app.domain.access import Role
from app.domain.contacts import fold, search_text
from app.domain.metrics import Metric
from app.models import Contact, Survey, Workspace
from app.runtime import Runtime
from app.services import asking, expanding, planning, sandbox, schedules, sending
from app.services.access import Visitor
from tests.web.browser import Look, Visit
from tests.world import Clock, World

pytestmark = pytest.mark.browser

PEOPLE = ("Maria Figueiredo", "Helen Marsh", "Tomás Arruda", "Rita Okafor", "Júlia Prado")


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
def people(world: World, workspace: Workspace, survey: Survey) -> list[Contact]:
    """Five who can be asked, one who rests, two who cannot be reached."""
    found = [
        world.contact(
            workspace, name=name, search_name=search_text(name), email=f"{fold(name).split()[0]}@b.example"
        )
        for name in PEOPLE
    ]
    rested = world.contact(workspace, name="Beto Lima", search_name="beto lima")
    world.invitation(workspace, survey, rested)
    for name in ("Ana Reis", "Caio Dias"):
        world.contact(workspace, name=name, search_name=search_text(name), email=None)
    return found


@pytest.fixture
def weekly(runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey, people: list[Contact]) -> str:
    """A schedule that has run once, asked five, and goes on."""
    id = schedules.create(
        runtime, camila, {"survey": survey.id, "repeat": "monthly", "name": "NPS, first of the month"}
    )
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)
    sending.send_due(runtime)
    clock.advance(days=3)
    return id


def test_a_schedule_is_seen_in_every_look(
    visit: Visit, look: Look, camila: Visitor, weekly: str, runtime: Runtime
) -> None:
    page = visit(f"/w/aroeira/schedules/{weekly}", camila)
    expect(page.get_by_role("heading", level=1)).to_contain_text("On day 16 of every month at 10:00")
    look(page)
    page.get_by_role("link", name="Monday, 16 November 2026, 10:00").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("5 people were asked.")
    look(page)
    page.get_by_role("link", name="No address").click()
    expect(page.get_by_role("heading", level=2, name="No address")).to_be_visible()
    look(visit(f"/w/aroeira/schedules/{weekly}/people?reason=resting", camila))
    look(visit(f"/w/aroeira/schedules/{weekly}/cancel", camila))
    look(visit("/w/aroeira/schedules", camila))


def test_planning_looks_first_without_a_script(
    visit: Visit, look: Look, camila: Visitor, survey: Survey, people: list[Contact]
) -> None:
    page = visit("/w/aroeira/schedules/new", camila, javascript=False)
    page.get_by_label("Survey", exact=True).select_option("Relationship NPS")
    page.get_by_label("How often").select_option("By the week")
    page.get_by_label("When").fill("2026-12-01T10:00")
    page.get_by_role("button", name="See whom it would ask").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Every Tuesday at 10:00")
    expect(page.get_by_text("If it ran now, 5 people would be asked")).to_be_visible()
    page.get_by_role("button", name="Check it before the launch").click()
    expect(page.get_by_text("What they will read")).to_be_visible()
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_label("First run")).to_have_value("2026-12-01T10:00")
    page.get_by_role("button", name="See whom it would ask").click()
    page.get_by_role("button", name="Check it before the launch").click()
    page.get_by_role("button", name="Launch it").click()
    expect(page.get_by_text("The schedule is in place.")).to_be_visible()
    expect(page.get_by_text("Tuesday, 1 December 2026, 10:00").first).to_be_visible()


def test_planning_is_seen_in_every_look(
    visit: Visit, look: Look, camila: Visitor, world: World, runtime: Runtime
) -> None:
    look(visit("/w/aroeira/schedules", camila))
    look(visit("/w/aroeira/schedules/new", camila))
    world.survey(world.workspace(), Metric.CSAT)


def test_the_form_with_its_look_and_its_mistakes_is_seen_in_every_look(
    visit: Visit, look: Look, camila: Visitor, survey: Survey, people: list[Contact]
) -> None:
    page = visit(f"/w/aroeira/schedules/new?survey={survey.id}", camila)
    page.get_by_label("When").fill("2026-11-01T10:00")
    page.get_by_role("button", name="See whom it would ask").click()
    expect(page.get_by_text("This time has passed.").first).to_be_visible()
    look(page)
    page.get_by_label("When").fill("")
    page.get_by_role("button", name="See whom it would ask").click()
    expect(page.get_by_text("This time has passed.")).to_have_count(0)
    look(page)
    page.get_by_role("button", name="Check it before the launch").click()
    expect(page.get_by_role("button", name="Ask 5 people now")).to_be_visible()
    look(page)


def test_asking_somebody_is_seen_in_every_look(
    visit: Visit, look: Look, camila: Visitor, survey: Survey, people: list[Contact]
) -> None:
    page = visit(f"/w/aroeira/surveys/{survey.id}/ask", camila)
    look(page)
    page.get_by_label("Name, e-mail or external id").fill("tomás")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Ask Tomás Arruda now").click()
    expect(page.get_by_text("Tomás Arruda gets the question in a moment.")).to_be_visible()
    look(visit(f"/w/aroeira/contacts/{people[2].id}/ask", camila))


def test_the_sandbox_is_seen_in_every_look_and_answered_by_the_mails_own_button(
    visit: Visit, look: Look, camila: Visitor, weekly: str, runtime: Runtime, clock: Clock
) -> None:
    assert camila.user_id
    id = sandbox.mailbox(runtime, camila.user_id, to="maria@b.example").page.items[0].id
    page = visit("/sandbox", camila)
    look(page)
    page = visit(f"/sandbox/{id}", camila)
    look(page)
    mail = page.frame_locator("iframe").get_by_role("link", name="3", exact=True)
    with page.context.expect_page() as opened, page.context.expect_event("request") as asked_for:
        mail.click()
    opened.value.close()
    # The mail links to where the installation is reached; here it listens on another port
    target = asked_for.value.url.removeprefix(runtime.config.public_url)
    assert target.startswith("/r/")
    answer = visit(target)
    expect(answer.get_by_role("radio", name="3", exact=True)).to_be_checked()
    look(visit(f"/sandbox/{id}?view=text", camila))


def test_the_frame_is_dark_when_dark_is_chosen(
    visit: Visit, camila: Visitor, weekly: str, runtime: Runtime
) -> None:
    assert camila.user_id
    id = sandbox.mailbox(runtime, camila.user_id).page.items[0].id
    page = visit(f"/sandbox/{id}?view=dark", camila, color_scheme="light")
    paper = page.frame_locator("iframe").locator("body")
    expect(paper).to_have_css("background-color", "rgb(18, 21, 30)")
    page.get_by_role("link", name="Light", exact=True).last.click()
    expect(page.frame_locator("iframe").locator("body")).to_have_css("background-color", "rgb(249, 246, 240)")


def test_asking_in_the_sandbox_needs_no_script(
    visit: Visit, camila: Visitor, survey: Survey, people: list[Contact], runtime: Runtime
) -> None:
    asking.ask(runtime, camila, survey.id, people[0].id)
    sending.send_due(runtime)
    page = visit("/sandbox", camila, javascript=False, width=390)
    page.get_by_label("Whose mailbox").select_option("Maria Figueiredo")
    page.get_by_role("button", name="Open").click()
    page.locator(".mail a").first.click()
    expect(page.locator("iframe")).to_be_visible()
    expect(page.get_by_role("heading", level=2, name="Mailbox")).not_to_be_visible()
    page.get_by_role("link", name="Back to the mailbox").click()
    expect(page.get_by_role("heading", level=2, name="Mailbox")).to_be_visible()
