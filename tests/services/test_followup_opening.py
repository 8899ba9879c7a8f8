"""Exactly one follow-up for an answer that needs a person, with its due times; changes annotate it."""

from datetime import UTC, datetime

import pytest

from app.domain.access import Role
from app.errors import Invalid, NotFound
from app.runtime import Runtime
from app.services import followups
from app.services.followup_opening import annotate_edit, reply_left
from tests.services.loop import at_once, events, followup, kinds, open_again, opened
from tests.world import Clock, World


def test_a_detractor_opens_one_with_due_times_in_business_hours(world: World, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 16, 16, 12, tzinfo=UTC)
    workspace = world.workspace()
    found = followup(world.runtime, opened(world, workspace, 6))
    assert found.reason == "detractor"
    assert found.first_contact_due_at == datetime(2026, 11, 19, 13, 12, tzinfo=UTC)
    assert found.close_due_at == datetime(2026, 11, 27, 16, 12, tzinfo=UTC)
    assert (found.assignee_id, found.first_contact_at, found.closed_at) == (None, None, None)
    assert events(world.runtime, found.id) == [("opened", None, None)]


@pytest.mark.parametrize(
    ("metric", "score", "contact_me", "reason"),
    [
        ("nps", 7, False, None),
        ("nps", 10, True, "asked"),
        ("csat", 2, False, "dissatisfied"),
        ("csat", 3, False, None),
        ("ces", 3, False, "high_effort"),
        ("ces", 4, False, None),
    ],
)
def test_only_the_unhappy_and_those_who_ask_get_one(
    world: World, metric: str, score: int, contact_me: bool, reason: str | None
) -> None:
    workspace = world.workspace()
    answer = world.answer(workspace, score, metric=metric, contact_me=contact_me)
    id = open_again(world.runtime, workspace, answer)
    assert (followup(world.runtime, id).reason if id else None) == reason


def test_the_same_answer_never_opens_a_second_one(world: World) -> None:
    workspace = world.workspace()
    answer = world.answer(workspace, 2)
    first = open_again(world.runtime, workspace, answer)
    assert first is not None
    assert open_again(world.runtime, workspace, answer) is None
    assert kinds(world.runtime, first) == ["opened"]


@pytest.mark.on_both
def test_two_transactions_at_once_open_one(world: World) -> None:
    workspace = world.workspace()
    answer = world.answer(workspace, 2)
    found = at_once(*[lambda: open_again(world.runtime, workspace, answer)] * 6)
    assert sum(each is not None for each in found) == 1


def test_a_changed_score_keeps_the_follow_up_and_is_written_down(
    world: World, runtime: Runtime, clock: Clock
) -> None:
    workspace = world.workspace()
    answer = world.answer(workspace, 3)
    id = open_again(runtime, workspace, answer)
    assert id is not None
    clock.advance(minutes=5)
    with runtime.db.write() as session:
        annotate_edit(session, answer.id, 3, 9, clock.now)
    assert events(runtime, id)[1] == ("edited", None, "3 → 9")
    assert followup(runtime, id).closed_at is None


def test_a_change_without_a_follow_up_leaves_nothing(world: World, runtime: Runtime, clock: Clock) -> None:
    answer = world.answer(world.workspace(), 9)
    with runtime.db.write() as session:
        annotate_edit(session, answer.id, 9, 10, clock.now)


def test_a_reply_that_left_stops_the_first_clock_once(world: World, runtime: Runtime, clock: Clock) -> None:
    id = opened(world, world.workspace())
    for _ in range(2):
        clock.advance(hours=1)
        with runtime.db.write() as session:
            reply_left(session, id, clock.now)
    found = followup(runtime, id)
    assert found.replied_at == clock.now
    assert (clock.now - found.first_contact_at).total_seconds() == 3600


def test_one_by_hand_needs_a_person_of_this_workspace(world: World, runtime: Runtime) -> None:
    workspace, other = world.workspace(), world.workspace()
    who = world.member(workspace, Role.AGENT)
    id = followups.open_by_hand(runtime, who, world.contact(workspace).id)
    assert (followup(runtime, id).reason, followup(runtime, id).answer_id) == ("asked", None)
    assert events(runtime, id) == [("opened", who.name, None)]
    with pytest.raises(NotFound):
        followups.open_by_hand(runtime, who, world.contact(other).id)


def test_one_by_hand_for_an_answer_is_the_answers_own(world: World, runtime: Runtime) -> None:
    workspace = world.workspace()
    who = world.member(workspace, Role.AGENT)
    answer = world.answer(workspace, 10)
    first = followups.open_by_hand(runtime, who, answer.contact_id, answer.id)
    assert followups.open_by_hand(runtime, who, answer.contact_id, answer.id) == first
    with pytest.raises(Invalid):
        followups.open_by_hand(runtime, who, world.contact(workspace).id, answer.id)
    with pytest.raises(NotFound):
        followups.open_by_hand(runtime, who, answer.contact_id, world.answer(world.workspace(), 3).id)
