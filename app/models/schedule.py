"""Schedules and their occurrences: who is asked what, when, and how each due run ended."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId


class Schedule(HasId, Base):
    """A local rule plus its zone; `next_due_at` is computed from them and only wakes us."""

    __tablename__ = "schedules"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'paused', 'ended', 'cancelled')", name="state"),
        CheckConstraint("repeat IN ('once', 'daily', 'weekly', 'monthly', 'quarterly')", name="repeat"),
        Index(None, "state", "next_due_at"),
    )

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), index=True)
    survey_id: Mapped[str] = mapped_column(ForeignKey("surveys.id"))
    name: Mapped[str] = mapped_column(String(120))
    audience: Mapped[dict[str, Any]]  # {} is all; without meaning while there is a segment
    segment_id: Mapped[str | None] = mapped_column(ForeignKey("segments.id"), index=True)
    repeat: Mapped[str] = mapped_column(String(16))
    starts_at: Mapped[str] = mapped_column(String(16))  # local, "2026-12-01T10:00"
    time_zone: Mapped[str] = mapped_column(String(64))
    channels: Mapped[list[str]]
    state: Mapped[str] = mapped_column(String(16))
    next_due_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Occurrence(HasId, Base):
    """One due run, unique by where it came from and its key; ends as run, skipped or missed."""

    __tablename__ = "occurrences"
    __table_args__ = (
        UniqueConstraint("origin", "key"),
        CheckConstraint("state IN ('due', 'running', 'run', 'skipped', 'missed', 'cancelled')", name="state"),
        Index(None, "state", "due_at"),
        Index(None, "schedule_id", "due_at"),
    )

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    schedule_id: Mapped[str | None] = mapped_column(ForeignKey("schedules.id"))
    survey_id: Mapped[str] = mapped_column(ForeignKey("surveys.id"))
    version_id: Mapped[str | None] = mapped_column(ForeignKey("survey_versions.id"))
    origin: Mapped[str] = mapped_column(String(16))  # schedule, request, pulse
    key: Mapped[str] = mapped_column(String(120))
    audience: Mapped[dict[str, Any]]
    channels: Mapped[list[str]]
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    due_at: Mapped[datetime]
    expanded_to: Mapped[str | None] = mapped_column(String(26))  # the last contact planned: where to resume
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
