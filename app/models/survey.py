"""Surveys: a metric question in several languages; publishing freezes a version."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, HasId


class Survey(HasId, Base):
    """The draft that is edited; answers belong to versions, never to this."""

    __tablename__ = "surveys"
    __table_args__ = (CheckConstraint("metric IN ('nps', 'csat', 'ces', 'enps')", name="metric"),)

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    metric: Mapped[str] = mapped_column(String(8))
    draft: Mapped[dict[str, Any]]  # {locale: texts}
    opens_followup: Mapped[bool] = mapped_column(default=True)
    published_version_id: Mapped[str | None] = mapped_column(String(26))
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class WhatsAppTemplate(HasId, Base):
    """The text of a survey that WhatsApp has approved, by its provider's id, for each language."""

    __tablename__ = "whatsapp_templates"
    __table_args__ = (UniqueConstraint("survey_id", "locale"),)

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    survey_id: Mapped[str] = mapped_column(ForeignKey("surveys.id"))
    locale: Mapped[str] = mapped_column(String(8))
    content_sid: Mapped[str] = mapped_column(String(64))
    has_buttons: Mapped[bool] = mapped_column(default=False, server_default=false())  # that carry scores


class SurveyVersion(HasId, Base):
    """What was shown: frozen for ever."""

    __tablename__ = "survey_versions"
    __table_args__ = (UniqueConstraint("survey_id", "number"),)

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    survey_id: Mapped[str] = mapped_column(ForeignKey("surveys.id"))
    number: Mapped[int]
    metric: Mapped[str] = mapped_column(String(8))
    texts: Mapped[dict[str, Any]]  # {locale: texts}
    opens_followup: Mapped[bool]
    published_at: Mapped[datetime]
    published_by: Mapped[str | None] = mapped_column(String(26))
