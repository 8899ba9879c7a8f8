"""My account: name and language, password, second factor, where I am signed in."""

from dataclasses import replace

from flask import Blueprint, flash, g, redirect, request, session
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.errors import Conflict, Invalid, Problem
from app.rendering.languages import LOCALES, NAMES
from app.services import accounts, alert_choices, second_factor, sessions
from app.web.callers import caller
from app.web.pages import _, render_at_home, sentences
from app.web.policy import runtime_of, signed_in

_ALERTS = ("alerts_by", "quiet_from", "quiet_until")

pages = Blueprint("account", __name__, url_prefix="/account")


@pages.get("")
@signed_in
def show() -> ResponseReturnValue:
    """Everything about my account."""
    return _show({})


@pages.post("")
@signed_in
def update() -> ResponseReturnValue:
    """Name, language, keyboard shortcuts."""
    name, locale = request.form.get("name", ""), request.form.get("locale", "")
    try:
        accounts.update_profile(runtime_of(), g.user, name, locale, "shortcuts" in request.form)
    except Invalid as error:
        return _show(sentences(error.problems), 422)
    g.user = sessions.user_of(runtime_of(), session.get("token"))  # the answer speaks the new language
    flash(_("Saved."))
    return redirect("/account", 303)


@pages.post("/alerts")
@signed_in
def choose_alerts() -> ResponseReturnValue:
    """Where my alerts come, and when not; or let go of the chat."""
    if "disconnect" in request.form:
        alert_choices.disconnect(runtime_of(), g.user.id)
        flash(_("Disconnected. Alerts come by e-mail."))
        return redirect("/account", 303)
    given = [request.form.get(name, "").strip() for name in _ALERTS]
    try:
        alert_choices.choose(runtime_of(), g.user.id, *given)
    except Invalid as error:
        return _show(sentences(error.problems), 422)
    flash(_("Saved."))
    return redirect("/account", 303)


@pages.post("/password")
@signed_in
def change_password() -> ResponseReturnValue:
    """A new password; everywhere else I am signed out."""
    current, new = request.form.get("current_password", ""), request.form.get("new_password", "")
    try:
        token = accounts.change_password(runtime_of(), g.user, current, new, caller())
    except Invalid as error:
        return _show(sentences(error.problems), 422)
    return _go_on(token, _("Your new password counts from now on. Everywhere else you are signed out."))


@pages.get("/second-factor")
@signed_in
def draft_second_factor() -> ResponseReturnValue:
    """A secret to put into a telephone; nothing is on until the first code has been right."""
    if g.user.has_second_factor:
        return redirect("/account", 303)
    return _set_up({})


@pages.post("/second-factor")
@signed_in
def set_up_second_factor() -> ResponseReturnValue:
    """Turn it on."""
    secret = session.get("draft")
    if not isinstance(secret, str):
        return redirect("/account/second-factor", 303)
    password, code = request.form.get("password", ""), request.form.get("code", "")
    try:
        token = second_factor.set_up(
            runtime_of(), g.user, caller(), password=password, secret=secret, code=code
        )
    except Invalid as error:
        return _set_up(sentences(error.problems), 422)
    return _go_on(token, _("The second factor is on. From now on a code is asked when you sign in."))


@pages.post("/second-factor/removal")
@signed_in
def remove_second_factor() -> ResponseReturnValue:
    """Turn it off."""
    try:
        token = second_factor.remove(runtime_of(), g.user, request.form.get("removal_password", ""), caller())
    except Invalid as error:
        here = [Problem("removal_password", each.message, each.params) for each in error.problems]
        return _show(sentences(here), 422)
    return _go_on(token, _("The second factor is off."))


@pages.post("/sessions/removal")
@signed_in
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session, this one too."""
    sessions.sign_out_everywhere(runtime_of(), g.user)
    session.clear()
    return redirect("/sign-in", 303)


@pages.post("/sessions/<device_id>/removal")
@signed_in
def end_device(device_id: str) -> ResponseReturnValue:
    """End one of my sessions."""
    sessions.end_device(runtime_of(), g.user, device_id)
    flash(_("That browser is signed out."))
    return redirect("/account", 303)


def _go_on(token: str, sentence: str) -> Response:
    """This browser goes on with a new session and an otherwise empty cookie."""
    session.clear()
    session["token"] = token
    session.permanent = True
    flash(sentence)
    return redirect("/account", 303)


def _show(errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    person = g.user
    chosen = alert_choices.of(runtime_of(), person.id)
    typed = [request.form.get(each, getattr(chosen, each)) for each in _ALERTS]
    chosen = replace(chosen, alerts_by=typed[0], quiet_from=typed[1], quiet_until=typed[2])
    return render_at_home(
        "account/show.html", status, active="account", person=person, errors=errors,
        typed={name: request.form.get(name) or getattr(person, name) for name in ("name", "locale")},
        locales=[(code, NAMES[code]) for code in LOCALES],
        devices=sessions.devices(runtime_of(), person, session.get("token")),
        alerts=chosen,
    )  # fmt: skip


def _set_up(errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
    if g.user.has_second_factor:
        raise Conflict("The second factor is on already.")
    draft = second_factor.draft(g.user, session.get("draft"))
    session["draft"] = draft.secret
    return render_at_home("account/second-factor.html", status, active="account", draft=draft, errors=errors)
