"""H04, A16: whatever stands in an address or a form, it is only text: taken, refused, and never a mistake."""

import random
from collections.abc import Callable
from itertools import chain

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.services.access import Visitor
from tests.walls.places import NO_IDS, Place, furnished, method_of, noun_of, parameters, path_of
from tests.web.clients import CheckedClient
from tests.world import World

pytestmark = pytest.mark.judged_on("postgresql")  # which takes less than SQLite does

# Every name that a page of ours reads, and some that none does
NAMES = """
    action active archived assignee attribute attribute_name attribute_value audience at band business_days
    channel channels closes_at code comment contact contact_me current_password cursor days email evidence
    extent group_by holidays kind lawful_basis limit locale metric name new_password next order_by
    other_cause over page password phone q question reason removal_password repeat rest_days revision role
    root_cause scopes score seen sent show shown since sort source starts_at step summary sure survey text
    act segment tag tags t.join t.add t-0.join t-0.field t-0.op t-0.value t-0.what t-0.low t-0-0.field
    time_zone to until value view whose workspace zone website
    after_hours alerts_by ask_again away blackout_dates by daily_cap elsewhere event every every_days further
    holdout late_hours meaning newest_within_hours number occurred_at off_days on opens_at operator per_hour
    postal_address proof properties property put_away quiet_days quiet_from quiet_until quiet_to reminders
    reply_to root_causes rrule segment sender_name share step_days step_survey test texts then theirs_first
    values weekly_cap why
"""
HOSTILE = (
    *("x' OR '1'='1' --", "1; DROP TABLE contacts", '") UNION SELECT password_hash FROM users --', "$gt"),
    *("\0", "\ud800", "%", "_", "\\", "9" * 400, "-1", "1e400", "NaN", "٣", "9999-12-31T23:59", "0000-00-00"),
    *("2026-02-30", "[]", "{{7*7}}", "{% raw %}", "%(name)s", "../../etc/passwd", "a" * 5_000, "__proto__"),
    *("\r\nX: y", "\u202e", "", "eyJ4IjoxfQ", "W10", "WyJ4Il0"),
)
ALONE = ("\0", "9" * 400)  # under every name at once
ROUNDS = 1  # mixes that each address gets


@pytest.fixture(params=["customers", "people"])
def place(request: pytest.FixtureRequest, world: World) -> Place:
    return furnished(world, request.param)


@pytest.fixture
def owner(client_for: Callable[[Visitor], FlaskClient], place: Place) -> FlaskClient:
    client = client_for(place.owner)
    assert isinstance(client, CheckedClient)
    client.uninvited = True
    return client


def addresses(app: Flask, place: Place, method: str) -> list[str]:
    """Every address of the console and the door with ids that there are."""
    found = []
    for rule in app.url_map.iter_rules():
        if method_of(rule) != method or rule.rule.startswith(("/api/", "/static/", "/logo/")):
            continue
        values = {name: _value(place, name, before) for name, before in parameters(rule)}
        if None not in values.values():
            found.append(path_of(rule, {name: str(value) for name, value in values.items()}))
    return found


def _value(place: Place, name: str, before: str) -> str | None:
    if name == "slug":
        return place.slug
    if name == "token":
        return "x" * 26
    noun = noun_of(before)
    return place.ids.get(noun) if noun else next(each for end, each in NO_IDS.items() if before.endswith(end))


def mixes(address: str) -> list[dict[str, bytes]]:
    """Something hostile under every name, another mix each time, the same at every run."""
    chance = random.Random(address)
    names, alone = NAMES.split(), [dict.fromkeys(NAMES.split(), each) for each in ALONE]
    mixed = [{name: chance.choice(HOSTILE) for name in names} for _ in range(ROUNDS)]
    return [
        {name: value.encode("utf-8", "surrogatepass") for name, value in each.items()}
        for each in [*alone, *mixed]
    ]


def test_no_parameter_is_more_than_text(app: Flask, owner: FlaskClient, place: Place) -> None:
    for path in addresses(app, place, "GET"):
        for mix in mixes(path):
            answer = owner.get(path, query_string=mix)
            assert answer.status_code < 500 or path == "/readyz", (path, mix, answer.status_code)


def test_no_field_is_more_than_text(app: Flask, owner: FlaskClient, place: Place) -> None:
    ends = ("/sign-out", "/account/sessions/removal")
    paths = [path for path in addresses(app, place, "POST") if path not in ends and "/sessions/" not in path]
    for path in chain(sorted(paths), ends):
        for mix in mixes(path):
            answer = owner.post(path, data=mix)
            assert answer.status_code < 500 or path == "/password/forgotten", (path, mix, answer.status_code)


def test_an_address_with_a_character_that_nobody_can_store_leads_nowhere(
    owner: FlaskClient, place: Place
) -> None:
    for room in (
        "followups",
        "contacts",
        "surveys",
        "schedules",
        "audiences",
        "pulses",
        "answers",
        "settings",
    ):
        assert owner.get(f"/w/{place.slug}/{room}/a%00b").status_code == 404
    assert owner.get("/r/%00").status_code == 404
