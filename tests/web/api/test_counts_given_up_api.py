"""Over the API as well: numbers that cannot be had in time are null, and the rest is told."""

from collections.abc import Callable

import pytest

from app.models import Workspace
from app.runtime import Runtime
from app.services import expanding, planning
from tests.api_client import Api
from tests.services.test_planning import crowd
from tests.world import World

pytestmark = pytest.mark.on_both

PEOPLE = 3_000


def test_over_the_api_numbers_that_cannot_be_had_in_time_are_null(
    api: Api, runtime: Runtime, world: World, shop: Workspace, hurry: Callable[[], None]
) -> None:
    crowd(world, shop, PEOPLE)
    body = {"survey": world.survey(shop).id, "repeat": "weekly"}
    id = api.post("/schedules", body).json["id"]
    hurry()
    assert api.get(f"/schedules/{id}/preview").json == {"asked": None, "not_asked": None, "reasons": {}}
    for told in (api.get(f"/schedules/{id}/preflight").json, api.post("/schedules/preflight", body).json):
        assert (told["asked"], told["not_asked"], told["groups"], told["texts"]) == (None, None, [], [])
        assert told["ready"] is True
        assert [each["code"] for each in told["findings"]] == ["not_counted", "sandbox"]
        assert [each["people"] for each in told["samples"]] == [None]


def test_runs_that_cannot_be_counted_in_time_are_listed(
    api: Api, runtime: Runtime, world: World, shop: Workspace, hurry: Callable[[], None]
) -> None:
    crowd(world, shop, PEOPLE)
    id = api.post("/schedules", {"survey": world.survey(shop).id, "repeat": "weekly"}).json["id"]
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)
    hurry()
    assert api.get(f"/schedules/{id}").json["waiting"] is None
    (run,) = api.get(f"/schedules/{id}/occurrences").json["items"]
    assert (run["asked"], run["waiting"], run["reasons"]) == (None, None, {})
