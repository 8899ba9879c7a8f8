"""Segments and audiences over the API: made, changed with 409, previewed, asked by schedules and pulses."""

import pytest

from app.domain.metrics import Metric
from app.models import Segment, Workspace
from app.runtime import Runtime
from tests.api_client import Api
from tests.world import World

PRO = {"all": [{"field": "attributes.plan", "op": "is", "value": "pro"}]}


def test_a_segment_lives_and_ends(api: Api) -> None:
    made = api.post("/segments", {"name": "Pro", "audience": PRO}, headers={"Idempotency-Key": "one"})
    assert made.status_code == 201
    assert made.json["audience"] == PRO
    again = api.post("/segments", {"name": "Pro", "audience": PRO}, headers={"Idempotency-Key": "one"})
    assert again.json["id"] == made.json["id"]
    path = f"/segments/{made.json['id']}"
    assert api.patch(path, {"name": "Premium", "revision": 1}).json["revision"] == 2
    assert api.patch(path, {"audience": "all", "revision": 1}).status_code == 409
    assert api.patch(path, {"audience": "all"}).json["audience"] == "all"
    assert [each["name"] for each in api.all("/segments", limit=1)] == ["Premium"]
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_what_is_wrong_is_named_by_its_place(api: Api) -> None:
    wrong = {"name": "x", "audience": {"all": [{"field": "id", "op": "is", "value": "1 OR 1=1"}]}}
    refused = api.post("/segments", wrong)
    assert refused.status_code == 422
    assert [each["field"] for each in refused.json["errors"]] == ["audience.all.0.field"]
    for sent in ({"audience": PRO}, {"name": "x"}, {"name": "x", "audience": PRO, "workspace_id": "y"}):
        assert api.post("/segments", sent).status_code == 422


@pytest.mark.parametrize("nobody", [None, ""])
def test_an_audience_that_was_left_empty_is_refused_and_never_means_everybody(
    api: Api, hr: Api, world: World, shop: Workspace, company: Workspace, nobody: str | None
) -> None:
    world.contact(company)
    empty = {"audience": nobody}
    ask = {"survey": world.survey(shop).id, "repeat": "monthly", "at": "2026-12-01T10:00"}
    made = [
        f"/segments/{api.post('/segments', {'name': 'Pro', 'audience': PRO}).json['id']}",
        f"/schedules/{api.post('/schedules', ask | {'audience': PRO}).json['id']}",
    ]
    refused = [api.patch(path, empty) for path in made] + [
        api.post("/segments", {"name": "x"} | empty),
        api.post("/schedules", ask | empty),
        api.post("/audiences/preview", empty),
        hr.post("/pulses", {"survey": world.survey(company, Metric.ENPS).id} | empty),
    ]
    for each in refused:
        assert each.status_code == 422
        assert [problem["field"] for problem in each.json["errors"]] == ["audience"]
    assert [api.get(path).json["audience"] for path in made] == [PRO, PRO]
    assert (len(api.all("/segments")), len(api.all("/schedules")), hr.all("/pulses")) == (1, 1, [])


def test_a_preview_keeps_nothing(api: Api, world: World, shop: Workspace) -> None:
    pro = world.contact(shop, attributes={"plan": "PRO"})
    world.contact(shop)
    seen = api.post("/audiences/preview", {"audience": PRO})
    assert (seen.status_code, seen.json) == (200, {"people": 1, "everybody": 2, "sample": [pro.id]})
    assert api.post("/audiences/preview", {"audience": "all"}).json["people"] == 2
    assert api.all("/segments") == []


@pytest.mark.parametrize("op", ["has", "has_not", "latest"])
@pytest.mark.parametrize(
    ("scores", "wrong"),
    [
        ({"low": 9, "high": 2}, "high"),
        ({"band": "promoter", "high": 8}, "band"),
        ({"band": "detractor", "low": 7}, "band"),
        ({"low": 9, "high": 9}, None),
        ({"band": "promoter", "high": 9}, None),
    ],
)
def test_scores_that_nobody_can_have_given_are_refused_where_they_stand(
    api: Api, op: str, scores: dict[str, object], wrong: str | None
) -> None:
    said = {"all": [{"field": "answered", "op": op, "metric": "nps"} | scores]}
    answer = api.post("/segments", {"name": "x", "audience": said})
    problems = [each["field"] for each in answer.json.get("errors", ())]
    assert (answer.status_code, problems) == ((422, [f"audience.all.0.{wrong}"]) if wrong else (201, []))


def test_a_row_from_before_that_refusal_is_still_shown_and_asked(
    api: Api, world: World, runtime: Runtime, shop: Workspace
) -> None:
    """Upside down it means nobody, as it did; whoever opens it sees what to put right."""
    world.contact(shop)
    segment = api.post("/segments", {"name": "x", "audience": PRO}).json["id"]
    ask = {"survey": world.survey(shop).id, "repeat": "monthly", "at": "2026-12-01T10:00"}
    schedule = api.post("/schedules", ask | {"audience": segment}).json["id"]
    older = {"all": [{"field": "answered", "op": "has", "metric": "nps", "low": 9, "high": 2}]}
    with runtime.db.write() as session:
        session.get_one(Segment, segment).audience = older
    assert [each["audience"] for each in api.all("/segments")] == [older]
    assert api.get(f"/schedules/{schedule}").status_code == 200
    assert api.get(f"/schedules/{schedule}/preview").json["asked"] == 0
    assert api.patch(f"/segments/{segment}", {"name": "y"}).status_code == 200


def test_schedules_and_lists_take_a_segment_or_filters(api: Api, world: World, shop: Workspace) -> None:
    world.contact(shop, attributes={"plan": "pro"}, tags=["vip"])
    world.contact(shop)
    survey = world.survey(shop).id
    segment = api.post("/segments", {"name": "Pro", "audience": PRO}).json["id"]
    body = {"survey": survey, "repeat": "monthly", "at": "2026-12-01T10:00"}
    made = api.post("/schedules", body | {"audience": segment}).json
    assert made["audience"] == segment
    assert api.get(f"/segments/{segment}").json["schedules"] == [made["id"]]
    assert api.get(f"/schedules/{made['id']}/preview").json["asked"] == 1
    assert api.patch(f"/schedules/{made['id']}", {"audience": PRO}).json["audience"] == PRO
    assert api.patch(f"/schedules/{made['id']}", {"audience": "all"}).json["audience"] == "all"
    refused = api.patch(f"/schedules/{made['id']}", {"audience": "u" * 26})
    assert refused.json["errors"][0]["field"] == "audience"
    assert len(api.all("/contacts", segment=segment)) == 1
    assert len(api.all("/contacts", tag="VIP")) == 1
    assert api.get("/contacts", segment="u" * 26).status_code == 404


def test_tags_are_sent_and_read(api: Api) -> None:
    made = api.post("/contacts", {"external_id": "7", "tags": ["VIP", "beta"]}).json
    assert made["tags"] == ["beta", "vip"]
    assert api.patch(f"/contacts/{made['id']}", {"name": "Ana"}).json["tags"] == ["beta", "vip"]
    assert api.patch(f"/contacts/{made['id']}", {"tags": []}).json["tags"] == []
    assert api.patch(f"/contacts/{made['id']}", {"tags": ["a,b"]}).status_code == 422
