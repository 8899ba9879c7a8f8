"""The rooms of privacy in a real browser, in every look."""

import pytest
from playwright.sync_api import expect

from app.domain.access import Role
from app.models import Workspace
from app.runtime import Runtime
from app.services import api_keys, consents, contacts, objections, opt_outs, person_requests, surveys
from app.services.access import Visitor
from tests.web.browser import Look, Visit, follow
from tests.world import Clock, World

pytestmark = pytest.mark.browser


@pytest.fixture
def camila(world: World) -> Visitor:
    workspace: Workspace = world.workspace(name="Aroeira", slug="aroeira")
    return world.member(workspace, Role.OWNER, world.user(name="Camila Duarte"))


@pytest.fixture
def maria(runtime: Runtime, camila: Visitor, clock: Clock) -> str:
    raw = {"name": "Maria Figueiredo", "email": "maria@bemtevi.example", "source": "importação de maio"}
    id = contacts.create(runtime, camila, raw)
    person_requests.receive(runtime, camila, id, "access")
    clock.advance(days=17)
    person_requests.receive(runtime, camila, id, "correction")
    proof = "Disse ao telefone, em 3 de dezembro: nada de SMS, por favor."
    opt_outs.opt_out(runtime, camila, id, "console", channel="sms", evidence=proof)
    words = {"source": "Feira de dezembro", "evidence": "Assinou o formulário no balcão da feira."}
    consents.change(runtime, camila, id, "consent", **words)
    contacts.edit(runtime, camila, id, {"phone": "+5531988884417", "attributes": {"plano": "anual"}})
    surveys.create(runtime, camila, "Relacionamento", "nps")
    api_keys.create(runtime, camila, "Integração do CRM", ["contacts:write", "answers:read"])
    return id


def test_what_is_owed_to_a_person_is_seen(visit: Visit, look: Look, camila: Visitor, maria: str):
    page = visit(f"/w/aroeira/contacts/{maria}/privacy", camila)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Maria Figueiredo")
    look(page)


def test_an_objection_is_seen(visit: Visit, look: Look, runtime: Runtime, camila: Visitor, maria: str):
    proof = "Carta de 3 de maio: LGPD, art. 18, § 2º."
    objections.object_to(runtime, camila, maria, origin="console", evidence=proof)
    page = visit(f"/w/aroeira/contacts/{maria}", camila)
    expect(page.get_by_text("Não pode receber perguntas, por motivo legal").first).to_be_visible()
    page.goto(f"{page.url}/privacy")
    page.get_by_text("A pessoa se opõe, ou a lei proíbe").click()
    page.get_by_text("A oposição não vale mais").click()
    expect(page.get_by_label("Quem se opõe ou proíbe, quando e com qual fundamento")).to_be_visible()
    look(page)


def test_whose_objection_it_is_at_a_shared_address_is_seen(
    visit: Visit, look: Look, runtime: Runtime, camila: Visitor, maria: str
):
    contacts.edit(runtime, camila, maria, {"external_id": "1"})
    same = contacts.detail(runtime, camila, maria).contact.email
    eva = contacts.create(runtime, camila, {"external_id": "2", "name": "Eva Prado", "email": same})
    objections.object_to(runtime, camila, eva, origin="console", evidence="Carta de 3 de maio.")
    page = visit(f"/w/aroeira/contacts/{maria}/privacy", camila)
    expect(page.get_by_text("Dito para outra pessoa que tem o mesmo endereço.")).to_be_visible()
    look(page)
    page.goto(f"/w/aroeira/contacts/{maria}")
    whose = "Outra pessoa, Eva Prado, não pode receber perguntas, por motivo legal"
    expect(page.get_by_role("region", name="Por que não perguntamos")).to_contain_text(whose)
    expect(page.get_by_text("Termina na página dela.")).to_be_visible()
    look(page)


def test_requests_and_periods_are_seen(visit: Visit, look: Look, camila: Visitor, maria: str):
    page = visit("/w/aroeira/settings/privacy", camila)
    expect(page.get_by_role("main").get_by_text("Maria Figueiredo").first).to_be_visible()
    follow(page.get_by_role("button", name="Ver o que sairia"))
    look(page)


def test_the_audit_is_seen(visit: Visit, look: Look, camila: Visitor, maria: str):
    page = visit("/w/aroeira/settings/audit", camila)
    expect(page.get_by_role("row", name="Criou uma chave de API")).to_be_visible()
    look(page)
