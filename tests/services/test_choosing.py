"""Whose turn it is, and lots, are looked up some people at a time: nobody waits, nothing is read twice."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select, update

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Occurrence, Schedule, Setting, Workspace
from app.runtime import Runtime
from app.services import audiences, choosing, expanding, planning, schedules, whose_turn
from tests.services.recurring import House
from tests.services.test_planning import Killed, dying_at
from tests.world import Clock, World

DRIP = {"repeat": "each_person", "every_days": 3}
DRAWN = {"repeat": "once", "terms": {"sample": {"number": 12}}}
KINDS = pytest.mark.parametrize("given", [DRIP, DRAWN], ids=["drip", "lots"])


@pytest.fixture
def house(world: World, clock: Clock) -> House:
    workspace = world.workspace()
    return House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))


@pytest.fixture(autouse=True)
def small_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "FIRST", 5)
    monkeypatch.setattr(choosing, "MOST", 5)


def asked(house: House) -> list[str]:
    with house.runtime.db.read() as session:
        query = select(Invitation.contact_id).where(
            Invitation.reason.is_(None), Invitation.workspace_id == house.who.workspace_id
        )
        return sorted(session.scalars(query))


def looks_kept(runtime: Runtime) -> list[str]:
    prefix = Setting.name.startswith("turn_of:") | Setting.name.startswith("lots_of:")
    with runtime.db.read() as session:
        return list(session.scalars(select(Setting.value).where(prefix).order_by(Setting.name)))


@KINDS
def test_a_run_of_somebody_else_is_asked_before_a_large_one_has_looked_at_everybody(
    house: House, world: World, clock: Clock, given: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expanding, "LOOK_AGAIN", 0)
    house.crowd(58)
    house.plans(**given)
    planning.plan_schedules(house.runtime)
    workspace = world.workspace()
    other = House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))
    other.crowd(3)
    looks: list[str] = []
    others_asked_after: list[int] = []

    def reach(name: str) -> None:
        looks.extend([name] if name == "looked_for_some" else [])
        if len(looks) == 2 and not others_asked_after and not asked(other):
            other.plans(repeat="once")
            planning.plan_schedules(house.runtime)
        if asked(other):
            others_asked_after.append(len(looks))

    expanding.expand_occurrences(replace(house.runtime, reach=reach))
    assert len(looks) == 12
    assert others_asked_after[0] < 6
    assert len(asked(house)) == {"each_person": 20, "once": 12}[str(given["repeat"])]


@KINDS
def test_killed_while_it_looks_it_goes_on_where_it_was(house: House, given: dict[str, object]) -> None:
    house.crowd(58)
    id = house.plans(**given)
    planning.plan_schedules(house.runtime)
    with pytest.raises(Killed):
        expanding.expand_occurrences(dying_at(house.runtime, "looked_for_some", times=5))
    assert len(looks_kept(house.runtime)) == 5
    looks: list[str] = []
    reach = lambda name: looks.extend([name] if name == "looked_for_some" else [])  # noqa: E731
    expanding.expand_occurrences(replace(house.runtime, reach=reach))
    assert len(looks) == 12 - 5
    assert house.outcomes(id) == [("run", None)]
    assert len(asked(house)) == {"each_person": 20, "once": 12}[str(given["repeat"])]


@KINDS
def test_a_pause_stops_the_looking_and_it_goes_on_as_it_is_resumed(
    house: House, given: dict[str, object]
) -> None:
    house.crowd(58)
    id = house.plans(**given)
    planning.plan_schedules(house.runtime)
    looks: list[str] = []

    def reach(name: str) -> None:
        looks.append(name)
        if len(looks) == 3:
            schedules.pause(house.runtime, house.who, id)

    expanding.expand_occurrences(replace(house.runtime, reach=reach))
    assert looks == ["looked_for_some"] * 3
    assert asked(house) == []
    schedules.resume(house.runtime, house.who, id)
    house.tick()
    assert house.outcomes(id) == [("run", None)]
    assert len(asked(house)) == {"each_person": 20, "once": 12}[str(given["repeat"])]


@pytest.mark.parametrize("seed", range(4))
def test_some_at_a_time_choose_whom_one_look_at_everybody_would(house: House, seed: int) -> None:
    """Some were asked before, some have one address together, some may not be asked."""
    luck = Random(seed)
    ids = house.crowd(40)
    with house.runtime.db.write() as session:
        session.execute(update(Workspace).values(rest_days=0, rest_days_by_metric={}))
        for id in ids:
            values: dict[str, object] = {"active": luck.random() < 0.9}
            if luck.random() < 0.4:
                values["email_key"] = f"shared{luck.randrange(6)}"
            if luck.random() < 0.1:
                values["lawful_basis"] = "none"
            session.execute(update(Contact).where(Contact.id == id).values(values))
    house.plans(repeat="once")
    house.tick()
    with house.runtime.db.write() as session:
        for each in session.scalars(select(Invitation)):
            if luck.random() < 0.3 and each.state == "queued":
                each.state = "cancelled"
            each.sent_at = house.clock.now - timedelta(days=luck.randrange(4, 9))
            each.state = "sent" if each.state == "queued" else each.state
    house.plans(repeat="each_person", every_days=2)
    planning.plan_schedules(house.runtime)
    with house.runtime.db.read() as session:
        run = session.scalars(select(Occurrence).where(Occurrence.state == "due")).one()
        schedule = session.get_one(Schedule, run.schedule_id)
        ask = whose_turn.asking(session, house.runtime, schedule, Metric.NPS, run)
        people = audiences.of_occurrence(session, house.runtime, run, Metric.NPS)
        expected = sorted(session.scalars(whose_turn.longest_waiting(session, schedule, ask, people)))
    assert len(expected) > 3
    house.tick()
    with house.runtime.db.read() as session:
        assert session.get_one(Occurrence, run.id).chosen == expected


def test_a_share_is_one_of_addresses_also_where_people_of_two_looks_have_one_together(house: House) -> None:
    ids = sorted(house.crowd(60))
    with house.runtime.db.write() as session:
        for place, id in enumerate(ids):  # three have each address: far apart from each other
            session.execute(update(Contact).where(Contact.id == id).values(email_key=f"k{place % 20}"))
    id = house.plans(repeat="once", terms={"sample": {"number": 10}})
    house.tick()
    assert house.outcomes(id) == [("run", None)]
    assert len(asked(house)) == 10


@KINDS
def test_what_looks_have_found_goes_once_the_run_knows(house: House, given: dict[str, object]) -> None:
    house.crowd(18)
    house.plans(**given)
    planning.plan_schedules(house.runtime)
    with pytest.raises(Killed):
        expanding.expand_occurrences(dying_at(house.runtime, "looked_for_some", times=2))
    assert choosing.forget_old(house.runtime) == 0
    assert len(looks_kept(house.runtime)) == 2
    house.tick()
    assert choosing.forget_old(house.runtime) == 3
    assert looks_kept(house.runtime) == []
