"""Renders console pages: the language of the reader and what the shell around every page shows."""

from collections.abc import Iterable
from typing import Any

from flask import Flask, g, render_template, request, session
from flask.typing import ResponseReturnValue

from app.errors import Conflict, Problem
from app.rendering import audit_words, figures, words
from app.rendering.assets import asset
from app.rendering.languages import LOCALES, Language, language_of
from app.services import frames, sessions
from app.web.policy import runtime_of


def language() -> Language:
    """The signed-in user's language, else the browser's first that we speak."""
    if "visitor" in g:
        return language_of(g.visitor.locale)
    if "user" in g:
        return language_of(g.user.locale)
    return language_of(request.accept_languages.best_match(LOCALES) or "en")


def _(message: str, /, **params: object) -> str:
    """A sentence of a view (a flash) in the reader's language."""
    return language().gettext(message, **params)


def sentence(wrong: Problem | Conflict) -> str:
    """What is wrong, in the reader's language."""
    return _(wrong.message, **wrong.params)


def sentences(problems: Iterable[Problem]) -> dict[str, str]:
    """The first problem of each field in the reader's language, for a form."""
    found: dict[str, str] = {}
    for each in problems:
        found.setdefault(each.field, sentence(each))
    return found


def render(template: str, status: int = 200, **context: Any) -> ResponseReturnValue:
    """A console page of the visitor's workspace, with its shell."""
    who = g.visitor
    frame = frames.frame(runtime_of(), who)
    html = render_template(
        f"console/{template}",
        who=who,
        workspace=frame.workspace,
        workspaces=frame.workspaces,
        open_followups=frame.open_followups,
        sending_paused=frame.sending_paused,
        shortcuts=None if frame.shortcuts else "off",
        **context,
    )
    return html, status


def render_bare(template: str, status: int = 200, **context: Any) -> ResponseReturnValue:
    """A page outside any workspace: sign-in, links, my account."""
    return render_template(template, **context), status


def render_at_home(template: str, status: int = 200, **context: Any) -> ResponseReturnValue:
    """A page of the signed-in person's own, inside the workspace that they used last, if there is one."""
    slug = sessions.last_place(runtime_of(), g.user)
    if slug is None:
        return render_bare(f"console/{template}", status, workspace=None, **context)
    g.visitor = sessions.visit(runtime_of(), session.get("token"), slug)
    return render(template, status, **context)


def _context() -> dict[str, Any]:
    chosen = language()
    theme = request.cookies.get("theme")
    return {
        "_": chosen.gettext,
        "ngettext": chosen.ngettext,
        "language": chosen,
        "theme": theme if theme in ("light", "dark") else None,
        "sandbox_on": runtime_of().config.sandbox_on,
        "request_id": g.get("request_id"),
    }


def register(app: Flask) -> None:
    """Globals and per-request values of every template."""
    app.context_processor(_context)
    given = words.FOR_TEMPLATES | audit_words.FOR_TEMPLATES | figures.FOR_TEMPLATES
    app.jinja_env.globals.update(asset=asset, **given)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
