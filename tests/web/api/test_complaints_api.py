"""/api/v1/complaints."""

from collections.abc import Callable

from sqlalchemy import select

from app.models import Message, Workspace
from app.runtime import Runtime
from tests.api_client import Api
from tests.world import Clock, World


def asked(world: World, shop: Workspace) -> tuple[str, str, str]:
    """Somebody who was asked by mail: their id, the ask's and the message's."""
    maria = world.contact(shop, email="maria@bemtevi.example")
    ask = world.invitation(shop, world.survey(shop), maria)
    with world.runtime.db.read() as session:
        return maria.id, ask.id, session.scalars(select(Message.id)).one()


def test_a_complaint_is_told_once_and_keeps_them_from_being_asked_there(
    api: Api, world: World, shop: Workspace, clock: Clock
) -> None:
    contact, ask, message = asked(world, shop)
    body = {
        "message_id": f"<{message}@aroeira.example>",
        "external_id": "0100-1",
        "evidence": "SES feedback.",
    }
    made = api.post("/complaints", body)
    assert made.status_code == 201
    assert made.json == {
        "id": made.json["id"], "contact": contact, "channel": "email", "invitation": ask, "schedule": None,
        "source": "api", "complained_at": "2026-11-16T13:00:00Z", "recorded_at": "2026-11-16T13:00:00Z",
    }  # fmt: skip
    again = api.post("/complaints", body)
    assert (again.status_code, again.json) == (200, made.json)
    assert api.get("/complaints").json["items"] == [made.json]
    stands = api.get(f"/contacts/{contact}/timeline").json["items"][0]
    assert (stands["kind"], stands["cause"], stands["channel"]) == ("opted_out", "complaint", "email")
    assert api.get(f"/invitations/{ask}").json["state"] == "sent", "it is no failure"


def test_by_address_and_moment(api: Api, world: World, shop: Workspace) -> None:
    _, ask, _ = asked(world, shop)
    said = {"address": "Maria@bemtevi.example", "complained_at": "2026-11-16T10:01:00-03:00"}
    made = api.post("/complaints", said)
    assert (made.status_code, made.json["invitation"]) == (201, ask)
    assert made.json["complained_at"] == "2026-11-16T13:00:00Z", "a minute ahead of us is now"


def test_what_it_does_not_know_it_says_what_to_do_about(api: Api, world: World, shop: Workspace) -> None:
    asked(world, shop)
    for body, field in (
        ({}, "message_id"),
        ({"message_id": "<a@b.example>"}, "message_id"),
        ({"provider_id": "x"}, "provider_id"),
        ({"address": "outra@bemtevi.example"}, "address"),
        ({"channel": "sms", "address": "98888-4417"}, "address"),
        ({"channel": "fax", "address": "1"}, "channel"),
        ({"address": "maria@bemtevi.example", "complained_at": "2027-01-01T00:00:00Z"}, "complained_at"),
    ):
        answer = api.post("/complaints", body)
        assert answer.status_code == 422, body
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert [each["field"] for each in answer.json["errors"]] == [field]
        assert answer.json["errors"][0]["message"]


def test_the_key_needs_the_scope_of_contacts(
    api_for: Callable[..., Api], world: World, shop: Workspace
) -> None:
    asked(world, shop)
    reads = api_for(shop, ["contacts:read"])
    assert reads.post("/complaints", {"address": "maria@bemtevi.example"}).status_code == 403
    assert reads.get("/complaints").status_code == 200


def test_another_workspaces_messages_are_unknown(
    api_for: Callable[..., Api], world: World, shop: Workspace, runtime: Runtime
) -> None:
    _, _, message = asked(world, shop)
    stranger = api_for(world.workspace())
    assert stranger.post("/complaints", {"message_id": message}).status_code == 422
    assert stranger.get("/complaints").json["items"] == []
