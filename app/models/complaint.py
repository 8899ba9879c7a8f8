"""Complaints: who told their mail program or provider that what we asked is spam."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId

SOURCES = (
    "api",  # what reads a mail provider's feedback told us
    "console",  # they told somebody, who recorded it
    "report",  # a feedback report (ARF) that came by mail
    "provider",  # it told us beside the status of a message
)
OF_SCHEDULE, KNOWN = text("schedule_id IS NOT NULL"), text("contact_id IS NOT NULL")


class Complaint(HasId, Base):
    """About one message, at most once. Words and address are not here: its opt-out has them."""

    __tablename__ = "complaints"
    __table_args__ = (
        UniqueConstraint("workspace_id", "name"),
        CheckConstraint(f"source IN {SOURCES}", name="source"),
        Index(None, "contact_id", sqlite_where=KNOWN, postgresql_where=KNOWN),
        Index(None, "schedule_id", sqlite_where=OF_SCHEDULE, postgresql_where=OF_SCHEDULE),
    )

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    contact_id: Mapped[str | None] = mapped_column(ForeignKey("contacts.id"))
    channel: Mapped[str] = mapped_column(String(16))
    # Of an ask always its first message on the channel: which reminder it was tells who had not answered
    message_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id"), unique=True)
    schedule_id: Mapped[str | None] = mapped_column(ForeignKey("schedules.id"))
    occurrence_id: Mapped[str | None] = mapped_column(ForeignKey("occurrences.id"))
    source: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(240))  # whoever told it knows it by this
    complained_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
