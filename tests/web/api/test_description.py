"""The description: valid OpenAPI 3.1, complete, and readable as a page."""

import re

from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from app.rendering.words import REASON_SENTENCES


def test_the_description_needs_no_key_and_is_valid(client: FlaskClient) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.json["openapi"].startswith("3.1")
    validate(answer.json)


def test_every_route_is_described_with_its_scope(app: Flask, client: FlaskClient) -> None:
    paths = client.get("/api/v1/openapi.json").json["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    served = {
        (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1/") and rule.endpoint != "api.openapi"
    }
    assert described == served
    for rule in app.url_map.iter_rules():
        kind, scope = app.view_functions[rule.endpoint].policy  # type: ignore[attr-defined]
        if kind == "key":
            method = next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"})).lower()
            assert f"`{scope}`" in paths[re.sub(r"<(\w+)>", r"{\1}", rule.rule)][method]["description"]


def test_every_reason_is_told(client: FlaskClient) -> None:
    about = client.get("/api/v1/openapi.json").json["info"]["description"]
    assert all(f"`{code}`" in about for code in REASON_SENTENCES)


def test_the_page_shows_every_operation_and_asks_nobody_else(client: FlaskClient) -> None:
    page = client.get("/api/docs").get_data(as_text=True)
    paths = client.get("/api/v1/openapi.json").json["paths"]
    for methods in paths.values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in page
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
    for anchor in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{anchor}"' in page
