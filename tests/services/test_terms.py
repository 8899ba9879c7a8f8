"""Runs on terms: some of many, in proportion; a group that is never asked; no more than so many an hour."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.domain.access import Role
from app.domain.metrics import Metric
from app.domain.terms import draw, share_of_draws
from app.errors import Invalid
from app.models import Contact, Invitation, Message, Occurrence, Schedule, Setting, Survey, Workspace
from app.runtime import Runtime
from app.services import expanding, hourly, planning, preflight, schedules, sending
from app.services.access import Visitor
from tests.services.test_planning import crowd
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def camila(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace)


def due(runtime: Runtime, who: Visitor, survey: Survey, **terms: object) -> str:
    """A schedule on these terms that is due now."""
    id = schedules.create(runtime, who, {"survey": survey.id, "repeat": "daily"})
    with runtime.db.write() as session:
        session.get_one(Schedule, id).terms = terms
    return id


def run(runtime: Runtime) -> None:
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)


def became(runtime: Runtime) -> Counter[str | None]:
    with runtime.db.read() as session:
        return Counter(session.scalars(select(Invitation.reason)))


def test_a_share_of_the_people_is_asked_and_the_others_are_told_why(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    crowd(world, workspace, 250)
    due(runtime, camila, survey, sample={"share": 20})
    run(runtime)
    assert became(runtime) == {None: 50, "sampled_out": 200}


def test_a_sample_is_taken_in_proportion_of_an_attribute_among_those_who_may_be_asked(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    crowd(world, workspace, 200)
    with runtime.db.write() as session:
        for place, each in enumerate(session.scalars(select(Contact).order_by(Contact.name))):
            each.attributes = {"plan": "gold" if place % 4 == 0 else "basic"}
            if place % 4 == 1:
                each.email = each.email_key = None
    due(runtime, camila, survey, sample={"number": 30, "by": "plan"})
    run(runtime)
    asked = select(Contact.attributes).join(Invitation, Invitation.contact_id == Contact.id)
    with runtime.db.read() as session:
        plans = Counter(each["plan"] for each in session.scalars(asked.where(Invitation.reason.is_(None))))
    assert plans == {"gold": 10, "basic": 20}
    assert became(runtime) == {None: 30, "sampled_out": 120, "no_address": 50}


def test_the_next_run_draws_others(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, clock: Clock
) -> None:
    crowd(world, workspace, 100)
    workspace_free_of_rest(runtime, workspace)
    due(runtime, camila, survey, sample={"number": 30})
    run(runtime)
    clock.advance(days=1)
    run(runtime)
    with runtime.db.read() as session:
        rows = session.execute(
            select(Invitation.occurrence_id, Invitation.contact_id).where(Invitation.reason.is_(None))
        )
        drawn: dict[str, set[str]] = {}
        for occurrence, contact in rows:
            drawn.setdefault(occurrence, set()).add(contact)
    first, second = drawn.values()
    assert len(first) == len(second) == 30
    assert first != second


def workspace_free_of_rest(runtime: Runtime, workspace: Workspace) -> None:
    with runtime.db.write() as session:
        row = session.get_one(Workspace, workspace.id)
        row.rest_days, row.rest_days_by_metric = 0, {}


def test_the_holdout_group_is_never_asked_and_stays_the_same(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, clock: Clock
) -> None:
    crowd(world, workspace, 200)
    workspace_free_of_rest(runtime, workspace)
    id = due(runtime, camila, survey, holdout=10)
    for _ in range(3):
        run(runtime)
        clock.advance(days=1)
    with runtime.db.read() as session:
        held = Counter(session.scalars(select(Invitation.contact_id).where(Invitation.reason == "holdout")))
        people = session.scalars(select(Contact.id)).all()
    assert set(held) == {each for each in people if draw(f"holdout:{id}", each) < share_of_draws(10)}
    assert set(held.values()) == {3}
    assert 5 <= len(held) <= 40


@pytest.mark.parametrize("terms", [{"holdout": 50}, {"sample": {"share": 50}}])
@pytest.mark.parametrize("at_once", [1, 100])
def test_who_shares_an_address_is_decided_about_by_the_first_wherever_a_commit_ends(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey,
    monkeypatch: pytest.MonkeyPatch, terms: dict[str, Any], at_once: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(expanding, "FIRST", at_once)
    monkeypatch.setattr(expanding, "MOST", at_once)
    for place in range(20):
        for _ in range(2):
            world.contact(workspace, email=f"both{place}@a.example")
    due(runtime, camila, survey, **terms)
    run(runtime)
    with runtime.db.read() as session:
        rows = session.execute(
            select(Invitation.address_key, Invitation.reason).order_by(Invitation.contact_id)
        ).all()
    by_address: dict[str | None, list[str | None]] = {}
    for key, reason in rows:
        by_address.setdefault(key, []).append(reason)
    assert len(by_address) == 20
    assert {second for _, second in by_address.values()} == {"duplicate"}
    assert len({first for first, _ in by_address.values()}) == 2, "some are left out, some are not"


def test_so_many_an_hour_leave_a_few_after_the_other(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    crowd(world, workspace, 230)
    due(runtime, camila, survey, per_hour=65)
    run(runtime)
    with runtime.db.read() as session:
        moments = sorted(session.scalars(select(Message.due_at)))
        began = session.scalars(select(Occurrence.due_at)).one()
    assert len(moments) == 230
    for hour in range(4):
        within = [
            each
            for each in moments
            if began + timedelta(hours=hour) <= each < began + timedelta(hours=hour + 1)
        ]
        assert len(within) <= 65
    assert max(Counter(moments).values()) <= 5  # five minutes' worth at one moment
    assert moments[-1] - began < timedelta(hours=4)


def leave(runtime: Runtime, clock: Clock, hours: int) -> list[int]:
    """A worker looks each ten minutes: how many leave in each hour."""
    looks = []
    for _ in range(hours * 6):
        clock.advance(minutes=10)
        looks.append(sending.send_due(runtime))
    return [sum(looks[start : start + 6]) for start in range(0, len(looks), 6)]


def test_what_was_held_while_a_schedule_was_paused_leaves_so_many_an_hour_as_well(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, clock: Clock
) -> None:
    crowd(world, workspace, 20)
    id = due(runtime, camila, survey, per_hour=6)
    run(runtime)
    schedules.pause(runtime, camila, id)
    clock.advance(hours=5)
    schedules.resume(runtime, camila, id)
    assert leave(runtime, clock, 5) == [6, 6, 6, 2, 0]


def test_whoever_has_a_turn_ahead_keeps_it_while_their_schedule_is_paused_and_resumed(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, clock: Clock
) -> None:
    """Due at once, all of them would stand before everybody else's questions."""
    crowd(world, workspace, 30)
    id = due(runtime, camila, survey, per_hour=6)
    run(runtime)
    turns = sorted(due_moments(runtime))
    schedules.pause(runtime, camila, id)
    clock.advance(minutes=65)
    schedules.resume(runtime, camila, id)
    assert sorted(due_moments(runtime)) == [max(each, clock.now) for each in turns]
    assert max(turns) > clock.now


def due_moments(runtime: Runtime) -> list[datetime]:
    with runtime.db.read() as session:
        return list(session.scalars(select(Message.due_at).where(Message.state == "queued")))


def test_two_runs_of_a_schedule_share_its_hour_and_one_without_a_limit_has_none(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, clock: Clock
) -> None:
    crowd(world, workspace, 3)
    workspace_free_of_rest(runtime, workspace)
    due(runtime, camila, survey, per_hour=3)
    run(runtime)
    clock.advance(days=1)
    run(runtime)
    due(runtime, camila, survey)
    run(runtime)
    assert leave(runtime, clock, 3) == [3 + 3, 3, 0]
    with runtime.db.read() as session:
        kept = session.scalars(select(Setting.name).where(Setting.name.startswith("hour_of:"))).all()
    assert len(kept) == 1


def test_the_hour_of_a_schedule_is_forgotten_once_nothing_of_it_counts(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, clock: Clock
) -> None:
    crowd(world, workspace, 3)
    due(runtime, camila, survey, per_hour=2)
    run(runtime)
    with runtime.db.write() as session:
        session.execute(update(Message).values(due_at=clock.now))
    assert sending.send_due(runtime) == 2
    clock.advance(minutes=61)
    assert hourly.forget_old(runtime) == 0, "somebody has a turn"
    assert sending.send_due(runtime) == 1
    clock.advance(minutes=59)
    assert hourly.forget_old(runtime) == 0
    clock.advance(minutes=2)
    assert hourly.forget_old(runtime) == 1
    with runtime.db.read() as session:
        assert not session.scalars(select(Setting).where(Setting.name.startswith("hour_of:"))).all()
    clock.advance(days=1)
    workspace_free_of_rest(runtime, workspace)
    run(runtime)
    assert leave(runtime, clock, 2) == [2, 1]


def test_lots_are_the_same_in_a_statement_and_in_the_rule(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    crowd(world, workspace, 60)
    due(runtime, camila, survey, sample={"share": 50})
    run(runtime)
    with runtime.db.read() as session:
        occurrence = session.scalars(select(Occurrence)).one()
        asked = set(session.scalars(select(Invitation.contact_id).where(Invitation.reason.is_(None))))
        people = session.scalars(select(Contact.id)).all()
    drawn = sorted(people, key=lambda id: draw(f"sample:{occurrence.id}", id))
    assert asked == set(drawn[:30])


def test_where_somebody_answered_last_comes_first_if_the_schedule_lets_it(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    maria = world.contact(workspace, phone="+5531988884417", email="maria@bemtevi.example")
    ana = world.contact(workspace, phone="+5531988884418", email="ana@bemtevi.example")
    bia = world.contact(
        workspace, phone="+5531988884419", email="bia@bemtevi.example", preferred_channel="email"
    )
    workspace_free_of_rest(runtime, workspace)
    for each in (maria, bia):
        world.answer(workspace, 9, survey=survey, contact=each, channel="sms")
    id = schedules.create(
        runtime,
        camila,
        {
            "survey": survey.id, "repeat": "daily", "channels": ["email", "sms"],
            "terms": {"their_channel_first": True, "reminders": []},
        },
    )  # fmt: skip
    run(runtime)
    with runtime.db.read() as session:
        asked = dict(
            session.execute(
                select(Invitation.contact_id, Invitation.channel).where(Invitation.schedule_id == id)
            ).all()
        )
        assert set(session.scalars(select(Invitation.remind_after).where(Invitation.schedule_id == id))) == {
            None
        }
    assert asked == {maria.id: "sms", ana.id: "email", bia.id: "email"}  # a wish weighs more than a habit


@pytest.mark.parametrize("uncounted", ["sandbox", "suspect", "late"])
def test_an_answer_that_does_not_count_leads_nobody_to_its_channel(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey, uncounted: str
) -> None:
    """What the sandbox heard, once it is off; what a machine clicked; what came after all was counted."""
    maria = world.contact(workspace, phone="+5531988884417", email="maria@bemtevi.example")
    workspace_free_of_rest(runtime, workspace)
    before = world.now - timedelta(days=1)
    world.answer(workspace, 9, survey=survey, contact=maria, channel="email", recorded_at=before)
    world.answer(workspace, 9, survey=survey, contact=maria, channel="sms", **{uncounted: True})
    terms = {"their_channel_first": True, "reminders": []}
    given = {"survey": survey.id, "repeat": "daily", "channels": ["sms", "email"], "terms": terms}
    id = schedules.create(runtime, camila, given)
    run(replace(runtime, config=replace(runtime.config, sandbox="off")))
    with runtime.db.read() as session:
        chosen = select(Invitation.channel).where(Invitation.schedule_id == id)
        assert session.scalars(chosen).all() == ["email"]


def test_terms_are_kept_with_the_schedule_and_frozen_into_the_run(
    runtime: Runtime, world: World, workspace: Workspace, camila: Visitor, survey: Survey
) -> None:
    world.contact(workspace)
    id = schedules.create(
        runtime, camila, {"survey": survey.id, "repeat": "daily", "terms": {"reminders": [2, 5]}}
    )
    planning.plan_schedules(runtime)
    schedules.edit(runtime, camila, id, {"terms": {"reminders": []}})
    expanding.expand_occurrences(runtime)
    with runtime.db.read() as session:
        assert session.scalars(select(Invitation.remind_after)).one() == 2
        assert session.get_one(Schedule, id).terms == {"reminders": []}


LOTS = "A pulse asks everybody of its audience: it leaves nobody out by lot."
ITS_OWN_WAY = "A pulse asks on the first channel that reaches them, and reminds there three days later."


@pytest.mark.parametrize(
    ("name", "said", "why"),
    [
        ("sample", {"share": 20}, LOTS),
        ("holdout", 10, LOTS),
        ("reminders", [3, 7], ITS_OWN_WAY),
        ("reminders", [], ITS_OWN_WAY),
        ("remind_elsewhere", True, ITS_OWN_WAY),
        ("their_channel_first", True, ITS_OWN_WAY),
    ],
)
def test_a_pulse_takes_no_terms_that_it_would_pass_over(
    runtime: Runtime, world: World, name: str, said: object, why: str
) -> None:
    people = world.workspace("people")
    hr = world.member(people, Role.MANAGER)
    given = {"survey": world.survey(people, Metric.ENPS).id, "repeat": "quarterly"}
    with pytest.raises(Invalid) as refused:
        schedules.create(runtime, hr, given | {"terms": {name: said}})
    assert [(each.field, str(each)) for each in refused.value.problems] == [(name, why)]
    id = schedules.create(runtime, hr, given | {"terms": {"per_hour": 600}})
    with pytest.raises(Invalid, match=why):
        schedules.edit(runtime, hr, id, {"terms": {name: said}})
    usual = {"sample": None, "holdout": 0, "reminders": [3], "remind_elsewhere": False}
    schedules.edit(runtime, hr, id, {"terms": usual})


@pytest.mark.parametrize("left", [{}, {"sample": {"share": 50}, "holdout": 50}])
def test_a_pulse_whose_schedule_holds_older_terms_asks_as_its_preflight_says(
    runtime: Runtime, world: World, left: dict[str, Any]
) -> None:
    people = world.workspace("people")
    hr = world.member(people, Role.MANAGER)
    for number in range(6):
        phone, email = f"+551198888441{number}", f"p{number}@people.example"
        world.contact(people, phone=phone, email=email, preferred_channel="sms")
    given = {"survey": world.survey(people, Metric.ENPS).id, "repeat": "quarterly"}
    id = schedules.create(runtime, hr, given | {"channels": ["email", "sms"]})
    with runtime.db.write() as session:
        session.get_one(Schedule, id).terms = {"their_channel_first": True, "reminders": [1], **left}
    schedules.edit(runtime, hr, id, {"name": "Clima"})
    foreseen = {each.channel: each.people for each in preflight.of_schedule(runtime, hr, id).groups}
    run(runtime)
    with runtime.db.read() as session:
        assert Counter(session.scalars(select(Invitation.channel))) == foreseen == {"email": 6}
