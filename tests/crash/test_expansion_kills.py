"""A run whose worker is killed again and again ends as one that nothing happened to.

`EXPANSION_PEOPLE=20000 pytest tests/crash/test_expansion_kills.py -s` is the full size.
"""

import os
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from sqlalchemy import delete, func, insert, select, text

from app.domain.access import Role
from app.domain.metrics import Metric
from app.jobs.worker import run_until_idle
from app.models import Contact, Invitation, Lease, Message, Occurrence, OptOut, Workspace, new_id, new_ids
from app.runtime import Runtime
from app.services import expanding, planning, schedules, switch
from tests.crash.nest import Nest
from tests.crash.storm import environment
from tests.world import Clock, World

pytestmark = [pytest.mark.crash, pytest.mark.on_both]
log = structlog.get_logger("expansion_kills")
PEOPLE = int(os.environ.get("EXPANSION_PEOPLE", "600"))
STEPS = (0.05, 0.15, 0.25, 0.35, 0.45)  # after which part of the people each worker dies, or about


@pytest.fixture
def paused_world(world: World, clock: Clock) -> World:
    """Real processes read real time. What we say waits: this is about whom we want to say it to."""
    clock.now = datetime.now(UTC).replace(microsecond=0)
    switch.pause(world.runtime, "an exercise")
    return world


def test_d12_killed_at_random_it_ends_as_an_uninterrupted_one(
    runtime: Runtime, paused_world: World, nest: Nest
) -> None:
    """The issue's "must show" 2."""
    quiet, struck = crowd(paused_world), crowd(paused_world)
    whole = come_due(paused_world, quiet)
    run_until_idle(runtime)
    cut = come_due(paused_world, struck)
    dice, began = random.Random(PEOPLE), time.monotonic()
    died_at = [killed_after(runtime, nest, cut, PEOPLE * (at + dice.uniform(-0.03, 0.03))) for at in STEPS]
    finish(runtime, cut)
    seconds = round(time.monotonic() - began, 1)
    log.info("expansion killed", people=PEOPLE, at=died_at, seconds=seconds)
    assert facts(runtime, cut) == facts(runtime, whole)
    assert_one_of_each(runtime, cut)
    if runtime.db.is_sqlite:
        with runtime.db.read() as session:
            assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def crowd(world: World) -> Workspace:
    """A workspace whose people have every reason; alike, and in the same order, each time."""
    workspace, now = world.workspace(), world.now
    survey = world.survey(workspace)
    before = world.occurrence(survey)
    ids = sorted(new_ids(PEOPLE))
    people, opt_outs, asked = [], [], []
    for number, id in enumerate(ids):
        who = number - 7 if number % 11 == 10 else number  # somebody else's address as well
        mail = None if number % 17 == 5 else f"p{who}@bemtevi.example"
        people.append(
            {
                "id": id, "workspace_id": workspace.id, "name": f"P{number}", "search_name": f"p{number}",
                "email": mail, "email_key": mail and f"key{who}", "kind": "customer", "attributes": {},
                "lawful_basis": "none" if number % 23 == 7 else "consent", "active": number % 29 != 3,
                "created_at": now, "updated_at": now,
            }
        )  # fmt: skip
        if number % 19 in (2, 8):
            kind = "bounce" if number % 19 == 2 else "own_wish"
            opt_outs.append(
                {
                    "id": new_id(), "workspace_id": workspace.id, "address_key": f"key{who}", "kind": kind,
                    "origin": "unsubscribe", "created_at": now,
                }
            )  # fmt: skip
        if number % 13 == 4:
            asked.append(
                {
                    "id": new_id(), "workspace_id": workspace.id, "occurrence_id": before.id,
                    "survey_id": survey.id, "version_id": survey.published_version_id, "metric": "nps",
                    "contact_id": id, "locale": "pt-BR", "channel": "email", "state": "sent",
                    "created_at": now, "sent_at": now - timedelta(days=number % 20),
                    "expires_at": now + timedelta(days=30),
                }
            )  # fmt: skip
    with world.runtime.db.write() as session:
        for table, rows in ((Contact, people), (OptOut, opt_outs), (Invitation, asked)):
            session.execute(insert(table), rows)
    return workspace


def come_due(world: World, workspace: Workspace) -> str:
    """The id of a run for all of them."""
    manager = world.member(workspace, Role.MANAGER)
    survey = world.survey(workspace, Metric.CSAT)
    id = schedules.create(world.runtime, manager, {"survey": survey.id, "repeat": "once"})
    planning.plan_schedules(world.runtime)
    with world.runtime.db.read() as session:
        return session.scalars(select(Occurrence.id).where(Occurrence.schedule_id == id)).one()


def killed_after(runtime: Runtime, nest: Nest, run: str, people: float) -> int:
    """A real worker, gone with SIGKILL when so many are decided about, in the midst of the next: how many."""
    with runtime.db.write() as session:
        session.execute(delete(Lease))  # the one of the worker before, as time would
    worker = nest.hatch(environment(runtime), "worker")
    until = time.monotonic() + 120
    while decided(runtime, run) < people and worker.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    worker.kill()
    assert worker.status == -9
    with runtime.db.read() as session:
        assert session.get_one(Occurrence, run).state == "running"
    done = decided(runtime, run)
    assert done >= people
    return done


def finish(runtime: Runtime, run: str) -> None:
    """The last worker; PostgreSQL may need a moment to see that the one before is gone."""
    until = time.monotonic() + 120
    state = "running"
    while state == "running" and time.monotonic() < until:
        run_until_idle(runtime)
        with runtime.db.read() as session:
            state = session.get_one(Occurrence, run).state
        time.sleep(0.01)


def decided(runtime: Runtime, run: str) -> int:
    with runtime.db.read() as session:
        query = select(func.count()).select_from(Invitation).where(Invitation.occurrence_id == run)
        return session.scalar(query) or 0


def facts(runtime: Runtime, run: str) -> Counter[str]:
    """Everything about everybody that a run decides, with their message, without random ids and moments."""
    query = (
        select(
            Contact.name, Invitation.state, Invitation.reason, Invitation.until, Invitation.channel,
            Invitation.address_key, Invitation.locale, Invitation.remind_after,
            Message.state, Message.channel, Message.to_address, Message.address_key, Message.locale,
        )
        .select_from(Invitation)
        .join(Contact, Contact.id == Invitation.contact_id)
        .outerjoin(Message, Message.invitation_id == Invitation.id)
        .where(Invitation.occurrence_id == run)
    )  # fmt: skip
    with runtime.db.read() as session:
        return Counter(map(repr, session.execute(query)))


def assert_one_of_each(runtime: Runtime, run: str) -> None:
    """Everybody once, a message for whom we ask and for nobody else, and counts that add up."""
    found = facts(runtime, run)
    with runtime.db.read() as session:
        ended = session.get_one(Occurrence, run)
        people = select(func.count(), func.count(Contact.id.distinct())).select_from(Invitation)
        people = people.join(Contact).where(Invitation.occurrence_id == run)
        assert tuple(session.execute(people).one()) == (len(found), len(found))
        reasons = set(session.scalars(select(Invitation.reason).where(Invitation.occurrence_id == run)))
        messages = select(func.count()).select_from(Message).join(Invitation)
        assert session.scalar(messages.where(Invitation.occurrence_id == run)) == ended.asked
    assert set(found.values()) == {1}
    assert ended.state == "run"
    assert expanding.FIRST < ended.asked < len(found) <= PEOPLE
    assert reasons == {
        None, "no_address", "no_lawful_basis", "opted_out", "bounced", "resting", "duplicate",
    }  # fmt: skip
