"""The demonstration: believable to the verbs that read real data, and never beside it."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from app.domain.access import Role
from app.domain.days_off import OffDays
from app.errors import Refusal
from app.models import Answer, Contact, FollowUp, Invitation, Member, PulseScore, Setting, User, Workspace
from app.runtime import Runtime
from app.services import (
    asking_again,
    demo,
    followup_inbox,
    journey,
    links,
    planning,
    pulse_results,
    schedule_sheets,
)
from app.services.access import Visitor
from tests.world import Clock, World


def owner_of(runtime: Runtime, kind: str) -> Visitor:
    with runtime.db.read() as session:
        query = (
            select(Workspace, User, Member)
            .join(Member, Member.workspace_id == Workspace.id)
            .join(User, User.id == Member.user_id)
            .where(Workspace.kind == kind, User.email == "denise@aroeira.example")
        )
        workspace, user, member = session.execute(query).one()
    return Visitor(
        workspace_id=workspace.id,
        workspace_slug=workspace.slug,
        workspace_kind=kind,
        role=Role(member.role),
        name=user.name,
        locale=user.locale,
        time_zone=workspace.time_zone,
        user_id=user.id,
        member_id=member.id,
    )


def test_the_first_look_is_a_full_one(runtime: Runtime, clock: Clock) -> None:
    """One test for all of it: filling takes a second or two on each database."""
    link = demo.make(runtime)
    assert links.look(runtime, link.rsplit("/", 1)[1]).email == "denise@aroeira.example"
    owner = owner_of(runtime, "customers")

    home = journey.journey(runtime, owner, 90)
    assert home.team is not None
    assert len(home.team.trend) == 2
    assert all(stage.reading.counts.n > 60 for stage in home.stages)
    assert all(
        stage.reading.response_rate and 0.2 < stage.reading.response_rate < 0.6 for stage in home.stages
    )
    assert home.said

    assert home.tally.overdue == 3
    assert home.tally.open > home.tally.overdue + 3
    assert [each.record.contact_name for each in home.urgent] == [
        "Tomás Arruda",
        "Maria Figueiredo",
        "Helen Marsh",
    ]
    assert followup_inbox.inbox(runtime, owner, shown="closed").page.items

    hr = owner_of(runtime, "people")
    pulses = pulse_results.list_pulses(runtime, hr)
    assert len(pulses) == 3
    assert all(each.result is not None for each in pulses)

    with runtime.db.read() as session:
        assert set(session.scalars(select(Contact.locale))) == {"pt-BR", "en"}
        assert session.scalar(select(func.count()).select_from(PulseScore)) == 61 + 64 + 68
        newest = session.scalar(select(func.max(Answer.recorded_at)))
        assert newest is not None
        assert newest <= clock.now
        early = select(FollowUp.id).where(FollowUp.first_contact_at < FollowUp.opened_at)
        assert session.scalars(early).all() == []

    (monthly,) = [each for each in schedule_sheets.list_schedules(runtime, owner).items if each.next_runs]
    assert date(2027, 1, 1) in monthly.cadence.days_off.holidays
    assert monthly.off_days == OffDays.NEXT
    closed = [each.local[:10] for each in monthly.next_runs if each.moved]
    assert closed, "a run that keeps away from a day off is seen among the next five"

    assert planning.plan_schedules(runtime) == 0, "the next run is next month's"
    assert asking_again.ask_again(runtime) == 0, "whoever was to be asked again has been"
    with runtime.db.read() as session:
        waiting = select(func.count()).where(Invitation.state.in_(("planned", "queued", "sending")))
        assert session.scalar(waiting) == 0


def test_run_again_it_only_prints_another_link(runtime: Runtime) -> None:
    first = demo.make(runtime)
    with runtime.db.read() as session:
        people = session.scalar(select(func.count()).select_from(Contact))
    assert demo.make(runtime) != first
    with runtime.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Contact)) == people


def test_it_refuses_where_real_data_is(runtime: Runtime, world: World) -> None:
    world.workspace()
    with pytest.raises(Refusal):
        demo.make(runtime)
    with runtime.db.read() as session:
        assert session.get(Setting, demo.MARK) is None


def test_it_refuses_where_a_channel_is_real(runtime: Runtime) -> None:
    config = replace(runtime.config, smtp_url="smtp://127.0.0.1:25", mail_from="ola@loja.example")
    with pytest.raises(Refusal):
        demo.make(replace(runtime, config=config))
