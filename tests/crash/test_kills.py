"""Killed at every named point of the path: after a restart nothing is lost, and nothing is asked twice."""

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from app.channels.registry import open_channels
from app.domain.access import Role
from app.jobs.worker import run_until_idle
from app.models import Answer, FollowUp, Invitation, Message, Occurrence, Schedule, Workspace, new_id
from app.runtime import Runtime
from app.web import create_app
from tests.crash.nest import Nest
from tests.peers.running import free_port
from tests.smtp import SmtpSink
from tests.world import Clock, World, token_of

pytestmark = [pytest.mark.crash, pytest.mark.on_both]
ROOT = Path(__file__).parents[2]
PEOPLE = 24
KILLED = 137


def environment(runtime: Runtime, sink: SmtpSink) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": runtime.config.database_url,
        "KEYS_DIR": str(runtime.config.keys_dir),
        "SECRET_KEY": runtime.config.secret_key,
        "SMTP_URL": sink.url,
        "MAIL_FROM": "pergunta@aroeira.example",
        "LOG_LEVEL": "ERROR",
    }


@pytest.fixture
def now(clock: Clock) -> datetime:
    """Real processes read real time, so the world is built in it."""
    clock.now = datetime.now(UTC).replace(microsecond=0)
    return clock.now


@pytest.fixture
def workspace(now: datetime, world: World) -> Workspace:
    workspace = world.workspace(name="Aroeira")
    world.member(workspace, Role.AGENT)
    return workspace


def plan_everybody(world: World, workspace: Workspace) -> None:
    """People, and a schedule that is due."""
    for _ in range(PEOPLE):
        world.contact(workspace)
    survey = world.survey(workspace)
    world.add(
        Schedule(
            id=new_id(),
            workspace_id=workspace.id,
            survey_id=survey.id,
            name="NPS",
            audience={},
            repeat="once",
            starts_at=world.now.strftime("%Y-%m-%dT%H:%M"),
            time_zone="UTC",
            channels=["email"],
            state="active",
            next_due_at=world.now,
            created_at=world.now,
            updated_at=world.now,
        )
    )


def restarted(runtime: Runtime, sink: SmtpSink, clock: Clock) -> Runtime:
    """A healthy worker's runtime after every lease of the dead one has ended."""
    clock.now = datetime.now(UTC) + timedelta(minutes=11)
    config = replace(runtime.config, smtp_url=sink.url, mail_from="pergunta@aroeira.example")
    return replace(runtime, config=config, channels=open_channels(config))


def assert_ledger_is_clean(runtime: Runtime, sink: SmtpSink) -> None:
    """I3, I5: against what the mail server counted by itself."""
    accepted = Counter(each.recipient for each in sink.messages)
    assert not [address for address, count in accepted.items() if count > 1]
    with runtime.db.read() as session:
        rows = session.execute(
            select(Message.to_address, Invitation.state)
            .join(Invitation, Invitation.id == Message.invitation_id)
            .where(Message.purpose == "invitation")
        ).all()
        assert session.scalars(select(Occurrence.state)).all() == ["run"]
        if runtime.db.is_sqlite:
            assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    assert len(rows) == PEOPLE
    assert {row.state for row in rows} <= {"sent", "unknown"}
    assert [row.to_address for row in rows if row.state == "sent" and accepted[row.to_address] != 1] == []
    assert sum(row.state == "unknown" for row in rows) <= 10


@pytest.mark.parametrize(
    ("point", "skip"),
    [
        ("planned", 0),
        ("expanded_some", 0),
        ("claimed", 0),
        ("attempting", 1),
        ("handed_over", 13),
        ("recorded", 0),
    ],
)
def test_a_worker_killed_at_a_point_of_sending(
    runtime: Runtime,
    world: World,
    workspace: Workspace,
    clock: Clock,
    smtp_server: SmtpSink,
    nest: Nest,
    point: str,
    skip: int,
) -> None:
    """C01–C03, C38, E04."""
    plan_everybody(world, workspace)
    env = environment(runtime, smtp_server)
    assert nest.hatch(env, "worker", point=point, skip=skip).wait() == KILLED
    run_until_idle(restarted(runtime, smtp_server, clock))
    assert_ledger_is_clean(runtime, smtp_server)


def test_workers_killed_from_outside_at_any_moment(
    runtime: Runtime, world: World, workspace: Workspace, clock: Clock, smtp_server: SmtpSink
) -> None:
    plan_everybody(world, workspace)
    env = environment(runtime, smtp_server)
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    process = subprocess.Popen(command, cwd=ROOT, env=env)
    until = time.monotonic() + 30
    while len(smtp_server.messages) < 5 and time.monotonic() < until:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert len(smtp_server.messages) >= 5
    run_until_idle(restarted(runtime, smtp_server, clock))
    assert_ledger_is_clean(runtime, smtp_server)


def test_a_worker_that_is_asked_to_stop_finishes_its_group(
    runtime: Runtime, world: World, workspace: Workspace, clock: Clock, smtp_server: SmtpSink
) -> None:
    """C38: SIGTERM leaves nothing unknown."""
    plan_everybody(world, workspace)
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(runtime, smtp_server))
    smtp_server.wait_for(3, seconds=30)
    process.terminate()
    assert process.wait(20) == 0
    with runtime.db.read() as session:
        assert "attempting" not in session.scalars(select(Message.state)).all()
    run_until_idle(restarted(runtime, smtp_server, clock))
    assert_ledger_is_clean(runtime, smtp_server)
    with runtime.db.read() as session:
        assert set(session.scalars(select(Invitation.state))) == {"sent"}


@pytest.mark.parametrize("point", ["answer_inserted", "answer_before_commit", "answer_committed"])
def test_a_web_server_killed_while_an_answer_arrives(
    runtime: Runtime, world: World, workspace: Workspace, smtp_server: SmtpSink, nest: Nest, point: str
) -> None:
    """B08, A12: either nothing or answer, state, follow-up and alert; the same again changes nothing."""
    invitation = world.invitation(workspace, world.survey(workspace), world.contact(workspace))
    link = f"/r/{token_of(invitation)}"
    with (
        running_web(nest, environment(runtime, smtp_server), point) as port,
        pytest.raises((RemoteDisconnected, OSError)),
    ):
        post(port, link, "score=2")
    with runtime.db.read() as session:
        counts = [session.scalar(select(func.count()).select_from(each)) for each in (Answer, FollowUp)]
        state = session.scalars(select(Invitation.state)).one()
    assert (counts, state) in (([0, 0], "sent"), ([1, 1], "answered"))
    assert (counts == [1, 1]) == (point == "answer_committed")
    client = create_app(runtime).test_client()
    assert client.post(link, data={"score": "2"}).status_code == 303
    with runtime.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Answer)) == 1
        assert session.scalar(select(func.count()).select_from(FollowUp)) == 1
        alerts = select(func.count()).select_from(Message).where(Message.purpose == "alert")
        assert session.scalar(alerts) == 1


def post(port: int, path: str, body: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


@contextmanager
def running_web(nest: Nest, env: dict[str, str], point: str) -> Iterator[int]:
    """A dying web server on a free port, waited for; it is dead at the end."""
    port = free_port()
    web = nest.hatch(env, "web", port, point=point, skip=0)
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.02)
    yield port
    assert web.wait(20) == KILLED
