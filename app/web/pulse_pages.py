"""The respondent's pages of a pulse, /p/<token>. They never know what was answered, and leave no trace.

No log line, no metric and no limit counts here: each would be a time beside a person.
"""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.domain.metrics import RULES, Metric
from app.errors import Invalid, NotFound, Problem, Unavailable
from app.rendering.assets import logo_path
from app.rendering.languages import Language, language_of
from app.services import pulse_answers
from app.services.pulse_answers import PulseQuestion
from app.services.tokens import unsubscribe_token
from app.web.busy_pages import busy
from app.web.policy import by_token, runtime_of

pages = Blueprint("pulse_pages", __name__)


@pages.get("/p/<token>")
@by_token
def show(token: str) -> ResponseReturnValue:
    """The question, always as if for the first time; `?score=` changes nothing."""
    try:
        question = pulse_answers.show_question(runtime_of(), token)
    except NotFound:
        return _gone()
    return _ask(token, question)


@pages.post("/p/<token>")
@by_token
def answer(token: str) -> ResponseReturnValue:
    """Seal what was sent and answer with the next form, which carries the score on: the row stays unread."""
    form = request.form
    ends = "comment" in form or "skip" in form
    comment = form.get("comment") if "skip" not in form else None
    try:
        sealed = pulse_answers.seal_answer(runtime_of(), token, form.get("score"), comment)
    except NotFound:
        return _gone()
    except Invalid as wrong:
        return _again(token, wrong)
    except Unavailable:
        return _busy(token)
    if ends:
        return _thank(token, sealed.question, sealed.question.texts.thanks(sealed.tone))
    return _ask_comment(token, sealed.question, sealed.score, sealed.question.texts.followup(sealed.tone))


def _ask(token: str, question: PulseQuestion, wrong: Problem | None = None) -> ResponseReturnValue:
    texts = question.texts
    return _render(
        "answer/pulse_ask.html",
        token,
        question,
        wrong,
        question=texts.question,
        choices=RULES[Metric.ENPS].scores,
        low_label=texts.low_label,
        high_label=texts.high_label,
    )


def _ask_comment(
    token: str, question: PulseQuestion, score: int, words: str, wrong: Problem | None = None
) -> ResponseReturnValue:
    return _render(
        "answer/pulse_comment.html",
        token,
        question,
        wrong,
        question=words,
        score=score,
        start_url=f"/p/{token}",
        max_length=pulse_answers.LONGEST_COMMENT,
        value=request.form.get("comment") if wrong else None,
    )


def _thank(token: str, question: PulseQuestion, words: str) -> ResponseReturnValue:
    return _render("answer/pulse_thanks.html", token, question, None, thanks=words, start_url=f"/p/{token}")


def _busy(token: str) -> ResponseReturnValue:
    """Nothing was sealed; what they typed comes back to them and is kept nowhere."""
    try:
        question = pulse_answers.show_question(runtime_of(), token)
    except (NotFound, Unavailable):
        return busy(f"/p/{token}", None)
    return busy(f"/p/{token}", question.locale, question.workspace_name)


def _again(token: str, wrong: Invalid) -> ResponseReturnValue:
    """The form as it was sent, with what is wrong with it; nothing was sealed."""
    try:
        question = pulse_answers.show_question(runtime_of(), token)
    except NotFound:
        return _gone()
    problem = wrong.problems[0]
    if problem.field == "comment":
        score, words = pulse_answers.follow_up(question, request.form.get("score"))
        return _ask_comment(token, question, score, words, problem)
    return _ask(token, question, problem)


def _render(
    template: str, token: str, shown: PulseQuestion, wrong: Problem | None, **values: object
) -> ResponseReturnValue:
    language = language_of(shown.locale)
    html = render_template(
        template,
        language=language,
        _=language.gettext,
        ngettext=language.ngettext,
        workspace_name=shown.workspace_name,
        logo_url=logo_path(shown.logo_id),
        unsubscribe_url=f"/u/{unsubscribe_token(token)}",
        action=f"/p/{token}",
        closes=language.moment(shown.closes_at, shown.time_zone),
        least=shown.least_answers,
        least_comments=shown.least_comments,
        error=_sentence(language, wrong),
        **values,
    )
    return html, 422 if wrong else 200


def _sentence(language: Language, wrong: Problem | None) -> str | None:
    return language.gettext(wrong.message, **wrong.params) if wrong else None


def _gone() -> ResponseReturnValue:
    """One calm page for links that are unknown and for pulses that are closed; it does not tell which."""
    return render_template("answer/gone.html"), 404
