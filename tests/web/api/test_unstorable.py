"""Numbers that nobody can keep and characters that nobody can store: 422 in every body, never a mistake."""

import pytest

from app.models import Workspace
from app.web.api import NOUNS
from tests.api_client import Api
from tests.world import World

UNSTORABLE = (
    "1e999", "-1e999", "9007199254740992", "-9007199254740992", "9" * 5_000, '"\\u0000"', '"\\ud800"',
    '{"x": 1e999}', '[["a\\u0000"]]', '{"a\\udfff": 1}',
)  # fmt: skip
TAKES_A_BODY = [route for noun in NOUNS for route in noun.routes if route.body is not None]


@pytest.mark.judged_on("postgresql")  # whose JSON and text take less than SQLite's
@pytest.mark.parametrize("value", UNSTORABLE, ids=lambda value: value[:20])
def test_no_body_takes_what_nobody_can_store(api: Api, hr: Api, value: str) -> None:
    for route in TAKES_A_BODY:
        assert route.body is not None
        name = next(iter(route.body.model_fields))
        path, caller = route.path.replace("{id}", "x" * 26), hr if "pulses" in route.path else api
        refused = caller(route.method, path, data=f'{{"{name}": {value}}}', content_type="application/json")
        assert refused.status_code == 422, (path, refused.text)
        assert refused.json["errors"][0]["field"].startswith(name)


def test_a_property_of_an_event_is_a_number_that_every_reader_knows(
    api: Api, world: World, shop: Workspace
) -> None:
    contact = world.contact(shop)

    def tell(number: str) -> tuple[int, object]:
        body = (
            f'{{"id": "e{number}", "name": "n", "contact": "{contact.id}", "properties": {{"x": {number}}}}}'
        )
        told = api("POST", "/events", data=body, content_type="application/json")
        return told.status_code, told.json.get("errors") or told.json["properties"]["x"]

    assert tell("1e999") == (
        422, [{"field": "properties.x", "message": "This number is too large."}]
    )  # fmt: skip
    assert tell("9007199254740992")[0] == 422
    assert tell("9007199254740991") == (201, 9007199254740991)
    assert tell("12.5") == (201, 12.5)


@pytest.mark.judged_on("postgresql")
@pytest.mark.parametrize("id", ["%00", "a%00b", "%ED%A0%80", "%FF", "9" * 400])
def test_an_id_that_nobody_can_store_is_unknown(api: Api, id: str) -> None:
    for path in ("/contacts", "/surveys", "/schedules", "/invitations", "/followups", "/segments", "/events"):
        assert api.get(f"{path}/{id}").status_code in (404, 405)
