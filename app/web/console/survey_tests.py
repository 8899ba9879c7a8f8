"""A survey tried by a member: sent to themselves, and its page walked through without recording anything."""

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.access import Role
from app.domain.metrics import RULES, BadScore, Metric, read_score, tone
from app.errors import Conflict, Invalid
from app.rendering.languages import language_of
from app.services import survey_previews, survey_tests
from app.services.survey_previews import Page
from app.services.survey_tests import Wanted
from app.web.pages import _, sentence
from app.web.policy import allows, runtime_of, visitor

pages = Blueprint("survey_tests", __name__, url_prefix="/w/<slug>/surveys")


@pages.post("/<id>/test")
@allows(Role.MANAGER)
def send(id: str) -> ResponseReturnValue:
    """The saved draft to one's own mailbox or chat."""
    locale = request.form.get("locale") or None
    wanted = Wanted(request.form.get("channel", "email"), locale)
    try:
        survey_tests.send(runtime_of(), visitor(), id, wanted)
    except Conflict as late:
        flash(sentence(late), "error")
    except Invalid as wrong:
        flash(sentence(wrong.problems[0]), "error")
    else:
        flash(_("The test is on its way to you."))
    return redirect(url_for("surveys.editor", slug=visitor().workspace_slug, id=id, locale=locale), 303)


@pages.get("/<id>/page/<any(draft, live):which>/<locale>")
@allows(Role.VIEWER)
def page(id: str, which: str, locale: str) -> ResponseReturnValue:
    """The respondent's page: a score leads to the next step, and nothing is kept."""
    found = survey_previews.page(runtime_of(), visitor(), id, which, locale)
    score = _score(found.metric)
    if score is None:
        return _render("ask", found, locale, _ask(found))
    if "comment" in request.args or "skip" in request.args:
        return _render("thanks", found, locale, _thanks(found, score))
    return _render("comment", found, locale, _comment(found, score))


def _score(metric: Metric) -> int | None:
    try:
        return read_score(metric, request.args["score"]) if "score" in request.args else None
    except BadScore:
        return None


def _ask(found: Page) -> dict[str, object]:
    rule, said = RULES[found.metric], found.texts
    return {
        "question": said.question, "low_label": said.low_label, "high_label": said.high_label,
        "choices": range(rule.low, rule.high + 1),
    }  # fmt: skip


def _comment(found: Page, score: int) -> dict[str, object]:
    band = RULES[found.metric].band(score)
    return {"question": found.texts.followup(tone(band)), "score": score, "change_url": request.path}


def _thanks(found: Page, score: int) -> dict[str, object]:
    band = RULES[found.metric].band(score)
    return {
        "thanks": found.texts.thanks(tone(band)), "score": score,
        "comment": request.args.get("comment", "")[:2000], "start_url": request.path,
    }  # fmt: skip


def _render(step: str, found: Page, locale: str, values: dict[str, object]) -> str:
    """By the same templates as the real pages; their forms read."""
    language = language_of(locale)
    name = f"answer/pulse_{step}.html" if found.metric is Metric.ENPS else f"answer/{step}.html"
    return current_app.jinja_env.get_template(name).render(
        language=language,
        _=language.gettext,
        ngettext=language.ngettext,
        workspace_name=found.workspace_name,
        logo_url=found.logo_url,
        preview=True,
        method="get",
        action=request.path,
        **values,
    )
