"""What forms keep, refuse and do without, in a real browser without a script, and in every look."""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Stop, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import expanding, planning, schedules
from app.services.access import Visitor
from tests.pulse_world import open_pulse
from tests.services.test_planning import crowd
from tests.web.browser import Look, Visit, follow
from tests.world import World

pytestmark = pytest.mark.browser

HERE = "/w/aroeira/schedules"


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER, world.user(name="Camila Duarte", locale="en"))


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, name="Relationship NPS")


def test_a_schedule_is_launched_and_stopped_where_counting_takes_too_long(
    visit: Visit, look: Look, runtime: Runtime, world: World, workspace: Workspace, camila: Visitor,
    survey: Survey, hurry: Callable[[], None],
) -> None:  # fmt: skip
    crowd(world, workspace, 1_500)
    hurry()
    page = visit(f"{HERE}/new?survey={survey.id}", camila)
    page.get_by_label("Name", exact=True).fill("Everybody")
    page.get_by_label("If it does not reach them").select_option(label="WhatsApp")
    page.get_by_role("button", name="See whom it would ask").click()
    page.get_by_label("If that does not either").select_option(label="SMS")
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_label("If that does not either")).to_have_value("sms")
    expect(page.get_by_text("It can be launched all the same.")).to_be_visible()
    look(page)
    keep(page, "uncounted-new")
    page.get_by_role("button", name="Check it before the launch").click()
    expect(page.get_by_text("so there are no numbers here")).to_be_visible()
    look(page)
    keep(page, "uncounted-preflight")
    page.get_by_role("button", name="Launch it").click()
    expect(page.get_by_text("The schedule is in place.")).to_be_visible()
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)
    page.reload()
    expect(page.get_by_text("To count whom it asked takes too long just now.")).to_be_visible()
    look(page)
    keep(page, "uncounted-detail")
    follow(page.get_by_role("link", name="Pause"))
    look(page)
    keep(page, "uncounted-confirm")
    page.get_by_role("button", name="Pause schedule").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_what_was_typed_stays_after_a_conflict_with_a_channel_that_is_not_set_up(
    app: Flask, visit: Visit, look: Look, runtime: Runtime, camila: Visitor, survey: Survey
) -> None:
    only = [
        {"property": "agent", "operator": "one_of", "values": ["Smith, John", "X", ""]},
        {"property": "closed_by", "operator": "not", "values": ["auto"]},
    ]
    trigger = {"event": "ticket.solved", "after_hours": 24, "newest_within_hours": 24, "only": only}
    given = {"survey": survey.id, "repeat": "event", "trigger": trigger, "channels": ["telegram", "email"]}
    id = schedules.create(runtime, camila, given)
    app.extensions["runtime"] = replace(runtime, channels={"email": runtime.channels["email"]})
    page = visit(f"{HERE}/{id}", camila)
    expect(page.get_by_label("Channel", exact=True)).to_have_value("telegram")
    page.get_by_label("Name", exact=True).fill("Mine")
    page.get_by_label("Value").nth(1).fill("auto\nbot, robot")
    schedules.edit(runtime, camila, id, {"name": "Theirs"})
    page.get_by_role("button", name="Save schedule").click()
    expect(page.get_by_text("Yours stands below and is not saved")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Mine")
    look(page)
    keep(page, "conflict")
    page.get_by_role("button", name="Save schedule").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Mine")
    expect(page.get_by_label("Value").nth(0)).to_have_value('Smith, John\nX\n""')
    expect(page.get_by_label("Value").nth(1)).to_have_value("auto\nbot, robot")
    expect(page.get_by_label("Channel", exact=True)).to_have_value("telegram")


def test_a_stop_is_seen_on_the_home_of_a_people_workspace(
    visit: Visit, look: Look, runtime: Runtime, world: World
) -> None:
    people = world.workspace("people", name="Aroeira Pessoas", slug="gente")
    denise = world.member(people, Role.MANAGER, world.user(name="Denise Moura", locale="en"))
    pulse = open_pulse(world, 8, workspace=people)
    enps = world.survey(people, Metric.ENPS)
    id = schedules.create(runtime, denise, {"survey": enps.id, "repeat": "quarterly", "name": "Quarter"})
    schedules.pause(runtime, denise, id)
    world.add(
        Stop(
            id=new_id(), workspace_id=people.id, schedule_id=id, occurrence_id=pulse.pulse.occurrence_id,
            why="bounces", reason="invalid_address", failed=7, known=100, stopped_at=world.now,
        )
    )  # fmt: skip
    page = visit("/w/gente/", denise)
    expect(page.get_by_text("Paused by itself: 7 of 100 messages came back.")).to_be_visible()
    look(page)
    keep(page, "stopped-pulses")
    follow(page.get_by_role("link", name="Quarter"))
    keep(page, "stopped-schedule")


def keep(page: Page, name: str) -> None:
    if folder := os.environ.get("LOOK_AT"):
        for width, scheme in ((390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True)
