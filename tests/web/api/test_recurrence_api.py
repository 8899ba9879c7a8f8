"""Schedules by rule, event, person and sequence, and events, as scripts use them."""

from datetime import timedelta

from app.models import Workspace
from app.runtime import Runtime
from app.services import expanding, planning
from tests.api_client import Api
from tests.web.api.test_loop_api import published
from tests.world import Clock, World


def tick(runtime: Runtime) -> None:
    planning.plan_schedules(runtime)
    expanding.expand_occurrences(runtime)


def test_a_rule_of_ones_own_is_kept_and_shown_in_one_spelling(api: Api) -> None:
    survey = published(api)
    made = api.post(
        "/schedules",
        {"survey": survey, "repeat": "custom", "rrule": "freq=monthly;byday=-1FR", "at": "2026-12-01T10:00"},
    )
    assert made.status_code == 201
    assert (made.json["rrule"], made.json["off_days"]) == ("FREQ=MONTHLY;BYDAY=-1FR", "run")
    assert made.json["next_run_at"] == "2026-12-25T13:00:00Z"
    moved = api.patch(f"/schedules/{made.json['id']}", {"off_days": "previous", "revision": 1})
    assert moved.status_code == 200
    assert api.patch(f"/schedules/{made.json['id']}", {"name": "x", "revision": 1}).status_code == 409
    simple = api.post("/schedules", {"survey": survey, "repeat": "weekly", "at": "2026-12-01T10:00"})
    assert simple.json["rrule"] == "FREQ=WEEKLY;BYDAY=TU"
    again = api.patch(f"/schedules/{made.json['id']}", {"repeat": "daily"})
    assert (again.json["repeat"], again.json["rrule"]) == ("daily", "FREQ=DAILY")


def test_what_cannot_be_says_which_field(api: Api) -> None:
    survey = published(api)
    for given, field in (
        ({"repeat": "custom"}, "rrule"),
        ({"repeat": "custom", "rrule": "FREQ=SECONDLY"}, "rrule"),
        ({"repeat": "daily", "rrule": "FREQ=DAILY"}, "rrule"),
        ({"repeat": "each_person"}, "every_days"),
        ({"repeat": "each_person", "every_days": 0}, "every_days"),
        ({"repeat": "event"}, "trigger"),
        ({"repeat": "event", "trigger": {"event": "a b"}}, "trigger"),
        ({"repeat": "daily", "steps": [{"survey": "nobody", "after_days": 3}]}, "steps"),
        ({"repeat": "daily", "steps": [{"survey": survey, "after_days": 0}]}, "steps"),
        ({"repeat": "daily", "late_hours": -1}, "late_hours"),
    ):
        refused = api.post("/schedules", {"survey": survey} | given)
        assert refused.status_code == 422, given
        assert {each["field"] for each in refused.json["errors"]} == {field}


def test_an_event_asks_once_and_its_occurrence_tells_how_it_stands(
    api: Api, runtime: Runtime, world: World, clock: Clock, shop: Workspace
) -> None:
    survey = published(api, "csat")
    person = world.contact(shop, external_id="c-1")
    trigger = {
        "event": "ticket.solved",
        "after_hours": 24,
        "only": [{"property": "closed_by", "operator": "not", "values": ["auto"]}],
    }
    schedule = api.post("/schedules", {"survey": survey, "repeat": "event", "trigger": trigger}).json
    assert schedule["trigger"] == trigger | {"newest_within_hours": 0}
    assert (schedule["state"], schedule["next_run_at"]) == ("active", None)
    told = {"id": "t-1", "name": "ticket.solved", "contact": {"external_id": "c-1"}, "properties": {"n": 7}}
    first = api.post("/events", told)
    assert first.status_code == 201
    assert (first.json["contact"], first.json["properties"]) == (person.id, {"n": 7})
    (asked,) = first.json["occurrences"]
    assert (asked["schedule"], asked["state"]) == (schedule["id"], "due")
    again = api.post("/events", told)
    assert (again.status_code, again.json) == (200, first.json)
    assert api.post("/events", told | {"properties": {}}).status_code == 409
    closed = told | {"id": "t-2", "properties": {"closed_by": "auto"}}
    assert api.post("/events", closed).json["occurrences"] == []
    clock.advance(hours=24)
    tick(runtime)
    (run,) = api.all(f"/schedules/{schedule['id']}/occurrences")
    assert (run["origin"], run["contact"], run["state"], run["waiting"]) == ("trigger", person.id, "run", 1)
    assert api.all("/invitations", contact=person.id)[0]["survey"] == survey


def test_an_event_with_an_idempotency_key_is_read_again(api: Api, world: World, shop: Workspace) -> None:
    person = world.contact(shop)
    told = {"id": "t-1", "name": "ticket.solved", "contact": person.id}
    answers = [api.post("/events", told, headers={"Idempotency-Key": "k-1"}) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json == answers[1].json


def test_what_is_no_event_says_why(api: Api, hr: Api, world: World, shop: Workspace, clock: Clock) -> None:
    person = world.contact(shop)
    base = {"id": "t-1", "name": "ticket.solved", "contact": person.id}
    later = (clock.now + timedelta(hours=1)).isoformat()
    for given, field in (
        ({"contact": "nobody"}, "contact"),
        ({"contact": {"external_id": "c-9"}}, "contact"),
        ({"id": ""}, "id"),
        ({"name": "a b"}, "name"),
        ({"properties": {"a": {"b": 1}}}, "properties"),
        ({"occurred_at": later}, "occurred_at"),
    ):
        refused = api.post("/events", base | given)
        assert refused.status_code == 422, given
        assert {each["field"].partition(".")[0] for each in refused.json["errors"]} == {field}
    assert hr.post("/events", base).status_code == 404


def test_a_sequence_and_each_person_are_kept_and_previewed(api: Api, world: World, shop: Workspace) -> None:
    nps, ces = published(api), published(api, "ces")
    for _ in range(10):
        world.contact(shop)
    given = {"survey": nps, "repeat": "each_person", "every_days": 5, "at": "2026-12-01T10:00"}
    steps = [{"survey": ces, "after_days": 60}]
    made = api.post("/schedules", given | {"steps": steps}).json
    assert (made["every_days"], made["steps"], made["rrule"]) == (5, steps, None)
    preview = api.get(f"/schedules/{made['id']}/preview").json
    assert preview == {"asked": 2, "not_asked": 8, "reasons": {"another_day": 8}}


def test_blackout_dates_are_the_workspaces(api: Api) -> None:
    changed = api.patch("/workspace", {"blackout_dates": ["2026-12-24", "24/12/2026"]})
    assert changed.json["blackout_dates"] == ["2026-12-24"]
