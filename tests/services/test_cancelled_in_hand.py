"""A question in a worker's hand while its schedule is cancelled: put back, it ends at once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, select, update

from app.channels.registry import open_channels
from app.domain.access import Role
from app.models import Invitation, Message, Workspace
from app.runtime import Runtime
from app.services import departing, runs, schedules, sending
from tests.services.recurring import House
from tests.smtp import SmtpSink
from tests.world import Clock, World


@pytest.fixture
def place(runtime: Runtime, smtp_server: SmtpSink) -> Iterator[Runtime]:
    """Mails over a real server."""
    config = replace(runtime.config, smtp_url=smtp_server.url, mail_from="pergunta@aroeira.example")
    made = replace(runtime, config=config, channels=open_channels(config))
    yield made
    made.channels["email"].close()


@pytest.fixture
def house(place: Runtime, clock: Clock) -> House:
    world = World(place)
    workspace = world.workspace()
    return House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))


def once_loaded(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """After a worker has looked at its first group, and before it says what becomes of it."""
    load, waits = departing.load, [True]

    def looked(*given: Any) -> Any:
        found = load(*given)
        if waits and waits.pop():
            happens()
        return found

    monkeypatch.setattr(departing, "load", looked)


def dark(house: House) -> None:
    """The workspace asks nobody today any more."""
    with house.runtime.db.write() as session:
        session.execute(update(Workspace).values(blackout_dates=["2026-11-16"]))


def crowded(house: House) -> None:
    """One an hour, and all of them are due."""
    with house.runtime.db.write() as session:
        session.execute(update(Message).values(due_at=house.clock.now))


def told(house: House) -> list[tuple[str, str | None]]:
    with house.runtime.db.read() as session:
        return sorted((row.state, row.reason) for row in session.scalars(select(Invitation)))


@pytest.mark.parametrize(
    ("per_hour", "meanwhile", "left"), [(None, dark, 0), (1, crowded, 1)], ids=["dark", "crowded"]
)
@pytest.mark.judged_on("postgresql")
def test_what_would_wait_for_a_better_hour_ends_with_the_schedules_reason(
    house: House, monkeypatch: pytest.MonkeyPatch, per_hour: int | None,
    meanwhile: Callable[[House], None], left: int,
) -> None:  # fmt: skip
    if house.runtime.db.is_sqlite:
        pytest.skip("SQLite has one writer: whoever cancels waits")
    house.crowd(3)
    terms = {"per_hour": per_hour} if per_hour else {}
    id = house.plans(repeat="once", terms=terms)
    house.tick()
    meanwhile(house)
    once_loaded(monkeypatch, lambda: schedules.cancel(house.runtime, house.who, id))
    assert sending.send_due(house.runtime) == left
    assert told(house) == [("cancelled", "cancelled")] * (3 - left) + [("sent", None)] * left
    with house.runtime.db.read() as session:
        assert not session.scalars(select(Message).where(Message.state.in_(("queued", "claimed")))).all()
    (run,) = runs.history(house.runtime, house.who, id).items
    assert (run.asked, run.waiting, dict(run.not_asked)) == (left, 0, {"cancelled": 3 - left})


@pytest.mark.parametrize("is_cancelled", [True, False])
def test_what_would_be_tried_again_ends_with_the_schedules_reason(
    house: House, smtp_server: SmtpSink, is_cancelled: bool
) -> None:
    house.crowd(1)
    smtp_server.refuse_recipient["p0@b.example"] = "450 4.2.1 Mailbox busy"
    id = house.plans(repeat="once")
    house.tick()

    def reach(name: str) -> None:
        if name == "attempting" and is_cancelled:
            schedules.cancel(house.runtime, house.who, id)

    assert sending.send_due(replace(house.runtime, reach=reach)) == 0
    assert told(house) == [("cancelled", "cancelled") if is_cancelled else ("queued", None)]
    with house.runtime.db.read() as session:
        message = session.scalars(select(Message)).one()
    assert message.state == ("cancelled" if is_cancelled else "queued")


@pytest.mark.judged_on("postgresql")
def test_a_worker_takes_schedules_in_one_order_whatever_became_of_their_messages(
    house: House, smtp_server: SmtpSink
) -> None:
    """Else two of them would wait for each other: a bounce takes the brake, a retry looks at it."""
    home = house.world.workspace_of(house.survey)
    teams: dict[str, str] = {}
    for team in ("north", "south"):
        house.world.contact(home, email=f"{team}@b.example", attributes={"team": team})
        id = house.plans(repeat="once", audience={"attributes": {"team": team}})
        teams[id] = f"{team}@b.example"
    first, second = sorted(teams)
    smtp_server.refuse_recipient[teams[first]] = "450 4.2.1 Mailbox busy"
    smtp_server.refuse_recipient[teams[second]] = "550 5.1.1 No such user"
    house.tick()
    taken: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        if "pg_advisory_xact_lock" in statement or ("FROM schedules" in statement and "FOR " in statement):
            taken.extend(id for id in teams if id in str(values))

    def reach(point: str) -> None:
        if point == "handed_over":
            taken.clear()

    event.listen(house.runtime.db.engine, "before_cursor_execute", listen)
    try:
        sending.send_due(replace(house.runtime, reach=reach))
    finally:
        event.remove(house.runtime.db.engine, "before_cursor_execute", listen)
    assert taken == [first, second, second]
