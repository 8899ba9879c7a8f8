"""Invitations: one contact asked one survey once, in a state or with the reason why not."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId

STATES = (
    "planned", "queued", "sending", "sent", "delivered", "unknown",
    "answered", "expired", "failed", "skipped", "cancelled",
)  # fmt: skip

ONE_BY_ONE = text("schedule_id IS NULL")
REMINDED = text("remind_after IS NOT NULL")


class Invitation(HasId, Base):
    """In people workspaces the state ends at sent or delivered: answering leaves no trace here."""

    __tablename__ = "invitations"
    __table_args__ = (
        UniqueConstraint("occurrence_id", "contact_id"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index(None, "contact_id", "sent_at"),
        Index(None, "address_key"),
        Index(None, "workspace_id", "created_at"),
        # The latest that were asked one by one: what came back of them is looked at together
        Index(
            "ix_invitations_one_by_one",
            "workspace_id",
            "created_at",
            sqlite_where=ONE_BY_ONE,
            postgresql_where=ONE_BY_ONE,
        ),
        Index(None, "survey_id", "state"),
        Index(None, "state", "expires_at"),
        Index(None, "remind_after", "sent_at", sqlite_where=REMINDED, postgresql_where=REMINDED),
    )

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    occurrence_id: Mapped[str] = mapped_column(ForeignKey("occurrences.id"))
    schedule_id: Mapped[str | None] = mapped_column(String(26))
    survey_id: Mapped[str] = mapped_column(ForeignKey("surveys.id"))
    version_id: Mapped[str] = mapped_column(ForeignKey("survey_versions.id"))
    metric: Mapped[str] = mapped_column(String(8))
    contact_id: Mapped[str] = mapped_column(ForeignKey("contacts.id"))
    address_key: Mapped[str | None] = mapped_column(String(64))  # rest is kept by address as well
    locale: Mapped[str] = mapped_column(String(8))
    channel: Mapped[str | None] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    until: Mapped[datetime | None]  # with a reason that passes: when it does
    sandbox: Mapped[bool] = mapped_column(default=False)  # asked on the pretend mailbox
    remind_after: Mapped[int | None]  # days after it left: the next reminder; below zero while paused
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
