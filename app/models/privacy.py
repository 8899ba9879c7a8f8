"""What is owed to a person: requests with the day they are due, and why they may be asked, as it changed."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId

REQUESTS = ("access", "correction", "erasure")


class PersonRequest(HasId, Base):
    """A person asked for what we hold, to have it corrected, or to be forgotten."""

    __tablename__ = "person_requests"
    __table_args__ = (
        CheckConstraint(f"kind IN {REQUESTS}", name="kind"),
        Index(None, "workspace_id", "done_at", "due_at"),
        Index(None, "contact_id"),
    )

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    contact_id: Mapped[str] = mapped_column(ForeignKey("contacts.id"))
    kind: Mapped[str] = mapped_column(String(16))
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class ConsentChange(HasId, Base):
    """The lawful basis of a person as it became: from which source, when, by whom, and how we know."""

    __tablename__ = "consent_changes"
    __table_args__ = (Index(None, "contact_id", "at"),)

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    contact_id: Mapped[str] = mapped_column(ForeignKey("contacts.id"))
    at: Mapped[datetime]
    before: Mapped[str] = mapped_column(String(32))
    lawful_basis: Mapped[str] = mapped_column(String(32))
    source: Mapped[str | None] = mapped_column(String(200))
    evidence: Mapped[str | None] = mapped_column(String(500))
