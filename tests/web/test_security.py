"""What holds for every route, whatever it answers (G10, G13, G14, G18, G19)."""

import logging
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.access import Role
from app.models import new_id
from app.runtime import Runtime
from app.services import recovery
from app.services.access import Visitor
from app.web import create_app
from app.web.policy import open_to_all
from config import BadConfig, Config
from tests.services.people import OTHER_PASSWORD, PASSWORD, account, member_with_password
from tests.world import World

EMAIL = "camila@aroeira.example"
GOOD = {"SECRET_KEY": "only-for-tests-0123456789-abcdefghijkl"}


def filled(rule: str) -> str:
    """An address of the route, with values that nothing has."""
    for part in rule.split("/"):
        if part.startswith("<"):
            rule = rule.replace(
                part, "static.css" if "filename" in part else new_id() + part.partition(">")[2]
            )
    return rule


def assert_protected(response: object, path: str) -> None:
    headers = response.headers  # type: ignore[attr-defined]
    policy = headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy, path
    assert "default-src 'none'" in policy or "object-src 'none'" in policy, path
    assert headers["X-Content-Type-Options"] == "nosniff", path
    assert "X-Frame-Options" in headers, path
    assert headers["Referrer-Policy"] in ("no-referrer", "same-origin", "strict-origin"), path
    assert "Server" not in headers, path


@pytest.mark.judged_on("sqlite")  # no header depends on it
def test_g13_every_route_answers_with_its_headers_whoever_asks_and_however_it_ends(
    app: Flask, client_for: Callable[[Visitor], FlaskClient], world: World
) -> None:
    who = world.member(world.workspace(slug="aroeira"))
    clients = [app.test_client(), client_for(who)]
    for rule in app.url_map.iter_rules():
        path = filled(rule.rule.replace("<slug>", "aroeira"))
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            for client in clients:
                response = client.open(path, method=method)
                assert response.status_code < 500 or rule.rule in ("/readyz", "/password/forgotten"), path
                assert_protected(response, path)
                if not path.startswith(("/static/", "/logo/")):
                    assert response.headers["Cache-Control"] == "no-store", path
                    assert "Cookie" in response.headers["Vary"], path


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/nothing", "GET", 404),
        ("/w/nowhere/", "GET", 303),
        ("/sign-in", "DELETE", 405),
        ("/%00", "GET", 404),
        ("/static/nothing.css", "GET", 404),
        ("/static/../../config.py", "GET", 404),
        ("/sign-out", "GET", 405),
    ],
)
def test_g13_error_pages_are_protected_too(client: FlaskClient, path: str, method: str, status: int) -> None:
    response = client.open(path, method=method)
    assert response.status_code == status
    assert_protected(response, path)


def test_g13_what_is_too_large_or_not_meant_for_us_is_protected_too(
    app: Flask, client_for: Callable[[Visitor], FlaskClient], world: World
) -> None:
    who = world.member(world.workspace(slug="aroeira"))
    client = client_for(who)
    large = {"data": {"x": "x" * 3_000_000}}
    for path in ("/sign-in", "/account", "/w/aroeira/settings", f"/r/{new_id()}", "/api/v1/contacts"):
        response = client.post(path, **large)
        assert response.status_code in (413, 401), path
        assert_protected(response, path)
    for method in ("HEAD", "OPTIONS", "TRACE", "PROPFIND"):
        for path in ("/w/aroeira/", "/account", f"/r/{new_id()}", "/nothing", "/api/v1/contacts"):
            assert_protected(client.open(path, method=method), path)


def test_g14_what_caches_may_keep_carries_nobodys_cookie(
    client_for: Callable[[Visitor], FlaskClient], world: World
) -> None:
    client = client_for(world.member(world.workspace()))
    for path in ("/static/css/look.css", f"/logo/{new_id()}.png", "/static/css/tokens.css"):
        with client.get(path) as response:
            assert "Set-Cookie" not in response.headers, path


@pytest.fixture
def broken(runtime: Runtime) -> FlaskClient:
    """An application with a route that has a mistake in it."""
    app = create_app(runtime)

    @app.get("/mistake")
    @open_to_all
    def mistake() -> str:
        password = PASSWORD
        raise ZeroDivisionError(f"a secret in a mistake: {password}")

    return app.test_client()


def test_g13_g18_our_own_mistakes_are_a_calm_page_that_tells_nothing(broken: FlaskClient) -> None:
    response = broken.get("/mistake")
    assert response.status_code == 500
    assert_protected(response, "/mistake")
    for word in ("Traceback", "ZeroDivisionError", PASSWORD, "mistake()", ".py"):
        assert word not in response.text


def test_g19_the_debugger_is_never_there(app: Flask, client: FlaskClient) -> None:
    assert app.debug is False
    assert client.get("/console").status_code == 404
    assert client.get("/?__debugger__=yes&cmd=resource&f=debugger.js").status_code in (303, 404)


@pytest.mark.parametrize(
    "secret", [None, "", "changeme", "a" * 64, "short", "secret-secret-secret-secret-secret!!"]
)
def test_g19_without_a_good_secret_nothing_starts(secret: str | None) -> None:
    environ = {} if secret is None else {"SECRET_KEY": secret}
    with pytest.raises(BadConfig, match="SECRET_KEY"):
        Config.from_env(environ)


@pytest.mark.parametrize("debug", ["1", "true", "on"])
@pytest.mark.parametrize(
    "outside",
    [{"PUBLIC_URL": "https://retorno.example"}, {"HOST": "0.0.0.0", "PUBLIC_URL": "https://r.example"}],
)
def test_g19_the_debugger_does_not_start_where_others_reach_it(debug: str, outside: dict[str, str]) -> None:
    with pytest.raises(BadConfig, match="FLASK_DEBUG"):
        Config.from_env(GOOD | outside | {"FLASK_DEBUG": debug})
    Config.from_env(GOOD | outside | {"FLASK_DEBUG": "0"})
    Config.from_env(GOOD | {"FLASK_DEBUG": debug})


def test_g18_no_setting_that_is_secret_shows_in_a_representation() -> None:
    config = Config.from_env(
        GOOD | {"SMTP_URL": "smtps://user:hunter2@mail.example", "MAIL_FROM": "a@b.example"}
    )
    assert GOOD["SECRET_KEY"] not in repr(config)
    assert "hunter2" not in repr(config)


def test_g18_no_password_token_or_code_is_ever_logged(
    app: Flask,
    runtime: Runtime,
    world: World,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    account(world)
    caplog.set_level(logging.DEBUG)
    client = app.test_client()
    path = "/link/" + recovery.reset_link(runtime, EMAIL).rsplit("/", 1)[1]
    client.post("/sign-in", data={"email": EMAIL, "password": "wrong-password-typed"})
    client.get(path)
    client.post(path, data={"password": OTHER_PASSWORD})
    client.post("/sign-in", data={"email": EMAIL, "password": OTHER_PASSWORD})
    with client.session_transaction() as cookie:
        token = str(cookie["token"])
    written = capsys.readouterr()
    everything = written.out + written.err + caplog.text
    assert "/sign-in" in everything
    for secret in (path.rsplit("/", 1)[1], "wrong-password-typed", OTHER_PASSWORD, token, EMAIL):
        assert secret not in everything


@pytest.mark.parametrize(
    "name", ["X-Remote-User", "Remote-User", "X-Forwarded-User", "X-Forwarded-Email", "REMOTE_USER"]
)
def test_g10_no_header_signs_anybody_in(client: FlaskClient, world: World, name: str) -> None:
    who = member_with_password(world, Role.OWNER)
    for value in (EMAIL, who.user_id or "", "admin"):
        response = client.get(f"/w/{who.workspace_slug}/settings", headers={name: value})
        assert response.status_code == 303
        assert client.post(f"/w/{who.workspace_slug}/settings", headers={name: value}).status_code == 401
        environ = {"REMOTE_USER": value}
        assert client.get("/account", environ_overrides=environ).status_code == 303
