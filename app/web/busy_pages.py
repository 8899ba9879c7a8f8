"""When an answer cannot be recorded just now: a page that keeps what was typed, and never says thank you."""

from flask import current_app, request
from flask.typing import ResponseReturnValue

from app.rendering.languages import LOCALES, language_of

AGAIN_SECONDS = "5"  # longer than one writer keeps another waiting


def busy(action: str, locale: str | None, workspace_name: str | None = None) -> ResponseReturnValue:
    """503 with the form as it was sent, in their language, or in their browser's where theirs is unknown."""
    code = locale or request.accept_languages.best_match(LOCALES) or "en"
    language, form = language_of(code), request.form
    page = current_app.jinja_env.get_template("answer/busy.html").render(
        language=language,
        _=language.gettext,
        ngettext=language.ngettext,
        workspace_name=workspace_name,
        action=action,
        score=form.get("score"),
        comment=form.get("comment"),
        contact_me=form.get("contact_me"),
    )
    return page, 503, {"Retry-After": AGAIN_SECONDS}
