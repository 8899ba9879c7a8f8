"""The inbox shows who waits, most urgent first, and its counts add up whatever is chosen."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.access import Role
from app.domain.followups import Group, State
from app.errors import Invalid, NotFound
from app.models import Workspace
from app.runtime import Runtime
from app.services import followup_inbox, followups
from app.services.access import Visitor
from app.services.followup_inbox import Inbox, Shown
from app.services.followup_opening import reply_left
from app.services.followup_rows import Whose
from tests.services.loop import followup, opened
from tests.world import Clock, World


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def beatriz(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.AGENT, world.user(name="Beatriz"))


def ids(found: Inbox) -> list[str]:
    return [waiting.record.id for waiting in found.page.items]


def read(world: World, who: Visitor, whose: Whose = "all", shown: Shown = "open") -> Inbox:
    return followup_inbox.inbox(world.runtime, who, whose, shown)


def test_groups_follow_urgency_and_the_contacted_come_last(
    world: World, clock: Clock, workspace: Workspace, beatriz: Visitor
) -> None:
    clock.now = datetime(2026, 11, 16, 13, 0, tzinfo=UTC)  # Monday 10:00: due Wednesday 16:00
    late = opened(world, workspace, 0)
    contacted = opened(world, workspace, 1)
    followups.note(world.runtime, beatriz, contacted, "Called.", contacted=True)
    clock.advance(days=1)  # due Friday, a holiday: Monday 16:00 (Tuesday 8 h, Wednesday 9 h, Thursday 7 h)
    today = opened(world, workspace, 2)
    clock.advance(days=1, hours=7)  # Wednesday 17:00
    later = opened(world, workspace, 3)
    clock.now = followup(world.runtime, today).first_contact_due_at - timedelta(hours=1)
    found = read(world, beatriz)
    assert ids(found) == [late, today, later, contacted]
    assert [waiting.group for waiting in found.page.items] == [
        Group.LATE, Group.TODAY, Group.LATER, Group.CONTACTED,
    ]  # fmt: skip
    assert found.counts.by_group == dict.fromkeys(Group, 1)
    assert (found.counts.all, found.counts.overdue, found.counts.contacted_late) == (4, 1, 0)
    first = found.page.items[0]
    assert first.clock is not None
    assert first.clock.late
    assert (first.record.score, first.record.band, first.record.state) == (0, "detractor", State.OPEN)


def test_mine_unassigned_overdue_and_closed_are_apart(
    world: World, clock: Clock, workspace: Workspace, beatriz: Visitor
) -> None:
    mine, free, done = (opened(world, workspace) for _ in range(3))
    followups.claim(world.runtime, beatriz, mine)
    followups.close(world.runtime, beatriz, done, summary="Done.", root_cause="Outage")
    assert ids(read(world, beatriz, "mine")) == [mine]
    assert ids(read(world, beatriz, "unassigned")) == [free]
    assert ids(read(world, beatriz, "all", "overdue")) == []
    assert ids(read(world, beatriz, "all", "closed")) == [done]
    clock.advance(days=4)
    assert sorted(ids(read(world, beatriz, "all", "overdue"))) == sorted([mine, free])
    counts = read(world, beatriz).counts
    assert (counts.all, counts.mine, counts.unassigned, counts.overdue) == (2, 1, 1, 2)
    closed = read(world, beatriz, "all", "closed")
    assert (closed.counts.all, closed.page.items[0].clock, closed.page.items[0].group) == (1, None, None)
    assert closed.page.items[0].record.root_cause == "Outage"


def test_a_reply_that_left_waits_for_them_until_they_speak(
    world: World, clock: Clock, workspace: Workspace, beatriz: Visitor
) -> None:
    id = opened(world, workspace)
    followups.claim(world.runtime, beatriz, id)
    clock.advance(minutes=1)
    with world.runtime.db.write() as session:
        reply_left(session, id, clock.now)
    (waiting,) = read(world, beatriz).page.items
    assert waiting.record.state is State.WAITING
    assert waiting.group is Group.CONTACTED


def test_pages_follow_each_other_without_gap_or_repeat(
    world: World, clock: Clock, workspace: Workspace, beatriz: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followup_inbox, "PAGE", 2)
    everyone = []
    for number in range(5):
        everyone.append(opened(world, workspace))
        if number % 2:
            followups.note(world.runtime, beatriz, everyone[-1], "Called.", contacted=True)
        clock.advance(minutes=number // 2)  # some are due at the same moment
    for shown in ("open", "closed"):
        seen, cursor = [], None
        while True:
            page = followup_inbox.inbox(world.runtime, beatriz, "all", shown, cursor).page
            seen += [waiting.record.id for waiting in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert sorted(seen) == sorted(everyone)
        for id in everyone:
            followups.close(world.runtime, beatriz, id, summary="Done.", root_cause="Outage")


@pytest.mark.parametrize("cursor", ["x", "é", "W10", "WzEsMiwzXQ", "bnVsbA", "a" * 5000])
def test_a_cursor_that_is_not_ours_is_refused(world: World, beatriz: Visitor, cursor: str) -> None:
    for shown in ("open", "closed"):
        with pytest.raises(Invalid):
            followup_inbox.inbox(world.runtime, beatriz, "all", shown, cursor)


def test_the_api_lists_by_state_assignee_and_person(
    world: World, runtime: Runtime, clock: Clock, workspace: Workspace, beatriz: Visitor
) -> None:
    open_, claimed, waiting, closed = (opened(world, workspace) for _ in range(4))
    for id in (claimed, waiting):
        followups.claim(runtime, beatriz, id)
    clock.advance(minutes=1)
    with runtime.db.write() as session:
        reply_left(session, waiting, clock.now)
    followups.close(runtime, beatriz, closed, summary="Done.", root_cause="Outage")
    expected = {
        State.OPEN: [open_],
        State.CLAIMED: [claimed],
        State.WAITING: [waiting],
        State.CLOSED: [closed],
    }
    for state, wanted in expected.items():
        found = followup_inbox.listed(runtime, beatriz, state=state).items
        assert [(record.id, record.state) for record in found] == [(id, state) for id in wanted]
    assert len(followup_inbox.listed(runtime, beatriz, assignee=beatriz.member_id).items) == 2
    person = followup(runtime, open_).contact_id
    assert [r.id for r in followup_inbox.listed(runtime, beatriz, contact=person).items] == [open_]
    first = followup_inbox.listed(runtime, beatriz, limit=3)
    rest = followup_inbox.listed(runtime, beatriz, limit=3, cursor=first.next_cursor)
    assert len({record.id for record in first.items + rest.items}) == 4
    assert rest.next_cursor is None


def test_one_reads_as_the_api_says(
    world: World, runtime: Runtime, workspace: Workspace, beatriz: Visitor
) -> None:
    id = opened(world, workspace)
    followups.claim(runtime, beatriz, id)
    read_back = followup_inbox.get(runtime, beatriz, id).to_json()
    row = followup(runtime, id)
    assert read_back == {
        "id": id, "state": "claimed", "reason": "detractor", "answer": row.answer_id,
        "contact": row.contact_id, "assignee": beatriz.member_id, "opened_at": row.opened_at,
        "first_contact_due_at": row.first_contact_due_at, "first_contact_at": None,
        "close_due_at": row.close_due_at, "closed_at": None, "root_cause": None,
    }  # fmt: skip
    with pytest.raises(NotFound):
        followup_inbox.get(runtime, world.member(world.workspace(), Role.OWNER), id)


def test_another_workspaces_people_are_neither_listed_nor_counted(
    world: World, workspace: Workspace, beatriz: Visitor
) -> None:
    opened(world, world.workspace())
    found = read(world, beatriz)
    assert (found.page.items, found.counts.all, found.counts.unassigned) == ((), 0, 0)
    with world.runtime.db.read() as session:
        assert followup_inbox.tally(session, beatriz, world.now).open == 0
        assert followup_inbox.urgent(session, beatriz, world.now) == ()


def test_the_tally_counts_promises_kept(
    world: World, runtime: Runtime, clock: Clock, workspace: Workspace, beatriz: Visitor
) -> None:
    def tally() -> tuple[int, int, float | None]:
        with runtime.db.read() as session:
            found = followup_inbox.tally(session, beatriz, clock.now)
        return found.open, found.overdue, found.contacted_in_time

    assert tally() == (0, 0, None)
    kept, broken, closed_at_once, _waiting = (opened(world, workspace) for _ in range(4))
    assert tally() == (4, 0, None)
    followups.note(runtime, beatriz, kept, "Called.", contacted=True)
    followups.close(runtime, beatriz, closed_at_once, summary="A test.", root_cause="None")
    assert tally() == (3, 0, 1.0)
    clock.advance(days=5)
    assert tally() == (3, 2, 1 / 3)
    followups.note(runtime, beatriz, broken, "Called.", contacted=True)
    assert tally() == (3, 1, 1 / 3)


def test_the_home_page_shows_the_first_lines(
    world: World, clock: Clock, workspace: Workspace, beatriz: Visitor
) -> None:
    expected = []
    for _ in range(4):
        expected.append(opened(world, workspace))
        clock.advance(minutes=1)
    with world.runtime.db.read() as session:
        found = followup_inbox.urgent(session, beatriz, clock.now)
    assert [waiting.record.id for waiting in found] == expected[:3]
