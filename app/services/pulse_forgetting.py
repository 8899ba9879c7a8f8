"""Taking whole pulses away: those that were only played in the sandbox."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.models import Headline, Invitation, Pulse, PulseComment, PulseCount, PulseScore, SealedAnswer

KEPT_OF_A_PULSE = (Headline, PulseScore, PulseComment, PulseCount, SealedAnswer)


def forget_played_pulses(session: Session) -> list[str]:
    """A step of clearing the sandbox: every pulse that reached nobody outside it, with its result.

    The ids are those of the keys that the caller destroys after the commit. Invitations, messages and
    occurrences are the caller's to remove, after this.
    """
    asked = select(Invitation.id).where(
        Invitation.occurrence_id == Pulse.occurrence_id, Invitation.sent_at.is_not(None)
    )
    played = select(Pulse.id).where(
        asked.where(Invitation.sandbox.is_(True)).exists(),
        ~asked.where(Invitation.sandbox.is_(False)).exists(),
    )
    ids = list(session.scalars(played))
    for table in KEPT_OF_A_PULSE:
        session.execute(delete(table).where(table.pulse_id.in_(ids)))
    session.execute(delete(Pulse).where(Pulse.id.in_(ids)))
    return ids
