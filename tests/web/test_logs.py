"""The log: one line for each request with its id, and nothing of anybody; of a pulse nothing at all."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app import logs
from app.jobs.timetable import Job
from app.jobs.worker import do, run_until_idle
from app.models import Invitation
from app.runtime import Runtime
from app.web import create_app
from app.web.policy import open_to_all
from tests.pulse_world import open_pulse
from tests.world import World, token_of

NAME, ADDRESS = "Rosângela Bittencourt", "rosangela.b@bemtevi.example"
WORDS = "Remarquei doze pacientes por telefone."


@pytest.fixture
def lines(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """What a machine would read on standard error, from the moment this is asked for."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root = logging.getLogger()
    before, handlers = structlog.get_config(), root.handlers[:]
    root.handlers.clear()
    logs.configure(replace(runtime.config, log_format="json", log_level="DEBUG"))
    structlog.configure(cache_logger_on_first_use=False)
    yield lambda: stream.getvalue().splitlines()
    structlog.configure(**before)
    root.handlers[:] = handlers


@pytest.fixture
def asked(world: World) -> Invitation:
    workspace = world.workspace(name="Aroeira")
    world.member(workspace)
    contact = world.contact(workspace, name=NAME, email=ADDRESS)
    return world.invitation(workspace, world.survey(workspace), contact)


def test_each_request_leaves_one_line_with_its_id(
    lines: Callable[[], list[str]], client: FlaskClient, asked: Invitation
) -> None:
    link = f"/r/{token_of(asked)}"
    response = client.get(link, headers={"X-Request-ID": "from-the-proxy-1"})
    (line,) = [json.loads(each) for each in lines()]
    assert line["id"] == response.headers["X-Request-ID"] == "from-the-proxy-1"
    assert (line["method"], line["route"], line["status"]) == ("GET", "/r/<token>", 200)
    assert line["level"] == "info"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", line["timestamp"])
    assert set(line) == {"id", "method", "route", "status", "ms", "level", "timestamp", "event"}


@pytest.mark.parametrize("forged", ["short", "x" * 65, "two words here", "line\tbreak-12", "ünïcode-12345"])
def test_an_id_that_could_forge_a_line_is_replaced(
    lines: Callable[[], list[str]], client: FlaskClient, forged: str
) -> None:
    response = client.get("/there-is-nothing", headers={"X-Request-ID": forged})
    assert response.headers["X-Request-ID"] != forged
    assert re.fullmatch(r"[0-9a-f]{16}", response.headers["X-Request-ID"])
    assert len(lines()) == 1


def test_a_whole_journey_tells_nothing_of_anybody(
    lines: Callable[[], list[str]], app: Flask, asked: Invitation, world: World, runtime: Runtime
) -> None:
    client, token = app.test_client(), token_of(asked)
    client.get(f"/r/{token}?score=3", headers={"User-Agent": "Mozilla/5.0 (Android; Rosângela)"})
    client.post(f"/r/{token}", data={"score": "3"})
    client.post(f"/r/{token}", data={"score": "99"})
    client.post(f"/r/{token}", data={"comment": WORDS, "contact_me": "yes"})
    client.get(f"/u/{token_of(asked, 'unsubscribe')}")
    client.post(f"/u/{token_of(asked, 'unsubscribe')}")
    client.get("/r/a-token-that-nobody-has")
    run_until_idle(runtime)
    everything = "\n".join(lines())
    assert everything.count('"route": "/r/<token>"') == 5
    for secret in (
        token,
        token_of(asked, "unsubscribe"),
        "a-token-that",
        WORDS,
        NAME,
        ADDRESS,
        "Android",
        "127.0.0.1",
    ):
        assert secret not in everything
        assert json.dumps(secret)[1:-1] not in everything


@pytest.fixture
def broken(runtime: Runtime) -> FlaskClient:
    """An application with a mistake in it that has everything in its hands."""
    app = create_app(runtime)

    @app.post("/mistake/<token>")
    @open_to_all
    def mistake(token: str) -> str:
        comment, address = WORDS, ADDRESS
        with runtime.db.write() as session:
            session.execute(
                text("INSERT INTO nothing (a, b, c) VALUES (:a, :b, :c)"),
                {"a": comment, "b": address, "c": token},
            )
        return ""

    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


def test_a_mistake_is_told_with_its_place_and_id_but_without_what_it_held(
    lines: Callable[[], list[str]], broken: FlaskClient
) -> None:
    response = broken.post("/mistake/a-token-in-the-path", data={"comment": WORDS})
    assert response.status_code == 500
    told = [json.loads(each) for each in lines()]
    mistake = next(each for each in told if each["event"] == "mistake")
    assert mistake["id"] == response.headers["X-Request-ID"]
    assert mistake["id"] in response.text, "so that a person can mention it"
    everything = "\n".join(lines())
    assert "test_logs.py" in everything, "where it happened"
    for secret in ("a-token-in-the-path", WORDS, ADDRESS):
        assert secret not in everything


def test_a_job_that_fails_tells_nothing_either(lines: Callable[[], list[str]], runtime: Runtime) -> None:
    def fail(runtime: Runtime) -> int:
        words = WORDS
        with runtime.db.write() as session:
            session.execute(text("SELECT nothing FROM nowhere WHERE a = :a"), {"a": words})
        return 0

    do(runtime, Job("fails", fail, 1))
    everything = "\n".join(lines())
    assert '"job": "fails"' in everything
    assert WORDS not in everything


@pytest.mark.parametrize(
    "name", ["twilio.http_client", "twilio.async_http_client", "aiohttp.client", "asyncio"]
)
def test_a_library_that_tells_addresses_is_quiet_even_when_everything_is_asked_for(
    lines: Callable[[], list[str]], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger(name).info("Query Params: {'To': '+5511987654321'}")
    logging.getLogger(name).debug("connecting")
    assert lines() == []


def test_a_respondent_of_a_pulse_leaves_no_line_and_no_count(
    lines: Callable[[], list[str]], client: FlaskClient, world: World
) -> None:
    link = "/p/" + token_of(open_pulse(world).invitations[0], "pulse")
    before = counts(client)
    client.get(link)
    client.post(link, data={"score": "2"})
    client.post(link, data={"score": "2", "comment": WORDS})
    client.post(link, data={"score": "77"})
    client.get("/p/a-token-that-nobody-has")
    assert lines() == []
    after = counts(client)
    assert after == before
    assert not [line for line in after if "/p/" in line]


def counts(client: FlaskClient) -> list[str]:
    """What /metrics tells of pages and work; the process's own figures and the reading of them left out."""
    told = client.get("/metrics").text.splitlines()
    return [
        line
        for line in told
        if line.startswith("retorno_") and "/metrics" not in line and "_bytes" not in line
    ]


def test_metrics_count_by_route_and_state_and_name_nobody(
    client: FlaskClient, asked: Invitation, world: World
) -> None:
    client.get(f"/r/{token_of(asked)}")
    counted = client.get("/metrics").text
    assert 'retorno_requests_total{route="/r/<token>",status="200"}' in counted
    assert "retorno_sending_paused 0" in counted
    for secret in (token_of(asked), ADDRESS, NAME, asked.id, asked.workspace_id):
        assert secret not in counted


def test_the_console_format_says_the_same(runtime: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    logs.configure(runtime.config)
    structlog.get_logger("web").info("request", id="abc", route="/r/<token>")
    structlog.configure(**before)
    assert "request" in capsys.readouterr().err
