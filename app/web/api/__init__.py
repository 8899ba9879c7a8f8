"""The API under /api/v1: bodies by pydantic, one verb each, described by OpenAPI 3.1."""

from flask import Blueprint, Flask
from flask_wtf.csrf import CSRFProtect

from app.web import rates
from app.web.api import contacts
from app.web.api.routes import Noun
from app.web.api.serving import served
from app.web.policy import scoped

PREFIX = "/api/v1"
NOUNS: tuple[Noun, ...] = (contacts.contacts,)


def register(app: Flask, csrf: CSRFProtect) -> None:
    """The resources; keys are their authority, so they take no CSRF token."""
    pages = Blueprint("api", __name__, url_prefix=PREFIX)
    for noun in NOUNS:
        for route in noun.routes:
            rule = route.path.replace("{", "<").replace("}", ">")
            view = scoped(route.scope)(served(route))
            pages.add_url_rule(rule, route.name, view, methods=[route.method])
    csrf.exempt(pages)
    app.register_blueprint(pages)
    rates.register(app)
