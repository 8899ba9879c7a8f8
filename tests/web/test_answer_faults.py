"""What goes wrong while people answer, and what must come of it (B07, B13–B18, B22, B23, B25)."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import (
    Answer,
    AnswerEdit,
    Base,
    FollowUp,
    Invitation,
    Message,
    Survey,
    Token,
    Workspace,
    new_id,
)
from app.runtime import Runtime
from app.services import api_keys, erasure, surveys
from app.services.access import Visitor
from app.services.tokens import token_hash
from app.web import create_app
from tests.web.page_checks import problems_of
from tests.world import Clock, World, token_of

pytestmark = pytest.mark.on_both

ROOT = Path(__file__).parents[2]
HOSTILE = [
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "<a href='javascript:alert(1)'>click</a>",
    "{{7*7}} {% raw %} ${7*7} {{ link }} %(name)s %s {0}",
    "=HYPERLINK(\"https://evil.example\",\"x\")",
    "\u202eesrever \u2066isolated",
    "z" + "\u0351\u0489" * 200 + "algo",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "\u0000\u0007\u001b[31mred",
    "line\r\nBcc: everybody@evil.example\r\n\r\nbody",
    "&amp;lt;b&amp;gt; &#60;b&#62;",
]  # fmt: skip


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(slug="aroeira", name="Aroeira")


@pytest.fixture
def owner(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.OWNER)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace)


@pytest.fixture
def asked(world: World, workspace: Workspace, survey: Survey) -> Invitation:
    return world.invitation(workspace, survey, world.contact(workspace, name="Maria Figueiredo"))


@pytest.fixture
def link(asked: Invitation) -> str:
    return f"/r/{token_of(asked)}"


def answers(runtime: Runtime) -> list[Answer]:
    with runtime.db.read() as session:
        return list(session.scalars(select(Answer).order_by(Answer.recorded_at)))


def another_link(world: World, invitation: Invitation) -> str:
    """The same question in a second message, as on another channel."""
    with world.runtime.db.read() as session:
        first = session.scalars(select(Message).where(Message.invitation_id == invitation.id)).one()
    values = {column.name: getattr(first, column.name) for column in Message.__table__.columns}
    message = world.add(Message(**values | {"id": new_id(), "purpose": "reminder"}))
    token = new_id()
    world.add(
        Token(
            token_hash=token_hash(token), purpose="answer", workspace_id=invitation.workspace_id,
            message_id=message.id, invitation_id=invitation.id, created_at=world.now,
        )
    )  # fmt: skip
    return f"/r/{token}"


def test_b07_two_links_of_one_invitation_are_one_answer_and_the_latest_word_counts(
    client: FlaskClient, world: World, runtime: Runtime, asked: Invitation, link: str
) -> None:
    other = another_link(world, asked)
    client.post(link, data={"score": "9"})
    client.post(other, data={"score": "4"})
    assert [answer.score for answer in answers(runtime)] == [4]
    with runtime.db.read() as session:
        assert session.execute(select(AnswerEdit.score, AnswerEdit.late)).all() == [(9, False)]
    assert 'name="comment"' in client.get(link).text


def test_b13_a_survey_that_was_put_away_still_takes_the_answers_it_asked_for(
    client: FlaskClient, runtime: Runtime, owner: Visitor, survey: Survey, link: str
) -> None:
    surveys.archive(runtime, owner, survey.id)
    assert client.post(link, data={"score": "9"}).status_code == 303
    assert [answer.late for answer in answers(runtime)] == [False]


def every_end(world: World, runtime: Runtime, owner: Visitor, survey: Survey, clock: Clock) -> dict[str, str]:
    """A token for each way in which a link can lead nowhere."""
    workspace = world.workspace()
    theirs = world.survey(workspace)
    made = {
        name: world.invitation(workspace, theirs, world.contact(workspace))
        for name in ("past its end", "no longer editable", "cancelled", "erased", "other purpose")
    }
    with runtime.db.write() as session:
        session.get_one(Invitation, made["past its end"].id).expires_at = clock.now
        session.get_one(Invitation, made["cancelled"].id).state = "cancelled"
    create_app(runtime).test_client().post(f"/r/{token_of(made['no longer editable'])}", data={"score": "9"})
    erasure.erase(runtime, world.member(workspace), made["erased"].contact_id)
    clock.advance(hours=25)
    tokens = {name: token_of(invitation) for name, invitation in made.items()}
    return tokens | {
        "other purpose": token_of(made["other purpose"], "unsubscribe"),
        "unknown": "a" * 26,
        "the hash": token_hash(tokens["past its end"]).hex(),
        "an id": made["past its end"].id,
        "shouted": token_of(made["other purpose"]).upper(),
        "malformed": "%00%ff",
        "long": "x" * 3000,
    }


def test_b14_b15_every_link_that_leads_nowhere_is_told_the_same(
    client: FlaskClient, world: World, runtime: Runtime, owner: Visitor, survey: Survey, clock: Clock
) -> None:
    """Unknown, ended, another purpose's: by no method, field or value can anybody tell which."""
    tokens = every_end(world, runtime, owner, survey, clock)
    before = len(answers(runtime))
    asks = [
        ("GET", "", None), ("GET", "?score=9", None), ("GET", "?step=thanks", None), ("HEAD", "", None),
        ("POST", "", {"score": "9"}), ("POST", "", {"score": "99"}), ("POST", "", {}),
        ("POST", "", {"comment": "x" * 3000}), ("POST", "", {"score": "9", "website": "x"}),
    ]  # fmt: skip
    for method, query, data in asks:
        told = {}
        for name, token in tokens.items():
            response = client.open(f"/r/{token}{query}", method=method, data=data)
            headers = {key: value for key, value in response.headers if key != "X-Request-ID"}
            told[name] = (response.status_code, response.get_data(as_text=True), headers)
        assert len({json.dumps(each, sort_keys=True) for each in told.values()}) == 1, (method, query, data)
        assert told["unknown"][0] == 404
    counted = [answer for answer in answers(runtime) if not answer.late]
    assert len(counted) == before == 1


def test_b15_once_the_sandbox_is_off_what_it_asked_is_told_the_same_too(
    world: World, runtime: Runtime, asked: Invitation, link: str
) -> None:
    with runtime.db.write() as session:
        session.get_one(Invitation, asked.id).sandbox = True
    off = create_app(replace(runtime, config=replace(runtime.config, sandbox="off"))).test_client()
    assert off.get(link).data == off.get(f"/r/{'a' * 26}").data
    assert off.post(link, data={"score": "9"}).data == off.post(f"/r/{'a' * 26}").data


def test_b16_no_id_is_a_number_that_somebody_could_count_on() -> None:
    """Public ids are 128 random bits; what has no such id is never named in an address."""
    counted = {
        (table.name, column.name, len(table.primary_key.columns))
        for table in Base.metadata.tables.values()
        for column in table.primary_key.columns
        if column.type.python_type is int
    }
    # Each counts only inside something that has a name of its own
    assert counted == {
        ("rate_windows", "window", 2), ("audit_rows", "number", 2), ("import_parts", "number", 3),
        ("import_rejects", "row", 3),
    }  # fmt: skip
    assert len({new_id() for _ in range(1000)}) == 1000
    assert re.fullmatch(r"[a-z2-7]{26}", new_id())


LOGGING = """
import sys, wsgi
from app.web.policy import open_to_all

@wsgi.app.get("/r/<token>/mistake")
@open_to_all
def mistake(token):
    comment = "unmistakable words"
    raise ZeroDivisionError

client, token, out = wsgi.app.test_client(), *sys.argv[1:]
for path in (f"/r/{token}", f"/u/{out}", f"/r/{token}?score=3", f"/r/{token}/mistake", f"/r/{token}/x"):
    client.get(path)
client.post(f"/r/{token}", data={"score": "3", "comment": "unmistakable words"})
client.post(f"/r/{token}", data={"score": "99"})
client.post(f"/u/{out}")
"""


@pytest.mark.parametrize("form", ["console", "json"])
def test_b17_no_token_is_ever_logged_not_even_by_a_mistake(
    runtime: Runtime, asked: Invitation, form: str
) -> None:
    """In a process of its own, as the log is set up once for a process."""
    environ = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": runtime.config.database_url,
        "KEYS_DIR": str(runtime.config.keys_dir),
        "SECRET_KEY": runtime.config.secret_key,
        "LOG_FORMAT": form,
        "LOG_LEVEL": "DEBUG",
    }
    token, out = token_of(asked), token_of(asked, "unsubscribe")
    command = [sys.executable, "-c", LOGGING, token, out]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True
    )
    written = done.stdout + done.stderr
    assert "ZeroDivisionError" in written
    assert "/r/<token>" in written
    for secret in (token, out, "unmistakable", "Maria"):
        assert secret not in written


@pytest.mark.parametrize("words", HOSTILE)
def test_b18_whatever_is_said_is_kept_as_it_came_and_runs_nowhere(
    client: FlaskClient,
    client_for: Callable[[Visitor], FlaskClient],
    runtime: Runtime,
    owner: Visitor,
    link: str,
    words: str,
) -> None:
    client.post(link, data={"score": "2", "comment": words})
    (answer,) = answers(runtime)
    kept = words.replace("\r\n", "\n").replace("\0", "")
    assert answer.comment == kept
    key = api_keys.create(runtime, owner, "x", None).secret
    told = client.get("/api/v1/answers", headers={"Authorization": f"Bearer {key}"})
    assert told.get_json()["items"][0]["comment"] == kept
    with runtime.db.read() as session:
        followup = session.scalars(select(FollowUp.id)).one()
    desk = client_for(owner)
    base = f"/w/{owner.workspace_slug}"
    seen = [(link + "?step=thanks", client.get(link + "?step=thanks"))]
    for path in ("/", "/answers", "/followups", f"/followups/{followup}", f"/contacts/{answer.contact_id}"):
        seen.append((base + path, desk.get(base + path)))
    for path, page in seen:
        assert page.status_code == 200, path
        assert not problems_of(page.text, path), path
        for alive in ("<script>alert", "<svg onload", "href='javascript:", "49 ", "&lt;b&gt; &lt;b&gt;"):
            assert alive not in page.text, path
    (row,) = [line for line in desk.get(f"{base}/answers/export.csv").text.splitlines() if answer.id in line]
    assert ",=HYPER" not in row
    assert ',"=HYPER' not in row


def test_b18_a_megabyte_is_not_read_and_nothing_of_it_is_kept(
    client: FlaskClient, runtime: Runtime, link: str
) -> None:
    assert client.post(link, data={"score": "9", "comment": "x" * 1_000_000}).status_code == 413
    many = {f"f{number}": "x" for number in range(2_000)}
    assert client.post(link, data=many, content_type="multipart/form-data").status_code == 413
    assert answers(runtime) == []


def test_b22_whoever_stops_after_the_score_has_answered_and_may_go_on_for_a_day(
    client: FlaskClient, runtime: Runtime, link: str, clock: Clock
) -> None:
    client.post(link, data={"score": "8"})
    clock.advance(hours=23)
    assert 'name="comment"' in client.get(link).text
    client.post(link, data={"comment": "Voltei."})
    (answer,) = answers(runtime)
    assert (answer.score, answer.comment, answer.late) == (8, "Voltei.", False)
    assert answer.recorded_at < answer.updated_at
    with runtime.db.read() as session:
        assert session.scalar(select(func.count()).select_from(AnswerEdit)) == 0


def test_b23_an_answer_is_read_by_the_version_that_was_shown(
    client: FlaskClient, runtime: Runtime, owner: Visitor, survey: Survey, asked: Invitation, link: str
) -> None:
    before = client.get(link).text
    surveys.edit(
        runtime,
        owner,
        survey.id,
        None,
        opens_followup=False,
        texts={"pt-BR": {"question": "Outra pergunta?"}},
    )
    surveys.publish(runtime, owner, survey.id)
    assert client.get(link).text == before
    client.post(link, data={"score": "0"})
    (answer,) = answers(runtime)
    assert answer.version_id == asked.version_id
    with runtime.db.read() as session:  # the version that was shown does open one
        assert session.scalar(select(func.count()).select_from(FollowUp)) == 1


@pytest.mark.parametrize(
    ("theirs", "spoken"),
    [("es", "es"), ("en-GB", "en"), ("pt-PT", "pt-BR"), ("ar", "pt-BR"), ("xx", "pt-BR")],
)
def test_b25_a_page_without_their_language_falls_back_and_the_score_is_the_same(
    client: FlaskClient, world: World, runtime: Runtime, workspace: Workspace, theirs: str, spoken: str
) -> None:
    survey = world.survey(workspace, Metric.CES)
    contact = world.contact(workspace, locale=theirs)
    invitation = world.invitation(workspace, survey, contact, locale=theirs)
    link = f"/r/{token_of(invitation)}"
    assert f'<html lang="{spoken}"' in client.get(link).text
    for wrong in ("7,0", "7.0", "٧", "۷", "７"):
        assert client.post(link, data={"score": wrong}).status_code == 422
    assert client.post(link, data={"score": "7"}).status_code == 303
    assert [answer.score for answer in answers(runtime)] == [7]


def test_b27_no_answer_is_a_dash_on_the_page_and_null_for_a_program(
    app: Flask,
    client_for: Callable[[Visitor], FlaskClient],
    world: World,
    runtime: Runtime,
    owner: Visitor,
    asked: Invitation,
) -> None:
    """And only passives are a real zero, the same everywhere."""
    desk, base = client_for(owner), f"/w/{owner.workspace_slug}"
    key = {"Authorization": f"Bearer {api_keys.create(runtime, owner, 'x', None).secret}"}
    client = app.test_client()

    def told() -> dict[str, object]:
        found = client.get("/api/v1/metrics/nps", headers=key).get_json()
        return {name: found[name] for name in ("score", "n", "low", "high")}

    assert told() == {"score": None, "n": 0, "low": None, "high": None}
    assert "–" in desk.get(f"{base}/").text
    client.post(f"/r/{token_of(asked)}", data={"score": "8"})
    assert told()["score"] == 0
    assert desk.get(f"{base}/answers/export.csv").text.count(asked.id) == 1
