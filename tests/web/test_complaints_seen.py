"""Complaints in a real browser: recorded on a person's page, told there, and where they paused a schedule."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from app.domain.access import Role
from app.models import Invitation, Message, Occurrence, Workspace
from app.runtime import Runtime
from app.services import complaints, expanding, planning, schedules
from app.services.access import Visitor
from app.services.complained_about import Named
from app.services.complaints import Told
from tests.web.browser import Look, Visit
from tests.world import Clock, World

pytestmark = pytest.mark.browser


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.OWNER, world.user(name="Camila Duarte", locale="en"))


@pytest.fixture
def schedule(runtime: Runtime, world: World, workspace: Workspace, camila: Visitor) -> str:
    """A weekly schedule whose first run has asked nine people."""
    for number in range(9):
        world.contact(workspace, name=f"Maria Figueiredo {number + 1}")
    survey = world.survey(workspace, name="Relationship NPS")
    id = schedules.create(runtime, camila, {"survey": survey.id, "repeat": "weekly"})
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)
    with runtime.db.write() as session:
        session.execute(update(Message).values(state="sent", sent_at=world.now))
        session.execute(update(Invitation).values(state="sent", sent_at=world.now))
        assert session.scalars(select(Occurrence.state).where(Occurrence.state == "run")).all()
    return id


def asked(runtime: Runtime) -> list[tuple[str, str]]:
    with runtime.db.read() as session:
        rows = session.execute(select(Message.contact_id, Message.id).order_by(Message.id))
        return [(str(contact), id) for contact, id in rows]


def test_a_complaint_is_recorded_and_seen_on_the_persons_page(
    visit: Visit, look: Look, runtime: Runtime, camila: Visitor, schedule: str, clock: Clock
) -> None:
    maria, _ = asked(runtime)[0]
    clock.advance(days=1)
    page = visit(f"/w/aroeira/contacts/{maria}/privacy", camila)
    page.get_by_text("They complained", exact=True).click()
    page.get_by_role("button", name="Record the complaint").click()
    expect(page.get_by_text("Say when, and how you know that they complained.").first).to_be_visible()
    look(page)
    page.get_by_label("When, and how you know that they complained").fill("She wrote to our support.")
    page.get_by_role("button", name="Record the complaint").click()
    expect(page.get_by_text("She wrote to our support.")).to_be_visible()
    expect(page.get_by_text("reported as spam").first).to_be_visible()
    page = visit(f"/w/aroeira/contacts/{maria}", camila)
    expect(page.get_by_role("heading", name="Reported a message by e-mail as spam")).to_be_visible()
    expect(page.get_by_text("Nothing asks them there any more.").first).to_be_visible()
    page.get_by_text("They want to be asked again").click()
    look(page)


def test_a_schedule_that_complaints_paused_is_seen_with_whom_it_was(
    visit: Visit, look: Look, runtime: Runtime, camila: Visitor, schedule: str
) -> None:
    for _, message in asked(runtime)[:2]:
        complaints.record(runtime, camila, Told(Named("email", message_id=message), "api"))
    page = visit("/w/aroeira/", camila, javascript=False)
    said = "Paused by itself: of 9 messages that arrived, 2 were reported as spam."
    expect(page.get_by_text(said)).to_be_visible()
    page = visit(f"/w/aroeira/schedules/{schedule}", camila)
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_text("2 of those asked reported it as spam.")).to_be_visible()
    look(page)
    page.get_by_role("link", name="See whom it was").click()
    expect(page.get_by_role("heading", name="Reported as spam")).to_be_visible()
    assert page.get_by_role("link", name="Maria Figueiredo").count() == 2
    look(page)
