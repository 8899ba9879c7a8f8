"""The same road, shorter: CSAT, CES, a promoter who wants to be called, and somebody who leaves."""

import pytest
from playwright.sync_api import expect

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Contact, Workspace
from app.services.access import Visitor
from tests.journeys import steps
from tests.journeys.letters import link_to, one_click, scan
from tests.journeys.person import Person, SignedIn, Work
from tests.smtp import SmtpSink
from tests.web.browser import Visit
from tests.world import Clock, World

pytestmark = pytest.mark.browser

AGENT = "beatriz@aroeira.example"


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira", reply_to="atendimento@aroeira.example")


@pytest.fixture
def contacts(world: World, workspace: Workspace) -> list[Contact]:
    names = ("Ana Prado", "Bruno Reis", "Carla Nunes")
    return [
        world.contact(workspace, name=name, email=f"{name.split()[0].lower()}@clientes.example")
        for name in names
    ]


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    user = world.user(name="Camila Duarte", email="camila@aroeira.example")
    return world.member(workspace, Role.MANAGER, user)


@pytest.fixture
def agent(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.AGENT, world.user(name="Beatriz Lima", email=AGENT))


@pytest.mark.parametrize(
    ("metric", "score", "contact_me", "shown", "interval"),
    [
        (Metric.CSAT, 2, False, "0%", "Entre 0 e 79%"),
        (Metric.CES, 2, False, "0%", "Entre 0 e 79%"),
        (Metric.NPS, 10, True, "+100", "Entre −49 e +99."),
    ],
)
def test_whoever_struggles_or_asks_for_us_is_answered(
    world: World,
    workspace: Workspace,
    contacts: list[Contact],
    camila: Visitor,
    agent: Visitor,
    smtp_server: SmtpSink,
    signed_in: SignedIn,
    visit: Visit,
    work: Work,
    metric: Metric,
    score: int,
    contact_me: bool,
    shown: str,
    interval: str,
) -> None:
    survey, manager = world.survey(workspace, metric), signed_in(camila)
    steps.ask_everybody_now(manager, survey.id, 3)
    work()
    (letter,) = smtp_server.to("ana@clientes.example")
    scan([letter], visit("/healthz"))
    respondent = Person(visit("/healthz", width=390, locale="pt-BR"))
    steps.answer(respondent, link_to(letter, f"score={score}"), "Três visitas.", contact_me=contact_me)
    work()
    beatriz = signed_in(agent)
    beatriz.open(link_to(smtp_server.to(AGENT)[-1], "/followups/"))
    steps.claim_and_reply(beatriz, "Ana, vamos resolver hoje.", "Ana")
    steps.close(beatriz, "Resolvido por telefone.", "Demora no atendimento")
    work()
    assert "vamos resolver hoje" in smtp_server.to("ana@clientes.example")[-1].text
    manager.open(manager.room(""))
    station = steps.station(manager, metric)
    expect(station.locator(".score")).to_have_text(shown)
    expect(station).to_contain_text(interval)
    expect(station).to_contain_text("1 resposta")


def test_whoever_left_by_one_click_is_not_asked_again_and_the_page_says_why(
    world: World,
    workspace: Workspace,
    contacts: list[Contact],
    camila: Visitor,
    smtp_server: SmtpSink,
    signed_in: SignedIn,
    visit: Visit,
    work: Work,
    clock: Clock,
) -> None:
    survey = world.survey(workspace, Metric.NPS)
    steps.ask_everybody_now(signed_in(camila), survey.id, 3)
    work()
    respondent = Person(visit("/healthz", width=390, locale="pt-BR"))
    for address, score in (("ana@clientes.example", 9), ("bruno@clientes.example", 7)):
        (letter,) = smtp_server.to(address)
        steps.answer(respondent, link_to(letter, f"score={score}"))
    (letter,) = smtp_server.to("carla@clientes.example")
    assert one_click(letter) == 200
    clock.advance(days=91)
    manager = signed_in(camila)
    steps.ask_everybody_now(manager, survey.id, 2)
    work()
    assert [len(smtp_server.to(each.email or "")) for each in contacts] == [2, 2, 1]
    steps.answer(respondent, link_to(smtp_server.to("ana@clientes.example")[1], "score=10"))
    manager.open(manager.room(f"contacts/{contacts[2].id}"))
    manager.reads("Não perguntamos: não quer receber")
    manager.reads("Pelo link de uma mensagem.")
    manager.open(manager.room(""))
    expect(steps.station(manager, Metric.NPS)).to_contain_text("Ainda não dá para dizer")
