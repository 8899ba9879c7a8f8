"""Schedules and their occurrences: who is asked what, when, and how each due run ended."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId

REPEATS = ("once", "daily", "weekly", "monthly", "quarterly", "custom", "each_person", "event")
ORIGINS_OF_SCHEDULES = ("schedule", "trigger", "sequence")  # of occurrences that the planner runs
# A run that was cancelled half-way: nobody has counted yet whom it had not come to
NOT_COUNTED = text("state = 'cancelled' AND spared IS NULL AND version_id IS NOT NULL")


class Schedule(HasId, Base):
    """A local rule plus its zone; `next_due_at` is computed from them and only wakes us."""

    __tablename__ = "schedules"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'paused', 'ended', 'cancelled')", name="state"),
        CheckConstraint(f"repeat IN {REPEATS}", name="repeat"),
        CheckConstraint("off_days IN ('run', 'next', 'previous', 'skip')", name="off_days"),
        CheckConstraint("(repeat = 'custom') = (rrule IS NOT NULL)", name="rrule"),
        CheckConstraint("(repeat = 'each_person') = (every_days IS NOT NULL)", name="every_days"),
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
    rrule: Mapped[str | None] = mapped_column(String(200))  # of a custom rule
    off_days: Mapped[str] = mapped_column(String(8), default="run", server_default="run")
    every_days: Mapped[int | None]  # of each person
    trigger: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # of an event
    steps: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")  # what follows the first ask
    late_hours: Mapped[int | None]  # how late a run may be; none: as its rule says
    planned_to: Mapped[str | None] = mapped_column(String(16))  # local: moments up to here have their row
    channels: Mapped[list[str]]
    terms: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # domain.terms
    state: Mapped[str] = mapped_column(String(16))
    next_due_at: Mapped[datetime | None]
    unsettled: Mapped[bool] = mapped_column(default=False, server_default=false())  # some wait to follow it
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Occurrence(HasId, Base):
    """One due run, unique by where it came from and its key; ends as run, skipped or missed.

    What decides about its people, and when its steps come, is written here as it came due: whoever edits the
    schedule means later runs.
    """

    __tablename__ = "occurrences"
    __table_args__ = (
        UniqueConstraint("origin", "key"),
        CheckConstraint("state IN ('due', 'running', 'run', 'skipped', 'missed', 'cancelled')", name="state"),
        Index(None, "state", "due_at"),
        Index(None, "schedule_id", "due_at"),
        Index(None, "contact_id", "schedule_id"),
        Index(None, "ended_at", sqlite_where=NOT_COUNTED, postgresql_where=NOT_COUNTED),
    )

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    schedule_id: Mapped[str | None] = mapped_column(ForeignKey("schedules.id"))
    survey_id: Mapped[str] = mapped_column(ForeignKey("surveys.id"))
    version_id: Mapped[str | None] = mapped_column(ForeignKey("survey_versions.id"))
    origin: Mapped[str] = mapped_column(String(16))  # schedule, trigger, sequence, request, closure, pulse
    key: Mapped[str] = mapped_column(String(120))
    contact_id: Mapped[str | None] = mapped_column(ForeignKey("contacts.id"))  # a run for one person
    after_id: Mapped[str | None] = mapped_column(
        ForeignKey("occurrences.id"), index=True
    )  # whom that run asked
    step: Mapped[int] = mapped_column(default=0, server_default="0")  # of a sequence; 0 is its first ask
    audience: Mapped[dict[str, Any]]
    channels: Mapped[list[str]]
    terms: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # frozen as it came due
    early_days: Mapped[int] = mapped_column(default=0, server_default="0")  # by which rest is met sooner
    every_days: Mapped[int | None]  # of each person: one day's share of them, and what follows it
    after_days: Mapped[int | None]  # of a step: so long after the one before
    off_days: Mapped[str | None] = mapped_column(String(8))  # of a step, or after an event
    lots: Mapped[dict[str, Any] | None]  # of a sample, from the first: for each group who is left out
    asked: Mapped[int] = mapped_column(default=0, server_default="0")  # so far; the throttle counts by it
    spared: Mapped[int | None]  # whom a cancelled run had not come to; none: not counted yet, or not begun
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    due_at: Mapped[datetime]
    local_at: Mapped[str | None] = mapped_column(String(26))  # of a step: when it comes on the wall
    time_zone: Mapped[str | None] = mapped_column(String(64))  # of that, or after an event: of which wall
    named_at: Mapped[str | None] = mapped_column(String(26))  # of both: when it would come without days off
    expanded_to: Mapped[str | None] = mapped_column(String(26))  # the last contact planned: where to resume
    chosen: Mapped[list[str] | None] = mapped_column(deferred=True)  # whose turn it is; none: not looked yet
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
