"""The room of pulses in a real browser: planned, open, closed and hidden, in every look."""

import pytest
from playwright.sync_api import expect

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Workspace
from app.runtime import Runtime
from app.services.access import Visitor
from app.services.pulse_closing import close_due_pulses
from tests.pulse_world import PulseWorld, open_pulse
from tests.web.browser import Look, Visit
from tests.world import Clock, World, token_of

pytestmark = pytest.mark.browser

WORDS = (
    "Gosto do que faço. O que cansa é descobrir a prioridade na sexta.",
    "Ask us before you promise dates to customers.",
    "Pela primeira vez a meta fez sentido.",
)


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace("people", name="Aroeira Pessoas", slug="aroeira-pessoas")


@pytest.fixture
def denise(world: World, workspace: Workspace) -> Visitor:
    """The owner, who also belongs to the customers' side."""
    user = world.user(name="Denise Moura")
    world.member(world.workspace(name="Aroeira"), Role.OWNER, user)
    return world.member(workspace, Role.OWNER, user)


def pulse_of(world: World, workspace: Workspace, scores: list[int], people: int) -> PulseWorld:
    pulse = open_pulse(world, people, workspace=workspace)
    for number, score in enumerate(scores):
        pulse.answer(number, score, WORDS[number] if number < len(WORDS) else None)
    return pulse


def test_a_closed_pulse_is_seen_in_every_look(
    world: World,
    workspace: Workspace,
    runtime: Runtime,
    clock: Clock,
    denise: Visitor,
    visit: Visit,
    look: Look,
) -> None:
    pulse_of(world, workspace, [9, 7, 8, 10, 6, 9, 4, 8, 9, 2], 14)
    clock.advance(days=90)
    close_due_pulses(runtime)
    last = pulse_of(world, workspace, [9, 10, 7, 9, 6, 9, 8, 10, 3, 9, 7, 9], 16)
    clock.advance(days=14)
    close_due_pulses(runtime)
    page = visit(f"/w/aroeira-pessoas/pulses/{last.pulse.id}", denise)
    expect(page.get_by_role("heading", level=1)).to_have_text("12 de 16 pessoas responderam. O e-NPS é +42.")
    look(page)
    look(visit("/w/aroeira-pessoas/pulses", denise))


def test_an_open_and_a_hidden_pulse_are_seen_in_every_look(
    world: World,
    workspace: Workspace,
    runtime: Runtime,
    clock: Clock,
    denise: Visitor,
    visit: Visit,
    look: Look,
) -> None:
    hidden = pulse_of(world, workspace, [9, 9, 3], 5)
    clock.advance(days=14)
    close_due_pulses(runtime)
    open_now = pulse_of(world, workspace, [9] * 6, 9)
    look(visit(f"/w/aroeira-pessoas/pulses/{hidden.pulse.id}", denise))
    page = visit(f"/w/aroeira-pessoas/pulses/{open_now.pulse.id}", denise)
    page.get_by_text("Fechar agora").click()
    expect(page.get_by_role("button", name="Fechar o pulso de vez")).to_be_visible()
    look(page)


def test_planning_is_seen_in_every_look(
    world: World, workspace: Workspace, denise: Visitor, visit: Visit, look: Look
) -> None:
    look(visit("/w/aroeira-pessoas/pulses", denise))
    look(visit("/w/aroeira-pessoas/pulses/new", denise))
    world.survey(workspace, Metric.ENPS, name="Clima")
    for _ in range(6):
        world.contact(workspace)
    world.contact(workspace, email=None)
    page = visit("/w/aroeira-pessoas/pulses/new", denise)
    look(page)
    page.get_by_role("button", name="Ver quem seria perguntado").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Perguntar a 6 pessoas")
    look(page)
    page.get_by_role("button", name="Abrir o pulso para 6 pessoas").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("O pulso está aberto até")


@pytest.mark.parametrize("javascript", [True, False])
def test_an_employee_answers_on_a_phone(
    world: World, workspace: Workspace, visit: Visit, look: Look, javascript: bool
) -> None:
    pulse = open_pulse(world, 1, workspace=workspace)
    page = visit(f"/p/{token_of(pulse.invitations[0], 'pulse')}", width=390, javascript=javascript)
    look(page) if javascript else None
    page.locator("#s3").check()
    page.locator("button.send").click()
    page.locator("textarea").fill("O que cansa é descobrir a prioridade na sexta.")
    look(page) if javascript else None
    page.locator("button.send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recebemos. Obrigado por contar.")
    expect(page.locator("body")).not_to_contain_text("prioridade")
    look(page) if javascript else None
