"""A run that is paused, resumed, edited or cancelled half-way: every person of its audience is in one number.

C37: asked + not asked by reason + failed + unknown + cancelled = audience. D10: what is edited, paused or
cancelled while a run is expanded. C20: an opt-out while hundreds are claimed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select, update

from app.domain.access import Role
from app.models import Contact, Invitation, Message, Occurrence, OptOut, SandboxCopy, Schedule, new_id
from app.runtime import Runtime
from app.services import (
    expanding,
    planning,
    portions,
    runs,
    schedule_sheets,
    schedules,
    sending,
    settling,
    sparing,
    unsent,
)
from tests.services.recurring import House
from tests.world import Clock, World

PEOPLE = 200
OUT, NOWHERE = 20, 10
GROUPS = 6  # sent before somebody stops it


@pytest.fixture
def house(world: World, clock: Clock) -> House:
    workspace = world.workspace()
    return House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))


@pytest.fixture(autouse=True)
def in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a run of some hundreds has a middle."""
    monkeypatch.setattr(expanding, "FIRST", 25)
    monkeypatch.setattr(expanding, "MOST", 25)


def crowd(house: House, people: int = PEOPLE) -> list[str]:
    """Some want nothing, some have no address; the others may be asked."""
    ids = house.crowd(people)
    with house.runtime.db.write() as session:
        session.add_all(
            OptOut(
                id=new_id(), workspace_id=house.who.workspace_id, contact_id=each, kind="own_wish",
                origin="page", created_at=house.clock.now,
            )
            for each in ids[:OUT]
        )  # fmt: skip
        session.execute(
            update(Contact).where(Contact.id.in_(ids[OUT : OUT + NOWHERE])).values(email=None, email_key=None)
        )
    return ids


@dataclass
class Halfway:
    """Calls `act` the so manyth time that a step is reached."""

    step: str
    number: int
    act: Callable[[], object]
    seen: int = 0

    def __call__(self, step: str) -> None:
        if step == self.step:
            self.seen += 1
            if self.seen == self.number:
                self.act()


def told(house: House, id: str) -> dict[str, int]:
    """What the page of the run says, and that it adds up to what is in the rows."""
    run = runs.history(house.runtime, house.who, id).items[0]
    found = {"asked": run.asked, "waiting": run.waiting} | dict(run.not_asked)
    with house.runtime.db.read() as session:
        rows = session.scalar(
            select(func.count()).select_from(Invitation).where(Invitation.occurrence_id == run.id)
        )
        left = session.scalar(select(func.count()).select_from(SandboxCopy))
        people = session.scalar(
            select(func.count(func.distinct(Invitation.contact_id))).where(Invitation.occurrence_id == run.id)
        )
    with house.runtime.db.read() as session:
        spared = session.get_one(Occurrence, run.id).spared or 0
    assert sum(found.values()) == run.decided == rows + spared
    assert rows == people
    assert run.asked == left, "every ask that is told left, and every one that left is told"
    return found


def expand(house: House, runtime: Runtime | None = None) -> None:
    planning.plan_schedules(house.runtime)
    expanding.expand_occurrences(runtime or house.runtime)


def send(house: House, runtime: Runtime | None = None) -> None:
    """Until nothing is due, as a worker does; what a lease held comes back."""
    sending.send_due(runtime or house.runtime)
    house.clock.advance(seconds=10)
    settling.end_leases(house.runtime)
    sending.send_due(house.runtime)


def test_c37_cancelled_while_it_is_sending(house: House) -> None:
    many = 1_000
    crowd(house, many)
    id = house.plans(repeat="once")
    expand(house)
    act = Halfway("attempting", GROUPS, lambda: schedules.cancel(house.runtime, house.who, id))
    send(house, replace(house.runtime, reach=act))
    found = told(house, id)
    assert sum(found.values()) == many
    assert found["waiting"] == 0
    assert (found["opted_out"], found["no_address"]) == (OUT, NOWHERE)
    assert found["cancelled"] > many / 2
    assert found["asked"] <= GROUPS * sending.GROUP + sending.CLAIMED, "it stopped within one lease"


def test_d10_cancelled_while_it_is_expanded(house: House) -> None:
    crowd(house)
    id = house.plans(repeat="once")
    act = Halfway("expanded_some", 4, lambda: schedules.cancel(house.runtime, house.who, id))
    expand(house, replace(house.runtime, reach=act))
    send(house)
    (run,) = runs.history(house.runtime, house.who, id).items
    assert run.is_counting, "meanwhile the page says so"
    assert told(house, id)["cancelled"] == house.count(Invitation.state == "cancelled")
    assert sparing.count_spared(house.runtime) == 1
    found = told(house, id)
    assert found["asked"] == found["waiting"] == 0
    assert sum(found.values()) == PEOPLE, "whom it had not come to is cancelled as well"
    assert not runs.one(house.runtime, house.who, id, run.id).is_counting
    assert sparing.count_spared(house.runtime) == 0
    assert 0 < house.count() < PEOPLE
    assert house.outcomes(id) == [("cancelled", "cancelled")]
    expand(house)
    assert told(house, id) == found


def test_d10_paused_while_it_is_expanded_and_resumed(house: House) -> None:
    crowd(house)
    id = house.plans(repeat="once")
    act = Halfway("expanded_some", 4, lambda: schedules.pause(house.runtime, house.who, id))
    expand(house, replace(house.runtime, reach=act))
    expand(house)
    send(house)
    found = told(house, id)
    assert found["asked"] == 0
    assert sum(found.values()) < PEOPLE, "a paused run decides about nobody"
    schedules.resume(house.runtime, house.who, id)
    expand(house)
    send(house)
    found = told(house, id)
    assert found == {
        "asked": PEOPLE - OUT - NOWHERE, "waiting": 0, "opted_out": OUT, "no_address": NOWHERE,
    }  # fmt: skip


def test_paused_while_it_is_sending_and_resumed(house: House) -> None:
    crowd(house)
    id = house.plans(repeat="once")
    expand(house)
    act = Halfway("attempting", GROUPS, lambda: schedules.pause(house.runtime, house.who, id))
    send(house, replace(house.runtime, reach=act))
    found = told(house, id)
    assert sum(found.values()) == PEOPLE
    assert found["asked"] <= GROUPS * sending.GROUP + sending.CLAIMED, "it stopped within one lease"
    assert found["waiting"] == schedule_sheets.get(house.runtime, house.who, id).waiting > PEOPLE / 2
    assert schedules.resume(house.runtime, house.who, id) == found["waiting"]
    unsent.follow_all(house.runtime)
    send(house)
    found = told(house, id)
    assert found["asked"] == PEOPLE - OUT - NOWHERE
    assert sum(found.values()) == PEOPLE


def test_what_a_worker_had_claimed_or_tries_again_waits_as_well_while_it_is_paused(house: House) -> None:
    crowd(house)
    id = house.plans(repeat="once")
    expand(house)
    with house.runtime.db.write() as session:
        held = session.scalars(select(Message.id).where(Message.state == "queued").limit(20)).all()
        session.execute(
            update(Message)
            .where(Message.id.in_(held))
            .values(state="claimed", lease_token="dead", lease_until=house.clock.now + timedelta(seconds=4))
        )
    schedules.pause(house.runtime, house.who, id)
    send(house)
    assert told(house, id)["asked"] == 0
    waiting = PEOPLE - OUT - NOWHERE
    assert schedules.resume(house.runtime, house.who, id) == waiting
    unsent.follow_all(house.runtime)
    send(house)
    assert told(house, id)["asked"] == waiting


def test_paused_with_messages_claimed_and_then_cancelled(house: House) -> None:
    """What a worker holds at the moment leaves or comes back; nobody is left between the numbers."""
    crowd(house)
    id = house.plans(repeat="once")
    expand(house)

    def stop() -> None:
        schedules.pause(house.runtime, house.who, id)
        schedules.cancel(house.runtime, house.who, id)

    send(house, replace(house.runtime, reach=Halfway("claimed", 5, stop)))
    found = told(house, id)
    assert sum(found.values()) == PEOPLE
    assert found["waiting"] == 0
    schedules.cancel(house.runtime, house.who, id)
    send(house)
    assert told(house, id) == found


def test_d10_edited_while_it_is_expanded_the_run_keeps_what_it_began_with(house: House) -> None:
    crowd(house)
    id = house.plans(repeat="weekly")
    others = {"audience": {"all": [{"field": "name", "op": "is", "value": "x"}]}}
    act = Halfway("expanded_some", 3, lambda: schedules.edit(house.runtime, house.who, id, others))
    expand(house, replace(house.runtime, reach=act))
    send(house)
    found = told(house, id)
    assert sum(found.values()) == PEOPLE
    assert found["asked"] == PEOPLE - OUT - NOWHERE


def test_cancelling_looks_at_nobody_of_the_audience_while_others_wait_to_write(house: House) -> None:
    """However dear its filters are; what it had not come to is counted in a reading transaction."""
    crowd(house)
    id = house.plans(repeat="once", audience={"all": [{"field": "name", "op": "contains", "value": "p"}]})
    said: list[str] = []

    def listen(*given: object) -> None:
        said.append(str(given[2]))

    def cancel() -> None:
        event.listen(house.runtime.db.engine, "before_cursor_execute", listen)
        schedules.cancel(house.runtime, house.who, id)
        event.remove(house.runtime.db.engine, "before_cursor_execute", listen)

    expand(house, replace(house.runtime, reach=Halfway("expanded_some", 2, cancel)))
    assert said
    assert not [each for each in said if "contacts" in each]
    sparing.count_spared(house.runtime)
    assert sum(told(house, id).values()) == PEOPLE


def test_a_due_run_that_is_cancelled_before_it_began_is_not_counted(house: House) -> None:
    crowd(house)
    id = house.plans(repeat="once")
    planning.plan_schedules(house.runtime)
    schedules.cancel(house.runtime, house.who, id)
    (run,) = runs.history(house.runtime, house.who, id).items
    assert (run.state, run.is_counting, run.decided) == ("cancelled", False, 0)
    assert sparing.count_spared(house.runtime) == 0


def test_c20_an_opt_out_while_hundreds_are_queued_and_claimed(house: House) -> None:
    ids = crowd(house)
    id = house.plans(repeat="once")
    expand(house)
    gone = ids[OUT + NOWHERE :]

    def leave() -> None:
        with house.runtime.db.write() as session:
            session.add_all(
                OptOut(
                    id=new_id(), workspace_id=house.who.workspace_id, contact_id=each, kind="own_wish",
                    origin="page", created_at=house.clock.now,
                )
                for each in gone
            )  # fmt: skip

    send(house, replace(house.runtime, reach=Halfway("claimed", 5, leave)))
    found = told(house, id)
    assert found["asked"] <= 4 * sending.CLAIMED, "at most what was in flight"
    assert found["opted_out"] == PEOPLE - NOWHERE - found["asked"]
    assert sum(found.values()) == PEOPLE


def test_a_failure_and_an_unknown_end_are_numbers_as_well(house: House) -> None:
    crowd(house)
    id = house.plans(repeat="once")
    expand(house)
    with house.runtime.db.write() as session:
        some = session.execute(
            select(Message.id, Message.invitation_id).where(Message.state == "queued").limit(30)
        ).all()
        for place, (message, invitation) in enumerate(some):
            state = "failed" if place < 10 else "unknown"
            reason = "provider_refused" if place < 10 else None
            for table, key in ((Message, message), (Invitation, invitation)):
                session.execute(update(table).where(table.id == key).values(state=state, reason=reason))
    schedules.cancel(house.runtime, house.who, id)
    run = runs.history(house.runtime, house.who, id).items[0]
    assert run.asked == 20, "an unknown end counts as asked: it is never tried again"
    assert dict(run.not_asked)["provider_refused"] == 10
    assert run.decided == PEOPLE


def test_cancelling_ends_within_one_lease_whatever_the_clock_does(house: House) -> None:
    crowd(house)
    id = house.plans(repeat="once")
    expand(house)
    schedules.cancel(house.runtime, house.who, id)
    house.clock.now += timedelta(days=1)
    send(house)
    assert told(house, id)["asked"] == 0
    with house.runtime.db.read() as session:
        states = session.scalars(select(Occurrence.state).where(Occurrence.schedule_id == id)).all()
    assert states == ["run"]


@pytest.mark.parametrize("act", ["pause", "cancel"])
def test_a_very_large_run_follows_its_schedule_in_steps_and_its_numbers_add_up_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    monkeypatch.setattr(unsent, "AT_ONCE", 50)
    crowd(house)
    id = house.plans(repeat="once")
    expand(house)
    asked = PEOPLE - OUT - NOWHERE
    doing = {"pause": schedules.pause, "cancel": schedules.cancel}[act]
    assert doing(house.runtime, house.who, id) == asked
    assert sum(told(house, id).values()) == PEOPLE
    assert unsent.follow_all(house.runtime) == asked - 50
    assert unsent.follow_all(house.runtime) == 0
    found = told(house, id)
    assert found["waiting" if act == "pause" else "cancelled"] == asked
    send(house)
    assert house.count(Invitation.state == "sent") == 0
    if act == "cancel":
        return
    assert schedules.resume(house.runtime, house.who, id) == asked
    unsent.follow_all(house.runtime)
    send(house)
    assert house.count(Invitation.state == "sent") == asked


def test_whoever_waits_is_counted_while_nobody_else_waits_to_write(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large run it takes longer than to pause it."""
    monkeypatch.setattr(unsent, "AT_ONCE", 50)
    crowd(house)
    id = house.plans(repeat="once")
    expand(house)
    counted: list[bool] = []

    def listen(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT count(") and "FROM invitations" in statement:
            counted.append(bool(connection.get_execution_options().get("reading")))

    event.listen(house.runtime.db.engine, "before_cursor_execute", listen)
    try:
        found = [
            act(house.runtime, house.who, id)
            for act in (schedules.pause, schedules.pause, schedules.resume, schedules.cancel)
        ]
    finally:
        event.remove(house.runtime.db.engine, "before_cursor_execute", listen)
    assert found == [PEOPLE - OUT - NOWHERE] * 4
    assert counted == [True] * 4


def test_a_worker_that_is_stopped_leaves_the_rest_to_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsent, "AT_ONCE", 50)
    crowd(house)
    id = house.plans(repeat="once")
    expand(house)
    schedules.pause(house.runtime, house.who, id)
    halted = Halfway("followed_some", 1, lambda: None)
    stopping = replace(house.runtime, reach=halted, stopping=lambda: halted.seen > 0)
    assert unsent.follow_all(stopping) == 50
    unsent.follow_all(house.runtime)
    assert house.count(Invitation.state == "planned") == PEOPLE - OUT - NOWHERE


@pytest.mark.on_both
def test_a_transaction_that_takes_too_long_is_followed_by_none_that_is_larger(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has one pen: respondents wait for it meanwhile."""
    monkeypatch.setattr(portions, "SECONDS", dict.fromkeys(portions.SECONDS, 0.0))
    monkeypatch.setattr(unsent, "ON_SQLITE", 10)
    crowd(house)
    id = house.plans(repeat="once")
    expand(house)
    asked = PEOPLE - OUT - NOWHERE
    followed: list[int] = []

    def count(point: str) -> None:
        followed.append(house.count(Invitation.state == "planned"))

    with house.runtime.db.write() as session:
        schedule = session.get_one(Schedule, id)
        schedule.state, schedule.unsettled = "paused", True
    assert unsent.follow_all(replace(house.runtime, reach=count)) == asked
    assert followed == [*range(portions.FEWEST, asked, portions.FEWEST), asked]
    assert schedules.resume(house.runtime, house.who, id) == asked
    if house.runtime.db.is_sqlite:
        assert house.count(Invitation.state == "queued") == unsent.ON_SQLITE
    unsent.follow_all(house.runtime)
    assert house.count(Invitation.state == "queued") == asked


def test_whoever_resumes_while_a_job_still_holds_some_is_followed_by_all(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsent, "AT_ONCE", 40)
    monkeypatch.setattr(portions, "FEWEST", 5)
    crowd(house)
    id = house.plans(repeat="once")
    expand(house)
    schedules.pause(house.runtime, house.who, id)
    resume = Halfway("followed_some", 1, lambda: schedules.resume(house.runtime, house.who, id))
    unsent.follow_all(replace(house.runtime, reach=resume))
    assert resume.seen > 1
    assert house.count(Invitation.state == "queued") == PEOPLE - OUT - NOWHERE


@pytest.mark.on_both
@pytest.mark.parametrize("state", ["paused", "active", "cancelled"])
def test_some_of_a_large_run_are_found_by_their_ids_alone(house: House, state: str) -> None:
    """By their state, all others would be read for each few of them."""
    if not house.runtime.db.is_sqlite:
        pytest.skip("PostgreSQL weighs by its statistics")
    crowd(house)
    id = house.plans(repeat="once")
    expand(house)
    found: list[str] = []

    def explain(connection: Any, _cursor: Any, words: str, values: Any, *_: Any) -> None:
        if words.startswith(("UPDATE invitations", "UPDATE messages")) and not isinstance(values, list):
            plan = connection.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {words}", values)
            found.extend(row[3] for row in plan if row[3].startswith(("SEARCH", "SCAN")))

    with house.runtime.db.write() as session:
        schedule = session.get_one(Schedule, id)
        schedule.state, schedule.unsettled = state, True
        if state == "active":
            session.execute(update(Invitation).values(state="planned"))
    event.listen(house.runtime.db.engine, "before_cursor_execute", explain)
    try:
        unsent.follow_all(house.runtime)
    finally:
        event.remove(house.runtime.db.engine, "before_cursor_execute", explain)
    assert found
    assert {each.partition("(")[2] for each in found} <= {"id=?)", "invitation_id=?)"}, found


def test_links_that_end_end_some_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "EXPIRED_AT_ONCE", 40)
    crowd(house)
    house.plans(repeat="once")
    expand(house)
    send(house)
    house.clock.advance(days=31)
    assert settling.expire_invitations(house.runtime) == PEOPLE - OUT - NOWHERE
    assert settling.expire_invitations(house.runtime) == 0
