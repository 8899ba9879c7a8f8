"""Requests of every shape, made from the description: none breaks the API, each answer fits what it says."""

from dataclasses import replace

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import positive_data_acceptance

from app.runtime import Runtime
from app.web import create_app
from tests.walls.places import Place, furnished, noun_of
from tests.world import World

pytestmark = pytest.mark.judged_on("postgresql")  # which takes less than SQLite does
EXAMPLES = 2  # of each operation and kind: some three hundred requests
# What the description allows may still be refused: a name that says nothing, a time that has passed
UNASKED = [positive_data_acceptance]


@pytest.mark.parametrize("kind", ["customers", "people"])
def test_the_api_keeps_to_its_description(kind: str, runtime: Runtime, world: World) -> None:
    place = furnished(world, kind)
    generous = replace(runtime, config=replace(runtime.config, api_rate_limit=1_000_000))
    description = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app=create_app(generous))
    tried = 0
    for found in description.get_all_operations():
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            operation = found.ok()
            try_out(operation.as_strategy(generation_mode=mode), mode, place)
            tried += 1
    assert tried >= 2 * 40


def try_out(cases: object, mode: GenerationMode, place: Place) -> None:
    @seed(20261122)
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases)
    def send(case: Case) -> None:
        noun = noun_of(case.operation.path.split("{id}")[0].replace("/api/v1", "") + "<id>")
        if mode is GenerationMode.POSITIVE and noun in place.ids:
            case.path_parameters["id"] = place.ids[noun]
        case.call_and_validate(headers={"Authorization": f"Bearer {place.secret}"}, excluded_checks=UNASKED)

    send()
