"""What a key may do by its scopes and its maker's role, and that no body sets what is not its to set."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.domain.access import SCOPES, Role, least_role
from app.models import Contact, new_id
from app.runtime import Runtime
from app.services import api_keys
from app.services.access import Visitor
from app.web.api import NOUNS
from tests.api_client import Api
from tests.walls.places import method_of, parameters, path_of
from tests.world import World

pytestmark = pytest.mark.judged_on("sqlite")  # no scope depends on it
TAKE_BODIES = [route for noun in NOUNS for route in noun.routes if route.body]
NEVER = {"workspace_id": "x", "tenant_id": "x", "account_id": "x", "role": "owner", "owner": "x", "id": "x",
         "score": 10, "created_at": "2020-01-01T00:00:00Z", "email_verified": True}  # fmt: skip


def keyed(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Every route that a key opens: rule, path with ids that are nobody's, scope."""
    for rule in app.url_map.iter_rules():
        kind, scope = app.view_functions[rule.endpoint].policy  # type: ignore[attr-defined]
        if kind == "key":
            yield rule, path_of(rule, {name: new_id() for name, _ in parameters(rule)}), scope


def test_every_route_refuses_a_key_without_its_scope(app: Flask, world: World) -> None:
    owner = world.member(world.workspace())
    secrets = {
        scope: api_keys.create(world.runtime, owner, "x", [each for each in SCOPES if each != scope]).secret
        for scope in SCOPES
    }
    for rule, path, scope in keyed(app):
        assert scope in SCOPES, rule.rule
        for secret, wanted in ((secrets[scope], 403), ("rtn_nobody", 401)):
            answer = app.test_client().open(
                path, method=method_of(rule), headers={"Authorization": f"Bearer {secret}"}
            )
            assert answer.status_code == wanted, rule.rule


def test_every_route_refuses_a_key_whose_maker_might_not(app: Flask, world: World) -> None:
    workspace = world.workspace()
    secrets = {
        role: api_keys.create(world.runtime, world.member(workspace, role), "x", None).secret for role in Role
    }
    for rule, path, scope in keyed(app):
        for role, secret in secrets.items():
            answer = app.test_client().open(
                path, method=method_of(rule), headers={"Authorization": f"Bearer {secret}"}
            )
            refused = answer.status_code == 403
            needed = Role.MANAGER if rule.endpoint == "api.erase_contact" else least_role(scope)
            assert refused == (not role.reaches(needed)), f"{rule.rule} as {role}"


@pytest.mark.parametrize("route", TAKE_BODIES, ids=lambda each: each.name)
def test_no_body_sets_what_is_not_its_to_set(route: Any, app: Flask, runtime: Runtime, world: World) -> None:
    fields = set(route.body.model_fields)
    api = Api(app.test_client(), api_keys.create(runtime, world.member(world.workspace()), "x", None).secret)
    path = route.path.replace("{id}", new_id())
    for name, value in NEVER.items():
        if (route.path, name) == ("/events", "id"):
            continue  # the caller's own word for it, not ours
        assert name not in fields
        refused = api(route.method, path, {name: value})
        assert refused.status_code == 422, name
        assert {"field": name, "message": "There is no such field."} in refused.json["errors"]


def test_no_form_sets_what_is_not_its_to_set(
    client_for: Callable[[Visitor], FlaskClient], runtime: Runtime, world: World
) -> None:
    workspace, other = world.workspace(), world.workspace()
    contact = world.contact(workspace, name="Ana")
    form = {name: str(value) for name, value in NEVER.items()}
    form |= {"name": "Bia", "revision": str(contact.revision), "workspace_id": other.id}
    client = client_for(world.member(workspace, Role.AGENT))
    client.post(f"/w/{workspace.slug}/contacts/{contact.id}/edit", data=form)
    with runtime.db.read() as session:
        row = session.get_one(Contact, contact.id)
    assert (row.name, row.workspace_id, row.created_at) == ("Bia", workspace.id, contact.created_at)
    settings = client.post(f"/w/{workspace.slug}/settings", data={"name": "Minha", "role": "owner"})
    assert settings.status_code == 403
