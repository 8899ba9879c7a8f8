"""What came in: every event under its provider's name for it, and where each conversation stands."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId

STATES = ("new", "done", "set_aside")
PLACED = text("contact_id IS NOT NULL")


class InboundEvent(HasId, Base):
    """Kept before the provider hears that we have it; belongs to its sender until it is resolved."""

    __tablename__ = "inbound_events"
    __table_args__ = (
        UniqueConstraint("sender_id", "provider_id"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index(None, "state", "due_at"),
        Index(None, "sender_id", "received_at"),
        Index(None, "contact_id", sqlite_where=PLACED, postgresql_where=PLACED),
        Index(None, "address_key"),  # what nobody has placed is found when its writer is erased
    )

    sender_id: Mapped[str] = mapped_column(ForeignKey("senders.id"))
    channel: Mapped[str] = mapped_column(String(16))
    provider_id: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(16))
    payload: Mapped[dict[str, Any]]  # the neutral event; without its words where a pulse is open
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    error: Mapped[str | None] = mapped_column(String(200))
    received_at: Mapped[datetime]
    workspace_id: Mapped[str | None] = mapped_column(ForeignKey("workspaces.id"))  # once resolved
    contact_id: Mapped[str | None] = mapped_column(String(26))
    # Whose address it came from; empty where it named none, missing where it came before this was kept
    address_key: Mapped[str | None] = mapped_column(String(64))


class Conversation(HasId, Base):
    """Where one chat stands: one sender of ours and one address of theirs."""

    __tablename__ = "conversations"
    __table_args__ = (UniqueConstraint("sender_id", "address_key"), Index(None, "address_key"))

    sender_id: Mapped[str] = mapped_column(ForeignKey("senders.id"))
    address_key: Mapped[str] = mapped_column(String(64))
    expects: Mapped[str] = mapped_column(String(16))
    about: Mapped[str | None] = mapped_column(String(26))  # an invitation
    missed: Mapped[int] = mapped_column(default=0)
    choices: Mapped[list[str]]
    pending: Mapped[str | None]
    locale: Mapped[str | None] = mapped_column(String(8))  # what they chose here
    heard_at: Mapped[datetime | None]  # WhatsApp's window of 24 hours opens here
    blocked_at: Mapped[datetime | None]


class InboundMark(Base):
    """How far we have fetched from a provider."""

    __tablename__ = "inbound_marks"

    sender_id: Mapped[str] = mapped_column(ForeignKey("senders.id"), primary_key=True)
    after: Mapped[str] = mapped_column(String(120))
    fetched_at: Mapped[datetime]


class ConnectLink(Base):
    """The right to tie a chat to one contact, or to one user for alerts: used once, kept as a hash."""

    __tablename__ = "connect_links"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    workspace_id: Mapped[str | None] = mapped_column(ForeignKey("workspaces.id"))
    contact_id: Mapped[str | None] = mapped_column(ForeignKey("contacts.id"), index=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
