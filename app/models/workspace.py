"""Workspace, the wall: everything belongs to one. Its logo and who is a member of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId


class Workspace(HasId, Base):
    """Kind `customers` (NPS, CSAT, CES, follow-ups) or `people` (e-NPS pulses)."""

    __tablename__ = "workspaces"
    __table_args__ = (
        CheckConstraint("kind IN ('customers', 'people')", name="kind"),
        CheckConstraint("(quiet_from IS NULL) = (quiet_to IS NULL)", name="quiet_hours"),
        CheckConstraint("daily_cap >= 1", name="daily_cap"),
        CheckConstraint("weekly_cap >= 1", name="weekly_cap"),
    )

    slug: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(120))
    locale: Mapped[str] = mapped_column(String(8))
    time_zone: Mapped[str] = mapped_column(String(64))
    sender_name: Mapped[str | None] = mapped_column(String(120))
    reply_to: Mapped[str | None] = mapped_column(String(320))
    postal_address: Mapped[str | None] = mapped_column(String(300))
    business_days: Mapped[list[Any]]  # 0 is Monday
    opens_at: Mapped[str] = mapped_column(String(5))  # "09:00", in the workspace's zone
    closes_at: Mapped[str] = mapped_column(String(5))
    holidays: Mapped[list[str]]  # ISO dates
    blackout_dates: Mapped[list[str]] = mapped_column(default=list, server_default="[]")  # nobody is asked
    rest_days: Mapped[int]  # across all surveys
    rest_days_by_metric: Mapped[dict[str, Any]]
    # In the contact's zone; both none: messages may come at every hour
    quiet_from: Mapped[str | None] = mapped_column(String(5), default="21:00", server_default="21:00")
    quiet_to: Mapped[str | None] = mapped_column(String(5), default="09:00", server_default="09:00")
    quiet_days: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")  # 0 is Monday
    quiet_email: Mapped[bool] = mapped_column(default=False, server_default=false())  # mail waits as well
    daily_cap: Mapped[int | None]  # messages that ask, to one person on one day of the workspace's zone
    weekly_cap: Mapped[int | None]  # the same in seven days
    root_causes: Mapped[list[str]]  # suggested when a follow-up is closed
    lawful_basis: Mapped[str] = mapped_column(String(32))  # for contacts made by hand or API
    retention: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # days by kind
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]


class Logo(Base):
    """The workspace's mark, re-encoded as PNG; its id changes with its content."""

    __tablename__ = "logos"

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), unique=True)
    png: Mapped[bytes] = mapped_column(LargeBinary)


class Member(HasId, Base):
    """A user's role in a workspace."""

    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("workspace_id", "user_id"),
        CheckConstraint("role IN ('owner', 'manager', 'agent', 'viewer')", name="role"),
        CheckConstraint("alerts_by IN ('email', 'telegram', 'both')", name="alerts_by"),
    )

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    role: Mapped[str] = mapped_column(String(16))
    alerts_by: Mapped[str] = mapped_column(String(16), default="email", server_default="email")
    created_at: Mapped[datetime]
    joined_at: Mapped[datetime | None]  # first seen here; until then others see only the address
