"""Answers: metric, score, band and words, exactly one for each invitation, with their edits."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId


class Answer(HasId, Base):
    """The latest word of a person on one invitation; the attributes are those of that moment."""

    __tablename__ = "answers"
    __table_args__ = (
        CheckConstraint("metric IN ('nps', 'csat', 'ces')", name="metric"),
        CheckConstraint("score BETWEEN 0 AND 10", name="score"),
        Index(None, "workspace_id", "metric", "recorded_at"),
        Index(None, "workspace_id", "recorded_at"),
        Index(None, "workspace_id", "updated_at"),
        Index(None, "contact_id", "recorded_at"),
    )

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id"), unique=True)
    survey_id: Mapped[str] = mapped_column(ForeignKey("surveys.id"))
    version_id: Mapped[str] = mapped_column(ForeignKey("survey_versions.id"))
    contact_id: Mapped[str] = mapped_column(ForeignKey("contacts.id"))
    metric: Mapped[str] = mapped_column(String(8))
    score: Mapped[int]
    band: Mapped[str] = mapped_column(String(16))
    comment: Mapped[str | None]
    contact_me: Mapped[bool] = mapped_column(default=False)
    channel: Mapped[str] = mapped_column(String(16))
    sandbox: Mapped[bool] = mapped_column(default=False)
    attributes: Mapped[dict[str, Any]]
    suspect: Mapped[bool] = mapped_column(default=False)  # kept, not counted, until a person confirms it
    late: Mapped[bool] = mapped_column(default=False)  # came after the link had ended: kept, not counted
    recorded_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class AnswerEdit(HasId, Base):
    """What an answer said before it was changed, or (late) what could not change it."""

    __tablename__ = "answer_edits"

    answer_id: Mapped[str] = mapped_column(ForeignKey("answers.id"), index=True)
    score: Mapped[int]
    band: Mapped[str] = mapped_column(String(16))
    comment: Mapped[str | None]
    late: Mapped[bool] = mapped_column(default=False)
    replaced_at: Mapped[datetime]
