"""Ends that cross, of one ask or of two runs: whoever writes about both takes them in one order."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.channels.base import DeliveryError, Event, Kind
from app.channels.sandbox import Sandbox
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Message, Occurrence
from app.runtime import Runtime
from app.services import asking, brakes, departing, last_gate, outcomes, pulses, reminding, sending
from app.services import settling_status as statuses
from app.services.last_gate import Lease
from tests.services.test_crossing import wait_until_somebody_waits
from tests.world import Clock, World

pytestmark = pytest.mark.judged_on("postgresql")
THEIRS = "+5531988884417"
GONE = {"state": "failed", "reason": "unreachable", "permanent": True}


@pytest.fixture
def place(runtime: Runtime) -> Runtime:
    """Every channel pretends."""
    if runtime.db.is_sqlite:
        pytest.skip("SQLite has one writer")
    return replace(runtime, channels=dict.fromkeys(("email", "sms"), Sandbox()))


@pytest.fixture
def asked(place: Runtime, world: World) -> Runtime:
    """Somebody got their question by mail, and may be asked by a text as well."""
    workspace = world.workspace()
    maria = world.contact(workspace, phone=THEIRS)
    asking.ask(
        place, world.member(workspace, Role.OWNER), world.survey(workspace).id, maria.id, ["email", "sms"]
    )
    with place.db.write() as session:
        session.scalars(select(Occurrence)).one().terms = {"reminders": [3], "remind_elsewhere": True}
        session.scalars(select(Invitation)).one().remind_after = 3
    sending.send_due(place)
    return place


def told(place: Runtime, purpose: str, channel: str, **said: object) -> None:
    event = Event("sandbox", channel, Kind.STATUS, THEIRS, **said)  # type: ignore[arg-type]
    with place.db.write() as session:
        which = Message.channel == channel, Message.purpose == purpose
        message = session.scalars(select(Message).where(*which).with_for_update()).one()
        statuses.tell(session, message, event, place.clock(), place.channels)


def claim(session: Session, clock: Clock, lease: str, *ids: str) -> None:
    until = clock.now + timedelta(minutes=1)
    for turn, id in enumerate(ids, 1):
        held = {"state": "claimed", "lease_token": lease, "lease_until": until, "priority": turn}
        session.execute(update(Message).where(Message.id == id).values(**held))


def waiting(session: Session, channel: str = "sms") -> str:
    query = select(Message.id).where(Message.channel == channel, Message.state == "queued")
    return session.scalars(query).one()


def states(place: Runtime) -> list[tuple[str, str, str]]:
    with place.db.read() as session:
        return sorted((row.purpose, row.channel, row.state) for row in session.scalars(select(Message)))


def test_a_reminder_is_refused_while_its_question_is_told_as_lost(asked: Runtime, clock: Clock) -> None:
    clock.advance(days=3)
    reminding.remind(asked)
    with asked.db.write() as session:
        claim(session, clock, "L", waiting(session))
        session.execute(update(Contact).values(phone=None, phone_key=None))
    with ThreadPoolExecutor(1) as beside:
        with asked.db.write() as worker:
            group = departing.load(worker, "L", clock.now, 10)
            losing = beside.submit(told, asked, "invitation", "email", **GONE)
            wait_until_somebody_waits(asked)
            lease = Lease("L", 1, "sms", asked.channels["sms"])
            assert last_gate.let_leave(worker, asked, group, lease, clock.now) == []
        losing.result(30)
    assert states(asked) == [("invitation", "email", "failed"), ("reminder", "sms", "cancelled")]
    with asked.db.read() as session:
        assert session.scalars(select(Invitation.state)).one() == "failed"


@pytest.mark.parametrize("purpose", ["invitation", "reminder"])
def test_a_question_leaves_on_the_next_channel_while_it_is_told_that_they_have_been_asked(
    asked: Runtime, clock: Clock, purpose: str
) -> None:
    clock.advance(days=3)
    with asked.db.write() as session:
        session.scalars(select(Occurrence)).one().terms = {"reminders": [3]}
    reminding.remind(asked)
    sending.send_due(asked)
    told(asked, "invitation", "email", **GONE)
    with asked.db.write() as session:
        id = waiting(session)
        claim(session, clock, "L", id)
    with ThreadPoolExecutor(1) as beside:
        with asked.db.write() as worker:
            departing.load(worker, "L", clock.now, 10)
            arriving = beside.submit(told, asked, purpose, "email", state="delivered")
            wait_until_somebody_waits(asked)
            worker.execute(update(Message).where(Message.id == id).values(state="attempting"))
            worker.execute(update(Invitation).values(state="sending"))
        arriving.result(30)
    assert ("invitation", "sms", "attempting") in states(asked)


def runs_of_two(place: Runtime, world: World, *, by_hand: bool) -> list[list[str]]:
    """The questions of two pulses that somebody opened, or of two workspaces that ask one by one."""
    for _ in range(2):
        workspace = world.workspace("people" if by_hand else "customers")
        who = world.member(workspace, Role.OWNER)
        survey = world.survey(workspace, Metric.ENPS if by_hand else Metric.NPS)
        people = [world.contact(workspace).id for _ in range(4)]
        if by_hand:
            pulses.open_pulse(place, who, survey.id)
        for each in [] if by_hand else people:
            asking.ask(place, who, survey.id, each)
    found: dict[str, list[str]] = {}
    with place.db.read() as session:
        for row in session.scalars(select(Message).where(Message.purpose == "invitation")):
            found.setdefault(str(row.workspace_id), []).append(row.id)
    return list(found.values())


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_comes_back_of_two_runs_takes_their_brakes_in_one_order(
    place: Runtime, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch, by_hand: bool
) -> None:
    one, other = runs_of_two(place, world, by_hand=by_hand)
    with place.db.write() as session:
        claim(session, clock, "A", one[0], other[0])
        claim(session, clock, "B", other[1], one[1])
    with place.db.write() as session:
        groups = {lease: departing.load(session, lease, clock.now, 10) for lease in "AB"}
        session.execute(update(Message).where(Message.state == "claimed").values(state="attempting"))
        session.execute(update(Invitation).values(state="sending"))
    both, alone = threading.Barrier(2), brakes.alone

    def slowly(session: Session, brake: str) -> None:
        alone(session, brake)
        with suppress(threading.BrokenBarrierError):
            both.wait(0.5)

    monkeypatch.setattr(brakes, "alone", slowly)

    def fail(lease: str) -> None:
        gone = DeliveryError("invalid_address", permanent=True)
        with place.db.write() as session:
            outcomes.record(session, [(each, gone) for each in groups[lease]], lease, clock.now, ())

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(fail, "AB"))
    assert sum(state == "failed" for _, _, state in states(place)) == 4
