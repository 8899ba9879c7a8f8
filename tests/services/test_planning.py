"""The planner: every due moment ends in a row, every person of a run in one invitation, whatever happens."""

from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import func, select, update

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Occurrence, OptOut, Pulse, Schedule, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import expanding, planning, runs, schedules, sparing
from app.services.access import Visitor
from tests.services.loop import at_once
from tests.world import Clock, World


class Killed(Exception):
    """Stands for the end of the process."""


def dying_at(runtime: Runtime, point: str, times: int = 1) -> Runtime:
    """A process that dies when it passes the point for the nth time."""
    passed = []

    def reach(name: str) -> None:
        if name == point:
            passed.append(name)
            if len(passed) == times:
                raise Killed(point)

    return replace(runtime, reach=reach)


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace)


def due(runtime: Runtime, who: Visitor, survey: Survey, **given: object) -> str:
    """A schedule that is due now."""
    return schedules.create(runtime, who, {"survey": survey.id, "repeat": "daily"} | given)


def tick(runtime: Runtime) -> None:
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)


def crowd(world: World, workspace: Workspace, number: int) -> None:
    """Many people, written quickly."""
    world.add_many(
        [
            Contact(
                id=new_id(), workspace_id=workspace.id, name=f"P{place}", search_name=f"p{place}",
                email=f"p{place}@bemtevi.example", email_key=f"key{place}", kind="customer", attributes={},
                lawful_basis="consent", created_at=world.now, updated_at=world.now,
            )
            for place in range(number)
        ]
    )  # fmt: skip


def occurrences(runtime: Runtime) -> list[tuple[str, str | None]]:
    with runtime.db.read() as session:
        rows = session.scalars(select(Occurrence).order_by(Occurrence.due_at))
        return [(row.state, row.reason) for row in rows]


def invited(runtime: Runtime) -> dict[str, list[tuple[str, str | None]]]:
    """State and reason of each person's invitations."""
    found: dict[str, list[tuple[str, str | None]]] = {}
    with runtime.db.read() as session:
        for row in session.scalars(select(Invitation)):
            found.setdefault(row.contact_id, []).append((row.state, row.reason))
    return found


def test_the_same_tick_twice_plans_once(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    world.contact(workspace)
    due(runtime, camila, survey)
    tick(runtime)
    tick(runtime)
    assert occurrences(runtime) == [("run", None)]
    assert [len(each) for each in invited(runtime).values()] == [1]


def test_d01_five_days_away_run_once_and_say_what_was_missed(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey
) -> None:
    due(runtime, camila, survey)
    tick(runtime)
    clock.advance(days=5, hours=3)
    tick(runtime)
    assert occurrences(runtime) == [("run", None)] + [("missed", "late")] * 4 + [("run", None)]


def test_d01_a_single_run_that_is_too_late_is_missed(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey
) -> None:
    due(runtime, camila, survey, repeat="once")
    clock.advance(days=8)
    tick(runtime)
    assert occurrences(runtime) == [("missed", "late")]


def test_d01_two_years_of_a_daily_rule_all_have_their_row(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey
) -> None:
    due(runtime, camila, survey)
    clock.advance(days=730)
    tick(runtime)
    assert occurrences(runtime) == [("missed", "late")] * 730 + [("run", None)]


@pytest.mark.on_both
def test_d07_planners_at_once_make_one_run_and_ask_each_person_once(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    crowd(world, workspace, 230)
    due(runtime, camila, survey)
    ended = at_once(*[lambda: tick(runtime)] * 4)
    assert ended == [None] * 4
    assert occurrences(runtime) == [("run", None)]
    assert list(invited(runtime).values()) == [[("queued", None)]] * 230


@pytest.mark.on_both
@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_d12_killed_between_chunks_it_goes_on_where_it_was(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, chunk: int
) -> None:
    crowd(world, workspace, 230)
    id = due(runtime, camila, survey)
    planning.plan_schedules(runtime)
    with pytest.raises(Killed):
        expanding.expand_occurrences(dying_at(runtime, "expanded_some", chunk))
    assert expanding.FIRST <= len(invited(runtime)) <= 230
    tick(runtime)
    assert list(invited(runtime).values()) == [[("queued", None)]] * 230
    run = runs.history(runtime, camila, id).items[0]
    assert (run.state, run.waiting) == ("run", 230)


def test_killed_after_planning_the_run_still_happens(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    world.contact(workspace)
    due(runtime, camila, survey)
    with pytest.raises(Killed):
        planning.plan_schedules(dying_at(runtime, "planned"))
    tick(runtime)
    assert occurrences(runtime) == [("run", None)]
    assert len(invited(runtime)) == 1


def test_an_address_of_two_people_is_asked_once_also_across_a_restart(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    crowd(world, workspace, 150)
    with runtime.db.write() as session:
        session.execute(update(Contact).values(email_key="the same", email="um@bemtevi.example"))
    due(runtime, camila, survey)
    planning.plan_schedules(runtime)
    with pytest.raises(Killed):
        expanding.expand_occurrences(dying_at(runtime, "expanded_some"))
    tick(runtime)
    found = sorted(each for rows in invited(runtime).values() for each in rows)
    assert found == [("queued", None)] + [("skipped", "duplicate")] * 149


def test_who_rests_or_opted_out_is_skipped_and_the_row_says_why(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    rested, gone = world.contact(workspace), world.contact(workspace)
    world.invitation(workspace, survey, rested)
    world.add(
        OptOut(
            id=new_id(), workspace_id=workspace.id, contact_id=None, address_key=gone.email_key,
            kind="own_wish", origin="unsubscribe", created_at=world.now,
        )
    )  # fmt: skip
    id = due(runtime, camila, survey)
    tick(runtime)
    run = runs.history(runtime, camila, id).items[0]
    assert dict(run.not_asked) == {"resting": 1, "opted_out": 1}
    resting = runs.people(runtime, camila, id, run.id, reason="resting").items[0]
    assert resting.until is not None
    assert resting.until > world.now + timedelta(days=80)


def test_a_survey_that_was_put_away_meanwhile_is_skipped_with_a_row(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    world.contact(workspace)
    due(runtime, camila, survey)
    with runtime.db.write() as session:
        session.get_one(Survey, survey.id).archived_at = world.now
    tick(runtime)
    assert occurrences(runtime) == [("skipped", "unpublished")]
    assert invited(runtime) == {}


def test_d10_pausing_between_two_chunks_stops_the_rest_until_it_goes_on(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    crowd(world, workspace, 230)
    id = due(runtime, camila, survey)

    def reach(name: str) -> None:
        if name == "expanded_some":
            schedules.pause(runtime, camila, id)

    tick(replace(runtime, reach=reach))
    tick(runtime)
    assert list(invited(runtime).values()) == [[("planned", "sending_paused")]] * expanding.FIRST
    schedules.resume(runtime, camila, id)
    tick(runtime)
    assert list(invited(runtime).values()) == [[("queued", None)]] * 230


def test_c37_cancelling_between_two_chunks_ends_it_and_the_counts_add_up(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    crowd(world, workspace, 230)
    id = due(runtime, camila, survey)

    def reach(name: str) -> None:
        if name == "expanded_some":
            schedules.cancel(runtime, camila, id)

    tick(replace(runtime, reach=reach))
    tick(runtime)
    sparing.count_spared(runtime)  # afterwards, when nobody waits for it
    run = runs.history(runtime, camila, id).items[0]
    assert (run.state, run.asked, run.waiting) == ("cancelled", 0, 0)
    assert run.not_asked == (("cancelled", 230),)  # those whom it had not come to as well


@pytest.mark.on_both
def test_pausing_while_many_are_planned_lets_nobody_slip_through(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    crowd(world, workspace, 230)
    id = due(runtime, camila, survey)
    planning.plan_schedules(runtime)
    begun = Event()
    going = replace(runtime, reach=lambda point: begun.set() if point == "expanded_some" else None)
    ended = at_once(
        lambda: expanding.expand_occurrences(going),
        lambda: begun.wait(timeout=10) and schedules.pause(runtime, camila, id),
    )
    found = [each for rows in invited(runtime).values() for each in rows]
    assert len(found) == ended[0] >= expanding.FIRST
    assert set(found) == {("planned", "sending_paused")}


def test_one_run_that_fails_keeps_no_other_waiting(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    world.contact(workspace)
    broken = due(runtime, camila, survey)
    due(runtime, camila, world.survey(workspace, Metric.CSAT))
    planning.plan_schedules(runtime)
    with runtime.db.write() as session:
        session.execute(
            update(Occurrence)
            .where(Occurrence.schedule_id == broken)
            .values(channels=7, due_at=world.now - timedelta(hours=1))
        )
    with pytest.raises(TypeError):
        expanding.expand_occurrences(runtime)
    with runtime.db.read() as session:
        assert sorted(session.scalars(select(Occurrence.state))) == ["due", "run"]


def test_a_run_that_failed_once_does_not_wait_for_the_end_of_a_large_one(
    runtime: Runtime, world: World, camila: Visitor, survey: Survey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expanding, "FIRST", 5)
    monkeypatch.setattr(expanding, "MOST", 5)
    monkeypatch.setattr(expanding, "LOOK_AGAIN", 0)
    for _ in range(40):
        world.contact(world.workspace_of(survey))
    elsewhere = world.workspace()
    maria = world.contact(elsewhere)
    due(runtime, camila, survey)
    small = due(runtime, world.member(elsewhere, Role.MANAGER), world.survey(elsewhere))
    planning.plan_schedules(runtime)
    its = update(Occurrence).where(Occurrence.schedule_id == small)
    with runtime.db.write() as session:
        session.execute(its.values(channels=7, due_at=world.now - timedelta(hours=1)))
    asked: list[bool] = []

    def mend(_: str) -> None:
        if not asked:
            with runtime.db.write() as session:
                session.execute(its.values(channels=["email"]))
        with runtime.db.read() as session:
            found = session.scalars(select(Invitation.id).where(Invitation.contact_id == maria.id))
            asked.append(found.first() is not None)

    with pytest.raises(TypeError):
        expanding.expand_occurrences(replace(runtime, reach=mend))
    assert asked.index(True) <= 3, "in one of the next rounds"


@pytest.fixture
def people(world: World) -> Workspace:
    return world.workspace("people")


@pytest.fixture
def hr(world: World, people: Workspace) -> Visitor:
    return world.member(people, Role.MANAGER)


def test_an_e_nps_schedule_opens_a_pulse_at_its_time(
    runtime: Runtime, world: World, people: Workspace, hr: Visitor
) -> None:
    for _ in range(6):
        world.contact(people)
    survey = world.survey(people, Metric.ENPS)
    id = due(runtime, hr, survey, repeat="quarterly")
    tick(runtime)
    tick(runtime)
    with runtime.db.read() as session:
        pulse = session.scalars(select(Pulse)).one()
    run = runs.history(runtime, hr, id).items[0]
    assert (run.state, run.waiting, run.pulse_id) == ("run", 6, pulse.id)
    assert (pulse.state, pulse.version_id) == ("open", survey.published_version_id)


def test_who_takes_part_in_an_open_pulse_is_not_asked_by_the_next(
    runtime: Runtime, world: World, clock: Clock, people: Workspace, hr: Visitor
) -> None:
    old = [world.contact(people) for _ in range(5)]
    survey = world.survey(people, Metric.ENPS)
    due(runtime, hr, survey, repeat="once")
    tick(runtime)
    new = world.contact(people)
    second = due(runtime, hr, survey, repeat="once")
    tick(runtime)
    found = invited(runtime)
    assert found[new.id] == [("queued", None)]
    assert all(sorted(found[each.id])[1] == ("skipped", "in_another_pulse") for each in old)
    third = due(runtime, hr, survey, repeat="once")
    tick(runtime)
    assert runs.history(runtime, hr, second).items[0].pulse_id is not None
    last = runs.history(runtime, hr, third).items[0]
    assert (last.state, last.reason, last.pulse_id) == ("skipped", "nobody", None)
    with runtime.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Pulse)) == 2


def test_a_quarterly_pulse_meets_the_rest_of_ninety_days(
    runtime: Runtime, world: World, clock: Clock, people: Workspace, hr: Visitor
) -> None:
    for _ in range(5):
        world.contact(people)
    id = due(runtime, hr, world.survey(people, Metric.ENPS), repeat="quarterly", at="2027-02-01T10:00")
    for _ in range(190):
        clock.advance(days=1)
        with runtime.db.write() as session:
            session.execute(update(Pulse).values(state="closed"))
        tick(runtime)
    asked = [run.waiting for run in runs.history(runtime, hr, id).items]
    assert asked == [5, 5]
    with runtime.db.read() as session:
        assert session.scalars(select(Schedule.state)).one() == "active"
