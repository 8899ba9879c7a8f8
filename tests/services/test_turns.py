"""Turns of a throttled run that waits for its morning: whatever is saved meanwhile puts nobody off."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from app.channels.registry import open_channels
from app.domain.access import Role
from app.models import Message, Schedule, Setting, Workspace
from app.runtime import Runtime
from app.services import looking_again, schedules, sending, workspace_settings, wrong_clock
from app.services.access import Visitor
from tests.services.test_planning import crowd, due, tick
from tests.smtp import SmtpSink
from tests.world import Clock, World

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
MORNING = MONDAY + timedelta(hours=36)  # Tuesday, 9:00 in São Paulo
TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture
def place(runtime: Runtime, smtp_server: SmtpSink) -> Iterator[Runtime]:
    config = replace(runtime.config, smtp_url=smtp_server.url, mail_from="pergunta@aroeira.example")
    made = replace(runtime, config=config, channels=open_channels(config))
    yield made
    for each in made.channels.values():
        each.close()


def due_moments(place: Runtime) -> list[datetime]:
    with place.db.read() as session:
        return sorted(session.scalars(select(Message.due_at).where(Message.state == "queued")))


def saved(place: Runtime, owner: Visitor, _: str, cap: int) -> None:
    workspace_settings.update(place, owner, {"daily_cap": cap})
    looking_again.look_at_held(place)


def paused(place: Runtime, owner: Visitor, schedule_id: str, _: int) -> None:
    schedules.pause(place, owner, schedule_id)
    schedules.resume(place, owner, schedule_id)


def went_back(place: Runtime, owner: Visitor, schedule_id: str, cap: int) -> None:
    with place.db.write() as session:
        wrong_clock.watch(session, place.clock() + timedelta(minutes=2), "here")
        wrong_clock.watch(session, place.clock(), "here")
    assert wrong_clock.look_at_waiting(place)


def asleep(place: Runtime, world: World, clock: Clock, people: int) -> tuple[Workspace, str]:
    """Six an hour, from nine to eleven: twelve on each morning. It is past one in the night."""
    workspace = world.workspace(quiet_email=True, quiet_from="11:00", quiet_to="09:00")
    crowd(world, workspace, people)
    clock.now = MONDAY + timedelta(hours=24)
    manager = world.member(workspace, Role.MANAGER)
    id = due(place, manager, world.survey(workspace), terms={"per_hour": 6})
    tick(place)
    clock.now = MONDAY + timedelta(hours=28)
    assert sending.send_due(place) == 0
    return workspace, id


@pytest.mark.on_both
@pytest.mark.parametrize("happens", [saved, paused, went_back])
@pytest.mark.parametrize("at_once", [1, 5_000])
def test_whatever_has_a_run_judged_anew_however_often_its_people_are_asked_in_the_same_morning(
    place: Runtime, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch,
    happens: Callable[[Runtime, Visitor, str, int], None], at_once: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(looking_again, "AT_ONCE", at_once)
    monkeypatch.setattr(wrong_clock, "AT_ONCE", at_once)
    workspace, id = asleep(place, world, clock, 12)
    owner = world.member(workspace)
    turns = [MORNING + TEN_MINUTES * each for each in range(12)]
    assert due_moments(place) == turns
    for cap in (4, 5, 6):
        clock.advance(minutes=10)
        happens(place, owner, id, cap)
        assert sending.send_due(place) == 0
        assert due_moments(place) == turns
    left = []
    for at in turns:
        clock.now = at
        left.append(sending.send_due(place))
    assert left == [1] * 12


@pytest.mark.on_both
def test_whoever_keeps_a_turn_while_others_get_theirs_anew_keeps_the_hour(
    place: Runtime, world: World, clock: Clock
) -> None:
    """Nobody was at work early in the morning: who had no room then has turns beside those of the others."""
    workspace, _ = asleep(place, world, clock, 30)
    owner = world.member(workspace)
    clock.now = MORNING + timedelta(hours=1, minutes=50)
    assert sending.send_due(place) == 6, "of the twelve who are due"
    clock.now = MORNING + timedelta(hours=12)
    sending.send_due(place)
    saved(place, owner, "", 4)
    clock.advance(minutes=1)
    sending.send_due(place)
    left = []
    for day in (1, 2, 3):
        for minutes in range(0, 125, 5):
            clock.now = MORNING + timedelta(days=day, minutes=minutes)
            left.append(sending.send_due(place))
    assert sum(left) == 24
    assert all(sum(left[at : at + 12]) <= 6 for at in range(len(left)))


@pytest.mark.on_both
@pytest.mark.parametrize("days", [0, 60])
def test_behind_many_days_of_turns_the_pen_is_held_no_longer(
    place: Runtime, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    _, id = asleep(place, world, clock, 30)
    mornings = [MORNING + timedelta(days=each) for each in range(days)]
    stretches = [(each.isoformat(), (each + timedelta(minutes=110)).isoformat()) for each in mornings]
    with place.db.write() as session:
        row = session.get_one(Setting, f"hour_of:{id}")
        row.value = json.dumps({"left": [], "turns": stretches})
        for each in session.scalars(select(Message)):
            each.due_at = clock.now
    took, attempt = [], sending._attempt

    def timed(*values: object) -> object:
        begun = time.process_time()
        done = attempt(*values)  # type: ignore[arg-type]
        took.append(time.process_time() - begun)
        return done

    monkeypatch.setattr(sending, "_attempt", timed)
    sending.send_due(place)
    assert due_moments(place)[0] == MORNING + timedelta(days=days)
    assert sorted(took)[len(took) // 2] < 0.03


@pytest.mark.judged_on("postgresql")
def test_a_worker_that_waits_for_somebody_who_pauses_a_run_has_not_taken_its_hour(
    place: Runtime, world: World, clock: Clock
) -> None:
    """Who pauses has the schedule and wants its hour; the other way round each would wait for the other."""
    _, id = asleep(place, world, clock, 3)
    clock.now = MORNING
    with place.db.write() as pausing, ThreadPoolExecutor(1) as pool:
        pausing.get_one(Schedule, id, with_for_update=True)
        worker = pool.submit(sending.send_due, place)
        while not pausing.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert not worker.done()
        free = select(Setting).where(Setting.name == f"hour_of:{id}").with_for_update(nowait=True)
        assert pausing.scalars(free).one()
        pausing.commit()
        assert worker.result() > 0
