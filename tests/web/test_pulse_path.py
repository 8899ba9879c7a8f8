"""A pulse from opening to the headline, through planner, sender, mails and pages, as a real one."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import (
    Answer,
    Contact,
    FollowUp,
    Invitation,
    Message,
    OptOut,
    PulseScore,
    SandboxCopy,
    Survey,
    User,
    Workspace,
)
from app.models.base import Base
from app.runtime import Runtime
from app.services import sending
from app.services.access import Visitor
from app.services.journey import journey
from app.services.pulse_closing import close_due_pulses
from app.services.pulse_reminders import remind_pulses
from app.services.pulse_results import view_pulse
from app.services.pulses import open_pulse
from tests.world import Clock, World


@pytest.fixture
def team(world: World) -> Workspace:
    """Six employees and a published e-NPS."""
    workspace = world.workspace("people")
    world.survey(workspace, Metric.ENPS)
    for _ in range(6):
        world.contact(workspace)
    return workspace


@pytest.fixture
def owner(world: World, team: Workspace) -> Visitor:
    return world.member(team, Role.OWNER, world.user(locale="en"))


def opened(world: World, runtime: Runtime, owner: Visitor) -> str:
    """A pulse whose invitations have left."""
    with runtime.db.read() as session:
        (survey_id,) = session.scalars(select(Survey.id)).all()
    pulse_id = open_pulse(runtime, owner, survey_id)
    sending.send_due(runtime)
    return pulse_id


def links(runtime: Runtime, purpose: str, path: str) -> dict[str, str]:
    """The link of each mail of this purpose, by contact."""
    with runtime.db.read() as session:
        rows = session.execute(
            select(Message.contact_id, SandboxCopy.text)
            .join(SandboxCopy, SandboxCopy.message_id == Message.id)
            .where(Message.purpose == purpose)
        ).all()
    found = {}
    for contact_id, text in rows:
        link = re.search(rf"/{path}/[a-z2-7]{{26}}", text)
        assert contact_id and link
        found[contact_id] = link[0]
    return found


def invitations(runtime: Runtime) -> set[tuple[object, ...]]:
    with runtime.db.read() as session:
        return {tuple(row) for row in session.execute(select(Invitation.__table__))}


def rows(runtime: Runtime, table: type[Base]) -> int:
    with runtime.db.read() as session:
        return len(session.execute(select(table.__table__)).all())


def test_a_pulse_of_six_from_opening_to_the_headline(
    world: World, runtime: Runtime, client: FlaskClient, clock: Clock, team: Workspace, owner: Visitor
) -> None:
    pulse_id = opened(world, runtime, owner)
    asked = links(runtime, "invitation", "p")
    assert len(asked) == 6
    before = invitations(runtime)
    for score, link in zip((9, 10, 7, 3), list(asked.values()), strict=False):
        assert client.get(link).status_code == 200
        client.post(link, data={"score": score})
        client.post(link, data={"score": score, "comment": "por aqui tudo bem"})
    assert invitations(runtime) == before

    clock.advance(days=3)
    remind_pulses(runtime)
    sending.send_due(runtime)
    reminded = links(runtime, "reminder", "p")
    assert set(reminded) == set(list(asked)[4:])
    assert invitations(runtime) == before
    for score, link in zip((8, 9), reminded.values(), strict=True):
        client.post(link, data={"score": score})
    first_mail = asked[list(reminded)[1]]
    client.post(first_mail, data={"score": 10})  # its link still works, and the answer replaces

    clock.advance(days=11)
    close_due_pulses(runtime)
    shown = view_pulse(runtime, owner, pulse_id).pulse
    assert shown.result is not None
    assert (shown.result.counts.n, shown.result.counts.upper, shown.result.counts.lower) == (6, 3, 1)
    assert rows(runtime, Answer) == rows(runtime, FollowUp) == 0
    assert links(runtime, "reminder", "p") == {}


def test_its_headline_reaches_the_home_of_the_customers_workspace_and_leaves_it(
    world: World,
    runtime: Runtime,
    client: FlaskClient,
    clock: Clock,
    owner: Visitor,
    client_for: Callable[[Visitor], FlaskClient],
) -> None:
    pulse_id = opened(world, runtime, owner)
    for link in links(runtime, "invitation", "p").values():
        client.post(link, data={"score": 9})
    clock.advance(days=14)
    close_due_pulses(runtime)
    customers = world.workspace()
    with runtime.db.read() as session:
        user = session.get_one(User, owner.user_id)
        session.expunge(user)
    seen_there = world.member(customers, Role.OWNER, user)
    page = f"/w/{owner.workspace_slug}/pulses/{pulse_id}"
    signed_in = client_for(owner)
    signed_in.post(f"{page}/headline", data={"workspace": customers.id})
    assert journey(runtime, seen_there, 90).team is not None
    signed_in.post(f"{page}/headline/withdrawal", data={"workspace": customers.id})
    assert journey(runtime, seen_there, 90).team is None


def test_of_four_employees_nothing_is_shown_and_nothing_kept(
    world: World, runtime: Runtime, client: FlaskClient, clock: Clock, owner: Visitor, team: Workspace
) -> None:
    with runtime.db.write() as session:
        for contact in session.scalars(select(Contact).limit(2)):
            contact.active = False
    pulse_id = opened(world, runtime, owner)
    for link in links(runtime, "invitation", "p").values():
        client.post(link, data={"score": 0, "comment": "só nós quatro"})
    clock.advance(days=14)
    close_due_pulses(runtime)
    shown = view_pulse(runtime, owner, pulse_id).pulse
    assert (shown.hidden, shown.result, shown.asked, shown.answered) == ("fewer_than_5", None, 4, 0)
    assert rows(runtime, PulseScore) == 0
    with runtime.db.read() as session:
        everything = [
            repr(row) for table in Base.metadata.tables.values() for row in session.execute(select(table))
        ]
    assert not any("quatro" in row for row in everything)


def test_whoever_leaves_by_a_pulses_mail_is_not_asked_by_the_next(
    world: World, runtime: Runtime, client: FlaskClient, clock: Clock, owner: Visitor
) -> None:
    opened(world, runtime, owner)
    contact_id, link = next(iter(links(runtime, "invitation", "u").items()))
    assert client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    clock.advance(days=3)
    remind_pulses(runtime)
    sending.send_due(runtime)
    assert contact_id not in links(runtime, "reminder", "p")
    clock.advance(days=100)
    close_due_pulses(runtime)
    second = opened(world, runtime, owner)
    assert ("opted_out", 1) in view_pulse(runtime, owner, second).not_asked


def test_the_way_out_of_a_reminder_works_after_closing(
    world: World, runtime: Runtime, client: FlaskClient, clock: Clock, owner: Visitor
) -> None:
    opened(world, runtime, owner)
    clock.advance(days=3)
    remind_pulses(runtime)
    sending.send_due(runtime)
    contact_id, link = next(iter(links(runtime, "reminder", "u").items()))
    clock.advance(days=11)
    close_due_pulses(runtime)
    assert client.get(link).status_code == 200
    client.post(link)
    with runtime.db.read() as session:
        assert contact_id in set(session.scalars(select(OptOut.contact_id)))


def test_nothing_that_waits_is_sent_after_closing(
    world: World, runtime: Runtime, clock: Clock, owner: Visitor
) -> None:
    with runtime.db.read() as session:
        (survey_id,) = session.scalars(select(Survey.id)).all()
    open_pulse(runtime, owner, survey_id, closes_at=clock.now + timedelta(hours=1))
    clock.advance(hours=1)
    close_due_pulses(runtime)
    assert sending.send_due(runtime) == 0
