"""Each person by their own clock, sequences, days off, and what goes wrong around a due moment."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from sqlalchemy import event, func, select, text, update

from app import engines
from app.domain.access import Role
from app.domain.cadence import moment_of
from app.domain.metrics import Metric
from app.errors import Conflict, Invalid, Unavailable
from app.models import Contact, Invitation, Occurrence, Schedule, Workspace, new_id
from app.rendering.languages import language_of
from app.rendering.schedule_words import run_sentence
from app.runtime import Runtime
from app.services import (
    choosing,
    doctor,
    expanding,
    heartbeats,
    planning,
    retiming,
    run_ends,
    sandbox_clearing,
    schedule_previews,
    schedule_sheets,
    schedules,
)  # fmt: skip
from app.services import workspace_settings as settings
from tests.services.loop import at_once
from tests.services.recurring import House
from tests.services.test_planning import Killed, dying_at
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def house(world: World, clock: Clock, workspace: Workspace) -> House:
    return House(world, clock, world.member(workspace, Role.OWNER), world.survey(workspace))


# Each person, every so many days


def test_a_drip_asks_everybody_once_a_cycle_and_as_many_each_day(house: House, workspace: Workspace) -> None:
    people = house.crowd(30)
    with house.runtime.db.write() as session:
        session.execute(update(Workspace).values(rest_days=5, rest_days_by_metric={}))
    id = house.plans(repeat="each_person", every_days=12, at="2026-11-16T10:00")
    for _ in range(37):
        house.tick()
        house.leave()
        house.clock.advance(days=1)
    assert max(house.asked(id)) == 3  # 30 people in 12 days
    with house.runtime.db.read() as session:
        asked = session.execute(
            select(Invitation.contact_id, Invitation.sent_at).order_by(Invitation.sent_at)
        ).all()
    by_person: dict[str, list[datetime]] = {}
    for contact_id, at in asked:
        by_person.setdefault(contact_id, []).append(at)
    assert set(by_person) == set(people)
    gaps = [(b - a).days for times in by_person.values() for a, b in pairwise(times)]
    assert min(gaps) >= 12
    assert max(gaps) <= 14
    assert Counter(map(len, by_person.values())).keys() <= {3, 4}


@pytest.mark.parametrize("off_days", ["skip", "next", "previous"])
def test_a_drip_that_rests_on_weekends_does_not_fall_behind(
    house: House, workspace: Workspace, off_days: str
) -> None:
    """Of 14 days 10 bring people, or fewer where there are holidays."""
    people = house.crowd(28)
    with house.runtime.db.write() as session:
        session.execute(update(Workspace).values(rest_days=5, rest_days_by_metric={}))
    id = house.plans(repeat="each_person", every_days=14, at="2026-11-16T10:00", off_days=off_days)
    preview = schedule_previews.preview(house.runtime, house.who, id)
    assert preview.asked == 4  # in 9 days: Friday is a holiday
    for _ in range(44):
        house.tick()
        house.leave()
        house.clock.advance(days=1)
    with house.runtime.db.read() as session:
        asked = session.execute(
            select(Invitation.contact_id, Invitation.sent_at).order_by(Invitation.sent_at)
        ).all()
    by_person: dict[str, list[datetime]] = {}
    for contact_id, at in asked:
        by_person.setdefault(contact_id, []).append(at)
    gaps = [(b - a).days for times in by_person.values() for a, b in pairwise(times)]
    assert set(by_person) == set(people)
    assert 14 <= min(gaps) <= max(gaps) <= 18


def test_a_drip_killed_in_the_middle_of_its_day_asks_the_same_people(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expanding, "FIRST", 2)
    monkeypatch.setattr(expanding, "MOST", 2)
    house.crowd(40)
    id = house.plans(repeat="each_person", every_days=4, at="2026-11-16T10:00")
    planning.plan_schedules(house.runtime)
    with pytest.raises(Killed):
        expanding.expand_occurrences(dying_at(house.runtime, "expanded_some", times=2))
    assert house.count() == 4
    house.tick()
    assert house.asked(id) == [10]


def test_a_day_of_many_chosen_goes_on_though_some_of_them_are_gone_since(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expanding, "FIRST", 4)
    monkeypatch.setattr(expanding, "MOST", 4)
    ids = sorted(house.crowd(40))
    id = house.plans(repeat="each_person", every_days=2, at="2026-11-16T10:00")
    planning.plan_schedules(house.runtime)
    with pytest.raises(Killed):
        expanding.expand_occurrences(dying_at(house.runtime, "looked_for_some"))
    with house.runtime.db.read() as session:
        chosen = session.scalars(select(Occurrence.chosen)).one() or []
    assert len(chosen) == 20
    assert set(chosen) < set(ids)
    with house.runtime.db.write() as session:
        session.execute(update(Contact).where(Contact.id.in_(chosen[:6])).values(active=False))
    expanding.expand_occurrences(house.runtime)
    assert house.outcomes(id) == [("run", None)]
    with house.runtime.db.read() as session:
        asked = session.scalars(select(Invitation.contact_id).order_by(Invitation.contact_id)).all()
    assert asked == chosen[6:]


def test_lots_are_drawn_over_all_whose_turn_it_is_and_no_group_is_left_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "FIRST", 10)
    monkeypatch.setattr(choosing, "MOST", 10)
    ids = sorted(house.crowd(80))
    with house.runtime.db.write() as session:
        gold = Contact.id.in_(ids[-20:])  # none of the first ten whose turn it is
        session.execute(update(Contact).values(attributes={"plan": "basic"}))
        session.execute(update(Contact).where(gold).values(attributes={"plan": "gold"}))
    terms = {"sample": {"number": 20, "by": "plan"}}
    house.plans(repeat="each_person", every_days=1, at="2026-11-16T10:00", terms=terms)
    house.tick()
    with house.runtime.db.read() as session:
        asked = session.scalars(
            select(Contact)
            .join(Invitation, Invitation.contact_id == Contact.id)
            .where(Invitation.reason.is_(None))
        ).all()
    assert Counter(each.attributes["plan"] for each in asked) == {"basic": 15, "gold": 5}
    assert house.count() == 80


LONG = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT count(*) FROM n"
)


@pytest.mark.on_both
def test_whose_turn_it_is_and_lots_may_take_longer_than_other_reads(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no time at all for a statement, and the clock looked at often: a read of many people is ended."""
    house.crowd(400)
    id = house.plans(repeat="each_person", every_days=2, terms={"sample": {"number": 20}})
    planning.plan_schedules(house.runtime)
    monkeypatch.setattr(engines, "STATEMENT_SECONDS", -1)
    monkeypatch.setattr(engines, "LOOK_EVERY", 40_000)
    house.runtime.db.engine.dispose()  # connections look as often as was said when they were opened
    if house.runtime.db.is_sqlite:
        with pytest.raises(Unavailable, match="interrupted"), house.runtime.db.read() as session:
            session.execute(text(LONG))
    house.tick()
    monkeypatch.undo()
    house.runtime.db.engine.dispose()
    assert house.outcomes(id) == [("run", None)]
    assert house.asked(id) == [20]


def test_a_choice_that_fails_keeps_no_other_run_waiting(
    house: House, world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.crowd(4)
    house.plans(repeat="each_person", every_days=2, at="2026-11-16T10:00")
    workspace = world.workspace()
    other = House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))
    other.crowd(3)
    id = other.plans(repeat="daily", at="2026-11-16T10:00")
    planning.plan_schedules(house.runtime)

    def fails(*_: object) -> bool:
        raise RuntimeError("too much to look at")

    monkeypatch.setattr(choosing, "look", fails)
    with pytest.raises(RuntimeError, match="too much"):
        expanding.expand_occurrences(house.runtime)
    assert other.outcomes(id) == [("run", None)]
    assert house.count(Invitation.workspace_id == other.who.workspace_id) == 3


def test_a_schedule_that_cannot_be_planned_keeps_no_other_waiting(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = house.plans(repeat="daily", at="2026-11-16T11:00")
    id = house.plans(repeat="daily", at="2026-11-16T12:00")
    house.clock.now = datetime(2026, 11, 16, 16, tzinfo=UTC)
    monkeypatch.setattr(planning, "SCHEDULES", 1)
    with house.runtime.db.write() as session:
        session.execute(update(Schedule).where(Schedule.id == broken).values(time_zone="Nowhere/Land"))
    with pytest.raises(ZoneInfoNotFoundError):
        planning.plan_schedules(house.runtime)
    assert [state for state, _ in house.outcomes(id)] == ["due"]
    assert house.outcomes(broken) == []


def test_a_drip_says_today_and_another_day_and_they_sum_up(house: House) -> None:
    house.crowd(40)
    id = house.plans(repeat="each_person", every_days=30, at="2026-11-16T10:00")
    preview = schedule_previews.preview(house.runtime, house.who, id)
    assert (preview.total, preview.asked, dict(preview.not_asked)) == (40, 2, {"another_day": 38})
    assert preview.rest_days_of_metric == 90
    today = schedule_previews.people(house.runtime, house.who, id)
    later = schedule_previews.people(house.runtime, house.who, id, reason="another_day")
    assert (len(today.items), len(later.items)) == (2, 38)
    assert {each.id for each in today.items}.isdisjoint(each.id for each in later.items)
    assert {each.verdict.reason for each in later.items} == {"another_day"}
    house.clock.advance(hours=1)
    house.tick()
    with house.runtime.db.read() as session:
        asked = set(session.scalars(select(Invitation.contact_id)))
    assert asked == {each.id for each in today.items}


def test_a_drip_counts_from_the_last_ask_of_the_metric_whoever_asked(
    house: House, workspace: Workspace
) -> None:
    with house.runtime.db.write() as session:
        session.execute(update(Workspace).values(rest_days=0, rest_days_by_metric={}))
    maria = house.world.contact(workspace)
    house.world.invitation(workspace, house.survey, maria, sent_at=house.clock.now - timedelta(days=10))
    id = house.plans(repeat="each_person", every_days=30, at="2026-11-16T10:00")
    house.live(days=19)
    assert sum(house.asked(id)) == 0
    house.live(days=2)
    assert sum(house.asked(id)) == 1


# Sequences


def test_a_sequence_goes_from_nps_to_ces_and_back_for_those_who_were_asked(
    house: House, workspace: Workspace
) -> None:
    """NPS, 60 days, CES, 30 days, NPS."""
    ces = house.world.survey(workspace, Metric.CES)
    asked, out = house.world.contact(workspace), house.world.contact(workspace, email=None)
    steps = [{"survey": ces.id, "after_days": 60}, {"survey": house.survey.id, "after_days": 30}]
    id = house.plans(repeat="once", steps=steps)
    house.tick()
    house.leave()
    assert house.outcomes(id) == [("run", None), ("due", None), ("due", None)]
    late = house.world.contact(workspace)  # came after the first ask
    house.live(days=91)
    assert house.outcomes(id) == [("run", None)] * 3
    with house.runtime.db.read() as session:
        rows = session.scalars(select(Invitation).order_by(Invitation.created_at)).all()
    told = [(row.contact_id, row.metric, row.state) for row in rows if row.contact_id != out.id]
    assert told == [(asked.id, "nps", "sent"), (asked.id, "ces", "sent"), (asked.id, "nps", "sent")]
    assert late.id not in {row.contact_id for row in rows}
    assert [row.reason for row in rows if row.contact_id == out.id] == ["no_address"]


def test_a_sample_is_drawn_once_and_is_asked_at_every_step(house: House, workspace: Workspace) -> None:
    csat = house.world.survey(workspace, metric=Metric.CSAT)
    house.crowd(40)
    steps = [{"survey": csat.id, "after_days": 40}] * 2
    id = house.plans(repeat="once", steps=steps, terms={"sample": {"share": 20}, "holdout": 5})
    with house.runtime.db.write() as session:
        session.execute(update(Workspace).values(rest_days=5, rest_days_by_metric={}))
    house.tick()
    first = house.asked(id)[0]
    house.leave()
    house.live(days=81)
    assert house.asked(id) == [first] * 3
    assert 6 <= first <= 8


def test_who_was_not_asked_leaves_the_sequence_there_and_opt_out_wins_at_every_step(
    house: House, workspace: Workspace
) -> None:
    first, second = house.world.contact(workspace), house.world.contact(workspace)
    csat = house.world.survey(workspace, Metric.CSAT)
    id = house.plans(repeat="once", steps=[{"survey": csat.id, "after_days": 40}] * 2)
    house.tick()
    house.leave()
    with house.runtime.db.write() as session:
        session.execute(update(Invitation).where(Invitation.contact_id == first.id).values(state="failed"))
    schedule_gone = house.world.contact(workspace)
    assert schedule_gone.id != second.id
    house.live(days=81)
    with house.runtime.db.read() as session:
        counts = dict(
            session.execute(select(Invitation.contact_id, func.count()).group_by(Invitation.contact_id)).all()  # type: ignore[arg-type]
        )
    assert (counts[first.id], counts[second.id]) == (1, 3)
    assert house.outcomes(id) == [("run", None)] * 3


def test_steps_of_a_cancelled_schedule_do_not_come(house: House, workspace: Workspace) -> None:
    house.world.contact(workspace)
    csat = house.world.survey(workspace, Metric.CSAT)
    id = house.plans(repeat="once", steps=[{"survey": csat.id, "after_days": 40}])
    house.tick()
    house.leave()
    schedules.cancel(house.runtime, house.who, id)
    house.live(days=41)
    assert house.outcomes(id) == [("run", None), ("cancelled", "cancelled")]


def test_clearing_the_sandbox_leaves_a_sequence_that_asks_nobody(house: House, workspace: Workspace) -> None:
    """What was asked in play is gone; the step that would have followed finds nobody."""
    house.world.contact(workspace)
    csat = house.world.survey(workspace, Metric.CSAT)
    id = house.plans(repeat="once", steps=[{"survey": csat.id, "after_days": 40}])
    house.tick()
    with house.runtime.db.write() as session:
        session.execute(update(Invitation).values(state="sent", sandbox=True, sent_at=house.clock.now))
    assert sandbox_clearing.clear(house.runtime).invitations == 1
    house.live(days=41)
    assert (house.outcomes(id), house.count()) == ([("run", None), ("run", None)], 0)


def test_a_pulse_is_neither_a_step_nor_a_drip_nor_an_answer_to_an_event(world: World, clock: Clock) -> None:
    people = world.workspace("people")
    hr = House(world, clock, world.member(people, Role.OWNER), world.survey(people, Metric.ENPS))
    for given in (
        {"repeat": "each_person", "every_days": 90},
        {"repeat": "event", "trigger": {"event": "hired"}},
        {"repeat": "once", "steps": [{"survey": hr.survey.id, "after_days": 90}]},
    ):
        with pytest.raises(Invalid, match="in pulses"):
            hr.plans(**given)


# Days off


def test_a_run_on_a_holiday_moves_and_keeps_its_own_row(house: House) -> None:
    """20 November 2026 is a Friday and a holiday here."""
    id = house.plans(repeat="weekly", at="2026-11-20T10:00", off_days="next")
    house.live(days=8)
    with house.runtime.db.read() as session:
        (run, *_) = session.scalars(select(Occurrence).where(Occurrence.schedule_id == id)).all()
    assert run.key.startswith(f"{id}:2026-11-20T10:00")
    assert run.due_at == datetime(2026, 11, 23, 13, tzinfo=UTC)


def test_a_run_that_is_skipped_for_a_day_off_says_so(house: House) -> None:
    settings.update(house.runtime, house.who, {"blackout_dates": ["2026-11-18"]})
    id = house.plans(repeat="daily", at="2026-11-17T10:00", off_days="skip")
    house.live(days=5)
    assert house.outcomes(id) == [
        ("run", None), ("skipped", "blackout"), ("run", None), ("skipped", "day_off"),  # Friday's holiday
        ("skipped", "day_off"),
    ]  # fmt: skip


def test_a_new_blackout_date_moves_what_lies_ahead(house: House) -> None:
    id = house.plans(repeat="weekly", at="2026-11-24T10:00")
    settings.update(house.runtime, house.who, {"blackout_dates": ["2026-11-24"]})
    sheet = schedule_sheets.get(house.runtime, house.who, id)
    assert sheet.next_runs[0].due_at == datetime(2026, 11, 25, 13, tzinfo=UTC)
    assert sheet.next_runs[0].moved
    settings.update(house.runtime, house.who, {"blackout_dates": []})
    house.live(days=9)
    assert house.outcomes(id) == [("run", None)]


def test_a_rule_that_only_names_days_off_is_refused(house: House) -> None:
    with pytest.raises(Invalid, match="never run"):
        house.plans(repeat="weekly", at="2026-11-22T10:00", off_days="skip")


# What goes wrong


@pytest.mark.parametrize(
    ("away", "late_hours", "expected"),
    [
        (timedelta(minutes=10), None, [("run", None)]),
        (timedelta(hours=3), None, [("run", None)]),
        (timedelta(hours=3), 2, [("missed", "late")]),
        (timedelta(hours=3), 0, [("missed", "late")]),
        (timedelta(days=5), None, [("missed", "late")] * 5 + [("run", None)]),
        (timedelta(days=5, hours=13), None, [("missed", "late")] * 6),
        (timedelta(days=5, hours=13), 24, [("missed", "late")] * 5 + [("run", None)]),
        (timedelta(days=5, hours=13), 168, [("missed", "late")] * 5 + [("run", None)]),  # all are in time
    ],
)
def test_d01_after_downtime_the_policy_decides_and_every_moment_has_its_row(
    house: House, away: timedelta, late_hours: int | None, expected: list[tuple[str, str | None]]
) -> None:
    id = house.plans(repeat="daily", at="2026-11-16T10:00", late_hours=late_hours)
    house.clock.now += away
    house.tick()
    assert house.outcomes(id) == expected


@pytest.mark.parametrize(
    ("zone", "at", "due"),
    [
        ("Europe/Berlin", "2027-03-28T02:30", datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),  # D02
        ("Europe/Berlin", "2026-12-31T02:30", datetime(2026, 12, 31, 1, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", "2027-04-04T01:45", datetime(2027, 4, 3, 14, 45, tzinfo=UTC)),  # D03, D05
        ("Asia/Kathmandu", "2026-12-01T09:00", datetime(2026, 12, 1, 3, 15, tzinfo=UTC)),
    ],
)
def test_d02_d03_d05_around_a_clock_change_it_runs_once(
    house: House, zone: str, at: str, due: datetime
) -> None:
    id = house.plans(repeat="once", at=at, time_zone=zone)
    house.clock.now = due - timedelta(seconds=1)
    house.tick()
    assert house.outcomes(id) == []
    for _ in range(4):
        house.clock.advance(minutes=30)
        house.tick()
    assert house.outcomes(id) == [("run", None)]


def test_d04_the_day_after_a_change_is_not_skipped(house: House) -> None:
    id = house.plans(repeat="daily", at="2027-03-27T09:00", time_zone="Europe/Berlin")
    house.clock.now = datetime(2027, 3, 27, 7, tzinfo=UTC)
    house.live(days=3)
    with house.runtime.db.read() as session:
        due = session.scalars(select(Occurrence.due_at).where(Occurrence.schedule_id == id)).all()
    assert sorted(at.hour for at in due) == [7, 7, 7, 8]


def test_d05_a_zone_that_changes_its_rules_moves_what_lies_ahead(house: House) -> None:
    """As a new tzdata would: what was counted by the old rules stands in the row."""
    id = house.plans(repeat="weekly", at="2026-11-24T10:00")
    right = moment_of(datetime(2026, 11, 24, 10), ZoneInfo("America/Sao_Paulo"))
    with house.runtime.db.write() as session:
        session.execute(update(Schedule).values(next_due_at=right - timedelta(hours=1)))
    assert retiming.retime_schedules(house.runtime) == 1
    assert retiming.retime_schedules(house.runtime) == 0
    with house.runtime.db.read() as session:
        assert session.scalar(select(Schedule.next_due_at)) == right
    house.live(days=9)
    assert house.outcomes(id) == [("run", None)]


def test_d05_a_later_step_keeps_its_hour_where_the_zone_changes_its_rules(house: House) -> None:
    """Also once it was put off; and it is its own zone's hour, wherever the schedule is moved."""
    steps = [{"survey": house.survey.id, "after_days": 30}, {"survey": house.survey.id, "after_days": 60}]
    id = house.plans(repeat="once", at="2026-11-24T10:00", steps=steps)
    house.live(days=10)
    with house.runtime.db.write() as session:
        late = select(Occurrence).where(Occurrence.step > 0).order_by(Occurrence.step)
        right = [each.due_at for each in session.scalars(late)]
        for each in session.scalars(late):
            each.due_at -= timedelta(hours=1)
        session.execute(update(Schedule).values(time_zone="Asia/Kathmandu"))
    assert [each.astimezone(ZoneInfo("America/Sao_Paulo")).hour for each in right] == [10, 10]
    assert retiming.retime_steps(house.runtime) == 2
    assert retiming.retime_steps(house.runtime) == 0
    with house.runtime.db.read() as session:
        due = select(Occurrence.due_at).where(Occurrence.schedule_id == id, Occurrence.state == "due")
        assert list(session.scalars(due.order_by(Occurrence.step))) == right


def test_d05_a_change_just_before_a_run_loses_and_doubles_nothing(house: House) -> None:
    id = house.plans(repeat="daily", at="2026-11-16T11:00")
    house.live(hours=2)
    with house.runtime.db.write() as session:
        session.execute(update(Schedule).values(next_due_at=house.clock.now - timedelta(minutes=1)))
    house.tick()  # nothing is due by the rule: the row was wrong
    retiming.retime_schedules(house.runtime)
    house.live(days=1)
    assert house.outcomes(id) == [("run", None)] * 2


@pytest.mark.on_both
def test_d07_planners_at_once_make_one_row_with_its_steps(house: House, workspace: Workspace) -> None:
    csat = house.world.survey(workspace, Metric.CSAT)
    id = house.plans(repeat="daily", steps=[{"survey": csat.id, "after_days": 9}])
    assert at_once(*[house.tick] * 4) == [None] * 4
    assert house.outcomes(id) == [("run", None), ("due", None)]


def test_d08_a_clock_that_is_set_back_or_forward_runs_nothing_twice(house: House) -> None:
    id = house.plans(repeat="daily", at="2026-11-16T11:00")
    house.live(hours=2)
    house.clock.advance(hours=-1)
    house.live(hours=2)
    assert house.outcomes(id) == [("run", None)]
    house.clock.advance(days=1)
    house.tick()
    house.clock.advance(days=-1)
    house.live(days=1)
    assert house.outcomes(id) == [("run", None)] * 2


def test_d08_a_jump_is_said_loudly_and_an_ordinary_second_is_not(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    looked = heartbeats.look(house.runtime)
    looked = heartbeats.watch_clock(house.runtime, looked)
    assert "clock jumped" not in "".join(capsys.readouterr())
    house.clock.advance(hours=-1)
    looked = heartbeats.watch_clock(house.runtime, looked)
    said = "".join(capsys.readouterr())
    assert "clock jumped" in said
    assert "-3600" in said
    heartbeats.watch_clock(house.runtime, looked)
    assert "clock jumped" not in "".join(capsys.readouterr())
    with house.runtime.db.read() as session:
        assert heartbeats.last_jump(session, house.clock.now) == -3600
        assert heartbeats.last_jump(session, house.clock.now + timedelta(days=2)) is None


def test_d08_the_doctor_remembers_a_jump(house: House) -> None:
    """By the real clock, as the database's own cannot be moved."""
    real = replace(house.runtime, clock=lambda: datetime.now(UTC))
    looked = heartbeats.look(real)
    heartbeats.watch_clock(real, replace(looked, wall=looked.wall - timedelta(hours=2)))
    (found,) = [each for each in doctor.examine(real) if each.name == "clock"]
    assert found.state == "warning"
    assert "jumped by 7200 s" in found.says


def test_d10_a_run_keeps_what_it_was_claimed_with(house: House, workspace: Workspace) -> None:
    csat, ces = house.world.survey(workspace, Metric.CSAT), house.world.survey(workspace, Metric.CES)
    id = house.plans(repeat="daily", steps=[{"survey": csat.id, "after_days": 9}])
    planning.plan_schedules(house.runtime)
    changes: dict[str, object] = {"survey": ces.id, "steps": []}
    schedules.edit(house.runtime, house.who, id, changes)
    with house.runtime.db.read() as session:
        kept = session.scalars(select(Occurrence.survey_id).order_by(Occurrence.step)).all()
    assert kept == [house.survey.id, csat.id]


@pytest.mark.parametrize("after", [{"repeat": "daily"}, {"repeat": "custom", "rrule": "FREQ=DAILY"}])
def test_d10_a_run_meets_rest_as_early_as_the_rule_that_it_came_from(
    house: House, monkeypatch: pytest.MonkeyPatch, after: dict[str, object]
) -> None:
    """Of twelve people four were asked, and the other eight rested: a daily rule meets no rest early."""
    monkeypatch.setattr(expanding, "FIRST", 4)
    house.crowd(12)
    first = house.plans(repeat="once")
    house.tick()
    house.leave()
    assert house.asked(first) == [12]
    house.clock.advance(days=85)  # of ninety
    id = house.plans(repeat="quarterly")
    planning.plan_schedules(house.runtime)
    expanding.expand_occurrences(replace(house.runtime, stopping=lambda: house.count() > 12))
    assert house.count() == 16
    schedules.edit(house.runtime, house.who, id, after)
    house.tick()
    assert house.asked(id)[0] == 12


@pytest.mark.parametrize("begun", [True, False])
def test_d10_a_day_of_a_drip_brings_as_many_as_it_was_to(
    house: House, monkeypatch: pytest.MonkeyPatch, *, begun: bool
) -> None:
    """Whether some of them were looked at before somebody made the cycle longer, or none."""
    monkeypatch.setattr(choosing, "FIRST", 8)
    monkeypatch.setattr(choosing, "MOST", 8)
    with house.runtime.db.write() as session:
        session.execute(update(Workspace).values(rest_days=0, rest_days_by_metric={}))
    house.crowd(30)
    id = house.plans(repeat="each_person", every_days=10)
    planning.plan_schedules(house.runtime)
    if begun:
        looks = iter((False, False, True))
        expanding.expand_occurrences(replace(house.runtime, stopping=lambda: next(looks, True)))
    schedules.edit(house.runtime, house.who, id, {"every_days": 30})
    expanding.expand_occurrences(house.runtime)
    assert house.asked(id) == [3]


def test_d10_a_day_of_a_drip_counts_as_one_of_few_whatever_its_schedule_became(house: House) -> None:
    """Its bounces are judged with those of the days around it."""
    house.crowd(3)
    id = house.plans(repeat="each_person", every_days=3)
    house.tick()
    schedules.edit(house.runtime, house.who, id, {"repeat": "quarterly", "at": "2026-12-01T10:00"})
    house.live(days=16)
    with house.runtime.db.read() as session:
        rows = session.scalars(select(Occurrence).order_by(Occurrence.due_at)).all()
    assert [run_ends.is_of_few(each) for each in rows] == [True, False]


def test_d10_a_run_that_just_came_due_is_not_lost_over_a_change_of_its_schedule(house: House) -> None:
    """The rule as it is now names the same moment again, whose row is there and has not begun."""
    house.crowd(3)
    id = house.plans(repeat="daily", at="2026-11-17T10:00")
    house.clock.advance(days=1, seconds=5)
    planning.plan_schedules(house.runtime)
    house.clock.advance(seconds=1)
    schedules.edit(house.runtime, house.who, id, {"off_days": "next"})
    planning.plan_schedules(house.runtime)
    assert house.outcomes(id) == [("due", None)]
    house.tick()
    assert (house.outcomes(id), house.asked(id)) == ([("run", None)], [3])


def test_d10_a_run_that_was_named_again_still_gives_way_to_the_next(house: House) -> None:
    id = house.plans(repeat="daily", at="2026-11-17T10:00", late_hours=72)
    house.clock.advance(days=1, seconds=5)
    planning.plan_schedules(house.runtime)
    schedules.edit(house.runtime, house.who, id, {"off_days": "next"})
    house.clock.advance(days=1)
    house.tick()
    assert house.outcomes(id) == [("missed", "late"), ("run", None)]


EACH: dict[str, object] = {"repeat": "each_person", "every_days": 90}
MONTHLY: dict[str, object] = {"repeat": "monthly"}


@pytest.mark.parametrize(("before", "after"), [(EACH, MONTHLY), (MONTHLY, EACH)])
def test_d10_a_run_asks_nobody_once_its_schedule_asks_others_and_its_steps_neither(
    house: House, workspace: Workspace, before: dict[str, object], after: dict[str, object]
) -> None:
    """All at once, and each by their own clock: whom a run is about is looked up as it begins."""
    house.crowd(90)
    csat = house.world.survey(workspace, Metric.CSAT)
    steps = [{"survey": csat.id, "after_days": 10}]
    id = house.plans(**before, at="2026-11-17T10:00", steps=steps)
    house.clock.advance(days=1, seconds=5)
    planning.plan_schedules(house.runtime)
    schedules.edit(house.runtime, house.who, id, after | {"at": "2026-12-17T10:00"})
    house.tick()
    assert (house.outcomes(id), house.count()) == ([("skipped", "edited")] * 2, 0)
    said = run_sentence(language_of("en"), "skipped", "edited", 0)
    assert said == "Skipped: the schedule was changed before it had begun."
    house.live(days=30)
    assert house.asked(id) == [1 if after is EACH else 90]


def test_d10_a_schedule_that_asks_others_may_begin_at_the_moment_of_the_run_that_it_gives_up(
    house: House,
) -> None:
    house.crowd(90)
    id = house.plans(**EACH, at="2026-11-17T10:00")
    house.clock.advance(days=1, seconds=5)
    planning.plan_schedules(house.runtime)
    schedules.edit(house.runtime, house.who, id, MONTHLY)
    house.tick()
    assert sorted(house.outcomes(id)) == [("run", None), ("skipped", "edited")]
    assert house.asked(id) == [90]


@pytest.mark.parametrize(("before", "after"), [(EACH, MONTHLY), (MONTHLY, EACH)])
def test_d10_whom_a_schedule_asks_is_not_changed_while_a_run_of_it_asks(
    house: House, monkeypatch: pytest.MonkeyPatch, before: dict[str, object], after: dict[str, object]
) -> None:
    monkeypatch.setattr(expanding, "FIRST", 2)
    monkeypatch.setattr(expanding, "MOST", 2)
    house.crowd(5 * 90)
    id = house.plans(**before)
    planning.plan_schedules(house.runtime)
    expanding.expand_occurrences(replace(house.runtime, stopping=lambda: house.count() > 0))
    with pytest.raises(Conflict, match="has not asked everybody yet"):
        schedules.edit(house.runtime, house.who, id, after)
    schedules.edit(house.runtime, house.who, id, {"name": "Another name"})
    house.tick()
    schedules.edit(house.runtime, house.who, id, after)
    assert house.asked(id) == [5 if before is EACH else 450]


def test_d11_a_run_that_has_not_ended_lets_none_begin(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expanding, "FIRST", 2)
    house.crowd(5)
    id = house.plans(repeat="daily", at="2026-11-16T10:00")
    planning.plan_schedules(house.runtime)
    expanding.expand_occurrences(replace(house.runtime, stopping=lambda: house.count() > 0))
    house.clock.advance(days=1)
    planning.plan_schedules(house.runtime)
    house.clock.advance(days=1)
    house.tick()
    house.clock.advance(days=1)
    house.tick()
    assert house.outcomes(id) == [
        ("run", None),
        ("skipped", "overlap"),
        ("skipped", "overlap"),
        ("run", None),
    ]


def test_d13_however_many_schedules_are_due_at_nine_all_begin_in_one_tick(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each in a short transaction of its own, so that nobody who writes meanwhile waits for all of them.

    How long a thousand take says the benchmark.
    """
    number = 120
    monkeypatch.setattr(planning, "SCHEDULES", 50)
    row = _row_of(house, house.plans(repeat="daily", at="2026-11-17T09:00"))
    with house.runtime.db.write() as session:
        session.add_all(Schedule(**row | {"id": new_id()}) for _ in range(number - 1))
    house.clock.now = datetime(2026, 11, 17, 12, tzinfo=UTC)
    transactions: list[str] = []
    event.listen(house.runtime.db.engine, "commit", lambda _: transactions.append("commit"))
    assert planning.plan_schedules(house.runtime) == number
    planned = len(transactions)
    expanding.expand_occurrences(house.runtime)
    assert planned <= number + number / planning.SCHEDULES + 1
    assert len(transactions) - planned <= number + 2
    with house.runtime.db.read() as session:
        states = Counter(session.scalars(select(Occurrence.state)))
    assert states == {"run": number}


def test_d13_a_large_run_lets_the_others_begin(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """After one round everybody has begun, however long the largest takes."""
    monkeypatch.setattr(expanding, "FIRST", 10)
    monkeypatch.setattr(expanding, "MOST", 10)
    house.crowd(100)
    ids = [house.plans(repeat="once") for _ in range(5)]
    planning.plan_schedules(house.runtime)
    begun: list[int] = []

    def after_each_chunk(_: str) -> None:
        with house.runtime.db.read() as session:
            running = select(func.count()).select_from(Occurrence).where(Occurrence.state != "due")
            begun.append(session.scalar(running) or 0)

    expanding.expand_occurrences(replace(house.runtime, reach=after_each_chunk))
    assert begun[: len(ids)] == [1, 2, 3, 4, 5]


def test_d15_a_rule_reaches_beyond_2038(house: House, runtime: Runtime) -> None:
    house.clock.now = datetime(2039, 1, 1, tzinfo=UTC)
    id = house.plans(repeat="monthly", at="2039-01-31T10:00")
    house.live(days=60)
    assert house.outcomes(id) == [("run", None)] * 2


def test_d16_a_tick_that_comes_late_finds_what_is_due(house: House) -> None:
    """The engine only wakes us: what is due stands in the table until somebody looks."""
    id = house.plans(repeat="daily", at="2026-11-16T10:00")
    house.clock.advance(minutes=9, seconds=59)
    house.tick()
    assert house.outcomes(id) == [("run", None)]


def _row_of(house: House, id: str) -> dict[str, object]:
    with house.runtime.db.read() as session:
        schedule = session.get_one(Schedule, id)
        return {column.name: getattr(schedule, column.name) for column in Schedule.__table__.columns}
