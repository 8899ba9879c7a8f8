"""The audit: what members, keys and operators changed, chained so that a missing or altered row shows."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class AuditChain(Base):
    """The end of one chain: of a workspace, or of the installation. Locked while a row is added to it."""

    __tablename__ = "audit_chains"

    chain: Mapped[str] = mapped_column(String(26), primary_key=True)
    length: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


class AuditRow(Base):
    """One deed. It chains `digest`, not the payload: payload and salt may go, and the chain still verifies.

    No foreign keys: it outlives whom and what it names.
    """

    __tablename__ = "audit_rows"
    __table_args__ = (Index(None, "chain", "actor_id", "number"), Index(None, "subject_id"))

    chain: Mapped[str] = mapped_column(String(26), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(16))  # member, key, operator
    actor_id: Mapped[str | None] = mapped_column(String(26))
    action: Mapped[str] = mapped_column(String(48))  # "contact.edited": what it was done to, and what
    subject_id: Mapped[str | None] = mapped_column(String(26))
    payload: Mapped[dict[str, Any] | None]
    salt: Mapped[str | None] = mapped_column(String(32))
    digest: Mapped[str] = mapped_column(String(64))
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
