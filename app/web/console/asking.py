"""Ask one person now: from a survey, with a search, or from the person, with a choice of surveys."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.errors import Conflict, Invalid
from app.rendering.words import reason_sentence
from app.services import asking, contacts, offered_channels
from app.services.asking import Asked
from app.web.pages import _, language, render, sentence
from app.web.policy import allows, customers_only, runtime_of

pages = Blueprint("asking", __name__, url_prefix="/w/<slug>")


@pages.get("/surveys/<id>/ask")
@allows(Role.MANAGER)
def of_survey(id: str) -> ResponseReturnValue:
    """Whom to ask this survey: the first people whom `?q=` finds, and may they be asked."""
    query = request.args.get("q", "")[:200]
    found = asking.candidates(runtime_of(), customers_only(), id, query, [_channel()])
    return _render("survey", active="surveys", found=found, query=query)


@pages.post("/surveys/<id>/ask")
@allows(Role.MANAGER)
def ask_of_survey(id: str) -> ResponseReturnValue:
    """Ask them, and stay here for the next one."""
    _ask(id, request.form.get("contact", ""))
    return redirect(f"/w/{customers_only().workspace_slug}/surveys/{id}/ask?channel={_channel()}", 303)


@pages.get("/contacts/<id>/ask")
@allows(Role.MANAGER)
def of_contact(id: str) -> ResponseReturnValue:
    """What to ask this person, and may they be asked it."""
    who = customers_only()
    person = contacts.one(runtime_of(), who, id)
    choices = asking.choices(runtime_of(), who, id, [_channel()])
    return _render("contact", active="contacts", person=person, choices=choices)


@pages.post("/contacts/<id>/ask")
@allows(Role.MANAGER)
def ask_of_contact(id: str) -> ResponseReturnValue:
    """Ask them, and back to their page."""
    _ask(request.form.get("survey", ""), id)
    return redirect(f"/w/{customers_only().workspace_slug}/contacts/{id}", 303)


def _ask(survey_id: str, contact_id: str) -> None:
    """Ask, and say what became of it."""
    who = customers_only()
    try:
        invitation = asking.ask(runtime_of(), who, survey_id, contact_id, [_channel()])
    except Invalid as wrong:
        flash(sentence(wrong.problems[0]), "error")
        return
    except Conflict as late:
        flash(sentence(late), "error")
        return
    told = asking.asked(runtime_of(), who, invitation)
    if told.reason is None:
        flash(_("%(name)s gets the question in a moment.", name=_name(told)))
    else:
        flash(_("%(name)s was not asked. %(reason)s", name=_name(told), reason=_reason(told)), "error")


def _channel() -> str:
    """The channel that was chosen, here or in the form."""
    return offered_channels.chosen(runtime_of(), request.values.get("channel"))


def _name(told: Asked) -> str:
    return told.name or _("This person")


def _reason(told: Asked) -> str:
    zone = ZoneInfo(customers_only().time_zone)
    until = language().date(told.until.astimezone(zone).date()) if told.until else None
    return reason_sentence(language(), told.reason or "", until=until)


def _render(name: str, **values: Any) -> ResponseReturnValue:
    return render(
        f"asking/{name}.html", here_zone=ZoneInfo(customers_only().time_zone), channel=_channel(),
        offered=offered_channels.offered(runtime_of()), **values,
    )  # fmt: skip
