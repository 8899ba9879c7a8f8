"""The path from a due schedule to a mail: claimed by one, attempted once, settled after a crash."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.channels.registry import open_channels
from app.domain.access import Role
from app.models import (
    Attempt,
    Contact,
    Invitation,
    Message,
    OptOut,
    SandboxCopy,
    Schedule,
    Survey,
    Token,
    Workspace,
    new_id,
)  # fmt: skip
from app.runtime import Runtime
from app.services import asking, expanding, planning, resuming, sending, settling, switch
from app.services.access import Visitor
from tests.smtp import SmtpSink
from tests.world import Clock, World


class Killed(Exception):
    """Stands for the end of the process."""


def dying_at(runtime: Runtime, point: str) -> Runtime:
    def reach(name: str) -> None:
        if name == point:
            raise Killed(point)

    return replace(runtime, reach=reach)


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace(name="Aroeira")


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace)


@pytest.fixture
def schedule(world: World, workspace: Workspace, survey: Survey) -> Schedule:
    """Due now, once."""
    return world.add(
        Schedule(
            id=new_id(),
            workspace_id=workspace.id,
            survey_id=survey.id,
            name="NPS",
            audience={},
            repeat="once",
            starts_at="2026-11-16T10:00",
            time_zone="America/Sao_Paulo",
            channels=["email"],
            state="active",
            next_due_at=world.now,
            created_at=world.now,
            updated_at=world.now,
        )
    )


def plan(runtime: Runtime) -> None:
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)


def states(runtime: Runtime, model: type = Invitation) -> list[str]:
    with runtime.db.read() as session:
        return sorted(session.scalars(select(model.state)))  # type: ignore[attr-defined]


def test_a_due_schedule_asks_everybody_once(
    runtime: Runtime, world: World, workspace: Workspace, schedule: Schedule
) -> None:
    for _ in range(23):
        world.contact(workspace)
    for _ in range(2):
        plan(runtime)
        sending.send_due(runtime)
    assert states(runtime) == ["sent"] * 23
    with runtime.db.read() as session:
        assert session.scalar(select(func.count()).select_from(SandboxCopy)) == 23
        assert session.scalar(select(func.count()).select_from(Attempt)) == 23
        assert session.scalar(select(func.count()).select_from(Token)) == 46
        assert session.scalar(select(Schedule.state)) == "ended"


def test_the_link_in_the_mail_opens_the_question(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey, manager: Visitor
) -> None:
    asking.ask(runtime, manager, survey.id, world.contact(workspace).id)
    sending.send_due(runtime)
    with runtime.db.read() as session:
        text = session.scalars(select(SandboxCopy.text)).one()
        assert f"{runtime.config.public_url}/r/" in text
        assert "{{" not in text
        assert session.scalars(select(Message.body)).all() == [None]


def test_two_workers_hand_over_each_message_once(
    runtime: Runtime, world: World, workspace: Workspace, schedule: Schedule, smtp_server: SmtpSink
) -> None:
    """C01, against a real server that counts."""
    for _ in range(60):
        world.contact(workspace)
    plan(runtime)
    real = with_smtp(runtime, smtp_server)
    with ThreadPoolExecutor(4) as threads:
        sent = sum(threads.map(lambda _: sending.send_due(real), range(4)))
    assert sent == 60
    assert len({each.recipient for each in smtp_server.messages}) == len(smtp_server.messages) == 60


def with_smtp(runtime: Runtime, sink: SmtpSink) -> Runtime:
    config = replace(runtime.config, smtp_url=sink.url, mail_from="pergunta@aroeira.example")
    return replace(runtime, config=config, channels=open_channels(config))


@pytest.mark.parametrize("point", ["claimed"])
def test_killed_before_the_attempt_the_message_goes_out_after_its_lease(
    runtime: Runtime, world: World, workspace: Workspace, schedule: Schedule, clock: Clock, point: str
) -> None:
    """C02."""
    world.contact(workspace)
    plan(runtime)
    with pytest.raises(Killed):
        sending.send_due(dying_at(runtime, point))
    assert sending.send_due(runtime) == 0
    clock.advance(seconds=5)
    settling.end_leases(runtime)
    assert sending.send_due(runtime) == 1


@pytest.mark.parametrize("point", ["attempting", "handed_over"])
def test_killed_after_the_attempt_was_written_nothing_is_sent_on_a_guess(
    runtime: Runtime, world: World, workspace: Workspace, schedule: Schedule, clock: Clock, point: str
) -> None:
    """C03: at most ten are unknown, the others go out; after a day without evidence they count as sent."""
    for _ in range(14):
        world.contact(workspace)
    plan(runtime)
    with pytest.raises(Killed):
        sending.send_due(dying_at(runtime, point))
    clock.advance(minutes=11)
    settling.end_leases(runtime)
    sending.send_due(runtime)
    assert states(runtime) == ["sent"] * 4 + ["unknown"] * 10
    attempted = clock.now
    clock.advance(hours=25)
    settling.presume_sent(runtime)
    assert states(runtime) == ["sent"] * 14
    with runtime.db.read() as session:
        assert session.scalar(select(func.max(Invitation.sent_at))) <= attempted


def test_a_slow_worker_may_still_tell_how_its_attempt_ended(
    runtime: Runtime, world: World, workspace: Workspace, schedule: Schedule, clock: Clock
) -> None:
    world.contact(workspace)
    plan(runtime)

    def slow(name: str) -> None:
        if name == "handed_over":
            clock.advance(minutes=20)
            settling.end_leases(runtime)

    sending.send_due(replace(runtime, reach=slow))
    assert states(runtime) == ["sent"]


def test_an_opt_out_between_planning_and_sending_wins(
    runtime: Runtime, world: World, workspace: Workspace, schedule: Schedule
) -> None:
    contact = world.contact(workspace)
    plan(runtime)
    world.add(
        OptOut(
            id=new_id(),
            workspace_id=workspace.id,
            contact_id=contact.id,
            kind="own_wish",
            origin="console",
            created_at=world.now,
        )
    )
    assert sending.send_due(runtime) == 0
    with runtime.db.read() as session:
        assert session.execute(select(Invitation.state, Invitation.reason)).all() == [
            ("skipped", "opted_out")
        ]


def test_paused_sending_keeps_everything_and_resumes(
    runtime: Runtime, world: World, workspace: Workspace, schedule: Schedule
) -> None:
    world.contact(workspace)
    plan(runtime)
    switch.pause(runtime, "a test")
    assert sending.send_due(runtime) == 0
    assert states(runtime) == ["queued"]
    resuming.resume(runtime)
    assert sending.send_due(runtime) == 1


def test_a_person_who_was_asked_rests_and_the_row_says_until_when(
    runtime: Runtime, world: World, workspace: Workspace, survey: Survey, manager: Visitor
) -> None:
    contact = world.contact(workspace)
    asking.ask(runtime, manager, survey.id, contact.id)
    asking.ask(runtime, manager, survey.id, contact.id)
    with runtime.db.read() as session:
        rows = session.execute(select(Invitation.state, Invitation.reason, Invitation.until)).all()
    assert sorted((row.state, row.reason) for row in rows) == [("queued", None), ("skipped", "resting")]
    assert max(row.until for row in rows if row.until) == world.now.replace(hour=3, minute=0) + timedelta(
        days=90
    )


def test_a_full_mailbox_is_tried_again_later(
    runtime: Runtime,
    world: World,
    workspace: Workspace,
    schedule: Schedule,
    smtp_server: SmtpSink,
    clock: Clock,
) -> None:
    contact = world.contact(workspace)
    plan(runtime)
    smtp_server.refuse_recipient[contact.email or ""] = "452 4.2.2 Mailbox full"
    real = with_smtp(runtime, smtp_server)
    assert sending.send_due(real) == 0
    assert states(runtime, Message) == ["queued"]
    smtp_server.refuse_recipient.clear()
    clock.advance(minutes=2)
    assert sending.send_due(real) == 1
    assert states(runtime) == ["sent"]


def test_an_unknown_mailbox_is_never_tried_again_and_the_address_is_suppressed(
    runtime: Runtime, world: World, workspace: Workspace, schedule: Schedule, smtp_server: SmtpSink
) -> None:
    contact = world.contact(workspace)
    plan(runtime)
    smtp_server.refuse_recipient[contact.email or ""] = "550 5.1.1 No such user"
    sending.send_due(with_smtp(runtime, smtp_server))
    with runtime.db.read() as session:
        assert session.execute(select(Invitation.state, Invitation.reason)).all() == [
            ("failed", "invalid_address")
        ]
        assert session.scalars(select(OptOut.kind)).all() == ["bounce"]


def test_a_deactivated_person_is_not_asked_any_more(
    runtime: Runtime, world: World, workspace: Workspace, schedule: Schedule
) -> None:
    world.contact(workspace)
    plan(runtime)
    with runtime.db.write() as session:
        session.execute(update(Contact).values(active=False))
    assert sending.send_due(runtime) == 0
    assert states(runtime) == ["skipped"]
