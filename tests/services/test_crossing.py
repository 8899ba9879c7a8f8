"""Two who cross: a bounce and a resumption, an outcome and whatever else has its rows. No work is lost."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from app.channels.registry import open_channels
from app.domain.access import Role
from app.models import Bounces, Invitation, Message, Stop, Workspace
from app.runtime import Runtime
from app.services import (
    arrival,
    asking,
    brakes,
    runs,
    schedule_sheets,
    schedules,
    sending,
    settling,
    unsent,
)
from app.services.arrival import Given
from tests.services.recurring import House
from tests.smtp import SmtpSink
from tests.world import Clock, World

GONE = "550 5.1.1 No such user"
pytestmark = pytest.mark.judged_on("postgresql")


@pytest.fixture
def place(runtime: Runtime, smtp_server: SmtpSink) -> Iterator[Runtime]:
    """Mails over a real server."""
    if runtime.db.is_sqlite:
        pytest.skip("SQLite has one writer")
    config = replace(runtime.config, smtp_url=smtp_server.url, mail_from="pergunta@aroeira.example")
    made = replace(runtime, config=config, channels=open_channels(config))
    yield made
    made.channels["email"].close()


@pytest.fixture
def house(place: Runtime, clock: Clock) -> House:
    world = World(place)
    workspace = world.workspace(name="Aroeira")
    return House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))


def beside(act: Callable[[], object]) -> Future[object]:
    return ThreadPoolExecutor(1).submit(act)


def wait_until_somebody_waits(place: Runtime) -> None:
    """Until another session stands behind a lock."""
    query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with place.db.read() as session:
            if session.scalar(query):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.parametrize("act", [schedules.resume, schedules.cancel])
def test_whoever_resumes_or_cancels_while_messages_come_back_waits_for_the_bounce(
    house: House, smtp_server: SmtpSink, act: Callable[..., int]
) -> None:
    house.crowd(40)
    for number in range(40):
        smtp_server.refuse_recipient[f"p{number}@b.example"] = GONE
    id = house.plans(repeat="once")
    house.tick()
    sending.send_due(house.runtime)
    assert schedule_sheets.get(house.runtime, house.who, id).state == "paused"
    with house.runtime.db.write() as session:  # the next of them is not the one at which the brake looks
        session.execute(update(Bounces).values(look_at=Bounces.number + 3))
    with house.runtime.db.write() as session:
        failed = session.scalars(select(Message.id).where(Message.state == "failed")).all()
        brakes.bounced(session, failed[0], "invalid_address", house.clock.now)
        resumed = beside(lambda: act(house.runtime, house.who, id))
        wait_until_somebody_waits(house.runtime)
        for each in failed:  # so many more that the brake looks at the schedule again
            brakes.bounced(session, each, "invalid_address", house.clock.now)
    resumed.result(timeout=10)
    with house.runtime.db.read() as session:
        assert all(each.ended_at for each in session.scalars(select(Stop)))
    assert schedule_sheets.get(house.runtime, house.who, id).state in ("ended", "cancelled")


def test_nobody_stays_held_whose_schedule_went_on_while_they_were_held_back(house: House) -> None:
    """A worker has looked at a paused schedule; it goes on before the worker holds the question back."""
    workspace = house.world.workspace_of(house.survey)
    with house.runtime.db.write() as session:
        session.get_one(Workspace, workspace.id).daily_cap = 5  # so that it takes a lock on the person
    maria = house.world.contact(workspace)
    id = house.plans(repeat="once")
    house.tick()
    locked = [f"cap:{name}" for name in sorted((maria.id, maria.email_key or ""))]

    claims = []

    def pauses(point: str) -> None:
        if point == "claimed" and not claims:
            claims.append(schedules.pause(house.runtime, house.who, id))

    with house.runtime.db.write() as session:
        for name in locked:
            session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})
        worker = beside(lambda: sending.send_due(replace(house.runtime, reach=pauses)))
        wait_until_somebody_waits(house.runtime)
        schedules.resume(house.runtime, house.who, id)
    worker.result(timeout=10)
    unsent.follow_all(house.runtime)
    sending.send_due(house.runtime)
    assert house.count(Invitation.state == "sent") == 1


def test_whoever_is_asked_although_somebody_cancels_meanwhile_can_answer(
    house: House, smtp_server: SmtpSink
) -> None:
    """A worker has looked at a schedule that goes on; it is cancelled before the attempt is committed."""
    workspace = house.world.workspace_of(house.survey)
    with house.runtime.db.write() as session:
        session.get_one(Workspace, workspace.id).daily_cap = 5  # so that it takes a lock on the person
    people = sorted((house.world.contact(workspace) for _ in range(3)), key=lambda each: each.id)
    id = house.plans(repeat="once")
    house.tick()
    with house.runtime.db.write() as session:  # one of them is in hand, the others wait for their turn
        first = select(Message.id).where(Message.contact_id == people[0].id).scalar_subquery()
        later = house.clock.now + timedelta(minutes=1)
        session.execute(update(Message).where(Message.id != first).values(due_at=later))

    locked = [f"cap:{name}" for name in sorted((people[0].id, people[0].email_key or ""))]
    with house.runtime.db.write() as session:
        for name in locked:
            session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})
        worker = beside(lambda: sending.send_due(house.runtime))
        wait_until_somebody_waits(house.runtime)
        assert schedules.cancel(house.runtime, house.who, id) == 2
    assert worker.result(timeout=10) == 1

    (mail,) = smtp_server.messages
    token = re.findall(r"/r/([a-z2-7]+)", mail.text)[0]
    arrival.record(house.runtime, token, Given(score=9))
    assert house.count(Invitation.state == "answered") == 1
    (run,) = runs.history(house.runtime, house.who, id).items
    assert (run.asked, run.waiting, dict(run.not_asked)) == (1, 0, {"cancelled": 2})
    assert schedules.cancel(house.runtime, house.who, id) == 0


def test_what_a_worker_had_claimed_as_it_died_does_not_leave_once_its_schedule_is_cancelled(
    house: House, smtp_server: SmtpSink
) -> None:
    house.crowd(1)
    id = house.plans(repeat="once")
    house.tick()
    ends = house.clock.now + timedelta(seconds=4)
    with house.runtime.db.write() as session:
        session.execute(update(Message).values(state="claimed", lease_token="dead", lease_until=ends))
    schedules.cancel(house.runtime, house.who, id)
    house.clock.advance(seconds=10)
    settling.end_leases(house.runtime)
    assert sending.send_due(house.runtime) == 0
    assert house.count(Invitation.state == "cancelled", Invitation.reason == "cancelled") == 1
    assert smtp_server.messages == []


def test_an_outcome_that_lost_a_deadlock_is_written_down_after_all(
    house: House, place: Runtime, smtp_server: SmtpSink
) -> None:
    maria = house.world.contact(house.world.workspace_of(house.survey))
    asking.ask(place, house.who, house.survey.id, maria.id)

    held: list[Future[object]] = []
    going = replace(place, reach=lambda point: in_the_way() if point == "handed_over" else None)

    def in_the_way() -> None:
        """Somebody else takes the invitation before the outcome is recorded, and then wants the message."""
        if not held:
            held.append(beside(lambda: cross(place)))
            time.sleep(0.2)

    assert sending.send_due(going) == 1
    held[0].result(timeout=10)
    with place.db.read() as session:
        message, asked = session.scalars(select(Message)).one(), session.scalars(select(Invitation)).one()
        assert (message.state, asked.state) == ("sent", "sent")
    assert len(smtp_server.messages) == 1


def cross(place: Runtime) -> None:
    with place.db.write() as session:
        session.scalars(select(Invitation).with_for_update()).one()
        wait_until_somebody_waits(place)
        session.execute(update(Message).values(detail="looked at"))
