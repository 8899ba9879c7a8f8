"""Before a schedule begins or goes on: the real messages, the numbers, the costs, and what is missing."""

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.domain.cadence import Repeat
from app.errors import Conflict, Invalid
from app.rendering import preflight_words
from app.services import preflight, schedule_sheets, survey_tests
from app.services.preflight import Report
from app.services.survey_tests import Wanted
from app.web.console.schedule_form import Form
from app.web.console.schedules import render_form, render_room
from app.web.pages import _, sentence, sentences
from app.web.policy import allows, runtime_of, visitor

pages = Blueprint("preflights", __name__, url_prefix="/w/<slug>/schedules")
OWN = ("csrf_token", "action", "test")  # fields of the page itself


@pages.post("/preflight")
@allows(Role.MANAGER)
def of_draft() -> ResponseReturnValue:
    """What the fields that were sent would do; nothing is saved. A test leaves where that was pressed."""
    form = Form.sent()
    try:
        report = preflight.of_draft(runtime_of(), visitor(), form.raw())
    except Invalid as wrong:
        return render_form(form, errors=sentences(wrong.problems), status=422)
    _test(report.sheet.survey_id)
    sent = [(name, value) for name, value in request.form.items(multi=True) if name not in OWN]
    return _page(report, sent)


@pages.get("/<id>/preflight")
@allows(Role.VIEWER)
def of_schedule(id: str) -> ResponseReturnValue:
    """The same of one that is there."""
    return _page(preflight.of_schedule(runtime_of(), visitor(), id))


@pages.post("/<id>/preflight")
@allows(Role.MANAGER)
def test(id: str) -> ResponseReturnValue:
    """Its question to oneself, as a test."""
    _test(schedule_sheets.get(runtime_of(), visitor(), id).survey_id)
    return redirect(f"/w/{visitor().workspace_slug}/schedules/{id}/preflight", 303)


def _test(survey_id: str) -> None:
    channel = request.form.get("test")
    if not channel:
        return
    try:
        survey_tests.send(runtime_of(), visitor(), survey_id, Wanted(channel, live=True))
    except Conflict as late:
        flash(sentence(late), "error")
    except Invalid as wrong:
        flash(sentence(wrong.problems[0]), "error")
    else:
        flash(_("The test is on its way to you."))


def _page(report: Report, sent: list[tuple[str, str]] | None = None) -> ResponseReturnValue:
    """`sent` are the fields of one that is not saved yet."""
    who, runs = visitor(), report.sheet.next_runs
    return render_room(
        "preflight",
        report=report,
        sheet=report.sheet,
        sent=sent,
        # A day off or a blackout may have moved what was to be asked at once
        begins_now=report.sheet.repeat is Repeat.ONCE
        and bool(runs)
        and runs[0].due_at <= runtime_of().clock(),
        checks=preflight_words,
        manages=who.role.reaches(Role.MANAGER),
        tests=survey_tests.ways(runtime_of(), who),
    )
