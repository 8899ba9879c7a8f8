"""The wall, generated from the URL map: no route tells a stranger that something exists in another workspace.

Every address with a parameter is tried with another workspace's ids and slug, by an owner's session and by a
key with every scope: 404, the same as for what does not exist, and nothing changes.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.domain.access import Role
from app.runtime import Runtime
from app.services.access import Visitor
from tests.walls.places import (
    BY_TOKEN,
    MARK,
    NO_IDS,
    PUBLIC,
    Place,
    everything,
    furnished,
    method_of,
    noun_of,
    parameters,
    path_of,
)
from tests.world import World

pytestmark = pytest.mark.judged_on("sqlite")  # the workspace stands in the same statements on both

UNKNOWN = {"device": "0123456789abcdef"}
UNKNOWN_ID = "u" * 26
UNKNOWN_SLUG = "nobody-here"
# They say the same whatever was there, and act on one's own only
SILENT = {"account.end_device"}
FORM = {
    "text": "x", "summary": "x", "root_cause": "Demora", "evidence": "x", "active": "yes", "sure": "yes",
    "role": "agent", "workspace": "x", "revision": "1", "lawful_basis": "consent", "source": "x",
    "locale": "en", "name": "x", "email": "x@y.example", "assignee": "", "contact": "x", "survey": "x",
    "repeat": "monthly",
}  # fmt: skip
BODIES: dict[str, Any] = {
    "opt_in_contact": {"evidence": "x"},
    "lift_bounce": {"evidence": "x"},
    "change_consent": {"lawful_basis": "consent", "evidence": "x"},
    "ask_contact": {"contact": UNKNOWN_ID},
    "undo_import": {"put_away": 0},
    "assign_followup": {"assignee": None},
    "note_followup": {"text": "x"},
    "reply_to_followup": {"text": "x"},
    "close_followup": {"summary": "x", "root_cause": "x"},
    "publish_headline": {"workspace": "x"},
    "test_survey": {"member": UNKNOWN_ID},
}
QUERIES = {"may_ask_contact": {"contact": UNKNOWN_ID}, "asks_of_contact": {"survey": UNKNOWN_ID}}


@dataclass(frozen=True)
class Intruder:
    """Somebody of one workspace with everything that they may use there."""

    place: Place
    session: FlaskClient
    keyed: FlaskClient

    def open(self, rule: Rule, method: str, values: dict[str, str]) -> TestResponse:
        path = path_of(rule, values)
        name = rule.endpoint.rsplit(".", 1)[-1]
        if rule.rule.startswith("/api/"):
            headers = {"Authorization": f"Bearer {self.place.secret}"}
            more: dict[str, Any] = {"query_string": QUERIES.get(name)}
            if name in BODIES or method == "PATCH":
                more["json"] = BODIES.get(name, {})
            return self.keyed.open(path, method=method, headers=headers, **more)
        return self.session.open(path, method=method, data=FORM if method == "POST" else None)


@dataclass
class Walls:
    """Two intruders, and what they must not see."""

    app: Flask
    runtime: Runtime
    intruders: tuple[Intruder, ...]
    victims: tuple[Place, ...]


@pytest.fixture
def walls(app: Flask, runtime: Runtime, world: World, client_for: Callable[[Visitor], FlaskClient]) -> Walls:
    victims = tuple(furnished(world, kind, MARK) for kind in ("customers", "people"))
    own = [furnished(world, kind) for kind in ("customers", "people")]
    intruders = tuple(Intruder(place, client_for(place.owner), app.test_client()) for place in own)
    return Walls(app, runtime, intruders, victims)


def guarded(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every route with a parameter that is neither public nor opened by its own token."""
    for rule in app.url_map.iter_rules():
        if rule.arguments and not any(rule.rule.startswith(each) for each in (*BY_TOKEN, *PUBLIC)):
            yield rule, method_of(rule)


def test_every_parameter_has_its_noun(app: Flask) -> None:
    for rule, _ in guarded(app):
        for name, before in parameters(rule):
            known = name == "slug" or noun_of(before) or any(before.endswith(end) for end in NO_IDS)
            assert known, f"{rule.rule}: what does <{name}> name? Say it in tests/walls/places.py"


def test_another_workspaces_ids_are_as_unknown_as_any(walls: Walls) -> None:
    before = everything(walls.runtime)
    tried = set()
    for rule, method in guarded(walls.app):
        for intruder in walls.intruders:
            for victim in walls.victims:
                for foreign, unknown in trials(rule, intruder.place, victim):
                    tried.add(rule.rule)
                    compare(rule, method, intruder, foreign, unknown)
    assert {rule.rule for rule, _ in guarded(walls.app)} - tried == {"/api/v1/metrics/<metric>"}
    assert everything(walls.runtime) == before


def trials(rule: Rule, mine: Place, theirs: Place) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Values with at least one of theirs, and the same with something unknown in its place."""
    choices: list[list[tuple[str, str, str]]] = []
    for name, before in parameters(rule):
        if name == "slug":
            choices.append([(name, mine.slug, mine.slug), (name, theirs.slug, UNKNOWN_SLUG)])
        elif noun := noun_of(before):
            own, other = mine.ids.get(noun), theirs.ids.get(noun)
            found = [(name, own, own)] if own else []
            choices.append(found + ([(name, other, UNKNOWN.get(noun, UNKNOWN_ID))] if other else []))
        else:
            value = next(each for end, each in NO_IDS.items() if before.endswith(end))
            choices.append([(name, value, value)])
    for chosen in product(*choices):
        foreign = {name: value for name, value, _ in chosen}
        unknown = {name: value for name, _, value in chosen}
        if foreign != unknown:
            yield foreign, unknown


def compare(
    rule: Rule, method: str, intruder: Intruder, foreign: dict[str, str], unknown: dict[str, str]
) -> None:
    told, nothing = (intruder.open(rule, method, values) for values in (foreign, unknown))
    where = f"{method} {rule.rule} {foreign}"
    if rule.endpoint not in SILENT:
        assert told.status_code == 404, f"{where}: {told.status_code}"
    assert told.status_code == nothing.status_code, where
    assert plain(told, foreign) == plain(nothing, unknown), where
    with intruder.session.session_transaction() as cookie:
        cookie.pop("_flashes", None)
    assert MARK not in told.get_data(as_text=True), where


def plain(response: TestResponse, values: dict[str, str]) -> tuple[str, str, str]:
    """A response without what differs between any two requests."""
    text = response.get_data(as_text=True)
    for value in (response.headers.get("X-Request-ID", ""), *values.values()):
        text = text.replace(value, "…") if value else text
    text = re.sub(r'name="csrf_token" value="[^"]*"', "csrf", text)
    return text, response.headers.get("Content-Type", ""), response.headers.get("Location", "")


REFERENCES = (
    ("GET", "/answers", "survey", "survey"), ("GET", "/answers", "contact", "contact"),
    ("GET", "/metrics/nps", "survey", "survey"), ("GET", "/metrics/nps", "contact", "contact"),
    ("GET", "/metrics/enps", "pulse", "pulse"), ("GET", "/invitations", "survey", "survey"),
    ("GET", "/invitations", "schedule", "schedule"), ("GET", "/invitations", "contact", "contact"),
    ("GET", "/followups", "assignee", "member"), ("GET", "/followups", "contact", "contact"),
    ("GET", "/surveys/{survey}/eligibility", "contact", "contact"),
    ("GET", "/contacts/{contact}/asks", "survey", "survey"),
    ("POST", "/surveys/{survey}/invitations", "contact", "contact"),
    ("POST", "/schedules", "survey", "survey"), ("PATCH", "/schedules/{schedule}", "survey", "survey"),
    ("POST", "/pulses", "survey", "survey"), ("POST", "/followups", "contact", "contact"),
    ("GET", "/contacts", "segment", "segment"), ("POST", "/schedules", "audience", "segment"),
    ("PATCH", "/schedules/{schedule}", "audience", "segment"), ("POST", "/pulses", "audience", "segment"),
    ("POST", "/followups", "answer", "answer"), ("PATCH", "/followups/{followup}", "assignee", "member"),
)  # fmt: skip


def test_references_to_another_workspaces_rows_are_unknown_too(walls: Walls) -> None:
    before = everything(walls.runtime)
    for intruder, victim in product(walls.intruders, walls.victims):
        for method, path, name, noun in REFERENCES:
            parents = re.findall(r"\{(\w+)\}", path)
            if noun in victim.ids and all(each in intruder.place.ids for each in parents):
                told, nothing = (
                    refer(intruder, method, path.format(**intruder.place.ids), {name: value})
                    for value in (victim.ids[noun], UNKNOWN_ID)
                )
                assert told.status_code == nothing.status_code, (method, path, told.json)
                assert told.status_code in {404, 422, 200 if method == "GET" else 404}, (path, told.json)
                assert plain(told, victim.ids) == plain(nothing, {"": UNKNOWN_ID}), path
                assert MARK not in told.get_data(as_text=True)
    assert everything(walls.runtime) == before


def refer(intruder: Intruder, method: str, path: str, said: dict[str, str]) -> TestResponse:
    own = intruder.place.ids
    needed = {
        "/schedules": {"repeat": "monthly", "survey": own["survey"]},
        "/pulses": {"survey": own["survey"]},
        "/followups": {"contact": own["contact"]},
    }
    sent = {"query_string": said} if method == "GET" else {"json": {**needed.get(path, {}), **said}}
    headers = {"Authorization": f"Bearer {intruder.place.secret}"}
    return intruder.keyed.open(f"/api/v1{path}", method=method, headers=headers, **sent)


def test_lists_and_pages_of_one_workspace_show_nothing_of_another(walls: Walls) -> None:
    for rule in walls.app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.rule.startswith(("/static", *BY_TOKEN, *PUBLIC)):
            for intruder in walls.intruders:
                values = {name: own_value(name, before, intruder.place) for name, before in parameters(rule)}
                if None not in values.values():
                    page = intruder.open(rule, "GET", values)  # type: ignore[arg-type]  # none is None here
                    assert page.status_code < 500 or rule.rule == "/readyz", rule.rule
                    assert MARK not in readable(page), rule.rule


def readable(page: TestResponse) -> str:
    """What somebody reads in it: a workbook is packed."""
    if not page.mimetype.endswith("spreadsheetml.sheet"):
        return page.get_data(as_text=True)
    with zipfile.ZipFile(io.BytesIO(page.get_data())) as book:
        return "".join(book.read(name).decode() for name in book.namelist())


def own_value(name: str, before: str, place: Place) -> str | None:
    if name == "slug":
        return place.slug
    noun = noun_of(before)
    return place.ids.get(noun) if noun else next(each for end, each in NO_IDS.items() if before.endswith(end))


def test_every_console_route_refuses_roles_below_its_own(
    app: Flask, world: World, client_for: Callable[[Visitor], FlaskClient]
) -> None:
    workspace = world.workspace()
    clients = {role: client_for(world.member(workspace, role)) for role in Role}
    for rule, method in guarded(app):
        kind, needed = app.view_functions[rule.endpoint].policy  # type: ignore[attr-defined]
        if kind != "member":
            continue
        values = {name: NO_IDS.get(f"/<{name}>", UNKNOWN_ID) for name, _ in parameters(rule)}
        values |= {"slug": workspace.slug} | ({"act": "pause"} if "act" in values else {})
        path = path_of(rule, values)
        for role, client in clients.items():
            refused = client.open(path, method=method).status_code == 403
            assert refused == (not role.reaches(needed)), f"{method} {rule.rule} as {role}"


def test_without_a_session_every_console_route_asks_to_sign_in(app: Flask, world: World) -> None:
    workspace, client = world.workspace(), app.test_client()
    for rule in app.url_map.iter_rules():
        kind, _ = app.view_functions[rule.endpoint].policy  # type: ignore[attr-defined]
        if kind not in ("member", "signed_in"):
            continue
        values = {name: UNKNOWN_ID for name, _ in parameters(rule)} | {
            "slug": workspace.slug,
            "act": "pause",
            "which": "draft",
        }
        path = path_of(rule, values)
        method = method_of(rule)
        answer = client.open(path, method=method)
        if method == "GET" and kind == "member":
            assert (answer.status_code, answer.headers["Location"][:8]) == (303, "/sign-in"), rule.rule
        else:
            assert answer.status_code in (303, 401), rule.rule
