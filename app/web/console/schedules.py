"""Schedules: the list, a new one, one with its next runs, whom it would ask, and what it has done."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.domain.cadence import Repeat
from app.domain.metrics import Metric
from app.errors import Conflict, Invalid, Unavailable
from app.rendering import rule_words, schedule_words, stop_words
from app.services import offered_channels, runs, schedule_previews, schedule_sheets, schedules
from app.services.schedule_previews import Look, Preview
from app.services.schedule_sheets import Sheet
from app.web.console import schedule_audience
from app.web.console.schedule_form import Form, operators
from app.web.pages import _, language, render, sentence, sentences
from app.web.policy import allows, runtime_of, visitor
from app.web.zones import zones

pages = Blueprint("schedules", __name__, url_prefix="/w/<slug>/schedules")


@pages.get("")
@allows(Role.VIEWER)
def index() -> ResponseReturnValue:
    """Every schedule that goes on; with `?over=yes` those that do not."""
    over, cursor = request.args.get("over") == "yes", request.args.get("cursor")
    listed = schedule_sheets.over if over else schedule_sheets.going_on
    return render_room("index", page=listed(runtime_of(), visitor(), cursor=cursor), over=over, cursor=cursor)


@pages.get("/new")
@allows(Role.MANAGER)
def new() -> ResponseReturnValue:
    """The form; `?survey=` chooses one."""
    return render_form(Form.sent())


@pages.post("/new")
@allows(Role.MANAGER)
def create() -> ResponseReturnValue:
    """First whom it would ask and when; once that was seen, it is made."""
    form = Form.sent()
    if request.form.get("action") == "fields":
        return render_form(form)
    try:
        if request.form.get("action") == "look":
            return render_form(form, looked=schedule_previews.look(runtime_of(), visitor(), form.raw()))
        id = schedules.create(runtime_of(), visitor(), form.raw())
    except Invalid as wrong:
        return render_form(form, errors=sentences(wrong.problems), status=422)
    flash(_("The schedule is in place."))
    return _to(id)


@pages.get("/<id>")
@allows(Role.VIEWER)
def detail(id: str) -> ResponseReturnValue:
    """One schedule."""
    sheet = schedule_sheets.get(runtime_of(), visitor(), id)
    return _detail(sheet, Form.of(sheet))


@pages.post("/<id>")
@allows(Role.MANAGER)
def save(id: str) -> ResponseReturnValue:
    """Change it; whoever was overtaken keeps what they typed and decides."""
    form = Form.sent()
    if request.form.get("action") == "fields":
        return _detail(schedule_sheets.get(runtime_of(), visitor(), id), form)
    try:
        schedules.edit(runtime_of(), visitor(), id, form.raw(), form.revision)
    except Invalid as wrong:
        sheet = schedule_sheets.get(runtime_of(), visitor(), id)
        return _detail(sheet, form, errors=sentences(wrong.problems), status=422)
    except Conflict as late:
        sheet = schedule_sheets.get(runtime_of(), visitor(), id)
        # Whoever was overtaken decides by sending the form again: then it stands on what is saved now
        overtaken = form.revision not in (None, sheet.revision)
        form = replace(form, revision=sheet.revision)
        return _detail(sheet, form, conflict=sentence(late), overtaken=overtaken, status=409)
    flash(_("Saved."))
    return _to(id)


@pages.get("/<id>/<any(pause, resume, cancel):act>")
@allows(Role.MANAGER)
def confirm(id: str, act: str) -> ResponseReturnValue:
    """What it would mean, before it is done."""
    return render_room("confirm", sheet=schedule_sheets.get(runtime_of(), visitor(), id), act=act)


@pages.post("/<id>/pause")
@allows(Role.MANAGER)
def pause(id: str) -> ResponseReturnValue:
    """Stop for a while."""
    number = schedules.pause(runtime_of(), visitor(), id)
    flash(
        language().ngettext("Paused. %(num)s person waits.", "Paused. %(num)s people wait.", number)
        if number
        else _("Paused.")
    )
    return _to(id)


@pages.post("/<id>/resume")
@allows(Role.MANAGER)
def resume(id: str) -> ResponseReturnValue:
    """Go on."""
    number = schedules.resume(runtime_of(), visitor(), id)
    flash(
        language().ngettext(
            "It goes on. %(num)s person who waited is asked in turn.",
            "It goes on. %(num)s people who waited are asked in turn.",
            number,
        )
        if number
        else _("It goes on.")
    )
    return _to(id)


@pages.post("/<id>/cancel")
@allows(Role.MANAGER)
def cancel(id: str) -> ResponseReturnValue:
    """End it for good."""
    number = schedules.cancel(runtime_of(), visitor(), id)
    flash(
        language().ngettext(
            "Cancelled. %(num)s person is not asked after all.",
            "Cancelled. %(num)s people are not asked after all.",
            number,
        )
        if number
        else _("Cancelled. Nobody else will be asked.")
    )
    return _to(id)


@pages.get("/<id>/people")
@allows(Role.VIEWER)
def people(id: str) -> ResponseReturnValue:
    """Who would be asked now, or not for one reason."""
    reason, cursor = request.args.get("reason") or None, request.args.get("cursor")
    sheet = schedule_sheets.get(runtime_of(), visitor(), id)
    try:
        found = schedule_previews.people(runtime_of(), visitor(), id, reason=reason, cursor=cursor)
    except Unavailable:
        found = None
    return render_room("people", sheet=sheet, page=found, reason=reason, cursor=cursor)


@pages.get("/<id>/runs/<run_id>")
@allows(Role.VIEWER)
def run(id: str, run_id: str) -> ResponseReturnValue:
    """One run: how many it asked, why not the others, and who they are."""
    reason, cursor = request.args.get("reason") or None, request.args.get("cursor")
    sheet = schedule_sheets.get(runtime_of(), visitor(), id)
    outcome = runs.one(runtime_of(), visitor(), id, run_id)
    try:
        found = runs.people(runtime_of(), visitor(), id, run_id, reason=reason, cursor=cursor)
    except Unavailable:
        found = None
    return render_room("run", sheet=sheet, run=outcome, page=found, reason=reason, cursor=cursor)


def render_form(
    form: Form, *, looked: Look | None = None, errors: dict[str, str] | None = None, status: int = 200
) -> ResponseReturnValue:
    """The form of a new one, and beside it what it would do once somebody has looked."""
    return render_room(
        "new",
        status,
        form=form,
        looked=looked,
        errors=errors or {},
        askable=[(each.id, each.name) for each in schedule_sheets.askable(runtime_of(), visitor())],
        zones=zones(),
    )


def _detail(
    sheet: Sheet,
    form: Form,
    *,
    errors: dict[str, str] | None = None,
    conflict: str | None = None,
    overtaken: bool = False,
    status: int = 200,
) -> ResponseReturnValue:
    who, cursor = visitor(), request.args.get("cursor")
    surveys = {sheet.survey_id: sheet.survey_name} | {step.survey: step.survey_name for step in sheet.steps}
    surveys |= {each.id: each.name for each in schedule_sheets.askable(runtime_of(), who)}
    return render_room(
        "detail",
        status,
        sheet=sheet,
        form=form,
        errors=errors or {},
        conflict=conflict,
        overtaken=overtaken,
        askable=list(surveys.items()),
        zones=zones(),
        preview=_preview(sheet),
        history=runs.history(runtime_of(), who, sheet.id, cursor),
        cursor=cursor,
        may_edit=who.role.reaches(Role.MANAGER) and sheet.state != "cancelled",
    )


def _preview(sheet: Sheet) -> Preview | None:
    """Whom it would ask now; None when it is over, or when to count them takes too long."""
    if sheet.is_over:
        return None
    try:
        return schedule_previews.preview(runtime_of(), visitor(), sheet.id)
    except Unavailable:
        return None


def render_room(name: str, status: int = 200, **values: object) -> ResponseReturnValue:
    """A page of this room, with the words that all of them speak."""
    return render(
        f"schedules/{name}.html",
        status,
        active="schedules",
        words=schedule_words,
        of_rules=rule_words,
        stopping=stop_words,
        operators=operators(),
        rule=_rule,
        zone_of=_zone,
        here_zone=ZoneInfo(visitor().time_zone),
        now=runtime_of().clock(),
        pulses=visitor().is_people,
        offered=offered_channels.offered(runtime_of()),
        audiences=schedule_audience.options(),
        audience_told=schedule_audience.told,
        **values,
    )


def _rule(sheet: Sheet) -> str:
    """Its headline."""
    if sheet.trigger:
        return schedule_words.event_headline(language(), sheet.trigger, sheet.survey_name)
    if sheet.every_days is not None:
        return schedule_words.each_person_headline(language(), sheet.every_days, sheet.survey_name)
    asked = sheet.repeat is Repeat.ONCE and sheet.state == "ended" and sheet.last is not None
    return schedule_words.headline(
        language(),
        schedule_words.rule_words(language(), sheet.cadence),
        sheet.survey_name,
        pulse=sheet.metric is Metric.ENPS,
        asked=asked and sheet.last is not None and sheet.last.state == "run",
        audience=schedule_audience.words_of(sheet),
    )


def _zone(sheet: Sheet) -> ZoneInfo:
    return ZoneInfo(sheet.time_zone)


def _to(id: str) -> ResponseReturnValue:
    return redirect(f"/w/{visitor().workspace_slug}/schedules/{id}", 303)
