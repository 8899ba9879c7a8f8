"""Surveys: the list, a new one, and the editor with its previews."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.domain.metrics import RULES, Band, Metric, Tone, metrics_for, tone
from app.domain.ready_texts import ready_texts
from app.domain.survey_texts import SHAPES, SurveyTexts, problems_in
from app.errors import Conflict, Invalid
from app.rendering.languages import LOCALES, NAMES
from app.rendering.words import bands_word
from app.services import survey_previews, survey_sheets, survey_tests, surveys
from app.services.survey_sheets import Sheet
from app.web.pages import _, language, render, sentence, sentences
from app.web.policy import allows, runtime_of, visitor

pages = Blueprint("surveys", __name__, url_prefix="/w/<slug>/surveys")

# A mail carries its styles inline, so it cannot share our policy; `sandbox` takes scripts, forms and our
# origin away from it, also when somebody opens its address by itself.
MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)


@dataclass(frozen=True)
class Form:
    """What stands in the editor's fields: as saved, or as typed."""

    locale: str
    name: str
    opens_followup: bool
    revision: int
    texts: Mapping[str, str] | None  # none: the survey is not written in this language
    refused: bool = False  # was it just sent, and did not pass?

    @classmethod
    def of(cls, sheet: Sheet, locale: str) -> "Form":
        """The fields as they are saved."""
        texts = sheet.texts.get(locale)
        return cls(
            locale, sheet.name, sheet.opens_followup, sheet.revision, texts.by_name() if texts else None
        )

    @classmethod
    def sent(cls) -> "Form":
        """The fields as they were sent. A revision that is no number is nobody's: the save will conflict."""
        sent = request.form
        texts = {name: sent[name] for name in SHAPES if name in sent}
        return cls(
            locale=_known(sent.get("locale")) or LOCALES[0],
            name=sent.get("name", ""),
            opens_followup="opens_followup" in sent,
            revision=sent.get("revision", default=-1, type=int),
            texts=texts or None,
        )


@pages.get("")
@allows(Role.VIEWER)
def index() -> ResponseReturnValue:
    """Every survey; with `?archived=yes` those that were put away."""
    archived = request.args.get("archived") == "yes"
    lines = survey_sheets.list_surveys(runtime_of(), visitor(), archived=archived)
    return render(
        "surveys/index.html", active="surveys", lines=lines, archived=archived, names=NAMES, zone=_zone()
    )


@pages.get("/new")
@allows(Role.MANAGER)
def new() -> ResponseReturnValue:
    """Choose a question."""
    return _new({}, 200)


@pages.post("/new")
@allows(Role.MANAGER)
def create() -> ResponseReturnValue:
    """A name and a metric make a draft that could be published as it is."""
    name, metric = request.form.get("name", ""), request.form.get("metric", "")
    try:
        id = surveys.create(runtime_of(), visitor(), name, metric)
    except Invalid as error:
        return _new(sentences(error.problems), 422)
    return _to_editor(id)


@pages.get("/<id>")
@allows(Role.VIEWER)
def editor(id: str) -> ResponseReturnValue:
    """One survey in one of its languages."""
    sheet = survey_sheets.get(runtime_of(), visitor(), id)
    return _editor(sheet, Form.of(sheet, _known(request.args.get("locale")) or sheet.workspace_locale))


@pages.post("/<id>")
@allows(Role.MANAGER)
def save(id: str) -> ResponseReturnValue:
    """Save the draft, and publish it where that button was pressed."""
    form, action = Form.sent(), request.form.get("action", "save")
    try:
        revision = surveys.edit(
            runtime_of(),
            visitor(),
            id,
            form.revision,
            name=form.name,
            opens_followup=form.opens_followup,
            texts=_changes(id, form, action),
        )
    except Invalid as error:
        return _refused(id, form, error)
    except Conflict as error:
        return _overtaken(id, form, error)
    if action == "publish":
        return _publish(id, form.locale, revision)
    flash(_("Saved."))
    return _to_editor(id, form.locale)


@pages.post("/<id>/preview")
@allows(Role.MANAGER)
def preview(id: str) -> ResponseReturnValue:
    """The editor with what is typed, its mistakes and its previews; nothing is saved."""
    sheet, form = survey_sheets.get(runtime_of(), visitor(), id), Form.sent()
    problems = problems_in(SurveyTexts.from_json(form.texts or {}), sheet.metric, complete=True)
    return _editor(sheet, form, errors=sentences(problems) if form.texts else {})


@pages.get("/<id>/preview/email")
@allows(Role.VIEWER)
def email(id: str) -> ResponseReturnValue:
    """The whole e-mail, for a frame and in an origin of its own: nothing in it reaches the console."""
    locale = request.args.get("locale", "")
    response = Response(survey_previews.email(runtime_of(), visitor(), id, locale), mimetype="text/html")
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response


@pages.post("/<id>/archive")
@allows(Role.MANAGER)
def archive(id: str) -> ResponseReturnValue:
    """Put it away."""
    surveys.archive(runtime_of(), visitor(), id)
    flash(_("The survey is in the archive. Its answers stay."))
    return redirect(url_for(".index", slug=visitor().workspace_slug), 303)


@pages.post("/<id>/restore")
@allows(Role.MANAGER)
def restore(id: str) -> ResponseReturnValue:
    """Take it out again."""
    surveys.restore(runtime_of(), visitor(), id)
    flash(_("The survey is back."))
    return _to_editor(id)


def _changes(id: str, form: Form, action: str) -> dict[str, object]:
    """What a press changes in the texts: the fields, or the whole language."""
    if action == "leave_out":
        return {form.locale: None}
    if action == "begin":
        sheet = survey_sheets.get(runtime_of(), visitor(), id)
        return {form.locale: ready_texts(sheet.metric, form.locale).to_json()}
    return {form.locale: form.texts} if form.texts else {}


def _publish(id: str, locale: str, revision: int) -> ResponseReturnValue:
    try:
        number = surveys.publish(runtime_of(), visitor(), id, revision)
    except Invalid as error:
        sheet = survey_sheets.get(runtime_of(), visitor(), id)
        here = {each.field.split(".")[0] for each in error.problems}
        shown = locale if locale in here else error.problems[0].field.split(".")[0]
        return _editor(
            sheet,
            replace(Form.of(sheet, shown), refused=True),
            status=422,
            note=_("It is saved, but not published: some texts are not ready yet."),
        )
    flash(_("Version %(number)s is live.", number=number))
    return _to_editor(id, locale)


def _refused(id: str, form: Form, error: Invalid) -> ResponseReturnValue:
    sheet = survey_sheets.get(runtime_of(), visitor(), id)
    start = f"{form.locale}."
    here = [replace(each, field=each.field.removeprefix(start)) for each in error.problems]
    return _editor(sheet, replace(form, refused=True), status=422, errors=sentences(here))


def _overtaken(id: str, form: Form, error: Conflict) -> ResponseReturnValue:
    """Nothing was saved: show what is there now beside what was typed; saving again is then a decision."""
    sheet = survey_sheets.get(runtime_of(), visitor(), id)
    return _editor(
        sheet,
        replace(form, revision=sheet.revision),
        status=409,
        stored=Form.of(sheet, form.locale),
        note=sentence(error),
    )


def _editor(
    sheet: Sheet,
    form: Form,
    *,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
    stored: Form | None = None,
    note: str | None = None,
) -> ResponseReturnValue:
    who = visitor()
    shown = survey_previews.show(runtime_of(), who, sheet.id, form.locale, form.texts or {})
    if errors is None:
        errors = sentences(sheet.problems_in(form.locale)) if form.texts is not None else {}
    return render(
        "surveys/editor.html",
        status,
        active="surveys",
        sheet=sheet,
        form=form,
        errors=errors,
        stored=stored,
        note=note,
        zone=_zone(),
        preview=shown,
        rule=RULES[sheet.metric],
        bands=_bands(sheet.metric),
        locales=[(each, NAMES[each]) for each in LOCALES],
        tests=survey_tests.ways(runtime_of(), who),
        may_edit=who.role.reaches(Role.MANAGER) and sheet.archived_at is None,
    )


def _new(errors: Mapping[str, str], status: int) -> ResponseReturnValue:
    return render(
        "surveys/new.html",
        status,
        active="surveys",
        metrics=metrics_for(visitor().workspace_kind),
        name=request.form.get("name", ""),
        metric=request.form.get("metric", ""),
        errors=errors,
        Metric=Metric,
    )


def _zone() -> ZoneInfo:
    return ZoneInfo(visitor().time_zone)


def _bands(metric: Metric) -> list[tuple[Tone, Band, str]]:
    """Each band with the way it points and its label: "Detractors, 0 to 6"."""
    rule = RULES[metric]
    labels = []
    for band in rule.bands:
        scores = [score for score in rule.scores if rule.band(score) is band]
        word = bands_word(language(), band)
        word = word[:1].upper() + word[1:]
        labels.append((tone(band), band, f"{word}, {_range(scores)}"))
    return labels


def _range(scores: list[int]) -> str:
    first, last = scores[0], scores[-1]
    if first == last:
        return str(first)
    if last == first + 1:
        return _("%(first)s and %(last)s", first=first, last=last)
    return _("%(first)s to %(last)s", first=first, last=last)


def _to_editor(id: str, locale: str | None = None) -> ResponseReturnValue:
    return redirect(url_for(".editor", slug=visitor().workspace_slug, id=id, locale=locale), 303)


def _known(locale: str | None) -> str | None:
    return locale if locale in LOCALES else None
