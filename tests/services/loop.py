"""Follow-ups for tests, opened as the arrival of an answer opens them; and two who come at one moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread
from typing import Any

from sqlalchemy import event as happenings
from sqlalchemy import select

from app.domain.followups import step_rank
from app.errors import RetornoError
from app.models import Answer, FollowUp, FollowUpClosure, FollowUpEvent, Message, Workspace
from app.runtime import Runtime
from app.services.followup_opening import calendar_of, open_for_answer
from tests.world import World


def opened(world: World, workspace: Workspace, score: int = 3, **values: Any) -> str:
    """The id of the follow-up that an answer with this score opens now."""
    answer = world.answer(workspace, score, **values)
    found = open_again(world.runtime, workspace, answer)
    assert found is not None
    return found


def open_again(runtime: Runtime, workspace: Workspace, answer: Answer) -> str | None:
    row = {
        name: getattr(answer, name)
        for name in ("id", "workspace_id", "contact_id", "metric", "band", "contact_me")
    }
    with runtime.db.write() as session:
        return open_for_answer(session, row, calendar_of(workspace), runtime.clock())


def followup(runtime: Runtime, id: str) -> FollowUp:
    with runtime.db.write() as session:  # rows outlive a writing session
        return session.get_one(FollowUp, id)


def events(runtime: Runtime, id: str) -> list[tuple[str, str | None, str | None]]:
    """Kind, actor and text of its timeline, oldest first."""
    with runtime.db.write() as session:  # rows outlive a writing session
        rows = session.scalars(
            select(FollowUpEvent).where(FollowUpEvent.followup_id == id).order_by(FollowUpEvent.at)
        )
        in_order = sorted(rows, key=lambda row: (row.at, step_rank(row.kind)))
        return [(row.kind, row.actor, row.text) for row in in_order]


def kinds(runtime: Runtime, id: str) -> list[str]:
    return [kind for kind, _actor, _text in events(runtime, id)]


def closures(runtime: Runtime, id: str) -> list[FollowUpClosure]:
    with runtime.db.write() as session:  # rows outlive a writing session
        query = select(FollowUpClosure).where(FollowUpClosure.followup_id == id)
        return list(session.scalars(query.order_by(FollowUpClosure.closed_at)))


def replies(runtime: Runtime, id: str) -> list[Message]:
    with runtime.db.write() as session:  # rows outlive a writing session
        query = select(Message).where(Message.followup_id == id, Message.purpose == "reply")
        return list(session.scalars(query.order_by(Message.created_at)))


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run these in threads that start together; what each gave, or the deliberate error that it raised."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        barrier.wait(timeout=10)
        try:
            return act()
        except RetornoError as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def _quietly(act: Callable[[], object]) -> None:
    """Who comes too late may be told so."""
    try:
        act()
    except RetornoError:
        return


def meeting(runtime: Runtime, first: Callable[[], object], second: Callable[[], object], at: str) -> None:
    """As the first comes to this statement, the second comes as well, and has half a second to itself."""
    begun: list[Thread] = []

    def meet(_: object, __: object, statement: str, *___: object) -> None:
        if not begun and statement.startswith(at):
            begun.append(Thread(target=_quietly, args=[second]))
            begun[0].start()
            begun[0].join(0.5)

    happenings.listen(runtime.db.engine, "before_cursor_execute", meet)
    try:
        first()
    finally:
        happenings.remove(runtime.db.engine, "before_cursor_execute", meet)
    assert begun, f"nobody came to {at}"
    begun[0].join()
