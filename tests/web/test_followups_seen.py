"""The inbox, a follow-up and the answers in a real browser: looks, keys, a phone (WCAG 2.2 AA)."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from app.domain.access import Role
from app.models import Message, Workspace
from app.runtime import Runtime
from app.services import followups
from app.services.access import Visitor
from app.services.followup_opening import reply_left
from tests.services.loop import followup, kinds, opened, replies
from tests.web.browser import Look, Visit, follow
from tests.world import Clock, World

pytestmark = pytest.mark.browser

THURSDAY = datetime(2026, 11, 19, 15, 14, tzinfo=UTC)  # 12:14 in São Paulo


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(slug="aroeira", name="Aroeira", reply_to="atendimento@aroeira.example")


@pytest.fixture
def beatriz(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.AGENT, world.user(name="Beatriz Lima"))


def ago(hours: float) -> datetime:
    return THURSDAY - timedelta(hours=hours)


@pytest.fixture
def maria(world: World, clock: Clock, workspace: Workspace, beatriz: Visitor) -> str:
    """Everybody who waits on a Thursday; the id of Maria's follow-up."""
    rafael = world.member(workspace, Role.AGENT, world.user(name="Rafael Nogueira"))
    survey = world.survey(workspace)
    people = (
        ("Tomás Arruda", "Fisio Pampulha", 2, 74, "Três semanas esperando a integração com o convênio."),
        ("Rosângela Prado", "Oftalmo Savassi", 5, 70.2, "O preço subiu e o suporte não acompanhou."),
        ("Márcia Bittencourt", "Pediatria Lourdes", 6, 67.5, None),
        ("Luana Siqueira", "Estúdio Pilates Raiz", 6, 20, "O aplicativo fecha sozinho quando abro a agenda."),
        ("Nelson Vaz", "Imagem Centro", 0, 90, "Cobrança em dobro em outubro e ainda não devolveram."),
    )
    ids = []
    for name, company, score, hours, comment in people:
        clock.now = ago(hours)
        contact = world.contact(workspace, name=name, attributes={"company": company})
        ids.append(opened(world, workspace, score, survey=survey, contact=contact, comment=comment))
    contact = world.contact(
        workspace,
        name="Maria Figueiredo",
        attributes={"company": "Clínica Bem-te-vi", "papel": "Coordenadora da recepção"},
        time_zone="America/Sao_Paulo",
    )
    for days, score in ((280, 9), (190, 8)):
        clock.now = ago(24 * days)
        world.answer(workspace, score, survey=survey, contact=contact)
    clock.now = ago(71)
    said = "A agenda saiu do ar duas vezes na semana passada e ninguém avisou.\nRemarquei doze pacientes."
    id = opened(world, workspace, 4, survey=survey, contact=contact, comment=said)
    runtime = world.runtime
    clock.now = ago(4)
    followups.note(runtime, rafael, ids[4], "Liguei, devolvemos hoje.", contacted=True)
    followups.claim(runtime, rafael, ids[2])
    clock.now = ago(3)
    followups.claim(runtime, beatriz, id)
    clock.now = THURSDAY
    return id


def test_the_pages_hold_on_a_phone_and_a_desk_light_and_dark(
    visit: Visit, look: Look, beatriz: Visitor, maria: str
) -> None:
    page = visit("/w/aroeira/followups", beatriz)
    expect(page.get_by_role("heading", name="Em atraso")).to_be_visible()
    look(page)
    page.get_by_role("link", name="Maria Figueiredo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Maria Figueiredo deu 4 e espera por você")
    look(page)
    page.goto("/w/aroeira/answers")
    expect(page.get_by_role("heading", level=1)).to_have_text("8 respostas")
    look(page)


def test_the_states_of_a_follow_up_hold_as_well(
    visit: Visit, look: Look, runtime: Runtime, clock: Clock, beatriz: Visitor, maria: str
) -> None:
    page = visit(f"/w/aroeira/followups/{maria}", beatriz)
    page.get_by_text("Escrever uma nota").click()
    page.get_by_label("Nota interna").fill("Ela pediu para falar depois das 15h.")
    follow(page.get_by_role("button", name="Guardar nota"))
    followups.reply(runtime, beatriz, maria, "Maria, sinto muito.\n\nPosso ligar às 15h?")
    clock.advance(minutes=1)
    with runtime.db.write() as session:
        reply_left(session, maria, clock.now)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Respondemos a Maria Figueiredo")
    look(page)
    page.get_by_role("button", name="Fechar retorno").click()  # the browser asks for what is missing
    assert kinds(runtime, maria)[-1] == "replied"
    page.get_by_label("O que foi dito ou feito?").fill("Combinamos um aviso por telefone.")
    expect(page.get_by_label("A outra causa")).to_be_hidden()
    page.get_by_label("Causa", exact=True).select_option("+")
    page.get_by_label("A outra causa").fill("Falta de aviso")
    page.get_by_role("button", name="Fechar retorno").click()
    expect(page.get_by_role("heading", name="Como foi fechado")).to_be_visible()
    look(page)
    page.goto("/w/aroeira/followups?shown=closed")
    look(page)
    page.goto("/w/aroeira/followups?shown=closed&whose=unassigned")
    look(page)
    page.goto("/w/aroeira/answers?metric=nps&since=2026-11-16&survey=x")
    look(page)


def test_words_that_did_not_leave_hold_where_they_stand_and_at_home(
    visit: Visit, look: Look, runtime: Runtime, clock: Clock, beatriz: Visitor, maria: str
) -> None:
    followups.reply(runtime, beatriz, maria, "Maria, sinto muito.\n\nPosso ligar às 15h?")
    with runtime.db.write() as session:
        lost = update(Message).where(Message.purpose == "reply")
        session.execute(lost.values(state="failed", reason="channel_not_configured"))
    clock.advance(minutes=1)
    page = visit("/w/aroeira/", beatriz)
    expect(page.get_by_text("Uma resposta nossa não pôde ser enviada")).to_be_visible()
    look(page)
    follow(page.get_by_role("link", name="Maria Figueiredo").first)
    look(page)
    follow(page.get_by_role("button", name="Enviar por e-mail"))
    assert [message.state for message in replies(runtime, maria)] == ["failed", "queued"]


def test_the_keyboard_walks_the_inbox_and_works_a_follow_up(
    visit: Visit, runtime: Runtime, beatriz: Visitor, maria: str
) -> None:
    page = visit("/w/aroeira/followups", beatriz)
    page.locator("[data-keys-item] a").first.focus()
    page.keyboard.press("j")
    expect(page.locator("[data-keys-item] a").nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(page.get_by_role("link", name="Tomás Arruda")).to_be_focused()
    page.get_by_role("link", name="Maria Figueiredo").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/followups/{maria}")
    page.keyboard.press("r")
    expect(page.get_by_label("Responder a Maria por e-mail")).to_be_focused()
    page.keyboard.type("crf são letras aqui.")
    follow(page.get_by_role("button", name="Enviar resposta"))
    assert [message.body for message in replies(runtime, maria)] == ["crf são letras aqui."]
    page.locator("h1").click()
    page.keyboard.press("f")
    expect(page.get_by_label("O que foi dito ou feito?")).to_be_focused()


def test_the_letter_c_claims(visit: Visit, world: World, workspace: Workspace, beatriz: Visitor) -> None:
    id = opened(world, workspace)
    page = visit(f"/w/aroeira/followups/{id}", beatriz)
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Enviar resposta")).to_be_visible()
    assert followup(world.runtime, id).assignee_id == beatriz.member_id


def test_everything_works_without_a_script(
    visit: Visit, runtime: Runtime, beatriz: Visitor, maria: str
) -> None:
    page = visit(f"/w/aroeira/followups/{maria}", beatriz, width=390, javascript=False)
    page.get_by_label("Responder a Maria por e-mail").fill("Maria, sinto muito.")
    page.get_by_role("button", name="Enviar resposta").click()
    expect(page.get_by_text("Sua resposta está a caminho.")).to_be_visible()
    assert len(replies(runtime, maria)) == 1
