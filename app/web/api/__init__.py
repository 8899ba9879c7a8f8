"""The API under /api/v1: bodies by pydantic, one verb each, described by OpenAPI 3.1."""

from flask import Blueprint, Flask
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect

from app.web import rates
from app.web.api import (
    answers,
    bounces,
    complaints,
    consents,
    docs,
    events,
    followups,
    imports,
    invitations,
    preflights,
    pulses,
    segments,
    survey_tests,
    workspace,
)
from app.web.api.describing import described
from app.web.api.routes import Noun
from app.web.api.serving import served
from app.web.policy import open_to_all, scoped

PREFIX = "/api/v1"
NOUNS: tuple[Noun, ...] = (
    consents.CONTACTS,
    imports.imports,
    survey_tests.SURVEYS,
    invitations.invitations,
    preflights.SCHEDULES,
    events.events,
    bounces.bounces,
    complaints.complaints,
    segments.segments,
    answers.answers,
    followups.followups,
    pulses.pulses,
    workspace.workspace,
)


def register(app: Flask, csrf: CSRFProtect) -> None:
    """The resources; keys are their authority, so they take no CSRF token."""
    pages = Blueprint("api", __name__)
    for noun in NOUNS:
        for route in noun.routes:
            rule = PREFIX + route.path.replace("{", "<").replace("}", ">")
            view = scoped(route.scope)(served(route))
            pages.add_url_rule(rule, route.name, view, methods=[route.method])
    pages.add_url_rule(f"{PREFIX}/openapi.json", view_func=openapi)
    pages.add_url_rule("/api/docs", view_func=docs_page)
    csrf.exempt(pages)
    app.register_blueprint(pages)
    rates.register(app)


@open_to_all
def openapi() -> ResponseReturnValue:
    """The description, for programs; it needs no key."""
    return docs.as_json(described(NOUNS, PREFIX))


@open_to_all
def docs_page() -> ResponseReturnValue:
    """The description, for people."""
    return docs.page(described(NOUNS, PREFIX))
