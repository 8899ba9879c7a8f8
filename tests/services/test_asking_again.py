"""A week after a closing the same question is asked once more, and the follow-up says how it ended."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Answer, Contact, Invitation, Message, Occurrence, OptOut, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import followup_page, followups
from app.services.access import Visitor
from app.services.asking_again import Again, ask_again
from tests.services.loop import at_once, closures, followup, opened
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def beatriz(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.AGENT)


@pytest.fixture
def id(world: World, runtime: Runtime, workspace: Workspace, beatriz: Visitor) -> str:
    """A follow-up that was closed just now, to be asked again."""
    id = opened(world, workspace)
    followups.close(runtime, beatriz, id, summary="Done.", root_cause="Outage")
    return id


def again(runtime: Runtime, id: str) -> tuple[Occurrence, list[Invitation], list[Message]]:
    """The occurrence of its closure, with what came of it."""
    (closure,) = closures(runtime, id)
    with runtime.db.write() as session:
        occurrence = session.scalars(select(Occurrence).where(Occurrence.key == closure.id)).one()
        invitations = session.scalars(
            select(Invitation).where(Invitation.occurrence_id == occurrence.id)
        ).all()
        ids = [invitation.id for invitation in invitations]
        messages = session.scalars(select(Message).where(Message.invitation_id.in_(ids))).all()
    return occurrence, list(invitations), list(messages)


def shown(runtime: Runtime, who: Visitor, id: str) -> Again | None:
    closing = followup_page.detail(runtime, who, id).closing
    assert closing is not None
    return closing.again


def test_a_week_later_and_not_before_the_same_question_is_asked_once(
    runtime: Runtime, clock: Clock, beatriz: Visitor, id: str
) -> None:
    clock.advance(days=7, seconds=-1)
    assert ask_again(runtime) == 0
    assert shown(runtime, beatriz, id) is None
    clock.advance(seconds=1)
    assert [ask_again(runtime) for _ in range(3)] == [1, 0, 0]
    occurrence, (invitation,), (message,) = again(runtime, id)
    found = followup(runtime, id)
    assert (occurrence.state, occurrence.origin, occurrence.due_at) == ("run", "closure", clock.now)
    assert (invitation.contact_id, invitation.state, message.state) == (found.contact_id, "queued", "queued")
    told = shown(runtime, beatriz, id)
    assert told is not None
    assert (told.state, told.score) == ("queued", None)


@pytest.mark.on_both
def test_two_workers_at_once_ask_once(runtime: Runtime, clock: Clock, id: str) -> None:
    clock.advance(days=7)
    at_once(*[lambda: ask_again(runtime)] * 3)
    _occurrence, invitations, messages = again(runtime, id)
    assert (len(invitations), len(messages)) == (1, 1)


def test_nobody_who_does_not_want_it_is_asked(world: World, runtime: Runtime, clock: Clock, id: str) -> None:
    found = followup(runtime, id)
    world.add(
        OptOut(
            id=new_id(),
            workspace_id=found.workspace_id,
            contact_id=found.contact_id,
            kind="own_wish",
            origin="unsubscribe",
            created_at=clock.now,
        )
    )
    clock.advance(days=7)
    ask_again(runtime)
    occurrence, (invitation,), messages = again(runtime, id)
    assert (occurrence.state, invitation.state, invitation.reason) == ("run", "skipped", "opted_out")
    assert messages == []


def test_whoever_was_asked_as_often_as_the_caps_allow_is_not_asked_again(
    world: World, runtime: Runtime, clock: Clock, workspace: Workspace, id: str
) -> None:
    """It ignores the rests, which are as long as ever here, and no cap."""
    contact_id = followup(runtime, id).contact_id
    with runtime.db.write() as session:
        session.get_one(Workspace, workspace.id).daily_cap = 1
        contact = session.get_one(Contact, contact_id)
    clock.advance(days=7)
    world.invitation(workspace, world.survey(workspace, Metric.CSAT), contact)
    ask_again(runtime)
    _occurrence, (invitation,), messages = again(runtime, id)
    assert (invitation.state, invitation.reason, messages) == ("skipped", "capped", [])
    assert invitation.until is not None and invitation.until > clock.now


def test_what_was_opened_again_or_closed_without_the_wish_is_not_asked(
    world: World, runtime: Runtime, clock: Clock, workspace: Workspace, beatriz: Visitor, id: str
) -> None:
    followups.reopen(runtime, beatriz, id)
    other = opened(world, workspace)
    followups.close(runtime, beatriz, other, summary="Done.", root_cause="Outage", ask_again=False)
    by_hand = followups.open_by_hand(runtime, beatriz, world.contact(workspace).id)
    followups.close(runtime, beatriz, by_hand, summary="Done.", root_cause="Outage", ask_again=True)
    clock.advance(days=8)
    assert ask_again(runtime) == 0


@pytest.mark.parametrize(
    ("change", "days", "state", "reason"),
    [({"archived_at": True}, 7, "skipped", "unpublished"), ({}, 22, "missed", "late")],
)
def test_what_cannot_be_asked_any_more_ends_in_a_row(
    runtime: Runtime, clock: Clock, id: str, change: dict[str, Any], days: int, state: str, reason: str
) -> None:
    answer_id = followup(runtime, id).answer_id
    with runtime.db.write() as session:
        survey = session.get_one(Survey, session.get_one(Answer, answer_id).survey_id)
        if change:
            survey.archived_at = clock.now
    clock.advance(days=days)
    assert [ask_again(runtime), ask_again(runtime)] == [1, 0]
    occurrence, invitations, _messages = again(runtime, id)
    assert (occurrence.state, occurrence.reason, invitations) == (state, reason, [])


def test_the_new_score_stands_on_the_old_follow_up(
    world: World, runtime: Runtime, clock: Clock, workspace: Workspace, beatriz: Visitor, id: str
) -> None:
    clock.advance(days=7)
    ask_again(runtime)
    _occurrence, (invitation,), _messages = again(runtime, id)
    with runtime.db.write() as session:
        survey = session.get_one(Survey, invitation.survey_id)
        contact = session.get_one(Contact, invitation.contact_id)
    clock.advance(hours=2)
    world.answer(workspace, 9, survey=survey, contact=contact, invitation=invitation)
    told = shown(runtime, beatriz, id)
    assert told is not None
    assert (told.score, told.band) == (9, "promoter")
    assert told.due_at == clock.now - timedelta(hours=2)
