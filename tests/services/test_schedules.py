"""Schedules: what may be chosen, the next run, whom it would ask, what pausing and cancelling do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from app.domain.access import Role
from app.domain.cadence import Repeat
from app.domain.metrics import Metric
from app.errors import Conflict, Invalid, NotFound, Unavailable
from app.models import Contact, Invitation, Message, Occurrence, OptOut, Schedule, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import (
    expanding,
    planning,
    runs,
    schedule_previews,
    schedule_sheets,
    schedules,
    sending,
    surveys,
)
from app.services.access import Visitor
from app.services.paging import PAGE, Page
from app.services.schedule_previews import Preview
from app.services.schedule_sheets import Sheet
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, name="Relacionamento")


def make(runtime: Runtime, who: Visitor, survey: Survey, **given: object) -> Sheet:
    id = schedules.create(runtime, who, {"survey": survey.id, "repeat": "once"} | given)
    return schedule_sheets.get(runtime, who, id)


def sheet(runtime: Runtime, who: Visitor, id: str) -> Sheet:
    return schedule_sheets.get(runtime, who, id)


def would(runtime: Runtime, who: Visitor, survey: Survey, repeat: str) -> Preview:
    """Whom a schedule that is not there yet would ask."""
    return schedule_previews.look(runtime, who, {"survey": survey.id, "repeat": repeat}).preview


def tick(runtime: Runtime) -> None:
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)


def outcomes(runtime: Runtime, who: Visitor, id: str) -> list[tuple[str, str | None]]:
    """State and reason of every run, oldest first."""
    return [(each.state, each.reason) for each in reversed(runs.history(runtime, who, id).items)]


def states(runtime: Runtime) -> list[tuple[str, str | None]]:
    with runtime.db.read() as session:
        return sorted((row.state, row.reason) for row in session.scalars(select(Invitation)))


def problems(runtime: Runtime, who: Visitor, raw: dict[str, object]) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        schedules.create(runtime, who, raw)
    return {name: str(each) for name, each in refused.value.by_field().items()}


def test_a_schedule_is_active_at_once_and_knows_its_next_runs(
    runtime: Runtime, camila: Visitor, survey: Survey
) -> None:
    made = make(runtime, camila, survey, repeat="monthly", at="2026-12-31T10:00")
    assert (made.state, made.name, made.time_zone) == ("active", "Relacionamento", "America/Sao_Paulo")
    assert [run.local for run in made.next_runs] == [
        "2026-12-31T10:00",
        "2027-01-31T10:00",
        "2027-02-28T10:00",
        "2027-03-31T10:00",
        "2027-04-30T10:00",
    ]
    assert made.next_runs[0].due_at == datetime(2026, 12, 31, 13, tzinfo=UTC)


def test_the_clock_is_that_of_the_zone_that_is_named(
    runtime: Runtime, camila: Visitor, survey: Survey
) -> None:
    made = make(runtime, camila, survey, at="2026-12-01T10:00", time_zone="Asia/Kathmandu")
    assert made.next_runs[0].due_at == datetime(2026, 12, 1, 4, 15, tzinfo=UTC)


def test_a_look_shows_what_creating_would_do_and_creates_nothing(
    runtime: Runtime, camila: Visitor, survey: Survey
) -> None:
    rule = {"repeat": "weekly", "at": "2026-12-01T10:00"}
    looked = schedule_previews.look(runtime, camila, {"survey": survey.id} | rule)
    assert schedule_sheets.list_schedules(runtime, camila).items == ()
    assert looked.sheet.next_runs == make(runtime, camila, survey, **rule).next_runs
    with pytest.raises(Invalid):
        schedule_previews.look(runtime, camila, {"survey": survey.id, "repeat": "hourly"})


def test_what_is_due_at_once_stands_first_among_the_next_runs(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey
) -> None:
    clock.advance(seconds=30)
    looked = schedule_previews.look(runtime, camila, {"survey": survey.id, "repeat": "daily"})
    assert [run.local for run in looked.sheet.next_runs][:2] == ["2026-11-16T10:00", "2026-11-17T10:00"]


def test_asking_now_is_due_at_once(
    runtime: Runtime, world: World, clock: Clock, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    world.contact(workspace)
    clock.advance(seconds=42)
    made = make(runtime, camila, survey)
    tick(runtime)
    assert states(runtime) == [("queued", None)]
    assert sheet(runtime, camila, made.id).state == "ended"


def test_a_rule_without_a_beginning_runs_now_and_then_again(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey
) -> None:
    made = make(runtime, camila, survey, repeat="weekly")
    tick(runtime)
    now = sheet(runtime, camila, made.id)
    assert (now.state, now.next_runs[0].due_at) == ("active", clock.now + timedelta(days=7))
    assert outcomes(runtime, camila, made.id) == [("run", None)]


def test_everything_that_is_wrong_is_said_at_once(runtime: Runtime, camila: Visitor, survey: Survey) -> None:
    found = problems(
        runtime,
        camila,
        {
            "survey": survey.id,
            "repeat": "hourly",
            "at": "1.12.2026 10:00",
            "time_zone": "Brazil/Atlantis",
            "channels": ["email", "pigeon"],
            "audience": {"plan": "pro"},
            "colour": "red",
        },
    )
    assert found == {
        "repeat": "Choose how often.",
        "at": "Write a date and a time, as 2026-12-01T10:00.",
        "time_zone": "Choose a time zone from the list.",
        "channels": "pigeon is not a channel.",
        "audience": "Say “all”, or a field and what is to be true of it.",
        "colour": "There is no such field.",
    }


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-11-16T09:59", "This time has passed. Choose a later one."),
        ("2025-12-01T10:00", "This time has passed. Choose a later one."),
        ("2062-12-01T10:00", "This is more than five years away."),
        ("2026-02-30T10:00", "Write a date and a time, as 2026-12-01T10:00."),
        ("0001-01-01T00:00", "Write a date and a time, as 2026-12-01T10:00."),
        ("2026-12-01T10:00:00Z", "Write a date and a time, as 2026-12-01T10:00."),
        ("２026-12-01T10:00", "Write a date and a time, as 2026-12-01T10:00."),
        (7, "Write a date and a time, as 2026-12-01T10:00."),
    ],
)
def test_a_time_that_cannot_be_is_refused_with_a_sentence(
    runtime: Runtime, camila: Visitor, survey: Survey, at: object, said: str
) -> None:
    assert problems(runtime, camila, {"survey": survey.id, "repeat": "daily", "at": at}) == {"at": said}


def test_this_very_minute_has_not_passed(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey
) -> None:
    clock.advance(seconds=59)
    made = make(runtime, camila, survey, at="2026-11-16T10:00")
    tick(runtime)
    assert outcomes(runtime, camila, made.id) == [("run", None)]


def test_a_beginning_is_refused_where_events_decide_when(
    runtime: Runtime, camila: Visitor, survey: Survey
) -> None:
    """Taken and passed over, it would ask today whom somebody meant to ask in January."""
    event: dict[str, object] = {"repeat": "event", "trigger": {"event": "ticket.solved"}}
    with pytest.raises(Invalid) as refused:
        make(runtime, camila, survey, **event, at="2027-01-04T09:00")
    assert [each.field for each in refused.value.problems] == ["at"]
    assert "pause the schedule until then" in str(refused.value)
    sheet = make(runtime, camila, survey, **event)
    with pytest.raises(Invalid, match="Events decide"):
        schedules.edit(runtime, camila, sheet.id, {"at": "2027-01-04T09:00"})
    schedules.edit(runtime, camila, sheet.id, {"at": sheet.at, "name": "As it is said"})
    weekly = make(runtime, camila, survey, repeat="weekly", at="2027-01-04T09:00")
    with pytest.raises(Invalid, match="Events decide"):
        schedules.edit(runtime, camila, weekly.id, event | {"at": "2027-01-05T09:00"})
    schedules.edit(runtime, camila, weekly.id, event)
    assert schedule_sheets.get(runtime, camila, weekly.id).at == sheet.at


def test_survey_and_rhythm_are_needed(runtime: Runtime, camila: Visitor) -> None:
    assert problems(runtime, camila, {"name": "x"}) == {
        "survey": "Choose a survey.",
        "repeat": "Choose how often.",
    }


@pytest.mark.parametrize("case", ["unpublished", "archived", "another workspace's"])
def test_only_a_survey_that_people_can_be_asked_is_taken(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, case: str
) -> None:
    made = {
        "unpublished": lambda: world.survey(workspace, published_version_id=None),
        "archived": lambda: world.survey(workspace, archived_at=world.now),
        "another workspace's": lambda: world.survey(world.workspace()),
    }[case]()
    assert set(problems(runtime, camila, {"survey": made.id, "repeat": "once"})) == {"survey"}


def test_another_workspaces_schedule_does_not_exist(
    runtime: Runtime, world: World, camila: Visitor, survey: Survey
) -> None:
    made = make(runtime, camila, survey, repeat="weekly")
    stranger = world.member(world.workspace(), Role.OWNER)
    for act in (schedules.pause, schedules.resume, schedules.cancel, schedule_sheets.get, runs.history):
        with pytest.raises(NotFound):
            act(runtime, stranger, made.id)
    with pytest.raises(NotFound):
        schedules.edit(runtime, stranger, made.id, {"name": "ours"})
    with pytest.raises(NotFound):
        schedule_previews.preview(runtime, stranger, made.id)
    assert schedule_sheets.list_schedules(runtime, stranger).items == ()


def test_an_edit_moves_the_next_run_and_keeps_what_is_not_given(
    runtime: Runtime, camila: Visitor, survey: Survey
) -> None:
    made = make(runtime, camila, survey, repeat="weekly", at="2026-12-01T10:00", name="Terças")
    assert schedules.edit(runtime, camila, made.id, {"at": "2026-12-03T15:30"}, made.revision) == 2
    now = sheet(runtime, camila, made.id)
    assert (now.name, now.repeat, now.next_runs[0].local) == ("Terças", Repeat.WEEKLY, "2026-12-03T15:30")


def test_j10_the_second_to_save_is_told(runtime: Runtime, camila: Visitor, survey: Survey) -> None:
    made = make(runtime, camila, survey, repeat="weekly", at="2026-12-01T10:00")
    schedules.edit(runtime, camila, made.id, {"name": "A"}, made.revision)
    with pytest.raises(Conflict, match="Somebody else"):
        schedules.edit(runtime, camila, made.id, {"name": "B"}, made.revision)
    assert sheet(runtime, camila, made.id).name == "A"


def test_a_rule_that_has_run_may_keep_its_beginning(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey
) -> None:
    made = make(runtime, camila, survey, repeat="weekly", at="2026-11-17T10:00")
    clock.advance(days=20)
    tick(runtime)
    changes: dict[str, object] = {"at": "2026-11-17T10:00", "time_zone": "Europe/Lisbon"}
    schedules.edit(runtime, camila, made.id, changes)
    assert sheet(runtime, camila, made.id).next_runs[0].local == "2026-12-08T10:00"
    with pytest.raises(Invalid):
        schedules.edit(runtime, camila, made.id, {"at": "2026-11-18T10:00"})


def test_what_was_due_before_an_edit_still_ends_in_a_row(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey
) -> None:
    made = make(runtime, camila, survey, repeat="daily", at="2026-11-16T11:00")
    clock.advance(days=2, hours=2)
    schedules.edit(runtime, camila, made.id, {"repeat": "weekly", "at": "2026-12-01T10:00"})
    tick(runtime)
    assert outcomes(runtime, camila, made.id) == [("missed", "late"), ("missed", "late"), ("run", None)]


def test_one_that_has_ended_begins_again_with_a_later_time(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey
) -> None:
    made = make(runtime, camila, survey)
    tick(runtime)
    schedules.edit(runtime, camila, made.id, {"name": "Depois"})
    assert sheet(runtime, camila, made.id).state == "ended"
    schedules.edit(runtime, camila, made.id, {"repeat": "quarterly", "at": "2027-02-01T10:00"})
    assert sheet(runtime, camila, made.id).state == "active"
    with pytest.raises(Invalid, match="passed"):
        clock.advance(days=400)
        schedules.edit(runtime, camila, made.id, {"repeat": "once"})


def test_a_moved_zone_gives_a_run_of_its_own(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey
) -> None:
    """Ten o'clock in two zones is two moments, each with its row."""
    made = make(runtime, camila, survey, repeat="daily", at="2026-11-16T10:00")
    tick(runtime)
    schedules.edit(runtime, camila, made.id, {"time_zone": "America/New_York"})
    clock.advance(hours=2, minutes=1)
    tick(runtime)
    assert outcomes(runtime, camila, made.id) == [("run", None), ("run", None)]


def test_a_cancelled_schedule_is_over(runtime: Runtime, camila: Visitor, survey: Survey) -> None:
    made = make(runtime, camila, survey, repeat="weekly")
    schedules.cancel(runtime, camila, made.id)
    assert schedules.cancel(runtime, camila, made.id) == 0
    for act in (
        lambda: schedules.edit(runtime, camila, made.id, {"name": "x"}),
        lambda: schedules.pause(runtime, camila, made.id),
        lambda: schedules.resume(runtime, camila, made.id),
    ):
        with pytest.raises(Conflict):
            act()
    assert sheet(runtime, camila, made.id).next_runs == ()


def test_the_list_knows_what_is_over(runtime: Runtime, camila: Visitor, survey: Survey) -> None:
    weekly = make(runtime, camila, survey, repeat="weekly", at="2026-12-01T10:00")
    once = make(runtime, camila, survey)
    tick(runtime)
    assert [each.id for each in schedule_sheets.going_on(runtime, camila).items] == [weekly.id]
    assert [each.id for each in schedule_sheets.over(runtime, camila).items] == [once.id]
    first = schedule_sheets.list_schedules(runtime, camila, limit=1)
    second = schedule_sheets.list_schedules(runtime, camila, limit=1, cursor=first.next_cursor)
    assert {first.items[0].id, second.items[0].id} == {weekly.id, once.id}
    assert second.next_cursor is None


def ids(page: Page[Sheet]) -> list[str]:
    return [each.id for each in page.items]


def test_what_goes_on_stands_in_the_order_in_which_it_leaves(
    runtime: Runtime, camila: Visitor, survey: Survey
) -> None:
    days = [f"2026-12-{day:02d}T10:00" for day in range(1, 27)]
    late = [make(runtime, camila, survey, repeat="weekly", at=at).id for at in days for _ in range(2)]
    soon = make(runtime, camila, survey, repeat="daily", at="2026-11-17T10:00").id
    paused = make(runtime, camila, survey, repeat="daily", at="2026-11-16T23:00").id
    event = make(runtime, camila, survey, repeat="event", trigger={"event": "ticket.solved"}).id
    schedules.pause(runtime, camila, paused)
    first = schedule_sheets.going_on(runtime, camila)
    second = schedule_sheets.going_on(runtime, camila, cursor=first.next_cursor)
    assert ids(first)[0] == soon
    found = [*ids(first), *ids(second)]
    assert second.next_cursor is None
    assert len(first.items) == PAGE
    assert set(found[1:53]) == set(late)
    assert [each.at for each in (*first.items, *second.items)][1:53] == [at for at in days for _ in range(2)]
    assert set(found[53:]) == {paused, event}


def test_a_schedule_goes_on_until_its_last_message_and_its_last_step(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, clock: Clock
) -> None:
    world.contact(workspace)
    other = make(runtime, camila, survey)  # of the same survey, without anybody left to ask
    tick(runtime)
    sending.send_due(runtime)
    clock.advance(days=100)
    steps = [{"survey": world.survey(workspace).id, "after_days": 5}]
    once = make(runtime, camila, survey, steps=steps)
    for act in (planning.plan_schedules, expanding.expand_occurrences, sending.send_due):
        assert ids(schedule_sheets.going_on(runtime, camila)) == [once.id]
        assert ids(schedule_sheets.over(runtime, camila)) == [other.id]
        act(runtime)
    assert sheet(runtime, camila, once.id).state == "ended"
    assert sheet(runtime, camila, once.id).waiting == 0
    assert ids(schedule_sheets.going_on(runtime, camila)) == [once.id]  # its step is to come
    clock.advance(days=6)
    tick(runtime)
    sending.send_due(runtime)
    assert ids(schedule_sheets.going_on(runtime, camila)) == []
    assert set(ids(schedule_sheets.over(runtime, camila))) == {once.id, other.id}


def test_the_list_is_there_though_to_look_who_waits_takes_too_long(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """What ran within the days for which a question waits is not over: somebody may have to stop it."""

    @contextmanager
    def too_long(_: object) -> Iterator[None]:
        raise Unavailable("to count takes too long")
        yield

    world.contact(workspace)
    weekly = make(runtime, camila, survey, repeat="weekly", at="2026-12-01T10:00")
    asked, asks = make(runtime, camila, survey), make(runtime, camila, survey)
    tick(runtime)
    with runtime.db.write() as session:
        session.execute(update(Occurrence).where(Occurrence.schedule_id == asks.id).values(state="running"))
    monkeypatch.setattr(schedule_sheets, "in_time", too_long)
    for days, is_over in ((0, []), (31, [asked.id])):
        clock.advance(days=days)
        on, over = schedule_sheets.going_on(runtime, camila), schedule_sheets.over(runtime, camila)
        assert (set(ids(on)), ids(over)) == ({weekly.id, asks.id, asked.id} - set(is_over), is_over)
        assert {each.waiting for each in (*on.items, *over.items)} == {None}


def test_one_that_is_cancelled_while_it_asks_is_over_at_once(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    world.contact(workspace)
    once = make(runtime, camila, survey)
    tick(runtime)
    assert ids(schedule_sheets.going_on(runtime, camila)) == [once.id]
    schedules.cancel(runtime, camila, once.id)
    assert ids(schedule_sheets.over(runtime, camila)) == [once.id]


# Whom it would ask


def crowd(world: World, workspace: Workspace, survey: Survey) -> None:
    """Nine active people, of whom three can be asked."""
    world.contact(workspace)
    world.contact(workspace)
    world.contact(workspace, email="igual@bemtevi.example")
    world.contact(workspace, email="igual@bemtevi.example")
    world.contact(workspace, email=None)
    world.contact(workspace, lawful_basis="none")
    world.contact(workspace, active=False)
    for kind in ("own_wish", "bounce"):
        gone = world.contact(workspace)
        world.add(
            OptOut(
                id=new_id(), workspace_id=workspace.id, contact_id=gone.id, address_key=gone.email_key,
                kind=kind, origin="console", created_at=world.now,
            )
        )  # fmt: skip
    world.invitation(workspace, survey, world.contact(workspace))
    world.contact(world.workspace())


def test_a_preview_sums_to_the_audience_and_the_run_does_what_it_said(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    crowd(world, workspace, survey)
    made = make(runtime, camila, survey, repeat="daily", at="2026-11-16T10:00")
    shown = schedule_previews.preview(runtime, camila, made.id)
    assert (shown.total, shown.asked) == (9, 3)
    assert dict(shown.not_asked) == {
        "duplicate": 1, "no_address": 1, "no_lawful_basis": 1, "opted_out": 1, "bounced": 1, "resting": 1,
    }  # fmt: skip
    assert shown.asked + sum(number for _, number in shown.not_asked) == shown.total
    assert shown == would(runtime, camila, survey, "daily")
    tick(runtime)
    run = runs.history(runtime, camila, made.id).items[0]
    assert (run.waiting, run.decided, dict(run.not_asked)) == (3, 9, dict(shown.not_asked))


def test_every_reason_leads_to_its_people(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    crowd(world, workspace, survey)
    made = make(runtime, camila, survey, repeat="daily", at="2026-11-16T10:00")
    shown = schedule_previews.preview(runtime, camila, made.id)
    for reason, number in [(None, shown.asked), *shown.not_asked]:
        page = schedule_previews.people(runtime, camila, made.id, reason=reason)
        assert [each.verdict.reason for each in page.items] == [reason] * number
    tick(runtime)
    run = runs.history(runtime, camila, made.id).items[0]
    for reason, number in [(None, run.waiting), *run.not_asked]:
        invited = runs.people(runtime, camila, made.id, run.id, reason=reason)
        assert len(invited.items) == number
    resting = runs.people(runtime, camila, made.id, run.id, reason="resting").items[0]
    assert resting.until is not None


def test_a_quarterly_rule_comes_a_few_days_early(
    runtime: Runtime, world: World, clock: Clock, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    world.invitation(workspace, survey, world.contact(workspace))
    clock.advance(days=85)
    assert would(runtime, camila, survey, "quarterly").asked == 1
    assert would(runtime, camila, survey, "weekly").asked == 0


def test_without_a_way_out_everybody_says_so(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    world.contact(workspace, phone="+5531988884417")
    runtime = replace(runtime, channels={"email": runtime.channels["email"]})
    made = make(runtime, camila, survey, repeat="daily", channels=["sms"])
    assert dict(schedule_previews.preview(runtime, camila, made.id).not_asked) == {
        "channel_not_configured": 1
    }
    tick(runtime)
    assert states(runtime) == [("skipped", "channel_not_configured")]


# Pausing and cancelling


@pytest.fixture
def people(world: World, workspace: Workspace) -> list[Contact]:
    return [world.contact(workspace) for _ in range(12)]


def messages(runtime: Runtime) -> list[str]:
    with runtime.db.read() as session:
        return sorted(session.scalars(select(Message.state)))


def test_pausing_holds_what_has_not_left_and_resuming_lets_it_go_once(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey, people: list[Contact]
) -> None:
    made = make(runtime, camila, survey)
    tick(runtime)
    assert schedules.pause(runtime, camila, made.id) == 12
    assert schedules.pause(runtime, camila, made.id) == 12
    assert states(runtime) == [("planned", "sending_paused")] * 12
    assert sending.send_due(runtime) == 0
    assert sheet(runtime, camila, made.id).waiting == 12
    assert schedules.resume(runtime, camila, made.id) == 12
    assert schedules.resume(runtime, camila, made.id) == 0
    assert sending.send_due(runtime) == 12
    assert messages(runtime) == ["sent"] * 12
    assert sheet(runtime, camila, made.id).state == "ended"


def test_what_was_held_too_long_expires(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey, people: list[Contact]
) -> None:
    made = make(runtime, camila, survey)
    tick(runtime)
    schedules.pause(runtime, camila, made.id)
    clock.advance(days=31)
    assert schedules.resume(runtime, camila, made.id) == 0
    assert states(runtime) == [("skipped", "expired")] * 12
    assert sending.send_due(runtime) == 0
    run = runs.history(runtime, camila, made.id).items[0]
    assert run.not_asked == (("expired", 12),)


def test_what_comes_due_while_it_is_paused_is_skipped_with_a_row(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey, people: list[Contact]
) -> None:
    made = make(runtime, camila, survey, repeat="daily", at="2026-11-17T10:00")
    schedules.pause(runtime, camila, made.id)
    clock.advance(days=1)
    tick(runtime)  # a worker was there
    clock.advance(days=1)
    schedules.resume(runtime, camila, made.id)  # and this time it was not
    tick(runtime)
    assert outcomes(runtime, camila, made.id) == [("skipped", "paused"), ("skipped", "paused")]
    assert states(runtime) == []
    assert sheet(runtime, camila, made.id).next_runs[0].local == "2026-11-19T10:00"


def test_a_single_run_that_passed_while_paused_is_over(
    runtime: Runtime, clock: Clock, camila: Visitor, survey: Survey, people: list[Contact]
) -> None:
    made = make(runtime, camila, survey, at="2026-11-17T10:00")
    schedules.pause(runtime, camila, made.id)
    clock.advance(days=2)
    schedules.resume(runtime, camila, made.id)
    assert (sheet(runtime, camila, made.id).state, states(runtime)) == ("ended", [])
    with pytest.raises(Conflict):
        schedules.pause(runtime, camila, made.id)


def test_cancelling_spares_who_has_not_been_asked_and_leaves_who_has(
    runtime: Runtime, camila: Visitor, survey: Survey, people: list[Contact]
) -> None:
    made = make(runtime, camila, survey, repeat="weekly")
    tick(runtime)
    with runtime.db.write() as session:
        early = session.scalars(select(Message.id).order_by(Message.id).limit(5)).all()
        session.execute(
            update(Message)
            .where(Message.id.not_in(early))
            .values(due_at=runtime.clock() + timedelta(hours=1))
        )
    assert sending.send_due(runtime) == 5
    assert schedules.cancel(runtime, camila, made.id) == 7
    assert states(runtime) == [("cancelled", "cancelled")] * 7 + [("sent", None)] * 5
    run = runs.history(runtime, camila, made.id).items[0]
    assert (run.asked, run.not_asked) == (5, (("cancelled", 7),))


def test_cancelling_what_is_held_spares_them_too(
    runtime: Runtime, camila: Visitor, survey: Survey, people: list[Contact]
) -> None:
    made = make(runtime, camila, survey)
    tick(runtime)
    schedules.pause(runtime, camila, made.id)
    assert schedules.cancel(runtime, camila, made.id) == 12
    assert states(runtime) == [("cancelled", "cancelled")] * 12


def test_a_due_run_that_is_cancelled_first_asks_nobody(
    runtime: Runtime, camila: Visitor, survey: Survey, people: list[Contact]
) -> None:
    made = make(runtime, camila, survey)
    schedules.cancel(runtime, camila, made.id)
    tick(runtime)
    assert outcomes(runtime, camila, made.id) == [("cancelled", "cancelled")]
    assert states(runtime) == []


def test_a_survey_of_a_schedule_that_is_cancelled_can_be_put_away(
    runtime: Runtime, world: World, camila: Visitor, survey: Survey
) -> None:
    made = make(runtime, camila, survey, repeat="weekly")
    schedules.cancel(runtime, camila, made.id)
    with runtime.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Schedule)) == 1
        assert session.scalar(select(func.count()).select_from(Occurrence)) == 1
    surveys.archive(runtime, camila, survey.id)


def test_an_e_nps_schedule_previews_employees_alone(runtime: Runtime, world: World) -> None:
    people = world.workspace("people")
    hr = world.member(people, Role.MANAGER)
    survey = world.survey(people, Metric.ENPS)
    world.contact(people)
    world.contact(people, kind="customer")
    shown = would(runtime, hr, survey, "quarterly")
    assert (shown.total, shown.asked) == (1, 1)
