"""A workspace's settings: everybody reads them, an owner changes them, a manager has the sending switch."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.domain import workspace_settings as rules
from app.domain.access import Role
from app.errors import Conflict, Invalid
from app.rendering.languages import LOCALES, NAMES
from app.services import resuming, switch, workspace_settings
from app.services.logos import LARGEST_BYTES
from app.web.pages import _, language, render, sentence, sentences
from app.web.policy import allows, open_to_all, runtime_of, visitor
from app.web.zones import zones

pages = Blueprint("settings", __name__)
HERE = "/w/<slug>/settings"
UPLOAD_BYTES = LARGEST_BYTES + 64 * 1024  # the picture and the form around it
CACHED = "public, max-age=31536000, immutable"  # a new logo has a new address


@pages.url_value_preprocessor
def _take_a_whole_picture(endpoint: str | None, values: dict[str, object] | None) -> None:
    # Before the CSRF check, which is the first to read the body.
    if endpoint == "settings.set_logo":
        request.max_content_length = UPLOAD_BYTES


@pages.get(HERE)
@allows(Role.VIEWER)
def show() -> ResponseReturnValue:
    """All settings in one page; whoever may not change them reads them."""
    return _show()


@pages.post(HERE)
@allows(Role.OWNER)
def update() -> ResponseReturnValue:
    """Save them, unless somebody else did meanwhile."""
    revision = request.form.get("revision", default=-1, type=int)
    try:
        workspace_settings.update(runtime_of(), visitor(), rules.from_form(_sent()), revision)
    except Invalid as error:
        return _show(sentences(error.problems), 422, typed=_typed())
    except Conflict as late:
        return _show(status=409, typed=_typed(), conflict=sentence(late))
    flash(_("Saved."))
    return _back()


@pages.post(f"{HERE}/logo")
@allows(Role.OWNER)
def set_logo() -> ResponseReturnValue:
    """A picture becomes the workspace's mark."""
    upload = request.files.get("logo")
    try:
        workspace_settings.set_logo(runtime_of(), visitor(), upload.read() if upload else b"")
    except Invalid as error:
        return _show(sentences(error.problems), 422)
    flash(_("The logo is in place."))
    return _back()


@pages.post(f"{HERE}/logo/removal")
@allows(Role.OWNER)
def remove_logo() -> ResponseReturnValue:
    """Go without a logo."""
    workspace_settings.remove_logo(runtime_of(), visitor())
    flash(_("The logo is removed."))
    return _back()


@pages.post(f"{HERE}/sending/pause")
@allows(Role.MANAGER)
def pause_sending() -> ResponseReturnValue:
    """The big switch: nothing leaves."""
    switch.pause(runtime_of(), visitor().name, visitor())
    flash(_("Sending is paused. Nothing leaves until somebody resumes it."))
    return _back()


@pages.post(f"{HERE}/sending/resume")
@allows(Role.MANAGER)
def resume_sending() -> ResponseReturnValue:
    """The big switch: what is due leaves."""
    done = resuming.resume(runtime_of(), visitor())
    if done is not None and not done.found:
        flash(_("There is no journal of this installation: opt-outs made since the copy are missing."))
    elif done is not None:
        flash(
            language().ngettext(
                "%(num)s opt-out, opt-in or erasure made since the copy was applied first.",
                "%(num)s opt-outs, opt-ins and erasures made since the copy were applied first.",
                done.applied,
            )
        )
    flash(_("Sending goes on. What was waiting leaves now."))
    return _back()


@pages.get("/logo/<logo_id>.png")
@open_to_all
def logo(logo_id: str) -> ResponseReturnValue:
    """The mark, for answer pages and mails; its random id is no secret and opens nothing else."""
    response = Response(workspace_settings.logo(runtime_of(), logo_id), content_type="image/png")
    response.headers["Cache-Control"] = CACHED
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Content-Disposition"] = "attachment"  # a picture in pages, never a page
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # web mail shows it too
    return response


def _show(
    errors: Mapping[str, str] | None = None,
    status: int = 200,
    *,
    typed: Mapping[str, Any] | None = None,
    conflict: str | None = None,
) -> ResponseReturnValue:
    who = visitor()
    found = workspace_settings.read(runtime_of(), who)
    return render(
        "settings/show.html", status, active="settings", here="settings", settings=found,
        form=typed or rules.to_form(found.values), errors=errors or {}, conflict=conflict, zones=zones(),
        # A conflict is decided by sending the form again: then it stands on what is saved now
        revision=typed.get("revision", "") if typed and not conflict else found.revision,
        locales=[(code, NAMES[code]) for code in LOCALES], may_edit=who.role is Role.OWNER,
        metrics=("enps",) if who.is_people else ("nps", "csat", "ces"),
    )  # fmt: skip


def _sent() -> dict[str, Any]:
    """The fields as they were sent; days, of which there are several, as lists; a box as ticked or not."""
    days = {name: request.form.getlist(name) for name in rules.WEEKDAYS}
    return {**request.form.to_dict(), **days, "quiet_email": "quiet_email" in request.form}


def _typed() -> dict[str, Any]:
    return {**dict.fromkeys(rules.FORM_FIELDS, ""), **_sent()}


def _back() -> ResponseReturnValue:
    return redirect(f"/w/{visitor().workspace_slug}/settings", 303)
