"""Who may speak, how often, and in which form."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.access import SCOPES, Role
from app.models import Workspace
from app.runtime import Runtime
from app.services import api_keys
from app.web import create_app
from tests.api_client import Api
from tests.world import Clock, World


def test_without_a_key_nobody_gets_in(client: FlaskClient) -> None:
    for headers in ({}, {"Authorization": "Bearer rtn_nobody"}, {"Authorization": "Basic eDp5"}):
        refused = client.get("/api/v1/contacts", headers=headers)
        assert refused.status_code == 401
        assert refused.content_type == "application/problem+json"
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert "RateLimit-Limit" not in refused.headers


def test_a_key_in_the_address_is_no_key(api: Api, client: FlaskClient) -> None:
    assert client.get("/api/v1/contacts", query_string={"key": api.secret}).status_code == 401


def test_a_signed_in_member_is_nobody_here(
    client_for: Callable[..., FlaskClient], world: World, shop: Workspace
) -> None:
    assert client_for(world.member(shop)).get("/api/v1/contacts").status_code == 401


def test_a_revoked_key_ends_at_once(api: Api, runtime: Runtime, world: World, shop: Workspace) -> None:
    assert api.get("/contacts").status_code == 200
    owner = world.member(shop)
    api_keys.revoke(runtime, owner, api_keys.list_keys(runtime, owner)[0].id)
    assert api.get("/contacts").status_code == 401


def test_a_key_does_what_its_scopes_say_and_no_more(api_for: Callable[..., Api], shop: Workspace) -> None:
    reads = api_for(shop, ["contacts:read"])
    assert reads.get("/contacts").status_code == 200
    assert reads.post("/contacts", {"name": "X"}).status_code == 403
    feeds = api_for(shop, ["contacts:write"])
    assert feeds.post("/contacts", {"name": "X"}).status_code == 201
    assert feeds.get("/contacts").status_code == 403


def test_a_key_never_reaches_further_than_its_maker(api_for: Callable[..., Api], shop: Workspace) -> None:
    agent = api_for(shop, list(SCOPES), Role.AGENT)
    assert agent.post("/contacts", {"name": "X"}).status_code == 201
    assert agent.post("/surveys", {"name": "X", "metric": "nps"}).status_code == 403
    assert agent.patch("/workspace", {"name": "Mine"}).status_code == 403
    viewer = api_for(shop, list(SCOPES), Role.VIEWER)
    assert viewer.get("/contacts").status_code == 200
    assert viewer.post("/contacts", {"name": "X"}).status_code == 403


def test_too_many_requests_wait_for_the_next_minute(
    runtime: Runtime, world: World, shop: Workspace, clock: Clock
) -> None:
    clock.advance(seconds=20)
    few = replace(runtime, config=replace(runtime.config, api_rate_limit=3))
    application = create_app(few)
    secret = api_keys.create(few, world.member(shop), "a", None).secret
    other = Api(application.test_client(), api_keys.create(few, world.member(shop), "b", None).secret)
    api = Api(application.test_client(), secret)
    left = [api.get("/contacts").headers["RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = api.post("/contacts", {"name": "X"})
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == refused.headers["RateLimit-Reset"] == "40"
    assert refused.headers["RateLimit-Limit"] == "3"
    assert refused.headers["RateLimit-Remaining"] == "0"
    assert other.get("/contacts").status_code == 200
    clock.advance(seconds=40)
    assert api.get("/contacts").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"name": NaN}',
        b'{"name": 1e}',
        b"\xff\xfe{}",
        b'{"a": 1, "a": 2}',
        b"[" * 100_000,
        b"nope",
    ],
)
def test_what_is_no_json_is_400(api: Api, body: bytes) -> None:
    refused = api("POST", "/contacts", data=body, content_type="application/json")
    assert refused.status_code == 400
    assert refused.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        "[]", "null", "7", '"text"', '{"name": 7}', '{"name": ["x"]}', '{"unknown": 1}', '{"active": 1}',
        '{"name": "a\\u0000b"}', '{"name": "\\ud800"}', '{"attributes": {"a": {"b": 1}}}', "{}",
        '{"attributes": {"a\\u0000": 1}}', '{"name": "x", "attributes": {"a": 1' + "0" * 400 + "}}",
        '{"kind": "robot"}', '{"name": {"$gt": ""}}',
        '{"a": ' + "[" * 500 + "]" * 500 + "}",
    ],
)  # fmt: skip
def test_anything_else_that_is_wrong_with_a_body_is_422_by_field(api: Api, body: str) -> None:
    refused = api("POST", "/contacts", data=body.encode(), content_type="application/json")
    assert refused.status_code == 422
    assert all(set(each) == {"field", "message"} for each in refused.json["errors"])
    assert refused.json["errors"]


def test_a_form_is_no_json_and_a_large_body_is_not_read(api: Api) -> None:
    assert api("POST", "/contacts", data={"name": "x"}).status_code == 422
    assert api.post("/contacts", {"name": "x" * 300_000}).status_code == 413
    assert api.post("/surveys/x/publication", {"force": True}).status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=many", "limit=1.5", "limit=1&limit=2", "cursor=x", "cursor=W10",
        "order=name", "sort=id;DROP+TABLE+contacts", "search=%00", "show=everybody", "workspace_id=1",
        "cursor=WyJcdTAwMDAiLCAiYSJd", "limit=", "search=a&search=b", "fields=key_hash",
    ],
)  # fmt: skip
def test_parameters_are_read_strictly(api: Api, query: str) -> None:
    refused = api("GET", f"/contacts?{query}")
    assert refused.status_code == 422
    assert refused.json["errors"]


@pytest.mark.parametrize("words", ["' OR 1=1 --", "%", "_", '"; DROP TABLE contacts; --', "\\"])
def test_words_to_search_are_only_words(api: Api, world: World, shop: Workspace, words: str) -> None:
    world.contact(shop, name="Ana")
    assert api.get("/contacts", search=words).json["items"] == []
    assert api.get("/metrics/nps", group_by=f"attribute.{words}").status_code == 200
    assert api.get("/answers", attribute=f"plan:{words}").json["items"] == []


def test_ids_of_any_shape_are_just_unknown(api: Api) -> None:
    for id in ("0", "%00", "..", "x" * 300, "%F0%9F%98%80", "1%20OR%201=1", "-1", "null"):
        assert api.get(f"/contacts/{id}").status_code == 404, id


def test_methods_that_are_not_there_are_named(api: Api) -> None:
    refused = api("PUT", "/contacts")
    assert refused.status_code == 405
    assert {"GET", "POST"} <= {each.strip() for each in refused.headers["Allow"].split(",")}
    assert api.get("/nothing").status_code == 404
    assert api.get("/nothing").content_type == "application/problem+json"


def test_no_answer_shows_a_key_or_its_hash(api: Api, app: Flask) -> None:
    pages = [api.get(path).get_data(as_text=True) for path in ("/workspace", "/members", "/contacts")]
    assert not any("rtn_" in page or "hash" in page for page in pages)
