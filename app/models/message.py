"""Messages: the outbox. Every outbound or inbound e-mail with its attempts and the tokens in it."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId

STATES = (
    "queued", "claimed", "attempting", "sent", "delivered", "unknown", "failed", "cancelled",
    "received",  # by us: the only state of what people write
)  # fmt: skip
LEASED, OF_FOLLOWUP, NAMED = (
    text(f"{column} IS NOT NULL") for column in ("lease_until", "followup_id", "provider_id")
)
# Nobody writes to us by e-mail; a reminder, and an ask whose mail was lost, may go elsewhere than that went
FOUND_BY_ADDRESS = text("channel <> 'email' OR purpose = 'reminder' OR state = 'failed'")
PURPOSES = ("invitation", "reminder", "alert", "reply", "account", "dialogue", "inbound", "test")


class Sender(HasId, Base):
    """A mailbox, number or bot of ours; it may serve several workspaces."""

    __tablename__ = "senders"
    __table_args__ = (UniqueConstraint("channel", "identity"),)

    channel: Mapped[str] = mapped_column(String(16))
    identity: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[datetime]


class Message(HasId, Base):
    """One message to one person, or from one; the body keeps `{{ link }}`, filled only at sending.

    `dialogue` is what the service itself says in a chat, `inbound` what people write there, `test` a survey
    that a member sends to themselves: it belongs to no invitation and counts nowhere.
    """

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint(f"purpose IN {PURPOSES}", name="purpose"),
        Index(None, "channel", "state", "priority", "due_at"),
        Index(None, "state", "lease_until", sqlite_where=LEASED, postgresql_where=LEASED),
        Index(None, "invitation_id"),
        Index(None, "followup_id", sqlite_where=OF_FOLLOWUP, postgresql_where=OF_FOLLOWUP),
        Index(None, "contact_id", "created_at"),
        # What whoever writes to us was asked there; which reminders an address got; which mails it lost
        Index(None, "address_key", sqlite_where=FOUND_BY_ADDRESS, postgresql_where=FOUND_BY_ADDRESS),
        # Whose button was pressed, which message was quoted
        Index(None, "sender_id", "provider_id", sqlite_where=NAMED, postgresql_where=NAMED),
    )

    workspace_id: Mapped[str | None] = mapped_column(ForeignKey("workspaces.id"))  # none: account mails
    sender_id: Mapped[str | None] = mapped_column(ForeignKey("senders.id"))
    purpose: Mapped[str] = mapped_column(String(16))
    priority: Mapped[int]  # 0 alerts and replies, 1 invitations, later the later ones of a large run
    level: Mapped[int] = mapped_column(default=0, server_default="0")  # how much later, once it was held back
    channel: Mapped[str] = mapped_column(String(16))
    invitation_id: Mapped[str | None] = mapped_column(ForeignKey("invitations.id"))
    followup_id: Mapped[str | None] = mapped_column(ForeignKey("followups.id"))
    contact_id: Mapped[str | None] = mapped_column(ForeignKey("contacts.id"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    to_address: Mapped[str] = mapped_column(String(320))
    address_key: Mapped[str | None] = mapped_column(String(64))
    locale: Mapped[str] = mapped_column(String(8))
    subject: Mapped[str | None] = mapped_column(String(998))
    body: Mapped[str | None]  # free text of replies; survey mails are filled from their version
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    detail: Mapped[str | None] = mapped_column(String(500))
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    lease_token: Mapped[str | None] = mapped_column(String(26))
    lease_until: Mapped[datetime | None]
    provider_id: Mapped[str | None] = mapped_column(String(320))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class Attempt(HasId, Base):
    """One try to hand a message to its provider; written before the provider is called."""

    __tablename__ = "attempts"

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"), index=True)
    number: Mapped[int]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(32))  # sent, or the reason; none while under way
    detail: Mapped[str | None] = mapped_column(String(500))


class Token(Base):
    """The right that a link carries: one purpose, one message. Only the hash is kept."""

    __tablename__ = "tokens"
    __table_args__ = (
        CheckConstraint("purpose IN ('answer', 'pulse', 'unsubscribe', 'press')", name="purpose"),
        Index(None, "message_id"),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"))
    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id"))
    created_at: Mapped[datetime]


class SandboxCopy(Base):
    """The filled message as it would have arrived; only the sandbox keeps one."""

    __tablename__ = "sandbox_copies"

    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str]
    buttons: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")  # rows of [label, data]
    arrived_at: Mapped[datetime]
