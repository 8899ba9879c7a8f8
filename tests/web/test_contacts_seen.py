"""The rooms of contacts in a real browser, in every look: a long story, the list, forms, import."""

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.domain.access import Role
from app.errors import Unavailable
from app.jobs.worker import run_until_idle
from app.models import Contact, Message, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import (
    contact_imports,
    contacts,
    expanding,
    followups,
    import_jobs,
    import_taking_back,
    opt_outs,
    planning,
    schedules,
)
from app.services.access import Visitor
from tests.services.loop import open_again
from tests.web.browser import Look, Visit, follow
from tests.world import Clock, World

pytestmark = pytest.mark.browser

FILE = "nome;e-mail;celular;Plano\n" + "".join(
    f"Pessoa {number};{'p' if number % 4 else 'p@'}{number}@x.example;31 9{number:04}-0000;Anual\n"
    for number in range(20)
)


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.OWNER, world.user(name="Camila Duarte"))


@pytest.fixture
def maria(runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, clock: Clock) -> Contact:
    """Asked, answered, followed up, held back."""
    maria = world.contact(
        workspace, name="Maria Figueiredo", phone="+5531988884417", source="importação de maio",
        preferred_channel="whatsapp",
        attributes={"empresa": "Clínica Bem-te-vi", "cargo": "Coordenadora da recepção", "unidades": 3},
    )  # fmt: skip
    survey = world.survey(workspace, name="Relacionamento")
    clock.advance(days=100)
    invitation = world.invitation(workspace, survey, maria, state="answered")
    world.add(
        Message(
            id=new_id(), workspace_id=workspace.id, purpose="invitation", priority=1, channel="sms",
            invitation_id=invitation.id, contact_id=maria.id, to_address="+5531988884417", locale="pt-BR",
            state="failed", reason="invalid_address", due_at=clock.now,
            created_at=clock.now - timedelta(seconds=2),
        )
    )  # fmt: skip
    clock.advance(minutes=7)
    words = "A agenda saiu do ar duas vezes na semana passada e ninguém avisou. Remarquei doze por telefone."
    answer = world.answer(workspace, 4, survey=survey, contact=maria, invitation=invitation, comment=words)
    followup = open_again(runtime, workspace, answer)
    assert followup
    clock.advance(days=2)
    followups.claim(runtime, camila, followup)
    clock.advance(hours=3)
    world.invitation(
        workspace,
        survey,
        maria,
        state="skipped",
        reason="resting",
        until=clock.now,
        sent_at=None,
        channel=None,
    )
    return maria


def test_a_person_is_seen_in_every_look(visit: Visit, look: Look, camila: Visitor, maria: Contact):
    page = visit(f"/w/aroeira/contacts/{maria.id}", camila)
    expect(page.get_by_role("heading", level=1)).to_have_text("Maria Figueiredo")
    expect(page.get_by_text("Foi para +55 31 98888-4417.")).to_be_visible()
    look(page)


def test_an_address_that_bounced_is_seen_in_every_look(
    runtime: Runtime, visit: Visit, look: Look, camila: Visitor, maria: Contact, clock: Clock
):
    keys = maria.email_key, maria.phone_key
    with runtime.db.write() as session:
        opt_outs.record(
            session, maria.workspace_id, None, keys, kind="bounce", origin="provider", now=clock.now
        )
    page = visit(f"/w/aroeira/contacts/{maria.id}", camila)
    page.get_by_text("O e-mail voltou a funcionar").click()
    page.get_by_role("button", name="Usar de novo").first.click()
    expect(page.get_by_role("alert")).to_contain_text("Uma coisa ainda não está certa")
    look(page)
    page.get_by_label("Como você sabe?").first.fill("Ela escreveu de lá.")
    page.get_by_role("button", name="Usar de novo").first.click()
    expect(page.get_by_text("Voltará a ser usado.")).to_be_visible()


def test_why_a_person_was_asked_or_not_is_seen_in_every_look(
    runtime: Runtime, visit: Visit, look: Look, camila: Visitor, workspace: Workspace, maria: Contact
):
    with runtime.db.read() as session:
        survey = session.scalars(select(Survey.id)).one()
    premium = {"all": [{"field": "attributes.plano", "op": "is", "value": "premium"}]}
    schedules.create(
        runtime, camila, {"survey": survey, "repeat": "weekly", "audience": premium, "name": "Só premium"}
    )
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)
    page = visit(f"/w/aroeira/contacts/{maria.id}", camila)
    page.get_by_text("Por que perguntamos, ou não?").click()
    page.get_by_label("Pesquisa", exact=True).select_option("Relacionamento")
    page.get_by_role("button", name="Dizer por quê").click()
    expect(page.get_by_text("respondeu “Relacionamento” (NPS) há 2 dias").first).to_be_visible()
    expect(page.get_by_text("O público não incluía Maria Figueiredo: plano não é “premium”.")).to_be_visible()
    look(page)


def test_a_silent_person_is_seen_in_every_look(
    runtime: Runtime, visit: Visit, look: Look, camila: Visitor, maria: Contact
):
    opt_outs.opt_out(runtime, camila, maria.id, "console")
    page = visit(f"/w/aroeira/contacts/{maria.id}", camila)
    page.get_by_text("A pessoa quer voltar a receber perguntas").click()
    page.get_by_role("button", name="Registrar a palavra").click()
    expect(page.get_by_label("Como você sabe?")).to_have_attribute("aria-invalid", "true")
    look(page)


def test_somebody_whom_anothers_wish_keeps_silent_is_seen_in_every_look(
    runtime: Runtime,
    world: World,
    visit: Visit,
    look: Look,
    camila: Visitor,
    workspace: Workspace,
    maria: Contact,
):
    ana = world.contact(workspace, name="Ana Beatriz Cavalcanti de Albuquerque", email=maria.email)
    opt_outs.opt_out(runtime, camila, ana.id, "console")
    page = visit(f"/w/aroeira/contacts/{maria.id}", camila)
    expect(page.get_by_text("Outra pessoa, Ana Beatriz").first).to_be_visible()
    look(page)


def test_the_list_and_the_forms_are_seen_in_every_look(
    runtime: Runtime, visit: Visit, look: Look, camila: Visitor, maria: Contact
):
    for number in range(60):
        contacts.create(
            runtime, camila, {"name": f"Pessoa {number}", "email": f"pessoa{number}@bemtevi.example"}
        )
    look(visit("/w/aroeira/contacts", camila))
    look(visit("/w/aroeira/contacts?q=ninguém", camila))
    look(visit(f"/w/aroeira/contacts/{maria.id}/edit", camila))
    look(visit(f"/w/aroeira/contacts/{maria.id}/erasure", camila))


def test_an_empty_room_is_seen_in_every_look(visit: Visit, look: Look, camila: Visitor):
    look(visit("/w/aroeira/contacts", camila))


def test_an_import_is_made_and_seen_in_every_look(visit: Visit, look: Look, camila: Visitor, tmp_path: Path):
    file = tmp_path / "clientes.csv"
    file.write_text(FILE)
    page = visit("/w/aroeira/contacts/import", camila, javascript=False)
    page.get_by_label("Arquivo CSV ou Excel").set_input_files(file)
    page.get_by_role("button", name="Ver o arquivo").click()
    page.get_by_role("button", name="Ver o que aconteceria").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("15 linhas podem ser importadas")
    page.get_by_label("De onde vêm estes contatos?").fill("CRM")
    page.get_by_role("button", name="Importar 15 linhas").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("15 pessoas novas chegaram")
    again = visit("/w/aroeira/contacts/import", camila)
    look(again)
    again.get_by_label("Arquivo CSV ou Excel").set_input_files(file)
    follow(again.get_by_role("button", name="Ver o arquivo"))
    look(again)
    follow(again.get_by_role("button", name="Ver o que aconteceria"))
    look(again)
    again.get_by_label("De onde vêm estes contatos?").fill("CRM")
    follow(again.get_by_role("button", name="Importar 15 linhas"))
    look(again)


def test_a_file_of_nothing_but_opt_outs_is_taken_over_and_seen_in_every_look(
    runtime: Runtime, visit: Visit, look: Look, camila: Visitor
):
    for code in "12":
        contacts.upsert(runtime, camila, {"email": "loja@x.example", "external_id": code})
    text = "e-mail;descadastrado\nloja@x.example;sim\n"
    id = contact_imports.receive(runtime, camila, "saidas.csv", io.BytesIO(text.encode()))
    contact_imports.choose_columns(runtime, camila, id, ["email", "opted_out"])
    page = visit(f"/w/aroeira/contacts/import/{id}", camila)
    look(page)
    page.get_by_label("De onde vêm estes contatos?").fill("CRM")
    page.get_by_role("button", name="Registrar quem pediu para sair").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("O arquivo foi importado")
    look(page)


def test_an_import_is_undone_and_seen_in_every_look(
    runtime: Runtime, visit: Visit, look: Look, camila: Visitor
):
    file = io.BytesIO(FILE.encode())
    done = contact_imports.run(runtime, camila, "x.csv", file, lawful_basis="consent", source="CRM")
    page = visit(f"/w/aroeira/contacts/import/{done.id}", camila)
    look(page)
    page.get_by_role("link", name="Desfazer esta importação").click()
    expect(page.get_by_text("15 pessoas que vieram com ela ficam inativas")).to_be_visible()
    page.get_by_role("button", name="Desfazer a importação").click()
    expect(page.get_by_label("Estes números estão certos")).to_have_attribute("aria-invalid", "true")
    look(page)
    page.get_by_label("Estes números estão certos").check()
    page.get_by_role("button", name="Desfazer a importação").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A importação foi desfeita")
    look(page)


def test_of_two_equal_files_the_later_is_undone_first_and_seen(
    runtime: Runtime, visit: Visit, look: Look, camila: Visitor
):
    first, second = (
        contact_imports.run(
            runtime, camila, "x.csv", io.BytesIO(FILE.encode()), lawful_basis="consent", source="CRM"
        ).id
        for _ in range(2)
    )
    page = visit(f"/w/aroeira/contacts/import/{first}/undoing", camila)
    expect(page.get_by_text("Ninguém fica inativo.")).to_be_visible()
    expect(page.get_by_text("desfaça esse primeiro")).to_be_visible()
    look(page)
    page.goto(page.url.replace(first, second))
    expect(page.get_by_text("não disse nada de novo sobre ninguém")).to_be_visible()
    look(page)
    page.get_by_label("Estes números estão certos").check()
    page.get_by_role("button", name="Desfazer a importação").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A importação foi desfeita")
    page.goto(f"/w/aroeira/contacts/import/{first}/undoing")
    expect(page.get_by_text("15 pessoas que vieram com ela ficam inativas")).to_be_visible()


def test_an_import_too_large_to_be_counted_is_undone_and_seen(
    runtime: Runtime, visit: Visit, look: Look, camila: Visitor, monkeypatch: pytest.MonkeyPatch
):
    file = io.BytesIO(FILE.encode())
    id = contact_imports.run(runtime, camila, "x.csv", file, lawful_basis="consent", source="CRM").id

    def too_long(*_: object) -> int:
        raise Unavailable("to count takes too long")

    monkeypatch.setattr(import_taking_back, "fresh", too_long)
    page = visit(f"/w/aroeira/contacts/import/{id}/undoing", camila)
    expect(page.get_by_text("Contar estas pessoas demora demais agora")).to_be_visible()
    look(page)
    page.get_by_label("Desfazer, seja quantas pessoas forem").check()
    page.get_by_role("button", name="Desfazer a importação").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A importação foi desfeita")


def test_a_large_import_is_watched_in_every_look(runtime: Runtime, visit: Visit, look: Look, camila: Visitor):
    """The bar moves by itself, and the page turns over when the work is done."""
    lines = "nome;e-mail\n" + "".join(f"Pessoa {n};p{n}@x.example\n" for n in range(3_000))
    id = contact_imports.receive(runtime, camila, "clientes.csv", io.BytesIO(lines.encode()))
    run_until_idle(runtime)
    contact_imports.choose_columns(runtime, camila, id, ["name", "email"], look=False)
    contact_imports.begin(runtime, camila, id, lawful_basis="consent", source="CRM")
    asked = iter([False] * 12)
    import_jobs.run_due(replace(runtime, stopping=lambda: next(asked, True)))
    page = visit(f"/w/aroeira/contacts/import/{id}", camila)
    expect(page.get_by_role("heading", level=1)).to_have_text("As pessoas estão chegando")
    look(page)
    before = page.get_by_role("progressbar").get_attribute("value")
    run_until_idle(runtime)
    expect(page.get_by_role("heading", level=1)).to_have_text("3.000 pessoas novas chegaram", timeout=15_000)
    assert 0 < int(before or 0) < 3_000
    look(page)
