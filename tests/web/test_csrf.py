"""G11: no form of the console is taken without its token, whatever the body; generated from the URL map."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.access import Role
from app.models import Member, new_id
from app.runtime import Runtime
from app.services import sessions
from app.services.access import Visitor
from app.web import create_app
from tests.world import World

pytestmark = pytest.mark.judged_on("sqlite")  # no token depends on it
# Their links, keys or signatures are their authority, and they read no cookie
BY_AUTHORITY = {"answer_pages", "pulse_pages", "hooks", "api"}


@pytest.fixture
def owner(world: World) -> Visitor:
    return world.member(world.workspace(), Role.OWNER)


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """With the check that other tests leave out."""
    return create_app(runtime)


@pytest.fixture
def client(app: Flask, runtime: Runtime, owner: Visitor) -> FlaskClient:
    with runtime.db.write() as session:
        token = sessions.begin(session, owner.user_id or "", runtime.clock(), None, None)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["token"] = token
    return client


def token_of(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def changing(app: Flask, slug: str) -> Iterator[tuple[str, str, str]]:
    """Method, address and blueprint of everything that changes something."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", new_id(), rule.rule.replace("<slug>", slug))
        for method in sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}):
            yield method, path, rule.endpoint.split(".")[0]


def bodies(token: str) -> list[dict[str, Any]]:
    """Every way of sending a body with this token."""
    return [
        {"data": {"csrf_token": token}},
        {"data": {"csrf_token": token, "file": (BytesIO(b"x"), "x")}, "content_type": "multipart/form-data"},
        {"json": {"csrf_token": token, "name": "x"}},
        {"data": f"csrf_token={token}", "content_type": "text/plain"},
        {"data": {"name": "x"}, "query_string": {"csrf_token": token}},
        {"headers": {"X-CSRFToken": token}},
    ]


def test_nothing_changes_without_the_token_of_this_browser(
    app: Flask, client: FlaskClient, owner: Visitor
) -> None:
    mine, theirs = token_of(client, "/account"), token_of(app.test_client(), "/sign-in")
    tried = 0
    for method, path, blueprint in changing(app, owner.workspace_slug):
        if blueprint in BY_AUTHORITY:
            continue
        assert client.open(path, method=method).status_code == 400, path
        for wrong in ("", theirs, mine[:-2], mine.split(".")[0]):
            for body in bodies(wrong):
                assert client.open(path, method=method, **body).status_code == 400, (path, body)
        tried += 1
    assert tried > 40
    assert client.get("/account").status_code == 200  # not even signed out


def test_with_it_every_form_is_read(
    app: Flask, runtime: Runtime, client: FlaskClient, owner: Visitor
) -> None:
    """So that the test above refuses for the right reason."""
    ends = ("/sign-out", "/account/sessions/removal")
    for method, path, blueprint in changing(app, owner.workspace_slug):
        if blueprint not in BY_AUTHORITY and path not in ends:
            token = token_of(client, "/account")
            response = client.open(path, method=method, data={"csrf_token": token})
            assert response.status_code in (200, 303, 401, 403, 404, 409, 422, 503), (
                path,
                response.status_code,
            )
    assert client.post(ends[0], data={"csrf_token": token_of(client, "/account")}).status_code == 303
    assert client.get("/account").status_code == 303


def test_what_takes_no_token_reads_no_cookie(app: Flask, client: FlaskClient, owner: Visitor) -> None:
    """A signed-in browser is nobody there: another site gains nothing by sending it."""
    found = set()
    for method, path, blueprint in changing(app, owner.workspace_slug):
        if blueprint in BY_AUTHORITY:
            found.add(blueprint)
            expected = {"api": 401, "hooks": 403}.get(blueprint, 404)
            assert client.open(path, method=method, data={"name": "x"}).status_code == expected, path
    assert found == BY_AUTHORITY


def test_a_form_that_was_refused_for_its_age_says_what_to_do(client: FlaskClient) -> None:
    refused = client.post("/account", data={"name": "x"})
    assert refused.status_code == 400
    assert "<h1" in refused.text


LARGE = 8 * 1024 * 1024


class Watched(BytesIO):
    """A body that knows how far it was read."""

    def sent_by(self, client: FlaskClient, slug: str) -> tuple[int, int]:
        """The answer to it as a file of contacts, and how much of it was read."""
        given = {
            "wsgi.input": self,
            "CONTENT_LENGTH": str(LARGE),
            "CONTENT_TYPE": "multipart/form-data; boundary=x",
        }
        answer = client.post(f"/w/{slug}/contacts/import", environ_overrides=given)
        return answer.status_code, self.tell()


def large() -> Watched:
    start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    end = b"\r\n--x--\r\n"
    return Watched(start + b"x" * (LARGE - len(start) - len(end)) + end)


def test_a_large_file_is_read_only_of_whoever_may_import_it(
    app: Flask, client: FlaskClient, owner: Visitor, world: World, runtime: Runtime
) -> None:
    elsewhere = world.member(world.workspace(), Role.OWNER)
    assert large().sent_by(app.test_client(), owner.workspace_slug) == (401, 0)
    assert large().sent_by(client, elsewhere.workspace_slug) == (404, 0)
    assert large().sent_by(client, owner.workspace_slug)[1] == LARGE, "theirs is read"
    with runtime.db.write() as session:
        session.get_one(Member, owner.member_id).role = "agent"
    assert large().sent_by(client, owner.workspace_slug) == (403, 0)
