"""Pre-flight, tests and stops over the API."""

from app.domain.access import Role
from app.models import Message, Workspace
from app.services import sending
from tests.api_client import Api
from tests.world import World


def test_preflight_tells_messages_numbers_and_findings(api: Api, world: World, shop: Workspace) -> None:
    survey = world.survey(shop)
    world.contact(shop, name="Maria Figueiredo")
    world.contact(shop, email=None)
    body = {"survey": survey.id, "repeat": "weekly"}
    foreseen = api.post("/schedules/preflight", body).json
    assert (foreseen["asked"], foreseen["not_asked"], foreseen["reasons"]) == (1, 1, {"no_address": 1})
    assert foreseen["ready"] is True
    assert foreseen["groups"] == [{"channel": "email", "locale": "pt-BR", "people": 1}]
    assert "Maria" in foreseen["samples"][0]["text"]
    assert {"code": "no_address", "serious": False, "number": 1, "facts": {}} in foreseen["findings"]
    assert api.get("/schedules").json["items"] == []
    made = api.post("/schedules", body).json
    assert made["stopped"] is None
    saved = api.get(f"/schedules/{made['id']}/preflight").json
    assert saved["samples"][0]["contact"] == foreseen["samples"][0]["contact"]


def test_a_test_goes_to_a_members_own_address(api: Api, world: World, shop: Workspace) -> None:
    survey = world.survey(shop)
    member = world.member(shop, Role.MANAGER, world.user(email="camila@aroeira.example"))
    made = api.post(f"/surveys/{survey.id}/test", {"member": member.member_id, "locale": "en"})
    assert made.status_code == 201
    assert made.json["state"] == "queued"
    sending.send_urgent(world.runtime)
    with world.runtime.db.read() as session:
        assert session.get_one(Message, made.json["id"]).to_address == "camila@aroeira.example"
    stranger = world.member(world.workspace(), Role.OWNER)
    assert api.post(f"/surveys/{survey.id}/test", {"member": stranger.member_id}).status_code == 422
    other = {"member": member.member_id, "channel": "sms"}
    assert api.post(f"/surveys/{survey.id}/test", other).status_code == 422
    assert (
        api.post(f"/surveys/{survey.id}/test", {"member": member.member_id, "to": "x@y.z"}).status_code == 422
    )
