"""Pulses: the list, opening one after seeing whom it asks, participation, and what a closed one tells."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.domain.metrics import RULES, Metric
from app.errors import Conflict, Invalid, problem
from app.rendering import charts, stop_words
from app.services import (
    brakes,
    pulse_closing,
    pulse_headlines,
    pulse_opening,
    pulse_results,
    pulses,
    segments,
    stopped_pulses,
    survey_sheets,
)
from app.web.pages import _, render, sentence, sentences
from app.web.policy import allows, people_only, runtime_of

pages = Blueprint("pulses", __name__, url_prefix="/w/<slug>/pulses")


@dataclass(frozen=True)
class Form:
    """A pulse as it was typed; all of it travels in the address until the pulse is opened."""

    survey: str = ""
    closes_at: str = ""  # local, as a datetime-local field writes it
    segment: str = ""
    attribute: str = ""
    value: str = ""

    @classmethod
    def sent(cls) -> "Form":
        given = request.values
        names = ("survey", "closes_at", "segment", "attribute", "value")
        return cls(*(given.get(name, "").strip() for name in names))

    def audience(self) -> object:
        """Everybody, a saved audience, or those with this value. Half a condition is none that was meant."""
        if self.segment and (self.attribute or self.value):
            raise Invalid([problem("segment", "Choose a saved audience or an attribute, not both.")])
        if self.segment:
            return self.segment
        if not self.attribute and not self.value:
            return None
        if not self.attribute or not self.value:
            raise Invalid([problem("attribute", "Name the attribute and its value, or leave both empty.")])
        return {"attributes": {self.attribute: self.value}}

    def closing(self, zone: str) -> datetime | None:
        """The moment in the workspace's zone; none when the field was left empty."""
        if not self.closes_at:
            return None
        try:
            return datetime.fromisoformat(self.closes_at).replace(tzinfo=ZoneInfo(zone))
        except ValueError as error:
            raise Invalid([problem("closes_at", "Write a date and a time.")]) from error


@pages.get("")
@allows(Role.VIEWER)
def index() -> ResponseReturnValue:
    """Home of a people workspace: every pulse, the newest first, how the score went, and what stopped."""
    who = people_only()
    found = pulse_results.list_pulses(runtime_of(), who)
    scores = [each.result.score if each.result else None for each in reversed(found) if each.state != "open"]
    stopped = brakes.stopped(runtime_of(), who)
    return _render("index", pulses=found, trend=charts.trend(scores), stopped=stopped, stopping=stop_words)


@pages.get("/new")
@allows(Role.MANAGER)
def new() -> ResponseReturnValue:
    """The form; once a survey is chosen, whom it would ask."""
    form = Form.sent()
    return _new(form) if form.survey else _form(form, {}, 200)


@pages.post("/new")
@allows(Role.MANAGER)
def create() -> ResponseReturnValue:
    """Open it: from now on people are asked."""
    form, who = Form.sent(), people_only()
    try:
        id = pulses.open_pulse(
            runtime_of(), who, form.survey, closes_at=form.closing(who.time_zone), audience=form.audience()
        )
    except (Invalid, Conflict) as wrong:
        return _form(form, _sentences(wrong), 422)
    flash(_("The pulse is open. The invitations are on their way."))
    return redirect(_address(id), 303)


@pages.get("/<id>")
@allows(Role.VIEWER)
def detail(id: str) -> ResponseReturnValue:
    """Participation while it is open, the whole result once it is closed."""
    who = people_only()
    found = pulse_results.view_pulse(runtime_of(), who, id)
    targets = pulse_headlines.headline_targets(runtime_of(), who) if who.role is Role.OWNER else []
    result = found.pulse.result
    return _render(
        "detail",
        found=found,
        pulse=found.pulse,
        whisker=charts.whisker(Metric.ENPS, result.score if result else None),
        split=charts.split(result.counts) if result else (),
        bands=RULES[Metric.ENPS].bands,
        targets=[target for target in targets if target not in found.headlines],
        stopping=stop_words,
    )


@pages.post("/<id>/resumption")
@allows(Role.MANAGER)
def resume(id: str) -> ResponseReturnValue:
    """It paused itself, and goes on."""
    stopped_pulses.resume(runtime_of(), people_only(), id)
    flash(_("It goes on: whoever was not asked yet is asked now."))
    return redirect(_address(id), 303)


@pages.post("/<id>/closure")
@allows(Role.MANAGER)
def close(id: str) -> ResponseReturnValue:
    """Close it before its time."""
    pulse_closing.close_pulse(runtime_of(), people_only(), id)
    flash(_("The pulse is closed."))
    return redirect(_address(id), 303)


@pages.post("/<id>/headline")
@allows(Role.OWNER)
def publish(id: str) -> ResponseReturnValue:
    """Hand its one number to a customers workspace."""
    try:
        pulse_headlines.publish_headline(runtime_of(), people_only(), id, request.form.get("workspace", ""))
    except Invalid as wrong:
        flash(next(iter(_sentences(wrong).values())), "error")
    else:
        flash(_("The headline is on the home page of that workspace."))
    return redirect(_address(id), 303)


@pages.post("/<id>/headline/withdrawal")
@allows(Role.OWNER)
def withdraw(id: str) -> ResponseReturnValue:
    """Take it back from there."""
    pulse_headlines.withdraw_headline(runtime_of(), people_only(), id, request.form.get("workspace"))
    flash(_("The headline is taken back."))
    return redirect(_address(id), 303)


def _new(form: Form) -> ResponseReturnValue:
    """The last look before people are asked."""
    who = people_only()
    try:
        audience, closes_at = form.audience(), form.closing(who.time_zone)
        preview = pulses.preview_pulse(runtime_of(), who, form.survey, audience, closes_at)
    except (Invalid, Conflict) as wrong:
        return _form(form, _sentences(wrong), 422)
    return _render("confirm", form=form, preview=preview)


def _form(form: Form, errors: dict[str, str], status: int) -> ResponseReturnValue:
    who = people_only()
    lines = survey_sheets.list_surveys(runtime_of(), who)
    until = (runtime_of().clock() + pulse_opening.OPEN_FOR).astimezone(ZoneInfo(who.time_zone))
    return _render(
        "new",
        status,
        form=form,
        errors=errors,
        surveys=[(line.id, line.name) for line in lines if line.live_number and line.metric is Metric.ENPS],
        segments=segments.names(runtime_of(), who),
        usual_end=until.strftime("%Y-%m-%dT%H:00"),
    )


def _render(name: str, status: int = 200, **values: object) -> ResponseReturnValue:
    zone = ZoneInfo(people_only().time_zone)
    return render(f"pulses/{name}.html", status, active="pulses", zone=zone, **values)


def _sentences(wrong: Invalid | Conflict) -> dict[str, str]:
    if isinstance(wrong, Conflict):
        return {"": sentence(wrong)}
    return sentences(wrong.problems)


def _address(id: str) -> str:
    return f"/w/{people_only().workspace_slug}/pulses/{id}"
