"""Closing a pulse: drop person and order of what its boxes say, keep what may be shown, forget the rest.

Killed anywhere it is simply run again: everything that a closed pulse keeps is one transaction, and a key
whose pulse is closed is destroyed by whoever finds it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import structlog
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from app import sealing
from app.domain.anonymity import Thresholds, disclose
from app.domain.metrics import Band, Metric, band_of
from app.errors import Conflict
from app.models import (
    Invitation,
    Message,
    Occurrence,
    Pulse,
    PulseComment,
    PulseCount,
    PulseScore,
    SealedAnswer,
    new_id,
)  # fmt: skip
from app.runtime import Runtime
from app.services import audit, pulse_boxes, scrubbing
from app.services.access import Visitor, own
from app.services.once import Once
from app.services.pulse_boxes import Known, Opened
from app.services.pulse_reminders import forget_reminders, mark_all
from app.services.pulse_results import WHOLE, asked_in

log = structlog.get_logger("pulses")
Value = TypeVar("Value")


def close_pulse(runtime: Runtime, who: Visitor, pulse_id: str, once: Once | None = None) -> None:
    """Close it now, by hand. Raises NotFound, and Conflict when it is closed already.

    First it becomes due: should we die in between, the next tick of the clock closes it.
    """
    with runtime.db.write() as session:
        if once:
            once.keep(session, pulse_id)
        pulse = own(session, who, Pulse, pulse_id, lock=True)
        if pulse.state != "open":
            raise Conflict("This pulse is closed already.")
        pulse.closes_at = min(pulse.closes_at, runtime.clock())
        audit.note(session, who, runtime.clock(), "pulse.closed", pulse_id)
    _close(runtime, pulse_id)


def close_due_pulses(runtime: Runtime) -> int:
    """Close every pulse whose time is over, and destroy the keys that a crash left of closed ones."""
    with runtime.db.read() as session:
        due = session.scalars(
            select(Pulse.id).where(Pulse.state == "open", Pulse.closes_at <= runtime.clock())
        ).all()
    closed = sum(_close(runtime, pulse_id) for pulse_id in due)
    _destroy_keys_of_closed(runtime)
    return closed


def _close(runtime: Runtime, pulse_id: str) -> bool:
    """Close one pulse that is due; False when somebody else was quicker."""
    _stop_asking(runtime, pulse_id)
    runtime.reach("closing_begun")
    known = pulse_boxes.open_beforehand(runtime, pulse_id)
    runtime.reach("closing_boxes_opened")
    with runtime.db.write() as session:
        closed = _settle(runtime, session, pulse_id, known)
        runtime.reach("closing_before_commit")
    runtime.reach("closing_after_commit")
    if closed:
        _mark_again(runtime, pulse_id)
        sealing.destroy(runtime.config.keys_dir, pulse_id)
        scrubbing.at_once(runtime, "sealed_answers", "attempts", "tokens", "sandbox_copies", "messages")
    return closed


def _destroy_keys_of_closed(runtime: Runtime) -> None:
    """What was left by a crash between commit and destruction. A key of no pulse here is left alone.

    It may be another database's, whose pulse is open.
    """
    kept = sealing.kept_keys(runtime.config.keys_dir)
    if not kept:
        return
    with runtime.db.read() as session:
        over = session.scalars(select(Pulse.id).where(Pulse.id.in_(kept), Pulse.state != "open")).all()
    for pulse_id in over:
        _mark_again(runtime, pulse_id)
        sealing.destroy(runtime.config.keys_dir, pulse_id)


def _mark_again(runtime: Runtime, pulse_id: str) -> None:
    """A reminder may have failed since the last time, and its person was held for that; now none is any more.

    Before the key goes, so that whoever finds it after a crash does this as well.
    """
    with runtime.db.write() as session:
        mark_all(session, session.get_one(Pulse, pulse_id).occurrence_id)


def _stop_asking(runtime: Runtime, pulse_id: str) -> None:
    """Whoever was not reached by now is not asked any more. A transaction of its own, on purpose.

    On PostgreSQL the rows of a transaction carry its number: no row of a person may share it with the scores.
    """
    with runtime.db.write() as session:
        occurrence_id = session.get_one(Pulse, pulse_id).occurrence_id
        opening = update(Occurrence).where(Occurrence.id == occurrence_id, Occurrence.state == "running")
        session.execute(opening.values(state="run", ended_at=runtime.clock()))  # nobody is asked any more
        mark_all(session, occurrence_id)  # who was reminded, maybe long ago
        asked = select(Invitation.id).join(Pulse, Pulse.occurrence_id == Invitation.occurrence_id)
        asked = asked.where(Pulse.id == pulse_id)
        session.execute(
            update(Message)
            .where(Message.invitation_id.in_(asked), Message.state.in_(("queued", "claimed")))
            .values(state="cancelled", reason="expired", lease_token=None, lease_until=None)
        )
        session.execute(
            update(Invitation)
            .where(Invitation.id.in_(asked), Invitation.state.in_(("planned", "queued")))
            .values(state="cancelled", reason="expired")  # never asked, so they need no rest
        )


def _settle(runtime: Runtime, session: Session, pulse_id: str, known: Known) -> bool:
    """Everything that a closed pulse keeps and loses, in one transaction.

    The update comes first: on PostgreSQL it waits for the answers under way, which hold the row shared, and
    those that come after find the pulse closed. So what is read below is all there will ever be.
    """
    pulse = session.scalars(
        select(Pulse).where(Pulse.id == pulse_id, Pulse.state == "open").with_for_update()
    ).one_or_none()
    if pulse is None:
        return False
    pulse.state, pulse.closed_at = "closed", runtime.clock()
    session.flush()
    try:
        _drop_what_the_sandbox_asked(runtime, session, pulse)
        opened = pulse_boxes.open_all(session, pulse_boxes.key_of(runtime, pulse), pulse_id, known)
    except sealing.KeyMissing:
        pulse.state = "void"
        log.error("pulse_closed_void", pulse=pulse_id)
    else:
        _keep(session, pulse, opened, asked_in(session, pulse, sandbox_on=runtime.config.sandbox_on))
    session.execute(delete(SealedAnswer).where(SealedAnswer.pulse_id == pulse_id))
    forget_reminders(session, pulse)
    session.flush()
    return True


def _drop_what_the_sandbox_asked(runtime: Runtime, session: Session, pulse: Pulse) -> None:
    """Once a channel is real, play no longer counts."""
    if runtime.config.sandbox_on:
        return
    played = select(Invitation.id).where(
        Invitation.occurrence_id == pulse.occurrence_id, Invitation.sandbox.is_(True)
    )
    session.execute(delete(SealedAnswer).where(SealedAnswer.invitation_id.in_(played)))


def _keep(session: Session, pulse: Pulse, opened: Opened, asked: int) -> None:
    """Write what may be shown, and nothing else: of too few answers not even how many there were."""
    told = disclose(len(opened.scores), Thresholds(pulse.least_answers, pulse.least_comments), is_open=False)
    if not told.result:
        return
    pulse.answered = len(opened.scores)
    pulse.asked = max(asked, pulse.answered)  # a mail may bounce after it was answered
    session.execute(
        insert(PulseScore),
        [{"pulse_id": pulse.id, "key": key, "score": score} for key, score in _shuffled(opened.scores)],
    )
    if told.comments and opened.comments:
        session.execute(
            insert(PulseComment),
            [{"pulse_id": pulse.id, "key": key, "comment": each} for key, each in _shuffled(opened.comments)],
        )
    bands = Counter(band_of(Metric.ENPS, score) for score in opened.scores)
    session.add(
        PulseCount(
            pulse_id=pulse.id,
            cut=WHOLE,
            promoters=bands[Band.PROMOTER],
            passives=bands[Band.PASSIVE],
            detractors=bands[Band.DETRACTOR],
        )
    )


def _shuffled(values: Sequence[Value]) -> list[tuple[str, Value]]:
    """Each value under a new random key, in the order of the keys: heap and index know no other."""
    return sorted(((new_id(), value) for value in values), key=lambda pair: pair[0])
