"""Every route says who may enter; every console form is safe from strangers."""

import pytest
from flask import Flask

from app.channels.registry import open_channels
from app.db import open_database
from app.runtime import Runtime
from app.web import create_app
from app.web.policy import POLICIES
from config import Config
from tests.world import Clock


@pytest.fixture
def application() -> Flask:
    config = Config.from_env(
        {"SECRET_KEY": "only-for-tests-0123456789-abcdefghijkl", "DATABASE_URL": "sqlite:///:memory:"}
    )
    db = open_database("sqlite:///:memory:")
    return create_app(Runtime(config=config, clock=Clock(), db=db, channels=open_channels(config)))


def test_every_route_carries_a_policy(application: Flask) -> None:
    bare = [
        f"{rule.rule} ({rule.endpoint})"
        for rule in application.url_map.iter_rules()
        if not hasattr(application.view_functions[rule.endpoint], "policy")
    ]
    assert not bare


def test_policies_match_their_addresses(application: Flask) -> None:
    """What belongs to a workspace stands under /w/ or /api/v1/, and nothing else does."""
    for rule in application.url_map.iter_rules():
        kind, role = application.view_functions[rule.endpoint].policy  # type: ignore[attr-defined]
        assert kind in POLICIES
        assert (kind == "member") == rule.rule.startswith("/w/<slug>"), rule.rule
        assert kind != "member" or role is not None
        if rule.rule.startswith("/api/v1/"):
            assert kind in ("key", "public"), rule.rule


def test_no_get_route_takes_a_form(application: Flask) -> None:
    """What changes something is a POST, and a POST alone."""
    for rule in application.url_map.iter_rules():
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        assert methods == {"GET"} or "GET" not in methods, f"{rule.rule}: {methods}"
