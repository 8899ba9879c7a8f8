"""Journeys in one process, where the clock is ours: a live server at its public address, and mail."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.jobs.worker import run_until_idle
from app.runtime import Runtime
from app.services.access import Visitor
from config import Config
from tests.journeys.person import Person, SignedIn, Work
from tests.smtp import SmtpSink
from tests.web.browser import Live, Visit, serving


@pytest.fixture
def channels(smtp_server: SmtpSink) -> dict[str, str]:
    """The settings of what is real; override it to live in the sandbox."""
    return {"SMTP_URL": smtp_server.url, "MAIL_FROM": "ola@retorno.example"}


@pytest.fixture
def config(database_url: str, tmp_path: Path, channels: dict[str, str]) -> Config:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    settings = {
        "DATABASE_URL": database_url,
        "KEYS_DIR": str(tmp_path / "keys"),
        "SECRET_KEY": "a-secret-only-for-tests-0123456789-abcdefgh",
        "PORT": str(port),
        **channels,
    }
    return Config.from_env(settings, argon2_profile="cheapest")


@pytest.fixture
def app(app: Flask) -> Flask:
    """As in production: forms need their token."""
    app.config["WTF_CSRF_ENABLED"] = True
    return app


@pytest.fixture
def live(app: Flask, config: Config) -> Iterator[Live]:
    """At the address that the links in mails lead to."""
    with serving(app, config.port) as server:
        yield server


@pytest.fixture
def signed_in(visit: Visit) -> SignedIn:
    """`signed_in(who)`: a member at home, in a browser."""

    def at(who: Visitor, width: int = 1280) -> Person:
        return Person(visit(f"/w/{who.workspace_slug}/", who, width=width, locale="pt-BR"))

    return at


@pytest.fixture
def work(runtime: Runtime) -> Work:
    """What the worker does until nothing is due."""
    return lambda: run_until_idle(runtime)
