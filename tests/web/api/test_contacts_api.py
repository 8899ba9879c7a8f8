"""/api/v1/contacts."""

import io
from collections.abc import Callable

from app.domain.access import Role
from app.models import Contact, Workspace
from app.runtime import Runtime
from app.services import contact_imports, opt_outs
from tests.api_client import Api
from tests.world import Clock, World

MARIA = {"external_id": "c-1", "name": "Maria Figueiredo", "email": "maria@bemtevi.example"}


def test_a_contact_is_created_then_updated_and_absent_fields_stay(api: Api) -> None:
    made = api.post("/contacts", MARIA | {"attributes": {"plan": "gold", "seats": 3}})
    assert made.status_code == 201
    assert made.json["name"] == "Maria Figueiredo"
    assert made.json["kind"] == "customer"
    assert made.json["attributes"] == {"plan": "gold", "seats": 3}
    again = api.post("/contacts", {"external_id": "c-1", "attributes": {"seats": None}})
    assert again.status_code == 200
    assert again.json["id"] == made.json["id"]
    assert again.json["email"] == "maria@bemtevi.example"
    assert again.json["attributes"] == {"plan": "gold"}


def test_an_address_of_several_people_is_a_conflict(api: Api, world: World, shop: Workspace) -> None:
    world.contact(shop, email="dois@bemtevi.example")
    world.contact(shop, email="dois@bemtevi.example")
    assert api.post("/contacts", {"email": "dois@bemtevi.example"}).status_code == 409


def test_a_contact_is_read_changed_and_erased(api: Api) -> None:
    id = api.post("/contacts", MARIA).json["id"]
    assert api.get(f"/contacts/{id}").json["email"] == MARIA["email"]
    changed = api.patch(f"/contacts/{id}", {"name": "Maria F.", "phone": "+55 11 98765-4321"})
    assert (changed.status_code, changed.json["phone"]) == (200, "+5511987654321")
    assert api.delete(f"/contacts/{id}").status_code == 204
    assert api.get(f"/contacts/{id}").status_code == 404


def test_pages_neither_skip_nor_repeat_while_people_come_in(api: Api, world: World, shop: Workspace) -> None:
    for name in "bdfhj":
        world.contact(shop, search_name=name)
    first = api.get("/contacts", limit=2).json
    for name in "acegi":
        world.contact(shop, search_name=name)
    rest = api.all("/contacts", limit=2, cursor=first["next_cursor"])
    ids = [each["id"] for each in first["items"] + rest]
    assert len(ids) == len(set(ids)) == 8  # all that were there, and those that sort after the first page


def test_who_opted_out_comes_back_only_by_their_own_word(api: Api, clock: Clock) -> None:
    id = api.post("/contacts", MARIA).json["id"]
    out = api.post(f"/contacts/{id}/opt-out")
    assert out.status_code == 201
    assert out.json == {
        "contact": id, "opted_out": True, "kinds": ["own_wish"], "since": "2026-11-16T13:00:00Z",
        "channels": [],
    }  # fmt: skip
    refused = api.delete(f"/contacts/{id}/opt-out")
    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == "evidence"
    clock.advance(hours=1)
    assert (
        api.delete(f"/contacts/{id}/opt-out", {"evidence": "Wrote on 16 November: ask me."}).status_code
        == 204
    )
    kinds = [each["kind"] for each in api.get(f"/contacts/{id}/timeline").json["items"]]
    assert kinds == ["opted_in", "opted_out", "added"]


def test_what_bounced_works_again_by_somebodys_word(api: Api, runtime: Runtime, clock: Clock) -> None:
    id = api.post("/contacts", MARIA).json["id"]
    with runtime.db.write() as session:
        row = session.get_one(Contact, id)
        opt_outs.record(
            session, row.workspace_id, None, (row.email_key,), kind="bounce", origin="provider", now=clock.now
        )
    assert api.delete(f"/contacts/{id}/bounces/email").status_code == 422
    assert api.delete(f"/contacts/{id}/bounces/telegram", {"evidence": "x"}).status_code == 422
    clock.advance(hours=1)
    assert api.delete(f"/contacts/{id}/bounces/email", {"evidence": "She wrote to us."}).status_code == 204
    (moment,) = api.get(f"/contacts/{id}/timeline", limit=1).json["items"]
    assert (moment["kind"], moment["cause"]) == ("opted_in", "bounce")


def test_who_wants_nothing_on_one_channel_may_be_asked_on_another(api: Api) -> None:
    id = api.post("/contacts", MARIA).json["id"]
    out = api.post(f"/contacts/{id}/opt-out", {"channel": "sms", "evidence": "Wrote: no texts."}).json
    assert (out["opted_out"], out["channels"]) == (False, ["sms"])
    (moment,) = api.get(f"/contacts/{id}/timeline", limit=1).json["items"]
    assert (moment["kind"], moment["channel"]) == ("opted_out", "sms")
    assert api.post(f"/contacts/{id}/opt-out", {"channel": "pigeon"}).status_code == 422


def test_an_objection_for_a_legal_reason_needs_its_proof(api: Api) -> None:
    out = f"/contacts/{api.post('/contacts', MARIA).json['id']}/opt-out"
    assert api.post(out, {"kind": "legal"}).status_code == 422
    proof = {"kind": "legal", "evidence": "Order of 3 May."}
    assert api.post(out, proof | {"channel": "sms"}).status_code == 422
    assert api.post(out, {"kind": "bounce"}).status_code == 422
    made = api.post(out, proof).json
    assert (made["opted_out"], made["kinds"]) == (True, ["legal"])
    assert api.delete(out, {"evidence": "They said so."}).status_code == 204
    assert api.post(out, proof).json["kinds"] == ["legal"]


def test_another_basis_is_recorded_with_its_evidence(api: Api) -> None:
    id = api.post("/contacts", MARIA).json["id"]
    assert (
        api.post(f"/contacts/{id}/consents", {"lawful_basis": "consent", "evidence": ""}).status_code == 422
    )
    made = api.post(f"/contacts/{id}/consents", {"lawful_basis": "consent", "evidence": "Signed on Monday."})
    assert made.status_code == 201
    log = api.get(f"/contacts/{id}/consents").json["items"]
    assert [(each["lawful_basis"], each["evidence"]) for each in log] == [
        ("consent", "Signed on Monday."), ("legitimate_interest", None),
    ]  # fmt: skip
    assert api.get(f"/contacts/{id}").json["lawful_basis"] == "consent"


def test_what_is_wrong_is_told_by_field(api: Api) -> None:
    wrong = api.post("/contacts", {"email": "nobody", "workspace_id": "x", "active": "yes"})
    assert wrong.status_code == 422
    assert wrong.content_type == "application/problem+json"
    fields = {each["field"] for each in wrong.json["errors"]}
    assert fields == {"workspace_id", "active"}
    assert api.post("/contacts", {"email": "nobody"}).json["errors"][0]["field"] == "email"


def test_an_import_is_undone_with_its_number_by_a_manager(
    api: Api, api_for: Callable[..., Api], world: World, shop: Workspace
) -> None:
    file = io.BytesIO(b"id;nome\n1;Ana\n2;Bia\n")
    who = world.member(shop, Role.MANAGER)
    id = contact_imports.run(world.runtime, who, "wrong.csv", file, lawful_basis="consent", source="fair").id
    told = api.get(f"/imports/{id}").json
    assert (told["state"], told["created"], told["undoing"]["put_away"]) == ("done", 2, 2)
    assert told["undoing"]["unchanged"] == 0
    assert api.post(f"/imports/{id}/undoing", {"put_away": None}).status_code == 409
    assert api.post(f"/imports/{id}/undoing", {"put_away": 1}).status_code == 409
    assert api_for(shop, role=Role.AGENT).post(f"/imports/{id}/undoing", {"put_away": 2}).status_code == 403
    done = api.post(f"/imports/{id}/undoing", {"put_away": 2})
    assert (done.status_code, done.json["state"], done.json["put_away"]) == (201, "undone", 2)
    assert done.json["undoing"]["until"] is None
    assert [each["active"] for each in api.all("/contacts")] == [False, False]


def test_a_preferred_channel_is_kept_shown_and_emptied(api: Api) -> None:
    made = api.post("/contacts", {"email": "ana@x.example", "preferred_channel": "sms"})
    assert made.json["preferred_channel"] == "sms"
    id = made.json["id"]
    assert api.patch(f"/contacts/{id}", {"preferred_channel": "pigeon"}).status_code == 422
    assert api.patch(f"/contacts/{id}", {"name": "Ana"}).json["preferred_channel"] == "sms"
    assert api.patch(f"/contacts/{id}", {"preferred_channel": None}).json["preferred_channel"] is None
