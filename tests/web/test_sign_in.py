"""The door: signing in, codes, links, signing out (G02, G05, G08, G09, G11, G12, G14)."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.access import Role
from app.runtime import Runtime
from app.services import account_mail, first_owner, members, recovery, sessions
from app.services.access import Visitor
from app.web import create_app
from app.web.addresses import own_page
from app.web.callers import COOKIE
from tests.services.people import (
    OTHER_PASSWORD,
    PASSWORD,
    account,
    code_now,
    mails,
    member_with_password,
    tokens_alive,
    with_mail,
)  # fmt: skip
from tests.web.clients import CheckedClient
from tests.world import Clock, World

EMAIL = "camila@aroeira.example"
FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


def sign_in(client: FlaskClient, password: str = PASSWORD, email: str = EMAIL, **more: str) -> TestResponse:
    return client.post("/sign-in", data={"email": email, "password": password, **more}, headers=FIREFOX)


def token_in(client: FlaskClient) -> str | None:
    with client.session_transaction() as cookie:
        token = cookie.get("token")
        return token if isinstance(token, str) else None


def path_of(link: str | None) -> str:
    assert link is not None
    return "/link/" + link.rsplit("/link/", 1)[1]


def cookie_lines(response: TestResponse, name: str) -> list[str]:
    return [line for line in response.headers.getlist("Set-Cookie") if line.startswith(f"{name}=")]


def test_whoever_signs_in_lands_in_the_workspace_they_used_last(client: FlaskClient, world: World) -> None:
    who = member_with_password(world)
    assert client.get("/").location == "/sign-in"
    page = client.get("/sign-in")
    assert 'autocomplete="current-password"' in page.text
    assert sign_in(client).location == "/"
    assert client.get("/").location == f"/w/{who.workspace_slug}/"
    assert client.get(f"/w/{who.workspace_slug}/settings").status_code == 200


def test_a_wrong_password_is_told_in_words_and_the_address_stays(client: FlaskClient, world: World) -> None:
    account(world)
    response = sign_in(client, "wrong <password>")
    assert response.status_code == 422
    assert f'value="{EMAIL}"' in response.text
    assert "wrong" not in response.text.replace("note-wrong", "")
    assert token_in(client) is None


def test_g07_a_wrong_password_and_an_unknown_address_get_the_same_page(
    client: FlaskClient, world: World
) -> None:
    account(world)
    pages = []
    for email in (EMAIL, "nobody@aroeira.example"):
        response = sign_in(client, "wrong password", email)
        text = re.sub(r'name="csrf_token" value="[^"]*"', "", response.text).replace(email, "")
        pages.append((response.status_code, text))
    assert pages[0] == pages[1]


def test_g06_the_eleventh_failure_says_when_to_come_again(client: FlaskClient, world: World) -> None:
    account(world)
    for _ in range(10):
        assert sign_in(client, "wrong password").status_code == 422
    response = sign_in(client)
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 900


def test_g06_an_address_that_the_caller_writes_into_a_header_counts_for_nothing(
    app: Flask, world: World
) -> None:
    account(world)
    for number in range(10):
        data = {"email": f"somebody{number}@aroeira.example", "password": "wrong password"}
        headers = {"X-Forwarded-For": f"192.0.2.{number}", "Forwarded": f"for=192.0.2.{number}"}
        app.test_client().post("/sign-in", data=data, headers=headers)
    data = {"email": EMAIL, "password": PASSWORD}
    headers = {"X-Forwarded-For": "192.0.2.77"}
    assert app.test_client().post("/sign-in", data=data, headers=headers).status_code == 429


def test_g06_behind_one_trusted_proxy_its_word_counts_and_not_the_words_before(
    runtime: Runtime, world: World
) -> None:
    account(world)
    app = create_app(replace(runtime, config=replace(runtime.config, trusted_proxies=1)))
    app.config["WTF_CSRF_ENABLED"] = False

    def enter(email: str, chain: str) -> int:
        data = {"email": email, "password": PASSWORD}
        return app.test_client().post("/sign-in", data=data, headers={"X-Forwarded-For": chain}).status_code

    for number in range(10):
        assert enter(f"somebody{number}@aroeira.example", f"192.0.2.{number}, 203.0.113.50") == 422
    assert enter(EMAIL, "192.0.2.99, 203.0.113.50") == 429
    assert enter(EMAIL, "203.0.113.50, 203.0.113.51") == 303


def test_g06_a_browser_that_signed_in_before_is_not_locked_out_by_strangers(app: Flask, world: World) -> None:
    account(world)
    mine, new = app.test_client(), app.test_client()
    sign_in(mine)
    mine.post("/sign-out")
    for number in range(10):
        data = {"email": EMAIL, "password": "wrong password"}
        app.test_client().post("/sign-in", data=data, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"})
    assert sign_in(mine).status_code == 303
    data = {"email": EMAIL, "password": PASSWORD}
    assert new.post("/sign-in", data=data, environ_base={"REMOTE_ADDR": "192.0.2.77"}).status_code == 429


def test_the_cookie_of_a_known_browser_names_nobody_and_cannot_be_made_up(app: Flask, world: World) -> None:
    user = account(world)
    client = app.test_client()
    (line,) = cookie_lines(sign_in(client), COOKIE)
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert EMAIL not in line
    client.set_cookie(COOKIE, f'["b",["{user.id}"]].AAAA')
    assert sign_in(client).status_code == 303


def test_g02_the_cookie_that_a_stranger_planted_is_not_the_one_after_signing_in(
    app: Flask, world: World
) -> None:
    account(world)
    victim = app.test_client()
    victim.get("/sign-in")
    with victim.session_transaction() as cookie:
        cookie["planted"] = "yes"
        cookie["token"] = "planted-token"
        before = cookie.get("csrf_token")
    sign_in(victim)
    with victim.session_transaction() as cookie:
        assert "planted" not in cookie
        assert cookie["token"] != "planted-token"
        assert cookie.get("csrf_token") != before or before is None


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(app: Flask, world: World) -> None:
    account(world)
    (line,) = cookie_lines(sign_in(app.test_client()), "retorno")
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert "Secure" not in line


def test_behind_https_the_cookies_travel_on_https_only(runtime: Runtime, world: World) -> None:
    account(world)
    app = create_app(replace(runtime, config=replace(runtime.config, public_url="https://retorno.example")))
    app.config["WTF_CSRF_ENABLED"] = False
    lines = sign_in(app.test_client()).headers.getlist("Set-Cookie")
    assert len(lines) == 2
    assert all("Secure" in line for line in lines)


def test_g12_after_signing_in_somebody_goes_where_they_wanted_to(client: FlaskClient, world: World) -> None:
    who = member_with_password(world)
    wanted = f"/w/{who.workspace_slug}/settings/members?x=1"
    asked = client.get(wanted)
    assert asked.status_code == 303
    assert f'value="{wanted}"' in client.get(asked.location).text
    assert sign_in(client, next=wanted).location == wanted


@pytest.mark.parametrize("evil", [
    "//evil.example", "https://evil.example", "javascript:alert(1)", "\\/evil.example", "/\\evil.example",
    "\\\\evil.example", "/\t/evil.example", "\t//evil.example", " //evil.example", "///evil.example",
    "/\r\nLocation: //evil.example", "evil.example", "data:text/html,x", "http:evil", "/%0d%0aX: y\n", "/é",
    "", "//[", "/\x00",
])  # fmt: skip
def test_g12_and_nowhere_else(client: FlaskClient, world: World, evil: str) -> None:
    account(world)
    assert own_page(evil) == "/"
    assert 'name="next" value="/"' in client.get("/sign-in", query_string={"next": evil}).text
    assert sign_in(client, next=evil).location == "/"


@pytest.mark.parametrize(
    "fine", ["/", "/account", "/w/loja-sul/answers?since=2026-01-01&band=promoter#x", "/a//b"]
)
def test_g12_a_page_of_ours_is_kept(fine: str) -> None:
    assert own_page(fine) == fine


def test_signing_out_ends_the_session_and_the_cookie(app: Flask, runtime: Runtime, world: World) -> None:
    user = account(world)
    client = app.test_client()
    sign_in(client)
    assert client.post("/sign-out").location == "/sign-in"
    assert tokens_alive(runtime, user.id) == 0
    assert client.get("/account").location == "/sign-in?next=/account"
    assert client.post("/sign-out").status_code == 303


def test_signing_out_by_a_link_is_not_possible(client: FlaskClient, runtime: Runtime, world: World) -> None:
    user = account(world)
    sign_in(client)
    assert client.get("/sign-out").status_code == 405
    assert tokens_alive(runtime, user.id) == 1


def test_with_a_second_factor_the_code_is_asked_next(
    client: FlaskClient, runtime: Runtime, world: World
) -> None:
    user = account(world, second_factor=True)
    assert client.get("/sign-in/code").location == "/sign-in"
    assert client.post("/sign-in/code", data={"code": "000000"}).location == "/sign-in"
    assert sign_in(client, next="/account").location == "/sign-in/code"
    assert token_in(client) is None
    assert client.get("/account").status_code == 303
    assert 'autocomplete="one-time-code"' in client.get("/sign-in/code").text
    assert client.post("/sign-in/code", data={"code": "000000"}).status_code == 422
    assert client.post("/sign-in/code", data={"code": code_now(runtime)}).location == "/account"
    assert tokens_alive(runtime, user.id) == 1


def test_the_code_is_asked_for_ten_minutes(
    client: FlaskClient, runtime: Runtime, world: World, clock: Clock
) -> None:
    account(world, second_factor=True)
    sign_in(client)
    clock.advance(minutes=11)
    assert client.post("/sign-in/code", data={"code": code_now(runtime)}).location == "/sign-in"
    assert token_in(client) is None


def test_a_forgotten_password_is_asked_for_and_set_by_mail(runtime: Runtime, world: World) -> None:
    account(world)
    mailing = with_mail(runtime)
    client = checked(create_app(mailing))
    assert client.get("/password/forgotten").status_code == 200
    for email in (EMAIL, "nobody@aroeira.example"):
        asked = client.post("/password/forgotten", data={"email": email}, headers={"Host": "evil.example"})
        assert asked.location == "/password/forgotten?sent=yes"
    assert client.get("/password/forgotten?sent=yes").status_code == 200
    assert client.post("/password/forgotten", data={"email": "camila"}).status_code == 422
    (mail,) = mails(runtime)
    with runtime.db.write() as session:
        body = account_mail.filled(session, mailing, mail)
    assert "evil.example" not in body
    assert f"{runtime.config.public_url}/link/" in body
    path = path_of(body.split("\n\n")[2])
    assert EMAIL in client.get(path).text
    assert client.post(path, data={"password": "short"}).status_code == 422
    assert client.post(path, data={"password": OTHER_PASSWORD}).location == "/"
    assert client.get("/account").status_code == 200
    assert client.get(path).status_code == 404


def checked(app: Flask) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    app.test_client_class = CheckedClient
    return app.test_client()


def test_without_a_mail_server_the_page_says_what_to_do(client: FlaskClient, runtime: Runtime) -> None:
    page = client.get("/password/forgotten")
    assert "users reset-link" in page.text
    assert "<form" not in page.text
    assert client.post("/password/forgotten", data={"email": EMAIL}).status_code == 503
    assert mails(runtime) == []


@pytest.mark.parametrize("token", ["x", "%20", "%00", "0" * 64, "é", "..", "a" * 3000])
def test_g08_a_link_that_is_none_is_one_calm_page(client: FlaskClient, token: str) -> None:
    shown = client.get(f"/link/{token}")
    assert shown.status_code == 404
    used = client.post(f"/link/{token}", data={"password": OTHER_PASSWORD, "name": "Eve"})
    assert used.status_code == 404
    assert client.get("/link/").status_code == 404


def test_a_link_leaves_no_trace_in_the_address_of_the_next_page(
    client: FlaskClient, runtime: Runtime, world: World
) -> None:
    account(world)
    page = client.get(path_of(recovery.reset_link(runtime, EMAIL)))
    assert page.headers["Referrer-Policy"] == "strict-origin"
    assert page.headers["Cache-Control"] == "no-store"


def test_looking_at_a_link_however_often_changes_nothing(
    client: FlaskClient, runtime: Runtime, world: World
) -> None:
    user = account(world)
    path = path_of(recovery.reset_link(runtime, EMAIL))
    for method in ("GET", "HEAD", "GET", "OPTIONS"):
        assert client.open(path, method=method).status_code == 200
    assert tokens_alive(runtime, user.id) == 0
    assert client.post(path, data={"password": OTHER_PASSWORD}).status_code == 303


def test_an_invited_person_chooses_name_and_password_and_is_in(
    app: Flask, client: FlaskClient, runtime: Runtime, world: World
) -> None:
    owner = world.member(world.workspace(name="Bem-te-vi & Filhos"))
    path = path_of(members.invite(runtime, owner, "rui@aroeira.example", "agent").link)
    page = client.get(path, headers={"Accept-Language": "es"})
    assert "Bem-te-vi &amp; Filhos" in page.text
    refused = client.post(path, data={"name": "<b>Rui</b>", "password": "short"})
    assert refused.status_code == 422
    assert "&lt;b&gt;Rui" in refused.text
    data = {"name": "Rui Lima", "password": PASSWORD, "role": "owner", "email": "eve@elsewhere.example"}
    client.post(path, data=data, headers={"Accept-Language": "es"})
    who = sessions.visit(runtime, token_in(client), owner.workspace_slug)
    assert (who.name, who.role, who.locale) == ("Rui Lima", Role.AGENT, "es")
    assert client.post(path, data=data).status_code == 404


def test_somebody_with_an_account_is_sent_to_the_door(
    client: FlaskClient, runtime: Runtime, world: World
) -> None:
    account(world)
    owner = world.member(world.workspace())
    path = path_of(members.invite(runtime, owner, EMAIL, "agent").link)
    assert 'href="/sign-in"' in client.get(path).text
    assert client.post(path, data={"password": OTHER_PASSWORD, "name": "Eve"}).status_code == 404


def test_g09_the_first_person_sets_everything_up_once(client: FlaskClient, runtime: Runtime) -> None:
    path = path_of(first_owner.first_link(runtime))
    page = client.get(path, headers={"Accept-Language": "pt-BR"})
    assert '<option value="America/Sao_Paulo" selected>' in page.text
    form = {
        "workspace": "Loja Sul",
        "name": "Ana",
        "email": "ana@lojasul.example",
        "time_zone": "America/Sao_Paulo",
    }
    assert client.post(path, data=form | {"password": "short"}).status_code == 422
    assert (
        client.post(path, data=form | {"password": PASSWORD}, headers={"Accept-Language": "pt-BR"}).location
        == "/"
    )
    assert client.get("/").location == "/w/loja-sul/"
    assert client.get("/w/loja-sul/settings").status_code == 200
    assert client.get(path).status_code == 404
    assert client.post(path, data=form | {"password": PASSWORD}).status_code == 404


def test_g14_nothing_of_the_door_is_kept_by_a_cache(client: FlaskClient, world: World) -> None:
    account(world)
    for response in (client.get("/sign-in"), sign_in(client), client.get("/account"), client.get("/nothing")):
        assert response.headers["Cache-Control"] == "no-store"
        assert "Cookie" in response.headers["Vary"]


def csrf_app(runtime: Runtime) -> FlaskClient:
    return create_app(runtime).test_client()


def test_g11_without_its_token_no_form_is_taken(runtime: Runtime, world: World) -> None:
    who = member_with_password(world)
    client = csrf_app(runtime)
    assert sign_in(client).status_code == 400
    page = client.get("/sign-in").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    assert sign_in(client, csrf_token=token[1] + "x").status_code == 400
    assert sign_in(client, csrf_token="").status_code == 400
    assert sign_in(client, csrf_token=token[1]).status_code == 303
    base = f"/w/{who.workspace_slug}/settings"
    for path in (
        "/sign-out",
        "/account",
        "/account/password",
        "/account/sessions/removal",
        "/password/forgotten",
        base,
        f"{base}/members",
        f"{base}/keys",
        f"{base}/logo",
        f"{base}/sending/pause",
        "/sign-in/code",
        "/link/x",
    ):
        assert client.post(path, data={"csrf_token": token[1]}).status_code == 400, path
        assert client.post(path, json={"x": 1}).status_code == 400, path
        assert (
            client.post(path, data={"x": (b"", "x")}, content_type="multipart/form-data").status_code == 400
        ), path
    assert client.get("/account").status_code == 200


def test_g11_over_https_a_form_says_which_site_it_comes_from(runtime: Runtime, world: World) -> None:
    account(world)
    public = replace(runtime, config=replace(runtime.config, public_url="https://retorno.example"))
    client = csrf_app(public)
    here = "https://retorno.example"
    path = path_of(recovery.reset_link(public, EMAIL))
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path, base_url=here).text)
    assert token
    data = {"password": OTHER_PASSWORD, "csrf_token": token[1]}
    for referer in ({}, {"Referer": "https://evil.example/"}, {"Referer": "http://retorno.example/"}):
        assert client.post(path, base_url=here, data=data, headers=referer).status_code == 400
    # What a browser sends under the page's own Referrer-Policy, strict-origin
    assert client.post(path, base_url=here, data=data, headers={"Referer": f"{here}/"}).status_code == 303


def test_g11_another_browsers_token_is_not_mine(runtime: Runtime, world: World) -> None:
    account(world)
    theirs = csrf_app(runtime).get("/sign-in").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', theirs)
    assert token
    mine = csrf_app(runtime)
    mine.get("/sign-in")
    assert sign_in(mine, csrf_token=token[1]).status_code == 400


def test_g20_a_session_and_an_open_form_outlive_a_new_secret_key(runtime: Runtime, world: World) -> None:
    """Until the earlier one is taken out of the settings; links of surveys depend on neither."""
    account(world)
    before = csrf_app(runtime)
    token = re.search(r'name="csrf_token" value="([^"]+)"', before.get("/sign-in").text)
    assert token
    assert sign_in(before, csrf_token=token[1]).status_code == 303
    form = re.search(r'name="csrf_token" value="([^"]+)"', before.get("/account").text)
    assert form
    fresh, old = "another-secret-only-for-tests-9876543210", runtime.config.secret_key
    for previous, status in ((old, 303), (None, 400)):
        config = replace(runtime.config, secret_key=fresh, secret_key_previous=previous)
        client = create_app(replace(runtime, config=config)).test_client()
        cookie = before.get_cookie("retorno")
        assert cookie
        client.set_cookie("retorno", cookie.value)
        assert client.get("/account").status_code == (200 if previous else 303)
        data = {"name": "Camila P.", "locale": "en", "csrf_token": form[1]}
        assert client.post("/account", data=data).status_code == status


def test_who_is_in_no_workspace_can_still_look_at_their_account(client: FlaskClient, world: World) -> None:
    account(world)
    sign_in(client)
    assert client.get("/").location == "/account"
    assert client.get("/account").status_code == 200


def test_h07_a_member_who_is_removed_is_at_the_door_with_the_next_click(
    client_for: Callable[[Visitor], FlaskClient], runtime: Runtime, world: World
) -> None:
    owner = world.member(world.workspace())
    agent = world.member(world.workspace(), Role.AGENT)
    client = client_for(agent)
    assert client.get(f"/w/{agent.workspace_slug}/settings").status_code == 200
    boss = replace(owner, workspace_id=agent.workspace_id, workspace_slug=agent.workspace_slug)
    members.remove(runtime, boss, agent.member_id or "")
    assert client.get(f"/w/{agent.workspace_slug}/settings").status_code == 303
    assert client.post(f"/w/{agent.workspace_slug}/settings").status_code == 401
