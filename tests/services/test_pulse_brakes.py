"""A pulse that pauses itself tells of its questions alone: to count its reminders would tell the silent."""

from sqlalchemy import select

from app.channels.base import Event, Kind
from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Message, Stop
from app.runtime import Runtime
from app.services import inbound, pulse_reminders, sending
from tests.services.recurring import House
from tests.world import Clock, World


def come_back(runtime: Runtime, *messages: Message) -> None:
    """The provider says that these did not arrive, and that nothing ever will there."""
    for each in messages:
        said = {"state": "failed", "reason": "invalid_address", "permanent": True}
        event = Event("us", each.id, Kind.STATUS, "them", quotes=each.id, message_id=each.id, **said)
        with runtime.db.write() as session:
            assert inbound.keep(session, each.channel, event, runtime.clock())
    inbound.handle_new(runtime)


def sent(runtime: Runtime, purpose: str) -> list[Message]:
    with runtime.db.write() as session:  # rows outlive a writing session
        return list(
            session.scalars(select(Message).where(Message.purpose == purpose, Message.state == "sent"))
        )


def test_what_came_back_of_a_pulse_is_counted_among_its_questions(
    runtime: Runtime, world: World, clock: Clock
) -> None:
    workspace = world.workspace("people")
    house = House(world, clock, world.member(workspace, Role.MANAGER), world.survey(workspace, Metric.ENPS))
    for _ in range(20):
        world.contact(workspace)
    house.plans(repeat="quarterly")
    house.tick()
    sending.send_due(runtime)
    clock.advance(days=3)
    pulse_reminders.remind_pulses(runtime)
    sending.send_due(runtime)
    assert len(sent(runtime, "reminder")) == 20
    come_back(runtime, *sent(runtime, "reminder")[:5])
    come_back(runtime, *sent(runtime, "invitation")[:5])
    with runtime.db.read() as session:
        stop = session.scalars(select(Stop)).one()
    assert (stop.failed, stop.known) == (5, 20)
