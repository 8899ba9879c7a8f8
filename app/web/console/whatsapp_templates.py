"""The approved WhatsApp templates of a survey, one for each language."""

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.errors import Invalid
from app.rendering.languages import LOCALES, NAMES
from app.services import survey_sheets, whatsapp_templates
from app.services.whatsapp_templates import Given
from app.web.pages import _, render, sentences
from app.web.policy import allows, runtime_of, visitor

pages = Blueprint("whatsapp_templates", __name__, url_prefix="/w/<slug>/surveys/<id>/whatsapp")


@pages.get("")
@allows(Role.MANAGER)
def show(id: str) -> ResponseReturnValue:
    """Which template asks in which language."""
    return _show(id, whatsapp_templates.of(runtime_of(), visitor(), id), {})


@pages.post("")
@allows(Role.MANAGER)
def save(id: str) -> ResponseReturnValue:
    """Keep them; what is no ContentSid comes back as it was typed."""
    given = {locale: _given(locale) for locale in LOCALES}
    try:
        whatsapp_templates.save(runtime_of(), visitor(), id, given)
    except Invalid as error:
        return _show(id, given, sentences(error.problems), 422)
    flash(_("Saved."))
    return redirect(f"/w/{visitor().workspace_slug}/surveys/{id}", 303)


def _given(locale: str) -> Given:
    content_sid = request.form.get(f"whatsapp_{locale}", "").strip()
    return Given(content_sid, request.form.get(f"buttons_{locale}") == "yes")


def _show(id: str, typed: dict[str, Given], errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    sheet = survey_sheets.get(runtime_of(), visitor(), id)
    return render(
        "surveys/whatsapp.html", status, active="surveys", sheet=sheet, typed=typed, errors=errors,
        names=NAMES, buttons=sheet.metric in whatsapp_templates.BUTTONS,
    )  # fmt: skip
