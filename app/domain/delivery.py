"""Delivery: may a message leave now, what an outcome means for it, and when it is tried again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

CLAIM_LEASE = timedelta(seconds=4)  # claimed, nothing sent: back in the queue within 5 s of a crash
ATTEMPT_LEASE = timedelta(minutes=10)  # longer than every time-out of one message together
HAND_OVER = timedelta(minutes=9)  # after that an attempt is not begun any more: others may think it dead
PRESUMED_AFTER = timedelta(hours=24)  # e-mail has no look-up: without evidence an unknown counts as sent
BACK_OFF = (1, 5, 15, 60, 240, 720)  # minutes; a mailbox that is full today may take it tomorrow

ASKING = ("invitation", "reminder")  # opt-out holds for these; an agent's reply is a conversation
REPEATABLE = ("alert", "account")  # a member may get these twice, a customer never


@dataclass(frozen=True)
class Leaving:
    """What is known of a message just before the provider is called."""

    purpose: str
    invitation_state: str | None = None
    expires_at: datetime | None = None
    contact_active: bool = True
    contact_erased: bool = False
    lawful_basis: str | None = None
    opted_out: str | None = None
    already_answered: bool = False
    schedule_cancelled: bool = False


def refusal(leaving: Leaving, now: datetime) -> str | None:
    """Why this message must not leave any more, as a reason code; None when it may."""
    if leaving.contact_erased:
        return "erased"
    if leaving.purpose not in ASKING:
        return None
    expired = leaving.expires_at is not None and now >= leaving.expires_at
    reasons = (
        (leaving.lawful_basis == "none", "no_lawful_basis"),  # which is told first, as before it is planned
        (leaving.opted_out is not None, leaving.opted_out),
        (leaving.invitation_state == "cancelled" or leaving.schedule_cancelled, "cancelled"),
        (not leaving.contact_active, "inactive"),
        (leaving.already_answered, "duplicate"),
        (expired, "expired"),
    )
    return next((reason for holds, reason in reasons if holds), None)


def next_try(tries: int, now: datetime) -> datetime | None:
    """When a message that has failed `tries` times for a passing reason goes again; None: never."""
    if tries > len(BACK_OFF):
        return None
    return now + timedelta(minutes=BACK_OFF[max(tries, 1) - 1])
