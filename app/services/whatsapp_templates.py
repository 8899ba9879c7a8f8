"""Which approved WhatsApp template asks a survey in each language, and which of them carry buttons."""

import re
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.domain.metrics import Metric
from app.errors import Conflict, Invalid, problem
from app.models import Survey, WhatsAppTemplate, new_id
from app.rendering.languages import LOCALES
from app.runtime import Runtime
from app.services import access, audit
from app.services.access import Visitor

CONTENT_SID = re.compile(r"HX[0-9a-fA-F]{32}")


BUTTONS = (Metric.CSAT,)  # where three of them suffice


@dataclass(frozen=True)
class Given:
    """A template as it is entered; with buttons, each carries a score of the survey's scale."""

    content_sid: str
    has_buttons: bool = False


def of(runtime: Runtime, who: Visitor, survey_id: str) -> dict[str, Given]:
    """The template of each language that has one."""
    with runtime.db.read() as session:
        access.own(session, who, Survey, survey_id)
        return _kept(session, survey_id)


def _kept(session: Session, survey_id: str) -> dict[str, Given]:
    rows = session.scalars(select(WhatsAppTemplate).where(WhatsAppTemplate.survey_id == survey_id))
    return {row.locale: Given(row.content_sid, row.has_buttons) for row in rows}


def mark(templates: dict[str, Given]) -> str:
    """What a form has shown, for it to say which templates it means to replace."""
    return " ".join(
        f"{locale}={each.content_sid}{'+' * each.has_buttons}" for locale, each in sorted(templates.items())
    )


def save(
    runtime: Runtime, who: Visitor, survey_id: str, given: dict[str, Given], seen: str | None = None
) -> None:
    """The templates by language; an empty one is taken away. `seen`: the mark of what these shall replace.

    Raises Invalid for what is no ContentSid, Conflict where there are others by now than were seen.
    """
    sids = {locale: each.content_sid for locale, each in given.items() if each.content_sid}
    wrong = [locale for locale, sid in sids.items() if not CONTENT_SID.fullmatch(sid)]
    if wrong:
        message = "A ContentSid begins with HX and has 32 digits or letters from a to f after it."
        raise Invalid([problem(f"whatsapp_{locale}", message) for locale in wrong])
    with runtime.db.write() as session:
        survey = access.own(session, who, Survey, survey_id, lock=True)
        if seen is not None and seen != mark(_kept(session, survey_id)):
            raise Conflict(
                "Somebody else has changed this survey since you opened it. Nothing of theirs was lost."
            )
        audit.note(session, who, runtime.clock(), "survey.templates_edited", survey_id, templates=given)
        session.execute(delete(WhatsAppTemplate).where(WhatsAppTemplate.survey_id == survey_id))
        for locale in LOCALES:
            if sid := sids.get(locale):
                has_buttons = given[locale].has_buttons and Metric(survey.metric) in BUTTONS
                row = WhatsAppTemplate(
                    id=new_id(), workspace_id=who.workspace_id, survey_id=survey_id, locale=locale,
                    content_sid=sid, has_buttons=has_buttons,
                )  # fmt: skip
                session.add(row)
