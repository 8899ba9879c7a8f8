"""What is owed to people, in the browser: their file, requests, consents, retention, and the audit."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from app.domain.access import Role
from app.models import Contact, Workspace
from app.runtime import Runtime
from app.services import consents, contacts, erasure, objections, opt_outs, person_requests, retention
from app.services.access import Visitor
from tests.world import Clock, World

ClientFor = Callable[[Visitor], FlaskClient]


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


@pytest.fixture
def owner(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace)


@pytest.fixture
def maria(runtime: Runtime, owner: Visitor) -> str:
    return contacts.create(runtime, owner, {"name": "Maria", "email": "maria@x.example"})


def test_the_file_is_a_download_that_is_noted(client_for: ClientFor, owner: Visitor, maria: str):
    client = client_for(owner)
    found = client.post(f"/w/{owner.workspace_slug}/contacts/{maria}/export")
    assert found.mimetype == "application/json"
    assert "attachment" in found.headers["Content-Disposition"]
    assert json.loads(found.data)["person"]["name"] == "Maria"
    page = client.get(f"/w/{owner.workspace_slug}/settings/audit").text
    assert "Exportou tudo o que guardamos de uma pessoa" in page
    assert "Maria" in page


def test_an_agent_takes_no_file_and_a_manager_reads_no_audit(
    client_for: ClientFor, world: World, workspace: Workspace, maria: str
):
    agent, manager = (world.member(workspace, role) for role in (Role.AGENT, Role.MANAGER))
    base = f"/w/{workspace.slug}"
    assert client_for(agent).post(f"{base}/contacts/{maria}/export").status_code == 403
    assert client_for(manager).post(f"{base}/contacts/{maria}/export").status_code == 200
    for room in ("audit", "privacy"):
        assert client_for(manager).get(f"{base}/settings/{room}").status_code == 403


def test_a_request_is_recorded_waits_and_is_done(
    client_for: ClientFor, runtime: Runtime, owner: Visitor, maria: str, clock: Clock
):
    client, base = client_for(owner), f"/w/{owner.workspace_slug}"
    assert client.post(f"{base}/contacts/{maria}/requests", data={"kind": "pony"}).status_code == 422
    assert client.post(f"{base}/contacts/{maria}/requests", data={"kind": "correction"}).status_code == 303
    clock.advance(days=16)
    client = client_for(owner)
    page = client.get(f"{base}/settings/privacy").text
    assert "Maria" in page
    assert "atrasado" in page
    (request,) = person_requests.waiting(runtime, owner)
    client.post(f"{base}/settings/privacy/requests/{request.id}/done")
    assert person_requests.waiting(runtime, owner) == ()


def test_days_are_those_on_the_walls_of_the_workspace(
    client_for: ClientFor, owner: Visitor, maria: str, clock: Clock
):
    clock.now = datetime(2026, 11, 17, 1, tzinfo=UTC)  # 22:00 of the day before, in São Paulo
    client, base = client_for(owner), f"/w/{owner.workspace_slug}"
    this = f"{base}/contacts/{maria}"
    client.post(f"{this}/requests", data={"kind": "correction"})
    client.post(f"{this}/channel-opt-out", data={"channel": "sms", "proof": "Por telefone."})
    client.post(f"{this}/basis", data={"lawful_basis": "contract", "source": "x", "evidence": "y"})
    page = client.get(f"{this}/privacy").text
    assert "Chegou em 16 de novembro de 2026, prazo até 1 de dezembro de 2026." in page
    assert page.count("16 de novembro de 2026") == 4  # the request, two bases, the wish
    assert "17 de novembro" not in page
    assert "1 de dezembro de 2026" in client.get(f"{base}/settings/privacy").text


def test_a_wish_for_one_channel_is_kept_with_its_words(
    client_for: ClientFor, runtime: Runtime, owner: Visitor, maria: str
):
    client, this = client_for(owner), f"/w/{owner.workspace_slug}/contacts/{maria}"
    said = {"channel": "sms", "proof": "Disse ao telefone: nada de SMS."}
    assert client.post(f"{this}/channel-opt-out", data=said).status_code == 303
    assert "Disse ao telefone" in client.get(f"{this}/privacy").text
    assert "SMS" in client.get(this).text
    (standing,) = opt_outs.of(runtime, owner, maria)
    assert standing.channel == "sms"
    refused = client.post(f"{this}/channel-opt-out", data={"channel": "pigeon", "proof": "typed words"})
    assert refused.status_code == 422
    assert "typed words" in refused.text


def test_an_objection_is_recorded_by_a_manager_and_lifted_by_an_owner(
    client_for: ClientFor, world: World, runtime: Runtime, workspace: Workspace, owner: Visitor, maria: str
):
    agent, manager = (world.member(workspace, role) for role in (Role.AGENT, Role.MANAGER))
    this = f"/w/{workspace.slug}/contacts/{maria}"
    said = {"objection": "Carta de 3 de maio, LGPD art. 18, § 2º."}
    assert client_for(agent).post(f"{this}/objection", data=said).status_code == 403
    assert "A pessoa se opõe, ou a lei proíbe" not in client_for(agent).get(f"{this}/privacy").text
    client = client_for(manager)
    refused = client.post(f"{this}/objection", data={"objection": " "})
    assert refused.status_code == 422
    assert "Diga quem se opõe ou proíbe" in refused.text
    assert client.post(f"{this}/objection", data=said).status_code == 303
    assert "Carta de 3 de maio" in client.get(f"{this}/privacy").text
    person = client.get(this).text
    assert "Não pode receber perguntas, por motivo legal" in person
    assert f"{this}/opt-in" not in person
    assert "Nenhum sim da pessoa desfaz isso" in person
    assert "Só a própria pessoa pode desfazer" not in person
    assert "Só um titular do espaço pode retirar" in client.get(f"{this}/privacy").text
    ended = {"lifting": "A ordem foi revogada."}
    assert client.post(f"{this}/objection-lifting", data=ended).status_code == 403
    assert "A oposição não vale mais" not in client.get(f"{this}/privacy").text
    client = client_for(owner)
    assert "A oposição não vale mais" in client.get(f"{this}/privacy").text
    assert client.post(f"{this}/objection-lifting", data={"lifting": ""}).status_code == 422
    assert client.post(f"{this}/objection-lifting", data=ended).status_code == 303
    assert "O motivo legal para não perguntar acabou" in client.get(this).text
    assert not contacts.detail(runtime, owner, maria).is_opted_out


@pytest.mark.parametrize(
    ("locale", "law", "wish"),
    [
        ("en", "No yes of theirs undoes it", "Only they can undo it"),
        ("pt-BR", "Nenhum sim da pessoa desfaz isso", "Só a própria pessoa pode desfazer"),
        ("es", "Ningún sí suyo lo deshace", "Solo la propia persona puede deshacerlo"),
    ],
)
def test_a_page_says_of_a_wish_and_of_the_law_who_undoes_it(
    client_for: ClientFor, world: World, workspace: Workspace, maria: str, locale: str, law: str, wish: str
):
    runtime, owner = world.runtime, world.member(workspace, Role.OWNER, world.user(locale=locale))
    client = client_for(owner)
    this = f"/w/{owner.workspace_slug}/contacts/{maria}"
    opt_outs.opt_out(runtime, owner, maria, "console")
    page = client.get(this).text
    assert wish in page and law not in page
    opt_outs.opt_in(runtime, owner, maria, "Called.")
    objections.object_to(runtime, owner, maria, origin="console", evidence="A letter.")
    page = client.get(this).text
    assert law in page and wish not in page


def test_whose_objection_it_is_at_a_shared_address_is_told(
    client_for: ClientFor, runtime: Runtime, owner: Visitor, maria: str
):
    contacts.edit(runtime, owner, maria, {"external_id": "1"})
    other = {"external_id": "2", "name": "Eva", "email": "maria@x.example"}
    eva = contacts.create(runtime, owner, other)
    objections.object_to(runtime, owner, eva, origin="console", evidence="Carta da Eva.")
    client, base = client_for(owner), f"/w/{owner.workspace_slug}/contacts"
    page = client.get(f"{base}/{maria}/privacy").text
    assert "Dito para outra pessoa que tem o mesmo endereço. Termina na página dela." in page
    assert "Carta da Eva." not in page
    assert f"{maria}/objection-lifting" not in page
    assert f"{eva}/objection-lifting" in client.get(f"{base}/{eva}/privacy").text
    file = client.post(f"{base}/{maria}/export").text
    assert '"legal"' in file and "Carta da Eva." not in file


def test_what_nobody_said_is_told_as_nobodys_word(
    client_for: ClientFor, runtime: Runtime, owner: Visitor, maria: str
):
    """A mailbox that bounced, somebody erased who had the address, a yes that the law outweighs."""
    with runtime.db.write() as session:
        key = session.get_one(Contact, maria).email_key
        bounced = {"kind": "bounce", "origin": "provider", "now": runtime.clock()}
        opt_outs.record(session, owner.workspace_id, None, [key], **bounced)
    client, this = client_for(owner), f"/w/{owner.workspace_slug}/contacts/{maria}"
    assert "Nunca pediu para sair" in client.get(this).text
    assert "Nunca nos pediu para parar." in client.get(f"{this}/privacy").text
    erasure.erase(runtime, owner, maria)
    again = contacts.create(runtime, owner, {"name": "Maria", "email": "maria@x.example"})
    this = f"/w/{owner.workspace_slug}/contacts/{again}"
    assert "Uma pessoa que foi apagada tinha este endereço." in client.get(f"{this}/privacy").text
    objections.object_to(runtime, owner, again, origin="console", evidence="Carta de 3 de maio.")
    flashed = client.post(f"{this}/opt-in", data={"evidence": "Ligou."}, follow_redirects=True).text
    assert "Mesmo assim a pessoa não recebe perguntas" in flashed
    objections.lift(runtime, owner, again, "A ordem foi revogada.")
    assert "Quer receber perguntas" in client.get(this).text


def test_another_basis_needs_evidence_and_keeps_what_was_typed(
    client_for: ClientFor, runtime: Runtime, owner: Visitor, maria: str
):
    client, this = client_for(owner), f"/w/{owner.workspace_slug}/contacts/{maria}"
    form = {"lawful_basis": "consent", "source": "Feira de maio", "evidence": ""}
    refused = client.post(f"{this}/basis", data=form)
    assert refused.status_code == 422
    assert "Feira de maio" in refused.text
    assert client.post(f"{this}/basis", data=form | {"evidence": "Assinou."}).status_code == 303
    assert consents.record(runtime, owner, maria).bases[0].lawful_basis == "consent"


def test_periods_are_tried_before_they_are_saved(
    client_for: ClientFor, runtime: Runtime, world: World, workspace: Workspace, owner: Visitor, clock: Clock
):
    world.answer(workspace, 3, comment="words")
    clock.advance(days=40)
    client, here = client_for(owner), f"/w/{owner.workspace_slug}/settings/privacy"
    looked = client.post(f"{here}/retention", data={"comments": "30", "act": "look"})
    assert looked.status_code == 200
    assert "1 sairia agora." in looked.text
    assert {each.kind: each.days for each in retention.show(runtime, owner)}["comments"] == 730
    wrong = client.post(f"{here}/retention", data={"comments": "soon", "act": "save"})
    assert wrong.status_code == 422
    assert "soon" in wrong.text
    assert client.post(f"{here}/retention", data={"comments": "30", "act": "save"}).status_code == 303
    assert {each.kind: each.days for each in retention.show(runtime, owner)}["comments"] == 30


def test_n08_what_somebody_typed_is_inert_in_the_audit(client_for: ClientFor, owner: Visitor):
    client, base = client_for(owner), f"/w/{owner.workspace_slug}/settings"
    client.post(f"{base}/keys", data={"name": "<b>CRM</b>", "extent": "everything"})
    page = client.get(f"{base}/audit?kind=key").text
    assert "&lt;b&gt;CRM" in page
    assert "<b>CRM" not in page
    assert client.get(f"{base}/audit?kind=nothing&by=%00&cursor=").status_code == 200
    assert client.get(f"{base}/audit?cursor=x").status_code == 422
