"""A pulse opens some people at a time, and what needs all of them waits until they are in."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from threading import Thread

import pytest
from sqlalchemy import select, update

from app import sealing
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Message, Occurrence, Pulse, Survey, Workspace
from app.runtime import Runtime
from app.services import (
    expanding,
    planning,
    portions,
    pulse_closing,
    pulse_reminders,
    pulse_results,
    pulses,
    schedules,
    sending,
    sparing,
)
from app.services.access import Visitor
from tests.services.recurring import House
from tests.world import Clock, World

EMPLOYEES, SOME = 11, 4


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture(autouse=True)
def some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "FEWEST", SOME)
    monkeypatch.setattr(portions, "MOST", SOME)


@pytest.fixture
def workspace(world: World) -> Workspace:
    made = world.workspace("people")
    for _ in range(EMPLOYEES):
        world.contact(made)
    return made


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, Metric.ENPS)


def after(runtime: Runtime, commits: int, do: Callable[[], None]) -> Runtime:
    """The same, and something else happens once so many commits have asked some people."""
    left = iter(range(commits - 1, -1000, -1))

    def reach(point: str) -> None:
        if point == "pulse_opened_some" and next(left) == 0:
            do()

    return replace(runtime, reach=reach)


def killed(runtime: Runtime, commits: int = 1) -> Runtime:
    def die() -> None:
        raise Killed

    return after(runtime, commits, die)


def states(runtime: Runtime) -> Counter[tuple[str, str | None]]:
    with runtime.db.read() as session:
        return Counter((each.state, each.reason) for each in session.scalars(select(Invitation)))


def occurrences(runtime: Runtime) -> list[tuple[str, str | None]]:
    with runtime.db.read() as session:
        return [(each.state, each.reason) for each in session.scalars(select(Occurrence))]


def half_open(runtime: Runtime, manager: Visitor, survey: Survey) -> str:
    """A pulse whose opening was killed after the first people; its id."""
    with pytest.raises(Killed):
        pulses.open_pulse(killed(runtime), manager, survey.id)
    assert states(runtime) == {("queued", None): SOME}
    assert occurrences(runtime) == [("running", None)]
    with runtime.db.read() as session:
        return session.scalars(select(Pulse.id)).one()


@pytest.mark.on_both
@pytest.mark.parametrize("commits", [1, 2, 3])
def test_killed_anywhere_the_worker_goes_on_and_asks_everybody_once(
    runtime: Runtime, manager: Visitor, survey: Survey, commits: int
) -> None:
    with pytest.raises(Killed):
        pulses.open_pulse(killed(runtime, commits), manager, survey.id)
    assert occurrences(runtime) == [("running" if commits < 3 else "run", None)]
    expanding.expand_occurrences(runtime)
    assert states(runtime) == {("queued", None): EMPLOYEES}
    assert occurrences(runtime) == [("run", None)]
    with runtime.db.read() as session:
        assert len(set(session.scalars(select(Invitation.contact_id)))) == EMPLOYEES
        closes_at = session.scalars(select(Pulse.closes_at)).one()
        assert set(session.scalars(select(Invitation.expires_at))) == {closes_at}
        assert len(session.scalars(select(Message)).all()) == EMPLOYEES
        assert set(session.scalars(select(Invitation.remind_after))) == {None}
    expanding.expand_occurrences(runtime)
    assert states(runtime) == {("queued", None): EMPLOYEES}


def test_an_audience_keeps_its_filters_until_the_last_of_them(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey
) -> None:
    for _ in range(EMPLOYEES):
        world.contact(workspace, attributes={"team": "Vendas"})
    team = {"attributes": {"team": "Vendas"}}
    with pytest.raises(Killed):
        pulses.open_pulse(killed(runtime), manager, survey.id, audience=team)
    expanding.expand_occurrences(runtime)
    with runtime.db.read() as session:
        asked = select(Contact.attributes).join(Invitation, Invitation.contact_id == Contact.id)
        assert session.scalars(asked).all() == [{"team": "Vendas"}] * EMPLOYEES


def test_who_has_the_question_answers_while_others_are_still_being_asked(
    runtime: Runtime, manager: Visitor, survey: Survey
) -> None:
    pulse_id = half_open(runtime, manager, survey)
    assert sending.send_due(runtime) == SOME
    assert pulse_results.view_pulse(runtime, manager, pulse_id).pulse.asked == SOME
    expanding.expand_occurrences(runtime)
    assert pulse_results.view_pulse(runtime, manager, pulse_id).pulse.asked == EMPLOYEES


def test_nobody_is_reminded_before_everybody_was_asked(
    runtime: Runtime, manager: Visitor, survey: Survey, clock: Clock
) -> None:
    half_open(runtime, manager, survey)
    sending.send_due(runtime)
    clock.advance(days=4)
    assert pulse_reminders.remind_pulses(runtime) == 0
    expanding.expand_occurrences(runtime)
    sending.send_due(runtime)
    assert pulse_reminders.remind_pulses(runtime) == 0  # three days after the last of them left
    clock.advance(days=3)
    assert pulse_reminders.remind_pulses(runtime) == 1


@pytest.mark.on_both
@pytest.mark.parametrize("way", ["by hand", "its time is over"])
def test_closing_ends_the_opening_and_whoever_it_had_not_come_to_is_not_asked(
    runtime: Runtime, manager: Visitor, survey: Survey, clock: Clock, way: str
) -> None:
    pulse_id = half_open(runtime, manager, survey)
    sending.send_due(runtime)
    if way == "by hand":
        pulse_closing.close_pulse(runtime, manager, pulse_id)
    else:
        clock.advance(days=15)
        assert pulse_closing.close_due_pulses(runtime) == 1
    expanding.expand_occurrences(runtime)
    assert states(runtime) == {("sent", None): SOME}
    assert occurrences(runtime) == [("run", None)]
    assert pulse_results.view_pulse(runtime, manager, pulse_id).pulse.state == "closed"


@pytest.mark.on_both
def test_closing_waits_for_the_people_who_are_just_being_asked_and_takes_them_back(
    runtime: Runtime, manager: Visitor, survey: Survey, clock: Clock
) -> None:
    pulse_id = half_open(runtime, manager, survey)
    sending.send_due(runtime)
    closers: list[Thread] = []

    def close(point: str) -> None:
        if point == "pulse_before_commit" and not closers:
            closers.append(Thread(target=pulse_closing.close_pulse, args=[runtime, manager, pulse_id]))
            closers[0].start()
            closers[0].join(0.5)

    expanding.expand_occurrences(replace(runtime, reach=close))
    closers[0].join()
    assert states(runtime) == {("sent", None): SOME, ("cancelled", "expired"): SOME}
    assert sending.send_due(runtime) == 0


def test_an_opening_that_goes_on_when_its_time_is_over_asks_nobody(
    runtime: Runtime, manager: Visitor, survey: Survey, clock: Clock
) -> None:
    half_open(runtime, manager, survey)
    clock.advance(days=15)
    expanding.expand_occurrences(runtime)
    assert states(runtime) == {("queued", None): SOME}
    assert occurrences(runtime) == [("run", None)]


@pytest.mark.on_both
def test_of_two_that_open_at_once_each_person_is_in_one(
    runtime: Runtime, manager: Visitor, survey: Survey
) -> None:
    def another() -> None:
        pulses.open_pulse(runtime, manager, survey.id)

    pulses.open_pulse(after(runtime, 1, another), manager, survey.id)
    assert states(runtime) == {("queued", None): EMPLOYEES, ("skipped", "in_another_pulse"): EMPLOYEES}
    with runtime.db.read() as session:
        asked = session.scalars(select(Invitation.contact_id).where(Invitation.reason.is_(None))).all()
        assert len(set(asked)) == EMPLOYEES


@pytest.mark.on_both
def test_of_a_schedule_it_opens_with_the_first_and_goes_on_after_a_pause(
    runtime: Runtime, world: World, manager: Visitor, survey: Survey, clock: Clock
) -> None:
    house = House(world, clock, manager, survey)
    id = house.plans(repeat="quarterly")
    paused = after(runtime, 1, partial(_pause, runtime, manager, id))
    schedules_due(paused)
    assert occurrences(runtime) == [("running", None)]
    assert states(runtime) == {("planned", "sending_paused"): SOME}
    expanding.expand_occurrences(runtime)
    assert len(list(states(runtime).elements())) == SOME
    schedules.resume(runtime, manager, id)
    expanding.expand_occurrences(runtime)
    assert states(runtime) == {("queued", None): EMPLOYEES}
    assert occurrences(runtime) == [("run", None)]
    with runtime.db.read() as session:
        assert session.scalars(select(Pulse.state)).all() == ["open"]


def _pause(runtime: Runtime, manager: Visitor, id: str) -> None:
    schedules.pause(runtime, manager, id)


def schedules_due(runtime: Runtime) -> None:
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)


def test_of_a_schedule_that_asks_nobody_neither_pulse_nor_key_is_left(
    runtime: Runtime, world: World, manager: Visitor, survey: Survey, clock: Clock
) -> None:
    with runtime.db.write() as session:
        session.execute(update(Contact).values(email=None, email_key=None))
    house = House(world, clock, manager, survey)
    house.plans(repeat="quarterly")
    house.tick()
    assert occurrences(runtime) == [("skipped", "nobody")]
    assert states(runtime) == {("skipped", "no_address"): EMPLOYEES}
    assert pulse_results.list_pulses(runtime, manager) == []
    assert sealing.kept_keys(runtime.config.keys_dir) == []


def test_whom_a_cancelled_opening_had_not_come_to_is_counted(
    runtime: Runtime, world: World, manager: Visitor, survey: Survey, clock: Clock
) -> None:
    house = House(world, clock, manager, survey)
    id = house.plans(repeat="quarterly")
    schedules_due(after(runtime, 1, partial(_cancel, runtime, manager, id)))
    sparing.count_spared(runtime)
    with runtime.db.read() as session:
        assert session.scalars(select(Occurrence.spared)).one() == EMPLOYEES - SOME
        assert session.scalars(select(Pulse.state)).one() == "open"
    assert states(runtime) == {("cancelled", "cancelled"): SOME}


def _cancel(runtime: Runtime, manager: Visitor, id: str) -> None:
    schedules.cancel(runtime, manager, id)


def test_whoever_opens_it_waits_no_longer_than_they_would_look(
    runtime: Runtime, manager: Visitor, survey: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulses, "PATIENCE", 0)
    pulses.open_pulse(runtime, manager, survey.id)
    assert states(runtime) == {}
    expanding.expand_occurrences(runtime)
    assert states(runtime) == {("queued", None): EMPLOYEES}


def test_its_people_are_those_of_its_own_time(
    runtime: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey
) -> None:
    """Whoever comes once all are asked is not in it any more."""
    pulses.open_pulse(runtime, manager, survey.id)
    world.contact(workspace)
    expanding.expand_occurrences(runtime)
    assert states(runtime) == {("queued", None): EMPLOYEES}
