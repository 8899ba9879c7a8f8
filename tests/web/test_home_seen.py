"""Home in a real browser: it holds in every look, and renews itself without losing one's place."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from app.domain.access import Role
from app.domain.metrics import RULES, Metric
from app.models import Headline, Workspace, new_id
from app.services.access import Visitor
from tests.many_answers import many_answers
from tests.pulse_world import open_pulse
from tests.services.loop import opened
from tests.web.browser import Look, Visit
from tests.world import Clock, World

pytestmark = pytest.mark.browser


@pytest.fixture
def workspace(world: World, clock: Clock) -> Workspace:
    """Half a year of answers that grow happier, a published pulse, three who wait, words of today."""
    workspace = world.workspace(name="Aroeira")
    for metric, n in ((Metric.NPS, 360), (Metric.CSAT, 600), (Metric.CES, 240)):
        survey = world.survey(workspace, metric)
        scale = list(RULES[metric].scores)
        answers = []
        for number in range(n):
            happy = (number * 7) % 10 < 5 + 3 * number / n
            score = scale[-1 - number % 2] if happy else scale[number % len(scale)]
            answers.append((score, clock.now - timedelta(days=180 * (1 - number / n), hours=1)))
        many_answers(world, workspace, survey, answers)
    for promoters, days in ((26, 95), (31, 5)):
        at = clock.now - timedelta(days=days)
        world.add(
            Headline(
                id=new_id(),
                pulse_id=open_pulse(world, 1).pulse.id,
                workspace_id=workspace.id,
                promoters=promoters,
                passives=22,
                detractors=15,
                asked=91,
                closed_at=at,
                published_at=at,
            )
        )
    clock.advance(days=-7)
    people = (("Tomás Arruda", 2, "Três semanas esperando a integração."), ("Helen Marsh", 4, None))
    for name, score, comment in people:
        contact = world.contact(workspace, name=name, attributes={"empresa": "Fisio Pampulha"})
        opened(world, workspace, score, contact=contact, comment=comment)
    clock.advance(days=7)
    opened(world, workspace, 5, comment="Bom, mas o relatório podia sair pronto.", metric="nps")
    world.answer(workspace, 10, comment="Em dois dias a recepção já não queria voltar.")
    return workspace


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER, world.user(name="Camila Duarte"))


def test_home_holds_on_a_phone_and_a_desk_light_and_dark(
    visit: Visit, look: Look, workspace: Workspace, camila: Visitor
) -> None:
    page = visit(f"/w/{workspace.slug}/", camila)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Dois clientes esperam")
    page.get_by_text("Ver como tabela").click()
    look(page)
    page.get_by_text("Ver como tabela").click()
    look(page)


def test_the_first_page_holds_on_a_phone_and_a_desk_light_and_dark(
    visit: Visit, look: Look, world: World
) -> None:
    empty = world.workspace(name="Fio d’Água")
    look(visit(f"/w/{empty.slug}/", world.member(empty)))


def renew(page: Page) -> None:
    """As if twenty seconds had gone by."""
    page.clock.run_for(20_500)


def test_home_renews_itself_and_keeps_ones_place(
    visit: Visit, world: World, workspace: Workspace, camila: Visitor
) -> None:
    page = visit(f"/w/{workspace.slug}/", camila)
    page.clock.install()
    page.reload()
    page.get_by_text("Ver como tabela").click()
    page.get_by_role("link", name="30 dias").focus()
    untouched = page.locator('[data-live="head"] h1').element_handle()
    world.answer(workspace, 9, comment="Chegou enquanto você olhava.")
    expect(page.locator(".rail-nav .count").first).to_contain_text("3")
    with page.expect_response(lambda response: response.request.resource_type == "fetch"):
        renew(page)
    expect(page.get_by_text("Chegou enquanto você olhava.")).to_be_visible()
    expect(page.locator("details[data-live-keep]")).to_have_attribute("open", "")
    expect(page.get_by_role("link", name="30 dias")).to_be_focused()
    expect(page.locator("[data-live-status]")).to_have_text("4 respostas hoje")
    assert untouched is not None
    assert untouched.evaluate("each => each.isConnected"), "what did not change is not touched"


def test_a_new_follow_up_becomes_the_news_and_is_counted_beside_its_room(
    visit: Visit, world: World, workspace: Workspace, camila: Visitor
) -> None:
    page = visit(f"/w/{workspace.slug}/", camila)
    page.clock.install()
    page.reload()
    opened(world, workspace, 0, comment="Ninguém me respondeu.")
    renew(page)
    expect(page.locator(".rail-nav .count").first).to_contain_text("4")
    expect(page.get_by_text("o retorno a quem respondeu: 4 em aberto")).to_be_visible()


def test_home_says_nothing_aloud_when_nothing_changed(
    visit: Visit, workspace: Workspace, camila: Visitor
) -> None:
    page = visit(f"/w/{workspace.slug}/", camila)
    page.clock.install()
    page.reload()
    with page.expect_response(lambda response: response.request.resource_type == "fetch"):
        renew(page)
    expect(page.locator("[data-live-status]")).to_be_empty()


def test_home_stops_asking_once_signed_out(visit: Visit, workspace: Workspace, camila: Visitor) -> None:
    page = visit(f"/w/{workspace.slug}/", camila)
    page.clock.install()
    page.reload()
    page.context.clear_cookies()
    with page.expect_response(lambda response: response.request.resource_type == "fetch"):
        renew(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(60_000)
    assert [url for url in asked if "/sign-in" not in url] == []  # the end of the first one, never followed


def test_home_is_whole_without_a_script(visit: Visit, workspace: Workspace, camila: Visitor) -> None:
    page = visit(f"/w/{workspace.slug}/", camila, javascript=False)
    page.get_by_role("link", name="30 dias").click()
    expect(page.get_by_role("link", name="30 dias")).to_have_attribute("aria-current", "true")
    page.get_by_text("Ver como tabela").click()
    expect(page.get_by_role("table").first).to_be_visible()
