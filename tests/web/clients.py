"""Signed-in test clients that look at every page they fetch."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.models import UserSession, new_id
from app.runtime import Runtime
from app.services.access import Visitor
from app.services.sessions import token_hash
from app.web import create_app
from app.web.unknown_tokens import Tried
from tests.web.page_checks import check_page


class CheckedClient(FlaskClient):
    """Every HTML page that it fetches must be a good page; `csrf()` gives the token of a form."""

    uninvited = False  # does it send what no form of ours would?

    def open(self, *args: object, **kwargs: object) -> TestResponse:
        response = super().open(*args, **kwargs)  # type: ignore[arg-type]
        if (
            response.mimetype == "text/html"
            and response.data
            and response.status_code not in (301, 302, 303, 304)
        ):
            page = response.get_data(as_text=True)
            check_page(page, response.request.path, uninvited=self.uninvited)
        return response


@pytest.fixture(scope="session")
def composed() -> dict[tuple[object, ...], Flask]:
    """Applications that were put together already: the templates they have compiled serve every test."""
    return {}


@pytest.fixture
def app(runtime: Runtime, composed: dict[tuple[object, ...], Flask]) -> Flask:
    config = runtime.config  # what of it `create_app` itself reads makes another application
    kind = (config.secret_key, config.secret_key_previous, config.is_https, config.trusted_proxies)
    application = composed.get(kind) or composed.setdefault(kind, create_app(runtime))
    application.config["WTF_CSRF_ENABLED"] = False  # tests of CSRF switch it on again
    application.test_client_class = CheckedClient
    application.extensions |= {"runtime": runtime, "unknown_tokens": Tried()}
    return application


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Nobody in particular: a respondent, or somebody before sign-in."""
    return app.test_client()


@pytest.fixture
def client_for(app: Flask, runtime: Runtime) -> Callable[[Visitor], FlaskClient]:
    """A client whose session is that of a member."""

    def sign_in(who: Visitor) -> FlaskClient:
        token = new_id()
        now = runtime.clock()
        with runtime.db.write() as session:
            session.add(
                UserSession(
                    token_hash=token_hash(token),
                    user_id=who.user_id,
                    created_at=now,
                    seen_at=now,
                    expires_at=now + timedelta(days=30),
                )
            )
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["token"] = token
        return client

    return sign_in
