"""When nothing can be written: what was typed comes back to its writer, and nobody is thanked for nothing."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from app.db import open_database
from app.models import Answer, SealedAnswer, UserSession, new_id
from app.runtime import Runtime
from app.services.sessions import token_hash
from app.web import create_app
from tests.pulse_world import open_pulse
from tests.web.clients import CheckedClient
from tests.world import World, token_of

pytestmark = pytest.mark.on_both

Lock = Callable[[], None]


@pytest.fixture
def impatient(runtime: Runtime) -> Iterator[Runtime]:
    """The same database, waited for a fifth of a second instead of five."""
    db = open_database(runtime.config.database_url, busy_milliseconds=200)
    yield replace(runtime, db=db)
    db.dispose()


@pytest.fixture
def client(impatient: Runtime) -> FlaskClient:
    app = create_app(impatient)
    app.config["WTF_CSRF_ENABLED"] = False
    app.test_client_class = CheckedClient
    return app.test_client()


@pytest.fixture
def locked(runtime: Runtime) -> Iterator[None]:
    """Somebody else writes for longer than anybody waits."""
    with runtime.db.write() as session:
        tables = "LOCK TABLE answers, sealed_answers, followups, members IN EXCLUSIVE MODE"
        session.execute(text("SELECT 1" if runtime.db.is_sqlite else tables))  # SQLite's lock is that of all
        yield


@pytest.fixture
def link(world: World) -> str:
    workspace = world.workspace(name="Aroeira")
    return "/r/" + token_of(world.invitation(workspace, world.survey(workspace), world.contact(workspace)))


def number(runtime: Runtime, model: type) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_an_answer_that_cannot_be_kept_comes_back_to_be_sent_again(
    link: str, locked: None, client: FlaskClient, runtime: Runtime
) -> None:
    response = client.post(link, data={"score": "3", "comment": "Caro <b>demais</b>", "contact_me": "yes"})
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert 'lang="pt-BR"' in response.text, "the respondent's language, not the browser's"
    assert "Enviar de novo" in response.text
    assert "Recebemos" not in response.text, "no false thank-you"
    assert f'action="{link}"' in response.text
    assert 'name="score" value="3"' in response.text
    assert "Caro &lt;b&gt;demais&lt;/b&gt;" in response.text
    assert 'name="contact_me" value="yes"' in response.text
    assert number(runtime, Answer) == 0


def test_what_came_back_can_be_sent_as_it_is(link: str, client: FlaskClient, runtime: Runtime) -> None:
    again = {"score": "3", "comment": "Caro demais", "contact_me": "yes"}
    assert client.post(link, data=again).status_code == 303
    with runtime.db.read() as session:
        answer = session.scalars(select(Answer)).one()
    assert (answer.score, answer.comment, answer.contact_me) == (3, "Caro demais", True)


def test_a_score_alone_comes_back_without_a_field_for_words(
    link: str, locked: None, client: FlaskClient
) -> None:
    page = client.post(link, data={"score": "9"}).text
    assert 'name="score" value="9"' in page
    assert "<textarea" not in page


def test_pages_can_be_read_meanwhile(link: str, locked: None, client: FlaskClient) -> None:
    assert client.get(link).status_code == 200


def test_a_sealed_answer_that_cannot_be_kept_comes_back_too(
    world: World, runtime: Runtime, client: FlaskClient, request: pytest.FixtureRequest
) -> None:
    link = "/p/" + token_of(open_pulse(world).invitations[0], "pulse")
    request.getfixturevalue("locked")
    response = client.post(link, data={"score": "2", "comment": "Cansada"})
    assert response.status_code == 503
    assert 'name="score" value="2"' in response.text
    assert "Cansada" in response.text
    assert number(runtime, SealedAnswer) == 0


def test_a_member_reads_a_calm_page_and_a_program_a_problem(
    world: World, client: FlaskClient, request: pytest.FixtureRequest
) -> None:
    who = world.member(world.workspace())
    token = new_id()
    world.add(
        UserSession(
            token_hash=token_hash(token), user_id=who.user_id, created_at=world.now, seen_at=world.now,
            expires_at=world.now + timedelta(days=1),
        )
    )  # fmt: skip
    with client.session_transaction() as cookie:
        cookie["token"] = token
    request.getfixturevalue("locked")
    response = client.post(
        f"/w/{who.workspace_slug}/settings/members", data={"email": "nova@aroeira.example", "role": "agent"}
    )
    assert response.status_code == 503
    assert "Agora não dá" in response.text
