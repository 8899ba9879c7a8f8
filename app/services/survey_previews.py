"""Previews of a draft for its editor, filled with somebody whom the workspace knows."""

from collections.abc import Mapping
from email.utils import parseaddr

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.metrics import Metric
from app.domain.survey_texts import SurveyTexts
from app.errors import NotFound
from app.models import Contact, Survey, Workspace
from app.rendering.languages import LOCALES
from app.rendering.previews import SAMPLE_NAME, Preview, Sample, preview
from app.runtime import Runtime
from app.services import access
from app.services.access import Visitor


def show(
    runtime: Runtime, who: Visitor, id: str, locale: str, typed: Mapping[str, object] | None = None
) -> Preview:
    """The draft of one language in every channel; `typed` replaces the saved texts. Saves nothing.

    Raises NotFound for a language that we do not speak, Invalid when what was typed is no text at all.
    """
    if locale not in LOCALES:
        raise NotFound
    with runtime.db.read() as session:
        survey = access.own(session, who, Survey, id)
        texts = SurveyTexts.from_json(survey.draft.get(locale, {}) if typed is None else typed)
        return preview(texts, Metric(survey.metric), locale, sample_of(session, runtime, who))


def sample_of(session: Session, runtime: Runtime, who: Visitor) -> Sample:
    """The first contact of the workspace, or Maria Figueiredo while there is none."""
    workspace = session.get_one(Workspace, who.workspace_id)
    first = session.execute(
        select(Contact.name, Contact.attributes)
        .where(Contact.workspace_id == who.workspace_id, Contact.erased_at.is_(None), Contact.name != "")
        .order_by(Contact.created_at, Contact.id)
        .limit(1)
    ).one_or_none()
    return Sample(
        workspace_name=workspace.name,
        sender_name=workspace.sender_name or workspace.name,
        sender_address=parseaddr(runtime.config.mail_from or "")[1] or None,
        link_start=runtime.config.public_url,
        name=first.name if first else SAMPLE_NAME,
        attributes=first.attributes if first else None,
    )
