"""The worker: one clock at a time, jobs that fail alone, alerts that leave within a second."""

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.base import STATE_RUNNING, STATE_STOPPED
from sqlalchemy import select, update

from app import services
from app.domain.access import Role
from app.errors import Unavailable
from app.jobs import worker
from app.jobs.timetable import AT_START, TIMETABLE, Job
from app.models import Heartbeat, Lease
from app.runtime import Runtime
from app.services import arrival, heartbeats
from app.services.arrival import Given
from tests.smtp import SmtpSink
from tests.world import Clock, World, token_of

ROOT = Path(__file__).parents[2]


def test_the_clock_belongs_to_one_worker_until_its_lease_ends(runtime: Runtime, clock: Clock) -> None:
    assert heartbeats.hold_clock(runtime)
    assert heartbeats.hold_clock(runtime)
    with runtime.db.write() as session:
        session.execute(update(Lease).values(holder="another:1"))
    assert not heartbeats.hold_clock(runtime)
    clock.advance(seconds=5)
    assert heartbeats.hold_clock(runtime)


def test_a_worker_that_leaves_frees_its_clock_and_its_heartbeat(runtime: Runtime) -> None:
    heartbeats.hold_clock(runtime)
    heartbeats.beat(runtime)
    heartbeats.leave(runtime)
    with runtime.db.read() as session:
        assert session.scalars(select(Lease)).all() == []
        assert session.scalars(select(Heartbeat)).all() == []


def test_whoever_gets_the_clock_asks_at_once_for_what_nobody_listened_to(
    runtime: Runtime, clock: Clock
) -> None:
    """Not when it starts: one that was killed a moment ago still has the clock."""
    with runtime.db.write() as session:
        session.add(Lease(name="clock", holder="killed:1", until=clock.now + heartbeats.LEASE))
    mine = worker.Worker(runtime)

    def asks() -> bool:
        return AT_START[0].name in [job.id for job in mine._scheduler.get_jobs()]

    mine._renew()
    assert not asks()
    clock.advance(minutes=5)
    mine._renew()
    assert asks()
    with runtime.db.read() as session:  # D08: it watches the clock as well
        assert heartbeats.last_jump(session, clock.now) == pytest.approx(300, abs=60)


def test_a_worker_that_is_stopped_as_it_hands_out_work_ends_without_a_word(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something that fails in a thread fails a test."""
    handing, stopping = threading.Event(), threading.Event()

    def hand_out(*_: object) -> None:
        handing.set()
        assert stopping.wait(10)

    monkeypatch.setattr(ThreadPoolExecutor, "submit_job", hand_out)
    mine = worker.Worker(runtime)
    mine._renew()
    mine._scheduler.start()
    assert handing.wait(10)
    ending = threading.Thread(target=mine._end)
    ending.start()
    while mine._scheduler.state == STATE_RUNNING:
        time.sleep(0.001)
    stopping.set()
    ending.join(10)
    assert mine._scheduler.state == STATE_STOPPED


def test_workers_not_heard_of_for_a_day_are_forgotten(runtime: Runtime, clock: Clock, world: World) -> None:
    world.add(Heartbeat(name="old:1", at=clock.now))
    clock.advance(hours=25)
    heartbeats.beat(runtime)
    with runtime.db.read() as session:
        assert session.scalars(select(Heartbeat.name)).all() == [heartbeats.worker_name()]


@pytest.mark.parametrize("error", [RuntimeError("poison"), Unavailable("busy")])
def test_a_job_that_fails_stops_no_other(runtime: Runtime, error: Exception) -> None:
    """F01: it is logged, and due again at the next tick."""

    def poison(_: Runtime) -> int:
        raise error

    assert worker.do(runtime, Job("poison", poison, 1)) == 0
    assert worker.do(runtime, Job("good", lambda _: 3, 1)) == 3


def test_no_job_is_listed_twice_and_every_rhythm_is_positive() -> None:
    names = [job.name for job in (*AT_START, *TIMETABLE)]  # one of two with one name would not run
    assert "keep_journal_at_start" in names
    assert len(names) == len(set(names))
    assert all(job.every_seconds > 0 for job in TIMETABLE)


def test_whatever_says_that_it_is_a_job_is_in_the_timetable() -> None:
    """D05, N04 and all the others: a verb that nobody calls does nothing, however well it is tested."""
    listed = {job.work for job in (*AT_START, *TIMETABLE)}
    for module in pkgutil.iter_modules(services.__path__, "app.services."):
        for verb in vars(importlib.import_module(module.name)).values():
            says = inspect.getdoc(verb) if inspect.isfunction(verb) else None
            assert not (says or "").startswith("A job") or verb in listed, verb


def test_idle_is_when_no_job_finds_anything(runtime: Runtime) -> None:
    assert worker.run_until_idle(runtime) == 0


def test_only_the_holder_of_the_clock_runs_the_clocks_jobs(runtime: Runtime) -> None:
    done: list[str] = []
    mine = worker.Worker(runtime)
    for has_clock in (False, True):
        mine.has_clock = has_clock
        mine._tick(Job("of the clock", lambda _: done.append("clock") or 1, 1))
        mine._tick(Job("of everybody", lambda _: done.append("every") or 1, 1, clock=False))
    assert done == ["every", "clock", "every"]


def test_the_alert_of_an_answer_leaves_within_a_second(
    runtime: Runtime, world: World, clock: Clock, smtp_server: SmtpSink
) -> None:
    """With a real worker process that has nothing else to do."""
    clock.now = datetime.now(UTC)
    workspace = world.workspace()
    world.member(workspace, Role.AGENT)
    invitation = world.invitation(workspace, world.survey(workspace), world.contact(workspace))
    env = {
        "PATH": os.environ["PATH"], "DATABASE_URL": runtime.config.database_url, "SMTP_URL": smtp_server.url,
        "SECRET_KEY": runtime.config.secret_key, "MAIL_FROM": "pergunta@aroeira.example",
        "LOG_LEVEL": "ERROR",
    }  # fmt: skip
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    process = subprocess.Popen(command, cwd=ROOT, env=env)
    try:
        wait_for_heartbeat(runtime)
        real = replace(runtime, clock=lambda: datetime.now(UTC))
        began = time.monotonic()
        arrival.record(real, token_of(invitation), Given(score="2"))
        smtp_server.wait_for(1, seconds=10)
        took = time.monotonic() - began
    finally:
        process.terminate()
        process.wait(20)
    assert took < 3, "even a busy machine keeps it near the second that a quiet one shows in the benchmark"


def wait_for_heartbeat(runtime: Runtime) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with runtime.db.read() as session:
            if session.scalars(select(Heartbeat)).all():
                return
        threading.Event().wait(0.05)
    raise AssertionError("the worker did not start")
