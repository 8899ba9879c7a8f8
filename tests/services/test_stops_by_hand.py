"""What has no schedule is watched as well: a pulse opened by hand, and questions asked one by one."""

import pytest
from sqlalchemy import func, select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.errors import NotFound
from app.models import Invitation, Message, Stop, Workspace
from app.runtime import Runtime
from app.services import (
    asking,
    brakes,
    complaints,
    pulse_closing,
    pulse_reminders,
    pulse_results,
    pulses,
    sending,
    stopped_pulses,
)
from app.services.access import Visitor
from app.services.complained_about import Named
from app.services.complaints import Told
from tests.services.test_pulse_brakes import come_back, sent
from tests.world import Clock, World


@pytest.fixture
def people(world: World) -> Workspace:
    return world.workspace("people")


@pytest.fixture
def hr(world: World, people: Workspace) -> Visitor:
    return world.member(people, Role.MANAGER)


def opened(runtime: Runtime, world: World, workspace: Workspace, hr: Visitor, number: int) -> str:
    for _ in range(number):
        world.contact(workspace)
    return pulses.open_pulse(runtime, hr, world.survey(workspace, Metric.ENPS).id)


def put_back(runtime: Runtime, messages: list[Message]) -> None:
    """They wait again: the channel was slow."""
    with runtime.db.write() as session:
        for each in messages:
            message = session.get_one(Message, each.id)
            message.state, message.lease_token, message.sent_at = "queued", None, None
            session.get_one(Invitation, message.invitation_id).state = "queued"


def alerts(runtime: Runtime) -> list[Message]:
    with runtime.db.write() as session:  # rows outlive a writing session
        return list(session.scalars(select(Message).where(Message.purpose == "alert")))


def states(runtime: Runtime) -> dict[str, int]:
    with runtime.db.read() as session:
        query = select(Invitation.state, func.count().label("number")).group_by(Invitation.state)
        return {row.state: row.number for row in session.execute(query)}


@pytest.mark.on_both
def test_a_pulse_by_hand_that_comes_back_holds_who_was_not_asked_until_somebody_resumes_it(
    runtime: Runtime, world: World, people: Workspace, hr: Visitor
) -> None:
    id = opened(runtime, world, people, hr, 40)
    sending.send_due(runtime)
    asked = sent(runtime, "invitation")
    put_back(runtime, asked[30:])
    come_back(runtime, *asked[:6])
    stopped = pulse_results.view_pulse(runtime, hr, id).stopped
    assert stopped is not None
    assert (stopped.why, stopped.failed, stopped.known, stopped.page) == ("bounces", 5, 30, f"pulses/{id}")
    assert states(runtime) == {"failed": 6, "sent": 24, "planned": 10}
    assert sending.send_due(runtime) == 1, "the alert"
    assert [f"/pulses/{id}" in (each.body or "") for each in alerts(runtime)] == [True]
    assert stopped_pulses.resume(runtime, hr, id) == 10
    assert stopped_pulses.resume(runtime, hr, id) == 0
    assert pulse_results.view_pulse(runtime, hr, id).stopped is None
    assert sending.send_due(runtime) == 10
    come_back(runtime, *asked[6:7])
    assert pulse_results.view_pulse(runtime, hr, id).stopped is None, "what came back before is forgiven"


@pytest.mark.on_both
def test_of_a_pulse_by_hand_nothing_that_its_reminders_met_is_counted(
    runtime: Runtime, world: World, people: Workspace, hr: Visitor, clock: Clock
) -> None:
    """They go to the silent: a number of them would be one more than anybody may know."""
    opened(runtime, world, people, hr, 20)
    sending.send_due(runtime)
    clock.advance(days=3)
    pulse_reminders.remind_pulses(runtime)
    sending.send_due(runtime)
    come_back(runtime, *sent(runtime, "reminder"))
    with runtime.db.read() as session:
        assert session.scalars(select(Stop)).all() == []
    come_back(runtime, *sent(runtime, "invitation")[:5])
    with runtime.db.read() as session:
        stop = session.scalars(select(Stop)).one()
    assert (stop.failed, stop.known, stop.schedule_id) == (5, 20, None)


def test_a_pulse_that_was_closed_stands_nowhere_as_stopped(
    runtime: Runtime, world: World, people: Workspace, hr: Visitor
) -> None:
    id = opened(runtime, world, people, hr, 20)
    sending.send_due(runtime)
    come_back(runtime, *sent(runtime, "invitation")[:5])
    (stopped,) = brakes.stopped(runtime, hr)
    assert stopped.page == f"pulses/{id}"
    pulse_closing.close_pulse(runtime, hr, id)
    assert brakes.stopped(runtime, hr) == []
    assert stopped_pulses.resume(runtime, hr, id) == 0


def test_another_workspace_resumes_no_pulse_of_ours(
    runtime: Runtime, world: World, people: Workspace, hr: Visitor
) -> None:
    id = opened(runtime, world, people, hr, 5)
    with pytest.raises(NotFound):
        stopped_pulses.resume(runtime, world.member(world.workspace("people")), id)


@pytest.mark.on_both
def test_of_questions_asked_one_by_one_managers_hear_once_that_many_come_back(
    runtime: Runtime, world: World, clock: Clock
) -> None:
    workspace = world.workspace()
    who, survey = world.member(workspace, Role.MANAGER), world.survey(workspace)

    def ask(number: int) -> None:
        for _ in range(number):
            asking.ask(runtime, who, survey.id, world.contact(workspace).id)
            clock.advance(seconds=1)
        sending.send_due(runtime)

    ask(30)
    come_back(runtime, *sent(runtime, "invitation")[-8:])  # in whatever order
    (alert,) = alerts(runtime)
    assert "feitas uma a uma" in (alert.body or "")
    assert brakes.stopped(runtime, who) == [], "nothing is paused: whoever asks one by one decides each time"
    ask(1)
    come_back(runtime, *sent(runtime, "invitation")[-1:])
    assert len(alerts(runtime)) == 1, "and hears no more of the same"


@pytest.mark.on_both
@pytest.mark.parametrize("kind", ["customers", "people"])
def test_what_has_no_schedule_is_watched_for_complaints_too(
    runtime: Runtime, world: World, kind: str
) -> None:
    workspace = world.workspace(kind)
    who = world.member(workspace, Role.MANAGER)
    if kind == "people":
        opened(runtime, world, workspace, who, 20)
    else:
        survey = world.survey(workspace)
        for _ in range(20):
            asking.ask(runtime, who, survey.id, world.contact(workspace).id)
    sending.send_due(runtime)
    for each in sent(runtime, "invitation")[:2]:
        complaints.record(runtime, who, Told(Named("email", message_id=each.id), "api"))
    with runtime.db.read() as session:
        stop = session.scalars(select(Stop)).one()
    assert (stop.why, stop.failed, stop.known) == ("complaints", 2, 20)
    assert (stop.ended_at is None) == (kind == "people")
    assert len(alerts(runtime)) == 1
