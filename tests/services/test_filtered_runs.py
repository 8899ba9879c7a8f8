"""Whom filters mean, or a run names, is looked up at leisure; its writes find them by their ids (B4)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text, update

from app.domain.access import Role
from app.models import Contact, Invitation, Message, Occurrence, Workspace
from app.runtime import Runtime
from app.services import at_leisure, events, expanding, planning
from app.services.at_leisure import Next
from tests.services.recurring import House
from tests.services.test_planning import Killed, dying_at
from tests.world import Clock, World

VIPS = {"all": [{"field": "tags", "op": "has_any", "value": ["vip"]}]}
PEOPLE = 600


@pytest.fixture
def house(world: World, clock: Clock) -> House:
    workspace = world.workspace()
    return House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))


def crowd(house: House, every: int) -> set[str]:
    """Many people, of whom one in so many is meant; the ids of those."""
    house.crowd(PEOPLE)
    with house.runtime.db.write() as session:
        ids = sorted(session.scalars(select(Contact.id)))
        meant = ids[::every]
        session.execute(update(Contact).where(Contact.id.in_(meant)).values(tags=["vip"]))
    return set(meant)


def asked(house: House) -> list[str]:
    with house.runtime.db.read() as session:
        return list(session.scalars(select(Invitation.contact_id)))


@contextmanager
def reading(runtime: Runtime) -> Iterator[list[object]]:
    """What each statement that invites reads of the contacts: how many rows, or on SQLite how it looks.

    PostgreSQL may well walk a table as small as a test's; whether it could do without is asked of it here,
    when it knows the table: its own look may have come while that was empty.
    """
    found: list[object] = []
    if not runtime.db.is_sqlite:
        with runtime.db.write() as session:
            session.execute(text("ANALYZE contacts, invitations"))

    def before(connection: Any, _cursor: Any, words: str, values: Any, *_: Any) -> None:
        if "INSERT INTO invitations" not in words:
            return
        if runtime.db.is_sqlite:
            plan = connection.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {words}", values)
            found.extend(row[3] for row in plan if "contacts" in row[3].split())
        else:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            found.append(-rows_of_this_connection(connection))

    def after(connection: Any, _cursor: Any, words: str, *_: Any) -> None:
        if "INSERT INTO invitations" in words and not runtime.db.is_sqlite:
            found.append(rows_of_this_connection(connection))

    event.listen(runtime.db.engine, "before_cursor_execute", before)
    event.listen(runtime.db.engine, "after_cursor_execute", after)
    yield found
    event.remove(runtime.db.engine, "before_cursor_execute", before)
    event.remove(runtime.db.engine, "after_cursor_execute", after)


def rows_of_this_connection(connection: Any) -> int:
    query = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
    named = f"{query} WHERE relname = 'contacts' AND schemaname = current_schema()"
    return int(connection.exec_driver_sql(named).scalar() or 0)


@pytest.mark.on_both
def test_a_filter_that_few_people_meet_is_not_walked_while_others_wait_to_write(house: House) -> None:
    meant = crowd(house, every=200)
    id = house.plans(repeat="once", audience=VIPS)
    with reading(house.runtime) as read:
        house.tick()
    assert set(asked(house)) == meant
    assert house.outcomes(id) == [("run", None)]
    assert read
    if house.runtime.db.is_sqlite:
        assert all("id=?)" in str(each) for each in read), read
    else:
        assert 0 < sum(int(str(each)) for each in read) <= 10 * len(meant), read


def test_a_run_from_before_such_scores_were_refused_ends_and_asks_whom_it_means(house: House) -> None:
    """A score from 9 to 3 is nobody's: whoever "has not" given one is everybody."""
    house.crowd(3)
    runs = {each: house.plans(repeat="once", audience=VIPS) for each in ("has", "has_not")}
    planning.plan_schedules(house.runtime)
    for operator, id in runs.items():
        upside_down = {"field": "answered", "op": operator, "metric": "nps", "low": 9, "high": 3}
        is_it = Occurrence.schedule_id == id
        with house.runtime.db.write() as session:
            session.execute(update(Occurrence).where(is_it).values(audience={"all": [upside_down]}))
    expanding.expand_occurrences(house.runtime)
    assert [house.outcomes(id) for id in runs.values()] == [[("run", None)]] * 2
    assert [house.asked(id) for id in runs.values()] == [[0], [3]]


@pytest.mark.on_both
@pytest.mark.parametrize("times", [1, 2])
def test_killed_between_two_commits_it_goes_on_where_it_was(house: House, times: int) -> None:
    meant = crowd(house, every=2)
    id = house.plans(repeat="once", audience=VIPS)
    planning.plan_schedules(house.runtime)
    with pytest.raises(Killed):
        expanding.expand_occurrences(dying_at(house.runtime, "expanded_some", times))
    assert 0 < len(asked(house)) < len(meant)
    house.tick()
    assert sorted(asked(house)) == sorted(meant)
    assert house.outcomes(id) == [("run", None)]


def looking(monkeypatch: pytest.MonkeyPatch, afterwards: Callable[[], object]) -> None:
    """Something happens, once, between the look of a run and what it writes."""
    looks, waits = at_leisure.whom_next, [True]

    def look(runtime: Runtime, id: str, people: int) -> Next | None:
        found = looks(runtime, id, people)
        if waits and waits.pop():
            afterwards()
        return found

    monkeypatch.setattr(at_leisure, "whom_next", look)


def test_two_workers_come_to_each_person_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    meant = crowd(house, every=4)
    stops = replace(house.runtime, stopping=lambda: house.count() > 0)
    looking(monkeypatch, lambda: expanding.expand_occurrences(stops))
    id = house.plans(repeat="once", audience=VIPS)
    house.tick()
    assert sorted(asked(house)) == sorted(meant)
    assert house.outcomes(id) == [("run", None)]


def test_who_is_meant_no_more_as_it_comes_to_them_is_not_asked_and_those_after_them_are(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    meant = crowd(house, every=4)
    first = sorted(meant)[: expanding.FIRST]

    def loses_them() -> None:
        with house.runtime.db.write() as session:
            session.execute(update(Contact).where(Contact.id.in_(first)).values(tags=[]))

    looking(monkeypatch, loses_them)
    house.plans(repeat="once", audience=VIPS)
    house.tick()
    assert set(asked(house)) == meant - set(first)


def test_so_many_an_hour_leave_of_those_who_are_meant(house: House) -> None:
    meant = crowd(house, every=20)
    house.plans(repeat="once", audience=VIPS, terms={"per_hour": 12})
    house.tick()
    with house.runtime.db.read() as session:
        due = sorted(session.scalars(select(Message.due_at)))
    assert [each - due[0] for each in due] == [timedelta(minutes=5) * place for place in range(len(meant))]


def test_a_run_without_filters_looks_up_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    looks = at_leisure.whom_next

    def look(runtime: Runtime, id: str, people: int) -> Next | None:
        looked.append(id)
        return looks(runtime, id, people)

    monkeypatch.setattr(at_leisure, "whom_next", look)
    house.crowd(3 * expanding.FIRST)
    house.plans(repeat="once")
    house.tick()
    assert looked == []
    assert len(asked(house)) == 3 * expanding.FIRST


def an_event(house: House) -> int:
    ids = house.crowd(PEOPLE)
    house.plans(repeat="event", trigger={"event": "delivered"})
    for id in ids[:3]:
        told = events.Told(id, "delivered", id, None, {})
        events.tell(house.runtime, house.who, told)
    return 3


def a_drip(house: House) -> int:
    house.crowd(PEOPLE)
    house.plans(repeat="each_person", every_days=PEOPLE // 3)
    return 3


def a_step(house: House) -> int:
    """Whom the first step has asked: three of many."""
    with house.runtime.db.write() as session:
        session.execute(update(Workspace).values(rest_days=0, rest_days_by_metric={}))
    crowd(house, every=PEOPLE // 3)
    house.plans(repeat="once", audience=VIPS, steps=[{"survey": house.survey.id, "after_days": 1}])
    house.tick()
    house.leave()
    house.clock.advance(days=1)
    return 6


@pytest.mark.on_both
@pytest.mark.parametrize("who", [an_event, a_drip, a_step])
def test_whoever_a_run_names_is_found_by_their_ids_among_all_others(
    house: House, who: Callable[[House], int]
) -> None:
    number = who(house)
    with reading(house.runtime) as read:
        house.tick()
    assert len(asked(house)) == number
    assert read
    if house.runtime.db.is_sqlite:
        assert all("id=?)" in str(each) for each in read), read
    else:
        assert 0 < sum(int(str(each)) for each in read) <= 30, read
