"""A pulse's reminder that fails goes to the silent alone: whenever that is heard, it tells on nobody."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from app.channels.base import DeliveryError
from app.models import Message, OptOut, Setting
from app.runtime import Runtime
from app.services import departing, outcomes
from app.services.departing import Departing
from app.services.pulse_closing import close_pulse
from tests.pulse_world import PulseWorld, open_pulse
from tests.world import Clock, World

LEASE = "x" * 26
GONE = DeliveryError("invalid_address", permanent=True)
SAID_NO = DeliveryError("opted_out", permanent=True)


@pytest.fixture
def asked(world: World, clock: Clock) -> PulseWorld:
    """Six were asked three days ago; the first has answered."""
    pulse = open_pulse(world, 6)
    pulse.answer(0, 9)
    clock.advance(days=3)
    return pulse


@pytest.fixture
def in_hand(asked: PulseWorld, runtime: Runtime) -> Departing:
    """A reminder to the second one, which somebody is sending at this moment."""
    reminder, now = asked.remind(1), runtime.clock()
    leaving = update(Message).where(Message.id == reminder.id)
    until = now + timedelta(minutes=1)
    with runtime.db.write() as session:
        key = asked.contacts[1].email_key
        session.execute(
            leaving.values(state="claimed", lease_token=LEASE, lease_until=until, address_key=key)
        )
        (each,) = departing.load(session, LEASE, now, 1)
        session.execute(leaving.values(state="attempting"))
    return each


def fails(runtime: Runtime, each: Departing, error: DeliveryError = GONE) -> None:
    with runtime.db.write() as session:
        outcomes.record(session, [(each, error)], LEASE, runtime.clock(), ())


def close(runtime: Runtime, asked: PulseWorld) -> None:
    close_pulse(runtime, asked.world.member(asked.workspace), asked.pulse.id)


def left(runtime: Runtime) -> list[datetime]:
    """When what stands of anybody's address is said to have begun."""
    with runtime.db.read() as session:
        return list(session.scalars(select(OptOut.created_at)))


def is_alike(runtime: Runtime) -> bool:
    """Do the rows of all who were asked carry one mark, or (SQLite) none at all?"""
    if runtime.db.is_sqlite:
        return True
    with runtime.db.read() as session:
        query = "SELECT count(DISTINCT xmax::text) FROM {}"
        return all(
            session.scalar(text(query.format(table))) == 1
            for table in ("contacts", "invitations", "messages")
        )


@pytest.mark.on_both
@pytest.mark.parametrize("error", [GONE, SAID_NO])
def test_one_that_fails_after_closing_leaves_nothing(
    runtime: Runtime, asked: PulseWorld, in_hand: Departing, clock: Clock, error: DeliveryError
) -> None:
    close(runtime, asked)
    clock.advance(seconds=20)
    fails(runtime, in_hand, error)
    assert left(runtime) == []
    assert is_alike(runtime)


@pytest.mark.on_both
def test_one_that_fails_while_the_pulse_is_being_closed_is_one_of_all(
    runtime: Runtime, asked: PulseWorld, in_hand: Departing
) -> None:
    def reach(point: str) -> None:
        if point == "closing_begun":
            fails(runtime, in_hand)

    close(replace(runtime, reach=reach), asked)
    assert left(runtime) == [asked.pulse.opened_at], "as if it had been the first message"
    assert is_alike(runtime)


@pytest.mark.on_both
def test_one_that_fails_as_closing_commits_waits_for_it(
    runtime: Runtime, asked: PulseWorld, in_hand: Departing
) -> None:
    failing: list[Future[None]] = []
    with ThreadPoolExecutor(1) as beside:

        def reach(point: str) -> None:
            if point == "closing_before_commit":
                failing.append(beside.submit(fails, runtime, in_hand))
                with pytest.raises(TimeoutError):  # it is at it, and waits
                    failing[0].result(0.3)

        close(replace(runtime, reach=reach), asked)
        failing[0].result(30)
    assert left(runtime) == []
    assert is_alike(runtime)


@pytest.mark.on_both
def test_a_rest_that_the_provider_asks_for_is_kept_also_then(
    runtime: Runtime, asked: PulseWorld, in_hand: Departing
) -> None:
    close(runtime, asked)
    fails(runtime, in_hand, DeliveryError("provider_unreachable", pause_seconds=60))
    with runtime.db.read() as session:
        assert session.get(Setting, f"{outcomes.CHANNEL_REST}email") is not None
    assert is_alike(runtime)
