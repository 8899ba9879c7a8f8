"""/api/v1/pulses: e-NPS from opening to headline, and nothing of it before it closes."""

from collections.abc import Callable

from app.domain.access import Role
from app.domain.metrics import Metric
from app.models import Workspace
from app.runtime import Runtime
from tests.api_client import Api
from tests.pulse_world import open_pulse
from tests.world import World


def test_a_pulse_opens_for_active_employees(hr: Api, world: World, company: Workspace) -> None:
    survey = hr.post("/surveys", {"name": "Clima", "metric": "enps"}).json["id"]
    assert hr.post("/pulses", {"survey": survey}).status_code == 409
    hr.post(f"/surveys/{survey}/publication")
    assert hr.post("/pulses", {"survey": survey}).status_code == 409  # nobody is there yet
    for _ in range(3):
        world.contact(company, attributes={"site": "sul"})
    world.contact(company, attributes={"site": "norte"})
    made = hr.post("/pulses", {"survey": survey, "audience": {"attributes": {"site": "sul"}}})
    assert made.status_code == 201, made.json
    assert (made.json["state"], made.json["asked"], made.json["answered"]) == ("open", 3, 0)
    assert made.json["closes_at"] == "2026-11-30T13:00:00Z"
    wrong = hr.post("/pulses", {"survey": survey, "closes_at": "2026-11-01T00:00:00Z", "audience": "all"})
    assert wrong.json["errors"][0]["field"] == "closes_at"
    assert hr.post("/pulses", {"survey": survey, "audience": {"team": "x"}}).status_code == 422
    assert [each["id"] for each in hr.all("/pulses", limit=1)] == [made.json["id"]]


def test_a_schedule_of_pulses_takes_a_pace_and_no_other_terms(
    hr: Api, world: World, company: Workspace
) -> None:
    ask = {"survey": world.survey(company, Metric.ENPS).id, "repeat": "quarterly"}
    for name, value in (("reminders", [3, 7]), ("remind_elsewhere", True), ("their_channel_first", True)):
        refused = hr.post("/schedules", ask | {"terms": {name: value}})
        assert refused.status_code == 422
        assert [each["field"] for each in refused.json["errors"]] == [name]
    assert hr.post("/schedules", ask | {"terms": {"per_hour": 10}}).status_code == 201


def test_nothing_is_told_before_it_closes_and_participation_in_steps(
    hr: Api, world: World, company: Workspace
) -> None:
    pulse = open_pulse(world, 7, workspace=company)
    for number, score in enumerate((9, 10, 9, 3, 7, 8)):
        pulse.answer(number, score, "Gosto daqui")
    id = pulse.pulse.id
    assert hr.get(f"/pulses/{id}").json["answered"] == 5
    told = hr.get("/metrics/enps", pulse=id).json
    assert (told["score"], told["n"], told["hidden"], told["promoters"]) == (None, None, "open", None)
    assert hr.get("/answers").json["items"] == []
    assert "answered" not in {each["state"] for each in hr.all("/invitations")}
    assert {each["kind"] for each in hr.all(f"/contacts/{pulse.contacts[0].id}/timeline")} == {
        "added",
        "asked",
    }
    closed = hr.post(f"/pulses/{id}/closure")
    assert (closed.status_code, closed.json["state"]) == (201, "closed")
    assert hr.post(f"/pulses/{id}/closure").status_code == 409
    told = hr.get("/metrics/enps").json
    assert (told["score"], told["n"], told["promoters"], told["detractors"]) == (33, 6, 3, 1)
    assert "hidden" not in told
    for more in ({"survey": pulse.survey.id}, {"contact": pulse.contacts[0].id}, {"group_by": "channel"}):
        assert hr.get("/metrics/enps", **more).status_code == 422


def test_four_answers_stay_hidden(hr: Api, world: World, company: Workspace) -> None:
    pulse = open_pulse(world, 4, workspace=company)
    for number in range(4):
        pulse.answer(number, 9)
    hr.post(f"/pulses/{pulse.pulse.id}/closure")
    told = hr.get("/metrics/enps", pulse=pulse.pulse.id).json
    assert (told["score"], told["n"], told["hidden"]) == (None, None, "fewer_than_5")


def test_only_an_owners_key_hands_on_the_headline(
    hr: Api, api_for: Callable[..., Api], world: World, company: Workspace, shop: Workspace, runtime: Runtime
) -> None:
    owner = world.user()
    world.member(company, Role.OWNER, owner)
    world.member(shop, Role.VIEWER, owner)
    pulse = open_pulse(world, 6, workspace=company)
    path = f"/pulses/{pulse.pulse.id}/headline"
    assert hr.post(path, {"workspace": shop.id}).status_code == 409  # still open
    for number in range(6):
        pulse.answer(number, 9)
    hr.post(f"/pulses/{pulse.pulse.id}/closure")
    manager = api_for(company, role=Role.MANAGER)
    assert manager.post(path, {"workspace": shop.id}).status_code == 403
    assert hr.post(path, {"workspace": world.workspace().id}).status_code == 422
    handed = hr.post(path, {"workspace": shop.slug})
    assert (handed.status_code, handed.json["workspaces"]) == (201, [shop.id])
    assert hr.delete(path, workspace=shop.id).status_code == 204
    assert hr.post(path, {"workspace": shop.slug}).status_code == 201
    assert hr.delete(path).status_code == 204
