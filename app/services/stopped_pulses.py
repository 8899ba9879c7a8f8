"""A pulse that was opened by hand and paused itself goes on: one of a schedule goes on with its schedule."""

from app.models import Occurrence, Pulse
from app.runtime import Runtime
from app.services import audit, brakes, standstill
from app.services.access import Visitor, own


def resume(runtime: Runtime, who: Visitor, pulse_id: str) -> int:
    """Whoever was not asked yet is asked. How many people. Twice is harmless. Raises NotFound."""
    now, waiting = runtime.clock(), standstill.number(runtime, pulse_id)
    with runtime.db.write() as session:
        pulse = own(session, who, Pulse, pulse_id)
        run = session.get_one(Occurrence, pulse.occurrence_id)
        brakes.alone(session, brakes.brake_of(run))
        session.refresh(pulse)
        if pulse.state != "open" or not brakes.lift_of_pulse(session, run.id, now):
            return 0
        audit.note(session, who, now, "pulse.resumed", pulse.id)
        standstill.follow(session, run.id, now, is_held=False)
        return waiting
