"""The approved WhatsApp templates of a survey, one for each language."""

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.errors import Conflict, Invalid
from app.rendering.languages import LOCALES, NAMES
from app.services import survey_sheets, whatsapp_templates
from app.services.whatsapp_templates import Given
from app.web.pages import _, render, sentence, sentences
from app.web.policy import allows, runtime_of, visitor

pages = Blueprint("whatsapp_templates", __name__, url_prefix="/w/<slug>/surveys/<id>/whatsapp")


@pages.get("")
@allows(Role.MANAGER)
def show(id: str) -> ResponseReturnValue:
    """Which template asks in which language."""
    kept = whatsapp_templates.of(runtime_of(), visitor(), id)
    return _show(id, kept, whatsapp_templates.mark(kept))


@pages.post("")
@allows(Role.MANAGER)
def save(id: str) -> ResponseReturnValue:
    """Keep them, unless somebody else did meanwhile; what is no ContentSid comes back as it was typed."""
    given, seen = {locale: _given(locale) for locale in LOCALES}, request.form.get("seen", "nothing")
    try:
        whatsapp_templates.save(runtime_of(), visitor(), id, given, seen)
    except Invalid as error:
        return _show(id, given, seen, 422, errors=sentences(error.problems))
    except Conflict as late:
        now = whatsapp_templates.mark(whatsapp_templates.of(runtime_of(), visitor(), id))
        return _show(id, given, now, 409, conflict=sentence(late))
    flash(_("Saved."))
    return redirect(f"/w/{visitor().workspace_slug}/surveys/{id}", 303)


def _given(locale: str) -> Given:
    content_sid = request.form.get(f"whatsapp_{locale}", "").strip()
    return Given(content_sid, request.form.get(f"buttons_{locale}") == "yes")


def _show(
    id: str,
    typed: dict[str, Given],
    seen: str,
    status: int = 200,
    *,
    errors: dict[str, str] | None = None,
    conflict: str | None = None,
) -> ResponseReturnValue:
    sheet = survey_sheets.get(runtime_of(), visitor(), id)
    return render(
        "surveys/whatsapp.html", status, active="surveys", sheet=sheet, typed=typed, seen=seen,
        errors=errors or {}, conflict=conflict, names=NAMES,
        buttons=sheet.metric in whatsapp_templates.BUTTONS,
    )  # fmt: skip
