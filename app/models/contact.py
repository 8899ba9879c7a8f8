"""Contacts: the people who may be asked. Opt-outs are rows of their own and outlive them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId

_ADDRESSES = {"email": "email", "sms": "phone", "whatsapp": "phone", "telegram": "telegram_chat_id"}
ERASED = text("erasure_asked_at IS NOT NULL")
_KEYS = {"email": "email_key", "sms": "phone_key", "whatsapp": "phone_key", "telegram": "telegram_key"}


class Contact(HasId, Base):
    """A customer or an employee. `*_key` is the keyed hash of the canonical address."""

    __tablename__ = "contacts"
    __table_args__ = (
        UniqueConstraint("workspace_id", "external_id"),
        Index(None, "workspace_id", "email_key"),
        Index(None, "workspace_id", "phone_key"),
        Index(None, "workspace_id", "telegram_key"),
        Index(None, "phone_key"),  # one number of ours serves several workspaces
        Index(None, "telegram_key"),
        Index(None, "workspace_id", "search_name", "id"),
        Index(None, "workspace_id", "id"),  # a run goes through its people in this order
        Index(None, "workspace_id", "erasure_asked_at", sqlite_where=ERASED, postgresql_where=ERASED),
        CheckConstraint("kind IN ('customer', 'employee')", name="kind"),
        CheckConstraint(f"preferred_channel IN {tuple(_ADDRESSES)}", name="preferred_channel"),
    )

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    external_id: Mapped[str | None] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    search_name: Mapped[str] = mapped_column(String(800))  # name and addresses, folded, for search
    email: Mapped[str | None] = mapped_column(String(320))
    email_key: Mapped[str | None] = mapped_column(String(64))
    phone: Mapped[str | None] = mapped_column(String(20))
    phone_key: Mapped[str | None] = mapped_column(String(64))
    telegram_chat_id: Mapped[str | None] = mapped_column(String(32))
    telegram_key: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    locale: Mapped[str | None] = mapped_column(String(8))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    preferred_channel: Mapped[str | None] = mapped_column(String(16))  # where they would rather be asked
    attributes: Mapped[dict[str, Any]]
    tags: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    active: Mapped[bool] = mapped_column(default=True)
    lawful_basis: Mapped[str] = mapped_column(String(32))
    source: Mapped[str | None] = mapped_column(String(200))
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    # When somebody asked us to, by our clock; missing where a period was over. Files of before may hold them
    erasure_asked_at: Mapped[datetime | None]

    @classmethod
    def key_of(cls, channel: str) -> Any:
        """The column with the keyed address on this channel, for statements."""
        return getattr(cls, _KEYS[channel])

    def key_on(self, channel: str) -> str | None:
        """Their keyed address on this channel."""
        found: str | None = getattr(self, _KEYS[channel])
        return found

    def address_on(self, channel: str) -> str | None:
        """Their address on this channel, as its provider takes it."""
        found: str | None = getattr(self, _ADDRESSES[channel])
        return found

    @property
    def label(self) -> str:
        """What to call somebody who may have no name."""
        return self.name or self.email or self.phone or self.external_id or "–"


class OptOut(HasId, Base):
    """Who must not be asked: a person, an address by its keyed hash, or both."""

    __tablename__ = "opt_outs"
    __table_args__ = (
        Index(None, "workspace_id", "contact_id"),
        Index(None, "workspace_id", "address_key"),
        CheckConstraint("kind IN ('own_wish', 'bounce', 'legal', 'erasure', 'complaint')", name="kind"),
    )

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    contact_id: Mapped[str | None] = mapped_column(String(26))  # no foreign key: it outlives the person
    address_key: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    channel: Mapped[str | None] = mapped_column(String(16))  # none: it holds on every one
    origin: Mapped[str] = mapped_column(String(32))  # unsubscribe, one_click, console, api, import
    evidence: Mapped[str | None] = mapped_column(String(500))
    # Of the law's: it only came to this address because its person was given it later
    followed: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_evidence: Mapped[str | None] = mapped_column(String(500))
