"""Another way than the first, to ask or to remind, keeps to the rest of whoever has that address as well."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.channels.base import Event, Kind
from app.channels.sandbox import Sandbox
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Message, Pulse, SealedAnswer, Survey, Workspace
from app.runtime import Runtime
from app.services import expanding, planning, reminding, schedules, sending, settling_status
from app.services.access import Visitor
from app.services.pulse_reminders import remind_pulses
from tests.world import Clock, World

THEIRS = "+5531988884417"
BOTH = ["email", "sms"]


@pytest.fixture
def place(runtime: Runtime) -> Runtime:
    """Every channel pretends."""
    return replace(runtime, channels=dict.fromkeys(("email", "sms"), Sandbox()))


@pytest.fixture
def workspace(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def manager(world: World, workspace: Workspace) -> Visitor:
    return world.member(workspace, Role.MANAGER)


@pytest.fixture
def survey(world: World, workspace: Workspace) -> Survey:
    return world.survey(workspace, Metric.CSAT)


@pytest.fixture
def ana(world: World, workspace: Workspace) -> Contact:
    return world.contact(workspace, name="Ana", phone=THEIRS)


def run(place: Runtime, who: Visitor, survey: Survey, repeat: str = "once", **terms: object) -> None:
    fields = {"survey": survey.id, "repeat": repeat, "channels": BOTH, "terms": terms}
    schedules.create(place, who, fields)
    planning.plan_schedules(place)
    expanding.expand_occurrences(place)
    sending.send_due(place)


def remind(place: Runtime, clock: Clock, days: int = 3) -> None:
    clock.advance(days=days)
    reminding.remind(place)
    sending.send_due(place)


def lost(place: Runtime, contact: Contact) -> None:
    """The provider says late that their mail did not arrive."""
    event = Event("sandbox", "", Kind.STATUS, "", state="failed", reason="unreachable", permanent=True)
    with place.db.write() as session:
        mine = Message.contact_id == contact.id, Message.channel == "email", Message.purpose == "invitation"
        message = session.scalars(select(Message).where(*mine)).one()
        settling_status.tell(session, message, event, place.clock(), place.channels)
    sending.send_due(place)


def sent(place: Runtime, contact: Contact) -> Sequence[tuple[str, str]]:
    with place.db.read() as session:
        rows = session.scalars(
            select(Message).where(Message.contact_id == contact.id, Message.state == "sent")
        )
        return sorted((row.purpose, row.channel) for row in rows)


@pytest.mark.on_both
def test_whoever_shares_a_phone_with_somebody_whom_the_run_has_asked_there_is_reminded_by_mail(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey, ana: Contact,
    clock: Clock,
) -> None:  # fmt: skip
    rui = world.contact(workspace, name="Rui", email=None, phone=THEIRS)
    run(place, manager, survey, remind_elsewhere=True)
    remind(place, clock)
    assert sent(place, rui) == [("invitation", "sms"), ("reminder", "sms")]
    assert sent(place, ana) == [("invitation", "email"), ("reminder", "email")]


@pytest.mark.on_both
@pytest.mark.parametrize("group", [20, 1])
def test_of_two_who_were_asked_by_mail_and_share_a_phone_one_is_reminded_there(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey, ana: Contact,
    clock: Clock, monkeypatch: pytest.MonkeyPatch, group: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(reminding, "GROUP", group)
    rui = world.contact(workspace, name="Rui", phone=THEIRS)
    run(place, manager, survey, remind_elsewhere=True, reminders=[3, 6])
    remind(place, clock)
    both = [*sent(place, ana), *sent(place, rui)]
    assert sorted(both) == sorted(
        [("invitation", "email")] * 2 + [("reminder", "email"), ("reminder", "sms")]
    )
    there = ana if ("reminder", "sms") in sent(place, ana) else rui
    remind(place, clock)
    assert sent(place, there).count(("reminder", "sms")) == 2
    assert [*sent(place, ana), *sent(place, rui)].count(("reminder", "sms")) == 2


def test_somebody_whom_another_question_has_asked_there_lately_is_reminded_by_mail_as_well(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey, ana: Contact,
    clock: Clock,
) -> None:  # fmt: skip
    run(place, manager, survey, remind_elsewhere=True)
    clock.advance(days=1)
    rui = world.contact(workspace, name="Rui", email=None, phone=THEIRS)
    told = {"channel": "sms", "address_key": rui.phone_key}
    world.invitation(workspace, world.survey(workspace), rui, told=told, **told)
    remind(place, clock, days=2)
    assert sent(place, ana) == [("invitation", "email"), ("reminder", "email")]


@pytest.mark.on_both
def test_a_lost_question_follows_nobody_to_a_phone_at_which_its_run_has_just_reminded_somebody(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey, ana: Contact,
    clock: Clock,
) -> None:  # fmt: skip
    rui = world.contact(workspace, name="Rui", phone=THEIRS)
    run(place, manager, survey, remind_elsewhere=True)
    remind(place, clock)
    there = ana if ("reminder", "sms") in sent(place, ana) else rui
    other = rui if there is ana else ana
    lost(place, other)
    assert ("invitation", "sms") not in sent(place, other)


@pytest.mark.on_both
@pytest.mark.parametrize(("repeat", "days", "asked"), [("monthly", 25, True), ("monthly", 20, False),
                                                       ("once", 25, False)])  # fmt: skip
def test_the_next_channel_of_a_run_by_months_counts_a_rest_as_its_plan_does(
    place: Runtime, world: World, workspace: Workspace, manager: Visitor, survey: Survey, ana: Contact,
    clock: Clock, repeat: str, days: int, asked: bool,
) -> None:  # fmt: skip
    """Months differ by days: such a rule counts a rest as met seven days early, at each address."""
    rui = world.contact(workspace, name="Rui", email=None, phone=THEIRS, active=False)
    told = {"channel": "sms", "address_key": rui.phone_key}
    before = world.now - timedelta(days=days)
    world.invitation(workspace, survey, rui, told=told, sent_at=before, created_at=before, **told)
    with place.db.write() as session:
        session.get_one(Contact, ana.id).phone_key = None  # it is theirs only after the plan
    run(place, manager, survey, repeat)
    with place.db.write() as session:
        session.get_one(Contact, ana.id).phone_key = rui.phone_key
    lost(place, ana)
    assert (("invitation", "sms") in sent(place, ana)) is asked
    with place.db.read() as session:
        mine = session.scalars(select(Invitation).where(Invitation.contact_id == ana.id)).one()
    assert mine.state == ("sent" if asked else "failed")


@pytest.mark.on_both
@pytest.mark.parametrize("silent", [True, False])
def test_a_lost_question_of_a_pulse_does_not_tell_whether_a_colleague_was_reminded_at_their_number(
    place: Runtime, world: World, clock: Clock, silent: bool
) -> None:
    home = world.workspace("people")
    ana, bia = world.contact(home, email=None, phone="+5531988884418"), world.contact(home, phone=THEIRS)
    run(place, world.member(home, Role.MANAGER), world.survey(home, Metric.ENPS), "quarterly")
    with place.db.write() as session:
        hers = session.scalars(select(Invitation.id).where(Invitation.contact_id == ana.id)).one()
        pulse = session.scalars(select(Pulse.id)).one()
        if not silent:
            session.add(SealedAnswer(invitation_id=hers, pulse_id=pulse, box=b""))
        moved = session.get_one(Contact, ana.id)  # they share a phone by now
        moved.phone, moved.phone_key = bia.phone, bia.phone_key
    clock.advance(days=3, minutes=1)
    remind_pulses(place)
    sending.send_due(place)
    assert (("reminder", "sms") in sent(place, ana)) is silent
    lost(place, bia)
    assert ("invitation", "sms") in sent(place, bia)
