"""Which approved WhatsApp template asks a survey in each language, once the window of a day is closed."""

import re

from sqlalchemy import delete, select

from app.errors import Invalid, problem
from app.models import Survey, WhatsAppTemplate, new_id
from app.rendering.languages import LOCALES
from app.runtime import Runtime
from app.services import access, audit
from app.services.access import Visitor

CONTENT_SID = re.compile(r"HX[0-9a-fA-F]{32}")


def of(runtime: Runtime, who: Visitor, survey_id: str) -> dict[str, str]:
    """The template of each language that has one."""
    with runtime.db.read() as session:
        access.own(session, who, Survey, survey_id)
        rows = session.scalars(select(WhatsAppTemplate).where(WhatsAppTemplate.survey_id == survey_id))
        return {row.locale: row.content_sid for row in rows}


def save(runtime: Runtime, who: Visitor, survey_id: str, given: dict[str, str]) -> None:
    """The templates by language; an empty one is taken away. Raises Invalid for what is no ContentSid."""
    wrong = [locale for locale, sid in given.items() if sid and not CONTENT_SID.fullmatch(sid)]
    if wrong:
        message = "A ContentSid begins with HX and has 32 digits or letters from a to f after it."
        raise Invalid([problem(f"whatsapp_{locale}", message) for locale in wrong])
    with runtime.db.write() as session:
        access.own(session, who, Survey, survey_id, lock=True)
        audit.note(session, who, runtime.clock(), "survey.templates_edited", survey_id, templates=given)
        session.execute(delete(WhatsAppTemplate).where(WhatsAppTemplate.survey_id == survey_id))
        for locale in LOCALES:
            if sid := given.get(locale):
                row = WhatsAppTemplate(
                    id=new_id(), workspace_id=who.workspace_id, survey_id=survey_id, locale=locale,
                    content_sid=sid,
                )  # fmt: skip
                session.add(row)
