"""Clearing the sandbox takes played pulses away, and no other."""

from sqlalchemy import select, update

from app.models import Invitation, Pulse, PulseScore, SealedAnswer
from app.runtime import Runtime
from app.services.pulse_closing import close_pulse
from app.services.pulse_forgetting import forget_played_pulses
from tests.pulse_world import PulseWorld, open_pulse
from tests.world import World


def played(world: World, runtime: Runtime, number: int) -> PulseWorld:
    """A pulse of six, the first `number` of whom only the sandbox asked."""
    pulse = open_pulse(world, 6)
    for each in range(6):
        pulse.answer(each, 9)
    with runtime.db.write() as session:
        ids = [invitation.id for invitation in pulse.invitations[:number]]
        session.execute(update(Invitation).where(Invitation.id.in_(ids)).values(sandbox=True))
    return pulse


def test_only_what_was_played_from_end_to_end_goes(world: World, runtime: Runtime) -> None:
    open_one, closed_one = played(world, runtime, 6), played(world, runtime, 6)
    mixed, real = played(world, runtime, 3), played(world, runtime, 0)
    close_pulse(runtime, world.member(closed_one.workspace), closed_one.pulse.id)
    with runtime.db.write() as session:
        gone = forget_played_pulses(session)
    assert set(gone) == {open_one.pulse.id, closed_one.pulse.id}
    with runtime.db.read() as session:
        assert set(session.scalars(select(Pulse.id))) == {mixed.pulse.id, real.pulse.id}
        assert set(session.scalars(select(SealedAnswer.pulse_id))) == {mixed.pulse.id, real.pulse.id}
        assert session.scalars(select(PulseScore.score)).all() == []
