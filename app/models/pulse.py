"""Pulses: sealed while open, unlinked once closed. Nothing here leads from an answer to a person."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId


class Pulse(HasId, Base):
    """An occurrence in a people workspace: opens, closes, and only then is counted."""

    __tablename__ = "pulses"
    __table_args__ = (CheckConstraint("state IN ('open', 'closed', 'void')", name="state"),)

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), index=True)
    occurrence_id: Mapped[str] = mapped_column(ForeignKey("occurrences.id"), unique=True)
    survey_id: Mapped[str] = mapped_column(ForeignKey("surveys.id"))
    version_id: Mapped[str] = mapped_column(ForeignKey("survey_versions.id"))
    state: Mapped[str] = mapped_column(String(8))
    public_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    least_answers: Mapped[int]  # fixed at launch, told to the respondents
    least_comments: Mapped[int]
    opened_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    asked: Mapped[int | None]  # participation, as counts only, once closed
    answered: Mapped[int | None]


class SealedAnswer(Base):
    """One box for each invitation, sealed to the pulse's key and padded; gone at closing.

    No foreign key to the invitation: PostgreSQL would lock that row for each answer, and the lock stays in
    its header (xmax) for good, which tells who took part, and in which order.
    """

    __tablename__ = "sealed_answers"
    __table_args__ = ({"sqlite_with_rowid": False},)

    invitation_id: Mapped[str] = mapped_column(String(26), primary_key=True)
    pulse_id: Mapped[str] = mapped_column(ForeignKey("pulses.id"), index=True)
    box: Mapped[bytes] = mapped_column(LargeBinary)


class PulseScore(Base):
    """One score of a closed pulse, under a random key."""

    __tablename__ = "pulse_scores"
    __table_args__ = ({"sqlite_with_rowid": False},)

    pulse_id: Mapped[str] = mapped_column(ForeignKey("pulses.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(26), primary_key=True)
    score: Mapped[int]


class PulseComment(Base):
    """One comment of a closed pulse, under a random key, without its score."""

    __tablename__ = "pulse_comments"
    __table_args__ = ({"sqlite_with_rowid": False},)

    pulse_id: Mapped[str] = mapped_column(ForeignKey("pulses.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(26), primary_key=True)
    comment: Mapped[str]


class PulseCount(Base):
    """How many answered with which band, for each publishable cut; `whole` is everybody."""

    __tablename__ = "pulse_counts"
    __table_args__ = ({"sqlite_with_rowid": False},)

    pulse_id: Mapped[str] = mapped_column(ForeignKey("pulses.id"), primary_key=True)
    cut: Mapped[str] = mapped_column(String(64), primary_key=True)
    promoters: Mapped[int]
    passives: Mapped[int]
    detractors: Mapped[int]


class Headline(HasId, Base):
    """The one result that HR hands to a customers workspace: counts and how many were asked."""

    __tablename__ = "headlines"
    __table_args__ = (UniqueConstraint("pulse_id", "workspace_id"),)

    pulse_id: Mapped[str] = mapped_column(ForeignKey("pulses.id"))
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), index=True)  # who may see it
    promoters: Mapped[int]
    passives: Mapped[int]
    detractors: Mapped[int]
    asked: Mapped[int]
    closed_at: Mapped[datetime]
    published_at: Mapped[datetime]
