"""The sandbox's pages: read by members alone, in a frame where nothing runs, answered on the real page."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import cli
from app.domain.access import Role
from app.models import Survey, Workspace
from app.rendering.sandbox_mail import framed, linked
from app.runtime import Runtime
from app.services import asking, sandbox, sending
from app.services.access import Visitor
from app.web import create_app
from tests.world import World

SignIn = Callable[[Visitor], FlaskClient]


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira", slug="aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.VIEWER, world.user(locale="en"))


@pytest.fixture
def console(client_for: SignIn, camila: Visitor) -> FlaskClient:
    return client_for(camila)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace)


def mailed(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, name: str = "Maria"
) -> str:
    """A mail lies in the mailbox; its id."""
    address = f"{name.split(maxsplit=1)[0].lower()}@b.example"
    asking.ask(runtime, camila, survey.id, world.contact(workspace, name=name, email=address).id)
    sending.send_due(runtime)
    assert camila.user_id
    return sandbox.mailbox(runtime, camila.user_id, to=address).page.items[0].id


def test_an_empty_mailbox_says_what_will_be_here(console: FlaskClient) -> None:
    page = console.get("/sandbox").text
    assert "Nothing has arrived yet." in page
    assert page.count("button-go") == 1


def test_whoever_is_not_signed_in_is_led_to_the_sign_in(client: FlaskClient) -> None:
    answer = client.get("/sandbox")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/sandbox")


def test_a_mail_is_read_in_a_frame_where_nothing_runs(
    console: FlaskClient,
    runtime: Runtime,
    world: World,
    workspace: Workspace,
    camila: Visitor,
    survey: Survey,
) -> None:
    attack = "Ana <script>alert(1)</script>"
    id = mailed(runtime, world, workspace, camila, survey, attack)
    page = console.get(f"/sandbox/{id}").text
    assert "<script>alert" not in page
    assert f'src="/sandbox/mail/{id}?view=light"' in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    answer = console.get(f"/sandbox/mail/{id}?view=dark")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';")
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
    assert "<script>alert" not in answer.text
    assert '<base target="_blank">' in answer.text
    assert "prefers-color-scheme" not in answer.text
    assert "no-store" in answer.headers["Cache-Control"]


def test_the_plain_text_has_its_links(
    console: FlaskClient,
    runtime: Runtime,
    world: World,
    workspace: Workspace,
    camila: Visitor,
    survey: Survey,
) -> None:
    id = mailed(runtime, world, workspace, camila, survey)
    page = console.get(f"/sandbox/{id}?view=text").text
    assert f'<a href="{runtime.config.public_url}/r/' in page
    assert "<iframe" not in page


def test_the_link_of_the_mail_opens_the_real_answer_page_and_counts(
    console: FlaskClient,
    runtime: Runtime,
    world: World,
    workspace: Workspace,
    camila: Visitor,
    survey: Survey,
) -> None:
    id = mailed(runtime, world, workspace, camila, survey)
    mail = console.get(f"/sandbox/mail/{id}").text
    path = mail.split(f'href="{runtime.config.public_url}/r/')[1].split('"')[0].split("?")[0]
    assert console.get(f"/r/{path}?score=9").status_code == 200
    assert console.post(f"/r/{path}", data={"score": "9"}).status_code == 303


def test_one_mailbox_is_chosen_and_stays_chosen(
    console: FlaskClient,
    runtime: Runtime,
    world: World,
    workspace: Workspace,
    camila: Visitor,
    survey: Survey,
) -> None:
    mailed(runtime, world, workspace, camila, survey, "Maria")
    mailed(runtime, world, workspace, camila, survey, "Rita")
    both = console.get("/sandbox").text
    assert both.count('class="mail"') == 2
    one = console.get("/sandbox?to=rita@b.example").text
    assert one.count('class="mail"') == 1
    assert "?to=rita%40b.example" in one
    assert "Nothing has arrived at this address." in console.get("/sandbox?to=x@b.example").text


def test_what_is_another_workspaces_does_not_exist(
    client_for: SignIn, runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    id = mailed(runtime, world, workspace, camila, survey)
    stranger = client_for(world.member(world.workspace("people"), Role.OWNER, world.user(locale="en")))
    assert "Nothing has arrived yet." in stranger.get("/sandbox").text
    assert stranger.get(f"/sandbox/{id}").status_code == 404
    assert stranger.get(f"/sandbox/mail/{id}").status_code == 404


def test_somebody_in_no_workspace_sees_an_empty_box(
    client_for: SignIn, world: World, camila: Visitor
) -> None:
    user = world.user(locale="en")
    nowhere = client_for(replace(camila, user_id=user.id))
    assert "Nothing has arrived yet." in nowhere.get("/sandbox").text


def test_it_is_not_there_while_it_is_off(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, client_for: SignIn
) -> None:
    id = mailed(runtime, world, workspace, camila, survey)
    config = replace(runtime.config, sandbox="off")
    cookie = client_for(camila).get_cookie("retorno")
    assert cookie is not None
    off = create_app(replace(runtime, config=config)).test_client()
    off.set_cookie("retorno", cookie.value)
    for path in ("/sandbox", f"/sandbox/{id}", f"/sandbox/mail/{id}"):
        assert off.get(path).status_code == 404
    assert 'href="/sandbox"' not in off.get("/w/aroeira/surveys").text


def test_the_command_clears_and_says_how_much(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    mailed(runtime, world, workspace, camila, survey)
    app = Flask("commands")
    app.extensions["runtime"] = runtime
    cli.register(app)
    with app.app_context():
        result = app.test_cli_runner().invoke(args=["sandbox", "clear"])
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "Removed 1 invitations, 0 answers" in result.stderr
    assert camila.user_id
    assert sandbox.mailbox(runtime, camila.user_id).page.items == ()


@pytest.mark.parametrize("locale", ["pt-BR", "en", "es"])
def test_the_room_is_good_in_every_language(
    client_for: SignIn, runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey,
    locale: str,
) -> None:  # fmt: skip
    id = mailed(runtime, world, workspace, camila, survey)
    reader = client_for(world.member(workspace, Role.AGENT, world.user(locale=locale)))
    for path in ("", f"/{id}", f"/{id}?view=dark", f"/{id}?view=text", "?to=x"):
        assert reader.get(f"/sandbox{path}").status_code == 200


def test_a_scheme_holds_whatever_the_reader_prefers() -> None:
    html = (
        '<html><head><meta name="color-scheme" content="light dark"><style>:root { color-scheme: light dark; '
        "supported-color-schemes: light dark; } @media (prefers-color-scheme: dark) { a { color: red } }"
        "</style></head></html>"
    )
    dark = framed(html, "dark")
    assert "@media all {" in dark
    assert 'content="dark"' in dark
    assert "color-scheme: dark;" in dark
    light = framed(html, "light")
    assert "@media not all {" in light
    assert 'content="light"' in light


def test_only_web_addresses_of_a_text_become_links() -> None:
    text = "Olá.\nhttps://a.example/r/x?score=9\njavascript:alert(1) http://b.example."
    assert [piece for piece, is_link in linked(text) if is_link] == [
        "https://a.example/r/x?score=9",
        "http://b.example",
    ]
    assert "".join(piece for piece, _ in linked(text)) == text
