"""Large runs: what a person costs does not grow with the run, and nobody else waits until it is over."""

from dataclasses import replace

import pytest
from sqlalchemy import select, text

from app.domain.access import Role
from app.models import Invitation, Message, Workspace
from app.runtime import Runtime
from app.services import expanding, inviting_many, planning, sending
from tests.services.test_planning import crowd, due, occurrences, tick
from tests.world import Clock, World

PEOPLE = 1_500


@pytest.fixture
def workspace(world: World) -> Workspace:
    workspace = world.workspace()
    due(world.runtime, world.member(workspace, Role.MANAGER), world.survey(workspace))
    return workspace


@pytest.mark.on_both
def test_no_person_of_a_run_makes_postgresql_read_the_asks_of_the_others(
    runtime: Runtime, world: World, workspace: Workspace
) -> None:
    """Neither a question of ours nor a check of a foreign key, whose plans PostgreSQL keeps."""
    if runtime.db.is_sqlite:
        pytest.skip("SQLite keeps no plans")
    crowd(world, workspace, PEOPLE)
    planning.plan_schedules(runtime)
    with runtime.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE invitations, messages"))  # it learns that there is nothing
    before = rows_read(runtime)
    assert expanding.expand_occurrences(runtime) == PEOPLE
    assert rows_read(runtime) - before < 20 * PEOPLE


def rows_read(runtime: Runtime) -> int:
    """Of invitations and messages, in all plans so far."""
    with runtime.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        read = "sum(seq_tup_read + coalesce(idx_tup_fetch, 0))"
        names = "relname IN ('invitations', 'messages') AND schemaname = current_schema()"
        return int(connection.scalar(text(f"SELECT {read} FROM pg_stat_user_tables WHERE {names}")) or 0)


def test_a_run_that_comes_due_while_a_large_one_is_under_way_begins(
    runtime: Runtime, world: World, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expanding, "LOOK_AGAIN", 0)
    crowd(world, workspace, 6 * expanding.FIRST)
    planning.plan_schedules(runtime)
    others = world.workspace()
    crowd(world, others, 1)
    asked_after: list[int] = []

    def reach(name: str) -> None:
        asked = asked_in(runtime, workspace)
        if asked == expanding.FIRST and not asked_after:
            due(runtime, world.member(others, Role.MANAGER), world.survey(others))
            planning.plan_schedules(runtime)
        if asked_in(runtime, others):
            asked_after.append(asked)

    expanding.expand_occurrences(replace(runtime, reach=reach))
    assert asked_after
    assert asked_after[0] < 6 * expanding.FIRST
    assert asked_in(runtime, workspace) == 6 * expanding.FIRST


def asked_in(runtime: Runtime, workspace: Workspace) -> int:
    with runtime.db.read() as session:
        found = session.scalars(select(Invitation.id).where(Invitation.workspace_id == workspace.id))
        return len(found.all())


def test_another_workspace_waits_for_the_first_messages_of_a_large_run_not_for_all(
    runtime: Runtime, world: World, workspace: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inviting_many, "LEVEL", 10)
    crowd(world, workspace, 2 * expanding.FIRST)
    tick(runtime)
    clock.advance(seconds=10)
    others = world.workspace()
    crowd(world, others, 5)
    due(runtime, world.member(others, Role.MANAGER), world.survey(others))
    tick(runtime)
    claimed: list[str | None] = []

    def reach(name: str) -> None:
        if name == "claimed" and not claimed:
            with runtime.db.read() as session:
                query = select(Message.workspace_id).where(Message.state == "claimed")
                claimed.extend(session.scalars(query))

    sending.send_due(replace(runtime, reach=reach))
    assert len(claimed) == sending.CLAIMED
    assert claimed.count(others.id) == 5
    with runtime.db.read() as session:
        assert session.scalars(select(Message.state).distinct()).all() == ["sent"]


def test_a_worker_that_is_asked_to_stop_leaves_the_rest_to_the_next(
    runtime: Runtime, world: World, workspace: Workspace
) -> None:
    crowd(world, workspace, 3 * expanding.FIRST)
    planning.plan_schedules(runtime)
    stopping = replace(runtime, stopping=lambda: asked_in(runtime, workspace) > 0)
    assert expanding.expand_occurrences(stopping) == expanding.FIRST
    assert occurrences(runtime) == [("running", None)]
    assert expanding.expand_occurrences(runtime) == 2 * expanding.FIRST
    assert occurrences(runtime) == [("run", None)]
