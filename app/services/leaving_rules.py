"""What a channel of its own demands before a message leaves; asked in the transaction of the attempt."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.runtime import Runtime
from app.services import senders, sms_rules, whatsapp_rules
from app.services.departing import Departing


def refusal(session: Session, runtime: Runtime, each: Departing, now: datetime) -> str | None:
    """Why this message must not leave on its channel; None when it may."""
    if each.channel == "sms":
        return sms_rules.refusal(session, runtime, each)
    if each.channel == "whatsapp":
        sender = senders.sender_id(session, each.channel, senders.identity(runtime, each.channel), now)
        if whatsapp_rules.is_open(session, each, sender, now):
            return None
        return None if whatsapp_rules.template(session, each, {}) else "no_template"
    return None


def use_up(session: Session, runtime: Runtime, each: Departing, now: datetime) -> str | None:
    """What leaves now is counted where a day has a limit; why it must not leave, where there is no room."""
    return sms_rules.use_up(session, runtime, each, now) if each.channel == "sms" else None
