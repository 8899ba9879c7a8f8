"""Rules, events, each person's own clock and sequences in a real browser, without a script."""

import os
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Survey, Workspace
from app.runtime import Runtime
from app.services import expanding, planning, schedules, sparing
from app.services.access import Visitor
from tests.web.browser import Look, Visit, follow
from tests.world import World

pytestmark = pytest.mark.browser


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER, world.user(name="Camila Duarte", locale="en"))


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    for number in range(40):
        world.contact(
            workspace, name=f"Maria {number}", email=None if number % 5 == 0 else f"m{number}@b.example"
        )
    world.survey(workspace, Metric.CES, name="After support, CES")
    return world.survey(workspace, name="Relationship NPS")


@pytest.fixture
def form(visit: Visit, camila: Visitor, survey: Survey) -> Page:
    return visit(f"/w/aroeira/schedules/new?survey={survey.id}", camila)


@pytest.fixture
def plain(visit: Visit, camila: Visitor, survey: Survey) -> Page:
    """The same without any script."""
    return visit(f"/w/aroeira/schedules/new?survey={survey.id}", camila, javascript=False)


def choose(page: Page, way: str) -> None:
    page.get_by_label("How often").select_option(label=way)
    page.get_by_role("button", name="Show its fields").click()


def test_the_first_business_day_of_each_quarter_is_chosen_seen_and_saved(form: Page, look: Look) -> None:
    choose(form, "By the quarter")
    form.get_by_label("On", exact=True).select_option(label="the first business day")
    form.get_by_label("First run").fill("2027-01-01T10:00")
    form.get_by_role("button", name="See whom it would ask").click()
    expect(form.get_by_role("heading", level=1)).to_contain_text(
        "On the first business day of every 3 months at 10:00"
    )
    expect(form.get_by_text("moved from Saturday, 1 January 2028")).to_have_count(1)
    look(form)
    keep(form, "quarter")
    follow(form.get_by_role("button", name="Check it before the launch"))
    look(form)
    form.get_by_role("button", name="Launch it").click()
    expect(form.get_by_text("The schedule is in place.")).to_be_visible()
    expect(form.get_by_label("How often")).to_have_value("monthly")
    expect(form.get_by_label("Every so many months")).to_have_value("3")
    expect(form.get_by_label("On", exact=True)).to_have_value("first_business")


def test_without_a_script_what_was_typed_stays_while_one_looks_at_other_fields(plain: Page) -> None:
    plain.get_by_label("Name", exact=True).fill("Tuesdays")
    choose(plain, "By the week")
    plain.get_by_label("Every so many weeks").fill("two")
    plain.get_by_label("Tuesday").check()
    plain.get_by_role("button", name="See whom it would ask").click()
    expect(plain.get_by_text("Write a whole number.").first).to_be_visible()
    expect(plain.get_by_label("Every so many weeks")).to_have_value("two")
    expect(plain.get_by_label("Tuesday")).to_be_checked()
    expect(plain.get_by_label("Name", exact=True)).to_have_value("Tuesdays")
    plain.get_by_label("Every so many weeks").fill("2")
    plain.get_by_role("button", name="See whom it would ask").click()
    expect(plain.get_by_role("heading", level=1)).to_contain_text("Every 2 weeks on Tuesday at")


def test_after_an_event_with_a_condition_and_a_sequence(form: Page, look: Look) -> None:
    moves = form.get_by_label("On weekends and holidays").get_by_role("option")
    expect(moves.filter(has_text="business day")).to_have_count(2)
    form.get_by_label("On weekends and holidays").select_option(label="Ask on the business day before")
    choose(form, "After something happened")
    expect(moves.filter(has_text="business day")).to_have_count(1)  # nobody knew of it on the day before
    expect(form.get_by_label("On weekends and holidays")).to_have_value("next")
    form.get_by_label("Name of the event").fill("ticket solved")
    form.get_by_label("Property").fill("closed_by")
    form.get_by_label("Compared").select_option(label="is not")
    form.get_by_label("Value").fill("auto\nbot, robot")
    form.get_by_text("And then ask something else").click()
    form.get_by_label("Days later").fill("60")
    form.get_by_label("Then ask").select_option(label="After support, CES")
    form.get_by_role("button", name="See whom it would ask").click()
    expect(form.get_by_text("A name of up to 64 letters").first).to_be_visible()
    look(form)
    form.get_by_label("Name of the event").fill("ticket.solved")
    form.get_by_role("button", name="See whom it would ask").click()
    expect(form.get_by_role("heading", level=1)).to_have_text(
        "24 hours after “ticket.solved”, ask “Relationship NPS”."
    )
    follow(form.get_by_role("button", name="Check it before the launch"))
    look(form)
    form.get_by_role("button", name="Launch it").click()
    expect(form.get_by_text("It waits for the event, and asks one person at a time.")).to_be_visible()
    expect(form.get_by_text("60 days later")).to_be_visible()
    expect(form.get_by_label("Value").first).to_have_value("auto\nbot, robot")
    look(form)
    keep(form, "event")


def test_each_person_by_their_own_clock(form: Page, look: Look) -> None:
    choose(form, "Each person, by their own clock")
    form.get_by_label("Days between two asks of one person").fill("30")
    form.get_by_role("button", name="See whom it would ask").click()
    expect(form.get_by_role("heading", level=1)).to_have_text(
        "Ask each person “Relationship NPS” every 30 days."
    )
    expect(form.get_by_text("On another day", exact=True)).to_be_visible()
    look(form)


def test_a_rule_of_its_own_that_cannot_be_says_why(form: Page, look: Look) -> None:
    choose(form, "By a rule of its own")
    form.get_by_label("The rule").fill("FREQ=MONTHLY;BYMONTHDAY=31")
    form.get_by_role("button", name="See whom it would ask").click()
    expect(form.get_by_text("Not every month has such a day.").first).to_be_visible()
    expect(form.get_by_label("The rule")).to_have_value("FREQ=MONTHLY;BYMONTHDAY=31")
    look(form)


def test_a_run_that_was_cancelled_half_way_says_that_it_counts(
    visit: Visit,
    look: Look,
    camila: Visitor,
    survey: Survey,
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expanding, "FIRST", 10)
    id = schedules.create(runtime, camila, {"survey": survey.id, "repeat": "once"})
    planning.plan_schedules(runtime)

    def cancel(step: str) -> None:
        if step == "expanded_some":
            schedules.cancel(runtime, camila, id)

    expanding.expand_occurrences(replace(runtime, reach=cancel))
    page = visit(f"/w/aroeira/schedules/{id}", camila)
    expect(page.get_by_text("Those whom it had not come to are being counted.")).to_be_visible()
    look(page)
    keep(page, "counting")
    page.locator(".plan h3 a").first.click()
    expect(page.get_by_text("Those whom it had not come to are being counted.")).to_be_visible()
    look(page)
    keep(page, "counting-run")
    sparing.count_spared(runtime)
    page.reload()
    expect(page.get_by_text("40 people in all")).to_be_visible()


def keep(page: Page, name: str) -> None:
    if folder := os.environ.get("LOOK_AT"):
        for width, scheme in ((390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True)
