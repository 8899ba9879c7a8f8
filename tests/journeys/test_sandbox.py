"""The first evening: no mail server yet, so the question is read and answered in the sandbox, and cleared."""

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import func, select

from app import cli
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Answer, Contact, FollowUp, Invitation
from app.runtime import Runtime
from tests.journeys import steps
from tests.journeys.person import Person, SignedIn, Work
from tests.world import World

pytestmark = pytest.mark.browser


@pytest.fixture
def channels() -> dict[str, str]:
    return {}


def test_a_newcomer_asks_reads_answers_and_clears(
    world: World, runtime: Runtime, app: Flask, signed_in: SignedIn, work: Work
) -> None:
    workspace = world.workspace(name="Aroeira", slug="aroeira")
    survey = world.survey(workspace, Metric.NPS)
    world.contact(workspace, name="Maria Figueiredo", email="maria@bemtevi.example")
    camila = signed_in(world.member(workspace, Role.MANAGER, world.user(name="Camila Duarte")))
    camila.open(camila.room(f"surveys/{survey.id}/ask"))
    camila.press("Ask %(name)s now", name="Maria Figueiredo")
    work()

    camila.open("/sandbox")
    camila.page.get_by_role("link", name="uma pergunta sobre Aroeira").click()
    mail = camila.page.frame_locator("iframe")
    expect(mail.get_by_role("heading", level=1)).to_contain_text("De 0 a 10")
    with camila.page.expect_popup() as opened:
        mail.get_by_role("link", name="3", exact=True).click()
    maria = Person(opened.value)
    steps.confirm(maria, "O aplicativo fecha sozinho.")
    assert kept(runtime) == {"asks": 1, "answers": 1, "follow-ups": 1, "people": 1}
    work()
    camila.open(camila.page.url.split("/sandbox")[0] + "/w/aroeira/")
    expect(steps.station(camila, Metric.NPS).locator(".score")).to_have_text("−100")

    cli.register(app)
    with app.app_context():
        done = app.test_cli_runner().invoke(args=["sandbox", "clear"])
    assert done.exit_code == 0, done.output
    assert kept(runtime) == {"asks": 0, "answers": 0, "follow-ups": 0, "people": 1}
    camila.open("/sandbox")
    camila.reads(camila.said("Nothing has arrived yet."))


def kept(runtime: Runtime) -> dict[str, int]:
    tables = {"asks": Invitation, "answers": Answer, "follow-ups": FollowUp, "people": Contact}
    with runtime.db.read() as session:
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in tables.items()
        }
