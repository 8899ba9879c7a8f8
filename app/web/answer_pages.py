"""The respondent's pages: /r/<token> asks, takes the comment and thanks; /u/<token> lets people out."""

import secrets
from functools import lru_cache
from urllib.parse import urlencode

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect

from app.domain.dialogue import Step
from app.errors import Invalid, NotFound, Unavailable
from app.rendering.languages import LOCALES, Language, language_of
from app.services import arrival, respondents, unsubscribing
from app.services.arrival import Given
from app.services.respondents import Sheet
from app.services.tokens import unsubscribe_token
from app.web.busy_pages import busy
from app.web.policy import by_token, runtime_of
from app.web.unknown_tokens import count_unknown

pages = Blueprint("answer_pages", __name__)

TEMPLATES = {
    Step.ASK: "answer/ask.html",
    Step.COMMENT: "answer/comment.html",
    Step.THANKS: "answer/thanks.html",
}
MARK, MARK_OUT = (f"token-{secrets.token_hex(8)}" for _ in range(2))  # in no text of anybody
TRAP = "website"  # a field that no person sees: who fills it in is a program


@pages.get("/r/<token>")
@by_token
def show(token: str) -> ResponseReturnValue:
    """The next step. Whoever fetches it, nothing changes."""
    try:
        sheet = respondents.sheet(runtime_of(), token, request.args.get("step"), request.args.get("score"))
    except NotFound:
        return _gone()
    return _page(token, sheet, sheet.step)


@pages.post("/r/<token>")
@by_token
def answer(token: str) -> ResponseReturnValue:
    """Record what was sent and show the next step; what is wrong comes back with its form as it was."""
    form = request.form
    given = Given(
        score=form.get("score"),
        comment=form.get("comment") if "skip" not in form else None,
        contact_me=form.get("contact_me") == "yes" if "comment" in form or "contact_me" in form else None,
        suspect=bool(form.get(TRAP)),
    )
    try:
        if "skip" not in form:
            arrival.record(runtime_of(), token, given)
    except NotFound:
        return _gone()
    except Invalid as wrong:
        return _again(token, wrong)
    except Unavailable:
        return _busy(token)
    step = {} if "score" in form and "comment" not in form else {"step": Step.THANKS.value}
    return redirect(f"/r/{token}" + (f"?{urlencode(step)}" if step else ""), 303)


@pages.get("/u/<token>")
@by_token
def leaving(token: str) -> ResponseReturnValue:
    """Asks before it stops, because mail programs open links by themselves."""
    try:
        found = unsubscribing.look(runtime_of(), token)
    except NotFound:
        return _gone()
    language = language_of(found.locale)
    values = (found.workspace_name, found.logo_url)
    return _render("answer/unsubscribe.html", language, *values, action=f"/u/{token}")


@pages.post("/u/<token>")
@by_token
def leave(token: str) -> ResponseReturnValue:
    """Does it: a person's button, or a mail program's one click (RFC 8058)."""
    one_click = request.form.get("List-Unsubscribe") == "One-Click"
    try:
        found = unsubscribing.look(runtime_of(), token)
        unsubscribing.unsubscribe(runtime_of(), token, one_click=one_click)
    except NotFound:
        return _gone()
    return _render(
        "answer/unsubscribed.html", language_of(found.locale), found.workspace_name, found.logo_url
    )


def _busy(token: str) -> ResponseReturnValue:
    """Whoever writes hinders nobody who reads, so the page mostly knows whose question it was."""
    try:
        sheet = respondents.sheet(runtime_of(), token)
    except (NotFound, Unavailable):
        return busy(f"/r/{token}", None)
    return busy(f"/r/{token}", sheet.locale, sheet.workspace_name)


def _again(token: str, wrong: Invalid) -> ResponseReturnValue:
    """The form that was sent, with what is wrong and what was typed."""
    try:
        sheet = respondents.sheet(runtime_of(), token)
    except NotFound:
        return _gone()
    problems = wrong.by_field()
    step = Step.COMMENT if "comment" in problems and sheet.score is not None else Step.ASK
    first = problems.get("comment" if step is Step.COMMENT else "score") or wrong.problems[0]
    error = language_of(sheet.locale).gettext(first.message, **first.params)
    page, _ = _page(token, sheet, step, error=error, value=request.form.get("comment"))
    return page, 422


def _page(
    token: str, sheet: Sheet, step: Step, error: str | None = None, value: str | None = None
) -> tuple[str, int]:
    language = language_of(sheet.locale)
    if step is Step.ASK:
        asked = (sheet.question, sheet.low_label, sheet.high_label, sheet.choices, sheet.selected, error)
        page = _question(language.code, sheet.workspace_name, sheet.logo_url, asked)
        return page.replace(MARK_OUT, unsubscribe_token(token)).replace(MARK, token), 200
    returns = until = None
    if sheet.returns_by:
        when = f"{language.weekday(sheet.returns_by)}, {language.time(sheet.returns_by)}"
        who = sheet.workspace_name
        returns = language.gettext(
            "Somebody at %(who)s will get back to you by %(when)s.", who=who, when=when
        )
    if sheet.editable_until:
        until = f"{language.short_date(sheet.editable_until)}, {language.time(sheet.editable_until)}"
    page = _render(
        TEMPLATES[step],
        language,
        sheet.workspace_name,
        sheet.logo_url,
        unsubscribe_url=f"/u/{unsubscribe_token(token)}",
        action=f"/r/{token}",
        change_url=f"/r/{token}?step={Step.ASK.value}",
        question=sheet.followup_question,
        score=sheet.score,
        comment=sheet.comment,
        value=sheet.comment if value is None else value,
        contact_me=sheet.contact_me,
        thanks=sheet.thanks,
        returns=returns,
        until=until,
        error=error,
    )
    return page, 200


@lru_cache(maxsize=512)
def _question(
    code: str,
    workspace_name: str,
    logo_url: str | None,
    asked: tuple[str, str, str, range, int | None, str | None],
) -> str:
    """The first page, the same for everybody but for the marks where their tokens go."""
    question, low_label, high_label, choices, selected, error = asked
    return _render(
        TEMPLATES[Step.ASK],
        language_of(code),
        workspace_name,
        logo_url,
        unsubscribe_url=f"/u/{MARK_OUT}",
        action=f"/r/{MARK}",
        question=question,
        low_label=low_label,
        high_label=high_label,
        choices=choices,
        selected=selected,
        error=error,
    )


def _render(
    template: str, language: Language, workspace_name: str | None, logo_url: str | None, **values: object
) -> str:
    """Without the context of console pages: a respondent has no session and no theme."""
    return current_app.jinja_env.get_template(template).render(
        language=language,
        _=language.gettext,
        ngettext=language.ngettext,
        workspace_name=workspace_name,
        logo_url=logo_url,
        **values,
    )


def _gone() -> ResponseReturnValue:
    """One page for every link that leads nowhere; it does not tell why."""
    count_unknown()
    language = language_of(request.accept_languages.best_match(LOCALES) or "en")
    return _render("answer/gone.html", language, None, None), 404
