"""Schedules and pulses that stopped by themselves, and how many messages of a run came back."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId

WHY = ("bounces", "refused", "complaints")


class Stop(HasId, Base):
    """A schedule paused itself, or a pulse that was opened by hand; over once somebody resumes or cancels it.

    Of questions that are asked one by one nothing is paused: their stop is over as it is written.
    """

    __tablename__ = "stops"
    __table_args__ = (
        CheckConstraint(f"why IN {WHY}", name="why"),
        Index(None, "schedule_id", "ended_at"),
        Index(None, "workspace_id", "ended_at"),
    )

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    schedule_id: Mapped[str | None] = mapped_column(ForeignKey("schedules.id"))
    occurrence_id: Mapped[str] = mapped_column(ForeignKey("occurrences.id"))
    why: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(32))  # of the message that was one too many
    failed: Mapped[int]
    known: Mapped[int | None]  # of so many whose end was known; of complaints, that arrived
    stopped_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Bounces(Base):
    """Of one run, from its first bounce: counted one by one; the others only where it may matter."""

    __tablename__ = "bounces"

    occurrence_id: Mapped[str] = mapped_column(ForeignKey("occurrences.id"), primary_key=True)
    number: Mapped[int]
    look_at: Mapped[int]  # at this number the messages whose end is known are counted
    forgiven: Mapped[int] = mapped_column(default=0, server_default="0")  # when somebody went on: these,
    forgiven_known: Mapped[int] = mapped_column(default=0, server_default="0")  # of so many
