"""The door, my account and the settings in a real browser: they hold in every look and without a script."""

import re

import pytest
from playwright.sync_api import expect

from app.domain.access import Role
from app.models import Workspace
from app.runtime import Runtime
from app.services import api_keys, first_owner, members
from app.services.access import Visitor
from tests.services.people import PASSWORD, account
from tests.web.browser import Look, Visit, follow
from tests.world import World

pytestmark = pytest.mark.browser


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(
        name="Aroeira", reply_to="oi@aroeira.example", postal_address="Rua das Aroeiras, 100\nSão Paulo"
    )


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.OWNER, account(world))


def test_the_door_lets_somebody_in_without_a_script(visit: Visit, look: Look, camila: Visitor) -> None:
    page = visit("/sign-in", javascript=False, locale="pt-BR")
    page.get_by_label("E-mail").fill("camila@aroeira.example")
    page.get_by_label("Senha").fill("errada")
    page.get_by_role("button", name="Entrar").click()
    expect(page.get_by_role("alert")).to_contain_text("não combinam")
    page.get_by_label("Senha").fill(PASSWORD)
    page.get_by_role("button", name="Entrar").click()
    expect(page).to_have_url(re.compile(f"/w/{camila.workspace_slug}/$"))


def test_the_door_holds_on_a_phone_and_a_desk_light_and_dark(
    visit: Visit, look: Look, camila: Visitor
) -> None:
    page = visit("/sign-in", locale="pt-BR")
    page.get_by_label("E-mail").fill("camila@aroeira.example")
    look(page)
    page.get_by_role("button", name="Entrar").evaluate("button => button.form.noValidate = true")
    follow(page.get_by_role("button", name="Entrar"))
    look(page)
    look(visit("/password/forgotten", locale="es"))


def test_the_first_page_of_all_holds(visit: Visit, look: Look, runtime: Runtime) -> None:
    link = first_owner.first_link(runtime) or ""
    page = visit("/link/" + link.rsplit("/", 1)[1], locale="pt-BR")
    expect(page.get_by_label("Fuso horário")).to_have_value("America/Sao_Paulo")
    look(page)
    page.get_by_label("Sua empresa ou equipe").fill("Loja Sul")
    page.get_by_label("Seu nome").fill("Ana Lima")
    page.get_by_label("E-mail").fill("ana@lojasul.example")
    page.get_by_label("Escolha uma senha").fill(PASSWORD)
    page.get_by_role("button", name="Começar").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page).to_have_url(re.compile("/w/loja-sul/$"))


def test_a_link_that_has_ended_and_an_invitation_hold(
    visit: Visit, look: Look, runtime: Runtime, camila: Visitor
) -> None:
    look(visit("/link/x", locale="es"))
    link = members.invite(runtime, camila, "rui@aroeira.example", "agent").link or ""
    look(visit("/link/" + link.rsplit("/", 1)[1], locale="en"))


def test_settings_hold_and_save_without_a_script(visit: Visit, look: Look, camila: Visitor) -> None:
    page = visit(f"/w/{camila.workspace_slug}/settings", camila, javascript=False)
    page.get_by_label("Feriados").fill("25/12/2026\n2026-11-20")
    page.get_by_role("button", name="Salvar ajustes").click()
    expect(page.get_by_role("status")).to_contain_text("Salvo")
    expect(page.get_by_label("Feriados")).to_have_value("2026-11-20\n2026-12-25")
    page = visit(f"/w/{camila.workspace_slug}/settings", camila)
    look(page)
    page.get_by_label("Feriados").fill("natal")
    page.get_by_role("button", name="Salvar ajustes").click()
    expect(page.get_by_role("alert")).to_contain_text("natal")
    look(page)


def test_members_and_keys_hold(visit: Visit, look: Look, runtime: Runtime, world: World, camila: Visitor,
                               workspace: Workspace) -> None:  # fmt: skip
    world.member(workspace, Role.AGENT)
    api_keys.create(runtime, camila, "Sistema de pedidos", ["events:write", "contacts:write"])
    page = visit(f"/w/{camila.workspace_slug}/settings/members", camila)
    look(page)
    page.get_by_label("E-mail").fill("rui@aroeira.example")
    page.get_by_role("button", name="Convidar").click()
    expect(page.get_by_role("heading", name="Entregue este link")).to_be_visible()
    look(page)
    page = visit(f"/w/{camila.workspace_slug}/settings/keys", camila)
    page.get_by_label("Para que serve").fill("Noturno")
    page.get_by_role("button", name="Criar a chave").click()
    expect(page.get_by_role("heading", name="Copie a chave agora")).to_be_visible()
    look(page)
    page.get_by_text("Revogar").first.click()
    look(page)


def test_my_account_and_the_second_factor_hold(visit: Visit, look: Look, camila: Visitor) -> None:
    page = visit("/account", camila)
    look(page)
    follow(page.get_by_role("link", name="Configurar um segundo fator"))
    look(page)


def test_whoever_only_reads_sees_the_settings_as_facts(
    visit: Visit, look: Look, world: World, workspace: Workspace
) -> None:
    page = visit(f"/w/{workspace.slug}/settings", world.member(workspace, Role.VIEWER))
    expect(page.get_by_text("Rua das Aroeiras")).to_be_visible()
    look(page)
