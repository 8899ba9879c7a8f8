"""/api/v1/bounces."""

from collections.abc import Callable

from sqlalchemy import select

from app.models import Message, Workspace
from app.services import senders
from tests.api_client import Api
from tests.web.api.test_complaints_api import asked
from tests.world import World


def test_a_bounce_is_told_once_and_closes_an_address_that_is_none(
    api: Api, world: World, shop: Workspace
) -> None:
    contact, ask, message = asked(world, shop)
    body = {"message_id": f"<{message}@aroeira.example>", "status": "5.1.1", "diagnostic": "User unknown"}
    made = api.post("/bounces", body)
    assert made.status_code == 201
    assert made.json == {
        "id": message, "contact": contact, "channel": "email", "invitation": ask,
        "reason": "invalid_address", "closes_address": True, "asked_at": "2026-11-16T13:00:00Z",
    }  # fmt: skip
    again = api.post("/bounces", body)
    assert (again.status_code, again.json) == (200, made.json)
    assert api.get("/bounces").json["items"] == [made.json]
    assert api.get(f"/invitations/{ask}").json["state"] == "failed"


def test_a_full_mailbox_is_no_address_that_is_none(api: Api, world: World, shop: Workspace) -> None:
    _, _, message = asked(world, shop)
    made = api.post("/bounces", {"message_id": message, "status": "5.2.2"})
    assert (made.status_code, made.json["reason"], made.json["closes_address"]) == (
        201,
        "mailbox_full",
        False,
    )
    assert api.get("/bounces").json["items"] == []


def test_by_the_relays_own_name(api: Api, world: World, shop: Workspace) -> None:
    _, _, message = asked(world, shop)
    with world.runtime.db.write() as session:
        row = session.scalars(select(Message)).one()
        row.provider_id = "4F2A1"
        row.sender_id = senders.sender_id(session, "email", "pergunta@aroeira.example", row.created_at)
    made = api.post("/bounces", {"provider_id": "4F2A1", "status": "5.1.1"})
    assert (made.status_code, made.json["id"]) == (201, message)


def test_the_key_needs_the_scope_of_contacts(
    api_for: Callable[..., Api], world: World, shop: Workspace
) -> None:
    _, _, message = asked(world, shop)
    reads = api_for(shop, ["contacts:read"])
    assert reads.post("/bounces", {"message_id": message}).status_code == 403
    assert reads.get("/bounces").status_code == 200


def test_another_workspaces_messages_are_unknown(
    api_for: Callable[..., Api], api: Api, world: World, shop: Workspace
) -> None:
    _, _, message = asked(world, shop)
    stranger = api_for(world.workspace())
    assert stranger.post("/bounces", {"message_id": message, "status": "5.1.1"}).status_code == 422
    assert api.post("/bounces", {"message_id": message, "status": "5.1.1"}).status_code == 201
    assert stranger.get("/bounces").json["items"] == []


def test_what_it_does_not_know_it_says_what_to_do_about(api: Api, world: World, shop: Workspace) -> None:
    _, _, message = asked(world, shop)
    for body, field in (
        ({}, "message_id"),
        ({"message_id": "<a@b.example>"}, "message_id"),
        ({"provider_id": "x"}, "provider_id"),
        ({"message_id": message, "status": "2.0.0"}, "status"),
    ):
        refused = api.post("/bounces", body)
        assert refused.status_code == 422, body
        assert [each["field"] for each in refused.json["errors"]] == [field]
