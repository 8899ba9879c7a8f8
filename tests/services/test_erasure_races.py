"""What is written about somebody at the very moment of their erasure is gone with them, whoever was first."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from datetime import timedelta
from functools import partial
from threading import Thread

import pytest
from sqlalchemy import select, text, update

from app.channels.base import DeliveryError, Event, Kind
from app.channels.sandbox import Sandbox
from app.domain.access import Role
from app.errors import NotFound
from app.models import Invitation, Message, Occurrence, SealedAnswer, Workspace
from app.runtime import Runtime
from app.services import (
    arrival,
    asking,
    erasure,
    events,
    expanding,
    followups,
    inbound,
    opt_outs,
    outcomes,
    planning,
    pulse_reminders,
    reminding,
    sending,
)
from app.services.arrival import Given
from app.services.departing import Departing
from bots import handle
from tests.pulse_world import open_pulse
from tests.services.loop import meeting, opened
from tests.services.recurring import House as Recurring
from tests.world import START, Clock, World, token_of

pytestmark = pytest.mark.on_both
SECRET = "segredo"
AFTERWARDS = START + timedelta(days=60)  # when the question has long ended
ADDRESS = "zulmira@quintanilha.example"


class House:
    """A person with an open question, an answer with a follow-up, and what may be done about them."""

    def __init__(self, runtime: Runtime, world: World, workspace: Workspace) -> None:
        self.runtime, self.world = runtime, world
        self.who = world.member(workspace, Role.MANAGER)
        self.survey = world.survey(workspace)
        self.person = world.contact(workspace, email=ADDRESS, name="Zulmira", attributes={"obs": SECRET})
        self.question = world.invitation(workspace, self.survey, self.person)
        self.answered = world.invitation(workspace, world.survey(workspace), self.person)
        arrival.record(runtime, token_of(self.answered), Given(2, f"{SECRET} before"))
        self.other = world.survey(workspace)  # which nobody was asked yet
        self.followup = opened(world, workspace, 3, contact=self.person)
        with runtime.db.write() as session:  # long ago: nothing rests
            session.execute(update(Workspace).values(rest_days=0, rest_days_by_metric={}))

    def erase(self) -> None:
        erasure.erase(self.runtime, self.who, self.person.id)

    def answer(self, runtime: Runtime) -> None:
        arrival.record(runtime, token_of(self.question), Given(2, SECRET))

    def answer_late(self, runtime: Runtime) -> None:
        with suppress(NotFound):
            arrival.record(
                replace(runtime, clock=lambda: AFTERWARDS), token_of(self.question), Given(2, SECRET)
            )

    def change(self, runtime: Runtime) -> None:
        """What they said before stays beside it."""
        arrival.record(runtime, token_of(self.answered), Given(9, SECRET))

    def ask(self, runtime: Runtime) -> None:
        asking.ask(runtime, self.who, self.other.id, self.person.id)

    def opt_out(self, runtime: Runtime) -> None:
        opt_outs.opt_out(runtime, self.who, self.person.id, "console", evidence=f"{SECRET}: she called.")

    def opt_in(self, runtime: Runtime) -> None:
        opt_outs.opt_in(runtime, self.who, self.person.id, f"{SECRET}: she called.")

    def note(self, runtime: Runtime) -> None:
        followups.note(runtime, self.who, self.followup, SECRET)

    def reply(self, runtime: Runtime) -> None:
        followups.reply(runtime, self.who, self.followup, SECRET)

    def close(self, runtime: Runtime) -> None:
        followups.close(
            runtime, self.who, self.followup, summary=f"{SECRET}, called her", root_cause="Demora"
        )

    def tell(self, runtime: Runtime) -> None:
        told = events.Told("t-1", "ticket.solved", self.person.id, None, {"obs": SECRET})
        events.tell(runtime, self.who, told)


ACTS = {
    "answer": House.answer,
    "answer_late": House.answer_late,
    "change": House.change,
    "ask": House.ask,
    "opt_out": House.opt_out,
    "opt_in": House.opt_in,
    "note": House.note,
    "reply": House.reply,
    "close": House.close,
    "tell": House.tell,
}


@pytest.fixture
def house(runtime: Runtime, world: World) -> House:
    house = House(runtime, world, world.workspace())
    opt_outs.opt_out(runtime, house.who, world.contact(world.workspace_of(house.survey)).id, "console")
    return house


def stored(runtime: Runtime) -> str:
    with runtime.db.read() as session:
        tables = session.get_bind().dialect.get_table_names(session.connection())
        return "\n".join(
            str(row) for name in tables for row in session.execute(text(f'SELECT * FROM "{name}"'))
        )


@pytest.mark.parametrize("act", ACTS)
def test_who_writes_as_an_erasure_ends_leaves_nothing(runtime: Runtime, house: House, act: str) -> None:
    writes = partial(ACTS[act], house, runtime)
    meeting(runtime, house.erase, writes, at="UPDATE contacts")
    found = stored(runtime)
    assert [each for each in (SECRET, ADDRESS) if each in found] == []


BEFORE_WRITING = {
    "ask": "INSERT INTO invitations",
    "opt_out": "INSERT INTO opt_outs",
    "opt_in": "UPDATE opt_outs",
    "note": "INSERT INTO followup_events",
    "reply": "INSERT INTO messages",
    "close": "INSERT INTO followup_closures",
    "tell": "INSERT INTO events",
}


@pytest.mark.parametrize("act", BEFORE_WRITING)
def test_an_erasure_that_comes_before_what_is_being_written_waits_for_it(
    runtime: Runtime, house: House, act: str
) -> None:
    if act == "opt_in":
        opt_outs.opt_out(runtime, house.who, house.person.id, "console")
    writes = partial(ACTS[act], house, runtime)
    meeting(runtime, writes, house.erase, at=BEFORE_WRITING[act])
    found = stored(runtime)
    assert [each for each in (SECRET, ADDRESS) if each in found] == []


def test_an_answer_that_is_being_written_goes_with_its_person(runtime: Runtime, house: House) -> None:
    erasing = Thread(target=house.erase)

    def reach(point: str) -> None:
        if point == "answer_inserted":
            erasing.start()
            erasing.join(0.5)

    house.answer(replace(runtime, reach=reach))
    erasing.join()
    assert SECRET not in stored(runtime)


def boxes(runtime: Runtime) -> set[str]:
    with runtime.db.read() as session:
        return set(session.scalars(select(SealedAnswer.invitation_id)))


@pytest.mark.parametrize("erased_first", [True, False])
def test_a_box_that_is_being_sealed_goes_with_its_person(
    runtime: Runtime, world: World, erased_first: bool
) -> None:
    pulse = open_pulse(world, 6)
    for number in range(1, 6):
        pulse.answer(number, 9)
    owner = world.member(pulse.workspace, Role.OWNER)
    erases, seals = partial(erasure.erase, runtime, owner, pulse.contacts[0].id), partial(pulse.answer, 0, 9)
    if erased_first:
        meeting(runtime, erases, seals, at="UPDATE contacts")
    else:
        meeting(runtime, seals, erases, at="INSERT INTO sealed_answers")
    assert boxes(runtime) == {each.id for each in pulse.invitations[1:]}


@pytest.mark.parametrize("erased_first", [True, False])
def test_a_pulse_that_reminds_reminds_nobody_who_is_erased(
    runtime: Runtime, world: World, clock: Clock, erased_first: bool
) -> None:
    pulse = open_pulse(world, 6)
    owner = world.member(pulse.workspace, Role.OWNER)
    clock.advance(days=4)
    erases = partial(erasure.erase, runtime, owner, pulse.contacts[0].id)
    reminds = partial(pulse_reminders.remind_pulses, runtime)
    if erased_first:
        meeting(runtime, erases, reminds, at="UPDATE contacts")
    else:
        meeting(runtime, reminds, erases, at="INSERT INTO messages")
    with runtime.db.read() as session:
        reminders = select(Message).where(Message.purpose == "reminder", Message.state == "queued")
        reminded = {each.contact_id for each in session.scalars(reminders)}
    assert reminded == {each.id for each in pulse.contacts[1:]}
    assert (pulse.contacts[0].email or "") not in stored(runtime)


@pytest.mark.parametrize("erased_first", [True, False])
def test_a_reminder_reminds_nobody_who_is_erased(
    runtime: Runtime, world: World, clock: Clock, erased_first: bool
) -> None:
    workspace = world.workspace()
    survey, gone, other = (
        world.survey(workspace),
        world.contact(workspace, email=ADDRESS),
        world.contact(workspace),
    )
    for each in (gone, other):
        world.invitation(workspace, survey, each, remind_after=3)
    clock.advance(days=3)
    erases = partial(erasure.erase, runtime, world.member(workspace, Role.MANAGER), gone.id)
    reminds = partial(reminding.remind, runtime)
    if erased_first:
        meeting(runtime, erases, reminds, at="UPDATE contacts")
    else:
        meeting(runtime, reminds, erases, at="INSERT INTO messages")
    with runtime.db.read() as session:
        reminders = select(Message.contact_id).where(Message.purpose == "reminder", Message.state == "queued")
        assert set(session.scalars(reminders)) == {other.id}
        assert session.scalars(select(Invitation.remind_after)).all() == [None, None]
    assert ADDRESS not in stored(runtime)


PHONE = "+5531988884417"
LOST = DeliveryError("invalid_address", permanent=True)


def not_taken(runtime: Runtime, message: Message) -> None:
    """What the sender writes down of a mail that nobody took, for whom a text may come next."""
    told = {each.name: getattr(message, each.name, None) for each in fields(Departing)}
    with runtime.db.write() as session:
        outcomes.record(session, [(Departing(**told), LOST)], "lease", runtime.clock(), ("email", "sms"))


def told_of_it(runtime: Runtime, message: Message) -> None:
    """The same from the provider, afterwards."""
    event = Event("us@aroeira.example", "1:failed", Kind.STATUS, state="failed", reason="invalid_address")
    with runtime.db.write() as session:
        inbound.keep(session, "email", replace(event, permanent=True, message_id=message.id), runtime.clock())
    inbound.handle_new(runtime)


@pytest.mark.parametrize("erased_first", [True, False])
@pytest.mark.parametrize("tells", [not_taken, told_of_it])
def test_no_second_channel_is_taken_to_somebody_who_is_erased(
    runtime: Runtime,
    world: World,
    clock: Clock,
    tells: Callable[[Runtime, Message], None],
    erased_first: bool,
) -> None:
    runtime = replace(runtime, channels=dict.fromkeys(("email", "sms"), Sandbox()), inbound=handle)
    workspace = world.workspace()
    person = world.contact(workspace, email=ADDRESS, phone=PHONE)
    asked = world.invitation(
        workspace, world.survey(workspace), person, {"state": "attempting", "lease_token": "lease"},
        state="sending",
    )  # fmt: skip
    with runtime.db.write() as session:
        session.execute(update(Occurrence).values(channels=["email", "sms"]))
        message = session.scalars(select(Message).where(Message.invitation_id == asked.id)).one()
    erases = partial(erasure.erase, runtime, world.member(workspace, Role.MANAGER), person.id)
    if erased_first:
        meeting(runtime, erases, partial(tells, runtime, message), at="UPDATE contacts")
    else:
        meeting(runtime, partial(tells, runtime, message), erases, at="INSERT INTO messages")
    with runtime.db.read() as session:
        states = session.scalars(select(Message.state).order_by(Message.state)).all()
    assert list(states) == (["failed"] if erased_first else ["cancelled", "failed"])
    assert [each for each in (ADDRESS, PHONE) if each in stored(runtime)] == []


@pytest.mark.parametrize("erased_first", [True, False])
def test_a_run_for_many_asks_nobody_who_is_erased_meanwhile(
    runtime: Runtime, world: World, clock: Clock, erased_first: bool
) -> None:
    workspace = world.workspace()
    house = Recurring(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace))
    gone, *others = house.crowd(5)
    id = house.plans(repeat="once", at=f"{clock.now:%Y-%m-%dT%H:%M}", time_zone="UTC")
    planning.plan_schedules(runtime)
    erases = partial(erasure.erase, runtime, house.who, gone)
    runs = partial(expanding.expand_occurrences, runtime)
    if erased_first:
        meeting(runtime, erases, runs, at="UPDATE contacts")
    else:
        meeting(runtime, runs, erases, at="SELECT count(")
    assert house.outcomes(id) == [("run", None)]
    with runtime.db.read() as session:
        counted = session.scalars(select(Occurrence.asked)).one()
    assert counted == (4 if erased_first else 5), "whom it had asked before stays counted"
    with runtime.db.read() as session:
        asked = session.scalars(select(Message.contact_id).where(Message.state == "queued")).all()
        ends = session.execute(
            select(Invitation.state, Invitation.reason).where(Invitation.contact_id == gone)
        )
        assert sorted(asked) == sorted(others)
        assert [state for state, _ in ends] in (["skipped"], ["cancelled"], [])
    assert "p0@b.example" not in stored(runtime)


@pytest.mark.parametrize("goes", [True, False])
def test_who_holds_a_question_does_not_wait_for_somebody_who_waits_for_it(
    runtime: Runtime, world: World, clock: Clock, goes: bool
) -> None:
    """Refused on its first way while its person is erased, or edited: looked at again a second later."""
    if runtime.db.is_sqlite:
        pytest.skip("it has one writer")
    workspace = world.workspace()
    who, person = world.member(workspace, Role.OWNER), world.contact(workspace, phone="+5531988884417")
    asking.ask(runtime, who, world.survey(workspace).id, person.id, ("email", "sms"))
    with runtime.db.write() as session:
        opt_outs.record(
            session, workspace.id, None, [person.email_key], kind="bounce", origin="provider", now=clock()
        )
    with runtime.db.write() as session:
        (held,) = erasure.hold(session, [person.id])
        sender = Thread(target=sending.send_due, args=(runtime,))
        sender.start()
        sender.join(4)
        assert not sender.is_alive()
        if goes:
            erasure.forget(session, held, clock(), asked_at=clock())
    clock.advance(seconds=2)
    sending.send_due(runtime)
    with runtime.db.read() as session:
        rows = session.scalars(select(Message).order_by(Message.channel)).all()
    expected = [("email", "cancelled", "erased")]
    if not goes:
        expected = [("email", "cancelled", "bounced"), ("sms", "sent", None)]
    assert [(row.channel, row.state, row.reason) for row in rows] == expected
