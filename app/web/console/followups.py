"""Follow-ups: the inbox, and the page on which one is claimed, answered and closed."""

from itertools import groupby
from typing import get_args
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.errors import Conflict, Invalid
from app.rendering import moments
from app.rendering.languages import NAMES
from app.services import followup_inbox, followup_page, followups
from app.services.followup_inbox import Shown
from app.services.followup_page import Entry, Sheet
from app.services.followup_rows import Whose
from app.web.pages import _, language, render, sentence, sentences
from app.web.policy import allows, customers_only, runtime_of

ANOTHER = "+"  # the choice of writing a cause

pages = Blueprint("followups", __name__, url_prefix="/w/<slug>/followups")


@pages.get("")
@allows(Role.VIEWER)
def index() -> ResponseReturnValue:
    """Who waits; `?whose=mine&shown=overdue` narrows it."""
    who = customers_only()
    whose: Whose = next((each for each in get_args(Whose) if each == request.args.get("whose")), "all")
    shown: Shown = next((each for each in get_args(Shown) if each == request.args.get("shown")), "open")
    inbox = followup_inbox.inbox(runtime_of(), who, whose, shown, request.args.get("cursor"))
    return render(
        "followups/index.html",
        active="followups",
        inbox=inbox,
        whose=whose,
        shown=shown,
        groups=[(key, list(lines)) for key, lines in groupby(inbox.page.items, lambda each: each.group)],
        moments=moments,
    )


@pages.post("/next")
@allows(Role.AGENT)
def claim_next() -> ResponseReturnValue:
    """Take the most urgent one that nobody has."""
    id = followups.claim_next(runtime_of(), customers_only())
    if id is None:
        flash(_("Nobody waits without somebody."))
        return redirect(url_for("followups.index", slug=customers_only().workspace_slug), 303)
    return _to(id)


@pages.get("/<id>")
@allows(Role.VIEWER)
def detail(id: str) -> ResponseReturnValue:
    """One follow-up."""
    return _page(id)


@pages.post("/<id>/claim")
@allows(Role.AGENT)
def claim(id: str) -> ResponseReturnValue:
    """It is mine now."""
    try:
        followups.claim(runtime_of(), customers_only(), id)
    except Conflict as error:
        return _overtaken(id, error)
    return _to(id)


@pages.post("/<id>/assignment")
@allows(Role.AGENT)
def assign(id: str) -> ResponseReturnValue:
    """Hand it over; an empty assignee lets it go."""
    chosen, seen = request.form.get("assignee") or None, request.form.get("seen") or None
    try:
        followups.assign(runtime_of(), customers_only(), id, chosen, seen=seen)
    except Conflict as error:
        return _overtaken(id, error)
    except Invalid as error:
        return _refused(id, error)
    flash(_("Handed over.") if chosen else _("It is free for somebody else now."))
    return _to(id)


@pages.post("/<id>/notes")
@allows(Role.AGENT)
def note(id: str) -> ResponseReturnValue:
    """Write something down that only we read."""
    contacted = "contacted" in request.form
    try:
        followups.note(runtime_of(), customers_only(), id, request.form.get("text", ""), contacted)
    except Invalid as error:
        return _refused(id, error, prefix="note_")
    flash(_("Noted."))
    return _to(id)


@pages.post("/<id>/replies")
@allows(Role.AGENT)
def reply(id: str) -> ResponseReturnValue:
    """Answer the person by e-mail."""
    try:
        followups.reply(runtime_of(), customers_only(), id, request.form.get("text", ""))
    except Conflict as error:
        return _overtaken(id, error)
    except Invalid as error:
        return _refused(id, error, prefix="reply_")
    flash(_("Your reply is on its way."))
    return _to(id)


@pages.post("/<id>/closure")
@allows(Role.AGENT)
def close(id: str) -> ResponseReturnValue:
    """Close it with what was done and why it came to this; a cause that is not on the list is written."""
    cause = request.form.get("root_cause", "")
    try:
        followups.close(
            runtime_of(),
            customers_only(),
            id,
            summary=request.form.get("summary", ""),
            root_cause=request.form.get("other_cause", "") if cause == ANOTHER else cause,
            ask_again="ask_again" in request.form,
        )
    except Conflict as error:
        return _overtaken(id, error)
    except Invalid as error:
        return _refused(id, error)
    flash(_("Closed."))
    return _to(id)


@pages.post("/<id>/reopening")
@allows(Role.AGENT)
def reopen(id: str) -> ResponseReturnValue:
    """Open it again; the record of its closing stays."""
    followups.reopen(runtime_of(), customers_only(), id)
    flash(_("Open again."))
    return _to(id)


def _to(id: str) -> ResponseReturnValue:
    return redirect(url_for("followups.detail", slug=customers_only().workspace_slug, id=id), 303)


def _overtaken(id: str, error: Conflict) -> ResponseReturnValue:
    """Somebody was quicker: the page as it is now, why nothing happened, and what was typed."""
    return _page(id, 409, conflict=sentence(error))


def _refused(id: str, error: Invalid, prefix: str = "") -> ResponseReturnValue:
    errors = {prefix + field: words for field, words in sentences(error.problems).items()}
    return _page(id, 422, errors=errors)


def _page(
    id: str, status: int = 200, errors: dict[str, str] | None = None, conflict: str | None = None
) -> ResponseReturnValue:
    sheet = followup_page.detail(runtime_of(), customers_only(), id)
    theirs = ZoneInfo(sheet.person.time_zone) if sheet.person.time_zone else None
    return render(
        "followups/detail.html",
        status,
        active="followups",
        sheet=sheet,
        days=_days(sheet),
        zone=ZoneInfo(sheet.time_zone),
        local_time=sheet.now.astimezone(theirs) if theirs else None,
        languages=NAMES,
        errors=errors or {},
        conflict=conflict,
        typed=request.form,
        posted=request.endpoint,
        moments=moments,
    )


def _days(sheet: Sheet) -> list[tuple[str, list[Entry]]]:
    """The conversation by the workspace's days, each day named."""
    zone = ZoneInfo(sheet.time_zone)
    today = sheet.now.astimezone(zone).date()
    found = []
    for date, entries in groupby(sheet.conversation, lambda entry: entry.at.astimezone(zone).date()):
        name = moments.day(language(), date, today)
        found.append((name[:1].upper() + name[1:], list(entries)))
    return found
