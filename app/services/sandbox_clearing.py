"""Forgets the play: what was asked in the sandbox and everything that hangs on it, never anything else."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session, aliased

from app import sealing
from app.db import changed
from app.models import (
    Answer,
    AnswerEdit,
    Attempt,
    Base,
    Complaint,
    Conversation,
    FollowUp,
    FollowUpClosure,
    FollowUpEvent,
    Headline,
    InboundEvent,
    Invitation,
    Message,
    Occurrence,
    Pulse,
    PulseComment,
    PulseCount,
    PulseScore,
    SandboxCopy,
    SealedAnswer,
    Sender,
    Token,
)
from app.runtime import Runtime
from app.services import asking_again, audit, scrubbing
from app.services.asking_terms import COUNTED

CHUNK = 50  # invitations forgotten in one commit
PAUSE = 0.005  # seconds between two chunks: whoever waits to write comes in between
UNDER_WAY = ("due", "running")


@dataclass
class Cleared:
    """How much was removed."""

    invitations: int = 0
    answers: int = 0
    followups: int = 0
    pulses: int = 0


def clear(runtime: Runtime) -> Cleared:
    """Remove what was asked and answered in the sandbox. Interrupted anywhere, it is simply run again.

    Opt-outs stay: whoever said no in play may have meant it.
    """
    cleared = Cleared()
    while True:
        with runtime.db.write() as session:
            number, pulses = _clear_some(session, cleared)
        for pulse_id in pulses:
            sealing.destroy(runtime.config.keys_dir, pulse_id)
        runtime.reach("sandbox_cleared_some")
        if number < CHUNK:
            break
        time.sleep(PAUSE)
    with runtime.db.write() as session:
        _forget_chats(session)
        audit.note(session, None, runtime.clock(), "sandbox.cleared", **asdict(cleared))
    scrubbing.at_once(
        runtime, "invitations", "messages", "sandbox_copies", "answers", "answer_edits", "followups"
    )
    return cleared


def _clear_some(session: Session, cleared: Cleared) -> tuple[int, list[str]]:
    """Some invitations with all that hangs on them; how many, and the pulses that went with them."""
    rows = session.execute(
        select(Invitation.id, Invitation.occurrence_id)
        .where(Invitation.sandbox.is_(True))
        .order_by(Invitation.occurrence_id, Invitation.id)
        .limit(CHUNK)
        .with_for_update()
    ).all()
    if not rows:
        return 0, []
    ids = [row.id for row in rows]
    followups, answers = _forget_answers(session, ids)
    _remove(session, SealedAnswer, SealedAnswer.invitation_id.in_(ids))
    cleared.invitations += _remove(session, Invitation, Invitation.id.in_(ids))
    cleared.answers += answers
    cleared.followups += followups
    pulses = _forget_runs(session, sorted({row.occurrence_id for row in rows}))
    cleared.pulses += len(pulses)
    return len(ids), pulses


def _forget_answers(session: Session, invitations: Sequence[str]) -> tuple[int, int]:
    """Follow-ups, messages and answers of these invitations; how many follow-ups and answers."""
    answers = select(Answer.id).where(Answer.invitation_id.in_(invitations))
    followups = session.scalars(select(FollowUp.id).where(FollowUp.answer_id.in_(answers))).all()
    messages = session.scalars(
        select(Message.id).where(
            or_(Message.invitation_id.in_(invitations), Message.followup_id.in_(followups))
        )
    ).all()
    for table in (SandboxCopy, Token, Attempt, Complaint):
        _remove(session, table, table.message_id.in_(messages))
    _remove(session, Message, Message.id.in_(messages))
    _remove(session, FollowUpEvent, FollowUpEvent.followup_id.in_(followups))
    _forget_closures(session, followups)
    _remove(session, FollowUp, FollowUp.id.in_(followups))
    _remove(session, AnswerEdit, AnswerEdit.answer_id.in_(answers))
    return len(followups), _remove(session, Answer, Answer.invitation_id.in_(invitations))


def _forget_chats(session: Session) -> None:
    """What was typed on the pretend phone and what we said to it."""
    pretend = session.scalars(select(Sender.id).where(Sender.identity == "sandbox")).all()
    said = Message.sender_id.in_(pretend), Message.purpose.in_(("dialogue", "inbound"))
    messages = session.scalars(select(Message.id).where(*said)).all()
    for start in range(0, len(messages), CHUNK):
        some = messages[start : start + CHUNK]
        for table in (SandboxCopy, Token, Attempt, Complaint):
            _remove(session, table, table.message_id.in_(some))
        _remove(session, Message, Message.id.in_(some))
    _remove(session, Conversation, Conversation.sender_id.in_(pretend))
    _remove(session, InboundEvent, InboundEvent.sender_id.in_(pretend))


def _forget_closures(session: Session, followups: Sequence[str]) -> None:
    """How these follow-ups were closed, and the asking again that came of it."""
    theirs = FollowUpClosure.followup_id.in_(followups)
    closures = session.scalars(select(FollowUpClosure.id).where(theirs)).all()
    _forget_empty(session, Occurrence.origin == asking_again.ORIGIN, Occurrence.key.in_(closures))
    _remove(session, FollowUpClosure, theirs)


def _forget_runs(session: Session, occurrences: Sequence[str]) -> list[str]:
    """The pulses of these runs that asked nobody else, and the runs that have nobody left."""
    asked = select(Invitation.id).where(
        Invitation.occurrence_id == Pulse.occurrence_id, Invitation.state.in_(COUNTED)
    )
    pulses = session.scalars(
        select(Pulse.id).where(Pulse.occurrence_id.in_(occurrences), ~asked.exists())
    ).all()
    for table in (SealedAnswer, PulseScore, PulseComment, PulseCount, Headline):
        _remove(session, table, table.pulse_id.in_(pulses))
    _remove(session, Pulse, Pulse.id.in_(pulses))
    _forget_empty(session, Occurrence.id.in_(occurrences), Occurrence.state.not_in(UNDER_WAY))
    return list(pulses)


def _forget_empty(session: Session, *which: ColumnElement[bool]) -> None:
    """Those of these runs that have nobody left, no pulse, and no step of a sequence after them."""
    later = aliased(Occurrence)
    step = select(later.id).where(later.after_id == Occurrence.id)
    anybody = select(Invitation.id).where(Invitation.occurrence_id == Occurrence.id)
    pulse = select(Pulse.id).where(Pulse.occurrence_id == Occurrence.id)
    _remove(session, Occurrence, *which, ~anybody.exists(), ~pulse.exists(), ~step.exists())


def _remove(session: Session, table: type[Base], *which: ColumnElement[bool]) -> int:
    return changed(session, delete(table).where(*which).execution_options(synchronize_session=False))
