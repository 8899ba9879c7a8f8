"""My account in the browser: profile, password, second factor, sessions (G01, G02, G16, G18)."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.domain.access import Role
from app.runtime import Runtime
from app.services import sessions
from app.services.access import Visitor
from tests.services.people import (
    OTHER_PASSWORD,
    PASSWORD,
    SECRET,
    code_now,
    member_with_password,
    row,
    tokens_alive,
)  # fmt: skip
from tests.world import Clock, World

EMAIL = "camila@aroeira.example"


@pytest.fixture
def camila(world: World) -> Visitor:
    return member_with_password(world, Role.AGENT)


@pytest.fixture
def client(app: Flask, camila: Visitor) -> FlaskClient:
    browser = app.test_client()
    assert browser.post("/sign-in", data={"email": EMAIL, "password": PASSWORD}).status_code == 303
    return browser


def token_of(client: FlaskClient) -> str:
    with client.session_transaction() as cookie:
        return str(cookie["token"])


def test_the_account_page_stands_inside_the_workspace_used_last(client: FlaskClient, camila: Visitor) -> None:
    page = client.get("/account")
    assert page.status_code == 200
    assert f'href="/w/{camila.workspace_slug}/settings"' in page.text
    assert EMAIL in page.text


def test_a_new_language_speaks_from_the_next_page_on(client: FlaskClient) -> None:
    data = {"name": " Camila  do Prado ", "locale": "es", "shortcuts": "yes"}
    assert client.post("/account", data=data).location == "/account"
    page = client.get("/account")
    assert '<html lang="es"' in page.text
    assert 'value="Camila do Prado"' in page.text


def test_keyboard_shortcuts_can_be_switched_off(
    client: FlaskClient, runtime: Runtime, camila: Visitor
) -> None:
    client.post("/account", data={"name": "Camila", "locale": "en"})
    assert row(runtime, camila.user_id or "").shortcuts is False
    assert 'data-shortcuts="off"' in client.get("/account").text


@pytest.mark.parametrize(
    ("name", "locale"), [("", "en"), ("x" * 121, "en"), ("a\x07b", "en"), ("Camila", "tlh")]
)
def test_what_cannot_be_saved_is_said_beside_its_field(client: FlaskClient, name: str, locale: str) -> None:
    refused = client.post("/account", data={"name": name, "locale": locale})
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text


def test_h03_nothing_else_of_an_account_can_be_sent_along(
    client: FlaskClient, runtime: Runtime, camila: Visitor
) -> None:
    before = row(runtime, camila.user_id or "")
    extra = {
        "email": "eve@elsewhere.example",
        "role": "owner",
        "id": "x",
        "password_hash": "x",
        "totp_secret": "x",
    }
    client.post("/account", data={"name": "Camila", "locale": "en", **extra})
    after = row(runtime, camila.user_id or "")
    assert (after.email, after.id, after.password_hash) == (before.email, before.id, before.password_hash)
    assert after.totp_secret is None
    assert sessions.visit(runtime, token_of(client), camila.workspace_slug).role is Role.AGENT


def test_g01_a_new_password_signs_out_every_other_browser(app: Flask, client: FlaskClient) -> None:
    other = app.test_client()
    other.post("/sign-in", data={"email": EMAIL, "password": PASSWORD})
    before = token_of(client)
    wrong = client.post(
        "/account/password", data={"current_password": "wrong", "new_password": OTHER_PASSWORD}
    )
    assert wrong.status_code == 422
    assert other.get("/account").status_code == 200
    right = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    assert client.post("/account/password", data=right).location == "/account"
    assert token_of(client) != before
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 303


def test_g18_no_password_comes_back_into_a_page(client: FlaskClient) -> None:
    for new in ("tooshort77", "x" * 300, EMAIL):
        data = {"current_password": PASSWORD, "new_password": new}
        refused = client.post("/account/password", data=data)
        assert refused.status_code == 422
        assert re.search(r'type="password"[^>]*value=', refused.text) is None
        assert new not in refused.text.replace(EMAIL, "")
        assert PASSWORD not in refused.text


def test_g16_a_second_factor_is_set_up_used_and_removed(
    client: FlaskClient, app: Flask, runtime: Runtime, clock: Clock, camila: Visitor
) -> None:
    page = client.get("/account/second-factor")
    assert 'src="data:image/svg+xml' in page.text
    with client.session_transaction() as cookie:
        cookie["draft"] = SECRET
    assert SECRET in client.get("/account/second-factor").text
    here = "/account/second-factor"
    assert client.post(here, data={"password": PASSWORD, "code": "000000"}).status_code == 422
    assert client.post(here, data={"password": "wrong", "code": code_now(runtime)}).status_code == 422
    assert client.post(here, data={"password": PASSWORD, "code": code_now(runtime)}).location == "/account"
    assert tokens_alive(runtime, camila.user_id or "") == 1
    assert client.get(here).location == "/account"
    assert SECRET not in client.get("/account").text
    other = app.test_client()
    asked = other.post("/sign-in", data={"email": EMAIL, "password": PASSWORD})
    assert asked.location == "/sign-in/code"
    clock.advance(seconds=60)
    assert other.post("/sign-in/code", data={"code": code_now(runtime)}).location == "/"
    assert client.post("/account/second-factor/removal", data={}).status_code == 422
    off = client.post("/account/second-factor/removal", data={"removal_password": PASSWORD})
    assert off.location == "/account"
    assert other.get("/account").status_code == 303
    assert row(runtime, camila.user_id or "").totp_secret is None


def test_a_second_factor_without_a_draft_begins_with_one(client: FlaskClient, runtime: Runtime) -> None:
    data = {"password": PASSWORD, "code": code_now(runtime)}
    assert client.post("/account/second-factor", data=data).location == "/account/second-factor"


def test_a_lost_browser_is_signed_out_from_another(app: Flask, client: FlaskClient) -> None:
    lost = app.test_client()
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19 Safari/604"
    lost.post("/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers={"User-Agent": agent})
    page = client.get("/account").text
    assert "Safari, iPhone" in page
    path = re.search(r'action="(/account/sessions/[0-9a-f]{16}/removal)"', page)
    assert path
    assert client.post(path[1]).location == "/account"
    assert lost.get("/account").status_code == 303
    assert client.post(path[1]).status_code == 404
    assert client.post("/account/sessions/removal").location == "/sign-in"
    assert client.get("/account").status_code == 303


def test_whoever_is_not_signed_in_changes_nothing(app: Flask, camila: Visitor) -> None:
    nobody = app.test_client()
    assert nobody.get("/account").location == "/sign-in?next=/account"
    for path in (
        "",
        "/password",
        "/second-factor",
        "/second-factor/removal",
        "/sessions/removal",
        "/sessions/x/removal",
    ):
        assert nobody.post(f"/account{path}").status_code == 401


def test_a_name_that_is_a_program_stays_a_name(
    client: FlaskClient, client_for: Callable[[Visitor], FlaskClient], camila: Visitor
) -> None:
    client.post("/account", data={"name": '<img src=x onerror="alert(1)">', "locale": "en"})
    page = client_for(camila).get(f"/w/{camila.workspace_slug}/settings/members").text
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_quiet_hours_are_kept_and_half_a_pair_comes_back_as_it_was_typed(client: FlaskClient) -> None:
    def choose(begins: str, ends: str) -> str:
        form = {"alerts_by": "email", "quiet_from": begins, "quiet_until": ends}
        return client.post("/account/alerts", data=form, follow_redirects=True).get_data(as_text=True)

    assert 'value="20:00"' in choose("20:00", "08:00")
    refused = choose("19:15", "")
    assert 'value="19:15"' in refused
    assert 'id="quiet_from-error"' in refused
    assert 'value="20:00"' in client.get("/account").get_data(as_text=True)
