"""Clients of the API in a customers and in a people workspace."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.domain.access import Role
from app.models import Workspace
from app.runtime import Runtime
from app.services import api_keys
from tests.api_client import Api
from tests.world import World


@pytest.fixture
def api_for(app: Flask, runtime: Runtime, world: World) -> Callable[..., Api]:
    """A client of a workspace's API, with a key of all scopes unless some are named."""

    def make(workspace: Workspace, scopes: list[str] | None = None, role: Role = Role.OWNER) -> Api:
        maker = world.member(workspace, role)
        return Api(app.test_client(), api_keys.create(runtime, maker, "test", scopes).secret)

    return make


@pytest.fixture
def shop(world: World) -> Workspace:
    return world.workspace()


@pytest.fixture
def api(api_for: Callable[..., Api], shop: Workspace) -> Api:
    return api_for(shop)


@pytest.fixture
def company(world: World) -> Workspace:
    return world.workspace("people")


@pytest.fixture
def hr(api_for: Callable[..., Api], company: Workspace) -> Api:
    return api_for(company)
