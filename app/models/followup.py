"""Follow-ups: the task that closes the loop; what happened to it and how it was closed are rows."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId


class FollowUp(HasId, Base):
    """One for each answer that needs a person; its state is computed from these moments and rows."""

    __tablename__ = "followups"
    __table_args__ = (
        CheckConstraint("reason IN ('detractor', 'dissatisfied', 'high_effort', 'asked')", name="reason"),
        Index(None, "workspace_id", "closed_at", "first_contact_due_at"),
        Index(None, "contact_id"),
    )

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    answer_id: Mapped[str | None] = mapped_column(ForeignKey("answers.id"), unique=True)
    contact_id: Mapped[str] = mapped_column(ForeignKey("contacts.id"))
    reason: Mapped[str] = mapped_column(String(16))
    assignee_id: Mapped[str | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    opened_at: Mapped[datetime]
    first_contact_due_at: Mapped[datetime]
    close_due_at: Mapped[datetime]
    first_contact_at: Mapped[datetime | None]
    replied_at: Mapped[datetime | None]  # our last word; later than theirs means waiting
    closed_at: Mapped[datetime | None]  # of the closure that stands, for the inbox's index
    revision: Mapped[int] = mapped_column(default=1)


class FollowUpEvent(HasId, Base):
    """The timeline: opened, claimed, assigned, noted, replied, edited, closed, reopened."""

    __tablename__ = "followup_events"
    __table_args__ = (Index(None, "followup_id", "at"),)

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    followup_id: Mapped[str] = mapped_column(ForeignKey("followups.id"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str | None] = mapped_column(String(120))  # the name as it was; none: the service itself
    member_id: Mapped[str | None] = mapped_column(String(26))
    message_id: Mapped[str | None] = mapped_column(String(26))
    text: Mapped[str | None]


class FollowUpClosure(HasId, Base):
    """Who closed it, when, what was said or done and why it came to this; reopening ends it."""

    __tablename__ = "followup_closures"

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    followup_id: Mapped[str] = mapped_column(ForeignKey("followups.id"), index=True)
    closed_by: Mapped[str | None] = mapped_column(String(120))
    summary: Mapped[str]
    root_cause: Mapped[str] = mapped_column(String(120))
    ask_again: Mapped[bool]
    closed_at: Mapped[datetime]
    reopened_at: Mapped[datetime | None]
    reopened_by: Mapped[str | None] = mapped_column(String(120))
